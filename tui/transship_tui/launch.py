"""Opens the app, or the guide in plain lines, on an application."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from typing import TYPE_CHECKING

import msgspec

from transship.errors import BadFile
from transship.settings import Settings, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from transship.app import Application


def can_draw() -> bool:
    """Tell whether there is a terminal on both sides that the app can be drawn on."""
    drawable = os.environ.get("TERM", "") not in ("", "dumb")
    return drawable and sys.stdin.isatty() and sys.stdout.isatty()


def open_app(core: Application, *, guide: bool | None = None) -> int:
    """Open the app and return its exit status. `guide` goes before what the settings say.

    Raises BadFile for settings that can't be read, and whatever the app had to end for, once the
    terminal is as it was.
    """
    # Nothing of what comes now becomes garbage. It is looked for again once the app stands.
    gc.disable()
    # Textual is slow to import, and no line command needs it.
    from transship_tui.app import TransshipApp

    settings = checked(read_settings(core.paths.settings), core.paths.settings)
    if guide is not None:
        settings = msgspec.structs.replace(settings, guide=guide)
    app = TransshipApp(core, settings)
    app.run(mouse=settings.mouse)
    if app.fault is not None:
        raise app.fault
    return app.return_code or 0


def checked(settings: Settings, path: Path) -> Settings:
    """Return the settings with keys as the app knows them. Raises BadFile for what it can't do."""
    from textual.theme import BUILTIN_THEMES

    from transship_tui.keys import faults_in, normal
    from transship_tui.themes import THEMES

    themes = {*BUILTIN_THEMES, *(theme.name for theme in THEMES)}
    keys = normal(settings.keys)
    faults = [f"[keys] {fault}" for fault in faults_in(keys)]
    if settings.theme not in themes:
        faults.insert(0, f'theme "{settings.theme}" is none of {", ".join(sorted(themes))}')
    if faults:
        raise BadFile(f"{path}: {'; '.join(faults)}")
    return msgspec.structs.replace(settings, keys=keys)


def why_not_drawn() -> str:
    """Return why the app can't be drawn here, as the beginning of a sentence."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "This is no terminal"
    kind = os.environ.get("TERM", "")
    return (
        f"This terminal says that it can't be drawn on (TERM={kind})"
        if kind
        else ("This terminal doesn't say what it is (TERM isn't set)")
    )


def open_plain(core: Application, *, farewell: str = "") -> int:
    """Walk through the guide in plain lines and return an exit status.

    `farewell` is said to who leaves early, instead of how to start again.
    """
    from transship_tui.plain import FAREWELL, PlainGuide

    async def walk() -> int:
        try:
            return await PlainGuide(core, farewell=farewell or FAREWELL).run()
        finally:
            await core.aclose()

    return asyncio.run(walk())


def wants_plain() -> bool:
    """Tell whether the environment asks for plain lines (`ACCESSIBLE=1`)."""
    return os.environ.get("ACCESSIBLE", "") not in ("", "0")
