"""A socket on which an answer can be read that came before all of the request was taken."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class PatientSocket(socket.socket):
    """A socket on which the answer of a peer that has stopped listening can still be read.

    A server may answer before it has read all of a request, and then reset the connection. asyncio
    gives a connection up at the first write that fails, with the answer unread. Here that write
    has to wait, once: before it is tried again, the loop reads what has come.
    """

    _stopped_listening = False

    def send(self, data: ReadableBuffer, *flags: int) -> int:
        """Send bytes."""
        try:
            return super().send(data, *flags)
        except (BrokenPipeError, ConnectionResetError):
            self._wait_once()
            raise BlockingIOError from None

    def sendmsg(self, buffers: Iterable[ReadableBuffer], *more: Any) -> int:
        """Send the bytes of several buffers."""
        try:
            return super().sendmsg(buffers, *more)
        except (BrokenPipeError, ConnectionResetError):
            self._wait_once()
            raise BlockingIOError from None

    def _wait_once(self) -> None:
        """Raise again what is being handled, but for the first time."""
        if self._stopped_listening:
            raise
        self._stopped_listening = True


def patient_socket(address: tuple[Any, ...]) -> socket.socket:
    """Return a new socket for one of the results of `getaddrinfo`."""
    family, kind, protocol, *_ = address
    own = PatientSocket(family, kind, protocol)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return own
