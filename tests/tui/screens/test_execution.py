"""Following one execution: tasks as they come, their logs, the end, and stopping it."""

from __future__ import annotations

from dataclasses import replace

from fakes.delegates_world import PUSHED, WAYS, executions, tasks
from fakes.screen import line_in, screen_text
from fakes.world import Walk, full_world, walking
from transship import errors
from transship.engines.executions import ExecutionState
from transship_tui.widgets.bars import LineBar, MessageBar


def said(walk: Walk) -> str:
    return " ".join(screen_text(walk.app).replace("▌", " ").replace("▐", " ").split())


async def test_its_tasks_are_shown_with_from_where_to_where() -> None:
    async with walking(full_world(), WAYS["execution"], (120, 40)) as walk:
        shown = said(walk)
        assert "2/4 tasks, 1 failed, 1 running, begun by event_based" in shown
        assert "✗ failed copy harbor.example/team/db:[v2]" in shown
        assert "the target refused the manifest" in shown
        assert f"transship delegate log {PUSHED} 3" in line_in(walk.app, LineBar)


async def test_it_is_followed_to_its_end_which_is_said() -> None:
    engine = full_world()
    running, *_ = executions()
    over = replace(running, state=ExecutionState.SUCCEEDED, succeeded=4, failed=0, running=0)
    engine.followed["43"] = [running, over]
    engine.task_lists["43"] = [replace(each, state=ExecutionState.SUCCEEDED) for each in tasks()]
    async with walking(engine, WAYS["execution"], (120, 40)) as walk:
        assert "✓ succeeded" in said(walk)
        assert "4/4 tasks" in said(walk)
        assert "Execution 43 has succeeded" in line_in(walk.app, MessageBar)
        await walk.press("x")
        assert "It is over." in line_in(walk.app, MessageBar)


async def test_one_that_failed_says_where_to_look() -> None:
    engine = full_world()
    running, *_ = executions()
    engine.followed["43"] = [running, replace(running, state=ExecutionState.FAILED, running=0)]
    async with walking(engine, WAYS["execution"]) as walk:
        assert "1 task failed; enter shows its log" in line_in(walk.app, MessageBar)


async def test_a_log_is_shown_to_be_read_and_what_went_wrong_stands_out() -> None:
    async with walking(full_world(), WAYS["task-log"], (120, 40)) as walk:
        shown = said(walk)
        assert "harbor.example/team/db:[v2]" in shown
        assert "[ERROR] http status code: 403, denied" in shown


async def test_a_task_without_a_log_shows_all_that_is_known_of_it() -> None:
    engine = full_world()
    engine.logs = {}
    async with walking(engine, WAYS["execution"], (120, 40)) as walk:
        await walk.press("enter")
        await walk.is_at("FactsDialog")
        assert "The engine has no log of it." in said(walk)
        assert "the target refused the manifest" in said(walk)


async def test_only_what_failed_can_be_shown() -> None:
    async with walking(full_world(), WAYS["execution"], (120, 40)) as walk:
        await walk.press("f")
        assert "team/db" in said(walk)
        assert "team/api" not in said(walk)
        await walk.press("f")
        assert "team/api" in said(walk)


async def test_where_nothing_failed_there_is_nothing_to_filter() -> None:
    engine = full_world()
    engine.task_lists["43"] = tasks()[:2]
    async with walking(engine, WAYS["execution"]) as walk:
        await walk.press("f")
        assert "No task has failed." in line_in(walk.app, MessageBar)


async def test_it_is_stopped_after_a_question() -> None:
    async with walking(full_world(), WAYS["execution"]) as walk:
        await walk.press("x")
        await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await walk.is_at("ExecutionScreen")
        assert ("stop_execution", (PUSHED, "nightly", "43")) in walk.engine.asked
        assert "It was asked to stop" in line_in(walk.app, MessageBar)


async def test_an_engine_that_does_not_answer_is_said_and_followed_anew() -> None:
    engine = full_world()
    engine.failures["tasks_of"] = errors.TimedOut("harbor.example")
    async with walking(engine, WAYS["execution"], (120, 40)) as walk:
        assert "harbor.example" in line_in(walk.app, MessageBar)
        del engine.failures["tasks_of"]
        await walk.press("r")
        assert "team/db" in said(walk)


async def test_one_that_failed_without_a_log_promises_none() -> None:
    engine = full_world()
    running, *_ = executions()
    engine.followed["43"] = [running, replace(running, state=ExecutionState.FAILED, running=0)]
    engine.task_lists["43"] = [replace(each, has_log=False) for each in tasks()]
    async with walking(engine, WAYS["execution"]) as walk:
        assert "1 task failed; the engine has no log of it" in line_in(walk.app, MessageBar)


async def test_a_step_that_moves_nothing_is_named_in_full() -> None:
    engine = full_world()
    step = replace(tasks()[0], operation="CreateTcrCrdTask", source="", target="")
    engine.task_lists["43"] = [step]
    async with walking(engine, WAYS["execution"]) as walk:
        assert "CreateTcrCrdTask" in said(walk)
