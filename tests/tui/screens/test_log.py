"""The log: what was told, the newest last, with what to do about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from fakes.engine import FakeEngine
from fakes.images import HOSTILE
from fakes.jobs import job_view
from fakes.screen import screen_text, until
from transship.errors import NameNotFound, NoRight
from transship.settings import Settings
from transship.transfers.copies import JobState
from transship_tui.app import TransshipApp
from transship_tui.context import SessionLog
from transship_tui.screens.frame import Frame
from transship_tui.screens.log import LogScreen
from transship_tui.widgets.dialogs import FactsDialog


@asynccontextmanager
async def log(
    engine: FakeEngine | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[TransshipApp, Pilot[None]]]:
    app = TransshipApp(engine or FakeEngine(), Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert isinstance(app.screen, Frame)
        app.screen.fail(NameNotFound("old.example"))
        app.screen.tell("old.example answers")
        app.context.log.add_job(job_view("abc234", JobState.DONE))
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, LogScreen), "the log is in front")
        await pilot.pause()
        yield app, pilot


async def test_it_shows_what_was_told_the_newest_last() -> None:
    async with log() as (app, _):
        text = screen_text(app)
        error, well, done = (
            text.index("✗ error       Host name not found: old.example"),
            text.index("✓ ok          old.example answers"),
            text.index("✓ done        abc234  old.example/team/web → new.example/team/web"),
        )
        assert error < well < done
        assert "3 entries, 1 error" in text


async def test_enter_explains_and_says_what_to_do() -> None:
    async with log() as (app, pilot):
        await pilot.press("g", "enter")
        await until(pilot, lambda: isinstance(app.screen, FactsDialog), "the explanation")
        await pilot.pause()
        assert "Host name not found" in screen_text(app)
        assert NameNotFound.remedy[:40] in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LogScreen), "the log again")


async def test_what_comes_is_shown_while_the_cursor_is_at_the_end() -> None:
    async with log() as (app, pilot):
        for number in range(40):
            app.context.log.add_words(f"number {number}")
        await until(pilot, lambda: "number 39" in screen_text(app), "the newest")
        await pilot.press("g")
        app.context.log.add_error(NoRight("denied"))
        await until(pilot, lambda: "44 entries, 2 errors" in screen_text(app), "one more")
        assert "Host name not found" in screen_text(app)
        assert "denied" not in screen_text(app)


async def test_a_pattern_narrows_it() -> None:
    async with log() as (app, pilot):
        await pilot.press("slash", *"error")
        await until(pilot, lambda: "1 of 3" in screen_text(app), "one entry")
        assert "answers" not in screen_text(app)
        await pilot.press("enter", "escape")
        await until(pilot, lambda: "answers" in screen_text(app), "all entries")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, LogScreen), "the screen before")


async def test_pressed_again_it_opens_no_second_one() -> None:
    async with log() as (app, pilot):
        depth = len(app.screen_stack)
        await pilot.press("L")
        await pilot.pause()
        assert len(app.screen_stack) == depth


def test_no_more_than_the_last_are_kept() -> None:
    log_ = SessionLog(FakeEngine().clock, limit=3)
    for number in range(5):
        log_.add_words(str(number))
    assert [told.title for told in log_.told()] == ["2", "3", "4"]
    assert len({told.number for told in log_.told()}) == 3


@pytest.mark.parametrize("words", HOSTILE)
async def test_hostile_words_are_only_words(words: str) -> None:
    async with log(size=(120, 40)) as (app, pilot):
        app.context.log.add_words(words)
        app.context.log.add_error(NameNotFound(words, remedy=words))
        app.context.log.add_job(
            job_view("abc234", source=words, target=words, problem=(words,) * 3)
        )
        await until(pilot, lambda: "6 entries" in screen_text(app), "what was told")
        await pilot.press("G", "k", "enter")
        await until(pilot, lambda: isinstance(app.screen, FactsDialog), "the explanation")
        assert "\x1b" not in screen_text(app)
        assert "\u202e" not in screen_text(app)
        assert app.is_running
