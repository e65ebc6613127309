"""What undoing a job means for each tag that it changed.

Pure: what the job wrote and what the tags point at now goes in, a list of restores comes out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from transship.errors import TransshipError
from transship.oci.digest import Digest
from transship.oci.manifest import Manifest, make_index
from transship.oci.reference import Reference
from transship.transfers.work import Copy, Creation, JobState, State, Verdict


class Act(StrEnum):
    """What an undo does with one tag."""

    PUT_BACK = "put-back"
    """It points again at what it pointed at before."""
    TAKE_AWAY = "take-away"
    """The job made it, so it goes."""
    UNLIST = "unlist"
    """It is a list of referrers, and the job's own come off it."""
    ALREADY = "already-so"
    """It is as it was before the job."""
    MOVED = "moved-since"
    """Somebody moved it after the job, so it is left."""
    UNKNOWN = "unknown"
    """What it points at, or pointed at before, can't be known, so it is left."""

    @property
    def changes(self) -> bool:
        """Whether something is to be written or deleted."""
        return self in (Act.PUT_BACK, Act.TAKE_AWAY, Act.UNLIST)

    @property
    def leaves(self) -> bool:
        """Whether the tag stays although it isn't known to be as before."""
        return self in (Act.MOVED, Act.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Step:
    """A tag moved by a job, from what to what. None stands for no such tag.

    `unseen` says that nobody knows from what: the registry refused to tell.
    """

    previous: Digest | None
    wrote: Digest | None
    unseen: bool = False

    @property
    def comes_from(self) -> tuple[Digest | None, ...]:
        """What the tag pointed at before, where that is known."""
        return () if self.unseen else (self.previous,)


@dataclass(frozen=True, slots=True)
class Change:
    """All that a job did to one tag, the last first."""

    tag: Reference
    steps: tuple[Step, ...]

    @property
    def deletes(self) -> bool:
        """Whether the job deleted the tag, or an undo does."""
        return any(None in (*step.comes_from, step.wrote) for step in self.steps)

    def knows(self, digest: Digest) -> bool:
        """Tell whether the tag is known to have pointed at this."""
        return any(digest in (step.previous, step.wrote) for step in self.steps)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a tag was seen to point at: None where there is no such tag.

    `stand_in` says that this is what a deletion of ours, ended half-way, has put there. With a
    `problem` it couldn't be seen.
    """

    digest: Digest | None = None
    stand_in: bool = False
    problem: TransshipError | None = None


@dataclass(frozen=True, slots=True)
class Restore:
    """What is to be done with one tag.

    `now` is what it points at, `previous` what it is to point at, and `wrote` what the job left
    there; None stands for no such tag. For a list of referrers `listed` are those that come off.
    """

    tag: Reference
    act: Act
    now: Digest | None = None
    previous: Digest | None = None
    wrote: Digest | None = None
    listed: tuple[Digest, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What undoing a job would do: all tags that it changed, the last first, then lists.

    `state` is the job's: one that hasn't ended is ended by its undo. `stays` are manifests that
    the job wrote by digest and that can still be found: referrers by what they refer to. `created`
    is what the job created for its images to be in; it stays as well.
    """

    job: str
    state: JobState
    restores: tuple[Restore, ...]
    stays: tuple[Reference, ...] = ()
    created: tuple[Creation, ...] = ()

    @property
    def changing(self) -> tuple[Restore, ...]:
        """The restores that write or delete something."""
        return tuple(restore for restore in self.restores if restore.act.changes)

    @property
    def left(self) -> tuple[Restore, ...]:
        """The tags that are left as they are."""
        return tuple(restore for restore in self.restores if restore.act.leaves)

    @property
    def counts(self) -> Mapping[Act, int]:
        """How many tags there are of each act."""
        return Counter(restore.act for restore in self.restores)


@dataclass(slots=True)
class Written:
    """What a job has written, gathered copy by copy in the order of the worklist."""

    _steps: dict[Reference, list[Step]] = field(default_factory=dict)
    _sources: dict[Reference, dict[Reference, None]] = field(default_factory=dict)
    referrers: dict[Reference, list[Reference]] = field(default_factory=dict)
    """What was written by digest, below its subject in the same repository."""

    untagged: list[Reference] = field(default_factory=list)
    """What was written by digest and refers to nothing."""

    def add(self, copy: Copy, state: State) -> None:
        """Take up one copy, if it has changed its target or may have."""
        if copy.verdict is not Verdict.DELETE:
            self._sources.setdefault(_whole(copy.target), {})[_whole(copy.source)] = None
        if not copy.verdict.changes or not (state is State.DONE or copy.moving):
            return
        if copy.target.tag:
            tag = copy.target.at(copy.target.tag)
            wrote = None if copy.verdict is Verdict.DELETE else copy.digest
            # Taken out first: the order is that of the last time.
            steps = self._steps.pop(tag, [])
            self._steps[tag] = [*steps, Step(copy.previous, wrote, copy.unseen)]
        elif copy.digest:
            written = copy.target.at(copy.digest)
            if copy.subject:
                self.referrers.setdefault(copy.target.at(copy.subject), []).append(written)
            else:
                self.untagged.append(written)

    def changes(self) -> tuple[Change, ...]:
        """Return what was done to each tag, the last first."""
        return tuple(
            Change(tag, tuple(reversed(steps))) for tag, steps in reversed(self._steps.items())
        )

    def sources(self) -> dict[Reference, tuple[Reference, ...]]:
        """Return, by the target's repository, the repositories that were copied to it."""
        return {target: tuple(sources) for target, sources in self._sources.items()}


_UNSEEN = "the registry didn't tell what the tag pointed at before the job"


def judge(change: Change, sight: Sight) -> Restore:
    """Return what is to be done with a tag that is seen to point at this now.

    What the job wrote goes back step by step. What it didn't write is somebody else's.
    """
    last = change.steps[0]
    if sight.problem is not None:
        detail = str(sight.problem)
        return Restore(change.tag, Act.UNKNOWN, None, last.previous, last.wrote, detail=detail)
    goal = None if sight.stand_in else sight.digest
    ours = sight.stand_in
    for step in change.steps:
        if step.wrote == goal:
            if step.unseen:
                return Restore(
                    change.tag, Act.UNKNOWN, sight.digest, None, last.wrote, detail=_UNSEEN
                )
            goal, ours = step.previous, True
    if not ours:
        as_before = any(sight.digest in step.comes_from for step in change.steps)
        act = Act.ALREADY if as_before else Act.MOVED
        return Restore(change.tag, act, sight.digest, last.previous, last.wrote)
    act = Act.PUT_BACK if goal else Act.TAKE_AWAY
    if goal == sight.digest:
        act = Act.ALREADY
    return Restore(change.tag, act, sight.digest, goal, last.wrote)


def judge_list(tag: Reference, ours: Iterable[Digest], now: Manifest | None) -> Restore:
    """Return what is to be done with a list of referrers, to which a job has added `ours`."""
    gone = frozenset(ours)
    listed = tuple(entry.digest for entry in now.entries if entry.digest in gone) if now else ()
    if now is None or not listed:
        digest = now.digest if now else None
        return Restore(tag, Act.ALREADY, digest, digest)
    rest = list_without(now, gone)
    return Restore(
        tag, Act.UNLIST, now.digest, rest.digest if rest else None, now.digest, listed=listed
    )


def list_without(now: Manifest, gone: frozenset[Digest]) -> Manifest | None:
    """Return a list of referrers without some, or None when none is left."""
    rest = [entry for entry in now.entries if entry.digest not in gone]
    return make_index(rest) if rest else None


def _whole(reference: Reference) -> Reference:
    return Reference(reference.registry, reference.repository)
