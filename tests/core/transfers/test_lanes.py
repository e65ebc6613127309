"""Lanes: the largest first, no slot ever lost, and a rate that can be believed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from moving.memory import FakeClock
from transship.registry.registry import MEBIBYTE
from transship.transfers.lanes import Gate, Lanes, LargestFirst, Meter, Paused


@asynccontextmanager
async def holding(slots: LargestFirst, size: int) -> AsyncIterator[None]:
    await slots.acquire(size)
    try:
        yield
    finally:
        slots.release()


async def test_of_those_that_wait_the_largest_is_next() -> None:
    slots = LargestFirst(1)
    order: list[int] = []
    begun = asyncio.Event()
    release = asyncio.Event()

    async def hold(size: int) -> None:
        async with holding(slots, size):
            order.append(size)
            begun.set()
            await release.wait()

    first = asyncio.create_task(hold(0))
    await begun.wait()
    others = [asyncio.create_task(hold(size)) for size in (3, 9, 1, 9, 4)]
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(first, *others)

    assert order == [0, 9, 9, 4, 3, 1]


async def test_no_slot_is_lost_or_given_twice_however_holders_end() -> None:
    slots = LargestFirst(3)
    chance = random.Random(7)
    inside = most = 0

    async def hold(size: int) -> None:
        nonlocal inside, most
        async with holding(slots, size):
            inside += 1
            most = max(most, inside)
            try:
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)
                if size % 5 == 0:
                    raise ValueError(size)
            finally:
                inside -= 1

    tasks = [asyncio.create_task(hold(size)) for size in range(200)]
    for task in chance.sample(tasks, 120):
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert most <= 3
    async with asyncio.timeout(30), holding(slots, 1), holding(slots, 1), holding(slots, 1):
        pass


async def test_one_who_is_cancelled_at_the_moment_of_his_turn_gives_it_on() -> None:
    slots = LargestFirst(1)
    async with holding(slots, 1):
        first = asyncio.create_task(slots.acquire(2))
        second = asyncio.create_task(slots.acquire(1))
        await asyncio.sleep(0)
    first.cancel()

    async with asyncio.timeout(30):
        await second


async def test_small_blobs_never_wait_for_large_ones() -> None:
    lanes = Lanes(FakeClock(), large=1)
    release = asyncio.Event()

    async def large() -> None:
        async with lanes.lane("large", 100 * MEBIBYTE, target="new.example", digest="sha256:1"):
            await release.wait()

    tasks = [asyncio.create_task(large()) for _ in range(3)]
    await asyncio.sleep(0)
    async with asyncio.timeout(30), lanes.lane("small", 10) as moving:
        moving.advance(4)
        shown = lanes.snapshot()
    release.set()
    await asyncio.gather(*tasks)

    assert [(lane.what, lane.moved, lane.size, lane.target, lane.digest) for lane in shown] == [
        ("large", 0, 100 * MEBIBYTE, "new.example", "sha256:1"),
        ("small", 4, 10, "", ""),
    ]
    assert lanes.snapshot() == []


async def test_nothing_new_begins_behind_a_closed_gate_and_no_slot_is_lost() -> None:
    lanes = Lanes(FakeClock(), large=1)
    lanes.gate.close()

    for _ in range(3):
        with pytest.raises(Paused):
            async with lanes.lane("late", 2 * MEBIBYTE):
                pytest.fail("it was let in")


def test_a_gate_lets_through_until_it_is_closed() -> None:
    gate = Gate()
    gate.enter()
    gate.close()
    with pytest.raises(Paused):
        gate.enter()


def test_the_rate_is_right_at_once_and_then_smoothed() -> None:
    clock = FakeClock()
    meter = Meter(clock)
    assert meter.read() == 0

    for _ in range(40):
        meter.count(250)
        clock.time += 0.25
        assert meter.read() == pytest.approx(1000)
    for _ in range(39):
        clock.time += 0.25
        meter.read()

    assert 200 < meter.rate < 500
    assert meter.total == 10_000


def test_what_has_stood_still_for_a_while_has_no_rate() -> None:
    clock = FakeClock()
    meter = Meter(clock)
    meter.count(1_000_000)
    clock.time += 1
    meter.read()
    for _ in range(10):
        clock.time += 1
        meter.read()
    assert meter.rate == 0

    meter.count(1_000_000)
    clock.time += 1
    assert 0 < meter.read() < 1_000_000


def test_two_readings_at_the_same_moment_are_one() -> None:
    clock = FakeClock()
    meter = Meter(clock)
    meter.count(100)
    clock.time += 1

    first = meter.read()
    assert first == pytest.approx(100)
    assert meter.read() == first
