"""What a job or a plan has to do with a cutover: the tags it copied, and whether they are there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field

from transship.clock import Clock
from transship.cutover.catchup import TagKey
from transship.cutover.evidence import Parity, TagPair
from transship.cutover.observe.endpoint import error_text
from transship.cutover.observe.parity import ParitySide, compare_copied
from transship.errors import BadRequest
from transship.keeping_step.planned import narrows
from transship.oci.reference import Reference
from transship.plans.plan import Plan
from transship.registries.place import ManifestHead, Place
from transship.text import safe
from transship.transfers.inventory import take_inventory
from transship.transfers.jobs import Job
from transship.transfers.verify import asking
from transship.transfers.work import Copy, State, Verdict

_LEFT_OUT = (Verdict.DELETE, Verdict.SKIP)


@dataclass(frozen=True, slots=True)
class JobCopies:
    """The tags that a job had to copy to one registry, as its journal has them.

    `failed` are those that it couldn't copy: they are compared as well. `narrowed` says that it
    left platforms out, so that digests at the source are others than at the target.
    """

    id: str
    copies: tuple[Copy, ...]
    failed: frozenset[Reference] = frozenset()
    narrowed: bool = False

    def copied(self) -> Iterable[tuple[str, str, str]]:
        """Give repository, tag and digest of each tag, by the names at the target."""
        for copy in self.copies:
            yield copy.target.repository, copy.target.tag, copy.digest or ""

    def pairs(self) -> Iterable[tuple[Reference, Reference]]:
        """Give source and target of each tag."""
        return ((copy.source, copy.target) for copy in self.copies)

    def agreed(self) -> Mapping[TagKey, str]:
        """Return the digests that both sides held when the job had ended."""
        if self.narrowed:
            return {}
        return {
            (copy.target.repository, copy.target.tag): copy.digest
            for copy in self.copies
            if copy.digest and copy.target not in self.failed
        }


def copies_of(job: Job, new: str) -> JobCopies:
    """Return what a job had to copy to the registry `new`.

    Raises BadRequest for a job that hasn't ended, or that had nothing to do there.
    """
    plan = job.plan()
    with job.journal() as journal:
        if not journal.state.ended:
            raise BadRequest(
                f"job {job.id} is {journal.state}", remedy="Let it come to its end first."
            )
        found = [
            (copy, state)
            for copy, state, _ in journal.outcomes()
            if copy.target.registry == new and copy.target.tag and copy.verdict not in _LEFT_OUT
        ]
    if not found:
        raise BadRequest(f"job {job.id} copied no tags to {new}")
    failed = frozenset(copy.target for copy, state in found if state is not State.DONE)
    return JobCopies(job.id, tuple(copy for copy, _ in found), failed, narrows(plan))


async def parity_of_job(copies: JobCopies, old: Place | None, new: Place) -> Parity:
    """Compare the tags that a job had to copy, where they are now.

    Without `old`, and where the job has changed digests, what it copied stands for that side.
    Tags that were pushed since under other names aren't seen.
    """
    if old is None or copies.narrowed:
        known = tuple(copy for copy in copies.copies if copy.digest)
        copies = JobCopies(copies.id, known, copies.failed, copies.narrowed)
        return await compare_copied(None, new, copies)
    sources = {
        (copy.target.repository, copy.target.tag): (copy.source.repository, copy.source.tag)
        for copy in copies.copies
    }
    return await compare_copied(_Renamed(old, sources), new, copies)


async def parity_of_plan(
    plan: Plan, name: str, places: Mapping[str, Place], new: str, clock: Clock
) -> Parity:
    """Compare the tags that a plan selects now, at its sources and at the registry `new`.

    `places` are open, by registry; `name` is what the plan is called. Only reads. Raises what is
    wrong with a whole place.
    """
    inventory = await take_inventory(asking(plan), places, clock, thorough=True)
    found = [
        each
        for each in inventory.found
        if each.target.registry == new and each.target.tag and not each.unwanted
    ]
    problems = [error_text(each.problem) for each in found if each.problem is not None]
    readable = [each for each in found if each.problem is None]
    different = tuple(
        TagPair(
            safe(each.target.repository),
            safe(each.target.tag),
            each.digest or "",
            each.target_digest or "",
        )
        for each in readable
        if each.digest != each.target_digest
    )
    error = problems[0] if problems else ""
    if len(problems) > 1:
        error += f" (and {len(problems) - 1:,} more)"
    if not found:
        error = f"the plan selects nothing for {new}"
    return Parity(len(readable), different, safe(name), error)


@dataclass(slots=True)
class _Renamed(ParitySide):
    """A registry that is asked by the names that its tags have elsewhere."""

    place: Place
    names: Mapping[TagKey, TagKey] = field(default_factory=dict)

    def repositories(self) -> AsyncIterator[str]:
        return self.place.repositories()

    def tags(self, repository: str) -> AsyncIterator[str]:
        return self.place.tags(repository)

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
        return await self.place.head_manifest(*self.names[repository, reference])
