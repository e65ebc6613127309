"""Replicas of one instance of TCR: planned, made and deleted, and followed while they are filled.

A replica stands in another region, on the same side of the border, holds all that its primary
holds, and is pulled from under the same domain with the same login. Nobody can push to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from transship import errors
from transship.engines.changes import (
    Change,
    ChangeAction,
    ChangeSet,
    EngineItem,
    GetLogin,
    change_between,
)
from transship.engines.executions import Execution, ExecutionState, ExecutionTask
from transship.engines.tcr.api import (
    InstanceApi,
    Region,
    api_time,
    execution_state,
    explain_refusal,
)
from transship.errors import TransshipError
from transship.plans.advice import side_of
from transship.services.tencent_cloud import EDITIONS, RUNNING, TcrInstance, TencentCloud
from transship.text import safe

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
class TcrReplica:
    """A replica that is there. `status` is the API's own word."""

    id: str
    region: Region
    status: str = ""

    @property
    def is_being_deleted(self) -> bool:
        """Whether it is being deleted."""
        return self.status == _DELETING

    @property
    def found(self) -> EngineItem:
        """What is read there."""
        return EngineItem(replica_settings(self.region), self.id, self.status)


def replica_settings(region: Region) -> dict[str, Any]:
    """Return what a replica in a region is set to."""
    return {"ReplicationRegionName": region.name, "ReplicationRegionId": region.id}


def plan_replicas(
    primary: TcrInstance,
    names: Sequence[str],
    regions: Sequence[Region],
    there: Sequence[TcrReplica],
) -> ChangeSet:
    """Return what would be made so that `primary` has a replica in each of the regions `names`.

    `regions` are all that TCR is in, `there` the replicas that there are. What is there stays.
    """
    engine = f"TCR instance {primary}"
    purpose = f"have {primary.public_domain} replicated to {', '.join(names)}"
    refusals = list(_primary_faults(primary))
    changes: list[Change] = []
    for name in dict.fromkeys(names):
        found = next((each for each in there if each.region.name == name), None)
        region = found.region if found else next((r for r in regions if r.name == name), None)
        if found is None:
            refusals += _region_faults(primary, name, region, regions)
        elif found.is_being_deleted:
            refusals.append(_deletion_pending(found))
        if region is not None:
            changes.append(_planned_creation(region, found))
    if not names:
        refusals.append(errors.BadRequest("no region is wished for"))
    if refusals:
        return ChangeSet(engine, purpose, refusals=tuple(refusals))
    return ChangeSet(
        engine, purpose, tuple(changes), tuple(_replica_notes(primary, changes, there))
    )


def plan_replica_removal(
    primary: TcrInstance, names: Sequence[str], there: Sequence[TcrReplica]
) -> ChangeSet:
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
        elif found.is_being_deleted:
            refusals.append(_deletion_pending(found))
        else:
            changes.append(_planned_deletion(found))
    return ChangeSet(
        engine, purpose, () if refusals else tuple(changes), (BEFORE_THE_INSTANCE,), tuple(refusals)
    )


def _primary_faults(primary: TcrInstance) -> Iterator[TransshipError]:
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


def _region_faults(
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


def _planned_creation(region: Region, found: TcrReplica | None) -> Change:
    before = found.found.settings if found is not None else None
    warns = (
        f"It costs money: a replica in {region.name}, and what it stores there, are charged until "
        f"it is deleted.",
    )
    return change_between(REPLICA, region.name, before, replica_settings(region), warns=warns)


def _planned_deletion(found: TcrReplica) -> Change:
    name = found.region.name
    return change_between(
        REPLICA, name, found.found.settings, None, warns=replica_removal_warnings(name)
    )


def replica_removal_warnings(region: str) -> tuple[str, ...]:
    """Return, in sentences, what to know before the replica in a region is taken away."""
    return (
        f"Who pulls in {region} from the replica finds nothing there any more.",
        "To have it again, all of it is copied again.",
    )


def _deletion_pending(found: TcrReplica) -> TransshipError:
    return errors.CantBeDelegated(
        f"the replica in {found.region.name} is being deleted",
        remedy="Wait until it is gone, then look again.",
    )


def _replica_notes(
    primary: TcrInstance, changes: Sequence[Change], there: Sequence[TcrReplica]
) -> Iterator[str]:
    made = [change.name for change in changes if change.does is ChangeAction.CREATE]
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


CREATION = "creation"
"""The execution that makes a replica."""
SYNCHRONISATION = "synchronisation"
"""The execution that fills it, and keeps it in step."""

_PAGE = 20
_MOST_PAGES = 500


class _ReplicaEntry(msgspec.Struct, rename="pascal"):
    replication_registry_id: str
    replication_region_id: int = 0
    replication_region_name: str = ""
    status: str = ""


class _CreationStep(msgspec.Struct, rename="pascal"):
    task_name: str = ""
    task_uuid: str = msgspec.field(name="TaskUUID", default="")
    task_status: str = ""
    task_message: str = ""
    created_time: str = ""
    finished_time: str = ""


class _CreationAnswer(msgspec.Struct, rename="pascal"):
    task_detail: tuple[_CreationStep, ...] = ()
    status: str = ""


class _SyncLogEntry(msgspec.Struct, rename="pascal", frozen=True):
    resource_type: str = ""
    source: str = ""
    destination: str = ""
    status: str = ""
    start_time: str = ""
    end_time: str = ""


class _SyncAnswer(msgspec.Struct, rename="pascal"):
    replication_status: str = ""
    replication_time: str = ""
    # The SDK's model says one entry, the API's own example gives a list of them.
    replication_log: _SyncLogEntry | tuple[_SyncLogEntry, ...] = ()

    @property
    def entries(self) -> tuple[_SyncLogEntry, ...]:
        log = self.replication_log
        return (log,) if isinstance(log, _SyncLogEntry) else log


class ReplicaEngine:
    """The replicas of `primary`: `Engine` and `Follows`, by the names of their regions.

    `cloud` is asked as the owner of the primary, where that is. A replica has two executions, which
    nothing of the API starts or stops: CREATION and SYNCHRONISATION.
    """

    def __init__(self, cloud: TencentCloud, primary: TcrInstance) -> None:
        self._cloud = cloud
        self._at = InstanceApi(cloud, primary)
        self.primary = primary

    @property
    def name(self) -> str:
        """Which engine and where."""
        return self._at.name

    async def replicas(self) -> tuple[TcrReplica, ...]:
        """Return all replicas. Raises ListIncomplete, NoRight, and those of the way."""
        found = await self._at.listed("DescribeReplicationInstances", _ReplicaEntry)
        return tuple(
            TcrReplica(
                each.replication_registry_id,
                Region(each.replication_region_id, safe(each.replication_region_name)),
                safe(each.status),
            )
            for each in found
        )

    async def read(self, kind: str, name: str) -> EngineItem | None:  # noqa: ARG002 - there is one kind
        """Return the replica in a region, also one that is being made; None when there is none.

        One that is being deleted isn't there any more.
        """
        found = await self._in(name)
        return None if found is None or found.is_being_deleted else found.found

    async def make(self, change: Change, gives: GetLogin) -> None:  # noqa: ARG002 - takes no login
        """Begin one change: a replica is made and deleted while the cloud works."""
        try:
            if change.does is ChangeAction.CREATE:
                # The tags that SyncTag means are those of the bill.
                await self._at.do(
                    "CreateReplicationInstance", **(change.after or {}), SyncTag=False
                )
            elif change.does is ChangeAction.DELETE:
                found = await self._there(change.name)
                await self._at.do("DeleteReplicationInstance", **_replica_fields(found))
            elif change.does is ChangeAction.CHANGE:
                raise errors.CantBeDelegated(
                    f"{change.name}: a replica can't be changed", remedy="Delete it, and make one."
                )
        except TransshipError as error:
            said = explain_refusal(error)
            if said is error:
                raise
            raise said from None

    async def executions(self, of: str) -> AsyncIterator[Execution]:
        """Give the synchronisation, once there is one, and the creation."""
        found = await self._there(of)
        parts = await self._creation(found)
        creation = _creation_execution(parts)
        if not parts.task_detail or creation.state is ExecutionState.SUCCEEDED:
            yield _sync_execution(await self._synchronisation(found))
        if parts.task_detail:
            yield creation

    async def execution(self, of: str, execution: str) -> Execution:
        """Return one by its id, CREATION or SYNCHRONISATION. Raises ExecutionNotFound."""
        found = await self._there(of)
        if execution == CREATION:
            return _creation_execution(await self._creation(found))
        if execution == SYNCHRONISATION:
            return _sync_execution(await self._synchronisation(found))
        raise errors.ExecutionNotFound(f"{of}: {execution!r}")

    async def tasks(self, of: str, execution: str) -> AsyncIterator[ExecutionTask]:
        """Give the steps of a creation, or what a synchronisation has in its log."""
        found = await self._there(of)
        if execution == CREATION:
            for part in (await self._creation(found)).task_detail:
                yield _creation_task(part)
        elif execution == SYNCHRONISATION:
            async for entry in self._log(found):
                yield _sync_task(entry)
        else:
            raise errors.ExecutionNotFound(f"{of}: {execution!r}")

    async def log(self, of: str, execution: str, task: str) -> str:  # noqa: ARG002
        """Return nothing: the log of a synchronisation are its tasks, and a task has none."""
        return ""

    async def _in(self, region: str) -> TcrReplica | None:
        found = [each for each in await self.replicas() if each.region.name == region]
        # One that is leaving may be listed beside the one that takes its place.
        found.sort(key=lambda each: each.is_being_deleted)
        return found[0] if found else None

    async def _there(self, region: str) -> TcrReplica:
        found = await self._in(region)
        if found is None:
            raise errors.EngineRefused(
                f"{self.name} has no replica in {region}", remedy="Make it first."
            )
        return found

    async def _creation(self, of: TcrReplica) -> _CreationAnswer:
        fields = {"ReplicationRegistryId": of.id, "ReplicationRegionId": of.region.id}
        action = "DescribeReplicationInstanceCreateTasks"
        return await self._cloud.call(action, _CreationAnswer, fields, region=self.primary.region)

    async def _synchronisation(self, of: TcrReplica, **more: Any) -> _SyncAnswer:
        action = "DescribeReplicationInstanceSyncStatus"
        return await self._at.call(action, _SyncAnswer, **_replica_fields(of), **more)

    async def _log(self, of: TcrReplica) -> AsyncIterator[_SyncLogEntry]:
        """Give the log, page by page.

        `Offset` is the number of the page, from 0 by the SDK; in the API's example the first is 1.
        So the first two may be the same page, and nothing says how many there are.
        """
        known: set[_SyncLogEntry] = set()
        for page in range(_MOST_PAGES):
            found = await self._synchronisation(
                of, ShowReplicationLog=True, Offset=page, Limit=_PAGE
            )
            new = [each for each in dict.fromkeys(found.entries) if each not in known]
            known.update(new)
            for each in new:
                yield each
            # Where the first page is 1, there may be none that is 0.
            before_the_first = page == 0 and not found.entries
            ends = len(found.entries) < _PAGE and not before_the_first
            if ends or (not new and page > 1):
                return
        raise errors.ListIncomplete(f"{of.id}: its log has more than {len(known):,} entries")


def _replica_fields(of: TcrReplica) -> dict[str, object]:
    return {"ReplicationRegistryId": of.id, "ReplicationRegionId": of.region.id}


def _creation_execution(found: _CreationAnswer) -> Execution:
    states = [execution_state(each.task_status) for each in found.task_detail]
    state = execution_state(found.status)
    if not found.status and states:
        state = _overall_state(states)
    ends = [api_time(each.finished_time) for each in found.task_detail]
    begins = [time for each in found.task_detail if (time := api_time(each.created_time))]
    failed = [
        each
        for each in found.task_detail
        if execution_state(each.task_status) is ExecutionState.FAILED
    ]
    return Execution(
        id=CREATION,
        state=state,
        said=safe(found.status),
        total=len(states),
        succeeded=states.count(ExecutionState.SUCCEEDED),
        failed=len(failed),
        running=states.count(ExecutionState.RUNNING),
        stopped=states.count(ExecutionState.STOPPED),
        started=min(begins, default=None),
        ended=max(filter(None, ends), default=None) if state.is_over else None,
        message="; ".join(safe(f"{each.task_name}: {each.task_message}") for each in failed),
    )


def _overall_state(states: list[ExecutionState]) -> ExecutionState:
    """Return how the whole is, where only its parts are told."""
    for state in (
        ExecutionState.FAILED,
        ExecutionState.STOPPED,
        ExecutionState.RUNNING,
        ExecutionState.WAITING,
        ExecutionState.UNKNOWN,
    ):
        if state in states:
            return state
    return ExecutionState.SUCCEEDED


def _sync_execution(found: _SyncAnswer) -> Execution:
    return Execution(
        id=SYNCHRONISATION,
        state=execution_state(found.replication_status),
        said=safe(found.replication_status),
        ended=api_time(found.replication_time),
    )


def _creation_task(part: _CreationStep) -> ExecutionTask:
    return ExecutionTask(
        id=safe(part.task_uuid),
        state=execution_state(part.task_status),
        said=safe(part.task_status),
        operation=safe(part.task_name),
        started=api_time(part.created_time),
        ended=api_time(part.finished_time),
        message=safe(part.task_message),
    )


def _sync_task(entry: _SyncLogEntry) -> ExecutionTask:
    return ExecutionTask(
        id=safe(f"{entry.source} {entry.start_time}"),
        state=execution_state(entry.status),
        said=safe(entry.status),
        operation=safe(entry.resource_type),
        source=safe(entry.source),
        target=safe(entry.destination),
        started=api_time(entry.start_time),
        ended=api_time(entry.end_time),
    )
