"""`transship limit`: a job is held to another rate or concurrency while it runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from moving.jobs import plan_of
from transship.paths import default_paths
from transship.plans.plan import Limits, Window
from transship.registry.registry import MEBIBYTE
from transship.transfers.copies import JobState
from transship.transfers.jobs import Job, JobStore
from transship.transfers.limits import limits_of

OLD, NEW = "old.example", "new.example:5000"


@pytest.fixture
def job() -> Job:
    """A job that is paused."""
    plan = plan_of((f"{OLD}/web:1", f"{NEW}/web"))
    made = JobStore(default_paths().jobs).create(replace(plan, limits={NEW: Limits(concurrency=8)}))
    with made.journal() as journal:
        journal.note(state=JobState.PAUSED)
    return made


def limits(job: Job) -> dict[str, Limits]:
    """Return what holds for the job."""
    with job.journal() as journal:
        return limits_of(job.plan(), journal)


def test_it_says_what_holds_then(transship: Any, job: Job) -> None:
    ended = transship("limit", job.id[:4], NEW, "--rate", "20MiB/s")
    assert ended.status == 0, ended.err
    assert f"{job.id}: {NEW} is held to 20 MiB/s, 8 requests at once" in ended.err
    assert limits(job)[NEW] == Limits(concurrency=8, rate=20 * MEBIBYTE)

    transship("limit", job.id, OLD, "--rate", "1 MB/s", "--concurrency", "2")
    assert limits(job)[OLD] == Limits(concurrency=2, rate=10**6)

    ended = transship("limit", job.id, NEW, "--window", "22:00-06:00")
    assert f"{NEW} is held to 20 MiB/s, 8 requests at once, 22:00-06:00" in ended.err
    assert limits(job)[NEW] == Limits(8, 20 * MEBIBYTE, Window(22 * 60, 6 * 60))

    none = ("--rate", "none", "--concurrency", "none", "--window", "none")
    ended = transship("limit", job.id, NEW, *none)
    assert f"{job.id}: {NEW} has no limit" in ended.err
    assert limits(job)[NEW] == Limits()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((NEW,), "say what is to change"),
        ((NEW, "--rate", "fast"), "'fast' is not a rate"),
        ((NEW, "--window", "night"), "'night' is not a part of the day; write 22:00-06:00"),
        ((NEW, "--concurrency", "0"), "a number from 1 to 1000, or none"),
        ((NEW, "--concurrency", "some"), "a number from 1 to 1000, or none"),
        (("other.example", "--rate", "1MB/s"), "other.example is no registry of"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: tuple[str, ...], why: str, transship: Any, job: Job
) -> None:
    ended = transship("limit", job.id, *words)
    assert (ended.status, why in " ".join(ended.err.split())) == (2, True), ended.err
    assert limits(job) == {NEW: Limits(concurrency=8)}


def test_a_job_that_has_ended_is_left_as_it_is(transship: Any, job: Job) -> None:
    with job.journal() as journal:
        journal.note(state=JobState.DONE)
    assert transship("limit", job.id, NEW, "--rate", "1MB/s").status == 2
