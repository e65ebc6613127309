"""Alibaba Cloud ACR, both editions: `servers.alibaba` stands in for the API and what it guards.

The registry that takes the layers is a real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from moving.jobs import new_job, plan_of
from moving.judge import digest_at, tags_at
from servers.alibaba import (
    KEY_ID,
    KEY_SECRET,
    AlibabaApi,
    Instance,
    Namespace,
    Refused,
    alibaba_api,
    alibaba_registry,
)
from servers.faults import Answer, Fault
from servers.images import push_image, push_index
from transship import errors
from transship.clock import SystemClock
from transship.oci.reference import parse_reference
from transship.plans.plan import Kind, Plan, Rule
from transship.registry.credential import Credential, Tls
from transship.registry.distribution import DistributionRegistry
from transship.registry.registry import MissingTarget, TargetOutlook, TargetStatus, Visibility
from transship.registry.service import ApiKeys, Creator
from transship.services.alibaba import ALIBABA
from transship.transfers.copies import JobState
from transship.transfers.job_view import read_job
from transship.transfers.runner import Runner, RunnerSettings

if TYPE_CHECKING:
    from pathlib import Path

    from clients.opening import Connect
    from servers.docker_registry import DockerRegistry
    from transship.registry.service import AskApi, Service
    from transship.transfers.job_view import JobView

PERSONAL = "registry.cn-hangzhou.aliyuncs.com"
NUMBER = "cri-kmsiwlxxdcva0001"
ENTERPRISE = "example-registry.cn-hangzhou.cr.aliyuncs.com"
LOGIN = Credential(KEY_ID, KEY_SECRET)


@dataclass
class World:
    """One edition: what stands in, its namespaces, and how a registry of it is opened."""

    api: AlibabaApi
    namespaces: dict[str, Namespace]
    service: Service
    connect: Connect
    keys: Credential | None = LOGIN

    def open(self, host: str, **options: Any) -> DistributionRegistry:
        keys = ApiKeys(self.api.host, self.keys, Tls()) if self.keys else None
        return self.connect(host, service=self.service, keys=keys, clock=SystemClock(), **options)


@pytest.fixture
def api() -> Iterator[AlibabaApi]:
    with alibaba_api() as api:
        yield api


@pytest.fixture(params=["personal", "enterprise", "a domain of one's own"])
def world(request: pytest.FixtureRequest, api: AlibabaApi, connect: Connect) -> World:
    """Each edition, and an instance that is found by its domain."""
    host = {"personal": PERSONAL, "enterprise": ENTERPRISE}.get(request.param, "images.example.com")
    api.instances = {
        "cri-another": Instance("other"),
        NUMBER: Instance("example", ["images.example.com"]),
    }
    personal = host == PERSONAL
    namespaces = api.namespaces if personal else api.instances[NUMBER].namespaces

    def opened(_: str, ask: AskApi) -> object:
        assert ALIBABA.api is not None
        return ALIBABA.api(host, ask)

    service = replace(ALIBABA, api=opened, hands_out=(r"127\.0\.0\.1",))
    return World(api, namespaces, service, connect)


async def names(registry: DistributionRegistry) -> list[str]:
    return [name async for name in registry.repositories()]


async def look(registry: DistributionRegistry, *repositories: str) -> TargetOutlook:
    foreseer = registry.foreseer()
    assert foreseer is not None
    return await foreseer.look(dict.fromkeys(repositories, True))


def creator_of(registry: DistributionRegistry) -> Creator:
    creator = registry.creator()
    assert creator is not None
    return creator


class TestListing:
    async def test_all_namespaces_are_gone_through_page_by_page(self, world: World) -> None:
        many = {f"web-{number:03}": "PRIVATE" for number in range(250)}
        world.namespaces |= {
            "team": Namespace(many),
            "empty": Namespace(),
            "shop": Namespace({"a": ""}),
        }

        assert await names(world.open("registry")) == [*(f"team/{name}" for name in many), "shop/a"]

    async def test_what_is_kept_back_is_no_whole_list(self, world: World) -> None:
        world.namespaces["team"] = Namespace({"a": "", "b": "", "c": ""})
        world.api.short = {"GetRepoListByNamespace", "ListRepository"}

        with pytest.raises(errors.ListIncomplete, match="2 of 3"):
            await names(world.open("registry"))

    async def test_a_namespace_that_may_not_be_looked_into_is_named_beside_the_list(
        self, world: World
    ) -> None:
        world.namespaces |= {"closed": Namespace({"a": ""}), "team": Namespace({"b": ""})}
        refused = [Refused(403, "Forbidden.RAM")]
        world.api.refuses = {"GetRepoListByNamespace": refused, "ListRepository": [*refused]}
        registry = world.open("registry")

        assert await names(registry) == ["team/b"]
        assert {path: type(why) for path, why in registry.unlisted.items()} == {
            "closed": errors.NoRight
        }

    async def test_a_namespace_that_is_deleted_meanwhile_is_passed_over(self, world: World) -> None:
        world.namespaces |= {"gone": Namespace({"a": ""}), "team": Namespace({"b": ""})}
        gone = [Refused(404, "NAMESPACE_NOT_EXIST")]
        world.api.refuses = {"GetRepoListByNamespace": gone, "ListRepository": [*gone]}
        registry = world.open("registry")

        assert await names(registry) == ["team/b"]
        assert registry.unlisted == {}

    async def test_a_host_that_is_no_instance_of_the_keys_is_said(
        self, api: AlibabaApi, htpasswd_registry: DockerRegistry, connect: Connect
    ) -> None:
        api.instances = {"cri-1": Instance("other", ["elsewhere.example.com"])}
        keys = ApiKeys(api.host, LOGIN, Tls())
        registry = connect(htpasswd_registry.host, service=ALIBABA, keys=keys, clock=SystemClock())

        with pytest.raises(errors.CatalogClosed, match=r"No instance.*127\.0\.0\.1"):
            await names(registry)

    async def test_without_keys_what_the_operator_named_is_left(
        self, world: World, htpasswd_registry: DockerRegistry
    ) -> None:
        world.keys = None
        registry = world.open(htpasswd_registry.host, named=("team/web",))

        assert await names(registry) == ["team/web"]
        assert world.api.asked == []

    async def test_without_keys_and_names_it_says_what_is_needed(
        self, htpasswd_registry: DockerRegistry, connect: Connect
    ) -> None:
        opened = ALIBABA.api
        assert opened is not None
        service = replace(ALIBABA, api=lambda _, ask: opened(PERSONAL, ask))

        with pytest.raises(errors.CatalogClosed, match="Keys of the cloud's API needed"):
            await names(connect(htpasswd_registry.host, service=service))


class TestForeseeing:
    async def test_a_namespace_that_is_not_there_is_missing(self, world: World) -> None:
        outlook = await look(world.open("registry"), "gone/web", "gone/api")

        missing = MissingTarget("namespace", "gone")
        assert outlook == TargetOutlook(
            {n: TargetStatus(missing=missing) for n in ("gone/web", "gone/api")}
        )
        assert [name for name in world.api.asked if name == "GetNamespace"] == ["GetNamespace"]

    async def test_a_repository_is_missing_unless_a_push_makes_it(self, world: World) -> None:
        world.namespaces |= {"makes": Namespace(), "strict": Namespace({"web": "PRIVATE"}, False)}

        outlook = await look(world.open("registry"), "makes/web", "strict/web", "strict/api")

        missing = MissingTarget("repository", "strict/api")
        assert outlook == TargetOutlook({"strict/api": TargetStatus(missing=missing)})

    async def test_what_may_not_be_asked_is_unknown_once_a_namespace(self, world: World) -> None:
        world.api.refuses = {"GetNamespace": [Refused(403, "Forbidden.RAM")]}

        outlook = await look(world.open("registry"), "team/web", "team/api")

        (unknown,) = outlook.unknown
        assert unknown.of == "team"
        assert isinstance(unknown.why, errors.NoRight)

    async def test_without_keys_that_is_said_once(self, world: World) -> None:
        world.keys = None

        with pytest.raises(errors.ApiKeysNeeded, match="Alibaba Cloud ACR"):
            await look(world.open("registry"), "team/web", "shop/web")

    async def test_the_message_names_the_host_of_the_region(self, connect: Connect) -> None:
        with pytest.raises(errors.ApiKeysNeeded, match=r"cr\.cn-hangzhou\.aliyuncs\.com"):
            await look(connect(ENTERPRISE), "team/web")

    async def test_the_personal_edition_has_names_of_two_components(self, connect: Connect) -> None:
        keys = ApiKeys("127.0.0.1:1", LOGIN, Tls())

        outlook = await look(connect(PERSONAL, keys=keys), "team/shop/web")

        why = "names in the Personal Edition have 2 parts"
        assert outlook == TargetOutlook({"team/shop/web": TargetStatus(read_only=why)})


class TestCreating:
    @pytest.mark.parametrize("visibility", list(Visibility))
    async def test_a_namespace_is_made_whose_repositories_are_of_that_kind(
        self, world: World, visibility: Visibility
    ) -> None:
        creator, team = creator_of(world.open("registry")), MissingTarget("namespace", "team")
        assert creator.refusal(team, visibility) == ""
        assert not await creator.has(team)

        await creator.create(team, visibility)

        assert await creator.has(team)
        assert world.namespaces["team"] == Namespace({}, True, visibility.name)

    @pytest.mark.parametrize("visibility", list(Visibility))
    async def test_a_repository_is_made(self, world: World, visibility: Visibility) -> None:
        world.namespaces["team"] = Namespace({}, auto_create=False)
        creator, web = creator_of(world.open("registry")), MissingTarget("repository", "team/web")
        assert not await creator.has(web)

        await creator.create(web, visibility)

        assert await creator.has(web)
        assert world.namespaces["team"].repositories == {"web": visibility.name}

    async def test_what_is_there_is_not_made_again(self, world: World) -> None:
        world.namespaces["team"] = Namespace({"web": "PUBLIC"})
        creator = creator_of(world.open("registry"))

        for missing in (
            MissingTarget("namespace", "team"),
            MissingTarget("repository", "team/web"),
        ):
            with pytest.raises(errors.UnexpectedAnswer, match="ALREADY_EXIST"):
                await creator.create(missing, Visibility.PRIVATE)
        assert world.namespaces["team"] == Namespace({"web": "PUBLIC"})

    @pytest.mark.parametrize(("status", "times"), [(429, 2), (503, 1)])
    async def test_what_may_have_been_made_is_not_made_again(
        self, world: World, status: int, times: int
    ) -> None:
        world.api.refuses = {"CreateNamespace": [Refused(status, "ServiceUnavailable")]}
        team = MissingTarget("namespace", "team")

        with suppress(errors.ServerFailed):
            await creator_of(world.open("registry")).create(team, Visibility.PRIVATE)

        assert world.api.asked.count("CreateNamespace") == times

    async def test_what_only_asks_is_asked_again(self, world: World) -> None:
        world.namespaces["team"] = Namespace({})
        world.api.refuses = {"GetNamespace": [Refused(503, "ServiceUnavailable")]}

        assert await creator_of(world.open("registry")).has(MissingTarget("namespace", "team"))


class TestSigningIn:
    async def test_a_login_of_an_hour_is_fetched_where_there_are_keys(
        self, world: World, htpasswd_registry: DockerRegistry
    ) -> None:
        world.api.login = (htpasswd_registry.username or "", htpasswd_registry.password or "")

        await world.open(htpasswd_registry.host, handed_out=True).check_sign_in()

        assert world.api.asked[-1] == "GetAuthorizationToken"

    async def test_keys_that_are_not_taken_are_told_with_where_to_give_others(
        self, world: World, htpasswd_registry: DockerRegistry
    ) -> None:
        world.keys = Credential("another", KEY_SECRET)

        with pytest.raises(errors.NoLogin) as refused:
            await world.open(htpasswd_registry.host, handed_out=True).check_sign_in()

        assert f"`transship login {world.api.host}`" in refused.value.remedy

    async def test_without_keys_one_is_nobody(
        self, world: World, open_registry: DockerRegistry
    ) -> None:
        world.keys = None

        await world.open(open_registry.host, handed_out=True).check_sign_in()

        assert world.api.asked == []


async def test_a_whole_copy_makes_what_it_needs_and_arrives_with_every_digest(
    world: World,
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    """The plan allows it: the namespace is made, a push makes the repository, layers arrive."""
    image = push_image(open_registry, repository, "v1")
    index = push_index(open_registry, repository, "multi", [image])
    world.api.login = (htpasswd_registry.username or "", htpasswd_registry.password or "")
    team = repository.replace("/", "-")
    with alibaba_registry(htpasswd_registry.host, world.namespaces) as registry:
        plan = replace(
            plan_of((f"{open_registry.host}/{repository}", f"{registry.host}/{team}/web")),
            create_missing=Visibility.PRIVATE,
        )
        job = new_job(tmp_path, plan)
        places = {
            open_registry.host: world.connect(open_registry.host, clock=SystemClock()),
            registry.host: world.open(registry.host, handed_out=True),
        }
        with job.locked(), job.journal() as journal:
            await Runner(plan, places, journal, SystemClock(), RunnerSettings()).run()

    assert read_job(job).state is JobState.DONE
    assert world.namespaces[team].repositories == {"web": "PRIVATE"}
    assert tags_at(htpasswd_registry, f"{team}/web") == ["multi", "v1"]
    assert digest_at(htpasswd_registry, f"{team}/web", "v1") == image.digest
    assert digest_at(htpasswd_registry, f"{team}/web", "multi") == index.digest


@pytest.mark.parametrize("wanted_for", ["a list", "a creation"])
async def test_keys_that_are_not_taken_hold_a_job_up_until_there_are_others(
    wanted_for: str,
    world: World,
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    world.api.login = (htpasswd_registry.username or "", htpasswd_registry.password or "")
    login = Credential(*world.api.login)
    team = repository.replace("/", "-")
    with alibaba_registry(htpasswd_registry.host, world.namespaces) as registry:
        here, there = f"{open_registry.host}/{repository}", f"{registry.host}/{team}/web"
        if wanted_for == "a creation":
            push_image(open_registry, repository, "v1")
            plan = replace(plan_of((here, there)), create_missing=Visibility.PRIVATE)
        else:
            world.namespaces[team] = Namespace({"web": "PRIVATE"})
            push_image(htpasswd_registry, f"{team}/web", "v1")
            registry.add(Fault(Answer(404), path="/_catalog", times=None))
            rule = Rule(parse_reference(f"{registry.host}/{team}"), (parse_reference(here),))
            plan = Plan(kind=Kind.SYNC, rules=(rule,))
        job = new_job(tmp_path, plan)

        async def run() -> JobView:
            places = {
                open_registry.host: world.connect(open_registry.host, clock=SystemClock()),
                registry.host: world.open(registry.host, credential=login),
            }
            with job.locked(), job.journal() as journal:
                await Runner(plan, places, journal, SystemClock(), RunnerSettings()).run()
            return read_job(job)

        world.keys = Credential("another", KEY_SECRET)
        stopped = await run()
        world.keys = LOGIN
        ended = await run()

    assert (stopped.state, stopped.signed_out) == (JobState.PAUSED, (world.api.host,))
    assert stopped.problem is not None
    assert f"the account at {registry.host}" in stopped.problem[1]
    assert f"`transship login {world.api.host}`" in stopped.problem[2]
    assert (ended.state, ended.problem, ended.counts.copied) == (JobState.DONE, None, 1)
