"""All checks of a case at once, and whether the change, or the way back, may be made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from transship.cutover.evidence import Evidence, Statement
from transship.cutover.finding import CheckResult, Finding, Outcome, Phase, Severity
from transship.cutover.questions import ACCEPTED
from transship.cutover.rules.case import Case
from transship.cutover.rules.catalogue import BY_ID, CHECKS, GO, Check
from transship.cutover.rules.statements import agreed
from transship.cutover.rules.wording import Verdict, listed, passed, unknown
from transship.cutover.subject import Subject
from transship.cutover.timeline import Sample, Served
from transship.text import counted

_ORDER = (Severity.BLOCK, Severity.WARN, Severity.INFO)
_BACK = "R-"


@dataclass(frozen=True, slots=True)
class Gate:
    """What still stands in the way of a step.

    `blocks` have to be put right, `open` to be found out, `unaccepted` are warnings that somebody
    has to acknowledge.
    """

    blocks: tuple[Finding, ...] = ()
    open: tuple[CheckResult, ...] = ()
    unaccepted: tuple[Finding, ...] = ()

    @property
    def clear(self) -> bool:
        """Whether the step may be made."""
        return not (self.blocks or self.open or self.unaccepted)


def judge(
    subject: Subject,
    evidence: Evidence,
    now: float,
    *,
    history: Sequence[Served] = (),
    samples: Sequence[Sample] = (),
) -> tuple[CheckResult, ...]:
    """Return every check of the catalogue, in its order, each with its findings, the worst first.

    `history` is what each name server said over time (`case.observed`), `samples` what resolvers
    did (`case.sampled`). What there is no evidence for comes out as open.
    """
    case = Case(subject, evidence, now, tuple(history), tuple(samples))
    results = [_result(check, check.rule(case), evidence) for check in CHECKS if check.id != GO]
    ready = _result(BY_ID[GO], _ready(case, results), evidence)
    return tuple(sorted([*results, ready], key=lambda each: _PLACES[each.check]))


_PLACES = {check.id: place for place, check in enumerate(CHECKS)}


def go(results: Iterable[CheckResult], statements: Sequence[Statement] = ()) -> Gate:
    """Return what still stands in the way of the change.

    Checks before the change count, and those of the record as it is now. A warning counts until it
    is acknowledged (`accepted`). A check that is open counts if nothing may be changed without it.
    """
    before = [r for r in results if r.check in BY_ID and BY_ID[r.check].phase is not Phase.AFTER]
    findings = [finding for result in before for finding in result.findings]
    taken = {s.question for s in statements if s.answer.strip()}
    return Gate(
        blocks=tuple(f for f in findings if f.severity is Severity.BLOCK),
        open=tuple(r for r in before if r.needs and BY_ID[r.check].must),
        unaccepted=tuple(
            f for f in findings if f.severity is Severity.WARN and _acceptance(f) not in taken
        ),
    )


def back(results: Iterable[CheckResult]) -> Gate:
    """Return what stands in the way of going back. Only what it would hide or break counts."""
    mine = [r for r in results if r.check.startswith(_BACK)]
    return Gate(
        blocks=tuple(f for r in mine for f in r.findings if f.severity is Severity.BLOCK),
        open=tuple(r for r in mine if r.needs),
    )


def accepted(finding: Finding, at: float, by: str = "") -> Statement:
    """Return the statement that acknowledges a warning, with what was seen when it was given."""
    return Statement(_acceptance(finding), finding.seen or "yes", at, by)


def _acceptance(finding: Finding) -> str:
    return f"{ACCEPTED}{finding.check}/{finding.id}"


def _result(check: Check, verdict: Verdict, evidence: Evidence) -> CheckResult:
    found = sorted(verdict.findings, key=lambda each: _ORDER.index(each.severity))
    findings = tuple(replace(each, check=check.id) for each in found)
    grave = any(each.severity is not Severity.INFO for each in findings)
    if grave:
        outcome = Outcome.FINDING
    elif verdict.needs:
        outcome = Outcome.OPEN
    else:
        outcome = Outcome.FINDING if findings else Outcome.PASS
    seen = findings[0].seen if findings and (grave or not verdict.seen) else verdict.seen
    taken = evidence.taken if verdict.taken is None else verdict.taken
    return CheckResult(
        check.id,
        check.title,
        check.phase,
        outcome,
        findings,
        seen,
        verdict.needs,
        None if outcome is Outcome.OPEN and not seen else taken,
    )


def _ready(case: Case, results: Sequence[CheckResult]) -> Verdict:
    """P-35: all that has to be green is, warnings are acknowledged, and the rest is agreed."""
    gate = go(results, case.evidence.statements)
    parts = []
    if gate.blocks:
        parts.append(f"{listed((f.check for f in gate.blocks), 8)} to be put right")
    if gate.open:
        parts.append(f"{listed((r.check for r in gate.open), 8)} to be found out")
    if gate.unaccepted:
        parts.append(f"{listed((f.check for f in gate.unaccepted), 8)} to be acknowledged")
    still = agreed(case)
    if still:
        parts.append(f"an agreement (question {listed(still)})")
    if parts:
        count = len(gate.blocks) + len(gate.open) + len(gate.unaccepted) + len(still)
        return unknown("; ".join(parts), f"{counted(count, 'thing')} left before the change")
    return passed("everything that blocks is out of the way")
