"""What a server may send, in whatever pieces it comes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.registry.http.connection import MOST_HEAD, Connection, NotHttp, SourceFailed

SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-A: b\r\n\r\nhello world"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Trailer: z\r\n\r\n"
)
UNTIL_LOST = b"HTTP/1.1 200 OK\r\n\r\nhello world"
FORETOLD = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + SIZED
OLD = b"HTTP/1.0 200 OK\r\nContent-Length: 11\r\n\r\nhello world"
UPGRADABLE = b"HTTP/1.1 200 OK\r\nUpgrade: h2,h2c\r\nConnection: Upgrade\r\n" + SIZED[17:]
CODED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello world"
LAST = b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 11\r\n\r\nhello world"


class Wire(asyncio.Transport):
    """A transport that keeps what is written, takes only so much, and can be told to end."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.reading = True
        self.unsent = 0
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self.unsent


def connected() -> tuple[Connection, Wire]:
    connection, wire = Connection(), Wire()
    connection.connection_made(wire)
    return connection, wire


async def turns() -> None:
    """Let all that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def asked(
    pieces: list[bytes], method: str = "GET", *, lost: bool = False, most: int = 1000
) -> tuple[Connection, int, bytes]:
    connection, _ = connected()
    asking = asyncio.create_task(connection.ask(method, b"request", 60, most))
    await turns()
    for piece in pieces:
        connection.data_received(piece)
    if lost:
        connection.connection_lost(None)
    head = await asking
    return connection, head.status, connection.body


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place % len(data) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(ends) if a < b]


# Answers


@pytest.mark.parametrize(
    ("answer", "lost", "reusable"),
    [
        (SIZED, False, True),
        (CHUNKED, False, True),
        (FORETOLD, False, True),
        (UNTIL_LOST, True, False),
        (OLD, False, False),
        (LAST, False, False),
        (UPGRADABLE, False, True),
        (CODED, True, False),
    ],
    ids=["sized", "chunked", "foretold", "until lost", "old", "last", "upgradable", "coded"],
)
@given(places=st.lists(st.integers(0, 500), max_size=12))
def test_an_answer_is_the_same_however_it_is_cut(
    answer: bytes, lost: bool, reusable: bool, places: list[int]
) -> None:
    connection, status, body = asyncio.run(asked(cut(answer, places), lost=lost))
    assert (status, body, connection.reusable) == (200, b"hello world", reusable)


async def test_an_answer_without_a_body_ends_with_its_head() -> None:
    for method, head in (
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 11\r\n\r\n"),
        ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("CONNECT", b"HTTP/1.1 200 Connection established\r\n\r\n"),
    ):
        connection, _, body = await asked([head], method)
        assert body == b""
        assert connection.reusable == (method != "CONNECT")


async def test_one_answer_comes_after_another() -> None:
    connection, wire = connected()
    for _ in range(2):
        asking = asyncio.create_task(connection.ask("GET", b"request;", 60, 1000))
        await turns()
        connection.data_received(CHUNKED)
        await asking
        assert connection.body == b"hello world"
        assert connection.reusable
    assert wire.written == b"request;request;"


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * (MOST_HEAD // 8 + 1),
        CHUNKED[:-2] + b"X-A: b\r\n" * (MOST_HEAD // 8 + 1000),
        CHUNKED[:-20] + b"0;" + b"x" * (MOST_HEAD + 1000),
    ],
    ids=[
        "mail",
        "two lengths",
        "less than nothing",
        "no chunk",
        "upgrade",
        "endless head",
        "endless trailers",
        "endless extension",
    ],
)
async def test_what_is_not_http_is_said_to_be_none(answer: bytes) -> None:
    with pytest.raises(NotHttp):
        await asked([answer[:1000], answer[1000:]])


async def test_large_chunks_are_no_endless_head() -> None:
    chunk = bytes(MOST_HEAD)
    answer = CHUNKED[:47] + (b"%x\r\n%b\r\n" % (len(chunk), chunk)) * 3 + b"0\r\n\r\n"
    _, _, body = await asked(cut(answer, [60, MOST_HEAD, 2 * MOST_HEAD]), most=len(answer))
    assert body == chunk * 3


async def test_small_chunks_that_come_together_are_one_piece() -> None:
    connection, _ = connected()
    opening = asyncio.create_task(connection.open("GET", b"request", 60, 1000))
    await turns()
    connection.data_received(CHUNKED)
    await opening
    assert [await connection.piece(60), await connection.piece(60)] == [b"hello world", b""]


async def test_more_than_was_announced_is_nobodys() -> None:
    connection, _, body = await asked([SIZED + b"HTTP/1.1 200 OK\r\n\r\n"])
    assert body == b"hello world"
    assert not connection.reusable

    connection, _, _ = await asked([SIZED])
    connection.data_received(b"HTTP/1.1 200 OK\r\n")
    assert not connection.reusable

    for answer in (SIZED, CHUNKED):
        connection, _, _ = await asked([answer + b"HTTP/1.1 2"])
        assert not connection.reusable

    connection, _, _ = await asked([SIZED[:-3]], "HEAD")
    assert not connection.reusable


async def test_an_answer_that_ends_early_is_lost() -> None:
    for part in (b"", SIZED[:30], SIZED[:-1], CHUNKED[:-5], UNTIL_LOST[:10]):
        with pytest.raises(ConnectionError):
            await asked([part] if part else [], lost=True)


async def test_a_body_longer_than_wanted_is_not_taken_to_its_end() -> None:
    connection, _, body = await asked([SIZED[:-3]], most=4)
    assert len(body) > 4
    assert not connection.reusable


async def test_each_part_of_an_answer_has_its_time() -> None:
    connection, _ = connected()
    asking = asyncio.create_task(connection.ask("GET", b"request", 0.2, 1000))
    for piece in cut(SIZED, [len(SIZED) - 2, len(SIZED) - 4]):
        await asyncio.sleep(0.12)
        connection.data_received(piece)
    assert (await asking).status == 200

    asking = asyncio.create_task(connection.ask("GET", b"request", 0.05, 1000))
    await turns()
    connection.data_received(SIZED[:-1])
    with pytest.raises(TimeoutError):
        await asking


async def test_an_answer_that_came_in_time_counts_though_nobody_had_time_to_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection, _ = connected()
    opening = asyncio.create_task(connection.open("GET", b"request", 60, 1000))
    await turns()
    loop = asyncio.get_running_loop()
    now = loop.time()
    loop.call_soon(connection.data_received, SIZED[:-3])
    monkeypatch.setattr(loop, "time", lambda: now + 100)  # The machine has been asleep.
    await opening
    assert await connection.piece(60) == b"hello wo"
    loop.call_soon(connection.data_received, SIZED[-3:])
    assert await connection.piece(60) == b"rld"


# Streams


async def test_no_more_comes_in_than_is_wanted() -> None:
    connection, wire = connected()
    opening = asyncio.create_task(connection.open("GET", b"request", 60, 4))
    await turns()
    connection.data_received(SIZED[:-3])
    assert (await opening).fields["x-a"] == "b"
    assert not wire.reading
    assert await connection.piece(60) == b"hello wo"
    assert wire.reading
    connection.data_received(b"rld")
    assert [await connection.piece(60), await connection.piece(60)] == [b"rld", b""]
    assert connection.reusable


async def test_what_has_come_is_given_before_the_loss_is_told() -> None:
    connection, _ = connected()
    opening = asyncio.create_task(connection.open("GET", b"request", 60, 1000))
    await turns()
    connection.data_received(SIZED[:-3])
    connection.connection_lost(ConnectionResetError(104, "reset"))
    await opening
    assert await connection.piece(60) == b"hello wo"
    with pytest.raises(ConnectionResetError):
        await connection.piece(60)


async def test_what_is_left_unread_does_not_hold_up_the_next_answer() -> None:
    connection, wire = connected()
    opening = asyncio.create_task(connection.open("GET", b"request", 60, 4))
    await turns()
    connection.data_received(CHUNKED)
    await opening
    assert wire.reading
    assert connection.reusable


async def test_nothing_is_kept_of_an_answer_while_nothing_is_asked() -> None:
    connection, _, _ = await asked([SIZED])
    connection.rest()
    assert connection.body == b""
    assert connection.reusable


async def test_an_end_of_our_own_is_not_that_of_a_body() -> None:
    connection, _ = connected()
    opening = asyncio.create_task(connection.open("GET", b"request", 60, 1000))
    await turns()
    connection.data_received(UNTIL_LOST)
    await opening
    connection.close()
    connection.connection_lost(None)
    assert await connection.piece(60) == b"hello world"
    with pytest.raises(ConnectionError):
        await connection.piece(60)


# Bodies of requests


async def pieces(*contents: bytes, error: Exception | None = None) -> AsyncIterator[bytes]:
    for content in contents:
        yield content
    if error:
        raise error


async def test_a_body_goes_out_as_it_is_taken() -> None:
    connection, wire = connected()
    body = pieces(b"a", b"b", b"c")
    connection.pause_writing()
    sending = asyncio.create_task(connection.send("PUT", b"head;", body, 3, 60, 60, 1000))
    await turns()
    assert wire.written == b"head;a"
    connection.resume_writing()
    await turns()
    assert wire.written == b"head;abc"
    connection.data_received(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
    assert (await sending).status == 201
    assert connection.reusable


async def test_who_takes_nothing_is_waited_for_so_long() -> None:
    for body in (pieces(b"a"), b"a"):
        connection, _ = connected()
        connection.pause_writing()
        with pytest.raises(TimeoutError):
            await connection.send("PUT", b"head;", body, 1, 0.01, 60, 1000)


async def test_an_answer_before_all_is_sent_ends_the_sending() -> None:
    connection, wire = connected()
    connection.pause_writing()
    body = pieces(b"a", b"b")
    sending = asyncio.create_task(connection.send("PUT", b"head;", body, 2, 60, 60, 1000))
    await turns()
    connection.data_received(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    assert (await sending).status == 413
    await body.aclose()  # type: ignore[attr-defined]  # an async generator, as above
    assert wire.written == b"head;a"
    assert not connection.reusable


async def test_what_is_still_in_the_way_out_spoils_a_connection() -> None:
    connection, wire = connected()
    sending = asyncio.create_task(connection.send("PUT", b"head;", b"body", 4, 60, 60, 1000))
    await turns()
    wire.unsent = 2
    connection.data_received(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    await sending
    assert not connection.reusable


@pytest.mark.parametrize(("size", "sent"), [(1, b"head;a"), (3, b"head;ab")], ids=["over", "under"])
async def test_a_body_has_the_size_that_was_said(size: int, sent: bytes) -> None:
    """What is too much would be read as the next request; what is missing, waited for."""
    connection, wire = connected()
    with pytest.raises(SourceFailed) as failed:
        await connection.send("PUT", b"head;", pieces(b"a", b"b"), size, 60, 60, 1000)
    assert isinstance(failed.value.reason, ValueError)
    assert wire.written == sent
    assert not connection.reusable


async def test_what_the_source_raises_is_told_as_its_own() -> None:
    error = OSError("a disk")
    connection, _ = connected()
    with pytest.raises(SourceFailed) as failed:
        await connection.send("PUT", b"head;", pieces(b"a", error=error), 2, 60, 60, 1000)
    assert failed.value.reason is error
    assert not connection.reusable


async def test_who_gives_up_lets_go_of_the_source() -> None:
    begun = asyncio.Event()

    async def hangs() -> AsyncIterator[bytes]:
        begun.set()
        await asyncio.Event().wait()
        yield b""

    connection, _ = connected()
    source = hangs()
    sending = asyncio.create_task(connection.send("PUT", b"head;", source, 2, 60, 60, 1000))
    await begun.wait()
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sending
    await source.aclose()  # type: ignore[attr-defined]  # an async generator, as above
    assert not connection.reusable


async def test_who_gives_up_while_the_source_is_let_go_of_waits_for_that() -> None:
    letting_go, gone = asyncio.Event(), asyncio.Event()

    async def lingers() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            await asyncio.Event().wait()
        finally:
            letting_go.set()
            await gone.wait()

    connection, _ = connected()
    source = lingers()
    sending = asyncio.create_task(connection.send("PUT", b"head;", source, 2, 60, 60, 1000))
    await turns()
    connection.data_received(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    await letting_go.wait()
    sending.cancel()
    await turns()
    gone.set()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await source.aclose()  # type: ignore[attr-defined]  # an async generator, as above
    assert not connection.reusable


async def test_an_end_is_an_end() -> None:
    connection, wire = connected()
    connection.close()
    assert wire.closed
    connection.connection_lost(None)
    with pytest.raises(ConnectionError):
        await connection.ask("GET", b"request", 60, 1000)
