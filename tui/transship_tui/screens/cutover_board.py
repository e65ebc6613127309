"""One cutover: the checks before, at and after the change, the clocks, and the way back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
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
    waits_shortly,
    why_not_back,
)
from transship.cutover.reports.standing import CHANGED, Standing
from transship.errors import CutoverBusy, TransshipError
from transship.text import safe
from transship_tui.keys import bindings
from transship_tui.lines import check_line, cutover_line
from transship_tui.screens.cutover_acts import CutoverActs
from transship_tui.widgets.cutover_grid import COLUMNS as GRID_COLUMNS
from transship_tui.widgets.cutover_grid import GridRows, grid_lines
from transship_tui.widgets.cutover_rows import (
    COLUMNS,
    STATES,
    BoardRows,
    counts_words,
    explained,
    row_lines,
)
from transship_tui.widgets.cutover_words import (
    change_content,
    clock_contents,
    new_record,
    notes_content,
)
from transship_tui.widgets.tab_line import TabLine
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_TABS = ("board", "grid", "change", "notes")
_BUSY_LOOK_SECONDS = 1.0
_ROOMY = 34
"""So many lines are enough to explain a check below the table."""


class CutoverBoardScreen(CutoverActs):
    """The cutover called `name`. What was never checked is checked at once.

    With `report` its report is asked for at once.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("cutover")
    CSS_PATH = "cutover_board.tcss"
    HELP: ClassVar[str] = """
Before the change: each check says what was seen, and how old that is; enter explains it and says
what to do. What blocks has to be put right, a warning can be acknowledged (A), and what can't be
seen from here is asked (a). Nothing here changes anything: t only looks.

The change: by hand, at your DNS provider, with the lines that the Change tab shows; it is seen by
itself. Where Transship may change the record, Change… asks you to type the domain first.

After it: three clocks, by the rules of DNS, as resolvers were seen, and for those that are late.
The way back is always shown, with what it takes and what it would hide.
"""

    def __init__(self, name: str, *, report: bool = False) -> None:
        super().__init__(name)
        self._report = report
        self._tab = 0
        self._only_open = True
        self._watching = False
        self._wants_watch = True

    def compose_body(self) -> ComposeResult:
        """Give the clocks, the parts, one row in words, and the two buttons."""
        yield TextLines(id="clocks")
        yield TabLine()
        yield VirtualTable(COLUMNS, id="board", empty="Nothing was checked yet.")
        yield VirtualTable(GRID_COLUMNS, id="grid", empty="Nobody was asked yet.", can_open=False)
        with VerticalScroll(id="change"):
            yield Static(id="edit")
        with VerticalScroll(id="notes"):
            yield Static(id="told")
        yield TextLines(id="row")
        with VerticalScroll(id="full", can_focus=False):
            yield Static(id="words")
        with Horizontal(id="cutover-line"):
            yield Button("Change…", id="change-it", compact=True, variant="primary")
            yield Button("Roll back…", id="back-it", compact=True)
            yield Static(id="why")

    def on_mount(self) -> None:
        """Show what is known; check what never was, then go on watching."""
        self.reload()
        if self.standing is not None:
            self._show_tab()
            self.set_interval(1.0, self._tick)
            if self.standing.evidence is None:
                self._check()
            else:
                self._watch()
            if self._report:
                self.action_report()

    # What is known

    def show(self, standing: Standing) -> None:
        """Show how the cutover stands."""
        self.standing = standing
        host = standing.subject.domain.shown or standing.subject.domain.name
        way = f"{standing.subject.old or '?'} → {standing.subject.points_at}"
        self.heading(host, f"{STATES[standing.state].word}  {way}")
        subject = standing.subject
        self.line(
            cutover_line(subject.domain.host) if standing.state in CHANGED else check_line(subject)
        )
        self._show_tabs()
        self._show_rows()
        self.query_one("#edit", Static).update(change_content(standing))
        self.query_one("#told", Static).update(notes_content(standing.notes))
        self._show_buttons()
        self._tick()

    def _show_rows(self) -> None:
        if (standing := self.standing) is None:
            return
        now = self.transship.engine.clock.now()
        board = BoardRows(rows_of(standing), now, only_open=self._only_open)
        table = self.query_one("#board", VirtualTable)
        first = not len(table.rows)
        empty = "Nothing was checked yet."
        if self._only_open and standing.checks:
            empty = "Nothing is left to settle; f shows all checks."
        table.show(board, empty=empty)
        if first and len(board) > 1:
            table.go_to(board.key(1))
        if table.cursor <= 1:
            # The title over the first check is to be seen.
            table.scroll_to(y=0, animate=False)
        self.query_one("#grid", VirtualTable).show(GridRows(grid_of(standing), now))

    def _show_tabs(self) -> None:
        if (standing := self.standing) is None:
            return
        moved, resolvers = moved_of(grid_of(standing))
        asked = f" {moved}/{resolvers}" if resolvers and standing.state in CHANGED else ""
        rows = rows_of(standing)
        open_ones = sum(row.state in UNSETTLED for row in rows)
        checks = f"To do {open_ones}" if self._only_open else f"All checks {len(rows)}"
        labels = (checks, f"Servers{asked}", "Change", "Journal")
        self.query_one(TabLine).tabs(labels, self._tab)

    def _show_buttons(self) -> None:
        if (standing := self.standing) is None:
            return
        applier = standing.applier
        by_hand = applier is None or bool(applier.why_not)
        change, back = (self.query_one(each, Button) for each in ("#change-it", "#back-it"))
        change.label = "Show change" if by_hand else "Change…"
        why_not = waits_shortly(standing) or self.why_not_change
        changed = standing.state in CHANGED
        change.disabled = not by_hand and (bool(why_not) or changed)
        back.disabled = not changed
        self.query_one("#why", Static).update(Content(self._why(why_not, changed=changed)))
        self.refresh_bindings()

    def _why(self, why_not: str, *, changed: bool) -> str:
        if self.standing and self.standing.checking:
            return f"looking: {safe(self.standing.checking)}"
        if changed and self.standing is not None:
            return why_not_back(self.standing) or "going back is possible"
        return why_not or "nothing stands in the way of the change"

    def _tick(self) -> None:
        """Let the clocks go on."""
        if (standing := self.standing) is None:
            return
        now = self.transship.engine.clock.now()
        self.query_one("#clocks", TextLines).show(clock_contents(standing, now))
        if _TABS[self._tab] == "grid":
            self.query_one("#grid", VirtualTable).show(GridRows(grid_of(standing), now))
        self._show_row()

    def on_resize(self) -> None:
        """Explain the check under the cursor in full where there is the room."""
        self._show_row()

    @on(VirtualTable.CursorMoved)
    def _show_row(self) -> None:
        roomy = self.size.height >= _ROOMY and _TABS[self._tab] == "board"
        self.query_one("#full").display = roomy
        self.query_one("#row").display = not roomy and self._tab < 2
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
        if _TABS[self._tab] == "grid":
            table = self.query_one("#grid", VirtualTable)
            if isinstance(table.rows, GridRows):
                now = self.transship.engine.clock.now()
                yield from grid_lines(table.rows.cell(table.cursor), now)
        elif _TABS[self._tab] == "board":
            table = self.query_one("#board", VirtualTable)
            if isinstance(table.rows, BoardRows):
                row = table.rows.row(table.cursor)
                yield from row_lines(row, self.meant, self.standing.evidence)
                if row is None and len(table.rows):
                    yield Content(counts_words(rows_of(self.standing)))

    @property
    def meant(self) -> CheckResult | None:
        """The check under the cursor, while the checks are in front."""
        table = self.query_one("#board", VirtualTable)
        if self.standing is None or _TABS[self._tab] != "board":
            return None
        return self.standing.result(table.key_at_cursor() or "")

    # Looking

    def action_test(self) -> None:
        """Make all checks anew."""
        self.hush()
        self._check()

    @work(group="check", exclusive=True, exit_on_error=False)
    async def _check(self) -> None:
        self.workers.cancel_group(self, "watch")
        if await self._follow(self.transship.engine.check_cutover(self.cutover)):
            self._watch()

    def action_watch(self) -> None:
        """Stop asking DNS again and again, or go on with it."""
        self._wants_watch = not self._wants_watch
        if self._wants_watch:
            self.tell("Name servers and resolvers are asked again and again")
            self._watch()
        else:
            self.workers.cancel_group(self, "watch")
            self.tell("DNS isn't asked any more; z goes on")

    @work(group="watch", exclusive=True, exit_on_error=False)
    async def _watch(self) -> None:
        if not self._wants_watch:
            return
        if await self._follow(self.transship.engine.watch_cutover(self.cutover), busy=True):
            # Somebody else watches: what that process sees is read from the journal.
            self.set_timer(_BUSY_LOOK_SECONDS, self._watch)

    async def _follow(self, seen: AsyncIterator[Standing], *, busy: bool = False) -> bool:
        """Show what comes; tell whether it ended well, or with `busy` whether to look again."""
        try:
            async with aclosing(cast("AsyncGenerator[Standing]", seen)) as standings:
                async for standing in standings:
                    self.show(standing)
        except CutoverBusy:
            self.reload()
            return busy
        except TransshipError as error:
            self.fail(error)
            self.reload()
            return False
        return not busy

    def work_failed(self, group: str) -> None:  # noqa: ARG002 - all of them are over then
        """Wait for nothing any more."""
        self.reload()

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
                part.focus()
        self._show_tabs()
        self._tick()

    def show_change(self) -> None:
        """Show the edit."""
        self._tab = _TABS.index("change")
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
            return dict.fromkeys(
                ("test", "answer", "accept", "shown", "watch", "copy_record", "report"),
                "The cutover can't be read.",
            )
        found: dict[str, str] = {}
        if standing.checking:
            found["test"] = "It is being looked at."
        if result is None or not unanswered(result, standing.evidence):
            found["answer"] = "Nothing is asked here."
        if result is None or not to_accept(result, standing.evidence):
            found["accept"] = "Here is no warning that could be acknowledged; what blocks can't be."
        if not (result and record_of(result)) and standing.edit is None:
            found["copy_record"] = "There is no record to copy yet."
        if _TABS[self._tab] != "board":
            found["shown"] = "Only checks can be filtered; they are on the first tab."
        if self.changing:
            found |= dict.fromkeys(("back", "leave"), "The record is being changed; wait for it.")
        return found
