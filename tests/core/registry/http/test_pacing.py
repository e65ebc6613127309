from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from transship import errors
from transship.registry.http.rate_limiter import (
    INTERACTIVE,
    PERSISTENT,
    RateLimiter,
    RetryPolicy,
    RetryState,
    backoff,
    retry_after,
)

NOW = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT
BUSY = errors.RateLimited("busy", retry_after=None)


def pacer(clock: FakeClock, start: int = 4, most: int = 8) -> RateLimiter:
    return RateLimiter(clock, start=start, most=most)


async def enter(pacer: RateLimiter, stack: AsyncExitStack, count: int) -> list[asyncio.Task[None]]:
    """Let `count` requests try to begin; return their tasks, done when they could."""
    tasks = [asyncio.create_task(stack.enter_async_context(pacer.slot())) for _ in range(count)]
    await settle()
    return tasks


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


# Retry-After


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:28:30", 30.0),
        ("Wednesday, 21-Oct-15 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 09:28:30 +0200", 30.0),
        ("Wed, 21 Oct 2015 07:00:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("Mon, 99 Foo 99999 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds


def test_an_answer_may_say_nothing_of_when() -> None:
    assert retry_after({}, NOW) is None


@given(st.text())
def test_nothing_that_a_server_sends_is_an_error(value: str) -> None:
    pause = retry_after({"retry-after": value}, NOW)
    assert pause is None or pause >= 0


# Retrying


def test_pauses_double_up_to_half_a_minute() -> None:
    assert [backoff(attempt, spread=0) for attempt in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@given(st.integers(0, 60), st.floats(0, 1))
def test_the_spread_takes_up_to_half_off(attempt: int, spread: float) -> None:
    whole = backoff(attempt, spread=0)
    assert whole / 2 <= backoff(attempt, spread=spread) <= whole


def test_attempts_come_to_an_end() -> None:
    retrying = RetryState(RetryPolicy(attempts=3, seconds=100), FakeClock(), reached=True)
    pauses = [retrying.pause_after(errors.ConnectionLost()) for _ in range(3)]
    assert [pause is None for pause in pauses] == [False, False, True]


def test_time_comes_to_an_end() -> None:
    clock = FakeClock()
    retrying = RetryState(RetryPolicy(attempts=1000, seconds=60), clock, reached=True)
    while (pause := retrying.pause_after(errors.ServerFailed())) is not None:
        clock.advance(pause)
    assert 30 < clock.monotonic() <= 60


def test_the_registry_may_ask_for_a_longer_pause() -> None:
    retrying = RetryState(RetryPolicy(attempts=3, seconds=100), FakeClock(), reached=True)
    assert retrying.pause_after(errors.RateLimited(retry_after=42)) == 42
    assert retrying.pause_after(errors.RateLimited(retry_after=101)) is None


def test_what_cannot_change_is_not_tried_again() -> None:
    retrying = RetryState(PERSISTENT, FakeClock(), reached=True)
    assert retrying.pause_after(errors.NoRight()) is None


@pytest.mark.parametrize(
    "error", [errors.ConnectionRefused(), errors.NameNotFound(), errors.TimedOut()]
)
def test_a_registry_that_never_answered_is_not_waited_for(error: errors.TransshipError) -> None:
    assert RetryState(INTERACTIVE, FakeClock(), reached=False).pause_after(error) is None
    assert RetryState(INTERACTIVE, FakeClock(), reached=True).pause_after(error) is not None
    eager = RetryPolicy(attempts=2, seconds=10, from_the_start=True)
    assert RetryState(eager, FakeClock(), reached=False).pause_after(error) is not None


def test_a_job_waits_a_quarter_of_an_hour_for_a_registry() -> None:
    clock = FakeClock()
    retrying = RetryState(PERSISTENT, clock, reached=True)
    while (pause := retrying.pause_after(errors.ConnectionRefused())) is not None:
        clock.advance(pause)
    assert 14 * 60 < clock.monotonic() <= 15 * 60


# How much at once


async def test_no_more_go_out_than_are_allowed() -> None:
    pace = pacer(FakeClock(), start=2)
    async with AsyncExitStack() as stack:
        tasks = await enter(pace, stack, 3)
        assert [task.done() for task in tasks] == [True, True, False]
        await stack.pop_all().aclose()
        await settle()
        assert tasks[2].done()
        await tasks[2]
        pace_again = await enter(pace, stack, 1)
        assert pace_again[0].done()


async def test_good_answers_let_those_that_wait_in() -> None:
    pace = pacer(FakeClock(), start=1)
    async with AsyncExitStack() as stack:
        tasks = await enter(pace, stack, 3)
        pace.went_well()
        await settle()
        assert pace.allowed == 2
        assert [task.done() for task in tasks] == [True, True, False]
        await stack.pop_all().aclose()
        await settle()


async def test_it_grows_by_one_for_each_good_answer_up_to_the_most() -> None:
    pace = pacer(FakeClock(), start=4, most=6)
    pace.went_well()
    assert pace.allowed == 5
    for _ in range(9):
        pace.went_well()
    assert pace.allowed == 6


async def test_once_it_was_asked_to_slow_down_it_grows_by_one_a_round() -> None:
    clock = FakeClock()
    pace = pacer(clock, start=8, most=6)
    pace.went_badly(BUSY)
    clock.advance(60)
    for _ in range(5):
        pace.went_well()
    assert pace.allowed == 5
    for _ in range(100):
        pace.went_well()
    assert pace.allowed == 6


async def test_it_halves_once_for_a_burst() -> None:
    clock = FakeClock()
    pace = pacer(clock, start=8)
    for _ in range(5):
        pace.went_badly(BUSY)
    assert (pace.allowed, pace.slowed) == (4, 1)


async def test_it_halves_again_when_that_was_not_enough() -> None:
    clock = FakeClock()
    pace = pacer(clock, start=8)
    for _ in range(10):
        pace.went_badly(BUSY)
        await pace.quiet()
    assert (pace.allowed, pace.slowed) == (1, 10)


async def test_it_halves_again_while_refusals_without_a_pause_go_on() -> None:
    clock = FakeClock()
    pace = pacer(clock, start=8)
    for _ in range(12):
        pace.went_badly(errors.RateLimited("busy", retry_after=0))
        clock.advance(0.25)
    assert pace.slowed == 3


async def test_stragglers_belong_to_the_burst_that_keeps_us_quiet() -> None:
    clock = FakeClock()
    pace = pacer(clock, start=8)
    pace.went_badly(errors.RateLimited("busy", retry_after=30))
    clock.advance(20)
    pace.went_badly(errors.RateLimited("busy", retry_after=10))
    assert (pace.allowed, pace.slowed, pace.waiting) == (4, 1, 10)


@pytest.mark.parametrize(
    "error",
    [errors.ConnectionLost(), errors.ServerFailed("500"), errors.NoRight(), errors.TimedOut()],
)
async def test_other_failures_do_not_slow_down(error: errors.TransshipError) -> None:
    pace = pacer(FakeClock(), start=8)
    pace.went_badly(error)
    assert (pace.allowed, pace.waiting) == (8, 0)


async def test_503_slows_down() -> None:
    pace = pacer(FakeClock(), start=8)
    pace.went_badly(errors.ServerFailed("503", retry_after=0))
    assert pace.allowed == 4


async def test_what_is_allowed_is_compared_with_the_beginning() -> None:
    pace = pacer(FakeClock(), start=4)
    pace.went_well()
    assert not pace.narrowed
    pace.went_badly(BUSY)
    assert pace.narrowed


async def test_it_has_recovered_once_something_went_well_after_the_quiet() -> None:
    clock = FakeClock()
    pace = pacer(clock)
    clock.advance(1)
    pace.went_badly(errors.RateLimited("busy", retry_after=5))
    pace.went_well()  # It was under way when it began.
    clock.advance(5)
    assert not pace.recovered
    pace.went_well()
    assert pace.recovered


@pytest.mark.parametrize(
    "error",
    [
        errors.ConnectionLost(),
        errors.ConnectionRefused(),
        errors.NameNotFound(),
        errors.TimedOut(),
    ],
)
async def test_a_registry_is_silent_until_it_gives_any_answer(error: errors.TransshipError) -> None:
    clock = FakeClock()
    pace = pacer(clock)
    for _ in range(3):
        pace.went_badly(error)
        clock.advance(10)
    assert pace.silent == 30
    pace.went_badly(errors.ServerFailed("500"))
    assert pace.silent == 0
    pace.went_badly(error)
    pace.answered()
    assert pace.silent == 0


async def test_nothing_goes_out_while_the_registry_wants_quiet() -> None:
    clock = FakeClock()
    pace = pacer(clock)
    pace.went_badly(errors.RateLimited("busy", retry_after=5))
    assert pace.waiting == 5
    async with pace.slot():
        assert clock.monotonic() == 5


async def test_after_the_quiet_only_as_many_go_out_as_are_allowed_by_then() -> None:
    pace = pacer(FakeClock(), start=4)
    pace.went_badly(errors.RateLimited("busy", retry_after=5))
    async with AsyncExitStack() as stack:
        tasks = await enter(pace, stack, 4)
        assert sum(task.done() for task in tasks) == 2
        await stack.pop_all().aclose()
        await asyncio.gather(*tasks)
        await stack.pop_all().aclose()


async def test_too_long_a_quiet_is_not_waited_for() -> None:
    clock = FakeClock()
    pace = RateLimiter(clock, longest=20)
    pace.went_badly(errors.RateLimited("busy", retry_after=3600))
    with pytest.raises(errors.RateLimited, match="1 h 00 min") as caught:
        async with pace.slot():
            pass
    assert caught.value.retry_after == 3600
    assert clock.slept == []
    clock.advance(3590)
    async with pace.slot():
        assert clock.monotonic() == 3600


async def test_those_that_are_cancelled_leave_no_place_taken() -> None:
    pace = pacer(FakeClock(), start=1)
    async with AsyncExitStack() as stack:
        holder, *waiting = await enter(pace, stack, 4)
        waiting[0].cancel()
        await settle()
        # The next in turn is let in and cancelled before it has noticed.
        leaving = asyncio.create_task(stack.pop_all().aclose())
        await asyncio.sleep(0)
        waiting[1].cancel()
        await settle()
        await leaving
        assert holder.done()
        assert waiting[2].done()
        assert not waiting[2].cancelled()
        await stack.pop_all().aclose()
    async with pace.slot():
        pass


async def test_many_requests_all_come_through() -> None:
    clock = FakeClock()
    pace = RateLimiter(clock, start=3, most=5)
    under_way = most = done = 0

    async def request(number: int) -> None:
        nonlocal under_way, most, done
        async with pace.slot():
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            if number % 10 == 0:
                pace.went_badly(errors.RateLimited("busy", retry_after=number % 3))
            else:
                pace.went_well()
            under_way -= 1
        done += 1

    async with asyncio.timeout(30):
        await asyncio.gather(*(request(number) for number in range(300)))
    assert done == 300
    assert most <= 5
