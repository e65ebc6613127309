"""A table that draws only what is seen, so that fifty thousand rows open at once, and its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from transship.text import safe
from transship_tui.keys import bindings
from transship_tui.naming import middle_cut
from transship_tui.widgets.text_lines import redraw, segments_of


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `width` in cells; 0 shares what is left with the other columns of that kind."""

    title: str
    width: int = 0
    right: bool = False
    least: int = 0
    """The table's width from which on the column is shown."""
    middle: bool = False
    """Whether what is too long is cut in its middle, as names of places are."""


class Rows(Protocol):
    """What a table shows."""

    def __len__(self) -> int:
        """Return how many rows there are."""

    def key(self, index: int) -> str:
        """Return what a row is known by while rows come and go."""

    def cells(self, index: int) -> Sequence[Content]:
        """Return one content for each column. Called when the row is drawn."""


class NoRows:
    """Nothing to show."""

    def __len__(self) -> int:
        return 0

    def key(self, index: int) -> str:
        """Return what a row is known by; there is none."""
        raise IndexError(index)

    def cells(self, index: int) -> Sequence[Content]:
        """Return the cells of a row; there is none."""
        raise IndexError(index)


def widths(columns: Sequence[Column], width: int, lead: int = 1) -> list[int]:
    """Return each column's width in a table of `width` cells; 0 for one that isn't shown.

    `lead` cells stand before the first column, and one after each.
    """
    shown = [column for column in columns if column.least <= width]
    flexible = [column for column in shown if not column.width]
    fixed = sum(column.width + 1 for column in shown if column.width)
    left = max(0, width - lead - fixed - len(flexible))
    share, rest = divmod(left, max(1, len(flexible)))
    found = []
    for column in columns:
        if column.least > width:
            found.append(0)
        elif column.width:
            found.append(column.width)
        else:
            found.append(share + (1 if rest > 0 else 0))
            rest -= 1
    return found


def row_strip(
    cells: Sequence[Content],
    columns: Sequence[Column],
    width: int,
    style: Style,
    *,
    lead: str = " ",
    plain: bool = False,
) -> Strip:
    """Lay the cells of one row out behind `lead`.

    `plain` leaves out their colours, which would clash with the cursor's.
    """
    parts = [Segment(lead, style)]
    for cell, column, room in zip(cells, columns, widths(columns, width, len(lead)), strict=True):
        if room == 0:
            continue
        text = _harmless(cell)
        text = Content(text.plain) if plain else text
        text = middle_cut(text, room) if column.middle else text.truncate(room, ellipsis=True)
        segments = segments_of(text, style)
        padding = Segment(" " * (room - text.cell_length), style)
        parts += [padding, *segments] if column.right else [*segments, padding]
        parts.append(Segment(" ", style))
    return Strip(parts).adjust_cell_length(width, style)


def _harmless(cell: Content) -> Content:
    """Return a cell that can't steer the terminal or shift the columns.

    One that has to be cleaned loses its colours: what they stood at is no longer there.
    """
    clean = safe(cell.plain)
    return cell if clean == cell.plain.strip(" ") else Content(clean)


_Line = tuple[int, bool, bool, bool, int]
"""What a drawn row depends on: its index, cursor, focus, mark and width."""


class VirtualTable(ScrollView, can_focus=True):
    """A table with a cursor and marks over any number of rows."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("list")
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "virtual-table--header",
        "virtual-table--cursor",
        "virtual-table--marked",
        "virtual-table--empty",
    }
    DEFAULT_CSS = """
    VirtualTable {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        &>.virtual-table--header { color: $text-muted; text-style: bold; }
        &>.virtual-table--cursor { background: $surface-lighten-1; }
        &>.virtual-table--marked { color: $text-accent; text-style: bold; }
        &>.virtual-table--empty { color: $text-muted; }
        &:focus>.virtual-table--cursor {
            background: $block-cursor-background; color: $block-cursor-foreground;
        }
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)

    @dataclass
    class Opened(Message):
        """A row was opened."""

        table: VirtualTable
        index: int
        key: str

        @property
        def control(self) -> VirtualTable:
            """The table."""
            return self.table

    @dataclass
    class CursorMoved(Message):
        """The cursor stands on another row."""

        table: VirtualTable
        index: int
        key: str

        @property
        def control(self) -> VirtualTable:
            """The table."""
            return self.table

    @dataclass
    class MarksChanged(Message):
        """Other rows are marked."""

        table: VirtualTable

        @property
        def control(self) -> VirtualTable:
            """The table."""
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        empty: str = "Nothing here.",
        can_mark: bool = False,
        can_open: bool = True,
    ) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._rows: Rows = NoRows()
        self._count = 0
        self._empty = empty
        self._can_mark = can_mark
        self._can_open = can_open
        self._anchor: str | None = None
        self._lines: LRUCache[_Line, Strip] = LRUCache(1000)
        self._drawn: dict[int, Strip] = {}
        self.marked: set[str] = set()
        """The keys of the marked rows."""

    @property
    def rows(self) -> Rows:
        """What is shown."""
        return self._rows

    def title(self, column: int, title: str) -> None:
        """Give a column another title."""
        if self._columns[column].title != title:
            columns = list(self._columns)
            columns[column] = replace(columns[column], title=title)
            self._columns = tuple(columns)
            self.refresh(Region(0, 0, self.size.width, 1))

    def lay_out(self, columns: Sequence[Column]) -> None:
        """Show other columns, one for each cell of a row."""
        if self._columns != tuple(columns):
            self._columns = tuple(columns)
            self._lines.clear()
            self.refresh()

    def show(self, rows: Rows, *, empty: str | None = None, at: int | None = None) -> None:
        """Show other rows, or the same ones changed. The cursor stays on its row if that is there.

        `empty` is said instead of rows when there are none. `at` is where the cursor goes, for
        callers that know better.
        """
        held = self.key_at_cursor()
        self._rows = rows
        if empty is not None:
            self._empty = empty
        self._count_rows()
        if at is None:
            at = self._index_of(held, near=self.cursor)
        cursor = self.validate_cursor(self.cursor if at is None else at)
        self.set_reactive(VirtualTable.cursor, cursor)
        self._lines.clear()
        self._follow_cursor()
        redraw(self, self._drawn, self._line)
        if self.key_at_cursor() != held:
            self._say_cursor()

    def grew(self) -> None:
        """Take note that rows were added at the end."""
        before = self._count
        self._count_rows()
        if before - self.scroll_offset.y < self.size.height:
            self.refresh()
        if before == 0:
            self._say_cursor()

    def changed(self) -> None:
        """Draw again what is seen and looks different. Which rows there are is still the same."""
        self._lines.clear()
        redraw(self, self._drawn, self._line)

    def key_at_cursor(self) -> str | None:
        """Return the key of the row under the cursor, or None in an empty table."""
        return self._rows.key(self.cursor) if self.cursor < self._count else None

    def go_to(self, key: str) -> bool:
        """Put the cursor on the row with this key; tell whether there is one."""
        index = self._index_of(key, near=self.cursor)
        if index is None:
            return False
        self.cursor = index
        return True

    def mark_where(self, wanted: Callable[[str], bool]) -> int:
        """Mark every row whose key is wanted; return how many are marked now."""
        keys = (self._rows.key(index) for index in range(self._count))
        self.marked.update(key for key in keys if wanted(key))
        self._marks_changed()
        return len(self.marked)

    def render_line(self, y: int) -> Strip:
        """Draw one line: the header stays on top, whatever is scrolled."""
        strip = self._drawn[y] = self._line(y)
        return strip

    def _line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            titles = [Content(column.title) for column in self._columns]
            style = self.get_component_rich_style("virtual-table--header")
            return row_strip(titles, self._columns, width, style, lead=self._lead())
        index = y - 1 + self.scroll_offset.y
        if index < self._count:
            return self._row(index)
        lines = self._empty_lines() if self._count == 0 else []
        # A line stays free between the titles and the words that stand for rows.
        if 0 <= y - 2 < len(lines):
            style = self.get_component_rich_style("virtual-table--empty")
            return Strip([Segment(f" {lines[y - 2]}", style)]).adjust_cell_length(width, style)
        return Strip.blank(width, self.rich_style)

    def _empty_lines(self) -> list[str]:
        words = Content(safe(self._empty))
        return [line.plain.rstrip() for line in words.wrap(max(1, self.size.width - 2))]

    def _row(self, index: int) -> Strip:
        at_cursor = index == self.cursor
        marked = self._rows.key(index) in self.marked
        line = (index, at_cursor, self.has_focus, marked, self.size.width)
        if (strip := self._lines.get(line)) is not None:
            return strip
        style = self.rich_style
        if marked:
            style += self.get_component_rich_style("virtual-table--marked", partial=True)
        if at_cursor:
            style += self.get_component_rich_style("virtual-table--cursor", partial=True)
        strip = row_strip(
            self._rows.cells(index),
            self._columns,
            self.size.width,
            style,
            lead=self._lead("●" if marked else " "),
            plain=at_cursor and self.has_focus,
        )
        self._lines[line] = strip
        return strip

    def _lead(self, sign: str = " ") -> str:
        return f"{sign} " if self._can_mark else " "

    def notify_style_update(self) -> None:
        """Draw everything anew in other colours."""
        super().notify_style_update()
        self._lines.clear()

    def on_resize(self) -> None:
        """Lay out anew."""
        self._count_rows()
        self._follow_cursor()

    def on_focus(self) -> None:
        """Show the cursor in the colours of the focus."""
        self._refresh_row(self.cursor)

    def on_blur(self) -> None:
        """Show the cursor in the colours of the background."""
        self._refresh_row(self.cursor)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; twice opens."""
        index = event.y - 1 + self.scroll_offset.y
        if event.y > 0 and 0 <= index < self._count:
            self.cursor = index
            if event.chain == 2:
                self.action_open()

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(cursor, self._count - 1))

    def watch_cursor(self, before: int, now: int) -> None:
        """Follow the cursor, and tell whoever shows more of its row."""
        self._follow_cursor()
        self._refresh_row(before)
        self._refresh_row(now)
        self._say_cursor()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Take the cursor along when the mouse scrolls: it is never out of sight."""
        super().watch_scroll_y(old_value, new_value)
        # Textual leaves it where it was while it isn't shown, as it isn't in the midst of a resize.
        self.vertical_scrollbar.position = new_value
        seen = self._seen()
        if seen and self.cursor not in seen:
            self.cursor = seen[0] if self.cursor < seen[0] else seen[-1]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to mark and to open only where that can be done."""
        if action in ("mark", "mark_range", "unmark"):
            return self._can_mark
        if action == "open":
            return self._can_open
        return super().check_action(action, parameters)

    def _count_rows(self) -> None:
        self._count = len(self._rows)
        self.virtual_size = Size(self.size.width, self._count + 1)

    def _seen(self) -> range:
        """Return the rows in the window; the header takes its first line."""
        first = self.scroll_offset.y
        return range(first, min(self._count, first + self.size.height - 1))

    def _index_of(self, key: str | None, *, near: int) -> int | None:
        """Return where the row with this key is. Where it was, `near`, it most often still is."""
        if key is None:
            return None
        if near < self._count and self._rows.key(near) == key:
            return near
        return next((i for i in range(self._count) if self._rows.key(i) == key), None)

    def _refresh_row(self, index: int) -> None:
        self.refresh(Region(0, index + 1 - self.scroll_offset.y, self.size.width, 1))

    def _follow_cursor(self) -> None:
        # The header takes a line of the window, so a row has that much less to be seen in.
        self.scroll_to_region(
            Region(0, self.cursor, 1, 2), animate=False, force=True, immediate=True
        )

    def _say_cursor(self) -> None:
        key = self.key_at_cursor()
        if key is not None:
            self.post_message(self.CursorMoved(self, self.cursor, key))

    def _marks_changed(self) -> None:
        self.refresh()
        self.post_message(self.MarksChanged(self))

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move the cursor by half a window, times `by`."""
        self.cursor += by * max(1, (self.size.height - 1) // 2)

    def action_first(self) -> None:
        """Go to the first row."""
        self.cursor = 0

    def action_last(self) -> None:
        """Go to the last row."""
        self.cursor = self._count - 1

    def action_open(self) -> None:
        """Open the row under the cursor."""
        key = self.key_at_cursor()
        if key is not None:
            self.post_message(self.Opened(self, self.cursor, key))

    def action_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away, and go on to the next."""
        key = self.key_at_cursor()
        if key is None:
            return
        self.marked ^= {key}
        self._anchor = key
        self.cursor += 1
        self._marks_changed()

    def action_mark_range(self) -> None:
        """Mark every row from the one marked last to the cursor; without one, that row alone."""
        anchor = self._index_of(self._anchor, near=self.cursor)
        first, last = sorted((self.cursor if anchor is None else anchor, self.cursor))
        self.marked.update(self._rows.key(i) for i in range(first, min(last + 1, self._count)))
        self._anchor = self.key_at_cursor()
        self._marks_changed()

    def action_unmark(self) -> None:
        """Take all marks away."""
        self.marked.clear()
        self._marks_changed()
