"""Google Artifact Registry by its API: real google-auth, and `servers.google` for all else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clients.asking import creator_of, look, names
from servers.google import PROJECT, TOKEN, Gar, Google, Repository
from servers.images import push_image
from transship import errors
from transship.registry.credential import Credential
from transship.registry.distribution import DistributionRegistry
from transship.registry.registry import (
    CreationOptions,
    MissingTarget,
    TargetOutlook,
    TargetStatus,
    Visibility,
)
from transship.registry.service import TakesOptions
from transship.services.google import GAR, GCR

if TYPE_CHECKING:
    from clients.opening import Connect
    from servers.docker_registry import DockerRegistry
    from servers.token_server import TokenServer
    from transship.registry.service import Service

PRIVATE, PUBLIC = Visibility.PRIVATE, Visibility.PUBLIC


class TestListing:
    async def test_every_image_of_the_key_s_project_is_listed_page_by_page(
        self, google: Google, registry: DistributionRegistry
    ) -> None:
        google.repositories = {
            "shop": Repository(["web", "team/api", "a/b/c"]),
            "empty": Repository(),
            "python": Repository(["requests"], format="PYTHON"),
            "tools": Repository([f"t{number}" for number in range(5)]),
        }

        found = await names(registry)

        assert found == [
            *(f"{PROJECT}/shop/{name}" for name in ("web", "team/api", "a/b/c")),
            *(f"{PROJECT}/tools/t{number}" for number in range(5)),
        ]
        assert len(google.assertions) == 1, "one token for the whole list"
        assert google.assertions[0]["iss"].startswith("mover@")

    async def test_what_the_account_may_not_look_into_is_named_beside_the_list(
        self, google: Google, registry: DistributionRegistry
    ) -> None:
        google.repositories = {
            "closed": Repository(["web"], may_look_into=False),
            "shop": Repository(["web"]),
        }

        assert await names(registry) == [f"{PROJECT}/shop/web"]
        assert list(registry.unlisted) == [f"{PROJECT}/closed"]

    async def test_who_may_ask_nothing_is_told_in_google_s_words(
        self, google: Google, registry: DistributionRegistry
    ) -> None:
        google.denied = True

        with pytest.raises(errors.CatalogClosed, match="Permission denied on resource"):
            await names(registry)

    async def test_pages_that_go_round_in_circles_are_no_list(
        self, google: Google, registry: DistributionRegistry
    ) -> None:
        google.circles = True
        google.repositories = {f"r{number}": Repository(["web"]) for number in range(6)}

        with pytest.raises(errors.UnexpectedAnswer, match="circles"):
            await names(registry)

    async def test_an_access_token_does_not_say_of_which_project_it_is(
        self, server: Gar, service: Service, connect: Connect
    ) -> None:
        login = Credential("oauth2accesstoken", TOKEN)
        registry = connect(
            server.host, credential=login, service=service, named=(f"{PROJECT}/s/w",)
        )

        assert await names(registry) == [f"{PROJECT}/s/w"], "what the operator named"

    @pytest.mark.usefixtures("ambient")
    async def test_without_a_password_it_is_listed_for_whoever_google_auth_finds(
        self, google: Google, server: Gar, service: Service, connect: Connect
    ) -> None:
        google.repositories = {"shop": Repository(["web"])}
        registry = connect(server.host, service=service, handed_out=True)

        await registry.check_sign_in()

        assert await names(registry) == [f"{PROJECT}/shop/web"]

    async def test_gcr_io_is_listed_by_its_catalog(
        self, behind: tuple[DockerRegistry, TokenServer], google: Google, connect: Connect
    ) -> None:
        push_image(behind[0], f"{PROJECT}/web", "v1")
        login = Credential("_json_key", google.key())
        registry = connect(behind[0].host, credential=login, service=GCR)

        assert f"{PROJECT}/web" in await names(registry)
        assert google.asked == []


class TestForesight:
    async def test_what_is_there_and_what_is_not(
        self, google: Google, registry: DistributionRegistry
    ) -> None:
        google.repositories = {"shop": Repository()}

        outlook = await look(
            registry, f"{PROJECT}/shop/web", f"{PROJECT}/shop/api", f"{PROJECT}/gone/a/b"
        )

        assert outlook == TargetOutlook(
            {
                f"{PROJECT}/shop/web": TargetStatus(),
                f"{PROJECT}/shop/api": TargetStatus(),
                f"{PROJECT}/gone/a/b": TargetStatus(
                    missing=MissingTarget("repository", f"{PROJECT}/gone")
                ),
            }
        )
        assert len(google.asked) == 2, "each repository once"

    @pytest.mark.parametrize("mode", ["REMOTE_REPOSITORY", "VIRTUAL_REPOSITORY"])
    async def test_what_only_shows_others_can_not_be_pushed_to(
        self, mode: str, google: Google, registry: DistributionRegistry
    ) -> None:
        google.repositories = {"proxy": Repository(mode=mode)}

        outlook = await look(registry, f"{PROJECT}/proxy/web")

        kind = mode.partition("_")[0].lower()
        assert f"is a {kind} repository" in outlook.standings[f"{PROJECT}/proxy/web"].read_only

    async def test_tags_may_be_immutable(
        self, google: Google, registry: DistributionRegistry
    ) -> None:
        google.repositories = {"kept": Repository(immutable_tags=True)}

        standing = (await look(registry, f"{PROJECT}/kept/web")).standings[f"{PROJECT}/kept/web"]

        assert "keeps its tags" in standing.pinned_by("v1")

    async def test_what_may_not_be_asked_is_unknown_and_refuses_nothing(
        self, google: Google, registry: DistributionRegistry
    ) -> None:
        google.denied = True

        outlook = await look(registry, f"{PROJECT}/shop/web", f"{PROJECT}/shop/api")

        assert outlook.standings == {}
        assert {unknown.of for unknown in outlook.unknown} == {f"{PROJECT}/shop"}
        assert all(isinstance(unknown.why, errors.NoRight) for unknown in outlook.unknown)
        assert len(google.asked) == 1

    async def test_a_project_of_a_domain_has_two_components(
        self, google: Google, registry: DistributionRegistry
    ) -> None:
        outlook = await look(registry, "example.com/shop/images/web")

        assert outlook.standings["example.com/shop/images/web"].missing == MissingTarget(
            "repository", "example.com/shop/images"
        )
        assert "/v1/projects/example.com:shop/locations/" in google.asked[0]

    def test_a_path_without_an_image_is_refused(self) -> None:
        assert GAR.capabilities.refusal("acme/shop")
        assert not GAR.capabilities.refusal("acme/shop/web")
        assert not GCR.capabilities.refusal("acme/web")


class TestCreating:
    async def test_a_repository_is_made_and_waited_for(
        self, google: Google, registry: DistributionRegistry, pauses: list[float]
    ) -> None:
        creator = creator_of(registry)
        shop = MissingTarget("repository", f"{PROJECT}/shop")
        assert creator.refusal(shop, PRIVATE) == ""
        assert not await creator.has(shop)

        await creator.create(shop, PRIVATE)

        assert await creator.has(shop)
        assert google.made == [("shop", {"format": "DOCKER"})]
        assert len(pauses) == 2

    async def test_a_repository_is_made_with_labels_and_immutable_tags(
        self, google: Google, registry: DistributionRegistry, pauses: list[float]
    ) -> None:
        creator, shop = creator_of(registry), MissingTarget("repository", f"{PROJECT}/shop")
        assert isinstance(creator, TakesOptions)
        options = CreationOptions(immutable_tags=True, resource_tags=(("team", "web"),))
        loud = CreationOptions(resource_tags=(("Team", "web"),))

        assert creator.options_refusal(shop, options) == ""
        assert "label Team=web" in creator.options_refusal(shop, loud)
        await creator.create_with(shop, PRIVATE, options)

        asked = {"labels": {"team": "web"}, "dockerConfig": {"immutableTags": True}}
        assert google.made == [("shop", {"format": "DOCKER", **asked})]

    async def test_why_it_is_not_made_is_said(
        self, google: Google, registry: DistributionRegistry, pauses: list[float]
    ) -> None:
        google.fails = "the quota of repositories is used up"

        with pytest.raises(errors.UnexpectedAnswer, match="quota of repositories"):
            await creator_of(registry).create(
                MissingTarget("repository", f"{PROJECT}/shop"), PRIVATE
            )

    async def test_one_that_is_never_ready_is_not_waited_for_for_ever(
        self, google: Google, registry: DistributionRegistry, pauses: list[float]
    ) -> None:
        google.takes = 10_000
        creator = creator_of(registry)
        shop = MissingTarget("repository", f"{PROJECT}/shop")

        with pytest.raises(errors.TimedOut, match="isn't made after 2 min"):
            await creator.create(shop, PRIVATE)

        assert not await creator.has(shop)
        assert sum(pauses) == 120

    async def test_one_that_is_there_is_not_made_again(
        self, google: Google, registry: DistributionRegistry
    ) -> None:
        google.repositories = {"shop": Repository()}

        with pytest.raises(errors.TransshipError, match="already exists"):
            await creator_of(registry).create(
                MissingTarget("repository", f"{PROJECT}/shop"), PRIVATE
            )

    def test_it_can_not_be_public_at_once(self, registry: DistributionRegistry) -> None:
        why = creator_of(registry).refusal(MissingTarget("repository", "a/b"), PUBLIC)

        assert "IAM policy" in why


@pytest.mark.parametrize("host", ["gcr.io", "images.example.com"])
def test_names_without_a_location_have_no_api(host: str) -> None:
    registry = DistributionRegistry(host, service=GAR)

    assert registry.foreseer() is None
    assert registry.creator() is None
