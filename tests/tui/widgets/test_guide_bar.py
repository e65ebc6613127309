"""The guide says whose steps it shows, and the keys that take them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot
from textual.widgets import Input

from fakes.engine import FakeEngine
from fakes.jobs import job_view
from fakes.screen import line_in, screen_text, until
from transship.accounts.registry_file import Account
from transship.settings import Settings
from transship.transfers.copies import JobState
from transship_tui.app import TransshipApp
from transship_tui.widgets.guide import GuideBar


@asynccontextmanager
async def guided(
    engine: FakeEngine, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[TransshipApp, Pilot[None]]]:
    engine.known = [Account("old.example:5000", alias="old"), Account("new.example", alias="new")]
    engine.catalog = {"old.example:5000": ["team/api", "team/web"]}
    app = TransshipApp(engine, Settings())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "old.example:5000" in screen_text(app), "the registries")
        app.context.guide.on = True
        app.show_guide()
        yield app, pilot


async def test_it_says_which_keys_take_the_step_where_it_is_taken() -> None:
    async with guided(FakeEngine()) as (app, pilot):
        await until(pilot, lambda: "n takes this one." in screen_text(app), "what n does here")
        await pilot.press("n", "n")
        await until(pilot, lambda: "old → new" in screen_text(app), "from where to where")
        assert "space marks." not in screen_text(app)
        assert "n Browse: Mark at least one repository or tag." in screen_text(app)
        await pilot.press("n")
        await until(pilot, lambda: "space marks." in screen_text(app), "what marks")


async def test_what_there_is_no_room_for_ends_in_a_sign() -> None:
    async with guided(FakeEngine()) as (app, pilot):
        await until(pilot, lambda: "n takes this one." in screen_text(app), "the guide")
        await pilot.resize_terminal(40, 20)
        cut = "n Choose the registry where the image…"
        await until(pilot, lambda: cut in screen_text(app), "that there is more to it")


async def test_what_is_marked_anew_is_no_longer_about_the_job_before() -> None:
    engine = FakeEngine(
        views=[
            job_view("abc234", JobState.PAUSED, source="old.example:5000/x", target="new.example/x")
        ]
    )
    async with guided(engine) as (app, pilot):
        await until(pilot, lambda: "old → new · job abc234" in screen_text(app), "whose steps")
        app.browse("old.example:5000")
        await until(pilot, lambda: "2 repositories" in screen_text(app), "the repositories")
        await pilot.press("space")
        await until(pilot, lambda: "Look at what will be written" in screen_text(app), "a new way")
        assert "abc234" not in line_in(app, GuideBar)
        assert app.context.guide.job == ""


async def test_in_a_small_terminal_the_step_goes_before_whose_it_is() -> None:
    async with guided(FakeEngine(), (60, 20)) as (app, pilot):
        await pilot.press("n")
        await until(pilot, lambda: "images shall go." in screen_text(app), "the next step")
        assert app.screen.query_one(GuideBar).region.height == 2
        assert line_in(app, GuideBar) == "Step 2 of 7  ▸ Target"
        assert "images shall go. n" not in screen_text(app)


async def test_a_key_that_is_typed_text_is_not_offered() -> None:
    async with guided(FakeEngine()) as (app, pilot):
        await until(pilot, lambda: "n takes this one." in screen_text(app), "what n does here")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.focused, Input), "the form")
        await until(pilot, lambda: "Choose the registry" in screen_text(app), "the step")
        assert "n takes this one." not in screen_text(app)
        assert "n Choose" not in screen_text(app)
