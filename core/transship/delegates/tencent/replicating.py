"""Replicas of one instance of TCR: reads and makes them, and follows how they are filled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from transship import errors
from transship.delegates.changes import Change, Does
from transship.delegates.engine import Found, Gives
from transship.delegates.executions import Execution, State, Task
from transship.delegates.tencent.at_instance import AtInstance
from transship.delegates.tencent.explaining import explained
from transship.delegates.tencent.regions import Region
from transship.delegates.tencent.replicas import Replica
from transship.delegates.tencent.said import state_of, time_of
from transship.errors import TransshipError
from transship.services.tencent_cloud import TcrInstance, TencentCloud
from transship.text import safe

CREATION = "creation"
"""The execution that makes a replica."""
SYNCHRONISATION = "synchronisation"
"""The execution that fills it, and keeps it in step."""

_PAGE = 20
_MOST_PAGES = 500


class _Replica(msgspec.Struct, rename="pascal"):
    replication_registry_id: str
    replication_region_id: int = 0
    replication_region_name: str = ""
    status: str = ""


class _Part(msgspec.Struct, rename="pascal"):
    task_name: str = ""
    task_uuid: str = msgspec.field(name="TaskUUID", default="")
    task_status: str = ""
    task_message: str = ""
    created_time: str = ""
    finished_time: str = ""


class _Creation(msgspec.Struct, rename="pascal"):
    task_detail: tuple[_Part, ...] = ()
    status: str = ""


class _Entry(msgspec.Struct, rename="pascal", frozen=True):
    resource_type: str = ""
    source: str = ""
    destination: str = ""
    status: str = ""
    start_time: str = ""
    end_time: str = ""


class _Synchronisation(msgspec.Struct, rename="pascal"):
    replication_status: str = ""
    replication_time: str = ""
    # The SDK's model says one entry, the API's own example gives a list of them.
    replication_log: _Entry | tuple[_Entry, ...] = ()

    @property
    def entries(self) -> tuple[_Entry, ...]:
        log = self.replication_log
        return (log,) if isinstance(log, _Entry) else log


class Replicas:
    """The replicas of `primary`: `Engine` and `Follows`, by the names of their regions.

    `cloud` is asked as the owner of the primary, where that is. A replica has two executions, which
    nothing of the API starts or stops: CREATION and SYNCHRONISATION.
    """

    def __init__(self, cloud: TencentCloud, primary: TcrInstance) -> None:
        self._cloud = cloud
        self._at = AtInstance(cloud, primary)
        self.primary = primary

    @property
    def name(self) -> str:
        """Which engine and where."""
        return self._at.name

    async def replicas(self) -> tuple[Replica, ...]:
        """Return all replicas. Raises ListIncomplete, NoRight, and those of the way."""
        found = await self._at.listed("DescribeReplicationInstances", _Replica)
        return tuple(
            Replica(
                each.replication_registry_id,
                Region(each.replication_region_id, safe(each.replication_region_name)),
                safe(each.status),
            )
            for each in found
        )

    async def read(self, kind: str, name: str) -> Found | None:  # noqa: ARG002 - there is one kind
        """Return the replica in a region, also one that is being made; None when there is none.

        One that is being deleted isn't there any more.
        """
        found = await self._in(name)
        return None if found is None or found.is_leaving else found.found

    async def make(self, change: Change, gives: Gives) -> None:  # noqa: ARG002 - takes no login
        """Begin one change: a replica is made and deleted while the cloud works."""
        try:
            if change.does is Does.CREATE:
                # The tags that SyncTag means are those of the bill.
                await self._at.do(
                    "CreateReplicationInstance", **(change.after or {}), SyncTag=False
                )
            elif change.does is Does.DELETE:
                found = await self._there(change.name)
                await self._at.do("DeleteReplicationInstance", **_wanted(found))
            elif change.does is Does.CHANGE:
                raise errors.CantBeDelegated(
                    f"{change.name}: a replica can't be changed", remedy="Delete it, and make one."
                )
        except TransshipError as error:
            said = explained(error)
            if said is error:
                raise
            raise said from None

    async def executions(self, of: str) -> AsyncIterator[Execution]:
        """Give the synchronisation, once there is one, and the creation."""
        found = await self._there(of)
        parts = await self._creation(found)
        creation = _creation(parts)
        if not parts.task_detail or creation.state is State.SUCCEEDED:
            yield _synchronisation(await self._synchronisation(found))
        if parts.task_detail:
            yield creation

    async def execution(self, of: str, execution: str) -> Execution:
        """Return one by its id, CREATION or SYNCHRONISATION. Raises ExecutionNotFound."""
        found = await self._there(of)
        if execution == CREATION:
            return _creation(await self._creation(found))
        if execution == SYNCHRONISATION:
            return _synchronisation(await self._synchronisation(found))
        raise errors.ExecutionNotFound(f"{of}: {execution!r}")

    async def tasks(self, of: str, execution: str) -> AsyncIterator[Task]:
        """Give the steps of a creation, or what a synchronisation has in its log."""
        found = await self._there(of)
        if execution == CREATION:
            for part in (await self._creation(found)).task_detail:
                yield _step(part)
        elif execution == SYNCHRONISATION:
            async for entry in self._log(found):
                yield _copied(entry)
        else:
            raise errors.ExecutionNotFound(f"{of}: {execution!r}")

    async def log(self, of: str, execution: str, task: str) -> str:  # noqa: ARG002
        """Return nothing: the log of a synchronisation are its tasks, and a task has none."""
        return ""

    async def _in(self, region: str) -> Replica | None:
        found = [each for each in await self.replicas() if each.region.name == region]
        # One that is leaving may be listed beside the one that takes its place.
        found.sort(key=lambda each: each.is_leaving)
        return found[0] if found else None

    async def _there(self, region: str) -> Replica:
        found = await self._in(region)
        if found is None:
            raise errors.EngineRefused(
                f"{self.name} has no replica in {region}", remedy="Make it first."
            )
        return found

    async def _creation(self, of: Replica) -> _Creation:
        fields = {"ReplicationRegistryId": of.id, "ReplicationRegionId": of.region.id}
        action = "DescribeReplicationInstanceCreateTasks"
        return await self._cloud.call(action, _Creation, fields, region=self.primary.region)

    async def _synchronisation(self, of: Replica, **more: Any) -> _Synchronisation:
        action = "DescribeReplicationInstanceSyncStatus"
        return await self._at.call(action, _Synchronisation, **_wanted(of), **more)

    async def _log(self, of: Replica) -> AsyncIterator[_Entry]:
        """Give the log, page by page.

        `Offset` is the number of the page, from 0 by the SDK; in the API's example the first is 1.
        So the first two may be the same page, and nothing says how many there are.
        """
        known: set[_Entry] = set()
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


def _wanted(of: Replica) -> dict[str, object]:
    return {"ReplicationRegistryId": of.id, "ReplicationRegionId": of.region.id}


def _creation(found: _Creation) -> Execution:
    states = [state_of(each.task_status) for each in found.task_detail]
    state = state_of(found.status)
    if not found.status and states:
        state = _overall(states)
    ends = [time_of(each.finished_time) for each in found.task_detail]
    begins = [time for each in found.task_detail if (time := time_of(each.created_time))]
    failed = [each for each in found.task_detail if state_of(each.task_status) is State.FAILED]
    return Execution(
        id=CREATION,
        state=state,
        said=safe(found.status),
        total=len(states),
        succeeded=states.count(State.SUCCEEDED),
        failed=len(failed),
        running=states.count(State.RUNNING),
        stopped=states.count(State.STOPPED),
        started=min(begins, default=None),
        ended=max(filter(None, ends), default=None) if state.is_over else None,
        message="; ".join(safe(f"{each.task_name}: {each.task_message}") for each in failed),
    )


def _overall(states: list[State]) -> State:
    """Return how the whole is, where only its parts are told."""
    for state in (State.FAILED, State.STOPPED, State.RUNNING, State.WAITING, State.UNKNOWN):
        if state in states:
            return state
    return State.SUCCEEDED


def _synchronisation(found: _Synchronisation) -> Execution:
    return Execution(
        id=SYNCHRONISATION,
        state=state_of(found.replication_status),
        said=safe(found.replication_status),
        ended=time_of(found.replication_time),
    )


def _step(part: _Part) -> Task:
    return Task(
        id=safe(part.task_uuid),
        state=state_of(part.task_status),
        said=safe(part.task_status),
        operation=safe(part.task_name),
        started=time_of(part.created_time),
        ended=time_of(part.finished_time),
        message=safe(part.task_message),
    )


def _copied(entry: _Entry) -> Task:
    return Task(
        id=safe(f"{entry.source} {entry.start_time}"),
        state=state_of(entry.status),
        said=safe(entry.status),
        operation=safe(entry.resource_type),
        source=safe(entry.source),
        target=safe(entry.destination),
        started=time_of(entry.start_time),
        ended=time_of(entry.end_time),
    )
