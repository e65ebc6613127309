"""The custom domains of an instance of TCR: listed, added, waited for, and removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from transship.app.engines import DomainRequest, InstanceDomains, PlannedRequest
from transship.engines.tcr.domains import CustomDomain
from transship.errors import TransshipError
from transship.registry.attachment import Attached
from transship.text import counted
from transship_tui.keys import bindings
from transship_tui.keys.words import words_for
from transship_tui.lines_delegates import domain_line, domains_line
from transship_tui.screens.changes import ChangesScreen
from transship_tui.screens.frame import Frame
from transship_tui.widgets.domain_form import DomainForm
from transship_tui.widgets.domain_rows import COLUMNS, DomainRows, domain_lines
from transship_tui.widgets.virtual_table import VirtualTable

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
            self._there = await self.transship.engine.engines.domains(self._host)
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
            async for seen in self.transship.engine.engines.wait_for_domain(self._host, name):
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
