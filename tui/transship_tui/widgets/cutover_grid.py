"""Name servers and resolvers as rows: whose value each has, and for how much longer."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from transship.views.cutover import GridCell, age_words, countdown_text
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, Mark
from transship_tui.widgets.rows import Column

COLUMNS = (
    Column("Says", 9),
    Column("Who", 22),
    Column("Value"),
    Column("Expires", 9, right=True),
    Column("Follows", 7, right=True),
    Column("Of", 13, least=100),
    Column("Note", least=100),
    Column("Age", 6, right=True, least=70),
)
_MARKS = {
    "old": Mark("○", "old", QUIET),
    "new": Mark("●", "new", OK),
    "other": Mark("◆", "other", CARE),
    "missing": Mark("✗", "missing", BAD),
    "silent": Mark("–", "silent", CARE),
}
_KINDS = {
    "server": "authoritative",
    "system": "this machine",
    "operator": "yours",
    "public": "public",
}


class GridRows:
    """Who says what, in the order of the grid. `changed` says that there is something to follow."""

    def __init__(self, cells: Sequence[GridCell], now: float, *, changed: bool) -> None:
        self._cells = cells
        self._now = now
        self._changed = changed

    def __len__(self) -> int:
        return len(self._cells)

    def key(self, index: int) -> str:
        """Return kind and place."""
        cell = self._cells[index]
        return f"{cell.kind} {cell.name} {cell.address}"

    def cell(self, index: int) -> GridCell | None:
        """Return what stands on a line."""
        return self._cells[index] if index < len(self._cells) else None

    def cells(self, index: int) -> Sequence[Content]:
        """Return whose value it is, who says it, the value, and for how long."""
        cell = self._cells[index]
        return (
            _MARKS[cell.says].content(),
            Content(cell.name),
            Content(", ".join(cell.values) or cell.note),
            Content(_left(cell, self._now)),
            _moved(cell) if self._changed else Content(""),
            Content.styled(_KINDS.get(cell.kind, cell.kind), QUIET),
            Content.styled(cell.note, QUIET),
            Content.styled(age_words(cell.at, self._now), QUIET),
        )


def grid_lines(cell: GridCell | None, now: float, *, changed: bool) -> tuple[Content, ...]:
    """Return one server in words, after a change with how often it has followed."""
    if cell is None:
        return ()
    kind = _KINDS.get(cell.kind, cell.kind)
    who = f"{cell.name} ({cell.address}), {kind}"
    says = ", ".join(cell.values) or "nothing"
    ttl = f", TTL {cell.ttl} s" if cell.ttl else ""
    note = f"  {cell.note}" if cell.note else ""
    if changed and cell.kind != "server":
        note = f"; {cell.moved} of {cell.enough} answers in a row lead where the record does{note}"
    return (
        Content(who),
        Content.assemble(_MARKS[cell.says].content(), f"  {says}{ttl}"),
        Content.styled(f"{_asked(age_words(cell.at, now))}{note}", QUIET),
    )


def _asked(age: str) -> str:
    return "asked just now" if age in ("now", "") else f"asked {age} ago"


def _left(cell: GridCell, now: float) -> str:
    if cell.kind == "server":
        return f"TTL {cell.ttl}" if cell.ttl else ""
    left = cell.left(now)
    if left is None:
        return ""
    return countdown_text(left) if left else "expired"


def _moved(cell: GridCell) -> Content:
    if cell.kind == "server":
        return Content("")
    color = OK if cell.has_moved else NEWS if cell.moved else QUIET
    return Content.styled(f"{cell.moved}/{cell.enough}", color)
