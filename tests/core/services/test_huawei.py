"""Huawei SWR: `servers.huawei` stands in for its API and for what it refuses.

The registry that takes the layers is a real one. Answers that no service gives on demand are
scripted; they have the shape that Harbor's adapter for SWR reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from clients.opening import LOGIN
from moving.jobs import new_job, outcomes, plan_of
from moving.judge import digest_at, tags_at
from servers.huawei import ACCESS_KEY, KEY, SECRET_KEY, USERNAME, Swr, swr
from servers.images import push_image, push_index
from servers.scripted import Reply
from transship import errors
from transship.clock import SystemClock
from transship.oci.reference import Reference
from transship.registry.access import Access, open_registry
from transship.registry.credential import Credential
from transship.registry.registry import MissingTarget, TargetOutlook, Visibility
from transship.services.huawei import SWR, login_key
from transship.transfers.copies import CopyState, JobState, Verdict
from transship.transfers.job_view import read_job
from transship.transfers.preview import preview_plan
from transship.transfers.runner import Runner, RunnerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from clients.opening import Connect
    from servers.docker_registry import DockerRegistry
    from servers.scripted import ScriptedServer
    from transship.plans.plan import Plan
    from transship.registry.distribution import DistributionRegistry
    from transship.registry.registry import Registry

LIST, ONE = "/dockyard/v2/visible/namespaces", "/dockyard/v2/namespaces/"
OWN = Credential(USERNAME, KEY)


def answer(document: Any) -> Reply:
    return Reply(200, {"Content-Type": "application/json"}, json.dumps(document).encode())


async def look(registry: DistributionRegistry, *repositories: str) -> TargetOutlook:
    foreseer = registry.foreseer()
    assert foreseer is not None
    return await foreseer.look(dict.fromkeys(repositories, True))


async def names(registry: DistributionRegistry) -> list[str]:
    return [name async for name in registry.repositories()]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swr]:
    with swr(tmp_path_factory.mktemp("swr")) as server:
        yield server


@pytest.fixture
def server(running: Swr) -> Swr:
    """SWR, without an organization."""
    running.organizations.clear()
    running.hidden.clear()
    running.calls.clear()
    running.unpaged, running.short = False, 0
    return running


@pytest.fixture
def registry(server: Swr, connect: Connect) -> DistributionRegistry:
    return connect(server.host, credential=OWN, service=SWR)


class TestSigningIn:
    async def test_the_login_key_of_an_access_key_is_taken(
        self, server: Swr, connect: Connect
    ) -> None:
        key = login_key(ACCESS_KEY, SECRET_KEY)

        await connect(
            server.host, credential=Credential(USERNAME, key), service=SWR
        ).check_sign_in()

    async def test_the_secret_key_itself_is_not(self, server: Swr, connect: Connect) -> None:
        registry = connect(server.host, credential=Credential(USERNAME, SECRET_KEY), service=SWR)

        with pytest.raises(errors.WrongCredential):
            await registry.check_sign_in()

    def test_the_key_is_what_openssl_makes_of_the_two(self) -> None:
        # printf "$AK" | openssl dgst -binary -sha256 -hmac "$SK" | od -An -vtx1
        assert login_key("key", "The secret") == (
            "ed2413b8146c238b43fc67619b3d0c90d17f9989d4bae00722c2b11d9901bfb8"
        )


class TestListing:
    async def test_all_pages_are_gone_through(
        self, server: Swr, registry: DistributionRegistry
    ) -> None:
        server.organizations = {"team": [f"web-{n:03}" for n in range(250)], "shop": ["a/b"]}

        found = await names(registry)

        assert found == [*(f"team/web-{n:03}" for n in range(250)), "shop/a/b"]

    async def test_a_list_that_comes_whole_is_taken_once(
        self, server: Swr, registry: DistributionRegistry
    ) -> None:
        server.organizations = {"team": [f"web-{n:03}" for n in range(150)]}
        server.unpaged = True

        assert len(await names(registry)) == 150

    async def test_without_a_repository_it_is_empty(
        self, server: Swr, registry: DistributionRegistry
    ) -> None:
        assert await names(registry) == []

    async def test_what_is_kept_back_is_no_whole_list(
        self, server: Swr, registry: DistributionRegistry
    ) -> None:
        server.organizations = {"team": ["a", "b", "c"]}
        server.short = 1

        with pytest.raises(errors.ListIncomplete, match="2 of 3"):
            await names(registry)

    async def test_who_may_not_is_told(self, server: Swr, connect: Connect) -> None:
        other = connect(server.host, credential=LOGIN, service=SWR)

        with pytest.raises(errors.WrongCredential):
            await names(other)


class TestForeseeing:
    async def test_an_organization_that_is_listed_is_there(
        self, server: Swr, registry: DistributionRegistry
    ) -> None:
        server.organizations = {"team": []}

        assert await look(registry, "team/web", "team/shop/api") == TargetOutlook()
        assert server.calls == [f"GET {LIST}"]

    async def test_one_that_neither_the_list_nor_its_name_finds_is_missing(
        self, server: Swr, registry: DistributionRegistry
    ) -> None:
        outlook = await look(registry, "gone/web", "gone/api")

        assert outlook.standings["gone/web"].missing == MissingTarget(
            "organization", "gone", hidden=True
        )
        assert outlook.standings["gone/web"] == outlook.standings["gone/api"]
        assert server.calls == [f"GET {LIST}", f"GET {ONE}gone"]

    async def test_one_that_only_its_name_finds_is_there(
        self, server: Swr, registry: DistributionRegistry
    ) -> None:
        server.organizations, server.hidden = {"shared": []}, {"shared"}

        assert await look(registry, "shared/web") == TargetOutlook()

    async def test_one_that_is_found_without_a_name_is_missing(
        self, scripted: ScriptedServer, connect: Connect
    ) -> None:
        scripted.on("GET", LIST, answer({"namespaces": []}))
        scripted.on("GET", f"{ONE}gone", answer({"id": 0, "name": ""}))

        outlook = await look(connect(scripted.host, credential=LOGIN, service=SWR), "gone/web")

        assert outlook.standings["gone/web"].missing == MissingTarget(
            "organization", "gone", hidden=True
        )

    @pytest.mark.parametrize(
        ("reply", "cause"),
        [
            (Reply(403), errors.NoRight),
            (Reply(401), errors.NoRight),
            (Reply(200, {"Content-Type": "text/html"}, b"<html>"), errors.UnexpectedAnswer),
            (answer({"others": []}), errors.UnexpectedAnswer),
        ],
    )
    async def test_what_can_not_be_asked_is_raised(
        self,
        reply: Reply,
        cause: type[errors.TransshipError],
        scripted: ScriptedServer,
        connect: Connect,
    ) -> None:
        scripted.on("GET", LIST, reply)

        with pytest.raises(cause):
            await look(connect(scripted.host, credential=LOGIN, service=SWR), "team/web")


class TestCreating:
    async def test_an_organization_is_made_once(
        self, server: Swr, registry: DistributionRegistry
    ) -> None:
        creator, team = registry.creator(), MissingTarget("organization", "team")
        assert creator is not None
        assert not await creator.has(team)

        await creator.create(team, Visibility.PRIVATE)

        assert await creator.has(team)
        assert list(server.organizations) == ["team"]
        with pytest.raises(errors.UnexpectedAnswer, match="409"):
            await creator.create(team, Visibility.PRIVATE)

    async def test_it_can_not_be_public(self, registry: DistributionRegistry) -> None:
        creator = registry.creator()
        assert creator is not None

        why = creator.refusal(MissingTarget("organization", "team"), Visibility.PUBLIC)

        assert why == "repositories of a new organization are private at this service"


class TestCopying:
    """What an SWR holds after a job, as skopeo sees it in the registry behind."""

    @pytest.fixture
    def plan(self, open_registry: DockerRegistry, server: Swr, repository: str) -> Plan:
        """Images of Docker's kind and of OCI's, a list of Docker's, and an index of OCI's."""
        docker = push_image(open_registry, repository, "docker", docker=True)
        oci = push_image(open_registry, repository, "oci")
        push_index(open_registry, repository, "list", [docker], docker=True)
        push_index(open_registry, repository, "index", [oci])
        plan = plan_of((f"{open_registry.host}/{repository}", f"{server.host}/team/{repository}"))
        return replace(plan, create_missing=Visibility.PRIVATE)

    @pytest.fixture
    async def places(self, plan: Plan, server: Swr) -> AsyncIterator[dict[str, Registry]]:
        access = Access(server.host, credential=OWN, service="swr")
        async with AsyncExitStack() as stack:
            places = {}
            for name in {place.registry for place in plan.places}:
                place = open_registry(Reference(name), access if name == server.host else None)
                places[name] = await stack.enter_async_context(aclosing(place))
            yield places

    async def test_a_preview_names_the_index_as_what_is_not_taken(
        self, plan: Plan, server: Swr, places: dict[str, Registry]
    ) -> None:
        worklist = (await preview_plan(plan, places, SystemClock())).worklist

        (blocked,) = worklist.of(Verdict.BLOCKED)
        assert blocked.target.version == "index"
        assert "image.index.v1+json isn't taken here" in blocked.reason
        assert server.organizations == {}

    async def test_all_else_arrives_with_every_digest_and_the_index_is_not_turned_into_another(
        self,
        plan: Plan,
        server: Swr,
        places: dict[str, Registry],
        open_registry: DockerRegistry,
        repository: str,
        tmp_path: Path,
    ) -> None:
        job = new_job(tmp_path, plan)
        with job.locked(), job.journal() as journal:
            await Runner(plan, places, journal, SystemClock(), RunnerSettings()).run()

        target = f"team/{repository}"
        assert tags_at(server.behind, target) == ["docker", "list", "oci"]
        for tag in ("docker", "list", "oci"):
            assert digest_at(server.behind, target, tag) == digest_at(
                open_registry, repository, tag
            )
        assert read_job(job).state is JobState.FAILED
        assert {tag: state for tag, (_, state) in outcomes(job).items()} == {
            "docker": CopyState.DONE,
            "list": CopyState.DONE,
            "oci": CopyState.DONE,
            "index": CopyState.FAILED,
        }
        assert [name async for name in places[server.host].repositories()] == [target]

    async def test_its_own_words_for_an_index_are_kept(
        self,
        plan: Plan,
        server: Swr,
        connect: Connect,
        open_registry: DockerRegistry,
        repository: str,
    ) -> None:
        server.organizations = {"team": []}
        manifest = await connect(open_registry.host).get_manifest(repository, "index")
        target = connect(server.host, credential=OWN)

        with pytest.raises(errors.ManifestRejected, match="fail to parse"):
            await target.put_manifest("team/web", "index", manifest)
