"""Digests: the names of content (OCI image spec, descriptor.md, "Digests")."""

from __future__ import annotations

import hashlib
import re
from typing import NewType, Protocol

from transship.errors import DigestMismatch, InvalidManifest

Digest = NewType("Digest", str)
"""A checked digest, `algorithm:encoded`."""

ENCODED_LENGTH = {"sha256": 64, "sha512": 128}


class Hasher(Protocol):
    """The part of hashlib's objects that is used here."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Take in more bytes."""

    def hexdigest(self) -> str:
        """Return the hash of everything so far, in lower-case hexadecimal."""


def is_digest(text: str) -> bool:
    """Tell whether `text` is a digest of a registered algorithm (sha256 or sha512)."""
    algorithm, _, encoded = text.partition(":")
    return len(encoded) == ENCODED_LENGTH.get(algorithm) and bool(
        re.fullmatch("[0-9a-f]+", encoded)
    )


def parse_digest(text: str) -> Digest:
    """Return `text` as a digest.

    Raises InvalidManifest when it isn't one: digests are read from manifests and headers, where
    a wrong one means that the content can't be relied on.
    """
    if not is_digest(text):
        raise InvalidManifest(f"{text!r} is not a sha256 or sha512 digest")
    return Digest(text)


def digest_of(data: bytes, algorithm: str = "sha256") -> Digest:
    """Return the digest of `data`."""
    return Digest(f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}")


def hasher(digest: Digest) -> Hasher:
    """Return a new hash of the algorithm that `digest` uses."""
    return hashlib.new(digest.partition(":")[0])


def check(digest: Digest, hashed: Hasher, where: str) -> None:
    """Raise DigestMismatch unless `hashed` has seen exactly the bytes that `digest` names."""
    if hashed.hexdigest() != digest.partition(":")[2]:
        raise DigestMismatch(f"{digest} from {where}")


def check_bytes(digest: Digest, data: bytes, where: str) -> None:
    """Raise DigestMismatch unless `data` is the content that `digest` names."""
    hashed = hasher(digest)
    hashed.update(data)
    check(digest, hashed, where)


def short(digest: str) -> str:
    """Return a digest as a person compares it: `sha256:0123456789ab`."""
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm}:{encoded[:12]}"


def fallback_tag(digest: Digest) -> str:
    """Return the tag under which referrers of `digest` stand where there is no referrers API.

    OCI distribution spec, "Referrers Tag Schema".
    """
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm[:32]}-{encoded[:64]}"


def digest_of_fallback_tag(tag: str) -> Digest | None:
    """Return the subject's digest if `tag` has the form of a referrers fallback tag, else None.

    Only sha256 can be told back: longer digests are cut in the tag.
    """
    algorithm, _, encoded = tag.partition("-")
    digest = f"{algorithm}:{encoded}"
    return Digest(digest) if algorithm == "sha256" and is_digest(digest) else None
