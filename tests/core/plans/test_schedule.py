"""When a plan runs again, over the days on which clocks change too."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadRequest
from transship.plans.plan import Schedule
from transship.plans.schedule import LOCAL, check_cron, next_run

if TYPE_CHECKING:
    from collections.abc import Iterator

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the machine into another time zone, as its operator would."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def runs(cron: str, after: datetime, count: int, zone: ZoneInfo = BERLIN) -> list[str]:
    """Return the next runs, as the clock on the wall shows them, with its offset."""
    found = []
    for _ in range(count):
        after = next_run(Schedule(cron=cron), after, zone)
        found.append(f"{after:%d. %H:%M %z}")
    return found


@pytest.mark.parametrize(
    "line",
    ["* * * * *", "*/10 0-6,22 1,15 JAN-MAR mon-fri", "0 3 * * 7", "59 23 31 12 *", "0 0 29 2 *"],
)
def test_cron_lines_that_come_true(line: str) -> None:
    check_cron(line)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("* * * *", "has 4 fields"),
        ("0 * * * * *", "has 6 fields"),
        ("@daily", "has 1 fields"),
        ("60 * * * *", "bad minute"),
        ("* * 0 * *", "bad day-of-month"),
        ("* * 30 2 *", "bad day-of-month"),
        ("*/0 * * * *", "bad minute"),
        ("5-1 * * * *", "bad minute"),
        ("* * L * *", "'L'"),
        ("* * * * 1#1/2", "not a field"),
        ("* * * FOO *", "bad month"),
        ("9" * 5000 + " * * * *", "longer than 200"),
    ],
)
def test_cron_lines_that_never_can(line: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        check_cron(line)


def test_every_so_often_is_counted_in_time_that_passes() -> None:
    before = datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN)

    assert next_run(Schedule(every=3600), before, BERLIN) == before.astimezone(UTC) + timedelta(
        hours=1
    )


def test_what_falls_into_the_hour_that_is_left_out_runs_right_after_it() -> None:
    assert runs("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=BERLIN), 2) == [
        "29. 03:00 +0200",
        "30. 02:30 +0200",
    ]


def test_what_falls_into_the_hour_that_comes_twice_runs_once() -> None:
    assert runs("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=BERLIN), 2) == [
        "25. 02:30 +0200",
        "26. 02:30 +0100",
    ]
    in_the_second = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=BERLIN)
    assert runs("30 2 * * *", in_the_second, 1) == ["26. 02:30 +0100"]


def test_what_runs_all_the_time_goes_on_through_both_hours() -> None:
    assert runs("*/30 * * * *", datetime(2026, 10, 25, 2, 15, tzinfo=BERLIN), 4) == [
        "25. 02:30 +0200",
        "25. 02:00 +0100",
        "25. 02:30 +0100",
        "25. 03:00 +0100",
    ]


@given(
    after=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    line=st.sampled_from(["*/7 * * * *", "30 2 * * *", "0 0 1 * *", "15 1-4 * 3,10 SUN"]),
)
def test_the_next_run_is_always_later(after: datetime, line: str) -> None:
    assert next_run(Schedule(cron=line), after, BERLIN).astimezone(UTC) > after


@pytest.mark.usefixtures("in_berlin")
def test_the_machine_s_own_zone_knows_its_changes() -> None:
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)
    for _ in range(24 * 2 * 220):
        spring += timedelta(minutes=30)
        here, there = spring.astimezone(LOCAL), spring.astimezone(BERLIN)
        assert (here.replace(tzinfo=None), here.fold, here.utcoffset()) == (
            there.replace(tzinfo=None),
            there.fold,
            there.utcoffset(),
        )
    assert LOCAL.tzname(here) == "CET"

    night = next_run(Schedule(cron="0 3 * * *"), datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert night.astimezone(UTC) == datetime(2026, 3, 29, 1, tzinfo=UTC)
