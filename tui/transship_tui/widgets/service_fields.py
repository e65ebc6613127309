"""The fields of the registry form that follow from the service: which it is, and what it asks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Input, Select

from transship.accounts.registry_file import Account, SecretSource
from transship.registry.service import service_named
from transship.registry.sign_in_form import SignInQuestion
from transship_tui.widgets.field import Field
from transship_tui.widgets.registry_entry import PARTS, SOURCES, Entry
from transship_tui.widgets.registry_notes import Place
from transship_tui.widgets.service_choices import ServiceChoices, is_service_name

_CHOOSING = "Its service, by a few letters of its name; or its host, which may tell the service."
_ANYTHING = "the name of its service, or its host"
_JOINED = "It is made of what stands above. Type over it where the registry has a name of its own."
_HOST = "registry.example.com:5000"


class ServiceFields(VerticalScroll, can_focus=False):
    """Asks for the service, then calls the fields what the service calls them.

    `account` is the one that is changed, `known` is what is filled in at first, and `others` are
    all accounts that there are.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "next_service(1)", show=False),
        Binding("up", "next_service(-1)", show=False),
    ]

    class Left(Message):
        """A field that says where and how the registry is reached was left, or chosen anew."""

    def __init__(self, account: Account | None, known: Entry, others: Sequence[Account]) -> None:
        super().__init__(id="fields")
        self._before = account
        self._known = known
        self._others = tuple(others)
        # Until the operator chooses, the way to sign in follows from what the registry asks for.
        self._source_by_us: SecretSource | None = None if account else "keyring"
        self._asked_by = ""
        self._joined = ""

    @property
    @abstractmethod
    def entry(self) -> Entry:
        """What is filled in."""

    @abstractmethod
    def follow(self) -> None:
        """Show the fields that the choices ask for, and what belongs into them."""

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
