"""Whole pulls by the domain itself, from wherever DNS leads to at this moment.

Each resolver is asked where the domain is, and so is this machine, as any program here asks. What
they give is pulled from over connections of its own: one that was open before would still lead to
where the domain led then. Addresses that several give are pulled from once, for all of them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from transship import errors
from transship.cutover.evidence import THIS_MACHINE, Answer, ApiProbe, NamedPull, Pull
from transship.cutover.observe.asking import Asker
from transship.cutover.observe.handshaking import Handshaker
from transship.cutover.observe.names import is_address
from transship.cutover.observe.pinned import Way, error_text
from transship.cutover.observe.probing import SignIn, probe
from transship.cutover.observe.pulling import pull, smallest_and_largest
from transship.cutover.observe.resolving import own_addresses
from transship.cutover.observe.targeting import Limits, Wishes
from transship.cutover.subject import Resolver, Subject
from transship.errors import TransshipError
from transship.oci.reference import Reference
from transship.registries.credential import Credential

_MOST_ADDRESSES = 8
_MOST_TAGS = 8
_AT_ONCE = 4
_LARGEST_SAMPLE = 256 * 1024**2


async def pull_by_name(
    subject: Subject,
    asker: Asker,
    resolvers: Sequence[Resolver],
    wishes: Wishes | None = None,
    *,
    known: Sequence[Pull] = (),
    limits: Limits | None = None,
) -> tuple[NamedPull, ...]:
    """Pull by the domain as this machine finds it, and as each of the resolvers does.

    What is pulled is the smallest image of those that were pulled before (`known`), or else of
    what the wishes or the subject name; without any, or without a sign-in where one is needed, only
    `/v2/` is asked for. Nothing is raised for what goes wrong there: it is in what is returned. A
    resolver that doesn't answer gives nothing, and an address to which there is no way from this
    machine says nothing of the domain. No more than `_MOST_ADDRESSES` are pulled from. Raises
    BadFile for a `node_ca` that can't be used, and BadReference.
    """
    pulling = _Pulling(subject, asker, wishes or Wishes(), limits or Limits(), known)
    places, lost = await pulling.places(resolvers)
    slots = asyncio.Semaphore(_AT_ONCE)

    async def pulled(address: str, by: tuple[str, ...]) -> NamedPull:
        async with slots:
            return await pulling.once(address, by)

    wanted = list(places.items())[:_MOST_ADDRESSES]
    return (*lost, *(await asyncio.gather(*(pulled(address, by) for address, by in wanted))))


class _Pulling:
    """One look, from resolving the domain to the pulls."""

    def __init__(
        self, subject: Subject, asker: Asker, wishes: Wishes, limits: Limits, known: Sequence[Pull]
    ) -> None:
        self._subject = subject
        self._domain = subject.domain
        self._asker = asker
        self._wishes = wishes
        self._limits = limits
        self._node_ca = subject.node_ca
        self._references = wishes.references or subject.repositories
        self._known = known
        self._handshaker = Handshaker(asker.clock, node_ca=subject.node_ca, seconds=limits.connect)
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
                if _has_way(address, self._domain.port):
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
        self, way: Way, credential: Credential | None, blank: NamedPull, sample: Reference | None
    ) -> NamedPull | None:
        if sample is None:
            return None
        came = await pull(way, credential, sample, seconds=self._limits.pull)
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

    async def _signed_in(self, way: Way) -> tuple[SignIn | None, ApiProbe]:
        """Return the sign-in that is taken there, or else one that nodes hold, and fail with.

        Those that nodes hold come before others. None where none is needed, or none is known.
        """
        repository = self._repository
        seen = await probe(way, repository=repository)
        if seen.error or not seen.registry or _is_open(seen):
            return None, seen
        tries = sorted(self._wishes.sign_ins, key=lambda each: not each.in_use)
        for each in tries:
            if (await probe(way, repository=repository, sign_in=each)).accepted:
                return each, seen
        return next((each for each in tries if each.in_use), None), seen

    @property
    def _repository(self) -> str:
        first = next(iter(self._references), "")
        return self._way("").reference(first).repository if first else ""

    def _pulled_before(self, way: Way) -> Reference | None:
        """Return the smallest image that was pulled by this name before."""
        prefix = f"{self._domain.host}/"
        before = [each for each in self._known if not each.error and each.image.startswith(prefix)]
        smallest = min(before, key=lambda each: each.bytes, default=None)
        return way.reference(smallest.image.removeprefix(prefix)) if smallest else None

    async def _sample(self, way: Way, credential: Credential | None) -> Reference | None:
        """Return the smallest image of what is to be pulled, or what a pull of it fails with."""
        sized = await smallest_and_largest(
            way,
            credential,
            self._references,
            largest=_LARGEST_SAMPLE,
            most_tags=_MOST_TAGS,
            seconds=self._limits.paths,
        )
        if sized:
            return sized[0].reference
        first = next(iter(self._references), "")
        return await _first_tag(way, credential, way.reference(first)) if first else None

    def _lost(self, by: str, why: str) -> NamedPull:
        error = error_text(errors.NameNotFound(f"{self._domain.name}: {why}"))
        return NamedPull((by,), self._asker.clock.now(), error=error)

    def _way(self, address: str) -> Way:
        return Way(
            self._domain,
            address,
            self._asker.clock,
            self._node_ca,
            self._limits.connect,
            self._limits.answer,
        )


async def _first_tag(
    way: Way, credential: Credential | None, reference: Reference
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


def _says_nothing(answer: Answer) -> bool:
    """Tell whether a resolver said nothing: it isn't there, or not for this machine."""
    return bool(answer.error) or answer.rcode == "REFUSED"


def _has_way(address: str, port: int) -> bool:
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
