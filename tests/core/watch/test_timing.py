"""When a watch looks, and when it tries again, told by a clock that is given."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from transship.errors import BadRequest
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.plan import Kind, Plan, Schedule, Wanted
from transship.watch.schedule import (
    DEFAULT,
    FailedKeys,
    due_after,
    first_due,
    pause_after,
    schedule_of,
    schedule_text,
    short_pause_after,
)

NIGHTLY = Schedule(cron="30 2 * * *")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
NEXT_NIGHT = datetime(2026, 3, 2, 2, 30, tzinfo=UTC).timestamp()
TARGET = Reference("new.example", "web", "v1")
OLD, NEW = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)
COPY = Wanted(Reference("old.example", "web", "v1"), TARGET)


def test_the_plan_says_when() -> None:
    plan = Plan(kind=Kind.SYNC, schedule=NIGHTLY)
    assert schedule_of(plan, listening=False) is NIGHTLY


def test_a_replication_that_says_nothing_looks_every_ten_minutes() -> None:
    schedule = schedule_of(Plan(kind=Kind.REPLICATION), listening=True)
    assert schedule is DEFAULT
    assert schedule_text(schedule) == "every 10 min"


def test_a_sync_that_says_nothing_waits_for_what_is_pushed() -> None:
    assert schedule_of(Plan(kind=Kind.SYNC), listening=True) is None


def test_a_sync_that_nothing_would_ever_make_look_is_refused_in_words() -> None:
    with pytest.raises(BadRequest, match=r"no \[schedule\]") as refused:
        schedule_of(Plan(kind=Kind.SYNC), listening=False)
    assert "--listen" in refused.value.remedy


@pytest.mark.parametrize("schedule", [None, Schedule(every=60.0)])
def test_a_watch_looks_at_once(schedule: Schedule | None) -> None:
    assert first_due(schedule, NOON, promised=None) == NOON


def test_by_a_cron_line_it_waits_for_its_time_but_for_one_that_was_missed() -> None:
    assert first_due(NIGHTLY, NOON, promised=None) == NEXT_NIGHT
    assert first_due(NIGHTLY, NOON, promised=NEXT_NIGHT) == NEXT_NIGHT
    assert first_due(NIGHTLY, NOON, promised=NOON - 3600) == NOON


def test_it_looks_again() -> None:
    assert due_after(Schedule(every=60.0), NOON) == NOON + 60
    assert due_after(NIGHTLY, NOON) == NEXT_NIGHT
    assert due_after(None, NOON) is None


def test_pauses_double_and_end_somewhere() -> None:
    assert [pause_after(n) for n in (1, 2, 3, 50, 5000)] == [60, 120, 240, 21600, 21600]
    assert [short_pause_after(n) for n in (1, 2, 5000)] == [5, 10, 600]


def test_what_failed_is_left_alone_longer_each_time_and_tried_in_between() -> None:
    failing = FailedKeys()
    failing.failed(TARGET, OLD, NOON, COPY)
    assert failing.is_left_alone(TARGET, OLD, NOON + 59)
    assert not failing.is_left_alone(TARGET, OLD, NOON + 60)
    assert failing.next_at == NOON + 60
    assert failing.due(NOON + 59) == []
    assert failing.due(NOON + 60) == [COPY]

    failing.failed(TARGET, OLD, NOON + 61, COPY)
    assert failing.next_at == NOON + 61 + 120


def test_what_is_being_tried_is_not_tried_a_second_time_meanwhile() -> None:
    failing = FailedKeys()
    failing.failed(TARGET, OLD, NOON, COPY)
    assert failing.due(NOON + 60) == [COPY]
    assert failing.due(NOON + 61) == []


def test_another_image_under_the_same_tag_is_a_first_try() -> None:
    failing = FailedKeys()
    failing.failed(TARGET, OLD, NOON)
    failing.failed(TARGET, OLD, NOON)
    assert not failing.is_left_alone(TARGET, NEW, NOON)
    failing.failed(TARGET, NEW, NOON)
    assert failing.trials[TARGET].attempts == 1


def test_what_went_well_or_is_not_wanted_any_more_is_forgotten() -> None:
    failing = FailedKeys()
    failing.failed(TARGET, OLD, NOON, COPY)
    failing.succeeded([TARGET])
    failing.failed(TARGET.at("v2"), OLD, NOON, COPY)
    failing.keep_only({TARGET})
    assert failing.trials == {}
    assert failing.next_at is None
