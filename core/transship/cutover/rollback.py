"""The way back: the exact reverse of the change, how long it takes, and what would be lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transship import errors
from transship.cutover.change.records import PlannedChange, leading, same, shown
from transship.cutover.delta import rounds
from transship.cutover.evidence import TagPair
from transship.cutover.flipping import Asked, Change, Ended, Outcome, flip
from transship.cutover.journal import Journal, Kind
from transship.cutover.timeline import Sample, Served

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class WayBack:
    """How the record goes back, and what stands in the way of it.

    `reverse` is the edit, None when no change was ever planned.
    `seconds` is how long resolvers may still lead to the new side after it, `clamped` how long one
    was seen to, for those that hold records longer than they were told. `lost` are the tags that
    only the new side has as they are; `compared` is when that was seen, None for never.
    """

    reverse: PlannedChange | None
    seconds: int
    clamped: int
    lost: tuple[TagPair, ...]
    compared: float | None

    @property
    def blocked(self) -> str:
        """Why it is blocked, empty when it isn't."""
        if self.compared is None:
            return "nobody has compared the two registries since the change"
        if not self.lost:
            return ""
        names = [f"{pair.repository}:{pair.tag}" for pair in self.lost[:_SHOWN]]
        more = f" and {len(self.lost) - _SHOWN} more" if len(self.lost) > _SHOWN else ""
        count = f"{len(self.lost)} tag{'s' if len(self.lost) > 1 else ''}"
        return f"going back now would hide {count}: {', '.join(names)}{more}"


def way_back(journal: Journal) -> WayBack:
    """Return the way back as the journal knows it at this moment."""
    since, planned = _in_force(journal)
    compared = [each for each in rounds(journal) if each.at >= since]
    last = compared[-1] if compared else None
    served, samples = journal.served(), journal.samples()
    return WayBack(
        reverse=planned.reverse if planned else None,
        seconds=_longest(served),
        clamped=_held(samples, served),
        lost=(*last.found.only_new, *last.found.asks) if last else (),
        compared=last.at if last else None,
    )


def last_change(journal: Journal) -> tuple[float, Asked] | None:
    """Return the change that is in force, and when it was asked for; None when there is none."""
    asked = {each.number: each for each in journal.entries(Kind.ASKED)}
    for each in reversed(journal.entries(Kind.ENDED)):
        ended = each.read(Ended)
        if ended.outcome in (Outcome.DONE, Outcome.PARTLY, Outcome.NOT_PUT_BACK):
            entry = asked[ended.asked]
            return (entry.at, entry.read(Asked)) if ended.direction == "change" else None
    return None


async def roll_back(change: Change, *, accept_loss: bool = False) -> Ended:
    """Put the record back as it was before the change, as `flip` makes a change.

    Works where the record has gone missing too. Raises RollbackBlocked when it would lose something
    and nobody said that it may, or when there is nothing to go back from; RecordChanged where the
    record is neither what it was nor what it was changed to; and what `flip` raises.
    """
    way = way_back(change.journal)
    edit = way.reverse
    if edit is None:
        raise errors.RollbackBlocked(
            "no change was planned here", remedy="Put the record back where it was changed."
        )
    if way.blocked and not accept_loss:
        raise errors.RollbackBlocked(way.blocked)
    now = await change.applier.read(edit.name)
    if same(now, edit.after):
        raise errors.RollbackBlocked(
            f"{edit.name} holds {shown(now)} already", remedy="There is nothing to put back."
        )
    if leading(now) and not same(now, edit.before):
        raise errors.RecordChanged(f"{edit.name} holds {shown(now)} at {change.applier.place}")
    return await flip(change, PlannedChange(edit.name, now, edit.after), "rollback")


def _in_force(journal: Journal) -> tuple[float, PlannedChange | None]:
    """Return the change to go back from: the one that was made from here, or else by hand."""
    made = last_change(journal)
    if made is not None:
        return made[0], made[1].planned
    planned = journal.newest(Kind.PLANNED)
    return (0.0, None) if planned is None else (planned.at, planned.read(PlannedChange))


def _longest(served: Sequence[Served]) -> int:
    last = {each.server: each.ttl for each in served}
    return max(last.values(), default=0)


def _held(samples: Sequence[Sample], served: Sequence[Served]) -> int:
    """Return the longest TTL that a resolver showed beyond what it was told, 0 for none."""
    told = max((each.ttl for each in served), default=0)
    return max((each.ttl for each in samples if each.ttl > told), default=0)
