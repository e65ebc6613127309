"""Who asks in the lab, and whom; and what a domain is to point at."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from servers.authority import Authority
from servers.docker_registry import DockerRegistry, docker_registry
from servers.images import push_image, push_index, random_layer
from servers.token_server import TokenServer, token_server
from transship.clock import SystemClock
from transship.cutover.observe.asking import Asker
from transship.cutover.observe.pinned import Way
from transship.cutover.subject import HTTPS, Domain, Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from servers.certificates import Certificates
    from servers.dns.lab import DnsLab
    from servers.images import Pushed

APP = "team/app"
LARGE = 300_000
_UNPRIVILEGED = 8443


@dataclass(frozen=True, slots=True)
class Stored:
    """The files of a registry, and its images: `small`, `large`, `many`, and `node` within that."""

    storage: Path
    images: Mapping[str, Pushed]


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
    folder = tmp_path_factory.mktemp("stored")
    storage = folder / "storage"
    with docker_registry(folder / "registry", storage=storage) as registry:
        layer = random_layer(LARGE, "target")
        images = {
            "small": push_image(registry, APP, "small"),
            "large": push_image(registry, APP, "large", [layer]),
        }
        nodes = push_image(registry, APP, platform="linux/amd64")
        others = [push_image(registry, APP, platform=p) for p in ("linux/arm64", "windows/amd64")]
        images["many"] = push_index(registry, APP, "many", [others[0], nodes, others[1]])
        images["node"] = nodes
        push_image(registry, "other/tool", "1", docker=True)
    return Stored(storage, images)


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
def signs_in() -> Iterator[Callable[..., TokenServer]]:
    """Start token servers for these users, each at a name of its own port."""
    with ExitStack() as servers:
        yield lambda *arguments, **options: servers.enter_context(
            token_server(*arguments, **options)
        )
