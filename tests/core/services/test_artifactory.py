"""Artifactory's REST API. It can't be had here; `servers.artifactory` stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clients.opening import LOGIN
from servers.artifactory import Artifactory, Key, artifactory
from transship import errors
from transship.registry.access import Access
from transship.registry.examination import examine
from transship.registry.registry import MissingTarget, PreflightSource, TargetStatus, Visibility
from transship.registry.service import Creator, service_answering
from transship.services import artifactory as rules
from transship.services.artifactory import ARTIFACTORY, ARTIFACTORY_KEY, KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.opening import Connect
    from servers.docker_registry import DockerRegistry
    from transship.registry.distribution import DistributionRegistry

LIST = "GET /artifactory/api/repositories?packageType={}"


@pytest.fixture
def server(open_registry: DockerRegistry) -> Iterator[Artifactory]:
    with artifactory(open_registry.host, {LOGIN.username: LOGIN.secret}) as server:
        server.keys = {"docker-local": Key()}
        yield server


@pytest.fixture
def registry(server: Artifactory, connect: Connect) -> DistributionRegistry:
    return connect(server.host, credential=LOGIN, service=ARTIFACTORY)


def foreseer(registry: DistributionRegistry) -> PreflightSource:
    found = registry.foreseer()
    assert found is not None
    return found


def creator(registry: DistributionRegistry) -> Creator:
    found = registry.creator()
    assert found is not None
    return found


def asked(server: Artifactory) -> list[str]:
    return [f"{each.method} {each.target}" for each in server.api]


async def names(registry: DistributionRegistry) -> list[str]:
    return [name async for name in registry.repositories()]


class TestListing:
    async def test_every_key_is_listed_page_by_page(
        self, server: Artifactory, registry: DistributionRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rules, "_PAGE", 10)
        many = [f"shop/web-{number:02}" for number in range(35)]
        server.keys = {
            "docker-local": Key(images=many),
            "hub-remote": Key("REMOTE", images=["library/alpine"]),
            "helm-oci": Key(package="oci", images=["chart"]),
        }

        assert await names(registry) == [
            *(f"docker-local/{name}" for name in many),
            "hub-remote/library/alpine",
            "helm-oci/chart",
        ]
        assert all(each.sign_in.startswith("Basic ") for each in server.api)

    async def test_an_older_one_that_knows_no_oci_keys_lists_the_others(
        self, server: Artifactory, registry: DistributionRegistry
    ) -> None:
        server.knows_oci = False
        server.keys["docker-local"].images = ["web"]

        assert await names(registry) == ["docker-local/web"]

    async def test_a_key_that_shows_nothing_is_named_beside_the_list(
        self, server: Artifactory, registry: DistributionRegistry
    ) -> None:
        server.keys = {"closed": Key(closed=True), "open": Key(images=["web"])}

        assert await names(registry) == ["open/web"]
        assert list(registry.unlisted) == ["closed"]

    async def test_a_catalog_that_never_ends_is_none(
        self, server: Artifactory, registry: DistributionRegistry
    ) -> None:
        server.keys["docker-local"].images = ["web"]
        server.circles = True

        await names(registry)

        assert "circles" in str(registry.unlisted["docker-local"])


class TestForeseeing:
    async def test_only_local_keys_and_virtual_ones_with_something_behind_take_pushes(
        self, server: Artifactory, registry: DistributionRegistry
    ) -> None:
        server.keys |= {
            "oci-local": Key(package="oci"),
            "fed": Key("FEDERATED"),
            "hub": Key("REMOTE"),
            "docker": Key("VIRTUAL", behind="docker-local"),
            "all": Key("VIRTUAL", behind=""),
        }
        writes = [f"{name}/web" for name in server.keys] + ["docker-local/api", "gone/web"]

        outlook = await foreseer(registry).look(dict.fromkeys(writes, False))

        standings = outlook.standings
        takes = ("docker-local/web", "oci-local/web", "fed/web", "docker/web", "docker-local/api")
        assert [name for name in takes if standings[name] != TargetStatus()] == []
        assert "cache" in standings["hub/web"].read_only
        assert "nothing is behind it" in standings["all/web"].read_only
        assert standings["gone/web"] == TargetStatus(
            missing=MissingTarget(KEY, "gone", hidden=True)
        )
        assert asked(server)[:2] == [LIST.format("docker"), LIST.format("oci")]
        assert len(server.api) == 2 + 2, "the keys, and each virtual one"
        assert server.token_requests == []

    async def test_where_a_virtual_key_leads_may_be_hidden(
        self, server: Artifactory, registry: DistributionRegistry
    ) -> None:
        server.keys = {"docker": Key("VIRTUAL")}

        outlook = await foreseer(registry).look({"docker/web": False})

        assert outlook.standings == {}
        assert [(each.what, each.of) for each in outlook.unknown] == [
            ("whether a virtual key takes pushes", "docker")
        ]

    async def test_without_the_keys_nothing_is_foreseen(
        self, server: Artifactory, registry: DistributionRegistry
    ) -> None:
        server.closed = 403

        with pytest.raises(errors.NoRight):
            await foreseer(registry).look({"docker-local/web": False})


class TestCreating:
    async def test_a_local_key_is_made(
        self, server: Artifactory, registry: DistributionRegistry
    ) -> None:
        team = MissingTarget(KEY, "team")
        assert creator(registry).refusal(team, Visibility.PRIVATE) == ""
        assert not await creator(registry).has(team)

        await creator(registry).create(team, Visibility.PRIVATE)

        assert await creator(registry).has(team)
        settings = {"key": "team", "rclass": "local", "packageType": "docker"}
        assert server.created == [("team", settings)]

    def test_who_may_pull_is_no_setting_of_a_key(self, registry: DistributionRegistry) -> None:
        why = creator(registry).refusal(MissingTarget(KEY, "team"), Visibility.PUBLIC)

        assert "permissions" in why

    async def test_who_may_not_and_what_can_not_is_said(
        self, server: Artifactory, registry: DistributionRegistry
    ) -> None:
        team = MissingTarget(KEY, "team")
        server.may_create = False
        with pytest.raises(errors.NoRight):
            await creator(registry).create(team, Visibility.PRIVATE)
        server.is_pro = False
        with pytest.raises(errors.UnexpectedAnswer, match="only in Artifactory Pro"):
            await creator(registry).create(team, Visibility.PRIVATE)


@pytest.mark.parametrize(("only", "service"), [("", ARTIFACTORY), ("local", ARTIFACTORY_KEY)])
async def test_an_examination_proposes_it_and_lists(
    only: str, service: object, open_registry: DockerRegistry
) -> None:
    with artifactory(open_registry.host, {LOGIN.username: LOGIN.secret}, only) as server:
        server.keys = {"local": Key(images=["web"])}

        seen = await examine(Access(server.host, credential=LOGIN))

        assert (seen.service, seen.proposed, seen.lists) == (service, True, True)
        assert not [each for each in server.token_requests if "push" in " ".join(each.scopes)]


async def test_a_host_for_one_key_lists_it_by_its_catalog(
    open_registry: DockerRegistry, connect: Connect
) -> None:
    with artifactory(open_registry.host, {LOGIN.username: LOGIN.secret}, "local") as server:
        server.keys = {"local": Key(images=["web", "shop/api"]), "other": Key(images=["x"])}
        registry = connect(server.host, credential=LOGIN, service=ARTIFACTORY_KEY)

        assert await names(registry) == ["shop/api", "web"]
        assert registry.creator() is None


@pytest.mark.parametrize(
    ("realm", "service"),
    [
        ("https://x.example/artifactory/api/docker/null/v2/token", ARTIFACTORY),
        ("https://x.example/artifactory/api/docker/docker-local/v2/token", ARTIFACTORY_KEY),
        ("https://x.example/v2/token", None),
    ],
)
def test_it_is_recognised_by_its_token_server(realm: str, service: object) -> None:
    challenge = f'Bearer realm="{realm}",service="x.example"'

    assert service_answering("x.example", [challenge]) is service


def test_a_host_for_one_key_has_names_without_it() -> None:
    assert ARTIFACTORY.capabilities.refusal("web")
    assert ARTIFACTORY_KEY.capabilities.refusal("web") == ""
    assert ARTIFACTORY_KEY.capabilities.whole_limit == ARTIFACTORY.capabilities.whole_limit == 0
