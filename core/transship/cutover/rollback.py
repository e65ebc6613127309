"""The way back: the exact reverse of the change, how long it takes, and what would be lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transship import errors
from transship.cutover.catchup import CatchupRound, last_round
from transship.cutover.change.execution import (
    ChangeOutcome,
    ChangeRequest,
    ChangeResult,
    RecordChange,
    apply_change,
)
from transship.cutover.change.records import (
    PlannedChange,
    leading_records,
    records_text,
    same_values,
)
from transship.cutover.evidence import TagPair
from transship.cutover.journal import CutoverJournal, EntryKind
from transship.cutover.timeline import Sample, Served

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Rollback:
    """How the record goes back, and what stands in the way of it.

    `reverse` is the edit, None when no change was ever planned.
    `seconds` is how long resolvers may still lead to the new side after it, `clamped` how long one
    was seen to, for those that hold records longer than they were told. `lost` are the tags that
    only the new side has as they are, and that it didn't have before the change; `compared` is when
    that was seen, None for never. `unlisted` says which registry doesn't list its repositories.
    """

    reverse: PlannedChange | None
    seconds: int
    clamped: int
    lost: tuple[TagPair, ...]
    compared: float | None
    unlisted: str = ""

    @property
    def blocked(self) -> str:
        """Why it is blocked, empty when it isn't."""
        if self.compared is None:
            return "nobody has compared the two registries since the change"
        if not self.lost and self.unlisted:
            return f"it isn't known what would be lost: {self.unlisted}"
        if not self.lost:
            return ""
        names = [f"{pair.repository}:{pair.tag}" for pair in self.lost[:_SHOWN]]
        more = f" and {len(self.lost) - _SHOWN} more" if len(self.lost) > _SHOWN else ""
        count = f"{len(self.lost)} tag{'s' if len(self.lost) > 1 else ''}"
        return f"going back now would hide {count}: {', '.join(names)}{more}"


def plan_rollback(journal: CutoverJournal, since: float = 0.0, until: float = 0.0) -> Rollback:
    """Return the way back as the journal knows it at this moment.

    What was compared before the change doesn't count; `since` is when that was seen, for a change
    that wasn't made from here, and `until` when it surely hadn't been made.
    """
    changed, planned = _in_force(journal)
    since = max(since, changed)
    last = last_round(journal)
    if last is not None and last.at < since:
        last = None
    served, samples = journal.served(), journal.samples()
    had = tags_before(journal, until)
    return Rollback(
        reverse=planned.reverse if planned else None,
        seconds=_longest(served),
        clamped=_held(samples, served),
        lost=tuple(each for each in hidden_tags(last) if each not in had) if last else (),
        compared=last.at if last else None,
        unlisted=last.unlisted if last else "",
    )


def hidden_tags(last: CatchupRound) -> tuple[TagPair, ...]:
    """Return what the new side has after a round, and the old one hasn't, or not the same."""
    left = last.left
    return (*left.hidden, *left.asks)


def tags_before(journal: CutoverJournal, until: float) -> frozenset[TagPair]:
    """Return what only the new side had before the change: nobody had it by the domain then.

    `until` is when a change that wasn't made from here surely hadn't been made.
    """
    changed, _ = _in_force(journal)
    before = last_round(journal, changed or until)
    return frozenset(hidden_tags(before)) if before else frozenset()


def last_change(journal: CutoverJournal) -> tuple[float, ChangeRequest] | None:
    """Return the change that is in force, and when it was asked for; None when there is none.

    It is the first since the record was put back last: that one has led pulls away from what they
    are to go back to, whatever was changed again after it.
    """
    asked = {each.number: each for each in journal.entries(EntryKind.ASKED)}
    first: tuple[float, ChangeRequest] | None = None
    for each in journal.entries(EntryKind.ENDED):
        ended = each.read(ChangeResult)
        if ended.outcome not in (
            ChangeOutcome.DONE,
            ChangeOutcome.PARTLY,
            ChangeOutcome.NOT_PUT_BACK,
        ):
            continue
        entry = asked[ended.asked]
        if ended.direction == "rollback":
            first = None
        elif first is None and (made := entry.read(ChangeRequest)).planned.moves:
            first = entry.at, made
    return first


async def roll_back(
    change: RecordChange,
    *,
    since: float = 0.0,
    until: float = 0.0,
    accept_loss: bool = False,
    seen: PlannedChange | None = None,
) -> ChangeResult:
    """Put the record back as it was before the change, as `flip` makes a change.

    Works where the record has gone missing too. `since` and `until` are those of `way_back`, `seen`
    is the edit as the operator was shown it. Raises RollbackBlocked when it would lose something
    and nobody said that it may; NothingToPutBack; RecordChanged where the record is neither what it
    was nor what it was changed to, or something else was shown; and what `flip` raises.
    """
    way = plan_rollback(change.journal, since, until)
    edit = way.reverse
    if edit is None:
        raise errors.NothingToPutBack(
            "no change was planned here", remedy="Put the record back where it was changed."
        )
    if seen is not None and not same_values(seen.after, edit.after):
        raise errors.RecordChanged(
            f"{edit.name} held {records_text(edit.after)} before the change; shown was "
            f"{records_text(seen.after)}"
        )
    if way.blocked and not accept_loss:
        raise errors.RollbackBlocked(way.blocked)
    now = await change.applier.read(edit.name)
    if same_values(now, edit.after):
        raise errors.NothingToPutBack(f"{edit.name} holds {records_text(now)} already")
    if leading_records(now) and not same_values(leading_records(now), leading_records(edit.before)):
        raise errors.RecordChanged(
            f"{edit.name} holds {records_text(now)} at {change.applier.place}"
        )
    return await apply_change(change, PlannedChange(edit.name, now, edit.after), "rollback")


def _in_force(journal: CutoverJournal) -> tuple[float, PlannedChange | None]:
    """Return the change to go back from: the one that was made from here, or else by hand."""
    made = last_change(journal)
    if made is not None:
        return made[0], made[1].planned
    for planned in reversed(journal.entries(EntryKind.PLANNED)):
        edit = planned.read(PlannedChange)
        if edit.moves:
            return planned.at, edit
    return 0.0, None


def _longest(served: Sequence[Served]) -> int:
    last = {each.server: each.ttl for each in served}
    return max(last.values(), default=0)


def _held(samples: Sequence[Sample], served: Sequence[Served]) -> int:
    """Return the longest TTL that a resolver showed beyond what it was told, 0 for none."""
    told = max((each.ttl for each in served), default=0)
    return max((each.ttl for each in samples if each.ttl > told), default=0)
