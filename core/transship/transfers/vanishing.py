"""Finds what stands at the targets of a replication and at no source. Only looks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from transship import errors
from transship.oci.reference import Reference
from transship.plans.plan import Plan
from transship.plans.policy import Deletion
from transship.plans.vanished import Replica, may_go, most_deletions, replicas
from transship.transfers.choosing import Choice
from transship.transfers.gather import each, each_of
from transship.transfers.looking import AT_ONCE, Looking
from transship.transfers.work import Found


@dataclass(frozen=True, slots=True)
class Share:
    """How much of what one rule keeps at one target would be deleted, and how much may be."""

    target: Reference
    gone: int
    tags: int
    at_most: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """What would be deleted at the targets, and how much of each replica one run may delete."""

    found: tuple[Found, ...] = ()
    shares: tuple[Share, ...] = ()

    @property
    def too_much(self) -> tuple[Share, ...]:
        """Where it is more than the plan allows."""
        return tuple(share for share in self.shares if share.gone > share.at_most)

    @property
    def is_too_much(self) -> bool:
        """Whether it is more than the plan allows anywhere."""
        return bool(self.too_much)

    def check(self) -> None:
        """Raise TooManyDeletions when it is more than the plan allows."""
        if self.is_too_much:
            raise errors.TooManyDeletions(
                "; ".join(
                    f"{share.target}: {share.gone:,} of {share.tags:,} tags; "
                    f"the plan allows {share.at_most:,}"
                    for share in self.too_much
                )
            )


async def vanished(plan: Plan, choice: Choice, looking: Looking) -> Vanished:
    """Return the tags that the rules of a plan put at its targets, and that no source has any more.

    What the plan copies has been claimed, and something has. Where a part of the source couldn't be
    listed, nothing counts as vanished: a list that isn't whole proves nothing.
    """
    deletion = plan.delete
    incomplete = any(catalogue.problems for catalogue in choice.catalogues.values())
    if deletion is None or incomplete:
        return Vanished()
    gone: dict[Reference, Found] = {}
    shares: list[Share] = []
    for replica in replicas(plan, choice.catalogues):
        tags = await _tags_of(replica, looking)
        missing = [
            pair for pair in tags if not looking.is_claimed(pair[1]) and may_go(deletion, pair[1])
        ]
        gone |= {target: _found(source, target) for source, target in missing}
        shares.append(_share(deletion, replica, len(missing), len(tags)))
    look = partial(_look, looking=looking)
    looked_at = await each_of(gone.values(), look, at_once=AT_ONCE)
    return Vanished(tuple(item for item in looked_at if item.target_digest), tuple(shares))


async def _look(found: Found, looking: Looking) -> Found:
    place = looking.places[found.target.registry]
    async with looking.slot:
        head = await place.head_manifest(found.target.repository, found.target.tag)
    digest = head.digest if head else None
    return replace(found, target_digest=digest, seen_at=looking.clock.now())


async def _tags_of(replica: Replica, looking: Looking) -> list[tuple[Reference, Reference]]:
    """Return the tags at a target that a rule put there, each with what it was a copy of."""
    place = looking.places[replica.target.registry]
    sources = dict(replica.known)
    try:
        async for name in place.repositories():
            source = replica.source_of(name)
            if source is not None:
                sources[name] = source
    except errors.CatalogClosed:
        pass  # Then only repositories that stand at the source are known here.

    async def tags(pair: tuple[str, str]) -> list[tuple[Reference, Reference]]:
        name, source = pair
        target = Reference(replica.target.registry, name)
        origin = Reference(replica.rule.source.registry, source)
        there = await looking.target_tags(target)
        return [(origin.at(tag), target.at(tag)) for tag in sorted(there)]

    lists = await each(tags(pair) for pair in sorted(sources.items()))
    return [pair for pairs in lists for pair in pairs]


def _share(deletion: Deletion, replica: Replica, gone: int, tags: int) -> Share:
    return Share(replica.target, gone, tags, most_deletions(deletion, tags))


def _found(source: Reference, target: Reference) -> Found:
    return Found(source, target, None, None, note="not at the source", vanished=True)
