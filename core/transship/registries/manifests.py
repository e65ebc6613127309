"""Manifests of a registry over HTTP (distribution spec, "Pulling manifests", "Pushing Manifests").

What is read has the digest that was asked for.
"""

from __future__ import annotations

from http import HTTPStatus

from transship import errors
from transship.oci.digest import Digest, check_bytes, is_digest
from transship.oci.manifest import MANIFEST_LIMIT, Manifest, parse_manifest
from transship.oci.media_types import ACCEPTED, SCHEMA1, bare
from transship.registries.addresses import manifest_path
from transship.registries.answers import Answer, number
from transship.registries.exchange import Exchange
from transship.registries.place import ManifestHead
from transship.registries.quota import Quota, quota_of
from transship.registries.scopes import pull, push

_ACCEPT = {"accept": ", ".join(ACCEPTED)}
_NO_HEAD = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.METHOD_NOT_ALLOWED})


class Manifests:
    """Reads and writes the manifests of the registry that is called `name`.

    `quota` is what it said last of how many may still be read.
    """

    def __init__(self, exchange: Exchange, name: str) -> None:
        self.quota: Quota | None = None
        self._exchange = exchange
        self._name = name

    async def head(self, repository: str, reference: str) -> ManifestHead | None:
        """Return what a tag or digest points at, without reading it, or None if it isn't there.

        Where the registry doesn't say the digest in its headers, the manifest is read after all.
        """
        answer = await self._exchange.ask(
            "HEAD",
            manifest_path(repository, reference),
            scopes=(pull(repository),),
            headers=_ACCEPT,
        )
        self.quota = quota_of(answer.headers) or self.quota
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        digest = _known_digest(reference, answer)
        if answer.status in _NO_HEAD or (answer.ok and digest is None):
            return await self._head_by_reading(repository, reference)
        if not answer.ok or digest is None:
            raise self._exchange.error_of(answer, missing=errors.ManifestNotFound)
        return ManifestHead(
            digest=digest,
            media_type=bare(answer.headers.get("content-type", "")),
            size=number(answer.headers.get("content-length", "")),
        )

    async def get(self, repository: str, reference: str) -> Manifest:
        """Read a manifest. Raises ManifestNotFound, and DigestMismatch for another than that."""
        answer = await self._exchange.ask(
            "GET",
            manifest_path(repository, reference),
            scopes=(pull(repository),),
            headers=_ACCEPT,
            limit=MANIFEST_LIMIT,
        )
        self.quota = quota_of(answer.headers) or self.quota
        if not answer.ok:
            raise self._exchange.error_of(answer, missing=errors.ManifestNotFound)
        content_type = answer.headers.get("content-type", "")
        digest = _known_digest(reference, answer)
        # The digest of schema 1 leaves its signatures out, so it isn't that of the bytes.
        if digest and bare(content_type) not in SCHEMA1:
            check_bytes(digest, answer.body, f"{self._name}/{repository}")
        return parse_manifest(answer.body, content_type, digest)

    async def put(self, repository: str, reference: str, manifest: Manifest) -> bool:
        """Write a manifest under a tag or its own digest.

        Returns whether the registry keeps the list of referrers by itself for a manifest with a
        subject (`OCI-Subject`); True for manifests without one.
        """
        answer = await self._exchange.ask(
            "PUT",
            manifest_path(repository, reference),
            scopes=(push(repository),),
            headers={"content-type": manifest.media_type},
            content=manifest.body,
        )
        if not answer.ok:
            error = self._exchange.error_of(answer, missing=errors.RepositoryNotFound)
            if type(error) is errors.UnexpectedAnswer:
                raise errors.ManifestRejected(error.detail)
            raise error
        stored = answer.headers.get("docker-content-digest", manifest.digest)
        if stored != manifest.digest and stored.startswith("sha256:"):
            raise errors.DigestMismatch(
                f"{self._name}/{repository} keeps {manifest.digest} as {stored}"
            )
        return manifest.subject is None or "oci-subject" in answer.headers

    async def _head_by_reading(self, repository: str, reference: str) -> ManifestHead | None:
        try:
            manifest = await self.get(repository, reference)
        except (errors.ManifestNotFound, errors.RepositoryNotFound):
            return None
        return ManifestHead(manifest.digest, manifest.media_type, manifest.size)


def _known_digest(reference: str, answer: Answer) -> Digest | None:
    """Return the digest that was asked for, or else the one that the registry says."""
    digest = reference if is_digest(reference) else answer.headers.get("docker-content-digest", "")
    return Digest(digest) if is_digest(digest) else None
