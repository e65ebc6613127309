"""How lines, tables and errors look."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship_tui.commands.output import (
    Ink,
    Lazily,
    cells,
    fitted,
    painted,
    show_json,
    table,
    tail,
    wrapped,
)


@given(st.text(), st.integers(min_value=1, max_value=100))
def test_what_is_fitted_fits(text: str, width: int) -> None:
    fit = fitted(text, width)
    assert cells(fit) <= width
    assert fit == text or fit.endswith("…")


@given(st.text(), st.integers(min_value=1, max_value=100))
def test_what_is_cut_at_its_beginning_keeps_its_end(text: str, width: int) -> None:
    cut = tail(text, width)
    assert cells(cut) <= width
    assert cut == text or (cut.startswith("…") and text.endswith(cut[1:]))


@given(st.lists(st.text("ab-`/", min_size=1, max_size=30)), st.integers(20, 100))
def test_what_is_wrapped_keeps_its_words_whole(words: list[str], width: int) -> None:
    lines = list(wrapped(" ".join(words), "  ", width, "→ "))

    assert " ".join(lines).split() == (["→", *words] if words else [])
    assert all(cells(line) <= width or len(line.split()) <= 2 for line in lines)


def test_what_is_wrapped_hangs_below_its_mark_and_is_one_line_where_there_is_no_terminal() -> None:
    remedy = "Sign in again with `transship login HOST`.\x1b[2J"

    assert list(wrapped(remedy, "  ", 30, "→ ")) == [
        "  → Sign in again with",
        "    `transship login HOST`.",
        "    [2J",
    ]
    assert list(wrapped(remedy, "  ", None, "→ ")) == [
        "  → Sign in again with `transship login HOST`. [2J"
    ]


def test_wide_letters_take_two_columns() -> None:
    assert cells("日本") == 4
    assert fitted("日本語", 5) == "日本…"


def test_a_table_is_aligned_and_leaves_out_what_is_empty() -> None:
    lines = list(table(("A", "B", "C"), [("日", "", "1"), ("xyz", "", "22")], None))
    assert lines == ["A    C", "日   1", "xyz  22"]


def test_a_table_is_harmless_and_no_wider_than_the_terminal() -> None:
    lines = list(table(("NAME", "WHY"), [("web", "\x1b[31mred\n" + "x" * 100)], 40))
    assert max(map(cells, lines)) <= 40
    assert "\x1b" not in "".join(lines)


def test_a_table_without_rows_is_its_header() -> None:
    assert list(table(("A", "B"), [], None)) == ["A  B"]


def test_a_table_is_the_same_however_its_rows_come() -> None:
    rows = [("web", "", "1"), ("api", "", "22")]
    assert list(table(("A", "B", "C"), iter(rows), None)) == list(
        table(("A", "B", "C"), rows, None)
    )


@given(st.lists(st.integers()))
def test_a_document_whose_items_are_made_as_they_are_written_reads_as_any(
    numbers: list[int],
) -> None:
    written = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", written)
        show_json({"numbers": Lazily(str, numbers), "more": []})

    document = {"numbers": [str(number) for number in numbers], "more": []}
    assert written.getvalue() == json.dumps(document, indent=2) + "\n"


def test_colours_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert painted("x", Ink.BAD, io.StringIO()) == "x"
    assert painted("x", Ink.BAD, Screen()) == "\x1b[1;31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert painted("x", Ink.BAD, Screen()) == "x"
