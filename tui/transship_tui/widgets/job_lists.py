"""The lists of one job: its copies, all or some of them, and what came to pass."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from transship.errors import TransshipError
from transship.matching import is_everything
from transship.text import counted, safe
from transship.transfers.copies import JobState
from transship.transfers.job_view import CopyRow, JobEvent, JobView, Which
from transship.transfers.journal import Failure
from transship_tui.keys.words import words_for
from transship_tui.marks import BAD, QUIET
from transship_tui.widgets.copy_rows import COPY_COLUMNS, EVENT_COLUMNS, CopyRows, EventRows
from transship_tui.widgets.pattern_input import NOTHING_MATCHES, PatternInput
from transship_tui.widgets.tab_line import TabLine
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from transship.app.application import Application


class Tab(StrEnum):
    """What is listed."""

    ALL = "all"
    ACTIVE = "active"
    FAILED = "failed"
    SKIPPED = "skipped"
    LOG = "log"


_EMPTY = {
    Tab.ALL: "No copies yet: both sides are being looked at.",
    Tab.ACTIVE: "Nothing is being copied now.",
    Tab.FAILED: "Nothing has failed.",
    Tab.SKIPPED: "Nothing was skipped.",
    Tab.LOG: "Nothing has come to pass yet.",
}
_HINT = "part of a name, v1.*, ~fuzzy, !not"


class JobLists(Vertical):
    """Shows one of the lists. `tab` is which."""

    DEFAULT_CSS = """
    JobLists { height: 1fr; }
    JobLists #causes { padding: 0 1; }
    """

    def __init__(self, engine: Application, job: str) -> None:
        super().__init__()
        self._engine = engine
        self._job = job
        self._view: JobView | None = None
        self._pattern = ""
        self._copies = CopyRows((), self._fetch)
        self._events = EventRows((), 0)
        self._listed: Hashable = None
        self._events_due = False
        self.tab = Tab.ALL

    def compose(self) -> ComposeResult:
        """Give the tabs, the causes of failures, both tables, and the line for a pattern."""
        yield TabLine()
        yield TextLines(id="causes")
        yield VirtualTable(COPY_COLUMNS, id="copies")
        yield VirtualTable(EVENT_COLUMNS, id="events")
        yield PatternInput()

    def on_mount(self) -> None:
        """Show one table at a time, and what comes to pass once a second: nobody reads faster."""
        self.query_one("#events").display = False
        self.set_interval(1.0, self._show_due)

    @property
    def table(self) -> VirtualTable:
        """The table that is shown."""
        return self.query_one("#events" if self.tab is Tab.LOG else "#copies", VirtualTable)

    @property
    def under_cursor(self) -> CopyRow | JobEvent | None:
        """What the cursor stands on."""
        at = self.table.cursor
        if self.tab is Tab.LOG:
            return self._events.events[at] if at < len(self._events) else None
        return self._copies.row(at) if at < len(self._copies) else None

    def show(self, view: JobView) -> None:
        """Show the job as it is now. Raises what stands in the way of reading its journal."""
        self._view = view
        counts = view.counts
        numbers = {Tab.ALL: counts.total, Tab.FAILED: counts.failed, Tab.SKIPPED: counts.skipped}
        self.query_one(TabLine).tabs(
            [
                f"{tab.capitalize()} {numbers[tab]:,}" if numbers.get(tab) else tab.capitalize()
                for tab in Tab
            ],
            list(Tab).index(self.tab),
        )
        causes = self.query_one("#causes", TextLines)
        height = self.screen.size.height
        most = 1 if height < 22 else 2 if height < 32 else 4
        causes.show(_causes(view.failures, most) if self.tab is Tab.FAILED else ())
        if self.tab is Tab.LOG:
            self._events_due = True
        else:
            self._show_copies(view)

    def choose(self, tab: Tab) -> None:
        """List something else. Raises as `show` does."""
        self.tab = tab
        focused = self.query("VirtualTable:focus")
        for table, shown in (("#copies", tab is not Tab.LOG), ("#events", tab is Tab.LOG)):
            self.query_one(table).display = shown
        if focused:
            self.table.focus()
        if self._view is not None:
            self.show(self._view)
        if tab is Tab.LOG:
            self._show_events()

    def _show_copies(self, view: JobView) -> None:
        moves = view.state is JobState.RUNNING
        listed = (self.tab, self._pattern, *_moment(view, self.tab))
        if listed == self._listed and not self._copies.stale:
            self._copies.moves, self._copies.ended = moves, view.state.ended
            self._copies.forget()
            self.table.changed()
            return
        ids = self._engine.jobs.copy_ids(self._job, Which(str(self.tab)), self._pattern)
        self._copies, self._listed = CopyRows(ids, self._fetch), listed
        self._copies.moves, self._copies.ended = moves, view.state.ended
        narrowed = not is_everything(self._pattern)
        empty = words_for(self, NOTHING_MATCHES) if narrowed else _EMPTY[self.tab]
        self.table.show(self._copies, empty=empty)
        if narrowed:
            self.query_one(PatternInput).hits(f"{len(ids):,} match")

    def _show_due(self) -> None:
        if self._events_due and self.tab is Tab.LOG:
            with suppress(TransshipError):
                self._show_events()

    def _show_events(self) -> None:
        self._events_due = False
        follows = self.table.cursor >= len(self._events) - 1
        self._events = EventRows(self._engine.jobs.events(self._job), self._engine.clock.now())
        at = len(self._events) - 1 if follows else None
        self.table.show(self._events, empty=_EMPTY[Tab.LOG], at=at)

    def _fetch(self, ids: Sequence[int]) -> Sequence[CopyRow]:
        """Read copies while the table is drawn, when there is no way to say what went wrong."""
        try:
            return self._engine.jobs.copy_rows(self._job, ids)
        except TransshipError:
            return ()

    def ask_filter(self) -> None:
        """Let the operator type which copies to show."""
        if self.tab is Tab.LOG:
            self.choose(Tab.ALL)
        self.query_one(PatternInput).ask("/", self._pattern, _HINT)

    def clear_filter(self) -> bool:
        """Show all again; tell whether anything was hidden."""
        hidden = bool(self._pattern)
        self.query_one(PatternInput).close()
        self._narrow("")
        return hidden

    def _narrow(self, pattern: str) -> None:
        self._pattern = pattern
        if self._view is not None:
            self.show(self._view)

    @on(PatternInput.Changed)
    def _pattern_changed(self, event: PatternInput.Changed) -> None:
        event.stop()
        self._narrow(event.pattern)

    @on(PatternInput.Accepted)
    def _pattern_accepted(self, event: PatternInput.Accepted) -> None:
        event.stop()
        if is_everything(event.pattern):
            self.clear_filter()
        self.table.focus()

    @on(PatternInput.GivenUp)
    def _pattern_given_up(self, event: PatternInput.GivenUp) -> None:
        event.stop()
        self.clear_filter()
        self.table.focus()


def _moment(view: JobView, tab: Tab) -> tuple[Hashable, ...]:
    """Return what is another one whenever other copies are to be listed."""
    counts = view.counts
    steady = (view.planned, view.ended)
    return {
        Tab.ALL: (counts.total, *steady),
        Tab.ACTIVE: (view,),
        Tab.FAILED: (counts.failed, *steady),
        Tab.SKIPPED: (counts.skipped, *steady),
    }.get(tab, ())


def _causes(failures: Sequence[Failure], most: int) -> Iterator[Content]:
    for failure in failures[:most]:
        count = f"{failure.count:,} × "
        yield Content.assemble((f"✗ {count}{safe(failure.title)}", BAD))
        yield Content(f"  → {safe(failure.remedy)}")
    if len(failures) > most:
        more = counted(len(failures) - most, "other cause")
        yield Content.styled(f"  and {more}", QUIET)
