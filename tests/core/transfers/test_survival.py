"""A job survives: its runner killed at any moment, its registry gone, its terminal closed."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from moving.jobs import access_to, ends, plan_of
from moving.judge import digest_at, tags_at
from servers.faults import Fault, Hold, SwallowRequest
from servers.images import push_image, push_index, push_referrer, random_layer
from servers.process import eventually
from transship.transfers import control
from transship.transfers.copies import JobState
from transship.transfers.job_view import events, read_job
from transship.transfers.jobs import JobStore
from transship.transfers.process import start_runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy

MEBIBYTE = 1024 * 1024


def push_some(registry: DockerRegistry, repository: str, *, layer: int = 200_000) -> dict[str, str]:
    """Push images that share a layer, an index and a signature; return the digest of each tag."""
    base = random_layer(2 * MEBIBYTE, "base")
    digests = {}
    for number in range(8):
        own = random_layer(layer, f"{repository} {number}")
        digests[f"v{number}"] = push_image(registry, repository, f"v{number}", [base, own]).digest
    children = [
        push_image(
            registry, repository, None, [base, random_layer(100_000, platform)], platform=platform
        )
        for platform in ("linux/amd64", "linux/arm64")
    ]
    index = push_index(registry, repository, "multi", children)
    push_referrer(registry, index)
    digests["multi"] = index.digest
    return digests


@pytest.mark.parametrize("moment", range(0, 120, 10))
def test_a_runner_that_is_killed_after_any_request_is_finished_by_the_next(
    moment: int,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
    tmp_path: Path,
) -> None:
    digests = push_some(open_registry, repository)
    proxy = proxy_for(other_registry)
    hold = Hold(answered=bool(moment % 20))
    proxy.add(Fault(hold, skip=moment))
    job = JobStore(tmp_path).create(
        plan_of((f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    )

    pid = start_runner(job, [])
    eventually(lambda: hold.held.is_set() or not job.is_held, "the moment, or the end")
    if job.is_held:
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not job.is_held, "the runner to be gone")
        hold.release.set()
        assert read_job(job).state is JobState.INTERRUPTED
        control.resume_job(job, [])

    assert ends(job).state is JobState.DONE
    for tag, digest in digests.items():
        assert digest_at(other_registry, repository, tag) == digest
    committed = Counter(
        request.path.rpartition("digest=")[2]
        for request in proxy.requests
        if request.method == "PUT" and "/blobs/uploads/" in request.path and request.status == 201
    )
    # What the registry had before the kill isn't sent again, even if the runner never got to see
    # that it had; save for the one upload that was held, and is let go only now.
    repeated = {digest: count for digest, count in committed.items() if count > 1}
    assert len(repeated) <= 1, repeated


def test_a_large_layer_goes_on_from_the_last_piece_that_the_registry_holds(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
    tmp_path: Path,
) -> None:
    layer = random_layer(150 * MEBIBYTE, repository)
    image = push_image(open_registry, repository, "large", [layer])
    proxy = proxy_for(other_registry)
    # Nothing of the fourth piece reaches the registry, so its session stays usable.
    proxy.add(Fault(SwallowRequest(), method="PATCH", skip=3))
    hold = Hold()
    proxy.add(Fault(hold, method="GET", path=r"/blobs/uploads/"))
    job = JobStore(tmp_path).create(
        plan_of((f"{open_registry.host}/{repository}:large", f"{proxy.host}/{repository}:large"))
    )

    pid = start_runner(job, [])
    eventually(hold.held.is_set, "the runner to ask what the registry holds")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not job.is_held, "the runner to be gone")
    interrupted = read_job(job).bytes
    hold.release.set()
    sent_before = sum(r.sent for r in proxy.requests if r.method == "PATCH" and r.status == 202)
    control.resume_job(job, [])

    assert ends(job).state is JobState.DONE
    assert digest_at(other_registry, repository, "large") == image.digest
    sent = sum(r.sent for r in proxy.requests if r.method == "PATCH" and r.status == 202)
    assert sent_before == 96 * MEBIBYTE
    assert interrupted.done <= interrupted.sent
    assert interrupted.done // MEBIBYTE == 96
    with job.journal() as journal:
        told = [event.more for event in events(journal) if event.kind == "info"]
    assert "its upload goes on at 96 MiB of 150 MiB" in told
    assert sent == len(layer)


def test_a_hangup_of_the_terminal_leaves_the_job_running(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    push_some(open_registry, repository)
    job = JobStore(tmp_path).create(
        plan_of((f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"))
    )

    pid = start_runner(job, [])
    os.kill(pid, signal.SIGHUP)

    assert os.getsid(pid) == pid != os.getsid(0)
    assert ends(job).state is JobState.DONE


def test_a_registry_that_goes_away_and_comes_back_is_waited_for(
    open_registry: DockerRegistry,
    new_registry: Callable[..., DockerRegistry],
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
    tmp_path: Path,
) -> None:
    digests = push_some(open_registry, repository)
    target = new_registry()
    job = JobStore(tmp_path).create(
        plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))
    )
    slow = proxy_for(open_registry)
    hold = Hold()
    slow.add(Fault(hold, method="GET", path="/blobs/"))
    job = JobStore(tmp_path).create(
        plan_of((f"{slow.host}/{repository}", f"{target.host}/{repository}"))
    )

    start_runner(job, [])
    eventually(hold.held.is_set, "the first blob to be read")
    target.stop()
    hold.release.set()
    eventually(lambda: read_job(job).state is JobState.RUNNING, "the job to be running")
    target.start()

    assert ends(job).state is JobState.DONE
    for tag, digest in digests.items():
        assert digest_at(target, repository, tag) == digest


def test_a_paused_job_goes_on_where_it_was(
    token_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
    tmp_path: Path,
) -> None:
    # More layers than lanes for large ones, so that some haven't begun when the wish comes.
    digests = push_some(token_registry, repository, layer=2 * MEBIBYTE)
    proxy = proxy_for(other_registry)
    hold = Hold()
    proxy.add(Fault(hold, method="PUT", path="/blobs/uploads/", times=100))
    accesses = [access_to(token_registry)]
    job = JobStore(tmp_path).create(
        plan_of((f"{token_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    )

    start_runner(job, accesses)
    eventually(hold.held.is_set, "the first upload")
    control.pause_job(job)
    eventually(lambda: read_job(job).pausing, "the runner to have seen the wish")
    hold.release.set()
    paused = ends(job)
    control.resume_job(job, accesses)

    assert paused.state is JobState.PAUSED
    assert paused.counts.waiting > 0
    assert ends(job).state is JobState.DONE
    for tag, digest in digests.items():
        assert digest_at(other_registry, repository, tag) == digest


def test_a_cancelled_job_ends_at_once_and_leaves_no_tag_half_done(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
    tmp_path: Path,
) -> None:
    digests = push_some(open_registry, repository)
    proxy = proxy_for(other_registry)
    hold = Hold()
    proxy.add(Fault(hold, method="PUT", path="/manifests/v3"))
    job = JobStore(tmp_path).create(
        plan_of((f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    )

    start_runner(job, [])
    eventually(hold.held.is_set, "a tag to be about to be written")
    control.cancel_job(job)
    ended = ends(job)
    hold.release.set()

    assert ended.state is JobState.CANCELLED
    for tag in tags_at(other_registry, repository):
        if tag in digests:
            assert digest_at(other_registry, repository, tag) == digests[tag]
