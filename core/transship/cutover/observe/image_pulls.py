"""Whole images, pulled and hashed: from a pinned address, and by the domain itself.

For the latter each resolver is asked where the domain is, and so is this machine. What they give is
pulled from over connections of its own: one that was open before would still lead to where the
domain led then. Addresses that several give are pulled from once, for all of them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from transship import errors
from transship.cutover.domain import Resolver, Subject, is_address
from transship.cutover.evidence import (
    THIS_MACHINE,
    ApiProbe,
    DnsAnswer,
    Handshake,
    NamedPull,
    PathProbe,
    Pull,
)
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observe.endpoint import (
    PinnedEndpoint,
    TargetLimits,
    TargetOptions,
    TrialCredential,
    error_text,
    origins,
    probe_endpoint,
)
from transship.cutover.observe.resolvers import local_addresses, own_addresses
from transship.cutover.observe.tls import Handshaker
from transship.errors import TransshipError
from transship.oci.digest import check, hasher
from transship.oci.manifest import Descriptor, Manifest
from transship.oci.platform import Platform
from transship.oci.reference import Reference
from transship.registry.credential import Credential
from transship.registry.distribution import DistributionRegistry
from transship.registry.http.exchange_log import Exchanged
from transship.text import duration_text, safe

OnBytes = Callable[[int], None]
"""Told how many bytes have come since it was last told."""

_PATHS_AT_ONCE = 8

_MOST_TAGS = 64

_NODE = Platform("linux", "amd64")


async def try_paths(
    way: PinnedEndpoint,
    credential: Credential | None,
    references: Iterable[str],
    *,
    seconds: float = 60.0,
) -> tuple[PathProbe, ...]:
    """Ask for what clusters pull, `REPOSITORY[:TAG][@DIGEST]` each, without reading it.

    All of it takes no longer than `seconds`. Raises BadReference for what isn't a reference.
    """
    wanted = [way.reference(text) for text in references]
    ends = asyncio.get_running_loop().time() + seconds
    slots = asyncio.Semaphore(_PATHS_AT_ONCE)
    async with way.registry(credential) as registry:

        async def tried(reference: Reference) -> PathProbe:
            blank = PathProbe(reference.repository, reference.version)
            try:
                async with slots, asyncio.timeout_at(ends):
                    return await _path(registry, blank)
            except TimeoutError:
                return replace(blank, error=error_text(errors.TimedOut()))
            except TransshipError as error:
                return replace(blank, error=error_text(error))

        return tuple(await asyncio.gather(*map(tried, wanted)))


async def _path(registry: DistributionRegistry, blank: PathProbe) -> PathProbe:
    if not blank.reference:
        first = await anext(registry.tags(blank.repository), None)
        if first is None:
            return replace(blank, error=error_text(errors.ManifestNotFound("no tags")))
        blank = replace(blank, reference=first)
    head = await registry.head_manifest(blank.repository, blank.reference)
    if head is None:
        return replace(blank, error=error_text(errors.ManifestNotFound()))
    return replace(blank, digest=head.digest)


@dataclass(frozen=True, slots=True)
class SizedImage:
    """An image and what a node reads of it: all but the manifests, in bytes."""

    reference: Reference
    size: int


async def smallest_and_largest(
    way: PinnedEndpoint,
    credential: Credential | None,
    references: Iterable[str],
    *,
    largest: int,
    most_tags: int = _MOST_TAGS,
    seconds: float = 60.0,
) -> tuple[SizedImage, ...]:
    """Return the smallest image and the largest of up to `largest` bytes, or the one there is.

    A repository stands for its tags; no more than `most_tags` are looked at in all, for no longer
    than `seconds`. What can't be read is passed over: who looks for paths says why. Raises
    BadReference.
    """
    slots = asyncio.Semaphore(_PATHS_AT_ONCE)
    found: list[SizedImage] = []
    wanted = [way.reference(text) for text in references]
    async with way.registry(credential) as registry:

        async def sized(reference: Reference) -> None:
            with suppress(TransshipError):
                async with slots:
                    manifest = await _for_node(registry, reference)
                found.append(SizedImage(reference, sum(blob.size for blob in manifest.blobs)))

        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                images = await _images(registry, wanted, most_tags)
                await asyncio.gather(*map(sized, images))
    fitting = sorted(
        (each for each in found if each.size <= largest),
        key=lambda each: (each.size, str(each.reference)),
    )
    return tuple(dict.fromkeys((fitting[0], fitting[-1]))) if fitting else ()


async def _images(
    registry: DistributionRegistry, references: Sequence[Reference], most: int
) -> list[Reference]:
    found: dict[Reference, None] = {}
    for reference in references:
        if reference.version:
            found[reference] = None
            continue
        try:
            async for tag in registry.tags(reference.repository):
                found[reference.at(tag)] = None
                if len(found) >= most:
                    break
        except TransshipError:
            continue
    return list(found)[:most]


async def pull_image(
    way: PinnedEndpoint,
    credential: Credential | None,
    reference: Reference,
    *,
    seconds: float = 600.0,
    came: OnBytes | None = None,
) -> Pull:
    """Pull an image as a node does, for `linux/amd64` if there is a choice, and hash each blob."""
    recorder = way.recorder()
    pulling = _ImagePull(reference, came)
    error = ""
    try:
        async with (
            asyncio.timeout(seconds),
            way.registry(credential, recorder=recorder) as registry,
        ):
            await pulling.run(registry)
    except TimeoutError:
        error = error_text(errors.TimedOut(f"not done within {duration_text(seconds)}"))
    except TransshipError as failure:
        error = error_text(failure)
    hosts, insecure = needed_hosts(recorder.exchanges())
    return Pull(
        str(reference),
        way.address,
        way.clock.now(),
        bytes=pulling.bytes,
        blobs=pulling.blobs,
        hosts=hosts,
        insecure_redirects=insecure,
        error=error,
    )


def needed_hosts(exchanges: Iterable[Exchanged]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the hosts of exchanges and of where they were sent to, and the places without TLS."""
    places = dict.fromkeys(origin for each in exchanges for origin in origins(each))
    hosts = dict.fromkeys(safe(origin.partition("://")[2]) for origin in places)
    return tuple(hosts), tuple(safe(origin) for origin in places if origin.startswith("http:"))


async def handshake_hosts(
    handshaker: Handshaker, way: PinnedEndpoint, pulls: Iterable[Pull]
) -> tuple[Handshake, ...]:
    """Shake hands with the hosts that pulls needed beside the domain, at all their addresses.

    They are found as this machine finds them. One without an address has a handshake without one.
    """
    plain = {place.partition("://")[2] for each in pulls for place in each.insecure_redirects}
    own = f"{way.domain.name}:{way.domain.port}"
    hosts = dict.fromkeys(host for each in pulls for host in each.hosts)
    shaken = [_shaken(handshaker, way, host) for host in hosts if host != own and host not in plain]
    return tuple(each for found in await asyncio.gather(*shaken) for each in found)


async def _shaken(handshaker: Handshaker, way: PinnedEndpoint, host: str) -> tuple[Handshake, ...]:
    name, _, port = host.rpartition(":")
    name = name.strip("[]")
    addresses, why = await local_addresses(name, int(port))
    if not addresses:
        blank = Handshake("", int(port), name, way.clock.now(), trust="")
        return (replace(blank, error=f"no address: {safe(why)}"),)
    found = await asyncio.gather(*(handshaker.shake(name, a, int(port)) for a in addresses))
    return tuple(each for every in found for each in every)


class _ImagePull:
    """One pull, and how far it came."""

    def __init__(self, reference: Reference, came: OnBytes | None) -> None:
        self.bytes = 0
        self.blobs = 0
        self._reference = reference
        self._came = came

    async def run(self, registry: DistributionRegistry) -> None:
        manifest = await _for_node(registry, self._reference)
        for blob in manifest.blobs:
            try:
                await self._read(registry, blob)
            except TransshipError as error:
                # Nodes try again as well: one lost connection is no failed pull.
                if not error.retryable:
                    raise
                await self._read(registry, blob)
            self.blobs += 1

    async def _read(self, registry: DistributionRegistry, blob: Descriptor) -> None:
        hashed = hasher(blob.digest)
        async with registry.read_blob(self._reference.repository, blob.digest) as reader:
            async for piece in reader:
                hashed.update(piece)
                self.bytes += len(piece)
                if self._came:
                    self._came(len(piece))
        check(blob.digest, hashed, str(self._reference))


async def _for_node(registry: DistributionRegistry, reference: Reference) -> Manifest:
    """Return the manifest that a node would run: of an index, that for its platform."""
    manifest = await registry.get_manifest(reference.repository, reference.version)
    if not manifest.is_index or not manifest.children:
        return manifest
    children = manifest.children
    for_it = [c for c in children if c.platform and c.platform.matches(_NODE)]
    chosen = (for_it or [c for c in children if c.platform and c.platform.os != "unknown"]) or [
        *children
    ]
    return await registry.get_manifest(reference.repository, chosen[0].digest)


_MOST_ADDRESSES = 8

_MOST_TAGS_BY_NAME = 8

_PULLS_AT_ONCE = 4

_LARGEST_SAMPLE = 256 * 1024**2


async def pull_by_name(
    subject: Subject,
    dns_client: DnsClient,
    resolvers: Sequence[Resolver],
    wishes: TargetOptions | None = None,
    *,
    known: Sequence[Pull] = (),
    limits: TargetLimits | None = None,
) -> tuple[NamedPull, ...]:
    """Pull by the domain as this machine finds it, and as each of the resolvers does.

    What is pulled is the smallest image of those that were pulled before (`known`), or else of
    what the wishes or the subject name; without any, or without a sign-in where one is needed, only
    `/v2/` is asked for. Nothing is raised for what goes wrong there: it is in what is returned. A
    resolver that doesn't answer gives nothing, and an address to which there is no way from this
    machine says nothing of the domain. No more than `_MOST_ADDRESSES` are pulled from. Raises
    BadFile for a `node_ca` that can't be used, and BadReference.
    """
    pulling = _NamedPulls(
        subject, dns_client, wishes or TargetOptions(), limits or TargetLimits(), known
    )
    places, lost = await pulling.places(resolvers)
    slots = asyncio.Semaphore(_PULLS_AT_ONCE)

    async def pulled(address: str, by: tuple[str, ...]) -> NamedPull:
        async with slots:
            return await pulling.once(address, by)

    wanted = list(places.items())[:_MOST_ADDRESSES]
    return (*lost, *(await asyncio.gather(*(pulled(address, by) for address, by in wanted))))


class _NamedPulls:
    """One look, from resolving the domain to the pulls."""

    def __init__(
        self,
        subject: Subject,
        dns_client: DnsClient,
        wishes: TargetOptions,
        limits: TargetLimits,
        known: Sequence[Pull],
    ) -> None:
        self._subject = subject
        self._domain = subject.domain
        self._asker = dns_client
        self._wishes = wishes
        self._limits = limits
        self._node_ca = subject.node_ca
        self._references = wishes.references or subject.repositories
        self._known = known
        self._handshaker = Handshaker(
            dns_client.clock, node_ca=subject.node_ca, seconds=limits.connect
        )
        for text in self._references:
            self._way("").reference(text)

    async def places(
        self, resolvers: Sequence[Resolver]
    ) -> tuple[dict[str, tuple[str, ...]], tuple[NamedPull, ...]]:
        """Return who gives each address, and what came to nothing for want of one."""
        own, *told = await asyncio.gather(
            own_addresses(self._subject),
            *(self._addresses(each) for each in resolvers),
        )
        found: dict[str, tuple[str, ...]] = {}
        lost = []
        for by, (addresses, why) in zip(
            (THIS_MACHINE, *(each.name for each in resolvers)), (own, *told), strict=True
        ):
            if why:
                lost.append(self._lost(by, why))
            for address in addresses:
                if _has_route(address, self._domain.port):
                    found[address] = (*found.get(address, ()), by)
        return found, tuple(lost)

    async def once(self, address: str, by: tuple[str, ...]) -> NamedPull:
        """Pull from one address, signed in as nodes are if that is wanted there."""
        way = self._way(address)
        blank = NamedPull(by, self._asker.clock.now(), address)
        first, *_ = await self._handshaker.shake(self._domain.name, address, self._domain.port)
        if first.chain:
            blank = replace(blank, fingerprint=first.chain[0].fingerprint)
        sign_in, seen = await self._signed_in(way)
        if seen.error or not seen.registry:
            return replace(blank, error=seen.error or error_text(errors.NotARegistry(address)))
        if sign_in is None and not _is_open(seen):
            return blank  # That nobody gave a sign-in says nothing of the nodes'.
        credential = sign_in.credential if sign_in else None
        made = await self._pulled(way, credential, blank, self._pulled_before(way))
        if made is None or made.error.startswith(errors.ManifestNotFound().cause):
            # What was pulled before may have been taken away since, on both sides.
            try:
                sample = await self._sample(way, credential)
            except TransshipError as error:
                return replace(blank, error=error_text(error))
            made = await self._pulled(way, credential, blank, sample) or made
        return made or blank

    async def _pulled(
        self,
        way: PinnedEndpoint,
        credential: Credential | None,
        blank: NamedPull,
        sample: Reference | None,
    ) -> NamedPull | None:
        if sample is None:
            return None
        came = await pull_image(way, credential, sample, seconds=self._limits.pull)
        return replace(
            blank,
            at=came.at,
            image=came.image,
            bytes=came.bytes,
            blobs=came.blobs,
            error=came.error,
        )

    async def _addresses(self, resolver: Resolver) -> tuple[tuple[str, ...], str]:
        """Return what a resolver gives, and why it gives nothing; neither if it says nothing."""
        both = await asyncio.gather(
            *(self._asker.ask(self._domain.name, kind, resolver) for kind in ("A", "AAAA"))
        )
        found = tuple(address for answer in both for address in answer.addresses)
        if found or any(map(_says_nothing, both)):
            return found, ""
        rcodes = {answer.rcode for answer in both} - {"NOERROR"}
        return (), min(rcodes, default="no address")

    async def _signed_in(self, way: PinnedEndpoint) -> tuple[TrialCredential | None, ApiProbe]:
        """Return the sign-in that is taken there, or else one that nodes hold, and fail with.

        Those that nodes hold come before others. None where none is needed, or none is known.
        """
        repository = self._repository
        seen = await probe_endpoint(way, repository=repository)
        if seen.error or not seen.registry or _is_open(seen):
            return None, seen
        tries = sorted(self._wishes.sign_ins, key=lambda each: not each.in_use)
        for each in tries:
            if (await probe_endpoint(way, repository=repository, sign_in=each)).accepted:
                return each, seen
        return next((each for each in tries if each.in_use), None), seen

    @property
    def _repository(self) -> str:
        first = next(iter(self._references), "")
        return self._way("").reference(first).repository if first else ""

    def _pulled_before(self, way: PinnedEndpoint) -> Reference | None:
        """Return the smallest image that was pulled by this name before."""
        prefix = f"{self._domain.host}/"
        before = [each for each in self._known if not each.error and each.image.startswith(prefix)]
        smallest = min(before, key=lambda each: each.bytes, default=None)
        return way.reference(smallest.image.removeprefix(prefix)) if smallest else None

    async def _sample(self, way: PinnedEndpoint, credential: Credential | None) -> Reference | None:
        """Return the smallest image of what is to be pulled, or what a pull of it fails with."""
        sized = await smallest_and_largest(
            way,
            credential,
            self._references,
            largest=_LARGEST_SAMPLE,
            most_tags=_MOST_TAGS_BY_NAME,
            seconds=self._limits.paths,
        )
        if sized:
            return sized[0].reference
        first = next(iter(self._references), "")
        return await _first_tag(way, credential, way.reference(first)) if first else None

    def _lost(self, by: str, why: str) -> NamedPull:
        error = error_text(errors.NameNotFound(f"{self._domain.name}: {why}"))
        return NamedPull((by,), self._asker.clock.now(), error=error)

    def _way(self, address: str) -> PinnedEndpoint:
        return PinnedEndpoint(
            self._domain,
            address,
            self._asker.clock,
            self._node_ca,
            self._limits.connect,
            self._limits.answer,
        )


async def _first_tag(
    way: PinnedEndpoint, credential: Credential | None, reference: Reference
) -> Reference | None:
    """Return a reference with a version: its own, or the repository's first tag.

    Raises what keeps the tags from being listed.
    """
    if reference.version:
        return reference
    async with (
        way.registry(credential) as registry,
        aclosing(registry.tags(reference.repository)) as tags,
    ):
        tag = await anext(tags, None)
    return reference.at(tag) if tag else None


def _is_open(seen: ApiProbe) -> bool:
    """Tell whether a registry lets anybody pull."""
    granted = seen.realm.granted if seen.realm else None
    return 200 <= seen.status < 300 or "pull" in (granted or ())


def _says_nothing(answer: DnsAnswer) -> bool:
    """Tell whether a resolver said nothing: it isn't there, or not for this machine."""
    return bool(answer.error) or answer.rcode == "REFUSED"


def _has_route(address: str, port: int) -> bool:
    """Tell whether this machine has a way to an address. Nothing is sent for it."""
    if not is_address(address):
        return False
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asked:
            asked.connect((address, port))
    except OSError:
        return False
    return True
