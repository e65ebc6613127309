"""Looking at one image, wherever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servers.images import (
    make_layer,
    push_artifact,
    push_image,
    push_index,
    push_referrer,
)
from transship.errors import BadReference, ManifestNotFound
from transship.oci.platform import Platform
from transship.oci.reference import Reference
from transship.registry.distribution import DistributionRegistry
from transship.registry.inspection import Inspection, inspect

if TYPE_CHECKING:
    from servers.docker_registry import DockerRegistry


async def look(registry: DockerRegistry, repository: str, version: str) -> Inspection:
    place = DistributionRegistry(registry.host)
    try:
        return await inspect(place, Reference(registry.host, repository).at(version))
    finally:
        await place.aclose()


async def test_an_image(open_registry: DockerRegistry, repository: str) -> None:
    layer = make_layer(b"content")
    image = push_image(open_registry, repository, "1.0", [layer], platform="linux/arm64/v8")

    found = await look(open_registry, repository, "1.0")

    assert found.manifest.digest == image.digest
    assert found.config is not None
    assert found.config.platform == Platform("linux", "arm64", "v8")
    assert found.config.created == "2024-01-01T00:00:00Z"
    config = found.manifest.config
    assert config is not None
    assert found.size == len(image.content) + config.size + len(layer)
    assert (found.entries, found.referrers) == ((), ())


async def test_an_index_counts_what_its_images_share_once(
    open_registry: DockerRegistry, repository: str
) -> None:
    layer = make_layer(b"shared" * 1000)
    children = [
        push_image(open_registry, repository, layers=[layer], platform=platform)
        for platform in ("linux/amd64", "linux/arm64")
    ]
    push_index(open_registry, repository, "multi", children)

    found = await look(open_registry, repository, "multi")

    assert [str(entry.platform) for entry in found.entries] == ["linux/amd64", "linux/arm64"]
    assert all(entry.size > len(layer) for entry in found.entries)
    assert len(layer) < found.size < 2 * len(layer)
    assert found.config is None


async def test_a_part_that_is_missing_spoils_nothing_else(
    open_registry: DockerRegistry, repository: str
) -> None:
    children = [
        push_image(open_registry, repository, platform=platform)
        for platform in ("linux/amd64", "linux/arm64")
    ]
    push_index(open_registry, repository, "sparse", children)
    path = f"/v2/{repository}/manifests/{children[1].digest}"
    open_registry.http.delete(path).raise_for_status()

    whole, missing = (await look(open_registry, repository, "sparse")).entries

    assert whole.problem is None
    assert isinstance(missing.problem, ManifestNotFound)
    assert missing.size == len(children[1].content)


async def test_an_index_in_an_index(open_registry: DockerRegistry, repository: str) -> None:
    layer = make_layer(b"deep" * 1000)
    inner = push_index(
        open_registry, repository, None, [push_image(open_registry, repository, layers=[layer])]
    )
    push_index(open_registry, repository, "outer", [inner])

    found = await look(open_registry, repository, "outer")

    assert found.entries[0].platform is None
    assert found.entries[0].size > len(layer)


async def test_what_refers_to_it_by_the_tag_that_stands_in_for_the_api(
    open_registry: DockerRegistry, repository: str
) -> None:
    image = push_image(open_registry, repository, "1.0")
    signature = push_referrer(open_registry, image)

    found = await look(open_registry, repository, "1.0")

    assert [each.digest for each in found.referrers] == [signature.digest]
    subject = (await look(open_registry, repository, signature.digest)).manifest.subject
    assert subject is not None
    assert subject.digest == image.digest


async def test_what_is_no_image_has_no_config_to_be_read(
    open_registry: DockerRegistry, repository: str
) -> None:
    push_artifact(open_registry, repository, "report")
    found = await look(open_registry, repository, "report")
    assert found.config is None
    assert found.manifest.artifact_type == "application/vnd.example.report"


async def test_a_repository_is_not_an_image(open_registry: DockerRegistry, repository: str) -> None:
    with pytest.raises(BadReference):
        await look(open_registry, repository, "")
    push_image(open_registry, repository, "1.0")
    with pytest.raises(ManifestNotFound):
        await look(open_registry, repository, "2.0")
