"""What was delegated to engines elsewhere, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.app.engines import RevertRequest
from transship.engines.changes import Delegation
from transship.errors import TransshipError
from transship.text import counted, safe
from transship_tui.keys import bindings
from transship_tui.keys.words import words_for
from transship_tui.lines_delegates import delegation_line, delegations_line
from transship_tui.marks import QUIET
from transship_tui.screens.changes import UndoChangesScreen
from transship_tui.screens.delegation import DelegationScreen
from transship_tui.screens.frame import Frame
from transship_tui.widgets.delegation_rows import (
    DELEGATION_COLUMNS,
    delegation_rows,
    undone_by,
)
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.virtual_table import VirtualTable

_NONE = (
    "Nothing was delegated yet. In a plan's preview ({plan}), {foreseen.who} chooses who moves it."
)


class DelegationsScreen(Frame):
    """All that this machine has changed at engines, the newest first."""

    MODE = "jobs"
    BINDINGS: ClassVar[list[BindingType]] = bindings("delegations")
    CSS_PATH = "delegation.tcss"
    HELP: ClassVar[str] = """
A delegation is what Transship has set up at an engine, Harbor or Tencent TCR, so that the engine
moves images by itself. Each change is in a journal on this machine, with what was there before.

{list.open} shows how it stands there now, and its executions. {delegations.undo} shows what taking
it back would change, and asks: what somebody has changed since is left, and named.
"""

    def __init__(self) -> None:
        super().__init__()
        self._delegations: Sequence[Delegation] = ()

    def compose_body(self) -> ComposeResult:
        """Give the list, and the one under the cursor in short."""
        yield VirtualTable(DELEGATION_COLUMNS, empty=words_for(self, _NONE))
        yield TextLines(id="card")

    def on_mount(self) -> None:
        """Put the cursor into the list."""
        self.query_one(VirtualTable).focus()

    def on_screen_resume(self) -> None:
        """Show them as they are now."""
        super().on_screen_resume()
        self._show()

    @property
    def _meant(self) -> Delegation | None:
        key = self.query_one(VirtualTable).key_at_cursor()
        return next((each for each in self._delegations if each.id == key), None)

    def action_refresh_list(self) -> None:
        """Read them anew."""
        self.hush()
        self._show()

    def _show(self) -> None:
        engine = self.transship.engine
        try:
            self._delegations = engine.engines.all()
        except TransshipError as error:
            self.fail(error)
            return
        count = len(self._delegations)
        self.heading("Delegations", counted(count, "delegation") if count else "")
        self.query_one(VirtualTable).show(delegation_rows(self._delegations, engine.clock.now()))
        self._say()

    @on(VirtualTable.CursorMoved)
    def _say(self) -> None:
        meant = self._meant
        self.line(delegation_line(meant.id) if meant else delegations_line())
        self.query_one("#card", TextLines).show(self._card(meant) if meant else ())
        self.refresh_bindings()

    def _card(self, meant: Delegation) -> Iterator[Content]:
        yield Content.styled(f"{meant.id}  {safe(meant.agreed.engine)}", "bold")
        names = ", ".join(str(change) for change in meant.agreed.changes)
        yield Content.styled(safe(names), QUIET)

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done with the one under the cursor, and why."""
        meant = self._meant
        if meant is None:
            return {"undo": "There is nothing here to undo."}
        by = undone_by(self._delegations).get(meant.id)
        return {"undo": f"It was undone by {by}."} if by else {}

    @on(VirtualTable.Opened)
    def _open(self, event: VirtualTable.Opened) -> None:
        self.hush()
        self.app.push_screen(DelegationScreen(event.key))

    def action_undo(self) -> None:
        """Show what undoing it would change."""
        if (meant := self._meant) is not None:
            self.hush()
            self.app.push_screen(undo_screen(meant.id))


def undo_screen(delegation: str) -> UndoChangesScreen:
    """Return what shows what undoing a delegation would change."""
    return UndoChangesScreen(
        RevertRequest(delegation), f"Undo {delegation}", delegation_line(delegation, "undo")
    )
