"""Parts of a plan: what goes on without some registries, and what needs them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue
from transship.plans.encode import document_text, encode
from transship.plans.plan import Plan
from transship.plans.rule import Rule
from transship.plans.vanished import is_below, replicas
from transship.transfers.work import Copy


def without(plan: Plan, registries: Collection[str]) -> Plan:
    """Return the part of a plan that takes none of these registries. It may be empty."""
    if not registries:
        return plan
    return _part(plan, lambda source, target: not {source, target} & set(registries))


def only(plan: Plan, registries: Collection[str]) -> Plan:
    """Return the part of a plan that takes any of these registries. It may be empty."""
    return _part(plan, lambda source, target: bool({source, target} & set(registries)))


def rest(plan: Plan, part: Plan) -> Plan:
    """Return what of a plan isn't in a part of it."""
    there = {(replace(rule, targets=()), t) for rule in part.rules for t in rule.targets}
    rules = (
        replace(rule, targets=tuple(t for t in rule.targets if (bare, t) not in there))
        for rule in plan.rules
        for bare in (replace(rule, targets=()),)
    )
    kept = set(part.copies)
    copies = tuple(copy for copy in plan.copies if copy not in kept)
    return replace(plan, rules=tuple(rule for rule in rules if rule.targets), copies=copies)


def may_be_meant(plan: Plan, catalogues: Mapping[str, Catalogue]) -> Callable[[Copy], bool]:
    """Return what tells of a copy whether this plan may want something else at its target.

    `catalogues` is what was known of its sources last; where nothing is, it may be anything that
    the target has already.
    """
    known = [rule for rule in plan.rules if rule.source.registry in catalogues]
    told = replicas(replace(plan, rules=tuple(known)), catalogues)
    open_ended = [rule for rule in plan.rules if rule not in {replica.rule for replica in told}]
    named = {copy.target if copy.target.version else _whole(copy.target) for copy in plan.copies}

    def tell(copy: Copy) -> bool:
        target = copy.target
        if {target, _whole(target)} & named:
            return True
        if any(target.repository in r.known for r in told if _is_at(r.target, target)):
            return True
        return copy.previous is not None and any(
            _is_at(where, target) for rule in open_ended for where in rule.targets
        )

    return tell


def _is_at(where: Reference, target: Reference) -> bool:
    return where.registry == target.registry and is_below(where, target.repository)


def _whole(target: Reference) -> Reference:
    return Reference(target.registry, target.repository)


def is_empty(plan: Plan) -> bool:
    """Tell whether nothing is left of a plan."""
    return not (plan.rules or plan.copies)


def mark_of(plan: Plan) -> str:
    """Return what tells a plan from any other, whichever file says it."""
    return hashlib.sha256(document_text(encode(plan)).encode()).hexdigest()


def _part(plan: Plan, takes: Callable[[str, str], bool]) -> Plan:
    def target_taken(rule: Rule, target: Reference) -> bool:
        return takes(rule.source.registry, target.registry)

    rules = (
        replace(rule, targets=tuple(t for t in rule.targets if target_taken(rule, t)))
        for rule in plan.rules
    )
    copies = (c for c in plan.copies if takes(c.source.registry, c.target.registry))
    part = replace(plan, rules=tuple(rule for rule in rules if rule.targets), copies=tuple(copies))
    return part.without_idle_limits()
