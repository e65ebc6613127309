"""Undoing a job in the app: all of it is seen first, and the target's host is typed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from textual.widgets import Button

from fakes.images import digest
from fakes.jobs import job_view
from fakes.parts_world import WAYS
from fakes.screen import line_in, screen_text, until
from fakes.world import Walk, full_world, walking
from transship.errors import JobBusy
from transship.oci.reference import parse_reference
from transship.transfers.copies import JobState
from transship.transfers.undo import Restore, RestoreAction, UndoOutcome, UndoPlan
from transship_tui.screens.jobs.undo import mark_of, question
from transship_tui.widgets.bars import LineBar, MessageBar


async def confirm(walk: Walk) -> None:
    """Type the host, and enter it."""
    await walk.press(*"new.example", "enter")


def row(walk: Walk, name: str) -> str:
    return next(line for line in screen_text(walk.app).split("\n") if f" {name}" in line)


async def test_what_would_be_put_back_taken_away_and_left_is_listed() -> None:
    async with walking(full_world(), WAYS["undo"], (120, 40)) as walk:
        assert "↶ put back" in row(walk, "team/web:latest")
        assert "ca978112ca1b → 3e23e8160039" in row(walk, "team/web:latest")
        assert "× take away" in row(walk, "team/web:1.4")
        assert "– left" in row(walk, "team/web:1.3")
        assert "moved since" in row(walk, "team/web:1.3")
        assert "= as before" in row(walk, "team/api:2.0")
        assert "timed out" in row(walk, "team/api:1.9")
        assert "1 manifest without a tag" in screen_text(walk.app)
        assert "transship undo efg678" in line_in(walk.app, LineBar)
        assert ("undo", "efg678") not in walk.engine.asked


async def test_a_key_asks_for_the_undo_or_says_why_it_cannot() -> None:
    async with walking(full_world(), WAYS["undo"]) as walk:
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        await confirm(walk)
        await walk.is_at("UndoScreen")
        await walk.press("S")
        assert "Done; r looks at the tags anew." in line_in(walk.app, MessageBar)


async def test_f_shows_one_sort_after_another() -> None:
    async with walking(full_world(), WAYS["undo"]) as walk:
        await walk.press("f", "f")
        shown = screen_text(walk.app)
        assert "team/web:1.4" in shown
        assert "team/api:2.0" not in shown


async def test_the_host_must_be_typed_and_enter_alone_does_nothing() -> None:
    async with walking(full_world(), WAYS["undo-question"]) as walk:
        focused = walk.app.focused
        assert focused is not None
        assert focused.id == "typed"
        assert walk.app.screen.query_one("#go-on", Button).disabled
        assert "2 tags will be left" in screen_text(walk.app)
        await walk.press("enter")
        await walk.is_at("ConfirmDialog")
        await walk.press("escape")
        await walk.is_at("UndoScreen")
        assert ("undo", "efg678") not in walk.engine.asked


async def test_what_became_of_each_tag_is_shown() -> None:
    async with walking(full_world(), WAYS["undo-question"], (120, 40)) as walk:
        await confirm(walk)
        await walk.is_at("UndoScreen")
        assert ("undo", "efg678") in walk.engine.asked
        assert "✓ restored" in row(walk, "team/web:latest")
        assert "✗ failed" in row(walk, "team/web:1.4")
        assert "The registry failed" in row(walk, "team/web:1.4")
        assert "– left" in row(walk, "team/web:1.3")
        assert "1 failed, 2 left" in line_in(walk.app, MessageBar)
        assert walk.app.screen.query_one("#undo", Button).disabled
        await walk.press("r")
        assert "↶ put back" in row(walk, "team/web:latest")


async def test_while_it_goes_on_the_screen_stays() -> None:
    engine = full_world()
    engine.gates["undo"] = asyncio.Event()
    async with walking(engine, WAYS["undo-question"]) as walk:
        await confirm(walk)
        await until(walk.pilot, lambda: ("undo", "efg678") in engine.asked, "it is undone")
        await until(walk.pilot, lambda: "0 of 0 tags restored" in screen_text(walk.app), "how far")
        await walk.press("escape")
        assert "being undone" in line_in(walk.app, MessageBar)
        engine.gates["undo"].set()
        await until(walk.pilot, lambda: "1 failed, 2 left" in screen_text(walk.app), "its end")
        await walk.press("escape")
        await walk.is_at("JobScreen")


async def test_leaving_the_app_meanwhile_asks_first() -> None:
    engine = full_world()
    engine.gates["undo"] = asyncio.Event()
    async with walking(engine, WAYS["undo-question"]) as walk:
        await confirm(walk)
        await until(walk.pilot, lambda: ("undo", "efg678") in engine.asked, "it is undone")
        await walk.press("ctrl+q")
        await walk.is_at("ConfirmDialog")
        shown = " ".join(screen_text(walk.app).split())
        assert "Break the undo off?" in shown
        assert "It can be taken up again." in shown
        await walk.press("enter")
        await walk.is_at("UndoScreen")
        assert not walk.app._exit
        engine.gates["undo"].set()
        await until(walk.pilot, lambda: "1 failed, 2 left" in screen_text(walk.app), "its end")
        await walk.press("ctrl+q")
        assert "Break the undo off?" not in screen_text(walk.app)


async def test_a_plan_that_is_watched_is_named_before_and_when_it_is_asked() -> None:
    engine = full_world()
    engine.rival_files = ["/etc/transship/shop.toml"]
    async with walking(engine, WAYS["undo"]) as walk:
        words = "/etc/transship/shop.toml is being watched, and will copy what it selects"
        assert words in screen_text(walk.app)
        await walk.press("tab", "enter")
        await walk.is_at("ConfirmDialog")
        shown = " ".join(screen_text(walk.app).replace("▐", " ").split())
        assert "/etc/transship/shop.toml is being watched" in shown
        assert "stop that first" in shown


async def test_enter_shows_a_tag_in_full() -> None:
    async with walking(full_world(), WAYS["undo"], (120, 40)) as walk:
        await walk.press("j", "enter")
        await walk.is_at("FactsDialog")
        assert digest("a") in screen_text(walk.app)
        assert "no such tag" in screen_text(walk.app)


async def test_nothing_to_put_back() -> None:
    engine = full_world()
    engine.undo_plans = {"efg678": UndoPlan("efg678", JobState.DONE, ())}
    async with walking(engine, WAYS["undo"]) as walk:
        assert "The job has changed no tags." in screen_text(walk.app)
        assert walk.app.screen.query_one("#undo", Button).disabled


async def test_a_job_that_is_busy_says_so() -> None:
    engine = full_world()
    engine.failures["foresee_undo"] = JobBusy("efg678")
    async with walking(engine, WAYS["undo"]) as walk:
        assert "already running" in line_in(walk.app, MessageBar)
        assert "It couldn't be looked at" in screen_text(walk.app)


async def test_a_running_job_cannot_be_undone_and_says_why() -> None:
    async def there(walk: Walk) -> None:
        walk.app.show_job("abc234")
        await walk.is_at("JobScreen")

    async with walking(full_world(), there) as walk:
        assert walk.app.screen.active_bindings["u"].enabled is False
        await walk.press("u")
        assert "pause or end it" in line_in(walk.app, MessageBar)


async def test_the_list_of_jobs_leads_there_too() -> None:
    engine = full_world()
    engine.views = [job_view("efg678", JobState.DONE)]

    async def listed(walk: Walk) -> None:
        await walk.press("4", "u")

    async with walking(engine, listed) as walk:
        await walk.is_at("UndoScreen")


async def test_of_several_targets_each_must_be_typed() -> None:
    plan = full_world().undo_plans["efg678"]
    [first, *_] = plan.changing
    elsewhere = replace(first, tag=replace(first.tag, registry="backup.example"))
    dialog = question(replace(plan, restores=(*plan.restores, elsewhere)))
    assert dialog._typed == f"{first.tag.registry} backup.example"
    assert f"At {first.tag.registry}, backup.example:" in dialog._text.plain


async def test_the_question_says_that_a_paused_job_ends() -> None:
    plan = replace(full_world().undo_plans["efg678"], state=JobState.PAUSED)
    assert "this ends it for good" in question(plan)._text.plain


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (RestoreAction.PUT_BACK, "✓ restored"),
        (RestoreAction.TAKE_AWAY, "✓ taken away"),
        (RestoreAction.UNLIST, "✓ unlisted"),
        (RestoreAction.ALREADY, "= as before"),
    ],
)
def test_what_was_done_is_said_in_its_own_word(act: RestoreAction, words: str) -> None:
    restore = Restore(parse_reference("new.example/team/web:1.4"), act)
    assert mark_of(restore, UndoOutcome(restore)).content().plain == words
