"""A table of what comes one after the other, the newest last, narrowed by a pattern."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from transship.matching import is_everything, matcher
from transship_tui.keys.words import words_for
from transship_tui.widgets.pattern_input import NOTHING_MATCHES, PatternInput
from transship_tui.widgets.rows import Column
from transship_tui.widgets.virtual_table import VirtualTable

_HINT = "part of it, ~fuzzy, !not"


class Numbered(Protocol):
    """Something that is known by a number."""

    @property
    def number(self) -> int:
        """The number; no two have the same."""


_Item = TypeVar("_Item", bound=Numbered)


class _ItemRows(Generic[_Item]):
    """Things as rows."""

    def __init__(self, items: Sequence[_Item], cells: Callable[[_Item], Sequence[Content]]) -> None:
        self.items = items
        self._cells = cells

    def __len__(self) -> int:
        return len(self.items)

    def key(self, index: int) -> str:
        """Return the number."""
        return str(self.items[index].number)

    def cells(self, index: int) -> Sequence[Content]:
        """Return the cells."""
        return self._cells(self.items[index])


class FilteredTable(Vertical, Generic[_Item]):
    """Shows things, each with its `cells`. A pattern is held against their cells' words.

    The cursor stays at the end while it is there, so that what comes is seen.
    """

    DEFAULT_CSS = """
    FilteredTable { height: 1fr; }
    """

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[_Item], Sequence[Content]],
        *,
        empty: str,
    ) -> None:
        super().__init__()
        self._columns = columns
        self._cells = cells
        self._empty = empty
        self._pattern = ""
        self._items: Sequence[_Item] = ()
        self._rows: _ItemRows[_Item] = _ItemRows((), cells)

    def compose(self) -> ComposeResult:
        """Give the table, and the line for a pattern."""
        yield VirtualTable(self._columns, empty=self._empty)
        yield PatternInput()

    @property
    def table(self) -> VirtualTable:
        """The table."""
        return self.query_one(VirtualTable)

    @property
    def under_cursor(self) -> _Item | None:
        """What the cursor stands on."""
        at = self.table.cursor
        return self._rows.items[at] if at < len(self._rows) else None

    def show(self, items: Sequence[_Item]) -> None:
        """Show these, as far as the pattern lets them."""
        follows = self.table.cursor >= len(self._rows) - 1
        self._items = items
        narrowed = not is_everything(self._pattern)
        if narrowed:
            wanted = matcher(self._pattern)
            items = [item for item in items if wanted(self._words(item))]
            self.query_one(PatternInput).hits(f"{len(items):,} of {len(self._items):,}")
        self._rows = _ItemRows(items, self._cells)
        empty = words_for(self, NOTHING_MATCHES) if narrowed else self._empty
        self.table.show(self._rows, empty=empty, at=len(items) - 1 if follows else None)

    def ask_filter(self) -> None:
        """Let the operator type what to show."""
        self.query_one(PatternInput).ask("/", self._pattern, _HINT)

    def clear_filter(self) -> bool:
        """Show all again; tell whether anything was hidden."""
        hidden, self._pattern = bool(self._pattern), ""
        self.query_one(PatternInput).close()
        self.show(self._items)
        return hidden

    def _words(self, item: Any) -> str:
        return " ".join(cell.plain for cell in self._cells(item))

    @on(PatternInput.Changed)
    def _pattern_changed(self, event: PatternInput.Changed) -> None:
        event.stop()
        self._pattern = event.pattern
        self.show(self._items)

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
