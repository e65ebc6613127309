"""A domain that is to move, in the lab: who looks at it, and what changes it; its registries."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from servers.authority import Authority
from servers.dns.knot import KEY_ALGORITHM, KEY_NAME, KEY_SECRET
from servers.dns.lab import EXAMPLE
from servers.dns.zones import IMAGES, NEW
from servers.docker_registry import DockerRegistry, docker_registry
from servers.process import comes_true
from servers.stored import Stored, store_images
from servers.token_server import TokenServer, token_server
from transship.clock import SystemClock
from transship.cutover.change.execution import ReadBackPolicy, RecordChange
from transship.cutover.change.provider import TsigKey
from transship.cutover.change.rfc2136 import Rfc2136Provider, UpdateServer
from transship.cutover.domain import HTTPS, Domain, Resolver, Subject
from transship.cutover.folder import CutoverStore
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observer import DnsObserver
from transship.operator import Operator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from servers.certificates import Certificates
    from servers.dns.lab import DnsLab
    from transship.cutover.change.provider import DnsProvider
    from transship.cutover.folder import CutoverFolder
    from transship.cutover.journal import CutoverJournal

OPERATOR = Operator("maria", "laptop")
_UNPRIVILEGED = 8443
KEY = TsigKey(KEY_NAME, KEY_SECRET, KEY_ALGORITHM)


@pytest.fixture
def subject() -> Subject:
    """`images.example.test`, which points at the old registry and is to point at the new one."""
    return Subject(Domain(IMAGES.rstrip(".")), NEW.rstrip("."))


@pytest.fixture
def cutover(tmp_path: Path, subject: Subject) -> CutoverFolder:
    """A cutover that has just been made."""
    return CutoverStore(tmp_path / "cutovers").create(subject)


@pytest.fixture
def journal(cutover: CutoverFolder) -> Iterator[CutoverJournal]:
    """Its journal, empty but for its beginning."""
    with cutover.journal() as journal:
        yield journal


@pytest.fixture
def dns_client(lab: DnsLab) -> DnsClient:
    """Asks the lab's servers."""
    return DnsClient(SystemClock(), served=lab.served, seconds=1.0)


@pytest.fixture
def observers(lab: DnsLab, dns_client: DnsClient, subject: Subject) -> Callable[..., DnsObserver]:
    """Who looks, with the caches of these names as resolvers."""

    def make(*caches: str, subject: Subject = subject) -> DnsObserver:
        resolvers = [Resolver(n, lab.caches[n].address, lab.caches[n].port) for n in caches]
        plain = Resolver("plain", lab.caches["plain"].address, lab.caches["plain"].port)
        return DnsObserver(dns_client, subject, resolvers, [plain])

    return make


@pytest.fixture
def primary(lab: DnsLab) -> Rfc2136Provider:
    """Changes the signed zone at its primary; what it changes is put back at the end."""
    lab.primary.remember(EXAMPLE, IMAGES)
    return Rfc2136Provider(
        UpdateServer(EXAMPLE.rstrip("."), lab.primary.address, lab.block.port), KEY
    )


@pytest.fixture
def change(
    journal: CutoverJournal, observers: Callable[..., DnsObserver], primary: Rfc2136Provider
) -> Callable[..., RecordChange]:
    """All that it takes to change the domain's record, with another applier where one is given."""

    def make(applier: DnsProvider = primary, deadline: float = 10.0) -> RecordChange:
        patience = ReadBackPolicy(every=0.1, deadline=deadline)
        return RecordChange(journal, applier, observers(), SystemClock(), OPERATOR, patience)

    return make


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs for the domain; nobody trusts it who isn't told to."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def bundle(
    authority: Authority, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """What nodes trust: the domain's authority, and that of the other hosts of the tests."""
    path = tmp_path_factory.mktemp("bundle") / "ca.pem"
    path.write_bytes(authority.ca_file.read_bytes() + certificates.ca_file.read_bytes())
    return str(path)


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """Images on disk, for every registry that is started on them."""
    return store_images(tmp_path_factory.mktemp("stored"))


@pytest.fixture
def domain(lab: DnsLab) -> Domain:
    """The domain, at the port of https if this process may serve it."""
    return Domain("images.example.test", HTTPS if lab.block.privileged else _UNPRIVILEGED)


@pytest.fixture
def target(lab: DnsLab) -> str:
    """The address of the new registry."""
    return lab.block.address("3.2")


@pytest.fixture
def serve(
    lab: DnsLab, tmp_path: Path, stored: Stored, domain: Domain, target: str, authority: Authority
) -> Iterator[Callable[..., DockerRegistry]]:
    """Start registries at the target or another `address`, with a right certificate or `tls`."""
    with ExitStack() as registries:
        count = itertools.count(1)

        def start(**options: Any) -> DockerRegistry:
            options.setdefault("tls", authority.issue(domain.name))
            folder = tmp_path / f"target-{next(count)}"
            given = {"address": target, "port": domain.port, "storage": stored.storage, **options}
            return registries.enter_context(docker_registry(folder, **given))

        yield start


@pytest.fixture
def signs_in() -> Iterator[Callable[..., TokenServer]]:
    """Start token servers for these users, each at a name of its own port."""
    with ExitStack() as servers:
        yield lambda *arguments, **options: servers.enter_context(
            token_server(*arguments, **options)
        )


@pytest.fixture
async def all_closed() -> AsyncIterator[None]:
    """Let connections that a test has cut short come to their end, once their servers are gone.

    TLS says goodbye and waits for an answer, which a loop that ends with the test never sees.
    """
    yield
    selector: Any = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    await comes_true(lambda: len(selector.get_map()) == 1, "an end of all connections")
