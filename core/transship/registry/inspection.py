"""What one image is: its manifest, what it leads to, and what refers to it. Only reads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from transship.errors import BadReference, ManifestNotFound, RepositoryNotFound, TransshipError
from transship.oci.digest import check_bytes, fallback_tag
from transship.oci.platform import Platform

if TYPE_CHECKING:
    from transship.oci.digest import Digest
    from transship.oci.manifest import Descriptor, Manifest
    from transship.oci.reference import Reference
    from transship.registry.registry import Registry

CONFIG_LIMIT = 8 * 1024 * 1024
"""The largest image config that is read, in bytes."""


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image's config says of it. Empty where it doesn't."""

    created: str = ""
    platform: Platform | None = None

    @property
    def created_at(self) -> float | None:
        """When the image says it was created, in seconds since the epoch (RFC 3339, 5.6)."""
        try:
            moment = datetime.fromisoformat(self.created)
        except ValueError:
            return None
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


async def read_config(place: Registry, repository: str, manifest: Manifest) -> ImageConfig | None:
    """Read the config of an image. None where it has none that is an image's and can be read.

    Raises DigestMismatch, and what the place raises.
    """
    descriptor = manifest.config
    if descriptor is None or not manifest.is_image or descriptor.size > CONFIG_LIMIT:
        return None
    body = bytearray()
    async with place.read_blob(repository, descriptor.digest) as reader:
        async for piece in reader:
            body += piece
            if len(body) > descriptor.size:
                break  # It isn't what its digest says, and may have no end.
    check_bytes(descriptor.digest, bytes(body), f"{place.name}/{repository}")
    try:
        raw = msgspec.json.decode(body, type=_RawConfig)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    platform = Platform(raw.os, raw.architecture or "", raw.variant or "") if raw.os else None
    return ImageConfig(raw.created or "", platform)


class _RawConfig(msgspec.Struct):
    created: str | None = None
    os: str | None = None
    architecture: str | None = None
    variant: str | None = None


_AT_ONCE = 8
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class InspectedManifest:
    """One entry of an index. `size` is the bytes of everything below it, the manifest included.

    `problem` says why it couldn't be read; `size` is then the manifest's own.
    """

    descriptor: Descriptor
    size: int
    problem: TransshipError | None = None

    @property
    def platform(self) -> Platform | None:
        """The platform it is for, if it is for one: attestations are not."""
        platform = self.descriptor.platform
        return platform if platform and platform.os != "unknown" else None


@dataclass(frozen=True, slots=True)
class Inspection:
    """One image, index or artifact, as found.

    `size` is the bytes of it all: manifests and blobs, each once. `entries` are those of an
    index. `config` is None where there is none that is an image's, or it can't be understood.
    """

    reference: Reference
    manifest: Manifest
    size: int
    entries: tuple[InspectedManifest, ...] = ()
    config: ImageConfig | None = None
    referrers: tuple[Descriptor, ...] = ()


async def inspect(place: Registry, reference: Reference) -> Inspection:
    """Look at what a tag or a digest points at.

    Raises BadReference for a reference without either, ManifestNotFound, and what the place
    raises. An entry of an index that can't be read keeps its problem; the rest is told all the
    same.
    """
    if not reference.version:
        raise BadReference(
            f"{reference} names no tag or digest", remedy=f"`transship ls {reference}` lists them."
        )
    manifest = await place.get_manifest(reference.repository, reference.version)
    looking = _Inspecting(place, reference.repository)
    entries = await asyncio.gather(*(looking.entry(d) for d in manifest.entries))
    parts = _parts(manifest).copy()
    for descriptor in manifest.entries:
        parts |= looking.parts.get(descriptor.digest, {})
    return Inspection(
        reference=reference,
        manifest=manifest,
        size=sum(parts.values()),
        entries=tuple(entries),
        config=await read_config(place, reference.repository, manifest),
        referrers=await _referrers(place, reference.repository, manifest.digest),
    )


class _Inspecting:
    """Reads what an index leads to, a few manifests at a time."""

    def __init__(self, place: Registry, repository: str) -> None:
        self._place = place
        self._repository = repository
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self.parts: dict[Digest, dict[Digest, int]] = {}
        """By entry, the size of everything at and below it."""

    async def entry(self, descriptor: Descriptor) -> InspectedManifest:
        parts = {descriptor.digest: descriptor.size}
        problem = None
        if descriptor.is_manifest:
            try:
                parts |= await self._below(descriptor, 1)
            except TransshipError as error:
                problem = error
        self.parts[descriptor.digest] = parts
        return InspectedManifest(descriptor, sum(parts.values()), problem)

    async def _below(self, descriptor: Descriptor, depth: int) -> dict[Digest, int]:
        async with self._slots:
            manifest = await self._place.get_manifest(self._repository, descriptor.digest)
        parts = _parts(manifest)
        for child in manifest.children if depth < _DEEPEST else ():
            parts |= await self._below(child, depth + 1)
        return parts


def _parts(manifest: Manifest) -> dict[Digest, int]:
    blobs = {blob.digest: blob.size for blob in manifest.blobs}
    return {manifest.digest: manifest.size, **blobs}


async def _referrers(place: Registry, repository: str, digest: Digest) -> tuple[Descriptor, ...]:
    """Return what refers to a manifest, by the API or else by the tag that stands in for it."""
    listed = await place.referrers(repository, digest)
    if listed is not None:
        return listed
    try:
        return (await place.get_manifest(repository, fallback_tag(digest))).entries
    except (ManifestNotFound, RepositoryNotFound):
        return ()
