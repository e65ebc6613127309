"""Which tags at the sources of a plan an event is about. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from transship.oci.reference import Reference
from transship.plans.outline import scope
from transship.plans.plan import Plan
from transship.plans.selection import takes_repository
from transship.webhooks.docker_hub import HOST as DOCKER_HUB
from transship.webhooks.event import Action, Event


def pushed(events: Iterable[Event], plan: Plan) -> tuple[Reference, ...]:
    """Return the tags that were pushed to a repository that the plan takes, each once.

    A registry behind a proxy, or with several names, may call itself something that the plan
    doesn't. Where no source has the name, each source that takes the repository is meant: asking
    it is all that follows.
    """
    found: dict[Reference, None] = {}
    for event in events:
        if event.action is Action.PUSH:
            for registry in _registries(event, plan):
                if _takes(plan, registry, event.repository, event.tag):
                    found[Reference(registry, event.repository, event.tag)] = None
    return tuple(found)


def is_deletion(events: Iterable[Event], plan: Plan) -> bool:
    """Tell whether something was deleted in a place that the plan looks at."""
    return any(
        any(_looks_at(plan, registry, event.repository) for registry in _registries(event, plan))
        for event in events
        if event.action is Action.DELETE
    )


def _registries(event: Event, plan: Plan) -> tuple[str, ...]:
    sources = tuple(source.registry for source in plan.sources if source.layout is None)
    if event.host in sources:
        return (event.host,)
    if event.host == DOCKER_HUB:
        return ()
    return tuple(source for source in sources if source != DOCKER_HUB)


def _takes(plan: Plan, registry: str, repository: str, tag: str) -> bool:
    for copy in plan.copies:
        source = copy.source
        same = (source.registry, source.repository) == (registry, repository)
        if same and (source.tag == tag or not source.version):
            return True
    return any(
        rule.source.registry == registry and takes_repository(rule, repository)
        for rule in plan.rules
    )


def _looks_at(plan: Plan, registry: str, repository: str) -> bool:
    if any(
        (copy.source.registry, copy.source.repository) == (registry, repository)
        for copy in plan.copies
    ):
        return True
    return any(
        rule.source.registry == registry and scope(rule, repository) is not None
        for rule in plan.rules
    )
