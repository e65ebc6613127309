"""Asking for the secret by which a DNS provider lets a record be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from transship.errors import TransshipError
from transship.text import safe
from transship_tui.cutover_way import secret_words
from transship_tui.marks import BAD, CARE, QUIET
from transship_tui.widgets.field import SecretInput
from transship_tui.workers import WorkersMinded

if TYPE_CHECKING:
    from transship.cutover.change.ways import Way
    from transship_tui.engine import Engine

_KEPT = "It is kept in the keyring, and sent nowhere before you confirm the change."


class KeyDialog(WorkersMinded, ModalScreen[bool]):
    """Asks for the secret of `way` and keeps it; returns whether it is kept.

    `why` says why it is asked for, `later` what the button says that goes on without it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]
    DEFAULT_CSS = """
    KeyDialog {
        & SecretInput, & SecretInput:focus { margin-top: 1; background: $surface; }
    }
    """

    def __init__(self, engine: Engine, way: Way, why: str, *, later: str = "Cancel") -> None:
        super().__init__()
        self._engine = engine
        self._way = way
        self._why = safe(why)
        self._later = later

    def compose(self) -> ComposeResult:
        """Give the question, the field, what came of it, and the buttons."""
        with Vertical(classes="dialog"):
            yield Static(Content(safe(secret_words(self._way))), classes="title")
            if self._why:
                yield Static(Content.styled(self._why, CARE))
            yield Static(Content.styled(_KEPT, QUIET))
            field = SecretInput(id="secret")
            field.cursor_blink = False
            yield field
            yield Static(id="said")
            with Horizontal(classes="buttons"):
                yield Button(self._later, id="cancel", compact=True)
                this_run = Button("For this run only", id="this-run", compact=True)
                this_run.display = False
                yield this_run
                yield Button("Keep", id="keep", compact=True, variant="primary")

    def on_mount(self) -> None:
        """Begin with the field."""
        self.query_one(SecretInput).focus()

    @on(SecretInput.Entered)
    @on(Button.Pressed, "#keep")
    def _entered(self) -> None:
        if secret := self.query_one(SecretInput).value.strip():
            self._keep(secret, for_this_run=False)

    @on(Button.Pressed, "#this-run")
    def _for_this_run(self) -> None:
        if secret := self.query_one(SecretInput).value.strip():
            self._keep(secret, for_this_run=True)

    @work(group="keep", exclusive=True, exit_on_error=False)
    async def _keep(self, secret: str, *, for_this_run: bool) -> None:
        self._say(Content.styled("… keeping it", QUIET))
        try:
            await self._engine.keep_key(self._way, secret, for_this_run=for_this_run)
        except TransshipError as error:
            self._say(Content.styled(f"✗ {error}", BAD))
            self.query_one("#this-run").display = True
        else:
            self.dismiss(True)

    def work_failed(self, group: str) -> None:  # noqa: ARG002 - there is only one
        """Say no longer that it is being kept."""
        self._say(Content(""))

    def _say(self, words: Content) -> None:
        self.query_one("#said", Static).update(words)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Go on without it."""
        self.dismiss(False)
