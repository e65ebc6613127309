"""Undoes a job: puts back what each tag pointed at before, as its journal has kept it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.oci.digest import Digest, fallback_tag
from transship.oci.reference import Reference
from transship.registries.deleting import is_stand_in
from transship.registries.place import Place
from transship.text import counted
from transship.transfers.gather import all_settled, each
from transship.transfers.jobs import Job
from transship.transfers.journal import Journal
from transship.transfers.journal_creations import Created
from transship.transfers.journal_undo import Restored
from transship.transfers.logbook import Logbook
from transship.transfers.restores import (
    Act,
    Change,
    Restore,
    Sight,
    UndoPlan,
    Written,
    judge,
    judge_list,
)
from transship.transfers.restoring import Restorer
from transship.transfers.view import look
from transship.transfers.work import PLACE_WIDE, JobState

_LOOKS_AT_ONCE = 48
_RESTORES_AT_ONCE = 8
_BUSY = "Pause or cancel it first, or wait for its end."

_T = TypeVar("_T")


@dataclass(slots=True)
class UndoProgress:
    """How far an undo is, for who watches it: tags, first looked at, then restored."""

    tags: int = 0
    looked: int = 0
    to_restore: int = 0
    restored: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one tag: its restore as it was done, or as it failed."""

    restore: Restore
    error: TransshipError | None = None

    @property
    def restored(self) -> Restored:
        """The same in a word."""
        if self.error is not None:
            return Restored.FAILED
        return Restored.LEFT if self.restore.act.leaves else Restored.DONE

    @property
    def words(self) -> str:
        """Why the tag isn't as it was before, or an empty string."""
        return str(self.error) if self.error else left_words(self.restore)


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo has come to, in the order of its plan."""

    plan: UndoPlan
    outcomes: tuple[Outcome, ...]

    @property
    def open(self) -> tuple[Outcome, ...]:
        """What isn't as it was before: the tags that were left and those that failed."""
        return tuple(each for each in self.outcomes if each.restored is not Restored.DONE)


def left_words(restore: Restore) -> str:
    """Return why a tag is left, or an empty string."""
    if restore.act is Act.UNKNOWN:
        return f"can't be known: {restore.detail}"
    if restore.act is Act.MOVED:
        where = f"moved since to {restore.now}" if restore.now else "deleted since"
        return f"{where}; the job {f'wrote {restore.wrote}' if restore.wrote else 'deleted it'}"
    return ""


async def foresee_undo(
    job: Job, places: Mapping[str, Place], progress: UndoProgress | None = None
) -> UndoPlan:
    """Return what undoing a job would do now. Only looks.

    `places` are open, by registry: all targets, and the sources as far as they can be had.
    Raises JobBusy while a process works on the job.
    """
    if job.is_held:
        raise errors.JobBusy(job.id, remedy=_BUSY)
    with job.journal() as journal:
        state = look(job, job.plan(), journal).state
        written = _written(journal)
        looking = _Looking(places, journal, progress or UndoProgress())
        restores = await looking.tags(written.changes())
        lists, stays = await looking.lists(written.referrers)
        created = tuple(kept.creation for kept in journal.creations(Created.DONE))
    return UndoPlan(job.id, state, (*restores, *lists), (*stays, *written.untagged), created)


async def undo(
    job: Job,
    plan: UndoPlan,
    places: Mapping[str, Place],
    clock: Clock,
    by: str,
    progress: UndoProgress | None = None,
) -> Undone:
    """Do what a plan says, and return what became of each tag; what fails stops nothing else.

    Each tag is looked at right before it is touched, and left when it isn't as the plan has it.
    All is kept in the job's journal, with who asked for it (`by`). An undo that was broken off is
    continued by another one. A job that hadn't ended is cancelled. Raises JobBusy.
    """
    try:
        with job.locked(), job.journal() as journal:
            restorer = Restorer(places, _written(journal).sources(), journal, clock)
            undoing = _Undoing(journal, restorer, clock, progress or UndoProgress())
            return await undoing.run(plan, by)
    except errors.JobBusy as busy:
        raise errors.JobBusy(busy.detail, remedy=_BUSY) from None


def _written(journal: Journal) -> Written:
    written = Written()
    for copy, state, _ in journal.outcomes():
        written.add(copy, state)
    return written


@dataclass(slots=True)
class _Looking:
    places: Mapping[str, Place]
    journal: Journal
    progress: UndoProgress
    _slot: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LOOKS_AT_ONCE))
    _away: dict[str, TransshipError] = field(default_factory=dict)
    """What is wrong with a whole place, so that it isn't asked again for each tag."""

    async def tags(self, changes: Iterable[Change]) -> list[Restore]:
        """Look at every tag, and return what is to be done with it."""
        changes = tuple(changes)
        self.progress.tags = len(changes)
        sights = await each(self._sight(change) for change in changes)
        return [judge(change, sight) for change, sight in zip(changes, sights, strict=True)]

    async def lists(
        self, referrers: Mapping[Reference, list[Reference]]
    ) -> tuple[list[Restore], list[Reference]]:
        """Look at the lists of referrers that we keep where a registry doesn't.

        Returns what is to be done with them, and the referrers that the registry lists by itself.
        """
        looks = await each(self._list(subject, ours) for subject, ours in referrers.items())
        restores = [look for look in looks if isinstance(look, Restore)]
        stays = [one for look in looks if not isinstance(look, Restore) for one in look]
        return restores, stays

    async def _sight(self, change: Change) -> Sight:
        place, tag = self.places[change.tag.registry], change.tag
        try:
            head = await self._asked(tag, place.head_manifest(tag.repository, tag.tag))
            stand_in = (
                head is not None
                and change.deletes
                and not change.knows(head.digest)
                and await self._asked(tag, is_stand_in(place, tag.repository, head.digest))
            )
        except errors.RepositoryNotFound:
            return Sight()
        except TransshipError as error:
            return Sight(problem=error)
        finally:
            self.progress.looked += 1
        return Sight(head.digest if head else None, stand_in)

    async def _list(
        self, subject: Reference, ours: list[Reference]
    ) -> Restore | tuple[Reference, ...]:
        place, digest = self.places[subject.registry], Digest(subject.version)
        tag = subject.at(fallback_tag(digest))
        if self.journal.has_target(tag):
            return ()  # It was copied as a tag, and is restored as one.
        try:
            listed = await self._asked(tag, place.referrers(tag.repository, digest))
            if listed is not None:
                known = {entry.digest for entry in listed}
                return tuple(one for one in ours if one.digest in known)
            now = await self._asked(tag, place.get_manifest(tag.repository, tag.tag))
        except (errors.ManifestNotFound, errors.RepositoryNotFound):
            now = None
        except TransshipError as error:
            return Restore(tag, Act.UNKNOWN, detail=str(error))
        return judge_list(tag, (one.digest for one in ours if one.digest), now)

    async def _asked(self, tag: Reference, question: Coroutine[Any, Any, _T]) -> _T:
        """Ask a place, unless it is known that it can't answer."""
        async with self._slot:
            if tag.registry in self._away:
                question.close()
                raise self._away[tag.registry]
            try:
                return await question
            except PLACE_WIDE as error:
                self._away[tag.registry] = error
                raise


@dataclass(slots=True)
class _Undoing:
    journal: Journal
    restorer: Restorer
    clock: Clock
    progress: UndoProgress
    _away: dict[str, TransshipError] = field(default_factory=dict)

    async def run(self, plan: UndoPlan, by: str) -> Undone:
        """Do what the plan says, and keep it."""
        outcomes = {restore: Outcome(restore) for restore in plan.restores}
        before = self.journal.undo()
        if not plan.changing:
            if before is not None:
                self._keep_settled(outcomes.values())
            if before is not None and before.ended is None:
                self.journal.undo_ends(self.clock.now())
            return Undone(plan, tuple(outcomes.values()))
        self._begin(plan, by)
        self._keep_settled(outcomes.values())
        self.progress.to_restore = len(plan.changing)
        tags = deque(restore for restore in plan.changing if restore.act is not Act.UNLIST)
        lists = deque(restore for restore in plan.changing if restore.act is Act.UNLIST)
        for waiting in (tags, lists):
            workers = (self._work(waiting, outcomes) for _ in range(_RESTORES_AT_ONCE))
            await all_settled(asyncio.ensure_future(worker) for worker in workers)
        undone = Undone(plan, tuple(outcomes.values()))
        self.journal.undo_ends(self.clock.now())
        left = len(undone.open)
        self._log("The undo has ended", f"{counted(left, 'tag')} not restored" if left else "")
        return undone

    def _begin(self, plan: UndoPlan, by: str) -> None:
        now = self.clock.now()
        with self.journal.together():
            if not self.journal.state.ended:
                self.journal.note(state=JobState.CANCELLED, ended=now)
            self.journal.undo_begins(by, now)
        self._log("The job is undone", f"{counted(len(plan.changing), 'tag')}, for {by}")

    def _keep_settled(self, outcomes: Iterable[Outcome]) -> None:
        """Keep what became of the tags that nothing is to be done with."""
        now = self.clock.now()
        known = {kept.tag: kept.restored for kept in self.journal.restores()}
        with self.journal.together():
            for outcome in outcomes:
                restore, kept = outcome.restore, known.get(str(outcome.restore.tag))
                if restore.act.changes or kept is Restored.DONE:
                    continue
                if restore.act.leaves:
                    self._restoring(restore, now)
                if restore.act.leaves or kept is not None:
                    self.journal.restored(restore.tag, outcome.restored, outcome.words, now)

    def _restoring(self, restore: Restore, now: float) -> None:
        self.journal.restoring(restore.tag, restore.act, restore.now, restore.previous, now)

    async def _work(self, waiting: deque[Restore], outcomes: dict[Restore, Outcome]) -> None:
        while waiting:
            restore = waiting.popleft()
            self._restoring(restore, self.clock.now())
            outcome = outcomes[restore] = await self._outcome(restore)
            self.journal.restored(restore.tag, outcome.restored, outcome.words, self.clock.now())
            self.progress.restored += 1

    async def _outcome(self, restore: Restore) -> Outcome:
        away = self._away.get(restore.tag.registry)
        if away is not None:
            return Outcome(restore, away)
        try:
            return Outcome(await self.restorer.restore(restore))
        except PLACE_WIDE as error:
            self._away[restore.tag.registry] = error
            return Outcome(restore, error)
        except TransshipError as error:
            return Outcome(restore, error)

    def _log(self, about: str, words: str) -> None:
        Logbook(self.journal, self.clock).info(about, words)
