"""The words of capability cards, of every service that is known."""

from __future__ import annotations

import pytest

from transship.registry.capability_card import card_of
from transship.registry.service import Service, all_services
from transship.views.registry import (
    SEEN,
    SIGNS,
    answer_of,
    card_lines,
    grouped,
    how_of,
    name_of,
    origin_of,
)

ABILITIES = {"list", "create", "mount", "resume", "delete", "referrers"}

pytestmark = pytest.mark.parametrize("service", all_services(), ids=lambda service: service.kind)


def test_every_answer_has_a_sign_and_every_no_says_what_it_means(service: Service) -> None:
    for row in card_of(service).rows:
        assert answer_of(row) in SIGNS
        assert answer_of(row) != "no" or row.fact.means


def test_nothing_that_can_be_done_is_left_out_in_short(service: Service) -> None:
    names = [name for _, names in grouped(card_of(service)) for name in names]
    unneeded = {name_of(r) for r in card_of(service).rows if answer_of(r) == "not needed"}
    assert sorted([*names, *unneeded]) == sorted(ABILITIES)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit_into_the_window_and_lose_no_word(service: Service, width: int) -> None:
    card = card_of(service)
    lines = list(card_lines(card, width=width))
    words = " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= width
    for row in card.rows:
        assert how_of(row) in words
        assert row.fact.means in words


def test_before_a_test_nothing_is_said_to_be_seen(service: Service) -> None:
    card = card_of(service)
    assert SEEN not in " ".join(card_lines(card))
    assert origin_of(card).startswith("All of it is known of the service")
