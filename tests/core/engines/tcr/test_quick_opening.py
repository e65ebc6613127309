"""One pair of keys opens an instance, and the SSL service at the same site of the cloud."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from delegating.reaching import Known
from fakes.clock import FakeClock
from servers.tencent import Instances, TencentApi, tencent_api
from servers.tencent.api import SECRET_KEY
from servers.tencent.domains import ACTIONS, Custom
from transship import errors
from transship.engines.tcr.attachment import open_instance

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
def known(api: TencentApi) -> Known:
    known = Known()
    known.add(HOST, service="tcr", api=api.host)
    return known


async def test_the_engines_of_an_instance_are_asked_with_its_keys(
    api: TencentApi, known: Known, clock: FakeClock
) -> None:
    instance = api.of(Instances).add("team", HOST, region="ap-shanghai")
    instance.domains = {"images.example.com": "SUCCESS"}
    api.of(Custom).hold("cert-1", ["images.example.com"])

    async with known.reached(clock) as reach:
        found = await open_instance(reach, HOST)
        (domain,) = await found.domains.domains()
        (certificate,) = await found.domains.certificates.all()

    assert {found.network.name, found.domains.name} == {
        f"TCR instance team ({instance.id}, ap-shanghai)"
    }
    assert (domain.name, certificate.id) == ("images.example.com", "cert-1")
    assert SECRET_KEY not in repr(found)


async def test_a_host_that_is_no_instances_is_said(known: Known, clock: FakeClock) -> None:
    async with known.reached(clock) as reach:
        with pytest.raises(errors.NoInstance):
            await open_instance(reach, HOST)
