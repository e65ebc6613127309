"""The way to an address under the domain's name: fresh connections, and no proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from transship import errors
from transship.clock import Clock
from transship.cutover.subject import Domain
from transship.errors import TransshipError
from transship.oci.reference import Reference, parse_reference
from transship.registries.client import Registry
from transship.registries.credential import Credential, Tls
from transship.registries.exchanges import Exchanged, Recorder
from transship.registries.pacing import Patience
from transship.registries.proxies import proxy_for
from transship.registries.transport import Timeouts, Transport

_PATIENCE = Patience(attempts=2, seconds=5.0)
_MOST_RECORDED = 20_000
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Way:
    """How an address is reached under the domain's name.

    `ca_file` has authorities that are trusted beside the system's. `connect` and `answer` are how
    long a connection and an answer may take, in seconds.
    """

    domain: Domain
    address: str
    clock: Clock
    ca_file: str = ""
    connect: float = 5.0
    answer: float = 15.0

    @property
    def url(self) -> str:
        """The registry's own address, as a client of the domain has it."""
        return f"https://{self.domain.host}"

    @asynccontextmanager
    async def transport(
        self, *, verified: bool = True, recorder: Recorder | None = None
    ) -> AsyncIterator[Transport]:
        """Open a transport that has no connection yet."""
        tls = Tls(ca_file=self.ca_file, insecure=not verified)
        transport = Transport(self.domain.host, tls, self._timeouts, recorder, self._pins)
        try:
            yield transport
        finally:
            await transport.aclose()

    @asynccontextmanager
    async def registry(
        self, credential: Credential | None = None, *, recorder: Recorder | None = None
    ) -> AsyncIterator[Registry]:
        """Open the registry, with connections and tokens of its own."""
        registry = Registry(
            self.domain.host,
            credential=credential,
            tls=Tls(ca_file=self.ca_file),
            patience=_PATIENCE,
            clock=self.clock,
            timeouts=self._timeouts,
            recorder=recorder,
            pins=self._pins,
        )
        try:
            yield registry
        finally:
            await registry.aclose()

    def recorder(self) -> Recorder:
        """Return a recorder that keeps all that a pull asks for."""
        return Recorder(self.clock, limit=_MOST_RECORDED)

    def reference(self, text: str) -> Reference:
        """Return `REPOSITORY[:TAG][@DIGEST]` under the domain's name. Raises BadReference."""
        return parse_reference(f"{self.domain.host}/{text}")

    @property
    def _pins(self) -> dict[str, str]:
        return {self.domain.name: self.address}

    @property
    def _timeouts(self) -> Timeouts:
        return Timeouts(connect=self.connect, read=self.answer, write=self.answer)


def proxy_passed_by(domain: Domain) -> str:
    """Return the proxy that the environment names for the domain, as `host:port`, or nothing.

    A proxy would resolve the name by itself, so that none is used here.
    """
    try:
        parts = urlsplit(proxy_for(f"https://{domain.host}") or "")
    except errors.ProxyFailed:
        return "of a kind that isn't supported"
    return parts.netloc.rpartition("@")[2]


def error_text(error: TransshipError) -> str:
    """Return an error as evidence has it: the name of the cause, and what is known of it."""
    return f"{error.cause}: {error.detail}" if error.detail else error.cause


def origin_of(address: str) -> str:
    """Return `scheme://host:port` of a web address, or nothing for what is none."""
    parts = urlsplit(address)
    try:
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        return ""
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}" if host else ""


def origins(exchanged: Exchanged) -> list[str]:
    """Return the places that an exchange was with and that its answer points to, the former first.

    What is relative points to where it came from.
    """
    named = [exchanged.url, *(value for name, value in exchanged.answer if name == "location")]
    return [origin for address in named if (origin := origin_of(address))]
