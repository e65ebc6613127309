"""A plan handed to an engine: who could do it, what would be made there, and how to revert it.

`survey_engines` says who could, `plan_delegation` what would be made, `open_engine` opens the
engine of a delegation again, `plan_revert` says what leads back. Accounts aren't known here:
`reach.EngineReach` opens what is asked for. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from transship import errors
from transship.engines.changes import (
    Change,
    ChangeAction,
    ChangeSet,
    ChangeStep,
    Delegation,
    Engine,
    change_between,
    is_half_replaced,
    is_set_to,
    reversed_change,
)
from transship.engines.choice import (
    EngineChoice,
    EngineKind,
    EngineOptions,
    OtherEngineKind,
    engine_choices,
    policy_name,
    registry_pairs,
    untranslated_parts,
)
from transship.engines.executions import ExecutionReader, ExecutionStarter
from transship.engines.harbor.adapters import RemoteRegistry, remote_registry_of
from transship.engines.harbor.engine import HarborEngine
from transship.engines.harbor.policy import POLICY
from transship.engines.harbor.replication import plan_replication
from transship.engines.reach import EngineReach, service_at, tcr_cloud_at, tcr_instance_at
from transship.engines.tcr import quick_transfer, sync_rules
from transship.engines.tcr import replicas as replicas_wishes
from transship.engines.tcr.api import InstanceApi, Region, list_regions
from transship.engines.tcr.attachment import open_instance
from transship.engines.tcr.domains import (
    CERTIFICATE,
    CUSTOM_DOMAIN,
    OUTAGE,
    DomainEngine,
    domain_removal_warning,
)
from transship.engines.tcr.inventory import ScanProgress
from transship.engines.tcr.network_access import (
    ALLOWED_ADDRESS,
    NOBODY_YET,
    PRIVATE_RECORD,
    PUBLIC_ENDPOINT,
    SHUTS_OUT,
    VPC_LINK,
    EndpointStatus,
    NetworkAccess,
    NetworkEngine,
    block_removal_warning,
    block_warnings,
    explain_access,
    link_removal_warning,
    record_removal_warning,
    split_link,
)
from transship.engines.tcr.quick_transfer import (
    NAMESPACE,
    REPOSITORY,
    NamespaceEngine,
    QuickTransfer,
    QuickTransferTerms,
)
from transship.engines.tcr.replicas import REPLICA, ReplicaEngine, replica_removal_warnings
from transship.engines.tcr.sync_rules import FORGETS, RULE, SyncDestination, SyncRuleEngine
from transship.errors import BadRequest, TransshipError
from transship.oci.reference import LAYOUT
from transship.plans.advice import Edition, End, Ends, Pace, answered
from transship.plans.plan import Kind, Plan
from transship.plans.selection import wants_all
from transship.services.tencent_cloud import TcrInstance, instance_at, instances
from transship.text import safe

_TCR = "tcr"


@dataclass(frozen=True, slots=True)
class EngineSurvey:
    """Everybody who could move a plan, and what is known of its ends, by their hosts.

    `unknown` says in sentences what the keys of a cloud couldn't be asked.
    """

    ends: Ends
    ways: tuple[EngineChoice, ...]
    unknown: tuple[str, ...] = ()


async def survey_engines(
    plan: Plan,
    reach: EngineReach,
    *,
    harbors: Sequence[str] = (),
    answers: Iterable[tuple[str, str]] = (),
) -> EngineSurvey:
    """Return who could move a plan.

    `harbors` are the hosts of accounts that are Harbors; `answers` are those to the questions of
    `transship.plans.advice`, by their ids, and go before what is asked. Of clouds of which there
    are
    keys is asked what their instances are; nothing is changed. Raises BadRequest for a plan that
    is empty and for an answer to no question.
    """
    pairs = registry_pairs(plan)
    if not pairs:
        raise BadRequest("the plan is empty", remedy="Write what is to be copied into it.")
    source, target = pairs[0]
    unknown: list[str] = []
    ends = await _known_ends(plan, source, target, reach, unknown)
    for question, value in answers:
        ends = answered(ends, question, value)
    found = engine_choices(
        ends, harbors=harbors, unsaid=untranslated_parts(plan, ends), pairs=len(pairs)
    )
    return EngineSurvey(ends, found, tuple(unknown))


async def _known_ends(
    plan: Plan, source: str, target: str, reach: EngineReach, unknown: list[str]
) -> Ends:
    one, seen_by_one = await _known_end(source, reach, unknown)
    other, _ = await _known_end(target, reach, unknown)
    both = (one.service, other.service) == (_TCR, _TCR)
    mine = any(each.answers_at(target) for each in seen_by_one)
    return Ends(
        one,
        other,
        whole=wants_all(plan),
        pace=Pace.SOMETIMES if plan.schedule or plan.kind is Kind.REPLICATION else None,
        tags_vanish=True if plan.delete else None,
        same_owner=True if both and mine else None,
    )


async def _known_end(
    host: str, reach: EngineReach, unknown: list[str]
) -> tuple[End, Sequence[TcrInstance]]:
    """Return what is known of one end, and the instances that its keys see."""
    if host.startswith(LAYOUT):
        return End(host), ()
    end = End(host, await service_at(reach, host))
    access = await reach.access(host)
    if end.service != _TCR or access.api is None:
        return end, ()
    try:
        at = await tcr_instance_at(reach, host)
        every = await instances(at.cloud)
    except TransshipError as error:
        unknown.append(f"What {host} is couldn't be asked: {error}")
        return end, ()
    known = at.instance.edition in set(Edition)
    edition = Edition(at.instance.edition) if known else None
    return replace(end, edition=edition, region=at.instance.region), every


_KINDS_WITH_EXECUTIONS = (POLICY, RULE, REPLICA)


@dataclass(frozen=True, slots=True)
class OpenedEngine:
    """An engine that was opened, and what it can do beside making changes: None where it can't."""

    engine: Engine
    follows: ExecutionReader | None = None
    starts: ExecutionStarter | None = None


@dataclass(frozen=True, slots=True)
class PlannedDelegation:
    """What would be made, by whom.

    `who` and `host` are those of `journal.Agreed`. `of` names what has executions (`runs_of`),
    `begins` what of that a start begins (`begun_by`).
    """

    who: str
    host: str
    serving: OpenedEngine
    changes: ChangeSet

    @property
    def of(self) -> tuple[str, ...]:
        """What of it has executions."""
        return names_with_executions(self.changes.changes)

    @property
    def begins(self) -> tuple[str, ...]:
        """What of it is begun by a start; what else there is, that sets off."""
        return names_to_start(self.changes.changes)


async def plan_delegation(
    who: EngineKind, plan: Plan, reach: EngineReach, options: EngineOptions | None = None
) -> PlannedDelegation:
    """Return what would be made so that `who` moves a plan; what is in the way is in its refusals.

    Raises what keeps it from being asked at all: ApiKeysNeeded, NoInstance, NoRight, the errors of
    the way, CantBeDelegated for a plan between several pairs of registries, and BadRequest for
    options that don't say enough.
    """
    options = options or EngineOptions()
    pairs = registry_pairs(plan)
    if len(pairs) != 1:
        raise errors.CantBeDelegated(
            "the plan goes between several pairs of registries" if pairs else "the plan is empty",
            remedy="Write a plan for each pair, or let Transship move it.",
        )
    [(source, target)] = pairs
    if who is EngineKind.TCR_SYNC:
        rules, changes = await plan_sync(plan, source, target, reach, options)
        return PlannedDelegation(who, source, OpenedEngine(rules, rules), changes)
    if who is EngineKind.TCR_REPLICA:
        replicas, changes = await plan_replica(source, target, reach, options)
        return PlannedDelegation(who, source, OpenedEngine(replicas, replicas), changes)
    if who is EngineKind.TRANSSHIP:
        raise errors.BadRequest(
            "Transship's own lanes are no engine", remedy="Run the plan: `transship run PLAN`."
        )
    relays = who is EngineKind.HARBOR_RELAY
    harbor, changes = await plan_harbor(plan, source, target, reach, options, relays=relays)
    others = [host for host in (source, target) if host != harbor.host]
    through = [note for host in others for note in await engine_access_notes("Harbor", host, reach)]
    changes = replace(changes, notes=(*changes.notes, *through))
    return PlannedDelegation(who, harbor.host, OpenedEngine(harbor, harbor, harbor), changes)


async def open_engine(who: str, host: str, reach: EngineReach) -> OpenedEngine:
    """Open the engine of a delegation again, by what its `Agreed` says.

    Raises CantBeDelegated for one that isn't known here, and what keeps it from being reached.
    """
    if who not in _OPENERS:
        raise errors.CantBeDelegated(
            f"{who}: no such engine is known", remedy="A newer Transship may know it."
        )
    return await _OPENERS[who](host, reach)


def names_with_executions(changes: tuple[Change, ...]) -> tuple[str, ...]:
    """Return the names of what has executions once the changes are made."""
    there = (
        each
        for each in changes
        if each.kind in _KINDS_WITH_EXECUTIONS and each.does is not ChangeAction.DELETE
    )
    return tuple(dict.fromkeys(each.name for each in there))


def names_to_start(changes: tuple[Change, ...]) -> tuple[str, ...]:
    """Return the names of what a start begins: of a relay only the half that pulls."""
    pulls = [
        each
        for each in changes
        if each.kind == POLICY and each.after is not None and each.after.get("src_registry")
    ]
    return names_with_executions(tuple(pulls) or changes)


async def _open_harbor(host: str, reach: EngineReach) -> OpenedEngine:
    harbor = HarborEngine(host, (await reach.registry(host)).asks())
    return OpenedEngine(harbor, harbor, harbor)


async def _open_sync_rules(host: str, reach: EngineReach) -> OpenedEngine:
    at = await tcr_instance_at(reach, host)
    rules = SyncRuleEngine(at.cloud, at.instance)
    return OpenedEngine(rules, rules)


async def _open_replicas(host: str, reach: EngineReach) -> OpenedEngine:
    at = await tcr_instance_at(reach, host)
    replicas = ReplicaEngine(at.cloud, at.instance)
    return OpenedEngine(replicas, replicas)


async def _open_namespaces(host: str, reach: EngineReach) -> OpenedEngine:
    return OpenedEngine(NamespaceEngine(await tcr_instance_at(reach, host)))


async def _open_network(host: str, reach: EngineReach) -> OpenedEngine:
    return OpenedEngine(await open_network_engine(reach, host))


async def _open_domains(host: str, reach: EngineReach) -> OpenedEngine:
    return OpenedEngine(await open_domain_engine(reach, host))


async def open_network_engine(reach: EngineReach, host: str) -> NetworkEngine:
    """Open the network access of the instance of TCR at a host."""
    return (await open_instance(reach, host)).network


async def open_domain_engine(reach: EngineReach, host: str) -> DomainEngine:
    """Open the custom domains of the instance of TCR at a host."""
    return (await open_instance(reach, host)).domains


_OPENERS: Mapping[str, Callable[[str, EngineReach], Awaitable[OpenedEngine]]] = {
    EngineKind.HARBOR: _open_harbor,
    EngineKind.HARBOR_RELAY: _open_harbor,
    EngineKind.TCR_SYNC: _open_sync_rules,
    EngineKind.TCR_REPLICA: _open_replicas,
    OtherEngineKind.QUICK: _open_namespaces,
    OtherEngineKind.NETWORK: _open_network,
    OtherEngineKind.DOMAIN: _open_domains,
}

_MOST_EXAMPLES = 500
_HARBOR = "harbor"


async def plan_harbor(
    plan: Plan,
    source: str,
    target: str,
    reach: EngineReach,
    options: EngineOptions,
    *,
    relays: bool,
) -> tuple[HarborEngine, ChangeSet]:
    """Return the Harbor that would do it, and what would be made there.

    `source` and `target` are the hosts of the plan's registries. Raises BadRequest where it isn't
    said which Harbor, and what keeps it from being asked.
    """
    host = await _chosen_harbor(source, target, reach, options, relays=relays)
    harbor = HarborEngine(host, (await reach.registry(host)).asks())
    examples, unseen = await _example_names(source, reach)
    changes = await plan_replication(
        harbor,
        policy_name(options, source, target),
        plan,
        source=None if host == source else await _other_registry(source, reach, options),
        target=None if host == target else await _other_registry(target, reach, options),
        terms=options.terms,
        via=options.via if relays else "",
        examples=examples,
    )
    notes = (*changes.notes, *([unseen] if unseen else []))
    return harbor, replace(changes, notes=notes)


async def _chosen_harbor(
    source: str, target: str, reach: EngineReach, options: EngineOptions, *, relays: bool
) -> str:
    named = options.harbor
    sides = (source, target)
    if relays:
        if not named:
            raise errors.BadRequest(
                "it isn't said which Harbor is to relay it", remedy="Name it: --harbor HOST."
            )
        if named in sides:
            raise errors.BadRequest(
                f"{named} is one of the sides, and needs no relay", remedy="Say --by harbor."
            )
        return named
    if named and named not in sides:
        raise errors.BadRequest(
            f"{named} is neither side of the plan", remedy="Say --by harbor-relay."
        )
    harbors = [host for host in sides if await service_at(reach, host) == _HARBOR]
    if named:
        return named
    if not harbors:
        raise errors.CantBeDelegated(
            "neither side of the plan is known to be a Harbor",
            remedy="Say so with `transship login HOST --service harbor`, or --harbor HOST.",
        )
    return harbors[0]


async def _other_registry(host: str, reach: EngineReach, options: EngineOptions) -> RemoteRegistry:
    far = remote_registry_of(await reach.access(host))
    return replace(far, adapter=options.adapter) if options.adapter else far


async def _example_names(source: str, reach: EngineReach) -> tuple[Sequence[str], str]:
    """Return repositories of the source, and in a sentence why there are none or not all."""
    found: list[str] = []
    try:
        async with aclosing((await reach.registry(source)).repositories()) as names:
            async for name in names:
                if len(found) == _MOST_EXAMPLES:
                    return (
                        found,
                        f"Only the first {_MOST_EXAMPLES} names of {source} were looked at.",
                    )
                found.append(name)
    except TransshipError as error:
        why = f"What names become isn't shown: {source} couldn't be listed ({safe(str(error))})."
        return found, "" if found else why
    return found, ""


_OTHER_OWNER_REMEDY = (
    "Where another account of the cloud owns it: say its UIN (--uin), and add its keys with the "
    "registry's account, or say the instance and its region (--instance, --region) too."
)


async def plan_sync(
    plan: Plan, source: str, target: str, reach: EngineReach, options: EngineOptions
) -> tuple[SyncRuleEngine, ChangeSet]:
    """Return the rules' engine, and what rules would be made for a plan.

    `source` and `target` are the hosts of the plan's registries. Raises NoInstance and the like.
    """
    at = await tcr_instance_at(reach, source)
    to = await _destination(at, target, reach, options)
    engine = SyncRuleEngine(at.cloud, at.instance)
    name = policy_name(options, source, target)
    there = await engine.rules()
    deletion = options.terms is not None and options.terms.deletion
    return engine, sync_rules.plan_rules_from(
        at.instance, to, name, plan, there, host=source, deletion=deletion
    )


async def plan_replica(
    source: str, target: str, reach: EngineReach, options: EngineOptions
) -> tuple[ReplicaEngine, ChangeSet]:
    """Return the replicas' engine, and what replica of the source would be made."""
    at = await tcr_instance_at(reach, source)
    region = options.region or await _region_of_target(at, target)
    engine = ReplicaEngine(at.cloud, at.instance)
    every = await list_regions(at.cloud, at=at.instance.region)
    there = await engine.replicas()
    return engine, replicas_wishes.plan_replicas(at.instance, [region], every, there)


async def plan_quick_transfer_between(
    source: str,
    target: str,
    reach: EngineReach,
    terms: QuickTransferTerms,
    looked: ScanProgress | None = None,
) -> tuple[NamespaceEngine, QuickTransfer]:
    """Return what would be made and copied to move all of a personal account to an instance.

    `source` is a host of CCR, `target` a domain of the instance. Who gets through to the instance
    is among the notes. `looked` is told how far the listing is. Raises ApiKeysNeeded, NoInstance
    and the like.
    """
    at = await tcr_instance_at(reach, target)
    personal = await tcr_cloud_at(reach, source)
    found = await quick_transfer.plan_quick_transfer(
        personal, source, at, replace(terms, target=target), looked
    )
    gets_in = explain_access(await NetworkEngine(at, reach.clock).access())
    changes = replace(found.changes, notes=(*found.changes.notes, *gets_in))
    return NamespaceEngine(at), replace(found, changes=changes)


async def engine_access_notes(engine: str, host: str, reach: EngineReach) -> tuple[str, ...]:
    """Return in sentences whether an engine elsewhere gets through to a registry that is TCR's.

    Nothing where it isn't, or where there are no keys to ask with.
    """
    if await service_at(reach, host) != "tcr" or (await reach.access(host)).api is None:
        return ()
    try:
        at = await tcr_instance_at(reach, host)
    except TransshipError as error:
        return (f"Who gets through to {host} couldn't be asked: {error}",)
    access = await NetworkEngine(at, reach.clock).access()
    return (*_access_notes(engine, access), *access.unseen)


async def local_access_notes(host: str, reach: EngineReach) -> tuple[str, ...]:
    """Return in sentences whether this machine gets through to a registry that is TCR's.

    Nothing where it isn't, or where there are no keys to ask with. What can't be asked is said so.
    """
    if await service_at(reach, host) != "tcr" or (await reach.access(host)).api is None:
        return ()
    try:
        at = await tcr_instance_at(reach, host)
        return explain_access(await NetworkEngine(at, reach.clock).access())
    except TransshipError as error:
        return (f"Who gets through to {host} couldn't be asked: {error}",)


def _access_notes(engine: str, access: NetworkAccess) -> tuple[str, ...]:
    of = f"the public endpoint of {access.instance}"
    if access.public is EndpointStatus.CLOSED:
        return (f"{engine} gets through only from a linked VPC: {of} is closed.",)
    if access.public is not EndpointStatus.OPEN:
        return (
            f"Whether {engine} gets through isn't known: {of} isn't open yet, or doesn't tell.",
        )
    if any(each.network is not None and not each.network.prefixlen for each in access.allowed):
        return ()
    blocks = ", ".join(each.block for each in access.allowed) or "nobody"
    return (f"{of[0].upper()}{of[1:]} is open to {blocks}: {engine} has to come from there.",)


async def _destination(
    at: InstanceApi, target: str, reach: EngineReach, options: EngineOptions
) -> SyncDestination:
    if options.uin:
        return await _foreign_destination(at, target, reach, options)
    try:
        return SyncDestination.of(await instance_at(at.cloud, target), target)
    except errors.NoInstance as error:
        raise errors.NoInstance(error.detail, remedy=_OTHER_OWNER_REMEDY) from error


async def _foreign_destination(
    at: InstanceApi, target: str, reach: EngineReach, options: EngineOptions
) -> SyncDestination:
    if options.instance and options.region:
        region = _known_region(options.region, await list_regions(at.cloud, at=at.instance.region))
        return SyncDestination(options.instance, target, region.id, region.name, uin=options.uin)
    found: TcrInstance
    try:
        found = (await tcr_instance_at(reach, target)).instance
    except (errors.ApiKeysNeeded, errors.CantBeDelegated, errors.NoInstance) as error:
        raise errors.BadRequest(
            f"which instance {target} is can't be asked: {error}",
            remedy="Say the instance, tcr-..., and its region (--instance, --region); its owner "
            "reads them in the console.",
        ) from error
    return SyncDestination.of(found, target, options.uin)


def _known_region(name: str, every: tuple[Region, ...]) -> Region:
    for region in every:
        if region.name == name:
            return region
    has = ", ".join(region.name for region in every) or "none"
    raise errors.BadRequest(f"TCR has no region {name}; it has {has}")


async def _region_of_target(at: InstanceApi, target: str) -> str:
    """Return where the target of a plan is."""
    try:
        return (await instance_at(at.cloud, target)).region
    except errors.NoInstance as error:
        raise errors.BadRequest(
            f"in which region the replica is to stand isn't said, and {target} doesn't tell",
            remedy="Say it: --region REGION.",
        ) from error


_KEEPS_IMAGES = "If it holds images by then it stays, and nothing more is taken back."
_KEEPS_USED = "If something of the account uses it by then it stays."


def revert_warnings(change: Change) -> tuple[str, ...]:
    """Return, in sentences, what to know before a change that was made is taken back."""
    say = _REVERT_WARNINGS.get((change.kind, change.does))
    return () if say is None else say(change)


def _public_endpoint_warnings(change: Change) -> tuple[str, ...]:
    was_opened = bool((change.after or {}).get("Open"))
    return (SHUTS_OUT,) if was_opened else (NOBODY_YET,)


_REVERT_WARNINGS: Mapping[tuple[str, ChangeAction], Callable[[Change], tuple[str, ...]]] = {
    (POLICY, ChangeAction.CREATE): lambda _: (FORGETS,),
    (RULE, ChangeAction.CREATE): lambda _: (FORGETS,),
    (REPLICA, ChangeAction.CREATE): lambda change: replica_removal_warnings(change.name),
    (NAMESPACE, ChangeAction.CREATE): lambda _: (_KEEPS_IMAGES,),
    (REPOSITORY, ChangeAction.CREATE): lambda _: (_KEEPS_IMAGES,),
    (PUBLIC_ENDPOINT, ChangeAction.CHANGE): _public_endpoint_warnings,
    (ALLOWED_ADDRESS, ChangeAction.CREATE): lambda change: (block_removal_warning(change.name),),
    (ALLOWED_ADDRESS, ChangeAction.DELETE): lambda change: block_warnings(change.name),
    (VPC_LINK, ChangeAction.CREATE): lambda change: (
        link_removal_warning(split_link(change.name)[0]),
    ),
    (PRIVATE_RECORD, ChangeAction.CREATE): lambda change: (record_removal_warning(change.name),),
    (CERTIFICATE, ChangeAction.CREATE): lambda _: (_KEEPS_USED,),
    (CUSTOM_DOMAIN, ChangeAction.CREATE): lambda change: (domain_removal_warning(change.name),),
    (CUSTOM_DOMAIN, ChangeAction.CHANGE): lambda _: (OUTAGE,),
}


async def plan_revert(delegation: Delegation, engine: Engine) -> ChangeSet:
    """Return what would undo a delegation, the last change first. Nothing is changed by it.

    What isn't any more as this delegation left it is refused, and named.
    """
    changes: list[Change] = []
    refusals: list[TransshipError] = []
    for number in reversed(range(len(delegation.agreed.changes))):
        if delegation.step(number) is ChangeStep.WAITING:
            continue
        change = delegation.agreed.changes[number]
        found = await engine.read(change.kind, change.name)
        if is_set_to(found, change.before):
            continue  # It was never made, or is undone already.
        if is_half_replaced(found, change):
            changes.append(change_between(change.kind, change.name, None, change.before))
            continue
        if not is_set_to(found, change.after):
            refusals.append(errors.ChangedMeanwhile(f"{change.kind} {change.name}"))
            continue
        changes.append(reversed_change(change, revert_warnings(change)))
    return ChangeSet(engine.name, f"undo {delegation.id}", tuple(changes), refusals=tuple(refusals))
