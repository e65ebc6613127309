"""Who goes next at one registry: requests and blobs, in the order in which they came. No I/O."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class Sort(IntEnum):
    """What wants to go."""

    REQUEST = 0
    """A small request: what it asks for is there in a moment."""
    SMALL = 1
    """A small blob."""
    LARGE = 2
    """A large blob, which takes its time."""


@dataclass(frozen=True, slots=True)
class _Turn:
    number: int
    count: int
    came: asyncio.Future[None]


class Turns:
    """Lets in what fits: up to `most` of all sorts at once (None for no such bound).

    Of small requests there are at most `requests()` at once, whatever `most` says; of large blobs
    at most `large_share(most)`, so that what is quick never waits for all of them. What needs more
    than `most` goes alone.
    """

    def __init__(self, requests: Callable[[], int]) -> None:
        self.most: int | None = None
        self._requests = requests
        self._inside = dict.fromkeys(Sort, 0)
        self._inside_all = 0
        self._holders = 0
        self._waiting: dict[Sort, deque[_Turn]] = {sort: deque() for sort in Sort}
        self._numbers = itertools.count()

    @property
    def crowded(self) -> bool:
        """Whether more are in than may be, so that one of them had better go."""
        return self.most is not None and self._inside_all > self.most and self._holders > 1

    async def enter(self, sort: Sort, count: int = 1) -> bool:
        """Wait for a turn, and take `count` places. Return whether there was a wait."""
        if not any(self._waiting.values()) and self._fits(sort, count):
            self._let_in(sort, count)
            return False
        turn = _Turn(next(self._numbers), count, asyncio.get_running_loop().create_future())
        self._waiting[sort].append(turn)
        self.admit()
        try:
            await turn.came
        except asyncio.CancelledError:
            if not turn.came.cancelled():
                self.leave(sort, count)
            raise
        return True

    def leave(self, sort: Sort, count: int = 1) -> None:
        """Give the places back."""
        self._inside[sort] -= count
        self._inside_all -= count
        self._holders -= 1
        self.admit()

    def admit(self) -> None:
        """Give their turn to as many of those that wait as fit."""
        while any(self._waiting.values()) and (sort := self._next()) is not None:
            turn = self._waiting[sort].popleft()
            self._let_in(sort, turn.count)
            turn.came.set_result(None)

    def _next(self) -> Sort | None:
        """Return whose turn it is: the first that came, of those whose sort has room."""
        first: tuple[int, Sort] | None = None
        for sort, waiting in self._waiting.items():
            while waiting and waiting[0].came.done():
                waiting.popleft()
            if not waiting or not self._has_room(sort, waiting[0].count):
                continue
            if first is None or waiting[0].number < first[0]:
                first = waiting[0].number, sort
        if first is None or not _fits(
            self._inside_all, self._waiting[first[1]][0].count, self.most
        ):
            return None
        return first[1]

    def _let_in(self, sort: Sort, count: int) -> None:
        self._inside[sort] += count
        self._inside_all += count
        self._holders += 1

    def _fits(self, sort: Sort, count: int) -> bool:
        return self._has_room(sort, count) and _fits(self._inside_all, count, self.most)

    def _has_room(self, sort: Sort, count: int) -> bool:
        if sort is Sort.REQUEST:
            return self._inside[sort] < self._requests()
        if sort is Sort.LARGE and self.most is not None:
            return _fits(self._inside[sort], count, large_share(self.most))
        return True


def large_share(most: int) -> int:
    """Return how many of `most` places large blobs may have: one in four is left, if there is."""
    return max(1, most - max(1, most // 4))


def _fits(inside: int, count: int, most: int | None) -> bool:
    return most is None or inside == 0 or inside + count <= most
