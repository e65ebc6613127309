"""One line under a list, for a pattern: what to show, or what to mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

NOTHING_MATCHES = "Nothing matches; {back} shows all."
"""What a list says that a pattern has emptied."""


class PatternInput(Horizontal):
    """Asks for a pattern. It is away until it is opened, and stays while a pattern holds.

    Patterns are those of `transship.matching`; what they are for is up to who opens it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Show all", tooltip="Take the pattern away"),
        Binding("down,up", "accept", "To the list", show=False),
    ]
    DEFAULT_CSS = """
    PatternInput {
        height: 1;
        padding: 0 1;
        background: $panel;
        display: none;
        &.-open { display: block; }
        &>#purpose { width: auto; color: $text-accent; }
        &>#hits { width: auto; color: $text-muted; padding: 0 0 0 1; }
        &>Input, &>Input:focus {
            width: 1fr; background: $panel; background-tint: transparent;
        }
    }
    """

    @dataclass
    class Changed(Message):
        """Another pattern was typed."""

        pattern: str

    @dataclass
    class Accepted(Message):
        """The pattern is as it shall be."""

        pattern: str

    class GivenUp(Message):
        """No pattern is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self._hits = ""

    def compose(self) -> ComposeResult:
        """Give what it is for, the pattern, and what the pattern finds."""
        yield Static(id="purpose")
        pattern = Input(compact=True, select_on_focus=False)
        # A cursor that blinks is redrawn twice a second, over SSH too.
        pattern.cursor_blink = False
        yield pattern
        yield Static(id="hits")

    def open(self, purpose: str, pattern: str, hint: str = "") -> None:
        """Come into sight. `hint` is read while nothing is typed."""
        self.query_one("#purpose", Static).update(Content(f"{purpose} "))
        asked = self.query_one(Input)
        asked.placeholder = hint
        with asked.prevent(Input.Changed):
            asked.value = pattern
        self.add_class("-open")

    def ask(self, purpose: str, pattern: str, hint: str) -> None:
        """Come into sight, and let the operator type."""
        self.open(purpose, pattern, hint)
        # At once, so that what is typed after the key isn't taken for keys.
        self.screen.set_focus(self.query_one(Input))

    def close(self) -> None:
        """Go away."""
        self.remove_class("-open")

    def hits(self, words: str) -> None:
        """Say what the pattern finds."""
        if words != self._hits:
            self._hits = words
            self.query_one("#hits", Static).update(Content(words))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell the pattern on while it is typed."""
        event.stop()
        self.post_message(self.Changed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Tell that the pattern is complete."""
        event.stop()
        self.post_message(self.Accepted(event.value))

    def action_accept(self) -> None:
        """Go back to the list, with the pattern as it is."""
        self.post_message(self.Accepted(self.query_one(Input).value))

    def action_give_up(self) -> None:
        """Ask for everything again."""
        self.post_message(self.GivenUp())
