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
from fakes.screen import screen_text, until
from moving.judge import digest_at, tags_at
from servers.docker_registry import DockerRegistry
from servers.harbor_replication.server import ADMIN, PASSWORD, ReplicatingHarbor, replicating_harbor
from servers.images import push_image
from servers.tencent import Instance, Instances, Personal, TencentApi, tcr_registry, tencent_api
from servers.tencent import domains as domain_actions
from servers.tencent import network as network_actions
from servers.tencent import quick as quick_actions
from servers.tencent.domains import Custom
from servers.tencent.network import Networks
from servers.tencent.quick import Images
from transship.accounts.credentials import Sources
from transship.accounts.docker_config import DockerConfig
from transship.accounts.secrets import SessionStore
from transship.oci.reference import Reference
from transship.paths import default_paths
from transship.settings import Settings
from transship.transfers.work import JobState
from transship_tui.app import TransshipApp
from transship_tui.live import LiveEngine

_SECONDS = 60.0
_DOMAIN = "images.example.com"


@dataclass
class Seat:
    """Somebody in front of the app, with their own accounts."""

    app: TransshipApp
    engine: LiveEngine
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
    engine = LiveEngine(default_paths(), sources)
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
        await at.is_at("DelegateFormScreen")
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
    actions = (quick_actions, network_actions, domain_actions)
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
        await at.press("escape")
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
        await at.press("escape")
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
                lambda: [job.state for job in at.engine.jobs()] == [JobState.DONE],
                "the job is done",
                deadline=_SECONDS,
            )
    assert instance.namespaces["open"].public
    for tag in ("1.0", "1.1"):
        assert digest_at(behind, "open/web", tag) == digest_at(source, "open/web", tag)
