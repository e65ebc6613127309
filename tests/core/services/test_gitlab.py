"""What GitLab says of its projects before a push. `servers.gitlab` stands in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clients.asking import look
from clients.opening import LOGIN
from servers.gitlab import GitLab, gitlab
from servers.scripted import Reply
from transship import errors
from transship.registry.distribution import DistributionRegistry
from transship.registry.registry import MissingTarget, TargetOutlook, TargetStatus
from transship.services.gitlab import GITLAB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.opening import Connect
    from servers.scripted import ScriptedServer


@pytest.fixture
def server() -> Iterator[GitLab]:
    with gitlab(LOGIN.secret) as server:
        server.there = {"Acme/Shop": "enabled", "acme/tools": "disabled", "acme/a/b": "private"}
        yield server


@pytest.fixture
def registry(server: GitLab, scripted: ScriptedServer, connect: Connect) -> DistributionRegistry:
    scripted.on("GET", "/v2/.*", Reply(401, {"WWW-Authenticate": server.challenge}))
    return connect(scripted.host, credential=LOGIN, service=GITLAB)


@pytest.mark.parametrize(
    "name", ["acme/shop", "acme/shop/web", "acme/shop/web/debug", "acme/a/b", "acme/a/b/c/d"]
)
async def test_a_repository_is_a_project_or_up_to_two_components_below(
    name: str, registry: DistributionRegistry
) -> None:
    assert await look(registry, name) == TargetOutlook({name: TargetStatus()})


@pytest.mark.parametrize(
    ("name", "tried"),
    [
        ("gone/web", "gone/web"),
        ("acme/gone/web", "acme/gone/web or acme/gone"),
        ("acme/shop/a/b/c", "acme/shop/a/b/c or acme/shop/a/b or acme/shop/a"),
    ],
)
async def test_a_project_that_is_not_there_is_named(
    name: str, tried: str, registry: DistributionRegistry
) -> None:
    outlook = await look(registry, name)

    missing = outlook.standings[name].missing
    assert missing == MissingTarget("project", tried, hidden=True)
    assert str(missing) == f"the project {tried} isn't there, or is hidden from this account"


async def test_a_project_without_a_registry_takes_nothing(registry: DistributionRegistry) -> None:
    outlook = await look(registry, "acme/tools/web")

    assert outlook.standings["acme/tools/web"].read_only == (
        "the project acme/tools has no container registry"
    )


async def test_each_project_is_asked_for_once(
    server: GitLab, registry: DistributionRegistry
) -> None:
    await look(registry, "acme/shop/a", "acme/shop/b")

    asked = [path for path in server.asked if path.endswith("acme%2Fshop")]
    assert len(asked) == 1


async def test_a_token_that_may_not_ask_leaves_it_unknown(
    server: GitLab, registry: DistributionRegistry
) -> None:
    server.reads_api = False

    outlook = await look(registry, "acme/shop/a", "gone/b")

    assert outlook.standings == {}
    assert [(u.what, u.of) for u in outlook.unknown] == [
        ("whether its project is there", "acme/shop/a"),
        ("whether its project is there", "gone/b"),
    ]
    assert all(isinstance(unknown.why, errors.NoRight) for unknown in outlook.unknown)
    assert len([path for path in server.asked if "projects" in path]) == 1, "and isn't asked again"


async def test_what_is_missing_is_made_in_gitlab_only(registry: DistributionRegistry) -> None:
    assert registry.creator() is None
