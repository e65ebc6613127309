"""A quick migration: all that a personal account has, what has to be made, and what is in the way.

Nothing is lost without being named: what image-transfer's quick mode drops in silence is here, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegating.tencent import CCR, HOST, breaks
from servers.tencent import Instance, Personal, TencentApi
from transship import errors
from transship.engines.tcr import quick_transfer
from transship.engines.tcr.api import InstanceApi
from transship.engines.tcr.inventory import PersonalInventory, PersonalRepository, TargetInventory
from transship.engines.tcr.quick_transfer import (
    QuickTransfer,
    QuickTransferTerms,
    plan_from_inventory,
)
from transship.plans.plan import Kind, OnConflict
from transship.services.tencent_cloud import TcrInstance as Seen
from transship.services.tencent_cloud import TencentCloud

LISTS_REPOSITORIES = "DescribeRepositoryOwnerPersonal"

Wish = Callable[..., Any]


def created(found: QuickTransfer) -> list[str]:
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
        self, account: Personal, cloud: TencentCloud, at: InstanceApi
    ) -> None:
        account.namespaces["shop"] += [f"more-{n}" for n in range(10)]
        told: list[tuple[int, int]] = []

        await quick_transfer.plan_quick_transfer(
            cloud, CCR, at, looked=lambda *counts: told.append(counts)
        )

        assert told == [(8, 13), (13, 13)]


SEEN = Seen("tcr-1", "team", "premium", "Running", "ap-guangzhou", 1, HOST)
NAMES = st.from_regex(r"[a-z]{2,6}", fullmatch=True)
TAGS = st.lists(st.from_regex(r"v[0-9]{1,3}", fullmatch=True), unique=True, max_size=5)
REPOSITORIES = st.dictionaries(st.tuples(NAMES, NAMES), st.tuples(st.booleans(), TAGS), max_size=8)


@given(REPOSITORIES, st.one_of(st.none(), st.integers(1, 4)), st.data())
def test_whatever_an_account_has_is_planned_or_named(
    has: dict[tuple[str, str], tuple[bool, list[str]]], newest: int | None, data: st.DataObject
) -> None:
    repositories = tuple(
        PersonalRepository(f"{namespace}/{name}", public, "", tuple(tags))
        for (namespace, name), (public, tags) in has.items()
    )
    namespaces = tuple(sorted({each.namespace for each in repositories}))
    there = data.draw(st.dictionaries(st.sampled_from([*namespaces, "x"]), st.booleans()))
    target = TargetInventory(SEEN, there)

    found = plan_from_inventory(
        PersonalInventory(CCR, namespaces, repositories), target, QuickTransferTerms(newest), "TCR"
    )

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


def test_of_many_that_are_there_already_some_are_named_and_all_are_told() -> None:
    names = [f"shop/r{number:02}" for number in range(23)]
    stock = PersonalInventory(
        CCR, ("shop",), tuple(PersonalRepository(name, tags=("1.0",)) for name in names)
    )
    tags = {name: frozenset({"1.0"}) for name in names}
    target = TargetInventory(SEEN, {"shop": False}, dict.fromkeys(names, ""), tags)

    found = plan_from_inventory(stock, target, QuickTransferTerms(), "TCR")

    assert len(found.collisions) == 23
    assert sum("of the same name" in note for note in found.changes.notes) == 20
    assert "3 more repositories are there already." in found.changes.notes
