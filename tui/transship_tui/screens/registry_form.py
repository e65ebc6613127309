"""Adding a registry, or changing what is known of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from transship.accounts.account import Account
from transship.registries.examine import Examination
from transship_tui.keys import bindings
from transship_tui.screens.frame import Frame
from transship_tui.widgets.registry_form import RegistryForm


class RegistryFormScreen(Frame):
    """The form for one account. `saved` is called once the account is kept."""

    MODE = "registries"
    BINDINGS: ClassVar[list[BindingType]] = bindings("registry-form")
    HELP: ClassVar[str] = """
Fill in the host and go on: who answers there is asked at once, as nobody. Test tries the sign-in
too; Save does that, then keeps the account. enter and tab go on, esc leaves everything as it was.

The secret goes into your keyring, or nowhere. It is never written into a file of Transship's.
"""

    def __init__(
        self, saved: Callable[[Account, Examination], None], account: Account | None = None
    ) -> None:
        super().__init__()
        self._saved = saved
        self._account = account

    def compose_body(self) -> ComposeResult:
        """Give the form."""
        yield RegistryForm(self.transship.engine, self._account)

    def on_mount(self) -> None:
        """Say what this is."""
        if self._account is None:
            self.heading("Add a registry")
        else:
            self.heading("Change an account", self._account.host)

    def action_test(self) -> None:
        """Try what is filled in."""
        self.query_one(RegistryForm).test()

    def action_save(self) -> None:
        """Try what is filled in, then keep it."""
        self.query_one(RegistryForm).save()

    @on(RegistryForm.Edited)
    def _edited(self, event: RegistryForm.Edited) -> None:
        self.line(event.line)

    @on(RegistryForm.Failed)
    def _failed(self, event: RegistryForm.Failed) -> None:
        self.fail(event.error)

    @on(RegistryForm.Saved)
    def _kept(self, event: RegistryForm.Saved) -> None:
        self.close_when_in_front()
        self._saved(event.account, event.found)

    @on(RegistryForm.Left)
    async def _left(self) -> None:
        await self.action_back()
