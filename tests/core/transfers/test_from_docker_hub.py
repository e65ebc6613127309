"""Copies from Docker Hub, which counts the manifests that are read and has others wait.

`servers.hub` stands in for it, in front of a real docker-registry.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from moving.at_service import copied, foreseen
from moving.jobs import SHORT, plan_of
from moving.judge import digest_at
from servers.hub import HubRegistry, hub_registry
from servers.images import push_image
from transship.errors import PathRefused
from transship.oci.reference import parse_reference
from transship.registry.capability_card import card_of
from transship.registry.credential import Credential
from transship.registry.distribution import DistributionRegistry
from transship.registry.examination import Examination, look_into
from transship.registry.http.rate_limiter import PERSISTENT
from transship.registry.registry import Quota
from transship.services.docker_hub import DOCKER_HUB
from transship.transfers.copies import JobState, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

TAGS = tuple(f"v{number}" for number in range(6))


@pytest.fixture
def name(repository: str) -> str:
    """An official image's name, as people write it."""
    return repository.rpartition("/")[2]


@pytest.fixture
def hub(open_registry: DockerRegistry, name: str) -> Iterator[HubRegistry]:
    for tag in TAGS:
        push_image(open_registry, f"library/{name}", tag, annotations={"tag": tag})
    with hub_registry(open_registry.host, limit=100) as server:
        yield server


def opened(hub: HubRegistry, clock: FakeClock | None = None) -> DistributionRegistry:
    """Open the stand-in under the Hub's own name."""
    service = replace(DOCKER_HUB, api_host=hub.host, api=None)
    return DistributionRegistry("docker.io", service=service, patience=PERSISTENT, clock=clock)


async def test_a_copy_waits_when_it_has_read_too_much_and_then_completes(
    hub: HubRegistry,
    name: str,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    hub.limit = hub.left = 2
    clock = FakeClock()
    plan = plan_of((f"docker.io/{name}", f"{other_registry.host}/{repository}"))

    ended = await copied(
        tmp_path,
        plan,
        opened(hub, clock),
        DistributionRegistry(other_registry.host, patience=SHORT),
    )

    assert ended.state is JobState.DONE, ended.failures
    for tag in TAGS:
        assert digest_at(other_registry, repository, tag) == (
            digest_at(open_registry, f"library/{name}", tag)
        )
    assert hub.refused >= 2
    assert max(clock.slept) >= hub.pause, "as long as it was told to"
    assert hub.counted == len(TAGS), "each manifest is read once, and no more"


async def test_what_is_there_already_costs_nothing(
    hub: HubRegistry, name: str, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    plan = plan_of((f"docker.io/{name}", f"{other_registry.host}/{repository}"))
    await copied(tmp_path / "one", plan, opened(hub), DistributionRegistry(other_registry.host))
    hub.clear()

    ended = await copied(
        tmp_path / "two", plan, opened(hub), DistributionRegistry(other_registry.host)
    )

    assert ended.state is JobState.DONE, ended.failures
    heads = [r for r in hub.requests if r.method == "HEAD" and "/manifests/" in r.path]
    assert len(heads) >= len(TAGS)
    assert hub.counted == 0, "a HEAD isn't counted"


async def test_what_is_left_is_said_before_a_copy_and_on_the_card(
    hub: HubRegistry, name: str, other_registry: DockerRegistry, repository: str
) -> None:
    plan = plan_of((f"docker.io/{name}:v1", f"{other_registry.host}/{repository}:v1"))
    seen = await foreseen(plan, opened(hub), DistributionRegistry(other_registry.host))
    assert seen.quotas["docker.io"] == Quota(hub.left, 100, 21600)

    found = Examination(DOCKER_HUB, "verified", signed_in=False, lists=None)
    service = replace(DOCKER_HUB, api_host=hub.host, api=None)
    async with aclosing(DistributionRegistry("docker.io", service=service)) as registry:
        found = await look_into(registry, found)

    row = card_of(DOCKER_HUB, found).row("quota")
    assert row.seen
    assert row.fact.how == f"{hub.left} of 100 manifests may be read in 6 h"


async def test_with_an_access_token_it_is_pushed_to(
    token_registry: DockerRegistry,
    open_registry: DockerRegistry,
    repository: str,
    name: str,
    tmp_path: Path,
) -> None:
    push_image(open_registry, repository, "v1")
    login = Credential(token_registry.username or "", token_registry.password or "")
    source = f"{open_registry.host}/{repository}:v1"
    plan = plan_of((source, f"docker.io/acme/{name}:v1"))
    with hub_registry(token_registry.host, limit=100) as server:
        service = replace(DOCKER_HUB, api_host=server.host, api=None)
        target = DistributionRegistry(
            "docker.io", service=service, credential=login, patience=SHORT
        )

        ended = await copied(
            tmp_path, plan, DistributionRegistry(open_registry.host, patience=SHORT), target
        )

        counted = server.counted
    assert ended.state is JobState.DONE, ended.failures
    assert digest_at(token_registry, f"acme/{name}", "v1") == (
        digest_at(open_registry, repository, "v1")
    )
    assert counted == 0, "to write costs nothing"


@pytest.mark.parametrize(
    "written", ["docker.io/{}", "docker.io/library/{}", "index.docker.io/library/{}"]
)
async def test_every_way_to_write_the_name_means_the_same(
    written: str, hub: HubRegistry, name: str
) -> None:
    reference = parse_reference(written.format(name))

    async with aclosing(opened(hub)) as registry:
        tags = [tag async for tag in registry.tags(reference.repository)]

    assert (reference.registry, reference.repository) == ("docker.io", f"library/{name}")
    assert sorted(tags) == sorted(TAGS)


async def test_a_longer_name_is_refused_before_it_is_tried(
    hub: HubRegistry, open_registry: DockerRegistry, name: str
) -> None:
    source = f"{open_registry.host}/library/{name}:v1"
    plan = plan_of((source, "docker.io/acme/shop/web:v1"))

    seen = await foreseen(plan, DistributionRegistry(open_registry.host), opened(hub))

    (blocked,) = seen.worklist.of(Verdict.BLOCKED)
    assert isinstance(blocked.problem, PathRefused)
    assert "names here have 2" in blocked.reason
