"""The whole way from a personal account to an instance: listed, made, copied, and judged by skopeo.

Both sides are real registries, `servers.tencent` stands in for the cloud. What image-transfer's
quick mode loses is in it: the tags beyond the newest hundred, the index whose tag it lets point at
its children, the entry without a platform it falls over, the page it drops, the tag it overwrites.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from delegating.tencent import Agreeing, asking
from fakes.clock import FakeClock
from moving.jobs import SHORT, new_job
from moving.judge import digest_at, tags_at
from servers import skopeo
from servers.docker_registry import PASSWORD, DockerRegistry
from servers.images import OCI_MANIFEST, make_layer, push_image, push_index
from servers.tencent import (
    Call,
    Instance,
    Instances,
    Personal,
    TcrRegistry,
    TencentApi,
    tcr_registry,
    tencent_api,
)
from servers.tencent.api import SECRET_KEY, Refused
from servers.tencent.enterprise import Namespace
from servers.tencent.quick import ACTIONS, Images
from transship.clock import SystemClock
from transship.engines.changes import ChangeJournal
from transship.engines.tcr import quick_transfer
from transship.engines.tcr.api import InstanceApi
from transship.engines.tcr.quick_transfer import NamespaceEngine, QuickTransfer, QuickTransferTerms
from transship.oci.reference import Reference
from transship.plans.file import read_plan, write_plan
from transship.registry.access import Access, open_registry
from transship.registry.credential import Credential
from transship.services.tencent_cloud import instance_at
from transship.transfers.copies import JobState
from transship.transfers.job_view import JobView, read_job
from transship.transfers.runner import Runner, RunnerSettings
from transship.transfers.verify import Proof, verify_plan

if TYPE_CHECKING:
    from transship.plans.plan import Plan


@dataclass
class World:
    """The personal account and its registry, the instance and the registry behind its domain."""

    api: TencentApi
    clock: FakeClock
    source: DockerRegistry
    behind: DockerRegistry
    domain: TcrRegistry
    account: Personal
    instance: Instance
    folder: Path
    proof: Proof | None = None

    def push(self, repository: str, *tags: str, public: bool = False, about: str = "") -> None:
        """Push an image for each tag to the personal account."""
        layers = [make_layer(repository.encode())]
        for tag in tags:
            push_image(self.source, repository, tag, layers, annotations={"tag": tag})
        self.have(repository, *tags, public=public, about=about)

    def have(self, repository: str, *tags: str, public: bool = False, about: str = "") -> None:
        """Let the account have a repository with these tags."""
        namespace, _, rest = repository.partition("/")
        self.account.namespaces.setdefault(namespace, []).append(rest)
        self.account.public[repository] = public
        self.account.descriptions[repository] = about
        self.api.of(Images).tags[repository] = list(tags)

    async def wish(self, **terms: Any) -> QuickTransfer:
        """Ask what would be made and copied."""
        async with asking(self.api, self.clock) as cloud:
            at = InstanceApi(cloud, await instance_at(cloud, self.domain.host))
            return await quick_transfer.plan_quick_transfer(
                cloud, self.source.host, at, QuickTransferTerms(**terms)
            )

    async def make(self, found: QuickTransfer) -> None:
        """Agree to what has to be made, and make it."""
        operator = Agreeing(ChangeJournal(self.folder / "delegations", self.clock))
        async with asking(self.api, self.clock) as cloud:
            at = InstanceApi(cloud, await instance_at(cloud, self.domain.host))
            await operator.agreed(found.changes, NamespaceEngine(at))

    async def run(self, plan: Plan | None) -> JobView:
        """Run the plan as its file says it, by Transship's own runner."""
        assert plan is not None
        path = self.folder / "quick.toml"
        write_plan(path, plan)
        plan = read_plan(path)
        job = new_job(self.folder, plan)
        places = {name: open_registry(Reference(name), self.access(name), patience=SHORT)
                  for name in (self.source.host, self.domain.host)}  # fmt: skip
        async with aclosing(places[self.source.host]), aclosing(places[self.domain.host]):
            with job.locked(), job.journal() as journal:
                runner = Runner(
                    plan, places, journal, SystemClock(), RunnerSettings(patience=SHORT)
                )
                await runner.run()
            self.proof = await verify_plan(plan, places, SystemClock())
        return read_job(job)

    def access(self, host: str) -> Access:
        """Return how a side is signed in to: each with its own login, and no keys of the cloud."""
        registry = self.source if host == self.source.host else self.behind
        credential = Credential(registry.username or "", registry.password or "")
        return Access(host, credential=credential, service="ccr" if registry is self.source else "")


@pytest.fixture
def world(new_registry: Callable[..., DockerRegistry], tmp_path: Path) -> Iterator[World]:
    clock = FakeClock()
    source, behind = new_registry(auth="htpasswd"), new_registry(auth="htpasswd")
    with tencent_api(ACTIONS) as api, tcr_registry(behind.host) as domain:
        api.now = clock.now
        account = api.of(Personal)
        account.servers = {"ap-guangzhou": source.host}
        instance = api.of(Instances).add("team", domain.host)
        domain.place = instance
        api.of(Images).behind = {instance.id: behind}
        yield World(api, clock, source, behind, domain, account, instance, tmp_path)


def digests(registry: DockerRegistry, repository: str, tags: list[str]) -> list[str]:
    return [
        registry.http.head(
            f"/v2/{repository}/manifests/{tag}", headers={"Accept": OCI_MANIFEST}
        ).headers["docker-content-digest"]
        for tag in tags
    ]


def children(world: World, repository: str, tag: str) -> list[str]:
    raw = skopeo.inspect_raw(f"docker://{world.behind.host}/{repository}:{tag}", world.behind)
    return [each["digest"] for each in json.loads(raw)["manifests"]]


async def test_all_of_an_account_arrives_byte_for_byte(world: World) -> None:
    tags = [f"v{number}" for number in range(130)]
    world.push("shop/api", *tags, about="The shop's API.")
    world.push("open/web", "1.0", public=True)
    world.have("shop/planned")
    world.account.namespaces["void"] = []
    images = [
        push_image(world.source, "shop/multi", platform=platform)
        for platform in ("linux/amd64", "linux/arm64")
    ]
    index = push_index(world.source, "shop/multi", "latest", images)
    attestation = replace(push_image(world.source, "shop/multi"), platform=None)
    odd = push_index(world.source, "shop/multi", "odd", [images[0], attestation])
    world.have("shop/multi", "latest", "odd")

    found = await world.wish()
    await world.make(found)
    ended = await world.run(found.plan)

    assert found.is_whole
    assert ended.state is JobState.DONE, ended.failures
    assert world.proof is not None
    assert world.proof.holds, world.proof.differences
    assert world.proof.compared == 133
    assert tags_at(world.behind, "shop/api") == sorted(tags)
    assert digests(world.behind, "shop/api", tags) == digests(world.source, "shop/api", tags)
    assert digest_at(world.behind, "shop/api", "v0") == digest_at(world.source, "shop/api", "v0")
    assert digest_at(world.behind, "shop/multi", "latest") == index.digest
    assert children(world, "shop/multi", "latest") == [image.digest for image in images]
    assert digest_at(world.behind, "shop/multi", "odd") == odd.digest
    assert children(world, "shop/multi", "odd") == [images[0].digest, attestation.digest]
    assert {name: space.public for name, space in world.instance.namespaces.items()} == {
        "open": True,
        "shop": False,
        "void": False,
    }
    shop = world.instance.namespaces["shop"]
    assert sorted(shop.repositories) == ["api", "multi", "planned"]
    assert shop.descriptions["api"] == "The shop's API."
    again = await world.wish()
    assert again.changes.to_make == ()
    assert sum(len(each.both or ()) for each in again.collisions) == 133


async def test_no_secret_is_in_what_is_kept(world: World) -> None:
    world.push("shop/web", "1.0")

    found = await world.wish()
    await world.make(found)
    await world.run(found.plan)

    kept = {path: path.read_bytes() for path in world.folder.rglob("*") if path.is_file()}
    ours = [path for path in kept if "registry-" not in str(path)]
    assert {"quick.toml", "changes.json", "journal.jsonl"} <= {path.name for path in ours}
    for path in ours:
        assert PASSWORD.encode() not in kept[path], path
        assert SECRET_KEY.encode() not in kept[path], path


async def test_a_tag_that_is_there_stays_and_is_named_as_failed(world: World) -> None:
    world.push("shop/web", "1.0", "2.0")
    world.instance.namespaces = {"shop": Namespace(repositories=["web"])}
    theirs = push_image(world.behind, "shop/web", "1.0", annotations={"by": "somebody else"})

    found = await world.wish()
    await world.make(found)
    ended = await world.run(found.plan)

    assert ended.state is JobState.FAILED
    assert "1.0" in " ".join(map(str, ended.failures))
    assert digest_at(world.behind, "shop/web", "1.0") == theirs.digest
    assert digest_at(world.behind, "shop/web", "2.0") == digest_at(world.source, "shop/web", "2.0")


async def test_a_page_that_is_broken_is_named_and_the_rest_comes_when_asked(world: World) -> None:
    for number in range(102):
        world.have(f"shop/r{number:03}")
    world.push("shop/web", "1.0")
    world.push("late/web", "1.0")
    answer = world.api._actions["DescribeRepositoryOwnerPersonal"]

    def broken(call: Call) -> dict[str, Any]:
        if call.get("Offset") == 0 and call.get("Limit") == 100:
            raise Refused("FailedOperation", "This page is broken.")
        return answer(call)

    world.api._actions["DescribeRepositoryOwnerPersonal"] = broken

    refused = await world.wish()
    found = await world.wish(incomplete=True)
    await world.make(found)
    ended = await world.run(found.plan)

    assert refused.plan is None
    assert "repositories 1 to 100" in refused.changes.refusals[0].detail
    assert not found.is_whole
    assert ended.state is JobState.DONE, ended.failures
    assert tags_at(world.behind, "shop/web") == ["1.0"]
    world.api._actions["DescribeRepositoryOwnerPersonal"] = answer
    rest = await world.wish()
    assert rest.is_whole
    await world.make(rest)
    assert (await world.run(rest.plan)).state is JobState.DONE
    assert tags_at(world.behind, "late/web") == ["1.0"]


async def test_a_tag_that_vanished_meanwhile_is_named(world: World) -> None:
    world.push("shop/web", "1.0")
    world.api.of(Images).tags["shop/web"].append("gone")

    found = await world.wish()
    await world.make(found)
    ended = await world.run(found.plan)

    assert ended.state is JobState.FAILED
    assert "gone" in " ".join(map(str, ended.failures))
    assert tags_at(world.behind, "shop/web") == ["1.0"]
