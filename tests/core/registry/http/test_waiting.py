"""How long is waited for the next thing, without an alarm for each."""

from __future__ import annotations

import asyncio

import pytest

from transship.registry.http.connection import Waiting


class Clock:
    """The time of a loop, which goes on only when it is told to."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self.now = loop.time()
        patch.setattr(loop, "time", lambda: self.now)

    async def advance(self, seconds: float) -> None:
        self.now += seconds
        await turns()


async def turns() -> None:
    """Let all that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def begun(waiting: Waiting, seconds: float | None) -> asyncio.Task[None]:
    waits = asyncio.create_task(waiting.wait(seconds))
    await turns()
    return waits


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def late() -> list[str]:
    return []


@pytest.fixture
async def waiting(clock: Clock, late: list[str]) -> Waiting:
    return Waiting(lambda: late.append("late"))


async def test_who_is_not_woken_in_time_is_late(
    waiting: Waiting, clock: Clock, late: list[str]
) -> None:
    waits = await begun(waiting, 10)
    await clock.advance(9)
    assert late == []
    await clock.advance(2)
    assert late == ["late"]
    waiting.wake()
    await waits


async def test_each_wait_has_its_own_time(waiting: Waiting, clock: Clock, late: list[str]) -> None:
    for seconds in (10, 5, 60):
        waits = await begun(waiting, seconds)
        await clock.advance(seconds - 1)
        waiting.wake()
        await waits
    await clock.advance(1000)
    assert late == []

    waits = await begun(waiting, 5)
    await clock.advance(6)
    assert late == ["late"]
    waiting.wake()
    await waits


async def test_a_wait_can_be_prolonged(waiting: Waiting, clock: Clock, late: list[str]) -> None:
    waits = await begun(waiting, 10)
    await clock.advance(9)
    waiting.prolong()
    await clock.advance(9)
    assert late == []
    await clock.advance(2)
    assert late == ["late"]
    waiting.wake()
    await waits


async def test_nobody_who_does_not_wait_is_late(
    waiting: Waiting, clock: Clock, late: list[str]
) -> None:
    waits = await begun(waiting, None)
    await clock.advance(1000)
    waiting.wake()
    await waits
    waiting.prolong()
    await clock.advance(1000)
    assert late == []
