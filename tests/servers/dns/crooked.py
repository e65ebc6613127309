"""A name server of a test's own, in the test's loop, that does what no good one does."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Reply = Callable[[dns.message.Message], bytes | None]


@dataclass
class Crooked:
    """A running server. `asked` has every question, as `udp name type`; `most` were open at once.

    A reply of None is silence. `pause` is how long each answer by UDP is held back, in seconds.
    """

    udp: Reply
    tcp: Reply | None
    pause: float = 0.0
    port: int = 0
    asked: list[str] = field(default_factory=list)
    most: int = 0
    open: int = 0

    def reply(self, transport: str, wire: bytes) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        self.asked.append(f"{transport} {question.name} {question.rdtype.name}")
        answer = self.udp if transport == "udp" else self.tcp
        assert answer is not None
        return answer(query)


@asynccontextmanager
async def crooked(
    udp: Reply,
    tcp: Reply | None = None,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    pause: float = 0.0,
) -> AsyncIterator[Crooked]:
    """Serve until the block ends; without `tcp` its TCP port is closed. `port`: 0 is any."""
    server = Crooked(udp, tcp, pause)
    loop = asyncio.get_running_loop()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            length = int.from_bytes(await reader.readexactly(2), "big")
            answer = server.reply("tcp", await reader.readexactly(length))
            if answer is None:
                await reader.read()
            else:
                writer.write(len(answer).to_bytes(2, "big") + answer)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    transport, listener = None, None
    while transport is None:
        opened, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(server), local_addr=(address, port)
        )
        server.port = opened.get_extra_info("sockname")[1]
        try:
            if tcp is not None:
                listener = await asyncio.start_server(converse, address, server.port)
            transport = opened
        except OSError:
            # Somebody's connection has this port of TCP: another one is as good.
            opened.close()
            if port:
                raise
    try:
        yield server
    finally:
        transport.close()
        if listener is not None:
            listener.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: Crooked) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        server = self._server
        answer = server.reply("udp", data)
        if answer is not None:
            server.open += 1
            server.most = max(server.most, server.open)
            loop = asyncio.get_running_loop()
            loop.call_later(server.pause, self._send, answer, address)

    def _send(self, answer: bytes, address: tuple[str, int]) -> None:
        self._server.open -= 1
        self._transport.sendto(answer, address)


def silence(query: dns.message.Message) -> None:
    """Say nothing."""


def answers(*records: str, rcode: str = "NOERROR", aa: bool = True) -> Reply:
    """Answer every question with `records`, each a line of a zone file with TTL and class."""

    def reply(query: dns.message.Message) -> bytes:
        answer = dns.message.make_response(query)
        answer.set_rcode(dns.rcode.from_text(rcode))
        if aa:
            answer.flags |= dns.flags.AA
        for record in records:
            name, ttl, _, kind, value = record.split(" ", 4)
            answer.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, value))
        return answer.to_wire()

    return reply


def cut(query: dns.message.Message) -> bytes:
    """Say that the answer is too long for UDP."""
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.TC
    return answer.to_wire()


def garbage(query: dns.message.Message) -> bytes:
    """Answer with what is no message."""
    return b"\xff" * 7


def without_edns(reply: Reply) -> Reply:
    """Answer FORMERR to whoever asks with EDNS, as servers from before it do."""

    def old(query: dns.message.Message) -> bytes | None:
        if query.edns < 0:
            return reply(query)
        plain = dns.message.make_response(query)
        plain.use_edns(False)
        plain.set_rcode(dns.rcode.FORMERR)
        return plain.to_wire()

    return old


def under_another_id(reply: Reply) -> Reply:
    """Answer first under an id that nobody asked under, as a forger does."""

    def forged(query: dns.message.Message) -> bytes | None:
        wire = reply(query)
        assert wire is not None
        return bytes([wire[0] ^ 0xFF]) + wire[1:]

    return forged
