"""The sandbox's DNS while it runs: a domain that two registries share, and who asks for it."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import dns.message
import dns.name
import dns.tsig

from transship.clock import Clock, SystemClock
from transship.concurrency import Runs, end
from transship.cutover.change.provider import TsigKey
from transship.cutover.change.settings import Rfc2136Settings
from transship.cutover.domain import Resolver
from transship.sandbox.names.authority import Authority
from transship.sandbox.names.listener import LOOPBACK, Listener
from transship.sandbox.names.resolver import CachingResolver
from transship.sandbox.names.zone import Zone

ZONE = "example.test"
DOMAIN, OLD, NEW = (f"{name}.{ZONE}" for name in ("images", "old", "new"))
TTL = 2
"""How long the domain's record may be cached, in seconds: so short that a newcomer can wait."""

_HELD_SECONDS = 6
_LAG_SECONDS = 1.0
_ASKED_SECONDS = 1.0
_KEY_NAME, _ALGORITHM = "transship", "hmac-sha256"
_SERVERS = {f"ns1.{ZONE}": "127.0.0.11", f"ns2.{ZONE}": "127.0.0.12"}
_SOA = "@ SOA {server}. admin.{server}. 1 3600 600 86400 2"


@dataclass(frozen=True, slots=True)
class _Listening:
    primary: Listener
    secondary: Listener
    normal: Listener
    slow: Listener


@dataclass(slots=True)
class SandboxNames(Runs):
    """Runs while it is entered, on ports that the system chooses; `old` and `new` are addresses.

    `DOMAIN` is a CNAME of `OLD`. Two name servers serve it, the second one a second behind the
    first; a resolver does what TTLs say, another holds records for longer. Both are asked for the
    domain every second, as they are where something is pulled all the time.
    """

    old: str
    new: str
    clock: Clock = field(default_factory=SystemClock)
    key: TsigKey = field(init=False)
    """The key that changes the zone."""
    _listening: _Listening | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        secret = base64.b64encode(secrets.token_bytes(32)).decode()
        self.key = TsigKey(_KEY_NAME, secret, _ALGORITHM)

    async def _start(self, stack: AsyncExitStack) -> None:
        zones = self._zones()
        key = dns.tsig.Key(dns.name.from_text(self.key.name), self.key.secret, self.key.algorithm)
        first, second = _SERVERS

        async def listen(on: Authority | CachingResolver) -> Listener:
            return await stack.enter_async_context(Listener(on.respond))

        primary = await listen(Authority(first, zones, self.clock, key=key))
        secondary = await listen(Authority(second, zones, self.clock, lag=_LAG_SECONDS))
        normal = CachingResolver(primary.port, self.clock)
        slow = CachingResolver(secondary.port, self.clock, holds=_HELD_SECONDS)
        self._listening = _Listening(primary, secondary, await listen(normal), await listen(slow))
        asking = asyncio.create_task(self._ask(normal, slow))
        stack.push_async_callback(end, asking)

    async def _ask(self, *resolvers: CachingResolver) -> None:
        query = dns.message.make_query(DOMAIN, "A").to_wire()
        while True:
            for each in resolvers:
                await each.respond(query)
            await self.clock.sleep(_ASKED_SECONDS)

    @property
    def resolvers(self) -> tuple[Resolver, ...]:
        """The resolvers; the second one is late."""
        at = self._at
        return (
            Resolver("office", LOOPBACK, at.normal.port),
            Resolver("cluster (slow)", LOOPBACK, at.slow.port),
        )

    @property
    def served(self) -> tuple[tuple[str, str], ...]:
        """Where the name servers are, as a Subject has it."""
        ports = (self._at.primary.port, self._at.secondary.port)
        return tuple(
            (address, f"{LOOPBACK}:{port}")
            for address, port in zip(_SERVERS.values(), ports, strict=True)
        )

    @property
    def way(self) -> Rfc2136Settings:
        """How the domain's record is changed."""
        return Rfc2136Settings(
            ZONE, LOOPBACK, self.key.name, self._at.primary.port, self.key.algorithm
        )

    @property
    def _at(self) -> _Listening:
        if self._listening is None:
            raise RuntimeError("it doesn't run")
        return self._listening

    def _zones(self) -> Sequence[Zone]:
        """Return the zone and all above it, so that nobody outside is asked for anything."""
        first, second = _SERVERS
        servers = [f"@ NS {server}." for server in _SERVERS]
        addresses = [f"{server}. A {address}" for server, address in _SERVERS.items()]
        records = [
            *servers,
            *addresses,
            f"{OLD}. A {self.old}",
            f"{NEW}. A {self.new}",
            f"{DOMAIN}. {TTL} CNAME {OLD}.",
        ]
        delegated = [f"{ZONE}. NS {server}." for server in _SERVERS]
        return (
            Zone(".", _file([*servers, f"test. NS {first}.", f"test. NS {second}."]), self.clock),
            Zone("test.", _file([*servers, *delegated, *addresses]), self.clock),
            Zone(f"{ZONE}.", _file(records), self.clock),
        )


def _file(records: Sequence[str]) -> str:
    return "\n".join(["$TTL 60", _SOA.format(server=next(iter(_SERVERS))), *records, ""])
