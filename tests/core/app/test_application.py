"""The engine at work, as far as jobs go: looked at often, and read only when they have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from moving.jobs import plan_of
from transship.accounts.docker_config import DockerConfig
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources
from transship.app import jobs as jobs_module
from transship.app.application import Application
from transship.errors import BadFile, JobNotFound
from transship.oci.digest import Digest
from transship.oci.reference import parse_reference
from transship.paths import Paths
from transship.transfers.copies import Copy, JobState, Verdict, Worklist
from transship.transfers.job_view import Which, glance
from transship.transfers.jobs import Job, JobStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def jobs(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "jobs")


@pytest.fixture
def engine(tmp_path: Path) -> Application:
    sources = Sources(SessionStore(), SessionStore(), DockerConfig({}), {})
    return Application(Paths(tmp_path / "config", tmp_path), sources)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs whose journals were read, in order."""
    seen: list[str] = []
    original = glance

    def spy(job: Job) -> Any:
        seen.append(job.id)
        return original(job)

    monkeypatch.setattr(jobs_module, "glance", spy)
    return seen


def _job(jobs: JobStore, state: JobState = JobState.DONE) -> Job:
    job = jobs.create(plan_of(("old.example/a", "new.example/a")))
    with job.journal() as journal:
        journal.note(state=state, started=1.0)
    return job


def test_a_job_that_stands_still_is_read_once(
    jobs: JobStore, engine: Application, read: list[str]
) -> None:
    ended = _job(jobs)
    paused = _job(jobs, JobState.PAUSED)
    for _ in range(3):
        assert {view.id for view in engine.jobs.all()} == {ended.id, paused.id}
    assert sorted(read) == sorted([ended.id, paused.id])
    with paused.journal() as journal:
        journal.note(state=JobState.CANCELLED)
    states = {view.id: view.state for view in engine.jobs.all()}
    assert states[paused.id] is JobState.CANCELLED
    assert read[2:] == [paused.id]


def test_a_job_whose_process_was_killed_is_seen_although_nothing_was_written(
    jobs: JobStore, engine: Application
) -> None:
    job = _job(jobs, JobState.RUNNING)
    with job.locked():
        assert engine.jobs.find(job.id).state is JobState.RUNNING
        assert engine.jobs.find(job.id).state is JobState.RUNNING
    assert engine.jobs.find(job.id).state is JobState.INTERRUPTED


def test_a_job_that_cannot_be_read_leaves_the_others_in_sight(
    jobs: JobStore, engine: Application
) -> None:
    good, bad = _job(jobs), _job(jobs)
    (bad.folder / "journal.sqlite").write_bytes(b"no journal" * 500)
    views = {view.id: view for view in engine.jobs.all()}
    assert views[good.id].state is JobState.DONE
    assert views[bad.id].problem is not None
    for ask in (
        engine.jobs.events,
        engine.jobs.pause,
        lambda job: engine.jobs.copy_ids(job, Which.ALL),
    ):
        with pytest.raises(BadFile, match=bad.id):
            ask(bad.id)


def test_copies_and_events_are_those_of_the_journal(jobs: JobStore, engine: Application) -> None:
    job = _job(jobs, JobState.RUNNING)
    source, target = (parse_reference(f"{host}.example/a:1") for host in ("old", "new"))
    copy = Copy(1, source, target, Digest(f"sha256:{1:064x}"), None, Verdict.COPY)
    with job.journal() as journal:
        journal.keep(Worklist((copy,), (), {}))
        journal.done(copy, 5.0)
    assert engine.jobs.copy_ids(job.id, Which.ALL) == [1]
    assert engine.jobs.copy_ids(job.id, Which.ALL, "nothing") == []
    (row,) = engine.jobs.copy_rows(job.id, [1])
    assert row.copy == copy
    assert [event.at for event in engine.jobs.events(job.id)] == [5.0]
    assert engine.jobs.plan(job.id) == job.plan()


def test_a_job_that_is_not_there(engine: Application) -> None:
    assert engine.jobs.all() == []
    with pytest.raises(JobNotFound):
        engine.jobs.find("abc234")
