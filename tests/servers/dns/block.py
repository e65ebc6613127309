"""A part of 127/8 that is one session's own, so that several may run at once."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DNS_PORT = 53
_UNPRIVILEGED_PORT = 5300
_LOCK_PORT = 53535
_FIRST, _COUNT = 16, 224


class Block:
    """127.N/16. `port` is where DNS is served: 53 if this process may, as in the world."""

    def __init__(self, number: int, port: int) -> None:
        self.number = number
        self.port = port

    def address(self, end: str) -> str:
        """Return the address with the last two numbers of `end` (`2.1`)."""
        return f"127.{self.number}.{end}"

    @property
    def privileged(self) -> bool:
        """Whether DNS is served at its own port."""
        return self.port == DNS_PORT


@contextmanager
def own_block(port: int | None = None) -> Iterator[Block]:
    """Hold a block until the end. `port`: where DNS is served, whatever would be allowed."""
    for offset in range(_COUNT):
        number = _FIRST + (os.getpid() + offset) % _COUNT
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lock:
            try:
                lock.bind((f"127.{number}.255.254", _LOCK_PORT))
            except OSError:
                continue
            yield Block(number, port or _dns_port(number))
            return
    raise RuntimeError("every part of 127/8 is taken")


def _dns_port(number: int) -> int:
    with socket.socket() as probe:
        try:
            probe.bind((f"127.{number}.255.254", DNS_PORT))
        except PermissionError:
            return _UNPRIVILEGED_PORT
    return DNS_PORT
