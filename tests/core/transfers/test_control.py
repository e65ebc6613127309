"""What an operator wishes of a job, in whatever state it is."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from moving.jobs import ends, new_job, plan_of, run_again
from moving.judge import digest_at
from servers.faults import Answer, Fault, Hold
from servers.images import push_image, random_layer
from servers.process import eventually
from transship.errors import JobBusy, JobEnded
from transship.transfers import control
from transship.transfers.copies import JobState
from transship.transfers.job_view import read_job
from transship.transfers.process import start_runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.registry import Registry
    from transship.transfers.jobs import Job

PLAN = plan_of(("a.example/web:1", "b.example/web"))


def in_state(folder: Path, state: JobState) -> Job:
    """Return a job that was left in a state."""
    job = new_job(folder, PLAN)
    with job.journal() as journal:
        journal.note(state=state)
    return job


@pytest.mark.parametrize(
    ("wish", "state", "becomes"),
    [
        (control.pause_job, JobState.WAITING, JobState.PAUSED),
        (control.pause_job, JobState.INTERRUPTED, JobState.PAUSED),
        (control.pause_job, JobState.PAUSED, None),
        (control.pause_job, JobState.DONE, None),
        (control.cancel_job, JobState.PAUSED, JobState.CANCELLED),
        (control.cancel_job, JobState.RUNNING, JobState.CANCELLED),
        (control.cancel_job, JobState.FAILED, None),
        (control.cancel_job, JobState.CANCELLED, None),
    ],
)
def test_a_job_that_no_process_holds_is_changed_at_once(
    wish: Callable[[Job], None], state: JobState, becomes: JobState | None, tmp_path: Path
) -> None:
    job = in_state(tmp_path, state)
    if becomes is None:
        with pytest.raises(JobEnded, match=state):
            wish(job)
    else:
        wish(job)
        assert read_job(job).state is becomes


@pytest.mark.parametrize(
    ("wish", "state"),
    [
        (control.resume_job, JobState.DONE),
        (control.resume_job, JobState.FAILED),
        (control.resume_job, JobState.CANCELLED),
        (control.retry_job, JobState.DONE),
        (control.retry_job, JobState.CANCELLED),
    ],
)
def test_there_is_nothing_to_go_on_with(
    wish: Callable[..., int], state: JobState, tmp_path: Path
) -> None:
    with pytest.raises(JobEnded, match=state):
        wish(in_state(tmp_path, state), [])


def test_a_job_that_is_running_is_neither_resumed_nor_retried(tmp_path: Path) -> None:
    job = in_state(tmp_path, JobState.RUNNING)
    with job.locked():
        for wish in (control.resume_job, control.retry_job):
            with pytest.raises(JobBusy):
                wish(job, [])
        with pytest.raises(JobBusy):
            start_runner(job, [])


def test_a_wish_that_came_too_late_does_not_stop_the_next_process(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(open_registry, repository, "1")
    job = new_job(
        tmp_path,
        plan_of((f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}")),
    )
    with job.locked():
        control.cancel_job(job)  # To a process that ends before it reads it.

    control.resume_job(job, [])

    assert ends(job).state is JobState.DONE
    assert digest_at(other_registry, repository, "1") == image.digest


def test_pausing_twice_stops_at_once_and_leaves_what_a_resume_needs(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    image = push_image(open_registry, repository, "1", [random_layer(3_000_000, repository)])
    proxy = proxy_for(other_registry)
    hold = Hold()
    proxy.add(Fault(hold, method="PUT", path="/blobs/uploads/"))
    job = new_job(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    )

    start_runner(job, [])
    eventually(hold.held.is_set, "an upload")
    control.pause_job(job)
    control.pause_job(job)
    paused = ends(job)
    hold.release.set()
    control.resume_job(job, [])

    assert paused.state is JobState.PAUSED
    assert ends(job).state is JobState.DONE
    assert digest_at(other_registry, repository, "1") == image.digest


def test_a_cancelled_job_tells_the_registry_what_it_gives_up(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    push_image(open_registry, repository, "1", [random_layer(70_000_000, repository)])
    proxy = proxy_for(other_registry)
    hold = Hold()
    proxy.add(Fault(hold, method="PATCH", path="/blobs/uploads/", skip=1))
    job = new_job(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    )

    start_runner(job, [])
    eventually(hold.held.is_set, "the second piece")
    control.cancel_job(job)
    ended = ends(job)
    hold.release.set()

    assert ended.state is JobState.CANCELLED
    assert [r.status for r in proxy.requests if r.method == "DELETE"] == [204]
    with pytest.raises(JobEnded):
        control.retry_job(job, [])


async def test_a_job_whose_first_look_failed_looks_again(
    open_registry: DockerRegistry,
    new_registry: Callable[..., DockerRegistry],
    repository: str,
    tmp_path: Path,
) -> None:
    image = push_image(open_registry, repository, "1")
    target = new_registry()
    target.stop()
    job = new_job(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))
    )

    first = await run_again(job)
    target.start()
    control.retry_job(job, [])

    assert first.state is JobState.FAILED
    assert first.problem is not None
    assert first.problem[0] == "Connection refused"
    assert ends(job).state is JobState.DONE
    assert digest_at(target, repository, "1") == image.digest


def test_a_runner_that_can_t_begin_says_why(tmp_path: Path) -> None:
    job = new_job(tmp_path, PLAN)
    job.folder.joinpath("plan.toml").write_text("version = 9")

    start_runner(job, [])
    eventually(lambda: not job.is_held, "the runner to end")

    with job.journal() as journal:
        assert journal.state is JobState.FAILED
        assert "version 9" in journal.fact("problem_detail")


def test_a_runner_that_is_asked_to_end_is_interrupted_and_can_be_resumed(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    image = push_image(open_registry, repository, "1")
    proxy = proxy_for(other_registry)
    hold = Hold()
    proxy.add(Fault(hold, method="PUT", path="/manifests/"))
    job = new_job(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    )

    pid = start_runner(job, [])
    eventually(hold.held.is_set, "the tag to be about to be written")
    os.kill(pid, signal.SIGTERM)
    stopped = ends(job)
    with job.journal() as journal:
        written = journal.state
    hold.release.set()
    control.resume_job(job, [])

    assert stopped.state is written is JobState.INTERRUPTED
    assert job.runner_log.read_text() == ""
    assert ends(job).state is JobState.DONE
    assert digest_at(other_registry, repository, "1") == image.digest


async def test_a_retry_tries_only_what_failed(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    images = {f"v{n}": push_image(open_registry, repository, f"v{n}") for n in range(4)}
    proxy = proxy_for(other_registry)
    proxy.add(Fault(Answer(413), method="PUT", path="/manifests/v2"))
    job = new_job(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    )
    first = await run_again(job)
    before = len(proxy.requests)

    control.retry_job(job, [])
    ended = ends(job)

    assert (first.counts.copied, first.counts.failed) == (3, 1)
    assert (ended.state, ended.counts.copied, ended.counts.total) == (JobState.DONE, 4, 4)
    written = [r.path for r in proxy.requests[before:] if r.method == "PUT"]
    assert written == [f"/v2/{repository}/manifests/v2"]
    for tag, image in images.items():
        assert digest_at(other_registry, repository, tag) == image.digest
