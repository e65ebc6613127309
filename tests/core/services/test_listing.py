"""Repositories that the catalog doesn't list are listed by the service's own API.

The registries are real; the APIs beside them are `servers.harbor`, `servers.hub`, `servers.gitlab`
and `servers.ecr`, which stand in for what can't be had here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from clients.opening import LOGIN, access_to
from servers.ecr import HOST, EcrApi, ecr_api
from servers.gitlab import GitLab, gitlab
from servers.harbor import Harbor, Project, harbor
from servers.hub import TOKEN, Hub, hub
from servers.scripted import Reply
from transship import errors
from transship.registry.distribution import DistributionRegistry
from transship.registry.service import AskApi, Service
from transship.services.docker_hub import DOCKER_HUB, HubApi
from transship.services.ecr import ECR
from transship.services.gitlab import GITLAB
from transship.services.harbor import HARBOR

if TYPE_CHECKING:
    from clients.opening import Connect
    from servers.docker_registry import DockerRegistry
    from servers.scripted import ScriptedServer


async def names(registry: DistributionRegistry) -> list[str]:
    return [name async for name in registry.repositories()]


class TestHarbor:
    @pytest.fixture
    def server(self, htpasswd_registry: DockerRegistry) -> Iterator[Harbor]:
        with harbor(htpasswd_registry.host) as server:
            yield server

    @pytest.fixture
    def registry(
        self, server: Harbor, htpasswd_registry: DockerRegistry, connect: Connect
    ) -> DistributionRegistry:
        login = access_to(htpasswd_registry).credential
        return connect(server.host, credential=login, service=HARBOR)

    async def test_projects_are_gone_through_page_by_page(
        self, server: Harbor, registry: DistributionRegistry
    ) -> None:
        many = {f"web-{number:03}": {"v1": False} for number in range(150)}
        server.projects = {"team": Project(tags=many), "shop": Project(tags={"a/b": {}})}

        assert await names(registry) == ["shop/a/b", *(f"team/{name}" for name in many)]

    async def test_pages_may_be_shorter_than_they_were_asked_for(
        self, scripted: ScriptedServer, connect: Connect
    ) -> None:
        for page, name in enumerate(("shop", "team"), 1):
            answer = Reply(200, {"X-Total-Count": "2"}, f'[{{"name": "{name}"}}]'.encode())
            scripted.on("GET", rf"/api/v2.0/projects\?page={page}&.*", answer)
        scripted.on("GET", ".*/projects/(shop|team)/repositories.*", Reply(200, {}, b"[]"))
        registry = connect(scripted.host, credential=LOGIN, service=HARBOR)

        assert await names(registry) == []
        looked_into = scripted.asked("GET", ".*/repositories.*")
        assert ["shop" in each.target for each in looked_into] == [True, False]

    async def test_a_list_that_ends_before_its_own_total_is_none(
        self, scripted: ScriptedServer, connect: Connect
    ) -> None:
        first = Reply(200, {"X-Total-Count": "3"}, b'[{"name": "team"}]')
        scripted.on("GET", r"/api/v2.0/projects\?page=1&.*", first)
        scripted.on("GET", r"/api/v2.0/projects\?page=2&.*", Reply(200, first.headers, b"[]"))
        scripted.on("GET", ".*/repositories.*", Reply(200, {}, b"[]"))

        with pytest.raises(errors.ListIncomplete, match="1 of 3"):
            await names(connect(scripted.host, credential=LOGIN, service=HARBOR))

    async def test_a_project_that_the_account_may_not_look_into_is_named_beside_the_list(
        self, server: Harbor, registry: DistributionRegistry
    ) -> None:
        server.projects = {
            "closed": Project(tags={"web": {}}, may_look_into=False),
            "team": Project(tags={"web": {}}),
        }

        assert await names(registry) == ["team/web"]
        assert [type(why) for why in registry.unlisted.values()] == [errors.NoRight]
        assert list(registry.unlisted) == ["closed"]

        server.projects["closed"].may_look_into = True
        assert await names(registry) == ["closed/web", "team/web"]
        assert registry.unlisted == {}, "of the list before"

    @pytest.mark.parametrize("status", [429, 500, 503])
    async def test_what_may_pass_is_no_reason_to_take_the_catalog_for_the_whole(
        self, server: Harbor, registry: DistributionRegistry, status: int
    ) -> None:
        server.broken = status

        with pytest.raises((errors.RateLimited, errors.ServerFailed)):
            await names(registry)
        assert all("_catalog" not in request.path for request in server.requests)

    async def test_without_an_answer_of_the_api_the_catalog_is_asked(
        self, server: Harbor, registry: DistributionRegistry
    ) -> None:
        server.broken = 403

        assert all("/" in name for name in await names(registry)), "what the registry lists itself"
        assert server.requests[-1].path.startswith("/v2/_catalog")


class TestDockerHub:
    @pytest.fixture
    def server(self) -> Iterator[Hub]:
        with hub(LOGIN.username, LOGIN.secret) as server:
            server.namespaces = {"acme": ["web", "api"], "tools": [f"t{n}" for n in range(250)]}
            yield server

    @pytest.fixture
    def service(self, server: Hub) -> Service:
        """The Hub's service, with its API where the stand-in is."""

        def api(host: str, ask: AskApi) -> HubApi:
            return HubApi(ask, server.url)

        return replace(DOCKER_HUB, api_host="", api=api, api_hosts=(server.host,))

    async def test_all_namespaces_of_the_account_are_listed(
        self, server: Hub, service: Service, open_registry: DockerRegistry, connect: Connect
    ) -> None:
        registry = connect(open_registry.host, credential=LOGIN, service=service)

        found = await names(registry)

        assert found == ["acme/web", "acme/api", *(f"tools/t{n}" for n in range(250))]
        signed_in, *others = server.asked
        assert signed_in == ("POST", "/v2/auth/token", ""), "the secret is in the body alone"
        assert {authorization for _, _, authorization in others} == {f"Bearer {TOKEN}"}

    async def test_a_wrong_token_closes_the_list_and_says_why(
        self, server: Hub, service: Service, scripted: ScriptedServer, connect: Connect
    ) -> None:
        wrong = replace(LOGIN, secret="wrong")
        registry = connect(scripted.host, credential=wrong, service=service)

        with pytest.raises(errors.CatalogClosed, match="Incorrect authentication credentials"):
            await names(registry)
        assert len(server.asked) == 1

    async def test_without_a_credential_nothing_is_sent_to_the_hub(
        self, server: Hub, service: Service, scripted: ScriptedServer, connect: Connect
    ) -> None:
        registry = connect(scripted.host, service=service, named=("acme/web",))

        assert await names(registry) == ["acme/web"], "what the operator named is left"
        assert server.asked == []

    async def test_the_token_goes_to_no_other_host_whatever_a_page_says(
        self, server: Hub, service: Service, scripted: ScriptedServer, connect: Connect
    ) -> None:
        registry = connect(scripted.host, credential=LOGIN, service=service)
        with hub(LOGIN.username, LOGIN.secret) as other:
            server.elsewhere = other.url

            with pytest.raises(errors.RedirectRefused, match="isn't asked"):
                await names(registry)

            assert other.asked == []

    async def test_pages_that_go_round_in_circles_are_no_list(
        self, server: Hub, service: Service, scripted: ScriptedServer, connect: Connect
    ) -> None:
        registry = connect(scripted.host, credential=LOGIN, service=service)
        server.namespaces = {"tools": [f"t{n}" for n in range(150)]}
        server.circles = True

        with pytest.raises(errors.UnexpectedAnswer, match="circles"):
            await names(registry)
        assert len(server.asked) == 2 + 2, "signing in, namespaces, and two pages"

    async def test_the_secret_goes_only_where_the_service_says(
        self, server: Hub, service: Service, scripted: ScriptedServer, connect: Connect
    ) -> None:
        stranger = replace(service, api_hosts=())
        registry = connect(scripted.host, credential=LOGIN, service=stranger)

        with pytest.raises(errors.CatalogClosed, match="isn't asked"):
            await names(registry)
        assert server.asked == []

    def test_the_hub_itself_is_asked_over_https(self) -> None:
        assert DOCKER_HUB.api_hosts == ("hub.docker.com",)


class TestGitLab:
    @pytest.fixture
    def server(self) -> Iterator[GitLab]:
        with gitlab(LOGIN.secret) as server:
            yield server

    @pytest.fixture
    def registry(
        self, server: GitLab, scripted: ScriptedServer, connect: Connect
    ) -> DistributionRegistry:
        challenge = {"WWW-Authenticate": server.challenge}
        scripted.on("GET", "/v2/.*", Reply(401, challenge))
        return connect(scripted.host, credential=LOGIN, service=GITLAB)

    async def test_the_projects_of_the_account_are_listed_by_its_gitlab(
        self, server: GitLab, registry: DistributionRegistry
    ) -> None:
        server.projects = {1: ["acme/web", "acme/web/debug"], 2: None, 3: []} | {
            number: [f"acme/p{number}"] for number in range(10, 210)
        }

        found = await names(registry)

        assert found == ["acme/web", "acme/web/debug", *(f"acme/p{n}" for n in range(10, 210))]

    async def test_what_the_account_may_not_see_of_its_projects_is_named_beside_the_list(
        self, server: GitLab, registry: DistributionRegistry
    ) -> None:
        server.projects = {1: ["acme/web"], 2: None, 7: ["acme/p7"]}
        server.guest = {7}

        assert await names(registry) == ["acme/web"]
        assert {path: type(why) for path, why in registry.unlisted.items()} == {
            "acme/p7": errors.NoRight
        }
        assert not any("/projects/2/" in path for path in server.asked), "it has no registry"

    @pytest.mark.parametrize(("page", "why"), [("1", "circles"), ("2&x=", "no number")])
    async def test_pages_that_lead_nowhere_are_no_list(
        self, server: GitLab, registry: DistributionRegistry, page: str, why: str
    ) -> None:
        server.projects = {1: ["acme/web"]}
        server.pages = page

        with pytest.raises(errors.UnexpectedAnswer, match=why):
            await names(registry)

    async def test_a_full_page_that_does_not_say_whether_there_is_more_is_no_list(
        self, server: GitLab, registry: DistributionRegistry
    ) -> None:
        server.projects = {number: [] for number in range(100)}
        server.numbers_pages = False

        with pytest.raises(errors.ListIncomplete):
            await names(registry)

    async def test_a_token_that_may_not_read_the_api_lists_nothing_and_says_so(
        self, server: GitLab, registry: DistributionRegistry
    ) -> None:
        server.reads_api = False

        with pytest.raises(errors.CatalogClosed, match="insufficient_scope"):
            await names(registry)

    async def test_a_registry_without_a_gitlab_is_not_asked_for_one(
        self, scripted: ScriptedServer, connect: Connect
    ) -> None:
        registry = connect(scripted.host, credential=LOGIN, service=GITLAB)

        with pytest.raises(errors.CatalogClosed, match="names no GitLab"):
            await names(registry)


class TestEcr:
    @pytest.fixture
    def api(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[EcrApi]:
        with ecr_api() as api:
            monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", api.url)
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
            monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
            yield api

    async def test_all_pages_are_listed(self, api: EcrApi) -> None:
        api.repositories = {f"team/r{number:03}": {} for number in range(250)}

        assert await names(DistributionRegistry(HOST, service=ECR)) == sorted(api.repositories)
        assert [operation for operation, _ in api.asked] == ["DescribeRepositories"] * 3

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            ((400, "ThrottlingException"), errors.RateLimited),
            ((500, "ServerException"), errors.ServerFailed),
        ],
    )
    async def test_what_may_pass_isnt_taken_for_an_api_that_doesnt_list(
        self, api: EcrApi, answer: tuple[int, str], kind: type[errors.TransshipError]
    ) -> None:
        api.broken = answer

        with pytest.raises(kind):
            await names(DistributionRegistry(HOST, service=ECR))

    async def test_an_api_that_nothing_answers_for_isnt_either(
        self, api: EcrApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "http://127.0.0.1:1")

        with pytest.raises(errors.ConnectionLost):
            await names(DistributionRegistry(HOST, service=ECR))
