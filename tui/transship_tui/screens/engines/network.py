"""Network access of an instance of TCR: explained, and changed only when it is asked for."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from transship.app.engines import NetworkRequest, PlannedRequest
from transship.engines.tcr.network_access import (
    DesiredAccess,
    EndpointStatus,
    LinkStatus,
    NetworkAccess,
    PrivateDnsRecord,
    VpcLink,
    explain_access,
)
from transship.errors import TransshipError
from transship.text import counted, safe
from transship_tui.keys import bindings, words_for
from transship_tui.lines import network_line
from transship_tui.marks import CARE, NEWS, OK, QUIET, Mark
from transship_tui.screens.engines.changes import ChangesScreen, said
from transship_tui.screens.frame import Frame
from transship_tui.widgets.dialogs import FactsDialog, NameDialog
from transship_tui.widgets.table import Column, VirtualTable

COLUMNS = (
    Column("State", 12),
    Column("What", 18),
    Column("Name", middle=True),
    Column("", 24, least=96),
)
PUBLIC = {
    EndpointStatus.OPEN: Mark("✓", "open", OK),
    EndpointStatus.OPENING: Mark("▸", "opening", NEWS),
    EndpointStatus.CLOSED: Mark("–", "closed", CARE),
    EndpointStatus.UNKNOWN: Mark("?", "unknown", CARE),
}
STAGES = {
    LinkStatus.WORKS: Mark("✓", "works", OK),
    LinkStatus.BEGUN: Mark("▸", "being made", NEWS),
    LinkStatus.GOING: Mark("–", "going", CARE),
    LinkStatus.OFF: Mark("–", "off", QUIET),
    LinkStatus.UNKNOWN: Mark("?", "unknown", CARE),
}
_ALLOWED = Mark("✓", "allowed", OK)


class NetworkPart(StrEnum):
    """What a row is."""

    ENDPOINT = "public endpoint"
    ALLOWED = "allowed address"
    LINK = "VPC link"
    RECORD = "private DNS"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that lets clients in.

    `name` is the endpoint's domain, a block of addresses, `VPC/SUBNET`, or the domain of a record;
    `vpc` is the VPC of a link or a record.
    """

    part: NetworkPart
    name: str
    mark: Mark
    more: str = ""
    vpc: str = ""

    @property
    def key(self) -> str:
        """What it is known by."""
        return f"{self.part} {self.name} {self.vpc}"


class NetworkRows:
    """All of it, the endpoint first."""

    def __init__(self, access: NetworkAccess | None = None) -> None:
        self.rows = tuple(_rows(access)) if access is not None else ()

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, index: int) -> str:
        """Return what a row is known by."""
        return self.rows[index].key

    def cells(self, index: int) -> Sequence[Content]:
        """Return how it is, what it is, its name, and what else is known of it."""
        row = self.rows[index]
        at = f"{row.name} in {row.vpc}" if row.part is NetworkPart.RECORD else row.name
        return (
            row.mark.content(),
            Content.styled(str(row.part), QUIET),
            Content(safe(at)),
            Content.styled(safe(row.more), QUIET),
        )


def _rows(access: NetworkAccess) -> Iterator[Row]:
    yield Row(NetworkPart.ENDPOINT, access.domain, PUBLIC[access.public], access.reason)
    for each in access.allowed:
        yield Row(NetworkPart.ALLOWED, each.block, _ALLOWED, each.note)
    for link in access.links:
        yield _link(link)
        for record in link.records:
            if record.stage is not LinkStatus.OFF:
                yield _record(link, record)


def _link(link: VpcLink) -> Row:
    at = f"at {link.address}" if link.address else link.said
    return Row(NetworkPart.LINK, f"{link.vpc}/{link.subnet}", STAGES[link.stage], at, link.vpc)


def _record(link: VpcLink, record: PrivateDnsRecord) -> Row:
    said = record.said if record.stage is LinkStatus.UNKNOWN else ""
    return Row(NetworkPart.RECORD, record.domain, STAGES[record.stage], said, link.vpc)


_UNKNOWN = "It isn't known yet."
_NOT_KNOWN = "It isn't known. {network.refresh} asks again."
_EVERY_SECONDS = 5.0


class NetworkScreen(Frame):
    """Shows who gets through to the instance of TCR at `host`, and leads to changing that."""

    MODE = "registries"
    BINDINGS: ClassVar[list[BindingType]] = bindings("network")
    CSS_PATH = "network.tcss"
    HELP: ClassVar[str] = """
An instance of TCR lets nobody in by itself. Its public endpoint is closed until it is opened, and
an open one lets in only whom its allow-list has. A VPC gets in by a link of its own, and finds the
instance by private DNS.

{network.allow} allows an address, {network.endpoint} opens or closes the endpoint, {network.link}
links a VPC, {network.resolve} leads its private DNS there, and {network.remove} takes away what is
under the cursor. Each shows first what would be changed, and asks. {network.here} says from which
address this machine comes, so that it can be said whether that is let in.
"""

    def __init__(self, host: str) -> None:
        super().__init__()
        self._host = host
        self._access: NetworkAccess | None = None
        self._here = ""

    def compose_body(self) -> ComposeResult:
        """Give what lets clients in, and below that what it means."""
        yield VirtualTable(COLUMNS, empty="Asking the cloud…")
        with VerticalScroll(id="means"):
            yield Static()

    def on_mount(self) -> None:
        """Say what this is."""
        self.heading(f"Network access of {self._host}")
        self.line(network_line(NetworkRequest(self._host, DesiredAccess())))
        self.query_one(VirtualTable).focus()
        self.set_interval(_EVERY_SECONDS, self._tick)

    def on_screen_resume(self) -> None:
        """Show it as it is now."""
        super().on_screen_resume()
        self._ask()

    def _tick(self) -> None:
        """Ask again while something is on its way."""
        if self.is_current and self._access is not None and _is_moving(self._access):
            self._ask()

    @property
    def _meant(self) -> Row | None:
        table = self.query_one(VirtualTable)
        rows = table.rows
        if isinstance(rows, NetworkRows) and table.cursor < len(rows):
            return rows.rows[table.cursor]
        return None

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _ask(self) -> None:
        try:
            self._access = await self.core.engines.network(self._host)
        except TransshipError as error:
            self._access = None
            self.query_one(VirtualTable).show(NetworkRows(), empty=words_for(self, _NOT_KNOWN))
            self._say()
            self.fail(error)
            return
        self.heading(f"Network access of {self._host}", f"TCR instance {self._access.instance}")
        self.query_one(VirtualTable).show(NetworkRows(self._access))
        self._say()

    def _say(self) -> None:
        width = max(30, self.size.width - 4)
        lines: list[Content] = []
        for words in explain_access(self._access, self._here) if self._access is not None else ():
            lines += said("·", words, width)
        self.query_one("#means Static", Static).update(Content("\n").join(lines))
        self.refresh_bindings()

    @on(VirtualTable.CursorMoved)
    def _moved(self) -> None:
        self.refresh_bindings()

    def on_resize(self) -> None:
        """Lay the words out anew."""
        self._say()

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done now, and why."""
        access, row = self._access, self._meant
        if access is None:
            return dict.fromkeys(("endpoint", "allow", "link", "resolve", "remove"), _UNKNOWN)
        found: dict[str, str] = {}
        if row is None or row.part not in (NetworkPart.LINK, NetworkPart.RECORD):
            found["resolve"] = "Put the cursor on the link of a VPC."
        if row is not None and row.part is NetworkPart.ENDPOINT:
            found["remove"] = "The endpoint is opened and closed, never removed."
        if access.public is EndpointStatus.CLOSED:
            found["allow"] = "Open the endpoint first: only an open one has an allow-list."
        return found

    def action_refresh_list(self) -> None:
        """Ask the cloud anew."""
        self.hush()
        self._ask()

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        """Show all of what is under the cursor."""
        if (row := self._meant) is not None:
            facts = (
                ("What", str(row.part)),
                ("Name", row.name),
                ("VPC", row.vpc),
                ("More", row.more),
            )
            known = [(name, value) for name, value in facts if value]
            self.app.push_screen(FactsDialog(row.mark.content(), known))

    # What is wished

    def _wish(self, wishes: DesiredAccess) -> None:
        self.hush()
        wish = NetworkRequest(self._host, wishes, self._here)
        self.app.push_screen(NetworkChangesScreen(wish, self.tell))

    def action_endpoint(self) -> None:
        """Show what opening or closing the public endpoint changes."""
        if self._access is not None:
            self._wish(DesiredAccess(public=self._access.public is EndpointStatus.CLOSED))

    def action_remove(self) -> None:
        """Show what taking away what is under the cursor changes."""
        row, access = self._meant, self._access
        if row is None or access is None:
            return
        if row.part is NetworkPart.ALLOWED:
            self._wish(DesiredAccess(disallow=(row.name,)))
        elif row.part is NetworkPart.LINK:
            self._wish(DesiredAccess(unlink=(row.name,)))
        elif row.part is NetworkPart.RECORD:
            inside = row.name != access.domain
            self._wish(DesiredAccess(unresolve=(row.vpc,), vpc_domain=inside))

    def action_resolve(self) -> None:
        """Show what leading the private DNS of a VPC to its link changes."""
        if (row := self._meant) is not None and row.vpc:
            self._wish(DesiredAccess(resolve=(row.vpc,)))

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_allow(self) -> None:
        """Ask for an address, and show what allowing it changes."""
        words = "An address, or a block of them: 203.0.113.7 or 203.0.113.0/24."
        dialog = NameDialog("Allow which address?", words, self._here, "Show changes")
        if block := await self.app.push_screen_wait(dialog):
            self._wish(DesiredAccess(allow=(block,)))

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_link(self) -> None:
        """Ask for a VPC, and show what linking it changes."""
        words = "The VPC and one of its subnets: vpc-abcdefgh/subnet-abcdefgh."
        dialog = NameDialog("Link which VPC?", words, "", "Show changes")
        if name := await self.app.push_screen_wait(dialog):
            self._wish(DesiredAccess(link=(name,)))

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_here(self) -> None:
        """Ask from which address this machine comes out to the internet."""
        words = (
            "With which address does this machine come out to the internet? Transship doesn't ask "
            "anybody for it. It is used here only, and not kept."
        )
        dialog = NameDialog("This machine's address", words, self._here, "Use it")
        here = await self.app.push_screen_wait(dialog)
        if here is None:
            return
        try:
            self._here = str(ipaddress.ip_address(here))
        except ValueError:
            self.warn(f"{here!r} is no address")
        else:
            self.hush()
            self._say()


def _is_moving(access: NetworkAccess) -> bool:
    """Tell whether something of it is being opened, linked or taken away."""
    stages = [link.stage for link in access.links]
    stages += [record.stage for link in access.links for record in link.records]
    return (
        access.public is EndpointStatus.OPENING
        or LinkStatus.BEGUN in stages
        or LinkStatus.GOING in stages
    )


class NetworkChangesScreen(ChangesScreen):
    """What would be changed of who gets through to an instance.

    `tell` says on the screen below that it is made.
    """

    MODE = "registries"
    NOTES = "As it is before that"

    def __init__(self, wish: NetworkRequest, tell: Callable[[str], None]) -> None:
        super().__init__(wish, f"Network access of {wish.host}", network_line(wish))
        self._tell = tell

    def made(self, drawn: PlannedRequest, delegation: str) -> None:
        """Go back to who gets through, which is asked for anew."""
        words = f"{counted(len(drawn.changes.to_make), 'change')} made: {delegation}"
        # Popping this screen ends its workers, the one that calls this too.
        self.app.call_later(self._leave, words)

    def _leave(self, words: str) -> None:
        self._tell(words)
        self.close_when_in_front()
