"""A table with a line below it for a pattern: what to show, or what to mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from transship.matching import is_everything, matcher
from transship_tui.keys.words import words_for
from transship_tui.widgets.pattern_input import NOTHING_MATCHES, PatternInput
from transship_tui.widgets.rows import Column, Rows
from transship_tui.widgets.virtual_table import VirtualTable

_HINT = "part of a name, v1.*, ~fuzzy, !not"


class PatternTable(Vertical):
    """A table whose rows are known by their names. Who owns it narrows it by `pattern`."""

    DEFAULT_CSS = """
    PatternTable { height: 1fr; }
    """

    @dataclass
    class Narrowed(Message):
        """Another pattern holds; other rows are to be shown."""

        pattern: str

    class Marked(Message):
        """Other rows are marked."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        empty: str = "",
        can_mark: bool = False,
        can_open: bool = True,
    ) -> None:
        super().__init__(id=id)
        self.table = VirtualTable(columns, empty=empty, can_mark=can_mark, can_open=can_open)
        self.pattern = ""
        self._marking = False

    def compose(self) -> ComposeResult:
        """Give the table, and the line for a pattern."""
        yield self.table
        yield PatternInput()

    @property
    def _asked(self) -> PatternInput:
        return self.query_one(PatternInput)

    def show(self, rows: Rows, total: int, *, empty: str) -> None:
        """Show those of `total` rows that the pattern leaves; `empty` is said if there are none."""
        narrowed = not is_everything(self.pattern)
        self.table.show(rows, empty=words_for(self, NOTHING_MATCHES) if narrowed else empty)
        if not self._marking:
            self._asked.hits(f"{len(rows):,} of {total:,}" if narrowed else "")

    def ask_filter(self) -> None:
        """Let the operator type what to show."""
        self._marking = False
        self._asked.ask("/", self.pattern, _HINT)

    def ask_marks(self) -> None:
        """Let the operator type what to mark."""
        self._marking = True
        self._asked.ask("mark", "", _HINT)

    def clear_filter(self) -> bool:
        """Show all again; tell whether anything was hidden."""
        self._asked.close()
        hidden = bool(self.pattern)
        if hidden:
            self._narrow("")
        return hidden

    def _narrow(self, pattern: str) -> None:
        self.pattern = pattern
        self.post_message(self.Narrowed(pattern))

    @on(VirtualTable.MarksChanged)
    def _marked(self, event: VirtualTable.MarksChanged) -> None:
        # Textual stops a message at whoever has caused it, which a pattern makes this.
        event.stop()
        self.post_message(self.Marked())

    @on(PatternInput.Changed)
    def _changed(self, event: PatternInput.Changed) -> None:
        event.stop()
        if not self._marking:
            self._narrow(event.pattern)
            return
        wanted, rows = matcher(event.pattern), self.table.rows
        hits = sum(wanted(rows.key(at)) for at in range(len(rows))) if event.pattern else 0
        self._asked.hits(f"marks {hits:,}")

    @on(PatternInput.Accepted)
    def _accepted(self, event: PatternInput.Accepted) -> None:
        event.stop()
        if self._marking and event.pattern.strip():
            self.table.mark_where(matcher(event.pattern))
        self._back()

    @on(PatternInput.GivenUp)
    def _given_up(self, event: PatternInput.GivenUp) -> None:
        event.stop()
        if not self._marking and self.pattern:
            self._narrow("")
        self._back()

    def _back(self) -> None:
        """Leave the pattern. One that still hides something stays in sight."""
        self._marking = False
        if self.pattern:
            self._asked.open("/", self.pattern)
        else:
            self._asked.close()
        self.table.focus()
