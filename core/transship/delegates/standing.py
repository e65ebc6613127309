"""How a delegation stands: by its journal alone, and by what is at its engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from transship.delegates.changes import Change, holds
from transship.delegates.engine import Engine, Found
from transship.delegates.journal import Delegation, Step


class Stands(StrEnum):
    """How far a delegation came. The values are stable."""

    MADE = "made"
    PARTLY = "partly made"
    NOT = "not made"
    UNDONE = "taken back"


class Now(StrEnum):
    """How something is now, against what a delegation asked for. The values are stable."""

    AS_MADE = "as made"
    OTHERWISE = "changed since"
    GONE = "gone"
    AS_BEFORE = "as before"


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that a delegation is about, as it is now. `said` is the engine's word for it."""

    number: int
    change: Change
    now: Now
    is_there: bool
    said: str = ""


def stands(delegation: Delegation, every: Iterable[Delegation]) -> Stands:
    """Return how far a delegation came; `every` are all there are, those that undo it too.

    What was undone and whose undoing was undone in turn, is there again.
    """
    every = tuple(every)
    undone_by = (each for each in every if each.agreed.undoes == delegation.id)
    if any(each.is_whole and stands(each, every) is not Stands.UNDONE for each in undone_by):
        return Stands.UNDONE
    if delegation.is_whole:
        return Stands.MADE
    steps = {delegation.step(number) for number in range(len(delegation.lines))}
    return Stands.NOT if steps <= {Step.WAITING, Step.FAILED} else Stands.PARTLY


async def things(delegation: Delegation, engine: Engine) -> tuple[Thing, ...]:
    """Return how everything is that a delegation is about. Only reads."""
    count = len(delegation.agreed.changes)
    return tuple([await thing(delegation, number, engine) for number in range(count)])


async def thing(delegation: Delegation, number: int, engine: Engine) -> Thing:
    """Return how one of the things is that a delegation is about. Only reads."""
    change = delegation.agreed.changes[number]
    there = await engine.read(change.kind, change.name)
    said = there.status if there else ""
    return Thing(number, change, _now(change, there), there is not None, said)


def _now(change: Change, found: Found | None) -> Now:
    if found is None:
        return Now.AS_MADE if change.after is None else _absent(change)
    if change.after is not None and holds(found.settings, change.after):
        return Now.AS_MADE
    if change.before is not None and holds(found.settings, change.before):
        return Now.AS_BEFORE
    return Now.OTHERWISE


def _absent(change: Change) -> Now:
    return Now.AS_BEFORE if change.before is None else Now.GONE
