"""A plan is looked at again and again, between real registries: what changed moves, at no cost."""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from moving.judge import digest_at, tags_at
from moving.watching import Watch
from servers.images import push_image
from transship import errors
from transship.oci.reference import Reference
from transship.plans.plan import Deletion, Kind, Plan, Rule, Schedule
from transship.transfers.copies import JobState
from transship.transfers.job_view import read_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path)


@pytest.fixture
def plan(open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str) -> Plan:
    """One repository kept in step, every ten minutes."""
    rule = Rule(
        Reference(open_registry.host, repository), (Reference(other_registry.host, repository),)
    )
    return Plan(kind=Kind.REPLICATION, rules=(rule,))


async def test_what_is_new_moves_and_an_idle_look_leaves_no_job(
    watch: Watch,
    plan: Plan,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    push_image(open_registry, repository, "v1")
    watch.write(plan)
    async with watch.going_on():
        first = await watch.rests()
        assert first.last is not None
        assert (first.last.found, first.last.changed) == (1, 1)
        assert tags_at(other_registry, repository) == ["v1"]

        idle = await watch.look_again()
        assert idle.last is not None
        assert (idle.last.found, idle.last.changed, idle.last.job) == (1, 0, "")
        assert len(watch.all_jobs) == 1

        pushed = push_image(open_registry, repository, "v2")
        third = await watch.look_again()
        assert third.last is not None
        assert third.last.changed == 1
        assert digest_at(other_registry, repository, "v2") == pushed.digest

    [job, _] = watch.all_jobs
    assert [str(copy.source) for copy in job.plan().copies] == [
        f"{open_registry.host}/{repository}:v2"
    ]
    assert read_job(job).counts.total == 1


async def test_an_unchanged_tag_costs_two_heads_and_nothing_more(
    watch: Watch,
    plan: Plan,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    for number in range(5):
        push_image(open_registry, repository, f"v{number}")
    watch.write(replace(plan, kind=Kind.SYNC, referrers=False, schedule=Schedule(every=600.0)))
    async with watch.going_on():
        await watch.rests()
        marks = open_registry.mark(), other_registry.mark()
        await watch.look_again()

    for registry, mark in zip((open_registry, other_registry), marks, strict=True):
        asked = registry.since(mark)
        by_method = Counter(request.method for request in asked if "/manifests/" in request.path)
        assert by_method == {"HEAD": 5}
        assert not [request for request in asked if "/blobs/" in request.path]


async def test_nothing_that_a_job_needs_is_looked_at_twice(
    watch: Watch,
    plan: Plan,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    for number in range(4):
        push_image(open_registry, repository, f"v{number}")
    watch.write(replace(plan, referrers=False))
    mark = open_registry.mark()
    async with watch.going_on():
        await watch.rests()

    asked = [r for r in open_registry.since(mark) if "/manifests/" in r.path]
    assert Counter(request.method for request in asked) == {"GET": 4}
    assert len(tags_at(other_registry, repository)) == 4


async def test_a_registry_that_is_away_is_named_and_the_watch_goes_on(
    watch: Watch, new_registry: Callable[..., DockerRegistry], other_registry: DockerRegistry,
    repository: str,
) -> None:  # fmt: skip
    away = new_registry()
    push_image(away, repository, "v1")
    rule = Rule(Reference(away.host, repository), (Reference(other_registry.host, repository),))
    watch.write(Plan(kind=Kind.REPLICATION, rules=(rule,)))
    away.stop()
    async with watch.going_on():
        failed = await watch.rests()
        assert failed.last is not None
        assert failed.last.problem is not None
        assert failed.last.problem[0] == errors.ConnectionRefused.title
        assert failed.next == watch.clock.now() + 600

        await watch.look_again()
        assert sum("the round failed" in line for line in watch.told) == 1

        away.start()
        good = await watch.look_again()
        assert good.last is not None
        assert (good.last.problem, good.last.changed) == (None, 1)
    assert tags_at(other_registry, repository) == ["v1"]


async def test_an_edited_plan_holds_from_the_next_look_on_and_a_broken_one_never(
    watch: Watch,
    plan: Plan,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    push_image(open_registry, repository, "v1")
    watch.write(plan)
    async with watch.going_on():
        await watch.rests()

        watch.path.write_text("version = 1\nkind = 'replicaton'\n")
        push_image(open_registry, repository, "v2")
        good = await watch.look_again()
        await watch.look_again()
        assert good.last is not None
        assert good.last.problem is None
        assert tags_at(other_registry, repository) == ["v1", "v2"]
        said = [line for line in watch.told if "the plan before goes on" in line]
        assert len(said) == 1
        assert "shop.toml:2" in said[0]

        [rule] = plan.rules
        elsewhere = replace(rule, targets=(Reference(other_registry.host, f"{repository}-b"),))
        watch.write(replace(plan, rules=(elsewhere,), schedule=Schedule(every=60.0)))
        edited = await watch.look_again()
        assert tags_at(other_registry, f"{repository}-b") == ["v1", "v2"]
        assert edited.schedule == "every 1 min 00 s"
        assert edited.next == watch.clock.now() + 60


async def test_what_fails_is_tried_again_with_longer_pauses_and_by_itself(
    watch: Watch, open_registry: DockerRegistry, new_registry: Callable[..., DockerRegistry],
    repository: str,
) -> None:  # fmt: skip
    target = new_registry(readonly=True)
    push_image(open_registry, repository, "v1")
    rule = Rule(Reference(open_registry.host, repository), (Reference(target.host, repository),))
    watch.write(Plan(kind=Kind.REPLICATION, rules=(rule,), schedule=Schedule(every=100_000.0)))
    async with watch.going_on():
        await watch.rests()
        await watch.jobs_end(1)
        watch.clock.advance(61)
        [second, _] = await watch.jobs_end(2)
        await watch.is_told(f"job {second.id}: failed")
        assert watch.record.waiting == 1

        watch.clock.advance(121)
        jobs = await watch.jobs_end(3)

    assert {read_job(job).state for job in jobs} == {JobState.FAILED}
    assert {str(copy.source) for job in jobs for copy in job.plan().copies} == {
        f"{open_registry.host}/{repository}:v1"
    }


async def test_what_failed_a_moment_ago_makes_no_new_job_at_each_look(
    watch: Watch, open_registry: DockerRegistry, new_registry: Callable[..., DockerRegistry],
    repository: str,
) -> None:  # fmt: skip
    target = new_registry(readonly=True)
    push_image(open_registry, repository, "v1")
    rule = Rule(Reference(open_registry.host, repository), (Reference(target.host, repository),))
    watch.write(Plan(kind=Kind.REPLICATION, rules=(rule,), schedule=Schedule(every=5.0)))
    async with watch.going_on():
        await watch.rests()
        for _ in range(5):
            seen = await watch.look_again(5)
        assert seen.last is not None
        assert (seen.last.changed, seen.last.job) == (1, "")
    assert len(watch.all_jobs) == 1


async def test_what_vanished_is_deleted_only_when_that_is_asked_for(
    watch: Watch,
    plan: Plan,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    for tag in ("v1", "v2"):
        push_image(open_registry, repository, tag)
    push_image(other_registry, repository, "gone")
    watch.write(replace(plan, delete=Deletion(at_most=0.5)))
    async with watch.going_on():
        await watch.rests()
        assert tags_at(other_registry, repository) == ["gone", "v1", "v2"]

    watch.delete = True
    async with watch.going_on():
        watch.clock.advance(1)
        seen = await watch.rests()
        assert seen.last is not None
        assert seen.last.changed == 1
        assert tags_at(other_registry, repository) == ["v1", "v2"]


async def test_more_deletions_than_the_plan_allows_are_said_once_and_left(
    watch: Watch,
    plan: Plan,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    push_image(open_registry, repository, "v1")
    for tag in ("gone", "gone-too"):
        push_image(other_registry, repository, tag)
    watch.write(replace(plan, delete=Deletion(at_most=0.1)))
    watch.delete = True
    async with watch.going_on():
        await watch.rests()
        seen = await watch.look_again()
        assert seen.last is not None
        assert seen.last.problem is not None
        assert seen.last.problem[0] == errors.TooManyDeletions.title
        assert sum("nothing is deleted" in line for line in watch.told) == 1

        for tag in ("gone", "gone-too"):
            push_image(open_registry, repository, tag)
        seen = await watch.look_again()
        assert seen.last is not None
        assert seen.last.problem is None
    assert tags_at(other_registry, repository) == ["gone", "gone-too", "v1"]


@pytest.mark.long
async def test_many_looks_need_no_more_memory_than_a_few(
    watch: Watch, plan: Plan, open_registry: DockerRegistry, repository: str
) -> None:
    for number in range(3):
        push_image(open_registry, repository, f"v{number}")
    watch.write(replace(plan, schedule=Schedule(every=1.0)))
    async with watch.going_on():
        await watch.rests()
        for _ in range(10):
            await watch.look_again(1)
        tracemalloc.start()
        try:
            sizes = []
            for looks in (10, 30):
                for _ in range(looks):
                    await watch.look_again(1)
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    # One look's inventory has several KiB for each image.
    assert sizes[1] - sizes[0] < 48 * 1024
