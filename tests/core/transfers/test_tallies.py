"""What screens ask for many times a second is counted as it is written, and costs no walk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from moving.jobs import new_job, plan_of
from transship import errors
from transship.oci.digest import digest_of
from transship.oci.reference import Reference
from transship.transfers.copies import Copy, Verdict, Worklist
from transship.transfers.job_view import look
from transship.transfers.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

    from transship.transfers.jobs import Job

PLAN = plan_of(("old.example/app", "new.example/app"))


def copies(count: int, *, first: int = 1, verdict: Verdict = Verdict.COPY) -> list[Copy]:
    """Return copies of numbered tags."""
    return [
        Copy(
            number,
            Reference("old.example", "app", f"v{number}"),
            Reference("new.example", "app", f"v{number}"),
            digest_of(b"image"),
            None,
            verdict,
        )
        for number in range(first, first + count)
    ]


def job_of(folder: Path, count: int) -> Job:
    """Return a job of so many copies, of which every other one has failed."""
    job = new_job(folder, PLAN)
    with job.journal() as journal:
        journal.keep(Worklist(tuple(copies(count)), (), {}))
        with journal.together():
            for copy in copies(count)[::2]:
                journal.failed(copy, errors.TooLarge("413"), 1.0)
    return job


def counted_anew(journal: Journal) -> tuple[object, object]:
    """Count a journal's copies one by one, and what failed of them."""
    with closing(sqlite3.connect(journal.folder / "journal.sqlite")) as db:
        states = db.execute("SELECT state, verdict, count(*) FROM copies GROUP BY 1, 2")
        failed = db.execute(
            "SELECT cause, remedy, count(*) FROM copies WHERE state = 'failed' GROUP BY 1, 2"
        )
        return {(state, verdict): n for state, verdict, n in states}, sorted(failed)


def tallied(journal: Journal) -> tuple[object, object]:
    """Return what the journal says of the same."""
    failures = sorted((each.cause, each.remedy, each.count) for each in journal.failures())
    return journal.counts(), failures


def test_whatever_becomes_of_copies_the_counts_are_right(tmp_path: Path) -> None:
    with new_job(tmp_path, PLAN).journal() as journal:
        journal.keep(Worklist((*copies(6), *copies(2, first=7, verdict=Verdict.SAME)), (), {}))
        one, two, three, four, five, six = copies(6)
        for copy in (one, two, three, four, five):
            journal.begun(copy)
        journal.moving(one, digest_of(b"before"))
        journal.done(one, 1.0)
        journal.settled(two, Verdict.SKIP, "it is left as it is", 2.0)
        journal.failed(three, errors.TooLarge("413"), 3.0)
        journal.failed(three, errors.BadRequest("400"), 3.5)
        journal.failed(four, errors.TooLarge("413"), 4.0)
        journal.wait_again()
        assert tallied(journal) == counted_anew(journal)

        journal.try_again([three])
        assert tallied(journal) == counted_anew(journal)

        journal.failed(six, errors.TooLarge("413"), 5.0)
        journal.keep(Worklist(tuple(copies(1)), (), {}), beside=[six.id])
        assert tallied(journal) == counted_anew(journal)
        assert len(journal.failures()) == 1


def test_a_worklist_that_is_taken_back_is_not_counted(tmp_path: Path) -> None:
    with new_job(tmp_path, PLAN).journal() as journal:
        kept = journal.keeping(Worklist(tuple(copies(5)), (), {}))
        next(kept)
        kept.close()

        journal.take_back()

        assert journal.counts() == {}


def test_to_look_at_a_job_costs_the_same_however_large_it_is(tmp_path: Path) -> None:
    small, large = (steps_of_a_look(job_of(tmp_path / str(n), n)) for n in (100, 5_000))

    assert large < 1.1 * small


def steps_of_a_look(job: Job) -> int:
    """Count the steps that SQLite takes to show a job."""
    plan, steps = job.plan(), 0

    def count() -> None:
        nonlocal steps
        steps += 1

    with job.journal() as journal:
        journal._db.set_progress_handler(count, 1)
        seen = look(job, plan, journal)
        journal._db.set_progress_handler(None, 0)
    assert seen.counts.failed == seen.failures[0].count == seen.counts.total // 2
    return steps


def test_copies_of_a_journal_that_counted_none_are_counted_when_it_is_opened(
    tmp_path: Path,
) -> None:
    job = job_of(tmp_path, 10)
    with closing(sqlite3.connect(job.folder / "journal.sqlite")) as db:
        db.execute("DELETE FROM tallies")
        db.commit()

    with job.journal() as journal:
        counts, failures = counted_anew(journal)
        assert journal.counts() == counts
        assert sum(failure.count for failure in journal.failures()) == 5
        assert failures
