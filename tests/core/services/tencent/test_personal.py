"""CCR lists and makes by the cloud's API, one region at a time; `servers.tencent` stands in for it.

The registry itself isn't there: nothing is asked of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from servers.tencent import Personal
from transship import errors
from transship.registry.registry import MissingTarget, TargetOutlook, TargetStatus, Visibility
from transship.registry.service import Creator

if TYPE_CHECKING:
    from servers.tencent import Call, TencentApi
    from transship.registry.distribution import DistributionRegistry

HOST, HONG_KONG = "ccr.ccs.tencentyun.com", "hkccr.ccs.tencentyun.com"
PRIVATE = Visibility.PRIVATE
WEB = MissingTarget("repository and namespace", "team/web")
PERHAPS = MissingTarget("repository", "team/web", perhaps=True)


@pytest.fixture
def account(api: TencentApi) -> Personal:
    personal = api.of(Personal)
    personal.servers = {"ap-guangzhou": HOST, "ap-hongkong": HONG_KONG}
    return personal


@pytest.fixture
def registry(opened: Callable[..., DistributionRegistry]) -> DistributionRegistry:
    return opened(HOST)


async def look(registry: DistributionRegistry, writes: dict[str, bool]) -> TargetOutlook:
    foreseer = registry.foreseer()
    assert foreseer is not None
    return await foreseer.look(writes)


def creator_of(registry: DistributionRegistry) -> Creator:
    creator = registry.creator()
    assert creator is not None
    return creator


async def test_all_that_is_the_accounts_is_listed(
    api: TencentApi, account: Personal, registry: DistributionRegistry
) -> None:
    account.namespaces = {"team": [f"web-{n:03}" for n in range(230)], "other": ["api"]}

    found = [name async for name in registry.repositories()]

    assert found == ["other/api", *(f"team/web-{n:03}" for n in range(230))]
    offsets = [call["Offset"] for call in api.calls("DescribeRepositoryOwnerPersonal")]
    assert offsets == [0, 0, 100, 200], "the first asks where it is"


async def test_each_host_is_asked_in_its_region(
    api: TencentApi, account: Personal, opened: Callable[..., DistributionRegistry]
) -> None:
    account.namespaces = {"team": ["web"]}

    assert [name async for name in opened(HONG_KONG).repositories()] == ["team/web"]
    assert {call.region for call in api.asked} == {"ap-hongkong"}


async def test_what_is_elsewhere_is_not_listed_as_if_it_were_here(
    account: Personal, registry: DistributionRegistry
) -> None:
    account.servers = {"ap-guangzhou": "other.ccs.tencentyun.com"}
    account.namespaces = {"team": ["web"]}

    with pytest.raises(errors.NoInstance, match=r"answers for other\.ccs"):
        await look(registry, {"team/web": False})
    with pytest.raises(errors.NoInstance):
        await creator_of(registry).create(WEB, PRIVATE)
    assert account.public == {}


async def test_an_account_without_the_personal_edition_is_told(
    account: Personal, registry: DistributionRegistry
) -> None:
    account.servers = {}

    with pytest.raises(errors.CloudRefused, match="ErrNoUserInitialized") as refused:
        await look(registry, {"team/web": False})

    assert "Switch the personal edition on" in refused.value.remedy


async def test_a_namespace_is_there_or_missing_or_anothers(
    account: Personal, registry: DistributionRegistry
) -> None:
    account.namespaces = {"team": ["api"]}
    account.taken = {"nginx"}
    wanted = ("team/api", "team/web", "new/web", "nginx/web", "library/web")

    outlook = await look(registry, dict.fromkeys(wanted, False))

    assert outlook == TargetOutlook(
        {
            "team/api": TargetStatus(),
            "team/web": TargetStatus(missing=PERHAPS),
            "new/web": TargetStatus(missing=MissingTarget("repository and namespace", "new/web")),
            "nginx/web": TargetStatus(
                read_only="the namespace nginx belongs to another account; names are one for all "
                "here"
            ),
            "library/web": TargetStatus(read_only="the service keeps the name library for itself"),
        }
    )


async def test_what_can_not_be_asked_is_unknown(
    api: TencentApi, account: Personal, registry: DistributionRegistry
) -> None:
    api.denied = {"ValidateNamespaceExistPersonal", "DescribeUserQuotaPersonal"}
    account.namespaces = {"team": ["web"]}

    outlook = await look(registry, {"team/web": False, "new/web": False})

    assert outlook.standings == {"team/web": TargetStatus()}
    assert [(each.what, each.of) for each in outlook.unknown] == [
        ("whether namespaces are there", "new"),
        ("whether there is room for what is new", ""),
    ]


async def test_the_quota_may_have_no_room(
    account: Personal, registry: DistributionRegistry
) -> None:
    account.namespaces = {"team": ["web"], "other": []}
    account.quota = {"namespace": 2, "repo": 2}

    assert (await look(registry, {"team/web": False, "other/web": False})).unknown == ()
    outlook = await look(registry, {"new/web": False, "new/api": False})

    assert [str(each.why.detail) for each in outlook.unknown] == [
        "the account would have 3 namespaces; its quota is 2",
        "the account would have 3 repositories; its quota is 2",
    ]


@pytest.mark.parametrize(("visibility", "public"), [(PRIVATE, False), (Visibility.PUBLIC, True)])
@pytest.mark.parametrize("namespaces", [{}, {"team": []}])
async def test_a_repository_is_made_with_its_namespace_for_whom_it_shall_be(
    visibility: Visibility,
    public: bool,
    namespaces: dict[str, list[str]],
    account: Personal,
    registry: DistributionRegistry,
) -> None:
    account.namespaces = {"team-b": [], **{name: [] for name in namespaces}}
    creator = creator_of(registry)
    missing = PERHAPS if namespaces else WEB
    assert creator.refusal(missing, visibility) == ""
    assert not await creator.has(missing)

    await creator.create(missing, visibility)

    assert await creator.has(missing)
    assert account.namespaces == {"team-b": [], "team": ["web"]}
    assert account.public == {"team/web": public}


async def test_a_namespace_that_was_made_meanwhile_is_used(
    api: TencentApi, account: Personal, registry: DistributionRegistry
) -> None:
    creator = creator_of(registry)
    create = api._actions["CreateNamespacePersonal"]

    def somebody_was_faster(call: Call) -> dict[str, Any]:
        account.namespaces["team"] = []
        return create(call)

    api._actions["CreateNamespacePersonal"] = somebody_was_faster
    await creator.create(WEB, PRIVATE)

    assert account.namespaces == {"team": ["web"]}


async def test_a_name_that_another_account_has_is_said_in_words(
    api: TencentApi, account: Personal, registry: DistributionRegistry
) -> None:
    account.taken = {"team"}

    with pytest.raises(errors.CloudHasIt, match="belongs to another account"):
        await creator_of(registry).create(WEB, PRIVATE)

    assert not await creator_of(registry).has(WEB)
    assert "CreateNamespacePersonal" not in api.actions()


async def test_one_that_is_there_is_not_made_again(
    account: Personal, registry: DistributionRegistry
) -> None:
    account.namespaces = {"team": ["web"]}

    with pytest.raises(errors.CloudHasIt, match="ErrRepoExist"):
        await creator_of(registry).create(PERHAPS, PRIVATE)

    assert account.namespaces == {"team": ["web"]}


@pytest.mark.parametrize("quota", [{"namespace": 0, "repo": 1}, {"namespace": 1, "repo": 0}])
async def test_the_clouds_own_quota_is_the_reason(
    quota: dict[str, int], account: Personal, registry: DistributionRegistry
) -> None:
    account.quota = quota

    with pytest.raises(errors.QuotaExceeded):
        await creator_of(registry).create(WEB, PRIVATE)


def test_what_can_not_be_made_so_is_said(registry: DistributionRegistry) -> None:
    creator = creator_of(registry)
    of_the_service = MissingTarget(WEB.kind, "tke/web")

    assert "keeps the name tke" in creator.refusal(of_the_service, PRIVATE)
    assert "2 to 30" in creator.refusal(MissingTarget(WEB.kind, "a/web"), PRIVATE)
