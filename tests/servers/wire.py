"""HTTP/1.1 as bytes on asyncio streams: heads, bodies and their framing (RFC 9112).

The tests' servers read and write it by hand, and not with a library, because the client under
test stands on such libraries, and because a fault is a statement about exact bytes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

PIECE_BYTES = 256 * 1024

_CRLF = b"\r\n"
_TLS_HANDSHAKE = b"\x16"


class NotHttp(ConnectionError):
    """The peer speaks TLS to a port that does not."""


@dataclass(frozen=True, slots=True)
class Head:
    """A start line and its headers. `raw` is what was on the wire, with the empty line."""

    raw: bytes
    start: tuple[str, str, str]
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """Return the first value of the header `name`, whatever its case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return (self.get("Transfer-Encoding") or "").lower() == "chunked"

    @property
    def length(self) -> int | None:
        """The declared length of the body in bytes."""
        value = self.get("Content-Length")
        return None if value is None else int(value)

    @property
    def closes(self) -> bool:
        """Whether the connection ends after this message."""
        return "HTTP/1.0" in self.start or (self.get("Connection") or "").lower() == "close"


def head_of(start: tuple[str, str, str], headers: Iterable[tuple[str, str]]) -> Head:
    """Return a head of its own making, as it goes over the wire."""
    kept = tuple(headers)
    lines = [" ".join(start), *(f"{name}: {value}" for name, value in kept), "", ""]
    return Head("\r\n".join(lines).encode("latin-1"), start, kept)


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read the next head; None when the peer has closed instead of sending one."""
    first = await reader.read(1)
    if first == _TLS_HANDSHAKE:
        raise NotHttp
    if not first:
        return None
    raw = first + await _until(reader, b"\r\n\r\n")
    first_line, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    first_word, _, rest = first_line.partition(" ")
    second_word, _, rest = rest.partition(" ")
    pairs = (line.partition(":") for line in lines)
    headers = tuple((name, value.strip()) for name, _, value in pairs)
    return Head(raw, (first_word, second_word, rest), headers)


def request_body(reader: asyncio.StreamReader, head: Head) -> AsyncIterator[bytes]:
    """Yield the body of a request in pieces, without its framing."""
    return _chunks(reader) if head.chunked else _exactly(reader, head.length or 0)


def response_body(reader: asyncio.StreamReader, head: Head, method: str) -> AsyncIterator[bytes]:
    """Yield the body of a response to `method` in pieces, without its framing."""
    if method == "HEAD" or head.start[1] in {"204", "304"} or head.start[1].startswith("1"):
        return _exactly(reader, 0)
    if head.chunked:
        return _chunks(reader)
    return _exactly(reader, head.length) if head.length is not None else _until_end(reader)


def framed(piece: bytes, head: Head) -> bytes:
    """Return `piece` as it stands in the body of the message that `head` begins."""
    return b"%x\r\n%b\r\n" % (len(piece), piece) if head.chunked else piece


def end_of_body(head: Head) -> bytes:
    """Return what follows the last piece of the body."""
    return b"0\r\n\r\n" if head.chunked else b""


async def _exactly(reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
    while length:
        piece = await reader.read(min(length, PIECE_BYTES))
        if not piece:
            raise ConnectionError(f"the peer closed with {length} bytes of the body to go")
        length -= len(piece)
        yield piece


async def _until_end(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while piece := await reader.read(PIECE_BYTES):
        yield piece


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int((await _until(reader, _CRLF)).partition(b";")[0], 16):
        async for piece in _exactly(reader, size):
            yield piece
        await _until(reader, _CRLF)
    while await _until(reader, _CRLF) != _CRLF:
        pass


async def _until(reader: asyncio.StreamReader, end: bytes) -> bytes:
    try:
        return await reader.readuntil(end)
    except asyncio.IncompleteReadError:
        raise ConnectionError("the peer closed in the middle of a message") from None
