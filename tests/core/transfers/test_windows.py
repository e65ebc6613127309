"""Windows: the clock on the wall decides what begins, and nothing is lost when one closes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moving.jobs import new_job, opened, plan_of
from moving.judge import digest_at
from moving.memory import FakeClock
from servers.faults import Fault, Hold
from servers.images import push_image, random_layer
from servers.process import comes_true
from transship.clock import SystemClock
from transship.plans.plan import Limits, Window
from transship.plans.quantities import parse_window
from transship.transfers import control
from transship.transfers.copies import JobState
from transship.transfers.job_view import LEVELS, events, read_job
from transship.transfers.lanes import Deferred, Gate, Paused, Windows, is_open, opens
from transship.transfers.limits import limit_request, limit_words
from transship.transfers.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.registry import Registry
    from transship.plans.plan import Plan
    from transship.transfers.jobs import Job

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = parse_window("22:00-06:00")


def moment(text: str, fold: int = 0) -> float:
    """Return a moment by the clock on a wall in Berlin, in seconds since the epoch."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp()


def on_the_wall(seconds: float) -> str:
    """Return what the clock on a wall in Berlin shows."""
    return datetime.fromtimestamp(seconds, BERLIN).strftime("%Y-%m-%d %H:%M:%S")


# What is open when


@pytest.mark.parametrize(
    ("window", "time_of_day", "is_it"),
    [
        ("22:00-06:00", "21:59:59", False),
        ("22:00-06:00", "22:00:00", True),
        ("22:00-06:00", "00:00:00", True),
        ("22:00-06:00", "05:59:59", True),
        ("22:00-06:00", "06:00:00", False),
        ("09:00-17:00", "08:59:59", False),
        ("09:00-17:00", "12:00:00", True),
        ("09:00-17:00", "17:00:00", False),
        ("22:00-24:00", "23:59:59", True),
        ("22:00-24:00", "00:00:00", False),
    ],
)
def test_a_window_is_open_from_its_first_minute_to_before_its_last(
    window: str, time_of_day: str, is_it: bool
) -> None:
    wall = datetime.fromisoformat(f"2026-03-02 {time_of_day}")
    assert is_open(parse_window(window), wall) is is_it


@pytest.mark.parametrize(
    ("now", "window", "next_open"),
    [
        ("2026-03-02 12:00:30", "22:00-06:00", "2026-03-02 22:00:00"),
        ("2026-03-02 23:00:30", "22:00-06:00", "2026-03-02 23:00:30"),
        ("2026-03-02 05:59:59", "22:00-06:00", "2026-03-02 05:59:59"),
        ("2026-03-02 17:00:00", "09:00-17:00", "2026-03-03 09:00:00"),
        # In spring the clocks go from 02:00 to 03:00.
        ("2026-03-29 01:59:00", "02:30-04:00", "2026-03-29 03:00:00"),
        ("2026-03-29 01:59:00", "02:10-02:50", "2026-03-30 02:10:00"),
        ("2026-03-28 12:00:00", "22:00-06:00", "2026-03-28 22:00:00"),
        # In autumn they go from 03:00 back to 02:00.
        ("2026-10-25 01:00:00", "02:30-02:45", "2026-10-25 02:30:00"),
        ("2026-10-25 04:00:00", "03:00-04:00", "2026-10-26 03:00:00"),
    ],
)
def test_the_clock_on_the_wall_says_when_it_opens(now: str, window: str, next_open: str) -> None:
    assert on_the_wall(opens(parse_window(window), moment(now), BERLIN)) == next_open


def test_an_hour_that_comes_twice_is_in_the_window_both_times() -> None:
    window = parse_window("02:30-02:45")
    between = moment("2026-10-25 02:50")
    assert opens(window, between, BERLIN) == moment("2026-10-25 02:30", fold=1)


@given(
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.floats(1.7e9, 1.9e9),
    st.sampled_from([BERLIN, ZoneInfo("America/St_Johns"), ZoneInfo("Australia/Lord_Howe")]),
)
def test_it_opens_within_two_days_and_not_a_minute_late(
    begins: int, ends: int, now: float, zone: ZoneInfo
) -> None:
    if begins == ends:
        return
    window = Window(begins, ends)

    def open_at(seconds: float) -> bool:
        return is_open(window, datetime.fromtimestamp(seconds, zone))

    next_open = opens(window, now, zone)

    assert open_at(next_open)
    assert now <= next_open < now + timedelta(days=2).total_seconds()
    if next_open > now:
        assert not open_at(now)
        assert not open_at(max(now, next_open - 1))


def test_a_gate_says_not_now_outside_a_window_and_no_more_when_it_is_closed() -> None:
    clock = FakeClock()
    clock.time = moment("2026-03-02 21:00")
    windows = Windows({"old.example": NIGHT}, clock, BERLIN)
    gate = Gate(windows)

    gate.enter("new.example")
    assert windows.waits_until("old.example") == moment("2026-03-02 22:00")
    with pytest.raises(Deferred):
        gate.enter("new.example", "old.example")
    clock.time = moment("2026-03-02 22:00")
    gate.enter("new.example", "old.example")
    clock.time = moment("2026-03-03 06:00")
    assert not gate.is_open("old.example")
    gate.close()
    with pytest.raises(Paused) as caught:
        gate.enter("old.example")
    assert not isinstance(caught.value, Deferred)


# What that does to a job


class Wall(SystemClock):
    """The machine's clock, on a wall where somebody moves its hands."""

    def __init__(self, shows: str) -> None:
        self._ahead = 0.0
        self.shows(shows)

    def shows(self, wall: str) -> None:
        """Move the hands (the tests' time zone is UTC)."""
        self._ahead = datetime.fromisoformat(f"{wall}+00:00").timestamp() - time.time()

    def now(self) -> float:
        """Return the time."""
        return time.time() + self._ahead


async def run(job: Job, wall: Wall) -> JobState:
    """Run a job as its process does."""
    plan = job.plan()
    async with opened(plan) as places:
        with job.locked(), job.journal() as journal:
            return await Runner(plan, places, journal, wall).run()


def limited(plan: Plan, host: str, **limits: object) -> Plan:
    """Return a plan with limits of one registry."""
    return replace(plan, limits={host: Limits(**limits)})  # type: ignore[arg-type]


def words_of(job: Job, wall: Wall) -> list[str]:
    """Return what is said of the limits."""
    seen = read_job(job)
    return limit_words(seen.limits, seen.state, wall.now())


async def test_before_its_window_a_job_looks_at_both_sides_and_waits(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(open_registry, repository, "1")
    target = other_registry.host
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target}/{repository}"))
    job = new_job(tmp_path, limited(plan, target, window=NIGHT))
    wall = Wall("2026-03-02 21:30")
    mark = other_registry.mark()

    running = asyncio.create_task(run(job, wall))
    await comes_true(lambda: read_job(job).planned and words_of(job, wall) != [], "the job to wait")
    assert words_of(job, wall) == [f"waits until 22:00 (window of {target})"]
    assert {line.method for line in other_registry.since(mark)} <= {"GET", "HEAD"}
    wall.shows("2026-03-02 22:00")

    assert await running is JobState.DONE
    assert digest_at(other_registry, repository, "1") == image.digest
    with job.journal() as journal:
        told = [e.more for e in events(journal) if e.kind in LEVELS and e.what == target]
    assert told == [
        "outside its window; nothing begins there for 30 min",
        "its window is open",
    ]


async def test_at_the_window_s_end_a_blob_stops_after_its_piece_and_goes_on_in_the_next(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    image = push_image(open_registry, repository, "1", [random_layer(70_000_000, repository)])
    proxy = proxy_for(other_registry)
    hold = Hold()
    proxy.add(Fault(hold, method="PATCH"))
    plan = plan_of((f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    job = new_job(tmp_path, limited(plan, proxy.host, window=NIGHT))
    wall = Wall("2026-03-03 05:00")

    def patches() -> list[int | None]:
        return [request.status for request in proxy.requests if request.method == "PATCH"]

    running = asyncio.create_task(run(job, wall))
    await comes_true(hold.held.is_set, "the first piece")
    wall.shows("2026-03-03 06:00")
    hold.release.set()
    await comes_true(lambda: patches() == [202] and not read_job(job).lanes, "the piece to end")
    await comes_true(lambda: words_of(job, wall) != [], "the job to wait")
    waiting = read_job(job)
    assert words_of(job, wall) == [f"waits until 22:00 (window of {proxy.host})"]
    wall.shows("2026-03-03 22:00")
    ended = await running

    assert (waiting.state, waiting.counts.copied) == (JobState.RUNNING, 0)
    assert ended is JobState.DONE
    assert patches() == [202] * 3, "what was sent isn't sent again"
    assert digest_at(other_registry, repository, "1") == image.digest


async def test_one_registry_s_window_holds_up_nothing_that_goes_elsewhere(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    for number in range(60):  # More than are worked on at once.
        push_image(open_registry, repository, f"v{number}")
    source, late = f"{open_registry.host}/{repository}", proxy_for(other_registry).host
    plan = plan_of(
        (source, f"{late}/{repository}"), (source, f"{other_registry.host}/now/{repository}")
    )
    job = new_job(tmp_path, limited(plan, late, window=NIGHT))
    wall = Wall("2026-03-02 12:00")

    running = asyncio.create_task(run(job, wall))
    await comes_true(lambda: read_job(job).counts.copied == 60, "what may be copied now")
    wall.shows("2026-03-02 22:00")

    assert await running is JobState.DONE
    assert read_job(job).counts.copied == 120


async def test_a_job_that_waits_for_its_window_can_be_paused(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    push_image(open_registry, repository, "1")
    target = other_registry.host
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target}/{repository}"))
    job = new_job(tmp_path, limited(plan, target, window=NIGHT))
    wall = Wall("2026-03-02 12:00")

    running = asyncio.create_task(run(job, wall))
    await comes_true(lambda: read_job(job).planned, "the job to wait")
    with job.journal() as journal:
        journal.wish("pause", 1.0)
    assert await running is JobState.PAUSED
    wall.shows("2026-03-02 23:00")
    with job.journal() as journal:
        journal.grant_wishes()

    assert await run(job, wall) is JobState.DONE


async def test_a_window_is_moved_and_taken_away_while_the_job_waits_for_it(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(open_registry, repository, "1")
    target = other_registry.host
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target}/{repository}"))
    job = new_job(tmp_path, limited(plan, target, window=NIGHT, concurrency=4))
    wall = Wall("2026-03-02 12:00")

    running = asyncio.create_task(run(job, wall))
    await comes_true(lambda: words_of(job, wall) != [], "the job to wait")
    control.set_limit(job, limit_request(target, window="20:00-21:00"))
    await comes_true(
        lambda: words_of(job, wall) == [f"waits until 20:00 (window of {target})"], "another window"
    )
    control.set_limit(job, limit_request(target, window="none"))

    assert await running is JobState.DONE
    assert digest_at(other_registry, repository, "1") == image.digest
    with job.journal() as journal:
        told = [e.more for e in events(journal) if e.kind in LEVELS and e.what == target]
    assert told[1] == "it is held to 4 requests at once, 20:00-21:00"


async def test_a_window_that_was_moved_holds_in_the_next_process_too(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    push_image(open_registry, repository, "1")
    target = other_registry.host
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target}/{repository}"))
    job = new_job(tmp_path, plan)
    control.set_limit(job, limit_request(target, window="22:00-06:00"))
    wall = Wall("2026-03-02 12:00")

    running = asyncio.create_task(run(job, wall))
    await comes_true(
        lambda: words_of(job, wall) == [f"waits until 22:00 (window of {target})"], "the window"
    )
    wall.shows("2026-03-02 22:00")

    assert await running is JobState.DONE
