"""A running job is held to other limits from the app, as the line does it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, Static

from fakes.engine import FakeEngine
from fakes.jobs import job_view
from fakes.screen import line_in, screen_text, until
from transship.accounts.registry_file import Account
from transship.errors import JobEnded
from transship.plans.plan import Limits, Window
from transship.registry.registry import MEBIBYTE
from transship.settings import Settings
from transship.transfers.copies import JobState
from transship_tui.app import TransshipApp
from transship_tui.screens.jobs.controls import LimitsDialog
from transship_tui.screens.jobs.jobs import JobsScreen
from transship_tui.widgets.bars import MessageBar

OLD, NEW = "old.example:5000", "new.example"


@asynccontextmanager
async def limiting(
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[tuple[Pilot[None], FakeEngine]]:
    engine = FakeEngine(
        known=[Account(OLD, alias="old"), Account(NEW)],
        views=[job_view("job7", JobState.RUNNING)],
    )
    engine.held = {"job7": {OLD: Limits(8, window=Window(1320, 360)), NEW: Limits()}}
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        await pilot.press("4", "m")
        await until(pilot, lambda: isinstance(app.screen, LimitsDialog), "the limits")
        yield pilot, engine


def put(pilot: Pilot[None], field: str, value: str) -> None:
    pilot.app.screen.query_one(f"#{field}", Input).value = value


async def says(pilot: Pilot[None], widget: str, words: str) -> None:
    shown = pilot.app.screen.query_one(f"#{widget}", Static)
    await until(pilot, lambda: words in str(shown.content), f"{words!r} in #{widget}")


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_what_holds_at_each_registry_is_shown(size: tuple[int, int]) -> None:
    async with limiting(size) as (pilot, _):
        rows = [line for line in screen_text(pilot.app).splitlines() if "│  " in line]
        [old] = [row for row in rows if " old " in row]
        [new] = [row for row in rows if NEW in row]
        assert old.split()[1:-1] == ["old", "8", "none", "22:00-06:00"]
        assert new.split()[1:-1] == [NEW, "none", "none", "none"]
        assert pilot.app.screen.query_one("#hold", Button).disabled


async def test_a_rate_and_a_concurrency_are_held_as_the_line_would() -> None:
    async with limiting() as (pilot, engine):
        put(pilot, "rate-1", "20MiB/s")
        put(pilot, "at-once-0", "none")
        await says(pilot, "lines", "$ transship limit job7 old --concurrency none")
        await says(pilot, "lines", "$ transship limit job7 new.example --rate '20 MiB/s'")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobsScreen), "the jobs")
        assert engine.held["job7"][NEW] == Limits(rate=20 * MEBIBYTE)
        assert engine.held["job7"][OLD] == Limits(window=Window(1320, 360))
        told = "old is held to 22:00-06:00; new.example is held to 20 MiB/s"
        assert told in line_in(pilot.app, MessageBar)


async def test_a_window_is_held_or_taken_away() -> None:
    async with limiting() as (pilot, engine):
        put(pilot, "window-0", "none")
        put(pilot, "window-1", "20:00-07:30")
        await says(pilot, "lines", "$ transship limit job7 old --window none")
        await says(pilot, "lines", "$ transship limit job7 new.example --window 20:00-07:30")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobsScreen), "the jobs")
        assert engine.held["job7"][OLD] == Limits(8)
        assert engine.held["job7"][NEW] == Limits(window=Window(1200, 450))


async def test_what_is_no_limit_is_said_and_cannot_be_taken() -> None:
    async with limiting() as (pilot, engine):
        put(pilot, "rate-0", "8 Mbit/s")
        await says(pilot, "said", "✗ '8 Mbit/s' is not a rate")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, LimitsDialog)
        put(pilot, "rate-0", "")
        put(pilot, "at-once-0", "0")
        await says(pilot, "said", "a number from 1 to 1000, or none")
        put(pilot, "at-once-0", "8")
        await says(pilot, "said", "until the job ends")
        assert pilot.app.screen.query_one("#hold", Button).disabled
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobsScreen), "the jobs")
        assert engine.held["job7"][NEW] == Limits()


async def test_the_fields_are_gone_through_with_the_arrows() -> None:
    async with limiting() as (pilot, _):
        seen = []
        for _ in range(6):
            assert pilot.app.focused is not None
            seen.append(pilot.app.focused.id)
            await pilot.press("down")
        assert seen == [f"{field}-{n}" for n in (0, 1) for field in ("at-once", "rate", "window")]


async def test_a_job_that_has_ended_meanwhile_says_so() -> None:
    async with limiting() as (pilot, engine):
        engine.failures["limit"] = JobEnded("job7 is done")
        put(pilot, "rate-1", "1 MB/s")
        await says(pilot, "lines", "--rate")
        await pilot.press("enter")
        await until(pilot, lambda: "job7 is done" in line_in(pilot.app, MessageBar), "it says why")


async def test_a_job_that_has_ended_has_no_limits_to_change() -> None:
    engine = FakeEngine(views=[job_view("job7", JobState.DONE)])
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4", "m")
        await until(pilot, lambda: "job7 has ended" in line_in(app, MessageBar), "it says why not")
