"""A cutover's checks as rows of a table, and one of them in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content

from transship.cutover.evidence import Evidence
from transship.cutover.finding import CheckResult, Phase, Severity, utc_text
from transship.cutover.progress import CutoverState
from transship.cutover.status import CutoverStatus
from transship.text import safe
from transship.views.cutover import (
    UNSETTLED_STATES,
    CheckRow,
    CheckRowState,
    acknowledged_by,
    age_words,
    check_row_counts,
    unanswered_questions,
    waits_for,
)
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, Mark
from transship_tui.widgets.rows import Column
from transship_tui.widgets.virtual_table import VirtualTable

COLUMNS = (
    Column("State", 10),
    Column("Check", 34),
    Column("Seen"),
    Column("Age", 6, right=True, least=70),
)
NARROW = 76
MARKS = {
    CheckRowState.PASS: Mark("✓", "pass", OK),
    CheckRowState.INFO: Mark("·", "info", QUIET),
    CheckRowState.WARN: Mark("!", "warn", CARE),
    CheckRowState.BLOCKS: Mark("✗", "blocks", BAD),
    CheckRowState.CHECKING: Mark("…", "checking", QUIET),
    CheckRowState.OPEN: Mark("?", "open", NEWS),
    CheckRowState.ACCEPTED: Mark("⊘", "accepted", QUIET),
    CheckRowState.SKIPPED: Mark("⊘", "skipped", QUIET),
    CheckRowState.LATER: Mark("–", "later", QUIET),
}
STATES = {
    CutoverState.BEFORE: Mark("·", "before", QUIET),
    CutoverState.READY: Mark("▸", "ready", NEWS),
    CutoverState.CHANGING: Mark("…", "changing", CARE),
    CutoverState.CHANGED: Mark("…", "changed", NEWS),
    CutoverState.MOVED: Mark("✓", "moved", OK),
    CutoverState.ROLLED_BACK: Mark("↶", "rolled back", CARE),
}


def state_mark(standing: CutoverStatus) -> Mark:
    """Return where a cutover stands: ready only if nothing at all stands in the way."""
    waits = standing.state is CutoverState.READY and waits_for(standing)
    return STATES[CutoverState.BEFORE if waits else standing.state]


_TITLES = {Phase.BEFORE: "Before", Phase.CHANGE: "Change", Phase.AFTER: "After"}
_SEVERITIES = {
    Severity.BLOCK: MARKS[CheckRowState.BLOCKS],
    Severity.WARN: MARKS[CheckRowState.WARN],
    Severity.INFO: MARKS[CheckRowState.INFO],
}


@dataclass(frozen=True, slots=True)
class _Title:
    """The line over the rows of one phase."""

    phase: Phase
    words: str


class BoardRows:
    """The checks, each phase under its title.

    `only_open` leaves out what is settled, and puts the gravest first.
    """

    def __init__(self, rows: Sequence[CheckRow], now: float, *, only_open: bool = False) -> None:
        self._now = now
        self._lines = list(_laid_out(rows, only_open=only_open))

    def __len__(self) -> int:
        return len(self._lines)

    def row(self, index: int) -> CheckRow | None:
        """Return the check on a line, None for a title."""
        line = self._lines[index] if index < len(self._lines) else None
        return line if isinstance(line, CheckRow) else None

    def key(self, index: int) -> str:
        """Return the check's id, or the phase of a title."""
        line = self._lines[index]
        return line.check if isinstance(line, CheckRow) else f"phase {line.phase}"

    def cells(self, index: int) -> Sequence[Content]:
        """Return state, title, what was seen, and how old that is."""
        line = self._lines[index]
        if isinstance(line, _Title):
            title = Content.styled(_TITLES[line.phase].upper(), "bold")
            return title, Content.styled(line.words, QUIET), Content(""), Content("")
        quiet = "" if line.state in UNSETTLED_STATES else QUIET
        return (
            MARKS[line.state].content(),
            Content(f"{line.check} {line.title}"),
            Content.styled(line.seen, quiet),
            Content.styled(age_words(line.taken, self._now), QUIET),
        )


class ChecksTable(VirtualTable):
    """The checks; the cursor steps over the title of a phase, about which nothing can be done."""

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a check."""
        found = super().validate_cursor(cursor)
        rows = self.rows
        if not isinstance(rows, BoardRows) or not len(rows) or rows.row(found) is not None:
            return found
        return found - 1 if 0 < found < self.cursor else found + 1


def _laid_out(rows: Sequence[CheckRow], *, only_open: bool) -> Iterator[CheckRow | _Title]:
    for phase in Phase:
        of_phase = [row for row in rows if row.phase is phase]
        shown = [row for row in of_phase if not only_open or row.state in UNSETTLED_STATES]
        if not of_phase or (only_open and not shown):
            continue
        yield _Title(phase, counts_words(of_phase))
        yield from (
            sorted(shown, key=lambda row: UNSETTLED_STATES.index(row.state)) if only_open else shown
        )


def counts_words(rows: Sequence[CheckRow]) -> str:
    """Return how many rows are in which state: `2 blocks, 3 warn, 20 pass`."""
    return ", ".join(f"{count} {state}" for state, count in check_row_counts(rows).items())


def row_lines(
    row: CheckRow | None, result: CheckResult | None, evidence: Evidence | None
) -> Iterator[Content]:
    """Give the few lines under the table: what was seen, what it means, what to do."""
    if row is None or result is None:
        return
    yield Content.assemble(MARKS[row.state].content(), f"  {row.seen}")
    first = result.findings[0] if result.findings else None
    yield Content.styled(safe(first.means), QUIET) if first else Content("")
    if first and first.remedy:
        yield Content.assemble(("To do: ", "bold"), safe(first.remedy))
    else:
        asked = unanswered_questions(result, evidence)
        yield Content.styled(f"Asked: {asked[0].text}", NEWS) if asked else Content("")


def explained(result: CheckResult, row: CheckRow, standing: CutoverStatus, now: float) -> Content:
    """Return all there is to say of one check."""
    parts: list[str | tuple[str, str] | Content] = [MARKS[row.state].content()]
    taken = f"  seen {age_words(result.taken, now)} ago" if result.taken else ""
    parts += [(taken.replace("now ago", "just now"), QUIET), "\n"]
    if not result.findings and not (result.needs and row.seen == f"needs {safe(result.needs)}"):
        parts += [safe(result.seen or row.seen), "\n"]
    for finding in result.findings:
        parts += ["\n", _SEVERITIES[finding.severity].content(), f"  {safe(finding.seen)}\n"]
        parts += [("What it means  ", "bold"), f"{safe(finding.means)}\n"]
        if finding.remedy:
            parts += [("What to do     ", "bold"), f"{safe(finding.remedy)}\n"]
        for line in finding.record.splitlines():
            parts += [("  ", ""), (safe(line), NEWS), "\n"]
        if given := acknowledged_by(standing.evidence, result.check, finding.id):
            words = f"Acknowledged by {safe(given.by) or 'nobody named'}, {utc_text(given.at)}"
            parts += [(f"{words}: {safe(given.answer)}\n", QUIET)]
    if result.needs:
        parts += ["\n", ("It needs       ", "bold"), f"{safe(result.needs)}\n"]
    for each in unanswered_questions(result, standing.evidence):
        parts += [("It asks        ", "bold"), f"{each.text}\n"]
    if given := acknowledged_by(standing.evidence, result.check):
        words = f"Skipped by {safe(given.by) or 'nobody named'}, {utc_text(given.at)}"
        parts += [(f"{words}: {safe(given.answer)}\n", QUIET)]
    if row.state is CheckRowState.BLOCKS and result.phase is Phase.BEFORE:
        parts += [("\nThe change waits for this.", CARE)]
    return Content.assemble(*parts)
