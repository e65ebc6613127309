"""The whole way to ECR, at the name that it gives: its API is moto's, the registry a real one.

What leads there is what an operator has: a profile in files, and a proxy.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from moving.jobs import SHORT, ends, new_job, plan_of
from moving.jobs import access_to as way_to
from moving.judge import digest_at
from servers.images import push_image, push_index
from servers.moto_ecr import HOST
from transship import errors
from transship.clock import SystemClock
from transship.oci.reference import Reference
from transship.plans.plan import Kind, OnConflict, Rule
from transship.registry.access import Access, open_distribution
from transship.registry.credential import Credential, Tls
from transship.registry.examination import examine
from transship.registry.registry import CreationOptions, MissingTarget, TargetStatus, Visibility
from transship.registry.service import TakesOptions
from transship.services.ecr import ECR
from transship.transfers.copies import JobState, Verdict
from transship.transfers.preview import preview_plan
from transship.transfers.process import start_runner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.moto_ecr import MotoEcr
    from transship.plans.plan import Plan
    from transship.registry.distribution import DistributionRegistry
    from transship.transfers.preview import Preview

TOKEN = "GetAuthorizationToken"


def access_to(ecr: MotoEcr) -> Access:
    """Return how its registry is reached: it hands out the login."""
    return Access(HOST, Tls(ca_file=str(ecr.ca_file)), handed_out=True)


@pytest.fixture
async def registry(ecr: MotoEcr) -> AsyncIterator[DistributionRegistry]:
    """It, opened as an account that keeps no secret opens it."""
    async with aclosing(open_distribution(access_to(ecr), patience=SHORT)) as opened:
        yield opened


@pytest.fixture
def plan(open_registry: DockerRegistry, repository: str) -> Plan:
    """Two tags and an index, into two repositories that aren't there."""
    for tag in ("v1", "v2"):
        push_image(open_registry, repository, tag, annotations={"tag": tag})
    children = [
        push_image(open_registry, repository, None, platform=platform)
        for platform in ("linux/amd64", "linux/arm64")
    ]
    push_index(open_registry, repository, "multi", children)
    source = f"{open_registry.host}/{repository}"
    return plan_of(
        (source, f"{HOST}/{repository}/web"), (f"{source}:v1", f"{HOST}/{repository}/api:v1")
    )


async def foreseen(plan: Plan, ecr: MotoEcr, source: DockerRegistry) -> Preview:
    async with AsyncExitStack() as stack:
        places = {
            access.host: await stack.enter_async_context(aclosing(open_registry_of(access)))
            for access in (access_to(ecr), way_to(source))
        }
        return await preview_plan(plan, places, SystemClock())


def open_registry_of(access: Access) -> DistributionRegistry:
    return open_distribution(access, patience=SHORT)


class TestSigningIn:
    async def test_a_login_that_ended_long_ago_by_its_date_is_used_once_it_was_handed_out(
        self, ecr: MotoEcr, registry: DistributionRegistry, repository: str
    ) -> None:
        before = ecr.asked().count(TOKEN)

        await registry.check_sign_in()
        for tag in ("v1", "v2", "v3"):
            assert await registry.head_manifest(repository, tag) is None

        assert registry.service is ECR
        assert ecr.asked().count(TOKEN) - before == 1

    async def test_it_is_looked_into_when_it_is_added(self, ecr: MotoEcr) -> None:
        found = await examine(access_to(ecr))

        assert found.problem is None
        assert (found.service, found.signed_in, found.lists) == (ECR, True, True)

    async def test_a_password_that_an_account_keeps_is_taken_without_the_api(
        self, ecr: MotoEcr
    ) -> None:
        before = len(ecr.asked())
        kept = Credential(ecr.registry.username or "", ecr.registry.password or "")

        async with aclosing(open_registry_of(replace(access_to(ecr), credential=kept))) as opened:
            await opened.check_sign_in()
        wrong = replace(access_to(ecr), credential=Credential("AWS", "of yesterday"))
        with pytest.raises(errors.WrongCredential):
            async with aclosing(open_registry_of(wrong)) as opened:
                await opened.check_sign_in()

        assert len(ecr.asked()) == before

    @pytest.mark.parametrize("actions", [(), ("ecr:DescribeRepositories",)])
    async def test_who_may_not_have_a_login_is_told(
        self,
        actions: tuple[str, ...],
        ecr: MotoEcr,
        registry: DistributionRegistry,
        fresh_name: Callable[[], str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        user = fresh_name().rpartition("/")[2]
        for name, value in ecr.keys_of(user, *actions).items():
            monkeypatch.setenv(name, value)

        with ecr.checking_rights(), pytest.raises(errors.NoLogin, match=TOKEN) as refused:
            await registry.check_sign_in()

        assert "<" not in refused.value.detail, "an answer in XML is no message"

    async def test_who_may_has_one_and_may_nothing_else(
        self,
        ecr: MotoEcr,
        registry: DistributionRegistry,
        repository: str,
        fresh_name: Callable[[], str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        user = fresh_name().rpartition("/")[2]
        for name, value in ecr.keys_of(user, f"ecr:{TOKEN}").items():
            monkeypatch.setenv(name, value)

        with ecr.checking_rights():
            await registry.check_sign_in()
            creator = registry.creator()
            assert creator is not None
            with pytest.raises(errors.NoRight, match="CreateRepository: 403"):
                await creator.create(MissingTarget("repository", repository), Visibility.PRIVATE)


class TestItsApi:
    async def test_repositories_are_made_and_listed(
        self, registry: DistributionRegistry, repository: str
    ) -> None:
        creator = registry.creator()
        assert creator is not None
        web = MissingTarget("repository", f"{repository}/web")
        assert not await creator.has(web)

        await creator.create(web, Visibility.PRIVATE)

        assert await creator.has(web)
        assert web.name in [name async for name in registry.repositories()]
        with pytest.raises(errors.UnexpectedAnswer, match="AlreadyExists"):
            await creator.create(web, Visibility.PRIVATE)

    async def test_what_can_be_written_to_is_foreseen(
        self, ecr: MotoEcr, registry: DistributionRegistry, repository: str
    ) -> None:
        client = ecr.client()
        client.create_repository(repositoryName=f"{repository}/web")
        client.create_repository(
            repositoryName=f"{repository}/pinned",
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "dev-*"}],
        )
        foreseer = registry.foreseer()
        assert foreseer is not None

        outlook = await foreseer.look({f"{repository}/{name}": True for name in ("web", "pinned")})

        assert outlook.standings[f"{repository}/web"] == TargetStatus()
        pinned = outlook.standings[f"{repository}/pinned"]
        assert "IMMUTABLE_WITH_EXCLUSION" in pinned.pinned_by("v1")
        assert not pinned.pinned_by("dev-1")
        assert outlook.unknown == ()


class TestMoving:
    async def test_a_preview_says_what_will_be_made(
        self, plan: Plan, ecr: MotoEcr, open_registry: DockerRegistry
    ) -> None:
        creating = replace(plan, create_missing=Visibility.PRIVATE)

        seen = await foreseen(creating, ecr, open_registry)

        assert {copy.verdict for copy in seen.worklist.copies} == {Verdict.COPY}
        assert len(seen.worklist.creations) == 2
        # moto has no templates, so that a push might make them is all that can be said.
        assert [each.what for each in seen.unknown] == ["whether a push makes a repository"]

    async def test_a_job_makes_them_with_immutable_tags_and_resource_tags_as_the_plan_asks(
        self,
        plan: Plan,
        ecr: MotoEcr,
        open_registry: DockerRegistry,
        repository: str,
        tmp_path: Path,
    ) -> None:
        options = CreationOptions(immutable_tags=True, resource_tags=(("team", "web"),))
        creating = replace(plan, create_missing=Visibility.PRIVATE, create=options)

        seen = await foreseen(creating, ecr, open_registry)
        job = new_job(tmp_path, creating)
        start_runner(job, [access_to(ecr), way_to(open_registry)])

        assert {creation.how for creation in seen.worklist.creations} == {
            "private, immutable tags, tagged team=web"
        }
        ended = ends(job)
        assert ended.state is JobState.DONE, ended.failures
        client = ecr.client()
        made = client.describe_repositories(repositoryNames=[f"{repository}/web"])["repositories"]
        assert [each["imageTagMutability"] for each in made] == ["IMMUTABLE"]
        tags = client.list_tags_for_resource(resourceArn=made[0]["repositoryArn"])["tags"]
        assert tags == [{"Key": "team", "Value": "web"}]
        with job.journal() as journal:
            assert {kept.creation.options for kept in journal.creations()} == {options}

    async def test_a_plan_that_moves_tags_is_warned_of_immutable_ones(
        self, plan: Plan, ecr: MotoEcr, open_registry: DockerRegistry, repository: str
    ) -> None:
        rule = Rule(
            Reference(open_registry.host, repository), (Reference(HOST, f"{repository}/all"),)
        )
        asked = replace(
            plan,
            kind=Kind.SYNC,
            copies=(),
            rules=(rule,),
            create_missing=Visibility.PRIVATE,
            create=CreationOptions(immutable_tags=True),
        )

        warned = await foreseen(asked, ecr, open_registry)
        skipping = await foreseen(replace(asked, on_conflict=OnConflict.SKIP), ecr, open_registry)

        assert ["tags there never move" in each for each in warned.cautions] == [True]
        assert skipping.cautions == ()

    def test_a_resource_tag_that_aws_does_not_take_is_refused(
        self, registry: DistributionRegistry
    ) -> None:
        creator, web = registry.creator(), MissingTarget("repository", "web")
        assert isinstance(creator, TakesOptions)

        def why(*tags: tuple[str, str]) -> str:
            return creator.options_refusal(web, CreationOptions(resource_tags=tags))

        assert why(("team", "web"), ("cost center", "a+b@c:1/2")) == ""
        assert "aws:team=web" in why(("aws:team", "web"))
        assert "team=a;b" in why(("team", "a;b"))
        assert "AWS takes 50" in why(*((f"tag-{n}", "x") for n in range(51)))

    async def test_a_tag_that_can_not_be_moved_is_blocked(
        self, plan: Plan, ecr: MotoEcr, open_registry: DockerRegistry, repository: str
    ) -> None:
        client = ecr.client()
        client.create_repository(repositoryName=f"{repository}/web", imageTagMutability="IMMUTABLE")
        client.create_repository(repositoryName=f"{repository}/api")
        for name in ("web", "api"):
            push_image(ecr.registry, f"{repository}/{name}", "v1", annotations={"from": "before"})

        seen = await foreseen(plan, ecr, open_registry)

        verdicts = {
            str(copy.target).partition("/")[2]: copy.verdict for copy in seen.worklist.copies
        }
        assert verdicts == {
            f"{repository}/web:v1": Verdict.BLOCKED,
            f"{repository}/web:v2": Verdict.COPY,
            f"{repository}/web:multi": Verdict.COPY,
            f"{repository}/api:v1": Verdict.OVERWRITE,
        }

    async def test_a_job_makes_the_repositories_fills_them_and_has_nothing_to_do_the_next_time(
        self,
        plan: Plan,
        ecr: MotoEcr,
        open_registry: DockerRegistry,
        repository: str,
        tmp_path: Path,
    ) -> None:
        creating = replace(plan, create_missing=Visibility.PRIVATE)
        accesses = [access_to(ecr), way_to(open_registry)]
        before = len(ecr.asked())

        job = new_job(tmp_path, creating)
        start_runner(job, accesses)
        ended = ends(job)

        assert ended.state is JobState.DONE, ended.failures
        asked = ecr.asked()[before:]
        assert (asked.count("CreateRepository"), asked.count(TOKEN)) == (2, 1)
        for name, tag in (("web", "v1"), ("web", "v2"), ("web", "multi"), ("api", "v1")):
            assert digest_at(ecr.registry, f"{repository}/{name}", tag) == (
                digest_at(open_registry, repository, tag)
            )
        again = new_job(tmp_path, creating)
        start_runner(again, accesses)
        nothing = ends(again)
        assert (nothing.state, nothing.counts.same) == (JobState.DONE, nothing.counts.total)
        assert nothing.bytes.sent == 0
        assert ecr.asked()[before:].count("CreateRepository") == 2

    async def test_images_come_out_of_it(
        self, ecr: MotoEcr, other_registry: DockerRegistry, repository: str, tmp_path: Path
    ) -> None:
        ecr.client().create_repository(repositoryName=repository)
        image = push_image(ecr.registry, repository, "v1")
        job = new_job(
            tmp_path,
            plan_of((f"{HOST}/{repository}", f"{other_registry.host}/{repository}")),
        )

        start_runner(job, [access_to(ecr), way_to(other_registry)])

        assert ends(job).state is JobState.DONE
        assert digest_at(other_registry, repository, "v1") == image.digest
