"""From tags that were pushed to the copies that the plan asks for of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from transship import errors
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue
from transship.plans.circles import circling
from transship.plans.plan import Kind, Plan, Wanted
from transship.plans.selection import select, to_look_up
from transship.transfers.choosing import look_up
from transship.transfers.looking import Looking

Catalogues = Mapping[str, Catalogue]


def exact(plan: Plan, copies: Iterable[Wanted]) -> Plan:
    """Return the plan that copies these things by name, on the terms of `plan`."""
    made = replace(plan, kind=Kind.COPY, rules=(), copies=tuple(copies), schedule=None, delete=None)
    return made.without_idle_limits()


async def copies_of(
    pushed: Iterable[Reference], plan: Plan, looking: Looking, known: Catalogues
) -> list[Wanted]:
    """Return the copies that a plan asks for of some tags at its sources.

    `known` is what stood at the sources when all of it was listed last. Only the repositories of
    the tags are listed again; the others are believed, so that the rules say of a tag what they
    say when all is looked at. A tag that they leave out has no copy, and neither has one that they
    copy back: only when all is looked at is it told whether both sides differ.
    """
    tags = dict.fromkeys(pushed)
    found = [named for tag in tags for wanted in plan.copies if (named := _named(wanted, tag))]
    if not plan.rules:
        return found
    catalogues = await _listed_again(tags, known, looking)
    now = looking.clock.now()
    selection = select(plan, catalogues, now)
    while needed := to_look_up(selection, catalogues):
        catalogues = await look_up(catalogues, needed, looking)
        selection = select(plan, catalogues, now)
    still = circling(plan, selection.lots)
    taken = (chosen.wanted for chosen in selection.chosen if chosen.wanted.source in tags)
    return found + [wanted for wanted in taken if wanted.target not in still]


def _named(wanted: Wanted, tag: Reference) -> Wanted | None:
    """Return what a copy that a plan names means for one tag, None when it means another one."""
    source = wanted.source
    if (source.registry, source.repository) != (tag.registry, tag.repository):
        return None
    if not source.version:
        return replace(wanted, source=tag, target=wanted.target.at(tag.tag))
    return wanted if source.tag == tag.tag and not source.digest else None


async def _listed_again(
    tags: Iterable[Reference], known: Catalogues, looking: Looking
) -> dict[str, Catalogue]:
    """Return what is known of the sources, with the repositories of `tags` as they are now."""
    pushed: dict[Reference, set[str]] = {}
    for tag in tags:
        pushed.setdefault(Reference(tag.registry, tag.repository), set()).add(tag.tag)
    fresh: dict[str, dict[str, tuple[str, ...]]] = {}
    for repository, named in pushed.items():
        try:
            listed = await looking.source_tags(repository)
        except errors.RepositoryNotFound:
            listed = frozenset()
        # A list may lag behind the push.
        of_place = fresh.setdefault(repository.registry, {})
        of_place[repository.repository] = tuple(sorted(listed | named))
    found = dict(known)
    for registry, repositories in fresh.items():
        before = known.get(registry, Catalogue(registry, {}))
        found[registry] = Catalogue(
            registry,
            {**before.tags, **repositories},
            {key: facts for key, facts in before.facts.items() if key[0] not in repositories},
            {name: why for name, why in before.problems.items() if name not in repositories},
        )
    return found
