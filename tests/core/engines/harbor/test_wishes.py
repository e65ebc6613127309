"""What would be made is shown whole before it is made.

Harbor can't be had here: `servers.harbor_replication` stands in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegating.desk import Desk, told
from servers.docker_registry import DockerRegistry
from servers.harbor_replication.server import DEVELOPER, PROJECT_ROBOT, ReplicatingHarbor
from servers.harbor_replication.state import ROBOT, Execution, Task
from transship import errors
from transship.engines.changes import ChangeAction, ChangeSet, change_between
from transship.engines.filters import KEEPS_LAST, PolicySelection
from transship.engines.harbor import replication
from transship.engines.harbor.adapters import RemoteRegistry
from transship.engines.harbor.engine import HarborEngine
from transship.engines.harbor.policy import POLICY, PolicyTerms, TriggerKind
from transship.engines.harbor.replication import _onward_selection
from transship.oci.reference import Reference
from transship.plans.plan import Kind, Plan, Rule, Schedule

PARTS = (PolicySelection("team/**"),)


async def test_every_field_of_a_policy_is_shown_before(
    engine: HarborEngine, target: RemoteRegistry
) -> None:
    terms = PolicyTerms(TriggerKind.SCHEDULED, cron="0 30 2 * * 0", override=False, speed=512)
    parts = [PolicySelection("team/**", namespace="mirror", replaces=1)]
    shown = await replication.plan_push(engine, "nightly", target, parts, terms)
    endpoint, policy = shown.changes
    assert {field.name: field.after for field in endpoint.fields} == {
        "type": "docker-registry",
        "url": f"http://{target.host}",
        "insecure": False,
        "description": f"Made by Transship: {target.host}",
        "access_key": target.username,
    }
    assert f"is handed the login of {target.host} ({target.username}) for" in endpoint.warns[0]
    assert "plain http" in endpoint.warns[1]
    assert {field.name: field.after for field in policy.fields} == {
        "description": f"Made by Transship: push to {target.host}",
        "src_registry": "",
        "dest_registry": endpoint.name,
        "dest_namespace": "mirror",
        "dest_namespace_replace_count": 1,
        "filters": [
            {"type": "name", "value": "team/**"},
            {"type": "tag", "value": "?*", "decoration": "matches"},
        ],
        "trigger": "scheduled",
        "cron": "0 30 2 * * 0",
        "deletion": False,
        "override": False,
        "enabled": True,
        "speed": 512,
        "copy_by_chunk": False,
        "single_active_replication": False,
    }


async def test_nothing_is_changed_by_a_wish(
    engine: HarborEngine, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    await replication.plan_push(engine, "nightly", target, PARTS)
    asked = {request.partition("?")[0] for request in server.asked}
    assert all(request.startswith("GET ") for request in asked)


async def test_a_robot_of_the_system_may_and_others_may_not(
    as_user: Callable[..., HarborEngine], target: RemoteRegistry
) -> None:
    assert not (await replication.plan_push(as_user(ROBOT), "n", target, PARTS)).refusals
    for user in (DEVELOPER, PROJECT_ROBOT):
        with pytest.raises(errors.NoRight) as refused:
            await replication.plan_push(as_user(user), "n", target, PARTS)
        assert "system administrator" in refused.value.remedy
    with pytest.raises(errors.WrongCredential):
        await replication.plan_push(as_user("admin", "wrong"), "n", target, PARTS)


async def test_the_same_wish_again_changes_nothing(
    engine: HarborEngine, desk: Desk, target: RemoteRegistry
) -> None:
    await desk.made(await replication.plan_push(engine, "nightly", target, PARTS))
    again = await replication.plan_push(engine, "nightly", target, PARTS)
    assert [change.does for change in again.changes] == [ChangeAction.LEAVE, ChangeAction.LEAVE]
    assert not again.gives


async def test_another_wish_of_the_same_name_changes_what_differs(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    terms = PolicyTerms(TriggerKind.SCHEDULED, cron="0 0 3 * * *", speed=10)
    await desk.made(await replication.plan_push(engine, "nightly", target, PARTS, terms))
    shown = await replication.plan_push(
        engine, "nightly", target, PARTS, PolicyTerms(TriggerKind.EVENT, deletion=True)
    )
    [changed] = shown.to_make
    assert changed.does is ChangeAction.CHANGE
    assert {field.name: (field.before, field.after) for field in changed.fields} == {
        "trigger": ("scheduled", "event_based"),
        "cron": ("0 0 3 * * *", ""),
        "deletion": (False, True),
        "speed": (10, 0),
    }
    identity = await desk.made(shown)
    await desk.undone(identity)
    [policy] = server.policies.values()
    assert (policy.cron, policy.settings["speed"]) == ("0 0 3 * * *", 10)


async def test_a_policy_that_others_made_is_never_changed(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    await desk.made(await replication.plan_push(engine, "nightly", target, PARTS))
    [policy] = server.policies.values()
    policy.settings["description"] = "of the platform team"
    shown = await replication.plan_push(engine, "nightly", target, PARTS)
    assert "another of this name" in told(shown)
    assert "nightly" in told(shown)


async def test_a_policy_that_appears_meanwhile_is_not_taken_for_ours(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    identity = desk.agree(await replication.plan_push(engine, "nightly", target, PARTS))
    other = await replication.plan_push(engine, "nightly", target, [PolicySelection("other/**")])
    await desk.made(other)
    with pytest.raises(errors.ChangedMeanwhile):
        await desk.make(identity)
    assert len(server.policies) == 1


async def test_an_endpoint_with_the_same_address_and_user_is_used(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    await desk.made(await replication.plan_push(engine, "one", target, PARTS))
    [endpoint] = server.endpoints.values()
    endpoint.name = "tencent"
    shown = await replication.plan_push(engine, "two", target, PARTS)
    assert [str(change) for change in shown.changes] == [
        "leave registry endpoint tencent",
        "create replication policy two",
    ]
    assert not shown.gives
    identity = await desk.made(shown)
    await desk.undone(identity)
    assert server.endpoints


async def test_an_endpoint_with_another_user_is_left_to_others(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    await desk.made(await replication.plan_push(engine, "one", target, PARTS))
    name = next(iter(server.endpoints.values())).name
    shown = await replication.plan_push(engine, "two", replace(target, username="somebody"), PARTS)
    assert str(shown.changes[0]) == f"create registry endpoint {name}-2"


async def test_an_endpoint_that_no_longer_works_is_said_before(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    await desk.made(await replication.plan_push(engine, "one", target, PARTS))
    [endpoint] = server.endpoints.values()
    endpoint.access_secret = "changed since"
    shown = await replication.plan_push(engine, "two", target, PARTS)
    assert "the registry is unhealthy" in told(shown)
    assert "secret may have changed" in told(shown)


async def test_a_login_that_does_not_work_makes_nothing(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    desk.logins = {target.host: replace(desk.logins[target.host], secret="wrong")}
    with pytest.raises(errors.EngineRefused, match="unhealthy"):
        await desk.made(await replication.plan_push(engine, "nightly", target, PARTS))
    assert not server.endpoints
    assert server.asked[-1] == "POST /api/v2.0/registries/ping"


async def test_one_field_is_changed_and_the_rest_stays(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    parts = [PolicySelection("team/**", namespace="mirror", replaces=1)]
    await desk.made(
        await replication.plan_push(engine, "nightly", target, parts, PolicyTerms(speed=1))
    )
    faster = change_between(POLICY, "nightly", {"speed": 1}, {"speed": 9})
    await desk.made(ChangeSet(engine.name, "go faster", (faster,)))
    [policy] = server.policies.values()
    assert (policy.settings["speed"], policy.settings["dest_namespace"]) == (9, "mirror")
    assert policy.settings["dest_namespace_replace_count"] == 1


async def test_a_login_that_is_another_than_was_shown_is_not_handed_over(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    desk.logins = {target.host: replace(desk.logins[target.host], username="root")}
    with pytest.raises(errors.ChangedMeanwhile, match="signs in as root"):
        await desk.made(await replication.plan_push(engine, "nightly", target, PARTS))
    assert server.secrets_seen == set()


async def test_what_is_undone_is_not_redone_without_its_login(
    engine: HarborEngine, desk: Desk, target: RemoteRegistry
) -> None:
    identity = await desk.made(await replication.plan_push(engine, "nightly", target, PARTS))
    await desk.undone(identity)
    with pytest.raises(errors.CantBeDelegated, match="isn't kept"):
        await desk.undone(desk.journal.all()[-1].id)


async def test_an_endpoint_that_is_used_elsewhere_stays_and_is_said(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    identity = await desk.made(await replication.plan_push(engine, "one", target, PARTS))
    await desk.made(await replication.plan_push(engine, "two", target, PARTS))
    with pytest.raises(errors.EngineRefused) as refused:
        await desk.undone(identity)
    assert "referenced by replication policies" in refused.value.detail
    assert "what uses it" in refused.value.remedy
    assert [policy.name for policy in server.policies.values()] == ["two"]


async def test_a_field_that_an_older_harbor_does_not_keep_is_named(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    server.forgets = {"single_active_replication"}
    terms = PolicyTerms(single_active=True)
    with pytest.raises(errors.NotAsAsked, match="single_active_replication"):
        await desk.made(await replication.plan_push(engine, "nightly", target, PARTS, terms))


async def test_a_policy_at_work_is_not_taken_away(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    identity = await desk.made(await replication.plan_push(engine, "nightly", target, PARTS))
    [policy] = server.policies.values()
    task = Task(1, "team/web", "team/web", ["v1"], "InProgress")
    server.executions[1] = Execution(1, policy, "manual", server.now(), tasks=[task])
    with pytest.raises(errors.EngineRefused) as refused:
        await desk.undone(identity)
    assert refused.value.remedy == "Stop its executions first, then try again."
    task.status = "Stopped"
    undoing = desk.journal.all()[-1].id
    await desk.make(undoing)
    assert desk.journal.read(undoing).is_whole
    assert not server.policies


async def test_a_name_that_is_taken_in_between_is_said(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    """Harbor takes a name once; who asks in the same moment is told."""
    shown = await replication.plan_push(engine, "nightly", target, PARTS)
    endpoint = shown.changes[0]
    await engine.make(endpoint, desk.gives)
    with pytest.raises(errors.EngineRefused, match="already exists") as refused:
        await engine.make(endpoint, desk.gives)
    assert "choose another" in refused.value.remedy


async def test_the_schedule_of_a_plan_is_taken_over(
    engine: HarborEngine, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    rule = Rule(Reference(server.host, "team"), (Reference(target.host, "mirror"),), ("*/**",))
    plan = Plan(kind=Kind.SYNC, rules=(rule,), schedule=Schedule(every=900))
    shown = await replication.plan_replication(engine, "n", plan, target=target)
    settings = shown.changes[1].after
    assert settings
    assert (settings["trigger"], settings["cron"]) == ("scheduled", "0 */15 * * * *")
    odd = replace(plan, schedule=Schedule(every=7))
    assert "no even part" in told(
        await replication.plan_replication(engine, "n", odd, target=target)
    )
    by_hand = await replication.plan_replication(
        engine, "n", odd, target=target, terms=PolicyTerms()
    )
    assert not by_hand.refusals


names = st.from_regex(r"[ab](/[ab]){1,4}", fullmatch=True)
parts_of_relays = st.builds(
    PolicySelection,
    st.sampled_from(["a/**", "a/b", "**", "a/*/b"]),
    namespace=st.sampled_from(["", "x", "x/y"]),
    replaces=st.integers(KEEPS_LAST, 2),
)


@given(parts_of_relays, names)
def test_two_halves_name_things_as_one_would(part: PolicySelection, name: str) -> None:
    try:
        onward = _onward_selection(part, "transit")
    except errors.CantBeDelegated:
        return
    if not part.namespace and not name.startswith("a/"):
        return
    assert onward.renamed(f"transit/{name}") == part.renamed(name)
    assert onward.name == f"transit/{part.name}"


async def test_policies_are_taken_away_by_name(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    await desk.made(await replication.plan_push(engine, "nightly", target, PARTS))
    shown = await replication.plan_policy_removal(engine, ["nightly"])
    assert "logs" in shown.changes[0].warns[0]
    identity = await desk.made(shown)
    assert not server.policies
    assert server.endpoints
    assert await desk.undone(identity) == ["create replication policy nightly"]
    assert [policy.name for policy in server.policies.values()] == ["nightly"]
    assert "no replication policy gone" in told(
        await replication.plan_policy_removal(engine, ["gone"])
    )


async def test_chunks_go_where_harbor_says_they_may(
    engine: HarborEngine, server: ReplicatingHarbor, desk: Desk, open_registry: DockerRegistry
) -> None:
    other = RemoteRegistry(open_registry.host, "harbor", plain_http=True)
    terms = PolicyTerms(copy_by_chunk=True)
    await desk.made(await replication.plan_push(engine, "pieces", other, PARTS, terms))
    [policy] = server.policies.values()
    assert policy.settings["copy_by_chunk"]
    assert not (await replication.plan_push(engine, "more", other, PARTS, terms)).refusals
