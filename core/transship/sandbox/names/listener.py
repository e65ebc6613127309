"""DNS messages by UDP and TCP at one port of loopback (RFC 1035, 4.2)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import cast

import dns.exception
import dns.flags
import dns.message

from transship.concurrency import Runs, end

LOOPBACK = "127.0.0.1"

Respond = Callable[[bytes], Awaitable[dns.message.Message | None]]
"""What answers one message; None answers nothing."""

_PLAIN_PAYLOAD = 512
_LONGEST_PAYLOAD = 1232
_IDLE_SECONDS = 10.0
_TRIES = 20


class Listener(Runs):
    """Answers what comes while it is entered, at `port`, which the system chooses."""

    def __init__(self, respond: Respond) -> None:
        self.port = 0
        self._respond = respond
        self._work: set[asyncio.Task[None]] = set()

    async def _start(self, stack: AsyncExitStack) -> None:
        datagrams, stream = _sockets()
        self.port = stream.getsockname()[1]
        server = await asyncio.start_server(self._serve_stream, sock=stream)
        stack.push_async_callback(lambda: end(*self._work))
        stack.callback(server.close)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._serve_datagram), sock=datagrams
        )
        stack.callback(transport.close)

    def _serve_datagram(
        self, wire: bytes, client: tuple[str, int], transport: asyncio.DatagramTransport
    ) -> None:
        async def answer() -> None:
            response = await self._respond(wire)
            if response is not None and not transport.is_closing():
                transport.sendto(_fitted(response), client)

        task = asyncio.create_task(answer())
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _serve_stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._work.add(task)
        try:
            with suppress(OSError, EOFError, TimeoutError):
                await self._talk(reader, writer)
        finally:
            self._work.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one message after the other, each behind its length (RFC 7766, 8)."""
        while True:
            async with asyncio.timeout(_IDLE_SECONDS):
                length = int.from_bytes(await reader.readexactly(2), "big")
                wire = await reader.readexactly(length)
            response = await self._respond(wire)
            if response is None:
                return
            sent = response.to_wire()
            writer.write(len(sent).to_bytes(2, "big") + sent)
            await writer.drain()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(
        self, serve: Callable[[bytes, tuple[str, int], asyncio.DatagramTransport], None]
    ) -> None:
        self._serve = serve
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        self._serve(data, addr, self._transport)


def _sockets() -> tuple[socket.socket, socket.socket]:
    """Return a socket for datagrams and one that listens, both at one free port of loopback."""
    for attempt in range(_TRIES):
        stream = socket.create_server((LOOPBACK, 0))
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(stream.getsockname())
        except OSError:
            stream.close()
            datagrams.close()
            if attempt == _TRIES - 1:
                raise
            continue
        datagrams.setblocking(False)
        return datagrams, stream
    raise AssertionError


def _fitted(response: dns.message.Message) -> bytes:
    """Return the answer as it goes by UDP: cut where it is longer than what was asked for."""
    asked = response.request_payload if response.edns >= 0 else 0
    payload = min(max(asked, _PLAIN_PAYLOAD), _LONGEST_PAYLOAD)
    try:
        return response.to_wire(max_size=payload)
    except dns.exception.TooBig:
        response.answer, response.authority, response.additional = [], [], []
        response.flags |= dns.flags.TC
        return response.to_wire(max_size=payload)
