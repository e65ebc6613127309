"""What can be done at a registry: a row for each answer, and in short beside its account."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from transship.registry.capability_card import CapabilityCard, CardRow
from transship.text import safe
from transship_tui.capabilities import SEEN, SIGNS, answer_of, grouped, how_of, name_of
from transship_tui.marks import BAD, CARE, OK, QUIET

_COLORS = {"yes": OK, "no": BAD, "partly": CARE}


class CapabilityRow(Vertical):
    """One answer, how, and what it means for a migration."""

    DEFAULT_CSS = """
    CapabilityRow {
        &, & Horizontal { height: auto; }
        & .answer { width: 13; }
        & .name { width: 12; color: $text-muted; }
        & .value { width: 1fr; }
        & .means { margin-left: 2; color: $foreground-muted; }
    }
    """

    def __init__(self, row: CardRow) -> None:
        super().__init__()
        self._row = row

    def compose(self) -> ComposeResult:
        """Give the answer, what it is about, and the words."""
        with Horizontal():
            yield Static(_answer(answer_of(self._row)), classes="answer")
            yield Static(Content(name_of(self._row)), classes="name")
            how, seen = safe(how_of(self._row)), _seen(self._row)
            yield Static(Content.assemble(how, " " if how else "", seen), classes="value")
        if means := self._row.fact.means:
            yield Static(Content(safe(means)), classes="means")


def in_short(card: CapabilityCard) -> Content:
    """Return a line for each answer, with the names of what it holds for."""
    lines = (
        Content.assemble(_answer(answer), f": {', '.join(names)}")
        for answer, names in grouped(card)
    )
    return Content("\n").join(lines)


def in_lines(card: CapabilityCard) -> Content:
    """Return all answers, each with how, or with what it means where it is a no."""
    return Content("\n").join(map(_line, card.rows))


def _line(row: CardRow) -> Content:
    answer = answer_of(row)
    words = safe(row.fact.means if answer == "no" else how_of(row))
    name = (f"{name_of(row)} ", "bold")
    gap = " " if row.seen else ""
    return Content.assemble(name, _answer(answer), f": {words}" if words else "", gap, _seen(row))


def _answer(answer: str) -> Content:
    return Content.styled(f"{SIGNS[answer]} {answer}", _COLORS.get(answer, QUIET))


def _seen(row: CardRow) -> Content:
    return Content.styled(f"({SEEN})", QUIET) if row.seen else Content("")
