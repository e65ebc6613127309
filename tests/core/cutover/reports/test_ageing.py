"""How old evidence is, and what a change may not go by any more."""

from __future__ import annotations

from cutovers import clean
from fakes.cutovers_world import ready, with_trouble
from transship.cutover.status import CutoverStatus
from transship.reports.cutover import cutover_document
from transship.views.cutover import (
    FRESH_FOR,
    evidence_age,
    is_evidence_old,
    observed_words,
    why_no_change,
)


def taken(standing: CutoverStatus) -> float:
    assert standing.evidence is not None
    return standing.evidence.taken


def test_evidence_is_good_for_a_change_for_ten_minutes() -> None:
    standing = ready()
    young, old = taken(standing) + FRESH_FOR, taken(standing) + FRESH_FOR + 1

    assert evidence_age(standing, young) == FRESH_FOR
    assert not is_evidence_old(standing, young)
    assert observed_words(standing, young) == "looked at 10 min ago"
    assert why_no_change(standing, young) == ""
    assert is_evidence_old(standing, old)
    assert why_no_change(standing, old) == "looked at 10 min ago: too old for a change"


def test_what_was_never_looked_at_is_too_old() -> None:
    nothing = CutoverStatus("x", clean.SUBJECT)

    assert evidence_age(nothing, 0.0) is None
    assert is_evidence_old(nothing, 0.0)
    assert why_no_change(nothing, 0.0) == "nothing was looked at yet"


def test_what_stands_in_the_way_is_named_with_what_was_seen() -> None:
    standing = with_trouble()

    why = why_no_change(standing, taken(standing))

    assert why.startswith("waits for")
    assert "P-13: " in why


def test_the_document_says_how_old_its_evidence_is() -> None:
    standing = ready()

    found = cutover_document(standing, taken(standing) + 700)

    assert (found["looked_ago"], found["too_old"]) == (700, True)
