"""Which part of an image is written when only some platforms are wanted."""

from __future__ import annotations

import json

import pytest

from moving.memory import MemoryPlace
from transship.errors import DigestMismatch, PlatformMissing
from transship.oci.digest import digest_of
from transship.oci.manifest import Manifest, parse_manifest
from transship.oci.media_types import OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST
from transship.oci.platform import parse_platform
from transship.transfers.scanner import PlatformChoice, chosen


class Stage:
    """A place with one repository, to which images are added."""

    def __init__(self) -> None:
        self.place = MemoryPlace()

    def image(self, platform: str, *, config_type: str = OCI_CONFIG) -> Manifest:
        """Add an image whose config says for which platform it is."""
        names = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
        config = json.dumps(names).encode()
        digest = self.place.add("app", config)
        return self.add(
            {
                "mediaType": OCI_MANIFEST,
                "config": {"mediaType": config_type, "digest": digest, "size": len(config)},
                "layers": [],
            }
        )

    def index(self, *platforms: str) -> Manifest:
        """Add an index of images; `unknown/unknown` is an attestation, as BuildKit writes it."""
        entries = []
        for number, platform in enumerate(platforms):
            image = self.image(platform or f"linux/{number}")
            names = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
            entry = {"mediaType": OCI_MANIFEST, "digest": image.digest, "size": image.size}
            entries.append({**entry, **({"platform": names} if platform else {})})
        return self.add({"mediaType": OCI_INDEX, "manifests": entries})

    def add(self, document: dict[str, object]) -> Manifest:
        """Add a manifest."""
        manifest = parse_manifest(json.dumps({"schemaVersion": 2, **document}).encode())
        self.place.manifests["app"][manifest.digest] = manifest
        return manifest

    async def choose(self, root: Manifest, *wanted: str) -> PlatformChoice:
        """Choose from an image."""
        return await chosen(root, tuple(map(parse_platform, wanted)), self.place, "app")


async def test_without_a_wish_everything_stays_as_it_is() -> None:
    stage = Stage()
    for root in (stage.index("linux/amd64", "linux/arm64"), stage.image("linux/amd64")):
        assert await stage.choose(root) == PlatformChoice(root)


async def test_one_platform_is_its_own_manifest() -> None:
    stage = Stage()
    root = stage.index("linux/amd64", "linux/arm64/v8", "unknown/unknown")

    choice = await stage.choose(root, "linux/arm64")

    assert choice.root.digest == root.entries[1].digest
    assert "linux/arm64/v8" in choice.note


async def test_several_are_an_index_of_these_and_the_note_says_what_that_costs() -> None:
    stage = Stage()
    root = stage.index("linux/amd64", "linux/arm64", "linux/s390x", "unknown/unknown")

    choice = await stage.choose(root, "linux/amd64", "linux/arm64")

    assert choice.root.is_index
    assert [entry.digest for entry in choice.root.entries] == [e.digest for e in root.entries[:2]]
    assert choice.root.digest == digest_of(choice.root.body) != root.digest
    assert "signatures" in choice.note


async def test_all_of_them_are_the_index_as_it_is() -> None:
    stage = Stage()
    root = stage.index("linux/amd64", "linux/arm64")

    assert await stage.choose(root, "linux/arm64", "linux/amd64") == PlatformChoice(root)


async def test_what_is_missing_beside_others_is_named() -> None:
    stage = Stage()
    root = stage.index("linux/amd64", "linux/arm/v6", "linux/arm/v7")

    choice = await stage.choose(root, "linux/arm", "linux/riscv64")

    assert [str(p) for p in choice.root.platforms] == ["linux/arm/v6", "linux/arm/v7"]
    assert "no linux/riscv64" in choice.note


async def test_an_index_with_none_of_them_is_refused_and_says_what_it_has() -> None:
    stage = Stage()
    root = stage.index("linux/amd64", "linux/arm64", "unknown/unknown")

    with pytest.raises(PlatformMissing, match="linux/amd64, linux/arm64, not windows/amd64"):
        await stage.choose(root, "windows/amd64")


async def test_an_index_without_platforms_stays_whole() -> None:
    stage = Stage()
    root = stage.index("", "")

    assert await stage.choose(root, "linux/arm64") == PlatformChoice(root)


async def test_a_plain_image_is_known_by_its_config() -> None:
    stage = Stage()
    root = stage.image("linux/arm/v7")

    assert await stage.choose(root, "linux/arm") == PlatformChoice(root)
    with pytest.raises(PlatformMissing, match="linux/arm/v7, not linux/amd64"):
        await stage.choose(root, "linux/amd64")


async def test_an_artifact_is_for_every_platform() -> None:
    stage = Stage()
    root = stage.image("linux/arm64", config_type=OCI_EMPTY)

    assert await stage.choose(root, "linux/amd64") == PlatformChoice(root)


async def test_a_config_without_an_end_is_not_read_to_its_end() -> None:
    stage = Stage()
    root = stage.image("linux/amd64")
    assert root.config is not None
    stage.place.blobs["app"][root.config.digest] = bytes(50_000_000)

    with pytest.raises(DigestMismatch, match=root.config.digest):
        await stage.choose(root, "linux/amd64")
