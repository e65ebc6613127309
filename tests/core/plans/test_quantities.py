"""Spans of time, moments, rates, hours and shares: one text, one meaning, and back."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.any_plan import durations, moments, windows
from transship.errors import BadRequest
from transship.plans import quantities as q
from transship.plans.plan import Window

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("5m", 300), ("2h", 7200), ("90d", 7_776_000), ("1w", 604_800), ("1.5h", 5400)],
)
def test_spans_of_time(text: str, seconds: float) -> None:
    assert q.parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("50 MiB/s", 50 * 2**20),
        ("10MB/s", 10_000_000),
        ("64 kB/s", 64_000),
        ("64 KB/s", 64_000),
        ("64 KiB/s", 65_536),
        ("1.5 GB/s", 1_500_000_000),
        ("100 B/s", 100),
    ],
)
def test_rates_are_in_bytes(text: str, rate: int) -> None:
    assert q.parse_rate(text) == rate


def test_the_hours_of_a_day_may_reach_over_midnight() -> None:
    assert q.parse_window("22:00-06:00") == Window(22 * 60, 6 * 60)
    assert q.parse_window("18:30-24:00") == q.parse_window("18:30-00:00") == Window(18 * 60 + 30, 0)


def test_a_day_begins_in_utc_and_a_time_says_its_offset() -> None:
    day = 1_769_817_600
    assert q.parse_moment("2026-01-31") == q.parse_moment(date(2026, 1, 31)) == day
    assert q.parse_moment("2026-01-31T02:00:00+02:00") == day
    assert q.parse_moment("2026-01-31T00:00:00.5Z") == day + 0.5
    assert q.write_moment(day) == "2026-01-31"
    assert q.write_moment(day + 0.5) == "2026-01-31T00:00:00.500000Z"


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        *(
            (q.parse_duration, text)
            for text in ("", "10", "10 s", "0s", "-1s", "1y", "1M", "5000000000w", "1e3s", "٣s")
        ),
        *(
            (q.parse_rate, text)
            for text in ("10", "10 MB", "0 B/s", "5 Mbit/s", "5 Mb/s", "1 mb/s", "9999999 GB/s")
        ),
        *(
            (q.parse_window, text)
            for text in ("22-06", "24:00-06:00", "22:00-24:01", "06:00-06:00", "00:00-24:00", "")
        ),
        *(
            (q.parse_moment, text)
            for text in ("", "2026-02-30", "2026-W05-1", "20260131", "2026-01-31T25:00:00Z", "x")
        ),
        (q.parse_moment, "2026-01-31T08:00:00"),
        *((q.parse_share, text) for text in ("", "5", "0%", "101%", "-1%", "0.0%")),
    ],
)
def test_everything_else_is_refused(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(BadRequest):
        parse(text)


def test_bits_are_told_from_bytes() -> None:
    with pytest.raises(BadRequest, match="8 Mbit/s are 1 MB/s"):
        q.parse_rate("100 Mbit/s")


@given(seconds=durations)
def test_a_span_is_read_as_it_is_written(seconds: float) -> None:
    assert q.parse_duration(q.write_duration(seconds)) == seconds


@given(rate=st.integers(1, 2**50))
def test_a_rate_is_read_as_it_is_written(rate: int) -> None:
    assert q.parse_rate(q.write_rate(rate)) == rate


@given(moment=moments)
def test_a_moment_is_read_as_it_is_written(moment: float) -> None:
    assert q.parse_moment(q.write_moment(moment)) == moment


@given(window=windows)
def test_hours_are_read_as_they_are_written(window: Window) -> None:
    assert q.parse_window(q.write_window(window)) == window


@given(share=st.floats(0.0001, 1))
def test_a_share_is_read_as_it_is_written(share: float) -> None:
    assert q.parse_share(q.write_share(share)) == share


def test_the_largest_whole_unit_is_taken() -> None:
    assert [q.write_duration(seconds) for seconds in (600, 604_800, 86_400, 90, 1.5)] == [
        "10m",
        "1w",
        "1d",
        "90s",
        "1.5s",
    ]
    assert [q.write_rate(rate) for rate in (50 * 2**20, 10**7, 1001)] == [
        "50 MiB/s",
        "10 MB/s",
        "1001 B/s",
    ]
    assert q.write_share(0.05) == "5%"
