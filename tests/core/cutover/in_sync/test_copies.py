"""Parity by what a job has copied, and by what a plan selects: nothing else is listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.jobs import new_job, opened, plan_of, run_again
from servers.images import make_layer, push_image, push_index
from transship import errors
from transship.clock import SystemClock
from transship.cutover.evidence import TagPair
from transship.cutover.in_sync import copies_of, parity_of_job, parity_of_plan
from transship.oci.reference import Reference
from transship.plans.plan import Kind, OnConflict, Plan, Rule, TagFilter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from transship.cutover.evidence import Parity
    from transship.transfers.jobs import Job


def push(registry: DockerRegistry, repository: str, tag: str, content: str) -> str:
    return push_image(registry, repository, tag, [make_layer(content.encode())]).digest


async def parity(job: Job, old: DockerRegistry | None, new: DockerRegistry) -> Parity:
    copies = copies_of(job, new.host)
    async with opened(job.plan()) as places:
        return await parity_of_job(copies, places[old.host] if old else None, places[new.host])


async def test_a_job_tells_under_which_names_tags_are_compared(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    fresh_name: Callable[[], str],
    tmp_path: Path,
) -> None:
    source, target = fresh_name(), fresh_name()
    for tag in ("1", "2", "3"):
        push(open_registry, source, tag, tag)
    job = new_job(
        tmp_path, plan_of((f"{open_registry.host}/{source}", f"{other_registry.host}/{target}"))
    )
    await run_again(job)
    push(other_registry, target, "4", "only new: nobody asked about it")
    same = await parity(job, open_registry, other_registry)
    assert (same.compared, same.different, same.source, same.error) == (3, (), job.id, "")

    moved, before = push(open_registry, source, "1", "anew"), same

    assert before.different == ()
    (different,) = (await parity(job, open_registry, other_registry)).different
    assert (different.repository, different.tag, different.old) == (target, "1", moved)
    assert (await parity(job, None, other_registry)).different == (), "what was copied is there"
    theirs = push(other_registry, target, "2", "somebody else's")
    (different,) = (await parity(job, None, other_registry)).different
    assert (different.tag, different.new) == ("2", theirs)


async def test_what_a_job_left_or_failed_to_copy_is_compared_as_well(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    old = push(open_registry, repository, "1", "old")
    new = push(other_registry, repository, "1", "new")
    job = new_job(
        tmp_path,
        plan_of(
            (f"{open_registry.host}/{repository}:1", f"{other_registry.host}/{repository}:1"),
            on_conflict=OnConflict.FAIL,
        ),
    )
    await run_again(job)
    assert (await parity(job, open_registry, other_registry)).different == (
        TagPair(repository, "1", old, new),
    )
    assert copies_of(job, other_registry.host).agreed() == {}


async def test_where_platforms_were_left_out_the_copied_digest_counts(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    children = [
        push_image(open_registry, repository, None, [make_layer(name.encode())], platform=name)
        for name in ("linux/amd64", "linux/arm64")
    ]
    push_index(open_registry, repository, "multi", children)
    job = new_job(
        tmp_path,
        plan_of(
            (f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"),
            platforms=["linux/amd64"],
        ),
    )
    await run_again(job)
    assert (await parity(job, open_registry, other_registry)).different == ()
    assert copies_of(job, other_registry.host).agreed() == {}, "both sides never were the same"


async def test_a_job_that_goes_on_or_went_elsewhere_tells_nothing(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    push(open_registry, repository, "1", "one")
    job = new_job(
        tmp_path,
        plan_of((f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}")),
    )
    with pytest.raises(errors.BadRequest, match=f"{job.id} is waiting"):
        copies_of(job, other_registry.host)
    await run_again(job)
    with pytest.raises(errors.BadRequest, match=r"copied no tags to elsewhere\.example"):
        copies_of(job, "elsewhere.example")


async def test_a_plan_tells_what_is_compared(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str
) -> None:
    old = push(open_registry, repository, "v1", "one")
    push(open_registry, repository, "v2", "two")
    push(other_registry, repository, "v2", "two")
    push(open_registry, repository, "dev", "not wanted")
    rule = Rule(
        Reference(open_registry.host, repository),
        (Reference(other_registry.host, repository),),
        tags=TagFilter(include=("v*",)),
    )
    plan = Plan(kind=Kind.SYNC, rules=(rule,))
    async with opened(plan) as places:
        found = await parity_of_plan(
            plan, "nightly.toml", places, other_registry.host, SystemClock()
        )
        nothing = await parity_of_plan(
            plan, "nightly.toml", places, "elsewhere.example", SystemClock()
        )
    assert (found.compared, found.source) == (2, "nightly.toml")
    assert found.different == (TagPair(repository, "v1", old, ""),)
    assert "selects nothing for elsewhere.example" in nothing.error
