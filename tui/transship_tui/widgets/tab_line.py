"""A line of tabs: what is shown below, and what else could be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message

from transship_tui.widgets.text_lines import TextLines


class TabLine(TextLines):
    """Tabs on one line, the active one reversed. Which is active is up to who owns it."""

    DEFAULT_CSS = """
    TabLine { height: 1; }
    """

    @dataclass
    class Chosen(Message):
        """A tab was clicked."""

        index: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._labels: Sequence[str] = ()

    def tabs(self, labels: Sequence[str], active: int) -> None:
        """Show these tabs."""
        self._labels = labels
        parts = [
            (f" {label} ", "bold reverse" if index == active else "$foreground-muted")
            for index, label in enumerate(labels)
        ]
        self.show([Content.assemble(*parts)])

    def on_click(self, event: events.Click) -> None:
        """Choose the tab under the mouse."""
        end = 0
        for index, label in enumerate(self._labels):
            end += len(label) + 2
            if event.x < end:
                self.post_message(self.Chosen(index))
                return
