"""One tag goes, and nothing else: at real registries that delete by tag, by digest, or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clients.opening import Connect, access_to
from fakes.clock import FakeClock
from samples.manifests import image, write
from servers.docker_registry import DockerRegistry, docker_registry
from servers.faults import Answer, Fault, fault_proxy
from transship import errors
from transship.concurrency import each
from transship.registry.distribution import DistributionRegistry
from transship.registry.layout import LayoutRegistry


async def tags_of(registry: DistributionRegistry | LayoutRegistry, repository: str) -> list[str]:
    return sorted([tag async for tag in registry.tags(repository)])


async def test_a_tag_goes_and_one_that_points_at_the_same_stays(
    registry: DistributionRegistry, repository: str
) -> None:
    web = image("web")
    for tag in ("1.0", "stable", "2.0"):
        await write(registry, repository, image("two") if tag == "2.0" else web, tag)
    await registry.delete_tag(repository, "1.0")
    assert await tags_of(registry, repository) == ["2.0", "stable"]
    assert (await registry.get_manifest(repository, "stable")).body == web.manifest.body
    assert (await registry.get_manifest(repository, web.digest)).body == web.manifest.body


async def test_what_a_deleted_tag_pointed_at_can_be_tagged_again(
    registry: DistributionRegistry, repository: str
) -> None:
    web = image("web")
    await write(registry, repository, web, "1.0")
    await registry.delete_tag(repository, "1.0")
    assert await registry.head_manifest(repository, "1.0") is None
    await registry.put_manifest(repository, "1.0", web.manifest)
    assert (await registry.get_manifest(repository, "1.0")).digest == web.digest


async def test_a_tag_that_is_gone_needs_no_deletion(
    registry: DistributionRegistry, repository: str
) -> None:
    await write(registry, repository, image("web"), "1.0")
    await registry.delete_tag(repository, "0.9")
    assert await tags_of(registry, repository) == ["1.0"]


async def test_where_nothing_may_be_deleted_the_tag_stays_as_it_was(
    tmp_path: Path, connect: Connect
) -> None:
    web = image("web")
    with docker_registry(tmp_path, deletes=False) as server:
        registry = connect(access_to(server).host)
        await write(registry, "team/web", web, "1.0")
        with pytest.raises(errors.DeletionRefused):
            await registry.delete_tag("team/web", "1.0")
        assert (await registry.get_manifest("team/web", "1.0")).digest == web.digest


async def test_in_a_folder_the_image_stays_without_its_tag(tmp_path: Path) -> None:
    web = image("web")
    layout = LayoutRegistry(tmp_path / "images", create=True)
    await write(layout, "team/web", web, "1.0")
    await write(layout, "team/web", image("two"), "2.0")
    await layout.delete_tag("team/web", "1.0")
    await layout.delete_tag("team/web", "0.9")
    assert await tags_of(layout, "team/web") == ["2.0"]
    assert [digest async for digest in layout.untagged("team/web")] == [web.digest]


async def test_of_many_tags_that_go_at_once_none_is_left_listed(
    open_registry: DockerRegistry, connect: Connect, fresh_name: Callable[[], str]
) -> None:
    registry = connect(access_to(open_registry).host)
    for repository in (fresh_name(), fresh_name(), fresh_name()):
        tags = [f"v{number}" for number in range(40)]
        for tag in (*tags, "stays"):
            await write(registry, repository, image("web"), tag)

        await each(registry.delete_tag(repository, tag) for tag in tags)

        assert await tags_of(registry, repository) == ["stays"]


async def test_a_manifest_that_is_not_found_to_be_deleted_does_not_make_the_tag_gone(
    open_registry: DockerRegistry, connect: Connect, repository: str
) -> None:
    with fault_proxy(open_registry.host) as network:
        registry = connect(network.host)
        for tag in ("1.0", "2.0"):
            await write(registry, repository, image("web"), tag)
        by_tag = Fault(Answer(405), "DELETE", "/1.0$", times=None)
        lost = Fault(Answer(404), "DELETE", "/sha256:", skip=1)
        for fault in (by_tag, lost):
            network.add(fault)

        await registry.delete_tag(repository, "1.0")

        assert (lost.struck, await tags_of(registry, repository)) == (1, ["2.0"])


async def test_a_deletion_that_waits_its_turn_at_the_registry_is_waited_for(
    open_registry: DockerRegistry, connect: Connect, repository: str, clock: FakeClock
) -> None:
    with fault_proxy(open_registry.host) as network:
        registry = connect(network.host)
        await write(registry, repository, image("web"), "1.0")
        there = {"Docker-Content-Digest": image("web").digest}
        looks = Fault(Answer(200, there), "HEAD", "/1.0$", times=3)
        network.add(looks)

        await registry.delete_tag(repository, "1.0")

        assert (looks.struck, await tags_of(registry, repository)) == (3, [])
        assert 0 < sum(clock.slept) < 2


async def test_a_tag_that_is_there_after_the_registry_has_deleted_it_is_named(
    open_registry: DockerRegistry, connect: Connect, repository: str
) -> None:
    with fault_proxy(open_registry.host) as network:
        registry = connect(network.host)
        await write(registry, repository, image("web"), "1.0")
        network.add(Fault(Answer(202), "DELETE"))

        with pytest.raises(errors.TagNotGone, match=f"{repository}:1.0 points at sha256:"):
            await registry.delete_tag(repository, "1.0")
