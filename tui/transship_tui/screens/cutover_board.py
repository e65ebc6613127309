"""One cutover: the checks before, at and after the change, the clocks, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from transship.cutover.finding import CheckResult
from transship.cutover.reports.grid import grid_of, moved_of
from transship.cutover.reports.rows import (
    UNSETTLED,
    record_of,
    rows_of,
    to_accept,
    unanswered,
    waits_for,
    way_there,
)
from transship.cutover.reports.standing import CHANGED, Standing
from transship.guide import Next, Step
from transship_tui.bridge import JobsChanged
from transship_tui.keys import bindings
from transship_tui.keys.words import key_for
from transship_tui.lines import board_line
from transship_tui.screens.cutover_looking import CutoverLooking
from transship_tui.widgets.bars import MessageBar
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
from transship_tui.widgets.cutover_words import (
    change_content,
    clock_contents,
    new_record,
    notes_content,
)
from transship_tui.widgets.tab_line import TabLine
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.virtual_table import VirtualTable

_TABS = ("board", "grid", "change", "step", "notes")
_ACTIONS = (
    *("test", "answer", "accept", "shown", "watch", "copy_record", "report"),
    *("rounds", "compare", "way", "change", "roll_back"),
)
NOTHING_ASKED = "This asks nothing; open it to see what to do about it."
NO_WARNING = "Here is no warning that could be acknowledged; what blocks can't be."
_NORMAL = 24
_ROOMY = 34
"""So many lines are enough to explain a check below the table."""


class CutoverBoardScreen(CutoverLooking):
    """The cutover called `name`. What was never checked is checked at once.

    With `report` its report is asked for at once.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("cutover")
    CSS_PATH = "cutover_board.tcss"
    HELP: ClassVar[str] = """
Before the change: each check says what was seen, and how old that is; {list.open} explains it and
says what to do. What blocks has to be put right, a warning can be acknowledged ({cutover.accept}),
and what can't be seen from here is asked ({cutover.answer}). Nothing here changes anything:
{cutover.check} only looks.

The change: by hand, at your DNS provider, with the lines that the Change tab shows; it is seen by
itself. Where Transship may change the record, {cutover.change} asks you to type the domain first.

After it: three clocks, by the rules of DNS, as resolvers were seen, and for those that are late.
The way back is always shown, with what it takes and what it would hide; {cutover.back} takes it.

Tags that are still pushed to the old registry: {cutover.rounds} copies them to the new one, round
after round, and {cutover.compare} only compares. What both have pushed, you decide in the Tags
tab, with {list.open}. {cutover.way} says what changes the record: you, or something with a key.
"""

    def __init__(self, name: str, *, report: bool = False) -> None:
        super().__init__(name)
        self._report = report
        self._tab = 0
        self._only_open = True
        self._last_round: float | None = None

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

    def on_mount(self) -> None:
        """Show what is known; check what never was, then go on watching."""
        self.reload()
        if self.standing is not None:
            self._show_tab()
            self.set_interval(1.0, self._tick)
            if self.standing.evidence is None:
                self.check()
            else:
                self.watch_dns()
            if self._report:
                self.action_report()
            elif self.standing.unended is not None:
                self.end_change()

    # What is known

    def show(self, standing: Standing) -> None:
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
            self.line(board_line(self.standing, _TABS[self._tab]))

    def _show_rows(self) -> None:
        if (standing := self.standing) is None:
            return
        now = self.transship.engine.clock.now()
        board = BoardRows(rows_of(standing), now, only_open=self._only_open)
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
            GridRows(grid_of(standing), now, changed=standing.state in CHANGED)
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
        moved, resolvers = moved_of(grid_of(standing))
        asked = f" {moved}/{resolvers}" if resolvers and standing.state in CHANGED else ""
        rows = rows_of(standing)
        open_ones = sum(row.state in UNSETTLED for row in rows)
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
        if _TABS[self._tab] == "grid":
            self.query_one("#grid", VirtualTable).show(
                GridRows(grid_of(standing), now, changed=standing.state in CHANGED)
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
        roomy = self.size.height >= _ROOMY and _TABS[self._tab] == "board"
        self.query_one("#full").display = roomy
        in_words = _TABS[self._tab] in ("board", "grid", "step")
        self.query_one("#row").display = not roomy and in_words
        if roomy:
            self.query_one("#words", Static).update(self._full_words())
        else:
            self.query_one("#row", TextLines).show(self._row_lines())
        self.refresh_bindings()

    @on(VirtualTable.CursorMoved, "#board")
    def _say_no_longer(self) -> None:
        """Take back why a key did nothing on the check before."""
        if self.query_one(MessageBar).message.plain[2:] in (NOTHING_ASKED, NO_WARNING):
            self.hush()

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
        if _TABS[self._tab] == "grid":
            table = self.query_one("#grid", VirtualTable)
            if isinstance(table.rows, GridRows):
                now = self.transship.engine.clock.now()
                changed = self.standing.state in CHANGED
                yield from grid_lines(table.rows.cell(table.cursor), now, changed=changed)
        elif _TABS[self._tab] == "board":
            table = self.query_one("#board", VirtualTable)
            if isinstance(table.rows, BoardRows):
                row = table.rows.row(table.cursor)
                yield from row_lines(row, self.meant, self.standing.evidence)
        elif _TABS[self._tab] == "step":
            table = self.query_one("#pairs", VirtualTable)
            if isinstance(table.rows, StepRows):
                yield from table.rows.words(table.cursor, short=self.size.height < _NORMAL)

    @property
    def meant(self) -> CheckResult | None:
        """The check under the cursor, while the checks are in front."""
        table = self.query_one("#board", VirtualTable)
        if self.standing is None or _TABS[self._tab] != "board":
            return None
        return self.standing.result(table.key_at_cursor() or "")

    # The guide

    def take_step(self, step: Step) -> bool:
        """Go on with the change, or to what it waits for."""
        standing = self.standing
        if standing is None or (step is not Step.CUTOVER and self._waits(standing)):
            return False
        if standing.state in CHANGED:
            self._choose_tab("grid")
        elif why_not := waits_for(standing):
            self._choose_tab("board")
            gate = way_there(standing)
            checks = [each.check for each in (*gate.blocks, *gate.unaccepted)]
            checks += [each.check for each in gate.open]
            if checks:
                self.query_one("#board", VirtualTable).go_to(checks[0])
            self.warn(f"The change {why_not}" if checks else f"The change waits: {why_not}")
        else:
            self.query_one("#change-it", Button).press()
        return True

    def next_here(self, coming: Next) -> Next:
        """Say that the change comes next where nothing stands in its way, whatever else waits."""
        standing = self.standing
        if standing is None or standing.state in CHANGED or self._waits(standing):
            return coming
        host = standing.subject.domain.host
        return Next(Step.CUTOVER, f"Nothing stands in the way: change {host}.")

    def _waits(self, standing: Standing) -> bool:
        return standing.state not in CHANGED and bool(waits_for(standing))

    # Moving around

    def action_tab(self, by: int) -> None:
        """Show another part."""
        self._tab = (self._tab + by) % len(_TABS)
        self._show_tab()

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self._tab = event.index
        self._show_tab()

    def _show_tab(self) -> None:
        for name in _TABS:
            part = self.query_one(f"#{name}")
            part.display = name == _TABS[self._tab]
            if part.display:
                (self.query_one("#pairs") if name == "step" else part).focus()
        self._show_line()
        self._show_tabs()
        self._tick()

    def show_change(self) -> None:
        """Show the edit."""
        self._choose_tab("change")

    def show_step(self) -> None:
        """Show how far both registries are in step."""
        self._choose_tab("step")

    def _choose_tab(self, name: str) -> None:
        self._tab = _TABS.index(name)
        self._show_tab()

    def action_shown(self) -> None:
        """Show only what isn't settled, or all again."""
        self._only_open = not self._only_open
        self._show_tabs()
        self._show_rows()
        self._show_row()

    @on(VirtualTable.Opened)
    def _open(self, event: VirtualTable.Opened) -> None:
        rows = event.table.rows
        if isinstance(rows, StepRows):
            if (pair := rows.pair(event.index)) is not None:
                self.decide(pair)
            return
        row = rows.row(event.index) if isinstance(rows, BoardRows) else None
        if row is not None and (result := self.meant) is not None:
            self.explain_check(result, row)

    async def action_copy_record(self) -> None:
        """Copy the record of the check under the cursor, or that of the change."""
        result = self.meant
        record = record_of(result) if result else ""
        record = record or new_record(self.standing.edit if self.standing else None)
        if record:
            await self.copy(record)

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done now, and why."""
        standing, result = self.standing, self.meant
        if standing is None:
            return dict.fromkeys(_ACTIONS, "The cutover can't be read.")
        found = self.query_one(CutoverButtons).impossible()
        if standing.checking:
            found["test"] = "It is being looked at."
        if self.changing:
            why = "The record is being changed; wait for it."
            found |= dict.fromkeys(("way", "back", "leave"), why)
        if not standing.subject.old:
            why = "The old registry isn't named, so nothing can be compared."
            found |= dict.fromkeys(("rounds", "compare"), why)
        if self.busy or standing.checking:
            found["compare"] = "It is being looked at."
        return found | self._impossible_here(standing, result)

    def _impossible_here(self, standing: Standing, result: CheckResult | None) -> dict[str, str]:
        """Say what can't be done about the check under the cursor, and on this tab."""
        found = {}
        if result is None or not unanswered(result, standing.evidence):
            found["answer"] = NOTHING_ASKED
        if result is None or not to_accept(result, standing.evidence):
            found["accept"] = NO_WARNING
        if not (result and record_of(result)) and standing.edit is None:
            found["copy_record"] = "There is no record to copy yet."
        if _TABS[self._tab] != "board":
            found["shown"] = "Only checks can be filtered; they are on the first tab."
        return found
