"""The two registries of a cutover, kept in step by jobs like any other.

A job is in the cutover's journal before it begins. It shows among all jobs, goes on when nobody
watches, survives a crash, and can be undone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from transship.clock import Clock
from transship.cutover.catchup import CopiedTags, PairDigests, RoundAction, StartedCopy, TagKey
from transship.cutover.evidence import TagPair
from transship.cutover.journal import CutoverJournal, EntryKind
from transship.errors import JobBusy, JobNotFound
from transship.keeping_step.listing import Listing
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict, Plan, Wanted
from transship.registries.access import Access
from transship.transfers import control
from transship.transfers.jobs import Job, Jobs
from transship.transfers.start import start_runner
from transship.transfers.view import view
from transship.transfers.work import JobState, State, Verdict

Begin = Callable[[Callable[[Job, Iterable[Access]], int], Job], Awaitable[object]]
"""Lets `start_runner` or `control.resume` begin a job, with what it takes to reach its places."""

_LOOK_SECONDS = 0.25


class Registries:
    """The sides of a cutover: `delta.Sides`. `journal` is the cutover's."""

    def __init__(
        self, listing: Listing, jobs: Jobs, journal: CutoverJournal, clock: Clock, begin: Begin
    ) -> None:
        self._listing = listing
        self._jobs = jobs
        self._journal = journal
        self._clock = clock
        self._begin = begin

    async def settle(self, doing: RoundAction) -> None:
        """Wait for the job of an earlier round, and go on with it if it was broken off.

        One that copies the other way isn't gone on with. Raises JobBusy where somebody has paused
        it.
        """
        entry = self._journal.newest(EntryKind.COPYING)
        begun = entry.read(StartedCopy) if entry else None
        try:
            job = self._jobs.find(begun.job) if begun else None
        except JobNotFound:
            return
        if begun is None or job is None:
            return
        await self._ended(job)
        state = view(job).state
        if state is JobState.PAUSED:
            raise JobBusy(
                f"{job.id} copies for this cutover, and is paused",
                remedy=f"`transship resume {job.id}`, or `transship cancel {job.id}`.",
            )
        if not state.ended and begun.doing == doing:
            await self._begin(control.resume, job)
            await self._ended(job)

    async def digests(self) -> PairDigests:
        """Return what is on both sides."""
        return await self._listing.digests()

    async def copy(self, pairs: Sequence[TagPair]) -> CopiedTags:
        """Copy tags from the old registry to the new one, by digest."""
        return await self._copied(pairs, "copy")

    async def copy_back(self, pairs: Sequence[TagPair]) -> CopiedTags:
        """Copy tags from the new registry to the old one, by digest."""
        return await self._copied(pairs, "back")

    async def _copied(self, pairs: Sequence[TagPair], doing: RoundAction) -> CopiedTags:
        wanted: dict[Wanted, TagKey] = {}
        nameless: dict[TagKey, str] = {}
        for pair in pairs:
            copy, tag = self._wanted(pair, doing), (pair.repository, pair.tag)
            if copy is not None:
                wanted[copy] = tag
            else:
                nameless[tag] = f"it isn't known what it is called at {self._listing.hosts[0]}"
        if not wanted:
            return CopiedTags("", nameless)
        job = self._jobs.create(Plan(copies=tuple(wanted), on_conflict=OnConflict.FAIL))
        self._journal.add(EntryKind.COPYING, StartedCopy(job.id, doing), self._clock.now())
        await self._begin(start_runner, job)
        await self._ended(job)
        tags = {copy.target: tag for copy, tag in wanted.items()}
        return CopiedTags(job.id, {**nameless, **_failed(job, tags)})

    def _wanted(self, pair: TagPair, doing: RoundAction) -> Wanted | None:
        """Return the copy of a tag, which may replace only what the pair has at its target."""
        old_host, new_host = self._listing.hosts
        name = self._listing.at_old((pair.repository, pair.tag))
        if name is None:
            return None
        old = Reference(old_host, *name)
        new = Reference(new_host, pair.repository, pair.tag)
        if doing == "back":
            return Wanted(_at(new, pair.new), old, replaces=pair.old)
        return Wanted(_at(old, pair.old), new, replaces=pair.new)

    async def _ended(self, job: Job) -> None:
        while job.is_held:
            await self._clock.sleep(_LOOK_SECONDS)


def _at(tagged: Reference, digest: str) -> Reference:
    return Reference(tagged.registry, tagged.repository, tagged.tag, Digest(digest))


def _failed(job: Job, tags: Mapping[Reference, TagKey]) -> dict[TagKey, str]:
    """Return why tags weren't copied, by what their copies write."""
    look = view(job)
    why = f"job {job.id} is {look.state}"
    if look.problem is not None:
        why = ": ".join(part for part in look.problem[:2] if part)
    left = dict.fromkeys(tags, why)
    with job.journal() as journal:
        for copy, state, words in journal.outcomes():
            if copy.target not in left:
                continue
            if state is State.DONE and copy.verdict is not Verdict.SKIP:
                del left[copy.target]
            elif words or copy.reason:
                left[copy.target] = words or copy.reason
    return {tags[target]: said for target, said in left.items()}
