"""What may go on at once, so that small requests never wait behind large blobs; at which hours."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from transship.clock import Clock
from transship.plans.plan import Window
from transship.plans.schedule import LOCAL
from transship.registry.http.rate_limiter import RateLimitedRegistry, RateLimiter, lane_between
from transship.registry.registry import MEBIBYTE, Registry
from transship.transfers.journal import Lane

SMALL = MEBIBYTE
"""Blobs up to this many bytes are read whole; larger ones go through a lane."""

LARGE_AT_ONCE = 6
SMALL_AT_ONCE = 64


class LargestFirst:
    """Lets `count` holders in at once; of those that wait, the one with the largest size first."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    async def acquire(self, size: int) -> None:
        """Wait for one of the slots, and hold it until `release`."""
        if self._free > 0:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-size, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Let the next one in."""
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Paused(Exception):
    """The job is being paused: what is under way comes to its next good end, nothing new begins."""


class Deferred(Paused):
    """Not now: what is under way comes to its next good end, and goes on later in the same job."""


class Gate:
    """Where new work passes.

    Closed when the job is to pause, or outside a registry's window; shut for good at a registry
    that can't be used by this process any more.
    """

    def __init__(self, windows: Windows | None = None) -> None:
        self.closed = False
        self._windows = windows
        self._shut: set[str] = set()

    def close(self) -> None:
        """Let nothing more through."""
        self.closed = True

    def reopen(self) -> None:
        """Let through again."""
        self.closed = False

    def shut(self, registry: str) -> None:
        """Let nothing through any more that needs a registry."""
        self._shut.add(registry)

    def is_shut(self, *registries: str) -> bool:
        """Tell whether work between these registries is never let through again."""
        return not self._shut.isdisjoint(registries)

    def is_open(self, *registries: str) -> bool:
        """Tell whether work between these registries may begin now."""
        within = self._windows is None or self._windows.are_open(registries)
        return within and not self.closed and not self.is_shut(*registries)

    def enter(self, *registries: str) -> None:
        """Pass. Raises Paused when the gate is closed or shut, Deferred outside a window."""
        if self.closed or self.is_shut(*registries):
            raise Paused
        if not self.is_open(*registries):
            raise Deferred


class Meter:
    """How many bytes leave per second, smoothed over some ten seconds.

    While less than that has gone by, it is the mean of what has: an average that began at nothing
    would take as long to come up to the truth. When nothing has left for as long, it is nothing:
    what a fading average says then is no rate.
    """

    _SECONDS = 10.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._read_at = self._moved_at = clock.monotonic()
        self._count = 0
        self._sum = 0.0
        self._weight = 0.0
        self.total = 0
        self.rate = 0.0

    def count(self, count: int) -> None:
        """Count bytes."""
        self.total += count

    def read(self) -> float:
        """Return the rate in bytes per second. To be called a few times a second."""
        now = self._clock.monotonic()
        elapsed = now - self._read_at
        if elapsed > 0:
            fading = math.exp(-elapsed / self._SECONDS)
            current = (self.total - self._count) / elapsed
            self._sum = self._sum * fading + current * (1 - fading)
            self._weight = self._weight * fading + (1 - fading)
            if self.total != self._count:
                self._moved_at = now
            self._read_at, self._count = now, self.total
            still = now - self._moved_at >= self._SECONDS
            self.rate = 0.0 if still else self._sum / self._weight
        return self.rate


@dataclass(slots=True)
class Moving:
    """One blob on its way. Sizes in bytes."""

    what: str
    size: int
    started: float
    meter: Meter
    target: str = ""
    digest: str = ""
    moved: int = 0

    def advance(self, count: int) -> None:
        """Count bytes that have left for the target."""
        self.moved += count
        self.meter.count(count)

    def restart_at(self, offset: int) -> None:
        """Count again from here: what was sent beyond is lost."""
        self.moved = offset


class Lanes:
    """The lanes of one job, and what is moving in them."""

    def __init__(
        self, clock: Clock, *, large: int = LARGE_AT_ONCE, gate: Gate | None = None
    ) -> None:
        self._clock = clock
        self.gate = gate or Gate()
        self.meter = Meter(clock)
        self._counts = {True: large, False: SMALL_AT_ONCE}
        self._slots: dict[tuple[bool, tuple[str, ...]], LargestFirst] = {}
        self._pacers: dict[tuple[str, ...], list[RateLimiter]] = {}
        self._moving: dict[int, Moving] = {}
        self._numbers = itertools.count()

    @asynccontextmanager
    async def lane(
        self,
        what: str,
        size: int,
        *,
        target: str = "",
        digest: str = "",
        between: Sequence[Registry] = (),
    ) -> AsyncIterator[Moving]:
        """Wait for a lane that fits a blob of this size, and show what moves in it.

        `what` names the blob for an operator, `target` and `digest` for the journal. The places
        that it moves `between` have room for it, too, when this returns.
        Raises Paused when nothing new may begin.
        """
        large = size > SMALL
        names = tuple([place.name for place in between])
        pacers = self._pacers.get(names)
        if pacers is None:
            pacers = [place.pacer for place in between if isinstance(place, RateLimitedRegistry)]
            self._pacers[names] = pacers
        # Where the operator holds a registry back, only its own blobs wait for it.
        apart = names if any(pacer.limited for pacer in pacers) else ()
        slots = self._slots.setdefault((large, apart), LargestFirst(self._counts[large]))
        number = next(self._numbers)
        await slots.acquire(size)
        try:
            async with lane_between(pacers, large=large):
                self.gate.enter(*names)
                moving = Moving(what, size, self._clock.now(), self.meter, target, digest)
                self._moving[number] = moving
                yield moving
        finally:
            self._moving.pop(number, None)
            slots.release()

    def snapshot(self) -> list[Lane]:
        """Return what is moving now, the oldest first."""
        return [
            Lane(m.what, m.moved, m.size, m.started, m.target, m.digest)
            for m in self._moving.values()
        ]


_MINUTE = 60
_LONGEST = 49 * 60
"""In how many minutes each window opens: on one day the clocks may leave it out altogether."""


def is_open(window: Window, moment: datetime) -> bool:
    """Tell whether a moment, as the clock on the wall shows it, is in the window.

    The first minute is, the last one isn't. One that ends before it begins reaches over midnight.
    """
    minute = moment.hour * 60 + moment.minute
    if window.begins < window.ends:
        return window.begins <= minute < window.ends
    return minute >= window.begins or minute < window.ends


def opens(window: Window, now: float, zone: tzinfo = LOCAL) -> float:
    """Return when the window is open next: `now`, or a later minute, in seconds since the epoch.

    Where clocks leave out its beginning in spring, it opens right after the gap; an hour that
    comes twice in autumn is in it both times.
    """
    if is_open(window, _on_the_wall(now, zone)):
        return now
    minute = math.floor(now / _MINUTE) * _MINUTE
    later = (minute + _MINUTE * count for count in range(1, _LONGEST))
    return next(moment for moment in later if is_open(window, _on_the_wall(moment, zone)))


def _on_the_wall(moment: float, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(moment, UTC).astimezone(zone)


class Windows:
    """The windows of a job's registries, at this moment."""

    def __init__(self, windows: Mapping[str, Window], clock: Clock, zone: tzinfo = LOCAL) -> None:
        self._windows = windows
        self._clock = clock
        self._zone = zone
        self._opens: dict[str, float] = {}

    def hold(self, windows: Mapping[str, Window]) -> None:
        """Let these windows hold from here on, and no others."""
        self._windows = windows
        self._opens.clear()

    def waits_until(self, registry: str) -> float | None:
        """Return when a registry may be used again, in seconds since the epoch; None: now."""
        window = self._windows.get(registry)
        if window is None:
            return None
        now = self._clock.now()
        moment = self._opens.get(registry, now)
        if moment <= now:
            moment = self._opens[registry] = opens(window, now, self._zone)
        return moment if moment > now else None

    def are_open(self, registries: tuple[str, ...]) -> bool:
        """Tell whether all of these may be used now."""
        return all(self.waits_until(registry) is None for registry in registries)
