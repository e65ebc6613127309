"""What replicas of one instance of TCR would be made or taken away. Pure: facts are handed in.

A replica stands in another region, on the same side of the border, holds all that its primary
holds, and is pulled from under the same domain with the same login. Nobody can push to it.

What stands in the way is in `ChangeSet.refusals`. The facts are the instance
(`services.tencent_cloud`), and what `regions.regions` and `Replicas.replicas` give.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from transship import errors
from transship.delegates.changes import Change, ChangeSet, Does, change_to
from transship.delegates.engine import Found
from transship.delegates.tencent.regions import Region
from transship.errors import TransshipError
from transship.plans.ends import side_of
from transship.services.tencent_cloud import EDITIONS, RUNNING, TcrInstance

REPLICA = "replication instance"

_SYNC = "Let TCR synchronise two instances by rules instead."
_DELETING = "Deleting"

WHAT_IT_IS = (
    "A replica is pulled from only, holds all that the instance holds, and has the same domain and "
    "the same logins. Rules and filters it has none."
)
TAKES_A_WHILE = (
    "It is made while the cloud works, and then filled: its creation and its synchronisation can "
    "be followed."
)
NETWORK = "In its region it is pulled from over the VPCs that are linked to it there."
BEFORE_THE_INSTANCE = "Replicas have to be deleted before the instance itself can be."


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica that is there. `status` is the API's own word."""

    id: str
    region: Region
    status: str = ""

    @property
    def is_leaving(self) -> bool:
        """Whether it is being deleted."""
        return self.status == _DELETING

    @property
    def found(self) -> Found:
        """What is read there."""
        return Found(settings_in(self.region), self.id, self.status)


def settings_in(region: Region) -> dict[str, Any]:
    """Return what a replica in a region is set to."""
    return {"ReplicationRegionName": region.name, "ReplicationRegionId": region.id}


def wish(
    primary: TcrInstance, names: Sequence[str], regions: Sequence[Region], there: Sequence[Replica]
) -> ChangeSet:
    """Return what would be made so that `primary` has a replica in each of the regions `names`.

    `regions` are all that TCR is in, `there` the replicas that there are. What is there stays.
    """
    engine = f"TCR instance {primary}"
    purpose = f"have {primary.public_domain} replicated to {', '.join(names)}"
    refusals = list(_of_primary(primary))
    changes: list[Change] = []
    for name in dict.fromkeys(names):
        found = next((each for each in there if each.region.name == name), None)
        region = found.region if found else next((r for r in regions if r.name == name), None)
        if found is None:
            refusals += _of_region(primary, name, region, regions)
        elif found.is_leaving:
            refusals.append(_leaving(found))
        if region is not None:
            changes.append(_creation(region, found))
    if not names:
        refusals.append(errors.BadRequest("no region is wished for"))
    if refusals:
        return ChangeSet(engine, purpose, refusals=tuple(refusals))
    return ChangeSet(engine, purpose, tuple(changes), tuple(_notes(primary, changes, there)))


def removal(primary: TcrInstance, names: Sequence[str], there: Sequence[Replica]) -> ChangeSet:
    """Return what would be taken away: the replicas in the regions `names`."""
    engine = f"TCR instance {primary}"
    purpose = f"take away the replicas in {', '.join(names)}"
    known = {each.region.name: each for each in there}
    refusals: list[TransshipError] = []
    changes: list[Change] = []
    for name in dict.fromkeys(names):
        found = known.get(name)
        if found is None:
            refusals.append(
                errors.CantBeDelegated(
                    f"{engine} has no replica in {name}", remedy="List them again."
                )
            )
        elif found.is_leaving:
            refusals.append(_leaving(found))
        else:
            changes.append(_deletion(found))
    return ChangeSet(
        engine, purpose, () if refusals else tuple(changes), (BEFORE_THE_INSTANCE,), tuple(refusals)
    )


def _of_primary(primary: TcrInstance) -> Iterator[TransshipError]:
    known = EDITIONS.get(primary.edition)
    if known is not None and not known.replicates:
        yield errors.CantBeDelegated(
            f"{primary} is of the {primary.edition} edition, and replicas take the premium one",
            remedy=f"Upgrade the instance. {_SYNC}"
            if known.syncs
            else "Upgrade the instance to premium; or to standard, and let TCR synchronise two "
            "instances by rules; or let Transship move it.",
        )
    if primary.status != RUNNING:
        yield errors.CantBeDelegated(
            f"{primary} isn't running, it is {primary.status or 'of no known status'}",
            remedy="Look at it in the console of TCR.",
        )


def _of_region(
    primary: TcrInstance, name: str, region: Region | None, regions: Sequence[Region]
) -> Iterator[TransshipError]:
    if name == primary.region:
        yield errors.BadRequest(f"{name} is where the instance itself is")
    elif region is None:
        known = ", ".join(each.name for each in regions)
        yield errors.BadRequest(f"TCR has no region {name}; it has {known or 'none'}")
    elif None not in (sides := (side_of(primary.region), side_of(name))) and len(set(sides)) == 2:
        yield errors.CantBeDelegated(
            f"{name} is across the border of mainland China from {primary.region}, and a replica "
            f"can't stand there",
            remedy=_SYNC,
        )


def _creation(region: Region, found: Replica | None) -> Change:
    before = found.found.settings if found is not None else None
    warns = (
        f"It costs money: a replica in {region.name}, and what it stores there, are charged until "
        f"it is deleted.",
    )
    return change_to(REPLICA, region.name, before, settings_in(region), warns=warns)


def _deletion(found: Replica) -> Change:
    name = found.region.name
    return change_to(REPLICA, name, found.found.settings, None, warns=losses_in(name))


def losses_in(region: str) -> tuple[str, ...]:
    """Return, in sentences, what to know before the replica in a region is taken away."""
    return (
        f"Who pulls in {region} from the replica finds nothing there any more.",
        "To have it again, all of it is copied again.",
    )


def _leaving(found: Replica) -> TransshipError:
    return errors.CantBeDelegated(
        f"the replica in {found.region.name} is being deleted",
        remedy="Wait until it is gone, then look again.",
    )


def _notes(
    primary: TcrInstance, changes: Sequence[Change], there: Sequence[Replica]
) -> Iterator[str]:
    made = [change.name for change in changes if change.does is Does.CREATE]
    for each in there:
        if each.region.name not in made and each.status != RUNNING:
            yield f"The replica in {each.region.name} isn't running, it is {each.status}."
    if not made:
        return
    yield WHAT_IT_IS
    yield TAKES_A_WHILE
    yield NETWORK
    if primary.edition not in EDITIONS:
        yield f"The edition of {primary}, {primary.edition}, isn't known here, and isn't checked."
    for name in (primary.region, *made):
        if side_of(name) is None:
            yield (
                f"It isn't known here on which side of the border of mainland China {name} is; TCR "
                f"refuses a replica across it."
            )
    yield BEFORE_THE_INSTANCE
