"""Undoes a job: puts back what each tag pointed at before, as its journal has kept it.

What that means for each tag is judged first and can be shown; then each is restored: what it
pointed at is brought, looked at once more, and written or deleted.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from transship import errors
from transship.clock import Clock
from transship.concurrency import all_settled, each
from transship.errors import TransshipError
from transship.oci.digest import Digest, fallback_tag
from transship.oci.manifest import Descriptor, Manifest, make_index
from transship.oci.reference import Reference
from transship.registry.distribution import is_stand_in
from transship.registry.http.rate_limiter import INTERACTIVE
from transship.registry.registry import Registry
from transship.text import counted
from transship.transfers.blobs import BlobMover, BlobPlacer
from transship.transfers.copies import PLACE_WIDE, Copy, CopyState, Creation, JobState, Verdict
from transship.transfers.job_view import look
from transship.transfers.jobs import Job
from transship.transfers.journal import Created, JobLog, Journal, Restored
from transship.transfers.lanes import Lanes


class RestoreAction(StrEnum):
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
        return self in (RestoreAction.PUT_BACK, RestoreAction.TAKE_AWAY, RestoreAction.UNLIST)

    @property
    def leaves(self) -> bool:
        """Whether the tag stays although it isn't known to be as before."""
        return self in (RestoreAction.MOVED, RestoreAction.UNKNOWN)


@dataclass(frozen=True, slots=True)
class RestoreStep:
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
class TagChange:
    """All that a job did to one tag, the last first."""

    tag: Reference
    steps: tuple[RestoreStep, ...]

    @property
    def deletes(self) -> bool:
        """Whether the job deleted the tag, or an undo does."""
        return any(None in (*step.comes_from, step.wrote) for step in self.steps)

    def knows(self, digest: Digest) -> bool:
        """Tell whether the tag is known to have pointed at this."""
        return any(digest in (step.previous, step.wrote) for step in self.steps)


@dataclass(frozen=True, slots=True)
class TagSeen:
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
    act: RestoreAction
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
    def counts(self) -> Mapping[RestoreAction, int]:
        """How many tags there are of each act."""
        return Counter(restore.act for restore in self.restores)


@dataclass(slots=True)
class Written:
    """What a job has written, gathered copy by copy in the order of the worklist."""

    _steps: dict[Reference, list[RestoreStep]] = field(default_factory=dict)
    _sources: dict[Reference, dict[Reference, None]] = field(default_factory=dict)
    referrers: dict[Reference, list[Reference]] = field(default_factory=dict)
    """What was written by digest, below its subject in the same repository."""

    untagged: list[Reference] = field(default_factory=list)
    """What was written by digest and refers to nothing."""

    def add(self, copy: Copy, state: CopyState) -> None:
        """Take up one copy, if it has changed its target or may have."""
        if copy.verdict is not Verdict.DELETE:
            self._sources.setdefault(_whole(copy.target), {})[_whole(copy.source)] = None
        if not copy.verdict.changes or not (state is CopyState.DONE or copy.moving):
            return
        if copy.target.tag:
            tag = copy.target.at(copy.target.tag)
            wrote = None if copy.verdict is Verdict.DELETE else copy.digest
            # Taken out first: the order is that of the last time.
            steps = self._steps.pop(tag, [])
            self._steps[tag] = [*steps, RestoreStep(copy.previous, wrote, copy.unseen)]
        elif copy.digest:
            written = copy.target.at(copy.digest)
            if copy.subject:
                self.referrers.setdefault(copy.target.at(copy.subject), []).append(written)
            else:
                self.untagged.append(written)

    def changes(self) -> tuple[TagChange, ...]:
        """Return what was done to each tag, the last first."""
        return tuple(
            TagChange(tag, tuple(reversed(steps))) for tag, steps in reversed(self._steps.items())
        )

    def sources(self) -> dict[Reference, tuple[Reference, ...]]:
        """Return, by the target's repository, the repositories that were copied to it."""
        return {target: tuple(sources) for target, sources in self._sources.items()}


_UNSEEN = "the registry didn't tell what the tag pointed at before the job"


def judge(change: TagChange, sight: TagSeen) -> Restore:
    """Return what is to be done with a tag that is seen to point at this now.

    What the job wrote goes back step by step. What it didn't write is somebody else's.
    """
    last = change.steps[0]
    if sight.problem is not None:
        detail = str(sight.problem)
        return Restore(
            change.tag, RestoreAction.UNKNOWN, None, last.previous, last.wrote, detail=detail
        )
    goal = None if sight.stand_in else sight.digest
    ours = sight.stand_in
    for step in change.steps:
        if step.wrote == goal:
            if step.unseen:
                return Restore(
                    change.tag,
                    RestoreAction.UNKNOWN,
                    sight.digest,
                    None,
                    last.wrote,
                    detail=_UNSEEN,
                )
            goal, ours = step.previous, True
    if not ours:
        as_before = any(sight.digest in step.comes_from for step in change.steps)
        act = RestoreAction.ALREADY if as_before else RestoreAction.MOVED
        return Restore(change.tag, act, sight.digest, last.previous, last.wrote)
    act = RestoreAction.PUT_BACK if goal else RestoreAction.TAKE_AWAY
    if goal == sight.digest:
        act = RestoreAction.ALREADY
    return Restore(change.tag, act, sight.digest, goal, last.wrote)


def judge_list(tag: Reference, ours: Iterable[Digest], now: Manifest | None) -> Restore:
    """Return what is to be done with a list of referrers, to which a job has added `ours`."""
    gone = frozenset(ours)
    listed = tuple(entry.digest for entry in now.entries if entry.digest in gone) if now else ()
    if now is None or not listed:
        digest = now.digest if now else None
        return Restore(tag, RestoreAction.ALREADY, digest, digest)
    rest = list_without(now, gone)
    return Restore(
        tag,
        RestoreAction.UNLIST,
        now.digest,
        rest.digest if rest else None,
        now.digest,
        listed=listed,
    )


def list_without(now: Manifest, gone: frozenset[Digest]) -> Manifest | None:
    """Return a list of referrers without some, or None when none is left."""
    rest = [entry for entry in now.entries if entry.digest not in gone]
    return make_index(rest) if rest else None


def _whole(reference: Reference) -> Reference:
    return Reference(reference.registry, reference.repository)


_ABSENT = (errors.ManifestNotFound, errors.RepositoryNotFound)


class Restorer:
    """Restores the tags of one job.

    `places` has the targets, and the sources that can be reached. `sources` are, by the target's
    repository, the repositories that may still have what the target has cleared away.
    """

    def __init__(
        self,
        places: Mapping[str, Registry],
        sources: Mapping[Reference, Iterable[Reference]],
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._places = places
        self._sources = sources
        self._journal = journal
        lanes = Lanes(clock)
        self._placer = BlobPlacer(
            places, journal, lanes, BlobMover(journal, lanes.gate, INTERACTIVE, clock)
        )
        self._forgotten: set[Reference] = set()
        self._whole: dict[Reference, Manifest] = {}
        self._blobs: set[Reference] = set()
        self._held: dict[Reference, asyncio.Lock] = {}

    async def restore(self, restore: Restore) -> Restore:
        """Restore one tag; return what was done, which is less where somebody was faster.

        Raises RestoreFailed where what it pointed at is nowhere, DeletionRefused, and what else
        stands in the way. The tag is then as it was.
        """
        if restore.act is RestoreAction.UNLIST:
            return await self._unlist(restore)
        place, tag = self._places[restore.tag.registry], restore.tag
        manifest = await self._manifest(tag, restore.previous) if restore.previous else None
        head = await place.head_manifest(tag.repository, tag.tag)
        now = head.digest if head else None
        if now != restore.now:
            act = RestoreAction.ALREADY if now == restore.previous else RestoreAction.MOVED
            return replace(restore, act=act, now=now)
        if manifest is None:
            await place.delete_tag(tag.repository, tag.tag)
        else:
            await place.put_manifest(tag.repository, tag.tag, manifest)
        return restore

    async def _unlist(self, restore: Restore) -> Restore:
        """Take the job's referrers off a list, as it is by now.

        Where nothing can be deleted, an empty list says the same.
        """
        place, tag = self._places[restore.tag.registry], restore.tag
        gone = frozenset(restore.listed)
        try:
            now = await place.get_manifest(tag.repository, tag.tag)
        except _ABSENT:
            return replace(restore, act=RestoreAction.ALREADY, now=None)
        if gone.isdisjoint(entry.digest for entry in now.entries):
            return replace(restore, act=RestoreAction.ALREADY, now=now.digest)
        rest = list_without(now, gone)
        if rest is None:
            try:
                await place.delete_tag(tag.repository, tag.tag)
            except errors.DeletionRefused:
                rest = make_index(())
        if rest is not None:
            await place.put_manifest(tag.repository, tag.tag, rest)
        return replace(restore, now=now.digest, previous=rest.digest if rest else None)

    async def _manifest(self, tag: Reference, digest: Digest) -> Manifest:
        """Return a manifest that can be written: all that it names is in the tag's repository."""
        at = tag.at(digest)
        async with self._held.setdefault(at, asyncio.Lock()):
            if at not in self._whole:
                manifest = await self._found(tag, digest)
                await each(self._child(tag, child.digest) for child in manifest.children)
                await self._bring(tag, manifest.blobs)
                self._whole[at] = manifest
            return self._whole[at]

    async def _child(self, tag: Reference, digest: Digest) -> None:
        manifest = await self._manifest(tag, digest)
        place = self._places[tag.registry]
        if await place.head_manifest(tag.repository, digest) is None:
            await place.put_manifest(tag.repository, digest, manifest)

    async def _found(self, tag: Reference, digest: Digest) -> Manifest:
        """Return a manifest from where it can be had: the target, the journal, a source."""
        for where in (tag, *self._sources_of(tag)):
            try:
                return await self._places[where.registry].get_manifest(where.repository, digest)
            except _ABSENT:
                kept = self._journal.kept(digest)
                if kept is not None:
                    return kept
            except TransshipError:
                if where is tag:
                    raise
        raise errors.RestoreFailed(
            f"{tag}: {digest} is gone from the registry, and no source has it"
        )

    async def _bring(self, tag: Reference, blobs: Iterable[Descriptor]) -> None:
        """See to it that the tag's repository has the blobs. Raises RestoreFailed, naming all."""
        asked = [blob for blob in blobs if tag.at(blob.digest) not in self._blobs]
        lacking = [digest for digest in await each(self._lacks(tag, b) for b in asked) if digest]
        if lacking:
            what = counted(len(lacking), "blob")
            raise errors.RestoreFailed(
                f"{tag}: the registry has cleared away {what}, and no source has "
                f"{'it' if len(lacking) == 1 else 'them'}: {', '.join(lacking)}"
            )

    async def _lacks(self, tag: Reference, blob: Descriptor) -> Digest | None:
        """Return the digest of a blob that can't be had, or None if it is there now."""
        at = tag.at(blob.digest)
        async with self._held.setdefault(at, asyncio.Lock()):
            if at in self._blobs:
                return None
            place = self._places[tag.registry]
            if await place.blob_size(tag.repository, blob.digest) is None:
                source = await self._source_of(tag, blob.digest)
                if source is None:
                    return blob.digest
                self._forget(tag)
                await self._placer.ensure(source, tag, blob.digest, blob.size)
            self._blobs.add(at)
            return None

    async def _source_of(self, tag: Reference, digest: Digest) -> Reference | None:
        """Return a repository that has a blob. One that can't be asked hasn't."""
        for source in self._sources_of(tag):
            try:
                if await self._places[source.registry].blob_size(source.repository, digest):
                    return source
            except TransshipError:
                continue
        return None

    def _sources_of(self, tag: Reference) -> list[Reference]:
        repository = Reference(tag.registry, tag.repository)
        sources = self._sources.get(repository, ())
        return [s for s in sources if s != repository and s.registry in self._places]

    def _forget(self, tag: Reference) -> None:
        """No longer believe the job, once, of what a repository has: it has lost something."""
        repository = Reference(tag.registry, tag.repository)
        if repository not in self._forgotten:
            self._forgotten.add(repository)
            self._placer.forget(repository)


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
class UndoOutcome:
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
class UndoResult:
    """What an undo has come to, in the order of its plan."""

    plan: UndoPlan
    outcomes: tuple[UndoOutcome, ...]

    @property
    def open(self) -> tuple[UndoOutcome, ...]:
        """What isn't as it was before: the tags that were left and those that failed."""
        return tuple(each for each in self.outcomes if each.restored is not Restored.DONE)


def left_words(restore: Restore) -> str:
    """Return why a tag is left, or an empty string."""
    if restore.act is RestoreAction.UNKNOWN:
        return f"can't be known: {restore.detail}"
    if restore.act is RestoreAction.MOVED:
        where = f"moved since to {restore.now}" if restore.now else "deleted since"
        return f"{where}; the job {f'wrote {restore.wrote}' if restore.wrote else 'deleted it'}"
    return ""


async def preview_undo(
    job: Job, places: Mapping[str, Registry], progress: UndoProgress | None = None
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
        looking = _UndoScan(places, journal, progress or UndoProgress())
        restores = await looking.tags(written.changes())
        lists, stays = await looking.lists(written.referrers)
        created = tuple(kept.creation for kept in journal.creations(Created.DONE))
    return UndoPlan(job.id, state, (*restores, *lists), (*stays, *written.untagged), created)


async def undo_job(
    job: Job,
    plan: UndoPlan,
    places: Mapping[str, Registry],
    clock: Clock,
    by: str,
    progress: UndoProgress | None = None,
) -> UndoResult:
    """Do what a plan says, and return what became of each tag; what fails stops nothing else.

    Each tag is looked at right before it is touched, and left when it isn't as the plan has it.
    All is kept in the job's journal, with who asked for it (`by`). An undo that was broken off is
    continued by another one. A job that hadn't ended is cancelled. Raises JobBusy.
    """
    try:
        with job.locked(), job.journal() as journal:
            restorer = Restorer(places, _written(journal).sources(), journal, clock)
            undoing = _UndoRun(journal, restorer, clock, progress or UndoProgress())
            return await undoing.run(plan, by)
    except errors.JobBusy as busy:
        raise errors.JobBusy(busy.detail, remedy=_BUSY) from None


def _written(journal: Journal) -> Written:
    written = Written()
    for copy, state, _ in journal.outcomes():
        written.add(copy, state)
    return written


@dataclass(slots=True)
class _UndoScan:
    places: Mapping[str, Registry]
    journal: Journal
    progress: UndoProgress
    _slot: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LOOKS_AT_ONCE))
    _away: dict[str, TransshipError] = field(default_factory=dict)
    """What is wrong with a whole place, so that it isn't asked again for each tag."""

    async def tags(self, changes: Iterable[TagChange]) -> list[Restore]:
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

    async def _sight(self, change: TagChange) -> TagSeen:
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
            return TagSeen()
        except TransshipError as error:
            return TagSeen(problem=error)
        finally:
            self.progress.looked += 1
        return TagSeen(head.digest if head else None, stand_in)

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
            return Restore(tag, RestoreAction.UNKNOWN, detail=str(error))
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
class _UndoRun:
    journal: Journal
    restorer: Restorer
    clock: Clock
    progress: UndoProgress
    _away: dict[str, TransshipError] = field(default_factory=dict)

    async def run(self, plan: UndoPlan, by: str) -> UndoResult:
        """Do what the plan says, and keep it."""
        outcomes = {restore: UndoOutcome(restore) for restore in plan.restores}
        before = self.journal.undo()
        if not plan.changing:
            if before is not None:
                self._keep_settled(outcomes.values())
            if before is not None and before.ended is None:
                self.journal.undo_ends(self.clock.now())
            return UndoResult(plan, tuple(outcomes.values()))
        self._begin(plan, by)
        self._keep_settled(outcomes.values())
        self.progress.to_restore = len(plan.changing)
        tags = deque(
            restore for restore in plan.changing if restore.act is not RestoreAction.UNLIST
        )
        lists = deque(restore for restore in plan.changing if restore.act is RestoreAction.UNLIST)
        for waiting in (tags, lists):
            workers = (self._work(waiting, outcomes) for _ in range(_RESTORES_AT_ONCE))
            await all_settled(asyncio.ensure_future(worker) for worker in workers)
        undone = UndoResult(plan, tuple(outcomes.values()))
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

    def _keep_settled(self, outcomes: Iterable[UndoOutcome]) -> None:
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

    async def _work(self, waiting: deque[Restore], outcomes: dict[Restore, UndoOutcome]) -> None:
        while waiting:
            restore = waiting.popleft()
            self._restoring(restore, self.clock.now())
            outcome = outcomes[restore] = await self._outcome(restore)
            self.journal.restored(restore.tag, outcome.restored, outcome.words, self.clock.now())
            self.progress.restored += 1

    async def _outcome(self, restore: Restore) -> UndoOutcome:
        away = self._away.get(restore.tag.registry)
        if away is not None:
            return UndoOutcome(restore, away)
        try:
            return UndoOutcome(await self.restorer.restore(restore))
        except PLACE_WIDE as error:
            self._away[restore.tag.registry] = error
            return UndoOutcome(restore, error)
        except TransshipError as error:
            return UndoOutcome(restore, error)

    def _log(self, about: str, words: str) -> None:
        JobLog(self.journal, self.clock).info(about, words)
