"""Connections to one origin, kept open from one request to the next (RFC 9112, section 9.3)."""

from __future__ import annotations

import asyncio

from transship.registries.wire.connection import Connection
from transship.registries.wire.opening import Way, opened

_KEPT_SECONDS = 15.0
"""How long an idle connection is believed to be open still, if its server hasn't closed it."""


class Pool:
    """The connections by one way. How many there are at once is decided elsewhere."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()

    async def take(self, seconds: float, *, fresh: bool = False) -> Connection:
        """Return a connection: the one that was used last, or a new one. Raises why there is none.

        A `fresh` one has never been used, and so wasn't closed meanwhile.
        """
        now = asyncio.get_running_loop().time()
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.reusable and now - (connection.idle_since or now) < _KEPT_SECONDS:
                return connection
            self.drop(connection)
        connection = await opened(self.way, seconds)
        self._all.add(connection)
        return connection

    def give(self, connection: Connection) -> None:
        """Take a connection back, for the next request or to end it."""
        if connection.reusable:
            connection.rest()
            self._idle.append(connection)
        else:
            self.drop(connection)

    def drop(self, connection: Connection) -> None:
        """End a connection: an answer that wasn't taken to its end can't be followed by another."""
        connection.close()
        self._all.discard(connection)

    async def aclose(self) -> None:
        """End them all."""
        self._idle.clear()
        while self._all:
            self._all.pop().close()
        await asyncio.sleep(0)  # What is ended is let go of by the loop.
