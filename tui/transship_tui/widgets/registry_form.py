"""The form for one account: tests as it is filled in, and says under the fields what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, get_args

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Button, Input, Select

from transship.accounts.account import Account, SecretSource
from transship.accounts.secrets import SecretStatus
from transship.errors import BadReference, SignInNeeded, TransshipError
from transship.registries.examine import Examination
from transship.registries.services import SERVICES
from transship_tui.lines import login_line
from transship_tui.widgets.field import Field, SecretInput
from transship_tui.widgets.registry_entry import Entry, Protection, faults_in
from transship_tui.widgets.registry_notes import (
    KEYRING_ERRORS,
    Note,
    Place,
    keyring_note,
    note_of,
    notes_of,
    service_note,
    source_note,
)

if TYPE_CHECKING:
    from transship_tui.engine import Engine

_PROTECTIONS: tuple[tuple[str, Protection], ...] = (
    ("certificate verified", "verified"),
    ("own CA file", "ca"),
    ("not verified: anybody may answer", "insecure"),
    ("plain http: nothing is encrypted", "plain"),
)
_SOURCES: tuple[tuple[str, SecretSource], ...] = (
    ("user and secret, kept in the keyring", "keyring"),
    ("user and secret, for this run only", "session"),
    ("from the environment", "environment"),
    ("from docker's or podman's files", "docker"),
    ("anonymous", ""),
)
_ALL: tuple[Place, ...] = get_args(Place)
_OF_THE_WAY: tuple[Place, ...] = ("host", "tls", "ca-file", "sign-in")
_OTHER_SCREEN = "It may ask on another screen: answer there, or stop and choose this run only."
_SERVICES = (("as the host's name tells", ""), *((each.title, each.kind) for each in SERVICES))


class RegistryForm(Vertical):
    """Adds an account, or changes one.

    Nothing is kept before the registry has let it in. The secret leaves its field for the engine
    alone.
    """

    DEFAULT_CSS = """
    RegistryForm {
        height: 1fr; max-width: 96;
        &>#fields { height: auto; max-height: 85%; padding: 0 1; scrollbar-size-vertical: 1; }
        & #this-run { margin-left: 14; display: none; }
        &>#buttons { height: auto; padding: 1 0 0 15; }
        & #buttons Button { margin-right: 2; }
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

    def __init__(self, engine: Engine, account: Account | None = None) -> None:
        super().__init__()
        self._engine = engine
        self._before = account
        self._keyring = SecretStatus("ok")
        # Until the operator chooses, the way to sign in follows from what the registry asks for.
        self._source_by_us: SecretSource | None = None if account else "keyring"
        self._knocked = (account.host, account.tls) if account else None
        self._may_not_list = False
        self._saving = False
        self._notes: dict[Place, Note] = {}

    def compose(self) -> ComposeResult:
        """Give the fields and the buttons."""
        with VerticalScroll(id="fields", can_focus=False):
            yield from self._compose_fields(Entry.of(self._before) if self._before else Entry())
        with Horizontal(id="buttons"):
            yield Button("Test", id="test", compact=True)
            yield Button("Save", id="save", compact=True, variant="primary")
            yield Button("Cancel", id="cancel", compact=True)

    def _compose_fields(self, known: Entry) -> ComposeResult:
        host = _input("host", known.host, "registry.example.com:5000")
        host.disabled = self._before is not None
        yield Field("Host", host)
        yield Field("Alias", _input("alias", known.alias, "a short name for it, if you like"))
        yield Field("Protection", _select("tls", _PROTECTIONS, known.protection))
        yield Field("CA file", _input("ca-file", known.ca_file, "path of a file in PEM"))
        yield Field("Service", _select("service", _SERVICES, known.service))
        yield Field("Sign-in", _select("sign-in", _SOURCES, known.source))
        yield Button("Keep it for this run only", id="this-run", compact=True)
        yield Field("User", _input("username", known.username))
        yield Field("Secret", SecretInput(id="secret"))
        yield Field("Repositories", _input("repositories", known.repositories, "team/web team/api"))

    def on_mount(self) -> None:
        """Begin with the first field that can be filled in."""
        self.query_one("#alias" if self._before else "#host").focus()
        self._follow()
        self._look_at_keyring()

    def on_key(self, event: events.Key) -> None:
        """Keep the letters that go back elsewhere from closing a form that is half filled in."""
        if event.key in ("h", "q"):
            event.stop()

    @property
    def entry(self) -> Entry:
        """What is filled in."""
        return Entry(
            host=self._text("host"),
            alias=self._text("alias"),
            protection=self._chosen("tls"),
            ca_file=self._text("ca-file"),
            service=self._chosen("service"),
            source=self._chosen("sign-in"),
            username=self._text("username"),
            repositories=self._text("repositories"),
            before=self._before,
        )

    @on(Input.Changed)
    @on(Select.Changed)
    def _follow(self) -> None:
        """Show the fields that the choices ask for, and what belongs into them."""
        entry = self.entry
        self._field("ca-file").display = entry.protection == "ca"
        self._field("username").display = self._field("secret").display = entry.is_typed
        self._field("repositories").display = bool(
            self._may_not_list or entry.repositories or not entry.kind.lists
        )
        secret = "kept; type another to replace it" if entry.keeps_secret else entry.kind.secret
        self.query_one("#username", Input).placeholder = entry.kind.username
        self.query_one("#secret", Input).placeholder = secret
        self._say(service_note(entry.kind, told=bool(entry.host and not entry.service)))
        self.post_message(self.Edited(_line(entry)))

    @on(Input.Changed)
    def _forget(self, event: Input.Changed) -> None:
        """Take back what was said of another value."""
        for place in self._notes.keys() & {event.input.id}:
            self._say(Note(place, "", ""))

    @on(Select.Changed, "#sign-in")
    def _say_source(self) -> None:
        """Say where the secret lives, and what is wrong with that place."""
        entry = self.entry
        unusable = entry.source == "keyring" and self._keyring.state != "ok"
        self.query_one("#this-run").display = unusable
        if unusable:
            self._say(keyring_note(self._keyring))
        else:
            self._say(source_note(entry.source, entry.host))

    @work(group="keyring", exit_on_error=False)
    async def _look_at_keyring(self) -> None:
        self._keyring = await self._engine.keyring()
        if self._keyring.state != "ok":
            self._say_source()

    @on(Button.Pressed, "#this-run")
    def _use_this_run(self) -> None:
        self.query_one("#sign-in", Select).value = "session"
        self.query_one("#secret" if self._text("username") else "#username").focus()

    @on(Input.Submitted)
    @on(SecretInput.Entered)
    def _next_field(self) -> None:
        self.screen.focus_next()

    @on(Input.Blurred, "#host")
    @on(Input.Blurred, "#ca-file")
    @on(Select.Changed, "#tls")
    def _knock(self) -> None:
        """Ask who answers at the host, as nobody, unless that is known."""
        entry = self.entry
        if self._saving or not entry.host or (entry.protection == "ca" and not entry.ca_file):
            return
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
            found = await self._engine.examine(nobody)
        except TransshipError as error:
            self._fail(error, nobody, instead_of=_OF_THE_WAY)
            return
        if found.problem is None or isinstance(found.problem, SignInNeeded):
            self._knocked = (nobody.host, nobody.tls)
        source = self._chosen("sign-in")
        if found.lists and source == self._source_by_us:
            self._source_by_us = source = ""
            self.query_one("#sign-in", Select).value = source
        self._may_not_list = found.lists is False and not source
        self._say_all(notes_of(found, nobody, signing_in=bool(source)), instead_of=_OF_THE_WAY)
        if self._before is None and nobody.host in {known.host for known in self._accounts()}:
            self._say(Note("host", "!", "there is an account for it; saving replaces that"))

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
        await self._try(account)

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
        knew = self._may_not_list or bool(account.repositories)
        self._set_saving(True)
        try:
            found = await self._try(account)
            if found is None or found.problem is not None or not (found.lists or knew):
                return
            if account.secret_source == "keyring":
                self._say(Note("sign-in", "…", "waiting for your keyring", _OTHER_SCREEN))
            kept = await self._engine.sign_in(account, self._secret)
            self.post_message(self.Saved(kept, found))
        except TransshipError as error:
            self._fail(error, account)
        finally:
            self._set_saving(False)

    async def _try(self, account: Account) -> Examination | None:
        """Test the account, and say what came of it. None when it can't even be tried."""
        self._knocked = (account.host, account.tls)
        self._hush(_ALL, f"testing {account.host}")
        try:
            found = await self._engine.examine(account, self._secret)
        except TransshipError as error:
            self._fail(error, account)
            return None
        self._may_not_list = found.lists is False
        self._say_all(notes_of(found, account))
        return found

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        if self._saving:
            self.workers.cancel_group(self, "examine")
            self._hush(_ALL)
        else:
            self.post_message(self.Left())

    def _checked(self) -> Account | None:
        """Return the account, or say what is missing for one."""
        entry = self.entry
        faults = [*faults_in(entry, self._accounts(), has_secret=self._secret is not None)]
        if not faults:
            return entry.account()
        self._say_all(faults)
        self._focus_what_is_wrong()
        return None

    def _accounts(self) -> Sequence[Account]:
        try:
            return self._engine.accounts()
        except TransshipError as error:
            self.post_message(self.Failed(error))
            return ()

    def _set_saving(self, saving: bool) -> None:
        self._saving = saving
        # The screen may be closed before the registry has answered.
        if not self.is_attached:
            return
        self.query_one("#fields").disabled = saving
        self.query_one("#test").disabled = self.query_one("#save").disabled = saving
        self.query_one("#cancel", Button).label = "Stop" if saving else "Cancel"
        if saving:
            self.query_one("#cancel").focus()
        else:
            self._focus_what_is_wrong()

    def _focus_what_is_wrong(self) -> None:
        wrong = self._wrong_fields()
        target = wrong[0].control if wrong else self.query_one("#save")
        target.focus()

    def _wrong_fields(self) -> list[Field]:
        wrong = [note.place for note in self._notes.values() if note.sign in ("✗", "!")]
        return [field for field in self.query(Field) if field.place in wrong and field.display]

    def _fail(
        self, error: TransshipError, account: Account, *, instead_of: Sequence[Place] = _ALL
    ) -> None:
        note = note_of(error, account)
        self._say_all([note] if note else [], instead_of=instead_of)
        if note is None:
            self.post_message(self.Failed(error))
        if isinstance(error, KEYRING_ERRORS):
            self.query_one("#this-run").display = True

    def _say(self, note: Note) -> None:
        self._notes[note.place] = note
        self._field(note.place).say(note.content())

    def _say_all(self, notes: Iterable[Note], *, instead_of: Sequence[Place] = _ALL) -> None:
        """Say what came of a test, and bring the first thing that is wrong into sight."""
        self._hush(instead_of)
        for note in notes:
            self._say(note)
        for field in self._wrong_fields()[:1]:
            self.call_after_refresh(field.scroll_visible, animate=False)

    def _hush(self, places: Sequence[Place], doing: str = "") -> None:
        """Take back what was said of earlier tests; say what is being done instead."""
        for place in places:
            self._say(Note(place, "", ""))
        self._follow()
        self._say_source()
        if doing:
            self._say(Note("host", "…", doing))

    @property
    def _secret(self) -> str | None:
        return self.query_one("#secret", SecretInput).value or None if self.entry.is_typed else None

    def _field(self, place: Place) -> Field:
        return self.query_one(f"#at-{place}", Field)

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _chosen(self, name: str) -> Any:
        return self.query_one(f"#{name}", Select).value


def _input(name: str, value: str, hint: str = "") -> Input:
    return Input(value, placeholder=hint, id=name, compact=True, select_on_focus=False)


def _select(name: str, options: Iterable[tuple[str, Any]], value: str) -> Select[Any]:
    return Select(options, value=value, allow_blank=False, id=name, compact=True)


def _line(entry: Entry) -> str:
    try:
        return login_line(entry.account())
    except BadReference:
        return "transship login HOST"
