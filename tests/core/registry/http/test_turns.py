"""What may go on at once at a registry when the operator says so: requests and blobs together."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from fakes.clock import FakeClock
from transship import errors
from transship.registry.http.rate_limiter import RateLimiter, lane_between, large_share


class Holders:
    """Tasks that hold a place at a registry until they are told to leave."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self._leave: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, name: str, pacer: RateLimiter, *more: RateLimiter) -> None:
        """Begin what the first letter of its name says: a request, a small or a large blob."""
        self._leave[name] = asyncio.Event()
        self._tasks.append(asyncio.create_task(self._hold(name, pacer, *more)))

    async def leave(self, name: str) -> None:
        """End one."""
        self._leave[name].set()
        await settle()

    async def _hold(self, name: str, pacer: RateLimiter, *more: RateLimiter) -> None:
        async with AsyncExitStack() as stack:
            if name[0] == "r":
                await stack.enter_async_context(pacer.slot())
            else:
                lane = lane_between([pacer, *more], large=name[0] == "L")
                await stack.enter_async_context(lane)
            self.inside.append(name)
            await self._leave[name].wait()
            self.inside.remove(name)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("most", "share"), [(1, 1), (2, 1), (3, 2), (4, 3), (6, 5), (8, 6), (100, 75)]
)
def test_large_blobs_leave_room_for_what_is_quick(most: int, share: int) -> None:
    assert large_share(most) == share


async def test_requests_and_blobs_count_together() -> None:
    pacer, held = RateLimiter(FakeClock()), Holders()
    pacer.limit(concurrency=3)
    for name in ("L1", "s1", "r1", "r2", "s2"):
        held.begin(name, pacer)
    await settle()
    assert held.inside == ["L1", "s1", "r1"]
    await held.leave("L1")
    assert held.inside == ["s1", "r1", "r2"]
    await held.leave("r1")
    assert held.inside == ["s1", "r2", "s2"]


async def test_small_requests_never_wait_for_large_blobs_alone() -> None:
    pacer, held = RateLimiter(FakeClock()), Holders()
    pacer.limit(concurrency=4)
    for number in range(6):
        held.begin(f"L{number}", pacer)
    await settle()
    held.begin("r1", pacer)
    await settle()
    assert held.inside == ["L0", "L1", "L2", "r1"]


async def test_without_a_limit_blobs_are_counted_but_wait_for_nothing() -> None:
    pacer, held = RateLimiter(FakeClock(), start=2), Holders()
    for name in ("L1", "L2", "L3", "r1", "r2", "r3"):
        held.begin(name, pacer)
    await settle()
    assert held.inside == ["L1", "L2", "L3", "r1", "r2"]
    assert not pacer.crowded
    pacer.limit(concurrency=4)
    assert pacer.crowded, "one of the blobs should make room"
    await held.leave("L1")
    assert not pacer.crowded
    assert held.inside == ["L2", "L3", "r1", "r2"]
    pacer.limit()
    await held.leave("r1")
    assert held.inside == ["L2", "L3", "r2", "r3"]


async def test_what_a_lane_asks_for_goes_in_its_own_place() -> None:
    pacer = RateLimiter(FakeClock())
    pacer.limit(concurrency=1)
    async with asyncio.timeout(30), lane_between([pacer], large=True), pacer.slot(), pacer.body():
        pass


async def test_a_copy_within_one_registry_reads_and_writes_at_once_even_at_one() -> None:
    pacer, held = RateLimiter(FakeClock()), Holders()
    pacer.limit(concurrency=1)
    for name in ("L1", "L2"):
        held.begin(name, pacer, pacer)
    await settle()
    assert held.inside == ["L1"]
    assert not pacer.crowded
    held.begin("r1", pacer)
    await held.leave("L1")
    assert held.inside == ["L2"]
    await held.leave("L2")
    assert held.inside == ["r1"]


async def test_lanes_that_go_both_ways_never_wait_for_each_other() -> None:
    chance = random.Random(3)
    pacers = [RateLimiter(FakeClock()) for _ in range(3)]
    for pacer in pacers:
        pacer.limit(concurrency=2)
    inside: Counter[RateLimiter] = Counter()

    async def lane() -> None:
        pair = chance.sample(pacers, 2)
        async with lane_between(pair, large=chance.random() < 0.5):
            inside.update(pair)
            try:
                assert max(inside.values()) <= 2
                for pacer in pair:
                    async with pacer.slot():
                        await asyncio.sleep(0)
            finally:
                inside.subtract(pair)

    async def request() -> None:
        pacer = chance.choice(pacers)
        async with pacer.slot():
            inside[pacer] += 1
            try:
                assert max(inside.values()) <= 2
                await asyncio.sleep(0)
            finally:
                inside[pacer] -= 1

    tasks = [asyncio.create_task(chance.choice((lane, request))()) for _ in range(300)]
    for task in chance.sample(tasks, 40):
        await asyncio.sleep(0)
        task.cancel()
    async with asyncio.timeout(30):
        results = await asyncio.gather(*tasks, return_exceptions=True)
    wrong = [result for result in results if isinstance(result, Exception)]
    assert not wrong


async def test_the_pace_stays_below_the_limit_and_a_registry_that_asks_still_wins() -> None:
    clock = FakeClock()
    pacer = RateLimiter(clock, start=32, most=64)
    pacer.limit(concurrency=4)
    assert (pacer.allowed, pacer.narrowed) == (4, False)
    for _ in range(200):
        pacer.went_well()
    assert pacer.allowed == 4
    pacer.went_badly(errors.RateLimited("busy", retry_after=7))
    assert (pacer.allowed, pacer.narrowed, pacer.waiting) == (2, True, 7)
    async with pacer.slot():
        assert clock.monotonic() == 7
    pacer.limit(concurrency=100)
    assert pacer.allowed == 2, "more is earned, not given"


async def test_a_limit_that_is_taken_away_leaves_the_pace_of_the_beginning() -> None:
    pacer = RateLimiter(FakeClock(), start=32, most=64)
    pacer.limit(concurrency=2, rate=1000)
    assert pacer.limited
    pacer.limit()
    assert (pacer.allowed, pacer.limited, pacer.throttle.rate) == (32, False, None)
