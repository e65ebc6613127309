"""What holds on every screen and in every dialog: how each looks, is reached, and says its line."""

from __future__ import annotations

from functools import partial

from textual.widget import Widget

from fakes import cutovers_service, cutovers_world, delegates_world
from fakes.parts_world import DIALOGS
from fakes.screen import looks_like, until
from fakes.world import WAYS, Walk, full_world, walking
from transship_tui.screens.frame import Frame
from transship_tui.widgets.bars import LineBar, MessageBar

SMALLEST = (60, 20)
SIZES = ((80, 24), (120, 40), SMALLEST)
ON_A_FRAME = [
    name
    for name in WAYS
    if name
    not in (
        "capabilities",
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
        *cutovers_service.DIALOGS,
        *delegates_world.DIALOGS,
    )
]

LINELESS = ("log", "console", "plan-mistake", "plan-new")
"""Screens that no line does the same as; a plan has one once its file says what is shown."""


async def looks_right_can_be_reached_and_says_its_line(name: str) -> None:
    """One walk for all three: getting there is what takes long."""
    async with walking(full_world(), WAYS[name]) as walk:
        await looks_right(walk, name)
        await walk.pilot.resize_terminal(*SMALLEST)
        if name in ON_A_FRAME:
            await walk.press("f2")
        await can_be_reached(walk)
        if name in ON_A_FRAME:
            await copies_its_line(walk, name)


async def looks_right(walk: Walk, name: str) -> None:
    """Compare with the pictures: in each size, and in the light."""
    for width, height in SIZES:
        await walk.pilot.resize_terminal(width, height)
        await walk.rests()
        await looks_like(walk.pilot, f"{name}-{width}x{height}")
    await walk.pilot.resize_terminal(80, 24)
    dark = walk.app.theme
    walk.app.theme = "transship-light"
    await walk.rests()
    await looks_like(walk.pilot, f"{name}-light")
    walk.app.theme = dark


async def can_be_reached(walk: Walk) -> None:
    """Go through all that takes the focus: each is seen when it has it."""
    chain = walk.app.screen.focus_chain
    for _ in range(len(chain) + 1):
        if (focused := walk.app.focused) is not None:
            seen = partial(is_seen, walk, focused)
            await until(walk.pilot, seen, f"{focused} has the focus and is seen")
        await walk.press("tab")


async def copies_its_line(walk: Walk, name: str) -> None:
    """Press `y`: it copies the line that does the same, or says why there is none."""
    screen = walk.app.screen
    assert isinstance(screen, Frame)
    screen.set_focus(None)
    line = screen.query_one(LineBar).line
    await walk.press("y")
    said = screen.query_one(MessageBar).message.plain
    assert walk.app.clipboard == line
    assert said == (
        f"✓ Sent to your terminal to copy (OSC 52): {line}" if line else f"! {screen.WITHOUT_LINE}"
    )
    assert line.startswith(("transship ", "for ")) or name in LINELESS


def is_seen(walk: Walk, widget: Widget) -> bool:
    """Tell whether all of a control is in the window; of what scrolls by itself, some of it."""
    placed = walk.app.screen.find_widget(widget)
    if widget.is_scrollable:
        return bool(placed.visible_region)
    return placed.visible_region == placed.region
