"""A small zone, a name server of it, and somebody who asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import dns.asyncquery
import dns.flags
import dns.message
import dns.name
import dns.tsig
import pytest

from fakes.clock import FakeClock
from servers.dns.small import EXAMPLE, KEY, SECRET, TEST
from transship.sandbox.name_server import LOOPBACK, Authority, Listener, Zone

Ask = Callable[..., Awaitable[dns.message.Message]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def zone(clock: FakeClock) -> Zone:
    return Zone("example.test.", EXAMPLE, clock)


@pytest.fixture
async def authority(zone: Zone, clock: FakeClock) -> AsyncIterator[Listener]:
    """The primary of the zone, and of the one above it."""
    key = dns.tsig.Key(dns.name.from_text(KEY.name), SECRET, KEY.algorithm)
    serves = Authority("ns1", (Zone("test.", TEST, clock), zone), clock, key=key)
    async with Listener(serves.respond) as listener:
        yield listener


@pytest.fixture
def ask(authority: Listener) -> Ask:
    """Ask the name server, by UDP, and by TCP too where the answer is cut."""

    async def asked(
        name: str, kind: str, *, port: int = 0, recurse: bool = False, **edns: int
    ) -> dns.message.Message:
        query = dns.message.make_query(name, kind, **edns)
        if not recurse:
            query.flags &= ~dns.flags.RD
        answer, _ = await dns.asyncquery.udp_with_fallback(
            query, LOOPBACK, 5, port or authority.port
        )
        return answer

    return asked
