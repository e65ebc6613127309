"""The form for one account: tests as it is filled in, and says under the fields what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Select, Static

from transship.accounts.registry_file import Account
from transship.accounts.secrets import SecretStatus, status_of
from transship.errors import BadFile, BadReference, SignInNeeded, TransshipError
from transship.registry.examination import Examination
from transship_tui.widgets.registry_entry import Entry, faults_in, secret_fault
from transship_tui.widgets.registry_fields import RegistryFields
from transship_tui.widgets.registry_notes import (
    KEYRING_ERRORS,
    Note,
    Place,
    keyring_note,
    note_of,
    notes_of,
    source_note,
)
from transship_tui.workers import WorkersMinded

if TYPE_CHECKING:
    from transship.app.application import Application

_ALL: tuple[Place, ...] = get_args(Place)
_OF_THE_WAY: tuple[Place, ...] = (
    "host",
    "tls",
    "ca-file",
    "client-cert",
    "client-key",
    "sign-in",
)
_BELOW = 5
"""How many lines are below the fields: help and buttons."""
_ROOMY = 16
_OTHER_SCREEN = "It may ask on another screen: answer there, or stop and choose this run only."


class RegistryForm(WorkersMinded, Vertical):
    """Adds an account, or changes one.

    Nothing is kept before the registry has let it in. The secret leaves its field for the engine
    alone.
    """

    DEFAULT_CSS = """
    RegistryForm {
        height: 1fr; max-width: 96;
        &>#help { height: 3; margin-top: 1; padding: 0 1; color: $foreground-muted; }
        &>#buttons { height: 1; padding: 0 0 0 15; }
        &.-close>#help { height: 4; margin-top: 0; }
        &.-choosing>#buttons { display: none; }
        & #buttons Button { margin-right: 2; }
        & #card { display: none; }
    }
    """

    @dataclass
    class Edited(Message):
        """Another line would do the same now."""

        line: str

    @dataclass
    class Saved(Message):
        """The account is kept. `found` is what trying it has shown."""

        account: Account
        found: Examination

    @dataclass
    class Failed(Message):
        """Something went wrong that belongs to no field."""

        error: TransshipError

    class Left(Message):
        """The operator wants nothing of it kept."""

    def __init__(
        self,
        engine: Application,
        account: Account | None = None,
        *,
        begin_with: Entry | None = None,
    ) -> None:
        super().__init__()
        self._begin_with = begin_with
        self._engine = engine
        self._before = account
        self._keyring = SecretStatus("ok")
        self._knocked = (account.host, account.tls) if account else None
        self._saving = False
        self._found: tuple[str, Examination] | None = None

    def compose(self) -> ComposeResult:
        """Give the fields and the buttons."""
        gone = self._before is not None and self._engine.registries.is_secret_gone(self._before)
        yield RegistryFields(
            self._before,
            is_secret_gone=gone,
            begin_with=self._begin_with,
            others=self._accounts(),
        )
        yield Static(id="help")
        with Horizontal(id="buttons"):
            yield Button("Test", id="test", compact=True)
            yield Button("Save", id="save", compact=True, variant="primary")
            yield Button("Cancel", id="cancel", compact=True)
            yield Button("Card", id="card", compact=True)

    def on_mount(self) -> None:
        """Begin with the first field that can be filled in."""
        self.fields.begin()
        self._look_at_keyring()

    def on_resize(self) -> None:
        """Leave the fields what the lines below them don't take."""
        self.set_class(self.size.height < _ROOMY, "-close")
        self.fields.styles.max_height = max(3, self.size.height - _BELOW)

    def on_descendant_focus(self) -> None:
        """Say what the field is that has the focus, and where its answer is found."""
        self._help()

    def _help(self) -> None:
        # In one place, and always as high: nothing moves under the pointer as the focus goes on.
        focused = self.screen.focused
        words = self.fields.help_for(focused.id if focused is not None else None)
        self.query_one("#help", Static).update(Content(words))

    def on_key(self, event: events.Key) -> None:
        """Keep the letters that go back elsewhere from closing a form that is half filled in."""
        if event.key in ("h", "q"):
            event.stop()

    @property
    def fields(self) -> RegistryFields:
        """What is filled in."""
        return self.query_one(RegistryFields)

    @property
    def found(self) -> tuple[str, Examination] | None:
        """The host that answered last and what was found there, while that host is filled in."""
        if self._found is None or self._found[0] != self.fields.entry.real_host:
            return None
        return self._found

    def _answered(self, account: Account, found: Examination | None) -> None:
        """Offer the card of a registry that has answered."""
        wants = found is not None and isinstance(found.problem, SignInNeeded)
        if found is not None and (found.problem is None or wants):
            self._found = (account.host, found)
            self._offer_card()

    def _offer_card(self) -> None:
        self.query_one("#card").display = self.found is not None
        self.screen.refresh_bindings()

    @property
    def is_touched(self) -> bool:
        """Whether closing the form would lose what the operator has filled in."""
        return self.fields.is_touched

    @on(RegistryFields.Edited)
    def _edited(self, event: RegistryFields.Edited) -> None:
        self.post_message(self.Edited(event.entry.line))
        self.set_class(self.fields.is_choosing, "-choosing")
        self._help()
        if self._found is not None:
            self._offer_card()

    @on(Select.Changed, "#sign-in")
    def _say_source(self) -> None:
        """Say where the secret lives, and what is wrong with that place."""
        entry = self.fields.entry
        unusable = entry.source == "keyring" and self._keyring.state != "ok"
        self.query_one("#this-run").display = unusable
        if unusable:
            self.fields.say(keyring_note(self._keyring))
        else:
            handed_out = bool(entry.handed_out)
            self.fields.say(source_note(entry.source, entry.host, handed_out=handed_out))

    @work(group="keyring", exit_on_error=False)
    async def _look_at_keyring(self) -> None:
        try:
            self._keyring = await self._engine.registries.keyring()
        except TransshipError as error:
            self._keyring = status_of(error)
        if self._keyring.state != "ok":
            self._say_source()

    @on(Button.Pressed, "#this-run")
    def _use_this_run(self) -> None:
        self.fields.choose_source("session")
        username = self.query_one("#username", Input)
        (self.query_one("#secret") if username.value else username).focus()

    @on(RegistryFields.Left)
    def _knock(self) -> None:
        """Ask who answers at the host, as nobody, unless that is known."""
        entry = self.fields.entry
        if self._saving or not entry.is_reachable or self.fields.is_choosing:
            return
        if entry.handed_out:
            return  # Who is nobody there is handed a login, and nobody has asked for one yet.
        try:
            account = entry.account()
        except BadReference as error:
            self._fail(error, Account(""))
            return
        if (account.host, account.tls) != self._knocked:
            self._knocking(replace(account, username="", secret_source=""))

    @work(group="examine", exclusive=True, exit_on_error=False)
    async def _knocking(self, nobody: Account) -> None:
        self._hush(_OF_THE_WAY, f"asking {nobody.host}")
        try:
            found = await self._engine.registries.examine(nobody)
        except TransshipError as error:
            self._fail(error, nobody, instead_of=_OF_THE_WAY)
            return
        if found.problem is None or isinstance(found.problem, SignInNeeded):
            self._knocked = (nobody.host, nobody.tls)
        self._answered(nobody, found)
        fields = self.fields
        # A cloud's API tells nobody anything.
        if found.lists and fields.is_source_ours and fields.entry.kind.holds_images:
            fields.choose_source("", by_us=True)
        source = fields.entry.source
        fields.may_not_list = found.lists is False and not source
        self._say_all(notes_of(found, nobody, signing_in=bool(source)), instead_of=_OF_THE_WAY)
        if self._before is None and nobody.host in {known.host for known in self._accounts()}:
            fields.say(Note("host", "!", "there is an account for it; saving replaces that"))

    @on(Button.Pressed, "#test")
    def test(self) -> None:
        """Try the account as it is filled in."""
        if self._saving:
            return
        account = self._checked()
        if account is not None:
            self._testing(account)

    @work(group="examine", exclusive=True, exit_on_error=False)
    async def _testing(self, account: Account) -> None:
        before = self.screen.focused
        if (secret := await self._secret()) is not None:
            await self._try(account, secret)
        if self.fields.wrong_fields() and self.screen.focused is before:
            self._focus_what_is_wrong()

    @on(Button.Pressed, "#save")
    def save(self) -> None:
        """Try the account as it is filled in, then keep it."""
        if self._saving:
            return
        account = self._checked()
        if account is not None:
            self._saving_now(account)

    @work(group="examine", exclusive=True, exit_on_error=False)
    async def _saving_now(self, account: Account) -> None:
        knew = self.fields.may_not_list or bool(account.repositories)
        self._set_saving(True)
        try:
            secret = await self._secret()
            if secret is None:
                return
            found = await self._try(account, secret)
            if found is None or found.problem is not None:
                return
            if found.service.holds_images and not (found.lists or knew):
                return
            if account.secret_source == "keyring":
                self.fields.say(Note("sign-in", "…", "waiting for your keyring", _OTHER_SCREEN))
            kept = await self._engine.registries.sign_in(account, secret or None)
            self.post_message(self.Saved(kept, found))
        except TransshipError as error:
            self._fail(error, account)
        finally:
            self._set_saving(False)

    async def _secret(self) -> str | None:
        """Return the secret that the registry is told, empty where none is typed here.

        None where that can't be one, or its file can't be read; that is said.
        """
        entry = self.fields.entry
        try:
            typed = await self.fields.secret()
        except BadFile as error:
            self.fields.say_all([Note("key-file", "✗", error.detail, error.remedy)])
            return None
        wrong = secret_fault(entry, typed) if typed else None
        if wrong is not None:
            self._say_all([wrong])
            return None
        return entry.secret(typed) if typed else ""

    async def _try(self, account: Account, secret: str) -> Examination | None:
        """Test the account, and say what came of it. None when it can't even be tried."""
        self._knocked = (account.host, account.tls)
        self._hush(_ALL, f"testing {account.host}")
        try:
            found = await self._engine.registries.examine(account, secret or None)
        except TransshipError as error:
            self._fail(error, account)
            return None
        self._answered(account, found)
        self.fields.may_not_list = found.lists is False
        self._say_all(notes_of(found, account))
        return found

    def work_failed(self, group: str) -> None:
        """Say no longer that the registry is being tried."""
        if group == "examine":
            self._hush(_ALL)

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        if self._saving:
            self.workers.cancel_group(self, "examine")
            self._hush(_ALL)
        else:
            self.post_message(self.Left())

    def _checked(self) -> Account | None:
        """Return the account, or say what is missing for one."""
        fields = self.fields
        faults = [*faults_in(fields.entry, self._accounts(), has_secret=bool(fields.typed_secret))]
        if not faults:
            return fields.entry.account()
        self._say_all(faults)
        self._focus_what_is_wrong()
        return None

    def _accounts(self) -> Sequence[Account]:
        try:
            return self._engine.registries.all()
        except TransshipError as error:
            self.post_message(self.Failed(error))
            return ()

    def _set_saving(self, saving: bool) -> None:
        self._saving = saving
        # The screen may be closed before the registry has answered.
        if not self.is_attached:
            return
        self.fields.disabled = saving
        self.query_one("#test").disabled = self.query_one("#save").disabled = saving
        self.query_one("#cancel", Button).label = "Stop" if saving else "Cancel"
        if saving:
            self.query_one("#cancel").focus()
        else:
            self._focus_what_is_wrong()

    def _focus_what_is_wrong(self) -> None:
        wrong = self.fields.wrong_fields()
        target = wrong[0].control if wrong else self.query_one("#save")
        target.focus()

    def _fail(
        self, error: TransshipError, account: Account, *, instead_of: Sequence[Place] = _ALL
    ) -> None:
        note = note_of(error, account)
        self._say_all([note] if note else [], instead_of=instead_of)
        if note is None:
            self.post_message(self.Failed(error))
        if isinstance(error, KEYRING_ERRORS):
            self.query_one("#this-run").display = True

    def _say_all(self, notes: Iterable[Note], *, instead_of: Sequence[Place] = _ALL) -> None:
        """Say what came of a test."""
        self._hush(instead_of)
        self.fields.say_all(notes)

    def _hush(self, places: Sequence[Place], doing: str = "") -> None:
        """Take back what was said of earlier tests; say what is being done instead."""
        for place in places:
            self.fields.say(Note(place, "", ""))
        self.fields.follow()
        self._say_source()
        if doing:
            self.fields.say(Note("host", "…", doing))
