"""The text of a plan's file, as it is or as it would be saved."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from transship.text import safe
from transship_tui.dialogs.error import WordsDialog
from transship_tui.marks import CARE, QUIET

_MOST_LINES = 2_000


class PlanTextDialog(WordsDialog):
    """Shows the text of a plan; `place` is where it stands, `why` what is to be said of it."""

    def __init__(self, place: str, text: str, why: str = "") -> None:
        super().__init__(Content(text))
        self._place = safe(place)
        self._why = safe(why)
        self._whole = text

    @property
    def text(self) -> str:
        """The whole of it, however long."""
        return self._whole

    def compose_words(self) -> Iterator[Widget]:
        """Give the text, its comments in a lighter tone."""
        yield Static(Content(self._place), classes="title")
        if self._why:
            yield Static(Content.styled(f"! {self._why}", CARE))
        lines = self._whole.split("\n")
        shown = [_line(line) for line in lines[:_MOST_LINES]]
        if len(lines) > _MOST_LINES:
            shown.append(Content.styled(f"… and {len(lines) - _MOST_LINES:,} lines more", QUIET))
        yield Static(Content("\n").join(shown))


def _line(line: str) -> Content:
    indent = line[: len(line) - len(line.lstrip(" "))]
    clean = indent + safe(line)
    return Content.styled(clean, QUIET) if line.lstrip().startswith("#") else Content(clean)
