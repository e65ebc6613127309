"""The drift of a plan as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from transship.plans.drift import DriftRow, DriftState
from transship.text import safe
from transship_tui.marks import BAD, CARE, NEWS, QUIET, Mark
from transship_tui.naming import Naming
from transship_tui.stages import hexadecimal
from transship_tui.widgets.rows import Column
from transship_tui.widgets.worklist_view import short_name

COLUMNS = (
    Column("State", 19),
    Column("At the target"),
    Column("From", least=110),
    Column("Why", least=76),
)
_NOTHING = "nothing: no rule puts it there"
MARKS = {
    DriftState.SAME: Mark("=", "same", QUIET),
    DriftState.DIFFERS: Mark("≠", "differs", BAD),
    DriftState.MISSING: Mark("+", "missing at target", NEWS),
    DriftState.EXTRA: Mark("»", "only at target", CARE),
    DriftState.UNKNOWN: Mark("?", "not compared", CARE),
}


class DriftRows:
    """Tags at the targets, each with how it compares."""

    def __init__(self, rows: Sequence[DriftRow]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> str:
        """Return where the tag is at the target."""
        return str(self._rows[index].target)

    def cells(self, index: int) -> Sequence[Content]:
        """Return state, target, source, and why it couldn't be compared."""
        row = self._rows[index]
        return (
            MARKS[row.state].content(),
            Content(short_name(row.target)),
            Content(short_name(row.wanted.source) if row.wanted else ""),
            Content.styled(row.why or _digests(row), QUIET),
        )


def in_full(row: DriftRow, naming: Naming) -> list[Content]:
    """Return one row with all of its names and digests; `naming` says what places are called."""
    source = f"{naming.place(str(row.wanted.source))} → " if row.wanted else ""
    return [
        Content(f"{source}{naming.place(str(row.target))}"),
        Content.styled(safe(_words(row)), QUIET),
    ]


def row_facts(row: DriftRow, naming: Naming) -> list[tuple[str, str]]:
    """Return all that is known of one row."""
    facts = (
        ("From", naming.place(str(row.wanted.source)) if row.wanted else _NOTHING),
        ("Digest", row.source_digest or ""),
        ("To", naming.place(str(row.target))),
        ("Its digest", row.target_digest or ""),
        ("Why", row.why),
    )
    return [(name, value) for name, value in facts if value]


def _words(row: DriftRow) -> str:
    if row.why:
        return row.why
    match row.state:
        case DriftState.MISSING:
            return "the target doesn't have the tag"
        case DriftState.EXTRA:
            return "no rule puts it there now"
    return _digests(row)


def _digests(row: DriftRow) -> str:
    if row.state is DriftState.DIFFERS and row.source_digest and row.target_digest:
        return f"{hexadecimal(row.source_digest)} → {hexadecimal(row.target_digest)}"
    return (
        hexadecimal(row.source_digest) if row.state is DriftState.SAME and row.source_digest else ""
    )
