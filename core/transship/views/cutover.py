"""How a cutover looks in words and numbers. Pure.

A row for each check, what stands in the way, the clocks, the age of the evidence, the catch-up, and
the grid of name servers and resolvers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from transship.cutover.catchup import QUIET_ROUNDS, round_words
from transship.cutover.evidence import (
    DnsAnswer,
    Evidence,
    NameServer,
    ResolverView,
    Statement,
    TagPair,
)
from transship.cutover.finding import CheckOutcome, CheckResult, Finding, Phase, Severity
from transship.cutover.progress import CutoverProgress, CutoverState, ResolverRow, ServerRow
from transship.cutover.questions import (
    ACCEPTED_PREFIX,
    OperatorQuestion,
    newest_statement,
    parsed_answer,
    question_by_id,
)
from transship.cutover.rules.case import (
    Case,
    Side,
    leads_to_target,
    remaining_ttl,
    serving,
    view_side,
    view_values,
)
from transship.cutover.rules.checks import CHECKS_BY_ID, ChangeGate, change_gate, rollback_gate
from transship.cutover.status import CHANGED_STATES, CutoverStatus
from transship.cutover.timeline import ENOUGH, Clocks, Readiness
from transship.text import counted, safe

_MANY = 3

_LOSSES = "R-03"


class CheckRowState(StrEnum):
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


UNSETTLED_STATES = (
    CheckRowState.BLOCKS,
    CheckRowState.WARN,
    CheckRowState.OPEN,
    CheckRowState.CHECKING,
)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check. `seen` is what was seen, what it needs, or who has decided what about it."""

    check: str
    title: str
    phase: Phase
    state: CheckRowState
    seen: str
    taken: float | None = None


def check_rows(standing: CutoverStatus) -> tuple[CheckRow, ...]:
    """Return a row for each check, in the order of the checks."""
    waiting = "" if standing.state in CHANGED_STATES else _checks(remaining_gate(standing))
    return tuple(_row(result, standing, waiting) for result in standing.checks)


def remaining_gate(standing: CutoverStatus) -> ChangeGate:
    """Return what still stands in the way of the change."""
    return change_gate(standing.checks, standing.evidence.statements if standing.evidence else ())


def why_no_rollback(standing: CutoverStatus) -> str:
    """Return why going back is blocked, empty when it isn't."""
    if standing.state not in CHANGED_STATES:
        return (
            "nothing was changed yet"
            if standing.state is not CutoverState.ROLLED_BACK
            else "it is done"
        )
    if impossible := why_never_rollback(standing):
        return impossible
    if standing.way_back is not None:
        return safe(standing.way_back.blocked)
    return next((safe(each.means) for each in rollback_gate(standing.checks).blocks), "")


def why_never_rollback(standing: CutoverStatus) -> str:
    """Return why nobody may go back, whatever they would give up; empty when they may.

    That the old registry doesn't answer is such a reason, that tags would be hidden isn't.
    """
    found = (each for each in rollback_gate(standing.checks).blocks if each.check != _LOSSES)
    return next((safe(each.means) for each in found), "")


def waits_for(standing: CutoverStatus) -> str:
    """Return what the change waits for, in words; empty when it waits for nothing."""
    if not standing.checks:
        return "nothing was checked yet"
    gate = remaining_gate(standing)
    parts = (
        (gate.blocks, f"{counted(len(gate.blocks), 'thing')} to be put right"),
        (gate.open, f"{counted(len(gate.open), 'thing')} to be found out"),
        (gate.unaccepted, f"{counted(len(gate.unaccepted), 'warning')} to be acknowledged"),
    )
    words = ", ".join(text for found, text in parts if found)
    return safe(f"waits for {words} ({_checks(gate)})") if words else ""


def waits_shortly(standing: CutoverStatus) -> str:
    """Return which checks the change waits for; empty when it waits for nothing."""
    if not standing.checks:
        return "nothing was checked yet"
    ids = _checks(remaining_gate(standing))
    return f"waits for {ids}" if ids else ""


def current_blocks(standing: CutoverStatus) -> tuple[Finding, ...]:
    """Return what blocks at this moment: the change, or once it was made, pulls after it.

    What only blocks the way back isn't in it.
    """
    found = remaining_gate(standing).blocks
    if standing.state in CHANGED_STATES:
        later = (each for each in standing.checks if each.phase is Phase.AFTER)
        found += tuple(
            finding
            for each in later
            if not _is_rollback(each)
            for finding in each.findings
            if finding.severity is Severity.BLOCK
        )
    return found


def acceptance_id(check: str, finding: str = "") -> str:
    """Return what a statement is called that acknowledges a warning, or goes on without a check."""
    return f"{ACCEPTED_PREFIX}{check}/{finding}" if finding else f"{ACCEPTED_PREFIX}{check}"


def acknowledged_by(evidence: Evidence | None, check: str, finding: str = "") -> Statement | None:
    """Return who has acknowledged a warning, or decided to go on without a check."""
    return newest_statement(evidence, acceptance_id(check, finding)) if evidence else None


def unacknowledged(result: CheckResult, evidence: Evidence | None) -> tuple[str, ...]:
    """Return the names of what can be acknowledged of a check, and isn't yet.

    The warnings; the check itself where it is open and the change may be made without it. What
    blocks can't be.
    """
    found = tuple(each.id for each in result.findings if each.severity is Severity.WARN)
    if not found and result.outcome is CheckOutcome.OPEN and _may_be_skipped(result):
        found = ("",)
    return tuple(
        acceptance_id(result.check, each)
        for each in found
        if acknowledged_by(evidence, result.check, each) is None
    )


def questions_of_check(result: CheckResult) -> tuple[OperatorQuestion, ...]:
    """Return the questions that belong to a check."""
    known = CHECKS_BY_ID.get(result.check)
    return tuple(map(question_by_id, known.questions)) if known else ()


def unanswered_questions(
    result: CheckResult, evidence: Evidence | None
) -> tuple[OperatorQuestion, ...]:
    """Return those of a check's questions that nobody has answered well."""
    return tuple(
        each
        for each in questions_of_check(result)
        if evidence is None or not ((read := parsed_answer(evidence, each.id)) and read.good)
    )


def first_record(result: CheckResult) -> str:
    """Return the first record to copy that a check has found, empty without one."""
    return next((each.record for each in result.findings if each.record), "")


def check_row_counts(rows: Iterable[CheckRow]) -> dict[CheckRowState, int]:
    """Return how many rows there are in each state, in the order of their weight."""
    found = [row.state for row in rows]
    order = (
        CheckRowState.BLOCKS,
        CheckRowState.WARN,
        CheckRowState.OPEN,
        CheckRowState.CHECKING,
        CheckRowState.ACCEPTED,
        CheckRowState.SKIPPED,
        CheckRowState.INFO,
        CheckRowState.PASS,
        CheckRowState.LATER,
    )
    return {state: found.count(state) for state in order if state in found}


def _row(result: CheckResult, standing: CutoverStatus, waiting: str) -> CheckRow:
    state, by = _state(result, standing)
    seen = safe(_seen(result, state, by, waiting))
    return CheckRow(result.check, safe(result.title), result.phase, state, seen, result.taken)


def _state(result: CheckResult, standing: CutoverStatus) -> tuple[CheckRowState, Statement | None]:
    severity, evidence = result.severity, standing.evidence
    if _is_rollback(result) and standing.state not in CHANGED_STATES:
        return CheckRowState.LATER, None
    if severity is Severity.BLOCK:
        return CheckRowState.BLOCKS, None
    if severity is Severity.WARN:
        return _warned(result.check, result.findings, evidence)
    if result.outcome is CheckOutcome.OPEN:
        if by := acknowledged_by(evidence, result.check):
            return CheckRowState.SKIPPED, by
        if result.phase is not Phase.BEFORE and standing.state not in CHANGED_STATES:
            return CheckRowState.LATER, None
        return (CheckRowState.CHECKING if standing.checking else CheckRowState.OPEN), None
    return (CheckRowState.INFO if severity is Severity.INFO else CheckRowState.PASS), None


def _warned(
    check: str, findings: tuple[Finding, ...], evidence: Evidence | None
) -> tuple[CheckRowState, Statement | None]:
    warnings = [each for each in findings if each.severity is Severity.WARN]
    given = [acknowledged_by(evidence, check, each.id) for each in warnings]
    known = [each for each in given if each is not None]
    if len(known) < len(warnings):
        return CheckRowState.WARN, None
    return CheckRowState.ACCEPTED, max(known, key=lambda each: each.at)


def _seen(result: CheckResult, state: CheckRowState, by: Statement | None, waiting: str) -> str:
    if by is not None:
        return f"by {by.by or 'nobody named'}: {by.answer}"
    if state is CheckRowState.LATER:
        if result.findings or (_is_rollback(result) and not result.needs):
            return result.findings[0].seen if result.findings else result.seen
        if result.phase is Phase.AFTER:
            return "comes after the change"
        return f"waits for {waiting}" if waiting else "comes with the change"
    if state in (CheckRowState.OPEN, CheckRowState.CHECKING) and result.needs:
        return f"needs {result.needs}"
    return result.findings[0].seen if result.findings else result.seen


def _is_rollback(result: CheckResult) -> bool:
    return result.check.startswith("R-")


def _may_be_skipped(result: CheckResult) -> bool:
    known = CHECKS_BY_ID.get(result.check)
    return known is not None and not known.must and known.phase is Phase.BEFORE


def _checks(gate: ChangeGate) -> str:
    """Return the ids of what a gate waits for, the gravest first."""
    ids = [f.check for f in gate.blocks] + [r.check for r in gate.open]
    ids += [f.check for f in gate.unaccepted]
    named = list(dict.fromkeys(ids))
    more = f" and {len(named) - _MANY} more" if len(named) > _MANY else ""
    return ", ".join(named[:_MANY]) + more


_DAY = 86400.0

_EARLIEST = "Earliest safe flip"

_TTL_CHECK = "P-07"


@dataclass(frozen=True, slots=True)
class ClockLine:
    """One clock. `at` is what it counts down to, None where there is nothing to count."""

    name: str
    words: str
    at: float | None = None
    passed: bool = False
    alarm: bool = False


def clock_lines(standing: CutoverStatus, now: float) -> tuple[ClockLine, ...]:
    """Return the clocks that matter: one before the change, three after it."""
    if standing.progress is None:
        return (ClockLine(_EARLIEST, "not known before the name servers were asked"),)
    if standing.state in (*CHANGED_STATES, CutoverState.ROLLED_BACK):
        return _after(standing.progress.clocks, now)
    ttl = standing.result(_TTL_CHECK)
    if ttl is not None and ttl.needs and ttl.severity is not Severity.BLOCK:
        return (ClockLine(_EARLIEST, safe(f"not sure: needs {ttl.needs}"), alarm=True),)
    return (_earliest(standing.progress.readiness, now),)


def rollback_words(standing: CutoverStatus) -> tuple[str, bool]:
    """Return how long going back takes and what it would lose, and whether that forbids it."""
    changed = standing.state in CHANGED_STATES
    if changed and (why := why_no_rollback(standing)):
        return f"blocked: {why}", True
    takes, hides = standing.result("R-02"), standing.result("R-03")
    known = takes is not None and not takes.needs
    parts = (
        takes.seen if takes and known else "not known yet how long it takes",
        hides.seen if hides and not hides.needs and changed else "",
    )
    return safe(", ".join(filter(None, parts))), False


def moment_text(at: float, now: float) -> str:
    """Return a time of day in UTC, with its date if that isn't today, and how far off it is."""
    then = datetime.fromtimestamp(at, UTC)
    day = "" if abs(at - now) < _DAY / 2 else f"{then:%Y-%m-%d} "
    apart = f"in {countdown_text(at - now)}" if at > now else f"{countdown_text(now - at)} ago"
    return f"{day}{then:%H:%M:%S} UTC, {apart}"


def countdown_text(seconds: float) -> str:
    """Return a duration that is to be watched, to the second as long as that can be: `4:05`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    if whole < _DAY:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // int(_DAY)} d {whole % int(_DAY) // 3600} h"


def age_words(taken: float | None, now: float) -> str:
    """Return how old evidence is, short: `now`, `14 s`, `3 min`, `2 h`, `3 d`."""
    if taken is None:
        return ""
    old = max(0.0, now - taken)
    for limit, unit, word in ((2, 1, ""), (60, 1, "s"), (3600, 60, "min"), (_DAY, 3600, "h")):
        if old < limit:
            return f"{int(old // unit)} {word}" if word else "now"
    return f"{int(old // _DAY)} d"


def _earliest(ready: Readiness, now: float) -> ClockLine:
    if ready.ready_at is None:
        who = f": {safe(ready.slowest)} still gives more" if ready.slowest else ""
        return ClockLine(_EARLIEST, f"lower the TTL to {ready.low} s or less{who}", alarm=True)
    if ready.ready_at <= now:
        return ClockLine(_EARLIEST, "now: no cache holds a longer TTL", passed=True)
    last = f" ({safe(ready.slowest)} is last)" if ready.slowest else ""
    return ClockLine(_EARLIEST, f"{moment_text(ready.ready_at, now)}{last}", ready.ready_at)


def _after(clocks: Clocks, now: float) -> tuple[ClockLine, ...]:
    if clocks.changed_at is None:
        who = ", ".join(map(safe, clocks.behind[:3])) or "every name server"
        rules = ClockLine("By the rules", f"begins when {who} has the change", alarm=True)
    else:
        rules = _until("By the rules", clocks.by_the_rules, now)
    seen = _until("As seen", clocks.as_seen, now)
    late = clocks.stragglers
    if late:
        words = f"{len(late)}: {', '.join(map(safe, late[:4]))}"
        return rules, seen, ClockLine("Stragglers", words, alarm=True)
    over = rules.passed and seen.passed
    words = "none" if over else "are named once both of these have passed"
    return rules, seen, ClockLine("Stragglers", words, passed=over)


def _until(name: str, at: float | None, now: float) -> ClockLine:
    if at is None:
        return ClockLine(name, "nothing to wait for", passed=True)
    return ClockLine(name, moment_text(at, now), at, passed=at <= now)


FRESH_FOR = 600.0
"""So long, in seconds, a change may go by what was seen."""

_SHOWN = 3


def evidence_age(standing: CutoverStatus, now: float) -> float | None:
    """Return how old the evidence is, in seconds; None without any."""
    return max(0.0, now - standing.evidence.taken) if standing.evidence else None


def is_evidence_old(standing: CutoverStatus, now: float) -> bool:
    """Tell whether everything has to be looked at anew before a change."""
    age = evidence_age(standing, now)
    return age is None or age > FRESH_FOR


def observed_words(standing: CutoverStatus, now: float) -> str:
    """Return when everything was looked at, and whether that is too long ago for a change."""
    if standing.evidence is None:
        return "nothing was looked at yet"
    age = age_words(standing.evidence.taken, now)
    words = "looked at just now" if age == "now" else f"looked at {age} ago"
    return f"{words}: too old for a change" if is_evidence_old(standing, now) else words


def why_no_change(standing: CutoverStatus, now: float) -> str:
    """Return what stands in the way of a change at this moment, and what was seen of it."""
    if is_evidence_old(standing, now):
        return observed_words(standing, now)
    why = waits_for(standing)
    seen = " ".join(f"{each.check}: {each.seen}" for each in current_blocks(standing)[:_SHOWN])
    return safe(f"{why}. {seen}" if why and seen else why, limit=800)


@dataclass(frozen=True, slots=True)
class GridCell:
    """What one server says.

    `kind` is `server` (authoritative), or where a resolver comes from: `system`, `operator`,
    `public`. `says` is `old`, `new`, `other` (neither), `missing` or `silent`. `until` is when a
    cache lets go of what it has, None where that can't be told. `moved` counts the answers in a row
    that lead where the record does, of `enough`.
    """

    kind: str
    name: str
    address: str
    says: str
    values: tuple[str, ...]
    ttl: int
    at: float
    until: float | None = None
    moved: int = 0
    enough: int = ENOUGH
    note: str = ""

    @property
    def has_moved(self) -> bool:
        """Whether it counts as moved."""
        return self.moved >= self.enough

    def left(self, now: float) -> float | None:
        """Return the seconds until a cache lets go of what it has."""
        return None if self.until is None else max(0.0, self.until - now)


def grid_cells(standing: CutoverStatus) -> tuple[GridCell, ...]:
    """Return what every name server says, and then what every resolver does."""
    progress = standing.progress
    evidence = standing.evidence or Evidence(0.0)
    old = _old_values(standing, evidence)
    zone = evidence.zone
    names = {server.address: server for server in zone.servers} if zone else {}
    views = {view.resolver: view for view in evidence.resolvers}
    cells: list[GridCell] = []
    if progress is not None:
        cells += [_server(row, names.get(row.server), old) for row in progress.servers]
    answering = {server.address for server in serving(zone)}
    cells += [_lame(each) for each in names.values() if each.address not in answering]
    seen = progress.resolvers if progress else ()
    if progress is not None:
        cells += [_resolver(row, views.get(row.resolver), old, progress) for row in seen]
    known = {row.resolver for row in seen}
    case = Case(standing.subject, evidence, evidence.taken, standing.history, standing.samples)
    unknown = (each for each in views.values() if each.resolver not in known and each.samples)
    cells += [_only_checked(each, case, old) for each in unknown]
    return tuple(cells)


def moved_resolvers(cells: Iterable[GridCell]) -> tuple[int, int]:
    """Return how many of the resolvers have moved, and how many there are."""
    resolvers = [cell for cell in cells if cell.kind != "server"]
    return sum(cell.has_moved for cell in resolvers), len(resolvers)


def _old_values(standing: CutoverStatus, evidence: Evidence) -> frozenset[tuple[str, ...]]:
    """Return what the record was seen to hold before it was changed."""
    case = Case(standing.subject, evidence, evidence.taken, standing.history, standing.samples)
    said = {each.values for each in standing.history if each.values}
    return frozenset(each for each in said if not leads_to_target(case, each))


def _word(found: Side, values: tuple[str, ...], old: frozenset[tuple[str, ...]]) -> str:
    """Return whose value it is. Some of the addresses that were seen are that value too."""
    if found is not Side.OLD or not old:
        return str(found)
    return "old" if any(set(values) <= set(each) for each in old) else "other"


def _server(row: ServerRow, server: NameServer | None, old: frozenset[tuple[str, ...]]) -> GridCell:
    return GridCell(
        "server",
        safe(server.name if server else row.server),
        row.server,
        _word(row.side, row.values, old),
        tuple(map(safe, row.values)),
        row.ttl,
        row.seen,
        note=_serial(server) if server else "",
    )


def _serial(server: NameServer) -> str:
    soa = server.soa if server.soa.authoritative else server.soa_tcp
    records = soa.of("SOA")
    words = records.values[0].split() if records and records.values else ()
    return f"serial {safe(words[2])}" if len(words) > 2 else ""


def _lame(server: NameServer) -> GridCell:
    answer = server.soa
    why = f"no answer: {answer.error}" if answer.error else f"{answer.rcode}, not authoritative"
    name, address = safe(server.name), server.address
    return GridCell("server", name, address, "silent", (), 0, answer.at, note=safe(why))


def _resolver(
    row: ResolverRow,
    view: ResolverView | None,
    old: frozenset[tuple[str, ...]],
    progress: CutoverProgress,
) -> GridCell:
    wanted = Side.OLD if progress.state is CutoverState.ROLLED_BACK else Side.NEW
    notes = [*(_notes(view.newest) if view and view.samples else ())]
    notes += ["keeps it longer than it was told to"] if row.clamps else []
    return GridCell(
        view.origin if view else "",
        safe(row.resolver),
        view.address if view else "",
        _word(row.side, row.values, old),
        tuple(map(safe, row.values)),
        row.ttl,
        row.seen,
        until=row.seen + row.ttl if row.values else None,
        moved=row.in_a_row if row.side is wanted else 0,
        note=safe(", ".join(notes)),
    )


def _only_checked(view: ResolverView, case: Case, old: frozenset[tuple[str, ...]]) -> GridCell:
    """Return a resolver that was asked with all checks, and of which the watch knows nothing."""
    answer = view.newest
    values = view_values(answer)
    return GridCell(
        view.origin,
        safe(view.resolver),
        view.address,
        _word(view_side(case, answer), values, old),
        tuple(map(safe, values)),
        remaining_ttl(answer),
        answer.at,
        until=answer.at + remaining_ttl(answer) if values else None,
        note=safe(", ".join(_notes(answer))),
    )


def _notes(answer: DnsAnswer) -> tuple[str, ...]:
    if answer.error:
        return (f"no answer: {answer.error}",)
    rcode = () if answer.rcode == "NOERROR" else (answer.rcode,)
    return (*rcode, *answer.extended[:1])


def catchup_words(standing: CutoverStatus) -> str:
    """Return how far both registries are in step, in one line."""
    if not standing.rounds:
        return "not compared yet"
    last = standing.rounds[-1]
    words = round_words(last) or "the same on both sides"
    if standing.quiet >= QUIET_ROUNDS:
        return f"{words}; nothing more was pushed to the old registry"
    return words


def undecided_tags(standing: CutoverStatus) -> tuple[TagPair, ...]:
    """Return the tags that somebody has to decide: both sides have pushed them."""
    return standing.rounds[-1].left.asks if standing.rounds else ()


def why_not_compared(standing: CutoverStatus) -> str:
    """Return why the tags weren't compared although it was said with what; empty otherwise."""
    subject, evidence = standing.subject, standing.evidence
    asked = subject.old or subject.job or subject.plan
    return evidence.parity.error if asked and evidence and evidence.parity else ""


def unsettled_words(rows: Iterable[CheckRow]) -> str:
    """Return in words how much nobody knows yet, or has to acknowledge; empty for nothing."""
    counts = check_row_counts(rows)
    left = [f"{counts[CheckRowState.OPEN]} open"] if CheckRowState.OPEN in counts else []
    if warnings := counts.get(CheckRowState.WARN):
        left.append(f"{counted(warnings, 'warning')} to be acknowledged")
    return ", ".join(left)


def was_seen(standing: CutoverStatus) -> bool:
    """Tell whether DNS could be looked at: some name server of the domain's zone has answered."""
    zone = standing.evidence.zone if standing.evidence else None
    if zone is None or zone.error:
        return False
    return any(not (each.soa.error and each.soa_tcp.error) for each in zone.servers)
