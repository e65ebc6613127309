"""Images, indexes and artifacts as they stand in a registry, and how they get into a place."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from transship.oci.digest import Digest, digest_of
from transship.oci.manifest import Manifest, descriptor_document, parse_manifest
from transship.oci.media_types import (
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from transship.registry.registry import Registry

OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@dataclass(frozen=True, slots=True)
class Sample:
    """A manifest with what it needs: its blobs, and the children that it is an index of."""

    manifest: Manifest
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    children: tuple[Sample, ...] = ()

    @property
    def digest(self) -> Digest:
        return self.manifest.digest


def encode(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def descriptor(media_type: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **more}


def image(
    name: str = "web",
    *,
    platform: str = "linux/amd64",
    docker: bool = False,
    algorithm: str = "sha256",
    layers: tuple[bytes, ...] = (),
    **fields: Any,
) -> Sample:
    """Return an image with one layer, or with `layers`; `fields` go into the manifest."""
    os, architecture = platform.split("/")
    layers = layers or (_layer(name),)
    diff_ids = [digest_of(gzip.decompress(layer)) for layer in layers if layer]
    config = encode(
        {
            "os": os,
            "architecture": architecture,
            "config": {"Cmd": [name]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
    )
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST if docker else OCI_MANIFEST,
        "config": descriptor(DOCKER_CONFIG if docker else OCI_CONFIG, config),
        "layers": [descriptor(DOCKER_LAYER if docker else OCI_LAYER, layer) for layer in layers],
        **fields,
    }
    body = encode(document)
    manifest = parse_manifest(body, digest=digest_of(body, algorithm))
    return Sample(manifest, {digest_of(blob): blob for blob in (config, *layers)})


def artifact(name: str, subject: Sample | None = None, kind: str = "application/x-note") -> Sample:
    """Return an artifact with one blob, about `subject` if given."""
    content = name.encode()
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": kind,
        "config": descriptor(OCI_EMPTY, b"{}"),
        "layers": [descriptor("text/plain", content)],
    }
    if subject:
        document["subject"] = descriptor_document(subject.manifest.descriptor())
    blobs = {digest_of(blob): blob for blob in (b"{}", content)}
    return Sample(parse_manifest(encode(document)), blobs)


def index(*children: Sample, **fields: Any) -> Sample:
    """Return an index of `children`, without their platforms; `fields` go into it as well."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            descriptor(child.manifest.media_type, child.manifest.body) for child in children
        ],
        **fields,
    }
    return Sample(parse_manifest(encode(document)), children=children)


async def stream(content: bytes, piece: int = 64 * 1024) -> AsyncIterator[bytes]:
    """Give `content` in pieces."""
    for start in range(0, len(content), piece):
        yield content[start : start + piece]


async def write(place: Registry, repository: str, sample: Sample, tag: str = "") -> None:
    """Write a sample as a transfer does: blobs, then children by digest, then what holds them."""
    for digest, content in sample.blobs.items():
        if upload := await place.start_upload(repository, digest):
            await upload.put(digest, len(content), stream(content))
    for child in sample.children:
        await write(place, repository, child)
    await place.put_manifest(repository, tag or sample.digest, sample.manifest)


async def read_blob(place: Registry, repository: str, digest: Digest, offset: int = 0) -> bytes:
    """Return the bytes of a blob from `offset` on."""
    async with place.read_blob(repository, digest, offset) as reader:
        return b"".join([piece async for piece in reader])


def _layer(name: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo(name.replace("/", "-"))
        entry.size = len(name)
        tar.addfile(entry, io.BytesIO(name.encode()))
    return gzip.compress(packed.getvalue(), mtime=0)
