"""Lists what the sources of a plan hold, as far as its rules need it, and lets them choose."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace

from transship.errors import (
    CatalogClosed,
    ManifestNotFound,
    RepositoryNotFound,
    TransshipError,
)
from transship.oci.artifact import artifact_of
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue, TagFacts
from transship.plans.plan import Plan
from transship.plans.rule import Rule
from transship.plans.selection import (
    Selection,
    literal_repositories,
    may_take_below,
    select,
    takes_repository,
    to_look_up,
)
from transship.registries.image_config import read_config
from transship.registries.listing import Reticent
from transship.registries.place import Place, left_out_of, unlisted_of
from transship.transfers.gather import each_of
from transship.transfers.looking import AT_ONCE, Looking
from transship.transfers.work import PLACE_WIDE

_LISTS_AT_ONCE = 64

_GONE = (ManifestNotFound, RepositoryNotFound)
"""What a source says of a tag that it doesn't have any more."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the rules have selected, from what."""

    selection: Selection
    catalogues: Mapping[str, Catalogue]


async def choose(plan: Plan, looking: Looking) -> Choice:
    """Return what the rules of a plan select now.

    Only repositories that a rule takes are listed, and of tags only what the rules need is looked
    up. A repository that can't be listed, and a tag that can't be looked at, keep their problem.
    Raises what is wrong with a whole place, and CatalogClosed where a rule needs a list that the
    source doesn't give.
    """
    catalogues = {
        source.registry: await catalogue_of(
            looking.places[source.registry], _rules_of(plan, source.registry), looking
        )
        for source in plan.sources
    }
    now = looking.clock.now()
    selection = select(plan, catalogues, now)
    while needed := to_look_up(selection, catalogues):
        catalogues = await look_up(catalogues, needed, looking)
        selection = select(plan, catalogues, now)
    digests = _digests_named(plan, catalogues)
    if digests:
        catalogues = await look_up(catalogues, digests, looking)
        selection = select(plan, catalogues, now)
    return Choice(selection, catalogues)


async def catalogue_of(place: Place, rules: Iterable[Rule], looking: Looking) -> Catalogue:
    """List the repositories of a place, and the tags of those that one of `rules` takes.

    Where the place can't list all that they may take, that is a problem of the catalogue.
    """
    rules = tuple(rules)
    names = [name async for name in _repositories(place, rules)]
    taken = [name for name in names if any(takes_repository(rule, name) for rule in rules)]
    tags: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    problems = _unlisted(place, rules)

    async def listed(name: str) -> None:
        try:
            found = await looking.source_tags(Reference(place.name, name))
        except PLACE_WIDE:
            raise
        except TransshipError as error:
            problems[name] = error
            del tags[name]
        else:
            tags[name] = tuple(sorted(found))

    await each_of(taken, listed, at_once=_LISTS_AT_ONCE)
    return Catalogue(place.name, tags, {}, problems, left_out_of(place))


async def look_up(
    catalogues: Mapping[str, Catalogue], needed: Iterable[Reference], looking: Looking
) -> dict[str, Catalogue]:
    """Return the catalogues with what is to be known of `needed`: digest, creation, kind."""
    facts: dict[str, dict[tuple[str, str], TagFacts]] = {
        name: dict(catalogue.facts) for name, catalogue in catalogues.items()
    }

    async def one(source: Reference) -> None:
        try:
            known = await _facts(source, looking)
        except PLACE_WIDE:
            raise
        except _GONE:
            known = TagFacts(examined=True)
        except TransshipError as error:
            known = TagFacts(examined=True, problem=error)
        facts[source.registry][source.repository, source.version] = known

    await each_of(needed, one, at_once=AT_ONCE)
    return {name: replace(c, facts=facts[name]) for name, c in catalogues.items()}


async def _facts(source: Reference, looking: Looking) -> TagFacts:
    async with looking.slot:
        if source.digest:
            place = looking.places[source.registry]
            head = await place.head_manifest(source.repository, source.digest)
            return TagFacts(digest=head.digest if head else None, examined=True)
        root = await looking.manifest(source, source.version)
        image = root
        if root.is_index and root.children:
            image = await looking.manifest(source, root.children[0].digest)
        place = looking.places[source.registry]
        config = await read_config(place, source.repository, image)
        return TagFacts(
            digest=root.digest,
            created=config.created_at if config else None,
            artifact=artifact_of(root),
            examined=True,
        )


async def _repositories(place: Place, rules: tuple[Rule, ...]) -> AsyncIterator[str]:
    """Give the names of repositories: of all, or of those that the rules write out in full.

    Raises CatalogClosed where a rule takes nothing of a list that is only of the account's own.
    """
    literal = [literal_repositories(rule) for rule in rules]
    if all(names is not None for names in literal):
        for name in dict.fromkeys(name for names in literal for name in names or ()):
            yield name
        return
    given: set[str] = set()
    async for name in place.repositories():
        given.add(name)
        yield name
    if not (isinstance(place, Reticent) and place.lists_own):
        return
    for rule, names in zip(rules, literal, strict=True):
        if names is None and not any(takes_repository(rule, name) for name in given):
            raise CatalogClosed(f"{rule.source}: only what the account owns is listed")
        for name in names or ():
            if name not in given:
                given.add(name)
                yield name


def _unlisted(place: Place, rules: tuple[Rule, ...]) -> dict[str, TransshipError]:
    """Return below which paths there may be what `rules` take, and isn't listed, and why."""
    listing = [rule for rule in rules if literal_repositories(rule) is None]
    return {
        path: why
        for path, why in unlisted_of(place).items()
        if any(may_take_below(rule, path) for rule in listing)
    }


def _digests_named(plan: Plan, catalogues: Mapping[str, Catalogue]) -> list[Reference]:
    """Return the digests that rules name, in each of the repositories that they may be in."""
    found: dict[Reference, None] = {}
    for rule in plan.rules:
        for repository in catalogues[rule.source.registry].tags if rule.tags.digests else ():
            if takes_repository(rule, repository):
                where = Reference(rule.source.registry, repository)
                found |= dict.fromkeys(where.at(digest) for digest in rule.tags.digests)
    return list(found)


def _rules_of(plan: Plan, place: str) -> list[Rule]:
    return [rule for rule in plan.rules if rule.source.registry == place]
