"""What a job looks like from outside."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.jobs import job_view
from moving.jobs import new_job, plan_of
from transship import errors
from transship.oci.digest import digest_of
from transship.oci.reference import Reference
from transship.transfers.copies import BlobWork, Copy, JobState, Verdict, Worklist
from transship.transfers.job_view import JobBytes, JobCounts, JobView, read_job
from transship.transfers.journal import Lane, StoredSession
from transship.transfers.limits import Limit, encoded

if TYPE_CHECKING:
    from pathlib import Path

    from transship.transfers.jobs import Job

PLAN = plan_of(("a.example/web", "b.example/web"))
BLOBS = {size: digest_of(str(size).encode()) for size in (100, 20, 3)}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A planned job: four copies, and three blobs, of which two are wanted twice."""
    job = new_job(tmp_path, PLAN)
    verdicts = (Verdict.COPY, Verdict.OVERWRITE, Verdict.SAME, Verdict.SKIP, Verdict.COPY)
    copies = tuple(
        Copy(
            number,
            Reference("a.example", "web", f"v{number}"),
            Reference("b.example", "web", f"v{number}"),
            digest_of(b"image"),
            None,
            verdict,
        )
        for number, verdict in enumerate(verdicts, 1)
    )
    others = {100: ("other",), 20: ("other",), 3: ()}
    blobs = tuple(
        BlobWork("b.example", digest, size, copies[0].source, "web", others[size])
        for size, digest in BLOBS.items()
    )
    with job.journal() as journal:
        journal.keep(Worklist(copies, blobs, {}))
    return job


def lane(size: int, *, moved: int) -> Lane:
    """Return a lane that moves the blob of this size."""
    return Lane("web", moved, size, 1.0, "b.example", BLOBS[size])


def running(job: Job) -> JobView:
    """Look at the job while it is running."""
    with job.locked():
        return read_job(job)


def test_a_new_job_waits(tmp_path: Path) -> None:
    seen = read_job(new_job(tmp_path, PLAN))

    assert (seen.state, seen.planned, seen.counts, seen.bytes) == (
        JobState.WAITING,
        False,
        JobCounts(),
        JobBytes(),
    )
    assert (seen.source, seen.target) == ("a.example/web", "b.example/web")
    assert seen.started is None
    assert seen.ended is None
    assert seen.eta is None


def test_copies_are_counted_by_what_became_of_them(job: Job) -> None:
    with job.journal() as journal:
        one, two, *_ = journal.copies()
        journal.done(one, 5.0)
        journal.failed(two, errors.TooLarge("413"), 6.0)

    counts = read_job(job).counts

    assert counts == JobCounts(total=5, copied=1, same=1, skipped=1, failed=1, waiting=1)
    assert counts.ended == 4


def test_bytes_are_those_of_each_blob_once_and_what_that_has_saved(job: Job) -> None:
    with job.journal() as journal:
        journal.note(state=JobState.RUNNING)
        journal.placed("b.example", "web", BLOBS[20], outcome="there")
        journal.placed("b.example", "web", BLOBS[3], outcome="sent")
        journal.show_lanes([lane(100, moved=40)], rate=30)

    seen = running(job)

    # Of 243 bytes that a copy without any knowledge sends, 103 have to be.
    assert seen.bytes == JobBytes(total=123, done=63, sent=43, saved=140)
    assert seen.rate == 30
    assert seen.eta == 2
    assert [lane.what for lane in seen.lanes] == ["web"]


def test_what_an_unfinished_upload_holds_counts_before_a_lane_goes_on_with_it(job: Job) -> None:
    with job.journal() as journal:
        journal.note(state=JobState.RUNNING)
        journal.uploading("b.example", "web", BLOBS[100], StoredSession("there", 60))
        interrupted = read_job(job)
        seen = [running(job)]
        for moved in (0, 50, 70):
            journal.show_lanes([lane(100, moved=moved)], rate=10)
            seen.append(running(job))

    assert interrupted.bytes == JobBytes(total=123, done=60, sent=60, saved=120)
    assert [each.bytes.done for each in seen] == [60, 60, 60, 70]
    assert seen[1].eta == 6.3


def test_what_lanes_moved_beyond_their_sessions_is_lost_with_their_process(job: Job) -> None:
    with job.journal() as journal:
        journal.note(state=JobState.RUNNING)
        journal.uploading("b.example", "web", BLOBS[100], StoredSession("there", 60))
        journal.show_lanes([lane(100, moved=80), lane(20, moved=10)])

    assert running(job).bytes.done == 90
    assert read_job(job).bytes.done == 60


def test_a_blob_that_has_come_counts_once_while_its_lane_is_still_shown(job: Job) -> None:
    with job.journal() as journal:
        journal.note(state=JobState.RUNNING)
        journal.show_lanes([lane(100, moved=100)])
        before = running(job).bytes
        journal.placed("b.example", "web", BLOBS[100], outcome="sent")

    assert running(job).bytes == before


def test_a_job_that_was_cancelled_has_given_up_what_was_under_way(job: Job) -> None:
    with job.journal() as journal:
        journal.uploading("b.example", "web", BLOBS[100], StoredSession("there", 60))
        journal.note(state=JobState.CANCELLED)

    assert read_job(job).bytes.done == 0


def test_what_registries_ask_for_is_seen(job: Job) -> None:
    limits = (Limit("b.example", 3, until=9.0, at_once=4), Limit("a.example", silent_since=2.0))
    with job.journal() as journal:
        assert read_job(job).limits == ()
        journal.show_lanes([], limits=encoded(limits))

    assert read_job(job).limits == limits


def test_a_job_whose_process_is_gone_is_interrupted_and_moves_nothing(job: Job) -> None:
    with job.journal() as journal:
        journal.note(state=JobState.RUNNING, started=3.0)
        journal.show_lanes([Lane("web", 40, 100, 1.0)], rate=30)

    seen = read_job(job)

    assert running(job).state is JobState.RUNNING
    assert (seen.state, seen.lanes, seen.rate, seen.eta) == (JobState.INTERRUPTED, (), 0.0, None)
    assert seen.started == 3.0


def test_the_problem_of_a_whole_job_is_shown_with_its_remedy(job: Job) -> None:
    with job.journal() as journal:
        journal.note(
            state=JobState.FAILED,
            ended=9.0,
            problem="Connection refused",
            problem_detail="b.example",
            problem_remedy="Start it.",
        )

    seen = read_job(job)

    assert seen.problem == ("Connection refused", "b.example", "Start it.")
    assert (seen.state, seen.ended) == (JobState.FAILED, 9.0)


def test_a_job_of_many_copies_is_called_after_its_places(tmp_path: Path) -> None:
    plan = plan_of(("a.example/x", "b.example/x"), ("a.example/y", "b.example/y"))

    seen = read_job(new_job(tmp_path, plan))

    assert (seen.source, seen.target) == ("a.example", "b.example")


@pytest.mark.parametrize(
    "held", [Limit("a.example", silent_since=1.0), Limit("a.example", opens=1)]
)
def test_while_a_registry_is_silent_or_closed_nobody_knows_how_long_it_takes(held: Limit) -> None:
    moving = job_view("abc234", bytes=JobBytes(100, 50), rate=10.0)
    assert moving.eta == 5
    assert replace(moving, limits=(held,)).eta is None
    assert replace(moving, limits=(Limit("a.example", slowed=1),)).eta == 5
