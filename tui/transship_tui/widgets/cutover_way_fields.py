"""The fields that say how a record is changed: by hand, or by something that can do it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Select

from transship.app.provider_request import ProviderKind, ProviderRequest
from transship_tui.marks import BAD, QUIET
from transship_tui.widgets.field import Field

_KINDS = (
    ("by hand, at your DNS provider", ProviderKind.HAND),
    ("by dynamic update (RFC 2136)", ProviderKind.UPDATE),
    ("by the API of PowerDNS", ProviderKind.POWERDNS),
    ("in Amazon Route 53", ProviderKind.ROUTE53),
)
_ABOUT = {
    ProviderKind.HAND: "The exact edit is shown; when it is made is seen by itself.",
    ProviderKind.UPDATE: "Sent to the primary, once you confirm. The key's secret is asked for "
    "then.",
    ProviderKind.POWERDNS: "Changed by the API, once you confirm. Its key is asked for then.",
    ProviderKind.ROUTE53: "Changed with your AWS credentials, as boto3 finds them, once you "
    "confirm.",
}
_PLACES = {
    ProviderKind.UPDATE: ("Server", "IP[:PORT] of the zone's primary"),
    ProviderKind.POWERDNS: ("API URL", "https://powerdns.example.com:8081"),
    ProviderKind.ROUTE53: ("Hosted zone", "its id: Z0123456789ABCDEFGHIJ"),
}


class WayFields(Vertical):
    """Asks how a record is changed. `known` is filled in."""

    DEFAULT_CSS = """
    WayFields {
        height: auto;
        & Field .label { width: 16; }
        & Field .note { margin-left: 16; }
        & Input { background: $surface; }
    }
    """

    @dataclass
    class Edited(Message):
        """Something else is filled in now."""

    def __init__(self, known: ProviderRequest | None = None) -> None:
        super().__init__(id="way-fields")
        self._known = known or ProviderRequest()

    def compose(self) -> ComposeResult:
        """Give the choice, and the fields of each way."""
        known = self._known
        choice = Select(_KINDS, value=known.kind, allow_blank=False, compact=True, id="way")
        yield Field("Changed", choice)
        for kind, (label, example) in _PLACES.items():
            given = known.place if known.kind is kind else ""
            yield Field(label, _input(f"way-{kind}", given, example))
        yield Field("Zone", _input("way-zone", known.zone, "the zone that the domain is in"))
        yield Field("TSIG key", _input("way-key", known.key, "its name; or ALGORITHM:NAME"))

    def on_mount(self) -> None:
        """Show the fields of what is chosen."""
        self._follow()

    @property
    def wished(self) -> ProviderRequest:
        """What is filled in."""
        kind = cast("ProviderKind", self.query_one("#way", Select).value)
        said = {
            "place": self._text(f"way-{kind}") if kind in _PLACES else "",
            "zone": self._text("way-zone"),
            "key": self._text("way-key"),
        }
        needed = ProviderRequest(kind).needs
        return ProviderRequest(kind, **{name: said[name] for name in needed})

    @property
    def is_touched(self) -> bool:
        """Whether something else is filled in than at first."""
        return self.wished != self._known

    def refuse(self, words: str) -> None:
        """Say what is wrong, under the first field that is empty, or else the one for the place."""
        wished = self.wished
        empty = (each for each in wished.needs if not getattr(wished, each))
        first = next(empty, "place")
        name = f"way-{wished.kind if first == 'place' else first}"
        self.query_one(f"#at-{name}", Field).say(Content.styled(f"✗ {words}", BAD))
        self.query_one(f"#{name}", Input).focus()

    @on(Select.Changed, "#way")
    def _chosen(self, event: Select.Changed) -> None:
        event.stop()
        self._follow()
        self.post_message(self.Edited())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(f"#at-{event.input.id}", Field).say(Content(""))
        self.post_message(self.Edited())

    @on(Input.Blurred)
    def _left(self, event: Input.Blurred) -> None:
        event.stop()

    def _follow(self) -> None:
        kind = self.wished.kind
        needs = ProviderRequest(kind).needs
        for each in _PLACES:
            self.query_one(f"#at-way-{each}").display = each is kind
        for name in ("zone", "key"):
            self.query_one(f"#at-way-{name}").display = name in needs
        self.query_one("#at-way", Field).say(Content.styled(_ABOUT[kind], QUIET))

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()


def _input(name: str, value: str, example: str) -> Input:
    return Input(value, placeholder=example, compact=True, select_on_focus=False, id=name)
