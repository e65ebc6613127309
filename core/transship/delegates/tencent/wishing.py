"""What would be made at TCR for a plan: the facts that rules and replicas are drawn from."""

from __future__ import annotations

from dataclasses import replace

from transship import errors
from transship.delegates.changes import ChangeSet
from transship.delegates.options import Options, name_of
from transship.delegates.reach import Reach, instance_of, service_at, tencent_at
from transship.delegates.tencent import quick, sync_rules
from transship.delegates.tencent import replicas as replicas_wishes
from transship.delegates.tencent.at_instance import AtInstance
from transship.delegates.tencent.network_access import Access, Public, explained
from transship.delegates.tencent.network_engine import Network
from transship.delegates.tencent.regions import Region, regions
from transship.delegates.tencent.replicating import Replicas
from transship.delegates.tencent.rules import Destination
from transship.delegates.tencent.synchronising import SyncRules
from transship.errors import TransshipError
from transship.plans.plan import Plan
from transship.services.tencent_cloud import TcrInstance, instance_at

_OTHER_OWNER = (
    "Where another account of the cloud owns it: say its UIN (--uin), and add its keys with the "
    "registry's account, or say the instance and its region (--instance, --region) too."
)


async def sync_wish(
    plan: Plan, source: str, target: str, reach: Reach, options: Options
) -> tuple[SyncRules, ChangeSet]:
    """Return the rules' engine, and what rules would be made for a plan.

    `source` and `target` are the hosts of the plan's registries. Raises NoInstance and the like.
    """
    at = await instance_of(reach, source)
    to = await _destination(at, target, reach, options)
    engine = SyncRules(at.cloud, at.instance)
    name = name_of(options, source, target)
    there = await engine.rules()
    deletion = options.terms is not None and options.terms.deletion
    return engine, sync_rules.of_plan(
        at.instance, to, name, plan, there, host=source, deletion=deletion
    )


async def replica_wish(
    source: str, target: str, reach: Reach, options: Options
) -> tuple[Replicas, ChangeSet]:
    """Return the replicas' engine, and what replica of the source would be made."""
    at = await instance_of(reach, source)
    region = options.region or await _region_of(at, target)
    engine = Replicas(at.cloud, at.instance)
    every = await regions(at.cloud, at=at.instance.region)
    there = await engine.replicas()
    return engine, replicas_wishes.wish(at.instance, [region], every, there)


async def quick_wish(
    source: str,
    target: str,
    reach: Reach,
    terms: quick.Terms,
    looked: quick.Looked | None = None,
) -> tuple[quick.Spaces, quick.Quick]:
    """Return what would be made and copied to move all of a personal account to an instance.

    `source` is a host of CCR, `target` a domain of the instance. Who gets through to the instance
    is among the notes. `looked` is told how far the listing is. Raises ApiKeysNeeded, NoInstance
    and the like.
    """
    at = await instance_of(reach, target)
    personal = await tencent_at(reach, source)
    found = await quick.wish(personal, source, at, replace(terms, target=target), looked)
    gets_in = explained(await Network(at, reach.clock).access())
    changes = replace(found.changes, notes=(*found.changes.notes, *gets_in))
    return quick.Spaces(at), replace(found, changes=changes)


async def gets_in(engine: str, host: str, reach: Reach) -> tuple[str, ...]:
    """Return in sentences whether an engine elsewhere gets through to a registry that is TCR's.

    Nothing where it isn't, or where there are no keys to ask with.
    """
    if await service_at(reach, host) != "tcr" or (await reach.access(host)).api is None:
        return ()
    try:
        at = await instance_of(reach, host)
    except TransshipError as error:
        return (f"Who gets through to {host} couldn't be asked: {error}",)
    access = await Network(at, reach.clock).access()
    return (*_let_in(engine, access), *access.unseen)


async def here_gets_in(host: str, reach: Reach) -> tuple[str, ...]:
    """Return in sentences whether this machine gets through to a registry that is TCR's.

    Nothing where it isn't, or where there are no keys to ask with. What can't be asked is said so.
    """
    if await service_at(reach, host) != "tcr" or (await reach.access(host)).api is None:
        return ()
    try:
        at = await instance_of(reach, host)
        return explained(await Network(at, reach.clock).access())
    except TransshipError as error:
        return (f"Who gets through to {host} couldn't be asked: {error}",)


def _let_in(engine: str, access: Access) -> tuple[str, ...]:
    of = f"the public endpoint of {access.instance}"
    if access.public is Public.CLOSED:
        return (f"{engine} gets through only from a linked VPC: {of} is closed.",)
    if access.public is not Public.OPEN:
        return (
            f"Whether {engine} gets through isn't known: {of} isn't open yet, or doesn't tell.",
        )
    if any(each.network is not None and not each.network.prefixlen for each in access.allowed):
        return ()
    blocks = ", ".join(each.block for each in access.allowed) or "nobody"
    return (f"{of[0].upper()}{of[1:]} is open to {blocks}: {engine} has to come from there.",)


async def _destination(at: AtInstance, target: str, reach: Reach, options: Options) -> Destination:
    if options.uin:
        return await _foreign(at, target, reach, options)
    try:
        return Destination.of(await instance_at(at.cloud, target), target)
    except errors.NoInstance as error:
        raise errors.NoInstance(error.detail, remedy=_OTHER_OWNER) from error


async def _foreign(at: AtInstance, target: str, reach: Reach, options: Options) -> Destination:
    if options.instance and options.region:
        region = _known(options.region, await regions(at.cloud, at=at.instance.region))
        return Destination(options.instance, target, region.id, region.name, uin=options.uin)
    found: TcrInstance
    try:
        found = (await instance_of(reach, target)).instance
    except (errors.ApiKeysNeeded, errors.CantBeDelegated, errors.NoInstance) as error:
        raise errors.BadRequest(
            f"which instance {target} is can't be asked: {error}",
            remedy="Say the instance, tcr-..., and its region (--instance, --region); its owner "
            "reads them in the console.",
        ) from error
    return Destination.of(found, target, options.uin)


def _known(name: str, every: tuple[Region, ...]) -> Region:
    for region in every:
        if region.name == name:
            return region
    has = ", ".join(region.name for region in every) or "none"
    raise errors.BadRequest(f"TCR has no region {name}; it has {has}")


async def _region_of(at: AtInstance, target: str) -> str:
    """Return where the target of a plan is."""
    try:
        return (await instance_at(at.cloud, target)).region
    except errors.NoInstance as error:
        raise errors.BadRequest(
            f"in which region the replica is to stand isn't said, and {target} doesn't tell",
            remedy="Say it: --region REGION.",
        ) from error
