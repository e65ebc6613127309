"""Finds what stands at the targets of a replication and is gone at the source. Only looks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from transship import errors
from transship.oci.reference import Reference
from transship.plans.plan import Plan
from transship.plans.vanished import expected, is_below, kept_whole, may_go, most_deletions
from transship.transfers.choosing import Choice
from transship.transfers.gather import each
from transship.transfers.looking import Looking, target_head
from transship.transfers.work import Found


@dataclass(frozen=True, slots=True)
class Vanished:
    """What would be deleted at the targets, and how much of it one run may delete.

    `at_targets` counts the tags at the targets that the plan sees to.
    """

    found: tuple[Found, ...] = ()
    at_targets: int = 0
    at_most: int = 0

    @property
    def is_too_much(self) -> bool:
        """Whether it is more than the plan allows."""
        return len(self.found) > self.at_most

    def check(self) -> None:
        """Raise TooManyDeletions when it is more than the plan allows."""
        if self.is_too_much:
            raise errors.TooManyDeletions(
                f"{len(self.found):,} of {self.at_targets:,} tags; the plan allows {self.at_most:,}"
            )


async def vanished(
    plan: Plan, choice: Choice, found: Iterable[Found], looking: Looking
) -> Vanished:
    """Return the tags below the targets of a plan that nothing at the source gives any more.

    `found` is everything that the plan copies. Where a part of the source couldn't be listed
    nothing counts as vanished: a list that isn't whole proves nothing.
    """
    deletion = plan.delete
    if deletion is None or any(catalogue.problems for catalogue in choice.catalogues.values()):
        return Vanished()
    there = await _tags_at_targets(plan, found, looking)
    kept = kept_whole(plan, choice.catalogues)
    gone = [
        tag
        for tag in sorted(there - expected(item.target for item in found), key=str)
        if Reference(tag.registry, tag.repository) not in kept and may_go(deletion, tag)
    ]
    looked_at = await each(_look(tag, looking) for tag in gone)
    return Vanished(
        found=tuple(item for item in looked_at if item.target_digest),
        at_targets=len(there),
        at_most=most_deletions(deletion, len(there)),
    )


async def _tags_at_targets(
    plan: Plan, found: Iterable[Found], looking: Looking
) -> frozenset[Reference]:
    written = {(item.target.registry, item.target.repository) for item in found}
    repositories = set(written)
    for place in plan.targets:
        wanted = [t for rule in plan.rules for t in rule.targets if t.registry == place.registry]
        async for name in _repositories(place, looking):
            if any(is_below(target, name) for target in wanted):
                repositories.add((place.registry, name))

    async def tags(registry: str, name: str) -> list[Reference]:
        where = Reference(registry, name)
        return [where.at(tag) for tag in await looking.target_tags(where)]

    lists = await each(tags(*repository) for repository in sorted(repositories))
    return frozenset(tag for some in lists for tag in some)


async def _repositories(place: Reference, looking: Looking) -> AsyncIterator[str]:
    """Give the repositories of a target; none where it doesn't list them."""
    try:
        async for name in looking.places[place.registry].repositories():
            yield name
    except errors.CatalogClosed:
        return


async def _look(tag: Reference, looking: Looking) -> Found:
    async with looking.slot:
        head = await target_head(looking.places[tag.registry], tag)
    return Found(
        source=tag,
        target=tag,
        digest=None,
        target_digest=head.digest if head else None,
        note="gone at the source",
        seen_at=looking.clock.now(),
        vanished=True,
    )
