"""The new registry as clusters will find it, before the domain leads there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from transship.clock import Clock, SystemClock
from transship.cutover.evidence import ApiProbe, Chain, Evidence, Handshake, PathProbe, Pull, Push
from transship.cutover.observe.handshaking import Handshaker, is_trusted
from transship.cutover.observe.pinned import Way
from transship.cutover.observe.probing import SignIn, probe
from transship.cutover.observe.pulling import (
    Came,
    pull,
    shake_others,
    smallest_and_largest,
    try_paths,
)
from transship.cutover.observe.pushing import try_push
from transship.cutover.subject import Subject
from transship.registries.credential import Credential

GIBIBYTE = 1024**3

_MOST_ADDRESSES = 16
_PROBES_AT_ONCE = 8

Step = Callable[[str], None]
"""Told what is being looked at: `handshakes`, `sign-ins`, `paths`, `pulls`, `push`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds, and how much may be read.

    `connect`: a connection, and then TLS. `answer`: each answer. `paths`: to look for all of the
    references, and as long again to see how large they are. `pull`: each image. An image of more
    than `image` bytes isn't pulled.
    """

    connect: float = 5.0
    answer: float = 15.0
    paths: float = 60.0
    pull: float = 600.0
    image: int = 4 * GIBIBYTE


@dataclass(frozen=True, slots=True)
class Wishes:
    """What to try beside handshakes and `/v2/`.

    `references` are `REPOSITORY[:TAG][@DIGEST]`, those of the subject if there are none. `old` are
    the addresses of the old registry: hands are shaken there too, and the credentials tried. `push`
    is a repository to begin an upload to, empty unless the operator asked for it: it needs the
    right to write, and some services make the repository by it.
    """

    sign_ins: tuple[SignIn, ...] = ()
    references: tuple[str, ...] = ()
    old: tuple[str, ...] = ()
    pull: bool = True
    push: str = ""


async def observe_target(
    subject: Subject,
    target: Chain,
    wishes: Wishes | None = None,
    *,
    clock: Clock | None = None,
    limits: Limits | None = None,
    step: Step | None = None,
    came: Came | None = None,
) -> Evidence:
    """Look at every address of the target as if the domain led there, and return what was seen.

    What is wrong there is evidence and raises nothing. Handshakes are made with all addresses and
    with the old registry's, `/v2/` is asked for where TLS stands, and paths and pulls are tried at
    the first address that is a registry with a trusted certificate, signed in with the first
    credential that it takes.
    Secrets are in nothing that is returned. Raises BadFile for a `node_ca` that can't be used, and
    BadReference.
    """
    observing = _Observing(subject, wishes or Wishes(), clock or SystemClock(), limits or Limits())
    addresses = tuple(dict.fromkeys(target.addresses))
    return await observing.run(addresses[:_MOST_ADDRESSES], step or _untold, came)


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


class _Observing:
    """One look at a target, from the handshakes to the pulls."""

    def __init__(self, subject: Subject, wishes: Wishes, clock: Clock, limits: Limits) -> None:
        self._subject = subject
        self._wishes = wishes
        self._clock = clock
        self._limits = limits
        self._references = wishes.references or subject.repositories
        self._handshaker = Handshaker(clock, node_ca=subject.node_ca, seconds=limits.connect)
        for text in self._references:
            self._way("").reference(text)

    async def run(self, addresses: Sequence[str], step: Step, came: Came | None) -> Evidence:
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
        push: Push | None = None
        if self._wishes.push:
            step("push")
            push = await try_push(way, credential, self._wishes.push)
        return replace(evidence, paths=paths, pulls=pulls, needed=needed, push=push)

    def _way(self, address: str) -> Way:
        return Way(
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
        tries: list[SignIn | None] = [None, *self._wishes.sign_ins]
        slots = asyncio.Semaphore(_PROBES_AT_ONCE)
        repository = self._repository

        async def probed(address: str, side: str, sign_in: SignIn | None) -> ApiProbe:
            async with slots:
                return await probe(
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
        self, way: Way, credential: Credential | None, came: Came | None
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
            await pull(way, credential, each.reference, seconds=self._limits.pull, came=came)
            for each in images
        ]
        return tuple(pulls), await shake_others(self._handshaker, way, pulls)


def _first_good(shaken: Sequence[Handshake], probes: Sequence[ApiProbe]) -> str | None:
    """Return the first address with a registry behind a trusted certificate."""
    trusted = {each.address for each in shaken if is_trusted(each)}
    good = (
        p.address
        for p in probes
        if p.side == "new" and p.registry and p.verified and p.address in trusted
    )
    return next(good, None)


def _untold(_step: str) -> None:
    return
