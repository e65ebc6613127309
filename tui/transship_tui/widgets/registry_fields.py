"""The fields of the registry form: what is filled in, and what is said under it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Button, Input, Select

from transship.accounts.account import Account, SecretSource
from transship_tui.widgets.field import Field, SecretInput
from transship_tui.widgets.registry_entry import PROTECTIONS, SERVICE_KINDS, SOURCES, Entry
from transship_tui.widgets.registry_notes import Note, Place, protection_note, service_note

_MORE = "More: service, client certificate"
_ROOM = 42
"""The width of a field in the narrowest window."""


class RegistryFields(VerticalScroll, can_focus=False):
    """The fields for one account, those that are rarely needed folded away.

    `account` is the one that is changed, `is_secret_gone` says that its secret isn't kept.
    """

    DEFAULT_CSS = """
    RegistryFields {
        height: auto; max-height: 85%; padding: 0 1;
        scrollbar-size: 0 1; scrollbar-gutter: stable;
        & #this-run { margin-left: 14; display: none; }
        & #more { padding: 0; text-style: none; }
        & #more { background: $background; color: $text-muted; }
        & #more:focus { background: $foreground; color: $background; }
        &>#rare { height: auto; display: none; }
        &.-more>#rare { display: block; }
    }
    """

    @dataclass
    class Edited(Message):
        """Something else is filled in now."""

        entry: Entry

    class Left(Message):
        """A field that says where and how the registry is reached was left, or chosen anew."""

    def __init__(self, account: Account | None, *, is_secret_gone: bool = False) -> None:
        super().__init__(id="fields")
        self._before = account
        # Until the operator chooses, the way to sign in follows from what the registry asks for.
        self._source_by_us: SecretSource | None = None if account else "keyring"
        self._notes: dict[Place, Note] = {}
        self._sought: Field | None = None
        self._known = Entry.of(account, is_secret_gone=is_secret_gone) if account else Entry()
        self.may_not_list = False
        """Whether the registry is known not to list its repositories to this account."""

    def compose(self) -> ComposeResult:
        """Give the fields, the rare ones last."""
        known = self._known
        host = _input("host", known.host, "registry.example.com:5000")
        host.disabled = self._before is not None
        yield Field("Host", host)
        yield Field("Alias", _input("alias", known.alias, "a short name for it, if you like"))
        yield Field("Protection", _select("tls", PROTECTIONS, known.protection))
        yield Field("CA file", _input("ca-file", known.ca_file, "path of a file in PEM"))
        yield Field("Sign-in", _select("sign-in", SOURCES, known.source))
        yield Button("Keep it for this run only", id="this-run", compact=True)
        yield Field("User", _input("username", known.username))
        yield Field("Secret", SecretInput(id="secret"))
        yield Field("Repositories", _input("repositories", known.repositories, "team/web team/api"))
        yield Field("", Button(id="more", compact=True))
        with Vertical(id="rare"):
            yield Field("Service", _select("service", SERVICE_KINDS, known.service))
            yield Field(
                "Client cert", _input("client-cert", known.client_cert, "path of a file in PEM")
            )
            yield Field(
                "Client key",
                _input("client-key", known.client_key, "path, if it isn't in the same file"),
            )

    def on_mount(self) -> None:
        """Show what the account has, and what is sought once it is laid out."""
        known = self._known
        self.show_more(more=bool(known.service or known.client_cert))
        self.screen.screen_layout_refresh_signal.subscribe(self, self._keep_in_sight)
        self.follow()

    @property
    def entry(self) -> Entry:
        """What is filled in."""
        return Entry(
            host=self._text("host"),
            alias=self._text("alias"),
            protection=self._chosen("tls"),
            ca_file=self._text("ca-file"),
            client_cert=self._text("client-cert"),
            client_key=self._text("client-key"),
            service=self._chosen("service"),
            source=self._chosen("sign-in"),
            username=self._text("username"),
            repositories=self._text("repositories"),
            before=self._before,
            is_secret_gone=self._known.is_secret_gone,
        )

    @property
    def secret(self) -> str | None:
        """The secret that was typed, if one is asked for."""
        return self.query_one("#secret", SecretInput).value or None if self.entry.is_typed else None

    @property
    def is_touched(self) -> bool:
        """Whether the operator has filled in anything that isn't kept."""
        entry, known = self.entry, self._known
        by_us = replace(known, source=entry.source) if self.is_source_ours else known
        return entry != by_us or bool(self.query_one("#secret", SecretInput).value)

    @property
    def is_source_ours(self) -> bool:
        """Whether the way to sign in is still the one that wasn't chosen by the operator."""
        return self.entry.source == self._source_by_us

    def choose_source(self, source: SecretSource, *, by_us: bool = False) -> None:
        """Choose a way to sign in; `by_us` when the operator hasn't asked for it."""
        if by_us:
            self._source_by_us = source
        self.query_one("#sign-in", Select).value = source

    def begin(self) -> None:
        """Put the focus on the first field that can be filled in."""
        self.query_one("#alias" if self._before else "#host").focus()

    # What belongs to what is filled in

    @on(Input.Changed)
    def _forget(self, event: Input.Changed) -> None:
        """Take back what was said of another value."""
        for place in self._notes.keys() & {event.input.id}:
            self.say(Note(place, "", ""))

    @on(Input.Changed)
    @on(Select.Changed)
    def follow(self) -> None:
        """Show the fields that the choices ask for, and what belongs into them."""
        entry = self.entry
        self.field("ca-file").display = entry.protection == "ca"
        encrypted = entry.protection != "plain"
        self.field("client-cert").display = self.field("client-key").display = encrypted
        self.field("username").display = self.field("secret").display = entry.is_typed
        self.field("repositories").display = bool(
            self.may_not_list or entry.repositories or not entry.kind.lists
        )
        secret = "kept; type another to replace it" if entry.keeps_secret else entry.kind.secret
        self.query_one("#username", Input).placeholder = entry.kind.username
        self.query_one("#secret", Input).placeholder = secret
        self._hint("username", entry.kind.username)
        self._hint("secret", secret)
        self.say(service_note(entry.kind, told=bool(entry.host and not entry.service)))
        if not (said := self._notes.get("tls")) or not said.is_problem:
            self.say(protection_note(here=entry.protection == "verified" and entry.is_here))
        self.post_message(self.Edited(entry))

    def _hint(self, place: Place, words: str) -> None:
        """Say under a field what has no room in it; what is wrong goes before."""
        if not (said := self._notes.get(place)) or not said.is_problem:
            self.say(Note(place, "", words if len(words) > _ROOM else ""))

    @on(Input.Submitted)
    @on(SecretInput.Entered)
    def _next_field(self) -> None:
        """Go on; what is folded away isn't on the way."""
        self.screen.focus_next()
        if self.screen.focused is self.query_one("#more"):
            self.screen.focus_next()

    @on(Input.Blurred, "#host")
    @on(Input.Blurred, "#ca-file")
    @on(Input.Blurred, "#client-key")
    @on(Select.Changed, "#tls")
    def _way_left(self) -> None:
        self.post_message(self.Left())

    @on(Button.Pressed, "#more")
    def turn_more(self) -> None:
        """Unfold the fields that are rarely needed, or fold them away."""
        more = not self.has_class("-more")
        self.show_more(more=more)
        if more:
            self.query_one("#service").focus()

    def show_more(self, *, more: bool) -> None:
        """Show the fields that are rarely needed, or don't."""
        rare = self.query_one("#rare")
        focused = self.screen.focused
        if not more and focused is not None and rare in focused.ancestors:
            self.query_one("#more").focus()
        self.set_class(more, "-more")
        self.query_one("#more", Button).label = f"{'▾' if more else '▸'} {_MORE}"

    # What is said

    def say(self, note: Note) -> None:
        """Say something under a field, or nothing."""
        self._notes[note.place] = note
        field = self.field(note.place)
        field.say(note.content())
        if note.is_problem and self.query_one("#rare") in field.ancestors:
            self.show_more(more=True)

    def say_all(self, notes: Iterable[Note]) -> None:
        """Say several things, and bring the first one that is wrong into sight."""
        for note in notes:
            self.say(note)
        self._sought = next(iter(self.wrong_fields()), None)

    def wrong_fields(self) -> Sequence[Field]:
        """Return the fields under which something is said to be wrong, the worst first."""
        wrong = {note.place: note.sign for note in self._notes.values() if note.is_problem}
        fields = [field for field in self.query(Field) if field.place in wrong and field.display]
        return sorted(fields, key=lambda field: wrong[cast("Place", field.place)] != "✗")

    def _keep_in_sight(self, _: object) -> None:
        # Notes are laid out in several steps, and each may move what is sought.
        if self._sought is not None:
            self._sought.scroll_visible(animate=False, immediate=True)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Seek nothing any more once the operator has gone on."""
        if self._sought is not None and event.widget is not self._sought.control:
            self._sought = None

    def field(self, place: Place) -> Field:
        """Return the field at a place."""
        return self.query_one(f"#at-{place}", Field)

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _chosen(self, name: str) -> Any:
        return self.query_one(f"#{name}", Select).value


def _input(name: str, value: str, hint: str = "") -> Input:
    return Input(value, placeholder=hint, id=name, compact=True, select_on_focus=False)


def _select(name: str, options: Iterable[tuple[str, Any]], value: str) -> Select[Any]:
    return Select(options, value=value, allow_blank=False, id=name, compact=True)
