"""A Harbor that replicates, the engine that asks it, and a journal for what is made.

Harbor itself can't be had here: `servers.harbor_replication` stands in, and copies with skopeo.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from delegating.desk import Desk
from servers.docker_registry import DockerRegistry
from servers.harbor_replication.server import ADMIN, PASSWORD, ReplicatingHarbor, replicating_harbor
from transship.clock import SystemClock
from transship.engines.changes import ChangeJournal
from transship.engines.harbor.adapters import RemoteRegistry
from transship.engines.harbor.engine import HarborEngine
from transship.registry.credential import Credential
from transship.registry.distribution import DistributionRegistry
from transship.registry.http.rate_limiter import RetryPolicy
from transship.services.harbor import HARBOR

SOON = RetryPolicy(attempts=2, seconds=5)


@pytest.fixture
def server(open_registry: DockerRegistry) -> Iterator[ReplicatingHarbor]:
    with replicating_harbor(open_registry) as server:
        yield server


@pytest.fixture
async def as_user(
    server: ReplicatingHarbor,
) -> AsyncIterator[Callable[[str, str], HarborEngine]]:
    """Open the engine as a user of Harbor."""
    opened: list[DistributionRegistry] = []

    def open_as(user: str, password: str = PASSWORD) -> HarborEngine:
        login = Credential(user, password)
        registry = DistributionRegistry(
            server.host, credential=login, service=HARBOR, patience=SOON
        )
        opened.append(registry)
        return HarborEngine(server.host, registry.asks())

    yield open_as
    for registry in opened:
        await registry.aclose()


@pytest.fixture
def engine(as_user: Callable[[str], HarborEngine]) -> HarborEngine:
    return as_user(ADMIN)


@pytest.fixture
def target(htpasswd_registry: DockerRegistry) -> RemoteRegistry:
    """A registry with a login, which Harbor has to be handed."""
    return RemoteRegistry(
        htpasswd_registry.host, username=htpasswd_registry.username or "", plain_http=True
    )


@pytest.fixture
def desk(engine: HarborEngine, htpasswd_registry: DockerRegistry, tmp_path: Path) -> Desk:
    login = Credential(htpasswd_registry.username or "", htpasswd_registry.password or "")
    journal = ChangeJournal(tmp_path / "delegations", SystemClock())
    return Desk(engine, journal, {htpasswd_registry.host: login})
