"""Adding a registry, or changing what is known of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Button

from transship.accounts.registry_file import Account
from transship.registry.capability_card import card_of
from transship.registry.examination import Examination
from transship_tui.dialogs.capabilities import CapabilitiesDialog
from transship_tui.dialogs.confirm import ConfirmDialog
from transship_tui.keys import bindings
from transship_tui.screens.frame import Frame
from transship_tui.widgets.registry_entry import Entry
from transship_tui.widgets.registry_form import RegistryForm


class RegistryFormScreen(Frame):
    """The form for one account. `saved` is called once the account is kept.

    `begin_with` is what is filled in at first for a new one.
    """

    MODE = "registries"
    BINDINGS: ClassVar[list[BindingType]] = bindings("registry-form")
    HELP: ClassVar[str] = """
First say which registry it is: by a few letters of its service's name, or by its host. The form
then asks in the words of the service, and says below where each answer is found. Who answers at the
host is asked at once, as nobody. Test tries the sign-in
too; Save does that, then keeps the account. enter and tab go on, {back} leaves everything as it was
(and asks first, if something is filled in). {form.card} shows what can be done at a registry that
has answered, and what each “no” means for a migration. {form.more} unfolds what is rarely needed:
a certificate of your own.

The secret goes into your keyring, or nowhere. It is never written into a file of Transship's.
"""

    def __init__(
        self,
        saved: Callable[[Account, Examination], None],
        account: Account | None = None,
        *,
        begin_with: Entry | None = None,
    ) -> None:
        super().__init__()
        self._begin_with = begin_with
        self._saved = saved
        self._account = account

    def compose_body(self) -> ComposeResult:
        """Give the form."""
        engine = self.transship.engine
        yield RegistryForm(engine, self._account, begin_with=self._begin_with)

    def on_mount(self) -> None:
        """Say what this is."""
        if self._account is None:
            self.heading("Add a registry")
        else:
            self.heading("Change an account", self._account.host)

    def action_test(self) -> None:
        """Try what is filled in."""
        self.query_one(RegistryForm).test()

    def impossible(self) -> Mapping[str, str]:
        """Say what a card is missing."""
        if self.query_one(RegistryForm).found is None:
            return {"card": "No registry has answered here yet: fill in its host, then test."}
        return {}

    @on(Button.Pressed, "#card")
    def action_card(self) -> None:
        """Show what can be done at the registry that has answered."""
        if found := self.query_one(RegistryForm).found:
            host, seen = found
            self.app.push_screen(CapabilitiesDialog(host, card_of(seen.service, seen)))

    def action_more(self) -> None:
        """Unfold the fields that are rarely needed, or fold them away."""
        self.query_one(RegistryForm).fields.turn_more()

    async def action_back(self) -> None:
        """Close the form; ask before something that was filled in is lost."""
        if not self.query_one(RegistryForm).is_touched:
            await super().action_back()
            return
        words = Content("What is filled in here is lost. Nothing of it was kept yet.")
        self.app.push_screen(
            ConfirmDialog("Close the form?", words, "Close it", danger=True), self._answered
        )

    def _answered(self, wanted: bool | None) -> None:
        # What was kept while the question was in front closes by itself.
        if wanted and not self._done:
            self.dismiss()

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
        await super().action_back()
