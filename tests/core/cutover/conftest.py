"""A domain that is to move, in the lab: who looks at it, and what changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servers.dns.knot import KEY_ALGORITHM, KEY_NAME, KEY_SECRET
from servers.dns.lab import EXAMPLE
from servers.dns.zones import IMAGES, NEW
from transship.clock import SystemClock
from transship.cutover.change.rfc2136 import Rfc2136, UpdateServer
from transship.cutover.change.secret import TsigKey
from transship.cutover.flipping import Change, Patience
from transship.cutover.folder import Cutovers
from transship.cutover.looking import DnsObservers
from transship.cutover.observe.asking import Asker
from transship.cutover.subject import Domain, Resolver, Subject
from transship.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.dns.lab import DnsLab
    from transship.cutover.change.applier import Applier
    from transship.cutover.folder import Cutover
    from transship.cutover.journal import Journal

OPERATOR = Operator("maria", "laptop")
KEY = TsigKey(KEY_NAME, KEY_SECRET, KEY_ALGORITHM)


@pytest.fixture
def subject() -> Subject:
    """`images.example.test`, which points at the old registry and is to point at the new one."""
    return Subject(Domain(IMAGES.rstrip(".")), NEW.rstrip("."))


@pytest.fixture
def cutover(tmp_path: Path, subject: Subject) -> Cutover:
    """A cutover that has just been made."""
    return Cutovers(tmp_path / "cutovers").create(subject)


@pytest.fixture
def journal(cutover: Cutover) -> Iterator[Journal]:
    """Its journal, empty but for its beginning."""
    with cutover.journal() as journal:
        yield journal


@pytest.fixture
def asker(lab: DnsLab) -> Asker:
    """Asks the lab's servers."""
    return Asker(SystemClock(), served=lab.served, seconds=1.0)


@pytest.fixture
def observers(lab: DnsLab, asker: Asker, subject: Subject) -> Callable[..., DnsObservers]:
    """Who looks, with the caches of these names as resolvers."""

    def make(*caches: str, subject: Subject = subject) -> DnsObservers:
        resolvers = [Resolver(n, lab.caches[n].address, lab.caches[n].port) for n in caches]
        plain = Resolver("plain", lab.caches["plain"].address, lab.caches["plain"].port)
        return DnsObservers(asker, subject, resolvers, [plain])

    return make


@pytest.fixture
def primary(lab: DnsLab) -> Rfc2136:
    """Changes the signed zone at its primary; what it changes is put back at the end."""
    lab.primary.remember(EXAMPLE, IMAGES)
    return Rfc2136(UpdateServer(EXAMPLE.rstrip("."), lab.primary.address, lab.block.port), KEY)


@pytest.fixture
def change(
    journal: Journal, observers: Callable[..., DnsObservers], primary: Rfc2136
) -> Callable[..., Change]:
    """All that it takes to change the domain's record, with another applier where one is given."""

    def make(applier: Applier = primary, deadline: float = 10.0) -> Change:
        patience = Patience(every=0.1, deadline=deadline)
        return Change(journal, applier, observers(), SystemClock(), OPERATOR, patience)

    return make
