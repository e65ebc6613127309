"""Driving the app in tests: waiting on conditions, reading the screen, comparing its looks."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from servers.process import PATIENCE

if TYPE_CHECKING:
    from textual.app import App
    from textual.pilot import Pilot
    from textual.widget import Widget

    from transship_tui.app import TransshipApp

_LOOKS_SECONDS = 30.0
_STAYS_SECONDS = 1.0

_SNAPSHOTS = Path(__file__).parent.parent / "tui" / "snapshots"


async def until(
    pilot: Pilot[None], condition: Callable[[], object], what: str, *, deadline: float = PATIENCE
) -> None:
    """Let the app work until a condition holds. Fails, naming `what`, when it doesn't."""
    ends = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > ends:
            pytest.fail(f"never happened: {what}\n{screen_text(pilot.app)}")
        await pilot.pause()


def screen_text(app: TransshipApp) -> str:
    """Return what the operator sees, as lines of text."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text[:width].rstrip() for strip in lines[:height])


def line_in(app: TransshipApp, bar: type[Widget]) -> str:
    """Return the line of the screen that a bar is drawn on, empty while there is no such bar."""
    lines = screen_text(app).split("\n")
    return "".join(lines[found.region.y].strip() for found in app.screen.query(bar))


async def looks_like(pilot: Pilot[None], name: str) -> None:
    """Wait until the screen looks like the picture kept under `name`; fail if it never does.

    `UPDATE_SNAPSHOTS=1` writes the picture instead, once it stays as it is: look at it before it
    is kept.
    """
    kept = _SNAPSHOTS / f"{name}.svg"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        kept.write_text(await _picture_that_stays(pilot), encoding="utf-8")
        return
    assert kept.exists(), f"no picture is kept as {name}; make it with UPDATE_SNAPSHOTS=1"
    wanted = kept.read_text(encoding="utf-8")
    ends = time.monotonic() + _LOOKS_SECONDS
    while (picture := _picture(pilot.app)) != wanted:
        if time.monotonic() > ends:
            seen = kept.with_suffix(".seen.svg")
            seen.write_text(picture, encoding="utf-8")
            pytest.fail(f"{name} looks different: compare {kept.name} with {seen.name}")
        await pilot.pause()


async def _picture_that_stays(pilot: Pilot[None]) -> str:
    """Return the picture when it hasn't changed for a while: what is under way isn't kept."""
    picture, since = _picture(pilot.app), time.monotonic()
    while time.monotonic() - since < _STAYS_SECONDS:
        await pilot.pause()
        if (now := _picture(pilot.app)) != picture:
            picture, since = now, time.monotonic()
    return picture


def _picture(app: App[None]) -> str:
    picture = re.sub(r"terminal-\d+", "terminal", app.export_screenshot(title="Transship"))
    return re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
