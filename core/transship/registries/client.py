"""A registry over HTTP (OCI distribution specification 1.1)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from transship import errors
from transship.clock import Clock, SystemClock
from transship.errors import TransshipError
from transship.oci.digest import Digest
from transship.oci.manifest import Descriptor, Manifest
from transship.oci.reference import is_repository, is_tag
from transship.registries.asking import OwnApi, ServiceAsk
from transship.registries.blobs import Blobs
from transship.registries.cloud import Cloud
from transship.registries.credential import Credential, Tls
from transship.registries.current_login import HandingOut
from transship.registries.deleting import Deletions, delete_tag
from transship.registries.exchange import Exchange
from transship.registries.exchanges import Recorder
from transship.registries.foreseeing import Foreseer
from transship.registries.listing import listed
from transship.registries.manifests import Manifests
from transship.registries.pacing import INTERACTIVE, Pacer, Patience
from transship.registries.paged import Lists
from transship.registries.place import BlobReader, Capabilities, ManifestHead, Upload
from transship.registries.quota import Quota
from transship.registries.referrers import Referrers
from transship.registries.services import service_greeting, service_of
from transship.registries.services.api import Creator, Keys, Unlisted
from transship.registries.services.service import Service
from transship.registries.transport import Timeouts

if TYPE_CHECKING:
    from transship.registries.wire.opening import Pins


class Registry:
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
        self._own = OwnApi(self.service, host, self._exchange, Cloud(keys, clock, recorder))
        self._lists = Lists(self._exchange)
        self._manifests = Manifests(self._exchange, host)
        self._referrers = Referrers(self._exchange, self._lists)
        self._blobs = Blobs(self._exchange, self.capabilities)

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
        return self._referrers.there

    @property
    def quota(self) -> Quota | None:
        """What it said last of how many manifests may still be read, None when it said nothing."""
        return self._manifests.quota

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
