"""Rules that copy back what others have copied, so that tags would swap for ever. Pure.

Rules may be a chain: what one writes, another reads. Where they are a circle, each run would
overwrite at one place what the run before has copied from there, and none would ever be done. So
nothing is overwritten in a circle; what isn't there yet is copied all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from transship.oci.reference import Reference
from transship.plans.mapping import keeps_names
from transship.plans.plan import OnConflict, Plan, Rule

if TYPE_CHECKING:
    from transship.plans.selection import SelectedLot

N = TypeVar("N", bound=Hashable)


def loop_of_rules(plan: Plan) -> tuple[int, ...]:
    """Return the numbers (from 0) of rules that are certain to swap tags; empty where none are.

    Certain is what the places tell by themselves: each rule writes to where the next one reads
    from, all take the same by name, and names and tags stay as they are. A rule that writes to
    where it reads from itself swaps nothing.
    """
    if plan.on_conflict is not OnConflict.OVERWRITE:
        return ()
    alike: dict[object, dict[Reference, dict[Reference, int]]] = {}
    for number, rule in enumerate(plan.rules):
        if _is_plain(rule):
            taken = frozenset(rule.repositories), rule.tags, rule.artifacts
            ways = alike.setdefault(taken, defaultdict(dict))
            for target in rule.targets:
                ways[rule.source].setdefault(target, number)
    for ways in alike.values():
        for source, targets in ways.items():
            for target, number in targets.items():
                back = _way(ways, target, source)
                if len(back) > 1:
                    return number, *(ways[a][b] for a, b in pairwise(back))
    return ()


def find_loops(plan: Plan, lots: Iterable[SelectedLot]) -> frozenset[Reference]:
    """Return the tags at targets of `lots` that must not move: they are copied on, and back.

    None where the plan overwrites nothing. A tag that is immutable for its rule never moves
    anyhow, so it closes no circle.
    """
    if plan.on_conflict is not OnConflict.OVERWRITE:
        return frozenset()
    lots = tuple(lots)
    ways: dict[Reference, set[Reference]] = defaultdict(set)
    for lot in lots:
        ways[lot.source].add(lot.target)
    tags: dict[Reference, set[Reference]] = defaultdict(set)
    # Repositories first: hardly any plan has a circle, and tags are very many.
    for lot in (lot for lot in lots if _way(ways, lot.target, lot.source)):
        for wanted in lot:
            if wanted.target.tag and not (wanted.terms and wanted.terms.immutable):
                tags[wanted.source].add(wanted.target)
    return frozenset(
        target
        for source, targets in tags.items()
        for target in targets
        if _way(tags, target, source)
    )


def _is_plain(rule: Rule) -> bool:
    tags = rule.tags
    by_time = tags.newest is not None or tags.since is not None
    return keeps_names(rule.map) and not (rule.immutable or by_time or tags.digests)


def _way(ways: Mapping[N, Collection[N]], begin: N, end: N) -> tuple[N, ...]:
    """Return a shortest way from one place to another, both included; empty where none leads."""
    came: dict[N, N] = {begin: begin}
    at = [begin]
    while at and end not in came:
        after = {to: place for place in at for to in ways.get(place, ()) if to not in came}
        came |= after
        at = list(after)
    if end not in came:
        return ()
    way = [end]
    while way[-1] != begin:
        way.append(came[way[-1]])
    return tuple(reversed(way))
