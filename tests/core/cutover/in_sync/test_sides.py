"""Rounds between two real registries: what was pushed meanwhile, by jobs that survive and undo.

skopeo says what is where.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from moving.manifests import delete_manifest
from servers import skopeo
from servers.faults import Fault, Hold
from servers.images import push_image, push_referrer, random_layer
from servers.process import eventually
from servers.skopeo import SkopeoError
from transship import errors
from transship.clock import SystemClock
from transship.cutover.catchup import StartedCopy, choose_tag, run_round, run_rounds
from transship.cutover.evidence import TagPair
from transship.cutover.journal import EntryKind
from transship.cutover.rollback import plan_rollback
from transship.oci.reference import Reference
from transship.operator import this_operator
from transship.plans.plan import Kind, Plan, Rule, TagFilter
from transship.registry.access import Access, open_registry
from transship.transfers import control
from transship.transfers.copies import JobState
from transship.transfers.job_view import read_job
from transship.transfers.undo import preview_undo, undo_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.cutover.in_sync.conftest import Pair
    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy

APP = "team/app"


async def test_what_was_pushed_to_the_old_registry_meanwhile_is_copied(pair: Pair) -> None:
    before = pair.at_new("1")
    await pair.round()
    moved, made = pair.push(pair.old, "1", "one, anew"), pair.push(pair.old, "2", "two", "team/web")

    found = await pair.round()

    assert found.copied == (TagPair(APP, "1", moved, before), TagPair("team/web", "2", made, ""))
    assert (pair.at_new("1"), pair.at_new("2", "team/web")) == (moved, made)
    job = read_job(pair.jobs.find(found.job))
    assert (job.state, job.counts.copied) == (JobState.DONE, 2)
    assert (await pair.round()).quiet


async def test_a_signature_goes_with_its_image(pair: Pair) -> None:
    await pair.round()
    image = push_image(pair.old, APP, "signed", [random_layer(1000, "signed")])
    referrer = push_referrer(pair.old, image)

    await pair.round()

    assert skopeo.digest(f"docker://{pair.new.host}/{APP}@{referrer.digest}", pair.new)
    assert (await pair.round()).quiet


async def test_what_was_pushed_on_both_sides_is_asked_about_and_left(pair: Pair) -> None:
    await pair.round()
    old, new = pair.push(pair.old, "1", "by the old name"), pair.push(pair.new, "1", "by the new")

    asked = (await pair.round()).left.asks

    assert asked == (TagPair(APP, "1", old, new),)
    assert pair.at_new("1") == new
    assert not pair.jobs.all()

    choose_tag(pair.journal, asked[0], "old", SystemClock().now(), this_operator())
    await pair.round()
    assert pair.at_new("1") == old


async def test_a_tag_that_moves_while_it_is_copied_is_left_and_named(
    pair: Pair, proxy_for: Callable[[DockerRegistry], FaultProxy]
) -> None:
    await pair.round()
    pair.push(pair.old, "1", "one, anew")
    pair.push(pair.old, "2", "two")
    proxy = proxy_for(pair.new)  # type: ignore[arg-type]
    pair.reached[pair.new.host] = proxy.host
    hold = Hold()
    proxy.add(Fault(hold, method="POST", path="/blobs/uploads/", times=None))
    theirs: list[str] = []

    async with pair.sides() as sides:
        begin = sides._begin

        async def begin_and_push(how: object, job: object) -> None:
            await begin(how, job)  # type: ignore[arg-type]
            eventually(hold.held.is_set, "the job to be about to write")
            theirs.append(pair.push(pair.new, "1", "somebody was faster"))
            theirs.append(pair.push(pair.new, "2", "here as well"))
            hold.release.set()

        sides._begin = begin_and_push
        found = await run_round(sides, pair.journal, SystemClock())

    assert found.copied == ()
    assert [f"{repository}:{tag}" for repository, tag, _ in found.failed] == [
        f"{APP}:1",
        f"{APP}:2",
    ]
    assert all("exists with another digest" in why for _, _, why in found.failed)
    assert [pair.at_new("1"), pair.at_new("2")] == theirs
    assert read_job(pair.jobs.find(found.job)).state is JobState.FAILED
    pair.reached.clear()
    assert len((await pair.round()).left.asks) == 2, "both have been pushed on both sides"


async def test_a_runner_that_is_killed_in_the_middle_is_finished_by_the_next_round(
    pair: Pair, proxy_for: Callable[[DockerRegistry], FaultProxy]
) -> None:
    await pair.round()
    digests = {str(number): pair.push(pair.old, str(number), f"n {number}") for number in range(9)}
    proxy = proxy_for(pair.new)  # type: ignore[arg-type]
    pair.reached[pair.new.host] = proxy.host
    hold = Hold()
    proxy.add(Fault(hold, method="PUT", path="/manifests/", skip=3))
    begun = pair.jobs.all

    async with pair.sides() as sides:
        begin = sides._begin

        async def begin_and_kill(how: object, job: object) -> None:
            await begin(how, job)  # type: ignore[arg-type]
            eventually(hold.held.is_set, "the job to be in the middle")
            os.kill(pair.pids[-1], signal.SIGKILL)
            hold.release.set()

        sides._begin = begin_and_kill
        broken = await run_round(sides, pair.journal, SystemClock())

    assert broken.failed
    assert read_job(pair.jobs.find(broken.job)).state is JobState.INTERRUPTED

    found = await pair.round()

    assert read_job(pair.jobs.find(broken.job)).state is JobState.DONE
    assert found.quiet
    assert {tag: pair.at_new(tag) for tag in digests} == digests
    assert len(begun()) == 1, "the same job went on"


async def test_a_job_that_was_never_begun_is_by_the_next_round(pair: Pair) -> None:
    await pair.round()
    digest = pair.push(pair.old, "2", "two")
    async with pair.sides() as sides:

        async def begin(*_: object) -> None:
            raise errors.RunnerFailed("the process ended")

        sides._begin = begin
        with pytest.raises(errors.RunnerFailed):
            await run_round(sides, pair.journal, SystemClock())
    assert pair.journal.newest(EntryKind.COPYING).read(StartedCopy).doing == "copy"  # type: ignore[union-attr]

    assert (await pair.round()).quiet
    assert pair.at_new("2") == digest


async def test_a_job_outlives_who_began_it_and_the_next_round_waits_for_it(
    pair: Pair, proxy_for: Callable[[DockerRegistry], FaultProxy]
) -> None:
    await pair.round()
    digest = pair.push(pair.old, "2", "two")
    proxy = proxy_for(pair.new)  # type: ignore[arg-type]
    pair.reached[pair.new.host] = proxy.host
    hold = Hold()
    proxy.add(Fault(hold, method="POST", path="/blobs/uploads/"))
    async with pair.sides() as sides:
        going = asyncio.create_task(run_round(sides, pair.journal, SystemClock()))
        await asyncio.to_thread(eventually, hold.held.is_set, "the job to write")
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
    (job,) = pair.jobs.all()
    assert job.is_held

    following = asyncio.create_task(pair.round())
    hold.release.set()

    assert (await following).quiet
    assert pair.at_new("2") == digest
    assert pair.jobs.all() == [job]


async def test_a_job_that_was_paused_is_left_to_who_paused_it(
    pair: Pair, proxy_for: Callable[[DockerRegistry], FaultProxy]
) -> None:
    await pair.round()
    pair.push(pair.old, "2", "two")
    proxy = proxy_for(pair.new)  # type: ignore[arg-type]
    pair.reached[pair.new.host] = proxy.host
    hold = Hold()
    proxy.add(Fault(hold, method="POST", path="/blobs/uploads/"))
    async with pair.sides() as sides:
        begin = sides._begin

        async def begin_and_pause(how: object, job: object) -> None:
            await begin(how, job)  # type: ignore[arg-type]
            eventually(hold.held.is_set, "the job to write")
            (made,) = pair.jobs.all()
            control.pause_job(made)
            control.pause_job(made)
            eventually(lambda: not made.is_held, "the job to stop")
            hold.release.set()

        sides._begin = begin_and_pause
        paused = await run_round(sides, pair.journal, SystemClock())
    assert "is paused" in paused.failed[0][2]

    with pytest.raises(errors.JobBusy, match="is paused"):
        await pair.round()
    assert not (await pair.round("look")).quiet, "a look asks nobody"


async def test_the_way_back_is_blocked_until_what_only_the_new_side_has_is_copied_back(
    pair: Pair,
) -> None:
    await pair.round()
    before = pair.at_old("1")
    moved, late = pair.push(pair.new, "1", "after"), pair.push(pair.new, "2", "late", "team/new")

    seen = await pair.round()

    assert seen.left.hidden == (
        TagPair(APP, "1", before, moved),
        TagPair("team/new", "2", "", late),
    )
    assert "would hide 2 tags: team/app:1, team/new:2" in plan_rollback(pair.journal).blocked
    assert pair.at_old("1") == before

    back = await pair.round("back")

    assert (pair.at_old("1"), pair.at_old("2", "team/new")) == (moved, late)
    assert len(back.copied) == 2
    assert plan_rollback(pair.journal).blocked == ""


async def test_a_round_can_be_undone_like_any_job(pair: Pair) -> None:
    before = pair.at_new("1")
    await pair.round()
    pair.push(pair.old, "1", "one, anew")
    pair.push(pair.old, "2", "two")
    job = pair.jobs.find((await pair.round()).job)

    place = open_registry(Reference(pair.new.host), Access(pair.new.host))
    places = {pair.new.host: place}
    await undo_job(job, await preview_undo(job, places), places, SystemClock(), "maria")
    await place.aclose()

    assert pair.at_new("1") == before
    with pytest.raises(SkopeoError):
        pair.at_new("2")


async def test_what_is_deleted_is_deleted_nowhere_else(pair: Pair) -> None:
    pair.push_both("2", "two")
    await pair.round()
    delete_manifest(pair.old, APP, pair.at_old("2"))

    found = await pair.round()

    assert found.quiet
    assert [each.tag for each in found.left.gone] == ["2"]
    assert pair.at_new("2")
    assert "would hide 1 tag" in plan_rollback(pair.journal).blocked


async def test_a_plan_says_what_is_kept_in_step_and_by_which_names(pair: Pair) -> None:
    rule = Rule(
        Reference(pair.old.host, "shop"),
        (Reference(pair.new.host, "images"),),
        map="flatten",
        tags=TagFilter(include=("v*",)),
    )
    pair.plan = Plan(kind=Kind.SYNC, rules=(rule,))
    pair.push(pair.old, "v1", "web", "shop/eu/web")
    pair.push(pair.old, "dev", "not wanted", "shop/eu/web")

    first = await pair.round()

    assert [(each.repository, each.tag) for each in first.copied] == [("images/eu-web", "v1")]
    assert pair.at_new("v1", "images/eu-web") == pair.at_old("v1", "shop/eu/web")

    late = pair.push(pair.new, "v2", "late", "images/eu-web")
    pair.push(pair.new, "1", "elsewhere", "images/cache")
    back = await pair.round("back")
    assert pair.at_old("v2", "shop/eu/web") == late
    assert [each.tag for each in back.copied] == ["v2"]
    assert [why for _, _, why in back.failed] == [
        f"it isn't known what it is called at {pair.old.host}"
    ] * 2, "the plan copies neither team/app nor images/cache"


async def test_rounds_end_when_two_had_nothing_to_copy(pair: Pair) -> None:
    pair.push(pair.old, "2", "two")
    async with pair.sides() as sides:
        last = await run_rounds(
            sides, pair.journal, SystemClock(), not_before=lambda: 0.0, every=0.01
        )
    assert last.quiet
    assert pair.at_new("2") == pair.at_old("2")
