"""The lines around a screen say what there is room for, and are never more than text."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widgets import Button, Input

from fakes.engine import FakeEngine
from fakes.screen import screen_text, until
from transship.errors import NoRight
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.frame import Frame
from transship_tui.widgets.bars import LineBar, MessageBar, ModeTabs
from transship_tui.widgets.dialogs import ErrorDialog, WordsDialog

SIZES = [(60, 20), (80, 24), (120, 40)]
HOSTILE = [
    "[/foo] closing",
    "x[link=http://e]y",
    "[@click=app.quit]hi[/]",
    "\x1b]52;c;aGk=\x07",
    "\u202egpj.exe",
    "a\u200bb\ncd\te",
    "very long " * 500,
    "日本語のタグ" * 20,
]


class Plain(Frame):
    """A screen with nothing of its own."""

    MODE = "jobs"

    def compose_body(self) -> ComposeResult:
        yield Button("x")
        yield Input()


@asynccontextmanager
async def framed(
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[tuple[Pilot[None], Plain, FakeEngine]]:
    engine = FakeEngine()
    app = TransshipApp(engine, Settings(guide=False, clipboard="osc52"))
    async with app.run_test(size=size) as pilot:
        screen = Plain()
        await app.push_screen(screen)
        screen.query_one(Button).focus()
        await pilot.pause()
        yield pilot, screen, engine


def line_with(pilot: Pilot[None], text: str) -> str:
    return next((line for line in screen_text(pilot.app).split("\n") if text in line), "")


@pytest.mark.parametrize("size", SIZES)
async def test_every_area_has_its_tab(size: tuple[int, int]) -> None:
    async with framed(size) as (pilot, _, _engine):
        tabs = screen_text(pilot.app).split("\n")[0]
        for words in ("1 Registries", "2 Browse", "3 Plan", "4 Jobs", "5 Cutover"):
            assert words in tabs
        assert ("transship" in tabs) == (size[0] >= 70)


async def test_a_click_on_a_tab_goes_there() -> None:
    async with framed() as (pilot, _, _engine):
        tabs = screen_text(pilot.app).split("\n")[0]
        await pilot.click(ModeTabs, offset=(tabs.index("5 Cutover") + 2, 0))
        await until(pilot, lambda: pilot.app.current_mode == "cutover", "it is there")


@pytest.mark.parametrize("size", SIZES)
async def test_an_error_always_leaves_room_for_the_key_that_explains_it(
    size: tuple[int, int],
) -> None:
    async with framed(size) as (pilot, screen, _):
        screen.fail(NoRight("PUT /v2/team/web/manifests/v1 was answered with 403 " * 9))
        await until(pilot, lambda: "e explains" in screen_text(pilot.app), "the key is named")
        line = line_with(pilot, "e explains")
        assert line.startswith(" ✗ No right to do this: PUT")
        assert "…" in line
        assert cell_len(line) < size[0]
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorDialog), "it is explained")


async def test_a_short_error_names_the_key_too() -> None:
    async with framed() as (pilot, screen, _):
        screen.fail(NoRight("v1"))
        await until(
            pilot,
            lambda: " ✗ No right to do this: v1   e explains" in screen_text(pilot.app),
            "it is said",
        )
        assert [told.title for told in pilot.app.context.log.told()] == [NoRight.title]


async def test_a_long_message_can_be_read_whole() -> None:
    async with framed() as (pilot, screen, _):
        screen.warn("This can't be done " * 9)
        await until(pilot, lambda: "e shows all" in screen_text(pilot.app), "the key is named")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, WordsDialog), "it is shown")
        assert screen_text(pilot.app).count("be done") >= 9


async def test_a_short_message_needs_no_key() -> None:
    async with framed() as (pilot, screen, _):
        screen.tell("Done")
        await until(pilot, lambda: " ✓ Done" in screen_text(pilot.app), "it is said")
        assert "e shows all" not in screen_text(pilot.app)
        await pilot.press("e")
        await pilot.pause()
        assert pilot.app.screen is screen
        screen.hush()
        await until(pilot, lambda: "Done" not in screen_text(pilot.app), "nothing is said")


async def test_a_message_is_cut_anew_when_the_window_changes() -> None:
    async with framed((120, 40)) as (pilot, screen, _):
        screen.tell("a message of about seventy cells that fits into a wide window only.")
        await until(pilot, lambda: "window only." in screen_text(pilot.app), "it is seen whole")
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: "e shows all" in screen_text(pilot.app), "it is cut")


async def test_the_keys_are_not_named_while_letters_are_typed() -> None:
    async with framed() as (pilot, screen, _):
        screen.line("transship jobs")
        screen.fail(NoRight("v1"))
        await until(pilot, lambda: "y copies it" in screen_text(pilot.app), "the key is named")
        screen.query_one(Input).focus()
        await until(pilot, lambda: "y copies it" not in screen_text(pilot.app), "no key")
        assert "e explains" not in screen_text(pilot.app)
        assert "$ transship jobs" in screen_text(pilot.app)


async def test_the_line_is_copied_as_it_is_and_said() -> None:
    line = "transship copy " + "old.example/team/web " * 9
    async with framed((60, 20)) as (pilot, screen, _):
        screen.line(line)
        await until(pilot, lambda: "y copies it" in screen_text(pilot.app), "the key is named")
        assert "…" in line_with(pilot, "y copies it")
        await pilot.press("y")
        await until(pilot, lambda: "Sent to your terminal" in screen_text(pilot.app), "it is said")
        assert pilot.app.clipboard == line.strip()


async def test_without_a_line_there_is_nothing_to_copy() -> None:
    async with framed() as (pilot, _, _engine):
        await pilot.press("y")
        await pilot.pause()
        assert pilot.app.clipboard == ""
        assert "copies" not in screen_text(pilot.app)


async def test_remote_text_is_only_read() -> None:
    async with framed() as (pilot, screen, _):
        says = (screen.tell, screen.warn, lambda t: screen.fail(NoRight(t)))
        for text, say in itertools.product(HOSTILE, says):
            say(text)
            screen.heading(text, text)
            screen.line(f"transship ls {text}")
            await pilot.pause()
            lines = screen_text(pilot.app).split("\n")
            assert len(lines) <= 24
            assert all(line.isprintable() for line in lines)
            assert all(cell_len(line) <= 80 for line in lines)
            for bar in (screen.query_one(LineBar), screen.query_one(MessageBar)):
                assert not [s for s in bar.render().spans if "click" in str(s.style)]
