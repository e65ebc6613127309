"""Browse: from a registry to what is to be copied."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from fakes.engine import FakeEngine
from fakes.images import HOSTILE, digest, image_of
from fakes.screen import line_in, screen_text, until
from transship.accounts.registry_file import Account
from transship.errors import CatalogClosed, ConnectionLost, RepositoryNotFound
from transship.oci.digest import short
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.browse.browser import Browser, BrowseScreen, NameRepositories
from transship_tui.screens.browse.image import ImageScreen
from transship_tui.screens.browse.names import Filling, ImageNames, NameList
from transship_tui.widgets.bars import Heading, LineBar, MessageBar

OLD = "old.example:5000"


@dataclass
class SlowEngine(FakeEngine):
    """Gives the first names of a list at once, and the rest when the test lets it."""

    at_once: int = 3
    more: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: list[str] = field(default_factory=list)

    async def repositories(self, host: str) -> AsyncIterator[str]:
        try:
            for number, name in enumerate(self.catalog[host]):
                if number == self.at_once:
                    await self.more.wait()
                yield name
        finally:
            self.let_go.append(host)


def engine(kind: type[FakeEngine] = FakeEngine, tags: int = 12) -> FakeEngine:
    return kind(
        known=[Account(OLD, alias="old"), Account("new.example", alias="new")],
        catalog={OLD: ["team/web", "team/api", "library/alpine", "tools/job-10", "tools/job-9"]},
        tag_lists={
            f"{OLD}/team/api": ["1.0", "1.1"],
            f"{OLD}/team/web": ["latest", *(f"v{n}" for n in range(1, tags))],
        },
    )


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageNames, "REST", 0.001)


@dataclass
class Browsing:
    """Browse in front, and what a test asks of it."""

    app: TransshipApp
    pilot: Pilot[None]

    @property
    def browser(self) -> Browser:
        return self.app.screen.query_one(Browser)

    def text(self, widget: type[Heading | LineBar | MessageBar]) -> str:
        return line_in(self.app, widget)

    def shown(self, names: NameList) -> list[str]:
        rows = names.table.rows
        return [rows.key(index) for index in range(len(rows))]

    async def until(self, condition: Callable[[], object], what: str) -> None:
        await until(self.pilot, condition, what)

    async def open_registry(self) -> None:
        await self.pilot.press("2", "enter")
        await self.until(
            lambda: (
                self.browser.names.repositories.filling is not Filling.RUNNING
                and self.browser.level == "repositories"
            ),
            "repositories are listed",
        )

    async def open_tags(self, repository: str = "team/web") -> None:
        await self.open_registry()
        await self.go_to(self.browser.names.repositories, repository)
        await self.pilot.press("enter")
        await self.until(
            lambda: (
                self.browser.names.tags.filling is Filling.COMPLETE and self.browser.level == "tags"
            ),
            "tags are listed",
        )

    async def go_to(self, names: NameList, key: str) -> None:
        names.table.cursor = self.shown(names).index(key)
        await self.pilot.pause()


@asynccontextmanager
async def browsing(
    stand_in: FakeEngine, size: tuple[int, int] = (80, 24), *, theme: str = "transship"
) -> AsyncIterator[Browsing]:
    app = TransshipApp(stand_in, Settings(guide=False, theme=theme))
    async with app.run_test(size=size) as pilot:
        yield Browsing(app, pilot)


async def test_it_begins_with_the_registries_to_choose_from() -> None:
    async with browsing(engine()) as it:
        await it.pilot.press("2")
        await it.until(lambda: "choose one of 2 registries" in it.text(Heading), "it asks")
        assert OLD in screen_text(it.app)
        assert it.text(LineBar).startswith("$ transship ls ")


async def test_the_only_registry_is_opened_without_asking() -> None:
    stand_in = engine()
    stand_in.known = stand_in.known[:1]
    async with browsing(stand_in) as it:
        await it.pilot.press("2")
        await it.until(lambda: "5 repositories" in it.text(Heading), "it is listed")


async def test_without_any_registry_it_says_how_to_add_one() -> None:
    async with browsing(FakeEngine()) as it:
        await it.pilot.press("2")
        await it.until(lambda: "Press 1 to add the first" in screen_text(it.app), "it says how")


async def test_another_screen_can_say_what_to_browse() -> None:
    async with browsing(engine()) as it:
        it.app.browse(OLD)
        await it.until(lambda: "5 repositories" in it.text(Heading), "it is listed")
        assert it.browser.names.host == OLD
        assert it.app.context.wanted_host == ""


async def test_repositories_stand_in_natural_order_and_their_line_is_shown() -> None:
    async with browsing(engine()) as it:
        await it.open_registry()
        assert it.shown(it.browser.names.repositories) == [
            "library/alpine",
            "team/api",
            "team/web",
            "tools/job-9",
            "tools/job-10",
        ]
        await it.until(lambda: it.text(LineBar).startswith("$ transship ls old "), "the line")
        await it.pilot.press("s")
        assert it.shown(it.browser.names.repositories)[0] == "team/web"
        assert "as the registry has it" in it.text(MessageBar)


async def test_what_has_come_is_shown_while_the_rest_is_on_its_way() -> None:
    stand_in = engine(SlowEngine)
    assert isinstance(stand_in, SlowEngine)
    async with browsing(stand_in) as it:
        await it.pilot.press("2", "enter")
        await it.until(lambda: "3 repositories found so far" in it.text(Heading), "the first three")
        assert len(it.shown(it.browser.names.repositories)) == 3
        stand_in.more.set()
        await it.until(lambda: it.text(Heading).endswith("old  5 repositories"), "all are there")


async def test_leaving_ends_the_listing_and_what_has_come_stays() -> None:
    stand_in = engine(SlowEngine)
    assert isinstance(stand_in, SlowEngine)
    async with browsing(stand_in) as it:
        await it.pilot.press("2", "enter")
        await it.until(lambda: "found so far" in it.text(Heading), "some have come")
        await it.pilot.press("3")
        await it.until(lambda: stand_in.let_go == [OLD], "the registry is let go")
        await it.pilot.press("2")
        await it.until(
            lambda: "3 repositories found, then stopped" in it.text(Heading), "it says so"
        )
        stand_in.more.set()
        await it.pilot.press("r")
        await it.until(lambda: it.text(Heading).endswith("5 repositories"), "listed anew")


async def test_help_in_front_ends_nothing() -> None:
    stand_in = engine(SlowEngine)
    assert isinstance(stand_in, SlowEngine)
    async with browsing(stand_in) as it:
        await it.pilot.press("2", "enter")
        await it.until(lambda: "found so far" in it.text(Heading), "some have come")
        await it.pilot.press("question_mark")
        await it.until(lambda: not isinstance(it.app.screen, BrowseScreen), "help is in front")
        stand_in.more.set()
        await it.pilot.press("escape")
        await it.until(lambda: isinstance(it.app.screen, BrowseScreen), "help is gone")
        await it.until(lambda: it.text(Heading).endswith("5 repositories"), "it went on")


async def test_the_tags_of_the_repository_under_the_cursor_stand_beside_it() -> None:
    async with browsing(engine()) as it:
        await it.open_registry()
        await it.go_to(it.browser.names.repositories, "team/api")
        await it.until(
            lambda: it.shown(it.browser.names.tags) == ["team/api:1.0", "team/api:1.1"], "its tags"
        )
        assert "2 tags of team/api" in screen_text(it.app)
        assert it.browser.level == "repositories"


async def test_where_there_is_little_room_tags_come_after_repositories() -> None:
    stand_in = engine()
    async with browsing(stand_in, (60, 20)) as it:
        await it.open_registry()
        await it.go_to(it.browser.names.repositories, "team/api")
        assert "tags" not in screen_text(it.app)
        await it.pilot.press("enter")
        await it.until(lambda: "2 tags of team/api" in screen_text(it.app), "the tags")
        assert "library/alpine" not in screen_text(it.app)
        await it.pilot.press("escape")
        await it.until(lambda: "library/alpine" in screen_text(it.app), "back")
        assert [what for name, what in stand_in.asked if name == "tags"] == [f"{OLD}/team/api"]


async def test_the_lists_follow_the_room_there_is() -> None:
    async with browsing(engine(), (60, 20)) as it:
        await it.open_tags()
        assert "library/alpine" not in screen_text(it.app)
        await it.pilot.resize_terminal(100, 30)
        await it.until(lambda: "library/alpine" in screen_text(it.app), "both lists")


async def test_escape_goes_back_one_by_one_and_loses_nothing() -> None:
    stand_in = engine()
    async with browsing(stand_in) as it:
        await it.open_tags()
        levels = []
        for _ in range(3):
            await it.pilot.press("escape")
            await it.pilot.pause()
            levels.append(it.browser.level)
        assert levels == ["repositories", "accounts", "accounts"]
        await it.pilot.press("enter")
        await it.until(lambda: "5 repositories" in it.text(Heading), "the same list")
        assert [name for name, _ in stand_in.asked].count("repositories") == 1


async def test_the_filter_narrows_while_it_is_typed_and_escape_shows_all() -> None:
    async with browsing(engine(tags=30)) as it:
        await it.open_tags()
        await it.pilot.press("slash", *"v2")
        await it.until(lambda: "11 of 30 tags" in it.text(Heading), "v2, v20 to v29")
        await it.pilot.press("enter")
        await it.until(lambda: it.browser.names.tags.table.has_focus, "back in the list")
        assert "/ v2" in screen_text(it.app)
        await it.pilot.press("escape")
        await it.until(lambda: it.text(Heading).endswith("30 tags"), "all")
        assert it.browser.level == "tags"
        assert "/ v2" not in screen_text(it.app)


async def test_tags_stand_beside_a_repository_only_while_that_is_shown() -> None:
    async with browsing(engine(), (120, 40)) as it:
        await it.open_registry()
        await it.go_to(it.browser.names.repositories, "team/web")
        tags = it.browser.names.tags
        await it.until(lambda: "team/web:latest" in it.shown(tags), "its tags beside it")
        await it.pilot.press("slash", *"api")
        await it.until(lambda: "team/api:1.0" in it.shown(tags), "those of the other")
        await it.pilot.press(*"zzz")
        await it.until(lambda: it.shown(tags) == [], "none")
        assert "of team/api" not in screen_text(it.app)
        await it.pilot.press("escape")
        names = it.browser.names
        await it.until(lambda: names.repository == "library/alpine", "where the cursor stands")


async def test_names_that_are_left_out_are_named_with_the_reason() -> None:
    stand_in = engine()
    stand_in.bad_names = {OLD: ["Team/Web", "a//b", "c/", "_d", "\x1b]52;c;eA==\x07e F"]}
    async with browsing(stand_in) as it:
        await it.open_registry()
        await it.until(lambda: "5 names left out" in screen_text(it.app), "they are counted")
        foot = str(it.browser.names.repositories.query_one("#left-out", Static).visual)
        assert foot == "! 5 names left out, by the rules no repository: Team/Web, a//b, c/, _d, …"
        await it.pilot.press("enter")
        await it.until(lambda: it.browser.names.tags.filling is Filling.COMPLETE, "the tags")
        assert not it.browser.names.tags.query_one("#left-out").display


async def test_what_cannot_be_listed_is_not_counted_as_none() -> None:
    stand_in = engine()
    stand_in.failures["repositories"] = ConnectionLost(OLD)
    async with browsing(stand_in) as it:
        await it.open_registry()
        assert "0 repositories" not in screen_text(it.app)
        assert "not listed" in it.text(Heading)


async def test_a_filter_can_be_a_glob_or_the_opposite_of_one() -> None:
    async with browsing(engine()) as it:
        await it.open_tags()
        await it.pilot.press("slash", *"!v*")
        await it.until(
            lambda: it.shown(it.browser.names.tags) == ["team/web:latest"], "what is no version"
        )
        await it.pilot.press("escape")
        await it.until(lambda: it.browser.names.tags.table.has_focus, "back in the list")
        assert len(it.shown(it.browser.names.tags)) == 12


async def test_the_cursor_stays_on_its_row_when_the_list_changes_around_it() -> None:
    async with browsing(engine(tags=30)) as it:
        await it.open_tags()
        await it.go_to(it.browser.names.tags, "team/web:v25")
        await it.pilot.press("slash", "2", "enter")
        assert it.browser.names.tags.table.key_at_cursor() == "team/web:v25"
        await it.pilot.press("escape", "s")
        assert it.browser.names.tags.table.key_at_cursor() == "team/web:v25"
        await it.pilot.press("r")
        await it.until(
            lambda: (
                it.browser.names.tags.filling is Filling.COMPLETE
                and it.browser.names.tags.table.key_at_cursor() == "team/web:v25"
            ),
            "listed anew",
        )


async def test_marks_survive_the_filter_and_other_repositories_and_are_counted() -> None:
    async with browsing(engine()) as it:
        await it.open_tags()
        await it.pilot.press("space", "slash", *"v1", "enter", "space")
        await it.until(lambda: "● 2 tags" in it.text(Heading), "two")
        await it.pilot.press("escape", "escape", "k", "space")
        await it.until(lambda: "● 1 repository, 2 tags" in it.text(Heading), "and a repository")
        assert [str(source) for source in it.browser.names.selection()] == [
            f"{OLD}/team/api",
            f"{OLD}/team/web:latest",
            f"{OLD}/team/web:v1",
        ]
        await it.pilot.press("U")
        await it.until(lambda: "● 2 tags" in it.text(Heading), "the repository isn't any more")


async def test_marking_by_a_pattern_says_how_many_before_it_does() -> None:
    async with browsing(engine()) as it:
        await it.open_tags()
        await it.pilot.press("asterisk", *"v1*")
        await it.until(lambda: "marks 3" in screen_text(it.app), "v1, v10, v11")
        assert it.browser.names.marked == 0
        await it.pilot.press("enter")
        await it.until(lambda: it.browser.names.marked == 3, "marked")
        assert it.shown(it.browser.names.tags)[0] == "team/web:latest"
        await it.pilot.press("asterisk", "escape")
        await it.until(lambda: it.browser.names.tags.table.has_focus, "back in the list")
        assert it.browser.names.marked == 3


async def test_a_pattern_marks_only_what_is_shown() -> None:
    async with browsing(engine()) as it:
        await it.open_tags()
        await it.pilot.press("slash", *"!1", "enter", "asterisk", "v", "enter")
        await it.until(lambda: it.browser.names.marked == 8, "v2 to v9")
        assert "/ !1" in screen_text(it.app)


async def test_another_registry_begins_without_marks() -> None:
    stand_in = engine()
    stand_in.catalog["new.example"] = ["web"]
    async with browsing(stand_in) as it:
        await it.open_registry()
        await it.pilot.press("space", "o")
        await it.until(lambda: it.browser.level == "accounts", "the registries")
        await it.pilot.press("j", "enter")
        await it.until(lambda: it.shown(it.browser.names.repositories) == ["web"], "the other one")
        assert it.browser.names.marked == 0


async def test_marks_are_what_the_guide_calls_chosen() -> None:
    async with browsing(engine()) as it:
        await it.open_registry()
        await it.pilot.press("space")
        await it.until(lambda: it.app.context.guide.chosen == 1, "chosen")
        assert it.app.context.guide.source == OLD


async def test_a_registry_that_lists_nothing_says_so_and_takes_names() -> None:
    stand_in = engine()
    stand_in.failures["repositories"] = CatalogClosed(OLD)
    async with browsing(stand_in) as it:
        await it.open_registry()
        await it.until(lambda: "Press a to name those" in screen_text(it.app), "it says how")
        assert CatalogClosed.title in it.text(MessageBar)
        await it.pilot.press("a")
        await it.until(lambda: isinstance(it.app.screen, NameRepositories), "it asks")
        await it.pilot.press(*"Team", "enter")
        await it.until(lambda: "'Team' is not a repository name" in screen_text(it.app), "refused")
        it.app.screen.query_one(Input).value = "team/web, team/api team/web"
        await it.pilot.press("enter")
        await it.until(
            lambda: (
                isinstance(it.app.screen, BrowseScreen)
                and it.shown(it.browser.names.repositories) == ["team/api", "team/web"]
            ),
            "the named ones",
        )
        assert stand_in.known[0].repositories == ("team/web", "team/api")
        assert "named yourself" in it.text(MessageBar)


async def test_an_error_is_said_and_what_came_before_it_stays() -> None:
    class Breaking(FakeEngine):
        async def tags(self, host: str, repository: str) -> AsyncIterator[str]:
            yield "v1"
            raise ConnectionLost(host)

    async with browsing(engine(Breaking)) as it:
        await it.open_registry()
        await it.until(lambda: ConnectionLost.title in it.text(MessageBar), "it says what")
        await it.pilot.press("enter")
        assert it.shown(it.browser.names.tags) == ["library/alpine:v1"]


async def test_a_repository_that_is_gone_is_named_where_its_tags_would_be() -> None:
    stand_in = engine()
    stand_in.failures["tags"] = RepositoryNotFound("library/alpine")
    async with browsing(stand_in) as it:
        await it.open_registry()
        await it.until(
            lambda: screen_text(it.app).count(RepositoryNotFound.title) == 2, "twice in sight"
        )


async def test_a_tag_opens_and_what_was_learned_of_it_stays_beside_it() -> None:
    stand_in = engine()
    stand_in.inspections[f"{OLD}/team/web:latest"] = image_of(f"{OLD}/team/web:latest")
    async with browsing(stand_in, (120, 40)) as it:
        await it.open_tags()
        await it.pilot.press("Y")
        await it.until(lambda: "isn't known yet" in it.text(MessageBar), "not yet")
        await it.pilot.press("enter")
        await it.until(lambda: isinstance(it.app.screen, ImageScreen), "opened")
        await it.until(lambda: "3 layers" in screen_text(it.app), "looked at")
        await it.pilot.press("escape")
        await it.until(lambda: isinstance(it.app.screen, BrowseScreen), "back")
        await it.until(lambda: short(digest("amd64")) in screen_text(it.app), "its digest")
        await it.pilot.press("Y")
        await it.until(lambda: f"{OLD}/team/web@sha256:" in it.text(MessageBar), "copied")


async def test_what_is_for_tags_says_so_elsewhere() -> None:
    async with browsing(engine()) as it:
        await it.open_registry()
        await it.pilot.press("i")
        await it.until(lambda: "open a repository first" in it.text(MessageBar), "it says why")


async def test_hostile_names_are_only_text() -> None:
    stand_in = engine()
    stand_in.catalog[OLD] = list(HOSTILE)
    stand_in.tag_lists = {f"{OLD}/{name}": list(HOSTILE) for name in HOSTILE}
    async with browsing(stand_in) as it:
        await it.open_registry()
        for name in HOSTILE:
            it.browser.names.repositories.table.go_to(name)
            it.browser.names.repositories.table.action_open()
            await it.until(
                lambda name=name: f"{name}:{HOSTILE[0]}" in it.shown(it.browser.names.tags),
                "listed",
            )
            assert screen_text(it.app).replace("\n", "").isprintable(), repr(name)
        assert "[/foo] closing" in screen_text(it.app)
        await it.pilot.press("c")
        await it.until(lambda: "Not an image reference" in it.text(MessageBar), "refused in words")


async def test_fifty_thousand_tags_open_while_the_app_answers() -> None:
    stand_in = engine(tags=50_000)
    async with browsing(stand_in) as it:
        await it.open_registry()
        it.browser.names.repositories.table.go_to("team/web")
        it.browser.names.repositories.table.action_open()
        turns = 0
        while len(it.browser.names.tags.table.rows) < 50_000:
            await asyncio.sleep(0)
            turns += 1
        assert turns > 50
        await it.pilot.press("G")
        await it.until(lambda: "v49999" in screen_text(it.app), "the last one")
        assert it.text(Heading).endswith("50,000 tags")
