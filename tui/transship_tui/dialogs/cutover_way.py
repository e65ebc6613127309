"""How the record of a cutover is changed, said anew."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from transship.app.provider_request import request_of, settings_of
from transship.cutover.change.settings import ProviderSettings
from transship.errors import BadRequest
from transship.text import safe
from transship_tui.widgets.cutover_way_fields import WayFields


class WayDialog(ModalScreen[ProviderSettings | None]):
    """Asks how the record of `domain` is changed; returns it, None where it stays as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "keep", "Keep"),
    ]

    def __init__(self, domain: str, way: ProviderSettings) -> None:
        super().__init__()
        self._domain = safe(domain)
        self._way = way

    def compose(self) -> ComposeResult:
        """Give the fields and the buttons."""
        with Vertical(classes="dialog"):
            yield Static(Content(f"How is {self._domain} changed?"), classes="title")
            with VerticalScroll(classes="words", can_focus=False):
                yield WayFields(request_of(self._way))
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("^s Keep", id="keep", compact=True, variant="primary")

    def on_mount(self) -> None:
        """Begin with the choice."""
        self.query_one("#way").focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Take what is filled in, or say what is wrong with it."""
        fields = self.query_one(WayFields)
        try:
            self.dismiss(settings_of(fields.wished))
        except BadRequest as error:
            fields.refuse(safe(error.detail))

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Leave it as it is."""
        self.dismiss(None)
