"""The custom domains of an instance of TCR: listed, added, waited for, and removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Select, Static

from transship.app.engines import DomainRequest, InstanceDomains, PlannedRequest
from transship.engines.tcr.certificates import (
    ISSUED,
    ServerCertificate,
    certificate_status_text,
    day_text,
)
from transship.engines.tcr.domains import CustomDomain, domain_status_text
from transship.errors import TransshipError
from transship.registry.attachment import Attached
from transship.text import counted, safe
from transship_tui.keys import bindings, words_for
from transship_tui.lines import domain_line, domains_line
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, Mark
from transship_tui.screens.engines.changes import ChangesScreen, said
from transship_tui.screens.frame import Frame
from transship_tui.widgets.form import Field, RequestForm
from transship_tui.widgets.table import Column, VirtualTable

COLUMNS = (
    Column("State", 17),
    Column("Domain", middle=True),
    Column("Certificate", 28, middle=True, least=70),
    Column("Ends", 11, least=90),
)
STATES = {
    Attached.WORKS: Mark("✓", "works", OK),
    Attached.BEGUN: Mark("▸", "being attached", NEWS),
    Attached.FAILED: Mark("✗", "failed", BAD),
    Attached.GOING: Mark("–", "going", CARE),
    Attached.ABSENT: Mark("–", "not there", QUIET),
    Attached.UNKNOWN: Mark("?", "unknown", CARE),
}
_DAY = 86_400.0
_SOON_DAYS = 30


class DomainRows:
    """The custom domains of an instance, each with its certificate where that can be seen."""

    def __init__(self, there: InstanceDomains | None = None) -> None:
        self._there = there
        self.domains: Sequence[CustomDomain] = there.domains if there is not None else ()

    def __len__(self) -> int:
        return len(self.domains)

    def key(self, index: int) -> str:
        """Return the name."""
        return self.domains[index].name

    def cells(self, index: int) -> Sequence[Content]:
        """Return how it is, its name, and its certificate with the day on which that ends."""
        domain = self.domains[index]
        found = certificate_of(domain, self._there) if self._there else None
        ends = day_text(found.expires) if found and found.expires is not None else ""
        return (
            STATES[domain.state].content(),
            Content(safe(domain.name)),
            Content(safe(domain.certificate)),
            Content.styled(ends, QUIET),
        )


def certificate_of(domain: CustomDomain, there: InstanceDomains) -> ServerCertificate | None:
    """Return the certificate of a domain, where it can be seen."""
    return next((each for each in there.certificates if each.id == domain.certificate), None)


def domain_lines(
    domain: CustomDomain, there: InstanceDomains, width: int, waited: float = 0.0
) -> Iterator[Content]:
    """Give how a domain is in words, and what is known of its certificate.

    `waited` is for how long it was waited for, in seconds.
    """
    style = BAD if domain.state is Attached.FAILED else ""
    yield from said(STATES[domain.state].sign, domain_status_text(domain, waited), width, style)
    found = certificate_of(domain, there)
    if found is None:
        why = f": {there.unseen}" if there.unseen else "."
        yield from said("?", f"Its certificate can't be seen{why}", width, QUIET)
        return
    names = ", ".join(found.names)
    yield from said("·", f"The certificate {found.id} is for {names}.", width, QUIET)
    if fault := found.fault(domain.name, there.now):
        yield from said("✗", f"{fault[0].upper()}{fault[1:]}: no client accepts it.", width, BAD)
    elif found.expires is not None and found.expires - there.now < _SOON_DAYS * _DAY:
        ends = f"It ends {day_text(found.expires)}, and TCR doesn't renew it: replace it before."
        yield from said("!", ends, width, CARE)


def certificate_words(certificate: ServerCertificate) -> str:
    """Return a certificate in a line to choose it by."""
    named = f"{certificate.id}  {', '.join(certificate.names)}"
    if certificate.status != ISSUED:
        return safe(f"{named}  {certificate_status_text(certificate.status)}")
    ends = "" if certificate.expires is None else f"  ends {day_text(certificate.expires)}"
    return safe(f"{named}{ends}")


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


class DomainForm(RequestForm):
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


_NONE = "No custom domains. {domains.add} adds one; DNS isn't changed by that."
_MOVING = (Attached.BEGUN, Attached.GOING)


class DomainsScreen(Frame):
    """Shows the custom domains of the instance of TCR at `host`, and waits for those that come."""

    MODE = "registries"
    BINDINGS: ClassVar[list[BindingType]] = bindings("domains")
    CSS_PATH = "network.tcss"
    HELP: ClassVar[str] = """
A custom domain is a name of yours by which an instance of TCR is reached. It needs a certificate
that is in the cloud's SSL service, and takes 1 to 2 minutes until it works; that is waited for
here, as long as this is open. Leaving stops nothing.

{domains.add} adds one and {domains.remove} takes the one under the cursor away; each shows first
what would be changed, and asks. DNS isn't touched by either: moving the name is the work of
Cutover ({cutover}).
"""

    def __init__(self, host: str) -> None:
        super().__init__()
        self._host = host
        self._there: InstanceDomains | None = None
        self._waited: dict[str, float] = {}

    def compose_body(self) -> ComposeResult:
        """Give the list, and below it the one under the cursor in words."""
        yield VirtualTable(COLUMNS, empty="Asking the cloud…", can_open=False)
        with VerticalScroll(id="means"):
            yield Static()

    def on_mount(self) -> None:
        """Say what this is."""
        self.heading(f"Custom domains of {self._host}")
        self.line(domains_line(self._host))
        self.query_one(VirtualTable).focus()

    def on_screen_resume(self) -> None:
        """Show them as they are now."""
        super().on_screen_resume()
        self._ask()

    @property
    def _meant(self) -> CustomDomain | None:
        key = self.query_one(VirtualTable).key_at_cursor()
        there = self._there.domains if self._there is not None else ()
        return next((each for each in there if each.name == key), None)

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _ask(self) -> None:
        await self._asked()
        if (name := self._coming) and self._there is not None:
            self._wait(name)

    @property
    def _coming(self) -> str:
        """The name of a domain that is on its way in or out."""
        there = self._there.domains if self._there is not None else ()
        return next((each.name for each in there if each.state in _MOVING), "")

    async def _asked(self) -> None:
        try:
            self._there = await self.core.engines.domains(self._host)
        except TransshipError as error:
            self._there = None
            self.query_one(VirtualTable).show(DomainRows(), empty="It isn't known.")
            self._say()
            self.fail(error)
            return
        count = len(self._there.domains)
        self.heading(f"Custom domains of {self._host}", counted(count, "domain") if count else "")
        self.query_one(VirtualTable).show(DomainRows(self._there), empty=words_for(self, _NONE))
        self._say()

    @work(group="follow", exclusive=True, exit_on_error=False)
    async def _wait(self, name: str) -> None:
        """Show how a domain comes or goes, until it is over with it."""
        try:
            async for seen in self.core.engines.wait_for_domain(self._host, name):
                self._waited[name] = seen.waited
                await self._asked()
                state = seen.domain.state if seen.domain is not None else Attached.ABSENT
                if state is Attached.WORKS:
                    self.tell(f"{name} works at the instance")
                elif state is Attached.ABSENT:
                    self.tell(f"{name} is gone from the instance")
                elif state is Attached.FAILED or not seen.is_over:
                    self.warn(seen.words)
        except TransshipError as error:
            self.fail(error)

    @on(VirtualTable.CursorMoved)
    def _say(self) -> None:
        domain, width = self._meant, max(30, self.size.width - 4)
        lines: list[Content] = []
        if domain is not None and self._there is not None:
            waited = self._waited.get(domain.name, 0.0)
            lines = list(domain_lines(domain, self._there, width, waited))
        self.query_one("#means Static", Static).update(Content("\n").join(lines))
        self.refresh_bindings()

    def on_resize(self) -> None:
        """Lay the words out anew."""
        self._say()

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done now, and why."""
        if self._there is None:
            return dict.fromkeys(("add", "remove"), "It isn't known yet.")
        domain = self._meant
        if domain is None:
            return {"remove": "There is no custom domain here."}
        if domain.state is Attached.GOING:
            return {"remove": "It is being taken away already."}
        return {}

    def action_refresh_list(self) -> None:
        """Ask the cloud anew."""
        self.hush()
        self._ask()

    def action_add(self) -> None:
        """Ask for a domain and its certificate."""
        if self._there is not None:
            self.hush()
            self.app.push_screen(DomainFormScreen(self._host, self._there))

    def action_remove(self) -> None:
        """Show what removing the domain under the cursor changes."""
        if (domain := self._meant) is not None:
            self.hush()
            wish = DomainRequest(self._host, domain.name, remove=True)
            self.app.push_screen(DomainChangesScreen(wish))


class DomainFormScreen(Frame):
    """Asks for a custom domain of the instance at `host`, and its certificate."""

    MODE = "registries"
    BINDINGS: ClassVar[list[BindingType]] = bindings("delegate-form")
    WITHOUT_LINE: ClassVar[str] = "There is no line before the domain is filled in."
    HELP: ClassVar[str] = """
The certificate has to be one of the cloud's SSL service: one that is there already, or one from two
files, which that service is handed and keeps. It must be for the domain, and hold still.

{delegate-form.show} shows what would be changed, and changes nothing. For an instance in mainland
China the domain needs an ICP filing.
"""

    def __init__(self, host: str, there: InstanceDomains) -> None:
        super().__init__()
        self._host = host
        self._there = there

    def compose_body(self) -> ComposeResult:
        """Give the form."""
        yield DomainForm(self._host, self._there)

    def on_mount(self) -> None:
        """Say what this is."""
        self.heading(f"Add a custom domain to {self._host}", "nothing is changed by this")

    def action_save(self) -> None:
        """Show what would be changed."""
        self.query_one(DomainForm).save()

    @on(DomainForm.Edited)
    def _edited(self, event: DomainForm.Edited) -> None:
        self.line(domain_line(event.wish) if event.wish is not None else "")

    @on(DomainForm.Complete)
    def _complete(self, event: DomainForm.Complete) -> None:
        self.hush()
        self.app.push_screen(DomainChangesScreen(event.wish, self))

    @on(DomainForm.Left)
    async def _given_up(self) -> None:
        await self.action_back()


class DomainChangesScreen(ChangesScreen):
    """What attaching or removing a custom domain changes. `form` is closed once it is made."""

    MODE = "registries"

    def __init__(self, wish: DomainRequest, form: Frame | None = None) -> None:
        title = f"Remove {wish.name}" if wish.remove else f"Attach {wish.name}"
        super().__init__(wish, title, domain_line(wish))
        self._form = form

    def made(self, drawn: PlannedRequest, delegation: str) -> None:  # noqa: ARG002 - the list shows more
        """Go back to the list, which waits until it works, or is gone."""
        # Popping this screen ends its workers, the one that calls this too.
        self.app.call_later(self._leave)

    def _leave(self) -> None:
        if self._form is not None:
            self._form.close_when_in_front()
        self.close_when_in_front()
