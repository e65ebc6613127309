"""Nothing that is hard to undo happens by a key pressed too often."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Button, Input

from fakes.engine import FakeEngine
from fakes.screen import screen_text, until
from transship.settings import Settings
from transship.text import safe
from transship_tui.app import TransshipApp
from transship_tui.widgets.dialogs import ConfirmDialog


@asynccontextmanager
async def asked(
    *, typed: str | None = None, title: str = "Overwrite 3 tags?", text: str = "They move."
) -> AsyncIterator[tuple[Pilot[None], list[bool | None]]]:
    app = TransshipApp(FakeEngine(), Settings(guide=False))
    answers: list[bool | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = ConfirmDialog(title, Content(safe(text)), "Overwrite", danger=True, typed=typed)
        await app.push_screen(dialog, answers.append)
        await pilot.pause()
        yield pilot, answers


@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_the_way_out_is_what_comes_first(key: str) -> None:
    async with asked() as (pilot, answers):
        assert pilot.app.focused is pilot.app.screen.query_one("#cancel")
        await pilot.press(key)
        await until(pilot, lambda: answers == [False], "nothing is done")


@pytest.mark.parametrize("keys", [("tab", "enter"), ("right", "enter")])
async def test_going_on_has_to_be_meant(keys: tuple[str, ...]) -> None:
    async with asked() as (pilot, answers):
        await pilot.press(*keys)
        await until(pilot, lambda: answers == [True], "it is done")


async def test_letters_do_nothing() -> None:
    async with asked() as (pilot, answers):
        await pilot.press("y", "o", "q", "1", "2")
        await pilot.pause()
        assert answers == []
        assert isinstance(pilot.app.screen, ConfirmDialog)


async def test_a_host_has_to_be_typed_whole() -> None:
    async with asked(typed="new.example:5000") as (pilot, answers):
        button = pilot.app.screen.query_one("#go-on", Button)
        assert pilot.app.focused is pilot.app.screen.query_one(Input)
        await pilot.press(*"new.example")
        assert button.disabled
        await pilot.press(*":5000")
        await until(pilot, lambda: not button.disabled, "the button can be pressed")
        assert answers == []
        await pilot.press("enter")
        await until(pilot, lambda: answers == [True], "it is done")


@pytest.mark.parametrize("typed", ["new.example", "new.example:50000"])
async def test_what_is_not_the_host_is_said_to_be_so_and_the_question_stays(typed: str) -> None:
    async with asked(typed="new.example:5000") as (pilot, answers):
        await pilot.press(*typed, "enter")
        said = "That isn't new.example:5000; esc cancels."
        await until(pilot, lambda: said in screen_text(pilot.app), "what is wrong")
        await pilot.press("t")
        await until(pilot, lambda: said not in screen_text(pilot.app), "another word is typed")
        assert isinstance(pilot.app.screen, ConfirmDialog)
        assert pilot.app.screen.query_one(Input).value == f"{typed}t"
        assert answers == []
        await pilot.press("escape")
        await until(pilot, lambda: answers == [False], "nothing is done")


async def test_enter_before_anything_is_typed_is_no_answer() -> None:
    async with asked(typed="new.example") as (pilot, answers):
        await pilot.press("enter")
        await until(pilot, lambda: "Nothing is typed" in screen_text(pilot.app), "what is missing")
        assert answers == []


async def test_what_was_typed_can_be_taken_back() -> None:
    async with asked(typed="new.example") as (pilot, _answers):
        await pilot.press(*"new.example")
        button = pilot.app.screen.query_one("#go-on", Button)
        await until(pilot, lambda: not button.disabled, "the button can be pressed")
        await pilot.press("backspace")
        await until(pilot, lambda: button.disabled, "the button can't be pressed")


@pytest.mark.parametrize("text", ["[/foo] closing", "[@click=app.quit]hi[/]", "\x1b]52;c;aGk=\x07"])
async def test_remote_text_is_only_read(text: str) -> None:
    async with asked(title=text, text=text, typed=text) as (pilot, _):
        assert all(line.isprintable() for line in screen_text(pilot.app).split("\n"))
