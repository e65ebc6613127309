"""The fields of the registry form: what is filled in, and what is said under it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Button, Input, Select

from transship.accounts.registry_file import Account
from transship.accounts.secrets import read_key_file
from transship_tui.widgets.field import Field, SecretInput
from transship_tui.widgets.registry_entry import (
    PARTS,
    PROTECTIONS,
    SOURCES,
    Entry,
    service_kinds,
)
from transship_tui.widgets.registry_notes import Note, Place, protection_note, service_note
from transship_tui.widgets.service_choices import ServiceChoices
from transship_tui.widgets.service_fields import ServiceFields

_MORE = "More: client certificate"


class RegistryFields(ServiceFields, can_focus=False):
    """The fields for one account, those that are rarely needed folded away.

    `account` is the one that is changed, `is_secret_gone` says that its secret isn't kept. For
    a new one `begin_with` is what is filled in at first; where that says no service and no host,
    the service is asked for. `others` are all accounts that there are.
    """

    DEFAULT_CSS = """
    RegistryFields {
        height: auto; padding: 0 1;
        scrollbar-size: 0 1; scrollbar-gutter: stable;
        & #this-run { margin-left: 14; display: none; }
        & #more { padding: 0; text-style: none; }
        & #more { background: $background; color: $text-muted; }
        & #more:focus { background: $foreground; color: $background; }
        &>#rare { height: auto; display: none; }
        &.-more>#rare { display: block; }
        &>#services { display: none; }
        &.-choosing { height: 1fr; }
        &.-choosing>#services { display: block; }
        &.-choosing>#rare { display: none; }
    }
    """

    @dataclass
    class Edited(Message):
        """Something else is filled in now."""

        entry: Entry

    def __init__(
        self,
        account: Account | None,
        *,
        is_secret_gone: bool = False,
        begin_with: Entry | None = None,
        others: Sequence[Account] = (),
    ) -> None:
        known = begin_with or Entry()
        if account:
            known = Entry.of(account, is_secret_gone=is_secret_gone)
        super().__init__(account, known, others)
        self._notes: dict[Place, Note] = {}
        self._sought: Field | None = None
        self.may_not_list = False
        """Whether the registry is known not to list its repositories to this account."""

    def compose(self) -> ComposeResult:
        """Give the fields, the rare ones last."""
        known = self._known
        host = _input("host", known.host)
        host.disabled = self._before is not None
        yield Field("Service", _select("service", service_kinds(), known.service))
        for place in PARTS:
            yield Field("", _input(place, ""))
        yield Field("Host", host)
        yield ServiceChoices(id="services")
        yield Field("Alias", _input("alias", known.alias, "a short name for it, if you like"))
        yield Field("Protection", _select("tls", PROTECTIONS, known.protection))
        yield Field("CA file", _input("ca-file", known.ca_file, "path of a file in PEM"))
        yield Field("Sign-in", _select("sign-in", SOURCES, known.source))
        yield Button("Keep it for this run only", id="this-run", compact=True)
        yield Field("As", _select("identity", [("", "")], ""))
        yield Field("User", _input("username", known.username))
        yield Field("Secret", SecretInput(id="secret"))
        yield Field("Key file", _input("key-file", ""))
        yield Field("Repositories", _input("repositories", known.repositories, "team/web team/api"))
        yield Field("", Button(id="more", compact=True))
        with Vertical(id="rare"):
            yield Field(
                "Client cert", _input("client-cert", known.client_cert, "path of a file in PEM")
            )
            yield Field(
                "Client key",
                _input("client-key", known.client_key, "path, if it isn't in the same file"),
            )

    def on_mount(self) -> None:
        """Show what the account has, and what is sought once it is laid out."""
        self.show_more(more=bool(self._known.client_cert))
        self.screen.screen_layout_refresh_signal.subscribe(self, self._keep_in_sight)
        self.query_one(ServiceChoices).narrow("")
        self.follow()

    @property
    def entry(self) -> Entry:
        """What is filled in."""
        identity = self._chosen("identity")
        return Entry(
            host=self._text("host"),
            parts=self._parts(),
            alias=self._text("alias"),
            protection=self._chosen("tls"),
            ca_file=self._text("ca-file"),
            client_cert=self._text("client-cert"),
            client_key=self._text("client-key"),
            service=self._chosen("service"),
            source=self._chosen("sign-in"),
            identity="" if identity == self._first_identity else identity,
            username=self._text("username"),
            key_file=self._text("key-file"),
            repositories=self._text("repositories"),
            before=self._before,
            is_secret_gone=self._known.is_secret_gone,
            others=self._others,
        )

    @property
    def typed_secret(self) -> str:
        """The secret, or the path of its file, as it was typed; nothing where none is asked for."""
        entry = self.entry
        if not entry.is_typed:
            return ""
        if entry.as_whom.secret.from_file:
            return entry.key_file
        return self.query_one("#secret", SecretInput).value

    async def secret(self) -> str | None:
        """Return the secret that was typed, or what stands in its file. Raises BadFile."""
        typed = self.typed_secret
        if typed and self.entry.as_whom.secret.from_file:
            return await asyncio.to_thread(read_key_file, typed)
        return typed or None

    @property
    def is_touched(self) -> bool:
        """Whether the operator has filled in anything that isn't kept."""
        entry, known = self.entry, self._known
        by_us = replace(known, source=entry.source) if self.is_source_ours else known
        return entry != by_us or bool(self.query_one("#secret", SecretInput).value)

    def begin(self) -> None:
        """Put the focus on the first field that can be filled in."""
        if self._before is not None:
            self.query_one("#alias").focus()
        elif self.is_choosing or not self._known.host:
            self._focus_first()
        else:
            self.query_one("#username").focus()

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
        choosing = self.is_choosing
        self.set_class(choosing, "-choosing")
        if choosing:
            self.query_one(ServiceChoices).narrow(self._text("host"))
        self._ask_as_the_service()
        entry = self.entry
        for place, shown in self._shown(entry).items():
            self.field(place).display = shown and (not choosing or place == "host")
        self.query_one("#at-more").display = not choosing
        self._label(entry, choosing=choosing)
        self.say(service_note(entry.kind, told=bool(entry.host and not entry.service)))
        if not (said := self._notes.get("tls")) or not said.is_problem:
            self.say(protection_note(here=entry.protection == "verified" and entry.is_here))
        self.post_message(self.Edited(entry))

    def _shown(self, entry: Entry) -> dict[Place, bool]:
        """Return which fields are asked for."""
        asks, identity = entry.asks, entry.as_whom
        encrypted = entry.protection != "plain"
        by_file = identity.secret.from_file
        unlisted = self.may_not_list or bool(entry.repositories) or not entry.kind.lists
        return {
            "service": True,
            **{
                place: self._asks_parts and number < len(asks.parts)
                for number, place in enumerate(PARTS)
            },
            "host": True,
            "alias": True,
            "tls": True,
            "ca-file": entry.protection == "ca",
            "client-cert": encrypted,
            "client-key": encrypted,
            "sign-in": True,
            "identity": entry.is_typed and len(asks.identities) > 1,
            "username": entry.is_typed and identity.user is not None,
            "secret": entry.is_typed and not by_file,
            "key-file": entry.is_typed and by_file,
            "repositories": unlisted and entry.kind.holds_images,
        }

    @on(Input.Submitted)
    @on(SecretInput.Entered)
    def _next_field(self) -> None:
        """Take the service that was typed for, or go on; what is folded away isn't on the way."""
        if self.is_choosing:
            self.query_one(ServiceChoices).choose()
            return
        self.screen.focus_next()
        if self.screen.focused is self.query_one("#more"):
            self.screen.focus_next()

    @on(Input.Blurred, "#host")
    @on(Input.Blurred, "#part-1")
    @on(Input.Blurred, "#part-2")
    @on(Input.Blurred, "#ca-file")
    @on(Input.Blurred, "#client-key")
    @on(Select.Changed, "#tls")
    def _way_left(self) -> None:
        self.post_message(self.Left())

    @on(Button.Pressed, "#more")
    def turn_more(self) -> None:
        """Unfold the fields that are rarely needed, or fold them away."""
        if self.is_choosing:
            return
        more = not self.has_class("-more")
        self.show_more(more=more)
        if more:
            self.query_one("#client-cert").focus()

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
        if note.place == "secret" and self.entry.as_whom.secret.from_file:
            note = replace(note, place="key-file")
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


def _input(name: str, value: str, hint: str = "") -> Input:
    return Input(value, placeholder=hint, id=name, compact=True, select_on_focus=False)


def _select(name: str, options: Iterable[tuple[str, Any]], value: str) -> Select[Any]:
    return Select(options, value=value, allow_blank=False, id=name, compact=True)
