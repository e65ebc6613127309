"""How far a target is from what a plan would make of it: tag by tag, by digest. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from transship.errors import BadMapping, BadRequest
from transship.names import natural_key
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue, TagFacts
from transship.plans.mapping import NameOrigin, named_at, parse_map
from transship.plans.outline import scope
from transship.plans.plan import Kind, Plan, Rule, Wanted
from transship.plans.selection import Selection, may_take_below, select_tags, takes_repository
from transship.plans.tag_filter import is_referrer_tag

_NOTHING_KNOWN = TagFacts()


class DriftState(StrEnum):
    """How a tag at the target compares with what the plan would put there."""

    SAME = "same"
    DIFFERS = "differs"
    MISSING = "missing at target"
    EXTRA = "only at target"
    """It stands where the plan writes, and the plan wouldn't write it."""
    UNKNOWN = "not compared"
    """The row says why."""


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One tag at a target. `wanted` is the copy that would put it there, None for an extra one."""

    state: DriftState
    target: Reference
    wanted: Wanted | None = None
    source_digest: Digest | None = None
    target_digest: Digest | None = None
    why: str = ""


@dataclass(frozen=True)
class Drift:
    """All rows, by the target's registry, repository and tag, names in natural order."""

    rows: tuple[DriftRow, ...]

    @cached_property
    def counts(self) -> Mapping[DriftState, int]:
        """How many rows are in each state."""
        counted = Counter(row.state for row in self.rows)
        return {state: counted[state] for state in DriftState}


def compare(
    plan: Plan, sources: Mapping[str, Catalogue], targets: Mapping[str, Catalogue], now: float
) -> Drift:
    """Return how the targets of a plan compare with what its rules select now.

    Catalogues go by registry, with the digests that are known as facts. What stands at a target is
    looked at below the paths that the rules write to. Tags that are about an image are left out of
    a sync, where they go with the image.
    """
    selection = select_tags(plan, sources, now)
    rows = [_compared(chosen.wanted, sources, targets) for chosen in selection.chosen]
    written = {(row.target.registry, row.target.repository, row.target.tag) for row in rows}
    rows += [
        row
        for row in _others(plan, sources, targets, selection)
        if (row.target.registry, row.target.repository, row.target.tag) not in written
    ]
    return Drift(tuple(sorted(rows, key=_order)))


def plan_of(plan: Plan, rows: Iterable[DriftRow]) -> Plan:
    """Return a plan that copies the marked `rows`, on the terms of `plan`.

    Rows without a source have nothing to copy. Raises BadRequest when no row has one.
    """
    copies = tuple(dict.fromkeys(row.wanted for row in rows if row.wanted is not None))
    if not copies:
        raise BadRequest("none of the marked rows has a source to copy from")
    return replace(plan, kind=Kind.COPY, copies=copies, rules=(), schedule=None, delete=None)


def _order(row: DriftRow) -> tuple[str, str, str, str]:
    target = row.target
    return (
        target.registry,
        natural_key(target.repository),
        natural_key(target.tag),
        target.digest or "",
    )


def _compared(
    wanted: Wanted, sources: Mapping[str, Catalogue], targets: Mapping[str, Catalogue]
) -> DriftRow:
    source, target = wanted.source, wanted.target
    here = source.digest or _facts(sources, source).digest
    there = _facts(targets, target).digest

    def row(state: DriftState, why: str = "") -> DriftRow:
        return DriftRow(state, target, wanted, here, there, why)

    catalogue = targets.get(target.registry)
    if catalogue is None:
        return row(DriftState.UNKNOWN, "the target isn't listed")
    if target.repository in catalogue.problems:
        return row(DriftState.UNKNOWN, catalogue.problems[target.repository].title)
    tags = catalogue.tags.get(target.repository, ())
    if target.digest is not None:
        known = (catalogue.facts.get((target.repository, tag), _NOTHING_KNOWN) for tag in tags)
        if any(facts.digest == target.digest for facts in known):
            return row(DriftState.SAME)
        return row(DriftState.UNKNOWN, "lists name tags, not digests")
    if there is None and target.tag not in tags:
        return row(DriftState.MISSING)
    if here is None or there is None:
        return row(DriftState.UNKNOWN, "its digest isn't known")
    if here == there:
        return row(DriftState.SAME)
    if wanted.terms is not None and wanted.terms.platforms:
        return row(DriftState.UNKNOWN, "copied for some platforms only, which changes its digest")
    return row(DriftState.DIFFERS)


def _facts(catalogues: Mapping[str, Catalogue], reference: Reference) -> TagFacts:
    catalogue = catalogues.get(reference.registry)
    if catalogue is None:
        return _NOTHING_KNOWN
    return catalogue.facts.get((reference.repository, reference.tag), _NOTHING_KNOWN)


def _others(
    plan: Plan,
    sources: Mapping[str, Catalogue],
    targets: Mapping[str, Catalogue],
    selection: Selection,
) -> Iterator[DriftRow]:
    """Give a row for each tag below the plan's targets, whether the plan writes it or not."""
    uncertain = _uncertain(plan, sources, selection)
    for registry, catalogue in targets.items():
        for repository, tags in catalogue.tags.items():
            place = Reference(registry, repository)
            if not _is_written_to(plan, place) or _is_source(plan, place):
                continue
            unsure = any(_is_below(place, each) for each in uncertain)
            for tag in tags:
                if not plan.is_replication and is_referrer_tag(tag):
                    continue
                digest = catalogue.facts.get((repository, tag), _NOTHING_KNOWN).digest
                state = DriftState.UNKNOWN if unsure else DriftState.EXTRA
                why = "what the source has for it isn't known" if unsure else ""
                yield DriftRow(state, place.at(tag), target_digest=digest, why=why)


def _is_below(place: Reference, path: Reference) -> bool:
    if place.registry != path.registry:
        return False
    return not path.repository or f"{place.repository}/".startswith(f"{path.repository}/")


def _is_written_to(plan: Plan, place: Reference) -> bool:
    return any(_is_below(place, target) for rule in plan.rules for target in rule.targets)


def _is_source(plan: Plan, place: Reference) -> bool:
    return any(
        rule.source.registry == place.registry and takes_repository(rule, place.repository)
        for rule in plan.rules
    )


def _uncertain(
    plan: Plan, sources: Mapping[str, Catalogue], selection: Selection
) -> set[Reference]:
    """Return the places at targets for which the source can't be told in full.

    A tag there may well have its source: it must not be taken for one that has vanished.
    """
    open_still = {(each.registry, each.repository) for each in selection.needed}
    open_still |= {(d.source.registry, d.source.repository) for d in selection.impossible}
    found: set[Reference] = set()
    for rule in plan.rules:
        catalogue = sources.get(rule.source.registry)
        if catalogue is None:
            found.update(rule.targets)
            continue
        names = [name for registry, name in open_still if registry == rule.source.registry]
        for name in (*names, *catalogue.uncertain):
            if takes_repository(rule, name) or may_take_below(rule, name):
                found.update(_sent_to(rule, name))
    return found


def _sent_to(rule: Rule, repository: str) -> Iterator[Reference]:
    """Give where a rule sends a repository: as near as can be told without its tags."""
    names = parse_map(rule.map)
    origin = NameOrigin(rule.source.registry, repository, scope(rule, repository) or "")
    for target in rule.targets:
        try:
            yield Reference(target.registry, named_at(target, names.repository(origin)))
        except BadMapping:
            yield target
