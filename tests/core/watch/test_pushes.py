"""What was pushed moves within moments, by the plan's rules, and nothing moves twice."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from moving.judge import digest_at, tags_at
from moving.watching import Watch
from servers.faults import Fault, Hold
from servers.images import push_image, push_referrer
from servers.process import comes_true
from transship.oci.reference import Reference
from transship.plans.plan import Kind, NewestBy, Plan, Rule, TagFilter, Wanted
from transship.transfers.job_view import read_job
from transship.watch.watcher import MOST, PendingPushes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """A watch that looks at all of its plan once, and then only at what was pushed."""
    return Watch(tmp_path, listening="127.0.0.1:8090")


@pytest.fixture
def source(open_registry: DockerRegistry, repository: str) -> Reference:
    return Reference(open_registry.host, repository)


@pytest.fixture
def plan(source: Reference, other_registry: DockerRegistry, repository: str) -> Plan:
    tags = TagFilter(include=("v*",))
    rule = Rule(source, (Reference(other_registry.host, repository),), tags=tags)
    return Plan(kind=Kind.SYNC, rules=(rule,))


def tags_so_far(registry: DockerRegistry, repository: str) -> list[str]:
    """Return the tags of a repository that may not be there yet."""
    return sorted(registry.http.get(f"/v2/{repository}/tags/list").json().get("tags") or [])


async def test_a_pushed_tag_moves_without_a_look_at_the_others(
    watch: Watch,
    plan: Plan,
    source: Reference,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    for tag in ("v1", "v2", "v3"):
        push_image(open_registry, repository, tag)
    watch.write(plan)
    async with watch.going_on() as watcher:
        await watch.rests()
        pushed = push_image(open_registry, repository, "v4")
        mark = open_registry.mark()
        watcher.pushed([source.at("v4")] * 3)
        [job, _] = await watch.jobs_end(2)

    assert digest_at(other_registry, repository, "v4") == pushed.digest
    assert [str(copy.source) for copy in job.plan().copies] == [str(source.at("v4"))]
    asked = {
        r.path.rpartition("/")[2] for r in open_registry.since(mark) if "/manifests/" in r.path
    }
    assert asked == {"v4", pushed.digest}


async def test_a_tag_that_the_rules_leave_out_is_said_and_left(
    watch: Watch,
    plan: Plan,
    source: Reference,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    push_image(open_registry, repository, "v1")
    watch.write(plan)
    async with watch.going_on() as watcher:
        await watch.rests()
        push_image(open_registry, repository, "latest")
        watcher.pushed([source.at("latest")])
        await watch.is_told(f"{source}:latest was pushed; the rules leave it out")
    assert tags_at(other_registry, repository) == ["v1"]
    assert len(watch.all_jobs) == 1


async def test_a_tag_that_is_gone_by_the_time_it_is_looked_at_is_no_failure(
    watch: Watch,
    source: Reference,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    push_image(open_registry, repository, "v1")
    target = Reference(other_registry.host, repository)
    pairs = (Wanted(source.at(tag), target.at(tag)) for tag in ("v1", "v2"))
    watch.write(Plan(copies=tuple(pairs)))
    async with watch.going_on() as watcher:
        await watch.rests()
        watcher.pushed([source.at("v2")])
        await watch.is_told(f"{source}:v2 was pushed, and is gone by now")
    assert tags_at(other_registry, repository) == ["v1"]


async def test_the_newest_are_counted_among_all_tags_and_not_among_the_pushed(
    watch: Watch,
    plan: Plan,
    source: Reference,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    push_image(open_registry, repository, "v2.0")
    [rule] = plan.rules
    newest = replace(rule.tags, newest=1, newest_by=NewestBy.VERSION)
    watch.write(replace(plan, rules=(replace(rule, tags=newest),)))
    async with watch.going_on() as watcher:
        await watch.rests()
        push_image(open_registry, repository, "v1.9")
        watcher.pushed([source.at("v1.9")])
        await watch.is_told("leave it out")
        push_image(open_registry, repository, "v2.1")
        watcher.pushed([source.at("v2.1")])
        await watch.jobs_end(2)
    assert tags_at(other_registry, repository) == ["v2.0", "v2.1"]


async def test_two_sources_that_would_become_one_tag_are_not_told_apart_by_who_came_first(
    watch: Watch,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    fresh_name: Callable[[], str],
) -> None:
    base = fresh_name()
    push_image(open_registry, f"{base}/a/web", "v1")
    push_image(open_registry, f"{base}/b/web", "v2")
    source, target = Reference(open_registry.host, base), Reference(other_registry.host, base)
    watch.write(Plan(kind=Kind.SYNC, rules=(Rule(source, (target,), map="{name}"),)))
    async with watch.going_on() as watcher:
        await watch.rests()
        assert tags_at(other_registry, f"{base}/web") == ["v1", "v2"]
        changed = push_image(open_registry, f"{base}/b/web", "v1")
        watcher.pushed([Reference(open_registry.host, f"{base}/b/web", "v1")])
        await watch.is_told("leave it out")
    assert digest_at(other_registry, f"{base}/web", "v1") != changed.digest


async def test_a_copy_that_the_plan_names(
    watch: Watch, source: Reference, open_registry: DockerRegistry, other_registry: DockerRegistry,
    repository: str,
) -> None:  # fmt: skip
    push_image(open_registry, repository, "v1")
    target = Reference(other_registry.host, repository)
    watch.write(Plan(copies=(Wanted(source, target),)))
    async with watch.going_on() as watcher:
        await watch.rests()
        push_image(open_registry, repository, "v2")
        watcher.pushed([source.at("v2")])
        await watch.jobs_end(2)
    assert tags_at(other_registry, repository) == ["v1", "v2"]


async def test_what_refers_to_it_comes_along(
    watch: Watch,
    plan: Plan,
    source: Reference,
    open_registry: DockerRegistry,
    repository: str,
) -> None:
    push_image(open_registry, repository, "v1")
    watch.write(plan)
    async with watch.going_on() as watcher:
        await watch.rests()
        push_referrer(open_registry, push_image(open_registry, repository, "v2"))
        watcher.pushed([source.at("v2")])
        [job, _] = await watch.jobs_end(2)
    assert read_job(job).counts.copied == 2


async def test_a_push_does_not_wait_for_a_job_that_takes_long_and_its_own_tags_do(
    watch: Watch,
    plan: Plan,
    source: Reference,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
) -> None:
    proxy = proxy_for(other_registry)
    hold = Hold()
    proxy.add(Fault(hold, method="PUT", path=r"/manifests/v1$"))
    [rule] = plan.rules
    rule = replace(rule, targets=(Reference(proxy.host, repository),))
    watch.write(replace(plan, rules=(rule,)))
    push_image(open_registry, repository, "v1")
    async with watch.going_on() as watcher:
        await comes_true(hold.held.is_set, "the held tag")

        push_image(open_registry, repository, "v2")
        again = push_image(open_registry, repository, "v1", annotations={"n": "2"})
        watcher.pushed([source.at("v1"), source.at("v2")])
        there = partial(tags_so_far, other_registry, repository)
        await comes_true(lambda: there() == ["v2"], "v2 without v1")

        hold.release.set()
        await comes_true(
            lambda: "v1" in there() and digest_at(other_registry, repository, "v1") == again.digest,
            "v1 as it was pushed last",
        )
        await watch.jobs_end(3)


async def test_a_push_that_can_not_be_looked_at_waits_until_it_can(
    watch: Watch, new_registry: Callable[..., DockerRegistry], other_registry: DockerRegistry,
    repository: str,
) -> None:  # fmt: skip
    away = new_registry()
    push_image(away, repository, "v1")
    source = Reference(away.host, repository)
    rule = Rule(source, (Reference(other_registry.host, repository),))
    watch.write(Plan(kind=Kind.SYNC, rules=(rule,)))
    async with watch.going_on() as watcher:
        await watch.rests()
        push_image(away, repository, "v2")
        away.stop()
        watcher.pushed([source.at("v2")])
        await watch.is_told(f"{source}:v2 was pushed; {away.host} is left out for now")
        away.start()
        watch.clock.advance(15)
        await watch.jobs_end(2)
    assert tags_at(other_registry, repository) == ["v1", "v2"]


async def test_a_deletion_makes_a_look_at_all_and_deletes_nothing_by_itself(
    watch: Watch,
    plan: Plan,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    push_image(open_registry, repository, "v1")
    watch.write(plan)
    async with watch.going_on() as watcher:
        await watch.rests()
        push_image(open_registry, repository, "v2")
        watcher.deleted()
        watch.clock.advance(30)
        await watch.rests()
    assert tags_at(other_registry, repository) == ["v1", "v2"]


def test_more_than_can_be_kept_is_known_to_be_more() -> None:
    pushes = PendingPushes()
    pushes.add(Reference("old.example", "web", f"v{number}") for number in range(MOST + 1))
    assert pushes.overflowed
    assert len(pushes.take()) == MOST
    assert pushes.take() == []
