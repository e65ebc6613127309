"""A registry over HTTP (OCI distribution specification 1.1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec

from transship import errors
from transship.clock import Clock, SystemClock
from transship.errors import TransshipError
from transship.oci.digest import Digest, check_bytes, is_digest
from transship.oci.manifest import (
    MANIFEST_LIMIT,
    Descriptor,
    Manifest,
    parse_manifest,
)
from transship.oci.media_types import ACCEPTED, SCHEMA1, bare
from transship.oci.reference import is_repository, is_tag
from transship.registries.addresses import manifest_path, path_of
from transship.registries.answers import Answer, described
from transship.registries.asking import OwnApi, ServiceAsk
from transship.registries.auth import CATALOG, HandingOut, pull, push
from transship.registries.blobs import Blobs, number
from transship.registries.cloud import Cloud
from transship.registries.credential import Credential, Tls
from transship.registries.deleting import Deletions, delete_tag
from transship.registries.exchange import Exchange
from transship.registries.exchanges import Recorder
from transship.registries.foreseeing import Foreseer
from transship.registries.links import Pages, next_page
from transship.registries.listing import listed
from transship.registries.pacing import INTERACTIVE, Pacer, Patience
from transship.registries.pinning import Pins
from transship.registries.place import BlobReader, Capabilities, ManifestHead, Upload
from transship.registries.quota import Quota, quota_of
from transship.registries.services import Service, service_greeting, service_of
from transship.registries.services.api import Creator, Keys, Unlisted
from transship.registries.transport import Timeouts

_ACCEPT = {"accept": ", ".join(ACCEPTED)}
_PAGE = 1000
_NO_HEAD = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.METHOD_NOT_ALLOWED})
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
    `named` are repositories that the operator knows of, for a registry that doesn't list them.
    `quota` is what it said last of how many manifests may still be read. `pins` are the addresses
    of hosts for which DNS isn't asked. With `handed_out` a login is fetched from the service's own
    API, where that hands them out. `keys` are the account of its cloud's API.
    `again` reads the credential anew where it is kept, when it isn't taken any more.
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
        timeouts: Timeouts | None = None,
        recorder: Recorder | None = None,
        named: tuple[str, ...] = (),
        pins: Pins | None = None,
        handed_out: bool = False,
        keys: Keys | None = None,
        again: HandingOut | None = None,
    ) -> None:
        self.name = host
        self.quota: Quota | None = None
        self.left_out: dict[str, list[str]] = {}
        """What was listed last and breaks the rules for names: of a repository's tags, by its name;
        of repositories, by an empty one."""
        self.unlisted: dict[str, TransshipError] = {}
        """Below which paths the last list of repositories has nothing, and why."""
        self._named = named
        self._deletions = Deletions()
        self.service = service or service_of(host)
        self._fault = _fault(self.service, credential)
        clock = clock or SystemClock()
        self._exchange = Exchange(
            self.service.api_host or host,
            credential=credential,
            tls=tls or Tls(),
            patience=patience,
            clock=clock,
            timeouts=timeouts,
            recorder=recorder,
            pins=pins,
            handing_out=(lambda: self._own.login())
            if handed_out and self.service.hands_out_at(host, with_keys=keys is not None)
            else again,
            name=host,
        )
        self._own = OwnApi(self.service, host, self._exchange, Cloud(keys, clock, recorder))
        self._blobs = Blobs(
            self._exchange,
            cuts_absent=self.service.cuts_absent,
            range_excess=self.capabilities.range_excess,
        )
        self._has_referrers_api: bool | None = None
        self._asking_for_referrers = asyncio.Lock()

    @property
    def capabilities(self) -> Capabilities:
        """How it wants blobs to be written."""
        return self.service.capabilities

    @property
    def recognised(self) -> Service | None:
        """The service that its answer to `/v2/` is typical of; None before it answered."""
        greeting = self._exchange.greeting
        return service_greeting(self.name, greeting.challenges) if greeting else None

    @property
    def lists_own(self) -> bool:
        """Whether it lists only what belongs to the account, though that may read more."""
        return self.service.lists_own

    @property
    def has_referrers_api(self) -> bool | None:
        """Whether it lists referrers by itself; None before it was asked for some."""
        return self._has_referrers_api

    @property
    def pacer(self) -> Pacer:
        """How fast the registry is asked, and whether it has asked for less."""
        return self._exchange.pacer

    async def knock(self) -> None:
        """Find out how the registry is spoken to. Raises why it can't be."""
        await self._exchange.connect()

    async def check_sign_in(self) -> None:
        """Prove that the registry is there and takes the credential.

        Raises what stands in the way: NameNotFound, CertificateNotTrusted, NotARegistry,
        SignInNeeded, WrongCredential, ...
        """
        if self._fault:
            raise errors.WrongCredential(self._fault)
        if not self.service.holds_images:
            await self._own.check()
            return
        await self.knock()
        answer = await self._exchange.ask("GET", "/v2/", scopes=())
        if not answer.ok:
            raise self._exchange.error_of(answer, missing=errors.NotARegistry)

    async def repositories(self) -> AsyncGenerator[str]:
        """Give the repositories' names, as they come, and then those that only the operator named.

        They are asked of the service's own API where that lists them, and else of the catalog.
        Raises CatalogClosed when the registry lists nothing, and nothing was named.
        """
        if not self.service.holds_images:
            raise errors.CatalogClosed(f"{self.service.title} holds no images")
        given: set[str] = set()
        left_out = self.left_out[""] = []
        self.unlisted = {}
        try:
            async for name in listed(self._own.open(), self._catalog()):
                if isinstance(name, Unlisted):
                    self.unlisted[name.path] = name.why
                elif not is_repository(name):
                    left_out.append(name)
                else:
                    given.add(name)
                    yield name
        except errors.CatalogClosed:
            if not self._named:
                raise
        for name in self._named:
            if name not in given:
                yield name

    async def tags(self, repository: str) -> AsyncGenerator[str]:
        """Give the tags of a repository, as they come. Raises RepositoryNotFound."""
        left_out = self.left_out[repository] = []
        path = f"/v2/{repository}/tags/list?n={_PAGE}"
        async for page in self._pages(path, (pull(repository),), errors.RepositoryNotFound):
            for tag in page.json(_Tags).tags or ():
                if is_tag(tag):
                    yield tag
                else:
                    left_out.append(tag)

    async def untagged(
        self,
        repository: str,  # noqa: ARG002 - every place is asked by repository
    ) -> AsyncIterator[Digest]:
        """Give nothing: registries don't list what has no tag."""
        nothing: tuple[Digest, ...] = ()
        for digest in nothing:
            yield digest

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
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

    async def get_manifest(self, repository: str, reference: str) -> Manifest:
        """Read a manifest; what is returned has the digest asked for. Raises ManifestNotFound."""
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
            check_bytes(digest, answer.body, f"{self.name}/{repository}")
        return parse_manifest(answer.body, content_type, digest)

    async def put_manifest(self, repository: str, reference: str, manifest: Manifest) -> bool:
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
                f"{self.name}/{repository} keeps {manifest.digest} as {stored}"
            )
        return manifest.subject is None or "oci-subject" in answer.headers

    async def delete_tag(self, repository: str, tag: str) -> None:
        """Delete a tag; what it points at stays. Raises DeletionRefused and TagNotGone."""
        await delete_tag(self, self._exchange, repository, tag, self._deletions)

    async def referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None:
        """Return what refers to a manifest, or None where there is no referrers API.

        The first answer tells whether there is one, so only one goes out until it is known.
        """
        if self._has_referrers_api is None:
            async with self._asking_for_referrers:
                if self._has_referrers_api is None:
                    return await self._referrers(repository, digest)
        return await self._referrers(repository, digest) if self._has_referrers_api else None

    def foreseer(self) -> Foreseer | None:
        """Return who asks the registry what it would refuse, None for one that is no service.

        Only reads, from the service's own API.
        """
        api = self._own.open()
        return api if isinstance(api, Foreseer) else None

    def creator(self) -> Creator | None:
        """Return who makes what a push doesn't, None where the service's own API can't."""
        api = self._own.open()
        return api if isinstance(api, Creator) else None

    def asks(self) -> ServiceAsk:
        """Return what asks the service's own API, for more than a place for images needs."""
        return self._own.ask

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
        await self._own.aclose()
        await self._exchange.aclose()

    async def _referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None:
        scopes = (pull(repository),)
        path = f"/v2/{repository}/referrers/{digest}"
        answer = await self._exchange.ask("GET", path, scopes=scopes)
        absent = answer.status in _NO_REFERRERS_API or (answer.ok and not _is_json(answer))
        if absent:
            missing = self._exchange.error_of(answer, missing=errors.ManifestNotFound)
            if self._has_referrers_api is None and isinstance(missing, errors.RepositoryNotFound):
                return None  # That says nothing of the other repositories.
            self._has_referrers_api = bool(self._has_referrers_api)
            return () if self._has_referrers_api else None
        self._has_referrers_api = True
        found: list[Descriptor] = []
        async for page in self._pages_after(answer, scopes, errors.RepositoryNotFound):
            found += parse_manifest(page.body, page.headers.get("content-type", "")).entries
        return tuple({entry.digest: entry for entry in found}.values())

    async def _catalog(self) -> AsyncIterator[str]:
        path = f"/v2/_catalog?n={_PAGE}"
        async for page in self._pages(path, (CATALOG,), errors.CatalogClosed):
            for name in page.json(_Catalog).repositories or ():
                yield name

    async def _head_by_reading(self, repository: str, reference: str) -> ManifestHead | None:
        try:
            manifest = await self.get_manifest(repository, reference)
        except (errors.ManifestNotFound, errors.RepositoryNotFound):
            return None
        return ManifestHead(manifest.digest, manifest.media_type, manifest.size)

    async def _pages(
        self, path: str, scopes: tuple[str, ...], missing: type[TransshipError]
    ) -> AsyncIterator[Answer]:
        first = await self._exchange.ask("GET", path, scopes=scopes)
        if first.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
            # Some registries know no pages, and nothing that a query asks for.
            first = await self._exchange.ask("GET", path.partition("?")[0], scopes=scopes)
        async for page in self._pages_after(first, scopes, missing):
            yield page

    async def _pages_after(
        self, page: Answer, scopes: tuple[str, ...], missing: type[TransshipError]
    ) -> AsyncIterator[Answer]:
        """Give `page` and all that follow it by Link."""
        pages = Pages(path_of(page.url))
        while True:
            if not page.ok:
                raise self._exchange.error_of(page, missing=missing)
            yield page
            path = self._next_path(page)
            if path is None:
                return
            pages.turn(path, described(page))
            page = await self._exchange.ask("GET", path, scopes=scopes)

    def _next_path(self, page: Answer) -> str | None:
        """Return the path of the next page, if there is one. A list goes on at the same host.

        Behind a proxy a registry may name itself by http, or by its inner port; the path is what
        counts, and our sign-in goes nowhere else.
        """
        try:
            address = next_page(page.headers.get("link", ""), page.url)
        except ValueError as error:
            raise errors.UnexpectedAnswer(f"{described(page)}: its next page is {error}") from error
        if address is None:
            return None
        if urlsplit(address).hostname != urlsplit(page.url).hostname:
            host = urlsplit(address).netloc
            raise errors.RedirectRefused(f"{described(page)}: the next page is at {host}")
        return path_of(address)


class _Catalog(msgspec.Struct):
    repositories: list[str] | None = None


class _Tags(msgspec.Struct):
    tags: list[str] | None = None


def _fault(service: Service, credential: Credential | None) -> str:
    """Return in words why the service can't take a credential, or an empty string."""
    return service.fault(credential) if service.fault and credential else ""


def _known_digest(reference: str, answer: Answer) -> Digest | None:
    """Return the digest that was asked for, or else the one that the registry says."""
    digest = reference if is_digest(reference) else answer.headers.get("docker-content-digest", "")
    return Digest(digest) if is_digest(digest) else None


def _is_json(answer: Answer) -> bool:
    return bare(answer.headers.get("content-type", "")).endswith("json")
