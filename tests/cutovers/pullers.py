"""Clients that pull by a domain without a pause, each over new connections and by its own cache."""

from __future__ import annotations

import asyncio
import shutil
from abc import abstractmethod
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from cutovers.sides import NAME, TAG
from servers import skopeo
from servers.dns.clients import with_resolver
from servers.process import comes_true
from servers.registry import Registry
from transship.clock import SystemClock
from transship.cutover.domain import Domain
from transship.cutover.observe.endpoint import PinnedEndpoint
from transship.cutover.observe.image_pulls import pull_image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from servers.dns.lab import DnsLab
    from transship.cutover.domain import Resolver
    from transship.cutover.observe.dns_queries import DnsClient

_DEADLINE = 30.0


@dataclass(frozen=True, slots=True)
class Pulled:
    """One pull that was begun `at`: where the name led, if that is known, and why it failed."""

    at: float
    address: str = ""
    error: str = ""


@dataclass
class Client:
    """One client. It pulls from a repository of its own, so that access logs tell where."""

    name: str
    pulls: list[Pulled] = field(default_factory=list)
    stopped: bool = False

    @property
    def repository(self) -> str:
        """What it pulls."""
        return f"clients/{self.name}"

    @property
    def failed(self) -> list[Pulled]:
        """Its pulls that failed."""
        return [each for each in self.pulls if each.error]

    @property
    def places(self) -> list[str]:
        """The addresses that the name led it to, each once for as long as it did."""
        return [address for address, _ in groupby(each.address for each in self.pulls)]

    def led_to(self, address: str, *, since: float = 0.0) -> list[float]:
        """Return when it was led to an address."""
        return [each.at for each in self.pulls if each.address == address and each.at >= since]

    async def run(self) -> None:
        """Pull, and pull again, until it is stopped."""
        while not self.stopped:
            self.pulls.append(await self.once())

    async def pulls_again(self, times: int = 2) -> None:
        """Wait until so many pulls have ended, and begun after this call."""
        wanted = len(self.pulls) + 1 + times  # One is under way.
        await comes_true(
            lambda: len(self.pulls) >= wanted, f"pulls of {self.name}", deadline=_DEADLINE
        )

    @abstractmethod
    async def once(self) -> Pulled:
        """Pull once: the manifest, and every blob hashed."""


class OwnClient(Client):
    """Transship's own client of registries, with a cache of the lab as its resolver."""

    def __init__(self, resolver: Resolver, dns_client: DnsClient, ca_file: Path) -> None:
        super().__init__(resolver.name)
        self._resolver = resolver
        self._asker = dns_client
        self._ca_file = str(ca_file)
        self._clock = SystemClock()

    async def once(self) -> Pulled:
        """Ask the cache, and pull from the first address that it gives."""
        at = self._clock.now()
        answer = await self._asker.ask(NAME, "A", self._resolver)
        if not answer.addresses:
            return Pulled(at, error=f"no address: {answer.error or answer.rcode}")
        (address, *_) = answer.addresses
        way = PinnedEndpoint(Domain(NAME), address, self._clock, self._ca_file)
        pulled = await pull_image(way, None, way.reference(f"{self.repository}:{TAG}"))
        return Pulled(at, address, pulled.error)


class Skopeo(Client):
    """skopeo, which knows the name alone, on a machine whose resolver is a cache of the lab."""

    def __init__(self, lab: DnsLab, cache: str, folder: Path, ca_file: Path) -> None:
        super().__init__(f"skopeo-{cache}")
        self._through = with_resolver(lab, cache, folder)
        self._target = folder / self.name
        self._host = Registry(f"https://{NAME}", ca_file=ca_file)
        self._clock = SystemClock()

    async def once(self) -> Pulled:
        """Let skopeo pull into a folder."""
        at = self._clock.now()
        try:
            await asyncio.to_thread(self._pull)
        except skopeo.SkopeoError as error:
            return Pulled(at, error=str(error))
        return Pulled(at)

    def _pull(self) -> None:
        shutil.rmtree(self._target, ignore_errors=True)
        source = f"docker://{NAME}/{self.repository}:{TAG}"
        skopeo.copy(source, f"dir:{self._target}", self._host, through=self._through)


@asynccontextmanager
async def pulling(*clients: Client) -> AsyncIterator[None]:
    """Let clients pull until the block ends, and what is under way then come to its end."""
    running = [asyncio.create_task(each.run()) for each in clients]
    try:
        yield
    finally:
        for each in clients:
            each.stopped = True
        await asyncio.gather(*running)
