"""What a quick migration couldn't list is named, and moved without only when that is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from delegating.tencent import breaks
from servers.tencent import Call, Personal, TencentApi
from servers.tencent.quick import Images
from transship import errors
from transship.engines.tcr.inventory import ListGap, list_by_pages
from transship.engines.tcr.quick_transfer import transfer_plan_text
from transship.plans.file import read_plan

LISTS_REPOSITORIES = "DescribeRepositoryOwnerPersonal"

Wish = Callable[..., Any]


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

        path.write_text(transfer_plan_text(found))

        assert transfer_plan_text(whole).startswith("version")
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

    async def test_what_fails_for_many_in_one_way_is_said_once(
        self, api: TencentApi, account: Personal, wish: Wish
    ) -> None:
        account.namespaces["shop"] += [f"more-{n}" for n in range(7)]
        api.denied = {"DescribeImagePersonal"}

        found = await wish()

        assert len(found.gaps) == 10
        (refusal,) = found.changes.refusals
        assert refusal.detail.startswith(
            "tags of open/web, shop/api, shop/more-0, shop/more-1, shop/more-2 and 5 more "
            "repositories: "
        )

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

    found, gaps = await list_by_pages(page, str, "tags")

    if {0, 1} <= broken:
        assert (found, [gap.what for gap in gaps]) == ([], ["tags"])
        return
    assert set(found) == {each for each in every if int(each) // 100 not in broken}
    assert bool(gaps) == (len(found) < total + lost)


def test_a_gap_is_a_sentence() -> None:
    gap = ListGap("tags 101 to 130", "shop/api", errors.ServerFailed("500"))

    assert str(gap).startswith("tags 101 to 130 of shop/api: ")
    assert str(replace(gap, of="")).startswith("tags 101 to 130: ")
