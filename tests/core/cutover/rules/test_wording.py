"""Times, durations and lists as they are read at night, and what may reach a terminal."""

from __future__ import annotations

import math

import pytest

from transship.cutover.finding import block, listed, span_text, utc_text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (59.4, "59 s"),
        (3600, "1 h 00 min"),
        (2 * 86400, "48 h 00 min"),
        (90 * 86400, "90 days"),
        (math.inf, "without end"),
        (math.nan, "without end"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert span_text(seconds) == words


def test_times_are_in_utc_and_none_is_too_far_away() -> None:
    assert utc_text(1_800_000_000) == "2027-01-15 08:00:00 UTC"
    for strange in (math.nan, math.inf, 1e300):
        assert utc_text(strange) == "a time that no clock shows"


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "a"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcdefg"), "a, b, c, d, e and 2 more"),
    ],
)
def test_lists(items: list[str], words: str) -> None:
    assert listed(items) == words


def test_what_a_server_said_cant_steer_a_terminal() -> None:
    found = block("x", "said\x1b[31mred\x1b[0m", "a\u202eb", "c\nd", "one\ntwo\x07")

    assert (found.seen, found.means, found.remedy) == ("said [31mred [0m", "a b", "c d")
    assert found.record == "one\ntwo"
