"""The rule editor: what is typed is seen on the real tags at once, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from textual.widgets import Input, Select

from fakes.engine import FakeEngine
from fakes.images import HOSTILE
from fakes.plan_editing import TEXT, Editing, editing, engine
from fakes.screen import line_in, screen_text, until
from transship.errors import CatalogClosed, ConnectionLost
from transship.plans.plan import Kind
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.plan import rule_matches
from transship_tui.screens.plan.editor import PlanChangedDialog, PlanEditorScreen
from transship_tui.screens.plan.plans import PlanScreen
from transship_tui.screens.plan.preview import PlanPreviewScreen
from transship_tui.widgets.bars import LineBar
from transship_tui.widgets.dialogs import ConfirmDialog


async def test_what_a_rule_matches_is_there_with_its_new_names() -> None:
    async with editing(engine()) as it:
        await it.says("✓ 5 matched")
        assert it.rows()[0] == "✓ team/web:latest → mirror/web:latest"
        assert "✓ team/api:v1.1 → mirror/api:v1.1" in it.rows()
        await it.says("Rule 1 ✓5")


async def test_matches_follow_what_is_typed() -> None:
    async with editing(engine()) as it:
        await it.fill("tags-include", "v*")
        await it.says("✓ 4 matched")
        await it.fill("tags-exclude", "*-rc*")
        await it.says("Tags: ✓ 3 matched – 2 dropped Repositories: – 1 dropped")
        await it.fill("map", "all/{name}")
        await it.until_row("✓ team/web:v1.0 → mirror/all/web:v1.0")
        it.screen.query_one("#matches VirtualTable").focus()
        await it.pilot.press("f")
        await it.until_row("– team/web:latest isn't v*")
        await it.until_row("– other/x no rule looks there")


async def test_typing_with_keys_goes_into_the_field_and_on_with_enter() -> None:
    async with editing(engine()) as it:
        await it.pilot.press("end", *"web", "enter")
        assert it.screen.query_one("#repositories", Input).value == "web"
        assert it.app.focused is it.screen.query_one("#to")
        await it.says("✓ 3 matched")


async def test_a_mistake_is_said_under_its_field_and_the_last_matches_stay() -> None:
    async with editing(engine()) as it:
        await it.fill("tags-semver", ">=")
        await it.says("✗ Not a range of versions")
        await it.says("! as it was before: rule 1 can't be read")
        await it.says("Rule 1 ✗")
        assert len(it.rows()) == 5
        await it.pilot.press("ctrl+s")
        await it.says("! Mend rule 1 first")
        assert it.engine.plan_texts["mine"] == TEXT
        await it.fill("tags-semver", ">=1.1")
        await it.says("✓ 1 matched")


async def test_while_many_tags_are_gone_through_it_says_that_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go = asyncio.Event()

    async def slowly(function: Callable[..., object], *args: object) -> object:
        await go.wait()
        return function(*args)

    async with editing(engine()) as it:
        monkeypatch.setattr(rule_matches, "_AT_ONCE", 0)
        monkeypatch.setattr(rule_matches, "compute_in_thread", slowly)
        await it.fill("tags-include", "v*")
        await it.says("… going through the tags again")
        go.set()
        await it.says("✓ 4 matched")
        assert "going through the tags" not in it.text()


async def test_fewer_platforms_say_what_comes_of_it() -> None:
    async with editing(engine()) as it:
        await it.fill("platforms", "linux/amd64")
        it.screen.query_one("#platforms").focus()
        await it.says("An index with fewer platforms gets another digest")


async def test_saving_keeps_comments_and_says_only_what_changed() -> None:
    async with editing(engine()) as it:
        assert it.screen.query_one(LineBar).line == "transship plan mine"
        await it.fill("tags-newest", "5")
        await it.says("changed, not saved")
        assert it.screen.query_one(LineBar).line == ""
        it.screen.query_one("#tags-by", Select).value = "version"
        await it.pilot.press("ctrl+s")
        await it.says("Saved as plans/mine.toml")
        saved = it.engine.plan_texts["mine"]
        assert "# Mine." in saved
        assert "# and this" in saved
        assert 'tags = {newest = 5, by = "version"}' in saved
        assert it.screen.query_one(LineBar).line == "transship plan mine"


async def test_the_text_as_it_would_be_saved_can_be_looked_at() -> None:
    async with editing(engine()) as it:
        await it.fill("tags-include", "v*")
        await it.pilot.press("ctrl+t")
        await it.says('tags = {include = ["v*"]}')
        await it.says("# Mine.")


async def test_leaving_with_unsaved_changes_asks() -> None:
    async with editing(engine()) as it:
        await it.pilot.press("escape")
        await it.shows(PlanScreen)
        await it.pilot.press("enter")
        await it.shows(PlanEditorScreen)
        await it.fill("tags-include", "v*")
        for way in ("escape", "ctrl+q"):
            await it.pilot.press(way)
            await it.shows(ConfirmDialog)
            await it.pilot.press("enter")
            await it.shows(PlanEditorScreen)
        await it.pilot.press("escape")
        await it.shows(ConfirmDialog)
        await it.pilot.press("right", "enter")
        await it.shows(PlanScreen)
        assert it.engine.plan_texts["mine"] == TEXT


async def test_a_new_plan_has_its_kind_chosen_at_the_top_and_is_saved_under_its_name() -> None:
    async with editing(engine(None), key="a") as it:
        await it.says("Plan plan sync · 1 rule · new")
        await it.fill("name", "in-step")
        it.screen.query_one("#kind").focus()
        await it.pilot.press("right", "enter")
        await it.says("everything below a path is kept in step")
        await it.says("▐○▌ Sync ▐●▌ Replication")
        it.screen.query_one("#delete", Select).value = True
        await it.pilot.pause()
        await it.fill("delete-at_5fmost", "2%")
        await it.pilot.press("f6")
        await it.fill("from", "old/team")
        await it.fill("to", "new")
        await it.pilot.press("ctrl+s")
        await it.says("Saved as plans/in-step.toml")
        plan = it.engine.all_plans()[0].plan
        assert plan is not None
        assert plan.kind is Kind.REPLICATION
        assert plan.delete is not None
        assert plan.delete.at_most == 0.02
        assert not it.screen.query_one("#at-tags-include").display


async def test_a_new_plan_guesses_no_way_and_complains_only_of_what_was_touched() -> None:
    async with editing(engine(None), key="a") as it:
        await it.pilot.press("f6")
        for end in ("from", "to"):
            assert it.screen.query_one(f"#{end}", Input).value == ""
        assert it.app.focused is it.screen.query_one("#from")
        await it.says("a registry or its alias, with or without a path")
        await it.says("From and To")
        assert "✗" not in it.text()
        await it.fill("from", "old")
        await it.fill("from", "")
        await it.says("Rule 1 ✗")
        assert it.screen.query_one("#at-from .note").display
        assert not it.screen.query_one("#at-to .note").display
        await it.pilot.press("ctrl+s")
        assert it.screen.query_one("#at-to .note").display


async def test_a_new_plan_goes_where_the_guide_goes() -> None:
    stand_in = engine(None)
    app = TransshipApp(stand_in, Settings(guide=False))
    async with app.run_test(size=(100, 30)) as pilot:
        it = Editing(app, pilot, stand_in)
        app.context.guide.source, app.context.guide.target = "new.example", "old.example"
        await pilot.press("3", "a")
        await it.shows(PlanEditorScreen)
        await pilot.press("f6")
        assert it.screen.query_one("#from", Input).value == "new.example"
        assert it.screen.query_one("#to", Input).value == "old.example"


async def test_a_share_that_is_cleared_stays_in_sight_as_the_default() -> None:
    text = TEXT.replace("sync", "replication") + '\n[delete]\nat_most = "2%"\n'
    async with editing(engine(text)) as it:
        await it.pilot.press("f5")
        await it.fill("delete-at_5fmost", "")
        await it.pilot.press("ctrl+s")
        await it.says("Saved as")
        assert it.screen.query_one("#at-delete-at_5fmost").display
        plan = it.engine.all_plans()[0].plan
        assert plan is not None
        assert plan.delete is not None
        assert plan.delete.at_most == 0.05


async def test_copies_that_cannot_be_look_like_that_and_saving_says_so() -> None:
    async with editing(engine()) as it:
        await it.fill("map", "one")
        await it.says("✗ 2 impossible")
        await it.says("! 5 matched")
        await it.says("Rule 1 ✓5 ✗2")
        bad = [row for row in it.rows() if row.startswith("✗")]
        assert len(bad) == 2
        assert all("would become new.example/mirror/one:v1.0 too" in row for row in bad)
        await it.pilot.press("ctrl+s")
        await it.says("Saved; 2 can't be copied")


async def test_a_name_that_is_taken_is_refused_beside_the_name() -> None:
    async with editing(engine(), key="a") as it:
        await it.fill("name", "mine")
        await it.pilot.press("f6")
        await it.fill("from", "old")
        await it.fill("to", "new")
        await it.pilot.press("ctrl+s")
        await it.says("✗ there is a plan 'mine' already")
        assert list(it.engine.plan_texts) == ["mine"]


async def test_schedule_and_limits_are_said_as_a_person_writes_them() -> None:
    async with editing(engine()) as it:
        await it.pilot.press("f5")
        await it.fill("schedule", "0 3 * *")
        await it.says("has 4 fields")
        await it.fill("schedule", "10m")
        await until(it.pilot, lambda: it.screen.query("#limits-old-rate"), "limits by registry")
        await it.fill("limits-old-rate", "50 MiB/s")
        await it.pilot.press("ctrl+s")
        await it.says("Saved as")
        assert '[schedule]\nevery = "10m"' in it.engine.plan_texts["mine"]
        assert '[limits.old]\nrate = "50 MiB/s"' in it.engine.plan_texts["mine"]


async def test_rules_are_added_and_taken_out() -> None:
    async with editing(engine()) as it:
        await it.pilot.press("f8")
        await it.says("A plan has one rule at least.")
        await it.pilot.press("ctrl+n")
        await it.says("Rule 2")
        assert it.screen.query_one("#from", Input).value == "old/team"
        await it.fill("from", "old/other")
        await it.says("Rule 1 ✓5 Rule 2 ✓1")
        await it.pilot.press("f8")
        await it.shows(ConfirmDialog)
        await it.pilot.press("right", "enter")
        await it.shows(PlanEditorScreen)
        assert "Rule 2" not in it.text()


async def test_sources_are_listed_once_until_they_are_listed_anew() -> None:
    async with editing(engine()) as it:
        await it.fill("repositories", "web")
        await it.settles()
        assert [what for name, what in it.engine.asked if name == "repositories"] == ["old.example"]
        it.engine.tag_lists["old.example/team/web"].append("v3")
        await it.pilot.press("ctrl+r")
        await it.says("✓ 4 matched")


async def test_what_is_listed_so_far_can_be_used() -> None:
    stand_in = engine()
    gate = asyncio.Event()

    class Slow(FakeEngine):
        async def tags(self, host: str, repository: str):  # type: ignore[no-untyped-def]
            if repository == "team/web":
                await gate.wait()
            async for tag in super().tags(host, repository):
                yield tag

    stand_in.__class__ = Slow
    app = TransshipApp(stand_in, Settings(guide=False))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("3", "enter")
        it = Editing(app, pilot, stand_in)
        await it.says("✓ 2 matched")
        await it.says("… listing: 2 tags listed in 1 of 3 repositories so far, 1 repository to go")
        gate.set()
        await it.says("✓ 5 matched")


async def test_what_cannot_be_listed_says_why() -> None:
    stand_in = engine()
    stand_in.failures["repositories"] = ConnectionLost("old.example")
    async with editing(stand_in) as it:
        await it.says(ConnectionLost.title)
        await it.says("What is at the source isn't known.")
        await it.says("? what it matches isn't known")
        await it.says("Rule 1 ?")
        assert "✓ 0" not in it.text()
        del stand_in.failures["repositories"]
        await it.pilot.press("ctrl+r")
        await it.says("✓ 5 matched")


async def test_a_source_that_lists_nothing_follows_names_that_are_written_out() -> None:
    stand_in = engine()
    stand_in.failures["repositories"] = CatalogClosed("old.example")
    async with editing(stand_in) as it:
        await it.says(CatalogClosed.title)
        await it.fill("repositories", "web")
        await it.says("✓ 3 matched")


async def test_tags_of_unknown_age_are_looked_up_when_asked() -> None:
    stand_in = engine()
    stand_in.created = {"old.example/team/api:v1.1": 50.0, "old.example/team/web:latest": 50.0}
    async with editing(stand_in) as it:
        await it.fill("tags-newest", "1")
        await it.says("? 5 tags must be looked up; ctrl+l does it")
        await it.pilot.press("ctrl+l")
        await it.says("✓ 2 matched")
        assert it.rows()[0].startswith("✓ team/web:latest")


async def test_a_change_elsewhere_is_taken_over_unless_something_would_be_lost() -> None:
    async with editing(engine()) as it:
        it.engine.plan_texts["mine"] = TEXT.replace("old/team", "old/other")
        it.screen._look_at_file()
        await it.says("The file was changed elsewhere; this is what it says.")
        await it.says("✓ 1 matched")
        await it.fill("tags-include", "v*")
        it.engine.plan_texts["mine"] = TEXT + "# theirs\n"
        it.screen._look_at_file()
        await it.says("saving asks whose words to keep")
        await it.pilot.press("ctrl+s")
        await it.shows(PlanChangedDialog)
        assert it.app.focused is it.app.screen.query_one("#cancel")
        await it.pilot.press("tab", "tab", "enter")
        await it.says("Saved as")
        saved = it.engine.plan_texts["mine"]
        assert "# theirs" in saved
        assert 'include = ["v*"]' in saved


async def test_theirs_can_be_taken_instead() -> None:
    async with editing(engine()) as it:
        await it.fill("tags-include", "v*")
        it.engine.plan_texts["mine"] = TEXT.replace("old/team", "old/other")
        await it.pilot.press("ctrl+s")
        await it.shows(PlanChangedDialog)
        await it.pilot.press("tab", "enter")
        await it.says("this is what it says")
        assert it.screen.query_one("#from", Input).value == "old/other"


async def test_the_draft_can_be_previewed_without_being_saved() -> None:
    async with editing(engine()) as it:
        await it.fill("tags-include", "v*")
        await it.pilot.press("ctrl+o")
        await it.shows(PlanPreviewScreen)
        await it.says("as it is here, not saved")
        assert line_in(it.app, LineBar) == ""
        assert it.engine.plan_texts["mine"] == TEXT


@pytest.mark.parametrize("words", HOSTILE)
async def test_what_a_registry_calls_its_tags_is_only_text(words: str) -> None:
    stand_in = engine()
    stand_in.catalog["old.example"] = ["team/web", f"team/{words}"]
    stand_in.tag_lists["old.example/team/web"] = [words]
    stand_in.tag_lists[f"old.example/team/{words}"] = ["v1"]
    async with editing(stand_in) as it:
        it.screen.query_one("#matches VirtualTable").focus()
        await it.pilot.press("f", "j")
        assert it.app.is_running
        assert screen_text(it.app).replace("\n", "").isprintable()


async def test_what_is_marked_in_browse_becomes_the_rules_of_a_plan() -> None:
    stand_in = engine(None)
    app = TransshipApp(stand_in, Settings(guide=False))
    async with app.run_test(size=(100, 30)) as pilot:
        it = Editing(app, pilot, stand_in)
        app.browse("old.example")
        await it.says("3 repositories")
        await pilot.press("g", "space", "j", "enter")
        await it.says("v1.0")
        await pilot.press("g", "space", "p")
        await it.shows(PlanEditorScreen)
        await it.says("2 rules · new")
        assert app.current_mode == "plan"
        await pilot.press("ctrl+s")
        await it.says("Saved as")
        [text] = stand_in.plan_texts.values()
        assert 'repositories = ["other/x"]' in text
        assert 'repositories = ["team/web"]\ntags = { exact = ["latest"] }' in text
