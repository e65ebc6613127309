"""Work beside the app: its result, its error and its end reach the app, whatever it does."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from transship.app.background import (
    compute_in_thread,
    run_in_home_loop,
    run_in_thread,
    stream_from_thread,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


async def test_it_runs_in_another_thread_and_gives_its_result() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return threading.get_ident()

    assert await run_in_thread(work) != threading.get_ident()
    assert await compute_in_thread(threading.get_ident) != threading.get_ident()


async def test_its_error_is_raised_here() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await run_in_thread(work)


async def test_who_stops_waiting_ends_it() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(run_in_thread(work))
    assert await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 30)


async def test_work_that_is_cancelled_there_keeps_nobody_waiting() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(30):
            await run_in_thread(work)


async def test_turns_are_as_long_as_before_once_all_is_done() -> None:
    before = sys.getswitchinterval()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(compute_in_thread(sys.getswitchinterval)) for _ in range(3)]
    assert all(task.result() < before for task in tasks)
    assert sys.getswitchinterval() == before


async def test_what_is_given_there_comes_here_in_order_and_then_its_error() -> None:
    async def work() -> AsyncGenerator[int]:
        for each in range(100):
            yield each
        raise ValueError("no")

    items = stream_from_thread(work)
    assert [await anext(items) for _ in range(100)] == list(range(100))
    with pytest.raises(ValueError, match="no"):
        await anext(items)


async def test_who_stops_looking_waits_until_it_has_put_its_things_away() -> None:
    ended = threading.Event()

    async def work() -> AsyncGenerator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0.01)
            ended.set()

    async with aclosing(stream_from_thread(work)) as items:
        async for _ in items:
            break
    assert ended.is_set()


async def test_what_belongs_to_the_app_is_done_in_its_own_loop() -> None:
    here = asyncio.get_running_loop()

    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def work() -> tuple[asyncio.AbstractEventLoop, asyncio.AbstractEventLoop]:
        return asyncio.get_running_loop(), await run_in_home_loop(loop)

    there, home = await run_in_thread(work)
    assert there is not here
    assert home is here
    assert await run_in_home_loop(loop) is here
