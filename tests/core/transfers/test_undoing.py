"""A job is undone at real registries, with skopeo as the judge of what stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.jobs import new_job, plan_of, proof_of, run_again
from moving.manifests import delete_manifest
from moving.undo import BY, acts, foreseen, image, standing, undone
from servers.faults import Answer, Fault, LoseResponse
from servers.images import push_image, push_index
from transship.errors import DeletionRefused, ImmutableTag, JobBusy, JobEnded
from transship.plans.plan import OnConflict
from transship.registry.http.rate_limiter import RetryPolicy
from transship.transfers import control
from transship.transfers.copies import JobState
from transship.transfers.job_view import read_job
from transship.transfers.journal import Restored
from transship.transfers.undo import RestoreAction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from transship.transfers.jobs import Job
    from transship.transfers.undo import UndoResult

WRITES = ("PUT", "POST", "PATCH", "DELETE")


def results(done: UndoResult) -> dict[str, Restored]:
    return {outcome.restore.tag.tag: outcome.restored for outcome in done.outcomes}


@pytest.fixture
def mixed(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> Job:
    """A job between two repositories: a tag that is new, one that moves, and one that is there."""
    for tag in ("new", "moves", "same"):
        image(open_registry, repository, tag, tag)
    children = [
        push_image(open_registry, repository, platform=platform)
        for platform in ("linux/amd64", "linux/arm64")
    ]
    push_index(open_registry, repository, "multi", children)
    image(other_registry, repository, "same", "same")
    image(other_registry, repository, "moves", "before")
    image(other_registry, repository, "multi", "one platform, before")
    image(other_registry, repository, "others", "never touched")
    return new_job(
        tmp_path,
        plan_of((f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}")),
    )


async def test_every_tag_points_again_at_what_it_did_before(
    mixed: Job, other_registry: DockerRegistry, repository: str
) -> None:
    before = standing(other_registry, repository)
    await run_again(mixed)
    after = standing(other_registry, repository)

    plan = await foreseen(mixed)
    looked = standing(other_registry, repository)
    done = await undone(mixed, plan)

    assert len(set(after.items()) - set(before.items())) == 3
    assert looked == after
    assert acts(plan) == {
        "new": RestoreAction.TAKE_AWAY,
        "multi": RestoreAction.PUT_BACK,
        "moves": RestoreAction.PUT_BACK,
    }
    assert not done.open
    assert standing(other_registry, repository) == before
    assert not (await proof_of(mixed.plan())).holds


async def test_a_second_undo_finds_all_as_it_was_and_writes_nothing(
    mixed: Job, other_registry: DockerRegistry, repository: str
) -> None:
    await run_again(mixed)
    await undone(mixed)
    first = read_job(mixed).undo
    before, mark = standing(other_registry, repository), other_registry.mark()

    again = await undone(mixed)

    assert set(acts(again.plan).values()) == {RestoreAction.ALREADY}
    assert not again.open
    assert not [r for r in other_registry.since(mark) if r.method in WRITES]
    assert standing(other_registry, repository) == before
    assert read_job(mixed).undo == first


async def test_the_journal_tells_who_undid_it_and_what_became_of_it(mixed: Job) -> None:
    await run_again(mixed)
    await undone(mixed)

    looks = read_job(mixed)
    assert looks.undo is not None
    assert (looks.undo.by, looks.undo.restored, looks.undo.whole) == (BY, 3, True)
    assert looks.undo.ended
    assert looks.ended
    assert looks.undo.ended >= looks.undo.began >= looks.ended
    with mixed.journal() as journal:
        assert {kept.restored for kept in journal.restores()} == {Restored.DONE}


async def test_tags_that_somebody_moved_since_are_left_and_named(
    mixed: Job, other_registry: DockerRegistry, repository: str
) -> None:
    await run_again(mixed)
    theirs = image(other_registry, repository, "moves", "somebody's")
    new = standing(other_registry, repository)["new"]
    delete_manifest(other_registry, repository, new)

    plan = await foreseen(mixed)
    done = await undone(mixed, plan)

    wrote = {restore.tag.tag: restore.wrote for restore in plan.restores}
    assert {outcome.restore.tag.tag: outcome.words for outcome in done.open} == {
        "moves": f"moved since to {theirs.digest}; the job wrote {wrote['moves']}"
    }
    after = standing(other_registry, repository)
    assert after["moves"] == theirs.digest
    assert "new" not in after
    kept = read_job(mixed).undo
    assert kept is not None
    assert (kept.left, kept.whole) == (1, False)


async def test_a_tag_that_moves_after_the_list_was_shown_is_left_too(
    mixed: Job, other_registry: DockerRegistry, repository: str
) -> None:
    await run_again(mixed)
    plan = await foreseen(mixed)
    moved = {
        tag: image(other_registry, repository, tag, f"meanwhile {tag}").digest
        for tag in ("moves", "new")
    }

    done = await undone(mixed, plan)

    assert results(done) == {
        "moves": Restored.LEFT, "new": Restored.LEFT, "multi": Restored.DONE,
    }  # fmt: skip
    after = standing(other_registry, repository)
    assert {tag: after[tag] for tag in moved} == moved
    assert all(moved[outcome.restore.tag.tag] in outcome.words for outcome in done.open)


async def test_where_nothing_can_be_deleted_new_tags_are_named_and_the_rest_goes_on(
    open_registry: DockerRegistry,
    new_registry: Callable[..., DockerRegistry],
    repository: str,
    tmp_path: Path,
) -> None:
    target = new_registry(deletes=False)
    for tag in ("new", "moves"):
        image(open_registry, repository, tag, tag)
    before = image(target, repository, "moves", "before")
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))
    job = new_job(tmp_path, plan)
    await run_again(job)
    copied = standing(target, repository)

    done = await undone(job)

    assert results(done) == {"new": Restored.FAILED, "moves": Restored.DONE}
    assert [type(outcome.error) for outcome in done.open] == [DeletionRefused]
    assert standing(target, repository) == copied | {"moves": before.digest}
    kept = read_job(job).undo
    assert kept is not None
    assert (kept.failed, kept.whole) == (1, False)


async def test_an_immutable_tag_is_named(
    mixed: Job,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
    tmp_path: Path,
) -> None:
    proxy = proxy_for(other_registry)
    job = new_job(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    )
    await run_again(job)
    body = b'{"errors": [{"code": "TAG_INVALID", "message": "the tag is immutable"}]}'
    refusal = Answer(400, {"Content-Type": "application/json"}, body)
    proxy.add(Fault(refusal, method="PUT", path="/manifests/moves", times=None))

    done = await undone(job)

    assert [type(outcome.error) for outcome in done.open] == [ImmutableTag]
    assert [outcome.restore.tag.tag for outcome in done.open] == ["moves"]


async def test_a_deletion_that_stopped_half_way_is_ours_and_is_finished(
    mixed: Job,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
    tmp_path: Path,
) -> None:
    before = standing(other_registry, repository)
    proxy = proxy_for(other_registry)
    job = new_job(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{proxy.host}/{repository}"))
    )
    await run_again(job)
    # By the tag, then to see whether manifests can be deleted, then of what stands in.
    refusal = Answer(403, {}, b"{}")
    fault = proxy.add(Fault(refusal, method="DELETE", path="/manifests/", skip=2))

    first = await undone(job)
    halfway = standing(other_registry, repository)
    second = await foreseen(job)
    done = await undone(job, second)

    assert fault.struck == 1
    assert [outcome.restore.tag.tag for outcome in first.open] == ["new"]
    assert "new" in halfway
    assert acts(second)["new"] is RestoreAction.TAKE_AWAY
    assert not done.open
    assert standing(other_registry, repository) == before
    kept = read_job(job).undo
    assert kept is not None
    assert kept.whole


async def test_a_target_that_cannot_be_reached_is_named_and_the_other_is_undone(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    new_registry: Callable[..., DockerRegistry],
    repository: str,
    tmp_path: Path,
) -> None:
    away = new_registry()
    for tag in ("1", "2"):
        image(open_registry, repository, tag, tag)
        image(other_registry, repository, tag, "before")
    before = standing(other_registry, repository)
    source = f"{open_registry.host}/{repository}"
    pairs = [(source, f"{target.host}/{repository}") for target in (other_registry, away)]
    job = new_job(tmp_path, plan_of(*pairs))
    await run_again(job)
    away.stop()

    done = await undone(job)

    assert {outcome.restore.tag.registry for outcome in done.open} == {away.host}
    assert {outcome.restore.act for outcome in done.open} == {RestoreAction.UNKNOWN}
    assert all("can't be known" in outcome.words for outcome in done.open)
    assert standing(other_registry, repository) == before


@pytest.fixture
def hiding(other_registry: DockerRegistry, proxy_for: Callable[..., FaultProxy]) -> FaultProxy:
    """A registry that takes pushes and refuses to tell what a tag points at."""
    proxy = proxy_for(other_registry)
    proxy.add(Fault(Answer(403), method="HEAD", path="/manifests/[^:]+$", times=None))
    proxy.add(Fault(Answer(403), method="GET", path="/tags/list", times=None))
    return proxy


@pytest.mark.parametrize("which", ["one tag", "all tags"])
async def test_a_tag_that_was_hidden_when_it_was_written_is_left_and_named(
    which: str,
    hiding: FaultProxy,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    image(open_registry, repository, "1", "new")
    image(other_registry, repository, "1", "precious")
    tag = ":1" if which == "one tag" else ""
    source = f"{open_registry.host}/{repository}{tag}"
    job = new_job(tmp_path, plan_of((source, f"{hiding.host}/{repository}")))
    assert (await run_again(job)).state is JobState.DONE
    hiding.clear()
    written = standing(other_registry, repository)
    mark = other_registry.mark()

    done = await undone(job)

    [outcome] = done.open
    assert (outcome.restore.act, outcome.restored) == (RestoreAction.UNKNOWN, Restored.LEFT)
    assert "didn't tell what the tag pointed at before the job" in outcome.words
    assert standing(other_registry, repository) == written
    assert not [r for r in other_registry.since(mark) if r.method in WRITES]


async def test_a_hidden_tag_that_was_written_before_a_failure_stays_hidden_in_a_retry(
    hiding: FaultProxy,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    image(open_registry, repository, "1", "new")
    source = f"{open_registry.host}/{repository}:1"
    job = new_job(tmp_path, plan_of((source, f"{hiding.host}/{repository}")))
    lost = hiding.add(Fault(LoseResponse(), method="PUT", path="/manifests/1$", times=None))
    assert (
        await run_again(job, patience=RetryPolicy(attempts=1, seconds=1))
    ).state is JobState.FAILED
    assert lost.struck
    hiding.clear()
    with job.journal() as journal:
        journal.note(phase="", state=JobState.WAITING)

    assert (await run_again(job)).state is JobState.DONE

    assert acts(await foreseen(job)) == {"1": RestoreAction.UNKNOWN}
    assert "1" in standing(other_registry, repository)


@pytest.mark.parametrize("on_conflict", [OnConflict.SKIP, OnConflict.FAIL])
async def test_a_hidden_tag_is_not_written_where_nothing_may_be_overwritten(
    on_conflict: OnConflict,
    hiding: FaultProxy,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    image(open_registry, repository, "1", "new")
    precious = image(other_registry, repository, "1", "precious")
    source = f"{open_registry.host}/{repository}:1"
    plan = plan_of((source, f"{hiding.host}/{repository}"), on_conflict=on_conflict)

    done = await run_again(new_job(tmp_path, plan))

    assert [failure.cause for failure in done.failures] == ["no-right"]
    assert standing(other_registry, repository) == {"1": precious.digest}


class TestTheJob:
    async def test_cannot_be_undone_while_it_runs(self, mixed: Job) -> None:
        await run_again(mixed)
        plan = await foreseen(mixed)
        with mixed.locked():
            with pytest.raises(JobBusy):
                await foreseen(mixed)
            with pytest.raises(JobBusy):
                await undone(mixed, plan)

    async def test_that_was_paused_ends_with_its_undo(
        self, mixed: Job, other_registry: DockerRegistry, repository: str
    ) -> None:
        before = standing(other_registry, repository)
        await run_again(mixed)
        with mixed.journal() as journal:
            journal.note(state=JobState.PAUSED)

        assert (await foreseen(mixed)).state is JobState.PAUSED
        await undone(mixed)

        assert read_job(mixed).state is JobState.CANCELLED
        with pytest.raises(JobEnded):
            control.resume_job(mixed, [])
        assert standing(other_registry, repository) == before

    async def test_that_failed_is_not_retried_after_its_undo(
        self, mixed: Job, open_registry: DockerRegistry, repository: str
    ) -> None:
        broken = image(open_registry, repository, "broken", "broken")
        for blob in broken.blobs:
            open_registry.http.delete(f"/v2/{repository}/blobs/{blob}").raise_for_status()
        assert (await run_again(mixed)).state is JobState.FAILED

        done = await undone(mixed)

        assert "broken" not in results(done)
        assert read_job(mixed).state is JobState.FAILED
        with pytest.raises(JobEnded):
            control.retry_job(mixed, [])

    async def test_that_never_began_has_nothing_to_undo(self, mixed: Job) -> None:
        done = await undone(mixed)

        assert done.outcomes == ()
        assert read_job(mixed).state is JobState.WAITING
        assert read_job(mixed).undo is None
