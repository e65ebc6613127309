"""An HTTP server on loopback, in a thread with a loop of its own.

Synchronous tests, asynchronous tests and other processes can all use it, because it shares
nothing with the loop of the test.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from servers.process import LOOPBACK
from servers.wire import PIECE_BYTES, NotHttp, read_head, request_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

    from servers.wire import Head

_START_SECONDS = 60.0
# After so many turns of the loop, a connection that was just accepted is one of ours.
_TURNS_TO_ACCEPT = 5
_LOST = (ConnectionError, TimeoutError, ssl.SSLError)


class Cut(ConnectionError):
    """The handler wants the connection to end here and now, without another byte."""


class Exchange:
    """One request, and the connection on which it is answered."""

    def __init__(
        self, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.head = head
        self.method, self.target, _ = head.start
        self.reader = reader
        self.writer = writer
        self.body: AsyncIterator[bytes] = request_body(reader, head)
        self.last = head.closes

    async def discard_body(self) -> None:
        """Read what is left of the body of the request."""
        async for _ in self.body:
            pass

    async def send(self, data: bytes) -> None:
        """Send bytes to the client and return when the kernel has them all."""
        self.writer.write(data)
        await self.writer.drain()

    async def send_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status line and `headers`, with nothing added."""
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def answer(
        self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> None:
        """Send a whole answer; `Content-Length` is added, and HEAD gets no body."""
        framing = {"Content-Length": str(len(body))}
        if self.last:
            framing["Connection"] = "close"
        await self.send_head(status, {**framing, **(headers or {})})
        if self.method != "HEAD":
            await self.send(body)


@contextmanager
def serving(
    handle: Callable[[Exchange], Awaitable[None]], *, tls: ssl.SSLContext | None = None
) -> Iterator[LoopbackServer]:
    """Serve until the block ends; `handle` runs on the server's own loop.

    An error in `handle` other than a lost connection is a defect of the test's own server, and
    is raised at the end of the block.
    """
    server = LoopbackServer(handle, tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()
    if server.defects:
        raise ExceptionGroup("the server of the test failed", server.defects)


class LoopbackServer:
    """The thread, its loop, and the connections that are open on it."""

    def __init__(
        self, handle: Callable[[Exchange], Awaitable[None]], tls: ssl.SSLContext | None
    ) -> None:
        self.port = 0
        self.defects: list[Exception] = []
        self._handle = handle
        self._tls = tls
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=[self._serve()], daemon=True)

    def start(self) -> None:
        """Start the thread and return when `port` is known and open."""
        self._thread.start()
        if not self._started.wait(_START_SECONDS):
            raise TimeoutError("the server of the test did not start")

    def stop(self) -> None:
        """Cut every connection and end the thread."""
        self._call(self._stopping.set)
        self._thread.join()

    def cut_connections(self) -> None:
        """Cut every connection that is open, as a network that goes away does."""
        self._call(self._cut)

    def _call(self, function: Callable[[], None]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(function)

    def _cut(self) -> None:
        for writer in self._connections.values():
            writer.transport.abort()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        tls_options = {"ssl_shutdown_timeout": 1.0} if self._tls else {}
        server = await asyncio.start_server(
            self._converse, LOOPBACK, 0, ssl=self._tls, limit=4 * PIECE_BYTES, **tls_options
        )
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            self._started.set()
            await self._stopping.wait()
            # A server that is closed while it accepts leaves the connection open for ever.
            for listener in server.sockets:
                self._loop.remove_reader(listener)
            for _ in range(_TURNS_TO_ACCEPT):
                await asyncio.sleep(0)
            server.close()
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until one of the two sides has had enough."""
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        # An empty buffer: what was sent before a cut has left this process for certain. Over TLS,
        # asyncio takes a limit of 0 as "never write".
        writer.transport.set_write_buffer_limits(0 if self._tls is None else 1)
        try:
            await self._answer_all(reader, writer)
            writer.close()
            await writer.wait_closed()
        except (*_LOST, asyncio.CancelledError):
            pass
        except Exception as error:  # noqa: BLE001 - kept, and raised in the test by serving()
            self.defects.append(error)
        finally:
            writer.transport.abort()
            del self._connections[task]

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await read_head(reader)) is not None:
                exchange = Exchange(head, reader, writer)
                await self._handle(exchange)
                await exchange.discard_body()
                if exchange.last:
                    break
        except NotHttp:
            # As Go's server does: a client that tries TLS first must not have to wait for us.
            writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
