"""The whole way to TCR and CCR: keys of the cloud, namespaces created, images pushed and proven.

The SDK is real, `servers.tencent` stands in for the cloud, and the registry behind the instance's
domain is a real one that takes the login which the cloud hands out, and nothing else.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from moving.jobs import SHORT, new_job, plan_of
from moving.judge import digest_at
from servers.docker_registry import PASSWORD, USERNAME, docker_registry
from servers.images import push_image
from servers.process import LOOPBACK
from servers.tencent import Instances, Personal, TcrRegistry, TencentApi, tcr_registry, tencent_api
from servers.tencent.api import SECRET_ID, SECRET_KEY
from servers.tencent.enterprise import Namespace
from servers.token_server import token_server
from transship.clock import SystemClock
from transship.oci.reference import Reference
from transship.registry.access import Access
from transship.registry.access import open_distribution as opened
from transship.registry.access import open_registry as open_place
from transship.registry.credential import Credential
from transship.registry.registry import Visibility
from transship.transfers.copies import JobState, Verdict
from transship.transfers.job_view import read_job
from transship.transfers.journal import Created
from transship.transfers.preview import preview_plan
from transship.transfers.runner import Runner, RunnerSettings
from transship.transfers.verify import verify_plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.tencent import Instance
    from servers.token_server import TokenServer
    from transship.clock import Clock
    from transship.plans.plan import Plan
    from transship.registry.distribution import DistributionRegistry


@pytest.fixture
def api() -> Iterator[TencentApi]:
    with tencent_api() as api:
        yield api


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[TokenServer]:
    """The token server of TCR, which knows nobody but whom the cloud has issued a token."""
    with token_server(tmp_path / "tokens", {"nobody": "set-up"}) as server:
        yield server


@pytest.fixture
def domain(tmp_path: Path, tokens: TokenServer) -> Iterator[TcrRegistry]:
    folder = tmp_path / "tcr"
    with (
        docker_registry(folder, auth="token", token_server=tokens) as registry,
        tcr_registry(registry.host) as domain,
    ):
        yield domain


@pytest.fixture
def instance(api: TencentApi, domain: TcrRegistry, tokens: TokenServer) -> Instance:
    api.of(Instances).add("other", "other.tencentcloudcr.com")
    instance = api.of(Instances).add("team", domain.host, region="ap-shanghai")
    instance.issue = tokens.users.__setitem__
    domain.place = instance
    return instance


def keys_of(api: TencentApi) -> Access:
    return Access(api.host, credential=Credential(SECRET_ID, SECRET_KEY))


def open_tcr(
    api: TencentApi, domain: TcrRegistry, clock: Clock | None = None
) -> DistributionRegistry:
    """Open it with the keys of the cloud alone."""
    access = Access(domain.host, service="tcr", handed_out=True, api=keys_of(api))
    return opened(access, patience=SHORT, clock=clock)


def plan_to(domain: TcrRegistry, source: DockerRegistry, repository: str) -> Plan:
    """Push two tags to a source; return the plan that copies them to two namespaces."""
    for tag in ("v1", "v2"):
        push_image(source, repository, tag, annotations={"tag": tag})
    where = f"{source.host}/{repository}"
    return plan_of(
        (where, f"{domain.host}/team-a/deep/web"),
        (f"{where}:v1", f"{domain.host}/team-b/api:v1"),
    )


async def test_a_move_to_tcr_with_nothing_but_the_keys(
    api: TencentApi,
    domain: TcrRegistry,
    instance: Instance,
    open_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    plan = plan_to(domain, open_registry, repository)
    job = new_job(tmp_path, replace(plan, create_missing=Visibility.PRIVATE))
    source = open_place(Reference(open_registry.host), patience=SHORT)
    async with aclosing(source), aclosing(open_tcr(api, domain)) as target:
        places = {open_registry.host: source, domain.host: target}
        foreseen = await preview_plan(job.plan(), places, SystemClock())
        assert {str(each.missing) for each in foreseen.worklist.creations} == {
            "the namespace team-a isn't there",
            "the namespace team-b isn't there",
        }
        assert instance.namespaces == {}, "a preview makes nothing"
        with job.locked(), job.journal() as journal:
            runner = Runner(
                job.plan(), places, journal, SystemClock(), RunnerSettings(patience=SHORT)
            )
            await runner.run()
            created = journal.creations(Created.DONE)
        listed = [name async for name in target.repositories()]
        proof = await verify_plan(job.plan(), places, SystemClock())

    ended = read_job(job)
    assert ended.state is JobState.DONE, ended.failures
    assert listed == ["team-a/deep/web", "team-b/api"]
    assert sorted(each.creation.missing.name for each in created) == ["team-a", "team-b"]
    assert not instance.namespaces["team-a"].public
    assert api.actions().count("CreateNamespace") == 2
    assert len(instance.tokens) == 1
    assert proof.holds, proof.differences
    assert proof.compared == 3


async def test_what_arrived_is_what_was_sent(
    api: TencentApi,
    domain: TcrRegistry,
    instance: Instance,
    open_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    instance.namespaces = {"team-a": Namespace(), "team-b": Namespace()}
    plan = plan_to(domain, open_registry, repository)
    source = open_place(Reference(open_registry.host), patience=SHORT)
    job = new_job(tmp_path, plan)
    async with aclosing(source), aclosing(open_tcr(api, domain)) as target:
        places = {open_registry.host: source, domain.host: target}
        with job.locked(), job.journal() as journal:
            await Runner(plan, places, journal, SystemClock(), RunnerSettings(patience=SHORT)).run()
        found = {tag: await target.head_manifest("team-a/deep/web", tag) for tag in ("v1", "v2")}

    assert read_job(job).state is JobState.DONE, read_job(job).failures
    for tag, head in found.items():
        assert head is not None
        assert head.digest == digest_at(open_registry, repository, tag)
    assert "CreateNamespace" not in api.actions()


async def test_without_leave_nothing_is_made_and_the_plan_is_blocked(
    api: TencentApi,
    domain: TcrRegistry,
    instance: Instance,
    open_registry: DockerRegistry,
    repository: str,
) -> None:
    plan = plan_to(domain, open_registry, repository)
    source = open_place(Reference(open_registry.host), patience=SHORT)
    async with aclosing(source), aclosing(open_tcr(api, domain)) as target:
        places = {open_registry.host: source, domain.host: target}
        foreseen = await preview_plan(plan, places, SystemClock())

    assert {copy.verdict for copy in foreseen.worklist.copies} == {Verdict.BLOCKED}
    assert "the namespace team-a isn't there" in foreseen.worklist.copies[0].reason
    assert foreseen.worklist.creations == ()
    assert "CreateNamespace" not in api.actions()


async def test_a_namespace_with_a_name_of_the_services_own_is_blocked(
    api: TencentApi,
    domain: TcrRegistry,
    instance: Instance,
    open_registry: DockerRegistry,
    repository: str,
) -> None:
    push_image(open_registry, repository, "v1")
    plan = plan_of((f"{open_registry.host}/{repository}:v1", f"{domain.host}/library/web:v1"))
    source = open_place(Reference(open_registry.host), patience=SHORT)
    async with aclosing(source), aclosing(open_tcr(api, domain)) as target:
        places = {open_registry.host: source, domain.host: target}
        asked = replace(plan, create_missing=Visibility.PRIVATE)
        foreseen = await preview_plan(asked, places, SystemClock())

    (copy,) = foreseen.worklist.copies
    assert copy.verdict is Verdict.BLOCKED
    assert "keeps the name library for itself" in copy.reason


async def test_a_login_is_renewed_before_its_hour_is_over(
    api: TencentApi, domain: TcrRegistry, instance: Instance
) -> None:
    clock = FakeClock()
    api.now = clock.now
    async with aclosing(open_tcr(api, domain, clock)) as target:
        await target.check_sign_in()
        clock.advance(2400)
        await target.check_sign_in()
        assert len(instance.tokens) == 1
        clock.advance(600)
        await target.check_sign_in()

    assert len(instance.tokens) == 2


async def test_a_move_to_ccr_with_the_registrys_own_password(
    api: TencentApi,
    htpasswd_registry: DockerRegistry,
    open_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    push_image(open_registry, repository, "v1")
    team = f"ccr-{repository.rpartition('-')[2]}"
    with tcr_registry(htpasswd_registry.host) as domain:
        personal = domain.place = api.of(Personal)
        personal.servers = {"ap-guangzhou": domain.host}
        personal.taken = {"taken"}
        plan = plan_of(
            (f"{open_registry.host}/{repository}:v1", f"{domain.host}/{team}/web:v1"),
            (f"{open_registry.host}/{repository}:v1", f"{domain.host}/taken/web:v1"),
        )
        job = new_job(tmp_path, replace(plan, create_missing=Visibility.PRIVATE))
        access = Access(
            domain.host,
            credential=Credential(USERNAME, PASSWORD),
            service="ccr",
            api=keys_of(api),
        )
        source = open_place(Reference(open_registry.host), patience=SHORT)
        target = open_place(Reference(domain.host), access, patience=SHORT)
        async with aclosing(source), aclosing(target):
            places = {open_registry.host: source, domain.host: target}
            with job.locked(), job.journal() as journal:
                runner = Runner(
                    job.plan(), places, journal, SystemClock(), RunnerSettings(patience=SHORT)
                )
                await runner.run()
            listed = [name async for name in target.repositories()]

    (failure,) = read_job(job).failures
    assert "belongs to another account" in str(failure)
    assert listed == [f"{team}/web"]
    assert personal.public == {f"{team}/web": False}
    assert domain.host.startswith(LOOPBACK)
    assert digest_at(htpasswd_registry, f"{team}/web", "v1") == (
        digest_at(open_registry, repository, "v1")
    )
