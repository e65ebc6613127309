"""The words of single answers: what was seen, what isn't needed, what nobody knows."""

from __future__ import annotations

import pytest

from transship.registry.capability_card import CardRow, card_of
from transship.registry.examination import Examination
from transship.registry.registry import Quota
from transship.registry.service import GENERIC, NO_RESUME, Fact, no, partly, unknown, unneeded
from transship.views.registry import SEEN, answer_of, card_lines, how_of, origin_of


@pytest.mark.parametrize(
    ("title", "fact", "answer"),
    [
        ("create before push", unneeded(), "not needed"),
        ("create before push", no("The project must be there."), "no"),
        ("limits", partly("15 requests per second"), "info"),
        ("limits", unknown(), "unknown"),
        ("delete", partly("where the registry allows it"), "partly"),
        ("quota", no("Nothing can be read.", "0 left"), "no"),
    ],
)
def test_an_answer_in_a_word(title: str, fact: Fact, answer: str) -> None:
    assert answer_of(CardRow(title, fact)) == answer


def test_what_is_not_known_of_an_ability_is_tried() -> None:
    assert how_of(CardRow("mount", unknown())) == "known only when it is tried"
    assert how_of(CardRow("mount", unknown("as set"))) == "as set"
    assert how_of(CardRow("limits", unknown())) == ""


def test_what_was_seen_says_so_and_the_rest_does_not() -> None:
    quota = Quota(0, 100, 6 * 3600)
    found = Examination(GENERIC, "verified", True, lists=True, referrers=False, quota=quota)
    card = card_of(GENERIC, found)
    lines = list(card_lines(card))
    seen = [line.split()[2] for line in lines if SEEN in line]
    assert seen == ["list", "referrers", "quota"]
    assert "Nothing can be read before the registry gives more." in lines[-1]
    assert origin_of(card).endswith("the rest is known of the service.")


def test_lines_are_painted_by_their_answer() -> None:
    lines = card_lines(card_of(GENERIC), paint=lambda answer, text: f"<{answer}>{text}")
    assert next(line for line in lines if "resume" in line).startswith("<yes>✓ yes ")


def test_a_sentence_stands_under_its_answer() -> None:
    card = card_of(GENERIC)
    rows = (CardRow("resume", no(NO_RESUME, "no pieces")),)
    lines = list(card_lines(type(card)(GENERIC, rows), width=100))
    assert lines == ["✗ no          resume      no pieces", f"{' ' * 26}{NO_RESUME}"]
