"""Manifests and indexes: what an image consists of (OCI image spec, manifest.md, image-index.md).

A `Manifest` keeps the bytes it was read from, because those bytes are what its digest names and
what is written elsewhere. Docker's manifest v2 and manifest list have the same shape and are read
the same way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Annotated

import msgspec

from transship.errors import InvalidManifest, UnsupportedManifest
from transship.oci.digest import Digest, digest_of, parse_digest
from transship.oci.media_types import (
    CONFIGS,
    FOREIGN_LAYERS,
    INDEXES,
    MANIFESTS,
    OCI_INDEX,
    OCI_MANIFEST,
    SCHEMA1,
    UNSUPPORTED,
    bare,
)
from transship.oci.platform import Platform

MANIFEST_LIMIT = 4 * 1024 * 1024
"""The largest manifest that is read, in bytes (distribution spec, "Pushing Manifests")."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What points at content (OCI image spec, descriptor.md). `size` is in bytes."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    artifact_type: str = ""
    annotations: dict[str, str] = field(default_factory=dict, hash=False)
    urls: tuple[str, ...] = ()

    @property
    def is_manifest(self) -> bool:
        """Whether this points at a manifest or an index, and not at a blob.

        Kinds of manifest that aren't supported count too, so that reading one names the reason
        and doesn't look for it among the blobs. An entry without a media type is a manifest.
        """
        return not self.media_type or self.media_type in MANIFESTS | UNSUPPORTED

    @property
    def is_foreign(self) -> bool:
        """Whether this is a layer that registries don't hold."""
        return self.media_type in FOREIGN_LAYERS and bool(self.urls)


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image manifest or an index, as read.

    An image has a `config` and `layers`; an index has `entries`. An artifact is an image whose
    config isn't an image's.
    """

    media_type: str
    digest: Digest
    body: bytes = field(repr=False)
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    entries: tuple[Descriptor, ...] = ()
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def size(self) -> int:
        """The length of the manifest itself, in bytes."""
        return len(self.body)

    def without_body(self) -> Manifest:
        """Return the manifest without its bytes, for who looks at many and writes none."""
        return replace(self, body=b"")

    @property
    def is_index(self) -> bool:
        """Whether this is an index (or a Docker manifest list)."""
        return self.media_type in INDEXES

    @property
    def is_image(self) -> bool:
        """Whether this is an image that a container runtime can run, and not another artifact."""
        return self.config is not None and self.config.media_type in CONFIGS

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """The manifests that must be there before this one, each once, in order."""
        return _unique(entry for entry in self.entries if entry.is_manifest)

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """The blobs that must be there before this manifest, each once, in order.

        An index may point at blobs too: the caches that BuildKit exports do.
        """
        config = (self.config,) if self.config else ()
        entries = (entry for entry in self.entries if not entry.is_manifest)
        blobs = (*config, *self.layers, *entries)
        return _unique(blob for blob in blobs if not blob.is_foreign)

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms that an index names, each once, in order; attestations are no platform."""
        named = (entry.platform for entry in self.entries if entry.platform)
        return tuple(dict.fromkeys(p for p in named if p.os != "unknown"))

    def descriptor(self) -> Descriptor:
        """Return what points at this manifest, as the referrers API would list it."""
        artifact_type = self.artifact_type or (self.config.media_type if self.config else "")
        return Descriptor(
            self.media_type,
            self.digest,
            self.size,
            artifact_type=artifact_type,
            annotations=self.annotations,
        )


def parse_manifest(body: bytes, content_type: str = "", digest: Digest | None = None) -> Manifest:
    """Return the manifest in `body`.

    `digest` is the digest it is known by, if that isn't its sha256; the caller has checked it.
    The media type is the body's own, else `content_type`, else what the shape says. Raises
    UnsupportedManifest for Docker schema 1 and unknown kinds, InvalidManifest for what can't be
    read as a manifest.
    """
    try:
        raw = msgspec.json.decode(body, type=_RawManifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifest(str(error)) from error
    media_type = _media_type(raw, bare(content_type))
    # A document that is a manifest and an index at once reads as one image here and as another
    # elsewhere (CVE-2021-41190).
    if media_type in INDEXES and (raw.layers or raw.config):
        raise InvalidManifest("an index must not have a config or layers")
    if media_type not in INDEXES and (raw.manifests or raw.config is None):
        raise InvalidManifest("an image manifest must have a config and no list of manifests")
    return Manifest(
        media_type=media_type,
        digest=digest or digest_of(body),
        body=body,
        config=raw.config.checked() if raw.config else None,
        layers=tuple(layer.checked() for layer in raw.layers or ()),
        entries=tuple(entry.checked() for entry in raw.manifests or ()),
        subject=raw.subject.checked() if raw.subject else None,
        artifact_type=raw.artifactType or "",
        annotations=_annotations(raw.annotations),
    )


def filter_index(index: Manifest, keep: Iterable[Digest]) -> Manifest:
    """Return the index with only the entries in `keep`: a new document with a new digest.

    Raises InvalidManifest when the document can't be written again without a loss.
    """
    kept = frozenset(keep)
    try:
        document = json.loads(index.body)
        document["manifests"] = [e for e in document["manifests"] or () if e["digest"] in kept]
        body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidManifest(str(error)) from error
    return parse_manifest(body, index.media_type)


def make_index(
    entries: Iterable[Descriptor], *, annotations: dict[str, str] | None = None
) -> Manifest:
    """Return a new OCI index of `entries`, as the referrers tag schema wants it."""
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [descriptor_document(entry) for entry in entries],
    }
    if annotations:
        document["annotations"] = annotations
    return parse_manifest(json.dumps(document, separators=(",", ":")).encode(), OCI_INDEX)


def descriptor_document(descriptor: Descriptor) -> dict[str, object]:
    """Return a descriptor as the JSON object that stands in an index."""
    document: dict[str, object] = {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }
    if descriptor.platform:
        platform = {"os": descriptor.platform.os, "architecture": descriptor.platform.architecture}
        if descriptor.platform.variant:
            platform["variant"] = descriptor.platform.variant
        document["platform"] = platform
    if descriptor.artifact_type:
        document["artifactType"] = descriptor.artifact_type
    if descriptor.annotations:
        document["annotations"] = descriptor.annotations
    if descriptor.urls:
        document["urls"] = list(descriptor.urls)
    return document


# Go writes null for what is empty, so every field may be null wherever it may be absent.


class _RawPlatform(msgspec.Struct):
    os: str | None = None
    architecture: str | None = None
    variant: str | None = None

    def checked(self) -> Platform | None:
        if not self.os:
            return None
        return Platform(self.os, self.architecture or "", self.variant or "")


class _RawDescriptor(msgspec.Struct):
    digest: str
    size: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    mediaType: str | None = None  # noqa: N815 - the specification's own spelling
    platform: _RawPlatform | None = None
    artifactType: str | None = None  # noqa: N815
    annotations: dict[str, str | None] | None = None
    urls: list[str] | None = None

    def checked(self) -> Descriptor:
        return Descriptor(
            media_type=bare(self.mediaType or ""),
            digest=parse_digest(self.digest),
            size=self.size,
            platform=self.platform.checked() if self.platform else None,
            artifact_type=self.artifactType or "",
            annotations=_annotations(self.annotations),
            urls=tuple(self.urls or ()),
        )


class _RawManifest(msgspec.Struct):
    schemaVersion: int | None = None  # noqa: N815
    mediaType: str | None = None  # noqa: N815
    config: _RawDescriptor | None = None
    layers: list[_RawDescriptor] | None = None
    manifests: list[_RawDescriptor] | None = None
    subject: _RawDescriptor | None = None
    artifactType: str | None = None  # noqa: N815
    annotations: dict[str, str | None] | None = None


_NO_ANNOTATIONS: dict[str, str] = {}
"""Shared by all that have none: most descriptors."""


def _annotations(raw: dict[str, str | None] | None) -> dict[str, str]:
    return {key: value or "" for key, value in raw.items()} if raw else _NO_ANNOTATIONS


def _media_type(raw: _RawManifest, content_type: str) -> str:
    media_type = bare(raw.mediaType or "")
    if media_type in SCHEMA1 or content_type in SCHEMA1 or raw.schemaVersion == 1:
        raise UnsupportedManifest("Docker schema 1")
    media_type = media_type or (content_type if content_type in MANIFESTS else "")
    media_type = media_type or (OCI_MANIFEST if raw.manifests is None else OCI_INDEX)
    if media_type not in MANIFESTS:
        raise UnsupportedManifest(
            media_type, remedy="Only images, indexes and artifacts in the form of images are moved."
        )
    if raw.schemaVersion != 2:
        raise InvalidManifest("no schemaVersion 2")
    return media_type


def _unique(descriptors: Iterable[Descriptor]) -> tuple[Descriptor, ...]:
    return tuple({descriptor.digest: descriptor for descriptor in descriptors}.values())
