"""What holds on every screen and in every dialog, whichever it is."""

from __future__ import annotations

import pytest
from textual.widget import Widget

from fakes import cutovers_world
from fakes.parts_world import DIALOGS
from fakes.world import WAYS, Walk, full_world, hostile_world, walking
from transship_tui.app import TransshipApp
from transship_tui.screens.frame import Frame
from transship_tui.widgets.bars import LineBar, MessageBar

HOSTILE = (
    "[/foo] [@click=app.quit]hi[/] x[link=http://e]y \x1b]52;c;aGk=\x07\x1b[2J \x9b31m "
    "\u202eright to left\u2066 zero\u200bwidth\u200d 日本語のタグ 🐳🚢 \r\n\t" + "very long " * 400
)
ON_A_FRAME = [
    name
    for name in WAYS
    if name
    not in (
        "start",
        "failures",
        "proof",
        "told",
        "exchange",
        "help",
        "quit",
        "remove",
        "error",
        "name-repositories",
        "plan-text",
        "plan-changed",
        "plan-start",
        *DIALOGS,
        *cutovers_world.DIALOGS,
    )
]

LINELESS = ("log", "console", "plan-mistake", "plan-new")
"""Screens that no line does the same as; a plan has one once its file says what is shown."""


@pytest.mark.parametrize("name", WAYS)
async def test_whatever_can_be_pressed_can_be_reached_in_a_small_terminal(name: str) -> None:
    async with walking(full_world(), WAYS[name], (60, 20), guide=True) as walk:
        chain = walk.app.screen.focus_chain
        for _ in range(len(chain) + 1):
            if (focused := walk.app.focused) is not None:
                assert is_seen(walk, focused), f"{focused} has the focus and isn't seen"
            await walk.press("tab")


@pytest.mark.parametrize("name", WAYS)
async def test_what_comes_from_elsewhere_is_only_read(name: str) -> None:
    async with walking(hostile_world(HOSTILE), WAYS[name], (120, 40)) as walk:
        for _ in range(2):
            lines = walk.app.screen._compositor.render_strips()
            assert all(line.text.isprintable() for line in lines)
            assert all(line.cell_length == 120 for line in lines)
            styles = [segment.style for line in lines for segment in line if segment.style]
            assert not [style for style in styles if style.link]
            assert "app.quit" not in str([style.meta for style in styles])
            await walk.press("down")
        assert walk.app.is_running
        assert walk.app.clipboard == ""


@pytest.mark.parametrize("name", ON_A_FRAME)
async def test_y_copies_the_line_or_says_why_it_does_not(name: str) -> None:
    async with walking(full_world(), WAYS[name]) as walk:
        screen = walk.app.screen
        assert isinstance(screen, Frame)
        screen.set_focus(None)
        line = screen.query_one(LineBar).line
        await walk.press("y")
        said = screen.query_one(MessageBar).message.plain
        assert walk.app.clipboard == line
        assert said == (
            f"✓ Sent to your terminal to copy (OSC 52): {line}"
            if line
            else f"! {screen.WITHOUT_LINE}"
        )
        assert line.startswith(("transship ", "for ")) or name in LINELESS


def is_seen(walk: Walk, widget: Widget) -> bool:
    """Tell whether all of a control is in the window; of what scrolls by itself, some of it."""
    placed = walk.app.screen.find_widget(widget)
    if widget.is_scrollable:
        return bool(placed.visible_region)
    return placed.visible_region == placed.region


@pytest.mark.parametrize("area", TransshipApp.MODES)
async def test_a_screen_that_is_still_being_made_answers_which_keys_it_has(area: str) -> None:
    async with walking(full_world(), WAYS["registries"]) as walk:
        made = walk.app.push_screen(TransshipApp.MODES[area]())
        assert not walk.app.screen.is_mounted
        assert "q" not in walk.app.screen.active_bindings
        await made
        assert "q" in walk.app.screen.active_bindings
