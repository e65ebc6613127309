"""How a delegation stands at its engine, for the eye: things, executions, and what isn't known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transship.engines.changes import DelegatedItem, read_item
from transship.engines.delegation import names_to_start, names_with_executions
from transship.errors import TransshipError
from transship.text import counted
from transship_tui.engine_delegates import Look, Run

if TYPE_CHECKING:
    from transship.engines.changes import Delegation
    from transship.engines.delegation import OpenedEngine

_MOST_RUNS = 50
"""So many executions of one thing are shown, the newest; the engine has all of them."""
_MOST_NAMED = 20


async def looked(delegation: Delegation, serving: OpenedEngine) -> Look:
    """Return how a delegation stands at its engine; what can't be asked for is named."""
    unseen: list[str] = []
    things: list[DelegatedItem] = []
    runs: list[Run] = []
    made = delegation.agreed.changes
    of = names_with_executions(made) if serving.follows is not None else ()
    for number, change in enumerate(made[:_MOST_NAMED]):
        try:
            things.append(await read_item(delegation, number, serving.engine))
        except TransshipError as error:
            unseen.append(f"{change.kind} {change.name}: {error}")
    if len(made) > _MOST_NAMED:
        more = counted(len(made) - _MOST_NAMED, "other")
        unseen.append(f"Of {counted(len(made), 'change')} {more} weren't looked at.")
    there = {
        name for each in things if each.is_there for name in names_with_executions((each.change,))
    }
    for name in of:
        if name in there:
            runs += await _runs(serving, name, unseen)
    runs.sort(key=_began, reverse=True)
    starts = serving.starts is not None
    begins = tuple(name for name in names_to_start(made) if starts and name in there)
    return Look(delegation, tuple(things), of, tuple(runs), begins, starts, tuple(unseen))


async def _runs(serving: OpenedEngine, of: str, unseen: list[str]) -> list[Run]:
    found: list[Run] = []
    if serving.follows is None:
        return found
    try:
        async for each in serving.follows.executions(of):
            found.append(Run(of, each))
            if len(found) == _MOST_RUNS:
                unseen.append(f"{of}: only the {_MOST_RUNS} newest executions are shown.")
                break
    except TransshipError as error:
        unseen.append(f"The executions of {of} couldn't be asked for: {error}")
    return found


def _began(run: Run) -> float:
    return run.execution.started.timestamp() if run.execution.started else 0.0
