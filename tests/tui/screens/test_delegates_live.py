"""Engines elsewhere that do the moving, from the app: stand-ins in front of real registries.

Neither Harbor nor the cloud can be had here: `servers.harbor_replication` and `servers.tencent`
stand in, and what they copy is really copied.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from delegating.line import Operator, plan_at
from delegating.tcr import OWNER, PEER, TOKEN
from fakes.screen import screen_text, until
from moving.judge import digest_at, tags_at
from servers.docker_registry import DockerRegistry
from servers.harbor_replication.server import ADMIN, PASSWORD, ReplicatingHarbor, replicating_harbor
from servers.images import push_image
from servers.tencent import Instance, Instances, Personal, TencentApi, tcr_registry, tencent_api
from servers.tencent import domains as domain_actions
from servers.tencent import network as network_actions
from servers.tencent import quick as quick_actions
from servers.tencent import replicas as replica_actions
from servers.tencent import replication as rule_actions
from servers.tencent.domains import Custom
from servers.tencent.network import Networks
from servers.tencent.quick import Images
from servers.tencent.replicas import Replicas
from servers.tencent.replication import Replication
from transship.accounts.docker_config import DockerConfig
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources
from transship.app.application import Application
from transship.oci.reference import Reference
from transship.paths import default_paths
from transship.settings import Settings
from transship.transfers.copies import JobState
from transship_tui.app import TransshipApp

_SECONDS = 60.0
_DOMAIN = "images.example.com"


@dataclass
class Seat:
    """Somebody in front of the app, with their own accounts."""

    app: TransshipApp
    engine: Application
    pilot: Pilot[None]

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self.pilot.press(*keys)

    async def says(self, words: str) -> None:
        """Wait until something is on the screen."""
        await until(
            self.pilot,
            lambda: words in self.text,
            f"it says {words!r}",
            deadline=_SECONDS,
        )

    async def is_at(self, screen: str) -> None:
        """Wait until a screen is in front."""
        await until(
            self.pilot,
            lambda: type(self.app.screen).__name__ == screen,
            f"{screen} in front",
            deadline=_SECONDS,
        )

    @property
    def text(self) -> str:
        """All that is on the screen, in one line."""
        return " ".join(screen_text(self.app).split())

    async def says_yes(self) -> None:
        """Ask for it, and confirm."""
        await self.press("S")
        await self.is_at("ConfirmDialog")
        self.app.screen.dismiss(True)


@asynccontextmanager
async def seat() -> AsyncIterator[Seat]:
    """Open the app with the accounts of the operator."""
    session = SessionStore()
    sources = Sources(session, session, DockerConfig({}), os.environ)
    engine = Application(default_paths(), sources)
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=(120, 50)) as pilot:
        await until(pilot, lambda: "account" in screen_text(app), "the accounts")
        yield Seat(app, engine, pilot)
    await engine.aclose()


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(monkeypatch)


@pytest.fixture
def harbor(open_registry: DockerRegistry) -> Iterator[ReplicatingHarbor]:
    with replicating_harbor(open_registry) as server:
        yield server


async def test_harbor_is_chosen_made_started_followed_and_taken_back(
    operator: Operator,
    harbor: ReplicatingHarbor,
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
    fresh_name: Callable[[], str],
) -> None:
    path = fresh_name()
    for tag in ("v1", "next"):
        push_image(open_registry, f"{path}/web", tag)
    operator.add(harbor.host, (ADMIN, PASSWORD), "harbor")
    operator.add_registry(htpasswd_registry)
    plans = default_paths().plans
    plans.mkdir(parents=True)
    target = Reference(htpasswd_registry.host, f"mirror/{path}")
    plan_at(plans / "nightly.toml", Reference(harbor.host, path), target)

    async with seat() as at:
        await at.press("3")
        await at.says("1 plan")
        await at.press("w")
        await at.says("Harbor, one of the sides")
        await at.press("j", "enter")
        await at.is_at("EnginePlanScreen")
        at.app.screen.query_one("#speed", Input).value = "2048"
        await at.says("--speed 2048")
        await at.press("ctrl+s")
        await at.says("+ 2 to create")
        assert "speed 2048" in at.text
        assert not harbor.policies

        await at.says_yes()
        await at.is_at("DelegationScreen")
        await at.says("2 of 2 changes made")
        [policy] = harbor.policies.values()
        assert policy.name == "nightly"

        await at.says_yes()
        await at.says("✓ succeeded")
        harbor.settle()
        assert tags_at(htpasswd_registry, f"mirror/{path}/web") == ["v1"]
        assert digest_at(htpasswd_registry, f"mirror/{path}/web", "v1") == digest_at(
            open_registry, f"{path}/web", "v1"
        )
        await at.press("enter")
        await at.says("has succeeded")
        await at.press("enter")
        await at.is_at("WordsDialog")
        assert "[INFO]" in at.text
        await at.press("escape", "escape", "u")
        await at.says("× 2 to delete")
        await at.says_yes()
        await at.says("Undone: 2 changes taken back")
        assert not harbor.policies
    operator.gave_away_nothing()


@pytest.fixture
def api() -> Iterator[TencentApi]:
    actions = (quick_actions, network_actions, domain_actions, replica_actions, rule_actions)
    with tencent_api(*(each.ACTIONS for each in actions)) as api:
        yield api


@pytest.fixture
def instance(api: TencentApi, operator: Operator) -> Instance:
    instance = api.of(Instances).add("shop", "shop.tencentcloudcr.com")
    operator.add_keys(api.host)
    operator.add(instance.public_domain, service="tcr", api=api.host)
    return instance


async def test_an_instance_is_opened_to_an_address_and_only_after_a_yes(
    api: TencentApi, instance: Instance
) -> None:
    there = api.of(Networks).at(instance.id)
    async with seat() as at:
        await at.says("2 accounts")
        await at.press("G", "w")
        await at.says("The public endpoint of shop is closed")
        await at.press("o")
        await at.says("↻ 1 to change")
        assert there.status == "Closed"
        await at.says_yes()
        await at.says("✓ 1 change made:")
        assert there.status != "Closed"
        # It is looked at again and again while the cloud opens it.
        await at.says("so nobody gets in")
        assert there.status == "Opened"
        await at.press("a")
        await at.is_at("NameDialog")
        at.app.screen.query_one(Input).value = "203.0.113.0/24"
        await at.press("enter")
        await at.says("+ 1 to create")
        await at.says_yes()
        await at.says("✓ 1 change made:")
        assert [block for block, _ in there.policies] == ["203.0.113.0/24"]
        await at.says("✓ allowed")


async def test_a_custom_domain_is_attached_and_waited_for_until_it_works(
    api: TencentApi, instance: Instance
) -> None:
    api.of(Custom).hold("cert-wild", ["*.example.com"], ends="2099-06-01 07:59:59")
    async with seat() as at:
        await at.says("2 accounts")
        await at.press("G", "d")
        await at.says("No custom domains.")
        await at.press("a")
        await at.is_at("DomainFormScreen")
        at.app.screen.query_one("#name", Input).value = _DOMAIN
        await at.press("ctrl+s")
        await at.says("+ 1 to create")
        await at.says_yes()
        await at.says(f"{_DOMAIN} works at the instance")
        assert [*instance.domains] == [_DOMAIN]
        await at.press("D")
        await at.says("× 1 to delete")
        await at.says_yes()
        await at.says("is gone from the instance")
        assert not instance.domains


async def test_quick_mode_moves_all_of_an_account(
    api: TencentApi,
    operator: Operator,
    new_registry: Callable[..., DockerRegistry],
) -> None:
    source, behind = new_registry(auth="htpasswd"), new_registry(auth="htpasswd")
    account = api.of(Personal)
    account.servers = {"ap-guangzhou": source.host}
    account.namespaces, account.public = {"open": ["web"]}, {"open/web": True}
    api.of(Images).tags = {"open/web": ["1.0", "1.1"]}
    for tag in ("1.0", "1.1"):
        push_image(source, "open/web", tag)
    with tcr_registry(behind.host) as domain:
        instance = api.of(Instances).add("team", domain.host)
        domain.place = instance
        api.of(Images).behind = {instance.id: behind}
        operator.add_keys(api.host)
        for host, service in ((source.host, "ccr"), (domain.host, "tcr")):
            login = source.username or "", source.password or ""
            operator.add(host, login, service, api.host)

        async with seat() as at:
            await at.press("3", "Q")
            await at.is_at("QuickScreen")
            await at.press("ctrl+s")
            await at.says("It moves 2 tags of 1 repository.")
            assert not instance.namespaces
            await at.says_yes()
            await until(
                at.pilot,
                lambda: [job.state for job in at.engine.jobs.all()] == [JobState.DONE],
                "the job is done",
                deadline=_SECONDS,
            )
    assert instance.namespaces["open"].public
    for tag in ("1.0", "1.1"):
        assert digest_at(behind, "open/web", tag) == digest_at(source, "open/web", tag)


async def test_an_instance_is_replicated_followed_and_refused_across_the_border(
    api: TencentApi, instance: Instance
) -> None:
    instance.edition = "premium"
    replicas = api.of(Replicas)
    async with seat() as at:
        await at.says("2 accounts")
        for region, words in (("ap-singapore", "across the border"), ("ap-shanghai", "+ 1 to")):
            await at.press("G", "R")
            await at.is_at("NameDialog")
            at.app.screen.query_one(Input).value = region
            await at.press("enter")
            await at.says(words)
            assert not replicas.every
            if region == "ap-singapore":
                await at.says("Let TCR synchronise two instances by rules instead.")
                await at.press("escape")
        await at.says_yes()
        await at.is_at("DelegationScreen")
        await at.says("ap-shanghai: creation")
        [replica] = replicas.every
        while replica.synchronisation != "Succeed":
            replicas.step()
        await at.press("r")
        await at.says("ap-shanghai: synchronisation")
        await at.press("u")
        await at.says("finds nothing there any more")
        await at.says_yes()
        await at.says("Undone: 1 change taken back")
    assert replica.status == "Deleting"


async def test_an_instance_of_another_owner_is_handed_its_token_and_gets_the_image(
    api: TencentApi,
    instance: Instance,
    operator: Operator,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    fresh_name: Callable[[], str],
) -> None:
    space = fresh_name().replace("/", "-")[-28:].lstrip("-")
    peer = Instance("tcr-0000peer", "peer", PEER, region="ap-singapore", region_id=9)
    cloud = api.of(Replication)
    cloud.foreign[OWNER] = peer
    cloud.registries = {instance.id: open_registry, peer.id: other_registry}
    operator.add(PEER, ("200000000003", TOKEN), "tcr")
    plans = default_paths().plans
    plans.mkdir(parents=True)
    ends = Reference(instance.public_domain, space), Reference(PEER, space)
    plan_at(plans / "across.toml", *ends)

    async with seat() as at:
        await at.press("3")
        await at.says("1 plan")
        await at.press("w")
        await at.says("? depends TCR, by sync rules")
        await at.press("j", "j", "j", "enter")
        await at.is_at("EnginePlanScreen")
        at.app.screen.query_one("#uin", Input).value = OWNER
        await at.press("ctrl+s")
        await at.says("can't be asked")
        await at.press("e")
        await at.says("its owner reads them in the console")
        await at.press("escape", "escape")
        await at.is_at("EnginePlanScreen")
        at.app.screen.query_one("#instance", Input).value = peer.id
        at.app.screen.query_one("#region", Input).value = "ap-singapore"
        await at.press("ctrl+s")
        await at.says(f"handed the long-term token of {PEER}")
        assert not cloud.tokens_seen
        await at.says_yes()
        await at.is_at("DelegationScreen")
        await at.says("1 of 1 changes made")
        assert cloud.tokens_seen == [TOKEN]
        push_image(open_registry, f"{space}/web", "v1")
        cloud.pushed(instance, f"{space}/web", "v1")
        cloud.work()
        await at.press("r")
        await at.says("✓ succeeded")
    assert tags_at(other_registry, f"{space}/web") == ["v1"]
    operator.gave_away_nothing()


async def test_what_a_harbor_relays_arrives_at_the_end(
    operator: Operator,
    harbor: ReplicatingHarbor,
    htpasswd_registry: DockerRegistry,
    new_registry: Callable[..., DockerRegistry],
    fresh_name: Callable[[], str],
) -> None:
    path, target = fresh_name(), new_registry(auth="htpasswd")
    push_image(htpasswd_registry, f"{path}/web", "v1")
    operator.add(harbor.host, (ADMIN, PASSWORD), "harbor")
    for registry in (htpasswd_registry, target):
        operator.add_registry(registry)
    plans = default_paths().plans
    plans.mkdir(parents=True)
    plan_at(
        plans / "relay.toml", Reference(htpasswd_registry.host, path), Reference(target.host, path)
    )

    async with seat() as at:
        await at.press("3")
        await at.says("1 plan")
        await at.press("w")
        await at.says("? depends A Harbor in between")
        await at.press("j", "j", "enter")
        await at.is_at("EnginePlanScreen")
        at.app.screen.query_one("#cron", Input).value = "0 */15 * * * *"
        await at.press("ctrl+s")
        await at.says("+ 4 to create")
        await at.says_yes()
        await at.is_at("DelegationScreen")
        await at.says("4 of 4 changes made")
        await at.says_yes()
        await at.says("✓ succeeded relay-out")
        harbor.settle()
    assert tags_at(target, f"{path}/web") == ["v1"]
    assert digest_at(target, f"{path}/web", "v1") == digest_at(
        htpasswd_registry, f"{path}/web", "v1"
    )
    operator.gave_away_nothing()
