"""What Harbor couldn't do, or would fail of, is refused in words before anything is made.

Harbor can't be had here: `servers.harbor_replication` stands in.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from delegating.desk import told
from servers.harbor import Project
from servers.harbor_replication.server import ReplicatingHarbor
from transship.engines.filters import PolicySelection
from transship.engines.harbor import replication
from transship.engines.harbor.adapters import RemoteRegistry, remote_registry_of
from transship.engines.harbor.engine import HarborEngine
from transship.engines.harbor.policy import PolicyTerms, TriggerKind
from transship.oci.reference import Reference
from transship.plans.plan import Kind, Plan, Rule, TagFilter
from transship.registry.access import Access
from transship.registry.credential import Credential, Tls

PARTS = (PolicySelection("team/**"),)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (PolicyTerms(TriggerKind.SCHEDULED), "needs a cron line"),
        (PolicyTerms(TriggerKind.SCHEDULED, cron="30 2 * * *"), "have six"),
        (PolicyTerms(TriggerKind.SCHEDULED, cron="5 30 2 * * *"), "nothing but 0 for the seconds"),
        (PolicyTerms(TriggerKind.SCHEDULED, cron="0 * 2 * * *"), "no * for the minutes"),
        (PolicyTerms(TriggerKind.SCHEDULED, cron="0 0 2 * * 7"), "Sunday as 0"),
        (PolicyTerms(TriggerKind.SCHEDULED, cron="0 99 2 * * 1"), "99"),
        (PolicyTerms(TriggerKind.MANUAL, cron="0 0 2 * * *"), "is for scheduled"),
        (PolicyTerms(TriggerKind.EVENT, single_active=True), "as often as there are events"),
        (PolicyTerms(deletion=True), "only by events"),
        (PolicyTerms(speed=-1), "no speed"),
        (PolicyTerms(copy_by_chunk=True), "in pieces"),
    ],
)
async def test_terms_that_harbor_would_not_take_are_refused_before(
    terms: PolicyTerms, said: str, engine: HarborEngine, target: RemoteRegistry
) -> None:
    assert said in told(await replication.plan_push(engine, "nightly", target, PARTS, terms))


async def test_what_pulls_cannot_go_by_events(engine: HarborEngine, target: RemoteRegistry) -> None:
    shown = await replication.plan_pull(
        engine, "nightly", target, PARTS, PolicyTerms(TriggerKind.EVENT)
    )
    assert "pull by events" in told(shown)
    assert "by the clock" in told(shown)


async def test_a_login_of_ecr_public_is_not_handed_over_to_end_there(engine: HarborEngine) -> None:
    far = RemoteRegistry("public.ecr.aws", "ecr-public", "AWS")

    assert "lives 12 hours" in told(await replication.plan_pull(engine, "nightly", far, PARTS))


@pytest.mark.parametrize(
    ("far", "adapter"),
    [
        (RemoteRegistry("new.azurecr.io", "acr"), "azure-acr"),
        (RemoteRegistry("registry.example"), "docker-registry"),
        (RemoteRegistry("new.example", "ghcr"), "docker-registry"),
        (RemoteRegistry("public.ecr.aws", "ecr-public"), "docker-registry"),
        (RemoteRegistry("x.tencentcloudcr.com", "tcr"), "docker-registry"),
        (
            RemoteRegistry(
                "x.tencentcloudcr.com", "tcr", "AKID1", "tcr.tencentcloudapi.com", keys=True
            ),
            "tencent-tcr",
        ),
    ],
)
async def test_the_adapter_fits_the_service_and_what_harbor_has(
    far: RemoteRegistry, adapter: str, engine: HarborEngine
) -> None:
    shown = await replication.plan_push(engine, "nightly", far, PARTS)
    assert shown.changes[0].after
    assert shown.changes[0].after["type"] == adapter
    assert shown.gives == far.gives


async def test_the_keys_of_a_cloud_are_for_names_of_that_cloud_only(engine: HarborEngine) -> None:
    custom = RemoteRegistry("images.example", "tcr", "AKID1", "tcr.tencentcloudapi.com", keys=True)
    shown = await replication.plan_push(engine, "n", custom, PARTS)
    assert "the login of the registry" in told(shown)


async def test_an_adapter_with_one_address_and_one_user_has_those(
    engine: HarborEngine, server: ReplicatingHarbor
) -> None:
    hub = await replication.plan_push(engine, "n", RemoteRegistry("docker.io", "docker-hub"), PARTS)
    assert hub.changes[0].after
    assert hub.changes[0].after["url"] == "https://hub.docker.com"
    server.adapters.append("google-gcr")
    token = RemoteRegistry("gcr.io", "gcr", username="oauth2accesstoken")
    assert "as _json_key only" in told(await replication.plan_push(engine, "n", token, PARTS))
    key = await replication.plan_push(engine, "n", replace(token, username="_json_key"), PARTS)
    assert key.gives == ("gcr.io",)


async def test_a_proxy_cache_that_would_silently_take_nothing_is_refused(
    engine: HarborEngine, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    server.projects = {"cache": Project(proxies=7), "cache-too": Project()}
    into = [PolicySelection("**", namespace="cache/x")]
    assert "project cache is a proxy cache" in told(
        await replication.plan_pull(engine, "n", target, into)
    )
    keeps = [PolicySelection("cache-too/**"), PolicySelection("*/web")]
    assert not (await replication.plan_pull(engine, "n", target, keeps)).refusals


async def test_an_adapter_that_is_not_allowed_is_named(
    engine: HarborEngine, server: ReplicatingHarbor
) -> None:
    server.adapters = ["harbor"]
    shown = await replication.plan_push(
        engine, "nightly", RemoteRegistry("registry.example"), PARTS
    )
    assert "no adapter docker-registry (it has harbor)" in told(shown)
    assert "REPLICATION_ADAPTER_WHITELIST" in told(shown)


async def test_what_harbor_cannot_list_it_cannot_pull_by_patterns(engine: HarborEngine) -> None:
    hub_like = RemoteRegistry("x.tencentcloudcr.com", "tcr")
    assert "by its cloud's API only" in told(
        await replication.plan_pull(engine, "n", hub_like, PARTS)
    )
    named = await replication.plan_pull(engine, "n", hub_like, [PolicySelection("team/web")])
    assert not named.refusals


async def test_a_name_that_harbor_would_fail_of_is_refused(
    engine: HarborEngine, target: RemoteRegistry
) -> None:
    parts = [PolicySelection("**", namespace="mirror", replaces=2)]
    shown = await replication.plan_push(
        engine, "n", target, parts, examples=("a/b/web", "team/web", "team/x/y")
    )
    assert "team/web has too few components" in told(shown)
    assert "a/b/web has" not in told(shown)


async def test_a_name_that_the_other_side_does_not_take_is_refused(engine: HarborEngine) -> None:
    hub = RemoteRegistry("docker.io", "docker-hub")
    parts = [PolicySelection("team/**", namespace="acme", replaces=1)]
    assert "acme/a/b" in told(
        await replication.plan_push(engine, "n", hub, parts, examples=("team/a/b",))
    )


async def test_what_a_plan_says_and_filters_cannot_is_refused_part_by_part(
    engine: HarborEngine, target: RemoteRegistry, server: ReplicatingHarbor
) -> None:
    rule = Rule(
        Reference(server.host, "team"),
        (Reference(target.host, "mirror"),),
        repositories=("*/**", "!tmp"),
        tags=TagFilter(semver=">=1"),
    )
    plan = Plan(kind=Kind.SYNC, rules=(rule,))
    refused = (await replication.plan_replication(engine, "n", plan, target=target)).refusals
    assert {refusal.detail.partition(":")[0] for refusal in refused} == {
        "repositories",
        "tags.semver",
    }
    elsewhere = await replication.plan_replication(
        engine, "n", plan, target=RemoteRegistry("third.example")
    )
    assert "copies nothing" in told(elsewhere)


async def test_a_relay_needs_a_project_and_a_place_to_put_names(
    engine: HarborEngine, target: RemoteRegistry
) -> None:
    source = RemoteRegistry("old.azurecr.io", "acr")
    terms = PolicyTerms(cron="0 0 * * * *")
    for via in ("", "a/b"):
        shown = await replication.plan_relay(engine, "r", source, target, PARTS, terms, via=via)
        assert "is no project" in told(shown)
    everything = [PolicySelection("**")]
    shown = await replication.plan_relay(
        engine, "r", source, target, everything, terms, via="transit"
    )
    assert "nothing takes the place of the project" in told(shown)
    shown = await replication.plan_relay(
        engine, "r", source, target, PARTS, PolicyTerms(), via="transit"
    )
    assert "needs a cron line" in told(shown)


def test_whose_login_harbor_would_have_is_told_by_the_accounts() -> None:
    login, keys = Credential("me", "secret-1"), Credential("AKID1", "secret-2")
    cloud = Access("tcr.tencentcloudapi.com", credential=keys)
    tcr = remote_registry_of(Access("x.tencentcloudcr.com", credential=login, api=cloud))
    assert (tcr.service, tcr.username, tcr.gives) == ("tcr", "AKID1", (cloud.host,))
    assert tcr.keys
    acr = remote_registry_of(
        Access("x.azurecr.io", tls=Tls(insecure=True), credential=login, api=cloud)
    )
    assert acr == RemoteRegistry("x.azurecr.io", "acr", "me", insecure=True)
    harbor = remote_registry_of(Access("images.example", service="harbor"))
    assert (harbor.service, harbor.gives) == ("harbor", ())
    assert "secret" not in repr((tcr, acr, harbor))
