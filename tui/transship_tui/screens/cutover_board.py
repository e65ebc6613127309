"""One cutover: the checks before, at and after the change, the clocks, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.widgets import Button

from transship.cutover.finding import CheckResult
from transship.cutover.status import CHANGED_STATES, CutoverStatus
from transship.guide import Next, Step
from transship.views.cutover import (
    first_record,
    remaining_gate,
    unacknowledged,
    unanswered_questions,
    waits_for,
)
from transship_tui.keys import bindings
from transship_tui.screens.cutover_shown import TABS, CutoverShown
from transship_tui.widgets.bars import MessageBar
from transship_tui.widgets.cutover_buttons import CutoverButtons
from transship_tui.widgets.cutover_rows import BoardRows
from transship_tui.widgets.cutover_step_rows import StepRows
from transship_tui.widgets.cutover_words import new_record
from transship_tui.widgets.tab_line import TabLine
from transship_tui.widgets.virtual_table import VirtualTable

_ACTIONS = (
    *("test", "answer", "accept", "shown", "watch", "copy_record", "report"),
    *("rounds", "compare", "way", "change", "roll_back"),
)
NOTHING_ASKED = "This asks nothing; open it to see what to do about it."
NO_WARNING = "Here is no warning that could be acknowledged; what blocks can't be."


class CutoverBoardScreen(CutoverShown):
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

    @on(VirtualTable.CursorMoved, "#board")
    def _say_no_longer(self) -> None:
        """Take back why a key did nothing on the check before."""
        if self.query_one(MessageBar).message.plain[2:] in (NOTHING_ASKED, NO_WARNING):
            self.hush()

    # The guide

    def take_step(self, step: Step) -> bool:
        """Go on with the change, or to what it waits for."""
        standing = self.standing
        if standing is None or (step is not Step.CUTOVER and self._waits(standing)):
            return False
        if standing.state in CHANGED_STATES:
            self._choose_tab("grid")
        elif why_not := waits_for(standing):
            self._choose_tab("board")
            gate = remaining_gate(standing)
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
        if standing is None or standing.state in CHANGED_STATES or self._waits(standing):
            return coming
        host = standing.subject.domain.host
        return Next(Step.CUTOVER, f"Nothing stands in the way: change {host}.")

    def _waits(self, standing: CutoverStatus) -> bool:
        return standing.state not in CHANGED_STATES and bool(waits_for(standing))

    # Moving around

    def action_tab(self, by: int) -> None:
        """Show another part."""
        self._tab = (self._tab + by) % len(TABS)
        self._show_tab()

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self._tab = event.index
        self._show_tab()

    def show_change(self) -> None:
        """Show the edit."""
        self._choose_tab("change")

    def show_step(self) -> None:
        """Show how far both registries are in step."""
        self._choose_tab("step")

    def _choose_tab(self, name: str) -> None:
        self._tab = TABS.index(name)
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
        record = first_record(result) if result else ""
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

    def _impossible_here(
        self, standing: CutoverStatus, result: CheckResult | None
    ) -> dict[str, str]:
        """Say what can't be done about the check under the cursor, and on this tab."""
        found = {}
        if result is None or not unanswered_questions(result, standing.evidence):
            found["answer"] = NOTHING_ASKED
        if result is None or not unacknowledged(result, standing.evidence):
            found["accept"] = NO_WARNING
        if not (result and first_record(result)) and standing.edit is None:
            found["copy_record"] = "There is no record to copy yet."
        if self.tab != "board":
            found["shown"] = "Only checks can be filtered; they are on the first tab."
        return found
