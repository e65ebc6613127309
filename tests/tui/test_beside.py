"""Work beside the app: its result, its error and its end reach the app, whatever it does."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from transship_tui.beside import beside, computed


async def test_it_runs_in_another_thread_and_gives_its_result() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return threading.get_ident()

    assert await beside(work) != threading.get_ident()
    assert await computed(threading.get_ident) != threading.get_ident()


async def test_its_error_is_raised_here() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await beside(work)


async def test_who_stops_waiting_ends_it() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(beside(work))
    while not begun.is_set():
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 5)


async def test_turns_are_as_long_as_before_once_all_is_done() -> None:
    before = sys.getswitchinterval()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(computed(sys.getswitchinterval)) for _ in range(3)]
    assert all(task.result() < before for task in tasks)
    assert sys.getswitchinterval() == before
