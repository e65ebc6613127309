"""The proxy that makes a registry far: nothing is lost on the way, and nothing comes early."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sidebyside.world import far

from servers.process import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ROUND_TRIP = 0.05
MUCH = bytes(range(256)) * 4096 * 24
"""More than may be on the way at once."""


@asynccontextmanager
async def far_echo(
    folder: Path,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Give a connection, through the proxy, to a server that says again what it is told."""
    served: set[asyncio.Task[None] | None] = set()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(asyncio.current_task())
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = free_port()
    async with server, asyncio.timeout(30):
        with far(server.sockets[0].getsockname()[1], port, folder, ROUND_TRIP):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            yield reader, writer
            writer.close()
            await asyncio.gather(*filter(None, served))


async def test_to_connect_takes_a_round_trip_and_each_question_another_one(tmp_path: Path) -> None:
    async with far_echo(tmp_path) as (reader, writer):
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(1, 4):
            writer.write(b"?")
            assert await reader.readexactly(1) == b"?"
            # To connect to the proxy itself took no time, so that the first question waits for it.
            assert loop.time() - began >= 0.9 * (1 + number) * ROUND_TRIP


async def test_all_of_much_arrives_in_order_and_the_end_after_it(tmp_path: Path) -> None:
    async with far_echo(tmp_path) as (reader, writer):
        reading = asyncio.create_task(reader.read())
        writer.write(MUCH)
        writer.write_eof()

        assert await reading == MUCH


async def test_many_small_pieces_arrive_in_order(tmp_path: Path) -> None:
    async with far_echo(tmp_path) as (reader, writer):
        for number in range(200):
            writer.write(bytes([number]))
            await asyncio.sleep(0)

        assert await reader.readexactly(200) == bytes(range(200))


async def test_where_nothing_listens_the_connection_ends(tmp_path: Path) -> None:
    port = free_port()
    with far(free_port(), port, tmp_path, ROUND_TRIP):
        async with asyncio.timeout(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            writer.close()
