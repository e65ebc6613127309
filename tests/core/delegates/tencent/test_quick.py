"""A quick migration: all that a personal account has, what has to be made, and what is in the way.

Nothing is lost without being named: what image-transfer's quick mode drops in silence is here, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegating.tencent import Agreeing, asking
from fakes.clock import FakeClock
from servers.tencent import Call, Instance, Instances, Personal, TencentApi, tencent_api
from servers.tencent.api import Refused
from servers.tencent.enterprise import Namespace
from servers.tencent.quick import ACTIONS, Images
from transship import errors
from transship.delegates.journal import Journal
from transship.delegates.tencent import quick
from transship.delegates.tencent.at_instance import AtInstance
from transship.delegates.tencent.quick import Gap, Quick, Repository, Spaces, Stock, Target, Terms
from transship.delegates.tencent.quick.pages import by_pages
from transship.plans.file import read_plan
from transship.plans.plan import Kind, OnConflict
from transship.registries.services.api import Visibility
from transship.registries.services.tencent.cloud import TencentCloud
from transship.registries.services.tencent.instances import Instance as Seen
from transship.registries.services.tencent.instances import instance_at

CCR, HOST = "ccr.ccs.tencentyun.com", "team.tencentcloudcr.com"
LISTS_REPOSITORIES = "DescribeRepositoryOwnerPersonal"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api(clock: FakeClock) -> Iterator[TencentApi]:
    with tencent_api(ACTIONS) as api:
        api.now = clock.now
        yield api


@pytest.fixture
def instance(api: TencentApi) -> Instance:
    return api.of(Instances).add("team", HOST, edition="basic")


@pytest.fixture
def account(api: TencentApi) -> Personal:
    """Two namespaces: one for everybody, and one with something private in it."""
    personal = api.of(Personal)
    personal.servers = {"ap-guangzhou": CCR}
    personal.namespaces = {"open": ["web"], "shop": ["api", "web"], "void": []}
    personal.public = {"open/web": True, "shop/web": True}
    personal.descriptions = {"shop/api": "The shop's API.\n\nAsk *team shop*."}
    api.of(Images).tags = {
        "open/web": ["1.0"],
        "shop/api": [f"v{number}" for number in range(130)],
        "shop/web": ["1.0", "latest"],
    }
    return personal


@pytest.fixture
async def cloud(api: TencentApi, clock: FakeClock) -> AsyncIterator[TencentCloud]:
    async with asking(api, clock) as cloud:
        yield cloud


@pytest.fixture
async def at(cloud: TencentCloud, instance: Instance) -> AtInstance:
    return AtInstance(cloud, await instance_at(cloud, HOST))


@pytest.fixture
def operator(tmp_path: Path, clock: FakeClock) -> Agreeing:
    return Agreeing(Journal(tmp_path / "delegations", clock))


Wish = Callable[..., Any]


@pytest.fixture
def wish(account: Personal, cloud: TencentCloud, at: AtInstance) -> Wish:
    async def wished(**terms: Any) -> Quick:
        return await quick.wish(cloud, CCR, at, Terms(**terms))

    return wished


def breaks(
    api: TencentApi, action: str, when: Callable[[Call], bool], code: str = "FailedOperation"
) -> None:
    """Let an action fail, for good, where it is asked so."""
    answer = api._actions[action]

    def broken(call: Call) -> dict[str, Any]:
        if when(call):
            raise Refused(code, "This page is broken.")
        return answer(call)

    api._actions[action] = broken


def created(found: Quick) -> list[str]:
    return [str(change) for change in found.changes.to_make]


class TestAllOfIt:
    async def test_everything_is_planned_and_what_is_missing_is_made(self, wish: Wish) -> None:
        found = await wish()

        assert found.is_whole
        assert (found.repositories, found.tags, found.empty) == (3, 133, ())
        assert found.plan is not None
        assert found.plan.kind is Kind.SYNC
        assert [str(rule.source) for rule in found.plan.rules] == [
            f"{CCR}/open/web",
            f"{CCR}/shop/api",
            f"{CCR}/shop/web",
        ]
        assert [str(rule.targets[0]) for rule in found.plan.rules][1] == f"{HOST}/shop/api"
        assert created(found) == [
            "create namespace open",
            "create namespace shop",
            "create namespace void",
            "create repository shop/api",
        ]

    async def test_all_tags_are_taken_and_not_the_newest_hundred(
        self, api: TencentApi, wish: Wish
    ) -> None:
        found = await wish()

        (rule,) = [rule for rule in found.plan.rules if rule.source.repository == "shop/api"]
        assert set(rule.tags.exact) == {f"v{number}" for number in range(130)}
        assert rule.tags.include == ("*",), "what is pushed meanwhile comes along"
        offsets = {
            call["Offset"]
            for call in api.calls("DescribeImagePersonal")
            if call["RepoName"] == "shop/api"
        }
        assert offsets == {0, 100}

    async def test_only_the_newest_are_taken_when_that_is_asked_for_and_said(
        self, wish: Wish
    ) -> None:
        found = await wish(newest=2)

        (rule,) = [rule for rule in found.plan.rules if rule.source.repository == "shop/api"]
        assert rule.tags.exact == ("v129", "v128")
        assert rule.tags.include == ()
        assert (
            "128 older tags of shop/api stay behind, as asked: the newest 2 of each are taken."
            in found.changes.notes
        )

    async def test_nothing_is_overwritten_unless_that_is_asked_for(self, wish: Wish) -> None:
        assert (await wish()).plan.on_conflict is OnConflict.FAIL
        overwriting = await wish(on_conflict=OnConflict.OVERWRITE)
        assert overwriting.plan.on_conflict is OnConflict.OVERWRITE

    async def test_asking_makes_nothing(
        self, api: TencentApi, instance: Instance, wish: Wish
    ) -> None:
        await wish()

        assert instance.namespaces == {}
        assert all(action.startswith("Describe") for action in api.actions())

    async def test_a_repository_without_a_tag_is_made_and_not_copied(
        self, account: Personal, wish: Wish
    ) -> None:
        account.namespaces["shop"].append("nothing")

        found = await wish()

        assert found.empty == ("shop/nothing",)
        assert "create repository shop/nothing" in created(found)
        assert all(rule.source.repository != "shop/nothing" for rule in found.plan.rules)

    async def test_an_account_of_another_region_is_not_taken_for_this_one(
        self, account: Personal, wish: Wish
    ) -> None:
        account.servers = {"ap-guangzhou": "hkccr.ccs.tencentyun.com"}

        with pytest.raises(errors.NoInstance, match="hkccr"):
            await wish()

    async def test_keys_that_are_refused_are_no_empty_account(
        self, api: TencentApi, wish: Wish
    ) -> None:
        breaks(api, LISTS_REPOSITORIES, lambda _: True, "AuthFailure.SecretIdNotFound")

        with pytest.raises(errors.WrongCredential):
            await wish()

    async def test_an_account_that_has_none_is_told_what_to_do(
        self, account: Personal, wish: Wish
    ) -> None:
        account.servers = {}

        with pytest.raises(errors.CloudRefused, match="ErrNoUserInitialized") as refused:
            await wish()

        assert "Switch the personal edition on" in refused.value.remedy

    async def test_that_there_is_no_tag_is_no_failure(self, api: TencentApi, wish: Wish) -> None:
        breaks(
            api,
            "DescribeImagePersonal",
            lambda call: call.get("RepoName") == "shop/web",
            "ResourceNotFound.ErrNoTag",
        )

        found = await wish()

        assert found.is_whole
        assert found.empty == ("shop/web",)

    async def test_how_far_the_listing_is_is_told(
        self, account: Personal, cloud: TencentCloud, at: AtInstance
    ) -> None:
        account.namespaces["shop"] += [f"more-{n}" for n in range(10)]
        told: list[tuple[int, int]] = []

        await quick.wish(cloud, CCR, at, looked=lambda *counts: told.append(counts))

        assert told == [(8, 13), (13, 13)]


class TestVisibility:
    async def test_a_namespace_is_public_only_where_all_in_it_is(self, wish: Wish) -> None:
        found = await wish()

        made = {change.name: change.after for change in found.changes.changes}
        assert made["open"] == {"IsPublic": True}
        assert made["shop"] == {"IsPublic": False}
        assert made["void"] == {"IsPublic": False}
        assert any(
            note.startswith("Everyone may pull shop/web today; the namespace shop is private")
            for note in found.changes.notes
        )

    async def test_private_images_become_public_only_when_asked(self, wish: Wish) -> None:
        asked = {"visibility": {"shop": Visibility.PUBLIC}}

        refused = await wish(**asked)
        exposed = await wish(**asked, expose=True)

        assert [type(each) for each in refused.changes.refusals] == [errors.WouldBePublic]
        assert "shop/api" in refused.changes.refusals[0].detail
        assert refused.plan is None
        assert exposed.plan is not None
        assert any(note.endswith("as asked.") for note in exposed.changes.notes)

    async def test_a_public_namespace_that_is_there_would_expose_them(
        self, instance: Instance, wish: Wish
    ) -> None:
        instance.namespaces = {"shop": Namespace(public=True)}

        found = await wish()

        assert [type(each) for each in found.changes.refusals] == [errors.WouldBePublic]
        assert found.changes.changes == ()

    async def test_one_that_is_there_stays_for_whom_it_is(
        self, instance: Instance, wish: Wish
    ) -> None:
        instance.namespaces = {"open": Namespace(), "shop": Namespace()}

        found = await wish()
        asked = await wish(visibility={"open": Visibility.PUBLIC})

        assert created(found) == ["create namespace void", "create repository shop/api"]
        assert "is there, and private" in str(asked.changes.refusals[0])

    async def test_where_not_all_was_listed_nothing_new_is_public(
        self, api: TencentApi, wish: Wish
    ) -> None:
        breaks(api, "DescribeImagePersonal", lambda call: call.get("RepoName") == "shop/api")
        account = api.of(Personal)
        account.namespaces["open"].append("other")
        breaks(api, LISTS_REPOSITORIES, lambda call: call.get("Offset") == 100)
        account.namespaces["open"] += [f"more-{n}" for n in range(150)]
        account.public |= {f"open/more-{n}": True for n in range(150)} | {"open/other": True}

        found = await wish(incomplete=True)

        made = {change.name: change.after for change in found.changes.changes}
        assert made["open"] == {"IsPublic": False}


class TestGaps:
    async def test_a_page_that_fails_once_is_asked_for_again(
        self, api: TencentApi, account: Personal, wish: Wish
    ) -> None:
        account.namespaces["shop"] += [f"more-{n}" for n in range(150)]
        for code in ("InternalError", "RequestLimitExceeded", "FailedOperation"):
            api.refuses = {"DescribeImagePersonal": [code]}

            found = await wish()

            assert found.is_whole
            assert found.repositories == 153

    async def test_a_page_that_fails_for_good_is_named_and_nothing_is_planned(
        self, api: TencentApi, account: Personal, wish: Wish
    ) -> None:
        account.namespaces["shop"] += [f"more-{n:03}" for n in range(250)]
        breaks(api, LISTS_REPOSITORIES, lambda call: call.get("Offset") == 100)

        found = await wish()

        assert found.plan is None
        assert found.changes.changes == ()
        (refusal,) = found.changes.refusals
        assert isinstance(refusal, errors.NotWhole)
        assert refusal.detail.startswith("repositories 101 to 200: ")
        assert "This page is broken." in refusal.detail

    async def test_when_asked_the_rest_is_moved_and_the_gap_is_said(
        self, api: TencentApi, account: Personal, wish: Wish
    ) -> None:
        account.namespaces["shop"] += [f"more-{n:03}" for n in range(250)]
        breaks(api, LISTS_REPOSITORIES, lambda call: call.get("Offset") == 100)

        found = await wish(incomplete=True)

        assert not found.is_whole
        assert found.repositories == 153
        assert found.plan is not None
        assert any(
            note.startswith("Not among it, as asked: repositories 101 to 200")
            for note in found.changes.notes
        )

    async def test_the_file_of_such_a_plan_says_what_it_lacks(
        self, api: TencentApi, wish: Wish, tmp_path: Path
    ) -> None:
        whole = await wish()
        breaks(api, "DescribeImagePersonal", lambda call: call.get("RepoName") == "shop/web")
        found = await wish(incomplete=True)
        path = tmp_path / "quick.toml"

        path.write_text(quick.text_of(found))

        assert quick.text_of(whole).startswith("version")
        lines = path.read_text().splitlines()
        assert lines[0].startswith("# Not all of the account is in this plan.")
        assert lines[1].startswith("#   tags of shop/web: ")
        assert read_plan(path) == found.plan

    async def test_a_page_of_tags_is_missed_too(self, api: TencentApi, wish: Wish) -> None:
        breaks(
            api,
            "DescribeImagePersonal",
            lambda call: (call.get("RepoName"), call.get("Offset")) == ("shop/api", 100),
        )

        refused = await wish()
        found = await wish(incomplete=True)

        assert "tags 101 to 130 of shop/api" in refused.changes.refusals[0].detail
        assert found.tags == 103

    async def test_a_repository_whose_tags_fail_is_not_one_without_tags(
        self, api: TencentApi, wish: Wish
    ) -> None:
        breaks(api, "DescribeImagePersonal", lambda call: call.get("RepoName") == "shop/web")

        found = await wish()

        assert [str(gap).partition(":")[0] for gap in found.gaps] == ["tags of shop/web"]
        assert isinstance(found.changes.refusals[0], errors.NotWhole)

    async def test_a_namespace_that_has_more_than_was_listed_is_named(
        self, api: TencentApi, account: Personal, wish: Wish
    ) -> None:
        listing = api._actions["DescribeNamespacePersonal"]

        def claims_more(call: Call) -> dict[str, Any]:
            answer = listing(call)
            for each in answer["Data"]["NamespaceInfo"]:
                each["RepoCount"] += each["Namespace"] == "shop"
            return answer

        api._actions["DescribeNamespacePersonal"] = claims_more

        refused = await wish()
        without = await wish(leave_out=frozenset({"shop"}))

        assert "repositories of shop" in refused.changes.refusals[0].detail
        assert "3 are said to be there, 2 were listed" in refused.changes.refusals[0].detail
        assert without.is_whole

    async def test_names_that_no_registry_can_be_asked_for_are_gaps(
        self, api: TencentApi, account: Personal, wish: Wish
    ) -> None:
        account.namespaces["shop"].append("Upper")
        api.of(Images).tags["shop/web"].append("no tag\x1b[31m")

        found = await wish()

        said = " / ".join(map(str, found.gaps))
        assert "a repository of shop/Upper" in said
        assert "of shop/web: " in said
        assert "\x1b" not in said
        assert found.plan is None

    async def test_a_quota_that_is_not_told_is_noted(self, api: TencentApi, wish: Wish) -> None:
        api.denied = {"DescribeUserQuotaPersonal"}

        found = await wish()

        assert found.is_whole
        assert "The quota of the personal account couldn't be asked for." in found.changes.notes


class TestAtTheTarget:
    async def test_a_reserved_name_needs_another(
        self, account: Personal, api: TencentApi, wish: Wish
    ) -> None:
        account.namespaces["tke"] = ["agent"]
        api.of(Images).tags["tke/agent"] = ["1"]

        refused = await wish()
        renamed = await wish(names={"tke": "team-tke"})
        without = await wish(leave_out=frozenset({"tke"}))

        assert "keeps the name tke for itself" in str(refused.changes.refusals[0])
        assert "create namespace team-tke" in created(renamed)
        (rule,) = [rule for rule in renamed.plan.rules if rule.source.repository == "tke/agent"]
        assert rule.targets[0].repository == "team-tke/agent"
        assert "create namespace tke" not in created(without)
        assert without.repositories == 3

    async def test_two_namespaces_that_become_one_must_not_meet(self, wish: Wish) -> None:
        found = await wish(names={"open": "shop"})

        assert "open/web and shop/web would both be shop/web" in str(found.changes.refusals[0])

    async def test_what_the_account_does_not_have_is_said(self, wish: Wish) -> None:
        found = await wish(names={"nobody": "x"}, newest=0)

        assert [type(each) for each in found.changes.refusals] == [errors.BadRequest] * 2

    async def test_repositories_that_are_there_are_named_with_their_tags(
        self, api: TencentApi, instance: Instance, wish: Wish
    ) -> None:
        instance.namespaces = {"shop": Namespace(repositories=["web", "api", "own"])}
        listing = api._actions["DescribeImages"]

        def has(call: Call) -> dict[str, Any]:
            answer = listing(call)
            tags = ["1.0", "theirs"] if call.need("RepositoryName") == "web" else []
            images = [{"ImageVersion": tag} for tag in tags]
            return {**answer, "ImageInfoList": images, "TotalCount": len(images)}

        api._actions["DescribeImages"] = has

        found = await wish()

        assert [str(each) for each in found.collisions] == [
            "shop/web is there already: 1 tag of the same name, 1 tag that only the target has."
        ]
        assert "A tag that is there with another digest fails, and stays as it is." in (
            found.changes.notes
        )

    async def test_tags_that_can_not_be_listed_there_are_not_taken_for_none(
        self, api: TencentApi, instance: Instance, wish: Wish
    ) -> None:
        instance.namespaces = {"shop": Namespace(repositories=["web"])}
        api.denied = {"DescribeImages"}

        found = await wish()

        assert "shop/web is there already, and its tags couldn't be listed." in map(
            str, found.collisions
        )

    async def test_what_is_in_a_namespace_there_may_stay_unknown(
        self, instance: Instance, wish: Wish
    ) -> None:
        instance.namespaces = {"shop": Namespace(may_look_into=False, repositories=["api"])}

        found = await wish()

        assert "create repository shop/api" not in created(found)
        assert any("repositories at the target of shop" in note for note in found.changes.notes)

    async def test_the_edition_may_have_no_room(
        self, api: TencentApi, instance: Instance, wish: Wish
    ) -> None:
        instance.namespaces = {f"team-{n}": Namespace() for n in range(49)}

        found = await wish()

        assert (
            "team would have 52 namespaces; its edition (basic) has 50, unless the cloud has "
            "raised that." in found.changes.notes
        )

    async def test_a_namespace_list_that_fails_stops_it(self, api: TencentApi, wish: Wish) -> None:
        api.denied = {"DescribeNamespaces"}

        with pytest.raises(errors.NoRight):
            await wish()


class TestDescriptions:
    async def test_they_are_carried_over_and_read_back(
        self, instance: Instance, wish: Wish, at: AtInstance, operator: Agreeing
    ) -> None:
        found = await wish()

        await operator.agreed(found.changes, Spaces(at))

        assert instance.namespaces["shop"].descriptions == {
            "api": "The shop's API.\n\nAsk *team shop*."
        }
        assert instance.namespaces["open"].public
        assert not instance.namespaces["shop"].public
        assert created(await wish()) == []

    async def test_an_empty_one_is_filled_and_one_that_is_there_stays(
        self, account: Personal, instance: Instance, wish: Wish, at: AtInstance, operator: Agreeing
    ) -> None:
        account.descriptions["shop/web"] = "From the personal edition."
        instance.namespaces = {
            "shop": Namespace(repositories=["api", "web"], descriptions={"web": "Ours."})
        }

        found = await wish()
        identity = await operator.agreed(found.changes, Spaces(at))

        assert "change repository shop/api" in created(found)
        assert "shop/web keeps the description that it has at the target." in found.changes.notes
        assert instance.namespaces["shop"].descriptions["web"] == "Ours."
        await operator.undone(identity, Spaces(at))
        assert instance.namespaces["shop"].descriptions["api"] == ""
        assert set(instance.namespaces) == {"shop"}

    async def test_what_holds_images_is_not_undone(
        self,
        api: TencentApi,
        instance: Instance,
        wish: Wish,
        at: AtInstance,
        operator: Agreeing,
    ) -> None:
        identity = await operator.agreed((await wish()).changes, Spaces(at))
        breaks_nothing = api._actions["DescribeImages"]
        api._actions["DescribeImages"] = lambda call: {**breaks_nothing(call), "TotalCount": 1}

        with pytest.raises(errors.EngineRefused, match="has images"):
            await operator.undone(identity, Spaces(at))

        assert "api" in instance.namespaces["shop"].repositories

    async def test_a_namespace_in_use_is_not_undone(
        self, instance: Instance, wish: Wish, at: AtInstance, operator: Agreeing
    ) -> None:
        identity = await operator.agreed((await wish()).changes, Spaces(at))
        instance.namespaces["void"].repositories.append("new")

        with pytest.raises(errors.EngineRefused, match="void/new among them"):
            await operator.undone(identity, Spaces(at))


SEEN = Seen("tcr-1", "team", "premium", "Running", "ap-guangzhou", 1, HOST)
NAMES = st.from_regex(r"[a-z]{2,6}", fullmatch=True)
TAGS = st.lists(st.from_regex(r"v[0-9]{1,3}", fullmatch=True), unique=True, max_size=5)
REPOSITORIES = st.dictionaries(st.tuples(NAMES, NAMES), st.tuples(st.booleans(), TAGS), max_size=8)


@given(REPOSITORIES, st.one_of(st.none(), st.integers(1, 4)), st.data())
def test_whatever_an_account_has_is_planned_or_named(
    has: dict[tuple[str, str], tuple[bool, list[str]]], newest: int | None, data: st.DataObject
) -> None:
    repositories = tuple(
        Repository(f"{namespace}/{name}", public, "", tuple(tags))
        for (namespace, name), (public, tags) in has.items()
    )
    namespaces = tuple(sorted({each.namespace for each in repositories}))
    there = data.draw(st.dictionaries(st.sampled_from([*namespaces, "x"]), st.booleans()))
    target = Target(SEEN, there)

    found = quick.draw(Stock(CCR, namespaces, repositories), target, Terms(newest), "TCR")

    private = {each.namespace for each in repositories if not each.public}
    if found.changes.refusals:
        assert found.plan is None
        assert found.changes.to_make == ()
        assert private & {name for name, public in there.items() if public} or any(
            name in ("tke",) for name in namespaces
        )
        return
    rules = found.plan.rules if found.plan else ()
    planned = {rule.source.repository: rule.tags.exact for rule in rules}
    for each in repositories:
        assert planned.get(each.name, ()) == each.tags[:newest]
        made = {change.name for change in found.changes.to_make}
        assert each.namespace in there or each.namespace in made
        assert each.tags or each.name in found.empty
    public_made = {
        change.name for change in found.changes.to_make if (change.after or {}).get("IsPublic")
    }
    assert not public_made & private


@given(
    st.integers(0, 450),
    st.sets(st.integers(0, 4)),
    st.integers(0, 3),
)
async def test_no_page_is_lost_in_silence(total: int, broken: set[int], lost: int) -> None:
    every = [str(number) for number in range(total)]

    async def page(offset: int) -> tuple[int, list[str]]:
        if offset // 100 in broken:
            raise errors.ServerFailed("no")
        return total + lost, every[offset : offset + 100]

    found, gaps = await by_pages(page, str, "tags")

    if {0, 1} <= broken:
        assert (found, [gap.what for gap in gaps]) == ([], ["tags"])
        return
    assert set(found) == {each for each in every if int(each) // 100 not in broken}
    assert bool(gaps) == (len(found) < total + lost)


def test_a_gap_is_a_sentence() -> None:
    gap = Gap("tags 101 to 130", "shop/api", errors.ServerFailed("500"))

    assert str(gap).startswith("tags 101 to 130 of shop/api: ")
    assert str(replace(gap, of="")).startswith("tags 101 to 130: ")
