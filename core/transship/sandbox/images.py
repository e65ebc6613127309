"""Sample images, made from nothing, the same each time."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from transship.oci.digest import Digest, digest_of, fallback_tag
from transship.oci.manifest import Descriptor, Manifest, make_index, parse_manifest
from transship.oci.media_types import (
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_MANIFEST,
)
from transship.oci.platform import Platform
from transship.sandbox.registry_server import Store

EPOCH = 1735689600
"""The age of every file in the samples: 2025-01-01T00:00:00Z, in seconds since the epoch."""

_STORED_BLOCK = 0xFFFF


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return a tar archive of `files`, contents by path, with nothing in it but them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            member.mtime = EPOCH
            member.mode = 0o755 if "bin/" in path else 0o644
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def gzip(data: bytes) -> bytes:
    """Return `data` as a gzip member of stored blocks (RFC 1951, section 3.2.4; RFC 1952).

    Nothing is compressed: the samples can't be, and what zlib makes of them depends on whose zlib
    it is, so that digests would differ from machine to machine.
    """
    parts = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff"]
    for start in range(0, len(data), _STORED_BLOCK) or (0,):
        block = data[start : start + _STORED_BLOCK]
        last = start + _STORED_BLOCK >= len(data)
        parts += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    parts.append(struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF))
    return b"".join(parts)


def noise(seed: str, size: int) -> bytes:
    """Return `size` bytes that don't compress and are the same for the same seed."""
    return hashlib.shake_256(seed.encode()).digest(size)


_CREATED = datetime.fromtimestamp(EPOCH, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
_MIB = 1024 * 1024

_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"
_SIGNED = "application/vnd.dev.cosign.simplesigning.v1+json"
_SPDX = "application/spdx+json"
_CHART_CONFIG = "application/vnd.cncf.helm.config.v1+json"
_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

_SIZES = {
    "os-amd64": 16,
    "os-arm64": 14,
    "os-arm": 10,
    "python-3.11-amd64": 8,
    "python-3.12-amd64": 8,
    "python-3.12-arm64": 8,
    "python-3.12-arm": 6,
    "web-packages": 9,
    "api-packages": 11,
    "worker-packages": 5,
    "httpd": 8,
}
"""The layers that images share, in MiB. An application's own layer is the last of its image."""

_OWN_SIZE = 2
_AMD64 = Platform("linux", "amd64")
_PORTS = (_AMD64, Platform("linux", "arm64", "v8"), Platform("linux", "arm", "v7"))
_RUNTIME_311 = ("os-amd64", "python-3.11-amd64")
_RUNTIME_312 = ("os-amd64", "python-3.12-amd64")

_IMAGES = (
    ("base/runtime", ("3.11",), _RUNTIME_311),
    ("base/runtime", ("3.12", "latest"), _RUNTIME_312),
    ("team/web", ("1.3",), (*_RUNTIME_312, "web-packages", "web-1.3")),
    ("team/web", ("1.4",), (*_RUNTIME_312, "web-packages", "web-1.4")),
    ("team/web", ("1.4.1",), (*_RUNTIME_312, "web-packages", "web-1.4.1")),
    ("team/api", ("0.9",), (*_RUNTIME_312, "api-packages", "api-0.9")),
    ("team/api", ("1.0", "latest"), (*_RUNTIME_312, "api-packages", "api-1.0")),
    ("team/worker", ("2025.01",), (*_RUNTIME_311, "worker-packages", "worker-2025.01")),
    ("team/worker", ("2025.02",), (*_RUNTIME_311, "worker-packages", "worker-2025.02")),
    ("docs/site", ("2025-01",), ("httpd", "site-2025-01")),
    ("docs/site", ("2025-02", "latest"), ("httpd", "site-2025-02")),
)
"""Repository, tags and layers, from the lowest up, of each image for one platform."""


def fill(store: Store) -> None:
    """Write the samples into a store: 6 repositories, some 125 MiB."""
    samples = _Samples(store)
    for repository, tags, layers in _IMAGES:
        samples.tag(repository, samples.image(repository, layers), *tags)
    samples.tag("team/web", samples.ports(), "2.0", "latest")
    for version in ("0.3.0", "0.3.1"):
        samples.tag("tools/chart", samples.chart(version), version)
    samples.sign("1.4.1")
    samples.describe("1.4.1")
    samples.sign_by_tag("1.4")


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer that is in the store, and the digest of what it unpacks to."""

    digest: Digest
    size: int
    diff_id: Digest


class _Samples:
    """Builds samples in one store. A layer is made once, whichever images share it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._layers: dict[str, _Layer] = {}

    def tag(self, repository: str, manifest: Manifest, *tags: str) -> None:
        """Let tags point at a manifest."""
        for tag in tags:
            self._store.put_manifest(repository, manifest, tag)

    def image(
        self, repository: str, layers: tuple[str, ...], platform: Platform = _AMD64
    ) -> Manifest:
        """Build an image of the layers with these names."""
        made = [self._layer(repository, name) for name in layers]
        docker = repository == "docs/site"
        config = {
            "created": _CREATED,
            "architecture": platform.architecture,
            "os": platform.os,
            "config": {"Entrypoint": [f"/opt/{layers[-1]}/bin/run"], "User": "1000"},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in made]},
            "history": [{"created": _CREATED, "created_by": f"COPY {name} /"} for name in layers],
        }
        if platform.variant:
            config["variant"] = platform.variant
        layer_type = _DOCKER_LAYER if docker else _OCI_LAYER
        return self._manifest(
            repository,
            DOCKER_MANIFEST if docker else OCI_MANIFEST,
            config=self._blob(repository, DOCKER_CONFIG if docker else OCI_CONFIG, _json(config)),
            layers=[_descriptor(layer_type, layer.digest, layer.size) for layer in made],
        )

    def ports(self) -> Manifest:
        """Build one application for several platforms, and the index that leads to them."""
        entries = []
        for platform in _PORTS:
            arch = platform.architecture
            layers = (f"os-{arch}", f"python-3.12-{arch}", f"web-2.0-{arch}")
            image = self.image("team/web", layers, platform)
            entries.append(Descriptor(image.media_type, image.digest, image.size, platform))
        return make_index(entries)

    def chart(self, version: str) -> Manifest:
        """Build a Helm chart."""
        about = {"apiVersion": "v2", "name": "web", "version": version, "type": "application"}
        files = {
            "web/Chart.yaml": _json(about),
            "web/values.yaml": b"replicas: 2\nimage: team/web:1.4.1\n",
        }
        return self._manifest(
            "tools/chart",
            OCI_MANIFEST,
            config=self._blob("tools/chart", _CHART_CONFIG, _json(about)),
            layers=[self._blob("tools/chart", _CHART, gzip(archive(files)))],
        )

    def sign(self, tag: str) -> None:
        """Attach a signature to a release of team/web, as a referrer."""
        self._refer(tag, _SIGNATURE, _SIGNED, self._signed(tag))

    def describe(self, tag: str) -> None:
        """Attach a bill of materials to a release of team/web, as a referrer."""
        packages = [{"name": name, "versionInfo": "1.0"} for name in ("web", "python", "httpd")]
        document = {"spdxVersion": "SPDX-2.3", "name": f"web-{tag}", "packages": packages}
        self._refer(tag, _SPDX, _SPDX, _json(document))

    def sign_by_tag(self, tag: str) -> None:
        """Put a signature of a release of team/web under cosign's own tag for it."""
        signed = self._blob("team/web", _SIGNED, self._signed(tag))
        signature = noise(f"signature {tag}", 72).hex()
        signed["annotations"] = {"dev.cosignproject.cosign/signature": signature}
        rootfs = {"type": "layers", "diff_ids": [signed["digest"]]}
        config = {"architecture": "", "os": "", "config": {}, "rootfs": rootfs}
        manifest = self._manifest(
            "team/web",
            OCI_MANIFEST,
            config=self._blob("team/web", OCI_CONFIG, _json(config)),
            layers=[signed],
        )
        self.tag("team/web", manifest, f"{fallback_tag(self._release(tag).digest)}.sig")

    def _refer(self, tag: str, artifact_type: str, media_type: str, content: bytes) -> None:
        release = self._release(tag)
        self._manifest(
            "team/web",
            OCI_MANIFEST,
            artifactType=artifact_type,
            config=self._blob("team/web", OCI_EMPTY, b"{}"),
            layers=[self._blob("team/web", media_type, content)],
            subject=_descriptor(release.media_type, release.digest, release.size),
            annotations={"org.opencontainers.image.created": _CREATED},
        )

    def _release(self, tag: str) -> Manifest:
        release = self._store.find_manifest("team/web", tag)
        assert release is not None
        return release

    def _signed(self, tag: str) -> bytes:
        """Return what cosign signs: which image it is."""
        image = {"docker-manifest-digest": self._release(tag).digest}
        critical = {"identity": {}, "image": image, "type": "cosign container image signature"}
        return _json({"critical": critical, "optional": None})

    def _layer(self, repository: str, name: str) -> _Layer:
        if name not in self._layers:
            tar = archive(_files(name))
            packed = gzip(tar)
            digest = self._store.add_blob(repository, packed)
            self._layers[name] = _Layer(digest, len(packed), digest_of(tar))
        self._store.link_blob(repository, self._layers[name].digest)
        return self._layers[name]

    def _blob(self, repository: str, media_type: str, content: bytes) -> dict[str, object]:
        digest = self._store.add_blob(repository, content)
        return _descriptor(media_type, digest, len(content))

    def _manifest(self, repository: str, media_type: str, **fields: object) -> Manifest:
        document = {"schemaVersion": 2, "mediaType": media_type, **fields}
        manifest = parse_manifest(_json(document))
        self._store.put_manifest(repository, manifest)
        return manifest


def _files(name: str) -> dict[str, bytes]:
    """Return what is in the layer with this name: a little to read, and its weight."""
    size = _SIZES.get(name, _OWN_SIZE) * _MIB
    files = {
        f"opt/{name}/README": f"{name}, a sample.\n".encode(),
        f"opt/{name}/bin/run": b"#!/bin/sh\nexec sleep infinity\n",
        f"opt/{name}/data": noise(name, size),
    }
    if name.startswith("os-"):
        files["etc/os-release"] = b'ID=sample\nNAME="Sample Linux"\nVERSION_ID=1\n'
        files["etc/passwd"] = b"root:x:0:0::/:/bin/sh\napp:x:1000:1000::/opt:/bin/sh\n"
    return files


def _descriptor(media_type: str, digest: Digest, size: int) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
