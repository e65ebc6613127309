"""A plan that somebody else has changed while it was being changed here."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from transship.text import safe

Taken = Literal["theirs", "ours"]


class PlanChangedDialog(ModalScreen[Taken | None]):
    """Asks whose words are to be kept; returns None to decide later."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "later", "Later"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = safe(path)

    def compose(self) -> ComposeResult:
        """Give the question and the three answers."""
        with Vertical(classes="dialog"):
            yield Static("The file has changed meanwhile", classes="title")
            yield Static(Content(f"{self._path} says something else than when it was read."))
            yield Static(
                "\nTheirs: what you have changed here is lost.\n"
                "Yours: what the plan does is as you have it here; their comments stay."
            )
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Take theirs", id="theirs", compact=True)
                yield Button("Keep yours", id="ours", compact=True, variant="error")

    def on_mount(self) -> None:
        """Put the focus on the way out."""
        self.query_one("#cancel").focus()

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        answers: dict[str | None, Taken] = {"theirs": "theirs", "ours": "ours"}
        self.dismiss(answers.get(event.button.id))

    def action_later(self) -> None:
        """Do nothing."""
        self.dismiss(None)
