"""Connections that are kept, and what is sent again when one of them was closed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from servers.process import LOOPBACK
from transship import errors
from transship.registry.credential import Tls
from transship.registry.http.client import Transport

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Fickle:
    """A server that answers `lives` requests on each connection, and takes in one more."""

    def __init__(self) -> None:
        self.lives = 1
        self.connections = 0
        self.methods: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        for _ in range(self.lives):
            if not await self._take(reader):
                break
            writer.write(ANSWER)
        else:
            await self._take(reader)
        writer.close()

    async def _take(self, reader: asyncio.StreamReader) -> bool:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        self.methods.append(head.split()[0].decode())
        return True


@pytest.fixture
async def fickle() -> AsyncIterator[Fickle]:
    server = Fickle()
    async with await asyncio.start_server(server.serve, LOOPBACK, 0) as listener:
        server.url = f"http://{LOOPBACK}:{listener.sockets[0].getsockname()[1]}"
        yield server


@pytest.fixture
async def transport(fickle: Fickle) -> AsyncIterator[Transport]:
    transport = Transport(fickle.url.partition("//")[2], Tls())
    yield transport
    await transport.aclose()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_what_changes_nothing_more_is_sent_again(
    fickle: Fickle, transport: Transport, method: str
) -> None:
    for _ in range(2):
        assert (await transport.request(method, fickle.url)).status == 200
    assert fickle.methods == [method] * 3
    assert fickle.connections == 2


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_what_may_have_begun_something_is_not(
    fickle: Fickle, transport: Transport, method: str
) -> None:
    await transport.request(method, fickle.url)
    with pytest.raises(errors.ConnectionLost):
        await transport.request(method, fickle.url)
    assert fickle.methods == [method] * 2


async def test_on_a_fresh_connection_nothing_is_sent_again(
    fickle: Fickle, transport: Transport
) -> None:
    fickle.lives = 0
    with pytest.raises(errors.ConnectionLost):
        await transport.request("GET", fickle.url)
    assert fickle.methods == ["GET"]


async def test_a_query_right_after_the_host_is_no_part_of_where_that_is(
    fickle: Fickle, transport: Transport
) -> None:
    """A token server may be at such an address, with another query each time."""
    fickle.lives = 99
    for scope in ("a", "b"):
        await transport.request("GET", f"{fickle.url}?scope={scope}")
    assert fickle.connections == 1


async def test_several_at_once_have_a_connection_each_and_keep_it(
    fickle: Fickle, transport: Transport
) -> None:
    fickle.lives = 99
    for _ in range(2):
        await asyncio.gather(*(transport.request("GET", fickle.url) for _ in range(5)))
    assert fickle.connections == 5


async def test_what_was_idle_for_long_is_not_used_again(
    fickle: Fickle, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    fickle.lives = 99
    loop = asyncio.get_running_loop()
    time = loop.time
    await transport.request("GET", fickle.url)
    monkeypatch.setattr(loop, "time", lambda: time() + 14)
    await transport.request("GET", fickle.url)
    assert fickle.connections == 1
    monkeypatch.setattr(loop, "time", lambda: time() + 30)
    await transport.request("GET", fickle.url)
    assert fickle.connections == 2
