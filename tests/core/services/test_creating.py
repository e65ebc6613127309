"""What has to be there before a push is created by the service's own API, and seen to be there.

`servers.harbor` and `servers.ecr` stand in for what can't be had here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from clients.opening import access_to
from servers.ecr import HOST, EcrApi, ecr_api
from servers.harbor import Harbor, Project, harbor
from transship import errors
from transship.registry.distribution import DistributionRegistry
from transship.registry.registry import MissingTarget, Visibility
from transship.registry.service import Creator, SignsIn, all_services
from transship.services.ecr import ECR
from transship.services.harbor import HARBOR

if TYPE_CHECKING:
    from clients.opening import Connect
    from servers.docker_registry import DockerRegistry

PRIVATE, PUBLIC = Visibility.PRIVATE, Visibility.PUBLIC


def creator_of(registry: DistributionRegistry) -> Creator:
    creator = registry.creator()
    assert creator is not None
    return creator


class TestHarbor:
    @pytest.fixture
    def server(self, htpasswd_registry: DockerRegistry) -> Iterator[Harbor]:
        with harbor(htpasswd_registry.host) as server:
            yield server

    @pytest.fixture
    def creator(
        self, server: Harbor, htpasswd_registry: DockerRegistry, connect: Connect
    ) -> Creator:
        login = access_to(htpasswd_registry).credential
        return creator_of(connect(server.host, credential=login, service=HARBOR))

    @pytest.mark.parametrize(("visibility", "public"), [(PRIVATE, "false"), (PUBLIC, "true")])
    async def test_a_project_is_made_without_a_word_of_its_quota(
        self, visibility: Visibility, public: str, server: Harbor, creator: Creator
    ) -> None:
        team = MissingTarget("project", "team")
        assert creator.refusal(team, visibility) == ""
        assert not await creator.has(team)

        await creator.create(team, visibility)

        assert await creator.has(team)
        assert server.created == [{"project_name": "team", "metadata": {"public": public}}]

    async def test_one_that_is_there_is_not_made_again(
        self, server: Harbor, creator: Creator
    ) -> None:
        server.projects = {"team": Project()}

        with pytest.raises(errors.TransshipError):
            await creator.create(MissingTarget("project", "team"), PRIVATE)
        assert server.created == []

    async def test_who_may_not_is_told(self, server: Harbor, creator: Creator) -> None:
        server.may_create = False

        with pytest.raises(errors.NoRight):
            await creator.create(MissingTarget("project", "team"), PRIVATE)


class TestEcr:
    @pytest.fixture
    def api(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[EcrApi]:
        with ecr_api() as api:
            monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", api.url)
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
            monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
            yield api

    async def test_who_may_not_is_told(self, api: EcrApi) -> None:
        api.denied = {"CreateRepository"}

        with pytest.raises(errors.NoRight):
            await creator_of(DistributionRegistry(HOST, service=ECR)).create(
                MissingTarget("repository", "web"), PRIVATE
            )

    def test_a_repository_can_not_be_public(self) -> None:
        creator = creator_of(DistributionRegistry(HOST, service=ECR))

        assert "only ECR Public" in creator.refusal(MissingTarget("repository", "web"), PUBLIC)

    async def test_a_login_is_handed_out_for_twelve_hours(self, api: EcrApi) -> None:
        opened = ECR.api(HOST, None) if ECR.api else None  # type: ignore[arg-type]
        assert isinstance(opened, SignsIn)

        login = await opened.login()

        assert (login.credential.username, login.credential.secret) == ("AWS", api.password)
        assert 11 * 3600 < login.seconds <= 12 * 3600
        assert api.password not in repr(login)


def test_who_creates_says_so_in_its_facts_and_nobody_else_does() -> None:
    for service in all_services():
        host = {"ecr": HOST, "gar": "europe-west3-docker.pkg.dev"}.get(service.kind, "a.example")
        creates = DistributionRegistry(host, service=service).creator() is not None
        how = service.facts.create.how
        assert creates == (", by its API" in how or ", by the cloud's API" in how), service.kind
