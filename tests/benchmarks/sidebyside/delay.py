"""A proxy that makes a registry far: each way takes half a round trip, and connecting a whole one.

Nothing else is changed: no limit of bandwidth, no slow start. It runs as a process of its own, so
that neither tool nor registry pays for it on their loops: `python delay.py PORT TO-PORT SECONDS`.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

_PIECE = 256 * 1024
_ON_THE_WAY = 64
"""Pieces that may be on the way at once; then the sender waits, as a full window makes it wait."""


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    """Carry what comes to the other side, `seconds` later and in order."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_ON_THE_WAY)

    async def take() -> None:
        while True:
            piece = await reader.read(_PIECE)
            await under_way.put((loop.time() + seconds, piece))
            if not piece:
                return

    async def give() -> None:
        while True:
            due, piece = await under_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                with suppress(OSError):
                    writer.write_eof()
                return
            writer.write(piece)
            await writer.drain()

    async with asyncio.TaskGroup() as group:
        group.create_task(take())
        group.create_task(give())


async def _serve(port: int, to: int, seconds: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", to)
        try:
            with suppress(ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    group.create_task(_carry(reader, other_writer, seconds / 2))
                    group.create_task(_carry(other_reader, writer, seconds / 2))
        finally:
            writer.close()
            other_writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port, limit=_PIECE)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
