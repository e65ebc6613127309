"""What a plan and the accounts tell of the two ends of a move, for the advice. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from transship.accounts.registry_file import Account
from transship.oci.reference import Reference
from transship.plans.advice import End, Ends, Pace
from transship.plans.plan import Kind, Plan, Rule
from transship.registry.service import service_of
from transship_tui.naming import Naming


def ends_of(plan: Plan, accounts: Iterable[Account]) -> Ends:
    """Return what is known of the first source and the first target of a plan.

    Both are called as the operator calls them.
    """
    known = tuple(accounts)
    return Ends(
        _end(plan.sources[0], known),
        _end(plan.targets[0], known),
        whole=_whole(plan),
        pace=Pace.SOMETIMES if plan.schedule or plan.kind is Kind.REPLICATION else None,
        tags_vanish=True if plan.delete else None,
    )


def _end(place: Reference, accounts: Sequence[Account]) -> End:
    if place.layout is not None:
        return End(place.registry)
    services = {account.host: account.service for account in accounts}
    service = services.get(place.registry) or service_of(place.registry).kind
    return End(Naming(accounts).place(place.registry), service)


def _whole(plan: Plan) -> bool | None:
    """Tell whether everything at the source is wanted; None where the plan doesn't say."""
    if plan.kind is Kind.REPLICATION:
        return True
    return False if plan.copies or any(map(_selects, plan.rules)) else None


def _selects(rule: Rule) -> bool:
    """Tell whether a rule leaves something out of what stands below its source."""
    plain = Rule(rule.source, rule.targets)
    return (rule.repositories, rule.tags, rule.platforms, rule.artifacts) != (
        plain.repositories, plain.tags, plain.platforms, plain.artifacts,
    )  # fmt: skip
