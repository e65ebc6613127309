"""The clocks in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutovers import clean
from fakes.cutovers_world import (
    NOW,
    changed,
    changed_with_loss,
    ready,
    standing,
    with_trouble,
)
from transship.cutover.status import CutoverStatus
from transship.views.cutover import (
    age_words,
    clock_lines,
    countdown_text,
    moment_text,
    rollback_words,
)


def test_before_the_change_one_clock_says_when_it_is_safe() -> None:
    (line,) = clock_lines(with_trouble(), NOW)
    assert line.name == "Earliest safe flip"
    assert line.words == "14:25:30 UTC, in 12:10 min (9.1.1.2 is last)"
    assert not line.passed
    (line,) = clock_lines(ready(), NOW)
    assert line.passed


def test_the_ttl_has_to_be_lowered_first() -> None:
    record = clean.record("CNAME", clean.OLD, ttl=3600)
    high = standing(clean.case(zone=clean.at_both(record), history=()))
    (line,) = clock_lines(high, NOW)
    assert line.alarm
    assert "needs" in line.words or line.words.startswith("lower the TTL to")


def test_a_ttl_that_nobody_knows_is_said_to_be_unknown() -> None:
    unknown = standing(replace(clean.CLEAN, history=()))
    (line,) = clock_lines(unknown, NOW)
    assert line.words.startswith("not sure: needs the TTL that the record had")


def test_after_the_change_three_clocks_run() -> None:
    rules, seen, late = clock_lines(changed(), NOW)
    assert (rules.name, seen.name, late.name) == ("By the rules", "As seen", "Stragglers")
    assert rules.at is not None
    assert seen.at is not None
    assert seen.at > rules.at, "a resolver was seen to hold it for longer"
    assert not late.passed
    assert "once both of these have passed" in late.words
    rules, seen, late = clock_lines(changed(), seen.at + 1)
    assert rules.passed
    assert seen.passed
    assert late.passed


def test_the_way_back_is_always_in_words() -> None:
    assert rollback_words(ready()) == ("with today's TTL: 1 min 00 s by the rules", False)
    words, blocked = rollback_words(changed())
    assert words.startswith("1 min 00 s by the rules")
    assert not blocked
    words, blocked = rollback_words(changed_with_loss())
    assert blocked
    assert "would hide 2 tags: team/app:1.5, team/web:2.0" in words
    assert rollback_words(CutoverStatus("x", clean.SUBJECT)) == (
        "not known yet how long it takes",
        False,
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.9, "59 s"), (245, "4:05 min"), (7260, "2 h 01 min"), (90_000, "1 d 1 h")],
)
def test_durations_are_counted_down(seconds: float, words: str) -> None:
    assert countdown_text(seconds) == words


@pytest.mark.parametrize(
    ("old", "words"), [(0, "now"), (14, "14 s"), (180, "3 min"), (7200, "2 h"), (3 * 86400, "3 d")]
)
def test_ages_are_short(old: float, words: str) -> None:
    assert age_words(NOW - old, NOW) == words


def test_a_moment_on_another_day_has_its_date() -> None:
    assert moment_text(NOW + 5, NOW) == "14:13:25 UTC, in 5 s"
    assert moment_text(NOW - 2 * 86400, NOW) == "2026-09-19 14:13:20 UTC, 2 d 0 h ago"
