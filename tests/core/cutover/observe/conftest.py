"""Who asks in the lab, and whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from transship.clock import SystemClock
from transship.cutover.observe.asking import Asker
from transship.cutover.observe.pinned import Way
from transship.cutover.subject import Resolver

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.dns.lab import DnsLab
    from transship.cutover.subject import Domain


@pytest.fixture
def asker(lab: DnsLab) -> Asker:
    """Asks the lab's servers, and trusts the authority of its encrypted cache."""
    return Asker(SystemClock(), served=lab.served, ca_file=str(lab.ca_file))


@pytest.fixture
def impatient(lab: DnsLab) -> Asker:
    """The same, for servers that say nothing."""
    return Asker(SystemClock(), served=lab.served, seconds=0.15)


@pytest.fixture
def cache(lab: DnsLab) -> Callable[[str], Resolver]:
    """A cache of the lab as a resolver, by its name there."""
    return lambda name: Resolver(name, lab.caches[name].address, lab.caches[name].port)


@pytest.fixture
def plain(cache: Callable[[str], Resolver]) -> Resolver:
    """The cache without a temper."""
    return cache("plain")


@pytest.fixture
def way(domain: Domain, target: str, bundle: str) -> Way:
    """The way to the target under the domain's name, trusting what nodes trust."""
    return Way(domain, target, SystemClock(), bundle, connect=2.0, answer=2.0)
