"""Keys that come in a burst, as they do over SSH: each reaches what it was typed for."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from fakes.engine import FakeEngine
from fakes.registries import FormEngine
from fakes.screen import screen_text, until
from servers.terminal import terminal
from transship.accounts.registry_file import Account
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.browse.browser import Browser
from transship_tui.screens.log import LogScreen
from transship_tui.screens.registries.accounts import RegistriesScreen
from transship_tui.screens.registries.form import RegistryFormScreen
from transship_tui.type_ahead import at_rest
from transship_tui.widgets.dialogs import ConfirmDialog

OLD = "old.example"
RUNNING_APP = """
from fakes.engine import FakeEngine
from transship.accounts.registry_file import Account
from transship.settings import Settings
from transship_tui.app import TransshipApp

engine = FakeEngine(
    known=[Account("old.example")],
    catalog={"old.example": ["team/api", "team/web", "tools/exit"]},
    tag_lists={"old.example/team/web": ["1.0", "2.0"]},
)
TransshipApp(engine, Settings(guide=False)).run()
"""


def engine() -> FakeEngine:
    return FormEngine(
        known=[Account(OLD, alias="old")],
        catalog={OLD: ["team/api", "team/web", "team/webhooks", "tools/exit"]},
        tag_lists={f"{OLD}/team/web": ["1.0", "2.0"], f"{OLD}/tools/exit": ["1.0"]},
    )


@asynccontextmanager
async def opened(stand_in: FakeEngine) -> AsyncIterator[tuple[TransshipApp, Pilot[None]]]:
    app = TransshipApp(stand_in, Settings(guide=False))
    async with app.run_test() as pilot:
        await until(pilot, lambda: OLD in screen_text(app), "the registries")
        await until(pilot, lambda: at_rest(app), "all is drawn")
        yield app, pilot


def burst(app: TransshipApp, *keys: str) -> None:
    """Have all keys waiting before the app sees the first."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


async def browse(app: TransshipApp, pilot: Pilot[None]) -> Browser:
    burst(app, "enter")
    await until(pilot, lambda: "4 repositories" in screen_text(app), "the repositories")
    return app.screen.query_one(Browser)


async def test_a_pattern_can_be_typed_right_after_the_key_that_asks_for_it() -> None:
    async with opened(engine()) as (app, pilot):
        browser = await browse(app, pilot)
        burst(app, "slash", *"web", "enter")
        table = browser.names.repositories.table
        await until(pilot, lambda: len(table.rows) == 2, "two match")
        await until(pilot, lambda: app.focused is table, "back in the list")
        assert [table.rows.key(index) for index in range(2)] == ["team/web", "team/webhooks"]


async def test_letters_of_a_pattern_are_never_taken_for_commands() -> None:
    async with opened(engine()) as (app, pilot):
        browser = await browse(app, pilot)
        burst(app, "slash", *"exitLXcq")
        await until(pilot, lambda: browser.query(Input).first().value == "exitLXcq", "it is typed")
        assert len(app.screen_stack) == 1


async def test_keys_after_a_pattern_are_for_the_list_again() -> None:
    async with opened(engine()) as (app, pilot):
        browser = await browse(app, pilot)
        burst(app, "slash", *"web", "enter", "j", "space")
        names = browser.names
        await until(pilot, lambda: names.marked == 1, "one is marked")
        assert names.repositories.table.marked == {"team/webhooks"}
        assert browser.query(Input).first().value == "web"


async def test_a_form_is_filled_in_right_after_the_key_that_opens_it() -> None:
    async with opened(engine()) as (app, pilot):
        burst(app, "a", *"reg.example", "enter", *"prod")
        await until(pilot, lambda: isinstance(app.screen, RegistryFormScreen), "the form")
        screen = app.screen
        await until(pilot, lambda: screen.query_one("#alias", Input).value == "prod", "the alias")
        assert screen.query_one("#host", Input).value == "reg.example"


async def test_a_dialog_is_answered_by_what_was_typed_after_it_was_asked_for() -> None:
    async with opened(engine()) as (app, pilot):
        burst(app, "D", "right", "left", "enter", "L")
        await until(pilot, lambda: isinstance(app.screen, LogScreen), "the log")
        assert not [screen for screen in app.screen_stack if isinstance(screen, ConfirmDialog)]
        assert app.context.core.registries.all()


async def test_going_in_and_out_in_one_burst_ends_where_it_should() -> None:
    async with opened(engine()) as (app, pilot):
        burst(app, "2", "1", "a", "escape", "L", "q", "t")
        await until(pilot, lambda: "answers" in screen_text(app), "it was tested")
        assert isinstance(app.screen, RegistriesScreen)


async def test_what_is_pasted_comes_in_its_turn() -> None:
    async with opened(engine()) as (app, pilot):
        browser = await browse(app, pilot)
        burst(app, "slash", "t")
        app.post_message(events.Paste("eam/web"))
        burst(app, "h")
        asked = browser.query(Input).first()
        await until(pilot, lambda: asked.value == "team/webh", "all of it")


def test_a_real_terminal_may_send_all_of_it_in_one_piece() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with terminal([sys.executable, "-c", RUNNING_APP], environment) as window:
        window.shows("1 account")
        window.press("\r")
        window.shows("3 repositories")
        window.press("/web\r\r")
        window.shows(f"{OLD}/team/web  2 tags")
        window.press("/2.0\r ")
        window.shows("● 1 tag")
        window.press("\x11")
        assert window.ended() == 0
