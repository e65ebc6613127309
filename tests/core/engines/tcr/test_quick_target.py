"""What is at the target already: visibility, names, collisions, room, and descriptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from delegating.tencent import Agreeing, breaks
from servers.tencent import Call, Instance, Personal, TencentApi
from servers.tencent.enterprise import Namespace
from servers.tencent.quick import Images
from transship import errors
from transship.engines.tcr.api import InstanceApi
from transship.engines.tcr.quick_transfer import NamespaceEngine, QuickTransfer
from transship.registry.registry import Visibility

LISTS_REPOSITORIES = "DescribeRepositoryOwnerPersonal"

Wish = Callable[..., Any]


def created(found: QuickTransfer) -> list[str]:
    return [str(change) for change in found.changes.to_make]


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

    @pytest.mark.parametrize("namespaces", [{}, {"both": Namespace(public=True)}])
    async def test_two_namespaces_that_become_one_do_not_expose_each_other(
        self, account: Personal, instance: Instance, wish: Wish, namespaces: dict[str, Namespace]
    ) -> None:
        account.namespaces = {"a-public": ["web"], "b-private": ["api"]}
        account.public = {"a-public/web": True}
        instance.namespaces = namespaces
        names = {"a-public": "both", "b-private": "both"}

        as_it_is = await wish(names=names)
        asked = await wish(names=names, visibility={"a-public": Visibility.PUBLIC})
        torn = await wish(
            names=names,
            visibility={"a-public": Visibility.PUBLIC, "b-private": Visibility.PRIVATE},
        )

        if namespaces:
            assert [type(each) for each in as_it_is.changes.refusals] == [errors.WouldBePublic]
        else:
            [made] = [each for each in as_it_is.changes.changes if each.kind == "namespace"]
            assert (made.name, made.after) == ("both", {"IsPublic": False})
        assert [type(each) for each in asked.changes.refusals] == [errors.WouldBePublic]
        assert "b-private/api" in asked.changes.refusals[0].detail
        assert "can't be public and private" in str(torn.changes.refusals[0])

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
        self, instance: Instance, wish: Wish, at: InstanceApi, operator: Agreeing
    ) -> None:
        found = await wish()

        await operator.agreed(found.changes, NamespaceEngine(at))

        assert instance.namespaces["shop"].descriptions == {
            "api": "The shop's API.\n\nAsk *team shop*."
        }
        assert instance.namespaces["open"].public
        assert not instance.namespaces["shop"].public
        assert created(await wish()) == []

    async def test_an_empty_one_is_filled_and_one_that_is_there_stays(
        self, account: Personal, instance: Instance, wish: Wish, at: InstanceApi, operator: Agreeing
    ) -> None:
        account.descriptions["shop/web"] = "From the personal edition."
        instance.namespaces = {
            "shop": Namespace(repositories=["api", "web"], descriptions={"web": "Ours."})
        }

        found = await wish()
        identity = await operator.agreed(found.changes, NamespaceEngine(at))

        assert "change repository shop/api" in created(found)
        assert "shop/web keeps the description that it has at the target." in found.changes.notes
        assert instance.namespaces["shop"].descriptions["web"] == "Ours."
        await operator.undone(identity, NamespaceEngine(at))
        assert instance.namespaces["shop"].descriptions["api"] == ""
        assert set(instance.namespaces) == {"shop"}

    async def test_what_holds_images_is_not_undone(
        self,
        api: TencentApi,
        instance: Instance,
        wish: Wish,
        at: InstanceApi,
        operator: Agreeing,
    ) -> None:
        identity = await operator.agreed((await wish()).changes, NamespaceEngine(at))
        breaks_nothing = api._actions["DescribeImages"]
        api._actions["DescribeImages"] = lambda call: {**breaks_nothing(call), "TotalCount": 1}

        with pytest.raises(errors.EngineRefused, match="has images"):
            await operator.undone(identity, NamespaceEngine(at))

        assert "api" in instance.namespaces["shop"].repositories

    async def test_a_namespace_in_use_is_not_undone(
        self, instance: Instance, wish: Wish, at: InstanceApi, operator: Agreeing
    ) -> None:
        identity = await operator.agreed((await wish()).changes, NamespaceEngine(at))
        instance.namespaces["void"].repositories.append("new")

        with pytest.raises(errors.EngineRefused, match="void/new among them"):
            await operator.undone(identity, NamespaceEngine(at))
