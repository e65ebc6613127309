"""What rules do by themselves, followed; and what can't be read or is refused, said in words.

The cloud can't be had here: `servers.tencent` stands in.
"""

from __future__ import annotations

import pytest

from delegating.tcr import OLD, CloudDesk, only
from servers.tencent import Instance as Stand
from servers.tencent import Instances, TencentApi
from servers.tencent.replication import Replication
from transship import errors
from transship.engines.changes import ChangeJournal
from transship.engines.executions import ExecutionState
from transship.engines.tcr import sync_rules
from transship.engines.tcr.sync_rules import (
    PatternSyntax,
    SyncDestination,
    SyncRule,
    SyncRuleEngine,
)
from transship.services.tencent_cloud import TcrInstance, TencentCloud


async def test_what_tcr_refuses_is_explained(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    old: Stand,
    api: TencentApi,
) -> None:
    def wished(name: str) -> str:
        return desk.agree(sync_rules.plan_rules(source, target, [SyncRule(name, names="a/**")], ()))

    identity = wished("twice")
    api.refuses["ManageReplication"] = ["InvalidParameter.ReplicationExists"]
    with pytest.raises(errors.EngineRefused, match="has a rule of this name already"):
        await desk.make(identity)

    old.edition = "basic"
    with pytest.raises(errors.CantBeDelegated, match="the basic edition has no rules"):
        await desk.make(wished("basic"))


async def test_a_region_that_is_not_the_sources_is_explained(
    cloud: TencentCloud,
    source: TcrInstance,
    target: SyncDestination,
    old: Stand,
    journal: ChangeJournal,
    api: TencentApi,
) -> None:
    elsewhere = TcrInstance(
        old.id, "old", "premium", "Running", target.region, target.region_id, OLD
    )
    engine = SyncRuleEngine(cloud, elsewhere)
    shown = sync_rules.plan_rules(elsewhere, target, [SyncRule("r", names="a/**")], ())
    api.of(Instances).every[0].region = "ap-guangzhou"

    with pytest.raises(errors.EngineRefused, match="the region of their source") as refused:
        await engine.make(shown.changes[0], CloudDesk(engine, journal, {}).gives)

    assert refused.value.remedy.startswith("Name the instance")


@pytest.mark.parametrize(
    "action",
    [
        "DescribeReplicationPolicies",
        "DescribeReplicationExecutions",
        "DescribeReplicationTasks",
    ],
)
async def test_a_list_that_does_not_come_whole_is_an_error_that_names_it(
    action: str,
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    old: Stand,
    api: TencentApi,
    replication: Replication,
) -> None:
    await desk.made(sync_rules.plan_rules(source, target, [SyncRule("r", names="a/**")], ()))
    replication.started("r", *((f"a/{number}", "v1") for number in range(150)))
    execution = await only(engine, "r")
    assert len([task async for task in engine.tasks("r", execution.id)]) == 150
    api.of(Instances).said[action] = 1

    with pytest.raises(errors.ListIncomplete, match=action):
        _ = [task async for task in engine.tasks("r", (await only(engine, "r")).id)]


async def test_a_page_that_fails_is_not_the_end(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    api: TencentApi,
    replication: Replication,
) -> None:
    await desk.made(sync_rules.plan_rules(source, target, [SyncRule("r", names="a/**")], ()))
    for _ in range(130):
        replication.started("r", ("a/web", "v1"))
    assert [int(each.id) async for each in engine.executions("r")] == list(range(130, 0, -1))
    pages = api.calls("DescribeReplicationExecutions")
    assert [(page["Page"], page["PageSize"]) for page in pages] == [(1, 100), (2, 100)]

    api.denied = {"DescribeReplicationExecutions"}
    with pytest.raises(errors.NoRight, match="DescribeReplicationExecutions"):
        await engine.execution("r", "7")


async def test_an_execution_or_a_rule_that_is_not_there_is_said(
    engine: SyncRuleEngine, desk: CloudDesk, source: TcrInstance, target: SyncDestination
) -> None:
    with pytest.raises(errors.EngineRefused, match="has no rule r"):
        await engine.execution("r", "7")
    await desk.made(sync_rules.plan_rules(source, target, [SyncRule("r", names="a/**")], ()))
    for name in ("7", "x"):
        with pytest.raises(errors.ExecutionNotFound):
            await engine.execution("r", name)
    with pytest.raises(errors.ExecutionNotFound):
        _ = [task async for task in engine.tasks("r", "x")]


@pytest.mark.parametrize(
    ("reads", "pattern", "explains"),
    [
        ("glob", "team/a*", (PatternSyntax.GLOB,)),
        ("regex", "team/a.*", (PatternSyntax.REGEX,)),
        ("regex", "team/api", (PatternSyntax.GLOB, PatternSyntax.REGEX)),
    ],
)
async def test_how_patterns_are_read_is_told_by_what_was_taken(
    reads: str,
    pattern: str,
    explains: tuple[PatternSyntax, ...],
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    old: Stand,
    replication: Replication,
) -> None:
    replication.reads = reads
    await desk.made(sync_rules.plan_rules(source, target, [SyncRule("r", names=pattern)], ()))
    replication.pushed(old, "team/api", "v1")

    found = await engine.judged("r", (await only(engine, "r")).id, ["team/api:v1", "team/b:v1"])

    assert found.taken == ("team/api:v1",)
    assert found.missing == ("team/b:v1",)
    assert found.explains == explains
    assert found.beyond == (() if PatternSyntax.GLOB in explains else ("team/api:v1",))


async def test_names_from_the_cloud_can_not_steer_the_terminal(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    replication: Replication,
) -> None:
    await desk.made(sync_rules.plan_rules(source, target, [SyncRule("r", names="a/**")], ()))
    replication.resource = lambda _: "tcr-1/\x1b[2Jx y"
    replication.started("r", ("a/\x1b[2Jweb", "v1"))

    [rule] = await engine.rules()
    [task] = [task async for task in engine.tasks("r", (await only(engine, "r")).id)]

    assert "\x1b" not in rule.destination + task.source + task.target


async def test_an_execution_that_went_well_in_part_did_not_go_well(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    replication: Replication,
) -> None:
    await desk.made(sync_rules.plan_rules(source, target, [SyncRule("r", names="a/**")], ()))
    replication.started("r", ("a/web", "v1"), ("a/api", "v1"))
    [execution] = replication.executions
    execution.status, execution.tasks[0].status = "succeed", "Succeed"

    found = await only(engine, "r")

    assert (found.state, found.said) == (ExecutionState.FAILED, "succeed")
    assert found.message == "1 of 2 tasks succeeded; the API doesn't say why"
