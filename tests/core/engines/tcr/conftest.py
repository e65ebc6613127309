"""An instance of TCR and a personal account at the stand-in cloud, and who agrees to changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from delegating.tencent import (
    CCR,
    HOST,
    NAME,
    Agreeing,
    Files,
    asking,
)
from fakes.clock import FakeClock
from servers.tencent import Instance, Instances, Personal, TencentApi, tencent_api
from servers.tencent import domains as custom_domains
from servers.tencent import network as access
from servers.tencent import quick as moving
from transship.engines.changes import ChangeJournal
from transship.engines.tcr import quick_transfer
from transship.engines.tcr.api import InstanceApi
from transship.engines.tcr.certificates import CertificateService
from transship.engines.tcr.domains import DomainEngine
from transship.engines.tcr.network_access import NetworkEngine
from transship.engines.tcr.quick_transfer import QuickTransfer, QuickTransferTerms
from transship.services.tencent_cloud import SSL, TencentCloud, instance_at


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api(clock: FakeClock) -> Iterator[TencentApi]:
    with tencent_api(access.ACTIONS, custom_domains.ACTIONS, moving.ACTIONS) as api:
        api.now = clock.now
        yield api


@pytest.fixture
def instance(api: TencentApi) -> Instance:
    api.of(Instances).add("other", "other.tencentcloudcr.com")
    return api.of(Instances).add("team", HOST, region="ap-shanghai", edition="basic")


@pytest.fixture
async def cloud(api: TencentApi, clock: FakeClock) -> AsyncIterator[TencentCloud]:
    async with asking(api, clock) as cloud:
        yield cloud


@pytest.fixture
async def at(cloud: TencentCloud, instance: Instance) -> InstanceApi:
    return InstanceApi(cloud, await instance_at(cloud, HOST))


@pytest.fixture
def operator(tmp_path: Path, clock: FakeClock) -> Agreeing:
    return Agreeing(ChangeJournal(tmp_path / "delegations", clock))


@pytest.fixture
def network(at: InstanceApi, clock: FakeClock) -> NetworkEngine:
    return NetworkEngine(at, clock)


@pytest.fixture
def custom(api: TencentApi) -> custom_domains.Custom:
    """Certificates: two that are for the domain, and one for each reason not to take it."""
    custom = api.of(custom_domains.Custom)
    custom.hold("cert-wild", ["*.example.com", "example.com"], ends="2027-06-01 07:59:59")
    custom.hold("cert-exact", [NAME], ends="2027-01-01 07:59:59")
    custom.hold("cert-other", ["other.example.net"])
    custom.hold("cert-review", [NAME], status=0)
    custom.hold("cert-ended", [NAME], ends="2024-01-01 07:59:59")
    custom.hold("cert-sm2", [NAME], national=True)
    return custom


@pytest.fixture
async def domains(
    api: TencentApi, at: InstanceApi, clock: FakeClock
) -> AsyncIterator[DomainEngine]:
    async with asking(api, clock, SSL) as ssl:
        yield DomainEngine(at, CertificateService(ssl), clock)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A certificate for the domain with the one above it, its key, and the key of another."""
    folder = tmp_path_factory.mktemp("certificate")
    authority = trustme.CA()
    leaf = authority.issue_cert(NAME, "www.example.com")
    chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems) + authority.cert_pem.bytes()
    made = Files(folder / "chain.pem", folder / "key.pem", folder / "other.pem")
    made.chain.write_bytes(chain)
    leaf.private_key_pem.write_to_path(str(made.key))
    authority.issue_cert(NAME).private_key_pem.write_to_path(str(made.other_key))
    return made


@pytest.fixture
def account(api: TencentApi) -> Personal:
    """Three namespaces: for everybody, with something private in it, and with nothing in it."""
    personal = api.of(Personal)
    personal.servers = {"ap-guangzhou": CCR}
    personal.namespaces = {"open": ["web"], "shop": ["api", "web"], "void": []}
    personal.public = {"open/web": True, "shop/web": True}
    personal.descriptions = {"shop/api": "The shop's API.\n\nAsk *team shop*."}
    api.of(moving.Images).tags = {
        "open/web": ["1.0"],
        "shop/api": [f"v{number}" for number in range(130)],
        "shop/web": ["1.0", "latest"],
    }
    return personal


@pytest.fixture
def wish(
    account: Personal, cloud: TencentCloud, at: InstanceApi
) -> Callable[..., Awaitable[QuickTransfer]]:
    """Ask what a quick migration would make and copy, on these terms."""

    async def wished(**terms: Any) -> QuickTransfer:
        return await quick_transfer.plan_quick_transfer(cloud, CCR, at, QuickTransferTerms(**terms))

    return wished
