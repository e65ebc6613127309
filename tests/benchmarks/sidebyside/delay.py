"""A proxy that makes a registry far: each way takes half a round trip, and connecting a whole one.

Nothing else is changed: no limit of bandwidth, no slow start. It runs as a process of its own, so
that neither tool nor registry pays for it on their loops: `python delay.py PORT TO-PORT SECONDS`.
It shares the cores with them, and so does as little as it can for each piece.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import cast

_ON_THE_WAY = 16 * 1024 * 1024
"""Bytes that may be on the way at once; then the sender waits, as a full window makes it wait."""


class End(asyncio.Protocol):
    """One end of a connection. What comes in here leaves at the `other` end, `seconds` later."""

    def __init__(self, seconds: float) -> None:
        self.other: End | None = None
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._on_the_way: deque[tuple[float, bytes | None]] = deque()
        """Pieces, with when each is due; None ends the connection, an empty one its direction."""
        self._bytes = 0
        self._waits = False
        self._full = False
        self._said_all = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Send a piece on its way."""
        self._set_out(data)
        if self._bytes >= _ON_THE_WAY and self._transport is not None:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Send on its way that nothing more comes; what comes back still passes."""
        self._said_all = True
        self._set_out(b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Send on its way that the connection has ended."""
        self._transport = None
        self._set_out(None)

    def pause_writing(self) -> None:
        """Let what is to leave here wait."""
        self._full = True

    def resume_writing(self) -> None:
        """Let it leave again."""
        self._full = False
        if self.other is not None:
            self.other.deliver()

    def deliver(self) -> None:
        """Let leave what is due at the other end, and come back for the rest."""
        if self.other is None or self._waits:
            return
        now = self._loop.time()
        while self._on_the_way and not self.other._full:
            due, piece = self._on_the_way[0]
            if due > now:
                self._waits = True
                self._loop.call_at(due, self._arrive)
                break
            self._on_the_way.popleft()
            self._bytes -= len(piece or b"")
            self.other._leave(piece)
        if self._transport is not None and self._bytes < _ON_THE_WAY:
            self._transport.resume_reading()

    def _set_out(self, piece: bytes | None) -> None:
        self._bytes += len(piece or b"")
        self._on_the_way.append((self._loop.time() + self._seconds, piece))
        self.deliver()

    def _arrive(self) -> None:
        self._waits = False
        self.deliver()

    def _leave(self, piece: bytes | None) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if piece:
            self._transport.write(piece)
        elif piece is None or self._said_all:
            self._transport.close()
        else:
            self._transport.write_eof()


class Near(End):
    """The end at the tool: the registry is connected to once that has taken its time."""

    def __init__(self, to: int, seconds: float) -> None:
        super().__init__(seconds / 2)
        self._to = to
        self._round_trip = seconds
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        self._connecting = self._loop.create_task(self._connect())

    def connection_lost(self, exc: Exception | None) -> None:
        """Send on its way that the connection has ended, or don't connect any more."""
        if self._connecting is not None:
            self._connecting.cancel()
        super().connection_lost(exc)

    async def _connect(self) -> None:
        await asyncio.sleep(self._round_trip)
        far = End(self._seconds)
        far.other = self
        try:
            await self._loop.create_connection(lambda: far, "127.0.0.1", self._to)
        except OSError:
            self._leave(None)
            return
        self.other = far
        # What came meanwhile has a way before it yet.
        self._on_the_way = deque(
            (self._loop.time() + self._seconds, p) for _, p in self._on_the_way
        )
        self.deliver()


async def _serve(port: int, to: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Near(to, seconds), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
