"""The form for one account: tests as it is filled in, and says under the fields what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, cast, get_args

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, OptionList, Select, Static
from textual.widgets.option_list import Option

from transship.accounts.registry_file import Account, SecretSource
from transship.accounts.secrets import SecretStatus, read_key_file, status_of
from transship.errors import BadFile, BadReference, SignInNeeded, TransshipError
from transship.registry.capability_card import card_of
from transship.registry.examination import Examination
from transship.registry.service import GENERIC, Service, all_services, service_named
from transship.registry.sign_in_form import SignInQuestion
from transship_tui.keys import bindings
from transship_tui.screens.frame import Frame
from transship_tui.screens.registries.card import CapabilitiesDialog
from transship_tui.screens.registries.entry import (
    KEYRING_ERRORS,
    PARTS,
    PROTECTIONS,
    SOURCES,
    Entry,
    FieldNote,
    Place,
    faults_in,
    keyring_note,
    note_of,
    notes_of,
    protection_note,
    secret_fault,
    service_kinds,
    service_note,
    source_note,
)
from transship_tui.widgets.dialogs import ConfirmDialog
from transship_tui.widgets.form import Field, SecretInput
from transship_tui.workers import WorkerFailures

if TYPE_CHECKING:
    from transship.app.application import Application

_OTHER = "Any other registry, by its host"


def services_for(typed: str) -> Sequence[Service]:
    """Return the services that every word of what is typed may mean, all for nothing.

    Those of which a word begins so come first.
    """
    words = typed.lower().split()
    with_accounts = (each for each in all_services() if not each.catalogue)
    found = [each for each in with_accounts if all(word in _called(each) for word in words)]
    return sorted(found, key=lambda each: not all(f" {word}" in _called(each) for word in words))


def is_service_name(typed: str) -> bool:
    """Tell whether what is typed may be the name of a service still, and can't be a host yet."""
    return not any(mark in typed for mark in ".:/[") and bool(services_for(typed))


def title_of(service: Service) -> str:
    """Return what a service is called among the others."""
    return _OTHER if service is GENERIC else service.title


def _called(service: Service) -> str:
    return f" {service.kind} {title_of(service)} {service.sign_in_form.also}".lower()


class ServiceChoices(OptionList, can_focus=False):
    """The list. The keys for it reach what is typed into, and come from there."""

    DEFAULT_CSS = """
    ServiceChoices {
        height: 1fr; margin-left: 14; padding: 0; border: none;
        background: $background;
        &>.option-list--option-highlighted { background: $surface; text-style: bold; }
    }
    """

    @dataclass
    class Chosen(Message):
        """This is the service."""

        kind: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, compact=True)
        self._shown: tuple[str, ...] = ()

    def narrow(self, typed: str) -> None:
        """Show what is typed for."""
        found = services_for(typed)
        kinds = tuple(each.kind for each in found)
        if kinds == self._shown:
            return
        self._shown = kinds
        self.clear_options()
        self.add_options([Option(Content(title_of(each)), id=each.kind) for each in found])
        self.highlighted = 0

    def choose(self) -> None:
        """Take the one that is highlighted."""
        self.action_select()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Chosen(event.option_id))


_CHOOSING = "Its service, by a few letters of its name; or its host, which may tell the service."
_ANYTHING = "the name of its service, or its host"
_JOINED = "It is made of what stands above. Type over it where the registry has a name of its own."
_HOST = "registry.example.com:5000"


_MORE = "More: client certificate"


class RegistryFields(VerticalScroll, can_focus=False):
    """The fields for one account, those that are rarely needed folded away.

    `account` is the one that is changed, `is_secret_gone` says that its secret isn't kept. For
    a new one `begin_with` is what is filled in at first; where that says no service and no host,
    the service is asked for. `others` are all accounts that there are.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "next_service(1)", show=False),
        Binding("up", "next_service(-1)", show=False),
    ]

    class Left(Message):
        """A field that says where and how the registry is reached was left, or chosen anew."""

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
        super().__init__(id="fields")
        self._before = account
        self._known = known
        self._others = tuple(others)
        # Until the operator chooses, the way to sign in follows from what the registry asks for.
        self._source_by_us: SecretSource | None = None if account else "keyring"
        self._asked_by = ""
        self._joined = ""
        self._notes: dict[Place, FieldNote] = {}
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

    @property
    def is_source_ours(self) -> bool:
        """Whether the way to sign in is still the one that wasn't chosen by the operator."""
        return bool(self._chosen("sign-in") == self._source_by_us)

    def choose_source(self, source: SecretSource, *, by_us: bool = False) -> None:
        """Choose a way to sign in; `by_us` when the operator hasn't asked for it."""
        if by_us:
            self._source_by_us = source
        self.query_one("#sign-in", Select).value = source

    def field(self, place: Place) -> Field:
        """Return the field at a place."""
        return self.query_one(f"#at-{place}", Field)

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _chosen(self, name: str) -> Any:
        return self.query_one(f"#{name}", Select).value

    # Which service

    @property
    def is_choosing(self) -> bool:
        """Whether it is still asked which service this is."""
        fresh = self._before is None and not self._chosen("service")
        return fresh and is_service_name(self._text("host"))

    @on(ServiceChoices.Chosen)
    def _service_chosen(self, event: ServiceChoices.Chosen) -> None:
        """Ask what this service asks for."""
        event.stop()
        service = service_named(event.kind)
        asks = service.sign_in_form if service else self.entry.asks
        host = asks.at or ("" if asks.parts else asks.host.default)
        # What is chosen from a list is nothing that could be lost.
        self._known = replace(self._known, service=event.kind, host=host)
        with self.prevent(Input.Changed, Select.Changed):
            self.query_one("#host", Input).value = host
            self.query_one("#service", Select).value = event.kind
        self.follow()
        self._focus_first()
        if host:
            self.post_message(self.Left())

    def _focus_first(self) -> None:
        """Put the focus on the first field of the service that waits for an answer."""
        entry = self.entry
        if self.field("part-1").display:
            wanted = "part-1"
        elif entry.asks.at:
            wanted = "username" if entry.is_typed else "alias"
        else:
            wanted = "host"
        self.query_one(f"#{wanted}").focus()

    def action_next_service(self, by: int) -> None:
        """Go to the next service in the list."""
        choices = self.query_one(ServiceChoices)
        if by > 0:
            choices.action_cursor_down()
        else:
            choices.action_cursor_up()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Go through the services only while one is asked for."""
        if action == "next_service" and not (self.is_mounted and self.is_choosing):
            return False
        return super().check_action(action, parameters)

    @on(Input.Changed, "#part-1")
    @on(Input.Changed, "#part-2")
    def _join(self) -> None:
        """Make the host's name of its parts, unless another one was typed."""
        joined = self.entry.asks.host_from(self._answers())
        host = self.query_one("#host", Input)
        if joined != self._joined and (host.value == self._joined or joined):
            host.value = joined
        self._joined = joined

    @on(Input.Changed, "#host")
    def _take_apart(self) -> None:
        """Show what a host's name is made of where it was typed as a whole."""
        if not self.query_one("#host").has_focus:
            return
        asks = self.entry.asks
        found = asks.parts_in(self._text("host"))
        with self.prevent(Input.Changed):
            for place, question in zip(PARTS, asks.parts, strict=False):
                if found:
                    self.query_one(f"#{place}", Input).value = found.get(question.id, "")

    def _parts(self) -> tuple[str, ...]:
        parts = tuple(map(self._text, PARTS)) if self._asks_parts else ()
        return parts if any(parts) else ()

    @property
    def _asks_parts(self) -> bool:
        return self._before is None and bool(self._chosen("service"))

    def _answers(self) -> dict[str, str]:
        asked = zip(self.entry.asks.parts, map(self._text, PARTS), strict=False)
        return {question.id: answer for question, answer in asked}

    # What it asks for

    def _ask_as_the_service(self) -> None:
        """Offer the ways to sign in that the service has, when it is another one."""
        entry = self.entry
        asked_by = f"{entry.kind.kind} {entry.handed_out}"
        if asked_by == self._asked_by:
            return
        first, self._asked_by = not self._asked_by, asked_by
        asks = entry.asks
        nobody = entry.handed_out or SOURCES[-1][0]
        sign_in = self.query_one("#sign-in", Select)
        source = sign_in.value
        identity = self.query_one("#identity", Select)
        identities = [each.id for each in asks.identities]
        known = self._known.identity if first else ""
        with self.prevent(Select.Changed):
            sign_in.set_options([*SOURCES[:-1], (nobody, SOURCES[-1][1])])
            sign_in.value = source
            identity.set_options((each.title, each.id) for each in asks.identities)
            identity.value = known if known in identities else identities[0]
        if self.is_source_ours and not (first and self._before):
            proposed: SecretSource = "keyring" if asks.lasting or not entry.handed_out else ""
            self.choose_source(proposed, by_us=True)

    @property
    def _first_identity(self) -> str:
        kind = service_named(self._chosen("service"))
        asks = kind.sign_in_form if kind else Entry(host=self._text("host")).asks
        return asks.identities[0].id

    def _label(self, entry: Entry, *, choosing: bool) -> None:
        """Call the fields what the service calls them."""
        asks, identity = entry.asks, entry.as_whom
        for place, question in zip(PARTS, asks.parts, strict=False):
            self._call(place, question)
        self.field("host").call("Registry" if choosing else "Host")
        host = self.query_one("#host", Input)
        host.placeholder = _ANYTHING if choosing else (asks.host.example or _HOST)
        if identity.user is not None:
            self._call("username", identity.user)
        self._call("key-file" if identity.secret.from_file else "secret", identity.secret)
        if entry.keeps_secret:
            self.query_one("#secret", Input).placeholder = "kept; type another to replace it"

    def _call(self, place: Place, question: SignInQuestion) -> None:
        self.field(place).call(question.label)
        example = f", as {question.example}" if question.example else ""
        self.query_one(f"#{place}", Input).placeholder = f"{question.hint}{example}"

    def help_for(self, place: str | None) -> str:
        """Return what there is to say of the field at a place: what it is, and where to find it."""
        asks, identity = self.entry.asks, self.entry.as_whom
        if self.is_choosing:
            return _CHOOSING
        asked: dict[str, SignInQuestion | None] = dict(zip(PARTS, asks.parts, strict=False))
        asked |= {"username": identity.user, "secret": identity.secret}
        asked |= {"key-file": identity.secret, "host": asks.host}
        if place == "host" and self._asks_parts and asks.parts:
            return _JOINED
        question = asked.get(place or "")
        if question is None:
            return ""
        return f"{question.label}: {question.hint}. {question.where}".strip()

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
            self.say(FieldNote(place, "", ""))

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

    def say(self, note: FieldNote) -> None:
        """Say something under a field, or nothing."""
        if note.place == "secret" and self.entry.as_whom.secret.from_file:
            note = replace(note, place="key-file")
        self._notes[note.place] = note
        field = self.field(note.place)
        field.say(note.content())
        if note.is_problem and self.query_one("#rare") in field.ancestors:
            self.show_more(more=True)

    def say_all(self, notes: Iterable[FieldNote]) -> None:
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


class RegistryForm(WorkerFailures, Vertical):
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
            fields.say(FieldNote("host", "!", "there is an account for it; saving replaces that"))

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
                self.fields.say(
                    FieldNote("sign-in", "…", "waiting for your keyring", _OTHER_SCREEN)
                )
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
            self.fields.say_all([FieldNote("key-file", "✗", error.detail, error.remedy)])
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

    def _say_all(self, notes: Iterable[FieldNote], *, instead_of: Sequence[Place] = _ALL) -> None:
        """Say what came of a test."""
        self._hush(instead_of)
        self.fields.say_all(notes)

    def _hush(self, places: Sequence[Place], doing: str = "") -> None:
        """Take back what was said of earlier tests; say what is being done instead."""
        for place in places:
            self.fields.say(FieldNote(place, "", ""))
        self.fields.follow()
        self._say_source()
        if doing:
            self.fields.say(FieldNote("host", "…", doing))


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
        engine = self.core
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
