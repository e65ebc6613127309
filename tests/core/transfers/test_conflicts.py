"""Tags that exist at the target with another digest, before a job and while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.jobs import new_job, outcomes, plan_of, run_again, run_here
from moving.judge import digest_at
from moving.manifests import delete_manifest
from servers.faults import Fault, Hold
from servers.images import make_layer, push_image, random_layer
from servers.process import eventually
from transship.plans.plan import OnConflict
from transship.transfers import control
from transship.transfers.copies import CopyState, JobState, Verdict
from transship.transfers.job_view import read_job
from transship.transfers.process import start_runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.images import Pushed


@pytest.mark.parametrize(
    ("on_conflict", "verdict", "state", "moves"),
    [
        (OnConflict.OVERWRITE, Verdict.OVERWRITE, JobState.DONE, True),
        (OnConflict.SKIP, Verdict.SKIP, JobState.DONE, False),
        (OnConflict.FAIL, Verdict.CONFLICT, JobState.FAILED, False),
    ],
)
async def test_a_tag_with_another_digest_is_treated_as_the_operator_said(
    on_conflict: OnConflict,
    verdict: Verdict,
    state: JobState,
    moves: bool,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    new = push_image(open_registry, repository, "1", [make_layer(b"new")])
    push_image(open_registry, repository, "2", [make_layer(b"two")])
    old = push_image(other_registry, repository, "1", [make_layer(b"old")])
    job = new_job(
        tmp_path,
        plan_of(
            (f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"),
            on_conflict=on_conflict,
        ),
    )

    ended = await run_again(job)

    assert ended.state is state
    assert digest_at(other_registry, repository, "1") == (new if moves else old).digest
    assert digest_at(other_registry, repository, "2")
    copy, _ = outcomes(job)["1"]
    assert (copy.verdict, copy.previous) == (verdict, old.digest)


@pytest.mark.parametrize("on_conflict", OnConflict)
def test_a_tag_that_moves_at_the_target_during_the_job_is_judged_by_where_it_points_then(
    on_conflict: OnConflict,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
    tmp_path: Path,
) -> None:
    new = push_image(open_registry, repository, "1", [make_layer(b"new")])
    source = proxy_for(open_registry)
    hold = Hold()
    source.add(Fault(hold, method="GET", path="/blobs/"))
    job = new_job(
        tmp_path,
        plan_of(
            (f"{source.host}/{repository}", f"{other_registry.host}/{repository}"),
            on_conflict=on_conflict,
        ),
    )

    start_runner(job, [])
    eventually(hold.held.is_set, "the tag to have been judged")
    meanwhile = push_image(other_registry, repository, "1", [make_layer(b"meanwhile")])
    hold.release.set()
    eventually(lambda: not job.is_held, "the end")

    copy, state = outcomes(job)["1"]
    tag = digest_at(other_registry, repository, "1")
    match on_conflict:
        case OnConflict.OVERWRITE:
            assert (tag, copy.verdict, state) == (new.digest, Verdict.OVERWRITE, CopyState.DONE)
            assert copy.previous == meanwhile.digest
        case OnConflict.SKIP:
            assert (tag, copy.verdict, state) == (meanwhile.digest, Verdict.SKIP, CopyState.DONE)
        case OnConflict.FAIL:
            assert (tag, state) == (meanwhile.digest, CopyState.FAILED)
            assert read_job(job).failures[0].cause == "tag-conflict"


def test_a_tag_that_vanishes_or_moves_at_the_source_is_copied_as_it_was_found(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
    tmp_path: Path,
) -> None:
    found = [
        push_image(open_registry, repository, tag, [make_layer(f"{repository} {tag}".encode())])
        for tag in ("moves", "vanishes")
    ]
    source = proxy_for(open_registry)
    hold = Hold()
    source.add(Fault(hold, method="GET", path="/blobs/", times=None))
    job = new_job(
        tmp_path, plan_of((f"{source.host}/{repository}", f"{other_registry.host}/{repository}"))
    )

    start_runner(job, [])
    eventually(hold.held.is_set, "both tags to have been found")
    delete_manifest(open_registry, repository, found[1].digest)
    push_image(open_registry, repository, "moves", [make_layer(b"elsewhere")])
    hold.release.set()
    eventually(lambda: not job.is_held, "the end")

    assert read_job(job).state is JobState.DONE, read_job(job).failures
    assert digest_at(other_registry, repository, "moves") == found[0].digest
    assert digest_at(other_registry, repository, "vanishes") == found[1].digest


async def test_what_a_tag_pointed_at_is_journalled_before_it_moves(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
    tmp_path: Path,
) -> None:
    push_image(open_registry, repository, "1", [make_layer(b"new")])
    old = push_image(other_registry, repository, "1", [make_layer(b"old")])
    target = proxy_for(other_registry)
    hold = Hold()
    target.add(Fault(hold, method="PUT", path="/manifests/1$"))
    job = new_job(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))
    )

    start_runner(job, [])
    eventually(hold.held.is_set, "the tag to be about to move")
    copy, _ = outcomes(job)["1"]
    hold.release.set()
    eventually(lambda: not job.is_held, "the end")

    assert (copy.previous, copy.moving) == (old.digest, True)


async def test_two_sources_of_one_tag_conflict_and_a_retry_changes_nothing(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    fresh_name: Callable[[], str],
    tmp_path: Path,
) -> None:
    names = [fresh_name(), fresh_name()]
    images: list[Pushed] = [
        push_image(open_registry, name, "1", [random_layer(1000, name)]) for name in names
    ]
    target = fresh_name()
    job = new_job(
        tmp_path,
        plan_of(
            *(
                (f"{open_registry.host}/{name}:1", f"{other_registry.host}/{target}")
                for name in names
            )
        ),
    )

    first = await run_again(job)
    with job.journal() as journal:
        journal.note(phase="", state=JobState.WAITING)
    again = await run_again(job)

    assert (first.counts.copied, first.counts.failed) == (1, 1)
    assert (again.counts.copied, again.counts.failed) == (1, 1)
    assert digest_at(other_registry, target, "1") == images[0].digest


async def test_a_retry_judges_a_conflict_anew(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    new = push_image(open_registry, repository, "1", [make_layer(b"new")])
    push_image(open_registry, repository, "2", [make_layer(b"two")])
    old = push_image(other_registry, repository, "1", [make_layer(b"old")])
    job = new_job(
        tmp_path,
        plan_of(
            (f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"),
            on_conflict=OnConflict.FAIL,
        ),
    )
    await run_again(job)
    delete_manifest(other_registry, repository, old.digest)
    before = open_registry.mark()

    control.retry_job(job, [])
    eventually(lambda: not job.is_held, "the end")

    ended = read_job(job)
    assert (ended.state, ended.counts.copied, ended.counts.failed) == (JobState.DONE, 2, 0)
    assert digest_at(other_registry, repository, "1") == new.digest
    # Only what failed is looked at again.
    assert not [r for r in open_registry.since(before) if r.path.endswith("/manifests/2")]


async def test_an_image_of_the_same_digest_needs_no_permission_to_overwrite(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    for registry in (open_registry, other_registry):
        push_image(registry, repository, "1", [make_layer(b"the same")])
    plan = plan_of(
        (f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"),
        on_conflict=OnConflict.FAIL,
    )

    ended = await run_here(tmp_path, plan)

    assert (ended.state, ended.counts.same) == (JobState.DONE, 1)
