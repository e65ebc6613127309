"""A replica is made, filled, followed and taken away, while the cloud takes its time.

The cloud can't be had here: `servers.tencent` stands in.
"""

from __future__ import annotations

import json

import pytest

from delegating.tcr import CloudDesk, Working
from servers.tencent import Instance as Stand
from servers.tencent import TencentApi
from servers.tencent import replicas as stand_in
from transship import errors
from transship.engines.changes import ChangeJournal
from transship.engines.executions import Execution, ExecutionState, follow_execution
from transship.engines.tcr import replicas
from transship.engines.tcr.api import Region, list_regions
from transship.engines.tcr.replicas import CREATION, REPLICA, SYNCHRONISATION, ReplicaEngine
from transship.services.tencent_cloud import TcrInstance, TencentCloud

WHERE = "ap-shanghai"
REGIONS = tuple(Region(number, name) for number, name in stand_in.REGIONS.items())


@pytest.fixture
def making(api: TencentApi) -> stand_in.Replicas:
    return api.of(stand_in.Replicas)


@pytest.fixture
def filler(cloud: TencentCloud, source: TcrInstance) -> ReplicaEngine:
    return ReplicaEngine(cloud, source)


@pytest.fixture
def desk(filler: ReplicaEngine, journal: ChangeJournal) -> CloudDesk:
    return CloudDesk(filler, journal, {})


async def made(filler: ReplicaEngine, desk: CloudDesk, *names: str) -> str:
    there = await filler.replicas()
    shown = replicas.plan_replicas(filler.primary, names, REGIONS, there)
    return await desk.made(shown)


async def ended(
    filler: ReplicaEngine, execution: str, making: stand_in.Replicas, where: str = WHERE
) -> list[Execution]:
    clock = Working(making.step)
    return [each async for each in follow_execution(filler, where, execution, clock, every=10)]


async def test_a_replica_is_made_followed_and_taken_back(
    filler: ReplicaEngine, desk: CloudDesk, making: stand_in.Replicas, api: TencentApi
) -> None:
    identity = await made(filler, desk, WHERE)
    begun = await filler.read(REPLICA, WHERE)
    assert begun is not None
    assert begun.status == "Deploying"
    assert [each.id async for each in filler.executions(WHERE)] == [CREATION]

    creation = await ended(filler, CREATION, making)
    assert [each.state for each in creation][-2:] == [
        ExecutionState.RUNNING,
        ExecutionState.SUCCEEDED,
    ]
    assert (creation[-1].total, creation[-1].succeeded) == (2, 2)
    assert creation[-1].ended is not None
    steps = [task async for task in filler.tasks(WHERE, CREATION)]
    assert [(step.operation, step.state) for step in steps] == [
        ("SyncDBTask", ExecutionState.SUCCEEDED),
        ("CreateTcrCrdTask", ExecutionState.SUCCEEDED),
    ]

    filled = await ended(filler, SYNCHRONISATION, making)
    assert [each.said for each in filled] == ["StatusUnKnow", "InProgress", "Succeed"]
    assert [each.state for each in filled] == [
        ExecutionState.UNKNOWN,
        ExecutionState.RUNNING,
        ExecutionState.SUCCEEDED,
    ]
    assert filled[-1].ended is not None
    assert [each.id async for each in filler.executions(WHERE)] == [SYNCHRONISATION, CREATION]
    found = await filler.read(REPLICA, WHERE)
    assert found is not None
    assert (found.status, found.id) == ("Running", begun.id)

    assert await desk.undone(identity) == [f"delete replication instance {WHERE}"]
    assert [each.is_being_deleted for each in await filler.replicas()] == [True]
    making.step()
    assert not making.every
    [asked] = api.calls("CreateReplicationInstance")
    assert asked["SyncTag"] is False


async def test_a_replica_that_was_deleted_is_made_again_by_undo(
    filler: ReplicaEngine, desk: CloudDesk, making: stand_in.Replicas
) -> None:
    await made(filler, desk, WHERE)
    there = await filler.replicas()
    identity = await desk.made(replicas.plan_replica_removal(filler.primary, [WHERE], there))
    making.step()

    assert await desk.undone(identity) == [f"create replication instance {WHERE}"]
    assert [each.region_id for each in making.every] == [4]


async def test_one_that_is_made_while_the_old_one_leaves_is_the_one_that_is_read(
    filler: ReplicaEngine, desk: CloudDesk, making: stand_in.Replicas, old: Stand
) -> None:
    await made(filler, desk, WHERE)
    making.every[0].status = "Deleting"
    assert await filler.read(REPLICA, WHERE) is None
    making.every.append(stand_in.Replica("tcr-fresh", old, 4))

    found = await filler.read(REPLICA, WHERE)

    assert found is not None
    assert found.id == "tcr-fresh"


async def test_a_making_that_fails_says_where_and_why(
    filler: ReplicaEngine, desk: CloudDesk, making: stand_in.Replicas
) -> None:
    await made(filler, desk, WHERE)
    making.every[0].steps["SyncDBTask"] = ("FAILED", "no \x1b[2Jroom")

    found = await filler.execution(WHERE, CREATION)

    assert (found.state, found.failed) == (ExecutionState.FAILED, 1)
    assert found.message == "SyncDBTask: no  [2Jroom"
    assert [each.id async for each in filler.executions(WHERE)] == [CREATION]


ENTRY = {
    "ResourceType": "image",
    "Source": "test/test:[1]",
    "Destination": "test/test:[1]",
    "Status": "Succeed",
    "StartTime": "2021-09-28T07:47:44.302804Z",
    "EndTime": "2021-09-28T07:47:53Z",
}


async def test_the_log_of_a_synchronisation_are_its_tasks(
    filler: ReplicaEngine, desk: CloudDesk, making: stand_in.Replicas, api: TencentApi
) -> None:
    await made(filler, desk, WHERE)
    assert not [task async for task in filler.tasks(WHERE, SYNCHRONISATION)]
    making.every[0].log = ENTRY

    [task] = [task async for task in filler.tasks(WHERE, SYNCHRONISATION)]

    assert (task.state, task.source, task.target) == (
        ExecutionState.SUCCEEDED, "test/test:[1]", "test/test:[1]",
    )  # fmt: skip
    assert await filler.log(WHERE, SYNCHRONISATION, task.id) == ""
    asked = api.calls("DescribeReplicationInstanceSyncStatus")[-1]
    assert (asked["Offset"], asked["Limit"], asked["ShowReplicationLog"]) == (0, 20, True)


@pytest.mark.parametrize("before", ["nothing", "the first page", "an empty page"])
async def test_the_log_is_read_page_by_page_whichever_number_is_the_first(
    before: str,
    filler: ReplicaEngine,
    desk: CloudDesk,
    api: TencentApi,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The API's example has a list, for which the SDK's model has no room: so it is given whole."""
    await made(filler, desk, WHERE)
    entries = [{**ENTRY, "Source": f"test/test:[{number}]"} for number in range(45)]
    pages = [entries[start : start + 20] for start in (0, 20, 40)]
    answers = {"nothing": [], "the first page": pages[:1], "an empty page": [[]]}[before] + pages
    listing = filler._in

    async def found(region: str) -> object:
        replica = await listing(region)
        for page in answers:
            body = {
                "ReplicationStatus": "Succeed",
                "ReplicationTime": "2021-09-28T08:00:15Z",
                "ReplicationLog": page,
                "RequestId": "88b91f6a",
            }
            api.raw.append((200, {}, json.dumps({"Response": body}).encode()))
        return replica

    monkeypatch.setattr(filler, "_in", found)

    tasks = [task async for task in filler.tasks(WHERE, SYNCHRONISATION)]

    assert [task.source for task in tasks] == [entry["Source"] for entry in entries]
    assert not api.raw


async def test_lists_that_do_not_come_whole_are_errors_that_name_it(
    cloud: TencentCloud,
    filler: ReplicaEngine,
    desk: CloudDesk,
    making: stand_in.Replicas,
    api: TencentApi,
    old: Stand,
) -> None:
    assert await list_regions(cloud) == REGIONS
    making.more_regions = 1
    with pytest.raises(errors.ListIncomplete, match="DescribeRegions: 7 of 8"):
        await list_regions(cloud)
    for number in range(103):
        making.every.append(stand_in.Replica(f"tcr-{number}", old, 9))
    assert len(await filler.replicas()) == 103
    assert [call["Offset"] for call in api.calls("DescribeReplicationInstances")] == [0, 100]
    api.denied = {"DescribeReplicationInstances"}
    with pytest.raises(errors.NoRight, match="DescribeReplicationInstances"):
        await filler.replicas()


async def test_what_is_not_there_is_said(
    filler: ReplicaEngine, desk: CloudDesk, making: stand_in.Replicas
) -> None:
    assert await filler.read(REPLICA, WHERE) is None
    with pytest.raises(errors.EngineRefused, match=f"no replica in {WHERE}"):
        await filler.execution(WHERE, CREATION)
    await made(filler, desk, WHERE)
    with pytest.raises(errors.ExecutionNotFound):
        await filler.execution(WHERE, "7")
    with pytest.raises(errors.ExecutionNotFound):
        _ = [task async for task in filler.tasks(WHERE, "7")]


async def test_what_tcr_refuses_is_said(
    filler: ReplicaEngine, desk: CloudDesk, old: Stand, api: TencentApi
) -> None:
    there = await filler.replicas()
    shown = replicas.plan_replicas(filler.primary, [WHERE], REGIONS, there)
    identity = desk.agree(shown)
    old.edition = "standard"

    with pytest.raises(errors.CantBeDelegated, match="only premium") as refused:
        await desk.make(identity)
    assert refused.value.remedy == "Let TCR synchronise two instances by rules instead."
    api.refuses["CreateReplicationInstance"] = ["InvalidParameter.ReplicationExists"]
    old.edition = "premium"
    with pytest.raises(errors.EngineRefused, match="a replica in that region already"):
        await desk.make(identity)
    assert await desk.make(identity) == [f"create replication instance {WHERE}"]
