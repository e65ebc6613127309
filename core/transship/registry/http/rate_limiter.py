"""How fast to ask one registry: what it says of its limits, and what its answers show.

Where a 429 is answered, a retry waits and the order of requests is kept; and how many bytes per
second go to or from it. No I/O.
"""

from __future__ import annotations

import asyncio
import email.utils
import itertools
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC
from enum import IntEnum
from typing import Protocol, runtime_checkable

from transship.clock import Clock
from transship.errors import (
    ConnectionLost,
    ConnectionRefused,
    NameNotFound,
    RateLimited,
    ServerFailed,
    TimedOut,
    TransshipError,
)
from transship.text import duration_text

UNREACHABLE = (ConnectionRefused, NameNotFound, TimedOut)
_NO_ANSWER = (*UNREACHABLE, ConnectionLost)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to go on with a registry that doesn't do what is asked.

    A request is tried up to `attempts` times and for up to `seconds`. A registry that answered
    before and can't be reached now is waited for in the same way; one that never answered isn't,
    unless `from_the_start` says so.
    """

    attempts: int
    seconds: float
    from_the_start: bool = False


INTERACTIVE = RetryPolicy(attempts=4, seconds=20)
"""A person waits for the answer."""

PERSISTENT = RetryPolicy(attempts=60, seconds=900)
"""A job runs unattended: a registry may be away for a quarter of an hour."""


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return how many seconds a Retry-After field asks to wait, or None.

    RFC 9110, 10.2.3: a number of seconds, or a date, which is compared with `now` (in seconds
    since the epoch).
    """
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        date = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    # A date of HTTP is in GMT, whether it says so or not.
    return max(0.0, date.replace(tzinfo=date.tzinfo or UTC).timestamp() - now)


def backoff(attempt: int, *, spread: float) -> float:
    """Return how long to wait after the attempt of this number (from 0), in seconds.

    Doubles from half a second to 30 seconds; `spread` (0 to 1) takes up to half of it off, so
    that requests that failed together don't come back together.
    """
    return min(30.0, 0.5 * 2.0**attempt) * (1 - spread / 2)


class RetryState:
    """The attempts of one request: says after each failure how long to wait, or that it's over."""

    def __init__(self, patience: RetryPolicy, clock: Clock, *, reached: bool) -> None:
        self._patience = patience
        self._clock = clock
        self._reached = reached or patience.from_the_start
        self._started = clock.monotonic()
        self._attempt = 0

    def pause_after(self, error: TransshipError) -> float | None:
        """Return the seconds to wait before the next attempt, or None when there is none."""
        self._attempt += 1
        if not error.retryable or self._attempt >= self._patience.attempts:
            return None
        if isinstance(error, UNREACHABLE) and not self._reached:
            return None
        pause = backoff(self._attempt - 1, spread=random.random())  # noqa: S311 - no secret
        asked = getattr(error, "retry_after", None)
        if asked is not None:
            pause = max(pause, asked)
        left = self._started + self._patience.seconds - self._clock.monotonic()
        return pause if pause <= left else None


class RateLimiter:
    """Lets requests to one registry through, as many at once as it takes well.

    Starts at `start` requests at once and goes up to `most`: by one for every good answer until the
    registry first asks to slow down, then by one for every round of them. Halves once for each
    burst of 429 or 503. While the registry asks to wait, nothing goes out;
    when it asks for more than `longest` seconds, whoever would have to wait is told so instead.
    What the operator allows (`limit`) is a bound above all that, for blobs too.
    """

    def __init__(
        self, clock: Clock, *, start: int = 32, most: int = 64, longest: float = 900
    ) -> None:
        self._clock = clock
        self._start = start
        self._allowed = float(start)
        self._most = most
        self._longest = longest
        self._turns = RequestQueue(lambda: self.allowed)
        self._quiet_until = 0.0
        self._burst_ends = 0.0
        self._well_at = 0.0
        self._silent_from: float | None = None
        self.last_failure = ""
        """What it was asked for last came to, if no answer came: in words."""
        self.throttle = ByteRateLimiter(clock)
        """How many bytes of blobs pass per second."""
        self.slowed = 0
        """How often the registry has asked to slow down."""

    def limit(self, concurrency: int | None = None, rate: int | None = None) -> None:
        """Set what the operator allows: requests at once, and bytes of blobs per second.

        None is no limit. What is under way stays, but see `crowded`.
        """
        self.throttle.rate = rate
        self._turns.most = concurrency
        # Half of more than is allowed would be no answer to a registry that asks to slow down.
        begin = self._allowed if self.slowed else float(self._start)
        self._allowed = min(begin, self._ceiling)
        self._turns.admit()

    @property
    def concurrency(self) -> int | None:
        """How many requests the operator allows at once, blobs included."""
        return self._turns.most

    @property
    def limited(self) -> bool:
        """Whether the operator has set a limit."""
        return self.concurrency is not None or self.throttle.rate is not None

    @property
    def crowded(self) -> bool:
        """Whether more is under way than the operator allows: whoever can should make room."""
        return self._turns.crowded

    @property
    def allowed(self) -> int:
        """How many requests may be under way at once."""
        return int(self._allowed)

    @property
    def waiting(self) -> float:
        """How many seconds the registry still wants to be left alone."""
        return max(0.0, self._quiet_until - self._clock.monotonic())

    @property
    def narrowed(self) -> bool:
        """Whether fewer requests are allowed at once than at the beginning."""
        return self.allowed < min(self._start, self._ceiling)

    @property
    def recovered(self) -> bool:
        """Whether something has gone well since the registry was last to be left alone."""
        return self._well_at >= self._quiet_until

    @property
    def silent(self) -> float:
        """How many seconds ago the registry stopped to answer; 0 while it answers."""
        since = self._silent_from
        return 0.0 if since is None else self._clock.monotonic() - since

    @property
    def patient_for(self) -> float:
        """How many seconds a request is tried again while there is no answer."""
        return self._longest

    @property
    def _ceiling(self) -> float:
        return float(self._most if self.concurrency is None else min(self._most, self.concurrency))

    def slot(self) -> AbstractAsyncContextManager[bool]:
        """Hold one of the places for the time of a small request. Raises RateLimited.

        A request of a lane goes in the place that the lane has. Gives whether there was a wait.
        """
        return _Slot(self, self._turns)

    @asynccontextmanager
    async def body(self) -> AsyncIterator[None]:
        """Hold a place while the bytes of a blob come or go, where that counts."""
        if self.concurrency is None or self in _LANES.get():
            yield
            return
        async with self._place(RequestKind.SMALL):
            yield

    @asynccontextmanager
    async def _lane(self, sort: RequestKind, count: int) -> AsyncIterator[None]:
        async with self._place(sort, count):
            token = _LANES.set(_LANES.get() | {self})
            try:
                yield
            finally:
                _LANES.reset(token)

    @asynccontextmanager
    async def _place(self, sort: RequestKind, count: int = 1) -> AsyncIterator[None]:
        await self._turns.enter(sort, count)
        try:
            yield
        finally:
            self._turns.leave(sort, count)

    async def quiet(self) -> bool:
        """Wait as long as the registry has asked to be left alone. Raises RateLimited.

        Returns whether there was a wait.
        """
        waited = False
        while (pause := self.waiting) > 0:
            if pause > self._longest:
                raise RateLimited(
                    f"it asks to be left alone for {duration_text(pause)}", retry_after=pause
                )
            await self._clock.sleep(pause)
            waited = True
        return waited

    def went_well(self) -> None:
        """Take note of a good answer."""
        self.answered()
        more = 1 / self._allowed if self.slowed else 1.0
        self._allowed = min(self._ceiling, self._allowed + more)
        self._turns.admit()

    def answered(self) -> None:
        """Take note of what says nothing of how much at once goes well: a large body began."""
        self._silent_from = None
        self._well_at = self._clock.monotonic()

    def went_badly(self, error: TransshipError) -> None:
        """Take note of a failure; only what says "slower" changes the pace."""
        if isinstance(error, _NO_ANSWER):
            self.last_failure = error.title
            if self._silent_from is None:
                self._silent_from = self._clock.monotonic()
        if not isinstance(error, RateLimited | ServerFailed):
            return
        self._silent_from = None
        asked = error.retry_after
        if isinstance(error, ServerFailed) and asked is None:
            return
        now = self._clock.monotonic()
        self._quiet_until = max(self._quiet_until, now + (1.0 if asked is None else asked))
        if now >= self._burst_ends:
            self._allowed = max(1.0, self._allowed / 2)
            self.slowed += 1
            self._burst_ends = now + 1.0
        # What was under way when it began still fails while all the others keep quiet.
        self._burst_ends = max(self._burst_ends, self._quiet_until)


class _Slot(AbstractAsyncContextManager[bool]):
    """One of the places for small requests. There are so many that a generator each would tell."""

    __slots__ = ("_held", "_pacer", "_turns")

    def __init__(self, pacer: RateLimiter, turns: RequestQueue) -> None:
        self._pacer = pacer
        self._turns = turns
        self._held = False

    async def __aenter__(self) -> bool:
        # Who waits for quiet holds no place: what then goes out is as much as is allowed by then.
        pacer = self._pacer
        waited = await pacer.quiet()
        if pacer.concurrency is not None and pacer in _LANES.get():
            return waited
        waited |= await self._turns.enter(RequestKind.REQUEST)
        self._held = True
        try:
            return await pacer.quiet() or waited
        except BaseException:
            self._turns.leave(RequestKind.REQUEST)
            raise

    async def __aexit__(self, *_: object) -> None:
        if self._held:
            self._turns.leave(RequestKind.REQUEST)


_LANES: ContextVar[frozenset[RateLimiter]] = ContextVar("lanes", default=frozenset())
"""Where what runs has places of its own: the registries between which a blob is moved."""


def lane_between(
    pacers: Iterable[RateLimiter], *, large: bool
) -> AbstractAsyncContextManager[None]:
    """Hold a place for each of the registries that a blob is read from and written to.

    Whatever is asked of them inside, one thing at a time each, goes in these places. Without a
    limit nothing is waited for, and what is small isn't even counted.
    """
    counted = Counter(p for p in pacers if large or p.concurrency is not None)
    return (
        _lanes(counted, RequestKind.LARGE if large else RequestKind.SMALL)
        if counted
        else nullcontext()
    )


@asynccontextmanager
async def _lanes(pacers: Counter[RateLimiter], sort: RequestKind) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        # In one order for all, or two lanes could wait for each other.
        for pacer, count in sorted(pacers.items(), key=lambda item: id(item[0])):
            await stack.enter_async_context(pacer._lane(sort, count))
        yield


@runtime_checkable
class RateLimitedRegistry(Protocol):
    """A place that is asked at a pace: a registry, but no folder on a disk."""

    @property
    def pacer(self) -> RateLimiter:
        """How fast it is asked, and whether it has asked for less."""


_SAVED_SECONDS = 0.25
"""How much of what wasn't used may be used later: what a busy machine is late by."""

_LOOK_SECONDS = 0.25
"""How soon whoever waits takes notice of another rate."""

_NOTHING = 0.5
"""What of a byte isn't worth waiting for; it is missing the next time."""

_PARTS_PER_SECOND = 20
_SMALLEST_PART = 1024
_LARGEST_PART = 256 * 1024


class ByteRateLimiter:
    """A token bucket that fills at `rate` bytes per second; without a rate everything passes.

    Those that wait take turns, a small part of what they have at a time, so that all get on alike.
    """

    def __init__(self, clock: Clock, rate: int | None = None) -> None:
        self.rate = rate
        self._clock = clock
        self._tokens = 0.0
        self._filled_at = clock.monotonic()
        self._turn = asyncio.Lock()
        self._stop: Exception | None = None

    @property
    def part(self) -> int:
        """How many bytes pass at a time."""
        rate = self.rate or 0
        return max(_SMALLEST_PART, min(rate // _PARTS_PER_SECOND, _LARGEST_PART))

    @property
    def read_ahead(self) -> int | None:
        """How many bytes may be read before they can pass; None where that doesn't matter."""
        return None if self.rate is None else self.part

    def stop(self, error: Exception) -> None:
        """Raise `error` where somebody waits, now and later."""
        self._stop = error

    async def passed(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Give the pieces as fast as they may pass, in parts."""
        paid = 0
        try:
            async for piece in pieces:
                begins = 0
                while self.rate is not None and begins < len(piece):
                    if paid == 0:
                        paid = self.part  # Always as much, so that small pieces lose nothing.
                        await self.take(paid)
                    part = piece[begins : begins + paid]
                    paid -= len(part)
                    begins += len(part)
                    yield part
                if begins < len(piece):
                    yield piece[begins:] if begins else piece
        finally:
            self._tokens += paid

    async def spend(self, count: int) -> None:
        """Wait until `count` bytes that have come already may pass, in parts like all others."""
        while self.rate is not None and count > 0:
            part = min(count, self.part)
            await self.take(part)
            count -= part

    async def take(self, count: int) -> None:
        """Wait until `count` bytes may pass. Raises what `stop` was given."""
        async with self._turn:
            while (rate := self.rate) is not None:
                missing = count - self._fill(rate, count)
                if missing < _NOTHING:
                    self._tokens -= count
                    return
                if self._stop is not None:
                    raise self._stop
                await self._clock.sleep(min(missing / rate, _LOOK_SECONDS))

    def _fill(self, rate: int, count: int) -> float:
        now = self._clock.monotonic()
        most = max(rate * _SAVED_SECONDS, float(count))
        self._tokens = min(most, self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        return self._tokens


class RequestKind(IntEnum):
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


class RequestQueue:
    """Lets in what fits: up to `most` of all sorts at once (None for no such bound).

    Of small requests there are at most `requests()` at once, whatever `most` says; of large blobs
    at most `large_share(most)`, so that what is quick never waits for all of them. What needs more
    than `most` goes alone.
    """

    def __init__(self, requests: Callable[[], int]) -> None:
        self.most: int | None = None
        self._requests = requests
        self._inside = dict.fromkeys(RequestKind, 0)
        self._inside_all = 0
        self._holders = 0
        self._waiting: dict[RequestKind, deque[_Turn]] = {sort: deque() for sort in RequestKind}
        self._numbers = itertools.count()

    @property
    def crowded(self) -> bool:
        """Whether more are in than may be, so that one of them had better go."""
        return self.most is not None and self._inside_all > self.most and self._holders > 1

    async def enter(self, sort: RequestKind, count: int = 1) -> bool:
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

    def leave(self, sort: RequestKind, count: int = 1) -> None:
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

    def _next(self) -> RequestKind | None:
        """Return whose turn it is: the first that came, of those whose sort has room."""
        first: tuple[int, RequestKind] | None = None
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

    def _let_in(self, sort: RequestKind, count: int) -> None:
        self._inside[sort] += count
        self._inside_all += count
        self._holders += 1

    def _fits(self, sort: RequestKind, count: int) -> bool:
        return self._has_room(sort, count) and _fits(self._inside_all, count, self.most)

    def _has_room(self, sort: RequestKind, count: int) -> bool:
        if sort is RequestKind.REQUEST:
            return self._inside[sort] < self._requests()
        if sort is RequestKind.LARGE and self.most is not None:
            return _fits(self._inside[sort], count, large_share(self.most))
        return True


def large_share(most: int) -> int:
    """Return how many of `most` places large blobs may have: one in four is left, if there is."""
    return max(1, most - max(1, most // 4))


def _fits(inside: int, count: int, most: int | None) -> bool:
    return most is None or inside == 0 or inside + count <= most
