"""TCR lists, foresees, makes and hands out by the cloud's API; `servers.tencent` stands in for it.

The registry itself isn't there: nothing is asked of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from servers.scripted import Reply
from servers.tencent import Instances
from servers.tencent.api import UIN
from servers.tencent.enterprise import Namespace
from transship import errors
from transship.registry.registry import MissingTarget, TargetOutlook, TargetStatus, Visibility
from transship.registry.service import Creator, SignsIn
from transship.services.tencent import TCR

if TYPE_CHECKING:
    from servers.scripted import ScriptedServer
    from servers.tencent import Instance, TencentApi
    from transship.registry.distribution import DistributionRegistry

HOST = "team.tencentcloudcr.com"
PRIVATE, PUBLIC = Visibility.PRIVATE, Visibility.PUBLIC
TEAM = MissingTarget("namespace", "team")


@pytest.fixture
def instance(api: TencentApi) -> Instance:
    api.of(Instances).add("other", "other.tencentcloudcr.com", region="eu-frankfurt")
    return api.of(Instances).add("team", HOST, region="ap-shanghai")


@pytest.fixture
def registry(opened: Callable[..., DistributionRegistry]) -> DistributionRegistry:
    return opened(HOST)


async def names(registry: DistributionRegistry) -> list[str]:
    return [name async for name in registry.repositories()]


async def look(registry: DistributionRegistry, writes: dict[str, bool]) -> TargetOutlook:
    foreseer = registry.foreseer()
    assert foreseer is not None
    return await foreseer.look(writes)


def creator_of(registry: DistributionRegistry) -> Creator:
    creator = registry.creator()
    assert creator is not None
    return creator


class TestLists:
    async def test_what_is_in_every_namespace(
        self, api: TencentApi, instance: Instance, registry: DistributionRegistry
    ) -> None:
        instance.namespaces = {
            "team": Namespace(repositories=[f"web-{n:03}" for n in range(250)] + ["deep/er/api"]),
            "tea": Namespace(repositories=["pot"]),
            "empty": Namespace(),
        }

        found = await names(registry)

        assert found == ["tea/pot", "team/deep/er/api", *(f"team/web-{n:03}" for n in range(250))]
        assert registry.unlisted == {}
        # A name finds what it is a part of too, so `tea` is asked over `team` as well.
        pages = [
            (call["NamespaceName"], call["Offset"]) for call in api.calls("DescribeRepositories")
        ]
        assert sorted(pages) == [
            ("empty", 1),
            *(("tea", number) for number in (1, 2, 3)),
            *(("team", number) for number in (1, 2, 3)),
        ]

    async def test_a_namespace_that_may_not_be_looked_into_is_named(
        self, instance: Instance, registry: DistributionRegistry
    ) -> None:
        instance.namespaces = {
            "team": Namespace(repositories=["web"]),
            "closed": Namespace(repositories=["secret"], may_look_into=False),
        }

        assert await names(registry) == ["team/web"]
        assert list(registry.unlisted) == ["closed"]
        assert isinstance(registry.unlisted["closed"], errors.NoRight)

    async def test_one_whose_list_does_not_come_whole_is_named(
        self, api: TencentApi, instance: Instance, registry: DistributionRegistry
    ) -> None:
        instance.namespaces = {"team": Namespace(repositories=["web"])}
        api.of(Instances).said = {"DescribeRepositories": 3}

        assert await names(registry) == []
        assert "1 of 4 entries came" in str(registry.unlisted["team"])

    async def test_what_may_pass_is_not_taken_for_a_short_list(
        self, api: TencentApi, instance: Instance, registry: DistributionRegistry
    ) -> None:
        instance.namespaces = {f"team-{n}": Namespace(repositories=["web"]) for n in range(20)}
        api.refuses = {"DescribeRepositories": ["InternalError"] * 100}

        with pytest.raises(errors.ServerFailed):
            await names(registry)

    async def test_without_keys_those_that_were_named_remain(
        self, opened: Callable[..., DistributionRegistry], scripted: ScriptedServer
    ) -> None:
        scripted.on("GET", "/v2/", Reply(200))
        scripted.on("GET", "/v2/_catalog.*", Reply(404))
        keyless = {"service": "tcr", "api": None}

        named = opened(scripted.host, repositories=("team/web",), **keyless)
        assert await names(named) == ["team/web"]
        with pytest.raises(errors.CatalogClosed, match=r"tcr\.tencentcloudapi\.com") as refused:
            await names(opened(scripted.host, **keyless))
        assert isinstance(refused.value.__cause__, errors.ApiKeysNeeded)

    async def test_keys_of_another_account_list_nothing_and_say_so(
        self, opened: Callable[..., DistributionRegistry], instance: Instance
    ) -> None:
        registry = opened("else.tencentcloudcr.com")
        foreseer = registry.foreseer()
        assert foreseer is not None

        with pytest.raises(errors.NoInstance, match="the keys see 2 instances"):
            await foreseer.look({"team/web": False})


class TestForesees:
    async def test_a_namespace_that_is_not_there(
        self, instance: Instance, registry: DistributionRegistry
    ) -> None:
        instance.namespaces = {"team": Namespace()}

        outlook = await look(registry, {"team/web": False, "tea/pot": False})

        assert outlook == TargetOutlook(
            {
                "team/web": TargetStatus(),
                "tea/pot": TargetStatus(missing=MissingTarget("namespace", "tea")),
            }
        )

    @pytest.mark.parametrize(
        ("rule", "pinned", "free"),
        [
            ({"TagPattern": "v*"}, ["v1"], ["latest"]),
            ({"TagPattern": "v*", "TagDecoration": "excludes"}, ["latest"], ["v1"]),
            ({"RepositoryPattern": "api"}, [], ["v1"]),
            ({"RepositoryPattern": "api", "RepositoryDecoration": "repoExcludes"}, ["v1"], []),
            ({"Disabled": True}, [], ["v1"]),
        ],
    )
    async def test_tags_that_rules_keep_as_they_are(
        self,
        rule: dict[str, Any],
        pinned: list[str],
        free: list[str],
        instance: Instance,
        registry: DistributionRegistry,
    ) -> None:
        instance.namespaces = {
            "other": Namespace(rules=[{}]),
            "team": Namespace(rules=[rule]),
            "without": Namespace(),
        }

        outlook = await look(registry, {"team/web": True, "without/web": True})

        standing = outlook.standings["team/web"]
        assert [
            tag for tag in pinned if "namespace team keeps" not in standing.pinned_by(tag)
        ] == []
        assert [tag for tag in free if standing.pinned_by(tag)] == []
        assert outlook.standings["without/web"] == TargetStatus()

    async def test_rules_are_asked_for_only_where_tags_move(
        self, api: TencentApi, instance: Instance, registry: DistributionRegistry
    ) -> None:
        instance.namespaces = {"team": Namespace(rules=[{}])}

        await look(registry, {"team/web": False})
        assert "DescribeImmutableTagRules" not in api.actions()

        api.denied = {"DescribeImmutableTagRules"}
        outlook = await look(registry, {"team/web": True})
        assert [(each.what, each.of) for each in outlook.unknown] == [
            ("which tags are immutable", "team")
        ]
        assert outlook.standings == {"team/web": TargetStatus()}

    async def test_more_than_a_hundred_rules(
        self, instance: Instance, registry: DistributionRegistry
    ) -> None:
        rules: list[dict[str, Any]] = [{"TagPattern": f"v{number}"} for number in range(150)]
        instance.namespaces = {"team": Namespace(rules=rules)}

        outlook = await look(registry, {"team/web": True})

        assert len(outlook.standings["team/web"].immutable) == 150

    @pytest.mark.parametrize("status", ["Isolate", "Deploying", "Deleting"])
    async def test_an_instance_that_is_not_there_yet_or_soon_no_more_takes_nothing(
        self, status: str, instance: Instance, registry: DistributionRegistry
    ) -> None:
        instance.status = status

        outlook = await look(registry, {"team/web": False})

        why = f"the instance team is {status}"
        assert outlook == TargetOutlook({"team/web": TargetStatus(read_only=why)})

    @pytest.mark.parametrize("status", ["Unhealthy", "Bucket-Error", "ALaterOne", ""])
    async def test_one_that_is_not_well_may_take_it(
        self, status: str, instance: Instance, registry: DistributionRegistry
    ) -> None:
        instance.status = status
        instance.namespaces = {"team": Namespace()}

        outlook = await look(registry, {"team/web": False})

        assert outlook.standings == {"team/web": TargetStatus()}
        assert [each.what for each in outlook.unknown] == ["whether anything can be pushed"]
        assert (status or "in no known state") in str(outlook.unknown[0].why)

    async def test_what_can_not_be_asked_is_unknown(
        self, api: TencentApi, instance: Instance, registry: DistributionRegistry
    ) -> None:
        api.denied = {"DescribeNamespaces"}

        outlook = await look(registry, {"team/web": False})

        assert outlook.standings == {}
        assert [each.what for each in outlook.unknown] == ["whether namespaces are there"]

    async def test_nothing_is_asked_twice(
        self, api: TencentApi, instance: Instance, registry: DistributionRegistry
    ) -> None:
        instance.namespaces = {"team": Namespace()}
        foreseer = registry.foreseer()
        assert foreseer is not None

        await foreseer.look({"team/web": True, "tea/pot": True})
        api.asked.clear()
        for _ in range(2):
            await foreseer.look({"team/web": True, "tea/pot": True})

        assert api.actions() == []

    async def test_an_edition_may_have_no_room(
        self, instance: Instance, registry: DistributionRegistry
    ) -> None:
        instance.edition = "basic"
        instance.namespaces = {f"team-{n}": Namespace() for n in range(49)}

        assert (await look(registry, {"new/web": False, "team-1/web": False})).unknown == ()
        outlook = await look(registry, {"new/web": False, "newer/web": False})

        assert outlook.standings["new/web"].missing is not None
        assert [each.why.detail for each in outlook.unknown] == [
            "team would have 51 namespaces; its edition (basic) has 50, unless the cloud has "
            "raised that"
        ]

    async def test_repositories_that_are_there_need_no_room(
        self, api: TencentApi, instance: Instance, registry: DistributionRegistry
    ) -> None:
        instance.edition = "basic"
        instance.namespaces = {"team": Namespace(repositories=[f"web-{n}" for n in range(999)])}

        there = await look(registry, {"team/web-1": False, "team/web-2": False, "team/new": False})
        assert there.unknown == ()
        short = await look(registry, {"team/new": False, "team/newer": False})

        assert "would have 1,001 repositories" in str(short.unknown[0].why)


class TestMakes:
    @pytest.mark.parametrize(("visibility", "public"), [(PRIVATE, False), (PUBLIC, True)])
    async def test_a_namespace_is_made_where_its_instance_is(
        self,
        visibility: Visibility,
        public: bool,
        api: TencentApi,
        instance: Instance,
        registry: DistributionRegistry,
    ) -> None:
        instance.namespaces = {"team-b": Namespace()}
        creator = creator_of(registry)
        assert creator.refusal(TEAM, visibility) == ""
        assert not await creator.has(TEAM)

        await creator.create(TEAM, visibility)

        assert await creator.has(TEAM)
        assert instance.namespaces["team"].public is public
        (asked,) = api.calls("CreateNamespace")
        assert asked == {"RegistryId": instance.id, "NamespaceName": "team", "IsPublic": public}

    async def test_one_that_is_there_is_not_made_again(
        self, instance: Instance, registry: DistributionRegistry
    ) -> None:
        instance.namespaces = {"team": Namespace(public=True)}

        with pytest.raises(errors.CloudHasIt):
            await creator_of(registry).create(TEAM, PRIVATE)
        assert instance.namespaces["team"].public

    async def test_who_may_not_is_told(
        self, api: TencentApi, instance: Instance, registry: DistributionRegistry
    ) -> None:
        api.denied = {"CreateNamespace"}

        with pytest.raises(errors.NoRight):
            await creator_of(registry).create(TEAM, PRIVATE)

    @pytest.mark.parametrize("name", ["library", "tke", "public"])
    def test_names_of_the_service_are_not_asked_for(
        self, name: str, registry: DistributionRegistry
    ) -> None:
        why = creator_of(registry).refusal(MissingTarget("namespace", name), PRIVATE)

        assert why == f"the service keeps the name {name} for itself"

    @pytest.mark.parametrize(
        ("name", "fine"),
        [
            ("ab", True),
            ("a" * 30, True),
            ("a.b_c-d", True),
            ("1a", True),
            ("a", False),
            ("a" * 31, False),
            ("a--b", False),
            ("-ab", False),
            ("ab.", False),
        ],
    )
    def test_names_that_the_service_does_not_take(
        self, name: str, fine: bool, registry: DistributionRegistry
    ) -> None:
        why = creator_of(registry).refusal(MissingTarget("namespace", name), PRIVATE)

        assert ("2 to 30" not in why) == fine


class TestHandsOut:
    def api_of(self, registry: DistributionRegistry) -> SignsIn:
        api = registry._own.open()
        assert isinstance(api, SignsIn)
        return api

    async def test_a_temporary_login_of_an_hour(
        self, api: TencentApi, instance: Instance, registry: DistributionRegistry
    ) -> None:
        login = await self.api_of(registry).login()

        assert (login.credential.username, login.credential.secret) == (UIN, instance.tokens[0])
        assert 0 < login.seconds <= 3600
        assert api.calls("CreateInstanceToken") == [
            {"RegistryId": instance.id, "TokenType": "temp"}
        ]
        assert instance.tokens[0] not in repr(login)

    async def test_numbers_and_words_may_be_the_other_way_round(
        self, api: TencentApi, instance: Instance, registry: DistributionRegistry
    ) -> None:
        api._actions["CreateInstanceToken"] = lambda _: {
            "Username": 100000000001,
            "Token": "XXXX",
            "ExpTime": "33987631",
        }

        login = await self.api_of(registry).login()

        assert login.credential.username == "100000000001"
        assert login.seconds == 3600, "what has ended long ago by this machine's clock is new"

    async def test_nothing_is_handed_out_for_a_host_of_nobody(
        self, opened: Callable[..., DistributionRegistry], api: TencentApi, instance: Instance
    ) -> None:
        registry = opened("images.example.com", service="tcr", handed_out=True)

        with pytest.raises(errors.NoInstance):
            await self.api_of(registry).login()
        assert instance.tokens == []

    def test_a_login_is_handed_out_only_with_keys(self) -> None:
        assert TCR.hands_out_at(HOST)
        assert TCR.hands_out_at("images.example.com")
        assert not TCR.hands_out_at(HOST, with_keys=False)
