"""How the columns of a table share its width, and how a row is laid out in them."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.content import Content

from transship_tui.widgets.table import Column, row_strip, widths

COLUMNS = (Column("Name"), Column("Size", 8, right=True), Column("Why", least=60), Column("To"))

columns = st.lists(
    st.builds(Column, st.just("x"), st.integers(0, 30), st.booleans(), st.integers(0, 120)),
    max_size=6,
)


def test_what_is_left_is_shared_by_those_without_a_width() -> None:
    assert widths(COLUMNS, 81) == [23, 8, 23, 22]


def test_a_column_that_needs_more_room_is_left_out() -> None:
    assert widths(COLUMNS, 50) == [19, 8, 0, 19]


@given(columns, st.integers(0, 200), st.sampled_from([1, 2]))
def test_a_table_is_filled_exactly_where_a_column_can_grow(
    of: list[Column], width: int, lead: int
) -> None:
    found = widths(of, width, lead)
    shown = [column for column in of if column.least <= width]
    least = lead + sum(column.width + 1 for column in shown)
    assert len(found) == len(of)
    if width >= least and any(not column.width for column in shown):
        assert lead + sum(found) + len(shown) == width


@given(st.text(max_size=200), st.integers(1, 120))
def test_a_row_is_as_wide_as_its_table_whatever_it_says(text: str, width: int) -> None:
    strip = row_strip([Content(text)] * 4, COLUMNS, width, Style.null())
    assert strip.cell_length == width
    assert not [sign for sign in strip.text if unicodedata.category(sign) in ("Cc", "Cf", "Cs")]
