"""The execution of a change: compared, sent, read back, and undone if it went wrong.

It is in the journal before it is sent. Whoever finds a change without an end there, after a crash
or a lost connection, goes on from reading back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from transship import errors
from transship.clock import Clock
from transship.cutover.change.provider import DnsProvider
from transship.cutover.change.records import (
    HELD_TYPES,
    PlannedChange,
    RecordSets,
    Snapshot,
    leading_records,
    records_held,
    records_text,
    same_records,
    same_values,
    touched_records,
    zone_lines,
)
from transship.cutover.evidence import NameServer
from transship.cutover.journal import CutoverJournal, EntryKind
from transship.cutover.rules.case import said_values, serial, server_label, serving
from transship.operator import Operator

if TYPE_CHECKING:
    from transship.cutover.observer import Observer


ChangeDirection = Literal["change", "rollback"]

_CERTAIN_READS = 2
"""In so many looks in a row a server says the wrong thing before the old record is put back."""


class RecordState(StrEnum):
    """What a name server says of a record that was changed."""

    OLD = "old"
    NEW = "new"
    MISSING = "missing"
    OTHER = "other"
    SILENT = "silent"


class ChangeOutcome(StrEnum):
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
class ChangeRequest:
    """A change that is about to be sent, and where to."""

    planned: PlannedChange
    place: str
    direction: ChangeDirection = "change"


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """What one address of a name server said after a change."""

    server: str
    said: RecordState
    values: tuple[str, ...]
    serial: int | None = None
    nsid: str = ""

    @property
    def words(self) -> str:
        """Who says what."""
        if self.said is RecordState.SILENT:
            return f"{self.server} doesn't answer"
        return f"{self.server} says {', '.join(self.values) or 'that there is no record'}"


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What every name server said, for the change with the number `asked` in the journal."""

    asked: int
    told: tuple[ServerAnswer, ...]


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """What became of the change with the number `asked` in the journal, and why."""

    asked: int
    outcome: ChangeOutcome
    detail: str = ""
    direction: ChangeDirection = "change"


@dataclass(frozen=True, slots=True)
class ReadBackPolicy:
    """How often, and for how long, name servers are read after a change, in seconds."""

    every: float = 1.0
    deadline: float = 120.0


@dataclass(frozen=True, slots=True)
class RecordChange:
    """What it takes to change one record. `by` is who asked for it.

    `tell` is given what everybody says, whenever that is something else than before.
    """

    journal: CutoverJournal
    applier: DnsProvider
    observers: Observer
    clock: Clock
    by: Operator
    patience: ReadBackPolicy = field(default_factory=ReadBackPolicy)
    tell: Callable[[Sequence[ServerAnswer]], None] = lambda _: None


async def prepare_change(
    change: RecordChange, name: str, new: RecordSets, seen: RecordSets | None = None
) -> PlannedChange:
    """Read what the name holds, keep it and the edit in the journal, and return the edit.

    `seen` is what the edit takes away as the operator was shown it. Changes nothing. Raises what
    reading raises, and RecordChanged where the provider has something else than was shown, or
    name servers say something else than the provider.
    """
    old = await change.applier.read(name)
    if seen is not None:
        _compare_shown(change, old, new, seen)
    await _check_servers(change, leading_records(old))
    now = change.clock.now()
    planned = change.applier.plan(old, new)
    change.journal.add(EntryKind.SNAPSHOT, Snapshot(name, now, old), now, change.by)
    change.journal.add(EntryKind.PLANNED, planned, now, change.by)
    return planned


async def apply_change(
    change: RecordChange, planned: PlannedChange, direction: ChangeDirection = "change"
) -> ChangeResult:
    """Make a change if the record is what it was when it was planned, here and everywhere.

    Raises ChangePending while an earlier change has no end, RecordChanged, WritesOff, ByHandOnly
    and what the applier raises, before anything was changed; and what `settle` raises. Everything
    else is in what is returned.
    """
    if pending_change(change.journal) is not None:
        raise errors.ChangePending(planned.name)
    if not change.applier.writes:
        await change.applier.apply(planned, planned.before)
    now = await change.applier.read(planned.name)
    if not same_records(now, planned.before):
        raise errors.RecordChanged(
            f"{planned.name} holds {records_text(now)} at {change.applier.place}"
        )
    if direction == "change":  # The way back is for servers that say whatever they say.
        await _check_servers(change, leading_records(planned.before))
    asked = ChangeRequest(planned, change.applier.place, direction)
    number = change.journal.add(EntryKind.ASKED, asked, change.clock.now(), change.by)
    try:
        await change.applier.apply(planned, planned.before)
    except errors.ChangeUncertain:
        pass  # What the name servers say tells.
    except errors.TransshipError as error:
        _end(change, ChangeResult(number, ChangeOutcome.REFUSED, str(error), direction))
        raise
    return await settle_change(change, number, asked)


async def confirm_made(
    change: RecordChange, now: RecordSets, new: RecordSets
) -> ChangeResult | None:
    """Read back a record that leads where it is to lead: `now` is what the provider has of it.

    None: it leads elsewhere. Sends nothing, and writes nothing but what servers say.
    """
    if not same_values(leading_records(now), leading_records(new)):
        return None
    planned = PlannedChange(new[0].name, (), now)
    end = change.clock.monotonic() + change.patience.deadline
    before: tuple[ServerAnswer, ...] = ()
    while True:
        told = await _read_back(change, planned)
        if told != before:
            change.tell(told)
            before = told
        if {each.said for each in told} - {RecordState.SILENT} == {RecordState.NEW}:
            values = ", ".join(value for each in leading_records(now) for value in each.values)
            return ChangeResult(
                0, ChangeOutcome.ALREADY, f"{planned.name} already points at {values}"
            )
        if change.clock.monotonic() >= end:
            return ChangeResult(0, ChangeOutcome.PARTLY, _late_words(told))
        await change.clock.sleep(change.patience.every)


async def check_as_shown(change: RecordChange, new: RecordSets, seen: RecordSets) -> None:
    """Raise RecordChanged where the edit to `new` takes away something else than was shown.

    TTLs aren't compared. Raises what reading raises, too.
    """
    _compare_shown(change, await change.applier.read(new[0].name), new, seen)


def pending_change(journal: CutoverJournal) -> tuple[int, ChangeRequest] | None:
    """Return the change that was asked for and has no end yet, with its number in the journal."""
    newest = journal.newest(EntryKind.ASKED)
    if newest is None or any(
        each.read(ChangeResult).asked == newest.number
        for each in journal.entries(EntryKind.ENDED, after=newest.number)
    ):
        return None
    return newest.number, newest.read(ChangeRequest)


async def resume_change(change: RecordChange) -> ChangeResult | None:
    """Go on with a change that has no end: read back, and undo it if it went wrong.

    Nothing is sent again. None: there is no such change. Raises what `settle` raises.
    """
    found = pending_change(change.journal)
    return None if found is None else await settle_change(change, *found)


async def settle_change(change: RecordChange, number: int, asked: ChangeRequest) -> ChangeResult:
    """Read provider and name servers until all say the new value; undo what went wrong.

    Raises NotPutBack, and ChangeUncertain while nobody answers: the change is without an end then.
    """
    end = change.clock.monotonic() + change.patience.deadline
    wrong = 0
    before: tuple[ServerAnswer, ...] = ()
    while True:
        told = await _read_back(change, asked.planned)
        if told != before:
            change.journal.add(EntryKind.LOOKED, ReadBack(number, told), change.clock.now())
            change.tell(told)
            before = told
        found = {each.said for each in told} - {RecordState.SILENT}
        if found == {RecordState.NEW}:
            return _end(change, ChangeResult(number, ChangeOutcome.DONE, direction=asked.direction))
        wrong = wrong + 1 if found & {RecordState.MISSING, RecordState.OTHER} else 0
        if wrong >= _CERTAIN_READS:
            return await _undo(change, number, asked, told)
        if change.clock.monotonic() >= end:
            return _late(change, number, asked, told)
        await change.clock.sleep(change.patience.every)


def _late(
    change: RecordChange, number: int, asked: ChangeRequest, told: Sequence[ServerAnswer]
) -> ChangeResult:
    """Return what became of a change that isn't everywhere when the patience is over."""
    found = {each.said for each in told} - {RecordState.SILENT}
    if not found:
        raise errors.ChangeUncertain(f"no name server of {asked.planned.name} answers")
    outcome = ChangeOutcome.PARTLY if RecordState.NEW in found else ChangeOutcome.NOT_MADE
    return _end(change, ChangeResult(number, outcome, _late_words(told), asked.direction))


def _late_words(told: Sequence[ServerAnswer]) -> str:
    return "; ".join(each.words for each in told if each.said is not RecordState.NEW)


async def _undo(
    change: RecordChange, number: int, asked: ChangeRequest, told: Sequence[ServerAnswer]
) -> ChangeResult:
    """Put the old record back, and see that it is."""
    planned = asked.planned
    wrong = (each for each in told if each.said in (RecordState.MISSING, RecordState.OTHER))
    why = "; ".join(each.words for each in wrong)
    try:
        await change.applier.restore(Snapshot(planned.name, change.clock.now(), planned.before))
    except errors.ChangeUncertain:
        pass
    except errors.TransshipError as error:
        raise _not_put_back(change, number, asked, f"{why}; {error}") from error
    end = change.clock.monotonic() + change.patience.deadline
    while True:
        back = await _read_back(change, planned.reverse)
        change.journal.add(EntryKind.LOOKED, ReadBack(number, back), change.clock.now())
        if {each.said for each in back} - {RecordState.SILENT} == {RecordState.NEW}:
            return _end(change, ChangeResult(number, ChangeOutcome.UNDONE, why, asked.direction))
        if change.clock.monotonic() >= end:
            raise _not_put_back(change, number, asked, why)
        await change.clock.sleep(change.patience.every)


def _not_put_back(
    change: RecordChange, number: int, asked: ChangeRequest, why: str
) -> errors.NotPutBack:
    _end(change, ChangeResult(number, ChangeOutcome.NOT_PUT_BACK, why, asked.direction))
    return errors.NotPutBack(f"{' / '.join(zone_lines(asked.planned.before))} ({why})")


def _end(change: RecordChange, ended: ChangeResult) -> ChangeResult:
    change.journal.add(EntryKind.ENDED, ended, change.clock.now(), change.by)
    return ended


def _compare_shown(
    change: RecordChange, now: RecordSets, new: RecordSets, seen: RecordSets
) -> None:
    goes = touched_records(now, new)
    known = [each for each in seen if each.type in HELD_TYPES]
    if not same_values(goes, known):
        raise errors.RecordChanged(
            f"{new[0].name} holds {records_text(goes)} at {change.applier.place}; shown was "
            f"{records_text(known)}"
        )


async def _check_servers(change: RecordChange, expected: RecordSets) -> None:
    """Raise RecordChanged where a name server says something else than is expected."""
    zone = await change.observers.servers()
    change.journal.saw_servers(zone, change.clock.now())
    for server in serving(zone):
        if said_values(server)[1] and not same_values(
            leading_records(records_held(server)), expected
        ):
            raise errors.RecordChanged(
                f"{server_label(server)} says "
                f"{records_text(leading_records(records_held(server)))}, "
                f"and not {records_text(expected)}"
            )


async def _read_back(change: RecordChange, planned: PlannedChange) -> tuple[ServerAnswer, ...]:
    """Ask the provider, which may have lost what its name servers still say, and all servers."""
    zone, provider = await asyncio.gather(
        change.observers.servers(), _provider_answer(change, planned)
    )
    change.journal.saw_servers(zone, change.clock.now())
    return (provider, *(_server_answer(server, planned) for server in serving(zone)))


async def _provider_answer(change: RecordChange, planned: PlannedChange) -> ServerAnswer:
    place = change.applier.place
    try:
        sets = leading_records(await change.applier.read(planned.name))
    except errors.TransshipError:
        return ServerAnswer(place, RecordState.SILENT, ())
    values = tuple(value for each in sets for value in each.values)
    return ServerAnswer(place, _record_state(sets, planned), values)


def _server_answer(server: NameServer, planned: PlannedChange) -> ServerAnswer:
    sets = leading_records(records_held(server))
    answered = said_values(server)[1]
    return ServerAnswer(
        server_label(server),
        _record_state(sets, planned) if answered else RecordState.SILENT,
        tuple(value for each in sets for value in each.values),
        serial(server),
        server.soa.nsid,
    )


def _record_state(sets: RecordSets, planned: PlannedChange) -> RecordState:
    """Return what records are, by their values; where only TTLs change, by those."""
    before, after = leading_records(planned.before), leading_records(planned.after)
    if same_values(before, after) and same_values(sets, after):
        return RecordState.NEW if same_records(sets, after) else RecordState.OLD
    if same_values(sets, after):
        return RecordState.NEW
    if same_values(sets, before):
        return RecordState.OLD
    return RecordState.OTHER if sets else RecordState.MISSING
