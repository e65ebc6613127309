"""Repositories and whole images, pulled from an address under the domain's name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from transship import errors
from transship.cutover.evidence import Handshake, PathProbe, Pull
from transship.cutover.observe.handshaking import Handshaker
from transship.cutover.observe.pinned import Way, error_text, origins
from transship.cutover.observe.resolving import local_addresses
from transship.errors import TransshipError
from transship.oci.digest import check, hasher
from transship.oci.manifest import Descriptor, Manifest
from transship.oci.platform import Platform
from transship.oci.reference import Reference
from transship.registries.client import Registry
from transship.registries.credential import Credential
from transship.registries.exchanges import Exchanged
from transship.text import duration_text, safe

Came = Callable[[int], None]
"""Told how many bytes have come since it was last told."""

_AT_ONCE = 8
_MOST_TAGS = 64
_NODE = Platform("linux", "amd64")


async def try_paths(
    way: Way, credential: Credential | None, references: Iterable[str], *, seconds: float = 60.0
) -> tuple[PathProbe, ...]:
    """Ask for what clusters pull, `REPOSITORY[:TAG][@DIGEST]` each, without reading it.

    All of it takes no longer than `seconds`. Raises BadReference for what isn't a reference.
    """
    wanted = [way.reference(text) for text in references]
    ends = asyncio.get_running_loop().time() + seconds
    slots = asyncio.Semaphore(_AT_ONCE)
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


async def _path(registry: Registry, blank: PathProbe) -> PathProbe:
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
class Sized:
    """An image and what a node reads of it: all but the manifests, in bytes."""

    reference: Reference
    size: int


async def smallest_and_largest(
    way: Way,
    credential: Credential | None,
    references: Iterable[str],
    *,
    largest: int,
    most_tags: int = _MOST_TAGS,
    seconds: float = 60.0,
) -> tuple[Sized, ...]:
    """Return the smallest image and the largest of up to `largest` bytes, or the one there is.

    A repository stands for its tags; no more than `most_tags` are looked at in all, for no longer
    than `seconds`. What can't be read is passed over: who looks for paths says why. Raises
    BadReference.
    """
    slots = asyncio.Semaphore(_AT_ONCE)
    found: list[Sized] = []
    wanted = [way.reference(text) for text in references]
    async with way.registry(credential) as registry:

        async def sized(reference: Reference) -> None:
            with suppress(TransshipError):
                async with slots:
                    manifest = await _for_node(registry, reference)
                found.append(Sized(reference, sum(blob.size for blob in manifest.blobs)))

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
    registry: Registry, references: Sequence[Reference], most: int
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


async def pull(
    way: Way,
    credential: Credential | None,
    reference: Reference,
    *,
    seconds: float = 600.0,
    came: Came | None = None,
) -> Pull:
    """Pull an image as a node does, for `linux/amd64` if there is a choice, and hash each blob."""
    recorder = way.recorder()
    pulling = _Pulling(reference, came)
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
    hosts, insecure = needed(recorder.exchanges())
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


def needed(exchanges: Iterable[Exchanged]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the hosts of exchanges and of where they were sent to, and the places without TLS."""
    places = dict.fromkeys(origin for each in exchanges for origin in origins(each))
    hosts = dict.fromkeys(safe(origin.partition("://")[2]) for origin in places)
    return tuple(hosts), tuple(safe(origin) for origin in places if origin.startswith("http:"))


async def shake_others(
    handshaker: Handshaker, way: Way, pulls: Iterable[Pull]
) -> tuple[Handshake, ...]:
    """Shake hands with the hosts that pulls needed beside the domain, at all their addresses.

    They are found as this machine finds them. One without an address has a handshake without one.
    """
    plain = {place.partition("://")[2] for each in pulls for place in each.insecure_redirects}
    own = f"{way.domain.name}:{way.domain.port}"
    hosts = dict.fromkeys(host for each in pulls for host in each.hosts)
    shaken = [_shaken(handshaker, way, host) for host in hosts if host != own and host not in plain]
    return tuple(each for found in await asyncio.gather(*shaken) for each in found)


async def _shaken(handshaker: Handshaker, way: Way, host: str) -> tuple[Handshake, ...]:
    name, _, port = host.rpartition(":")
    name = name.strip("[]")
    addresses, why = await local_addresses(name, int(port))
    if not addresses:
        blank = Handshake("", int(port), name, way.clock.now(), trust="")
        return (replace(blank, error=f"no address: {safe(why)}"),)
    found = await asyncio.gather(*(handshaker.shake(name, a, int(port)) for a in addresses))
    return tuple(each for every in found for each in every)


class _Pulling:
    """One pull, and how far it came."""

    def __init__(self, reference: Reference, came: Came | None) -> None:
        self.bytes = 0
        self.blobs = 0
        self._reference = reference
        self._came = came

    async def run(self, registry: Registry) -> None:
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

    async def _read(self, registry: Registry, blob: Descriptor) -> None:
        hashed = hasher(blob.digest)
        async with registry.read_blob(self._reference.repository, blob.digest) as reader:
            async for piece in reader:
                hashed.update(piece)
                self.bytes += len(piece)
                if self._came:
                    self._came(len(piece))
        check(blob.digest, hashed, str(self._reference))


async def _for_node(registry: Registry, reference: Reference) -> Manifest:
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
