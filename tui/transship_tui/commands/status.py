"""One line, or a block of lines, at the end of the terminal that says how far something is."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from transship_tui.commands.output import cells, fitted, is_screen, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from typing import TextIO

_CLEAR_LINE = "\x1b[K"
_CLEAR_BELOW = "\x1b[J"


class Screen:
    """Draws a few lines again and again on one terminal, and writes no more than what changed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._size = os.terminal_size((0, 0))

    @property
    def width(self) -> int:
        """How many columns a line may take. The last one stays free: some terminals wrap there."""
        return self._terminal().columns - 1

    def draw(self, lines: Sequence[str]) -> None:
        """Put `lines` in the place of those that were drawn before."""
        size = self._terminal()
        shown = [fitted(line, size.columns - 1) for line in lines[: size.lines - 1]]
        if size == self._size and shown == self._lines:
            return
        known = self._lines if size == self._size else []
        text = self._up(size.columns)
        for number, line in enumerate(shown):
            same = number < len(known) and known[number] == line
            text += "\n" if same else f"{line}{_CLEAR_LINE}\n"
        self._write(text + _CLEAR_BELOW)
        self._lines, self._size = shown, size

    def clear(self) -> None:
        """Take the block away; what is written next stands where it began."""
        self._write(self._up(self._terminal().columns) + _CLEAR_BELOW if self._lines else "")
        self._lines = []

    def _up(self, columns: int) -> str:
        """Return what moves to the first line of the block.

        A terminal that became narrower has broken the lines into several rows.
        """
        rows = sum(max(1, -(-cells(line) // columns)) for line in self._lines)
        return f"\r\x1b[{rows}A" if rows else "\r"

    def _terminal(self) -> os.terminal_size:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except OSError:
            size = os.terminal_size((80, 24))
        return os.terminal_size((size.columns or 80, size.lines or 24))

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


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
