"""What an image's configuration says of it (OCI image spec, config.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from transship.oci.digest import check_bytes
from transship.oci.platform import Platform

if TYPE_CHECKING:
    from transship.oci.manifest import Manifest
    from transship.registries.place import Place

CONFIG_LIMIT = 8 * 1024 * 1024
"""The largest image config that is read, in bytes."""


@dataclass(frozen=True, slots=True)
class Config:
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


async def read_config(place: Place, repository: str, manifest: Manifest) -> Config | None:
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
    return Config(raw.created or "", platform)


class _RawConfig(msgspec.Struct):
    created: str | None = None
    os: str | None = None
    architecture: str | None = None
    variant: str | None = None
