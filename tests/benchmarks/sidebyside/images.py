"""The images of the scenarios, written to a registry over HTTP: the same call, the same digests."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import local
from typing import Any

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE

_AT_ONCE = 16 * MEBIBYTE
"""How much noise is made at a time: `random` can't make a large layer's in one call."""

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_SIGNATURE = "application/vnd.example.signature"
_ARCHITECTURES = ("amd64", "arm64", "arm/v7", "s390x", "ppc64le", "riscv64")


@dataclass(frozen=True, slots=True)
class Noise:
    """A layer around `size` bytes of noise, known by its seed: made when it is sent.

    It is gzip that stores and doesn't compress: what isn't gzip some tools would pack anew.
    """

    seed: str
    size: int

    def bytes(self) -> bytes:
        noise = random.Random(self.seed)
        pieces = (
            noise.randbytes(min(_AT_ONCE, self.size - start))
            for start in range(0, self.size, _AT_ONCE)
        )
        return gzip.compress(b"".join(pieces), 0, mtime=0)


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a repository: its layers, for how many platforms, and whether it is signed."""

    repository: str
    tag: str
    layers: tuple[Noise, ...]
    platforms: int = 1
    signed: bool = False

    def variants(self) -> Iterator[tuple[str, tuple[Noise, ...]]]:
        """Give each architecture that it is for, with the layers of its image."""
        if self.platforms == 1:
            yield "amd64", self.layers
            return
        for architecture in _ARCHITECTURES[: self.platforms]:
            own = Noise(f"{self.repository}:{self.tag}/{architecture}", 64 * KIBIBYTE)
            yield architecture, (*self.layers, own)


@dataclass
class Store:
    """Writes images to the registry at `host:port`, which holds nothing else."""

    port: int
    sizes: dict[str, int] = field(default_factory=dict)
    """The size of every blob that was written, by its digest."""
    _connections: local = field(default_factory=local)

    def fill(self, images: Iterable[Image]) -> None:
        """Write them all, several at a time."""
        with ThreadPoolExecutor(8) as pool:
            for _ in pool.map(self._write, images):
                pass

    def _write(self, image: Image) -> None:
        tag = image.tag if image.platforms == 1 else None
        images = [self._image(image, *variant, tag) for variant in image.variants()]
        root = images[0]
        if image.platforms > 1:
            index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": images}
            root = self._manifest(image.repository, index, _INDEX, image.tag)
        if image.signed:
            self._sign(image.repository, root)

    def _image(
        self, image: Image, architecture: str, noises: Sequence[Noise], tag: str | None
    ) -> dict[str, Any]:
        layers = [self._blob(image.repository, noise.bytes(), _LAYER) for noise in noises]
        name, _, variant = architecture.partition("/")
        platform = {
            "os": "linux",
            "architecture": name,
            **({"variant": variant} if variant else {}),
        }
        config = {
            **platform,
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
            "config": {"Labels": {"of": f"{image.repository}:{image.tag}"}},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._blob(image.repository, json.dumps(config).encode(), _CONFIG),
            "layers": layers,
        }
        written = self._manifest(image.repository, manifest, _MANIFEST, tag)
        return {**written, "platform": platform}

    def _sign(self, repository: str, root: dict[str, Any]) -> None:
        """Write a referrer, and list it under the tag that stands in for the referrers API."""
        digest = root["digest"]
        subject = {name: root[name] for name in ("mediaType", "digest", "size")}
        signature = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "artifactType": _SIGNATURE,
            "config": self._blob(repository, b"{}", "application/vnd.oci.empty.v1+json"),
            "layers": [self._blob(repository, f"signed {digest}".encode(), _SIGNATURE)],
            "subject": subject,
        }
        written = self._manifest(repository, signature, _MANIFEST, None)
        listed = {**written, "artifactType": _SIGNATURE}
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [listed]}
        self._manifest(repository, index, _INDEX, digest.replace(":", "-"))

    def _blob(self, repository: str, content: bytes, media_type: str) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.sizes[digest] = len(content)
        path = f"/v2/{repository}/blobs/{digest}"
        if self._ask("HEAD", path, None, {}).status != http.HTTPStatus.OK:
            begun = self._ask("POST", f"/v2/{repository}/blobs/uploads/", b"", {})
            address = begun.getheader("Location") or ""
            address = address[address.index("/v2/") :]
            ended = self._ask("PUT", f"{address}&digest={digest}", content, {})
            assert ended.status == http.HTTPStatus.CREATED, ended.status
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def _manifest(
        self, repository: str, manifest: dict[str, Any], media_type: str, tag: str | None
    ) -> dict[str, Any]:
        content = json.dumps(manifest).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        path = f"/v2/{repository}/manifests/{tag or digest}"
        answer = self._ask("PUT", path, content, {"Content-Type": media_type})
        assert answer.status == http.HTTPStatus.CREATED, answer.status
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        connection = getattr(self._connections, "open", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            self._connections.open = connection
        connection.request(method, path, body, headers)
        answer: http.client.HTTPResponse = connection.getresponse()
        answer.read()
        return answer


def small(repositories: int, tags: int) -> Iterator[Image]:
    """Give images of three small layers, of which the first is the repository's."""
    for repository in range(repositories):
        name = f"bench-small-{repository:03}"
        base = Noise(f"{name}/base", 64 * KIBIBYTE)
        for tag in range(tags):
            own = tuple(Noise(f"{name}:{tag}/{size}", size * KIBIBYTE) for size in (16, 8))
            yield Image(name, f"v{tag}", (base, *own))


def mixed(repositories: int, tags: int, base: int) -> Iterator[Image]:
    """Give images on two of four shared bases of `base` MiB, with layers of their own."""
    for repository in range(repositories):
        name = f"bench-mixed-{repository:03}"
        shared = tuple(
            Noise(f"base/{(repository + number) % 4}", base * MEBIBYTE) for number in range(2)
        )
        own = Noise(f"{name}/own", max(1, base // 5) * MEBIBYTE)
        for tag in range(tags):
            layers = tuple(
                Noise(f"{name}:{tag}/{size}", size)
                for size in (base * MEBIBYTE // 10, MEBIBYTE, 100 * KIBIBYTE)
            )
            yield Image(name, f"v{tag}", (*shared, own, *layers))


def large(layers: int, size: int) -> Iterator[Image]:
    """Give one image of `layers` layers of `size` MiB."""
    every = tuple(Noise(f"large/{number}", size * MEBIBYTE) for number in range(layers))
    yield Image("bench-large", "v0", every)


def multi_platform(repositories: int, tags: int) -> Iterator[Image]:
    """Give signed indexes of six platforms."""
    for repository in range(repositories):
        name = f"bench-multi-{repository:03}"
        base = Noise(f"{name}/base", 256 * KIBIBYTE)
        for tag in range(tags):
            yield Image(name, f"v{tag}", (base,), platforms=6, signed=True)


def moved(images: Iterable[Image], every: int) -> Iterator[Image]:
    """Give what each `every`th image becomes when its tag moves: another last layer."""
    for number, image in enumerate(images):
        if number % every == 0:
            last = Noise(f"{image.repository}:{image.tag} moved", image.layers[-1].size)
            yield Image(image.repository, image.tag, (*image.layers[:-1], last), image.platforms)
