"""Rules that read what other rules write: nothing that is read is deleted, and nothing swaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.jobs import opened, run_again
from servers import skopeo
from servers.images import make_layer, push_image
from transship import errors
from transship.clock import SystemClock
from transship.oci.reference import Reference
from transship.plans.plan import Deletion, Kind, OnConflict, Plan, Rule
from transship.transfers.copies import JobState, Verdict
from transship.transfers.jobs import JobStore
from transship.transfers.preview import Preview, preview_plan
from transship.transfers.scanner import Scanner, ScanProgress
from transship.watch.scan import copies_of, scan_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from transship.transfers.job_view import JobView

ALL = Deletion(at_most=1.0)


class Places:
    """Two registries, and what a test does with plans among them."""

    def __init__(self, one: DockerRegistry, two: DockerRegistry, folder: Path) -> None:
        self.one, self.two = one, two
        self.jobs = JobStore(folder / "jobs")

    async def run(self, plan: Plan) -> JobView:
        return await run_again(self.jobs.create(plan, deletes=plan.delete is not None))

    async def preview(self, plan: Plan) -> Preview:
        async with opened(plan) as places:
            return await preview_plan(plan, places, SystemClock())


@pytest.fixture
def places(new_registry: Callable[..., DockerRegistry], tmp_path: Path) -> Places:
    return Places(new_registry(), new_registry(), tmp_path)


def replication(*rules: Rule, delete: Deletion | None = ALL) -> Plan:
    return Plan(kind=Kind.REPLICATION, rules=rules, delete=delete)


def at(registry: DockerRegistry, path: str = "") -> Reference:
    return Reference(registry.host, path)


def digest(registry: DockerRegistry, name: str) -> str:
    return skopeo.digest(f"docker://{registry.host}/{name}", registry)


def tags(registry: DockerRegistry, repository: str) -> list[str]:
    answer = registry.http.get(f"/v2/{repository}/tags/list")
    return sorted(answer.json().get("tags") or [])


def vanish(registry: DockerRegistry, name: str) -> None:
    repository, _, _ = name.partition(":")
    path = f"/v2/{repository}/manifests/{digest(registry, name)}"
    registry.http.delete(path).raise_for_status()


async def test_a_source_below_its_own_target_is_never_deleted(places: Places) -> None:
    for number in range(30):
        push_image(places.one, "mirror/app", f"v{number}")
    plan = replication(Rule(at(places.one, "mirror"), (at(places.one),)))

    foreseen = await places.preview(plan)
    for _ in range(2):
        ended = await places.run(plan)

        assert (ended.state, ended.counts.deleted) == (JobState.DONE, 0)
        assert len(tags(places.one, "mirror/app")) == len(tags(places.one, "app")) == 30
    assert foreseen.vanished.found == ()
    assert {each.why for each in foreseen.vanished.kept} == {"rule 1 copies from there"}
    vanish(places.one, "mirror/app:v7")
    await places.run(plan)
    assert "v7" not in tags(places.one, "app")
    assert len(tags(places.one, "mirror/app")) == 29


async def test_what_another_rule_copies_on_is_deleted_neither_there_nor_further_on(
    places: Places,
) -> None:
    push_image(places.one, "q/app", "v1")
    push_image(places.two, "q/local/z", "v1")
    push_image(places.two, "q/gone", "v1")
    plan = replication(
        Rule(at(places.one, "q"), (at(places.two, "q"),)),
        Rule(at(places.two, "q/local"), (at(places.one, "local"),)),
    )

    for _ in range(2):
        assert (await places.run(plan)).state is JobState.DONE

    assert tags(places.two, "q/local/z") == tags(places.one, "local/z") == ["v1"]
    assert tags(places.two, "q/gone") == []


async def test_two_rules_against_each_other_swap_nothing(places: Places) -> None:
    here = push_image(places.one, "p/web", "1", [make_layer(b"here")]).digest
    there = push_image(places.two, "p/web", "1", [make_layer(b"there")]).digest
    push_image(places.one, "p/web", "new")
    plan = replication(
        Rule(at(places.one, "p"), (at(places.two, "p"),)),
        Rule(at(places.two, "p"), (at(places.one, "p"),)),
    )

    foreseen = await places.preview(plan)
    for _ in range(2):
        ended = await places.run(plan)

        assert (ended.state, ended.counts.failed) == (JobState.FAILED, 2)
        assert ended.failures[0].cause == errors.CopiedInCircles().cause
        assert (digest(places.one, "p/web:1"), digest(places.two, "p/web:1")) == (here, there)
    assert foreseen.worklist.counts == {Verdict.BLOCKED: 2, Verdict.COPY: 1}
    assert tags(places.two, "p/web") == ["1", "new"]


async def test_a_watch_swaps_nothing_either(places: Places) -> None:
    push_image(places.one, "p/web", "1", [make_layer(b"here")])
    push_image(places.two, "p/web", "1", [make_layer(b"there")])
    plan = replication(
        Rule(at(places.one, "p"), (at(places.two, "p"),)),
        Rule(at(places.two, "p"), (at(places.one, "p"),)),
        delete=None,
    )

    async with opened(plan) as sides:
        found = await scan_plan(plan, sides, SystemClock())

    assert found.to_do == ()
    assert {copy.verdict for copy in found.blocked} == {Verdict.BLOCKED}


async def test_where_nothing_is_overwritten_both_sides_get_what_they_lack(places: Places) -> None:
    push_image(places.one, "p/web", "1")
    push_image(places.two, "p/web", "2")
    plan = Plan(
        kind=Kind.SYNC,
        on_conflict=OnConflict.SKIP,
        rules=(
            Rule(at(places.one, "p"), (at(places.two, "p"),)),
            Rule(at(places.two, "p"), (at(places.one, "p"),)),
        ),
    )

    assert (await places.run(plan)).state is JobState.DONE

    assert tags(places.one, "p/web") == tags(places.two, "p/web") == ["1", "2"]


async def test_a_chain_goes_on_from_run_to_run(places: Places) -> None:
    moved = [make_layer(b"moved")]
    plan = Plan(
        kind=Kind.SYNC,
        rules=(
            Rule(at(places.one, "a"), (at(places.two, "b"),)),
            Rule(at(places.two, "b"), (at(places.one, "c"),)),
        ),
    )
    for content in ([make_layer(b"first")], moved):
        push_image(places.one, "a/web", "1", content)
        for _ in range(2):
            assert (await places.run(plan)).state is JobState.DONE

    assert digest(places.one, "c/web:1") == digest(places.one, "a/web:1")


async def test_a_deletion_that_fails_is_named_by_the_tag_itself(
    new_registry: Callable[..., DockerRegistry], places: Places
) -> None:
    locked = new_registry(deletes=False)
    for name in ("team/web", "other/api"):
        push_image(places.one, name, "1")
        push_image(places.one, name, "2")
    plan = replication(
        Rule(at(places.one, "team"), (at(locked, "two"),)),
        Rule(at(places.one, "other"), (at(locked, "two"),)),
    )
    await places.run(plan)
    vanish(places.one, "team/web:2")

    ended = await places.run(plan)

    (failure,) = ended.failures
    assert failure.cause == errors.DeletionRefused().cause
    assert [what for what, _ in failure.examples] == [f"{locked.host}/two/web:2"]


async def test_a_tag_that_is_back_at_any_of_its_sources_stays(places: Places) -> None:
    for name in ("team/web", "other/web"):
        push_image(places.one, name, "1" if name == "team/web" else "0")
    push_image(places.one, "team/web", "2")
    plan = replication(
        Rule(at(places.one, "team"), (at(places.two, "two"),)),
        Rule(at(places.one, "other"), (at(places.two, "two"),)),
    )
    await places.run(plan)
    vanish(places.one, "team/web:2")
    job = places.jobs.create(plan, deletes=True)
    with job.journal() as journal:
        journal.keep((await places.preview(plan)).worklist)
    push_image(places.one, "other/web", "2")

    ended = await run_again(job)

    assert (ended.state, ended.counts.deleted) == (JobState.DONE, 0)
    assert tags(places.two, "two/web") == ["0", "1", "2"]


async def test_a_push_to_one_side_is_not_copied_over_the_other(places: Places) -> None:
    for registry in (places.one, places.two):
        push_image(registry, "p/web", "1", [make_layer(registry.host.encode())])
    push_image(places.one, "p/web", "new")
    plan = replication(
        Rule(at(places.one, "p"), (at(places.two, "p"),)),
        Rule(at(places.two, "p"), (at(places.one, "p"),)),
        delete=None,
    )
    async with opened(plan) as sides:
        known = (await scan_plan(plan, sides, SystemClock())).catalogues
        looking = Scanner(sides, SystemClock(), ScanProgress())
        pushed = [at(places.one, "p/web").at(tag) for tag in ("1", "new")]

        copies = await copies_of(pushed, plan, looking, known)

    assert [copy.target for copy in copies] == [at(places.two, "p/web").at("new")]
