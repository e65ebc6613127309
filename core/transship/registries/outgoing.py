"""Sending what is large: bodies that come piece by piece, to servers that may not want them all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from _typeshed import ReadableBuffer


class Outgoing:
    """The body of a request on its way out; `data` is what is handed to the engine.

    `deadline` ends the request when the other side takes nothing for `seconds`; how long the
    source of the bytes takes doesn't count. What the source raised is kept in `failure`, because
    the engine makes a lost connection out of it.
    """

    def __init__(self, body: AsyncIterator[bytes] | bytes, seconds: float) -> None:
        self.data = body if isinstance(body, bytes) else self._pieces(body)
        self.deadline = asyncio.timeout(None)
        self.failure: Exception | None = None
        self._seconds = seconds
        self._reading = asyncio.Lock()

    async def settled(self) -> None:
        """Return when the source is no longer read: the engine lets go of it in its own time."""
        async with self._reading:
            return

    async def _pieces(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        while True:
            async with self._reading:
                with ExitStack() as reading:
                    reading.push(self._keep_failure)
                    piece = await anext(body, None)
            if piece is None:
                return
            self.deadline.reschedule(loop.time() + self._seconds)
            yield piece
            self.deadline.reschedule(None)

    def _keep_failure(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):  # To be cancelled is no failure of the source.
            self.failure = error


class PatientSocket(socket.socket):
    """A socket on which the answer of a peer that has stopped listening can still be read.

    A server may answer before it has read all of a request, and then reset the connection. asyncio
    gives a connection up at the first write that fails, with the answer unread. Here that write
    has to wait, once: before it is tried again, the loop reads what has come.
    """

    _stopped_listening = False

    def send(self, data: ReadableBuffer, *flags: int) -> int:
        """Send bytes."""
        with self._patience():
            return super().send(data, *flags)

    def sendmsg(self, buffers: Iterable[ReadableBuffer], *more: Any) -> int:
        """Send the bytes of several buffers."""
        with self._patience():
            return super().sendmsg(buffers, *more)

    @contextmanager
    def _patience(self) -> Iterator[None]:
        try:
            yield
        except (BrokenPipeError, ConnectionResetError):
            if self._stopped_listening:
                raise
            self._stopped_listening = True
            raise BlockingIOError from None


def patient_socket(address: tuple[Any, ...]) -> socket.socket:
    """Return a new socket for one of the results of `getaddrinfo`."""
    family, kind, protocol, *_ = address
    return PatientSocket(family, kind, protocol)
