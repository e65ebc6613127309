"""The board of a cutover: a row for each check, and what still stands in the way. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from transship.cutover.evidence import Evidence, Statement
from transship.cutover.finding import CheckResult, Finding, Outcome, Phase, Severity
from transship.cutover.progress import State
from transship.cutover.questions import ACCEPTED, Question, question, reading, statement
from transship.cutover.reports.standing import CHANGED, Standing
from transship.cutover.rules.catalogue import BY_ID
from transship.cutover.rules.judging import Gate, back, go
from transship.text import counted, safe

_MANY = 3
_LOSSES = "R-03"


class RowState(StrEnum):
    """How a row is shown."""

    PASS = "pass"  # noqa: S105 - no password
    INFO = "info"
    WARN = "warn"
    BLOCKS = "blocks"
    CHECKING = "checking"
    OPEN = "open"
    ACCEPTED = "accepted"
    """A warning that somebody has acknowledged."""
    SKIPPED = "skipped"
    """It can't be known, and somebody has decided to go on without."""
    LATER = "later"
    """It has its time after the change."""


UNSETTLED = (RowState.BLOCKS, RowState.WARN, RowState.OPEN, RowState.CHECKING)


@dataclass(frozen=True, slots=True)
class Row:
    """One check. `seen` is what was seen, what it needs, or who has decided what about it."""

    check: str
    title: str
    phase: Phase
    state: RowState
    seen: str
    taken: float | None = None


def rows_of(standing: Standing) -> tuple[Row, ...]:
    """Return a row for each check, in the order of the checks."""
    waiting = "" if standing.state in CHANGED else _checks(way_there(standing))
    return tuple(_row(result, standing, waiting) for result in standing.checks)


def way_there(standing: Standing) -> Gate:
    """Return what still stands in the way of the change."""
    return go(standing.checks, standing.evidence.statements if standing.evidence else ())


def why_not_back(standing: Standing) -> str:
    """Return why going back is blocked, empty when it isn't."""
    if standing.state not in CHANGED:
        return (
            "nothing was changed yet" if standing.state is not State.ROLLED_BACK else "it is done"
        )
    if impossible := why_never_back(standing):
        return impossible
    if standing.way_back is not None:
        return safe(standing.way_back.blocked)
    return next((safe(each.means) for each in back(standing.checks).blocks), "")


def why_never_back(standing: Standing) -> str:
    """Return why nobody may go back, whatever they would give up; empty when they may.

    That the old registry doesn't answer is such a reason, that tags would be hidden isn't.
    """
    found = (each for each in back(standing.checks).blocks if each.check != _LOSSES)
    return next((safe(each.means) for each in found), "")


def waits_for(standing: Standing) -> str:
    """Return what the change waits for, in words; empty when it waits for nothing."""
    if not standing.checks:
        return "nothing was checked yet"
    gate = way_there(standing)
    parts = (
        (gate.blocks, f"{counted(len(gate.blocks), 'thing')} to be put right"),
        (gate.open, f"{counted(len(gate.open), 'thing')} to be found out"),
        (gate.unaccepted, f"{counted(len(gate.unaccepted), 'warning')} to be acknowledged"),
    )
    words = ", ".join(text for found, text in parts if found)
    return safe(f"waits for {words} ({_checks(gate)})") if words else ""


def waits_shortly(standing: Standing) -> str:
    """Return which checks the change waits for; empty when it waits for nothing."""
    if not standing.checks:
        return "nothing was checked yet"
    ids = _checks(way_there(standing))
    return f"waits for {ids}" if ids else ""


def stops(standing: Standing) -> tuple[Finding, ...]:
    """Return what blocks at this moment: the change, or once it was made, pulls after it.

    What only blocks the way back isn't in it.
    """
    found = way_there(standing).blocks
    if standing.state in CHANGED:
        later = (each for each in standing.checks if each.phase is Phase.AFTER)
        found += tuple(
            finding
            for each in later
            if not _is_way_back(each)
            for finding in each.findings
            if finding.severity is Severity.BLOCK
        )
    return found


def acceptance(check: str, finding: str = "") -> str:
    """Return what a statement is called that acknowledges a warning, or goes on without a check."""
    return f"{ACCEPTED}{check}/{finding}" if finding else f"{ACCEPTED}{check}"


def taken_on(evidence: Evidence | None, check: str, finding: str = "") -> Statement | None:
    """Return who has acknowledged a warning, or decided to go on without a check."""
    return statement(evidence, acceptance(check, finding)) if evidence else None


def to_accept(result: CheckResult, evidence: Evidence | None) -> tuple[str, ...]:
    """Return the names of what can be acknowledged of a check, and isn't yet.

    The warnings; the check itself where it is open and the change may be made without it. What
    blocks can't be.
    """
    found = tuple(each.id for each in result.findings if each.severity is Severity.WARN)
    if not found and result.outcome is Outcome.OPEN and _may_be_skipped(result):
        found = ("",)
    return tuple(
        acceptance(result.check, each)
        for each in found
        if taken_on(evidence, result.check, each) is None
    )


def questions_of(result: CheckResult) -> tuple[Question, ...]:
    """Return the questions that belong to a check."""
    known = BY_ID.get(result.check)
    return tuple(map(question, known.questions)) if known else ()


def unanswered(result: CheckResult, evidence: Evidence | None) -> tuple[Question, ...]:
    """Return those of a check's questions that nobody has answered well."""
    return tuple(
        each
        for each in questions_of(result)
        if evidence is None or not ((read := reading(evidence, each.id)) and read.good)
    )


def record_of(result: CheckResult) -> str:
    """Return the first record to copy that a check has found, empty without one."""
    return next((each.record for each in result.findings if each.record), "")


def counts_of(rows: Iterable[Row]) -> dict[RowState, int]:
    """Return how many rows there are in each state, in the order of their weight."""
    found = [row.state for row in rows]
    order = (
        RowState.BLOCKS,
        RowState.WARN,
        RowState.OPEN,
        RowState.CHECKING,
        RowState.ACCEPTED,
        RowState.SKIPPED,
        RowState.INFO,
        RowState.PASS,
        RowState.LATER,
    )
    return {state: found.count(state) for state in order if state in found}


def _row(result: CheckResult, standing: Standing, waiting: str) -> Row:
    state, by = _state(result, standing)
    seen = safe(_seen(result, state, by, waiting))
    return Row(result.check, safe(result.title), result.phase, state, seen, result.taken)


def _state(result: CheckResult, standing: Standing) -> tuple[RowState, Statement | None]:
    severity, evidence = result.severity, standing.evidence
    if _is_way_back(result) and standing.state not in CHANGED:
        return RowState.LATER, None
    if severity is Severity.BLOCK:
        return RowState.BLOCKS, None
    if severity is Severity.WARN:
        return _warned(result.check, result.findings, evidence)
    if result.outcome is Outcome.OPEN:
        if by := taken_on(evidence, result.check):
            return RowState.SKIPPED, by
        if result.phase is not Phase.BEFORE and standing.state not in CHANGED:
            return RowState.LATER, None
        return (RowState.CHECKING if standing.checking else RowState.OPEN), None
    return (RowState.INFO if severity is Severity.INFO else RowState.PASS), None


def _warned(
    check: str, findings: tuple[Finding, ...], evidence: Evidence | None
) -> tuple[RowState, Statement | None]:
    warnings = [each for each in findings if each.severity is Severity.WARN]
    given = [taken_on(evidence, check, each.id) for each in warnings]
    known = [each for each in given if each is not None]
    if len(known) < len(warnings):
        return RowState.WARN, None
    return RowState.ACCEPTED, max(known, key=lambda each: each.at)


def _seen(result: CheckResult, state: RowState, by: Statement | None, waiting: str) -> str:
    if by is not None:
        return f"by {by.by or 'nobody named'}: {by.answer}"
    if state is RowState.LATER:
        if result.findings or (_is_way_back(result) and not result.needs):
            return result.findings[0].seen if result.findings else result.seen
        if result.phase is Phase.AFTER:
            return "comes after the change"
        return f"waits for {waiting}" if waiting else "comes with the change"
    if state in (RowState.OPEN, RowState.CHECKING) and result.needs:
        return f"needs {result.needs}"
    return result.findings[0].seen if result.findings else result.seen


def _is_way_back(result: CheckResult) -> bool:
    return result.check.startswith("R-")


def _may_be_skipped(result: CheckResult) -> bool:
    known = BY_ID.get(result.check)
    return known is not None and not known.must and known.phase is Phase.BEFORE


def _checks(gate: Gate) -> str:
    """Return the ids of what a gate waits for, the gravest first."""
    ids = [f.check for f in gate.blocks] + [r.check for r in gate.open]
    ids += [f.check for f in gate.unaccepted]
    named = list(dict.fromkeys(ids))
    more = f" and {len(named) - _MANY} more" if len(named) > _MANY else ""
    return ", ".join(named[:_MANY]) + more
