"""Themes, and what is left of them where the operator wants no colours."""

from __future__ import annotations

import pytest

from fakes.engine import FakeEngine
from transship.accounts.registry_file import Account
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.themes import THEMES

ANSI = ("ansi-dark", "ansi-light")
LEAST_APART = 60
"""How far text and what is behind it are apart at least, of 255."""


def unreadable(app: TransshipApp) -> list[str]:
    """Return each text that is drawn in nearly the colour of what is behind it."""
    found = []
    for widget in (app.screen, *app.screen.walk_children()):
        for y in range(widget.size.height):
            for text, style, _ in widget.render_line(y).apply_filter(
                app._filters[-1], widget.background_colors[1]
            ):
                if not text.strip() or style is None or style.color is None:
                    continue
                color, behind = style.color, style.bgcolor
                assert behind is not None, text
                pairs = zip(color.get_truecolor(), behind.get_truecolor(), strict=True)
                apart = [a - b for a, b in pairs]
                if max(map(abs, apart)) < LEAST_APART:
                    found.append(text)
    return found


@pytest.mark.parametrize("theme", [*ANSI, *(each.name for each in THEMES)])
async def test_text_can_be_read_without_colours(
    theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = TransshipApp(FakeEngine(known=[Account("old.example")]), Settings(theme=theme))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert not unreadable(app)


@pytest.mark.parametrize("theme", ANSI)
async def test_a_theme_that_is_chosen_later_can_be_read_too(
    theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = TransshipApp(FakeEngine(known=[Account("old.example")]))
    async with app.run_test() as pilot:
        app.theme = theme
        await pilot.pause()
        assert not unreadable(app)
        assert app.current_theme.dark == ("dark" in theme)


@pytest.mark.parametrize("theme", ANSI)
async def test_with_colours_the_terminal_keeps_its_own(theme: str) -> None:
    app = TransshipApp(FakeEngine(), Settings(theme=theme))
    async with app.run_test():
        assert app.theme == theme
