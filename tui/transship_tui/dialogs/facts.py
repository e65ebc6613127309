"""Everything about one thing: names and values, to be read and copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from transship.text import safe
from transship_tui.dialogs.error import WordsDialog

Facts = Sequence[tuple[str, str]]
"""Names and values. A name without a value is a title for those that follow."""


_WIDEST = 22


class FactsDialog(WordsDialog):
    """Shows facts until it is closed, and below them `more`."""

    DEFAULT_CSS = """
    FactsDialog {
        & .fact { height: auto; }
        & .name { color: $text-muted; }
        & .value { width: 1fr; }
        & .section { text-style: bold; margin-top: 1; }
    }
    """

    def __init__(self, title: Content, facts: Facts, more: Content | None = None) -> None:
        self._title = title
        self._facts = [(safe(name), safe(value)) for name, value in facts]
        self._more = more
        lines = [title.plain, *(f"{name}: {value}" for name, value in self._facts)]
        super().__init__(Content("\n".join(lines + ([more.plain] if more else []))))

    def compose_words(self) -> Iterator[Widget]:
        """Give the title, a line for each fact, and the rest."""
        yield Static(self._title, classes="title")
        width = max((len(name) for name, value in self._facts if value), default=0)
        for name, value in self._facts:
            if value:
                label = Static(Content(name), classes="name")
                label.styles.width = min(width, _WIDEST) + 2
                yield Horizontal(label, Static(Content(value), classes="value"), classes="fact")
            else:
                yield Static(Content(name), classes="section")
        if self._more:
            yield Static(self._more)
