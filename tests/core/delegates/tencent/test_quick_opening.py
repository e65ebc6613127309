"""One pair of keys opens an instance, and the SSL service at the same site of the cloud."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fakes.clock import FakeClock
from servers.tencent import Instances, TencentApi, tencent_api
from servers.tencent.api import SECRET_ID, SECRET_KEY
from servers.tencent.domains import ACTIONS, Custom
from transship import errors
from transship.delegates.tencent.opening import opened
from transship.registries.credential import Credential, Tls
from transship.registries.services.api import Keys

HOST = "team.tencentcloudcr.com"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api(clock: FakeClock) -> Iterator[TencentApi]:
    with tencent_api(ACTIONS) as api:
        api.now = clock.now
        yield api


@pytest.fixture
def keys(api: TencentApi) -> Keys:
    return Keys(api.host, Credential(SECRET_ID, SECRET_KEY), Tls())


async def test_the_engines_of_an_instance_are_asked_with_its_keys(
    api: TencentApi, keys: Keys, clock: FakeClock
) -> None:
    instance = api.of(Instances).add("team", HOST, region="ap-shanghai")
    instance.domains = {"images.example.com": "SUCCESS"}
    api.of(Custom).hold("cert-1", ["images.example.com"])

    async with opened(keys, HOST, clock) as found:
        names = {found.network.name, found.domains.name, found.spaces.name}
        (domain,) = await found.domains.domains()
        (certificate,) = await found.domains.certificates.all()

    assert names == {f"TCR instance team ({instance.id}, ap-shanghai)"}
    assert (domain.name, certificate.id) == ("images.example.com", "cert-1")
    assert SECRET_KEY not in repr(found)


async def test_a_host_that_is_no_instances_is_said(
    api: TencentApi, keys: Keys, clock: FakeClock
) -> None:
    with pytest.raises(errors.NoInstance):
        async with opened(keys, HOST, clock):
            raise AssertionError
