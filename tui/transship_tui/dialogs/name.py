"""A name for something new."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from transship.text import safe


class NameDialog(ModalScreen[str | None]):
    """Asks for a name; returns None when nothing shall come of it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]
    DEFAULT_CSS = """
    NameDialog {
        & Input, & Input:focus { margin-top: 1; background: $surface; }
    }
    """

    def __init__(self, title: str, text: str, name: str, action: str) -> None:
        super().__init__()
        self._title = safe(title)
        self._text = safe(text)
        self._name_first = name
        self._action = action

    def compose(self) -> ComposeResult:
        """Give the field and the buttons."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="title")
            yield Static(Content(self._text))
            name = Input(self._name_first, compact=True, select_on_focus=False)
            name.cursor_blink = False
            yield name
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self._action, id="keep", compact=True, variant="primary")

    def on_input_submitted(self) -> None:
        """Take what was typed."""
        self._keep()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Take what was typed, or leave it."""
        if event.button.id == "keep":
            self._keep()
        else:
            self.dismiss(None)

    def action_cancel(self) -> None:
        """Name nothing."""
        self.dismiss(None)

    def _keep(self) -> None:
        if name := self.query_one(Input).value.strip():
            self.dismiss(name)
