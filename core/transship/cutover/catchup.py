"""The catch-up: what was pushed to the old registry meanwhile, copied until nothing is left.

What both sides agreed on before tells who has pushed: a side that differs from it has. A tag that
both sides pushed is asked about and never overwritten by itself. A tag that couldn't be copied is
tried ever more rarely.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from transship.clock import Clock
from transship.cutover.evidence import Parity, TagPair
from transship.cutover.journal import CutoverJournal, EntryKind
from transship.errors import TransshipError
from transship.operator import Operator
from transship.text import counted, safe

_FIRST_PAUSE = 60.0

_LONGEST_PAUSE = 600.0


def pause_after(attempts: int) -> float:
    """Return how many seconds to leave alone what has failed so many times (from 1) in a row."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempts - 1, 32))


@dataclass(frozen=True, slots=True)
class FailedCopy:
    """Why a tag couldn't be copied, how often in a row, and when it may be tried again."""

    why: str
    attempts: int
    again_at: float


@dataclass(slots=True)
class FailedTags:
    """What failed lately, by its digests on both sides: pushed anew, a tag is tried at once."""

    trials: dict[TagPair, FailedCopy] = field(default_factory=dict)

    def waiting(self, pairs: Iterable[TagPair], now: float) -> dict[TagPair, str]:
        """Return those that it is too early to try again, and why they couldn't be copied."""
        trials = ((pair, self.trials.get(pair)) for pair in pairs)
        return {pair: trial.why for pair, trial in trials if trial and now < trial.again_at}

    def tried(
        self, pairs: Iterable[TagPair], failed: Mapping[tuple[str, str], str], now: float
    ) -> None:
        """Take note of what a round has tried, and which of it failed."""
        for pair in pairs:
            before = self.trials.pop(pair, None)
            why = failed.get((pair.repository, pair.tag))
            if why is not None:
                attempts = before.attempts + 1 if before else 1
                self.trials[pair] = FailedCopy(why, attempts, now + pause_after(attempts))

    def keep_only(self, pairs: Collection[TagPair]) -> None:
        """Forget what isn't to be copied any more."""
        self.trials = {pair: trial for pair, trial in self.trials.items() if pair in pairs}


NEWEST_ROUNDS = 100
"""So many of the newest rounds are read back."""

QUIET_ROUNDS = 2
"""So many rounds in a row without anything to copy, and the sides are the same."""

TagKey = tuple[str, str]
"""Repository and tag."""

KeptSide = Literal["old", "new"]

RoundAction = Literal["look", "copy", "back"]
"""What a round does beyond comparing: nothing, copy to the new side, or copy back to the old."""


@dataclass(frozen=True, slots=True)
class PairDigests:
    """Every tag's digest on the old side, and on the new one, by the names at the new one.

    `unlisted` says which registry doesn't list its repositories, so that new ones aren't seen.
    """

    old: Mapping[TagKey, str]
    new: Mapping[TagKey, str]
    unlisted: str = ""


@dataclass(frozen=True, slots=True)
class CopiedTags:
    """What a job was given to copy has come to: its id, and why some tags couldn't be copied."""

    job: str
    failed: Mapping[TagKey, str]


class RegistryPair(Protocol):
    """The two registries, as far as a cutover has to do with them."""

    async def settle(self, doing: RoundAction) -> None:
        """Bring to its end what an earlier round has begun to copy, if this one copies alike."""

    async def digests(self) -> PairDigests:
        """Return what is on both sides."""

    async def copy(self, pairs: Sequence[TagPair]) -> CopiedTags:
        """Copy tags from the old side to the new one.

        Each is copied only while the new side still has the digest that is in the pair.
        """

    async def copy_back(self, pairs: Sequence[TagPair]) -> CopiedTags:
        """Copy tags from the new side to the old one, each only while the old one hasn't moved."""


@dataclass(frozen=True, slots=True)
class RepeatedRound:
    """A round that has found what the one before it had, and copied nothing.

    Where copying failed, it has failed for the same reasons; `job` is what tried.
    """

    at: float
    doing: RoundAction
    job: str = ""


@dataclass(frozen=True, slots=True)
class StartedCopy:
    """A job that is to copy tags for a round; written before it begins."""

    job: str
    doing: RoundAction


@dataclass(frozen=True, slots=True)
class AgreedTags:
    """Tags that were the same on both sides, as repository, tag and digest."""

    tags: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class TagChoice:
    """What is to become of a tag that was pushed on both sides. It holds for these digests only."""

    pair: TagPair
    keep: KeptSide


@dataclass(frozen=True, slots=True)
class TagDifferences:
    """The tags that differ, by what is to be done: `only_new` were pushed to the new side alone.

    `asks` were pushed on both, or nobody knows what they were before; `gone` were taken away on
    one side.
    """

    copies: tuple[TagPair, ...] = ()
    only_new: tuple[TagPair, ...] = ()
    asks: tuple[TagPair, ...] = ()
    gone: tuple[TagPair, ...] = ()

    @property
    def hidden(self) -> tuple[TagPair, ...]:
        """What the old side doesn't have, and nobody has to be asked about.

        Pushed to the new side alone, or taken away on the old one.
        """
        return (*self.only_new, *(each for each in self.gone if each.new))


@dataclass(frozen=True, slots=True)
class CatchupRound:
    """One round: what was found, and which of the copies failed, with why.

    `compared` counts the tags of both sides, `job` is what copied, empty where nothing was.
    """

    at: float
    found: TagDifferences
    failed: tuple[tuple[str, str, str], ...] = ()
    compared: int = 0
    doing: RoundAction = "copy"
    job: str = ""
    unlisted: str = ""

    @property
    def quiet(self) -> bool:
        """Whether there was nothing to copy."""
        return not self.found.copies

    @property
    def copied(self) -> tuple[TagPair, ...]:
        """The tags that were copied, to whichever side."""
        if self.doing == "look":
            return ()
        pairs = self.found.copies if self.doing == "copy" else self.found.hidden
        failed = {(repository, tag) for repository, tag, _ in self.failed}
        return tuple(each for each in pairs if (each.repository, each.tag) not in failed)

    @property
    def left(self) -> TagDifferences:
        """What differs still, after what was copied."""
        copied = set(self.copied)
        return TagDifferences(
            tuple(each for each in self.found.copies if each not in copied),
            tuple(each for each in self.found.only_new if each not in copied),
            self.found.asks,
            tuple(each for each in self.found.gone if each not in copied),
        )

    @property
    def parity(self) -> Parity:
        """The same as a comparison of both sides, made when the round had ended."""
        left = self.left
        different = sorted(
            (*left.copies, *left.only_new, *left.asks, *left.gone),
            key=lambda pair: (pair.repository, pair.tag),
        )
        return Parity(
            self.compared,
            tuple(different),
            error=self.unlisted,
            at=self.at,
            to_old=left.copies,
            to_new=left.only_new,
        )


def sort_differences(
    old: Mapping[TagKey, str],
    new: Mapping[TagKey, str],
    agreed: Mapping[TagKey, str],
    choices: Iterable[TagChoice] = (),
) -> TagDifferences:
    """Return what is to be done with each tag that differs. Pure."""
    chosen = {each.pair: each.keep for each in choices}
    kinds: dict[str, list[TagPair]] = {"copies": [], "only_new": [], "asks": [], "gone": []}
    for tag in sorted({*old, *new}):
        pair = TagPair(*tag, old.get(tag, ""), new.get(tag, ""))
        if pair.old != pair.new:
            kinds[_kind(pair, agreed.get(tag, ""), chosen.get(pair))].append(pair)
    return TagDifferences(**{name: tuple(pairs) for name, pairs in kinds.items()})


def _kind(pair: TagPair, before: str, keep: KeptSide | None) -> str:
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


async def run_round(
    sides: RegistryPair,
    journal: CutoverJournal,
    clock: Clock,
    doing: RoundAction = "copy",
    by: Operator | None = None,
    failing: FailedTags | None = None,
) -> CatchupRound:
    """Compare, copy what one side alone has pushed if that is asked for, and write it down.

    The first one keeps what both sides agree on. `at` is when the looking began: what was pushed
    since may not have been seen. What `failing` says to leave alone counts as failed still.
    Raises what `sides` raises.
    """
    if doing != "look":
        await sides.settle(doing)
    at = clock.now()
    seen = await sides.digests()
    old, new = seen.old, seen.new
    agreed = _agreed(journal)
    same = {tag: digest for tag, digest in old.items() if new.get(tag) == digest}
    if news := {tag: digest for tag, digest in same.items() if agreed.get(tag) != digest}:
        _write_agreed(journal, news, clock.now())
    found = sort_differences(old, new, {**agreed, **same}, tag_choices(journal))
    job, failed = await _copy(sides, found, doing, clock, failing or FailedTags())
    result = CatchupRound(
        at,
        found,
        tuple((*tag, why) for tag, why in sorted(failed.items())),
        compared=len({*old, *new}),
        doing=doing,
        job=job,
        unlisted=seen.unlisted,
    )
    back = doing == "back"
    done = {(each.repository, each.tag): each.new if back else each.old for each in result.copied}
    _write_agreed(journal, done, clock.now())
    _write_round(journal, result, clock.now(), by)
    return result


def _write_round(
    journal: CutoverJournal, result: CatchupRound, now: float, by: Operator | None
) -> None:
    """Write a round down; in short where it has found what the one before had."""
    last = last_round(journal)
    again = RepeatedRound(result.at, result.doing, result.job)
    nothing_copied = last is not None and not last.copied and not result.copied
    if last is not None and nothing_copied and _repetition_of(last, again) == result:
        journal.add(EntryKind.AGAIN, again, now, by)
    else:
        journal.add(EntryKind.DELTA, result, now, by)


def _repetition_of(last: CatchupRound, again: RepeatedRound) -> CatchupRound:
    return replace(last, at=again.at, doing=again.doing, job=again.job)


async def _copy(
    sides: RegistryPair,
    found: TagDifferences,
    doing: RoundAction,
    clock: Clock,
    failing: FailedTags,
) -> tuple[str, Mapping[TagKey, str]]:
    """Copy what is to be copied; return the job's id, and why some tags couldn't be."""
    if doing == "look":
        return "", {}
    wanted = found.copies if doing == "copy" else found.hidden
    waiting = failing.waiting(wanted, clock.now())
    tries = tuple(pair for pair in wanted if pair not in waiting)
    copied = CopiedTags("", {})
    if tries:
        copied = await (sides.copy(tries) if doing == "copy" else sides.copy_back(tries))
        failing.tried(tries, copied.failed, clock.now())
    failing.keep_only(set(wanted))
    left = {(pair.repository, pair.tag): why for pair, why in waiting.items()}
    return copied.job, {**left, **copied.failed}


async def run_rounds(
    sides: RegistryPair,
    journal: CutoverJournal,
    clock: Clock,
    *,
    not_before: Callable[[], float | None],
    every: float = 30.0,
    tell: Callable[[CatchupRound | TransshipError], None] = lambda _: None,
) -> CatchupRound:
    """Go round until `QUIET_ROUNDS` in a row had nothing to copy, and return the last one.

    Those before `not_before` don't count, and none while it gives None: until then somebody may
    still push to the old side. What is to be asked is in the last round; it waits for nobody.
    Rounds that went before, in a process that is gone, count. Between two there are `every`
    seconds, and as many as the last one took: large registries are asked no more than half of the
    time. A tag that can't be copied is tried ever more rarely. `tell` gets each round, and what is
    in the way of one and may pass; the rest is raised.
    """
    failing = FailedTags()
    while True:
        if _is_quiet(journal, not_before()):
            return newest_rounds(journal)[-1]
        began = clock.monotonic()
        try:
            last = await run_round(sides, journal, clock, failing=failing)
        except TransshipError as error:
            if not error.retryable:
                raise
            tell(error)
            await clock.sleep(every)
            continue
        tell(last)
        if _is_quiet(journal, not_before()):
            continue
        took = clock.monotonic() - began
        await clock.sleep(max(every, took) if last.quiet or last.failed else 0.0)


def _is_quiet(journal: CutoverJournal, not_before: float | None) -> bool:
    return not_before is not None and quiet_rounds(journal, not_before) >= QUIET_ROUNDS


def newest_rounds(
    journal: CutoverJournal, limit: int = NEWEST_ROUNDS, before: float | None = None
) -> tuple[CatchupRound, ...]:
    """Return the newest rounds, the oldest of them first; `before`: those written before then."""
    entries = journal.latest(EntryKind.DELTA, EntryKind.AGAIN, limit=limit, before=before)
    found: list[CatchupRound] = []
    for entry in entries:
        if entry.kind is EntryKind.DELTA:
            found.append(entry.read(CatchupRound))
            continue
        again = entry.read(RepeatedRound)
        # What it repeats was written before it, however long ago.
        last = found[-1] if found else _expanded(journal, entry.number)
        found.append(_repetition_of(last, again))
    return tuple(found)


def _expanded(journal: CutoverJournal, number: int) -> CatchupRound:
    return journal.latest(EntryKind.DELTA, limit=1, below=number)[0].read(CatchupRound)


def last_round(journal: CutoverJournal, before: float | None = None) -> CatchupRound | None:
    """Return the newest round, of all or of those written before then; None without any."""
    return next(iter(newest_rounds(journal, 1, before)), None)


def quiet_rounds(journal: CutoverJournal, not_before: float) -> int:
    """Return how many of the last rounds in a row had nothing to copy."""
    count = 0
    for each in reversed(newest_rounds(journal)):
        if not each.quiet or each.at < not_before:
            break
        count += 1
    return count


def choose_tag(
    journal: CutoverJournal, pair: TagPair, keep: KeptSide, at: float, by: Operator
) -> None:
    """Say what is to become of a tag that was pushed on both sides."""
    journal.add(EntryKind.CHOICE, TagChoice(pair, keep), at, by)


def tag_choices(journal: CutoverJournal) -> tuple[TagChoice, ...]:
    """Return what operators said of tags, the newest last."""
    return tuple(each.read(TagChoice) for each in journal.entries(EntryKind.CHOICE))


def add_agreed(journal: CutoverJournal, tags: Mapping[TagKey, str], at: float) -> None:
    """Keep what both sides are known to have held, unless a round has said something since."""
    known = _agreed(journal)
    _write_agreed(journal, {tag: digest for tag, digest in tags.items() if tag not in known}, at)


def _agreed(journal: CutoverJournal) -> dict[TagKey, str]:
    return {
        (repository, tag): digest
        for each in journal.entries(EntryKind.BASELINE)
        for repository, tag, digest in each.read(AgreedTags).tags
    }


def _write_agreed(journal: CutoverJournal, tags: Mapping[TagKey, str], at: float) -> None:
    if tags:
        said = tuple((*tag, digest) for tag, digest in sorted(tags.items()))
        journal.add(EntryKind.BASELINE, AgreedTags(said), at)


_SHOWN = 3


def round_words(found: CatchupRound) -> str:
    """Return what a round has done or left, empty for one that found nothing."""
    left = found.left
    parts = [
        _tags_words(found.copied, "copied back" if found.doing == "back" else "copied"),
        _tags_words(left.copies, "to copy" if found.doing == "look" else "not copied"),
        _tags_words(left.asks, "pushed on both sides"),
        _tags_words(left.only_new, "at the new registry only"),
        _tags_words(left.gone, "deleted on one side"),
        found.unlisted,
    ]
    return safe("; ".join(filter(None, parts)), limit=400)


def tag_name(pair: TagPair) -> str:
    """Return a tag as it is written."""
    return f"{pair.repository}:{pair.tag}"


def _tags_words(pairs: Iterable[TagPair], words: str) -> str:
    names = [tag_name(each) for each in pairs]
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{counted(len(names), 'tag')} {words}: {', '.join(names[:_SHOWN])}{more}"
