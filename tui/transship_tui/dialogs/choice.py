"""One of several things, chosen from a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from transship.text import safe


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose. `more` is said below it."""

    value: str
    words: str
    more: str = ""

    def option(self) -> Option:
        """Return it as a line of a list."""
        words = Content.styled(safe(self.words), "bold" if self.more else "")
        if self.more:
            words = Content.assemble(words, "\n", (safe(self.more), "not bold"))
        return Option(words)


class Choices(OptionList):
    """A list of choices that moves as all lists do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("l", "select", show=False),
    ]
    DEFAULT_CSS = """
    Choices, Choices:focus {
        height: auto; max-height: 40vh; border: none; padding: 0; background: $panel;
        scrollbar-size-vertical: 1;
    }
    """

    def offer(self, choices: Sequence[Choice]) -> None:
        """Offer other choices, and put the cursor on the first."""
        self.clear_options()
        self.add_options(choice.option() for choice in choices)
        self.highlighted = 0 if choices else None


class ChoiceDialog(ModalScreen[str | None]):
    """Lets the operator choose; returns the value, or None for none of them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,h,q", "cancel", "Cancel")]

    def __init__(self, title: str, text: Content, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._title = safe(title)
        self._text = text
        self._choices = tuple(choices)

    def compose(self) -> ComposeResult:
        """Give the question, the choices, and the way out."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="title")
            if self._text:
                yield Static(Content.assemble(self._text, "\n"))
            yield Choices()
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Put the cursor into the list."""
        choices = self.query_one(Choices)
        choices.offer(self._choices)
        choices.focus()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._choices[event.option_index].value)

    @on(Button.Pressed)
    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
