"""Registries: the accounts that the operator has added, and a card for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content

from transship.accounts.registry_file import Account, api_hosts_of
from transship.accounts.sign_in import api_account_of, holding_images, service_at
from transship.errors import TransshipError
from transship.guide import Step
from transship.registry.service import service_of
from transship.text import counted
from transship_tui.keys import bindings, key_for, words_for
from transship_tui.marks import mark
from transship_tui.screens.frame import Frame
from transship_tui.screens.registries.card import (
    SECRET_PLACES,
    AccountCard,
    CapabilitiesDialog,
    Trial,
    card_for,
    kind_of,
)
from transship_tui.widgets.bars import MessageBar
from transship_tui.widgets.dialogs import ConfirmDialog, NameDialog
from transship_tui.widgets.table import Column, VirtualTable

if TYPE_CHECKING:
    from transship.registry.examination import Examination
    from transship_tui.screens.registries.entry import Entry

_COLUMNS = (
    Column("Alias", 10),
    Column("Host"),
    Column("Service", 16, least=72),
    Column("State", 13),
)
_SECONDS_BETWEEN_LOOKS = 10.0

_REPLICATE = (
    "In which region is all of it to stand too, as ap-shanghai? It takes the premium edition, and "
    "a region on the same side of the border of mainland China. Nothing is changed by this."
)
_GOES = {
    "keyring": "Its secret is taken out of your keyring.",
    "session": "Its secret is forgotten.",
    "environment": "What the environment has for it stays there.",
    "docker": "What docker or podman keep for it stays there.",
    "": "",
}


class _AccountRows:
    """The accounts as rows."""

    def __init__(self, accounts: Sequence[Account], states: Mapping[str, str]) -> None:
        self._accounts = accounts
        self._states = states

    def __len__(self) -> int:
        return len(self._accounts)

    def key(self, index: int) -> str:
        """Return the host."""
        return self._accounts[index].host

    def cells(self, index: int) -> Sequence[Content]:
        """Return alias, host, service and state."""
        account = self._accounts[index]
        return (
            Content(account.alias),
            Content(account.host),
            Content(kind_of(account).title),
            mark(self._states.get(account.host, "untested")),
        )


_NONE = "No registries yet. Press {registries.add} to add the first one."

_UNTRIED = "In Registries, {registries.test} tests it."


class RegistriesScreen(Frame):
    """The list of accounts, and what is known of the one under the cursor.

    The app opens with it: what it leads to is imported on the way there.
    """

    MODE = "registries"
    HELP: ClassVar[str] = """
The registries that you work with, and what is known of each. {list.open} looks into one;
{registries.test} knocks at it and says whether it answers, lets you in, and lists what it has.
{registries.card} shows what can be done there, and what each “no” means for a migration. Of an
instance of Tencent TCR, {registries.network} shows who gets through to it, {registries.domains} its
custom domains, and {registries.replica} has it replicated to another region.

Where a secret lives stands in the card: in your keyring, or nowhere of Transship's own.
"""
    BINDINGS: ClassVar[list[BindingType]] = bindings("registries")
    CSS_PATH = "accounts.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._accounts: tuple[Account, ...] = ()
        self._states: dict[str, str] = {}
        self._trials: dict[str, Trial] = {}

    def compose_body(self) -> ComposeResult:
        """Give the list and the card."""
        with Container(id="registries"):
            yield VirtualTable(_COLUMNS, id="accounts", empty=words_for(self, _NONE))
            yield AccountCard(id="card")

    def on_mount(self) -> None:
        """Show the accounts, and from time to time how long ago they were tested."""
        self.query_one(VirtualTable).focus()
        self.set_interval(_SECONDS_BETWEEN_LOOKS, self._show_card)

    def on_screen_resume(self) -> None:
        """Show the accounts as they are now: another app may have changed them."""
        super().on_screen_resume()
        self._show()

    def impossible(self) -> Mapping[str, str]:
        """Say what an empty list is missing."""
        if not self._accounts:
            why = f"There is no registry yet; {key_for(self, 'registries.add')} adds one."
            does = ("edit", "test", "card", "remove", "keys", "network", "domains", "replica")
            return dict.fromkeys(does, why)
        return {**self._impossible_at_tcr(), **self._impossible_api()}

    def _impossible_at_tcr(self) -> Mapping[str, str]:
        """Say why the registry here has no network access, domains or replicas to be seen."""
        account = self._at_cursor()
        if account is None:
            return {}
        why = ""
        if service_at(account).kind != "tcr":
            why = "Only an instance of Tencent TCR has that."
        elif api_account_of(account, self._accounts) is None:
            adds = key_for(self, "registries.keys")
            why = f"It takes the keys of the cloud's API: {adds} adds them."
        return dict.fromkeys(("network", "domains", "replica"), why) if why else {}

    def _impossible_api(self) -> Mapping[str, str]:
        account = self._at_cursor()
        if account is None or api_hosts_of(account.host, account):
            return {}
        if not service_at(account).holds_images:
            return {"card": f"{account.host} holds no images.", "keys": "These are the keys."}
        return {"keys": f"{service_at(account).title} has no API with keys of its own."}

    def take_step(self, step: Step) -> bool:
        """Take the account under the cursor as source or target; ask for one if there is none."""
        journey, account = self.context.guide, self._at_cursor()
        places = holding_images(self._accounts)
        others = [each for each in places if each.host != journey.source]
        if step is Step.SOURCE and account is not None and account in places:
            journey.source = account.host
            self.tell(f"{account.host} is where the images are now")
            self._offer_target()
        elif step is Step.TARGET and account in others:
            journey.target = account.host if account else ""
            self.tell(f"{journey.target} is where the images shall go")
        elif step is Step.SOURCE or (step is Step.TARGET and not others):
            self.action_add()
        else:
            return False
        self._say_heading()
        self.context.shell.show_guide()
        return True

    def _offer_target(self) -> None:
        """Put the cursor on a registry that the images can go to."""
        source = self.context.guide.source
        places = holding_images(self._accounts)
        other = next((each.host for each in places if each.host != source), None)
        if other is not None:
            self.query_one(VirtualTable).go_to(other)

    def _say_heading(self) -> None:
        journey, called = self.context.guide, self.context.naming.place
        count = counted(len(self._accounts), "account")
        source = f", from {called(journey.source)}" if journey.source else ""
        target = f" to {called(journey.target)}" if journey.source and journey.target else ""
        self.heading("Registries", f"{count}{source}{target}")

    def _show(self) -> None:
        try:
            self._accounts = self.core.registries.all()
        except TransshipError as error:
            self.fail(error)
        self._say_heading()
        self.line("transship registries")
        self.query_one(VirtualTable).show(_AccountRows(self._accounts, self._states))
        self._show_card()
        self.refresh_bindings()

    @on(VirtualTable.CursorMoved)
    def _show_card(self) -> None:
        account = self._at_cursor()
        trial = self._trials.get(account.host) if account else None
        engine = self.core
        gone = account is not None and engine.registries.is_secret_gone(account)
        card = self.query_one(AccountCard)
        card.show(account, trial, engine.clock.now(), is_secret_gone=gone, accounts=self._accounts)
        self.refresh_bindings()

    @on(VirtualTable.Opened)
    def _opened(self, event: VirtualTable.Opened) -> None:
        account = self._at_cursor()
        if account is not None and not service_at(account).holds_images:
            self.warn(f"{account.host} holds no images: it opens the API of a cloud")
        else:
            self.context.shell.browse(event.key)

    def action_explain(self) -> None:
        """Open what the message bar has no room for, else what is wrong with the account."""
        bar, account = self.query_one(MessageBar), self._at_cursor()
        trial = self._trials.get(account.host) if account else None
        if bar.error is None and not bar.is_cut and trial is not None and trial.problem:
            self.explain(trial.problem)
        else:
            super().action_explain()

    def action_test(self) -> None:
        """Knock at the registry under the cursor."""
        if account := self._at_cursor():
            self._test(account)

    def action_card(self) -> None:
        """Show all that can be done at the registry under the cursor."""
        if account := self._at_cursor():
            trial = self._trials.get(account.host)
            more = words_for(self, _UNTRIED) if trial is None else ""
            line = f"transship registries {self.context.naming.place(account.host)}"
            card = card_for(account, trial)
            self.app.push_screen(CapabilitiesDialog(account.host, card, line=line, more=more))

    def action_add(self) -> None:
        """Ask for a registry to add."""
        self._open_form()

    def _open_form(self, account: Account | None = None, begin_with: Entry | None = None) -> None:
        from transship_tui.screens.registries.form import RegistryFormScreen

        self.app.push_screen(RegistryFormScreen(self._saved, account, begin_with=begin_with))

    def action_keys(self) -> None:
        """Ask for the keys of the API of the cloud that the registry under the cursor is in."""
        from transship_tui.screens.registries.entry import Entry

        account = self._at_cursor()
        hosts = api_hosts_of(account.host, account) if account else ()
        if account is None or not hosts:
            return
        known = api_account_of(account, self._accounts)
        begin_with = Entry(hosts[0], service=service_of(hosts[0]).kind)
        self._open_form(known, begin_with)

    def action_network(self) -> None:
        """Show who gets through to the instance of TCR under the cursor."""
        from transship_tui.screens.engines.network import NetworkScreen

        if account := self._at_cursor():
            self.hush()
            self.app.push_screen(NetworkScreen(account.host))

    def action_domains(self) -> None:
        """Show the custom domains of the instance of TCR under the cursor."""
        from transship_tui.screens.engines.domains import DomainsScreen

        if account := self._at_cursor():
            self.hush()
            self.app.push_screen(DomainsScreen(account.host))

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_replica(self) -> None:
        """Ask for a region, and show what replicating the instance under the cursor changes."""
        from transship.app.engines import ReplicaRequest
        from transship_tui.screens.engines.changes import ReplicaChangesScreen

        if (account := self._at_cursor()) is None:
            return
        self.hush()
        dialog = NameDialog(f"Replicate {account.host}?", _REPLICATE, "", "Show changes")
        if region := await self.app.push_screen_wait(dialog):
            self.app.push_screen(ReplicaChangesScreen(ReplicaRequest(account.host, region)))

    def action_edit(self) -> None:
        """Ask what is to be different with the account under the cursor."""
        if account := self._at_cursor():
            self._open_form(account)

    def action_remove(self) -> None:
        """Ask whether the account under the cursor shall be removed."""
        account = self._at_cursor()
        if account is None:
            return

        def answered(wanted: bool | None) -> None:
            if wanted:
                self._remove(account)

        self.app.push_screen(
            ConfirmDialog(
                f"Remove {account.host}?",
                Content(
                    f"Transship forgets the account. {_GOES[account.secret_source]}\n"
                    "The registry itself stays as it is, and jobs that run go on."
                ),
                "Remove",
                danger=True,
            ),
            answered,
        )

    @work(group="test", exit_on_error=False)
    async def _test(self, account: Account) -> None:
        host = account.host
        self._set_state(host, "checking")
        try:
            found = await self.core.registries.examine(account)
        except TransshipError as error:
            self._tried(host, None, error)
        else:
            self._tried(host, found, found.problem)
        trial = self._trials[host]
        if trial.problem is not None:
            self.fail(trial.problem)
        elif trial.state == "unlisted" and not account.repositories:
            name = f"name repositories with {key_for(self, 'registries.edit')}"
            self.warn(f"{host} answers, but lists nothing: {name}")
        else:
            self.tell(f"{host} answers")

    @work(group="remove", exit_on_error=False)
    async def _remove(self, account: Account) -> None:
        try:
            await self.core.registries.sign_out(account.host)
        except TransshipError as error:
            self.fail(error)
        else:
            self._trials.pop(account.host, None)
            self._states.pop(account.host, None)
            self.tell(f"{account.host} is removed")
        self._show()

    def _saved(self, account: Account, found: Examination) -> None:
        self._tried(account.host, found, None)
        self._show()
        self.query_one(VirtualTable).go_to(account.host)
        place = SECRET_PLACES[account.secret_source]
        secret = f", its secret {place}" if account.secret_source else ""
        self.tell(f"{account.host} is kept{secret}")

    def _tried(self, host: str, found: Examination | None, error: TransshipError | None) -> None:
        trial = Trial(self.core.clock.now(), found, error)
        self._trials[host] = trial
        self._set_state(host, trial.state)

    def _set_state(self, host: str, state: str) -> None:
        self._states[host] = state
        self.query_one(VirtualTable).changed()
        self._show_card()

    def _at_cursor(self) -> Account | None:
        host = self.query_one(VirtualTable).key_at_cursor()
        return next((account for account in self._accounts if account.host == host), None)
