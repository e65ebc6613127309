"""What is where, by digest. Reads both sides at once and judges nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field, replace

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.plan import Plan, Terms, Wanted
from transship.plans.selection import Dropped, Selection
from transship.registries.place import Place
from transship.transfers.choosing import Choice, choose
from transship.transfers.gather import both, each, each_of
from transship.transfers.looking import AT_ONCE, Looking, Progress, target_head
from transship.transfers.referring import Referring
from transship.transfers.vanishing import Vanished, vanished
from transship.transfers.work import PLACE_WIDE, Found

__all__ = ["AT_ONCE", "Inventory", "Progress", "take_inventory", "target_head"]

_REPOSITORIES_AT_ONCE = 32
_COPIES_AT_ONCE = 2 * AT_ONCE


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was found for a plan, in the order of the plan and of the tags' names.

    `new_repositories` are those that the target doesn't have at all, by place and name. `choice`
    is what the rules selected, for a plan that has rules, and `vanished` what a replication may
    delete.
    """

    found: tuple[Found, ...]
    new_repositories: frozenset[tuple[str, str]]
    choice: Choice | None = None
    vanished: Vanished = field(default_factory=Vanished)


async def take_inventory(
    plan: Plan,
    places: Mapping[str, Place],
    clock: Clock,
    progress: Progress | None = None,
    *,
    thorough: bool = False,
) -> Inventory:
    """Look at everything that a plan names or selects, at its source and at its target.

    A problem with one tag or one repository is kept with it. Raises what is wrong with a whole
    place, ManifestNotFound when nothing that is named is there, and NothingSelected.
    `thorough` is for who only looks: each target repository is listed, so that new ones are known,
    and rules that select nothing are fine.
    """
    looking = Looking(places, clock, progress or Progress())
    taking = _Taking(plan, looking, Referring(looking), thorough)
    choice = await choose(plan, looking) if plan.rules else None
    found = await taking.named(plan.copies)
    if choice is not None:
        found += await taking.selected(choice.selection)
        found += _unreachable(plan, choice)
    if not found and not (plan.rules and thorough):
        raise _nothing(plan)
    gone = await vanished(plan, choice, found, looking) if choice else Vanished()
    return Inventory(
        (*found, *gone.found), frozenset(looking.new_repositories), choice, vanished=gone
    )


@dataclass(slots=True)
class _Taking:
    plan: Plan
    looking: Looking
    referring: Referring
    thorough: bool

    async def named(self, copies: Iterable[Wanted]) -> list[Found]:
        """Return what is there for the copies that a plan names."""
        lines = await each_of(copies, self._wanted, at_once=_COPIES_AT_ONCE)
        return [item for line in lines for item in line]

    async def selected(self, selection: Selection) -> list[Found]:
        """Return what is there for the tags that rules have selected, a repository at a time."""
        sources: dict[Reference, dict[Reference, list[Wanted]]] = {}
        for wanted in (chosen.wanted for chosen in selection.chosen):
            if self.looking.claim(wanted.target):
                groups = sources.setdefault(_repository(wanted.source), {})
                groups.setdefault(_repository(wanted.target), []).append(wanted)
        found = await each_of(sources.items(), self._source, at_once=_REPOSITORIES_AT_ONCE)
        return [item for items in found for item in items]

    async def _source(self, group: tuple[Reference, dict[Reference, list[Wanted]]]) -> list[Found]:
        """Return what is there for one repository at the source, target by target."""
        source, targets = group
        found: list[Found] = []
        for target, some in targets.items():
            self.looking.progress.repositories += 1
            try:
                found += await self._tags(source, target, some)
            except PLACE_WIDE:
                raise
            except TransshipError as error:
                found += [Found(w.source, w.target, None, None, problem=error) for w in some]
        self.looking.forget(source)
        return found

    async def _tags(self, source: Reference, target: Reference, some: list[Wanted]) -> list[Found]:
        """Return what is there for some tags of one repository, and what refers to them."""
        # One list of what the target has is cheaper than to ask for each tag that it hasn't.
        few = len(some) == 1 and not self.thorough
        there = None if few else await self.looking.target_tags(target)

        async def one(wanted: Wanted) -> Found:
            terms = self.plan.terms(wanted)
            at_target = there is None or not wanted.target.tag or wanted.target.tag in there
            if terms.immutable and at_target and there is not None:
                return Found(wanted.source, wanted.target, None, None, believed=True)
            return await self.looking.version(wanted, terms, at_target=at_target)

        found = await each(map(one, some))
        referrers = await each(
            self._referrers(item, self.plan.terms(wanted))
            for item, wanted in zip(found, some, strict=True)
        )
        found += [item for items in referrers for item in items]
        if self.plan.is_replication:
            terms = self.plan.terms(some[0])
            found += await self._untagged(Wanted(source, target), terms)
        return [_slim(item) for item in found] if self.thorough else found

    async def _wanted(self, wanted: Wanted) -> list[Found]:
        found: list[Found] = []
        for pair in [pair async for pair in self._repositories(wanted)]:
            self.looking.progress.repositories += 1
            found += await self._repository(pair)
        return found

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

    async def _repository(self, wanted: Wanted) -> list[Found]:
        terms = self.plan.terms(wanted)
        if wanted.source.version:
            self.looking.claim(wanted.target)
            return await self._with_referrers([await self.looking.version(wanted, terms)], terms)
        try:
            tags = await self._all_tags(wanted, terms)
        except PLACE_WIDE:
            raise
        except TransshipError as error:
            tags = [Found(wanted.source, wanted.target, None, None, problem=error)]
        found = await self._with_referrers(tags, terms)
        return found + await self._untagged(wanted, terms)

    async def _all_tags(self, wanted: Wanted, terms: Terms) -> list[Found]:
        tags, there = await both(
            self.looking.source_tags(wanted.source), self.looking.target_tags(wanted.target)
        )

        async def one(tag: str) -> Found:
            pair = Wanted(wanted.source.at(tag), wanted.target.at(tag))
            return await self.looking.version(pair, terms, at_target=tag in there)

        claimed = [tag for tag in sorted(tags) if self.looking.claim(wanted.target.at(tag))]
        return await each(map(one, claimed))

    async def _with_referrers(self, found: list[Found], terms: Terms) -> list[Found]:
        referrers = await each(self._referrers(item, terms) for item in found)
        return found + [item for items in referrers for item in items]

    async def _referrers(self, found: Found, terms: Terms) -> list[Found]:
        if not self.plan.referrers or found.unwanted:
            return []
        return await self.referring.of(found, terms)

    async def _untagged(self, wanted: Wanted, terms: Terms) -> list[Found]:
        """Return what stands there without a tag, and nothing that was found has led to."""
        source, repository = self.looking.places[wanted.source.registry], wanted.source.repository
        digests = [digest async for digest in source.untagged(repository)]
        if not self.plan.referrers:
            manifests = await each(source.get_manifest(repository, digest) for digest in digests)
            digests = [manifest.digest for manifest in manifests if manifest.subject is None]

        async def one(digest: Digest) -> Found:
            pair = Wanted(wanted.source.at(digest), wanted.target.at(digest))
            return await self.looking.version(pair, terms)

        claimed = [d for d in digests if self.looking.claim(wanted.target.at(d))]
        return await each(map(one, claimed))


def _slim(found: Found) -> Found:
    """Return what was found without the bytes of its manifests."""
    if not found.manifests:
        return found
    return replace(found, manifests=tuple(m.without_body() for m in found.manifests))


def _repository(reference: Reference) -> Reference:
    return Reference(reference.registry, reference.repository)


def _unreachable(plan: Plan, choice: Choice) -> list[Found]:
    """Return what the rules ask for and can't have, each with the reason."""
    found = [
        _blocked(plan, dropped, errors.BadRequest(f"{dropped.source}: {dropped.why}"))
        for dropped in choice.selection.impossible
    ]
    found += [
        _blocked(plan, dropped, errors.ManifestNotFound(f"{dropped.source} {dropped.why}"))
        for dropped in choice.selection.missing
    ]
    for catalogue in choice.catalogues.values():
        for repository, problem in catalogue.problems.items():
            source = Reference(catalogue.place, repository)
            found.append(_blocked(plan, Dropped(source, ""), problem))
    return found


def _blocked(plan: Plan, dropped: Dropped, problem: TransshipError) -> Found:
    rule = plan.rules[dropped.rule or 0]
    target = replace(dropped.source, registry=rule.targets[0].registry)
    return Found(dropped.source, target, None, None, problem=problem)


def _nothing(plan: Plan) -> TransshipError:
    if plan.rules:
        sources = ", ".join(str(rule.source) for rule in plan.rules[:3])
        return errors.NothingSelected(f"no rule takes anything at {sources}")
    sources = ", ".join(str(wanted.source) for wanted in plan.copies[:3])
    return errors.ManifestNotFound(f"{sources}: there are no tags")
