"""GitHub's packages API. GitHub can't be had here; `servers.ghcr` stands in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from clients.opening import LOGIN
from servers.ghcr import Ghcr, GitHub, ghcr, github
from transship import errors
from transship.registry.service import Service
from transship.services.github import GHCR, GitHubApi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.opening import Connect
    from servers.docker_registry import DockerRegistry
    from transship.registry.distribution import DistributionRegistry
    from transship.registry.service import AskApi


@pytest.fixture
def api() -> Iterator[GitHub]:
    with github(LOGIN.secret) as api:
        yield api


@pytest.fixture
def server(open_registry: DockerRegistry) -> Iterator[Ghcr]:
    with ghcr(open_registry.host, {LOGIN.username: LOGIN.secret}) as server:
        yield server


@pytest.fixture
def service(api: GitHub) -> Service:
    """The service, with its API where the stand-in is."""

    def opened(host: str, ask: AskApi) -> GitHubApi:
        return GitHubApi(ask, api.url)

    return replace(GHCR, api=opened, api_hosts=(api.host,))


@pytest.fixture
def registry(server: Ghcr, service: Service, connect: Connect) -> DistributionRegistry:
    return connect(server.host, credential=LOGIN, service=service)


async def names(registry: DistributionRegistry) -> list[str]:
    return [name async for name in registry.repositories()]


async def test_own_packages_and_those_of_organizations_are_listed_page_by_page(
    api: GitHub, registry: DistributionRegistry
) -> None:
    many = [f"shop/web-{number:03}" for number in range(250)]
    api.packages = {"Octo": ["tool"], "Acme-Corp": many}

    assert await names(registry) == ["octo/tool", *(f"acme-corp/{name}" for name in many)]
    assert {asked.sign_in for asked in api.asked} == {f"Bearer {LOGIN.secret}"}


async def test_without_the_right_to_see_organizations_it_is_said_that_there_may_be_more(
    api: GitHub, registry: DistributionRegistry
) -> None:
    api.packages = {"octo": ["tool"], "acme": ["web"]}
    api.reads_org = False

    assert await names(registry) == ["octo/tool"]
    assert {path: type(why) for path, why in registry.unlisted.items()} == {"": errors.NoRight}
    assert "read:org" in registry.unlisted[""].remedy


async def test_an_organization_that_shows_nothing_is_named_beside_the_list(
    api: GitHub, registry: DistributionRegistry
) -> None:
    api.packages = {"octo": ["tool"], "Closed": ["web"], "acme": ["web"]}
    api.closed = {"Closed"}

    assert await names(registry) == ["octo/tool", "acme/web"]
    assert list(registry.unlisted) == ["closed"]


async def test_a_token_that_opens_only_the_registry_closes_the_list_and_says_why(
    api: GitHub, registry: DistributionRegistry
) -> None:
    api.token = "a token with other rights"

    with pytest.raises(errors.CatalogClosed, match="Bad credentials"):
        await names(registry)


async def test_the_token_goes_to_no_other_host_whatever_a_page_says(
    api: GitHub, registry: DistributionRegistry
) -> None:
    api.packages = {"octo": [f"tool-{number}" for number in range(150)]}
    with github(LOGIN.secret) as other:
        api.elsewhere = other.url

        with pytest.raises(errors.RedirectRefused):
            await names(registry)

        assert other.asked == []


async def test_nothing_has_to_be_made_first(registry: DistributionRegistry) -> None:
    assert registry.creator() is None
    assert registry.foreseer() is None
    assert GHCR.facts.create.means, "and that is said"
