"""Looks at both sides of a plan, to tell how far its targets have drifted. Only reads.

Lists of names come first. Only a tag that stands on both sides is asked for its digest, once at
the source and once at the target.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from transship.clock import Clock
from transship.concurrency import both, each
from transship.errors import BadRequest, CatalogClosed, RepositoryNotFound, TransshipError
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue, TagFacts
from transship.plans.drift import Drift, compare
from transship.plans.plan import Plan
from transship.plans.pruning import is_below
from transship.registry.registry import Registry
from transship.transfers.copies import PLACE_WIDE
from transship.transfers.scanner import (
    AT_ONCE,
    Scanner,
    ScanProgress,
    SourceSelection,
    select_sources,
)

_Facts = dict[tuple[str, str], TagFacts]


@dataclass(slots=True)
class DriftProgress:
    """How far a comparison is, for who watches it.

    `to_compare` is how many tags stand on both sides, 0 before that is known.
    """

    listed: int = 0
    """How many repositories of the targets were listed."""
    compared: int = 0
    to_compare: int = 0


async def look_for_drift(
    plan: Plan, places: Mapping[str, Registry], clock: Clock, progress: DriftProgress | None = None
) -> Drift:
    """Return how the targets of a plan compare with what its rules select now.

    `places` are open, by registry. A repository or tag that can't be looked at has a row that says
    why. Raises BadRequest for a plan without rules, and what is wrong with a whole place.
    """
    if not plan.rules:
        raise BadRequest(
            "the plan has no rules, so there is nothing to compare by them",
            remedy="`transship plan PLAN` shows what its copies would change.",
        )
    looking = Scanner(places, clock, ScanProgress(), plan.try_refused)
    comparing = _DriftScan(plan, looking, progress or DriftProgress())
    choice = await select_sources(plan, looking)
    targets = await comparing.targets(choice)
    sources, targets = await comparing.with_digests(choice, targets)
    return compare(plan, sources, targets, clock.now())


@dataclass(slots=True)
class _DriftScan:
    plan: Plan
    looking: Scanner
    progress: DriftProgress

    async def targets(self, choice: SourceSelection) -> dict[str, Catalogue]:
        """Return what the targets list: what is written to, and what stands below the rules'."""
        written: dict[str, set[str]] = defaultdict(set)
        for chosen in choice.selection.chosen:
            written[chosen.wanted.target.registry].add(chosen.wanted.target.repository)
        return {
            target.registry: await self._catalogue(target.registry, written[target.registry])
            for target in self.plan.targets
        }

    async def _catalogue(self, registry: str, written: Iterable[str]) -> Catalogue:
        names = dict.fromkeys(written)
        wanted = [t for rule in self.plan.rules for t in rule.targets if t.registry == registry]
        async for name in self._repositories(registry):
            if any(is_below(target, name) for target in wanted):
                names[name] = None
        tags: dict[str, tuple[str, ...]] = {}
        problems: dict[str, TransshipError] = {}

        async def listed(name: str) -> None:
            async with self.looking.slot:
                try:
                    found = await self.looking.source_tags(Reference(registry, name))
                except RepositoryNotFound:
                    return
                except PLACE_WIDE:
                    raise
                except TransshipError as error:
                    problems[name] = error
                else:
                    tags[name] = tuple(found)
                finally:
                    self.progress.listed += 1

        await each(map(listed, names))
        return Catalogue(registry, tags, {}, problems)

    async def _repositories(self, registry: str) -> AsyncIterator[str]:
        """Give the repositories of a target; none where it doesn't list them."""
        try:
            async for name in self.looking.places[registry].repositories():
                yield name
        except CatalogClosed:
            return

    async def with_digests(
        self, choice: SourceSelection, targets: Mapping[str, Catalogue]
    ) -> tuple[dict[str, Catalogue], dict[str, Catalogue]]:
        """Return the catalogues of both sides, with the digests of what stands on both."""
        here = {host: dict(catalogue.facts) for host, catalogue in choice.catalogues.items()}
        there: dict[str, _Facts] = {host: {} for host in targets}
        at_targets = {
            (host, name): frozenset(tags)
            for host, catalogue in targets.items()
            for name, tags in catalogue.tags.items()
        }
        pairs = [
            (chosen.wanted.source, chosen.wanted.target)
            for chosen in choice.selection.chosen
            if chosen.wanted.target.tag
            in at_targets.get((chosen.wanted.target.registry, chosen.wanted.target.repository), ())
        ]
        self.progress.to_compare = len(pairs)
        # A few that work through all of them: a task for each tag would take its memory.
        left = iter(pairs)
        await each(self._compare(left, here, there) for _ in range(AT_ONCE))
        return _with(choice.catalogues, here), _with(targets, there)

    async def _compare(
        self,
        pairs: Iterator[tuple[Reference, Reference]],
        here: Mapping[str, _Facts],
        there: Mapping[str, _Facts],
    ) -> None:
        for source, target in pairs:
            await both(self._look(source, here), self._look(target, there))
            self.progress.compared += 1

    async def _look(self, reference: Reference, facts: Mapping[str, _Facts]) -> None:
        """Learn a digest, unless it is known: several targets may take the same tag."""
        known = facts[reference.registry]
        key = reference.repository, reference.tag
        if reference.digest or (key in known and known[key].digest):
            return
        place = self.looking.places[reference.registry]
        try:
            head = await place.head_manifest(*key)
        except PLACE_WIDE:
            raise
        except TransshipError:
            return  # Its row says that the digest isn't known.
        if head is not None:
            known[key] = replace(known.get(key, TagFacts()), digest=head.digest)


def _with(catalogues: Mapping[str, Catalogue], facts: Mapping[str, _Facts]) -> dict[str, Catalogue]:
    return {host: replace(each, facts=facts[host]) for host, each in catalogues.items()}
