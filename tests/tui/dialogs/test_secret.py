"""A secret that isn't kept: asked for where it is needed, and what needed it goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from unittest.mock import Mock

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from fakes.engine import FakeEngine
from fakes.screen import screen_text, until
from transship.accounts.registry_file import Account
from transship.errors import WrongCredential
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.browse.browser import BrowseScreen
from transship_tui.screens.registries.accounts import RegistriesScreen
from transship_tui.screens.registries.form import RegistryFormScreen
from transship_tui.screens.secret import SecretDialog
from transship_tui.widgets.form import SecretInput
from transship_tui.widgets.patterns import PatternInput

HOST = "reg.example"
SECRET = "correct horse"


@asynccontextmanager
async def registries() -> AsyncIterator[tuple[TransshipApp, Pilot[None], FakeEngine]]:
    account = Account(HOST, username="alice", secret_source="session")
    engine = FakeEngine(known=[account], catalog={HOST: ["team/web"]}, without_secret={HOST})
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test() as pilot:
        await until(pilot, lambda: HOST in screen_text(app), "the registries")
        yield app, pilot, engine


async def asked(app: TransshipApp, pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(app.screen, SecretDialog), "the question")
    await until(pilot, lambda: app.focused is not None, "the field")


def burst(app: TransshipApp, *keys: str) -> None:
    """Have all keys waiting before the app sees the first."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_what_needs_the_secret_goes_on_once_it_is_typed() -> None:
    async with registries() as (app, pilot, engine):
        await pilot.press("enter")
        await asked(app, pilot)
        assert "alice" in screen_text(app)
        await pilot.press(*SECRET.replace(" ", ""), "enter")
        await until(pilot, lambda: "1 repository" in screen_text(app), "the repositories")
        assert ("sign_in", engine.known[0]) in engine.asked


async def test_what_is_typed_is_shown_nowhere() -> None:
    async with registries() as (app, pilot, _):
        await pilot.press("t")
        await asked(app, pilot)
        await pilot.press(*"horse")
        assert "horse" not in screen_text(app)
        assert "•••••" in screen_text(app)


async def test_a_wrong_secret_is_said_and_can_be_typed_again() -> None:
    async with registries() as (app, pilot, engine):
        engine.failures["sign_in"] = WrongCredential("401")
        await pilot.press("t")
        await asked(app, pilot)
        await pilot.press("x", "enter")
        await until(pilot, lambda: WrongCredential.title in screen_text(app), "what is wrong")
        del engine.failures["sign_in"]
        await pilot.press("y", "enter")
        await until(pilot, lambda: f"{HOST} answers" in screen_text(app), "it was tested")


async def test_without_the_secret_it_says_what_is_missing() -> None:
    async with registries() as (app, pilot, _):
        await pilot.press("t")
        await asked(app, pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RegistriesScreen), "the registries")
        await until(pilot, lambda: "The password isn't kept" in screen_text(app), "the error")
        await pilot.press("e")
        await until(pilot, lambda: f"{HOST}`." in screen_text(app), "the remedy")


async def test_two_that_need_it_ask_once() -> None:
    async with registries() as (app, pilot, engine):
        await pilot.press("t", "t")
        await asked(app, pilot)
        await pilot.press("x", "enter")
        await until(pilot, lambda: f"{HOST} answers" in screen_text(app), "it was tested")
        assert [name for name, _ in engine.asked].count("sign_in") == 1


async def test_card_and_form_do_not_say_that_it_is_kept() -> None:
    async with registries() as (app, pilot, _):
        assert "that of an" in screen_text(app)
        assert "for this run only" not in screen_text(app)
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.screen, RegistryFormScreen), "the form")
        assert "kept; type another" not in screen_text(app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "The secret is needed" in screen_text(app), "what is missing")


async def test_the_question_waits_for_who_is_typing_and_no_key_is_lost() -> None:
    async with registries() as (app, pilot, _):
        burst(app, "enter", "slash", *"web")
        await asked(app, pilot)
        assert app.screen.query_one(SecretInput).value == ""
        assert "was left out" not in screen_text(app)
        await pilot.press("x", "enter")
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen), "what was in front")
        assert app.screen.query_one(PatternInput).query_one(Input).value == "web"
        await until(pilot, lambda: "team/web" in screen_text(app), "the repositories")


async def test_a_burst_that_was_meant_for_something_else_is_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[Callable[[], None]] = []

    def begins(_dialog: SecretDialog, _seconds: float, over: Callable[[], None]) -> Mock:
        pauses.append(over)
        return Mock()

    monkeypatch.setattr(SecretDialog, "set_timer", begins)
    async with registries() as (app, pilot, engine):
        await pilot.press("t")
        await until(pilot, lambda: pauses, "the question")
        keys = [*"jjk", "enter", "tab", "enter"]
        burst(app, *keys)
        await until(pilot, lambda: len(pauses) == 1 + len(keys), "a new pause after each key")
        await until(pilot, lambda: app._typed.is_empty, "all keys to be taken")
        pauses[-1]()
        await asked(app, pilot)
        assert app.screen.query_one(SecretInput).value == ""
        assert "was left out" in screen_text(app)
        assert "sign_in" not in [name for name, _ in engine.asked]
        await pilot.press("x", "enter")
        await until(pilot, lambda: f"{HOST} answers" in screen_text(app), "it was tested")
