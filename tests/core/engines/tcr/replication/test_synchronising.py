"""From a wish to images that TCR has moved itself, judged by skopeo; and back again.

The cloud can't be had here: `servers.tencent` stands in, between two registries that are real.
"""

from __future__ import annotations

import pytest

from delegating.tcr import NEW, OLD, CloudDesk, only, over
from moving.judge import digest_at, tags_at
from servers.images import make_layer, push_image
from servers.registry import Registry
from servers.tencent import Instance as Stand
from servers.tencent import TencentApi
from servers.tencent.replication import Policy, Replication
from transship import errors
from transship.engines.delegation import plan_revert
from transship.engines.executions import ExecutionState
from transship.engines.tcr import sync_rules
from transship.engines.tcr.sync_rules import RULE, SyncDestination, SyncRule, SyncRuleEngine
from transship.oci.reference import Reference
from transship.plans.plan import Kind, OnConflict, Plan, Rule, TagFilter
from transship.services.tencent_cloud import TcrInstance


async def test_a_plan_is_moved_by_tcr_and_can_be_taken_back(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    old: Stand,
    replication: Replication,
    open_registry: Registry,
    other_registry: Registry,
    repository: str,
) -> None:
    rule = Rule(
        Reference(OLD, repository),
        (Reference(NEW, f"mirror/{repository.partition('/')[2]}"),),
        repositories=("*",),
        tags=TagFilter(include=("v*",)),
    )
    plan = Plan(kind=Kind.SYNC, rules=(rule,), on_conflict=OnConflict.OVERWRITE)
    shown = sync_rules.plan_rules_from(source, target, "nightly", plan, await engine.rules())
    assert [str(change) for change in shown.changes] == ["create sync rule nightly"]
    assert shown.engine == engine.name

    identity = await desk.made(shown)
    [there] = await engine.rules()
    assert (there.name, there.is_ours, there.leads_to) == ("nightly", True, target.id)
    assert not [each async for each in engine.executions("nightly")]

    image = push_image(open_registry, f"{repository}/web", "v1")
    for tag in ("v1", "edge"):
        replication.pushed(old, f"{repository}/web", tag)
    waiting = [task async for task in engine.tasks("nightly", (await only(engine, "nightly")).id)]
    assert [task.state for task in waiting] == [ExecutionState.WAITING]
    seen = await over(engine, "nightly", replication)

    assert [each.state for each in seen] == [ExecutionState.RUNNING, ExecutionState.SUCCEEDED]
    assert (seen[-1].total, seen[-1].succeeded, seen[-1].said) == (1, 1, "succeed")
    assert seen[-1].started is not None
    assert seen[-1].ended is not None
    moved = f"mirror/{repository.partition('/')[2]}/web"
    assert digest_at(other_registry, moved, "v1") == image.digest
    assert tags_at(other_registry, moved) == ["v1"]
    [task] = [task async for task in engine.tasks("nightly", seen[-1].id)]
    assert (task.state, task.target) == (ExecutionState.SUCCEEDED, f"{moved}:[v1]")
    assert not task.has_log
    assert await engine.log("nightly", seen[-1].id, task.id) == ""

    assert await desk.undone(identity) == ["delete sync rule nightly"]
    assert not replication.policies
    assert tags_at(other_registry, moved) == ["v1"]


async def test_rules_are_asked_for_where_their_source_is(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    api: TencentApi,
) -> None:
    await desk.made(sync_rules.plan_rules(source, target, [SyncRule("r", names="team/**")], ()))

    assert {call.region for call in api.asked if "Replication" in call.action} == {source.region}
    [sent] = api.calls("ManageReplication")
    assert sent == {
        "SourceRegistryId": source.id,
        "DestinationRegistryId": target.id,
        "DestinationRegionId": 17,
        "Description": f"Made by Transship: to {target.id}/, region 17, deletion off",
        "Rule": {
            "Name": "r",
            "DestNamespace": "",
            "Override": False,
            "Deletion": False,
            "Filters": [{"Type": "name", "Value": "team/**"}],
        },
    }


async def test_a_rule_is_changed_and_changed_back(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    replication: Replication,
) -> None:
    first = SyncRule("r", names="team/**", namespace="team")
    await desk.made(sync_rules.plan_rules(source, target, [first], ()))
    second = SyncRule("r", "team/*", "v*", "image", "other", override=True, deletion=True)
    shown = sync_rules.plan_rules(source, target, [second], await engine.rules())
    [change] = shown.changes
    assert [field.name for field in change.fields] == [
        "DestNamespace", "Filters", "Override", "Deletion", "Description",
    ]  # fmt: skip

    identity = await desk.made(shown)
    [policy] = replication.policies
    assert (policy.rule["Deletion"], policy.rule["DestNamespace"]) == (True, "other")
    same = sync_rules.plan_rules(source, target, [second], await engine.rules())
    assert not same.to_make

    assert await desk.undone(identity) == ["change sync rule r"]
    assert (policy.rule["Deletion"], policy.rule["DestNamespace"]) == (False, "team")
    [there] = await engine.rules()
    assert there.found.settings == first.settings(target)


async def test_a_rule_is_disabled_and_then_takes_nothing(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    old: Stand,
    replication: Replication,
) -> None:
    await desk.made(sync_rules.plan_rules(source, target, [SyncRule("r", names="team/**")], ()))
    disabled = [SyncRule("r", names="team/**", enabled=False)]
    identity = await desk.made(
        sync_rules.plan_rules(source, target, disabled, await engine.rules())
    )

    replication.pushed(old, "team/web", "v1")

    assert not replication.executions
    found = await engine.read(RULE, "r")
    assert found is not None
    assert found.status == "disabled"
    await desk.undone(identity)
    replication.pushed(old, "team/web", "v1")
    assert replication.executions


async def test_a_rule_that_was_deleted_is_made_again_as_it_was(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    replication: Replication,
) -> None:
    rule = SyncRule("r", names="team/**", deletion=True, enabled=False)
    await desk.made(sync_rules.plan_rules(source, target, [rule], ()))
    identity = await desk.made(sync_rules.plan_rule_removal(source, ["r"], await engine.rules()))
    assert not replication.policies

    assert await desk.undone(identity) == ["create sync rule r"]

    [policy] = replication.policies
    assert (policy.rule["Deletion"], policy.enabled) == (True, False)


async def test_a_rule_of_others_is_deleted_only_when_asked_and_not_made_again(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    old: Stand,
    new: Stand,
    replication: Replication,
) -> None:
    rule = {"Name": "theirs", "DestNamespace": "x", "Override": False, "Filters": []}
    replication.policies.append(Policy(1, old, new, rule, "by hand"))
    there = await engine.rules()
    [refusal] = sync_rules.plan_rules(
        source, target, [SyncRule("theirs", names="a/b")], there
    ).refusals
    assert isinstance(refusal, errors.NameTaken)

    shown = sync_rules.plan_rule_removal(source, ["theirs"], there)
    assert "undo can't make it again" in " ".join(shown.changes[0].warns)
    identity = await desk.made(shown)

    with pytest.raises(errors.CantBeDelegated, match="not all that it was set to is known"):
        await desk.undone(identity)
    assert not replication.policies


async def test_a_lost_answer_is_gone_on_from(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    api: TencentApi,
    replication: Replication,
) -> None:
    identity = desk.agree(sync_rules.plan_rules(source, target, [SyncRule("r", names="a/**")], ()))
    made = engine.make

    async def lost(change: object, gives: object) -> None:
        await made(change, gives)  # type: ignore[arg-type]
        raise errors.ConnectionLost("the answer is lost")

    engine.make = lost  # type: ignore[method-assign, assignment]
    with pytest.raises(errors.ConnectionLost):
        await desk.make(identity)
    engine.make = made  # type: ignore[method-assign]

    assert await desk.make(identity) == ["create sync rule r"]
    assert len(api.calls("ManageReplication")) == 1


async def test_what_tcr_does_not_keep_is_named(
    desk: CloudDesk, source: TcrInstance, target: SyncDestination, replication: Replication
) -> None:
    replication.forgets = {"Override"}
    rules = [SyncRule("r", names="a/**", override=True)]

    with pytest.raises(errors.NotAsAsked, match="Override"):
        await desk.made(sync_rules.plan_rules(source, target, rules, ()))


@pytest.mark.parametrize(
    ("resource", "is_as_asked"),
    [
        ("{id}/mirror eu-frankfurt", True),
        ("{id}/mirror/** eu-frankfurt", True),
        ("new/mirror/** eu-frankfurt", True),
        ("", True),
        ("{id}/another eu-frankfurt", False),
        ("tcr-another/mirror eu-frankfurt", False),
    ],
)
async def test_where_a_rule_leads_is_read_in_each_form_that_the_api_may_write(
    resource: str,
    is_as_asked: bool,
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    replication: Replication,
) -> None:
    replication.resource = lambda policy: resource.format(id=policy.target.id)
    rules = [SyncRule("r", names="a/**", namespace="mirror")]
    identity = desk.agree(sync_rules.plan_rules(source, target, rules, ()))

    if is_as_asked:
        await desk.make(identity)
    else:
        with pytest.raises(errors.NotAsAsked):
            await desk.make(identity)


async def test_a_tag_that_differs_is_left_alone_unless_the_rule_overrides(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    old: Stand,
    replication: Replication,
    open_registry: Registry,
    other_registry: Registry,
    repository: str,
) -> None:
    pushed = push_image(open_registry, f"{repository}/web", "v1")
    kept = push_image(other_registry, f"{repository}/web", "v1", [make_layer(b"another")])
    rule = SyncRule("r", names=f"{repository}/**")
    await desk.made(sync_rules.plan_rules(source, target, [rule], ()))
    replication.pushed(old, f"{repository}/web", "v1")
    assert (await over(engine, "r", replication))[-1].state is ExecutionState.SUCCEEDED
    assert digest_at(other_registry, f"{repository}/web", "v1") == kept.digest

    overriding = SyncRule("r", names=f"{repository}/**", override=True)
    await desk.made(sync_rules.plan_rules(source, target, [overriding], await engine.rules()))
    replication.pushed(old, f"{repository}/web", "v1")
    replication.work()

    assert digest_at(other_registry, f"{repository}/web", "v1") == pushed.digest


async def test_what_others_changed_since_is_not_undone(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    replication: Replication,
) -> None:
    identity = await desk.made(
        sync_rules.plan_rules(source, target, [SyncRule("r", names="a/**")], ())
    )
    replication.policies[0].rule["Override"] = True

    back = await plan_revert(desk.journal.read(identity), engine)

    assert not back.changes
    assert [error.detail for error in back.refusals] == ["sync rule r"]


async def test_filters_of_nothing_that_the_api_adds_are_no_change(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    target: SyncDestination,
    replication: Replication,
) -> None:
    rules = [SyncRule("r", names="a/**", tags="v1")]
    await desk.made(sync_rules.plan_rules(source, target, rules, ()))
    filters = replication.policies[0].rule["Filters"]
    replication.policies[0].rule["Filters"] = [*reversed(filters), {"Type": "resource"}]

    assert not sync_rules.plan_rules(source, target, rules, await engine.rules()).to_make
