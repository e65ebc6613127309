"""A job's journal, copy by copy, and a look at jobs that costs nothing while they stand still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.jobs import plan_of
from transship.errors import NoRight, TagConflict
from transship.oci.digest import Digest
from transship.oci.reference import parse_reference
from transship.transfers.copies import Copy, CopyState, JobState, Verdict, Worklist
from transship.transfers.job_view import JobEvent, Which, copy_ids, copy_rows, events, glance
from transship.transfers.jobs import Job, JobStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_DIGEST = Digest("sha256:" + "1" * 64)
_OTHER = Digest("sha256:" + "2" * 64)


def _copy(number: int, verdict: Verdict = Verdict.COPY, name: str = "team/web") -> Copy:
    return Copy(
        number,
        parse_reference(f"old.example/{name}:{number}"),
        parse_reference(f"new.example/{name}:{number}"),
        _DIGEST,
        _OTHER if verdict is Verdict.OVERWRITE else None,
        verdict,
        "the target has it" if verdict is Verdict.SAME else "",
    )


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return JobStore(tmp_path / "jobs").create(plan_of(("old.example/a", "new.example/a")))


def _keep(job: Job, copies: Sequence[Copy]) -> None:
    with job.journal() as journal:
        journal.keep(Worklist(tuple(copies), (), {}))


def _ids(job: Job, which: Which = Which.ALL, pattern: str = "") -> list[int]:
    with job.journal() as journal:
        return list(copy_ids(journal, which, pattern))


def test_copies_are_listed_by_how_far_they_are(job: Job) -> None:
    copies = [
        _copy(1),
        _copy(2),
        _copy(3, Verdict.SAME),
        _copy(4, Verdict.SKIP),
        _copy(5, Verdict.OVERWRITE),
    ]
    _keep(job, copies)
    with job.journal() as journal:
        journal.begun(copies[0])
        journal.failed(copies[1], NoRight("denied"), 10.0)
    assert _ids(job) == [1, 2, 3, 4, 5]
    assert _ids(job, Which.ACTIVE) == [1]
    assert _ids(job, Which.FAILED) == [2]
    assert _ids(job, Which.SKIPPED) == [4]


def test_a_pattern_narrows_what_is_listed(job: Job) -> None:
    _keep(job, [_copy(1, name="team/api"), _copy(2, name="team/web"), _copy(3, name="other/api")])
    assert _ids(job, pattern="api") == [1, 3]
    assert _ids(job, pattern="!api") == [2]
    assert _ids(job, Which.FAILED, "api") == []


def test_rows_say_how_far_a_copy_is_and_why(job: Job) -> None:
    copies = [_copy(1), _copy(2, Verdict.OVERWRITE), _copy(3, Verdict.SAME)]
    _keep(job, copies)
    with job.journal() as journal:
        journal.failed(copies[0], NoRight("denied"), 10.0)
        failed, overwrite, same = copy_rows(journal, [1, 2, 3])
    assert (failed.state, failed.problem) == (CopyState.FAILED, "No right to do this: denied")
    assert failed.remedy == NoRight.remedy
    assert (overwrite.state, overwrite.copy.previous) == (CopyState.WAITING, _OTHER)
    assert (same.state, same.copy.reason, same.problem) == (CopyState.DONE, "the target has it", "")


def test_what_is_refused_from_the_start_is_among_the_failed(job: Job) -> None:
    refused = Copy(
        1,
        parse_reference("old.example/a:1"),
        parse_reference("new.example/a:1"),
        _DIGEST,
        _OTHER,
        Verdict.CONFLICT,
        problem=TagConflict("new.example/a:1"),
    )
    _keep(job, [refused])
    assert _ids(job, Which.FAILED) == [1]


def test_only_the_rows_that_are_asked_for_are_read(job: Job) -> None:
    _keep(job, [_copy(number) for number in range(1, 5001)])
    with job.journal() as journal:
        rows = copy_rows(journal, range(3000, 3050))
        assert [row.copy.id for row in rows] == list(range(3000, 3050))
        assert copy_rows(journal, [9999]) == []
        assert copy_rows(journal, []) == []


def test_events_come_in_the_order_of_time(job: Job) -> None:
    copies = [_copy(1), _copy(2), _copy(3)]
    _keep(job, copies)
    with job.journal() as journal:
        journal.done(copies[0], 10.0)
        journal.wish("pause", 12.0)
        journal.failed(copies[1], NoRight("denied"), 11.0)
        journal.log(13.0, "warning", "the registry asked for less\x1b[2J")
        journal.log(14.0, "error", "new.example/x: it says: no")
        happened = events(journal)
    assert happened == [
        JobEvent(10.0, "copy", "old.example/team/web:1"),
        JobEvent(11.0, "failed", "old.example/team/web:2", "No right to do this: denied"),
        JobEvent(12.0, "wish", "pause"),
        JobEvent(13.0, "warning", "the registry asked for less [2J"),
        JobEvent(14.0, "error", "new.example/x", "it says: no"),
    ]


def test_of_many_events_the_last_are_kept(job: Job) -> None:
    copies = [_copy(number) for number in range(1, 11)]
    _keep(job, copies)
    with job.journal() as journal:
        for copy in copies:
            journal.done(copy, float(copy.id))
        assert [event.at for event in events(journal, limit=3)] == [8.0, 9.0, 10.0]


def test_a_look_leaves_the_stamp_as_it_is(job: Job) -> None:
    stamp = job.stamp()
    assert glance(job).state is JobState.WAITING
    assert job.stamp() == stamp


def test_every_write_changes_the_stamp(job: Job) -> None:
    stamps = [job.stamp()]
    with job.journal() as journal:
        for state in (JobState.RUNNING, JobState.PAUSED, JobState.RUNNING):
            journal.note(state=state, more="x" * 5000)
            stamps.append(job.stamp())
    stamps.append(job.stamp())
    assert len(set(stamps)) == len(stamps)


@pytest.mark.parametrize("broken", ["plan.toml", "journal.sqlite"])
def test_a_job_that_cannot_be_read_is_seen_as_failed(job: Job, broken: str) -> None:
    (job.folder / broken).write_bytes(b"not what it should be" * 100)
    seen = glance(job)
    assert (seen.id, seen.state) == (job.id, JobState.FAILED)
    assert seen.problem is not None
    title, detail, remedy = seen.problem
    assert str(job.folder) in detail
    assert title
    assert remedy
