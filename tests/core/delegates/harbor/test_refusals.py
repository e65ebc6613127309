"""What Harbor couldn't do, or would fail of, is refused in words before anything is made.

Harbor can't be had here: `servers.harbor_replication` stands in.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from delegating.desk import told
from servers.harbor import Project
from servers.harbor_replication.server import ReplicatingHarbor
from transship.delegates.filters import Selecting
from transship.delegates.harbor import wishes
from transship.delegates.harbor.adapters import Far, far_of
from transship.delegates.harbor.engine import Harbor
from transship.delegates.harbor.terms import Begins, Terms
from transship.oci.reference import Reference
from transship.plans.plan import Kind, Plan
from transship.plans.rule import Rule, TagFilter
from transship.registry.access import Access
from transship.registry.credential import Credential, Tls

PARTS = (Selecting("team/**"),)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (Terms(Begins.SCHEDULED), "needs a cron line"),
        (Terms(Begins.SCHEDULED, cron="30 2 * * *"), "have six"),
        (Terms(Begins.SCHEDULED, cron="5 30 2 * * *"), "nothing but 0 for the seconds"),
        (Terms(Begins.SCHEDULED, cron="0 * 2 * * *"), "no * for the minutes"),
        (Terms(Begins.SCHEDULED, cron="0 0 2 * * 7"), "Sunday as 0"),
        (Terms(Begins.SCHEDULED, cron="0 99 2 * * 1"), "99"),
        (Terms(Begins.MANUAL, cron="0 0 2 * * *"), "is for scheduled"),
        (Terms(Begins.EVENT, single_active=True), "as often as there are events"),
        (Terms(deletion=True), "only by events"),
        (Terms(speed=-1), "no speed"),
        (Terms(copy_by_chunk=True), "in pieces"),
    ],
)
async def test_terms_that_harbor_would_not_take_are_refused_before(
    terms: Terms, said: str, engine: Harbor, target: Far
) -> None:
    assert said in told(await wishes.push(engine, "nightly", target, PARTS, terms))


async def test_what_pulls_cannot_go_by_events(engine: Harbor, target: Far) -> None:
    shown = await wishes.pull(engine, "nightly", target, PARTS, Terms(Begins.EVENT))
    assert "pull by events" in told(shown)
    assert "by the clock" in told(shown)


async def test_a_login_of_ecr_public_is_not_handed_over_to_end_there(engine: Harbor) -> None:
    far = Far("public.ecr.aws", "ecr-public", "AWS")

    assert "lives 12 hours" in told(await wishes.pull(engine, "nightly", far, PARTS))


@pytest.mark.parametrize(
    ("far", "adapter"),
    [
        (Far("new.azurecr.io", "acr"), "azure-acr"),
        (Far("registry.example"), "docker-registry"),
        (Far("new.example", "ghcr"), "docker-registry"),
        (Far("public.ecr.aws", "ecr-public"), "docker-registry"),
        (Far("x.tencentcloudcr.com", "tcr"), "docker-registry"),
        (
            Far("x.tencentcloudcr.com", "tcr", "AKID1", "tcr.tencentcloudapi.com", keys=True),
            "tencent-tcr",
        ),
    ],
)
async def test_the_adapter_fits_the_service_and_what_harbor_has(
    far: Far, adapter: str, engine: Harbor
) -> None:
    shown = await wishes.push(engine, "nightly", far, PARTS)
    assert shown.changes[0].after
    assert shown.changes[0].after["type"] == adapter
    assert shown.gives == far.gives


async def test_the_keys_of_a_cloud_are_for_names_of_that_cloud_only(engine: Harbor) -> None:
    custom = Far("images.example", "tcr", "AKID1", "tcr.tencentcloudapi.com", keys=True)
    shown = await wishes.push(engine, "n", custom, PARTS)
    assert "the login of the registry" in told(shown)


async def test_an_adapter_with_one_address_and_one_user_has_those(
    engine: Harbor, server: ReplicatingHarbor
) -> None:
    hub = await wishes.push(engine, "n", Far("docker.io", "docker-hub"), PARTS)
    assert hub.changes[0].after
    assert hub.changes[0].after["url"] == "https://hub.docker.com"
    server.adapters.append("google-gcr")
    token = Far("gcr.io", "gcr", username="oauth2accesstoken")
    assert "as _json_key only" in told(await wishes.push(engine, "n", token, PARTS))
    key = await wishes.push(engine, "n", replace(token, username="_json_key"), PARTS)
    assert key.gives == ("gcr.io",)


async def test_a_proxy_cache_that_would_silently_take_nothing_is_refused(
    engine: Harbor, server: ReplicatingHarbor, target: Far
) -> None:
    server.projects = {"cache": Project(proxies=7), "cache-too": Project()}
    into = [Selecting("**", namespace="cache/x")]
    assert "project cache is a proxy cache" in told(await wishes.pull(engine, "n", target, into))
    keeps = [Selecting("cache-too/**"), Selecting("*/web")]
    assert not (await wishes.pull(engine, "n", target, keeps)).refusals


async def test_an_adapter_that_is_not_allowed_is_named(
    engine: Harbor, server: ReplicatingHarbor
) -> None:
    server.adapters = ["harbor"]
    shown = await wishes.push(engine, "nightly", Far("registry.example"), PARTS)
    assert "no adapter docker-registry (it has harbor)" in told(shown)
    assert "REPLICATION_ADAPTER_WHITELIST" in told(shown)


async def test_what_harbor_cannot_list_it_cannot_pull_by_patterns(engine: Harbor) -> None:
    hub_like = Far("x.tencentcloudcr.com", "tcr")
    assert "by its cloud's API only" in told(await wishes.pull(engine, "n", hub_like, PARTS))
    named = await wishes.pull(engine, "n", hub_like, [Selecting("team/web")])
    assert not named.refusals


async def test_a_name_that_harbor_would_fail_of_is_refused(engine: Harbor, target: Far) -> None:
    parts = [Selecting("**", namespace="mirror", replaces=2)]
    shown = await wishes.push(
        engine, "n", target, parts, examples=("a/b/web", "team/web", "team/x/y")
    )
    assert "team/web has too few components" in told(shown)
    assert "a/b/web has" not in told(shown)


async def test_a_name_that_the_other_side_does_not_take_is_refused(engine: Harbor) -> None:
    hub = Far("docker.io", "docker-hub")
    parts = [Selecting("team/**", namespace="acme", replaces=1)]
    assert "acme/a/b" in told(await wishes.push(engine, "n", hub, parts, examples=("team/a/b",)))


async def test_what_a_plan_says_and_filters_cannot_is_refused_part_by_part(
    engine: Harbor, target: Far, server: ReplicatingHarbor
) -> None:
    rule = Rule(
        Reference(server.host, "team"),
        (Reference(target.host, "mirror"),),
        repositories=("*/**", "!tmp"),
        tags=TagFilter(semver=">=1"),
    )
    plan = Plan(kind=Kind.SYNC, rules=(rule,))
    refused = (await wishes.of_plan(engine, "n", plan, target=target)).refusals
    assert {refusal.detail.partition(":")[0] for refusal in refused} == {
        "repositories",
        "tags.semver",
    }
    elsewhere = await wishes.of_plan(engine, "n", plan, target=Far("third.example"))
    assert "copies nothing" in told(elsewhere)


async def test_a_relay_needs_a_project_and_a_place_to_put_names(
    engine: Harbor, target: Far
) -> None:
    source = Far("old.azurecr.io", "acr")
    terms = Terms(cron="0 0 * * * *")
    for via in ("", "a/b"):
        shown = await wishes.relay(engine, "r", source, target, PARTS, terms, via=via)
        assert "is no project" in told(shown)
    everything = [Selecting("**")]
    shown = await wishes.relay(engine, "r", source, target, everything, terms, via="transit")
    assert "nothing takes the place of the project" in told(shown)
    shown = await wishes.relay(engine, "r", source, target, PARTS, Terms(), via="transit")
    assert "needs a cron line" in told(shown)


def test_whose_login_harbor_would_have_is_told_by_the_accounts() -> None:
    login, keys = Credential("me", "secret-1"), Credential("AKID1", "secret-2")
    cloud = Access("tcr.tencentcloudapi.com", credential=keys)
    tcr = far_of(Access("x.tencentcloudcr.com", credential=login, api=cloud))
    assert (tcr.service, tcr.username, tcr.gives) == ("tcr", "AKID1", (cloud.host,))
    assert tcr.keys
    acr = far_of(Access("x.azurecr.io", tls=Tls(insecure=True), credential=login, api=cloud))
    assert acr == Far("x.azurecr.io", "acr", "me", insecure=True)
    harbor = far_of(Access("images.example", service="harbor"))
    assert (harbor.service, harbor.gives) == ("harbor", ())
    assert "secret" not in repr((tcr, acr, harbor))
