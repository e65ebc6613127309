"""What is shown of one cutover: the clocks, the checks, the servers, the change, the steps."""

from __future__ import annotations

from collections.abc import Iterator

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from transship.cutover.finding import CheckResult
from transship.cutover.status import CHANGED_STATES, CutoverStatus
from transship.views.cutover import UNSETTLED_STATES, check_rows, grid_cells, moved_resolvers
from transship_tui.bridge import JobsChanged
from transship_tui.keys.words import key_for
from transship_tui.lines import board_line
from transship_tui.screens.cutover_looking import CutoverLooking
from transship_tui.widgets.cutover_buttons import CutoverButtons, copied_since
from transship_tui.widgets.cutover_grid import COLUMNS as GRID_COLUMNS
from transship_tui.widgets.cutover_grid import GridRows, grid_lines
from transship_tui.widgets.cutover_rows import (
    COLUMNS,
    BoardRows,
    ChecksTable,
    explained,
    row_lines,
    state_mark,
)
from transship_tui.widgets.cutover_step_rows import COLUMNS as STEP_COLUMNS
from transship_tui.widgets.cutover_step_rows import StepRows, step_label, step_words
from transship_tui.widgets.cutover_words import change_content, clock_contents, notes_content
from transship_tui.widgets.tab_line import TabLine
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.virtual_table import VirtualTable

TABS = ("board", "grid", "change", "step", "notes")
_NORMAL = 24
_ROOMY = 34
"""So many lines are enough to explain a check below the table."""


class CutoverShown(CutoverLooking):
    """A screen about one cutover that shows all its parts, one at a time."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._tab = 0
        self._only_open = True
        self._last_round: float | None = None

    @property
    def tab(self) -> str:
        """The part in front, one of `TABS`."""
        return TABS[self._tab]

    def compose_body(self) -> ComposeResult:
        """Give the clocks, the parts, one row in words, and the two buttons."""
        yield TextLines(id="clocks")
        yield TabLine()
        yield ChecksTable(COLUMNS, id="board", empty="Nothing was checked yet.")
        yield VirtualTable(GRID_COLUMNS, id="grid", empty="Nobody was asked yet.", can_open=False)
        with VerticalScroll(id="change"):
            yield Static(id="edit")
        with Vertical(id="step"):
            yield TextLines(id="step-words")
            yield VirtualTable(STEP_COLUMNS, id="pairs", empty="They weren't compared yet.")
        with VerticalScroll(id="notes"):
            yield Static(id="told")
        yield TextLines(id="row")
        with VerticalScroll(id="full", can_focus=False):
            yield Static(id="words")
        yield CutoverButtons()

    def show(self, standing: CutoverStatus) -> None:
        """Show how the cutover stands."""
        self.standing = standing
        host = standing.subject.domain.shown or standing.subject.domain.name
        way = f"{standing.subject.old or '?'} → {standing.subject.points_at}"
        self.heading(host, f"{state_mark(standing).word}  {way}")
        self._show_line()
        self._show_tabs()
        self._show_rows()
        self.query_one("#edit", Static).update(change_content(standing))
        self.query_one("#told", Static).update(notes_content(standing.notes))
        self._show_buttons()
        self._tick()

    def _show_line(self) -> None:
        """Say which line does what the part in front is about."""
        if self.standing is not None:
            self.line(board_line(self.standing, self.tab))

    def _show_rows(self) -> None:
        if (standing := self.standing) is None:
            return
        now = self.transship.engine.clock.now()
        board = BoardRows(check_rows(standing), now, only_open=self._only_open)
        table = self.query_one("#board", VirtualTable)
        first = not len(table.rows)
        empty = "Nothing was checked yet."
        if self._only_open and standing.checks:
            empty = f"Nothing is left to settle; {key_for(self, 'cutover.open')} shows all checks."
        table.show(board, empty=empty)
        if first and len(board) > 1:
            table.go_to(board.key(1))
        self._show_title()
        self.query_one("#grid", VirtualTable).show(
            GridRows(grid_cells(standing), now, changed=standing.state in CHANGED_STATES)
        )
        pairs = self.query_one("#pairs", VirtualTable)
        rows = StepRows(standing, now)
        pairs.show(rows)
        last = standing.rounds[-1].at if standing.rounds else None
        if last != self._last_round and len(rows):
            pairs.go_to(rows.key(0))
        self._last_round = last
        begin, compare = (key_for(self, f"cutover.{each}") for each in ("rounds", "compare"))
        words = step_words(standing, going=self.rounds_go, begin=begin, compare=compare)
        self.query_one("#step-words", TextLines).show(words)

    def _show_tabs(self) -> None:
        if (standing := self.standing) is None:
            return
        moved, resolvers = moved_resolvers(grid_cells(standing))
        asked = f" {moved}/{resolvers}" if resolvers and standing.state in CHANGED_STATES else ""
        rows = check_rows(standing)
        open_ones = sum(row.state in UNSETTLED_STATES for row in rows)
        checks = f"To do {open_ones}" if self._only_open else f"All checks {len(rows)}"
        step = step_label(standing, going=self.rounds_go)
        labels = (checks, f"Servers{asked}", "Change", step, "Journal")
        self.query_one(TabLine).tabs(labels, self._tab)

    def _show_buttons(self) -> None:
        if (standing := self.standing) is None:
            return
        copied = copied_since(standing, self.transship.bridge.jobs)
        self.query_one(CutoverButtons).show(
            standing, changing=self.changing, doing=self.busy, copied=copied
        )
        self.refresh_bindings()

    @on(JobsChanged)
    def _jobs_changed(self) -> None:
        self._show_buttons()

    def _tick(self) -> None:
        """Let the clocks go on."""
        if (standing := self.standing) is None:
            return
        now = self.transship.engine.clock.now()
        self.query_one("#clocks", TextLines).show(clock_contents(standing, now))
        if self.tab == "grid":
            self.query_one("#grid", VirtualTable).show(
                GridRows(grid_cells(standing), now, changed=standing.state in CHANGED_STATES)
            )
        self._show_row()

    def on_resize(self) -> None:
        """Explain the check under the cursor in full where there is the room."""
        self._show_row()
        self.call_after_refresh(self._show_title)

    def _show_title(self) -> None:
        """Let the title over the first check be seen with it."""
        table = self.query_one("#board", VirtualTable)
        if table.cursor <= 1:
            table.scroll_to(y=0, animate=False)

    @on(VirtualTable.CursorMoved)
    def _show_row(self) -> None:
        roomy = self.size.height >= _ROOMY and self.tab == "board"
        self.query_one("#full").display = roomy
        in_words = self.tab in ("board", "grid", "step")
        self.query_one("#row").display = not roomy and in_words
        if roomy:
            self.query_one("#words", Static).update(self._full_words())
        else:
            self.query_one("#row", TextLines).show(self._row_lines())
        self.refresh_bindings()

    def _full_words(self) -> Content:
        rows, standing = self.query_one("#board", VirtualTable).rows, self.standing
        at = self.query_one("#board", VirtualTable).cursor
        row = rows.row(at) if isinstance(rows, BoardRows) else None
        result = self.meant
        if row is None or result is None or standing is None:
            return Content("\n").join(self._row_lines())
        now = self.transship.engine.clock.now()
        title = Content.styled(f"{row.check} {row.title}\n", "bold")
        return Content.assemble(title, explained(result, row, standing, now))

    def _row_lines(self) -> Iterator[Content]:
        if self.standing is None:
            return
        if self.tab == "grid":
            table = self.query_one("#grid", VirtualTable)
            if isinstance(table.rows, GridRows):
                now = self.transship.engine.clock.now()
                changed = self.standing.state in CHANGED_STATES
                yield from grid_lines(table.rows.cell(table.cursor), now, changed=changed)
        elif self.tab == "board":
            table = self.query_one("#board", VirtualTable)
            if isinstance(table.rows, BoardRows):
                row = table.rows.row(table.cursor)
                yield from row_lines(row, self.meant, self.standing.evidence)
        elif self.tab == "step":
            table = self.query_one("#pairs", VirtualTable)
            if isinstance(table.rows, StepRows):
                yield from table.rows.words(table.cursor, short=self.size.height < _NORMAL)

    @property
    def meant(self) -> CheckResult | None:
        """The check under the cursor, while the checks are in front."""
        table = self.query_one("#board", VirtualTable)
        if self.standing is None or self.tab != "board":
            return None
        return self.standing.result(table.key_at_cursor() or "")

    def _show_tab(self) -> None:
        for name in TABS:
            part = self.query_one(f"#{name}")
            part.display = name == self.tab
            if part.display:
                (self.query_one("#pairs") if name == "step" else part).focus()
        self._show_line()
        self._show_tabs()
        self._tick()
