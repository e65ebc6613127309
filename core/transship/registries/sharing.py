"""Work that many ask for at the same time, and that is done once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from transship.errors import TransshipError

_T = TypeVar("_T")


class Shared:
    """One piece of work, of which no more than one is under way.

    Whoever asks while it is under way waits, then does it in turn: the work itself begins with a
    look at whether it is still needed. A failure, though, is the answer to all who waited for it,
    so that a wrong password is shown to a server once and not by each of fifty.
    """

    def __init__(self) -> None:
        self._under_way: _Round | None = None

    async def do(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Do the work, or wait for who does. Raises what it raised."""
        while (other := self._under_way) is not None:
            await other.ended.wait()
            if other.failure is not None:
                raise other.failure
        own = self._under_way = _Round()
        try:
            return await work()
        except TransshipError as failure:
            own.failure = failure
            raise
        finally:
            self._under_way = None
            own.ended.set()


class _Round:
    """The work, once; `failure` is what it ended with, unless it was a success."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.failure: TransshipError | None = None
