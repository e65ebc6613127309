"""Help: what a screen says of itself, and the keys that work there."""

from __future__ import annotations

from fakes.engine import FakeEngine
from fakes.screen import screen_text, until
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.help import HelpDialog, flowing


async def test_it_shows_our_keys_and_not_those_of_the_toolkit() -> None:
    app = TransshipApp(FakeEngine(), Settings(guide=False))
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpDialog), "the help")
        await until(pilot, lambda: "Knock at this registry" in screen_text(app), "the keys")
        assert "page down, ctrl+d  Half a window down" in screen_text(app)
        assert "Scroll" not in screen_text(app)


def test_its_words_fill_the_window_whatever_its_width() -> None:
    assert flowing("\none line\nand the next\n\nanother part\n") == (
        "one line and the next\n\nanother part"
    )
