"""Opens the app, or the guide in plain lines, on a session."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import msgspec

from transship.settings import read_settings

if TYPE_CHECKING:
    from transship_tui.commands.session import Session


def can_draw() -> bool:
    """Tell whether there is a terminal on both sides that the app can be drawn on."""
    drawable = os.environ.get("TERM", "") not in ("", "dumb")
    return drawable and sys.stdin.isatty() and sys.stdout.isatty()


def open_app(session: Session, *, guide: bool | None = None) -> int:
    """Open the app and return its exit status. `guide` goes before what the settings say.

    Raises BadFile for settings that can't be read, and whatever the app had to end for, once the
    terminal is as it was.
    """
    # Textual is slow to import, and no line command needs it.
    from transship_tui.app import TransshipApp
    from transship_tui.live import LiveEngine

    settings = read_settings(session.paths.settings)
    if guide is not None:
        settings = msgspec.structs.replace(settings, guide=guide)
    app = TransshipApp(LiveEngine(session.paths, session.sources), settings)
    app.run(mouse=settings.mouse)
    if app.fault is not None:
        raise app.fault
    return app.return_code or 0


def open_plain(session: Session) -> int:
    """Walk through the guide in plain lines and return an exit status."""
    from transship_tui.live import LiveEngine
    from transship_tui.plain import PlainGuide

    async def walk() -> int:
        engine = LiveEngine(session.paths, session.sources)
        try:
            return await PlainGuide(engine).run()
        finally:
            await engine.aclose()

    return asyncio.run(walk())


def wants_plain() -> bool:
    """Tell whether the environment asks for plain lines (`ACCESSIBLE=1`)."""
    return os.environ.get("ACCESSIBLE", "") not in ("", "0")
