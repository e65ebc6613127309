"""A registry over HTTP (OCI distribution specification 1.1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from urllib.parse import quote, urlsplit

import msgspec

from transship import errors
from transship.clock import Clock, SystemClock
from transship.errors import TransshipError
from transship.oci.digest import Digest, check_bytes, is_digest, parse_digest
from transship.oci.manifest import (
    MANIFEST_LIMIT,
    Descriptor,
    Manifest,
    parse_manifest,
)
from transship.oci.media_types import ACCEPTED, bare
from transship.oci.reference import is_repository, is_tag
from transship.registries.answers import Answer, described
from transship.registries.auth import CATALOG, pull, push
from transship.registries.blobs import Blobs
from transship.registries.credential import Credential, Tls
from transship.registries.exchange import Exchange
from transship.registries.links import next_page
from transship.registries.pacing import INTERACTIVE, Pacer, Patience
from transship.registries.place import BlobReader, Capabilities, ManifestHead, Upload
from transship.registries.services import Service, service_of

_ACCEPT = {"accept": ", ".join(ACCEPTED)}
_PAGE = 1000
_NO_REFERRERS_API = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)


class Registry:
    """A place that holds images: one registry, signed in to or not.

    `host` is `host[:port]`. Nothing is sent before the first call. Small requests are retried as
    `patience` says; the bytes of blobs are not, because only who reads them can start again.
    """

    def __init__(
        self,
        host: str,
        *,
        credential: Credential | None = None,
        tls: Tls | None = None,
        service: Service | None = None,
        patience: Patience = INTERACTIVE,
        clock: Clock | None = None,
    ) -> None:
        self.name = host
        self.service = service or service_of(host)
        self._exchange = Exchange(
            self.service.api_host or host,
            credential=credential,
            tls=tls or Tls(),
            patience=patience,
            clock=clock or SystemClock(),
        )
        self._blobs = Blobs(self._exchange)
        self._has_referrers_api: bool | None = None
        self._asking_for_referrers = asyncio.Lock()

    @property
    def capabilities(self) -> Capabilities:
        """How it wants blobs to be written."""
        return self.service.capabilities

    @property
    def pacer(self) -> Pacer:
        """How fast the registry is asked, and whether it has asked for less."""
        return self._exchange.pacer

    async def check_sign_in(self) -> None:
        """Prove that the registry is there and takes the credential.

        Raises what stands in the way: NameNotFound, CertificateNotTrusted, NotARegistry,
        SignInNeeded, WrongCredential, ...
        """
        await self._exchange.connect()
        answer = await self._exchange.ask("GET", "/v2/", scopes=())
        if not answer.ok:
            raise self._exchange.error_of(answer, missing=errors.NotARegistry)

    async def repositories(self) -> AsyncIterator[str]:
        """Give the repositories' names, as they come. Raises CatalogClosed."""
        path = f"/v2/_catalog?n={_PAGE}"
        try:
            async for page in self._pages(path, (CATALOG,), errors.CatalogClosed):
                for name in page.json(_Catalog).repositories or ():
                    if is_repository(name):
                        yield name
        except (errors.NoRight, errors.SignInNeeded, errors.ReadOnly) as error:
            raise errors.CatalogClosed(error.detail) from error

    async def tags(self, repository: str) -> AsyncIterator[str]:
        """Give the tags of a repository, as they come. Raises RepositoryNotFound."""
        path = f"/v2/{repository}/tags/list?n={_PAGE}"
        async for page in self._pages(path, (pull(repository),), errors.RepositoryNotFound):
            for tag in page.json(_Tags).tags or ():
                if is_tag(tag):
                    yield tag

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
        """Return what a tag or digest points at, without reading it, or None if it isn't there.

        Where the registry doesn't say the digest in its headers, the manifest is read after all.
        """
        answer = await self._exchange.ask(
            "HEAD",
            _manifest_path(repository, reference),
            scopes=(pull(repository),),
            headers=_ACCEPT,
        )
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        digest = reference if is_digest(reference) else _said_digest(answer)
        if answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.METHOD_NOT_ALLOWED) or (
            answer.ok and not digest
        ):
            return await self._head_by_reading(repository, reference)
        if not answer.ok:
            raise self._exchange.error_of(answer, missing=errors.ManifestNotFound)
        return ManifestHead(
            digest=parse_digest(digest),
            media_type=bare(answer.headers.get("content-type", "")),
            size=int(answer.headers.get("content-length", "0")),
        )

    async def get_manifest(self, repository: str, reference: str) -> Manifest:
        """Read a manifest; what is returned has the digest asked for. Raises ManifestNotFound."""
        answer = await self._exchange.ask(
            "GET",
            _manifest_path(repository, reference),
            scopes=(pull(repository),),
            headers=_ACCEPT,
            limit=MANIFEST_LIMIT,
        )
        if not answer.ok:
            raise self._exchange.error_of(answer, missing=errors.ManifestNotFound)
        where = f"{self.name}/{repository}"
        digest = reference if is_digest(reference) else _said_digest(answer)
        if digest:
            check_bytes(parse_digest(digest), answer.body, where)
        return parse_manifest(
            answer.body,
            answer.headers.get("content-type", ""),
            Digest(digest) if digest else None,
        )

    async def put_manifest(self, repository: str, reference: str, manifest: Manifest) -> bool:
        """Write a manifest under a tag or its own digest.

        Returns whether the registry keeps the list of referrers by itself for a manifest with a
        subject (`OCI-Subject`); True for manifests without one.
        """
        answer = await self._exchange.ask(
            "PUT",
            _manifest_path(repository, reference),
            scopes=(push(repository),),
            headers={"content-type": manifest.media_type},
            content=manifest.body,
        )
        if not answer.ok:
            error = self._exchange.error_of(answer, missing=errors.RepositoryNotFound)
            if type(error) is errors.UnexpectedAnswer:
                raise errors.ManifestRejected(error.detail)
            raise error
        stored = _said_digest(answer)
        if stored and stored.startswith("sha256:") and stored != manifest.digest:
            raise errors.DigestMismatch(
                f"{self.name}/{repository} keeps {manifest.digest} as {stored}"
            )
        return manifest.subject is None or "oci-subject" in answer.headers

    async def referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None:
        """Return what refers to a manifest, or None where there is no referrers API.

        The first answer tells whether there is one, so only one goes out until it is known.
        """
        if self._has_referrers_api is None:
            async with self._asking_for_referrers:
                if self._has_referrers_api is None:
                    return await self._referrers(repository, digest)
        return await self._referrers(repository, digest) if self._has_referrers_api else None

    async def blob_size(self, repository: str, digest: Digest) -> int | None:
        """Return the length of a blob in bytes, or None if the repository doesn't have it."""
        return await self._blobs.size(repository, digest)

    def read_blob(
        self, repository: str, digest: Digest, offset: int = 0
    ) -> AbstractAsyncContextManager[BlobReader]:
        """Open a blob for reading from `offset`. Raises BlobNotFound."""
        return self._blobs.read(repository, digest, offset)

    async def start_upload(
        self, repository: str, digest: Digest, *, mount_from: str | None = None
    ) -> Upload | None:
        """Start writing a blob, or mount it from another repository of this registry."""
        return await self._blobs.start_upload(repository, digest, mount_from)

    async def resume_upload(self, repository: str, location: str) -> Upload:
        """Return a session that was started before. Raises UploadLost."""
        return await self._blobs.resume_upload(repository, location)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._exchange.aclose()

    async def _referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None:
        scopes = (pull(repository),)
        path = f"/v2/{repository}/referrers/{digest}"
        answer = await self._exchange.ask("GET", path, scopes=scopes)
        absent = answer.status in _NO_REFERRERS_API or (answer.ok and not _is_json(answer))
        if self._has_referrers_api is None:
            self._has_referrers_api = not absent
        if absent:
            return () if self._has_referrers_api else None
        found: list[Descriptor] = []
        async for page in self._pages_after(answer, scopes, errors.RepositoryNotFound):
            found += parse_manifest(page.body, page.headers.get("content-type", "")).entries
        return tuple({entry.digest: entry for entry in found}.values())

    async def _head_by_reading(self, repository: str, reference: str) -> ManifestHead | None:
        try:
            manifest = await self.get_manifest(repository, reference)
        except errors.ManifestNotFound:
            return None
        return ManifestHead(manifest.digest, manifest.media_type, manifest.size)

    async def _pages(
        self, path: str, scopes: tuple[str, ...], missing: type[TransshipError]
    ) -> AsyncIterator[Answer]:
        first = await self._exchange.ask("GET", path, scopes=scopes)
        async for page in self._pages_after(first, scopes, missing):
            yield page

    async def _pages_after(
        self, page: Answer, scopes: tuple[str, ...], missing: type[TransshipError]
    ) -> AsyncIterator[Answer]:
        """Give `page` and all that follow it by Link."""
        seen = {page.url}
        while True:
            if not page.ok:
                raise self._exchange.error_of(page, missing=missing)
            yield page
            address = next_page(page.headers.get("link", ""), page.url)
            if address is None or address in seen:
                return
            seen.add(address)
            page = await self._exchange.ask("GET", self._own_path(page, address), scopes=scopes)

    def _own_path(self, page: Answer, address: str) -> str:
        """Return the path of the next page. A registry's list goes on at the registry itself.

        Behind a proxy a registry may name itself by http, or by its inner port; the path is what
        counts, and our sign-in goes nowhere else.
        """
        parts, own = urlsplit(address), urlsplit(page.url)
        if parts.hostname != own.hostname:
            raise errors.RedirectRefused(f"{described(page)}: the next page is at {parts.netloc}")
        return parts.path + (f"?{parts.query}" if parts.query else "")


class _Catalog(msgspec.Struct):
    repositories: list[str] | None = None


class _Tags(msgspec.Struct):
    tags: list[str] | None = None


def _manifest_path(repository: str, reference: str) -> str:
    return f"/v2/{repository}/manifests/{quote(reference, safe=':')}"


def _said_digest(answer: Answer) -> str:
    digest = answer.headers.get("docker-content-digest", "")
    return digest if is_digest(digest) else ""


def _is_json(answer: Answer) -> bool:
    return bare(answer.headers.get("content-type", "")).endswith("json")
