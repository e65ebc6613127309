"""The new registry as clusters will find it, before the domain leads there.

And what the service behind it says of the domain. What is wrong there is evidence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from transship.clock import Clock, SystemClock
from transship.cutover.domain import Subject
from transship.cutover.evidence import (
    ApiProbe,
    Chain,
    Evidence,
    Handshake,
    PathProbe,
    Pull,
    ServiceReport,
    UploadProbe,
)
from transship.cutover.observe.endpoint import (
    PinnedEndpoint,
    TargetLimits,
    TargetOptions,
    TrialCredential,
    error_text,
    probe_endpoint,
    try_push,
)
from transship.cutover.observe.image_pulls import (
    OnBytes,
    handshake_hosts,
    pull_image,
    smallest_and_largest,
    try_paths,
)
from transship.cutover.observe.tls import Handshaker, is_trusted
from transship.errors import TransshipError
from transship.registry.attachment import TellsAttachment
from transship.registry.credential import Credential
from transship.text import duration_text

SERVICE_SECONDS = 60.0
"""So long a look waits for all of a service's answers."""


@dataclass(frozen=True, slots=True)
class DomainService:
    """The service behind a registry: what it is called, and who asks its API."""

    title: str
    tells: TellsAttachment


async def observe_service(
    service: DomainService, domain: str, clock: Clock, *, seconds: float = SERVICE_SECONDS
) -> ServiceReport:
    """Ask a service of a domain; what stands in the way of that is in what is returned."""
    try:
        async with asyncio.timeout(seconds):
            attachment = await service.tells.attachment(domain)
    except TimeoutError:
        late = f"timeout: no whole answer in {duration_text(seconds)}"
        return ServiceReport(service.title, clock.now(), error=late, remedy="Check again.")
    except TransshipError as error:
        return ServiceReport(
            service.title, clock.now(), error=error_text(error), remedy=error.remedy
        )
    return ServiceReport(service.title, clock.now(), attachment)


_MOST_ADDRESSES = 16

_PROBES_AT_ONCE = 8

OnStep = Callable[[str], None]
"""Told what is being looked at: `handshakes`, `sign-ins`, `paths`, `pulls`, `push`."""


async def observe_target(
    subject: Subject,
    target: Chain,
    wishes: TargetOptions | None = None,
    *,
    clock: Clock | None = None,
    limits: TargetLimits | None = None,
    step: OnStep | None = None,
    came: OnBytes | None = None,
) -> Evidence:
    """Look at every address of the target as if the domain led there, and return what was seen.

    What is wrong there is evidence and raises nothing. Handshakes are made with all addresses and
    with the old registry's, `/v2/` is asked for where TLS stands, and paths and pulls are tried at
    the first address that is a registry with a trusted certificate, signed in with the first
    credential that it takes.
    Secrets are in nothing that is returned. Raises BadFile for a `node_ca` that can't be used, and
    BadReference.
    """
    observing = _TargetObservation(
        subject, wishes or TargetOptions(), clock or SystemClock(), limits or TargetLimits()
    )
    addresses = tuple(dict.fromkeys(target.addresses))
    return await observing.run(addresses[:_MOST_ADDRESSES], step or _no_step, came)


def with_target(evidence: Evidence, seen: Evidence) -> Evidence:
    """Return evidence with what `observe_target` has seen in the place of what was there of it."""
    return replace(
        evidence,
        handshakes=seen.handshakes,
        probes=seen.probes,
        paths=seen.paths,
        pulls=seen.pulls,
        needed=seen.needed,
        push=seen.push,
    )


class _TargetObservation:
    """One look at a target, from the handshakes to the pulls."""

    def __init__(
        self, subject: Subject, wishes: TargetOptions, clock: Clock, limits: TargetLimits
    ) -> None:
        self._subject = subject
        self._wishes = wishes
        self._clock = clock
        self._limits = limits
        self._references = wishes.references or subject.repositories
        self._handshaker = Handshaker(clock, node_ca=subject.node_ca, seconds=limits.connect)
        for text in self._references:
            self._way("").reference(text)

    async def run(self, addresses: Sequence[str], step: OnStep, came: OnBytes | None) -> Evidence:
        step("handshakes")
        shaken = await self._shaken((*addresses, *self._wishes.old))
        step("sign-ins")
        probes = await self._probes(self._answering(addresses, shaken))
        evidence = Evidence(self._clock.now(), handshakes=shaken, probes=probes)
        address = _first_good(shaken, probes)
        if address is None:
            return evidence
        way, credential = self._way(address), self._accepted(address, probes)
        step("paths")
        paths: tuple[PathProbe, ...] = await try_paths(
            way, credential, self._references, seconds=self._limits.paths
        )
        step("pulls")
        pulls, needed = await self._pulls(way, credential, came)
        push: UploadProbe | None = None
        if self._wishes.push:
            step("push")
            push = await try_push(way, credential, self._wishes.push)
        return replace(evidence, paths=paths, pulls=pulls, needed=needed, push=push)

    def _way(self, address: str) -> PinnedEndpoint:
        return PinnedEndpoint(
            self._subject.domain,
            address,
            self._clock,
            self._subject.node_ca,
            self._limits.connect,
            self._limits.answer,
        )

    async def _shaken(self, addresses: Sequence[str]) -> tuple[Handshake, ...]:
        domain = self._subject.domain
        shaken = await asyncio.gather(
            *(self._handshaker.shake(domain.name, each, domain.port) for each in addresses)
        )
        return tuple(one for every in shaken for one in every)

    def _answering(self, addresses: Sequence[str], shaken: Sequence[Handshake]) -> list[str]:
        return [a for a in addresses if any(h.address == a and not h.error for h in shaken)]

    async def _probes(self, addresses: Sequence[str]) -> tuple[ApiProbe, ...]:
        sides = [(each, "new") for each in addresses] + [(each, "old") for each in self._wishes.old]
        tries: list[TrialCredential | None] = [None, *self._wishes.sign_ins]
        slots = asyncio.Semaphore(_PROBES_AT_ONCE)
        repository = self._repository

        async def probed(address: str, side: str, sign_in: TrialCredential | None) -> ApiProbe:
            async with slots:
                return await probe_endpoint(
                    self._way(address), repository=repository, sign_in=sign_in, side=side
                )

        return tuple(
            await asyncio.gather(
                *(probed(address, side, each) for address, side in sides for each in tries)
            )
        )

    @property
    def _repository(self) -> str:
        first = next(iter(self._references), "")
        return self._way("").reference(first).repository if first else ""

    def _accepted(self, address: str, probes: Sequence[ApiProbe]) -> Credential | None:
        """Return a credential that the registry took, one that nodes hold today before others."""
        tries = (None, *self._wishes.sign_ins)
        here = [p for p in probes if p.side == "new" and p.address == address]
        taken = [t for t, p in zip(tries, here, strict=True) if t and p.accepted]
        taken.sort(key=lambda sign_in: not sign_in.in_use)
        return taken[0].credential if taken else None

    async def _pulls(
        self, way: PinnedEndpoint, credential: Credential | None, came: OnBytes | None
    ) -> tuple[tuple[Pull, ...], tuple[Handshake, ...]]:
        if not self._wishes.pull:
            return (), ()
        images = await smallest_and_largest(
            way,
            credential,
            self._references,
            largest=self._limits.image,
            seconds=self._limits.paths,
        )
        pulls = [
            await pull_image(way, credential, each.reference, seconds=self._limits.pull, came=came)
            for each in images
        ]
        return tuple(pulls), await handshake_hosts(self._handshaker, way, pulls)


def _first_good(shaken: Sequence[Handshake], probes: Sequence[ApiProbe]) -> str | None:
    """Return the first address with a registry behind a trusted certificate."""
    trusted = {each.address for each in shaken if is_trusted(each)}
    good = (
        p.address
        for p in probes
        if p.side == "new" and p.registry and p.verified and p.address in trusted
    )
    return next(good, None)


def _no_step(_step: str) -> None:
    return
