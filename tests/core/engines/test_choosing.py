"""From who is to move a plan to what would be made for it, and to its engine once more.

Neither Harbor nor the cloud can be had here: `servers.harbor_replication` and `servers.tencent`
stand in for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from delegating.desk import told
from delegating.reaching import Known
from delegating.tcr import NEW, OLD, OWNER, PEER, TOKEN
from servers.docker_registry import DockerRegistry
from servers.harbor_replication.server import ADMIN, PASSWORD, ReplicatingHarbor, replicating_harbor
from servers.images import push_image
from servers.tencent import Instances, TencentApi, tencent_api
from servers.tencent import domains as domain_actions
from servers.tencent import network as network_actions
from servers.tencent import quick as quick_actions
from servers.tencent import replicas as replica_actions
from servers.tencent import replication as rule_actions
from transship import errors
from transship.engines.changes import Change, ChangeAction, ChangeSet
from transship.engines.choice import EngineKind, EngineOptions, OtherEngineKind
from transship.engines.delegation import (
    names_to_start,
    names_with_executions,
    open_engine,
    plan_delegation,
    survey_engines,
)
from transship.engines.harbor.policy import PolicyTerms, TriggerKind
from transship.engines.reach import login_at
from transship.oci.reference import Reference
from transship.plans.advice import Edition
from transship.plans.plan import Kind, Plan, Rule, TagFilter
from transship.registry.credential import Credential

LOGIN = Credential(ADMIN, PASSWORD)


@pytest.fixture
def harbor(open_registry: DockerRegistry) -> Iterator[ReplicatingHarbor]:
    with replicating_harbor(open_registry) as server:
        yield server


@pytest.fixture
def api() -> Iterator[TencentApi]:
    actions = (rule_actions, replica_actions, quick_actions, network_actions, domain_actions)
    with tencent_api(*(each.ACTIONS for each in actions)) as api:
        api.of(Instances).add("old", OLD, edition="premium")
        api.of(Instances).add("new", NEW, region="eu-frankfurt", region_id=17, edition="standard")
        yield api


@pytest.fixture
def known(harbor: ReplicatingHarbor, api: TencentApi, htpasswd_registry: DockerRegistry) -> Known:
    known = Known()
    known.add(harbor.host, LOGIN, "harbor")
    login = Credential(htpasswd_registry.username or "", htpasswd_registry.password or "")
    known.add(htpasswd_registry.host, login)
    known.add(OLD, service="tcr", api=api.host)
    known.add(NEW, service="tcr", api=api.host)
    known.add(PEER, Credential("200000000003", TOKEN), service="tcr")
    return known


def plan_between(source: str, target: str, path: str = "team", to: str = "mirror") -> Plan:
    rule = Rule(Reference(source, path), (Reference(target, to),), ("*/**",), TagFilter())
    return Plan(kind=Kind.SYNC, rules=(rule,))


async def test_a_harbor_that_is_the_source_pushes(
    known: Known,
    harbor: ReplicatingHarbor,
    htpasswd_registry: DockerRegistry,
    open_registry: DockerRegistry,
    fresh_name: Callable[[], str],
) -> None:
    path = fresh_name()
    push_image(open_registry, f"{path}/web", "v1")
    plan = plan_between(harbor.host, htpasswd_registry.host, path)
    async with known.reached() as reach:
        wish = await plan_delegation(EngineKind.HARBOR, plan, reach, EngineOptions(name="nightly"))

        assert (wish.who, wish.host) == ("harbor", harbor.host)
        endpoint = htpasswd_registry.host.replace(":", "-")
        assert [str(each) for each in wish.changes.changes] == [
            f"create registry endpoint {endpoint}",
            "create replication policy nightly",
        ]
        assert (wish.of, wish.begins) == (("nightly",), ("nightly",))
        assert wish.serving.starts is not None
        assert wish.changes.gives == (htpasswd_registry.host,)
        login = await login_at(reach, htpasswd_registry.host)
        assert login.username == htpasswd_registry.username


async def test_a_harbor_that_is_the_target_pulls(
    known: Known, harbor: ReplicatingHarbor, htpasswd_registry: DockerRegistry
) -> None:
    plan = plan_between(htpasswd_registry.host, harbor.host)
    async with known.reached() as reach:
        wish = await plan_delegation(EngineKind.HARBOR, plan, reach)

    [policy] = [each for each in wish.changes.changes if each.name in wish.of]
    assert policy.after is not None
    assert policy.after["src_registry"]
    assert wish.changes.purpose == f"pull from {htpasswd_registry.host}"


async def test_a_relay_begins_with_the_half_that_pulls(
    known: Known,
    harbor: ReplicatingHarbor,
    htpasswd_registry: DockerRegistry,
    other_registry: DockerRegistry,
) -> None:
    plan = plan_between(other_registry.host, htpasswd_registry.host)
    terms = PolicyTerms(begins=TriggerKind.SCHEDULED, cron="0 0 */2 * * *")
    options = EngineOptions(name="through", harbor=harbor.host, terms=terms)
    async with known.reached() as reach:
        wish = await plan_delegation(EngineKind.HARBOR_RELAY, plan, reach, options)

    assert not wish.changes.refusals
    assert wish.of == ("through-out", "through-in")
    assert wish.begins == ("through-in",)


@pytest.mark.parametrize(
    ("who", "named", "says"),
    [
        (EngineKind.HARBOR_RELAY, "", "which Harbor is to relay"),
        (EngineKind.HARBOR_RELAY, "the source", "needs no relay"),
        (EngineKind.HARBOR, "another", "is neither side"),
        (EngineKind.TRANSSHIP, "", "no engine"),
    ],
)
async def test_what_is_not_said_or_said_wrong_is_named(
    who: EngineKind, named: str, says: str, known: Known, harbor: ReplicatingHarbor
) -> None:
    plan = plan_between(harbor.host, "registry.example.com")
    host = {"the source": harbor.host, "another": "harbor.example.com"}.get(named, "")
    async with known.reached() as reach:
        with pytest.raises(errors.BadRequest, match=says):
            await plan_delegation(who, plan, reach, EngineOptions(harbor=host))


async def test_no_side_is_a_harbor(known: Known) -> None:
    async with known.reached() as reach:
        with pytest.raises(errors.CantBeDelegated, match="neither side"):
            await plan_delegation(
                EngineKind.HARBOR, plan_between("a.example.com", "b.example.com"), reach
            )


async def test_a_plan_between_several_pairs_is_no_engines(known: Known) -> None:
    one = plan_between("a.example.com", "b.example.com")
    both = replace(one, rules=(*one.rules, *plan_between("a.example.com", "c.example.com").rules))
    async with known.reached() as reach:
        for plan in (both, Plan(kind=Kind.SYNC)):
            with pytest.raises(errors.CantBeDelegated):
                await plan_delegation(EngineKind.HARBOR, plan, reach)


async def test_tcr_synchronises_two_instances(known: Known) -> None:
    async with known.reached() as reach:
        wish = await plan_delegation(
            EngineKind.TCR_SYNC, plan_between(OLD, NEW), reach, EngineOptions(name="sync")
        )

        assert (wish.who, wish.host, wish.of) == ("tcr-sync", OLD, ("sync",))
        assert wish.serving.starts is None
        assert [str(each) for each in wish.changes.changes] == ["create sync rule sync"]
        assert wish.changes.gives == ()


async def test_a_destination_that_the_keys_do_not_see_has_to_be_said(known: Known) -> None:
    plan = plan_between(OLD, PEER)
    async with known.reached() as reach:
        with pytest.raises(errors.NoInstance) as seen:
            await plan_delegation(EngineKind.TCR_SYNC, plan, reach)
        assert "--uin" in seen.value.remedy
        with pytest.raises(errors.BadRequest, match="can't be asked"):
            await plan_delegation(EngineKind.TCR_SYNC, plan, reach, EngineOptions(uin=OWNER))
        options = EngineOptions(uin=OWNER, instance="tcr-0000peer", region="ap-guangzhou")
        wish = await plan_delegation(EngineKind.TCR_SYNC, plan, reach, options)

    assert wish.changes.gives == (PEER,)
    assert "200000000002" in wish.changes.changes[0].warns[0]


async def test_a_replica_stands_where_the_target_is_or_where_it_is_said(known: Known) -> None:
    async with known.reached() as reach:
        across = await plan_delegation(EngineKind.TCR_REPLICA, plan_between(OLD, NEW), reach)
        assert "eu-frankfurt" in told(across.changes)
        options = EngineOptions(region="ap-shanghai")
        wish = await plan_delegation(EngineKind.TCR_REPLICA, plan_between(OLD, NEW), reach, options)

    assert [str(each) for each in wish.changes.changes] == [
        "create replication instance ap-shanghai"
    ]
    assert wish.of == ("ap-shanghai",)


@pytest.mark.parametrize(
    ("who", "is_followed", "is_started"),
    [
        (EngineKind.TCR_SYNC, True, False),
        (EngineKind.TCR_REPLICA, True, False),
        (OtherEngineKind.QUICK, False, False),
        (OtherEngineKind.NETWORK, False, False),
        (OtherEngineKind.DOMAIN, False, False),
    ],
)
async def test_the_engine_of_a_delegation_is_opened_again(
    who: str, is_followed: bool, is_started: bool, known: Known
) -> None:
    async with known.reached() as reach:
        serving = await open_engine(str(who), OLD, reach)
        assert serving.engine.name.startswith("TCR instance old")
    assert (serving.follows is not None, serving.starts is not None) == (is_followed, is_started)


async def test_the_harbor_of_a_delegation_is_opened_again(
    known: Known, harbor: ReplicatingHarbor
) -> None:
    async with known.reached() as reach:
        serving = await open_engine("harbor-relay", harbor.host, reach)
        assert serving.follows is not None
        assert serving.starts is not None
        assert await serving.engine.read("replication policy", "none") is None
        with pytest.raises(errors.CantBeDelegated):
            await open_engine("from-the-future", harbor.host, reach)


async def test_without_a_login_none_is_handed_over(known: Known) -> None:
    async with known.reached() as reach:
        with pytest.raises(errors.SignInNeeded, match=r"registry\.example\.com"):
            await login_at(reach, "registry.example.com")


def test_what_is_taken_away_has_no_executions() -> None:
    gone = Change(ChangeAction.DELETE, "replication policy", "old", {"enabled": True})
    there = Change(ChangeAction.LEAVE, "sync rule", "sync", {}, {})
    changes = ChangeSet("engine", "purpose", (gone, there)).changes
    assert names_with_executions(changes) == names_to_start(changes) == ("sync",)


class TestWays:
    async def test_what_the_keys_see_of_both_instances_counts(self, known: Known) -> None:
        async with known.reached() as reach:
            found = await survey_engines(plan_between(OLD, NEW), reach)

        assert found.ends.source.edition is Edition.PREMIUM
        assert found.ends.target.edition is Edition.STANDARD
        assert found.ends.same_owner is True
        by_who = {way.who: way for way in found.ways}
        assert by_who[EngineKind.TCR_SYNC].is_possible
        assert "across the border" in by_who[EngineKind.TCR_REPLICA].obstacle
        assert found.unknown == ()

    async def test_an_answer_goes_before_what_is_asked(self, known: Known) -> None:
        answers = [("target-edition", "basic")]
        async with known.reached() as reach:
            found = await survey_engines(plan_between(OLD, NEW), reach, answers=answers)
        by_who = {way.who: way for way in found.ways}
        assert "basic" in by_who[EngineKind.TCR_SYNC].obstacle

    async def test_what_cannot_be_asked_is_said(self, known: Known, api: TencentApi) -> None:
        api.denied.add("DescribeInstances")
        async with known.reached() as reach:
            found = await survey_engines(plan_between(OLD, NEW), reach)
        assert [text.split(" couldn't")[0] for text in found.unknown] == [
            f"What {OLD} is",
            f"What {NEW} is",
        ]
        by_who = {way.who: way for way in found.ways}
        assert "source-edition" in by_who[EngineKind.TCR_SYNC].asks
