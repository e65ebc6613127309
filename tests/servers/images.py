"""Small real images, written to a registry by plain requests; the same input, the same digests."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

_PIECE = 256 * 1024
_CREATED = "2024-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Pushed:
    """A manifest as a registry now holds it, with `content` as the exact bytes."""

    repository: str
    media_type: str
    content: bytes
    platform: str | None = None
    artifact_type: str | None = None

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return digest_of(self.content)

    @property
    def blobs(self) -> list[str]:
        """The digests of the config and the layers, in order; none for an index."""
        manifest = json.loads(self.content)
        entries = [manifest["config"], *manifest["layers"]] if "config" in manifest else []
        return [str(entry["digest"]) for entry in entries]

    def descriptor(self) -> dict[str, Any]:
        """Return what an index says of this manifest."""
        descriptor: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": len(self.content),
        }
        if self.platform is not None:
            descriptor["platform"] = _platform(self.platform)
        if self.artifact_type is not None:
            descriptor["artifactType"] = self.artifact_type
        return descriptor


def digest_of(content: bytes) -> str:
    """Return the SHA-256 digest of `content`."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def make_layer(content: bytes, name: str = "content") -> bytes:
    """Return a layer that holds one file: a gzipped tar, stored and not compressed.

    Stored, because it is fast, because its size is then known from the content's, and because
    its bytes do not depend on the zlib of the machine.
    """
    tar_bytes, layer = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar_bytes, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    with gzip.GzipFile(fileobj=layer, mode="wb", filename="", compresslevel=0, mtime=0) as packed:
        packed.write(tar_bytes.getvalue())
    return layer.getvalue()


def random_layer(size: int, seed: object) -> bytes:
    """Return a layer around `size` bytes of noise; the same seed, the same layer."""
    return make_layer(random.Random(str(seed)).randbytes(size))


def push_image(
    registry: Registry,
    repository: str,
    tag: str | None = None,
    layers: Sequence[bytes] = (),
    *,
    platform: str = "linux/amd64",
    docker: bool = False,
    annotations: Mapping[str, str] | None = None,
) -> Pushed:
    """Push an image of `layers` (as from `make_layer`) and let `tag`, if any, point at it.

    Without layers it gets one that no other repository, tag or platform shares. `docker` writes
    Docker's schema 2 and not an OCI image.
    """
    layers = layers or [make_layer(f"{repository}:{tag} {platform}".encode())]
    config = _json(
        {
            "created": _CREATED,
            **_platform(platform),
            "config": {},
            "rootfs": {
                "type": "layers",
                "diff_ids": [digest_of(gzip.decompress(layer)) for layer in layers],
            },
            "history": [{"created": _CREATED, "created_by": "tests"} for _ in layers],
        }
    )
    media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
    layer_type = DOCKER_LAYER if docker else OCI_LAYER
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": push_blob(registry, repository, config, DOCKER_CONFIG if docker else OCI_CONFIG),
        "layers": [push_blob(registry, repository, layer, layer_type) for layer in layers],
        **({"annotations": dict(annotations)} if annotations else {}),
    }
    pushed = Pushed(repository, media_type, _json(manifest), platform)
    return _put(registry, pushed, tag)


def push_index(
    registry: Registry,
    repository: str,
    tag: str | None,
    children: Sequence[Pushed],
    *,
    docker: bool = False,
) -> Pushed:
    """Push an index of manifests, or of other indexes, that the repository already holds."""
    media_type = DOCKER_LIST if docker else OCI_INDEX
    index = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [child.descriptor() for child in children],
    }
    return _put(registry, Pushed(repository, media_type, _json(index)), tag)


def push_artifact(
    registry: Registry,
    repository: str,
    tag: str | None = None,
    content: bytes = b"an artifact",
    *,
    artifact_type: str = "application/vnd.example.report",
    subject: Pushed | None = None,
) -> Pushed:
    """Push something that is no image: one blob under an OCI manifest with an empty config."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": push_blob(registry, repository, b"{}", OCI_EMPTY),
        "layers": [push_blob(registry, repository, content, artifact_type)],
    }
    if subject is not None:
        manifest["subject"] = {
            "mediaType": subject.media_type,
            "digest": subject.digest,
            "size": len(subject.content),
        }
    pushed = Pushed(repository, OCI_MANIFEST, _json(manifest), artifact_type=artifact_type)
    return _put(registry, pushed, tag)


def push_referrer(
    registry: Registry,
    subject: Pushed,
    content: bytes = b"a signature",
    *,
    artifact_type: str = "application/vnd.example.signature",
) -> Pushed:
    """Push an artifact about `subject`, and list it under the tag that stands in for the API.

    docker-registry 2.8 has no referrers API, so this follows the OCI distribution spec 1.1,
    "Referrers Tag Schema".
    """
    repository = subject.repository
    referrer = push_artifact(
        registry, repository, content=content, artifact_type=artifact_type, subject=subject
    )
    tag = subject.digest.replace(":", "-")
    answer = registry.http.get(f"/v2/{repository}/manifests/{tag}", headers={"Accept": OCI_INDEX})
    listed = answer.json()["manifests"] if answer.is_success else []
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [*listed, referrer.descriptor()],
    }
    _put(registry, Pushed(repository, OCI_INDEX, _json(index)), tag)
    return referrer


def push_blob(
    registry: Registry, repository: str, content: bytes, media_type: str
) -> dict[str, Any]:
    """Push a blob, unless this was done before, and return its descriptor."""
    digest = digest_of(content)
    if (repository, digest) not in registry.pushed:
        started = registry.http.post(f"/v2/{repository}/blobs/uploads/").raise_for_status()
        location = registry.http.base_url.join(started.headers["Location"])
        registry.http.put(
            location.copy_add_param("digest", digest),
            # In pieces: httpx copies all that is left of one long piece at each write.
            content=[content[at : at + _PIECE] for at in range(0, len(content), _PIECE)],
            headers={
                "Content-Length": str(len(content)),
                "Content-Type": "application/octet-stream",
            },
        ).raise_for_status()
        registry.pushed.add((repository, digest))
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _put(registry: Registry, pushed: Pushed, tag: str | None) -> Pushed:
    registry.http.put(
        f"/v2/{pushed.repository}/manifests/{tag or pushed.digest}",
        content=pushed.content,
        headers={"Content-Type": pushed.media_type},
    ).raise_for_status()
    return pushed


def _platform(platform: str) -> dict[str, str]:
    names = ("os", "architecture", "variant")
    return dict(zip(names, platform.split("/"), strict=False))


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
