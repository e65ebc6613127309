"""What is where, by digest. Reads both sides at once and judges nothing.

A scan task is a repository, a batch a part of a large one. A target is listed first or asked for
each tag, by what it had so far. What a plan asks for and can't have is named with its reason.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter, defaultdict
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from transship import errors
from transship.clock import Clock
from transship.concurrency import both, each, each_of, end, in_order
from transship.errors import TransshipError
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.plan import Plan, Terms, Wanted
from transship.plans.replication_loop import find_loops
from transship.plans.selection import Dropped, SelectedLot, Selection, targets_of
from transship.registry.registry import PingedRegistry, Registry
from transship.transfers.copies import PLACE_WIDE, Found
from transship.transfers.lanes import SMALL
from transship.transfers.pruning import PrunedTags, find_pruned
from transship.transfers.scanner import (
    AT_ONCE,
    ReferrerScan,
    Scanner,
    ScanProgress,
    SourceSelection,
    select_sources,
)
from transship.transfers.trust import TrustCache

_PART = 32
"""How many tags are looked at together. What was found of them is in memory until it's taken."""


@dataclass(slots=True)
class ScanTask:
    """What goes from one repository to one other.

    With `lists` the target's tags are listed first, unless it `spares` that where all that was
    looked at last was there: then to ask for each is all that it takes. With `believes` those that
    were declared immutable aren't asked for, and with `loose` it is looked for what has no tag, on
    these `terms`. `problem` is why nothing can be said of single tags.
    """

    source: Reference
    target: Reference
    lots: Sequence[SelectedLot | tuple[Wanted, ...]]
    terms: Terms
    lists: bool = True
    spares: bool = False
    believes: bool = False
    loose: bool = False
    problem: TransshipError | None = None
    _left: int = 0
    _seen: asyncio.Event | None = None

    def parts(self) -> Iterator[ScanBatch]:
        """Give the parts; what is loose comes last."""
        wanted = chain.from_iterable(self.lots)
        self._left = -(-sum(map(len, self.lots)) // _PART) + (self.problem is not None)
        if self.problem is not None:
            yield ScanBatch(self, ())
        while some := tuple(islice(wanted, _PART)):
            yield ScanBatch(self, some)
        if self.loose:
            self._seen = asyncio.Event() if self._left else None
            yield ScanBatch(self, (), loose=True)

    def ended(self, part: ScanBatch) -> bool:
        """Note that a part was looked at; tell whether it was the last one."""
        if part.loose:
            return True
        self._left -= 1
        if not self._left and self._seen is not None:
            self._seen.set()
        return not self._left and not self.loose

    async def tags_seen(self) -> None:
        """Wait until all that has a tag was looked at."""
        if self._seen is not None:
            await self._seen.wait()


@dataclass(frozen=True, slots=True)
class ScanBatch:
    """Some of what goes from one repository to another, or what is `loose` there."""

    errand: ScanTask
    wanted: tuple[Wanted, ...]
    loose: bool = False


@dataclass(slots=True)
class _Seen:
    """What was seen at one registry: `all_there` is None before anything was.

    `first` is held while it is first listed, once: the others wait for what comes of it.
    """

    all_there: bool | None = None
    first: asyncio.Lock = field(default_factory=asyncio.Lock)
    was_asked: bool = False


@dataclass(slots=True)
class ListingEstimate:
    """What is expected of the targets of one plan.

    Where all is there, each tag is asked for in any case, and a list would be one question more.
    Where there is nothing, the list spares a question for each tag.
    """

    looking: Scanner
    _at: dict[str, _Seen] = field(default_factory=lambda: defaultdict(_Seen))

    async def tags(self, part: ScanBatch, *, believes: bool) -> frozenset[str] | None:
        """Return the tags that the target has, None where each is to be asked for.

        For who `believes` some of them without asking, the list is what tells.
        """
        errand = part.errand
        spares = errand.spares and not believes
        if not errand.lists or (spares and self.looking.trusted.job):
            return None
        seen = self._at[errand.target.registry]
        if spares and seen.all_there is None:
            async with seen.first:
                if not seen.was_asked:  # If this fails, the others list for themselves.
                    seen.was_asked = True
                    return await self._listed(part)
        known = self.looking.known_tags(errand.target)
        if known is not None:
            return known
        return None if spares and seen.all_there else await self._listed(part)

    def saw(self, errand: ScanTask, found: Iterable[Found]) -> None:
        """Take note of what was there when each tag was asked for."""
        there = all(item.target_digest is not None for item in found)
        self._at[errand.target.registry].all_there = there

    async def _listed(self, part: ScanBatch) -> frozenset[str]:
        target = part.errand.target
        there = await self.looking.target_tags(target)
        all_there = all(wanted.target.tag in there for wanted in part.wanted)
        self._at[target.registry].all_there = all_there
        return there


Take = Callable[[list[Found]], object]
"""Who takes what was found, some at a time."""

Also = Callable[[list[Found]], Awaitable[None]]
"""What is to be learned beside it before it is taken, of several parts at once."""

_REPOSITORIES_AT_ONCE = 64
_COPIES_AT_ONCE = 2 * AT_ONCE
_AHEAD = 2
"""How many parts may be looked at before those that come first are done, for each at once."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What is known of a plan beside each single finding.

    `new_repositories` are those that the target doesn't have at all, by place and name. `choice`
    is what the rules selected, for a plan that has rules, and `vanished` what a replication may
    delete.
    """

    new_repositories: frozenset[tuple[str, str]]
    choice: SourceSelection | None = None
    vanished: PrunedTags = field(default_factory=PrunedTags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory(Overview):
    """All that was found for a plan, in the order of the plan and of the tags' names."""

    found: tuple[Found, ...]


async def take_inventory(
    plan: Plan,
    places: Mapping[str, Registry],
    clock: Clock,
    progress: ScanProgress | None = None,
    *,
    thorough: bool = False,
) -> Inventory:
    """Return all that `look_at_all` finds, for who needs it together."""
    found: list[Found] = []
    overview = await look_at_all(plan, places, clock, found.extend, progress, thorough=thorough)
    return Inventory(
        found=tuple(found),
        new_repositories=overview.new_repositories,
        choice=overview.choice,
        vanished=overview.vanished,
    )


async def look_at_all(
    plan: Plan,
    places: Mapping[str, Registry],
    clock: Clock,
    take: Take,
    progress: ScanProgress | None = None,
    *,
    also: Also | None = None,
    thorough: bool = False,
    trusted: TrustCache | None = None,
) -> Overview:
    """Look at everything that a plan names or selects, at its source and at its target.

    What is found is given to `take` in the order of the plan and of the tags' names, some of it at
    a time, after it was given to `also`: only that is held in memory. A problem with one tag or
    one repository is kept with it. Raises what is wrong with a whole place, ManifestNotFound when
    nothing that is named is there, and NothingSelected.

    `thorough` is for who only looks: each target repository is listed, so that new ones are known,
    manifests come without their bytes, and rules that select nothing are fine. What is `trusted`
    to be at the targets isn't asked for there while the source has the same.
    """
    trusted = trusted or TrustCache()
    looking = Scanner(places, clock, progress or ScanProgress(), plan.try_refused, trusted)
    taking = _Taking(
        plan, looking, ReferrerScan(looking), ListingEstimate(looking), take, also, thorough
    )
    async with _finding(plan, places, trusted):
        choice = await select_sources(plan, looking) if plan.rules else None
        await taking.named(plan.copies)
        if choice is not None:
            await taking.selected(choice.selection)
            taking.taken(unreachable(plan, choice, looking))
    if not taking.found and not (plan.rules and thorough):
        raise nothing_found(plan)
    gone = PrunedTags()
    if choice is not None and taking.found:
        gone = await find_pruned(plan, choice, looking)
        taking.taken(list(gone.found))
    return Overview(frozenset(looking.new_repositories), choice, gone)


@asynccontextmanager
async def _finding(
    plan: Plan, places: Mapping[str, Registry], trusted: TrustCache
) -> AsyncIterator[None]:
    """Find the targets of rules meanwhile: they are asked once the sources have listed.

    What keeps us from one is told by who asks it for something, and it may be that nobody does.
    """

    async def found(place: Registry | None) -> None:
        if isinstance(place, PingedRegistry):
            with suppress(TransshipError):
                await place.knock()

    targets = {target.registry for rule in plan.rules for target in rule.targets}
    # Where the last run is trusted, it may be that none of them is asked for anything.
    names = () if trusted.job else targets
    knocks = [asyncio.create_task(found(places.get(name))) for name in names]
    try:
        yield
    finally:
        await end(*knocks)


@dataclass(slots=True)
class _Taking:
    plan: Plan
    looking: Scanner
    referring: ReferrerScan
    expectation: ListingEstimate
    take: Take
    also: Also | None
    thorough: bool
    found: int = 0
    circling: frozenset[Reference] = frozenset()
    """Targets that the rules copy on and back again, which therefore must not move."""
    _uses: Counter[Reference] = field(default_factory=Counter)

    def taken(self, found: list[Found]) -> None:
        """Hand over what was found."""
        self.found += len(found)
        self.take(found)

    async def named(self, copies: Iterable[Wanted]) -> None:
        """Look at what a plan names."""
        pairs = [pair for wanted in copies async for pair in self._repositories(wanted)]
        errands = await each_of(pairs, self._errand, at_once=_COPIES_AT_ONCE)
        await self._run([self._claimed(errand) for errand in errands], at_once=_COPIES_AT_ONCE)

    async def selected(self, selection: Selection) -> None:
        """Look at the tags that rules have selected, a repository at the source after another."""
        self.circling = find_loops(self.plan, selection.lots)
        sources: dict[Reference, dict[Reference, list[SelectedLot]]] = {}
        for lot in map(self._free, selection.lots):
            if lot.versions:
                sources.setdefault(lot.source, {}).setdefault(lot.target, []).append(lot)
        errands = [
            ScanTask(
                source,
                target,
                lots,
                self.plan.terms(next(iter(lots[0]))),
                # One list of what the target has is cheaper than to ask for each tag it hasn't.
                lists=self.thorough or sum(map(len, lots)) > 1,
                spares=not self.thorough and self.plan.delete is None,
                believes=True,
                loose=self.plan.is_replication,
            )
            for source, targets in sources.items()
            for target, lots in targets.items()
        ]
        await self._run(errands, at_once=_REPOSITORIES_AT_ONCE)

    def _free(self, lot: SelectedLot) -> SelectedLot:
        """Return a lot without what is looked at for another one."""
        free = [v for v, w in zip(lot.versions, lot, strict=True) if self.looking.claim(w.target)]
        return lot if len(free) == len(lot) else lot.of(free)

    async def _repositories(self, wanted: Wanted) -> AsyncIterator[Wanted]:
        """Give each repository of a layout that is meant as a whole, or the one that is named."""
        if wanted.source.repository or wanted.source.version:
            yield wanted
            return
        prefix = wanted.target.repository
        async for name in self.looking.places[wanted.source.registry].repositories():
            target = "/".join(part for part in (prefix, name) if part)
            yield Wanted(
                replace(wanted.source, repository=name),
                replace(wanted.target, repository=target),
                wanted.terms,
            )

    async def _errand(self, wanted: Wanted) -> ScanTask:
        """Return what a copy that is named comes to: one thing, or all tags of a repository."""
        source, target = _repository(wanted.source), _repository(wanted.target)
        terms = self.plan.terms(wanted)
        if wanted.source.version:
            return ScanTask(source, target, [(wanted,)], terms, lists=False)
        try:
            if self.looking.trusted.job:
                tags = await self.looking.source_tags(source)
            else:
                tags, _ = await both(
                    self.looking.source_tags(source), self.looking.target_tags(target)
                )
        except PLACE_WIDE:
            raise
        except TransshipError as error:
            return ScanTask(source, target, [], terms, loose=True, problem=error)
        lot = SelectedLot(source, target, tuple(sorted(tags)), terms=wanted.terms)
        spares = bool(self.looking.trusted.job)
        return ScanTask(source, target, [lot], terms, spares=spares, loose=True)

    def _claimed(self, errand: ScanTask) -> ScanTask:
        """Return an errand for what is named, with what is looked at for it only."""
        for lot in errand.lots:
            if isinstance(lot, SelectedLot):
                errand.lots = [self._free(lot)]
            else:
                for wanted in lot:
                    self.looking.claim(wanted.target)
        return errand

    # Going about it

    async def _run(self, errands: list[ScanTask], *, at_once: int) -> None:
        for errand in errands:
            self._uses.update((errand.source, errand.target))
        parts, ahead = self._parts(errands), _AHEAD * at_once
        with _left_in_peace():
            await in_order(parts, self._look, self.taken, at_once=at_once, ahead=ahead)

    def _parts(self, errands: Iterable[ScanTask]) -> Iterator[ScanBatch]:
        for errand in errands:
            self.looking.progress.repositories += 1
            yield from errand.parts()

    async def _look(self, part: ScanBatch) -> list[Found]:
        """Return what is there for a part of an errand."""
        errand = part.errand
        try:
            if errand.problem is not None and not part.loose:
                raise errand.problem
            if not part.loose:
                self.looking.check_name(errand.target)
            found = await (self._untagged(errand) if part.loose else self._tags(part))
        except PLACE_WIDE:
            raise
        except TransshipError as error:
            wanted = part.wanted or (Wanted(errand.source, errand.target),)
            found = [Found(w.source, w.target, None, None, problem=error) for w in wanted]
        if errand.ended(part):
            self._let_go(errand)
        if self.thorough:
            found = [_slim(item) for item in found]
        if self.also is not None:
            await self.also(found)
        return found

    def _let_go(self, errand: ScanTask) -> None:
        """Forget what nobody asks for again. What has vanished is told by the targets' tags."""
        self._uses.subtract((errand.source, errand.target))
        if not self._uses[errand.source]:
            self.looking.forget(errand.source)
            self.referring.forget(errand.source)
        if not self._uses[errand.target] and self.plan.delete is None:
            self.looking.forget(errand.target)

    async def _tags(self, part: ScanBatch) -> list[Found]:
        """Return what is there for some tags of one repository, and what refers to them."""
        errand = part.errand
        believes = errand.believes and any(self.plan.terms(w).immutable for w in part.wanted)
        there = await self.expectation.tags(part, believes=believes)

        async def one(wanted: Wanted) -> Found:
            terms = self.plan.terms(wanted)
            at_target = there is None or not wanted.target.tag or wanted.target.tag in there
            if errand.believes and terms.immutable and at_target and there is not None:
                return Found(wanted.source, wanted.target, None, None, believed=True)
            item = await self.looking.version(wanted, terms, at_target=at_target)
            if terms.immutable and wanted.replaces is None:
                return _believed(item)
            return _kept_still(item) if wanted.target in self.circling else item

        found = await each(map(one, part.wanted))
        if there is None:
            if errand.spares:
                self.expectation.saw(errand, found)
            if any(map(_brings_much, found)):
                await self._learn_whether_new(errand.target)
        referrers = await each(
            self._referrers(item, self.plan.terms(wanted))
            for item, wanted in zip(found, part.wanted, strict=True)
        )
        return found + [item for items in referrers for item in items]

    async def _learn_whether_new(self, target: Reference) -> None:
        """Learn whether the target has a repository at all: if not, no blob is asked for there."""
        with suppress(errors.TransshipError):  # It was only to spare questions.
            await self.looking.target_tags(target)

    async def _referrers(self, found: Found, terms: Terms) -> list[Found]:
        if not self.plan.referrers or found.unwanted:
            return []
        return await self.referring.of(found, terms)

    async def _untagged(self, errand: ScanTask) -> list[Found]:
        """Return what stands there without a tag, and nothing that was found has led to."""
        await errand.tags_seen()
        source, repository = self.looking.places[errand.source.registry], errand.source.repository
        digests = [digest async for digest in source.untagged(repository)]
        if not self.plan.referrers:
            manifests = await each(source.get_manifest(repository, digest) for digest in digests)
            digests = [manifest.digest for manifest in manifests if manifest.subject is None]

        async def one(digest: Digest) -> Found:
            pair = Wanted(errand.source.at(digest), errand.target.at(digest))
            return await self.looking.version(pair, errand.terms)

        claimed = [d for d in digests if self.looking.claim(errand.target.at(d))]
        return await each(map(one, claimed))


def _brings_much(found: Found) -> bool:
    """Tell whether so many large blobs may come that one question before them spares some."""
    sizes = (blob.size for manifest in found.manifests for blob in manifest.blobs)
    return found.target_digest is None and sum(size > SMALL for size in sizes) > 1


def _believed(found: Found) -> Found:
    """Return what was found of a tag that never moves: what the target has stays."""
    if found.target_digest in (None, found.digest):
        return found
    return Found(found.source, found.target, None, None, believed=True)


def _kept_still(found: Found) -> Found:
    """Return what was found of a tag that the rules copy back: what the target has stays."""
    if found.problem is not None or found.target_digest in (None, found.digest):
        return found
    problem = errors.CopiedInCircles(
        f"{found.target} differs from {found.source}, and is copied back to it"
    )
    return Found(found.source, found.target, None, None, problem=problem)


@contextmanager
def _left_in_peace() -> Iterator[None]:
    """Keep the garbage collector from walking through all that was listed again and again.

    Nothing of it goes before everything was looked at, and the more tags there are, the longer is
    the walk, and the more often it is taken.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _slim(found: Found) -> Found:
    """Return what was found without the bytes of its manifests."""
    if not found.manifests:
        return found
    return replace(found, manifests=tuple(m.without_body() for m in found.manifests))


def _repository(reference: Reference) -> Reference:
    return Reference(reference.registry, reference.repository)


def unreachable(plan: Plan, choice: SourceSelection, looking: Scanner) -> list[Found]:
    """Return what the rules ask for and can't have, each with the reason."""
    found = [
        _blocked(plan, dropped, errors.BadRequest(f"{dropped.source}: {dropped.why}"))
        for dropped in choice.selection.impossible
    ]
    for dropped in choice.selection.missing:
        problem = errors.ManifestNotFound(f"{dropped.source} {dropped.why}")
        targets = targets_of(plan.rules[dropped.rule or 0], dropped.source)
        found += [Found(dropped.source, each, None, None, problem=problem) for each in targets]
    found += [
        _blocked(plan, dropped, unread)
        for dropped in choice.selection.dropped
        if (unread := _problem_of(dropped, choice)) is not None
    ]
    for catalogue in choice.catalogues.values():
        for repository, why in catalogue.problems.items():
            source = Reference(catalogue.place, repository)
            found.append(_blocked(plan, Dropped(source, ""), why))
    for item in found:
        looking.claim(item.target)
    return found


def _problem_of(dropped: Dropped, choice: SourceSelection) -> TransshipError | None:
    """Return why it can't be told whether a rule would take what is dropped."""
    source = dropped.source
    facts = choice.catalogues[source.registry].facts.get((source.repository, source.tag))
    return facts.problem if facts else None


def _blocked(plan: Plan, dropped: Dropped, problem: TransshipError) -> Found:
    target = targets_of(plan.rules[dropped.rule or 0], dropped.source)[0]
    return Found(dropped.source, target, None, None, problem=problem)


def nothing_found(plan: Plan) -> TransshipError:
    """Return the error that a plan comes to which finds nothing to do."""
    if plan.rules:
        sources = ", ".join(str(rule.source) for rule in plan.rules[:3])
        return errors.NothingSelected(f"no rule takes anything at {sources}")
    sources = ", ".join(str(wanted.source) for wanted in plan.copies[:3])
    return errors.ManifestNotFound(f"{sources}: there are no tags")
