from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator

import pytest

from transship.registries.outgoing import Outgoing, PatientSocket, patient_socket

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@pytest.fixture
def reset() -> Iterator[PatientSocket]:
    """A connection whose peer has answered and then reset it, with a request unread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        ours = patient_socket(address)
        assert isinstance(ours, PatientSocket)
        ours.connect(address[4])
        theirs, _ = listener.accept()
        with ours:
            with theirs:
                theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                ours.send(b"a request")
                theirs.recv(1)
                theirs.sendall(b"the answer")
            yield ours


@pytest.mark.parametrize("several", [False, True], ids=["send", "sendmsg"])
def test_a_write_waits_once_and_the_answer_can_be_read(reset: PatientSocket, several: bool) -> None:
    def write() -> None:
        if several:
            reset.sendmsg([b"more ", b"of it"])
        else:
            reset.send(b"more of it")

    with pytest.raises(BlockingIOError):
        write()
    assert reset.recv(100) == b"the answer"
    with pytest.raises(BrokenPipeError):
        write()


async def pieces(*contents: bytes, error: Exception | None = None) -> AsyncIterator[bytes]:
    for content in contents:
        yield content
    if error:
        raise error


async def all_of(data: AsyncIterator[bytes] | bytes) -> list[bytes]:
    assert not isinstance(data, bytes)
    return [piece async for piece in data]


async def test_a_body_goes_out_as_it_comes() -> None:
    outgoing = Outgoing(pieces(b"a", b"b"), 10)
    async with outgoing.deadline:
        assert await all_of(outgoing.data) == [b"a", b"b"]
        assert outgoing.deadline.when() is None
    assert outgoing.failure is None
    assert Outgoing(b"ab", 10).data == b"ab"


async def test_each_piece_has_its_time() -> None:
    outgoing = Outgoing(pieces(b"a", b"b"), 10)
    now = asyncio.get_running_loop().time()
    async with outgoing.deadline:
        data = outgoing.data
        assert not isinstance(data, bytes)
        async for _ in data:
            assert outgoing.deadline.when() == pytest.approx(now + 10, abs=5)


async def test_the_time_that_the_source_takes_does_not_count() -> None:
    async def source() -> AsyncIterator[bytes]:
        for piece in (b"a", b"b"):
            running.append(outgoing.deadline.when())
            yield piece
        running.append(outgoing.deadline.when())

    running: list[float | None] = []
    outgoing = Outgoing(source(), 10)
    async with outgoing.deadline:
        assert await all_of(outgoing.data) == [b"a", b"b"]
    assert running == [None, None, None]


async def test_what_the_source_raises_is_kept() -> None:
    error = OSError("a disk")
    outgoing = Outgoing(pieces(b"a", error=error), 10)
    async with outgoing.deadline:
        with pytest.raises(OSError, match="a disk"):
            await all_of(outgoing.data)
    assert outgoing.failure is error


async def test_it_is_settled_when_the_source_is_no_longer_read() -> None:
    begun = asyncio.Event()

    async def hangs() -> AsyncIterator[bytes]:
        begun.set()
        await asyncio.Event().wait()
        yield b""

    source = hangs()
    outgoing = Outgoing(source, 10)
    await outgoing.settled()
    reading = asyncio.create_task(all_of(outgoing.data))
    await begun.wait()
    settling = asyncio.create_task(outgoing.settled())
    await asyncio.sleep(0)
    assert not settling.done()
    reading.cancel()
    await settling
    await source.aclose()  # type: ignore[attr-defined]  # an async generator, as above
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert outgoing.failure is None
