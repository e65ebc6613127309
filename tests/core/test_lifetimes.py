"""What runs while it is entered ends with the block, and so does what fails to start."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from transship.concurrency import Runs, end, heed_cancellation

if TYPE_CHECKING:
    from contextlib import AsyncExitStack


class Steps(Runs):
    """Notes when it starts and ends, and fails to start where it is told."""

    def __init__(self, *, fails: bool = False) -> None:
        self.done: list[str] = []
        self._fails = fails

    async def _start(self, stack: AsyncExitStack) -> None:
        self.done.append("begun")
        stack.callback(self.done.append, "ended")
        if self._fails:
            raise OSError("no room")


async def test_it_ends_with_the_block_and_can_be_entered_again() -> None:
    steps = Steps()
    for _ in range(2):
        async with steps as entered:
            assert entered is steps
            assert steps.done[-1] == "begun"
    assert steps.done == ["begun", "ended"] * 2


async def test_what_has_begun_ends_where_the_rest_fails() -> None:
    steps = Steps(fails=True)
    with pytest.raises(OSError, match="no room"):
        await steps.__aenter__()
    assert steps.done == ["begun", "ended"]


async def test_tasks_have_ended_however_they_do() -> None:
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(name)
            if name == "fails":
                raise OSError(name)

    tasks = [asyncio.create_task(work(name)) for name in ("fails", "goes")]
    await asyncio.sleep(0)

    await end(*tasks)

    assert sorted(ended) == ["fails", "goes"]
    assert all(task.done() for task in tasks)


async def test_a_cancellation_that_was_kept_back_is_heeded_all_the_same() -> None:
    async def asks_on() -> None:
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(30)
            heed_cancellation()

    task = asyncio.create_task(asks_on())
    await asyncio.sleep(0)
    await end(task)
    assert task.cancelled()


async def test_who_is_not_cancelled_goes_on() -> None:
    heed_cancellation()
