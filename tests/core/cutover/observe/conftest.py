"""Who asks in the lab, and whom; and what a domain is to point at."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from servers.authority import Authority
from servers.docker_registry import DockerRegistry, docker_registry
from servers.process import comes_true
from servers.stored import Stored, store_images
from servers.token_server import TokenServer, token_server
from transship.clock import SystemClock
from transship.cutover.observe.asking import Asker
from transship.cutover.observe.pinned import Way
from transship.cutover.subject import HTTPS, Domain, Resolver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from servers.certificates import Certificates
    from servers.dns.lab import DnsLab

_UNPRIVILEGED = 8443


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
def way(domain: Domain, target: str, bundle: str) -> Way:
    """The way to the target under the domain's name, trusting what nodes trust."""
    return Way(domain, target, SystemClock(), bundle, connect=2.0, answer=2.0)


@pytest.fixture
async def all_closed() -> AsyncIterator[None]:
    """Let connections that a test has cut short come to their end, once their servers are gone.

    TLS says goodbye and waits for an answer, which a loop that ends with the test never sees.
    """
    yield
    selector: Any = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    await comes_true(lambda: len(selector.get_map()) == 1, "an end of all connections")


@pytest.fixture
def signs_in() -> Iterator[Callable[..., TokenServer]]:
    """Start token servers for these users, each at a name of its own port."""
    with ExitStack() as servers:
        yield lambda *arguments, **options: servers.enter_context(
            token_server(*arguments, **options)
        )
