"""Sources are listed once, only as far as rules take them, and what has come can be used."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fakes.engine import FakeEngine
from transship.errors import CatalogClosed, ConnectionLost, RepositoryNotFound
from transship.oci.reference import Reference
from transship.plans.file import plan_in
from transship.plans.plan import Rule


def rules(*patterns: str, source: str = "old.example") -> tuple[Rule, ...]:
    text = f'version = 1\nkind = "sync"\n[[rules]]\nfrom = "{source}"\nto = "new.example"\n'
    text += f"repositories = {list(patterns)}\n" if patterns else ""
    return plan_in(text, Path("x.toml")).rules


def engine() -> FakeEngine:
    return FakeEngine(
        catalog={"old.example": ["team/web", "team/api", "other/x"]},
        tag_lists={
            "old.example/team/web": ["v2", "v1"],
            "old.example/team/api": ["v1"],
            "old.example/other/x": ["v1"],
        },
    )


def asked(it: FakeEngine, name: str) -> list[object]:
    return [what for method, what in it.asked if method == name]


async def test_only_what_the_rules_take_is_listed_and_that_once() -> None:
    it = engine()
    assert it.unlisted(rules("team/*")) is None
    await it.list_sources(lambda: rules("team/*"))
    assert it.unlisted(rules("team/*")) == 0
    assert it.listed()["old.example"].tags == {
        "team/web": ("v1", "v2"),
        "team/api": ("v1",),
        "other/x": (),
    }
    assert it.unlisted(rules("**")) == 1
    await it.list_sources(lambda: rules("**"))
    assert asked(it, "repositories") == ["old.example"]
    assert sorted(map(str, asked(it, "tags"))) == [
        "old.example/other/x",
        "old.example/team/api",
        "old.example/team/web",
    ]


async def test_what_is_forgotten_is_listed_anew() -> None:
    it = engine()
    await it.list_sources(lambda: rules())
    it.tag_lists["old.example/team/api"].append("v2")
    it.forget_listing("old.example")
    assert it.listed() == {}
    await it.list_sources(lambda: rules())
    assert it.listed()["old.example"].tags["team/api"] == ("v1", "v2")


async def test_a_repository_that_cannot_be_listed_does_not_keep_the_others() -> None:
    class Partly(FakeEngine):
        async def tags(self, host: str, repository: str):  # type: ignore[no-untyped-def]
            if repository == "team/web":
                raise RepositoryNotFound(repository)
            async for tag in super().tags(host, repository):
                yield tag

    it = engine()
    it.__class__ = Partly
    await it.list_sources(lambda: rules())
    catalogue = it.listed()["old.example"]
    assert set(catalogue.tags) == {"team/api", "other/x"}
    assert set(catalogue.problems) == {"team/web"}
    assert it.unlisted(rules()) == 0


async def test_a_source_that_lists_nothing_is_asked_for_what_is_written_out() -> None:
    it = engine()
    it.failures["repositories"] = CatalogClosed("old.example")
    await it.list_sources(lambda: rules("team/web"))
    assert it.listed()["old.example"].tags == {"team/web": ("v1", "v2")}
    with pytest.raises(CatalogClosed):
        await it.list_sources(lambda: rules("team/*"))
    assert it.unlisted(rules("team/api")) == 1


async def test_what_was_listed_before_it_failed_stays() -> None:
    it = engine()
    await it.list_sources(lambda: rules("team/api"))
    it.failures["tags"] = ConnectionLost("old.example")
    await it.list_sources(lambda: rules())
    assert it.listed()["old.example"].tags == {"team/api": ("v1",)}


async def test_a_listing_that_is_given_up_goes_on_where_it_was() -> None:
    it = engine()
    it.gates["tags"] = asyncio.Event()
    task = asyncio.create_task(it.list_sources(lambda: rules()))
    while not asked(it, "tags"):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    it.gates["tags"].set()
    await it.list_sources(lambda: rules())
    assert asked(it, "repositories") == ["old.example"]
    assert it.unlisted(rules()) == 0


async def test_what_is_looked_up_is_known_from_then_on() -> None:
    it = engine()
    it.created = {"old.example/team/api:v1": 5.0}
    await it.list_sources(lambda: rules())
    await it.look_up([Reference("old.example", "team/api", "v1")])
    facts = it.listed()["old.example"].facts
    assert facts["team/api", "v1"].created == 5.0
