"""What every test stands on: a machine that looks empty, and real registries.

The registries live for the whole session and hold what many tests pushed: take a `repository`, or
a name from `fresh_name`, and look at nothing else in them. A test that needs a registry of its
own, to stop it or to list its catalog, takes `new_registry`.
"""

from __future__ import annotations

import gc
import itertools
import os
import re
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from servers.certificates import Certificates, make_certificates
from servers.dns.lab import DnsLab, dns_lab
from servers.docker_registry import DockerRegistry, docker_registry
from servers.faults import FaultProxy, fault_proxy
from servers.keyring_session import KeyringSession, keyring_session
from servers.moto_ecr import MotoEcr, moto_ecr
from servers.pulp import Pulp, PulpRegistry, pulp
from servers.token_server import TokenServer, token_server
from servers.zuul import zuul_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.registry import Registry

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("transship", deadline=None, database=None)
hypothesis.settings.load_profile("transship")

_FOREIGN = re.compile(
    r"NO_COLOR|FORCE_COLOR|COLORTERM|CLICOLOR.*|PY_COLORS|TTY_.*|COLUMNS|LINES|GITHUB_ACTIONS"
    r"|(TEXTUAL|SSH|DBUS|XDG|TRANSSHIP|DOCKER|REGISTRY|PYTHON_KEYRING|SSL_CERT)_.*"
    r"|(AWS|AZURE|GOOGLE|TENCENTCLOUD)_.*|NETRC|SSLKEYLOGFILE"
    r"|(WAYLAND_)?DISPLAY|.*_PROXY",
    re.IGNORECASE,
)
_count = itertools.count(1)


def pytest_collection_finish() -> None:
    """Take for good all that was loaded and collected: it stays as long as the session does.

    To look through all of it for garbage, again and again, took a third of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 10, 10)


@pytest.fixture(autouse=True)
def empty_machine(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hide the developer's machine: files, colours, proxies, session bus, keyring, time zone."""
    for name in [name for name in os.environ if _FOREIGN.fullmatch(name)]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    places = {
        "HOME": home,
        "TRANSSHIP_HOME": home / "transship",
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_RUNTIME_DIR": home / "run",
        "XDG_STATE_HOME": home / ".local" / "state",
    }
    places["XDG_RUNTIME_DIR"].mkdir(0o700)
    for name, place in places.items():
        monkeypatch.setenv(name, str(place))
    # On macOS and Windows the keyring needs no session bus: without this, tests would find it.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture
def fresh_name(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Make repository names that no other test uses, each with the name of this test in it."""
    slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:60].rstrip("-")
    return lambda: f"tests/{slug}-{next(_count)}"


@pytest.fixture
def repository(fresh_name: Callable[[], str]) -> str:
    """A repository that is this test's own, in whichever registry."""
    return fresh_name()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority that no machine trusts, a server on loopback, and a client."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A registry without a login."""
    with docker_registry(tmp_path_factory.mktemp("open")) as registry:
        yield registry


@pytest.fixture(scope="session")
def other_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A second registry without a login: the other end of a copy."""
    with docker_registry(tmp_path_factory.mktemp("other")) as registry:
        yield registry


@pytest.fixture(scope="session")
def htpasswd_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A registry with a Basic login."""
    with docker_registry(tmp_path_factory.mktemp("htpasswd"), auth="htpasswd") as registry:
        yield registry


@pytest.fixture(scope="session")
def tls_registry(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[DockerRegistry]:
    """A registry over TLS, without a login, with the certificate of `certificates`."""
    with docker_registry(tmp_path_factory.mktemp("tls"), tls=certificates) as registry:
        yield registry


@pytest.fixture(scope="session")
def session_token_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenServer]:
    """The token server of the whole session; a test takes `token_server`."""
    users = {"operator": "correct horse battery", "reader": "only looking"}
    folder = tmp_path_factory.mktemp("token-server")
    with token_server(folder, users, read_only=frozenset({"reader"})) as server:
        yield server


@pytest.fixture(name="token_server")
def reset_token_server(session_token_server: TokenServer) -> TokenServer:
    """The token server of `token_registry`, with every knob turned back and nothing counted."""
    session_token_server.reset()
    return session_token_server


@pytest.fixture(scope="session")
def session_token_registry(
    tmp_path_factory: pytest.TempPathFactory, session_token_server: TokenServer
) -> Iterator[DockerRegistry]:
    """The registry with tokens of the whole session; a test takes `token_registry`."""
    folder = tmp_path_factory.mktemp("token")
    with docker_registry(folder, auth="token", token_server=session_token_server) as registry:
        yield registry


@pytest.fixture
def token_registry(
    session_token_registry: DockerRegistry, token_server: TokenServer
) -> DockerRegistry:
    """A registry with Bearer tokens from `token_server`; user `reader` may only pull."""
    return session_token_registry


@pytest.fixture(scope="session")
def zuul(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """zuul-registry, the awkward one: its user may write, anybody may read."""
    with zuul_registry(tmp_path_factory.mktemp("zuul")) as registry:
        yield registry


@pytest.fixture(scope="session")
def session_ecr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoEcr]:
    """ECR for the whole session; a test takes `ecr`."""
    with moto_ecr(tmp_path_factory.mktemp("ecr")) as service:
        yield service


@pytest.fixture
def ecr(session_ecr: MotoEcr, monkeypatch: pytest.MonkeyPatch) -> MotoEcr:
    """Amazon ECR, as this machine's profile and proxy lead to it: moto and a docker-registry."""
    for name, value in session_ecr.environment.items():
        monkeypatch.setenv(name, value)
    return session_ecr


@pytest.fixture(scope="session", name="pulp")
def running_pulp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulp]:
    """All of pulp-container but its API; only tests that are marked `pulp` may take it."""
    with pulp(tmp_path_factory.mktemp("pulp")) as server:
        yield server


@pytest.fixture(scope="session")
def pulp_registry(pulp: Pulp) -> Iterator[PulpRegistry]:
    """pulp-container, with tokens that live for five minutes; `READER` may only pull."""
    with pulp.registry() as registry:
        yield registry


@pytest.fixture(scope="session")
def session_dns_lab(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[DnsLab]:
    """The name servers and caches of the whole session; a test takes `lab`."""
    with dns_lab(tmp_path_factory.mktemp("dns"), certificates) as lab:
        yield lab


@pytest.fixture
def lab(session_dns_lab: DnsLab) -> Iterator[DnsLab]:
    """Name servers and caches; what a test changes there is put back when it ends."""
    yield session_dns_lab
    session_dns_lab.reset()


@pytest.fixture
def new_registry(tmp_path: Path) -> Iterator[Callable[..., DockerRegistry]]:
    """Start registries of the test's own; takes the options of `docker_registry`."""
    with ExitStack() as registries:

        def start(**options: Any) -> DockerRegistry:
            folder = tmp_path / f"registry-{next(_count)}"
            return registries.enter_context(docker_registry(folder, **options))

        yield start


@pytest.fixture
def proxy_for() -> Iterator[Callable[[Registry], FaultProxy]]:
    """Put a proxy that makes faults in front of a registry without TLS."""
    with ExitStack() as proxies:
        yield lambda registry: proxies.enter_context(fault_proxy(registry.host))


@pytest.fixture
def unlocked_keyring(tmp_path: Path) -> Iterator[KeyringSession]:
    """A D-Bus session with a real gnome-keyring: new, empty and unlocked."""
    with keyring_session(tmp_path / "keyring") as session:
        yield session


@pytest.fixture
def locked_keyring(unlocked_keyring: KeyringSession) -> KeyringSession:
    """The same, locked."""
    unlocked_keyring.lock()
    return unlocked_keyring
