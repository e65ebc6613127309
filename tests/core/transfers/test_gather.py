"""Several things at once: in order, with bounds, and without leftovers."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.concurrency import both, each, in_order


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 6), st.integers(1, 6))
async def test_results_are_taken_in_order_whichever_is_there_first(
    waits: list[int], at_once: int, ahead: int
) -> None:
    taken: list[int] = []
    under_way: set[int] = set()

    async def act(item: tuple[int, int]) -> int:
        number, turns = item
        under_way.add(number)
        assert len(under_way) <= at_once
        assert number < len(taken) + ahead
        for _ in range(turns):
            await asyncio.sleep(0)
        under_way.remove(number)
        return number

    await in_order(enumerate(waits), act, taken.append, at_once=at_once, ahead=ahead)

    assert taken == list(range(len(waits)))


async def test_what_comes_next_is_not_asked_for_before_there_is_room_for_it() -> None:
    given_out: list[int] = []
    first = asyncio.Event()
    taken: list[int] = []

    def numbers() -> object:
        for number in range(100):
            given_out.append(number)
            yield number

    async def act(number: int) -> int:
        if number == 0:
            await first.wait()
        return number

    going = asyncio.create_task(in_order(numbers(), act, taken.append, at_once=2, ahead=5))  # type: ignore[arg-type]
    for _ in range(50):
        await asyncio.sleep(0)
    assert (given_out, taken) == ([0, 1, 2, 3, 4], [])

    first.set()
    await going
    assert taken == list(range(100))


async def test_the_first_failure_ends_the_others() -> None:
    ended: list[int] = []

    async def act(number: int) -> None:
        if number == 3:
            raise ValueError
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    with pytest.raises(ValueError):
        await in_order(range(10), act, ended.append, at_once=4, ahead=8)

    assert sorted(ended) == [0, 1, 2]


@pytest.mark.parametrize("fails", [0, 1], ids=["the first", "the second"])
async def test_of_two_things_the_failure_of_one_ends_the_other(fails: int) -> None:
    ended: list[int] = []

    async def act(number: int) -> None:
        try:
            if number == fails:
                await asyncio.sleep(0)
                raise ValueError(number)
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    with pytest.raises(ValueError, match=str(fails)):
        await both(act(0), act(1))

    assert sorted(ended) == [0, 1]


async def test_two_things_go_on_beside_each_other() -> None:
    first, second = asyncio.Event(), asyncio.Event()

    async def act(own: asyncio.Event, other: asyncio.Event, number: int) -> int:
        own.set()
        await other.wait()
        return number

    assert await both(act(first, second, 1), act(second, first, 2)) == (1, 2)


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_results_come_in_order_however_many_there_are(count: int) -> None:
    async def act(number: int) -> int:
        await asyncio.sleep(0)
        return number

    assert await each(map(act, range(count))) == list(range(count))


async def test_the_failure_of_one_thing_alone_is_raised_as_it_is() -> None:
    async def fail() -> None:
        raise ValueError("alone")

    with pytest.raises(ValueError, match="alone"):
        await each([fail()])
