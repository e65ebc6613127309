"""Two instances of TCR, the cloud that moves images between them, and a journal for what is made.

The cloud can't be had here: `servers.tencent` stands in, and copies with skopeo between registries
that are real.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from delegating.tcr import NEW, OLD, OWNER, PEER, TOKEN, CloudDesk
from fakes.clock import FakeClock
from servers.docker_registry import DockerRegistry, docker_registry
from servers.registry import Registry
from servers.tencent import Instance as Stand
from servers.tencent import Instances, TencentApi, tencent_api
from servers.tencent import replicas as replica_actions
from servers.tencent import replication as rule_actions
from servers.tencent.api import SECRET_ID, SECRET_KEY
from servers.tencent.replication import Replication
from transship.clock import SystemClock
from transship.engines.changes import ChangeJournal
from transship.engines.tcr.sync_rules import SyncDestination, SyncRuleEngine
from transship.registry.credential import Credential, Tls
from transship.registry.http.endpoint import CloudApi
from transship.registry.service import ApiKeys
from transship.services.tencent_cloud import TcrInstance, TencentCloud, instances


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api(clock: FakeClock) -> Iterator[TencentApi]:
    with tencent_api(rule_actions.ACTIONS, replica_actions.ACTIONS) as api:
        api.now = clock.now
        api.of(Replication).now = clock.now
        yield api


@pytest.fixture
async def cloud(api: TencentApi, clock: FakeClock) -> AsyncIterator[TencentCloud]:
    keys = ApiKeys(api.host, Credential(SECRET_ID, SECRET_KEY), Tls())
    cloud = CloudApi(keys, clock)
    yield TencentCloud(cloud.ask, keys.host)
    await cloud.aclose()


@pytest.fixture
def replication(api: TencentApi) -> Replication:
    return api.of(Replication)


@pytest.fixture
def old(api: TencentApi, replication: Replication, open_registry: Registry) -> Stand:
    """The instance that images come from, with a real registry behind it."""
    made = api.of(Instances).add("old", OLD, edition="premium")
    replication.registries[made.id] = open_registry
    return made


@pytest.fixture
def new(api: TencentApi, old: Stand, replication: Replication, other_registry: Registry) -> Stand:
    """The instance that they go to, in another region."""
    made = api.of(Instances).add("new", NEW, region="eu-frankfurt", region_id=17)
    replication.registries[made.id] = other_registry
    return made


@pytest.fixture(scope="session")
def peer_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A registry that only the other owner's token opens."""
    folder = tmp_path_factory.mktemp("peer")
    with docker_registry(folder, auth="htpasswd", login=(OWNER, TOKEN)) as registry:
        yield registry


@pytest.fixture
def peer(old: Stand, replication: Replication, peer_registry: DockerRegistry) -> SyncDestination:
    """An instance of another owner, which the keys don't see."""
    made = Stand("tcr-0000peer", "peer", PEER, region="ap-singapore", region_id=9)
    replication.registries[made.id] = peer_registry
    replication.foreign[OWNER] = made
    return SyncDestination(made.id, PEER, 9, region="ap-singapore", uin=OWNER)


@pytest.fixture
async def source(cloud: TencentCloud, old: Stand) -> TcrInstance:
    """The source, as the API tells of it."""
    return next(each for each in await instances(cloud) if each.id == old.id)


@pytest.fixture
async def target(cloud: TencentCloud, new: Stand) -> SyncDestination:
    """The destination, as the API tells of it."""
    found = next(each for each in await instances(cloud) if each.id == new.id)
    return SyncDestination.of(found)


@pytest.fixture
def engine(cloud: TencentCloud, source: TcrInstance) -> SyncRuleEngine:
    return SyncRuleEngine(cloud, source)


@pytest.fixture
def journal(tmp_path: Path) -> ChangeJournal:
    return ChangeJournal(tmp_path / "delegations", SystemClock())


@pytest.fixture
def desk(engine: SyncRuleEngine, journal: ChangeJournal) -> CloudDesk:
    return CloudDesk(engine, journal, {PEER: Credential("200000000003", TOKEN)})
