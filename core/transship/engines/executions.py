"""What an engine does by itself: its executions and their tasks, followed until all are over."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from transship.clock import Clock
from transship.errors import TransshipError


class ExecutionState(StrEnum):
    """How an execution or a task is."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    """The engine says a word that isn't known."""

    @property
    def is_over(self) -> bool:
        """Whether it won't change by itself any more."""
        return self in (ExecutionState.SUCCEEDED, ExecutionState.FAILED, ExecutionState.STOPPED)


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of what was delegated. `said` is the engine's own word for its state.

    Counts are of tasks, and None where the engine doesn't tell. `trigger` says what began it.
    """

    id: str
    state: ExecutionState
    said: str = ""
    trigger: str = ""
    total: int | None = None
    succeeded: int | None = None
    failed: int | None = None
    running: int | None = None
    stopped: int | None = None
    started: datetime | None = None
    ended: datetime | None = None
    message: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it won't change by itself any more; one that has ended is, whatever is said."""
        return self.state.is_over or (
            self.state is ExecutionState.UNKNOWN and self.ended is not None
        )


@dataclass(frozen=True, slots=True)
class ExecutionTask:
    """One part of an execution: from what to what. `has_log` says that `log` can be asked for."""

    id: str
    state: ExecutionState
    said: str = ""
    operation: str = ""
    source: str = ""
    target: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    message: str = ""
    has_log: bool = False


class ExecutionReader(Protocol):
    """An engine whose executions can be followed. `of` names what they are of, as in a change.

    All methods raise what stands in the way. Texts are the engine's, and come through `text.safe`.
    """

    def executions(self, of: str) -> AsyncIterator[Execution]:
        """Give the executions, the newest first."""

    async def execution(self, of: str, execution: str) -> Execution:
        """Return one by its id. Raises ExecutionNotFound."""

    def tasks(self, of: str, execution: str) -> AsyncIterator[ExecutionTask]:
        """Give the tasks of one."""

    async def log(self, of: str, execution: str, task: str) -> str:
        """Return the log of a task; empty when there is none."""


class ExecutionStarter(Protocol):
    """An engine whose executions can be started and stopped."""

    async def start(self, of: str) -> Execution:
        """Start one, and return it."""

    async def stop(self, of: str, execution: str) -> None:
        """Ask for it to be stopped."""


async def follow_execution(
    follows: ExecutionReader, of: str, execution: str, clock: Clock, *, every: float,
    patience: int = 5,
    puzzled: float = 600.0,
) -> AsyncIterator[Execution]:  # fmt: skip
    """Give an execution each time that it has changed, until it is over.

    It is asked for every `every` seconds. An engine that doesn't answer is asked again, `patience`
    times in a row at most; then, or when asking again can't help, its error is raised. One that
    says nothing but a word that isn't known is left after `puzzled` seconds.
    """
    last: Execution | None = None
    failures = 0
    known_at = clock.monotonic()
    while last is None or not last.is_over:
        try:
            seen = await follows.execution(of, execution)
        except TransshipError as error:
            failures += 1
            if not error.retryable or failures > patience:
                raise
        else:
            failures = 0
            if seen != last:
                last = seen
                yield seen
            if seen.state is not ExecutionState.UNKNOWN:
                known_at = clock.monotonic()
            elif clock.monotonic() - known_at >= puzzled:
                return
        if last is None or not last.is_over:
            await clock.sleep(every)


_MOST_READ = 50


@dataclass(frozen=True, slots=True)
class ExecutionSeen:
    """An execution as it was at a moment, and the name of what it is of."""

    of: str
    execution: Execution


@dataclass(slots=True)
class _FollowedExecutions:
    """The executions that were followed, and since when."""

    ids: set[tuple[str, str]] = field(default_factory=set)
    since: datetime | None = None

    def add(self, of: str, execution: Execution) -> None:
        self.ids.add((of, execution.id))
        began = execution.started
        if began is not None and (self.since is None or began < self.since):
            self.since = began

    def is_news(self, of: str, execution: Execution) -> bool:
        """Tell whether it is one to be followed: it runs, or those followed have set it off."""
        if (of, execution.id) in self.ids:
            return False
        if not execution.is_over:
            return True
        began, since = execution.started, self.since
        return bool(self.ids) and (began is None or since is None or began >= since)


async def follow_executions(
    follows: ExecutionReader, of: Sequence[str], clock: Clock, *, every: float
) -> AsyncGenerator[ExecutionSeen]:
    """Give the executions of several names each time that one has changed, until none runs.

    Those that others set off meanwhile are followed too. Where none runs at first, the newest of
    each name is given as it ended. It is asked every `every` seconds. Raises what stands in the way
    of asking, as `executions.followed` does.
    """
    known = _FollowedExecutions()
    quiet = 0
    # What one has set off is there a moment later only.
    enough = 2 if len(of) > 1 else 1
    while quiet < enough:
        found = [
            (name, each) for name in of for each in await _new_executions(follows, name, known)
        ]
        for name, each in found:
            async with aclosing(_follow_one(follows, name, each, clock, every)) as seen:
                async for execution in seen:
                    known.add(name, execution)
                    yield ExecutionSeen(name, execution)
        if not known.ids:
            for name in of:
                for each in await _newest_executions(follows, name, 1):
                    yield ExecutionSeen(name, each)
            return
        quiet = 0 if found else quiet + 1
        if quiet and quiet < enough:
            await clock.sleep(every)


async def _follow_one(
    follows: ExecutionReader, of: str, first: Execution, clock: Clock, every: float
) -> AsyncGenerator[Execution]:
    if first.is_over:
        yield first
        return
    async for execution in follow_execution(follows, of, first.id, clock, every=every):
        yield execution


async def _new_executions(
    follows: ExecutionReader, of: str, known: _FollowedExecutions
) -> list[Execution]:
    """Return those to be followed, the oldest first."""
    newest = await _newest_executions(follows, of, _MOST_READ)
    return [each for each in reversed(newest) if known.is_news(of, each)]


async def _newest_executions(follows: ExecutionReader, of: str, count: int) -> list[Execution]:
    found: list[Execution] = []
    async for each in follows.executions(of):
        found.append(each)
        if len(found) == count:
            break
    return found
