"""One line that says how far something is, while somebody waits for it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from transship_tui.commands.output import is_screen, say
from transship_tui.commands.screen import Screen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_LOOK_SECONDS = 0.5
_LINE_SECONDS = 10.0


@asynccontextmanager
async def watched(line: Callable[[], str]) -> AsyncIterator[None]:
    """Show what `line` returns while this is entered: in place on a terminal, else now and then."""
    screen = Screen(sys.stderr) if is_screen(sys.stderr) else None
    watch = asyncio.create_task(_watch(line, screen))
    try:
        yield
    finally:
        watch.cancel()
        if screen:
            screen.clear()


async def _watch(line: Callable[[], str], screen: Screen | None) -> None:
    while True:
        await asyncio.sleep(_LOOK_SECONDS if screen else _LINE_SECONDS)
        if screen:
            screen.draw([line()])
        else:
            say(line())
