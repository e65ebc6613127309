"""An account of Alibaba Cloud's API itself; `servers.alibaba` stands in for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from clients.opening import told
from servers.alibaba import KEY_ID, KEY_SECRET, AlibabaApi, Refused, alibaba_api
from transship import errors
from transship.accounts.registry_file import Account, api_hosts_of
from transship.clock import SystemClock
from transship.registry.access import Access, open_distribution
from transship.registry.credential import Credential, Tls
from transship.registry.service import ApiKeys, service_of
from transship.services.alibaba import ALIBABA_API

if TYPE_CHECKING:
    from clients.opening import Connect
    from transship.registry.distribution import DistributionRegistry

PERSONAL = "registry.cn-hangzhou.aliyuncs.com"
ENTERPRISE = "example-registry.cn-hangzhou.cr.aliyuncs.com"
LOGIN = Credential(KEY_ID, KEY_SECRET)


@pytest.fixture
def api() -> Iterator[AlibabaApi]:
    with alibaba_api() as api:
        yield api


def opened(
    api: AlibabaApi, connect: Connect, credential: Credential = LOGIN
) -> DistributionRegistry:
    keys = ApiKeys(api.host, credential, Tls())
    return connect(api.host, service=ALIBABA_API, keys=keys, clock=SystemClock())


@pytest.mark.parametrize(
    ("host", "kind", "keys_at"),
    [
        (PERSONAL, "alibaba", ("cr.cn-hangzhou.aliyuncs.com",)),
        (f"{PERSONAL}:443", "alibaba", ("cr.cn-hangzhou.aliyuncs.com",)),
        ("registry-vpc.cn-beijing.aliyuncs.com", "alibaba", ("cr.cn-beijing.aliyuncs.com",)),
        ("registry-intl.us-west-1.aliyuncs.com", "alibaba", ("cr.us-west-1.aliyuncs.com",)),
        (
            "crpi-u3ezxc1o5hirfddw.cn-shanghai.personal.cr.aliyuncs.com",
            "alibaba",
            ("cr.cn-shanghai.aliyuncs.com",),
        ),
        (ENTERPRISE, "alibaba", ("cr.cn-hangzhou.aliyuncs.com",)),
        (
            "my-own-registry-vpc.cn-hangzhou.cr.aliyuncs.com",
            "alibaba",
            ("cr.cn-hangzhou.aliyuncs.com",),
        ),
        ("cr.cn-hangzhou.aliyuncs.com", "alibaba-api", ()),
        ("oss.cn-hangzhou.aliyuncs.com", "registry", ()),
    ],
)
def test_a_host_tells_the_service_and_where_its_keys_are(
    host: str, kind: str, keys_at: tuple[str, ...]
) -> None:
    assert service_of(host).kind == kind
    assert api_hosts_of(host, None) == keys_at


def test_a_domain_of_ones_own_does_not_tell_where_its_keys_are() -> None:
    account = Account("images.example.com", service="alibaba")

    assert api_hosts_of(account.host, account) == ()
    named = replace(account, api="cr.cn-hangzhou.aliyuncs.com")
    assert api_hosts_of(named.host, named) == ("cr.cn-hangzhou.aliyuncs.com",)


async def test_they_are_tried(api: AlibabaApi) -> None:
    access = Access(api.host, credential=LOGIN, service="alibaba-api")
    registry = open_distribution(access, clock=SystemClock())
    await registry.check_sign_in()
    await registry.aclose()

    assert api.asked == ["ListInstance"]


async def test_keys_for_the_personal_edition_alone_are_taken(
    api: AlibabaApi, connect: Connect
) -> None:
    api.refuses = {"ListInstance": [Refused(403, "NoPermission")]}
    await opened(api, connect).check_sign_in()
    assert api.asked == ["ListInstance", "GetNamespaceList"]


@pytest.mark.parametrize(
    ("credential", "code"),
    [
        (Credential("LTAI-another", KEY_SECRET), "InvalidAccessKeyId"),
        (Credential(KEY_ID, "another secret"), "SignatureDoesNotMatch"),
    ],
)
async def test_wrong_ones_are_refused_and_not_told(
    credential: Credential, code: str, api: AlibabaApi, connect: Connect
) -> None:
    with pytest.raises(errors.WrongCredential, match=code) as caught:
        await opened(api, connect, credential).check_sign_in()
    assert credential.secret not in told(caught.value)


async def test_a_clock_that_is_off_is_named(api: AlibabaApi, connect: Connect) -> None:
    keys = ApiKeys(api.host, LOGIN, Tls())
    with pytest.raises(errors.WrongCredential) as caught:
        await connect(api.host, service=ALIBABA_API, keys=keys).check_sign_in()
    assert "clock" in caught.value.remedy


@pytest.mark.parametrize("status", [400, 429, 503])
async def test_it_waits_where_it_is_throttled(
    status: int, api: AlibabaApi, connect: Connect
) -> None:
    api.refuses = {"ListInstance": [Refused(status, "Throttling.User")]}

    await opened(api, connect).check_sign_in()

    assert api.asked == ["ListInstance", "ListInstance"]
