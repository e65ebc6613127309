"""All checks at once: each exactly once, in order, never raising, and what stands in the way."""

from __future__ import annotations

from dataclasses import replace

import hypothesis
from hypothesis import given

from cutovers.any_evidence import any_case, spoilt_case
from cutovers.clean import CLEAN, FLIPPED, NOW, SUBJECT, case, moved, result, said
from transship.cutover.evidence import Evidence
from transship.cutover.finding import CheckOutcome, CheckResult, Finding, Phase, Severity
from transship.cutover.questions import QUESTIONS
from transship.cutover.rules.case import Case
from transship.cutover.rules.checks import (
    CHECKS,
    CHECKS_BY_ID,
    acknowledge,
    change_gate,
    rollback_gate,
    run_checks,
)

ORDER = (Severity.BLOCK, Severity.WARN, Severity.INFO)


def rows(of: Case) -> tuple[CheckResult, ...]:
    return run_checks(of.subject, of.evidence, of.now, history=of.history, samples=of.samples)


def test_a_clean_domain_raises_nothing_and_may_be_changed() -> None:
    results = rows(CLEAN)
    findings = [finding for row in results for finding in row.findings]

    assert [f for f in findings if f.severity is not Severity.INFO] == []
    before = {row.check: row.outcome for row in results if row.phase is Phase.BEFORE}
    assert {check for check, outcome in before.items() if outcome is not CheckOutcome.PASS} == set()
    assert change_gate(results, CLEAN.evidence.statements).clear


def test_a_clean_change_raises_nothing_either() -> None:
    after = case(**FLIPPED, samples=moved("office"))
    findings = [finding for row in rows(after) for finding in row.findings]

    assert [f.id for f in findings if f.severity is not Severity.INFO] == []
    for check in ("F-01", "F-02", "F-03", "F-04", "F-05", "F-06", "F-07", "W-01", "W-02", "W-04"):
        assert result(after, check).outcome is CheckOutcome.PASS, check
    assert rollback_gate(rows(after)).clear


def test_without_evidence_nothing_passes() -> None:
    results = run_checks(SUBJECT, Evidence(NOW), NOW)

    passing = [row.check for row in results if row.outcome is CheckOutcome.PASS]
    assert passing == ["P-01"]
    assert all(row.needs for row in results if row.outcome is CheckOutcome.OPEN)
    assert not change_gate(results).clear


def test_every_check_of_the_reference_is_there_once_and_says_what_it_needs() -> None:
    wanted = [f"P-{n:02}" for n in range(1, 36)] + [f"F-{n:02}" for n in range(1, 8)]
    wanted += [f"W-{n:02}" for n in range(1, 9)] + [f"V-{n:02}" for n in range(1, 8)]
    wanted += [f"R-{n:02}" for n in range(1, 5)]

    assert [check.id for check in CHECKS] == wanted
    assert {name for check in CHECKS for name in check.questions} == {q.id for q in QUESTIONS}


def test_a_block_stands_in_the_way_and_the_last_check_names_it() -> None:
    blocked = case(handshakes=())
    results = rows(blocked)
    ready = next(row for row in results if row.check == "P-35")

    assert "P-13" in [row.check for row in change_gate(results, blocked.evidence.statements).open]
    assert ready.outcome is CheckOutcome.OPEN
    assert "P-13" in ready.needs


def test_a_warning_stands_in_the_way_until_somebody_acknowledges_it() -> None:
    zone = replace(CLEAN.evidence.zone, negative_ttl=3600)  # type: ignore[type-var]
    warned = case(zone=zone)
    (finding,) = change_gate(rows(warned), warned.evidence.statements).unaccepted
    told = acknowledge(finding, NOW, "op")
    settled = case(zone=zone, statements=(*warned.evidence.statements, told))

    assert finding.id == "negative-ttl-long"
    assert told.answer == finding.seen
    assert change_gate(rows(settled), settled.evidence.statements).clear
    assert result(settled, "P-35").outcome is CheckOutcome.PASS


def test_what_was_not_agreed_keeps_the_change_back() -> None:
    silent = [s for s in CLEAN.evidence.statements if s.question != "old-kept"]
    open_ = case(statements=(*silent, said("pushes", "unsure", NOW + 1)))

    assert "old-kept and pushes" in result(open_, "P-35").needs


def test_what_comes_after_doesnt_keep_the_change_back() -> None:
    results = rows(CLEAN)

    assert any(row.outcome is CheckOutcome.OPEN for row in results if row.phase is Phase.AFTER)
    assert all(
        CHECKS_BY_ID[row.check].phase is not Phase.AFTER for row in change_gate(results).open
    )


@given(any_case() | spoilt_case())
@hypothesis.settings(max_examples=60, suppress_health_check=list(hypothesis.HealthCheck))
def test_whatever_was_seen_every_check_comes_out_once_and_nothing_is_raised(of: Case) -> None:
    results = rows(of)

    assert [row.check for row in results] == [check.id for check in CHECKS]
    for row in results:
        places = [ORDER.index(finding.severity) for finding in row.findings]
        assert places == sorted(places)
        assert row.outcome is not CheckOutcome.OPEN or row.needs
        assert row.outcome is not CheckOutcome.PASS or not row.findings
        for finding in row.findings:
            assert_fit_to_be_read(row, finding)


@given(spoilt_case())
@hypothesis.settings(max_examples=40, suppress_health_check=list(hypothesis.HealthCheck))
def test_the_way_to_the_change_is_clear_only_without_anything_grave(of: Case) -> None:
    results = rows(of)
    before = [row for row in results if row.phase is not Phase.AFTER]
    grave = any(row.severity in (Severity.BLOCK, Severity.WARN) for row in before)
    waiting = any(row.needs for row in before if CHECKS_BY_ID[row.check].must)

    assert change_gate(results).clear == (not grave and not waiting)


def assert_fit_to_be_read(row: CheckResult, finding: Finding) -> None:
    assert finding.check == row.check
    assert finding.seen
    assert finding.means
    assert finding.remedy or finding.severity is Severity.INFO
    for text in (finding.seen, finding.means, finding.remedy, finding.record.replace("\n", "")):
        assert "\x1b" not in text
        assert "\n" not in text
