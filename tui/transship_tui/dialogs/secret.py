"""Asking for the secret of an account that isn't kept, where it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from transship.errors import TransshipError
from transship.text import safe
from transship_tui.marks import BAD, CARE, QUIET
from transship_tui.type_ahead import PAUSE
from transship_tui.widgets.field import SecretInput
from transship_tui.widgets.registry_entry import Entry
from transship_tui.workers import WorkersMinded

if TYPE_CHECKING:
    from transship.accounts.account import Account
    from transship_tui.engine import Engine

_LEFT_OUT = "! What was typed before this question could be read was left out."


class SecretDialog(WorkersMinded, ModalScreen[bool]):
    """Asks for the secret of an account and signs in with it; returns whether that worked.

    It comes by itself, so somebody may begin to type for what is behind it before they see it.
    Keys are for this dialog only once there was a pause.
    """

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]
    DEFAULT_CSS = """
    SecretDialog {
        & SecretInput, & SecretInput:focus { margin-top: 1; background: $surface; }
    }
    """

    def __init__(self, engine: Engine, account: Account, why: str) -> None:
        super().__init__()
        self._engine = engine
        self._account = account
        self._why = safe(why)
        self._takes_keys = False
        self._left_out = False

    def compose(self) -> ComposeResult:
        """Give the question, the field, what came of it, and the buttons."""
        account = self._account
        secret = Entry.of(account).kind.secret
        with Vertical(classes="dialog"):
            yield Static(Content(f"Sign in to {safe(account.host)}"), classes="title")
            yield Static(Content(f"{self._why}."))
            yield Static(
                Content.assemble(
                    "\n", f"{secret[0].upper()}{secret[1:]} of ", (safe(account.username), "bold")
                )
            )
            field = SecretInput(id="secret")
            field.cursor_blink = False
            yield field
            yield Static(id="said")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Sign in", id="sign-in", compact=True, variant="primary")

    def on_mount(self) -> None:
        """Begin with the field, after a pause."""
        self._pause = self.set_timer(PAUSE, self._take_keys)

    def on_key(self, event: events.Key) -> None:
        """Leave out what was typed for something else."""
        if not self._takes_keys:
            event.stop()
            event.prevent_default()
            self._left_out = True
            self._pause.stop()
            self._pause = self.set_timer(PAUSE, self._take_keys)

    def _take_keys(self) -> None:
        from transship_tui.app import TransshipApp

        if isinstance(self.app, TransshipApp) and self.app.keys_are_held:
            self._pause = self.set_timer(PAUSE, self._take_keys)
            return
        self._takes_keys = True
        self.query_one(SecretInput).focus()
        if self._left_out:
            self._say(Content.styled(_LEFT_OUT, CARE))

    @on(SecretInput.Entered)
    @on(Button.Pressed, "#sign-in")
    def _entered(self) -> None:
        if secret := self.query_one(SecretInput).value:
            self._sign_in(secret)

    @work(group="sign-in", exclusive=True, exit_on_error=False)
    async def _sign_in(self, secret: str) -> None:
        self._say(Content.styled(f"… asking {safe(self._account.host)}", QUIET))
        try:
            await self._engine.sign_in(self._account, secret)
        except TransshipError as error:
            self._say(Content.styled(f"✗ {error}", BAD))
        else:
            self.dismiss(True)

    def work_failed(self, group: str) -> None:  # noqa: ARG002 - there is only one
        """Say no longer that the registry is being asked."""
        self._say(Content(""))

    def _say(self, words: Content) -> None:
        self.query_one("#said", Static).update(words)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Go on without it."""
        self.dismiss(False)
