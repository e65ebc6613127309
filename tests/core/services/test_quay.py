"""Quay's API. Quay can't be had here; `servers.quay` stands in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from servers.quay import OAUTH, OWNER, ROBOT, Quay, quay
from transship import errors
from transship.registry.access import Access
from transship.registry.credential import Credential
from transship.registry.examination import examine
from transship.registry.registry import MissingTarget, PreflightSource, TargetStatus, Visibility
from transship.registry.service import Creator
from transship.services.quay import QUAY, REPOSITORY, WITH_ORGANIZATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.opening import Connect
    from servers.docker_registry import DockerRegistry
    from transship.registry.distribution import DistributionRegistry

USERS = {OAUTH: "an OAuth token", ROBOT: "a robot's token", OWNER: "a password"}


@pytest.fixture
def server(open_registry: DockerRegistry) -> Iterator[Quay]:
    with quay(open_registry.host, USERS) as server:
        server.organizations = {"team"}
        yield server


@pytest.fixture
def registry(server: Quay, connect: Connect) -> DistributionRegistry:
    return signed_in(server, connect, OAUTH)


def signed_in(server: Quay, connect: Connect, user: str) -> DistributionRegistry:
    return connect(server.host, credential=Credential(user, USERS[user]), service=QUAY)


def foreseer(registry: DistributionRegistry) -> PreflightSource:
    found = registry.foreseer()
    assert found is not None
    return found


def creator(registry: DistributionRegistry) -> Creator:
    found = registry.creator()
    assert found is not None
    return found


async def names(registry: DistributionRegistry) -> list[str]:
    return [name async for name in registry.repositories()]


class TestListing:
    async def test_own_namespace_and_organizations_are_listed_page_by_page(
        self, server: Quay, registry: DistributionRegistry
    ) -> None:
        many = [f"team/shop/web-{number:03}" for number in range(250)]
        server.repositories = dict.fromkeys([*many, f"{OWNER}/tool", "others/app"], "public")

        assert await names(registry) == [f"{OWNER}/tool", *many]
        assert {asked.sign_in for asked in server.api} == {"Bearer an OAuth token"}

    @pytest.mark.parametrize("user", [ROBOT, OWNER])
    async def test_a_robot_is_given_what_the_catalog_shows_it(
        self, user: str, server: Quay, connect: Connect
    ) -> None:
        server.repositories = {"team/web": "private", "open/app": "public"}

        assert await names(signed_in(server, connect, user)) == ["team/web", "open/app"]
        assert server.api == [], "its password opens no API, so none is asked"

    async def test_a_token_that_may_not_say_who_it_is_leaves_the_catalog(
        self, server: Quay, registry: DistributionRegistry
    ) -> None:
        server.repositories = {"team/web": "private"}
        server.scopes.remove("user:read")

        assert await names(registry) == ["team/web"]

    async def test_pages_that_go_round_in_circles_are_no_list(
        self, server: Quay, registry: DistributionRegistry
    ) -> None:
        server.repositories = dict.fromkeys([f"team/web-{n}" for n in range(15)], "private")
        server.page, server.circles = 10, True

        with pytest.raises(errors.UnexpectedAnswer, match="circles"):
            await names(registry)

    async def test_an_examination_signs_in_lists_and_makes_nothing(self, server: Quay) -> None:
        server.repositories = {"team/web": "private"}
        before = server.there

        seen = await examine(Access(server.host, credential=Credential(OAUTH, USERS[OAUTH])))

        assert (seen.service, seen.proposed, seen.lists) == (QUAY, True, True)
        assert server.there == before
        assert not [r for r in server.token_requests if any("push" in s for s in r.scopes)]


class TestForeseeing:
    async def test_a_repository_that_is_there_takes_everything(
        self, server: Quay, registry: DistributionRegistry
    ) -> None:
        server.repositories = {"team/web": "private", "team/shop/api": "private"}

        outlook = await foreseer(registry).look({"team/web": True, "team/shop/api": False})

        assert outlook.standings == {"team/web": TargetStatus(), "team/shop/api": TargetStatus()}
        assert len(server.api) == 1, "the namespace is asked for once"

    async def test_a_push_makes_a_repository_but_not_its_organization(
        self, server: Quay, registry: DistributionRegistry
    ) -> None:
        outlook = await foreseer(registry).look(
            {"team/web": False, "gone/web": False, "gone/api": False, f"{OWNER}/tool": False}
        )

        missing = {path: standing.missing for path, standing in outlook.standings.items()}
        assert missing == {
            "team/web": MissingTarget(REPOSITORY, "team/web", hidden=True, perhaps=True),
            "gone/web": MissingTarget(WITH_ORGANIZATION, "gone/web"),
            "gone/api": MissingTarget(WITH_ORGANIZATION, "gone/api"),
            f"{OWNER}/tool": MissingTarget(REPOSITORY, f"{OWNER}/tool", hidden=True, perhaps=True),
        }
        assert server.token_requests == [], "not even a token is asked for"

    @pytest.mark.parametrize(
        ("state", "why"), [("READ_ONLY", "is read-only"), ("MIRROR", "is a mirror")]
    )
    async def test_what_takes_nothing_says_why(
        self, state: str, why: str, server: Quay, registry: DistributionRegistry
    ) -> None:
        server.repositories = {"team/web": "private"}
        server.states = {"team/web": state}

        outlook = await foreseer(registry).look({"team/web": False})

        assert why in outlook.standings["team/web"].read_only

    async def test_what_the_token_may_not_see_is_unknown(
        self, server: Quay, registry: DistributionRegistry
    ) -> None:
        server.scopes.remove("repo:read")

        outlook = await foreseer(registry).look({"team/web": False, "gone/web": False})

        assert outlook.standings == {}
        assert [unknown.of for unknown in outlook.unknown] == ["team", "gone"]
        assert len(server.api) == 1, "the same failure isn't asked for again"

    async def test_a_robot_is_told_what_would_open_the_api(
        self, server: Quay, connect: Connect
    ) -> None:
        with pytest.raises(errors.SignInNeeded, match="not its API") as raised:
            await foreseer(signed_in(server, connect, ROBOT)).look({"team/web": False})
        assert OAUTH in raised.value.remedy


class TestCreating:
    @pytest.mark.parametrize("visibility", Visibility)
    async def test_a_repository_is_made_as_visible_as_asked(
        self, visibility: Visibility, server: Quay, registry: DistributionRegistry
    ) -> None:
        web = MissingTarget(REPOSITORY, "team/shop/web")
        assert creator(registry).refusal(web, visibility) == ""
        assert not await creator(registry).has(web)

        await creator(registry).create(web, visibility)

        assert await creator(registry).has(web)
        assert server.repositories == {"team/shop/web": str(visibility)}

    async def test_its_organization_is_made_first_where_that_was_foreseen(
        self, server: Quay, registry: DistributionRegistry
    ) -> None:
        for path in ("new/web", "new/api"):
            await creator(registry).create(
                MissingTarget(WITH_ORGANIZATION, path), Visibility.PRIVATE
            )

        assert server.organizations == {"team", "new"}
        assert set(server.repositories) == {"new/web", "new/api"}
        made = [asked for asked in server.api if asked.target == "/api/v1/organization/"]
        assert [json.loads(asked.body) for asked in made] == [{"name": "new"}]

    async def test_an_organization_that_was_not_foreseen_is_not_made(
        self, server: Quay, registry: DistributionRegistry
    ) -> None:
        with pytest.raises(errors.NoRight):
            await creator(registry).create(MissingTarget(REPOSITORY, "new/web"), Visibility.PRIVATE)
        assert server.organizations == {"team"}

    async def test_what_the_service_wants_besides_is_said_in_its_words(
        self, server: Quay, registry: DistributionRegistry
    ) -> None:
        server.wants_email = True

        with pytest.raises(errors.UnexpectedAnswer, match="Email address is required"):
            await creator(registry).create(
                MissingTarget(WITH_ORGANIZATION, "new/web"), Visibility.PUBLIC
            )
        assert server.repositories == {}

    async def test_who_may_not_is_told(self, server: Quay, registry: DistributionRegistry) -> None:
        server.scopes.remove("repo:create")

        with pytest.raises(errors.NoRight, match="repo:create"):
            await creator(registry).create(
                MissingTarget(REPOSITORY, "team/web"), Visibility.PRIVATE
            )
