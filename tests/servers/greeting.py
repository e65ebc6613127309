"""A server that shakes hands and says no more: asyncio's cut before their alert is sent."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from servers.process import LOOPBACK

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator


@contextmanager
def greeting(context: ssl.SSLContext, address: str = LOOPBACK) -> Iterator[int]:
    """Shake hands on the port that is given, until the block ends."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()

    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
