"""A cutover as rows of tables: its checks, the name servers and resolvers, the two registries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content

from transship.cutover.catchup import QUIET_ROUNDS, CatchupRound, round_words, tag_name
from transship.cutover.evidence import Evidence, TagPair
from transship.cutover.finding import CheckResult, Phase, Severity, utc_text
from transship.cutover.progress import CutoverState
from transship.cutover.status import CHANGED_STATES, CutoverStatus
from transship.text import counted, safe
from transship.views.cutover import (
    UNSETTLED_STATES,
    CheckRow,
    CheckRowState,
    GridCell,
    acknowledged_by,
    age_words,
    catchup_words,
    check_row_counts,
    countdown_text,
    unanswered_questions,
    waits_for,
)
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, Mark
from transship_tui.widgets.table import Column, VirtualTable

CHECK_COLUMNS = (
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


class CheckRows:
    """The checks, each phase under its title.

    `only_open` leaves out what is settled, and puts the gravest first.
    """

    def __init__(self, rows: Sequence[CheckRow], now: float, *, only_open: bool = False) -> None:
        self._now = now
        self._lines = list(_lay_out_checks(rows, only_open=only_open))

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
        if not isinstance(rows, CheckRows) or not len(rows) or rows.row(found) is not None:
            return found
        return found - 1 if 0 < found < self.cursor else found + 1


def _lay_out_checks(rows: Sequence[CheckRow], *, only_open: bool) -> Iterator[CheckRow | _Title]:
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


RESOLVER_COLUMNS = (
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


TAG_COLUMNS = (
    Column("State", 10),
    Column("Tag", 24),
    Column("What"),
    Column("Age", 6, right=True, least=70),
)
_ASKS = Mark("?", "asks", NEWS)
_FAILED = Mark("✗", "failed", BAD)
_TO_COPY = Mark("+", "to copy", CARE)
_COPIED = Mark("✓", "copied", OK)
_NEW_ONLY = Mark("!", "new only", CARE)
_GONE = Mark("–", "gone", QUIET)
_DOING = {
    "look": Mark("·", "compared", QUIET),
    "copy": Mark("·", "round", QUIET),
    "back": Mark("↶", "back", QUIET),
}
_MOST = 6


@dataclass(frozen=True, slots=True)
class _Line:
    """One tag of the last round, or one round. `pair` is what enter decides about."""

    key: str
    mark: Mark
    name: str
    what: str
    at: float
    pair: TagPair | None = None
    more: str = ""


class StepRows:
    """The tags that differ after the last round, those to be decided first; then the rounds."""

    def __init__(self, standing: CutoverStatus, now: float) -> None:
        self._now = now
        self._lines = list(_lay_out_tags(standing))

    def __len__(self) -> int:
        return len(self._lines)

    def key(self, index: int) -> str:
        """Return the tag, or the moment of a round."""
        return self._lines[index].key

    def pair(self, index: int) -> TagPair | None:
        """Return the tag on a line that somebody has to decide, None on any other."""
        return self._lines[index].pair if index < len(self._lines) else None

    def cells(self, index: int) -> Sequence[Content]:
        """Return state, tag, what became of it, and how old that is."""
        line = self._lines[index]
        return (
            line.mark.content(),
            Content(line.name),
            Content.styled(line.what, QUIET if line.mark.color == QUIET else ""),
            Content.styled(age_words(line.at, self._now), QUIET),
        )

    def words(self, index: int, *, short: bool = False) -> tuple[Content, ...]:
        """Return one line in full, or `short` where there is little room."""
        if index >= len(self._lines):
            return ()
        line = self._lines[index]
        head = Content.assemble(line.mark.content(), f"  {line.name}  ", (line.what, QUIET))
        if short:
            return (head,)
        return head, *(Content.styled(each, QUIET) for each in line.more.split("\n") if each)


def _lay_out_tags(standing: CutoverStatus) -> Iterator[_Line]:
    if not standing.rounds:
        return
    last = standing.rounds[-1]
    yield from _tags(last)
    for number, each in reversed(list(enumerate(standing.rounds))):
        words = round_words(each) or "the same on both sides"
        job = f"by job {each.job}" if each.job else ""
        compared = f"{counted(each.compared, 'tag')} compared"
        more = safe(", ".join(filter(None, (compared, job))))
        yield _Line(
            f"round {number}", _DOING[each.doing], utc_text(each.at), words, each.at, more=more
        )


def _tags(last: CatchupRound) -> Iterator[_Line]:
    left, why = last.left, {(r, t): text for r, t, text in last.failed}
    failed = [each for each in last.found.copies if (each.repository, each.tag) in why]
    parts: tuple[tuple[Mark, Iterable[TagPair], str], ...] = (
        (_ASKS, left.asks, "both have pushed it: you decide"),
        (_FAILED, failed, ""),
        (_TO_COPY, (each for each in left.copies if each not in failed), "only the old has this"),
        (_NEW_ONLY, left.only_new, "only the new has this: going back hides it"),
        (_GONE, left.gone, ""),
        (_COPIED, last.copied, "to the old" if last.doing == "back" else "to the new"),
    )
    for mark, pairs, words in parts:
        for pair in pairs:
            said = words or why.get((pair.repository, pair.tag), "") or _gone(pair)
            more = f"old {pair.old or 'has none'}\nnew {pair.new or 'has none'}"
            asked = pair if mark is _ASKS else None
            name = tag_name(pair)
            yield _Line(f"tag {name}", mark, name, safe(said), last.at, asked, safe_lines(more))


def safe_lines(text: str) -> str:
    """Return lines that a terminal may show, each made safe by itself."""
    return "\n".join(map(safe, text.split("\n")))


def _gone(pair: TagPair) -> str:
    return f"deleted at the {'new' if pair.old else 'old'} registry; left at the other"


def step_words(
    standing: CutoverStatus, *, going: bool, begin: str, compare: str
) -> Iterator[Content]:
    """Give how far both registries are in step, and what is done about it."""
    if not standing.subject.old:
        yield Content.styled("The old registry isn't named, so nothing can be compared.", CARE)
        return
    last = standing.rounds[-1] if standing.rounds else None
    done = standing.quiet >= QUIET_ROUNDS
    sign, color = ("✓", OK) if done else ("·", QUIET)
    if last is not None and (last.left.asks or last.left.copies or last.failed):
        sign, color = "!", CARE
    yield Content.styled(f"{sign} {catchup_words(standing)}", color)
    if going:
        words = f"▸ Rounds go on: what only the old one gets is copied. {begin} stops them."
        yield Content.styled(words, NEWS)
    elif done:
        yield Content.styled("Nothing more has to be copied.", QUIET)
    else:
        yield Content.styled(f"No rounds are made. {begin} begins; {compare} only compares.", QUIET)


def step_label(standing: CutoverStatus, *, going: bool) -> str:
    """Return the name of the tab, with how much is to be decided or copied."""
    left = standing.rounds[-1].left if standing.rounds else None
    count = len(left.asks) + len(left.copies) if left else 0
    return "Tags" + (f" to do {count}" if count else "") + (" ▸" if going else "")


def rounds_question(standing: CutoverStatus) -> Content:
    """Return what is asked before rounds begin."""
    subject = standing.subject
    old, new = safe(subject.old), safe(subject.new)
    parts: list[str | tuple[str, str]] = [
        f"Both registries are compared again and again. What was pushed to {old} alone is copied "
        f"to {new}, by a job each time. A tag that both have pushed is left as it is, and you are "
        "asked. Nothing is deleted, and nothing is written to the old registry.\n\n"
    ]
    copies = standing.rounds[-1].left.copies if standing.rounds else ()
    if copies:
        parts.append((f"To copy now, {counted(len(copies), 'tag')}:\n", CARE))
        parts += [f"  {safe(tag_name(each))}\n" for each in copies[:_MOST]]
        parts += [f"  and {len(copies) - _MOST} more\n"] if len(copies) > _MOST else []
        parts.append("\n")
    elif not standing.rounds:
        parts.append(("They weren't compared yet: what is to be copied isn't known.\n\n", CARE))
    end = "It ends when two rounds have found nothing since every resolver has followed"
    if standing.state not in CHANGED_STATES:
        end = "Before the change it goes on until you stop it; after it, until nothing more comes"
    parts.append((f"{end}, or when you stop it or close the board.", QUIET))
    return Content.assemble(*parts)
