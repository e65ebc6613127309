"""The board: states, who has acknowledged what, and what still stands in the way."""

from __future__ import annotations

from dataclasses import replace

from cutovers import clean
from fakes.cutovers import judged
from fakes.cutovers_world import changed, changed_with_loss, ready, standing, with_trouble
from transship.cutover.evidence import Parity, Statement, TagPair
from transship.cutover.finding import Phase
from transship.cutover.status import CutoverStatus
from transship.views.cutover import (
    CheckRowState,
    acceptance_id,
    check_row_counts,
    check_rows,
    current_blocks,
    questions_of_check,
    unacknowledged,
    unanswered_questions,
    waits_for,
    waits_shortly,
    why_no_rollback,
)


def state_of(standing: CutoverStatus, check: str) -> CheckRowState:
    return next(row.state for row in check_rows(standing) if row.check == check)


def seen_of(standing: CutoverStatus, check: str) -> str:
    return next(row.seen for row in check_rows(standing) if row.check == check)


def saying(of: CutoverStatus, name: str, answer: str, by: str = "maria") -> CutoverStatus:
    """Return the standing after an operator has said something."""
    assert of.evidence is not None
    statement = Statement(name, answer, of.evidence.taken, by)
    evidence = replace(of.evidence, statements=(*of.evidence.statements, statement))
    return judged(replace(of, evidence=evidence), of.evidence.taken)


def test_a_clean_domain_waits_for_nothing() -> None:
    assert waits_for(ready()) == ""
    assert waits_shortly(ready()) == ""
    assert current_blocks(ready()) == ()
    before = [row for row in check_rows(ready()) if row.phase is Phase.BEFORE]
    assert {row.state for row in before} == {CheckRowState.PASS}


def test_each_state_has_its_word() -> None:
    trouble = with_trouble()
    assert state_of(trouble, "P-13") is CheckRowState.BLOCKS
    assert state_of(trouble, "P-03") is CheckRowState.WARN
    assert state_of(trouble, "P-09") is CheckRowState.OPEN
    assert state_of(trouble, "P-01") is CheckRowState.PASS
    assert state_of(trouble, "W-01") is CheckRowState.LATER
    assert seen_of(trouble, "P-09").startswith("needs whether anything else")


def test_what_comes_with_the_change_says_what_it_waits_for() -> None:
    assert seen_of(with_trouble(), "F-01") == "waits for P-07, P-13, P-27 and 5 more"
    assert seen_of(ready(), "F-01") == "comes with the change"
    assert seen_of(with_trouble(), "W-01") == "comes after the change"


def test_a_warning_is_acknowledged_finding_by_finding() -> None:
    trouble = with_trouble()
    result = trouble.result("P-03")
    assert result is not None
    names = unacknowledged(result, trouble.evidence)
    assert names == (acceptance_id("P-03", result.findings[0].id),)
    later = saying(trouble, names[0], "known since May")
    assert state_of(later, "P-03") is CheckRowState.ACCEPTED
    assert seen_of(later, "P-03") == "by maria: known since May"
    assert unacknowledged(result, later.evidence) == ()
    assert "P-03" not in waits_for(later)


def test_what_blocks_can_not_be_acknowledged() -> None:
    trouble = with_trouble()
    result = trouble.result("P-13")
    assert result is not None
    assert unacknowledged(result, trouble.evidence) == ()
    later = saying(trouble, acceptance_id("P-13", result.findings[0].id), "never mind")
    assert state_of(later, "P-13") is CheckRowState.BLOCKS


def test_only_what_the_change_can_do_without_is_skipped() -> None:
    open_push = standing(
        clean.case(statements=tuple(s for s in clean.SAID if s.question != "push-path"))
    )
    result, must = open_push.result("P-30"), with_trouble().result("P-09")
    assert result is not None
    assert must is not None
    assert unacknowledged(result, open_push.evidence) == ("accept:P-30",)
    assert unacknowledged(must, with_trouble().evidence) == ()
    later = saying(open_push, "accept:P-30", "nobody pushes here")
    assert state_of(later, "P-30") is CheckRowState.SKIPPED
    assert seen_of(later, "P-30") == "by maria: nobody pushes here"


def test_the_questions_of_a_check_are_asked_until_they_are_answered_well() -> None:
    trouble = with_trouble()
    result = trouble.result("P-09")
    assert result is not None
    assert [each.id for each in questions_of_check(result)] == ["automation"]
    unsure = saying(trouble, "automation", "unsure")
    assert [each.id for each in unanswered_questions(result, unsure.evidence)] == ["automation"]
    assert unanswered_questions(result, saying(trouble, "automation", "none").evidence) == ()


def test_what_only_blocks_the_way_back_does_not_stop_the_change() -> None:
    pair = TagPair("team/app", "1.5", "", "sha256:bb")
    before = standing(clean.case(parity=Parity(120, (pair,))))
    assert current_blocks(before) == ()
    assert state_of(before, "R-03") is CheckRowState.LATER
    after = changed_with_loss()
    assert "would hide 2 tags" in why_no_rollback(after)


def test_going_back_needs_a_change() -> None:
    assert why_no_rollback(ready()) == "nothing was changed yet"
    assert why_no_rollback(changed()) == ""


def test_counts_are_in_the_order_of_their_weight() -> None:
    counts = check_row_counts(check_rows(with_trouble()))
    assert list(counts)[:3] == [CheckRowState.BLOCKS, CheckRowState.WARN, CheckRowState.OPEN]
    assert sum(counts.values()) == len(with_trouble().checks)


def test_what_was_never_checked_waits_for_that() -> None:
    assert waits_for(CutoverStatus("x", clean.SUBJECT)) == "nothing was checked yet"
