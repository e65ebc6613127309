"""Jobs: their folders, their names, and the lock that one process holds."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from moving.jobs import ends, plan_of
from servers.process import eventually
from transship.errors import JobBusy, JobNotFound
from transship.transfers.copies import JobState
from transship.transfers.jobs import Job, JobStore
from transship.transfers.process import start_runner

if TYPE_CHECKING:
    from pathlib import Path

PLAN = plan_of(("a.example/web:1", "b.example/web"))

HOLD = """
import sys
from pathlib import Path
from transship.transfers.jobs import Job
with Job(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def named(jobs: JobStore, folder: Path, name: str) -> Job:
    """Make a job with this id."""
    made = jobs.create(PLAN)
    return Job(made.folder.rename(folder / name))


def test_a_new_job_keeps_its_plan_in_a_folder_that_only_its_owner_reads(tmp_path: Path) -> None:
    job = JobStore(tmp_path / "state" / "jobs").create(PLAN)

    assert job.plan() == PLAN
    assert not job.is_held
    assert stat.S_IMODE(job.folder.stat().st_mode) == 0o700
    with job.journal() as journal:
        assert journal.state is JobState.WAITING
        assert float(journal.fact("created")) > 0


def test_nothing_in_the_folder_is_anybody_elses_to_read(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        nowhere = plan_of((f"layout:{tmp_path}/old//web:1", f"layout:{tmp_path}/new//web"))
        job = JobStore(tmp_path / "jobs").create(nowhere)
        start_runner(job, [])
        ends(job)
        with job.journal() as journal, job.locked():
            journal.note(phase="")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in job.folder.iterdir()}
    finally:
        os.umask(before)

    assert set(modes.values()) == {0o600}
    assert modes.keys() == {
        "plan.toml", "lock", "runner.log", "journal.sqlite", "journal.sqlite-wal",
        "journal.sqlite-shm",
    }  # fmt: skip


def test_a_journal_that_others_could_read_is_closed_to_them_when_it_is_opened(
    tmp_path: Path,
) -> None:
    job = JobStore(tmp_path).create(PLAN)
    file = job.folder / "journal.sqlite"
    file.chmod(0o644)
    with job.journal() as journal:
        journal.note(phase="")
        for each in job.folder.glob("journal.*"):
            assert stat.S_IMODE(each.stat().st_mode) == 0o600


def test_an_id_can_be_shortened_as_long_as_it_is_clear(tmp_path: Path) -> None:
    jobs = JobStore(tmp_path)
    ab, abc, b = (named(jobs, tmp_path, name) for name in ("ab", "abc", "bcd"))

    assert jobs.find("ab") == ab
    assert jobs.find("abc") == abc
    assert jobs.find("b") == b
    for name in ("a", "x", "", "abcd"):
        with pytest.raises(JobNotFound):
            jobs.find(name)


def test_the_newest_job_is_first_and_folders_without_a_plan_are_none(tmp_path: Path) -> None:
    jobs = JobStore(tmp_path / "jobs")
    assert jobs.all() == []
    made = [jobs.create(PLAN) for _ in range(3)]
    (tmp_path / "jobs" / "half").mkdir()

    assert jobs.all() == made[::-1]


def test_one_process_holds_a_job_and_its_end_lets_go_of_it(tmp_path: Path) -> None:
    job = JobStore(tmp_path).create(PLAN)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, job.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert job.is_held
        with pytest.raises(JobBusy), job.locked():
            pass
        holder.kill()
    eventually(lambda: not job.is_held, "the lock to be gone")
    with job.locked():
        assert job.is_held


def test_looking_whether_a_job_is_held_never_keeps_a_runner_out(tmp_path: Path) -> None:
    job = JobStore(tmp_path).create(PLAN)
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            assert job.is_held in (True, False)

    lookers = [threading.Thread(target=look) for _ in range(4)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(50):
            with job.locked():
                pass
    finally:
        ended.set()
        for looker in lookers:
            looker.join()
