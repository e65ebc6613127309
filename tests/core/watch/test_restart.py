"""A watch that ends in the middle of a job: the next one goes on with it, and makes no second."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from moving.jobs import runner_of
from moving.judge import tags_at
from moving.watching import Watch
from servers.faults import Fault, Hold
from servers.images import push_image
from servers.process import comes_true, eventually
from transship.oci.reference import Reference
from transship.plans.plan import Kind, Plan, Rule, Schedule
from transship.transfers import control
from transship.transfers.copies import JobState
from transship.transfers.job_view import read_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path)


@pytest.fixture
def hold(
    watch: Watch,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
) -> Hold:
    """A plan for two tags, and what holds the second of them."""
    for tag in ("v1", "v2"):
        push_image(open_registry, repository, tag)
    proxy = proxy_for(other_registry)
    rule = Rule(Reference(open_registry.host, repository), (Reference(proxy.host, repository),))
    watch.write(Plan(kind=Kind.REPLICATION, rules=(rule,)))
    hold = Hold()
    proxy.add(Fault(hold, method="PUT", path=r"/manifests/v2$"))
    return hold


async def test_a_job_that_still_runs_is_followed(
    watch: Watch, hold: Hold, other_registry: DockerRegistry, repository: str
) -> None:
    async with watch.going_on():
        await comes_true(hold.held.is_set, "the middle of a job")
    [job] = watch.all_jobs
    assert job.is_held
    assert watch.record.jobs == (job.id,)

    async with watch.going_on():
        await watch.is_told(f"job {job.id} of the watch before is followed")
        watch.clock.advance(1)
        hold.release.set()
        seen = await watch.rests()
        assert seen.last is not None
        assert (seen.last.found, seen.last.changed) == (2, 0)
    assert [each.id for each in watch.all_jobs] == [job.id]
    assert read_job(job).counts.copied == 2
    assert watch.record.jobs == ()
    assert tags_at(other_registry, repository) == ["v1", "v2"]


async def test_a_job_that_died_with_it_goes_on(
    watch: Watch,
    hold: Hold,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    async with watch.going_on():
        await comes_true(hold.held.is_set, "the middle of a job")
    [job] = watch.all_jobs
    os.kill(runner_of(job), signal.SIGKILL)
    eventually(lambda: not job.is_held, "the runner to be gone")
    hold.release.set()

    async with watch.going_on():
        watch.clock.advance(1)
        await watch.rests()
    assert [each.id for each in watch.all_jobs] == [job.id]
    assert read_job(job).state is JobState.DONE
    assert tags_at(other_registry, repository) == ["v1", "v2"]


async def test_a_job_that_was_paused_holds_the_next_look_up_until_it_is_resumed(
    watch: Watch, hold: Hold, other_registry: DockerRegistry, repository: str
) -> None:
    async with watch.going_on():
        await comes_true(hold.held.is_set, "the middle of a job")
        [job] = watch.all_jobs
        for _ in range(2):
            control.pause_job(job)
        await watch.is_told(f"job {job.id} is paused")
        watch.clock.advance(600)
        assert len(watch.all_jobs) == 1

        hold.release.set()
        control.resume_job(job, [])
        await watch.jobs_end(1)
        await watch.is_told(f"job {job.id}: done")


async def test_what_failed_is_left_alone_by_the_next_watch_as_well(
    watch: Watch, open_registry: DockerRegistry, new_registry: Callable[..., DockerRegistry],
    repository: str,
) -> None:  # fmt: skip
    target = new_registry(readonly=True)
    push_image(open_registry, repository, "v1")
    rule = Rule(Reference(open_registry.host, repository), (Reference(target.host, repository),))
    plan = Plan(kind=Kind.REPLICATION, rules=(rule,), schedule=Schedule(every=100_000.0))
    watch.write(plan)
    async with watch.going_on():
        await watch.rests()
        await watch.jobs_end(1)
        await watch.is_told(": failed")

    async with watch.going_on():
        watch.clock.advance(1)
        seen = await watch.rests()
        assert seen.last is not None
        assert (seen.last.changed, seen.last.job, seen.waiting) == (1, "", 1)
        assert len(watch.all_jobs) == 1
        watch.clock.advance(61)
        [second, _] = await watch.jobs_end(2)
        await watch.is_told(f"job {second.id}: failed")

    # Another plan is another matter.
    watch.write(replace(plan, retries=1))
    async with watch.going_on():
        watch.clock.advance(1)
        await watch.jobs_end(3)


async def test_a_job_whose_folder_is_gone_is_forgotten(
    watch: Watch, hold: Hold, other_registry: DockerRegistry, repository: str
) -> None:
    hold.release.set()
    with watch.file.held():
        watch.file.write(msgspec.structs.replace(watch.record, jobs=("gone22",)))
    async with watch.going_on():
        await watch.rests()
    assert tags_at(other_registry, repository) == ["v1", "v2"]
