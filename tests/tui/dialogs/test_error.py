"""An error is shown whole: what happened, where, and what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.content import Content
from textual.pilot import Pilot

from fakes.engine import FakeEngine
from fakes.screen import screen_text, until
from transship.errors import NoRight, TransshipError
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.widgets.dialogs import ErrorDialog, WordsDialog

ERROR = NoRight("PUT /v2/team/web/manifests/v1 was answered with 403: denied")


@asynccontextmanager
async def shown(
    dialog: WordsDialog, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[None]]:
    app = TransshipApp(FakeEngine(), Settings(guide=False, clipboard="osc52"))
    async with app.run_test(size=size) as pilot:
        await app.push_screen(dialog)
        await pilot.pause()
        yield pilot


def words(pilot: Pilot[None]) -> str:
    return " ".join(screen_text(pilot.app).replace("│", " ").split())


async def test_it_says_what_happened_where_and_what_to_do() -> None:
    async with shown(ErrorDialog(ERROR)) as pilot:
        assert "✗ No right to do this" in words(pilot)
        assert ERROR.detail in words(pilot)
        assert f"What to do {ERROR.remedy}" in words(pilot)


async def test_an_error_without_a_detail_says_so() -> None:
    async with shown(ErrorDialog(NoRight())) as pilot:
        assert "No more is known." in words(pilot)


async def test_it_is_copied_whole_and_says_how() -> None:
    async with shown(ErrorDialog(ERROR)) as pilot:
        await pilot.press("y")
        await until(pilot, lambda: "Sent to your terminal" in words(pilot), "it says how")
        assert pilot.app.clipboard == f"{ERROR.title}\n{ERROR.detail}\n{ERROR.remedy}"


@pytest.mark.parametrize("key", ["escape", "q", "e", "enter"])
async def test_it_closes(key: str) -> None:
    async with shown(ErrorDialog(ERROR)) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: not isinstance(pilot.app.screen, WordsDialog), "it is closed")


async def test_what_is_longer_than_the_screen_can_be_read_to_its_end() -> None:
    long = ErrorDialog(NoRight("word " * 390 + "end"))
    async with shown(long, size=(60, 20)) as pilot:
        assert "What to do" not in words(pilot)
        await pilot.press(*["j"] * 60)
        await until(pilot, lambda: "What to do" in words(pilot), "the end is seen")


@pytest.mark.parametrize(
    "text",
    [
        "[/foo] closing",
        "x[link=http://e]y",
        "[@click=app.quit]hi[/]",
        "\x1b]52;c;aGk=\x07",
        "\u202egpj.exe",
        "日本語 🐳",
    ],
)
async def test_remote_text_is_only_read(text: str) -> None:
    async with shown(ErrorDialog(TransshipError(text, remedy=text))) as pilot:
        assert all(line.isprintable() for line in screen_text(pilot.app).split("\n"))
        await pilot.press("y")
        await until(pilot, lambda: pilot.app.clipboard, "it is copied")
        assert "\x1b" not in pilot.app.clipboard
        assert "\u202e" not in pilot.app.clipboard


async def test_a_long_message_is_shown_whole_too() -> None:
    message = Content("! " + "this is long " * 40)
    async with shown(WordsDialog(message)) as pilot:
        assert words(pilot).count("this is long") == 40
