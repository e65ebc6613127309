"""Undoes jobs between the tests' registries, and says what stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moving.jobs import opened
from moving.judge import digest_at, tags_at
from servers.images import make_layer, push_image
from servers.skopeo import SkopeoError
from transship.clock import SystemClock
from transship.transfers.undo import UndoResult, preview_undo, undo_job

if TYPE_CHECKING:
    from servers.images import Pushed
    from servers.registry import Registry
    from transship.transfers.jobs import Job
    from transship.transfers.undo import RestoreAction, UndoPlan

BY = "anna on build-1"


async def foreseen(job: Job) -> UndoPlan:
    """Return what undoing a job would do."""
    async with opened(job.plan()) as places:
        return await preview_undo(job, places)


async def undone(job: Job, plan: UndoPlan | None = None) -> UndoResult:
    """Undo a job, as `plan` says or as it is foreseen."""
    async with opened(job.plan()) as places:
        plan = plan or await preview_undo(job, places)
        return await undo_job(job, plan, places, SystemClock(), BY)


def standing(registry: Registry, repository: str) -> dict[str, str]:
    """Return what each tag of a repository points at, as skopeo sees it."""
    try:
        tags = tags_at(registry, repository)
    except SkopeoError as error:
        # docker-registry has no answer for a repository that never had a tag.
        if "name unknown" not in str(error).lower():
            raise
        return {}
    return {tag: digest_at(registry, repository, tag) for tag in tags}


def image(registry: Registry, repository: str, tag: str | None, content: str) -> Pushed:
    """Push an image that has one layer of this content."""
    return push_image(registry, repository, tag, [make_layer(f"{repository} {content}".encode())])


def acts(plan: UndoPlan) -> dict[str, RestoreAction]:
    """Return what is to be done with each tag."""
    return {restore.tag.tag: restore.act for restore in plan.restores}
