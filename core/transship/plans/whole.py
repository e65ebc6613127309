"""Whether a plan wants everything that is at its source. Pure."""

from __future__ import annotations

from dataclasses import replace

from transship.plans.plan import Kind, Plan
from transship.plans.rule import Rule

_EVERY_TAG = ("*",)


def wants_all(plan: Plan) -> bool | None:
    """Tell whether everything at the source is wanted; None where the plan doesn't say."""
    if plan.kind is Kind.REPLICATION:
        return True
    return False if plan.copies or any(map(selects, plan.rules)) else None


def selects(rule: Rule) -> bool:
    """Tell whether a rule leaves something out of what stands below its source."""
    plain = Rule(rule.source, rule.targets)
    tags = replace(rule.tags, include=()) if rule.tags.include == _EVERY_TAG else rule.tags
    return (rule.repositories, tags, rule.platforms, rule.artifacts) != (
        plain.repositories, plain.tags, plain.platforms, plain.artifacts,
    )  # fmt: skip
