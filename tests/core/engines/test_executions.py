"""An execution is followed to its end, through answers that fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fakes.clock import FakeClock
from transship import errors
from transship.engines.executions import Execution, ExecutionState, ExecutionTask, follow_execution
from transship.errors import TransshipError

RUNNING = Execution("7", ExecutionState.RUNNING, total=2, succeeded=0)
HALF = Execution("7", ExecutionState.RUNNING, total=2, succeeded=1)
DONE = Execution("7", ExecutionState.SUCCEEDED, total=2, succeeded=2)


class Scripted:
    """Answers in order with what it is given."""

    def __init__(self, answers: Sequence[Execution | TransshipError]) -> None:
        self._answers = list(answers)

    async def execution(self, of: str, execution: str) -> Execution:
        answer = self._answers.pop(0)
        if isinstance(answer, TransshipError):
            raise answer
        return answer

    async def executions(self, of: str) -> AsyncIterator[Execution]:
        yield DONE

    async def tasks(self, of: str, execution: str) -> AsyncIterator[ExecutionTask]:
        yield ExecutionTask("1", ExecutionState.SUCCEEDED)

    async def log(self, of: str, execution: str, task: str) -> str:
        return ""


async def seen(*answers: Execution | TransshipError) -> list[Execution]:
    follows = Scripted(answers)
    clock = FakeClock()
    return [
        each async for each in follow_execution(follows, "rule", "7", clock, every=2, patience=2)
    ]


async def test_each_change_is_given_once() -> None:
    assert await seen(RUNNING, RUNNING, HALF, DONE) == [RUNNING, HALF, DONE]


async def test_an_engine_that_is_away_for_a_moment_is_asked_again() -> None:
    lost = errors.ConnectionLost("gone")
    assert await seen(RUNNING, lost, lost, DONE) == [RUNNING, DONE]


async def test_an_engine_that_stays_away_is_said() -> None:
    lost = errors.ConnectionLost("gone")
    with pytest.raises(errors.ConnectionLost):
        await seen(RUNNING, lost, lost, lost, DONE)


PUZZLING = Execution("7", ExecutionState.UNKNOWN, "Settling")


async def test_a_word_that_is_not_known_for_a_while_is_waited_on() -> None:
    assert await seen(PUZZLING, PUZZLING, RUNNING, DONE) == [PUZZLING, RUNNING, DONE]


async def test_a_word_that_stays_unknown_is_left_after_ten_minutes() -> None:
    assert await seen(RUNNING, *[PUZZLING] * 1000) == [RUNNING, PUZZLING]


async def test_what_has_ended_is_over_whatever_word_is_said_of_it() -> None:
    ended = replace(PUZZLING, ended=datetime(2026, 1, 5, tzinfo=UTC))
    assert await seen(PUZZLING, ended) == [PUZZLING, ended]


async def test_what_asking_again_cannot_help_is_said_at_once() -> None:
    with pytest.raises(errors.ExecutionNotFound):
        await seen(errors.ExecutionNotFound("7"), DONE)
