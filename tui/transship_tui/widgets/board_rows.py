"""A flow's board and its history as rows of tables."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from transship.plans.flow import Flow
from transship.text import safe
from transship.transfers.promotion import (
    BoardCell,
    BoardRow,
    PromotionOutcome,
    PromotionRecord,
    StageBoard,
    StageStep,
)
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, mark
from transship_tui.naming import Naming
from transship_tui.stages import ARROWS, hexadecimal, letter
from transship_tui.widgets.rows import Column
from transship_tui.widgets.totals import when_text

HISTORY_COLUMNS = (
    Column("When", 12),
    Column("Outcome", 11),
    Column("Image"),
    Column("From", 10, least=76),
    Column("To", 10),
    Column("Digest", 12, least=76),
    Column("By", least=100),
)

_LEAST_NAME = 24
_COLORS = {StageStep.NONE: "", StageStep.NEW: NEWS, StageStep.REPLACE: CARE, StageStep.UNKNOWN: BAD}
_OUTCOMES = {
    PromotionOutcome.ASKED: "running",
    PromotionOutcome.PARTLY: "warning",
    PromotionOutcome.UNDONE: "warning",
}


def board_columns(flow: Flow, width: int) -> tuple[Column, ...]:
    """Return a column for the images and one for each stage; narrow ones have no digests."""
    count = len(flow.stages)
    room = max(5, (width - _LEAST_NAME - 2) // count - 1)
    each = min(room, 18)
    return (Column("Image"), *(Column(safe(stage.name), each) for stage in flow.stages))


class BoardRows:
    """Images across all stages."""

    def __init__(self, rows: Sequence[BoardRow], digits: int) -> None:
        self.rows = rows
        self._digits = digits

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, index: int) -> str:
        """Return the image's name."""
        return str(self.rows[index].image)

    def cells(self, index: int) -> Sequence[Content]:
        """Return the image, and what each stage has of it."""
        row = self.rows[index]
        return (Content(safe(str(row.image))), *(self._cell(cell) for cell in row.cells))

    def _cell(self, cell: BoardCell) -> Content:
        if cell.digest is None or cell.mark is None:
            return Content.styled("?", BAD) if cell.problem else Content.styled("–", QUIET)
        digest = hexadecimal(cell.digest)[: self._digits]
        words = " ".join(filter(None, (letter(cell.mark), digest, ARROWS.get(cell.step, ""))))
        return Content.styled(words, _COLORS[cell.step])


def digits_for(width: int) -> int:
    """Return how many digits of a digest fit into a stage's column, beside letter and arrow."""
    room = width - 4
    return min(12, room) if room >= 6 else 0


class HistoryRows:
    """What was promoted, the newest first."""

    def __init__(self, entries: Sequence[PromotionRecord], now: float) -> None:
        self.entries = tuple(reversed(entries))
        self._now = now

    def __len__(self) -> int:
        return len(self.entries)

    def key(self, index: int) -> str:
        """Return the promotion's number."""
        return str(self.entries[index].number)

    def cells(self, index: int) -> Sequence[Content]:
        """Return when, what became of it, what, from where to where, and by whom."""
        entry = self.entries[index]
        return (
            Content(when_text(entry.asked, self._now)),
            outcome_mark(entry.outcome),
            Content(safe(str(entry.image))),
            Content(safe(entry.begins)),
            Content(safe(entry.ends)),
            Content(hexadecimal(entry.digest)),
            Content(safe(str(entry.by))),
        )


def outcome_mark(outcome: PromotionOutcome) -> Content:
    """Return how a promotion ended, with its sign."""
    known = _OUTCOMES.get(outcome)
    if known is None:
        return mark(str(outcome))
    sign = mark(known)
    return Content.assemble((f"{sign.plain.split()[0]} {outcome}", CARE))


def image_facts(board: StageBoard, row: BoardRow, naming: Naming) -> list[tuple[str, str]]:
    """Return all that the board has of one image, stage by stage."""
    facts = []
    for stage, cell in zip(board.flow.stages, row.cells, strict=True):
        where = stage.reference(row.image.repository, row.image.tag)
        facts += [(stage.name, ""), ("At", naming.place(str(where)))]
        if cell.digest is not None and cell.mark is not None:
            facts.append((f"Digest {letter(cell.mark)}", cell.digest))
        elif cell.problem is None:
            facts.append(("Digest", "isn't there"))
        if cell.problem is not None:
            facts.append(("Problem", str(cell.problem)))
        if cell.step in _STEPS:
            facts.append(("Next", _STEPS[cell.step]))
    return facts


_STEPS = {
    StageStep.NEW: "can be promoted",
    StageStep.REPLACE: "can be promoted, in place of another digest",
    StageStep.UNKNOWN: "can't be told: one of the two stages couldn't be looked at",
}


def row_lines(row: BoardRow, last: PromotionRecord | None, now: float) -> list[Content]:
    """Return in a few lines what each letter of a row stands for, and who moved the image last."""
    digests = dict.fromkeys(
        (cell.mark, cell.digest) for cell in row.cells if cell.digest and cell.mark is not None
    )
    known = "   ".join(f"{letter(sign)} {hexadecimal(digest)}" for sign, digest in digests)
    state = ("✓ the same everywhere   ", OK) if row.is_settled else ""
    problem = next((cell.problem for cell in row.cells if cell.problem), None)
    more = ""
    if last is not None:
        when = when_text(last.asked, now)
        more = f"last promoted to {last.ends} {when} by {last.by}: {last.outcome}"
    if problem is not None:
        more = f"? {problem}"
    return [
        Content.assemble((f"{safe(str(row.image))}   ", "bold"), state, known),
        Content.styled(safe(more), BAD if problem else QUIET),
    ]


def entry_lines(entry: PromotionRecord, naming: Naming) -> list[Content]:
    """Return in two lines what was promoted, from where to where, and what went wrong."""
    detail = Content.styled(safe(entry.detail), BAD)
    way = naming.way(str(entry.source.at(entry.source.tag)), str(entry.target))
    return [Content(way), detail]


def entry_facts(entry: PromotionRecord, naming: Naming) -> list[tuple[str, str]]:
    """Return all that the ledger has of one promotion."""
    facts = (
        ("Image", str(entry.image)),
        ("From", f"{entry.begins}: {naming.place(str(entry.source))}"),
        ("To", f"{entry.ends}: {naming.place(str(entry.target))}"),
        ("Digest", entry.digest),
        ("Replaced", entry.replaced or ""),
        ("By", str(entry.by)),
        ("Job", entry.job),
        ("Why", entry.detail),
    )
    return [(name, value) for name, value in facts if value]
