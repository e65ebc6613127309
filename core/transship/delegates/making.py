"""Makes what was agreed to: one change after another, each journalled, made and read back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from transship import errors
from transship.delegates.changes import Change, ChangeSet, Does, Settings, change_to, holds, undone
from transship.delegates.engine import Engine, Found, Gives
from transship.delegates.journal import Delegation, Journal, Step
from transship.delegates.standing import Stands, stands
from transship.delegates.taking_back import losses
from transship.errors import TransshipError

_OF_OTHERS = (errors.AlreadyThere, errors.CloudHasIt)
"""What says that somebody else was first."""


@dataclass(frozen=True, slots=True)
class Made:
    """A change that was made, and what was read there afterwards (None: it is gone)."""

    number: int
    change: Change
    found: Found | None


async def make(
    identity: str, engine: Engine, gives: Gives, journal: Journal
) -> AsyncIterator[Made]:
    """Make the changes of a delegation that weren't made yet, in order; give each when it is.

    The first that fails is journalled, and raises its error: the rest waits, and can be gone on
    with by calling this again. A change that a crash left uncertain is looked at first. Raises
    ChangedMeanwhile when something isn't as it was when it was shown, NotAsAsked when what is read
    back isn't what was asked for, TakenBack when all of it was undone.
    """
    with journal.working_on(identity):
        delegation = journal.read(identity)
        if stands(delegation, journal.all()) is Stands.UNDONE:
            raise errors.TakenBack(identity)
        for number, change in enumerate(delegation.agreed.changes):
            step = delegation.step(number)
            if step is Step.MADE:
                continue
            begun = step is not Step.WAITING

            def begin(number: int = number) -> None:
                journal.note(identity, number, Step.BEGUN)

            try:
                found = await _made(change, engine, gives, begin, begun=begun)
            except TransshipError as error:
                # What is there then isn't ours to go on with or undo.
                never_sent = journal.read(identity).step(number) is Step.WAITING
                of_others = isinstance(error, _OF_OTHERS) and not begun
                failed = Step.WAITING if never_sent or of_others else Step.FAILED
                journal.note(identity, number, failed, str(error))
                raise
            settings = found.settings if found else None
            journal.note(identity, number, Step.MADE, found=settings)
            yield Made(number, change, found)


async def undoing(delegation: Delegation, engine: Engine) -> ChangeSet:
    """Return what would undo a delegation, the last change first. Nothing is changed by it.

    What isn't any more as this delegation left it is refused, and named.
    """
    changes: list[Change] = []
    refusals: list[TransshipError] = []
    for number in reversed(range(len(delegation.agreed.changes))):
        if delegation.step(number) is Step.WAITING:
            continue
        change = delegation.agreed.changes[number]
        found = await engine.read(change.kind, change.name)
        if _is_as(found, change.before):
            continue  # It was never made, or is undone already.
        if _is_in_between(found, change):
            changes.append(change_to(change.kind, change.name, None, change.before))
            continue
        if not _is_as(found, change.after):
            refusals.append(errors.ChangedMeanwhile(f"{change.kind} {change.name}"))
            continue
        changes.append(undone(change, losses(change)))
    return ChangeSet(engine.name, f"undo {delegation.id}", tuple(changes), refusals=tuple(refusals))


async def _made(
    change: Change, engine: Engine, gives: Gives, begin: Callable[[], None], *, begun: bool
) -> Found | None:
    found = await engine.read(change.kind, change.name)
    # What is as it should be before anything was sent is somebody else's doing, not to be undone.
    if not (begun and _is_as(found, change.after)):
        if not _is_as(found, change.before) and not (begun and _is_in_between(found, change)):
            raise errors.ChangedMeanwhile(f"{change.kind} {change.name}")
        begin()
        await engine.make(change, gives)
        found = await engine.read(change.kind, change.name)
    if not _is_as(found, change.after):
        raise errors.NotAsAsked(f"{change.kind} {change.name}{_differs(change, found)}")
    return found


def _is_as(found: Found | None, settings: Settings | None) -> bool:
    if found is None or settings is None:
        return found is None and settings is None
    return holds(found.settings, settings)


def _is_in_between(found: Found | None, change: Change) -> bool:
    """Tell whether it was taken away, and not added again yet."""
    return change.anew and change.does is Does.CHANGE and found is None


def _differs(change: Change, found: Found | None) -> str:
    if change.does is Does.DELETE:
        return " is there still"
    if found is None or change.after is None:
        return " isn't there"
    names = [
        name
        for name, value in change.after.items()
        if name not in found.settings or found.settings[name] != value
    ]
    return f": {', '.join(names)}"
