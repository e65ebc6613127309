"""Finds what stands at the targets of a replication and at no source. Only looks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial

from transship import errors
from transship.concurrency import each, each_of
from transship.oci.reference import Reference
from transship.plans.plan import Deletion, Plan
from transship.plans.pruning import (
    ReplicaTarget,
    is_referrers_list,
    least_share,
    most_deletions,
    protector,
    reader,
    replicas,
)
from transship.plans.quantities import write_share
from transship.transfers.copies import Found
from transship.transfers.scanner import AT_ONCE, Scanner, SourceSelection


@dataclass(frozen=True, slots=True)
class PrunedShare:
    """How much of what one rule keeps at one target would be deleted, and how much may be."""

    target: Reference
    gone: int
    tags: int
    at_most: int


@dataclass(frozen=True, slots=True)
class RetainedTags:
    """A tag at a target that no source has, and that stays all the same, with the reason."""

    target: Reference
    why: str


@dataclass(frozen=True, slots=True)
class PrunedTags:
    """What would be deleted at the targets, and how much of each replica one run may delete.

    `kept` are tags that would go too, were they not protected or copied from. `share` is what the
    plan allows, 0 to 1.
    """

    found: tuple[Found, ...] = ()
    shares: tuple[PrunedShare, ...] = ()
    kept: tuple[RetainedTags, ...] = ()
    share: float = Deletion().at_most

    @property
    def too_much(self) -> tuple[PrunedShare, ...]:
        """Where it is more than the plan allows."""
        return tuple(share for share in self.shares if share.gone > share.at_most)

    @property
    def is_too_much(self) -> bool:
        """Whether it is more than the plan allows anywhere."""
        return bool(self.too_much)

    @property
    def needed(self) -> str:
        """What the plan would have to say of `at_most`, where it is more than it allows."""
        needed = (least_share(share.gone, share.tags) for share in self.too_much)
        return f'at_most = "{max(needed, default=100)}%"'

    @property
    def remedy(self) -> str:
        """What to do where it is more than the plan allows."""
        return (
            "Look at the list in `transship plan`. If it is right, write "
            f"{self.needed} below [delete] in the plan, and run the plan again."
        )

    def check(self) -> None:
        """Raise TooManyDeletions when it is more than the plan allows."""
        if self.is_too_much:
            raise errors.TooManyDeletions(
                "; ".join(map(self.words, self.too_much)), remedy=self.remedy
            )

    def words(self, share: PrunedShare) -> str:
        """Return how much would be deleted of one replica, how much may be, and why so much."""
        return (
            f"{share.target}: {share.gone:,} of {share.tags:,} tags; the plan allows "
            f"{share.at_most:,} ({write_share(self.share)} of {share.tags:,}, rounded down)"
        )


async def find_pruned(plan: Plan, choice: SourceSelection, looking: Scanner) -> PrunedTags:
    """Return the tags that the rules of a plan put at its targets, and that no source has any more.

    What the plan copies has been claimed, and something has. Where a part of the source couldn't be
    listed or looked at, nothing counts as vanished: a list that isn't whole proves nothing. What
    one of the rules copies from is a source, and stays, although another may have put it there.
    """
    deletion = plan.delete
    if deletion is None or not all(each.is_whole for each in choice.catalogues.values()):
        return PrunedTags()
    gone: dict[Reference, Found] = {}
    kept: dict[Reference, RetainedTags] = {}
    counted: list[tuple[ReplicaTarget, int, list[Reference]]] = []
    read_by = cache(partial(reader, plan))
    for replica in replicas(plan, choice.catalogues):
        tags, going = 0, []
        for source, target in await _tags_of(replica, looking):
            number = read_by(Reference(target.registry, target.repository))
            tags += number is None
            if looking.is_claimed(target) or is_referrers_list(target.tag):
                continue
            if number is not None:
                kept[target] = RetainedTags(target, f"rule {number + 1} copies from there")
            elif (pattern := protector(deletion, target)) is not None:
                kept[target] = RetainedTags(target, f"protected by {pattern}")
            else:
                going.append(target)
                gone.setdefault(target, _found(source, target))
        counted.append((replica, tags, going))
    look = partial(_look, looking=looking)
    for item in await each_of(tuple(gone.values()), look, at_once=AT_ONCE):
        gone[item.target] = item
        if item.target_digest is None:
            kept[item.target] = RetainedTags(item.target, "listed there, and leads nowhere")
            del gone[item.target]
    return PrunedTags(
        tuple(gone.values()),
        tuple(
            PrunedShare(
                replica.target,
                sum(target in gone for target in going),
                tags,
                most_deletions(deletion, tags),
            )
            for replica, tags, going in counted
        ),
        tuple(kept.values()),
        deletion.at_most,
    )


async def _look(found: Found, looking: Scanner) -> Found:
    place = looking.places[found.target.registry]
    async with looking.slot:
        head = await place.head_manifest(found.target.repository, found.target.tag)
    digest = head.digest if head else None
    return replace(found, target_digest=digest, seen_at=looking.clock.now())


async def _tags_of(replica: ReplicaTarget, looking: Scanner) -> list[tuple[Reference, Reference]]:
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


def _found(source: Reference, target: Reference) -> Found:
    return Found(source, target, None, None, note="not at the source", vanished=True)
