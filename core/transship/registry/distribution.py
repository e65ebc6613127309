"""A registry over HTTP (OCI distribution specification 1.1).

Lists, manifests, blobs and uploads, referrers, deletions; and the own API of its service.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import quote, urlencode, urlsplit
from weakref import WeakValueDictionary

import msgspec

from transship import errors
from transship.clock import Clock, SystemClock
from transship.errors import TransshipError, UnexpectedAnswer
from transship.oci.digest import Digest, check_bytes, digest_of, is_digest, short
from transship.oci.manifest import MANIFEST_LIMIT, Descriptor, Manifest, parse_manifest
from transship.oci.media_types import ACCEPTED, OCI_CONFIG, OCI_MANIFEST, SCHEMA1, bare
from transship.oci.reference import Reference, is_repository, is_tag
from transship.registry.credential import Credential, HandingOut, Login, Tls
from transship.registry.http.address import PageChain, manifest_path, next_page, path_of
from transship.registry.http.answer import Answer, described, number
from transship.registry.http.authentication import CATALOG, Scopes, delete, pull, push
from transship.registry.http.client import Stream, Timeouts
from transship.registry.http.endpoint import CloudApi
from transship.registry.http.exchange_log import Recorder
from transship.registry.http.rate_limiter import (
    INTERACTIVE,
    ByteRateLimiter,
    RateLimiter,
    RetryPolicy,
)
from transship.registry.http.session import RegistrySession
from transship.registry.registry import (
    BlobReader,
    Capabilities,
    ManifestHead,
    PreflightSource,
    Quota,
    Registry,
    Upload,
    quota_of,
)
from transship.registry.service import (
    ApiKeys,
    ChecksKeys,
    Creator,
    JudgeAnswer,
    Lister,
    MakeRequest,
    Service,
    SignsIn,
    Unlisted,
    service_answering,
    service_of,
)

if TYPE_CHECKING:
    from transship.registry.http.connection import Pins


class DistributionRegistry:
    """A place that holds images: one registry, signed in to or not.

    `host` is `host[:port]`. Nothing is sent before the first call. Small requests are retried as
    `patience` says; the bytes of blobs are not, because only who reads them can start again.
    `named` are repositories that the operator knows of, for a registry that doesn't list them.
    `pins` are the addresses of hosts for which DNS isn't asked. With `handed_out` a login is
    fetched from the service's own API, where that hands them out. `keys` are the account of its
    cloud's API. `again` reads the credential anew where it is kept, when it isn't taken any more.
    """

    def __init__(
        self,
        host: str,
        *,
        credential: Credential | None = None,
        tls: Tls | None = None,
        service: Service | None = None,
        patience: RetryPolicy = INTERACTIVE,
        clock: Clock | None = None,
        timeouts: Timeouts | None = None,
        recorder: Recorder | None = None,
        named: tuple[str, ...] = (),
        pins: Pins | None = None,
        handed_out: bool = False,
        keys: ApiKeys | None = None,
        again: HandingOut | None = None,
    ) -> None:
        self.name = host
        self.left_out: dict[str, list[str]] = {}
        """What was listed last and breaks the rules for names: of a repository's tags, by its name;
        of repositories, by an empty one."""
        self.unlisted: dict[str, TransshipError] = {}
        """Below which paths the last list of repositories has nothing, and why."""
        self._named = named
        self._deletions = TagDeletions()
        self.service = service or service_of(host)
        self._fault = _fault(self.service, credential)
        clock = clock or SystemClock()
        self._exchange = RegistrySession(
            self.service.api_host or host,
            # The keys of a cloud's API sign what is sent to it, and go nowhere themselves.
            credential=credential if self.service.holds_images else None,
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
        self._own = ServiceApi(self.service, host, self._exchange, CloudApi(keys, clock, recorder))
        self._lists = NameLists(self._exchange)
        self._manifests = ManifestRequests(self._exchange, host)
        self._referrers = ReferrerRequests(self._exchange, self._lists)
        self._blobs = BlobRequests(self._exchange, self.capabilities)

    @property
    def capabilities(self) -> Capabilities:
        """How it wants blobs to be written."""
        return self.service.capabilities

    @property
    def recognised(self) -> Service | None:
        """The service that its answer to `/v2/` is typical of; None before it answered."""
        greeting = self._exchange.greeting
        return service_answering(self.name, greeting.challenges) if greeting else None

    @property
    def lists_own(self) -> bool:
        """Whether it lists only what belongs to the account, though that may read more."""
        return self.service.lists_own

    @property
    def has_referrers_api(self) -> bool | None:
        """Whether it lists referrers by itself; None before it was asked for some."""
        return self._referrers.there

    @property
    def quota(self) -> Quota | None:
        """What it said last of how many manifests may still be read, None when it said nothing."""
        return self._manifests.quota

    @property
    def pacer(self) -> RateLimiter:
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
            async for name in listed(self._own.open(), self._lists.catalog(), self.name):
                if isinstance(name, Unlisted):
                    self.unlisted[name.path] = name.why
                elif not is_repository(name):
                    left_out.append(name)
                elif name not in given:
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
        async for tag in self._lists.tags(repository):
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
        return await self._manifests.head(repository, reference)

    async def get_manifest(self, repository: str, reference: str) -> Manifest:
        """Read a manifest; what is returned has the digest asked for. Raises ManifestNotFound."""
        return await self._manifests.get(repository, reference)

    async def put_manifest(self, repository: str, reference: str, manifest: Manifest) -> bool:
        """Write a manifest under a tag or its own digest.

        Returns whether the registry keeps the list of referrers by itself for a manifest with a
        subject (`OCI-Subject`); True for manifests without one.
        """
        return await self._manifests.put(repository, reference, manifest)

    async def delete_tag(self, repository: str, tag: str) -> None:
        """Delete a tag; what it points at stays. Raises DeletionRefused and TagNotGone."""
        await delete_tag(self, self._exchange, repository, tag, self._deletions)

    async def referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None:
        """Return what refers to a manifest, or None where there is no referrers API."""
        return await self._referrers.of(repository, digest)

    def foreseer(self) -> PreflightSource | None:
        """Return who asks the registry what it would refuse, None for one that is no service.

        Only reads, from the service's own API.
        """
        api = self._own.open()
        return api if isinstance(api, PreflightSource) else None

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

    async def whole_blob(self, repository: str, digest: Digest, most: int) -> bytes:
        """Return a blob of up to `most` bytes. Raises BlobNotFound and UnexpectedAnswer."""
        return await self._blobs.whole(repository, digest, most)

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


def _fault(service: Service, credential: Credential | None) -> str:
    """Return in words why the service can't take a credential, or an empty string."""
    return service.fault(credential) if service.fault and credential else ""


_PAGE = 1000


class _Catalog(msgspec.Struct):
    repositories: list[str] | None = None


class _Tags(msgspec.Struct):
    tags: list[str] | None = None


class NameLists:
    """The lists of one registry, as it gives them: a name in them may break the rules for names."""

    def __init__(self, exchange: RegistrySession) -> None:
        self._exchange = exchange

    async def catalog(self) -> AsyncIterator[str]:
        """Give the names in the catalog. Raises CatalogClosed where there is none."""
        path = f"/v2/_catalog?n={_PAGE}"
        async for page in self._pages(path, (CATALOG,), errors.CatalogClosed):
            for name in page.json(_Catalog).repositories or ():
                yield name

    async def tags(self, repository: str) -> AsyncIterator[str]:
        """Give the tags of a repository. Raises RepositoryNotFound."""
        path = f"/v2/{repository}/tags/list?n={_PAGE}"
        async for page in self._pages(path, (pull(repository),), errors.RepositoryNotFound):
            for tag in page.json(_Tags).tags or ():
                yield tag

    async def pages_after(
        self, page: Answer, scopes: Scopes, missing: type[TransshipError]
    ) -> AsyncIterator[Answer]:
        """Give `page` and all that follow it by Link. Raises `missing` for 404."""
        pages = PageChain(path_of(page.url))
        while True:
            if not page.ok:
                raise self._exchange.error_of(page, missing=missing)
            yield page
            path = _next_path(page)
            if path is None:
                return
            pages.turn(path, described(page))
            page = await self._exchange.ask("GET", path, scopes=scopes)

    async def _pages(
        self, path: str, scopes: Scopes, missing: type[TransshipError]
    ) -> AsyncIterator[Answer]:
        first = await self._exchange.ask("GET", path, scopes=scopes)
        if first.status == HTTPStatus.BAD_REQUEST or self._is_missing_somehow(first):
            # Some registries know no pages, and nothing that a query asks for.
            first = await self._exchange.ask("GET", path.partition("?")[0], scopes=scopes)
        async for page in self.pages_after(first, scopes, missing):
            yield page

    def _is_missing_somehow(self, answer: Answer) -> bool:
        """Tell whether an answer is a 404 that doesn't say that there is no such repository."""
        if answer.status != HTTPStatus.NOT_FOUND:
            return False
        error = self._exchange.error_of(answer, missing=errors.UnexpectedAnswer)
        return not isinstance(error, errors.RepositoryNotFound)


def _next_path(page: Answer) -> str | None:
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


_ACCEPT = {"accept": ", ".join(ACCEPTED)}
_NO_HEAD = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.METHOD_NOT_ALLOWED})


class ManifestRequests:
    """Reads and writes the manifests of the registry that is called `name`.

    `quota` is what it said last of how many may still be read.
    """

    def __init__(self, exchange: RegistrySession, name: str) -> None:
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


_IS_CUT = RetryPolicy(attempts=2, seconds=10)
"""With what may be cut because the repository isn't there."""


class BlobRequests:
    """Reads and writes the blobs of one registry, in the way that it takes."""

    def __init__(self, exchange: RegistrySession, capabilities: Capabilities) -> None:
        self._exchange = exchange
        self._capabilities = capabilities

    async def size(self, repository: str, digest: Digest) -> int | None:
        """Return the length of a blob in bytes, or None if the repository doesn't have it."""
        answer = await self._exchange.ask(
            "HEAD", _blob_path(repository, digest), scopes=(pull(repository),)
        )
        if answer.ok and "content-length" in answer.headers:
            return number(answer.headers["content-length"])
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        # Storage that signs addresses for GET only refuses a HEAD that was redirected to it.
        try:
            async with self.read(repository, digest) as blob:
                return blob.size
        except errors.BlobNotFound:
            return None

    @asynccontextmanager
    async def read(
        self, repository: str, digest: Digest, offset: int = 0
    ) -> AsyncIterator[HttpBlob]:
        """Open a blob for reading from `offset`. Raises BlobNotFound."""
        async with self._exchange.stream(
            _blob_path(repository, digest),
            scopes=(pull(repository),),
            headers={"range": f"bytes={offset}-"} if offset else None,
            missing=errors.BlobNotFound,
        ) as stream:
            yield HttpBlob(stream, offset, self._exchange.pacer.throttle)

    async def whole(self, repository: str, digest: Digest, most: int) -> bytes:
        """Return a small blob. Raises BlobNotFound, and UnexpectedAnswer where it is over `most`.

        It is a small request like any other, and tried again like these.
        """
        answer = await self._exchange.ask(
            "GET", _blob_path(repository, digest), scopes=(pull(repository),), limit=most
        )
        if not answer.ok:
            raise self._exchange.error_of(answer, missing=errors.BlobNotFound)
        await self._exchange.pacer.throttle.spend(len(answer.body))
        return answer.body

    async def start_upload(
        self, repository: str, digest: Digest, mount_from: str | None
    ) -> Upload | None:
        """Start writing a blob, or mount it; None when the repository has it now."""
        path = f"/v2/{repository}/blobs/uploads/"
        if mount_from is not None:
            try:
                return await self._start(
                    f"{path}?mount={quote(digest)}&from={quote(mount_from, safe='')}",
                    repository,
                    tuple(sorted({push(repository), _from_scope(repository, mount_from)})),
                )
            except errors.TransshipError as error:
                # A registry that can't mount, or may not for us, still takes uploads.
                if error.retryable:
                    raise
        return await self._start(path, repository, (push(repository),))

    async def resume_upload(self, repository: str, location: str) -> Upload:
        """Return a session that was started before. Raises UploadLost."""
        answer = await self._exchange.ask("GET", location, scopes=(push(repository),))
        if answer.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.OK, HTTPStatus.ACCEPTED):
            raise errors.UploadLost(described(answer))
        offset = _held(answer, self._capabilities.range_excess)
        return HttpUpload(self._exchange, repository, answer, offset=offset, location=location)

    async def _start(self, path: str, repository: str, scopes: Scopes) -> Upload | None:
        answer = await self._begun(path, repository, scopes)
        if answer.status == HTTPStatus.CREATED:
            return None
        if not answer.ok:
            raise self._exchange.error_of(answer, missing=errors.RepositoryNotFound)
        return HttpUpload(self._exchange, repository, answer)

    async def _begun(self, path: str, repository: str, scopes: Scopes) -> Answer:
        """Ask for an upload session. Raises NamespaceMissing where a cut turns out to mean that."""
        if self._capabilities.cuts_absent:
            try:
                return await self._exchange.ask(
                    "POST", path, scopes=scopes, content=b"", patience=_IS_CUT
                )
            except errors.ConnectionLost:
                await self._check_there(repository)
        return await self._exchange.ask("POST", path, scopes=scopes, content=b"")

    async def _check_there(self, repository: str) -> None:
        path = f"/v2/{repository}/tags/list?n=1"
        answer = await self._exchange.ask("GET", path, scopes=(pull(repository),))
        if answer.status == HTTPStatus.NOT_FOUND:
            where = f"{self._exchange.host}/{repository}"
            raise errors.NamespaceMissing(f"{where}: a push is cut, the repository isn't there")


class HttpBlob:
    """An open blob. `size` is that of the whole blob, `offset` where reading really starts."""

    def __init__(self, stream: Stream, asked: int, throttle: ByteRateLimiter) -> None:
        self._stream = stream
        self._throttle = throttle
        self.offset = 0
        if stream.status == HTTPStatus.PARTIAL_CONTENT:
            self.offset, self.size = _content_range(stream.headers.get("content-range", ""))
        elif "content-length" in stream.headers:
            self.size = number(stream.headers["content-length"])
        else:
            raise errors.UnexpectedAnswer(f"{_where(stream)}: a blob without its length")
        if self.offset > asked:
            raise errors.UnexpectedAnswer(
                f"{_where(stream)}: a blob from byte {self.offset} on, asked from {asked}"
            )

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._throttle.passed(aiter(self._stream))


class HttpUpload:
    """An upload session of a registry."""

    def __init__(
        self,
        exchange: RegistrySession,
        repository: str,
        answer: Answer,
        *,
        offset: int = 0,
        location: str = "",
    ) -> None:
        self._exchange = exchange
        self._repository = repository
        self._scopes = (push(repository),)
        self.location = location
        self.offset = offset
        self.chunk_minimum = number(answer.headers.get("oci-chunk-min-length", ""))
        self._follow(answer)

    async def put(self, digest: Digest, size: int, body: AsyncIterator[bytes]) -> None:
        """Send the whole blob in one request and finish."""
        await self._exchange.send(
            "PUT", self._with_digest(digest), self._passed(body), size, scopes=self._scopes
        )

    async def put_small(self, digest: Digest, data: bytes) -> None:
        """Send a blob that is in memory whole, in one request, and finish."""
        await self._exchange.pacer.throttle.spend(len(data))
        await self._exchange.send(
            "PUT", self._with_digest(digest), data, len(data), scopes=self._scopes
        )

    async def append(self, size: int, body: AsyncIterator[bytes]) -> None:
        """Send the next `size` bytes as one piece; on return the registry holds them."""
        answer = await self._exchange.send(
            "PATCH",
            self.location,
            self._passed(body),
            size,
            scopes=self._scopes,
            headers={"content-range": f"{self.offset}-{self.offset + size - 1}"},
        )
        self.offset += size
        self._follow(answer)

    async def finish(self, digest: Digest) -> None:
        """Declare the blob complete. Raises DigestMismatch when the registry holds other bytes."""
        await self._exchange.send("PUT", self._with_digest(digest), b"", 0, scopes=self._scopes)

    async def cancel(self) -> None:
        """Give the session up and let the registry forget it. Never fails."""
        try:
            await self._exchange.ask("DELETE", self.location, scopes=(delete(self._repository),))
        except errors.TransshipError:
            return  # Registries clear away sessions that nobody finishes.

    def _passed(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        return self._exchange.pacer.throttle.passed(body)

    def _follow(self, answer: Answer) -> None:
        if location := answer.headers.get("location"):
            self.location = self._exchange.address(location, answer)
        if not self.location:
            raise errors.UnexpectedAnswer(f"{described(answer)}: no Location for the upload")

    def _with_digest(self, digest: Digest) -> str:
        return f"{self.location}{'&' if '?' in self.location else '?'}digest={quote(digest)}"


def _blob_path(repository: str, digest: Digest) -> str:
    return f"/v2/{repository}/blobs/{digest}"


def _from_scope(repository: str, mount_from: str) -> str:
    return push(repository) if mount_from == repository else pull(mount_from)


def _held(answer: Answer, excess: int) -> int:
    """Return how many bytes an upload session holds.

    `Range: 0-N` names the last byte. `0-0` is what registries say of an empty session as well, so
    it counts as nothing: no piece is ever one byte long.
    """
    match = re.fullmatch(r"(?:bytes=)?0-(-?\d{1,18})", answer.headers.get("range", "").strip())
    if not match:
        raise errors.UploadLost(f"{described(answer)}: it doesn't say how much it holds")
    last = int(match[1])
    return last + 1 - excess if last > 0 else 0


def _content_range(field: str) -> tuple[int, int]:
    match = re.fullmatch(r"bytes (\d{1,18})-\d+/(\d{1,18})", field.strip())
    if not match:
        raise errors.UnexpectedAnswer(f"a part of a blob came with Content-Range {field!r}")
    return int(match[1]), int(match[2])


def _where(stream: Stream) -> str:
    return stream.url.partition("?")[0]


_ABSENT = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)


class ReferrerRequests:
    """The referrers API of one registry. `there` says whether it has one, None while unknown.

    The first answer tells, so only one question goes out until it is known.
    """

    def __init__(self, exchange: RegistrySession, lists: NameLists) -> None:
        self.there: bool | None = None
        self._exchange = exchange
        self._lists = lists
        self._first = asyncio.Lock()

    async def of(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None:
        """Return what refers to a manifest, or None where there is no referrers API."""
        if self.there is None:
            async with self._first:
                if self.there is None:
                    return await self._asked(repository, digest)
        return await self._asked(repository, digest) if self.there else None

    async def _asked(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None:
        scopes = (pull(repository),)
        path = f"/v2/{repository}/referrers/{digest}"
        answer = await self._exchange.ask("GET", path, scopes=scopes)
        if answer.status in _ABSENT or (answer.ok and not _is_json(answer)):
            missing = self._exchange.error_of(answer, missing=errors.ManifestNotFound)
            if self.there is None and isinstance(missing, errors.RepositoryNotFound):
                return None  # That says nothing of the other repositories.
            self.there = bool(self.there)
            return () if self.there else None
        self.there = True
        found: list[Descriptor] = []
        async for page in self._lists.pages_after(answer, scopes, errors.RepositoryNotFound):
            found += parse_manifest(page.body, page.headers.get("content-type", "")).entries
        return tuple({entry.digest: entry for entry in found}.values())


def _is_json(answer: Answer) -> bool:
    return bare(answer.headers.get("content-type", "")).endswith("json")


_LABEL = "dev.transship.deleted-tag"
_LARGEST_CONFIG = 1024
_STAND_INS = 3
_LOOKS_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
"""The pauses between looks for a tag that goes some time after its deletion was accepted."""

_NOT_BY_TAG = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
)


@dataclass(slots=True)
class TagDeletions:
    """What is known of deleting at one registry, and whose turn it is in each repository.

    A registry looks through all tags of a repository to delete a manifest, and some fail over a tag
    that is written at that moment. So one tag of a repository goes after another.
    """

    let: set[str] = field(default_factory=set)
    """The repositories that are known to let manifests be deleted."""
    _turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def turn(self, repository: str) -> asyncio.Lock:
        """Return what is held while a tag of a repository is deleted."""
        return self._turns.setdefault(repository, asyncio.Lock())


async def delete_tag(
    place: Registry, exchange: RegistrySession, repository: str, tag: str, deletions: TagDeletions
) -> None:
    """Delete a tag; the manifest that it points at stays, and so do its other tags.

    A tag that isn't there is fine. Raises DeletionRefused where the registry doesn't delete (the
    tag is then as it was), TagNotGone where it says that it did and the tag is there, and what else
    stands in the way.
    """
    async with deletions.turn(repository):
        answer = await exchange.ask(
            "DELETE", manifest_path(repository, tag), scopes=(delete(repository),)
        )
        if answer.status in _NOT_BY_TAG:
            await _delete_by_digest(place, exchange, repository, tag, deletions)
        elif not answer.ok and answer.status != HTTPStatus.NOT_FOUND:
            raise exchange.error_of(answer, missing=errors.ManifestNotFound)
        head = await _left(place, exchange, repository, tag)
    if head is not None:
        where = Reference(place.name, repository, tag)
        raise errors.TagNotGone(f"{where} points at {short(head.digest)} after it was deleted")


async def _left(
    place: Registry, exchange: RegistrySession, repository: str, tag: str
) -> ManifestHead | None:
    """Return what a deleted tag points at all the same: some registries delete in a queue."""
    head = await place.head_manifest(repository, tag)
    for seconds in _LOOKS_SECONDS:
        if head is None:
            break
        await exchange.pause(seconds)
        head = await place.head_manifest(repository, tag)
    return head


async def _delete_by_digest(
    place: Registry, exchange: RegistrySession, repository: str, tag: str, deletions: TagDeletions
) -> None:
    if repository not in deletions.let:
        await _check_deletes(exchange, repository)
        deletions.let.add(repository)
    for _ in range(_STAND_INS):
        stand_in = await put_stand_in(place, repository, tag)
        answer = await exchange.ask(
            "DELETE", manifest_path(repository, stand_in), scopes=(delete(repository),)
        )
        if answer.ok:
            return
        if answer.status != HTTPStatus.NOT_FOUND:
            raise exchange.error_of(answer, missing=errors.ManifestNotFound)
        # An attempt that failed halfway has deleted the manifest, and may have left the tag without
        # one: listed, and leading nowhere. With a manifest of its own again, it can go.
    where = Reference(place.name, repository, tag)
    raise errors.TagNotGone(f"{where}: the manifest that it points at isn't found to be deleted")


async def is_stand_in(place: Registry, repository: str, digest: Digest) -> bool:
    """Tell whether a manifest is one that a tag was made to point at, so that it can go.

    It is there for longer only if the deletion was broken off.
    """
    try:
        manifest = await place.get_manifest(repository, digest)
        config = manifest.config
        if config is None or manifest.layers or config.size > _LARGEST_CONFIG:
            return False
        async with place.read_blob(repository, config.digest) as blob:
            data = b""
            async for piece in blob:
                data += piece
                if len(data) > _LARGEST_CONFIG:
                    return False
    except (errors.BlobNotFound, errors.ManifestNotFound, errors.UnsupportedManifest):
        return False
    return f'"{_LABEL}"'.encode() in data


async def _check_deletes(exchange: RegistrySession, repository: str) -> None:
    """See whether manifests can be deleted, by one that nobody has. Raises DeletionRefused."""
    nobodys = digest_of(uuid.uuid4().bytes)
    answer = await exchange.ask(
        "DELETE", manifest_path(repository, nobodys), scopes=(delete(repository),)
    )
    if answer.status != HTTPStatus.NOT_FOUND and not answer.ok:
        error = exchange.error_of(answer, missing=errors.ManifestNotFound)
        if isinstance(error, errors.NoRight | errors.SignInNeeded):
            raise error
        raise errors.DeletionRefused(error.detail)


async def put_stand_in(place: Registry, repository: str, tag: str) -> Digest:
    """Let the tag point at a manifest that nothing else is, and return its digest."""
    config = json.dumps(
        {
            "architecture": "unknown",
            "os": "unknown",
            "config": {"Labels": {_LABEL: uuid.uuid4().hex}},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
    ).encode()
    await _upload(place, repository, config)
    manifest = _stand_in(config)
    await place.put_manifest(repository, tag, manifest)
    return manifest.digest


def _stand_in(config: bytes) -> Manifest:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [],
    }
    return parse_manifest(json.dumps(document).encode(), OCI_MANIFEST)


async def _upload(place: Registry, repository: str, data: bytes) -> None:
    digest = digest_of(data)
    upload = await place.start_upload(repository, digest)
    if upload is None:
        return

    async def body() -> AsyncIterator[bytes]:
        yield data

    if len(data) <= place.capabilities.whole_limit:
        await upload.put(digest, len(data), body())
    else:
        await upload.append(len(data), body())
        await upload.finish(digest)


CATALOG_CLOSED = (
    errors.CatalogClosed,
    errors.NoRight,
    errors.ReadOnly,
    errors.RepositoryNotFound,
    errors.SignInNeeded,
    errors.UnexpectedAnswer,
)
"""What registries say that list nothing, or not to this account."""

_API_CLOSED = (
    *CATALOG_CLOSED,
    errors.ApiKeysNeeded,
    errors.ExtraMissing,
    errors.RedirectRefused,
    errors.WrongCredential,
)
"""What keeps this account from a service's API for good. Anything else may pass, and the catalog
may hold less than the API: it isn't taken for the whole."""


@runtime_checkable
class Reticent(Protocol):
    """A place whose list may leave out what can be read there all the same."""

    @property
    def lists_own(self) -> bool:
        """Whether it lists only what belongs to the account."""


async def listed(
    api: object, catalog: AsyncIterator[str], host: str = ""
) -> AsyncIterator[str | Unlisted]:
    """Give the names that the service's API lists, or else those of the catalog, as they come.

    An API that has begun with its list goes on with it, or fails. Raises CatalogClosed, with what
    the API said where it was asked, when neither gives any, and what may pass with the API.
    An API that doesn't take its account is known as that of the registry at `host` (`met_at`).
    """
    refused: TransshipError | None = None
    if isinstance(api, Lister):
        begun = False
        try:
            async for name in api.repositories():
                begun = True
                yield name
            return
        except _API_CLOSED as error:
            if isinstance(error, errors.WrongCredential):
                error.met_at = error.met_at or host or None
            if begun:
                raise
            refused = error
    try:
        async for name in catalog:
            yield name
    except CATALOG_CLOSED as error:
        why = refused or error
        raise errors.CatalogClosed(str(why) if refused else why.detail) from why


class ServiceAsk:
    """`services.api.Ask` over the exchange of the registry at `host`, and its cloud's API."""

    def __init__(
        self, exchange: RegistrySession, service: Service, host: str, cloud: CloudApi
    ) -> None:
        self._exchange = exchange
        self._service = service
        self._host = host
        self._cloud = cloud

    async def __call__(
        self,
        path: str,
        *,
        method: str = "GET",
        body: object = None,
        form: Mapping[str, str] | None = None,
        authorization: str | None = None,
        missing: type[TransshipError] = UnexpectedAnswer,
    ) -> Answer:
        """Return the answer, which is a success. Raises `missing` for 404, or another error."""
        content, media_type = _content(body, form)
        answer = await self._exchange.ask_service(
            method,
            path,
            hosts=self._service.api_hosts,
            authorization=authorization,
            content=content,
            media_type=media_type,
        )
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise errors.NoRight(described(answer))
        if not answer.ok:
            raise self._exchange.error_of(answer, missing=missing)
        return answer

    async def send(self, method: str, path: str, body: object = None) -> Answer:
        """Send one request and return its answer, whatever the status; a POST goes out once only.

        A `body` goes as JSON; the answer may be something else. Raises the errors of the way, and
        SignInNeeded.
        """
        content, media_type = _content(body, None)
        return await self._exchange.ask_service(
            method,
            path,
            content=content,
            media_type=media_type,
            accept="application/json, */*;q=0.1",
            repeats=method != "POST",
        )

    async def realm(self) -> str:
        """Return the address of the registry's token server, empty when it has none."""
        await self._exchange.connect()
        return self._exchange.realm

    def credential(self) -> Credential:
        """Return what the registry is signed in to with. Raises SignInNeeded without one."""
        return self._exchange.credential()

    def keys(self) -> ApiKeys:
        """Return the account of the cloud's API. Raises ApiKeysNeeded when there is none."""
        if self._cloud.keys is not None:
            return self._cloud.keys
        title, hosts = self._service.title, self._service.keys_for(self._host)
        known = f" ({' or '.join(hosts)})" if hosts else ""
        raise errors.ApiKeysNeeded(f"{title} does this by its cloud's API{known}")

    async def cloud(
        self,
        make: MakeRequest,
        judge: JudgeAnswer,
        *,
        per_second: float = 0,
        counted: str = "",
        repeats: bool = True,
    ) -> Answer:
        """Ask the API of the cloud. Raises what it comes to, and ApiKeysNeeded."""
        self.keys()
        return await self._cloud.ask(
            make, judge, per_second=per_second, counted=counted, repeats=repeats
        )


class ServiceApi:
    """The service's own API for the registry at `host`, where there is one."""

    def __init__(
        self, service: Service, host: str, exchange: RegistrySession, cloud: CloudApi
    ) -> None:
        self._service = service
        self._host = host
        self._cloud = cloud
        self.ask = ServiceAsk(exchange, service, host, cloud)

    def open(self) -> object:
        """Return the API, opened anew: nothing that was asked before is believed."""
        return self._service.api(self._host, self.ask) if self._service.api else None

    async def check(self) -> None:
        """Prove that the API takes its account. Raises what stands in the way."""
        if self._service.catalogue:
            raise errors.CatalogueOnly(f"{self._host} is {self._service.title}")
        api = self.open()
        if not isinstance(api, ChecksKeys):
            raise errors.NotARegistry(f"{self._service.title} holds no images")
        await api.check()

    async def login(self) -> Login:
        """Return a login that it hands out. Raises what stands in the way."""
        api = self.open()
        if not isinstance(api, SignsIn):
            raise errors.SignInNeeded(f"{self._host} hands out no login")
        return await api.login()

    async def aclose(self) -> None:
        """Close the connections to the API of the cloud."""
        await self._cloud.aclose()


def _content(body: object, form: Mapping[str, str] | None) -> tuple[bytes | None, str]:
    """Return what goes along with a request, and its media type."""
    if form is not None:
        return urlencode(form).encode(), "application/x-www-form-urlencoded"
    if body is not None:
        return msgspec.json.encode(body), "application/json"
    return None, ""
