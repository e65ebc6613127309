from __future__ import annotations

import asyncio

import pytest

from transship.errors import NoRight, WrongCredential
from transship.registry.credential import SharedCall


async def test_one_does_the_work_and_all_have_it() -> None:
    shared, done = SharedCall(), list[int]()

    async def work() -> int:
        if not done:
            await asyncio.sleep(0)
            done.append(1)
        return len(done)

    assert await asyncio.gather(*(shared.do(work) for _ in range(50))) == [1] * 50


async def test_a_failure_is_the_answer_to_all_who_waited_for_it() -> None:
    shared, attempts = SharedCall(), 0

    async def work() -> None:
        nonlocal attempts
        attempts += 1
        await asyncio.sleep(0)
        raise WrongCredential("no")

    results = await asyncio.gather(*(shared.do(work) for _ in range(50)), return_exceptions=True)
    assert attempts == 1
    assert all(isinstance(result, WrongCredential) for result in results)


async def test_who_comes_later_tries_again() -> None:
    shared, answers = SharedCall(), iter([NoRight("no"), None, None])

    async def work() -> str:
        if error := next(answers):
            raise error
        return "yes"

    with pytest.raises(NoRight):
        await shared.do(work)
    assert await shared.do(work) == "yes"
    assert await shared.do(work) == "yes"


async def test_who_is_cancelled_leaves_the_work_to_the_next() -> None:
    shared, begun = SharedCall(), asyncio.Event()

    async def hangs() -> str:
        begun.set()
        await asyncio.Event().wait()
        return "never"

    async def works() -> str:
        return "done"

    first = asyncio.create_task(shared.do(hangs))
    await begun.wait()
    second = asyncio.create_task(shared.do(works))
    first.cancel()
    assert await second == "done"
    assert first.cancelled()
