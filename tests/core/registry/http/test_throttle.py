"""So many bytes per second: right over time, smooth within a second, and fair."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from transship.registry.http.rate_limiter import ByteRateLimiter

MIB = 1024 * 1024


async def pieces(*sizes: int) -> AsyncIterator[bytes]:
    for size in sizes:
        yield bytes(size)


async def sizes_of(throttle: ByteRateLimiter, *sizes: int) -> list[int]:
    return [len(part) async for part in throttle.passed(pieces(*sizes))]


async def test_without_a_rate_pieces_pass_as_they_are_and_take_no_time() -> None:
    clock = FakeClock()
    assert await sizes_of(ByteRateLimiter(clock), 5, 3 * MIB, 1) == [5, 3 * MIB, 1]
    assert clock.slept == []


@given(
    rate=st.integers(10_000, 2**32), sizes=st.lists(st.integers(1, 60_000), min_size=1, max_size=6)
)
async def test_all_bytes_pass_in_the_time_that_the_rate_says(rate: int, sizes: list[int]) -> None:
    clock = FakeClock()
    throttle = ByteRateLimiter(clock, rate)
    content = [bytes([number]) * size for number, size in enumerate(sizes)]

    async def given_out() -> AsyncIterator[bytes]:
        for piece in content:
            yield piece

    passed = b"".join([part async for part in throttle.passed(given_out())])

    assert passed == b"".join(content)
    assert clock.monotonic() == pytest.approx(len(passed) / rate, abs=throttle.part / rate)


@given(rate=st.integers(10_000, 2**32), size=st.integers(0, 300_000))
async def test_what_has_come_whole_is_paid_for_as_well(rate: int, size: int) -> None:
    clock = FakeClock()
    throttle = ByteRateLimiter(clock, rate)

    await throttle.spend(size)

    assert clock.monotonic() == pytest.approx(size / rate, abs=throttle.part / rate)


async def test_within_no_second_more_passes_than_the_rate_and_what_was_saved() -> None:
    clock = FakeClock()
    throttle = ByteRateLimiter(clock, MIB)
    clock.advance(3600)  # Nothing passes for an hour.

    parts = throttle.passed(pieces(4 * MIB, 4 * MIB))
    passed = [(clock.monotonic(), len(part)) async for part in parts]

    for began, _ in passed:
        within = sum(size for at, size in passed if began <= at < began + 1)
        assert within <= 1.3 * MIB


async def test_those_that_wait_get_on_alike_however_large_their_pieces_are() -> None:
    throttle = ByteRateLimiter(FakeClock(), MIB)
    got = [0, 0, 0]

    async def lane(number: int, size: int) -> None:
        async for part in throttle.passed(pieces(*[size] * (2 * MIB // size))):
            got[number] += len(part)
            if sum(got) >= 3 * MIB:
                return

    lanes = [lane(0, MIB), lane(1, 256 * 1024), lane(2, 64 * 1024)]
    await asyncio.wait(map(asyncio.create_task, lanes), return_when=asyncio.FIRST_COMPLETED)

    assert min(got) > 0.9 * MIB


async def test_another_rate_is_taken_up_by_those_that_wait() -> None:
    class Clock(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            if self.monotonic() > 1:
                throttle.rate = None

    clock = Clock()
    throttle = ByteRateLimiter(clock, 1024)
    await sizes_of(throttle, MIB)
    assert 1 < clock.monotonic() < 1.5


async def test_one_that_is_cancelled_holds_nobody_up() -> None:
    class StuckClock(FakeClock):
        async def sleep(self, seconds: float) -> None:
            if not go_on.is_set():
                await go_on.wait()
            await super().sleep(seconds)

    go_on = asyncio.Event()
    throttle = ByteRateLimiter(StuckClock(), 10_000)
    waiting = [asyncio.create_task(throttle.take(500)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    go_on.set()
    async with asyncio.timeout(30):
        await asyncio.gather(*waiting, return_exceptions=True)
    assert [task.cancelled() for task in waiting] == [True, False, False]


async def test_when_it_is_stopped_those_that_wait_are_told_why() -> None:
    class Clock(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            throttle.stop(ZeroDivisionError())

    clock = Clock()
    throttle = ByteRateLimiter(clock, 1024)
    results = await asyncio.gather(*(throttle.take(MIB) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ZeroDivisionError] * 3
    assert clock.monotonic() < 1


@pytest.mark.parametrize(("rate", "part"), [(1, 1024), (MIB, MIB // 20), (2**40, 256 * 1024)])
def test_parts_are_small_enough_to_be_smooth(rate: int, part: int) -> None:
    assert ByteRateLimiter(FakeClock(), rate).part == part
    assert ByteRateLimiter(FakeClock(), rate).read_ahead == part
    assert ByteRateLimiter(FakeClock()).read_ahead is None
