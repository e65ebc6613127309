"""The whole of a change: compared, asked for, applied, read back, and undone if it went wrong.

It is written down before it is sent. Whoever finds a change without an end in the journal, after a
crash or a lost connection, goes on from reading back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from transship import errors
from transship.clock import Clock
from transship.cutover.change.applier import Applier
from transship.cutover.change.records import (
    HELD,
    PlannedChange,
    RecordSets,
    Snapshot,
    alike,
    held_by,
    leading,
    lines,
    same,
    shown,
    touched,
)
from transship.cutover.evidence import NameServer
from transship.cutover.journal import Journal, Kind
from transship.cutover.rules.case import label, said, serial, serving
from transship.operator import Operator

if TYPE_CHECKING:
    from transship.cutover.looking import Observers

Direction = Literal["change", "rollback"]

_CERTAIN = 2
"""In so many looks in a row a server says the wrong thing before the old record is put back."""


class Said(StrEnum):
    """What a name server says of a record that was changed."""

    OLD = "old"
    NEW = "new"
    MISSING = "missing"
    OTHER = "other"
    SILENT = "silent"


class Outcome(StrEnum):
    """What became of a change."""

    DONE = "done"
    """Every name server that answers says the new value."""
    PARTLY = "partly"
    """Some name servers say the old value still: their copies of the zone are late, or stuck."""
    NOT_MADE = "not made"
    """Every name server says the old value still."""
    REFUSED = "refused"
    """Nothing was sent, or the provider said no."""
    UNDONE = "undone"
    """A name server said the wrong thing, and the old record was put back."""
    NOT_PUT_BACK = "not put back"
    """A name server said the wrong thing, and the old record couldn't be put back."""
    ALREADY = "already"
    """The record held the new value before, and every name server says it; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A change that is about to be sent, and where to."""

    planned: PlannedChange
    place: str
    direction: Direction = "change"


@dataclass(frozen=True, slots=True)
class Told:
    """What one address of a name server said after a change."""

    server: str
    said: Said
    values: tuple[str, ...]
    serial: int | None = None
    nsid: str = ""

    @property
    def words(self) -> str:
        """Who says what."""
        if self.said is Said.SILENT:
            return f"{self.server} doesn't answer"
        return f"{self.server} says {', '.join(self.values) or 'that there is no record'}"


@dataclass(frozen=True, slots=True)
class Looked:
    """What every name server said, for the change with the number `asked` in the journal."""

    asked: int
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of the change with the number `asked` in the journal, and why."""

    asked: int
    outcome: Outcome
    detail: str = ""
    direction: Direction = "change"


@dataclass(frozen=True, slots=True)
class Patience:
    """How often, and for how long, name servers are read after a change, in seconds."""

    every: float = 1.0
    deadline: float = 120.0


@dataclass(frozen=True, slots=True)
class Change:
    """What it takes to change one record. `by` is who asked for it.

    `tell` is given what everybody says, whenever that is something else than before.
    """

    journal: Journal
    applier: Applier
    observers: Observers
    clock: Clock
    by: Operator
    patience: Patience = field(default_factory=Patience)
    tell: Callable[[Sequence[Told]], None] = lambda _: None


async def prepare(
    change: Change, name: str, new: RecordSets, seen: RecordSets | None = None
) -> PlannedChange:
    """Read what the name holds, keep it and the edit in the journal, and return the edit.

    `seen` is what the edit takes away as the operator was shown it. Changes nothing. Raises what
    reading raises, and RecordChanged where the provider has something else than was shown, or
    name servers say something else than the provider.
    """
    old = await change.applier.read(name)
    if seen is not None:
        _check_shown(change, old, new, seen)
    await _check_servers(change, leading(old))
    now = change.clock.now()
    planned = change.applier.plan(old, new)
    change.journal.add(Kind.SNAPSHOT, Snapshot(name, now, old), now, change.by)
    change.journal.add(Kind.PLANNED, planned, now, change.by)
    return planned


async def flip(change: Change, planned: PlannedChange, direction: Direction = "change") -> Ended:
    """Make a change if the record is what it was when it was planned, here and everywhere.

    Raises ChangePending while an earlier change has no end, RecordChanged, WritesOff, ByHandOnly
    and what the applier raises, before anything was changed; and what `settle` raises. Everything
    else is in what is returned.
    """
    if pending(change.journal) is not None:
        raise errors.ChangePending(planned.name)
    if not change.applier.writes:
        await change.applier.apply(planned, planned.before)
    now = await change.applier.read(planned.name)
    if not same(now, planned.before):
        raise errors.RecordChanged(f"{planned.name} holds {shown(now)} at {change.applier.place}")
    if direction == "change":  # The way back is for servers that say whatever they say.
        await _check_servers(change, leading(planned.before))
    asked = Asked(planned, change.applier.place, direction)
    number = change.journal.add(Kind.ASKED, asked, change.clock.now(), change.by)
    try:
        await change.applier.apply(planned, planned.before)
    except errors.ChangeUncertain:
        pass  # What the name servers say tells.
    except errors.TransshipError as error:
        _end(change, Ended(number, Outcome.REFUSED, str(error), direction))
        raise
    return await settle(change, number, asked)


async def there_already(change: Change, now: RecordSets, new: RecordSets) -> Ended | None:
    """Read back a record that leads where it is to lead: `now` is what the provider has of it.

    None: it leads elsewhere. Sends nothing, and writes nothing but what servers say.
    """
    if not alike(leading(now), leading(new)):
        return None
    planned = PlannedChange(new[0].name, (), now)
    end = change.clock.monotonic() + change.patience.deadline
    before: tuple[Told, ...] = ()
    while True:
        told = await _look(change, planned)
        if told != before:
            change.tell(told)
            before = told
        if {each.said for each in told} - {Said.SILENT} == {Said.NEW}:
            values = ", ".join(value for each in leading(now) for value in each.values)
            return Ended(0, Outcome.ALREADY, f"{planned.name} already points at {values}")
        if change.clock.monotonic() >= end:
            return Ended(0, Outcome.PARTLY, _late_words(told))
        await change.clock.sleep(change.patience.every)


async def check_shown(change: Change, new: RecordSets, seen: RecordSets) -> None:
    """Raise RecordChanged where the edit to `new` takes away something else than was shown.

    TTLs aren't compared. Raises what reading raises, too.
    """
    _check_shown(change, await change.applier.read(new[0].name), new, seen)


def pending(journal: Journal) -> tuple[int, Asked] | None:
    """Return the change that was asked for and has no end yet, with its number in the journal."""
    newest = journal.newest(Kind.ASKED)
    if newest is None or any(
        each.read(Ended).asked == newest.number
        for each in journal.entries(Kind.ENDED, after=newest.number)
    ):
        return None
    return newest.number, newest.read(Asked)


async def resume(change: Change) -> Ended | None:
    """Go on with a change that has no end: read back, and undo it if it went wrong.

    Nothing is sent again. None: there is no such change. Raises what `settle` raises.
    """
    found = pending(change.journal)
    return None if found is None else await settle(change, *found)


async def settle(change: Change, number: int, asked: Asked) -> Ended:
    """Read provider and name servers until all say the new value; undo what went wrong.

    Raises NotPutBack, and ChangeUncertain while nobody answers: the change is without an end then.
    """
    end = change.clock.monotonic() + change.patience.deadline
    wrong = 0
    before: tuple[Told, ...] = ()
    while True:
        told = await _look(change, asked.planned)
        if told != before:
            change.journal.add(Kind.LOOKED, Looked(number, told), change.clock.now())
            change.tell(told)
            before = told
        found = {each.said for each in told} - {Said.SILENT}
        if found == {Said.NEW}:
            return _end(change, Ended(number, Outcome.DONE, direction=asked.direction))
        wrong = wrong + 1 if found & {Said.MISSING, Said.OTHER} else 0
        if wrong >= _CERTAIN:
            return await _undo(change, number, asked, told)
        if change.clock.monotonic() >= end:
            return _late(change, number, asked, told)
        await change.clock.sleep(change.patience.every)


def _late(change: Change, number: int, asked: Asked, told: Sequence[Told]) -> Ended:
    """Return what became of a change that isn't everywhere when the patience is over."""
    found = {each.said for each in told} - {Said.SILENT}
    if not found:
        raise errors.ChangeUncertain(f"no name server of {asked.planned.name} answers")
    outcome = Outcome.PARTLY if Said.NEW in found else Outcome.NOT_MADE
    return _end(change, Ended(number, outcome, _late_words(told), asked.direction))


def _late_words(told: Sequence[Told]) -> str:
    return "; ".join(each.words for each in told if each.said is not Said.NEW)


async def _undo(change: Change, number: int, asked: Asked, told: Sequence[Told]) -> Ended:
    """Put the old record back, and see that it is."""
    planned = asked.planned
    wrong = (each for each in told if each.said in (Said.MISSING, Said.OTHER))
    why = "; ".join(each.words for each in wrong)
    try:
        await change.applier.restore(Snapshot(planned.name, change.clock.now(), planned.before))
    except errors.ChangeUncertain:
        pass
    except errors.TransshipError as error:
        raise _not_put_back(change, number, asked, f"{why}; {error}") from error
    end = change.clock.monotonic() + change.patience.deadline
    while True:
        back = await _look(change, planned.reverse)
        change.journal.add(Kind.LOOKED, Looked(number, back), change.clock.now())
        if {each.said for each in back} - {Said.SILENT} == {Said.NEW}:
            return _end(change, Ended(number, Outcome.UNDONE, why, asked.direction))
        if change.clock.monotonic() >= end:
            raise _not_put_back(change, number, asked, why)
        await change.clock.sleep(change.patience.every)


def _not_put_back(change: Change, number: int, asked: Asked, why: str) -> errors.NotPutBack:
    _end(change, Ended(number, Outcome.NOT_PUT_BACK, why, asked.direction))
    return errors.NotPutBack(f"{' / '.join(lines(asked.planned.before))} ({why})")


def _end(change: Change, ended: Ended) -> Ended:
    change.journal.add(Kind.ENDED, ended, change.clock.now(), change.by)
    return ended


def _check_shown(change: Change, now: RecordSets, new: RecordSets, seen: RecordSets) -> None:
    goes = touched(now, new)
    known = [each for each in seen if each.type in HELD]
    if not alike(goes, known):
        raise errors.RecordChanged(
            f"{new[0].name} holds {shown(goes)} at {change.applier.place}; shown was {shown(known)}"
        )


async def _check_servers(change: Change, expected: RecordSets) -> None:
    """Raise RecordChanged where a name server says something else than is expected."""
    zone = await change.observers.servers()
    change.journal.saw_servers(zone, change.clock.now())
    for server in serving(zone):
        if said(server)[1] and not alike(leading(held_by(server)), expected):
            raise errors.RecordChanged(
                f"{label(server)} says {shown(leading(held_by(server)))}, and not {shown(expected)}"
            )


async def _look(change: Change, planned: PlannedChange) -> tuple[Told, ...]:
    """Ask the provider, which may have lost what its name servers still say, and all servers."""
    zone, provider = await asyncio.gather(change.observers.servers(), _provider(change, planned))
    change.journal.saw_servers(zone, change.clock.now())
    return (provider, *(_told(server, planned) for server in serving(zone)))


async def _provider(change: Change, planned: PlannedChange) -> Told:
    place = change.applier.place
    try:
        sets = leading(await change.applier.read(planned.name))
    except errors.TransshipError:
        return Told(place, Said.SILENT, ())
    values = tuple(value for each in sets for value in each.values)
    return Told(place, _side(sets, planned), values)


def _told(server: NameServer, planned: PlannedChange) -> Told:
    sets = leading(held_by(server))
    answered = said(server)[1]
    return Told(
        label(server),
        _side(sets, planned) if answered else Said.SILENT,
        tuple(value for each in sets for value in each.values),
        serial(server),
        server.soa.nsid,
    )


def _side(sets: RecordSets, planned: PlannedChange) -> Said:
    """Return what records are, by their values; where only TTLs change, by those."""
    before, after = leading(planned.before), leading(planned.after)
    if alike(before, after) and alike(sets, after):
        return Said.NEW if same(sets, after) else Said.OLD
    if alike(sets, after):
        return Said.NEW
    if alike(sets, before):
        return Said.OLD
    return Said.OTHER if sets else Said.MISSING
