"""Who looks at staged domains, and where they are staged."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from cutovers.staging import Looks
from servers.dns.crooked import crooked
from servers.dns.lab import STAGES
from transship.clock import SystemClock
from transship.cutover.domain import Resolver
from transship.cutover.observe.dns_queries import DnsClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from servers.dns.crooked import Reply
    from servers.dns.lab import DnsLab
    from transship.cutover.domain import Domain


@pytest.fixture
def looks(lab: DnsLab, domain: Domain, target: str, bundle: str) -> Looks:
    """Who looks."""
    dns_client = DnsClient(SystemClock(), served=lab.served, seconds=1.0, ca_file=str(lab.ca_file))
    return Looks(lab, dns_client, domain, target, bundle)


@pytest.fixture
async def stage(lab: DnsLab) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Serve what a reply says at one of the lab's stages (`servers.dns.lab`), by UDP and TCP."""
    async with AsyncExitStack() as servers:

        async def serve(place: int, udp: Reply, *, tcp: Reply | str | None = "same") -> str:
            address = lab.block.address(STAGES[place - 1])
            by_tcp = udp if isinstance(tcp, str) else tcp
            server = crooked(udp, by_tcp, address=address, port=lab.block.port)
            await servers.enter_async_context(server)
            return address

        yield serve


@pytest.fixture
async def resolver() -> AsyncIterator[Callable[..., Awaitable[Resolver]]]:
    """Start resolvers that answer every question in the same way."""
    async with AsyncExitStack() as servers:

        async def start(reply: Reply, name: str = "odd", origin: str = "operator") -> Resolver:
            server = await servers.enter_async_context(crooked(reply, reply))
            return Resolver(name, "127.0.0.1", server.port, origin=origin)

        yield start
