"""What a plan asks for and can't have, each with the reason."""

from __future__ import annotations

from transship import errors
from transship.errors import TransshipError
from transship.oci.reference import Reference
from transship.plans.plan import Plan
from transship.plans.selection import Dropped, targets_of
from transship.transfers.choosing import Choice
from transship.transfers.looking import Looking
from transship.transfers.work import Found


def unreachable(plan: Plan, choice: Choice, looking: Looking) -> list[Found]:
    """Return what the rules ask for and can't have, each with the reason."""
    found = [
        _blocked(plan, dropped, errors.BadRequest(f"{dropped.source}: {dropped.why}"))
        for dropped in choice.selection.impossible
    ]
    for dropped in choice.selection.missing:
        problem = errors.ManifestNotFound(f"{dropped.source} {dropped.why}")
        targets = targets_of(plan.rules[dropped.rule or 0], dropped.source)
        found += [Found(dropped.source, each, None, None, problem=problem) for each in targets]
    found += [
        _blocked(plan, dropped, unread)
        for dropped in choice.selection.dropped
        if (unread := _problem_of(dropped, choice)) is not None
    ]
    for catalogue in choice.catalogues.values():
        for repository, why in catalogue.problems.items():
            source = Reference(catalogue.place, repository)
            found.append(_blocked(plan, Dropped(source, ""), why))
    for item in found:
        looking.claim(item.target)
    return found


def _problem_of(dropped: Dropped, choice: Choice) -> TransshipError | None:
    """Return why it can't be told whether a rule would take what is dropped."""
    source = dropped.source
    facts = choice.catalogues[source.registry].facts.get((source.repository, source.tag))
    return facts.problem if facts else None


def _blocked(plan: Plan, dropped: Dropped, problem: TransshipError) -> Found:
    target = targets_of(plan.rules[dropped.rule or 0], dropped.source)[0]
    return Found(dropped.source, target, None, None, problem=problem)


def nothing_found(plan: Plan) -> TransshipError:
    """Return the error that a plan comes to which finds nothing to do."""
    if plan.rules:
        sources = ", ".join(str(rule.source) for rule in plan.rules[:3])
        return errors.NothingSelected(f"no rule takes anything at {sources}")
    sources = ", ".join(str(wanted.source) for wanted in plan.copies[:3])
    return errors.ManifestNotFound(f"{sources}: there are no tags")
