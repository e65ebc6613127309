"""Asking for the secret by which a DNS provider lets a record be changed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.content import Content
from textual.widgets import Button, Static

from transship.app.provider_request import secret_words
from transship.text import safe
from transship_tui.dialogs.secret_question import SecretQuestion
from transship_tui.marks import CARE, QUIET
from transship_tui.widgets.field import SecretInput

if TYPE_CHECKING:
    from transship.app.application import Application
    from transship.cutover.change.settings import ProviderSettings

_KEPT = "It is kept in the keyring. Nothing is sent before you confirm the change."


class KeyDialog(SecretQuestion):
    """Asks for the secret of `way` and keeps it; returns whether it is kept.

    `why` says why it is asked for, `later` what the button says that goes on without it.
    """

    def __init__(
        self, engine: Application, way: ProviderSettings, why: str, *, later: str = "Cancel"
    ) -> None:
        super().__init__()
        self._engine = engine
        self._way = way
        self._why = safe(why)
        self._later = later

    def question(self) -> Iterator[Static]:
        """Give what is asked, why, and where it is kept."""
        yield Static(Content(safe(secret_words(self._way))), classes="title")
        if self._why:
            yield Static(Content.styled(self._why, CARE))
        yield Static(Content.styled(_KEPT, QUIET))

    def buttons(self) -> Iterator[Button]:
        """Give the buttons; that for this run once the keyring has refused."""
        yield Button(self._later, id="cancel", compact=True)
        this_run = Button("For this run only", id="this-run", compact=True)
        this_run.display = False
        yield this_run
        yield Button("Keep", id="answer", compact=True, variant="primary")

    def on_mount(self) -> None:
        """Begin with the field."""
        self.query_one(SecretInput).focus()

    @property
    def secret(self) -> str:
        """What is in the field, without what pasting has put around it."""
        return super().secret.strip()

    def answered(self, secret: str) -> None:
        """Keep it."""
        self.use(partial(self._engine.cutovers.changes.keep_key, self._way, secret), "keeping it")

    @on(Button.Pressed, "#this-run")
    def _for_this_run(self) -> None:
        if self.secret:
            keep = partial(
                self._engine.cutovers.changes.keep_key, self._way, self.secret, for_this_run=True
            )
            self.use(keep, "keeping it")

    def refused(self) -> None:
        """Offer to do without the keyring."""
        self.query_one("#this-run").display = True
