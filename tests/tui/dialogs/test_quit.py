"""Leaving asks only when something runs, and loses nothing by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from fakes.engine import FakeEngine
from fakes.jobs import job_view
from fakes.screen import screen_text, until
from transship.errors import BadFile, JobEnded
from transship.settings import Settings
from transship.transfers.copies import JobState
from transship.transfers.job_view import JobBytes
from transship_tui.app import TransshipApp
from transship_tui.screens.quit import QuitDialog
from transship_tui.widgets.dialogs import ErrorDialog

RUNNING = job_view("job7", bytes=JobBytes(total=1000, done=620), rate=1.0)


@asynccontextmanager
async def app_with(*jobs: object) -> AsyncIterator[tuple[Pilot[None], FakeEngine]]:
    engine = FakeEngine(views=list(jobs))
    async with TransshipApp(engine, Settings(guide=False)).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        yield pilot, engine


@asynccontextmanager
async def asked(*jobs: object) -> AsyncIterator[tuple[Pilot[None], FakeEngine]]:
    async with app_with(*jobs) as (pilot, engine):
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(pilot.app.screen, QuitDialog), "it is asked")
        yield pilot, engine


def has_left(pilot: Pilot[None]) -> bool:
    return pilot.app._exit


@pytest.mark.parametrize("state", [s for s in JobState if s is not JobState.RUNNING])
async def test_nothing_is_asked_when_nothing_runs(state: JobState) -> None:
    async with app_with(job_view("job1", state)) as (pilot, _):
        await pilot.press("ctrl+q")
        await until(pilot, lambda: has_left(pilot), "the app has ended")


async def test_leaving_jobs_running_is_what_comes_first() -> None:
    async with asked(RUNNING) as (pilot, engine):
        await pilot.press("enter")
        await until(pilot, lambda: has_left(pilot), "the app has ended")
        assert [name for name, _ in engine.asked if name in ("pause", "cancel")] == []


async def test_jobs_can_be_paused_first() -> None:
    other, done = job_view("job8"), job_view("job6", JobState.DONE)
    async with asked(RUNNING, other, done) as (pilot, engine):
        await pilot.click("#pause")
        await until(pilot, lambda: has_left(pilot), "the app has ended")
        assert [what for name, what in engine.asked if name == "pause"] == ["job7", "job8"]


@pytest.mark.parametrize("way", ["escape", "#stay"])
async def test_one_can_stay(way: str) -> None:
    async with asked(RUNNING) as (pilot, _):
        await (pilot.click(way) if way.startswith("#") else pilot.press(way))
        await until(pilot, lambda: not isinstance(pilot.app.screen, QuitDialog), "it is gone")
        assert not has_left(pilot)


async def test_it_is_asked_once() -> None:
    async with asked(RUNNING) as (pilot, _):
        await pilot.press("ctrl+q", "ctrl+q")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 2


async def test_a_job_that_has_just_ended_keeps_nobody() -> None:
    async with asked(RUNNING) as (pilot, engine):
        engine.failures["pause"] = JobEnded("job7 is done")
        await pilot.click("#pause")
        await until(pilot, lambda: has_left(pilot), "the app has ended")


async def test_a_job_that_cannot_be_paused_keeps_the_app() -> None:
    async with asked(RUNNING) as (pilot, engine):
        engine.failures["pause"] = BadFile("journal.sqlite: disk I/O error")
        await pilot.click("#pause")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorDialog), "it is said")
        assert not has_left(pilot)


async def test_ctrl_c_quits_when_it_is_pressed_twice() -> None:
    async with app_with() as (pilot, engine):
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert not has_left(pilot)
        engine.clock.advance(10)
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert not has_left(pilot)
        engine.clock.advance(1)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: has_left(pilot), "the app has ended")


async def test_ctrl_c_asks_too_while_a_job_runs() -> None:
    async with app_with(RUNNING) as (pilot, _):
        await pilot.press("ctrl+c", "ctrl+c")
        await until(pilot, lambda: isinstance(pilot.app.screen, QuitDialog), "it is asked")


async def test_many_jobs_and_hostile_names_fit() -> None:
    jobs = [
        job_view(f"job{n}", source="[/foo]\x1b]52;c;aGk=\x07" * 9, target="\u202e" * 9)
        for n in range(12)
    ]
    async with asked(*jobs) as (pilot, _):
        seen = screen_text(pilot.app)
        assert all(line.isprintable() for line in seen.split("\n"))
        assert "12 jobs still running" in seen
        assert "and 7 more" in seen
        assert "Leave running" in seen


async def test_from_where_to_where_is_written_as_everywhere() -> None:
    async with asked(RUNNING) as (pilot, _):
        assert f"{RUNNING.source} → {RUNNING.target}" in screen_text(pilot.app)
