"""The account of the cloud's API: where it is, what it takes, and whether it is taken."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from servers.tencent.api import SECRET_ID, SECRET_KEY
from transship import errors
from transship.accounts.registry_file import Account, api_hosts_of
from transship.registry.access import Access, open_distribution
from transship.registry.credential import Credential
from transship.registry.examination import examine
from transship.registry.service import service_of
from transship.services.tencent import TENCENT_API

if TYPE_CHECKING:
    from servers.tencent import TencentApi

RIGHT = Credential(SECRET_ID, SECRET_KEY)


@pytest.fixture(autouse=True)
def with_the_machines_clock(api: TencentApi) -> None:
    api.now = time.time


def access(api: TencentApi, credential: Credential | None = RIGHT) -> Access:
    return Access(api.host, credential=credential, service="tencent-api")


async def test_keys_that_are_taken_are_good(api: TencentApi) -> None:
    seen = await examine(access(api))

    assert (seen.usable, seen.signed_in) == (True, True), seen.problem
    assert api.actions() == ["DescribeRegions"]


async def test_it_has_no_repositories_and_is_not_asked_for_any(api: TencentApi) -> None:
    async with aclosing(open_distribution(access(api))) as registry:
        with pytest.raises(errors.CatalogClosed, match="holds no images"):
            _ = [name async for name in registry.repositories()]
    assert api.asked == []


async def test_keys_without_rights_are_taken_all_the_same(api: TencentApi) -> None:
    api.denied = {"DescribeRegions"}

    assert (await examine(access(api))).usable


async def test_wrong_keys_are_the_problem(api: TencentApi) -> None:
    seen = await examine(access(api, Credential(SECRET_ID, "another")))

    assert isinstance(seen.problem, errors.WrongCredential)
    assert "SignatureFailure" in str(seen.problem)


async def test_what_is_no_secret_id_goes_nowhere(api: TencentApi) -> None:
    seen = await examine(access(api, Credential("100000000001", "the registry's password")))

    assert isinstance(seen.problem, errors.WrongCredential)
    assert "AKID" in str(seen.problem)
    assert api.codes == []


async def test_without_keys_they_are_asked_for(api: TencentApi) -> None:
    seen = await examine(access(api, None))

    assert isinstance(seen.problem, errors.ApiKeysNeeded)


@pytest.mark.parametrize(
    ("host", "is_it"),
    [
        ("tcr.tencentcloudapi.com", True),
        ("tcr.intl.tencentcloudapi.com", True),
        ("tcr.ap-shanghai.tencentcloudapi.com", True),
        ("cvm.tencentcloudapi.com", False),
        ("tcr.tencentcloudapi.com.evil.example", False),
        ("eviltcr.tencentcloudapi.com", False),
    ],
)
def test_its_hosts_are_known(host: str, is_it: bool) -> None:
    assert (service_of(host) is TENCENT_API) == is_it


def test_both_editions_know_where_their_keys_are() -> None:
    wanted = ("tcr.tencentcloudapi.com", "tcr.intl.tencentcloudapi.com")

    assert api_hosts_of("team.tencentcloudcr.com", None) == wanted
    assert api_hosts_of("ccr.ccs.tencentyun.com", None) == wanted
    own = Account("images.example.com", service="tcr", api="127.0.0.1:1")
    assert api_hosts_of("images.example.com", own) == ("127.0.0.1:1",)
    assert not TENCENT_API.holds_images
