"""Names of repositories, typed where a registry doesn't list them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from transship.oci.reference import is_repository
from transship.text import safe

_WORDS = "Write their names with spaces between them. They are kept with the account."


class NameRepositories(ModalScreen[tuple[str, ...] | None]):
    """Asks for repositories; gives all of them, or None when nothing shall change."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]
    DEFAULT_CSS = """
    NameRepositories {
        & Input, & Input:focus { margin-top: 1; background: $surface; }
        & #problem { color: $text-error; height: auto; }
    }
    """

    def __init__(self, host: str, named: Sequence[str]) -> None:
        super().__init__()
        self._host = host
        self._named = tuple(named)

    def compose(self) -> ComposeResult:
        """Give the field and what is wrong with it."""
        with Vertical(classes="dialog"):
            yield Static(Content(f"Repositories of {safe(self._host)}"), classes="title")
            yield Static(Content(_WORDS))
            names = Input(
                " ".join(self._named),
                placeholder="team/web team/api",
                compact=True,
                select_on_focus=False,
            )
            names.cursor_blink = False
            yield names
            yield Static(id="problem")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Keep", id="keep", compact=True, variant="primary")

    def on_input_submitted(self) -> None:
        """Keep what was typed."""
        self._keep()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Keep, or leave it."""
        if event.button.id == "keep":
            self._keep()
        else:
            self.dismiss(None)

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    def _keep(self) -> None:
        names = tuple(dict.fromkeys(self.query_one(Input).value.replace(",", " ").split()))
        wrong = next((name for name in names if not is_repository(name)), None)
        if wrong is None:
            self.dismiss(names)
            return
        hint = " Names are in lower case." if wrong != wrong.lower() else ""
        self.query_one("#problem", Static).update(
            Content(f"{safe(wrong)!r} is not a repository name.{hint}")
        )
