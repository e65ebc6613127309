"""One delegation: how what it made stands now, its executions, and starting and stopping them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from fakes.delegates_world import PUSHED, WAYS, endpoint, executions, policy
from fakes.screen import line_in, screen_text, until
from fakes.world import Walk, full_world, walking
from transship import errors
from transship.app.engines import EngineStatus
from transship.engines.changes import DelegatedItem, ItemStatus
from transship_tui.widgets.bars import LineBar, MessageBar

SHOWN = WAYS["delegation"]


def said(walk: Walk) -> str:
    return " ".join(screen_text(walk.app).replace("▌", " ").split())


async def test_what_it_made_is_shown_as_it_is_now() -> None:
    async with walking(full_world(), SHOWN, (120, 40)) as walk:
        shown = said(walk)
        assert "2 of 2 changes made" in shown
        assert "✓ as made registry endpoint shop-tencentcloudcr-com healthy" in shown
        assert "! changed since replication policy nightly" in shown
        assert f"transship delegate status {PUSHED}" in line_in(walk.app, LineBar)


async def test_what_is_gone_and_what_could_not_be_asked_for_is_named() -> None:
    engine = full_world()
    things = (
        DelegatedItem(0, endpoint(), ItemStatus.GONE, is_there=False),
        DelegatedItem(1, policy(), ItemStatus.AS_BEFORE, is_there=True),
    )
    look = engine.looks_at[PUSHED]
    unseen = ("The executions of nightly couldn't be asked for: it timed out",)
    engine.looks_at[PUSHED] = replace(look, things=things, runs=(), unseen=unseen)
    async with walking(engine, SHOWN, (120, 40)) as walk:
        shown = said(walk)
        assert "– gone registry endpoint" in shown
        assert "– as before replication policy" in shown
        assert unseen[0] in shown


async def test_its_executions_are_there_with_how_far_each_is() -> None:
    async with walking(full_world(), SHOWN, (120, 40)) as walk:
        shown = said(walk)
        assert "▸ running nightly event_based 2/4 1" in shown
        assert "✗ failed nightly manual 11/12 1" in shown
        assert "✓ succeeded nightly manual 12/12" in shown


async def test_starting_asks_first_and_says_what_has_begun() -> None:
    async with walking(full_world(), SHOWN) as walk:
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        assert "begins to move images at once" in said(walk)
        assert ("start_execution", (PUSHED, "nightly")) not in walk.engine.asked
        await walk.press("right", "enter")
        await walk.is_at("DelegationScreen")
        assert ("start_execution", (PUSHED, "nightly")) in walk.engine.asked
        assert "has begun" in line_in(walk.app, MessageBar)


async def test_of_several_things_that_can_begin_one_is_chosen() -> None:
    engine = full_world()
    look = engine.looks_at[PUSHED]
    engine.looks_at[PUSHED] = replace(look, begins=("nightly", "weekly"))
    async with walking(engine, SHOWN) as walk:
        await walk.press("S")
        await walk.is_at("ChoiceDialog")
        await walk.press("j", "enter")
        await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await walk.is_at("DelegationScreen")
        assert ("start_execution", (PUSHED, "weekly")) in engine.asked


async def test_one_that_runs_is_stopped_after_a_question_and_one_that_is_over_is_not() -> None:
    async with walking(full_world(), SHOWN) as walk:
        await walk.press("x")
        await walk.is_at("ConfirmDialog")
        assert "Stop execution 43 of nightly?" in said(walk)
        await walk.press("right", "enter")
        await walk.is_at("DelegationScreen")
        assert ("stop_execution", (PUSHED, "nightly", "43")) in walk.engine.asked
        await walk.press("j", "x")
        assert "Nothing is under way here." in line_in(walk.app, MessageBar)


async def test_an_engine_that_begins_by_itself_says_so() -> None:
    engine = full_world()
    look = engine.looks_at[PUSHED]
    engine.looks_at[PUSHED] = replace(look, begins=(), stops=False)
    async with walking(engine, SHOWN) as walk:
        await walk.press("S")
        assert "begins by itself" in line_in(walk.app, MessageBar)
        await walk.press("x")
        assert "lets nobody stop" in line_in(walk.app, MessageBar)


async def test_what_has_no_executions_says_that_there_is_nothing_to_follow() -> None:
    engine = full_world()
    engine.looks_at[PUSHED] = EngineStatus(engine.delegated[PUSHED])
    async with walking(engine, SHOWN) as walk:
        assert "there is nothing to follow" in said(walk)


async def test_an_engine_that_does_not_answer_is_said_and_asked_anew() -> None:
    engine = full_world()
    engine.failures["look_at"] = errors.TimedOut("harbor.example")
    async with walking(engine, SHOWN) as walk:
        assert "harbor.example" in line_in(walk.app, MessageBar)
        del engine.failures["look_at"]
        await walk.press("r")
        assert "2 of 2 changes made" in said(walk)


async def test_a_start_that_is_refused_is_said_and_it_can_be_tried_again() -> None:
    engine = full_world()
    engine.failures["start_execution"] = errors.EngineRefused("one runs already")
    async with walking(engine, SHOWN) as walk:
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await walk.is_at("DelegationScreen")
        assert "one runs already" in line_in(walk.app, MessageBar)
        assert "start" not in walk.app.screen.impossible()  # type: ignore[attr-defined]


async def test_what_one_half_sets_off_comes_into_sight_by_itself() -> None:
    engine = full_world()
    running, failed, done = engine.looks_at[PUSHED].runs
    engine.looks_at[PUSHED] = replace(engine.looks_at[PUSHED], runs=(failed, done))
    async with walking(engine, SHOWN, (120, 40)) as walk:
        assert "▸ running" not in said(walk)
        engine.looks_at[PUSHED] = replace(engine.looks_at[PUSHED], runs=(running, failed, done))
        for _ in range(6):
            walk.app.screen._tick()  # type: ignore[attr-defined]
        await walk.rests()
        assert "▸ running" in said(walk)
        assert len(executions()) == len((running, failed, done))


async def test_what_the_journal_has_is_shown_while_the_engine_can_not_be_asked() -> None:
    engine = full_world()
    engine.failures["look_at"] = errors.TimedOut("harbor.example")
    async with walking(engine, SHOWN, (120, 40)) as walk:
        shown = said(walk)
        assert "2 of 2 changes made" in shown
        assert "as made" not in shown
        assert "How it is there isn't known. r asks again." in shown


async def broken_off(walk: Walk) -> None:
    """Open the delegation that was broken off."""
    await walk.press("4", "d", "G", "enter")
    await walk.is_at("DelegationScreen")


async def test_what_was_broken_off_says_how_to_go_on() -> None:
    async with walking(full_world(), broken_off, (120, 40)) as walk:
        assert "Not all of it was made. C goes on with that, u takes back" in said(walk)


async def test_going_on_is_seen_and_neither_left_nor_quit_unasked() -> None:
    engine = full_world()
    gate = engine.gates["make_change"] = asyncio.Event()
    async with walking(engine, broken_off, (120, 40)) as walk:
        await walk.press("C")
        await walk.is_at("ConfirmDialog")
        walk.app.screen.dismiss(True)
        await until(walk.pilot, lambda: "▸ Making what is left…" in said(walk), "it says so")
        await walk.press("escape")
        await walk.is_at("DelegationScreen")
        assert "wait" in line_in(walk.app, MessageBar)
        await walk.press("ctrl+q")
        assert "Break it off?" in said(walk)
        await walk.press("escape")
        gate.set()
        await until(walk.pilot, lambda: "2 of 2 changes made" in said(walk), "it is made")
        assert "Making what is left" not in said(walk)


async def test_two_executions_that_have_words_for_names_are_told_apart() -> None:
    engine = full_world()
    look = engine.looks_at[PUSHED]
    runs = [
        replace(run, of="ap-shanghai", execution=replace(run.execution, id=word))
        for run, word in zip(look.runs, ("creation", "synchronisation"), strict=False)
    ]
    engine.looks_at[PUSHED] = replace(look, runs=tuple(runs))
    async with walking(engine, SHOWN, (120, 40)) as walk:
        assert "ap-shanghai: creation" in said(walk)
        assert "ap-shanghai: synchronisation" in said(walk)


async def test_the_wanted_job_is_opened_over_a_delegation_too() -> None:
    async with walking(full_world(), WAYS["delegation"]) as walk:
        await walk.press("3")
        walk.app.show_job("efg678")
        await walk.is_at("JobScreen")
        await walk.press("escape")
        await walk.is_at("DelegationScreen")
