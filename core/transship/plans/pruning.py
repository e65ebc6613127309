"""What a replication may delete: what its rules put at a target, and no source has. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from transship.errors import BadMapping
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue
from transship.plans.mapping import NameMap, NameOrigin, named_at, parse_map
from transship.plans.outline import scope
from transship.plans.patterns import parse_pattern
from transship.plans.plan import Deletion, Plan, Rule
from transship.plans.selection import takes_repository

_REFERRERS_LIST = re.compile(r"sha(256|512)-[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class ReplicaTarget:
    """What one rule keeps in step at one of its targets.

    `known` are the repositories at the target that what stands at the source now is copied to, with
    the source of each (whole names).
    """

    rule: Rule
    target: Reference
    names: NameMap
    known: Mapping[str, str]

    def source_of(self, repository: str) -> str | None:
        """Return the repository at the source that one at the target is a copy of.

        None when the rule can't have put it there, or when that can't be told: a mapping that
        leaves something of a name out can't be followed backwards.
        """
        if repository in self.known:
            return self.known[repository]
        below = _below(self.target.repository, repository)
        origin = None if below is None else _backwards(self.names, below)
        if origin is None:
            return None
        source = "/".join(part for part in (self.rule.source.repository, origin) if part)
        return source if source and takes_repository(self.rule, source) else None


def replicas(plan: Plan, catalogues: Mapping[str, Catalogue]) -> tuple[ReplicaTarget, ...]:
    """Return what the rules of a plan keep in step, rule by rule and target by target.

    A rule that gives tags other names is left out: what it has made can't be told from the rest.
    """
    found: list[ReplicaTarget] = []
    for rule in plan.rules:
        names = parse_map(rule.map)
        if names.tag or names.by_tag:
            continue
        catalogue = catalogues[rule.source.registry]
        found += [
            ReplicaTarget(rule, target, names, _known(rule, target, names, catalogue))
            for target in dict.fromkeys(rule.targets)
        ]
    return tuple(found)


def origins(plan: Plan, tag: Reference) -> tuple[Reference, ...]:
    """Return what the rules may have made a tag at a target a copy of, as far as names tell."""
    found: dict[Reference, None] = {}
    for rule in plan.rules:
        names = parse_map(rule.map)
        if names.tag or names.by_tag:
            continue
        for target in rule.targets:
            source = ReplicaTarget(rule, target, names, {}).source_of(tag.repository)
            if target.registry == tag.registry and source is not None:
                found[Reference(rule.source.registry, source, tag.tag)] = None
    return tuple(found)


def is_below(target: Reference, repository: str) -> bool:
    """Tell whether a repository is the path of a target, or below it."""
    return _below(target.repository, repository) is not None


def reader(plan: Plan, repository: Reference) -> int | None:
    """Return the number (from 0) of the first rule that copies from a repository, or None.

    What a plan copies from is a source, whatever else it is: nothing of it is ever deleted by the
    same plan.
    """
    numbers = (
        number
        for number, rule in enumerate(plan.rules)
        if rule.source.registry == repository.registry
        and takes_repository(rule, repository.repository)
    )
    return next(numbers, None)


def is_referrers_list(tag: str) -> bool:
    """Tell whether a tag is a list of referrers (OCI distribution spec, "Referrers Tag Schema").

    Those are kept by who writes to a target, so they may be there although the source has none.
    """
    return bool(_REFERRERS_LIST.fullmatch(tag))


def protector(deletion: Deletion, tag: Reference) -> str | None:
    """Return the first pattern that protects a tag at a target; None when none does."""
    return next((pattern for pattern in deletion.protect if _protects(pattern, tag)), None)


def most_deletions(deletion: Deletion, tags_at_target: int) -> int:
    """Return how many of the tags of one replica one run may delete."""
    return floor(Fraction(str(deletion.at_most)) * tags_at_target)


def least_share(gone: int, tags_at_target: int) -> int:
    """Return the least whole share, in percent, with which so many of the tags may be deleted."""
    return ceil(Fraction(100 * gone, tags_at_target))


def _known(rule: Rule, target: Reference, names: NameMap, catalogue: Catalogue) -> dict[str, str]:
    known: dict[str, str] = {}
    for repository in catalogue.tags:
        below = scope(rule, repository)
        if below is None or not takes_repository(rule, repository):
            continue
        origin = NameOrigin(rule.source.registry, repository, below)
        try:
            known[named_at(target, names.repository(origin))] = repository
        except BadMapping:
            continue  # Nothing can have come there from it.
    return known


def _below(path: str, repository: str) -> str | None:
    if not path:
        return repository
    if repository == path:
        return ""
    return repository.removeprefix(f"{path}/") if repository.startswith(f"{path}/") else None


def _backwards(names: NameMap, below: str) -> str | None:
    """Return the name below the source's path that was given this one, where that can be told."""
    before, field, after = names.path.partition("{repository}")
    if names.strip or names.joiner or not field or "{" in before + after:
        return None
    if not (below.startswith(before) and below.endswith(after)):
        return None
    return below[len(before) : len(below) - len(after)]


def _protects(pattern: str, tag: Reference) -> bool:
    repository, _, version = pattern.partition(":")
    in_repository = bool(parse_pattern(repository).matches(tag.repository))
    return in_repository and bool(parse_pattern(version or "*").matches(tag.tag))
