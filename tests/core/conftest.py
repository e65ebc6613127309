"""The registries that the client is tried against, and how a test opens them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from clients.opening import LOGIN, Access, Connect, Open, access_to
from clients.realm import challenge, token
from fakes.clock import FakeClock
from servers.certificates import Certificates
from servers.scripted import ScriptedServer, scripted_server
from transship.registry.credential import Tls
from transship.registry.distribution import DistributionRegistry
from transship.registry.http.client import Timeouts, Transport
from transship.sandbox.registry_server import SandboxRegistry


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def connect(clock: FakeClock) -> AsyncIterator[Connect]:
    """Open registries, on a clock that makes no test wait; they are closed at the end."""
    async with AsyncExitStack() as stack:

        def opened(host: str, **options: Any) -> DistributionRegistry:
            registry = DistributionRegistry(host, **{"clock": clock, **options})
            stack.push_async_callback(registry.aclose)
            return registry

        yield opened


@pytest.fixture(params=["open", "htpasswd", "token", "tls", "sandbox", "sandbox with a login"])
async def access(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Access]:
    """The registries on which the same story is told: real ones, and the sandbox's own."""
    kind: str = request.param
    if kind.startswith("sandbox"):
        users = {LOGIN.username: LOGIN.secret} if "login" in kind else None
        folder = tmp_path_factory.mktemp("sandbox")
        async with SandboxRegistry(folder, users=users) as sandbox:
            yield Access(sandbox.host, LOGIN if users else None)
    else:
        yield access_to(request.getfixturevalue(f"{kind}_registry"))


@pytest.fixture
async def registry(access: Access, connect: Connect) -> DistributionRegistry:
    """The client of one of the registries of `access`."""
    return connect(access.host, credential=access.credential, tls=access.tls)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxRegistry]:
    """A registry of the sandbox, without a login."""
    async with SandboxRegistry(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A server that answers what the test says."""
    with scripted_server() as server:
        yield server


@pytest.fixture
def scripted_tls(certificates: Certificates) -> Iterator[ScriptedServer]:
    """The same, over TLS."""
    with scripted_server(certificates) as server:
        yield server


@pytest.fixture
def access_tls(scripted_tls: ScriptedServer, certificates: Certificates) -> Access:
    """What it takes to use `scripted_tls`."""
    return Access(scripted_tls.host, LOGIN, Tls(ca_file=str(certificates.ca_file)))


@pytest.fixture
def bearer(scripted: ScriptedServer) -> ScriptedServer:
    """A registry that wants tokens and takes every one, and its token server."""
    scripted.on("GET", "/v2/", challenge(scripted))
    scripted.on("GET", "/token.*", token(token="t", expires_in=300))
    return scripted


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Open transports that are closed at the end."""
    transports: list[Transport] = []

    def open_(host: str, tls: Tls | None = None, timeouts: Timeouts | None = None) -> Transport:
        transports.append(Transport(host, tls or Tls(), timeouts))
        return transports[-1]

    yield open_
    for transport in transports:
        await transport.aclose()
