"""The in-sync check: the two registries of a cutover, compared and kept in step by jobs.

Lists every tag with its digest by the names at the new registry, whole or by the plan that the
images are copied by.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from transship import errors
from transship.clock import Clock
from transship.concurrency import both, each_of
from transship.cutover.catchup import CopiedTags, PairDigests, RoundAction, StartedCopy, TagKey
from transship.cutover.evidence import Parity, TagPair
from transship.cutover.journal import CutoverJournal, EntryKind
from transship.cutover.observe.endpoint import error_text
from transship.cutover.observe.parity import ParitySide, compare_copied
from transship.errors import BadRequest, JobBusy, JobNotFound, TransshipError
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict, Plan, Wanted
from transship.registry.access import Access
from transship.registry.registry import ManifestHead, Registry, unlisted_of
from transship.text import safe
from transship.transfers import control
from transship.transfers.copies import Copy, CopyState, Found, JobState, Verdict
from transship.transfers.inventory import take_inventory
from transship.transfers.job_view import read_job
from transship.transfers.jobs import Job, JobStore
from transship.transfers.process import start_runner
from transship.transfers.verify import asking

Begin = Callable[[Callable[[Job, Iterable[Access]], int], Job], Awaitable[object]]
"""Lets `start_runner` or `control.resume` begin a job, with what it takes to reach its places."""

_LOOK_SECONDS = 0.25


class CutoverRegistries:
    """The sides of a cutover: `delta.Sides`. `journal` is the cutover's."""

    def __init__(
        self,
        listing: CutoverListing,
        jobs: JobStore,
        journal: CutoverJournal,
        clock: Clock,
        begin: Begin,
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
        state = read_job(job).state
        if state is JobState.PAUSED:
            raise JobBusy(
                f"{job.id} copies for this cutover, and is paused",
                remedy=f"`transship resume {job.id}`, or `transship cancel {job.id}`.",
            )
        if not state.ended and begun.doing == doing:
            await self._begin(control.resume_job, job)
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
    look = read_job(job)
    why = f"job {job.id} is {look.state}"
    if look.problem is not None:
        why = ": ".join(part for part in look.problem[:2] if part)
    left = dict.fromkeys(tags, why)
    with job.journal() as journal:
        for copy, state, words in journal.outcomes():
            if copy.target not in left:
                continue
            if state is CopyState.DONE and copy.verdict is not Verdict.SKIP:
                del left[copy.target]
            elif words or copy.reason:
                left[copy.target] = words or copy.reason
    return {tags[target]: said for target, said in left.items()}


REPOSITORIES_AT_ONCE = 8
TAGS_AT_ONCE = 16
"""How many of each are looked at together, at both registries."""

HIDDEN = (errors.NoRight, errors.SignInNeeded)
"""What a registry says of a repository that these accounts may not look at."""


class CutoverListing(Protocol):
    """Lists both registries of a cutover."""

    @property
    def hosts(self) -> tuple[str, str]:
        """The registries as `host[:port]`, the old one first."""

    def at_old(self, tag: TagKey) -> TagKey | None:
        """Return what a tag of the new registry is called at the old one, None for nothing."""

    async def digests(self) -> PairDigests:
        """Return what is on both sides.

        Nothing is left out because it can't be seen: what stands in the way is raised. What nobody
        may look at is named in `unlisted`.
        """


@dataclass(slots=True)
class Seeing:
    """What was seen so far."""

    old: dict[TagKey, str] = field(default_factory=dict)
    new: dict[TagKey, str] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)

    def hidden(self, repository: str, error: TransshipError) -> None:
        """Say that a repository can't be looked at."""
        self.unlisted.append(f"{repository} can't be looked at ({error.title})")

    def closed(self, host: str) -> None:
        """Say that a registry doesn't list its repositories."""
        self.unlisted.append(f"{host} doesn't list its repositories")

    def not_listed(self, host: str, place: Registry) -> None:
        """Say what the list of a registry has left out."""
        for path, error in unlisted_of(place).items():
            self.hidden(f"{host}/{path}/…" if path else host, error)

    def result(self) -> PairDigests:
        """Return all of it."""
        return PairDigests(self.old, self.new, ", ".join(dict.fromkeys(self.unlisted)))


@dataclass(slots=True)
class FullListing:
    """Lists all that both registries have: a `Listing`.

    Repositories that one registry has are looked for at the other as well. `known` are some more,
    for registries that don't list theirs.
    """

    old: Registry
    new: Registry
    hosts: tuple[str, str]
    known: tuple[str, ...] = ()

    def at_old(self, tag: TagKey) -> TagKey | None:
        """Return the same name: it is the same on both sides."""
        return tag

    async def digests(self) -> PairDigests:
        """Return what is on both sides. Raises CatalogClosed where nothing tells what there is."""
        seen = Seeing()
        repositories = await self._repositories(seen)

        async def look(name: str) -> None:
            try:
                at_old, at_new = await both(tags_of(self.old, name), tags_of(self.new, name))
            except HIDDEN as error:
                seen.hidden(name, error)
                return
            seen.old |= {(name, tag): digest for tag, digest in at_old.items()}
            seen.new |= {(name, tag): digest for tag, digest in at_new.items()}

        await each_of(repositories, look, at_once=REPOSITORIES_AT_ONCE)
        return seen.result()

    async def _repositories(self, seen: Seeing) -> tuple[str, ...]:
        found = list(self.known)
        listings = await both(catalog(self.old), catalog(self.new))
        sides = zip(self.hosts, (self.old, self.new), listings, strict=True)
        for host, place, listed in sides:
            if listed is None:
                seen.closed(host)
            seen.not_listed(host, place)
            found += listed or ()
        if not found and seen.unlisted:
            raise errors.CatalogClosed(", ".join(self.hosts))
        return tuple(dict.fromkeys(found))


async def catalog(place: Registry) -> list[str] | None:
    """Return a registry's repositories, None where it doesn't list them."""
    try:
        return [name async for name in place.repositories()]
    except errors.CatalogClosed:
        return None


async def tags_of(place: Registry, repository: str) -> dict[str, str]:
    """Return the digest of each tag of a repository; none where there is no such repository."""
    try:
        tags = [tag async for tag in place.tags(repository)]
    except errors.RepositoryNotFound:
        return {}

    async def digest(tag: str) -> tuple[str, str]:
        return tag, await digest_of(place, (repository, tag))

    found = await each_of(dict.fromkeys(tags), digest, at_once=TAGS_AT_ONCE)
    return {tag: value for tag, value in found if value}


async def digest_of(place: Registry, tag: TagKey) -> str:
    """Return what a tag points at, empty where there is no such tag."""
    try:
        head = await place.head_manifest(*tag)
    except errors.RepositoryNotFound:
        return ""
    return head.digest if head else ""


@dataclass(slots=True)
class TargetNames:
    """The names by which tags were copied. What wasn't copied follows what its repository did."""

    _tags: dict[TagKey, TagKey] = field(default_factory=dict)
    _repositories: dict[str, set[str]] = field(default_factory=dict)
    _renamed: set[str] = field(default_factory=set)
    """Repositories at the new registry in which tags got other names."""
    _moved: bool = False

    @classmethod
    def of(cls, pairs: Iterable[tuple[Reference, Reference]]) -> TargetNames:
        """Return the names of copies, given as source and target."""
        names = cls()
        for source, target in pairs:
            names.add(source, target)
        return names

    def add(self, source: Reference, target: Reference) -> None:
        """Take up a copy of a tag."""
        self._tags[target.repository, target.tag] = (source.repository, source.tag)
        self._repositories.setdefault(target.repository, set()).add(source.repository)
        self._moved = self._moved or source.repository != target.repository
        if source.tag != target.tag:
            self._renamed.add(target.repository)

    def at_old(self, tag: TagKey) -> TagKey | None:
        """Return what a tag is called at the old registry; None where that can't be told.

        A repository that nothing was copied to has the same name on both sides, unless other
        repositories haven't.
        """
        if tag in self._tags:
            return self._tags[tag]
        repository, name = tag
        came_of = self._repositories.get(repository)
        if came_of is None:
            return None if self._moved else tag
        if len(came_of) > 1 or repository in self._renamed:
            return None
        return next(iter(came_of)), name


_ABSENT = (errors.ManifestNotFound, errors.RepositoryNotFound)


def between(plan: Plan, old: str, new: str) -> Plan:
    """Return what of a plan goes from the registry `old` to the registry `new`.

    Raises BadRequest where that is nothing.
    """
    copies = tuple(
        replace(copy, replaces=None)
        for copy in plan.copies
        if (copy.source.registry, copy.target.registry) == (old, new)
    )
    rules = tuple(
        replace(rule, targets=targets)
        for rule in plan.rules
        if rule.source.registry == old
        and (targets := tuple(each for each in rule.targets if each.registry == new))
    )
    if not copies and not rules:
        raise BadRequest(f"the plan copies nothing from {old} to {new}")
    return replace(plan, copies=copies, rules=rules, schedule=None).without_idle_limits()


def narrows(plan: Plan) -> bool:
    """Tell whether a plan leaves platforms out, and so changes digests of indexes."""
    terms = (plan.terms(copy).platforms for copy in plan.copies)
    rules = (rule.platforms for rule in plan.rules)
    return any(terms) or any(rules)


@dataclass(slots=True)
class PlannedListing:
    """Lists what a plan copies from the old registry, and all that the new one has: a `Listing`.

    `plan` is one that `between` has given. What the new registry has beyond it is looked for at
    the old one by the name that it would have there. Raises BadRequest for a plan that leaves
    platforms out: what it copies has other digests.
    """

    plan: Plan
    old: Registry
    new: Registry
    hosts: tuple[str, str]
    clock: Clock
    names: TargetNames = field(default_factory=TargetNames)

    def __post_init__(self) -> None:
        if narrows(self.plan):
            raise BadRequest(
                "the plan leaves platforms out: digests differ on both sides",
                remedy="Run the plan itself again to copy what was pushed meanwhile.",
            )

    def at_old(self, tag: TagKey) -> TagKey | None:
        """Return the name that the plan copies a tag from, or would."""
        return self.names.at_old(tag)

    async def digests(self) -> PairDigests:
        """Return what is on both sides. Raises what is wrong with a whole place."""
        places = dict(zip(self.hosts, (self.old, self.new), strict=True))
        inventory = await take_inventory(asking(self.plan), places, self.clock, thorough=True)
        found = [each for each in inventory.found if each.target.tag and not each.unwanted]
        self.names = TargetNames.of((each.source, each.target) for each in found)
        seen = Seeing()
        for each in found:
            _take(each, seen)
        repositories = dict.fromkeys(each.target.repository for each in found)
        listed = await catalog(self.new)
        if listed is None:
            seen.closed(self.hosts[1])
        seen.not_listed(self.hosts[1], self.new)
        repositories |= dict.fromkeys(listed or ())
        planned = {(each.target.repository, each.target.tag) for each in found}

        async def look(repository: str) -> None:
            try:
                tags = await tags_of(self.new, repository)
                await self._beyond(repository, tags, planned, seen)
            except HIDDEN as error:
                seen.hidden(repository, error)

        await each_of(repositories, look, at_once=REPOSITORIES_AT_ONCE)
        return seen.result()

    async def _beyond(
        self, repository: str, tags: dict[str, str], planned: Iterable[TagKey], seen: Seeing
    ) -> None:
        """Take up what a repository of the new registry has, and the plan doesn't name."""
        more = {tag: digest for tag, digest in tags.items() if (repository, tag) not in planned}
        seen.new |= {(repository, tag): digest for tag, digest in more.items()}

        async def look(tag: str) -> None:
            name = self.names.at_old((repository, tag))
            if name is not None and (digest := await digest_of(self.old, name)):
                seen.old[repository, tag] = digest

        await each_of(more, look, at_once=TAGS_AT_ONCE)


def _take(found: Found, seen: Seeing) -> None:
    """Take up one tag that the plan names. Raises why it can't be looked at."""
    tag = (found.target.repository, found.target.tag)
    if isinstance(found.problem, HIDDEN):
        seen.hidden(found.source.repository, found.problem)
        return
    if found.problem is not None and not isinstance(found.problem, _ABSENT):
        raise found.problem
    if found.digest is not None:
        seen.old[tag] = found.digest
    if found.target_digest is not None:
        seen.new[tag] = found.target_digest


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
    failed = frozenset(copy.target for copy, state in found if state is not CopyState.DONE)
    return JobCopies(job.id, tuple(copy for copy, _ in found), failed, narrows(plan))


async def parity_of_job(copies: JobCopies, old: Registry | None, new: Registry) -> Parity:
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
    plan: Plan, name: str, places: Mapping[str, Registry], new: str, clock: Clock
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

    place: Registry
    names: Mapping[TagKey, TagKey] = field(default_factory=dict)

    def repositories(self) -> AsyncIterator[str]:
        return self.place.repositories()

    def tags(self, repository: str) -> AsyncIterator[str]:
        return self.place.tags(repository)

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
        return await self.place.head_manifest(*self.names[repository, reference])
