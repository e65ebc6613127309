"""Quick mode: both accounts, what the instance lacks, the question, and the job that starts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from textual.widgets import Input, Select

from fakes.delegates_world import PERSONAL, TCR, WAYS
from fakes.screen import line_in, screen_text, until
from fakes.world import Walk, full_world, walking
from transship import errors
from transship.app.engines import QuickTransferRequest
from transship.engines.changes import ChangeSet
from transship.plans.plan import OnConflict
from transship_tui.widgets.bars import LineBar, MessageBar


def said(walk: Walk) -> str:
    return " ".join(screen_text(walk.app).replace("▌", " ").replace("▐", " ").split())


def wished(walk: Walk) -> object:
    return next(what for name, what in reversed(walk.engine.asked) if name == "draw_changes")


async def test_the_accounts_of_both_kinds_are_offered_and_the_line_is_said() -> None:
    async with walking(full_world(), WAYS["quick"], (120, 40)) as walk:
        assert PERSONAL in said(walk)
        assert TCR in said(walk)
        assert f"transship delegate quick {PERSONAL} {TCR}" in line_in(walk.app, LineBar)


async def test_without_accounts_it_says_which_are_missing() -> None:
    async def there(walk: Walk) -> None:
        await walk.press("3", "Q")
        await walk.is_at("QuickScreen")

    async with walking(full_world(), there) as walk:
        assert "no account of TCR Personal yet" in said(walk)
        await walk.press("ctrl+s")
        await walk.is_at("QuickScreen")
        assert "This is needed." in said(walk)
        assert walk.app.screen.query_one(LineBar).line == ""


async def test_what_is_filled_in_is_what_is_wished() -> None:
    async with walking(full_world(), WAYS["quick"], (120, 40)) as walk:
        walk.app.screen.query_one("#newest", Input).value = "10"
        walk.app.screen.query_one("#conflict", Select).value = "skip"
        walk.app.screen.query_one("#incomplete", Select).value = "yes"
        await walk.rests()
        words = "--newest 10 --on-conflict skip --incomplete"
        await until(walk.pilot, lambda: words in walk.app.screen.query_one(LineBar).line, "it")
        await walk.press("ctrl+s")
        await walk.is_at("QuickChangesScreen")
        assert wished(walk) == QuickTransferRequest(
            PERSONAL, TCR, 10, OnConflict.SKIP, incomplete=True
        )


async def test_namespaces_are_renamed_or_left_behind_where_that_is_said() -> None:
    async with walking(full_world(), WAYS["quick"], (120, 40)) as walk:
        rename = walk.app.screen.query_one("#rename", Input)
        rename.value = "team"
        await walk.press("ctrl+s")
        await walk.is_at("QuickScreen")
        assert "Write old=new" in said(walk)
        rename.value = "team=shop, web=site"
        walk.app.screen.query_one("#leave-out", Input).value = "scratch, old"
        words = "--rename team=shop --rename web=site --leave-out scratch --leave-out old"
        await until(walk.pilot, lambda: words in walk.app.screen.query_one(LineBar).line, "it")
        await walk.press("ctrl+s")
        await walk.is_at("QuickChangesScreen")
        names = (("team", "shop"), ("web", "site"))
        assert wished(walk) == QuickTransferRequest(
            PERSONAL, TCR, names=names, leave_out=("scratch", "old")
        )


async def test_a_number_of_tags_that_is_none_is_refused_where_it_stands() -> None:
    async with walking(full_world(), WAYS["quick"]) as walk:
        walk.app.screen.query_one("#newest", Input).value = "some"
        await walk.press("ctrl+s")
        await walk.is_at("QuickScreen")
        assert "Write all, or how many of each repository" in said(walk)


async def test_what_moves_and_what_is_there_already_is_said_before_anything_is_made() -> None:
    async with walking(full_world(), WAYS["quick-changes"], (120, 40)) as walk:
        shown = said(walk)
        assert "It moves 412 tags of 38 repositories." in shown
        assert "team/web is there already" in shown
        assert "+ 3 to create = 1 left as it is" in shown
        assert "room for 92 more repositories" in shown
        assert walk.engine.started == []


async def test_namespaces_are_made_then_the_job_is_started_and_shown() -> None:
    async with walking(full_world(), WAYS["quick-changes"]) as walk:
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        assert "Make 3 changes, and start the job?" in said(walk)
        await walk.press("right", "enter")
        await until(walk.pilot, lambda: walk.engine.started, "the job is started")
        names = [name for name, _ in walk.engine.asked]
        assert names.count("make_change") == 3
        assert names.index("start") > names.index("make_change")
        assert walk.engine.started[0].on_conflict is OnConflict.FAIL
        # What led here is closed.
        await walk.press("3")
        await walk.is_at("PlanScreen")


async def test_a_namespace_that_cannot_be_made_keeps_the_job_from_starting() -> None:
    engine = full_world()
    engine.breaks_at = {1: errors.EngineRefused("the instance has no room for namespaces")}
    async with walking(engine, WAYS["quick-changes"], (120, 40)) as walk:
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await walk.is_at("QuickChangesScreen")
        assert "no room for namespaces" in line_in(walk.app, MessageBar)
        assert "✗ failed namespace tools" in said(walk)
        assert engine.started == []
        engine.breaks_at = {}
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await until(walk.pilot, lambda: engine.started, "the job is started")


async def test_where_nothing_is_missing_only_the_job_is_asked_about() -> None:
    engine = full_world()
    moved = engine.draws[QuickTransferRequest]
    engine.draws[QuickTransferRequest] = replace(moved, changes=replace(moved.changes, changes=()))
    async with walking(engine, WAYS["quick-changes"]) as walk:
        assert "Start the job…" in said(walk)
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await until(walk.pilot, lambda: engine.started, "the job is started")
        assert "make_changes" not in dict(engine.asked)


async def test_a_page_that_could_not_be_listed_is_in_the_way_and_named() -> None:
    engine = full_world()
    gap = errors.NotWhole("the tags of team/web from the 101st on: InternalError")
    engine.draws[QuickTransferRequest] = replace(
        engine.draws[QuickTransferRequest],
        changes=ChangeSet("TCR", "move", refusals=(gap,)),
        plan=None,
    )
    async with walking(engine, WAYS["quick-changes"], (120, 40)) as walk:
        assert "the tags of team/web from the 101st on: InternalError" in said(walk)
        await walk.press("S")
        assert "what is in the way stands above" in line_in(walk.app, MessageBar)
        assert engine.started == []


async def test_a_job_that_cannot_be_started_is_said_and_can_be_started_again() -> None:
    engine = full_world()
    engine.failures["start"] = errors.SignInNeeded(TCR)
    async with walking(engine, WAYS["quick-changes"], (120, 40)) as walk:
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await walk.is_at("QuickChangesScreen")
        assert TCR in line_in(walk.app, MessageBar)
        del engine.failures["start"]
        assert "Start the job…" in said(walk)
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await until(walk.pilot, lambda: engine.started, "the job is started")
        assert [name for name, _ in engine.asked].count("make_change") == 3


async def test_listing_a_large_account_is_waited_for_and_can_be_left() -> None:
    engine = full_world()
    engine.gates["draw_changes"] = asyncio.Event()
    async with walking(engine, WAYS["quick"]) as walk:
        await walk.pilot.press("ctrl+s")
        await until(
            walk.pilot, lambda: "Asking the engine what is there." in said(walk), "it waits"
        )
        await walk.pilot.press("escape")
        await until(walk.pilot, lambda: "Newest tags" in said(walk), "the form")
