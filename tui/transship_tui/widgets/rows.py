"""What a table shows: rows by their number, and how its columns share the room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip

from transship.text import safe
from transship_tui.naming import middle_cut
from transship_tui.widgets.text_lines import segments_of


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
