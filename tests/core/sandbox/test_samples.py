from __future__ import annotations

import gzip as reference
import io
import json
import tarfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.oci.digest import check_bytes, digest_of
from transship.oci.manifest import Manifest, parse_manifest
from transship.oci.media_types import DOCKER_MANIFEST
from transship.sandbox.images import archive, fill, gzip
from transship.sandbox.registry_server import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("samples"))
    fill(store)
    yield store
    store.close()


def manifests(store: Store) -> dict[str, Manifest]:
    found = {}
    for repository in store.repositories():
        for tag in store.tags(repository):
            manifest = store.find_manifest(repository, tag)
            assert manifest is not None
            found[f"{repository}:{tag}"] = manifest
    return found


def images(store: Store, repository: str) -> Iterator[Manifest]:
    """Give the images of a repository, those below an index too."""
    for name, manifest in manifests(store).items():
        if name.startswith(f"{repository}:"):
            for child in manifest.children or (manifest.descriptor(),):
                image = store.find_manifest(repository, child.digest)
                assert image is not None
                yield image


@given(data=st.binary(max_size=200_000))
def test_what_is_packed_can_be_unpacked(data: bytes) -> None:
    assert reference.decompress(gzip(data)) == data


@pytest.mark.parametrize("size", [0, 1, 65534, 65535, 65536, 131070, 131071])
def test_blocks_end_where_they_should(size: int) -> None:
    assert reference.decompress(gzip(bytes(size))) == bytes(size)


def test_an_archive_holds_its_files_and_no_trace_of_the_machine() -> None:
    packed = archive({"etc/os-release": b"ID=sample", "opt/web/bin/run": b"#!/bin/sh"})

    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        members = tar.getmembers()
        assert [(member.name, oct(member.mode)) for member in members] == [
            ("etc/os-release", "0o644"),
            ("opt/web/bin/run", "0o755"),
        ]
        assert {(member.uid, member.uname, member.mtime) for member in members} == {
            (0, "", 1735689600)
        }


def test_there_is_something_of_everything(store: Store) -> None:
    found = manifests(store)

    assert set(store.repositories()) == {
        "base/runtime",
        "docs/site",
        "team/api",
        "team/web",
        "team/worker",
        "tools/chart",
    }
    assert [str(platform) for platform in found["team/web:2.0"].platforms] == [
        "linux/amd64",
        "linux/arm64/v8",
        "linux/arm/v7",
    ]
    assert found["team/web:latest"] == found["team/web:2.0"]
    assert found["docs/site:latest"].media_type == DOCKER_MANIFEST
    assert not found["tools/chart:0.3.1"].is_image
    referrers = store.referrers("team/web", found["team/web:1.4.1"].digest)
    assert [entry.artifact_type for entry in referrers] == [
        "application/vnd.dev.cosign.artifact.sig.v1+json",
        "application/spdx+json",
    ]
    signed = found["team/web:1.4"].digest.replace(":", "-")
    assert f"team/web:{signed}.sig" in found


def test_they_are_the_same_on_every_machine(store: Store) -> None:
    digests = "".join(f"{name} {m.digest}\n" for name, m in manifests(store).items())

    assert digest_of(digests.encode()) == (
        "sha256:c2b0d80769b58ac5ff039cd26abc3a587c9b10796b939859200c4e00245eba82"
    )


def test_nothing_is_missing_and_all_is_what_it_says(store: Store) -> None:
    for name, manifest in manifests(store).items():
        repository = name.partition(":")[0]
        assert store.missing_parts(repository, manifest) == []
        assert parse_manifest(manifest.body) == manifest
        for blob in manifest.blobs:
            assert store.blob_size(repository, blob.digest) == blob.size
    for path in store.path(digest_of(b"{}")).parent.parent.rglob("*"):
        if path.is_file():
            check_bytes(digest_of(b"")[:7] + path.name, path.read_bytes(), path.name)


@pytest.mark.parametrize("repository", ["base/runtime", "team/web", "docs/site"])
def test_layers_unpack_to_what_the_config_says(store: Store, repository: str) -> None:
    for image in images(store, repository):
        assert image.config is not None
        config = json.loads(store.path(image.config.digest).read_bytes())
        if not config["os"]:
            continue
        unpacked = [reference.decompress(store.path(b.digest).read_bytes()) for b in image.layers]
        assert config["rootfs"]["diff_ids"] == [digest_of(tar) for tar in unpacked]
        assert len(config["history"]) == len(unpacked)


def test_applications_share_what_they_are_built_on(store: Store) -> None:
    layers = {
        name: {layer.digest for layer in manifest.layers}
        for name, manifest in manifests(store).items()
    }

    assert layers["base/runtime:3.12"] < layers["team/web:1.4"]
    assert layers["base/runtime:3.12"] < layers["team/api:1.0"]
    assert layers["base/runtime:3.11"] < layers["team/worker:2025.01"]
    assert len(layers["team/web:1.4"] - layers["team/web:1.4.1"]) == 1


def test_it_is_enough_to_watch_and_not_too_much_to_keep(store: Store) -> None:
    blobs = {
        blob.digest: blob.size
        for repository in store.repositories()
        for image in images(store, repository)
        for blob in image.blobs
    }

    size = sum(blobs.values())
    assert 60 << 20 < size < 150 << 20
