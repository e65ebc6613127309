"""The form for a custom domain of an instance of TCR: its name, and its certificate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Select

from transship.app.engines import DomainRequest, InstanceDomains
from transship.engines.tcr.certificates import ServerCertificate
from transship.text import safe
from transship_tui.marks import BAD, QUIET
from transship_tui.widgets.domain_rows import certificate_words
from transship_tui.widgets.field import Field
from transship_tui.widgets.wish_form import WishForm

_BY_ID, _BY_FILES = "by id", "by files"
_OTHERS = (
    (Content("another one, by its id"), _BY_ID),
    (Content("from two files, which the SSL service is handed"), _BY_FILES),
)
_HANDED = (
    "The service is handed the certificate and its private key, and keeps both; Transship keeps "
    "neither."
)
_SHOWN_FOR = {"id": _BY_ID, "chain": _BY_FILES, "key": _BY_FILES}


class DomainForm(WishForm):
    """Asks which domain is to be attached, and with which certificate of those that are `there`."""

    DEFAULT_CSS = """
    DomainForm {
        height: 1fr; max-width: 100; padding: 0 1; scrollbar-size-vertical: 1;
        & Input { background: $surface; }
        &>#buttons { height: auto; padding: 1 0 0 14; }
        & #buttons Button { margin-right: 2; }
    }
    """

    @dataclass
    class Edited(Message):
        """Something else is filled in: a wish, or None while something is missing."""

        wish: DomainRequest | None

    @dataclass
    class Complete(Message):
        """It is filled in: what would be changed can be seen."""

        wish: DomainRequest

    def __init__(self, host: str, there: InstanceDomains) -> None:
        super().__init__()
        self._host = host
        self._there = there

    def compose(self) -> ComposeResult:
        """Give the fields and the buttons."""
        yield Field("Domain", _input("name", "images.example.com"))
        choices = [*map(_choice, _usable(self._there)), *_OTHERS]
        yield Field(
            "Certificate",
            Select(choices, value=choices[0][1], allow_blank=False, compact=True, id="certificate"),
        )
        yield Field("Id", _input("id", "of the certificate in the SSL service"))
        yield Field("Certificates", _input("chain", "a PEM file: the server's first, then above"))
        yield Field("Private key", _input("key", "a PEM file, not encrypted"))
        with Horizontal(id="buttons"):
            yield Button("Show changes", id="show", compact=True, variant="primary")
            yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Begin with the domain."""
        self.query_one("#name").focus()
        if self._there.unseen:
            words = f"Those of the account can't be seen: {safe(self._there.unseen)}"
            self._field("certificate").say(Content.styled(words, QUIET))
        self._follow()

    def on_key(self, event: events.Key) -> None:
        """Keep the letters that go back elsewhere from closing a form that is half filled in."""
        if event.key in ("h", "q") and isinstance(self.screen.focused, Input):
            event.stop()

    @property
    def wish(self) -> DomainRequest | None:
        """What is filled in; None while something is missing."""
        if self._missing:
            return None
        name, chosen = self._text("name"), self._chosen
        if chosen == _BY_FILES:
            files = (_path(self._text("chain")), _path(self._text("key")))
            return DomainRequest(self._host, name, files=files)
        return DomainRequest(self._host, name, self._text("id") if chosen == _BY_ID else chosen)

    def save(self) -> None:
        """Hand over what is filled in, or say under a field that it is missing."""
        if (wish := self.wish) is not None:
            self.post_message(self.Complete(wish))
            return
        name = self._missing[0]
        self._field(name).say(Content.styled("✗ This is needed.", BAD))
        self.query_one(f"#{name}").focus()

    @property
    def _missing(self) -> Sequence[str]:
        wanted = [name for name, choice in _SHOWN_FOR.items() if choice == self._chosen]
        return [name for name in ("name", *wanted) if not self._text(name)]

    def tell(self) -> None:
        """Show what belongs to what is filled in, and tell of it."""
        self._follow()
        self.post_message(self.Edited(self.wish))

    def _follow(self) -> None:
        """Show the fields that belong to where the certificate comes from."""
        for name, choice in _SHOWN_FOR.items():
            self._field(name).display = choice == self._chosen
            self._field(name).say(Content(""))
        self._field("name").say(Content(""))
        if self._chosen == _BY_FILES:
            self._field("key").say(Content.styled(_HANDED, QUIET))

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    @property
    def _chosen(self) -> str:
        return str(self.query_one("#certificate", Select).value)


def _usable(there: InstanceDomains) -> list[ServerCertificate]:
    """Return the certificates that hold for any name at all, those that end last first."""
    usable = [
        each for each in there.certificates if each.names and not each.fault(_some(each), there.now)
    ]
    return sorted(usable, key=lambda each: -(each.expires or 0.0))


def _some(certificate: ServerCertificate) -> str:
    """Return a name that a certificate is for."""
    return certificate.names[0].replace("*.", "any.", 1)


def _choice(certificate: ServerCertificate) -> tuple[Content, str]:
    return Content(certificate_words(certificate)), certificate.id


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _input(name: str, example: str) -> Input:
    return Input(placeholder=example, compact=True, select_on_focus=False, id=name)
