"""One connection: a request, its answer, and then the next one (RFC 9112, section 9)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import cast

import httptools

from transship.registries.wire.heads import Head, answer_head
from transship.registries.wire.waiting import Waiting

MOST_HEAD = 256 * 1024
"""How many bytes the head of an answer may have, and what is between the parts of its body."""

_NO_BODY = frozenset({204, 304})


class NotHttp(Exception):
    """What came isn't HTTP."""


class SourceFailed(Exception):
    """What was to be sent couldn't be read, for a `reason` of its own."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(reason)
        self.reason = reason


class Connection(asyncio.Protocol):
    """A connection to a server or a proxy, of which one thing at a time is asked.

    Raises NotHttp, TimeoutError, and OSError (of TLS, too) where it was lost. After any of these,
    and when an answer wasn't taken to its end, it isn't `reusable`, and is to be closed.
    """

    def __init__(self) -> None:
        self.lost = False
        """Whether it has ended, by whomever."""
        self.idle_since: float | None = None
        """Since when it is kept for the next request, by the loop's clock; None if it is new."""
        self._answered = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._raw: list[tuple[bytes, bytes]] = []
        self._head: Head | None = None
        self._head_bytes = 0
        self._method = ""
        self._keeps = False
        self._sent = True
        self._until_lost = False
        self._left: int | None = None
        self._parts: list[bytes] = []
        self._pieces: deque[bytes] = deque()
        self._buffered = 0
        self._most = 0
        self._whole = False
        self._ended = True
        self._holding = False
        self._failure: Exception | None = None
        self._waiting = Waiting(lambda: self._fail(TimeoutError()))
        self._room: asyncio.Future[None] | None = None
        self._full = False

    # What is asked

    async def ask(self, method: str, request: bytes, seconds: float, most: int) -> Head:
        """Send a request and wait for the whole answer; what came of its body is in `body`.

        Each next part of it may take `seconds`. A body of more than `most` bytes isn't taken to
        its end.
        """
        self._begin(method, most, whole=True)
        self._write(request)
        while not self._ended and self._buffered <= most:
            await self._wait(seconds)
        assert self._head is not None
        return self._head

    async def open(self, method: str, request: bytes, seconds: float, ahead: int) -> Head:
        """Send a request and wait for the head of its answer.

        Of the body about `ahead` bytes come in before they are wanted.
        """
        self._begin(method, ahead, whole=False)
        self._write(request)
        return await self._answer(seconds)

    async def send(
        self,
        method: str,
        head: bytes,
        body: AsyncIterator[bytes] | bytes,
        size: int,
        taking: float,
        answering: float,
        ahead: int,
    ) -> Head:
        """Send a request with its body of `size` bytes and wait for the head of the answer.

        That is as `open` does. The other side may take `taking` seconds for a piece, and
        `answering` seconds to answer once it has all. An answer that comes before counts. On
        return `body` is no longer read.

        Raises SourceFailed with what that raised, or with ValueError for one of another size.
        """
        self._begin(method, ahead, whole=False)
        if isinstance(body, bytes):
            self._write(head + body)
            while self._full and self._head is None:
                await self._wait(taking)
            return await self._answer(answering)
        self._write(head)
        pouring = self._loop.create_task(self._pour(body, size, taking))
        pouring.add_done_callback(self._poured)
        self._sent = False
        try:
            while self._head is None and not pouring.done():
                await self._wait(None)
            if self._head is None and (failure := pouring.exception()) is not None:
                raise SourceFailed(failure)
            return await self._answer(answering)
        finally:
            pouring.cancel()
            try:
                await asyncio.wait([pouring])
            except asyncio.CancelledError:
                await asyncio.wait([pouring])
                raise

    async def piece(self, seconds: float) -> bytes:
        """Return the next bytes of the answer's body, nothing at its end."""
        while not self._pieces:
            if self._ended:
                return b""
            await self._wait(seconds)
        piece = self._pieces.popleft()
        self._buffered -= len(piece)
        if self._buffered < self._most:
            self._read_on()
        return piece

    @property
    def body(self) -> bytes:
        """All that has come of the answer's body and wasn't taken yet."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    @property
    def reusable(self) -> bool:
        """Whether the next request may go this way."""
        sent = self._sent and self._writable and not self.transport.get_write_buffer_size()
        return self._ended and self._keeps and sent

    @property
    def was_stale(self) -> bool:
        """Whether it was used before, and ended this time before anything was answered."""
        return self.idle_since is not None and self.lost and not self._answered

    @property
    def transport(self) -> asyncio.Transport:
        """What carries it."""
        assert self._transport is not None
        return self._transport

    def rest(self) -> None:
        """Wait for the next request, with nothing kept of the last one and its answer."""
        self.idle_since = self._loop.time()
        self._head = None
        self._raw = []
        self._pieces.clear()

    def close(self) -> None:
        """End it at once, whatever is under way."""
        self._keeps = self._until_lost = False
        self._waiting.close()
        if self._transport is not None and not self.lost:
            self._transport.abort()

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take in what has come."""
        self._answered = True
        if self._left is not None:
            self._take(data)
        elif self._parser is not None:
            self._feed(data)
        elif self._ended:
            self.close()  # Nobody has asked.

    def connection_lost(self, exc: Exception | None) -> None:
        """End: to a body without a length that is its end."""
        self.lost = True
        self._full = False
        if not self._ended:
            if exc is None and self._until_lost:
                self._end()
            else:
                self._fail(exc or ConnectionError())
        self._make_room()

    def pause_writing(self) -> None:
        """Wait: the other side takes nothing at present."""
        self._full = True

    def resume_writing(self) -> None:
        """Go on."""
        self._full = False
        self._make_room()
        self._waiting.wake()

    # What the parser calls

    def on_message_begin(self) -> None:
        """Take in the beginning of an answer: only one is asked for."""
        if self._head is not None:
            self._keeps = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a field of the head; those after a body tell nothing that is asked for."""
        if self._head is None:
            self._raw.append((name, value))

    def on_headers_complete(self) -> None:
        """Take in the end of the head: what follows depends on it."""
        assert self._parser is not None
        status = self._parser.get_status_code()
        self._head_bytes = 0
        if status < 200:  # There is another answer to come.
            self._raw = []
            return
        head = self._head = answer_head(status, self._raw)
        coded = head.fields.get("transfer-encoding", "").lower()
        chunked = coded.endswith("chunked")
        length = None if coded else head.fields.get("content-length")
        bodiless = self._method == "HEAD" or status in _NO_BODY
        tunnel = self._method == "CONNECT" and status < 300
        options = head.fields.get("connection", "").lower()
        lasting = self._parser.get_http_version() != "1.0" or "keep-alive" in options
        sized = bodiless or chunked or length is not None
        self._keeps = lasting and "close" not in options and sized
        self._until_lost = not sized
        if bodiless or tunnel or length == "0":
            self._end()
        elif length is not None:
            self._left = int(length)
        if not self._whole:
            self._waiting.wake()

    def on_body(self, body: bytes) -> None:
        """Take in a part of a body that came with its head, or in chunks."""
        if self._ended:
            self._keeps = False
        elif self._head is not None:
            self._head_bytes = 0
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Take in the end of a body in chunks."""
        if self._head is not None and not self._ended:
            self._join()
            self._end()

    # Within

    def _begin(self, method: str, most: int, *, whole: bool) -> None:
        self._answered = False
        self._method = method
        self._most = most
        self._whole = whole
        self._parser = httptools.HttpResponseParser(self)
        self._raw = []
        self._head = None
        self._head_bytes = 0
        self._keeps = self._until_lost = False
        self._sent = True
        self._left = None
        self._parts.clear()
        self._pieces.clear()
        self._buffered = 0
        self._ended = False
        self._failure = ConnectionError() if self.lost else None

    def _write(self, data: bytes) -> None:
        if self._writable and self._transport is not None:
            self._transport.write(data)

    @property
    def _writable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def _answer(self, seconds: float) -> Head:
        while self._head is None:
            await self._wait(seconds)
        return self._head

    async def _pour(self, body: AsyncIterator[bytes], size: int, seconds: float) -> bool:
        """Send a body piece by piece, until it is answered; tell whether all of it was sent."""
        async for piece in body:
            if self._head is not None or not self._writable:
                return False
            size -= len(piece)
            if size < 0:  # The server would take what is too much for the next request.
                raise ValueError("a body that is longer than was said")
            self._write(piece)
            if self._full and self._head is None:
                self._room = self._loop.create_future()
                try:
                    async with asyncio.timeout(seconds):
                        await self._room
                except TimeoutError as error:
                    self._fail(error)
                    return False
        if size:
            raise ValueError("a body that is shorter than was said")
        return True

    def _poured(self, pouring: asyncio.Task[bool]) -> None:
        self._sent = not pouring.cancelled() and not pouring.exception() and pouring.result()
        self._waiting.wake()

    def _feed(self, data: bytes) -> None:
        assert self._parser is not None
        self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            # What comes after the end of an answer is nobody's: it isn't asked for.
            self._keeps = False
            if not self._ended:
                self._fail(NotHttp())
        if self._head_bytes > MOST_HEAD and not self._ended:
            self._fail(NotHttp())
        self._join()

    def _join(self) -> None:
        """Make one piece of what has come at once: a piece for each chunk would be dear."""
        if self._parts:
            self._take(b"".join(self._parts))
            self._parts.clear()

    def _take(self, piece: bytes) -> None:
        if self._left is not None:
            if len(piece) > self._left:
                piece = piece[: self._left]
                self._keeps = False
            self._left -= len(piece)
        if piece:
            self._pieces.append(piece)
            self._buffered += len(piece)
        if self._left == 0:
            self._end()
        elif not self._whole:
            if self._buffered >= self._most and not self._holding and self._transport is not None:
                self._holding = True
                with suppress(RuntimeError):  # It is closing.
                    self._transport.pause_reading()
            self._waiting.wake()
        else:
            self._waiting.prolong()
            if self._buffered > self._most:
                self._waiting.wake()

    def _end(self) -> None:
        self._ended = True
        self._parser = None
        self._left = None
        self._read_on()
        self._waiting.wake()

    def _read_on(self) -> None:
        if self._holding and self._transport is not None:
            self._holding = False
            self._transport.resume_reading()

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._keeps = False
        self._waiting.wake()

    def _make_room(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    async def _wait(self, seconds: float | None) -> None:
        """Wait until something has happened. Raises what has gone wrong, once nothing is left."""
        if self._failure is not None:
            raise self._failure
        await self._waiting.wait(seconds)
