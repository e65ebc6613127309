"""Who asks in the lab, and whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from transship.clock import SystemClock
from transship.cutover.domain import Resolver
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observe.endpoint import PinnedEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.dns.lab import DnsLab
    from transship.cutover.domain import Domain


@pytest.fixture
def dns_client(lab: DnsLab) -> DnsClient:
    """Asks the lab's servers, and trusts the authority of its encrypted cache."""
    return DnsClient(SystemClock(), served=lab.served, ca_file=str(lab.ca_file))


@pytest.fixture
def impatient(lab: DnsLab) -> DnsClient:
    """The same, for servers that say nothing."""
    return DnsClient(SystemClock(), served=lab.served, seconds=0.15)


@pytest.fixture
def cache(lab: DnsLab) -> Callable[[str], Resolver]:
    """A cache of the lab as a resolver, by its name there."""
    return lambda name: Resolver(name, lab.caches[name].address, lab.caches[name].port)


@pytest.fixture
def plain(cache: Callable[[str], Resolver]) -> Resolver:
    """The cache without a temper."""
    return cache("plain")


@pytest.fixture
def way(domain: Domain, target: str, bundle: str) -> PinnedEndpoint:
    """The way to the target under the domain's name, trusting what nodes trust."""
    return PinnedEndpoint(domain, target, SystemClock(), bundle, connect=2.0, answer=2.0)
