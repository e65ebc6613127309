"""Something between us and a name server, which lets only a part through."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_UPDATE = 5  # RFC 2136, 1.3: the opcode.

Fault = str
"""`deaf`: an update doesn't arrive. `mute`: it does, and its answer doesn't. `unsigned`: anything
is answered NOERROR by somebody who has no key. Empty: all passes."""


@dataclass
class Relay:
    """A running relay. `updates` counts those that came; `hook` is called before each."""

    host: str
    behind: int
    fault: Fault = ""
    port: int = 0
    updates: int = 0
    hook: Callable[[], None] = field(default=lambda: None)

    async def answer(self, wire: bytes) -> bytes | None:
        update = (wire[2] >> 3) & 0xF == _UPDATE
        if update:
            self.updates += 1
            self.hook()
        if self.fault == "unsigned":
            # The header and nothing else: an answer, of the same opcode, without an error.
            return wire[:2] + bytes([wire[2] | 0x80, 0]) + bytes(8)
        if self.fault == "deaf" and update:
            return None
        reader, writer = await asyncio.open_connection(self.host, self.behind)
        try:
            writer.write(len(wire).to_bytes(2, "big") + wire)
            length = int.from_bytes(await reader.readexactly(2), "big")
            answer = await reader.readexactly(length)
        finally:
            writer.close()
        return None if self.fault == "mute" and update else answer


@asynccontextmanager
async def relay(host: str, port: int) -> AsyncIterator[Relay]:
    """Stand in front of a name server's TCP port until the block ends."""
    between = Relay(host, port)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            length = int.from_bytes(await reader.readexactly(2), "big")
            answer = await between.answer(await reader.readexactly(length))
            if answer is not None:
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(converse, "127.0.0.1", 0)
    between.port = listener.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        listener.close()
