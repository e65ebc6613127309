"""What registries ask for is seen in the job, told in words, and logged without noise."""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import TYPE_CHECKING

import pytest

from moving.jobs import new_job, plan_of, run_again
from moving.memory import FakeClock, MemoryPlace
from servers.faults import Answer, Fault
from servers.images import push_image
from servers.process import comes_true
from transship import errors
from transship.registry.http.rate_limiter import RateLimiter
from transship.transfers.copies import JobState
from transship.transfers.job_view import LEVELS, events, read_job
from transship.transfers.journal import JobLog, Journal
from transship.transfers.limits import Limit, LimitWatch, decoded, encoded, limit_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.registry import Registry

NAME = "busy.example"


class PacedPlace(MemoryPlace):
    """A place that is asked at a pace."""

    pacer: RateLimiter


class Stage:
    """A registry and a folder, and who watches what they ask for."""

    def __init__(self, journal: Journal) -> None:
        self.clock = FakeClock()
        self.journal = journal
        self.pacer = RateLimiter(self.clock, start=8)
        registry = PacedPlace(NAME)
        registry.pacer = self.pacer
        places = {NAME: registry, "layout:/folder": MemoryPlace("layout:/folder")}
        self._watch = LimitWatch(places, JobLog(journal, self.clock), self.clock)

    def look(self, seconds: float = 0.0) -> list[Limit]:
        """Let time pass, and look."""
        self.clock.time += seconds
        return self._watch.look()

    def slower(self, seconds: float) -> None:
        """Ask to slow down."""
        self.pacer.went_badly(errors.RateLimited("busy", retry_after=seconds))

    def told(self) -> list[tuple[str, str]]:
        """Return what was logged, all of it about the registry."""
        found = events(self.journal)
        assert {event.what for event in found} <= {NAME}
        return [(event.kind, event.more) for event in found]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A watch on a journal of its own."""
    journal = Journal(tmp_path / "journal.sqlite")
    yield Stage(journal)
    journal.close()


def test_a_registry_that_takes_everything_is_no_limit(stage: Stage) -> None:
    stage.pacer.went_well()
    assert stage.look() == []
    assert stage.told() == []


def test_a_registry_that_asks_to_slow_down_is_one_until_the_job_ends(stage: Stage) -> None:
    stage.slower(12)
    assert stage.look(2) == [Limit(NAME, 1, until=1012.0, at_once=4)]
    assert stage.look(20) == [Limit(NAME, 1, at_once=4)]
    for _ in range(60):
        stage.pacer.went_well()
    assert stage.look() == [Limit(NAME, 1)]
    assert stage.told() == [
        ("warning", "it asks to slow down: nothing for 10 s, then 4 requests at once"),
        ("info", "it answers again; it has asked 1 time to slow down"),
    ]


def test_a_moment_stays_the_same_however_the_clocks_tick(stage: Stage) -> None:
    stage.slower(12)
    (first,) = stage.look()
    ahead = stage.clock.now

    for drift in (0.2, -0.3, 0.4):
        stage.clock.now = lambda drift=drift: ahead() + drift  # type: ignore[method-assign]
        assert stage.look(1) == [first]


def test_what_comes_often_is_told_once_a_minute(stage: Stage) -> None:
    for _ in range(300):
        stage.slower(1)
        stage.look(1.5)
        stage.pacer.went_well()
        stage.look(0.5)
    assert stage.pacer.slowed == 300
    assert len(stage.told()) == 20
    assert stage.told()[-1] == ("info", "it answers again; it has asked 271 times to slow down")


def test_a_registry_that_does_not_answer_for_a_while(stage: Stage) -> None:
    stage.pacer.went_badly(errors.ConnectionRefused(NAME))
    assert stage.look(3) == []
    (limit,) = stage.look(37)
    assert limit == Limit(NAME, silent_since=1000.0, why="Connection refused", patient_until=1900.0)
    stage.pacer.answered()
    assert stage.look(5) == []
    assert stage.told() == [
        ("warning", "it doesn't answer: Connection refused; it is asked again for 14 min"),
        ("info", "it answers again, after 45 s"),
    ]


def test_limits_are_kept_as_a_fact() -> None:
    limits = (Limit(NAME, 2, until=1.5, at_once=3), Limit("other.example", silent_since=4.0))
    assert decoded(encoded(limits)) == limits
    assert decoded(encoded(())) == decoded("") == ()


def test_in_words() -> None:
    def words(**facts: float) -> str:
        limit = Limit(NAME, **facts)  # type: ignore[arg-type]  # one of them is a count
        return limit_words([limit], JobState.RUNNING, 1000.0)[0].removeprefix(f"{NAME} ")

    assert words(slowed=1) == "asked to slow down"
    assert words(slowed=3, until=999.0, at_once=1) == "asked 3× to slow down, 1 request at once"
    assert words(slowed=3, until=1011.2, at_once=1) == "asked 3× to slow down, waiting 12 s"
    assert words(slowed=3, silent_since=900.0) == "hasn't answered for 1 min 40 s"
    silent = Limit(NAME, silent_since=900.0, why="Connection refused", patient_until=1800.0)
    assert limit_words([silent], JobState.RUNNING, 1000.0, UTC) == [
        f"{NAME} hasn't answered for 1 min 40 s (connection refused); tried until 00:30"
    ]
    assert "tried" not in limit_words([silent], JobState.RUNNING, 1801.0, UTC)[0]


@pytest.mark.parametrize("state", [JobState.PAUSED, JobState.INTERRUPTED, JobState.WAITING])
def test_of_a_job_that_stands_still_only_what_is_still_asked_for(state: JobState) -> None:
    limits = [Limit(NAME, 3, until=1600.0), Limit("past.example", 3, until=900.0, at_once=2)]
    assert limit_words(limits, state, 1000.0) == [f"{NAME} wants to be left alone for 10 min"]
    assert limit_words(limits, JobState.DONE, 1000.0) == []


async def test_a_real_registry_that_answers_429(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    for number in range(4):
        push_image(open_registry, repository, f"v{number}")
    proxy = proxy_for(open_registry)
    proxy.add(Fault(Answer(429, {"Retry-After": "2"}), path="/manifests/", times=3))
    plan = plan_of((f"{proxy.host}/{repository}", f"{other_registry.host}/{repository}"))
    job = new_job(tmp_path, plan)

    running = asyncio.create_task(run_again(job))
    await comes_true(
        lambda: read_job(job).limits or running.done(), "the registry to be left alone"
    )
    held_up = read_job(job)
    done = await running

    (limit,) = held_up.limits
    assert held_up.state is JobState.RUNNING
    # Two good answers had made 34 of the 32 that it begins with.
    assert (limit.registry, limit.slowed, limit.at_once) == (proxy.host, 1, 17)
    assert limit.until is not None
    assert held_up.started is not None
    assert 0 < limit.until - held_up.started < 10
    assert (done.state, done.counts.copied) == (JobState.DONE, 4)
    with job.journal() as journal:
        log = [(e.kind, e.more) for e in events(journal) if e.what == proxy.host]
        levels = {event.kind for event in events(journal)} & LEVELS
    (slower, told_when), (again, told_again) = log
    assert (slower, again, levels) == ("warning", "info", {"info", "warning"})
    assert told_when == "it asks to slow down: nothing for 2 s, then 17 requests at once"
    assert told_again == "it answers again; it has asked 1 time to slow down"
