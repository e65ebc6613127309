"""The cloud that stands in for Tencent's, and how it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from fakes.clock import FakeClock
from servers.tencent import TencentApi, tencent_api
from servers.tencent.api import SECRET_ID, SECRET_KEY
from transship.registry.access import Access, open_distribution
from transship.registry.credential import Credential, Tls
from transship.registry.distribution import DistributionRegistry
from transship.registry.http.endpoint import CloudApi
from transship.registry.service import ApiKeys
from transship.services.tencent_cloud import TencentCloud

Opened = Callable[..., DistributionRegistry]


@pytest.fixture
def api(clock: FakeClock) -> Iterator[TencentApi]:
    with tencent_api() as api:
        api.now = clock.now
        yield api


@pytest.fixture
def keys(api: TencentApi) -> ApiKeys:
    return ApiKeys(api.host, Credential(SECRET_ID, SECRET_KEY), Tls())


@pytest.fixture
async def cloud(keys: ApiKeys, clock: FakeClock) -> AsyncIterator[TencentCloud]:
    cloud = CloudApi(keys, clock)
    yield TencentCloud(cloud.ask, keys.host)
    await cloud.aclose()


@pytest.fixture
async def opened(api: TencentApi, clock: FakeClock) -> AsyncIterator[Opened]:
    """Open registries with the keys of the cloud; they are closed at the end."""
    async with AsyncExitStack() as stack:

        def open_(
            host: str, credential: Credential | None = None, **more: Any
        ) -> DistributionRegistry:
            keys = Access(api.host, credential=Credential(SECRET_ID, SECRET_KEY))
            access = Access(host, credential=credential, **{"api": keys, **more})
            registry = open_distribution(access, clock=clock)
            stack.push_async_callback(registry.aclose)
            return registry

        yield open_
