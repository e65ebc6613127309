"""All that an engine does for one delegation, followed until nothing of it runs any more."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from transship.clock import Clock
from transship.delegates.executions import Execution, Follows, followed

_MOST_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Seen:
    """An execution as it was at a moment, and the name of what it is of."""

    of: str
    execution: Execution


@dataclass(slots=True)
class _Known:
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


async def all_followed(
    follows: Follows, of: Sequence[str], clock: Clock, *, every: float
) -> AsyncGenerator[Seen]:
    """Give the executions of several names each time that one has changed, until none runs.

    Those that others set off meanwhile are followed too. Where none runs at first, the newest of
    each name is given as it ended. It is asked every `every` seconds. Raises what stands in the way
    of asking, as `executions.followed` does.
    """
    known = _Known()
    quiet = 0
    # What one has set off is there a moment later only.
    enough = 2 if len(of) > 1 else 1
    while quiet < enough:
        found = [(name, each) for name in of for each in await _news(follows, name, known)]
        for name, each in found:
            async with aclosing(_one(follows, name, each, clock, every)) as seen:
                async for execution in seen:
                    known.add(name, execution)
                    yield Seen(name, execution)
        if not known.ids:
            for name in of:
                for each in await _newest(follows, name, 1):
                    yield Seen(name, each)
            return
        quiet = 0 if found else quiet + 1
        if quiet and quiet < enough:
            await clock.sleep(every)


async def _one(
    follows: Follows, of: str, first: Execution, clock: Clock, every: float
) -> AsyncGenerator[Execution]:
    if first.is_over:
        yield first
        return
    async for execution in followed(follows, of, first.id, clock, every=every):
        yield execution


async def _news(follows: Follows, of: str, known: _Known) -> list[Execution]:
    """Return those to be followed, the oldest first."""
    newest = await _newest(follows, of, _MOST_LOOKED_AT)
    return [each for each in reversed(newest) if known.is_news(of, each)]


async def _newest(follows: Follows, of: str, count: int) -> list[Execution]:
    found: list[Execution] = []
    async for each in follows.executions(of):
        found.append(each)
        if len(found) == count:
            break
    return found
