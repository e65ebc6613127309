"""What a replication may delete at its targets: what nothing at the source gives any more. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import floor

from transship.errors import BadMapping
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue
from transship.plans.globs import parse_pattern
from transship.plans.naming import Origin, named_at, parse_map
from transship.plans.outline import scope
from transship.plans.plan import Plan
from transship.plans.policy import Deletion
from transship.plans.selection import takes_repository

_REFERRERS_LIST = re.compile(r"sha(256|512)-[0-9a-f]+")


def kept_whole(plan: Plan, catalogues: Mapping[str, Catalogue]) -> frozenset[Reference]:
    """Return the repositories at the targets in which nothing may be deleted.

    Those whose source stands there, but is left out by the rules: it hasn't vanished.
    """
    kept: set[Reference] = set()
    for rule in plan.rules:
        catalogue = catalogues[rule.source.registry]
        names = parse_map(rule.map)
        for repository in catalogue.tags:
            below = scope(rule, repository)
            if below is None or takes_repository(rule, repository):
                continue
            origin = Origin(rule.source.registry, repository, below)
            for target in rule.targets:
                try:
                    name = named_at(target, names.repository(origin))
                except BadMapping:
                    continue  # Nothing can have come there from it.
                kept.add(Reference(target.registry, name))
    return frozenset(kept)


def is_below(target: Reference, repository: str) -> bool:
    """Tell whether a repository is the target of a rule, or below its path."""
    path = target.repository
    return not path or repository == path or repository.startswith(f"{path}/")


def may_go(deletion: Deletion, tag: Reference) -> bool:
    """Tell whether a tag at a target that has vanished at the source may be deleted.

    Lists of referrers (OCI distribution spec, "Referrers Tag Schema") are kept by who writes to a
    target, so they may be there although the source has none.
    """
    if _REFERRERS_LIST.fullmatch(tag.tag):
        return False
    return not any(_protects(pattern, tag) for pattern in deletion.protect)


def most_deletions(deletion: Deletion, tags_at_target: int) -> int:
    """Return how many of the tags at the targets one run may delete."""
    return floor(deletion.at_most * tags_at_target)


def expected(found: Iterable[Reference]) -> frozenset[Reference]:
    """Return the tags among the targets of what was found."""
    return frozenset(target for target in found if target.tag)


def _protects(pattern: str, tag: Reference) -> bool:
    repository, _, version = pattern.partition(":")
    in_repository = bool(parse_pattern(repository).matches(tag.repository))
    return in_repository and bool(parse_pattern(version or "*").matches(tag.tag))
