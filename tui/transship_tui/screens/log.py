"""The log: what the app has told since it was opened, and what its jobs came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.text import counted
from transship_tui.dialogs.facts import FactsDialog
from transship_tui.keys import bindings
from transship_tui.marks import mark
from transship_tui.record import Told
from transship_tui.screens.frame import Frame
from transship_tui.widgets.filtered_table import FilteredTable
from transship_tui.widgets.rows import Column
from transship_tui.widgets.totals import clock_text
from transship_tui.widgets.virtual_table import VirtualTable

_COLUMNS = (Column("When", 8), Column("What", 13), Column("Told"))


class LogScreen(Frame):
    """Errors, what went well, and the states of jobs, the newest last."""

    MODE = "log"
    WITHOUT_LINE = "No line shows this: it is of the open app only.."
    BINDINGS: ClassVar[list[BindingType]] = bindings("log")
    HELP = """
Everything that was told since the app was opened, the newest last. {list.open} shows the whole of
it with what to do about it. A job's own log is in the job; what was asked of registries is in the
API console ({console}).
"""

    def __init__(self) -> None:
        super().__init__()
        self._shown = -1

    def compose_body(self) -> ComposeResult:
        """Give the table."""
        yield FilteredTable[Told](_COLUMNS, _cells, empty="Nothing was told yet.")

    def on_mount(self) -> None:
        """Show what is there, and what comes."""
        self.query_one(VirtualTable).focus()
        self._show()
        self.set_interval(0.5, self._show)

    def _show(self) -> None:
        record = self.transship.record
        if record.revision == self._shown:
            return
        self._shown = record.revision
        told = record.told()
        errors = sum(each.kind == "error" for each in told)
        self.heading("Log", f"{counted(len(told), 'entry', 'entries')}, {counted(errors, 'error')}")
        self.query_one(FilteredTable).show(told)

    def action_filter(self) -> None:
        """Let the operator type what to show."""
        self.query_one(FilteredTable).ask_filter()

    async def action_back(self) -> None:
        """Show everything again if some is hidden; else go back."""
        if not self.query_one(FilteredTable).clear_filter():
            await super().action_back()

    @on(VirtualTable.Opened)
    def action_explain(self) -> None:
        """Show the whole of what was told."""
        told = self.query_one(FilteredTable).under_cursor
        if isinstance(told, Told):
            facts = (
                ("When", clock_text(told.at)),
                ("What", told.title),
                ("Detail", told.detail),
                ("What to do", told.remedy),
            )
            shown = [(name, value) for name, value in facts if value]
            self.app.push_screen(FactsDialog(mark(told.kind), shown))


def _cells(told: Told) -> Sequence[Content]:
    words = f"{told.title}: {told.detail}" if told.detail else told.title
    return (Content(clock_text(told.at)), mark(told.kind), Content(words))
