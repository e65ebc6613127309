"""What was pushed to the old registry meanwhile, copied in rounds until nothing is left.

What both sides agreed on before tells who has pushed: a side that differs from it has. A tag that
both sides pushed is asked about and never overwritten by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from transship.clock import Clock
from transship.cutover.evidence import TagPair
from transship.cutover.journal import Journal, Kind
from transship.operator import Operator

QUIET_ROUNDS = 2
"""So many rounds in a row without anything to copy, and the sides are the same."""

Tag = tuple[str, str]
"""Repository and tag."""

Keep = Literal["old", "new"]


class Sides(Protocol):
    """The two registries, as far as a cutover has to do with them."""

    async def digests(self) -> tuple[Mapping[Tag, str], Mapping[Tag, str]]:
        """Return every tag's digest on the old side, and on the new one."""

    async def copy(self, pairs: Sequence[TagPair]) -> Mapping[Tag, str]:
        """Copy tags from the old side to the new one; return why some couldn't be.

        Each is copied only while the new side still has the digest that is in the pair.
        """


@dataclass(frozen=True, slots=True)
class Agreed:
    """Tags that were the same on both sides, as repository, tag and digest."""

    tags: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to become of a tag that was pushed on both sides. It holds for these digests only."""

    pair: TagPair
    keep: Keep


@dataclass(frozen=True, slots=True)
class Sorted:
    """The tags that differ, by what is to be done: `only_new` were pushed to the new side alone.

    `asks` were pushed on both, or nobody knows what they were before; `gone` were taken away on
    one side.
    """

    copies: tuple[TagPair, ...] = ()
    only_new: tuple[TagPair, ...] = ()
    asks: tuple[TagPair, ...] = ()
    gone: tuple[TagPair, ...] = ()


@dataclass(frozen=True, slots=True)
class Round:
    """One round: what was found, and which of the copies failed, with why."""

    at: float
    found: Sorted
    failed: tuple[tuple[str, str, str], ...] = ()

    @property
    def quiet(self) -> bool:
        """Whether there was nothing to copy."""
        return not self.found.copies


def sort_out(
    old: Mapping[Tag, str],
    new: Mapping[Tag, str],
    agreed: Mapping[Tag, str],
    choices: Iterable[Choice] = (),
) -> Sorted:
    """Return what is to be done with each tag that differs. Pure."""
    chosen = {each.pair: each.keep for each in choices}
    kinds: dict[str, list[TagPair]] = {"copies": [], "only_new": [], "asks": [], "gone": []}
    for tag in sorted({*old, *new}):
        pair = TagPair(*tag, old.get(tag, ""), new.get(tag, ""))
        if pair.old != pair.new:
            kinds[_kind(pair, agreed.get(tag, ""), chosen.get(pair))].append(pair)
    return Sorted(**{name: tuple(pairs) for name, pairs in kinds.items()})


def _kind(pair: TagPair, before: str, keep: Keep | None) -> str:
    if keep is not None:
        return "copies" if keep == "old" and pair.old else "only_new"
    if not pair.old or not pair.new:
        left = pair.old or pair.new
        if before:
            return "gone" if left == before else "asks"
        return "copies" if pair.old else "only_new"
    if not before:
        return "asks"
    if pair.new == before:
        return "copies"
    return "only_new" if pair.old == before else "asks"


async def one_round(sides: Sides, journal: Journal, clock: Clock) -> Round:
    """Compare, copy what was pushed to the old side alone, and write it down.

    The first one keeps what both sides agree on. Raises what `sides` raises.
    """
    old, new = await sides.digests()
    agreed = _agreed(journal)
    same = {tag: digest for tag, digest in old.items() if new.get(tag) == digest}
    if news := {tag: digest for tag, digest in same.items() if agreed.get(tag) != digest}:
        _agree(journal, news, clock.now())
    found = sort_out(old, new, {**agreed, **same}, choices(journal))
    failed: Mapping[Tag, str] = {}
    if found.copies:
        failed = await sides.copy(found.copies)
        done = {(p.repository, p.tag): p.old for p in found.copies}
        _agree(journal, {t: d for t, d in done.items() if t not in failed}, clock.now())
    result = Round(clock.now(), found, tuple((*tag, why) for tag, why in sorted(failed.items())))
    journal.add(Kind.DELTA, result, result.at)
    return result


async def until_quiet(
    sides: Sides, journal: Journal, clock: Clock, *, not_before: float, every: float = 30.0
) -> Round:
    """Go round until `QUIET_ROUNDS` in a row had nothing to copy, and return the last one.

    Those before `not_before` don't count: until then somebody may still push to the old side. What
    is to be asked is in the last round; it waits for nobody. Rounds that went before, in a process
    that is gone, count.
    """
    while True:
        if quiet_rounds(journal, not_before) >= QUIET_ROUNDS:
            return rounds(journal)[-1]
        last = await one_round(sides, journal, clock)
        if quiet_rounds(journal, not_before) < QUIET_ROUNDS:
            await clock.sleep(every if last.quiet or last.failed else 0.0)


def rounds(journal: Journal) -> tuple[Round, ...]:
    """Return all rounds, the oldest first."""
    return tuple(each.read(Round) for each in journal.entries(Kind.DELTA))


def quiet_rounds(journal: Journal, not_before: float) -> int:
    """Return how many of the last rounds in a row had nothing to copy."""
    count = 0
    for each in reversed(rounds(journal)):
        if not each.quiet or each.at < not_before:
            break
        count += 1
    return count


def choose(journal: Journal, pair: TagPair, keep: Keep, at: float, by: Operator) -> None:
    """Say what is to become of a tag that was pushed on both sides."""
    journal.add(Kind.CHOICE, Choice(pair, keep), at, by)


def choices(journal: Journal) -> tuple[Choice, ...]:
    """Return what operators said of tags, the newest last."""
    return tuple(each.read(Choice) for each in journal.entries(Kind.CHOICE))


def _agreed(journal: Journal) -> dict[Tag, str]:
    return {
        (repository, tag): digest
        for each in journal.entries(Kind.BASELINE)
        for repository, tag, digest in each.read(Agreed).tags
    }


def _agree(journal: Journal, tags: Mapping[Tag, str], at: float) -> None:
    if tags:
        said = tuple((*tag, digest) for tag, digest in sorted(tags.items()))
        journal.add(Kind.BASELINE, Agreed(said), at)
