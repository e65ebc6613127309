"""A line for a pattern, and the tables that have one below them: what to show, what to mark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from transship.matching import is_everything, matcher
from transship_tui.keys import words_for
from transship_tui.widgets.table import Column, Rows, VirtualTable

NOTHING_MATCHES = "Nothing matches; {back} shows all."
"""What a list says that a pattern has emptied."""


class PatternInput(Horizontal):
    """Asks for a pattern. It is away until it is opened, and stays while a pattern holds.

    Patterns are those of `transship.matching`; what they are for is up to who opens it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Show all", tooltip="Take the pattern away"),
        Binding("down,up", "accept", "To the list", show=False),
    ]
    DEFAULT_CSS = """
    PatternInput {
        height: 1;
        padding: 0 1;
        background: $panel;
        display: none;
        &.-open { display: block; }
        &>#purpose { width: auto; color: $text-accent; }
        &>#hits { width: auto; color: $text-muted; padding: 0 0 0 1; }
        &>Input, &>Input:focus {
            width: 1fr; background: $panel; background-tint: transparent;
        }
    }
    """

    @dataclass
    class Changed(Message):
        """Another pattern was typed."""

        pattern: str

    @dataclass
    class Accepted(Message):
        """The pattern is as it shall be."""

        pattern: str

    class GivenUp(Message):
        """No pattern is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self._hits = ""

    def compose(self) -> ComposeResult:
        """Give what it is for, the pattern, and what the pattern finds."""
        yield Static(id="purpose")
        pattern = Input(compact=True, select_on_focus=False)
        # A cursor that blinks is redrawn twice a second, over SSH too.
        pattern.cursor_blink = False
        yield pattern
        yield Static(id="hits")

    def open(self, purpose: str, pattern: str, hint: str = "") -> None:
        """Come into sight. `hint` is read while nothing is typed."""
        self.query_one("#purpose", Static).update(Content(f"{purpose} "))
        asked = self.query_one(Input)
        asked.placeholder = hint
        with asked.prevent(Input.Changed):
            asked.value = pattern
        self.add_class("-open")

    def ask(self, purpose: str, pattern: str, hint: str) -> None:
        """Come into sight, and let the operator type."""
        self.open(purpose, pattern, hint)
        # At once, so that what is typed after the key isn't taken for keys.
        self.screen.set_focus(self.query_one(Input))

    def close(self) -> None:
        """Go away."""
        self.remove_class("-open")

    def hits(self, words: str) -> None:
        """Say what the pattern finds."""
        if words != self._hits:
            self._hits = words
            self.query_one("#hits", Static).update(Content(words))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell the pattern on while it is typed."""
        event.stop()
        self.post_message(self.Changed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Tell that the pattern is complete."""
        event.stop()
        self.post_message(self.Accepted(event.value))

    def action_accept(self) -> None:
        """Go back to the list, with the pattern as it is."""
        self.post_message(self.Accepted(self.query_one(Input).value))

    def action_give_up(self) -> None:
        """Ask for everything again."""
        self.post_message(self.GivenUp())


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


_FILTER_HINT = "part of it, ~fuzzy, !not"


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
        self.query_one(PatternInput).ask("/", self._pattern, _FILTER_HINT)

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
