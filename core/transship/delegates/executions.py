"""What an engine does by itself, followed: its executions and their tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from transship.clock import Clock
from transship.errors import TransshipError


class State(StrEnum):
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
        return self in (State.SUCCEEDED, State.FAILED, State.STOPPED)


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of what was delegated. `said` is the engine's own word for its state.

    Counts are of tasks, and None where the engine doesn't tell. `trigger` says what began it.
    """

    id: str
    state: State
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
        return self.state.is_over or (self.state is State.UNKNOWN and self.ended is not None)


@dataclass(frozen=True, slots=True)
class Task:
    """One part of an execution: from what to what. `has_log` says that `log` can be asked for."""

    id: str
    state: State
    said: str = ""
    operation: str = ""
    source: str = ""
    target: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    message: str = ""
    has_log: bool = False


class Follows(Protocol):
    """An engine whose executions can be followed. `of` names what they are of, as in a change.

    All methods raise what stands in the way. Texts are the engine's, and come through `text.safe`.
    """

    def executions(self, of: str) -> AsyncIterator[Execution]:
        """Give the executions, the newest first."""

    async def execution(self, of: str, execution: str) -> Execution:
        """Return one by its id. Raises ExecutionNotFound."""

    def tasks(self, of: str, execution: str) -> AsyncIterator[Task]:
        """Give the tasks of one."""

    async def log(self, of: str, execution: str, task: str) -> str:
        """Return the log of a task; empty when there is none."""


class Starts(Protocol):
    """An engine whose executions can be started and stopped."""

    async def start(self, of: str) -> Execution:
        """Start one, and return it."""

    async def stop(self, of: str, execution: str) -> None:
        """Ask for it to be stopped."""


async def followed(
    follows: Follows, of: str, execution: str, clock: Clock, *, every: float, patience: int = 5,
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
            if seen.state is not State.UNKNOWN:
                known_at = clock.monotonic()
            elif clock.monotonic() - known_at >= puzzled:
                return
        if last is None or not last.is_over:
            await clock.sleep(every)
