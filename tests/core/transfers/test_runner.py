"""The runner by itself: what it does when something happens that nobody foresaw."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from moving.jobs import new_job, plan_of
from moving.memory import FakeClock
from moving.staged import PLAN, SOURCE, TARGET, add_image, run, stage
from transship import __version__, errors
from transship.oci.manifest import Manifest, parse_manifest
from transship.oci.media_types import OCI_INDEX, OCI_MANIFEST
from transship.transfers import control
from transship.transfers.copies import JobState
from transship.transfers.inventory import take_inventory
from transship.transfers.job_view import LEVELS, events, read_job
from transship.transfers.journal import Journal
from transship.transfers.scanner import ScanProgress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from transship.transfers.jobs import Job


def told(job: Job) -> list[tuple[str, str, str]]:
    """Return the lines of a job's log: level, what it is about, and the words."""
    with job.journal() as journal:
        return [(e.kind, e.what, e.more) for e in events(journal) if e.kind in LEVELS]


async def test_a_defect_that_one_image_brings_to_light_ends_the_job_after_the_others(
    tmp_path: Path,
) -> None:
    job, places = new_job(tmp_path, PLAN), stage()
    put = places[TARGET].put_manifest

    async def fail(repository: str, reference: str, manifest: Manifest) -> bool:
        if reference == "v2":
            raise RuntimeError("nobody foresaw this")
        return await put(repository, reference, manifest)

    places[TARGET].instead(put_manifest=fail)
    with pytest.raises(RuntimeError):
        await run(job, places)
    interrupted = read_job(job)
    places[TARGET].instead(put_manifest=put)

    assert (interrupted.state, interrupted.counts.copied) == (JobState.INTERRUPTED, 5)
    assert await run(job, places) is JobState.DONE
    assert read_job(job).counts.copied == 6


async def test_a_journal_that_can_t_be_written_ends_the_job_and_leaves_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, places = new_job(tmp_path, PLAN), stage()
    done = Journal.done
    written = 0

    def full(self: Journal, *arguments: Any) -> None:
        nonlocal written
        written += 1
        if written > 2:
            raise sqlite3.OperationalError("database or disk is full")
        done(self, *arguments)

    monkeypatch.setattr(Journal, "done", full)
    with pytest.raises(sqlite3.OperationalError):
        await run(job, places)
    monkeypatch.setattr(Journal, "done", done)

    assert read_job(job).state is JobState.INTERRUPTED
    assert await run(job, places) is JobState.DONE
    assert (read_job(job).counts.copied, read_job(job).counts.total) == (6, 6)


async def test_a_watch_that_fails_ends_the_work_that_nobody_could_stop_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, places = new_job(tmp_path, PLAN), stage()
    stuck = asyncio.Event()

    async def wait(*_: object) -> bool:
        await stuck.wait()
        return True

    def locked(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    places[TARGET].instead(put_manifest=wait)
    monkeypatch.setattr(Journal, "show_lanes", locked)

    with pytest.raises(sqlite3.OperationalError):
        async with asyncio.timeout(30):
            await run(job, places)


async def test_a_disk_that_is_full_ends_the_job_with_that_as_its_problem(tmp_path: Path) -> None:
    job, places = new_job(tmp_path, PLAN), stage()
    places[TARGET].puts = [errors.DiskFull("no room")] * 99

    assert await run(job, places) is JobState.FAILED

    full = read_job(job)
    assert full.problem is not None
    assert (full.problem[0], full.counts.failed) == ("The disk is full", 0)


async def test_the_log_says_what_a_job_does_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    job, places = new_job(tmp_path, PLAN), stage()
    places[TARGET].puts = [errors.NoRight("denied")]

    await run(job, places)
    log = told(job)
    with job.journal() as journal:  # As a retry does.
        journal.note(phase="", state=JobState.WAITING)
    await run(job, places)

    process = f"process {os.getpid()} of Transship {__version__}"
    assert log == [
        ("info", "The job begins", process),
        ("info", "Looking at both sides", "for all images"),
        ("info", "Both sides are known", "6 images (6 copy), 68 B to send"),
        ("info", "The job is failed", "6 images: 5 copied, 1 failed"),
    ]
    assert told(job)[4:6] == [
        ("info", "The job goes on", process),
        ("info", "Looking at both sides", "for 1 image that failed"),
    ]


async def test_what_is_wrong_with_a_whole_place_is_logged_once(tmp_path: Path) -> None:
    job, places = new_job(tmp_path, PLAN), stage()
    places[TARGET].puts = [errors.DiskFull("no room")] * 99

    await run(job, places)

    assert [line for line in told(job) if line[0] == "error"] == [
        ("error", "The disk is full", "no room")
    ]
    assert told(job)[-1] == ("info", "The job is failed", "6 images: 6 left")


async def test_what_ends_a_job_before_its_first_copy_is_logged(tmp_path: Path) -> None:
    job, places = new_job(tmp_path, PLAN), stage()

    async def refused(_: str) -> object:
        raise errors.ConnectionRefused(SOURCE)
        yield

    places[SOURCE].instead(tags=refused)

    await run(job, places)

    assert told(job)[2:] == [
        ("error", "Connection refused", SOURCE),
        ("info", "The job is failed", "0 images"),
    ]


@pytest.mark.parametrize("wish", ["pause", "cancel"])
async def test_a_job_that_is_stopped_says_how_much_is_left(wish: str, tmp_path: Path) -> None:
    job, places = new_job(tmp_path, PLAN), stage()
    with job.journal() as journal:
        journal.wish(wish, 1.0)
        journal.wish(wish, 2.0)

    state = await run(job, places)

    assert told(job)[-1][1] == f"The job is {state}"
    assert state in (JobState.PAUSED, JobState.CANCELLED)


async def test_signed_signatures_wait_for_what_they_sign(tmp_path: Path) -> None:
    places = stage(tags=0)
    image = add_image(places[SOURCE], "1")
    subject = {"mediaType": OCI_MANIFEST, "digest": image.digest, "size": image.size}
    signature = add_image(places[SOURCE], "signature", subject=subject)
    del places[SOURCE].manifests["app"]["signature"], places[SOURCE].manifests["app"][image.digest]
    order: list[str] = []
    put = places[TARGET].put_manifest

    async def slow(repository: str, reference: str, manifest: Manifest) -> bool:
        if reference == "1":
            for _ in range(100):  # Turns of the loop in which it could be overtaken.
                await asyncio.sleep(0)
        order.append(reference)
        return await put(repository, reference, manifest)

    async def referrers(_: str, digest: str) -> tuple[object, ...]:
        return (signature.descriptor(),) if digest == image.digest else ()

    async def tags(_: str) -> object:
        yield "1"

    places[TARGET].instead(put_manifest=slow)
    places[SOURCE].instead(referrers=referrers)
    places[SOURCE].instead(tags=tags)
    job = new_job(tmp_path, PLAN)
    places[SOURCE].manifests["app"][image.digest] = image

    assert await run(job, places) is JobState.DONE
    assert order == ["1", signature.digest]


async def test_an_index_that_nests_too_deep_is_blocked() -> None:
    places = stage(tags=0)
    inner = add_image(places[SOURCE], "inner")
    for depth in range(12):
        entry = {"mediaType": inner.media_type, "digest": inner.digest, "size": inner.size}
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
        inner = parse_manifest(json.dumps({**document, "annotations": {"n": str(depth)}}).encode())
        places[SOURCE].manifests["app"][inner.digest] = inner
    places[SOURCE].manifests["app"] = {"deep": inner, **places[SOURCE].manifests["app"]}
    plan = plan_of((f"{SOURCE}/app:deep", f"{TARGET}/app"))

    (found,) = (await take_inventory(plan, places, FakeClock(), ScanProgress())).found

    assert isinstance(found.problem, errors.InvalidManifest)


async def test_images_that_tags_share_are_asked_for_their_referrers_once() -> None:
    places = stage(tags=0)
    image = add_image(places[SOURCE], "1")
    places[SOURCE].manifests["app"] = dict.fromkeys(("1", "1.4", "latest"), image)
    asked: list[str] = []

    async def referrers(_: str, digest: str) -> tuple[object, ...]:
        asked.append(digest)
        return ()

    places[SOURCE].instead(referrers=referrers)

    inventory = await take_inventory(PLAN, places, FakeClock())

    assert len(inventory.found) == 3
    assert asked == [image.digest]


@pytest.mark.parametrize("refusal", [errors.NoRight, errors.SignInNeeded])
async def test_a_repository_that_hides_until_it_is_written_is_written(
    refusal: Callable[[], errors.TransshipError], tmp_path: Path
) -> None:
    job, places = new_job(tmp_path, PLAN), stage()

    async def hidden(*_: str) -> None:
        raise refusal()

    async def no_tags(_: str) -> object:
        raise refusal()
        yield

    places[TARGET].instead(head_manifest=hidden)
    places[TARGET].instead(tags=no_tags)

    assert await run(job, places) is JobState.DONE
    assert sorted(places[TARGET].manifests["app"]) == [f"v{number}" for number in range(6)]


async def test_a_signature_does_not_wait_for_ever_for_what_its_account_keeps_from_being_written(
    tmp_path: Path,
) -> None:
    places = stage(tags=0)
    image = add_image(places[SOURCE], "1")
    subject = {"mediaType": OCI_MANIFEST, "digest": image.digest, "size": image.size}
    signature = add_image(places[SOURCE], "signature", subject=subject)
    del places[SOURCE].manifests["app"]["signature"]

    async def refused(*_: object) -> bool:
        error = errors.WrongCredential("401")
        error.met_at = TARGET
        raise error

    async def referrers(_: str, digest: str) -> tuple[object, ...]:
        return (signature.descriptor(),) if digest == image.digest else ()

    async def tags(_: str) -> object:
        yield "1"

    places[TARGET].instead(put_manifest=refused)
    places[SOURCE].instead(referrers=referrers, tags=tags)
    job = new_job(tmp_path, PLAN)

    assert await run(job, places) is JobState.PAUSED

    seen = read_job(job)
    assert (seen.counts.failed, seen.counts.waiting, seen.signed_out) == (0, 2, (TARGET,))
    assert [line[0] for line in told(job)].count("error") == 1


async def test_one_who_was_refused_by_nobody_known_stops_the_whole_job(tmp_path: Path) -> None:
    job, places = new_job(tmp_path, PLAN), stage()
    places[TARGET].puts = [errors.WrongCredential("401")] * 99

    assert await run(job, places) is JobState.FAILED
    assert read_job(job).signed_out == ()


async def test_a_job_that_waits_for_a_login_can_be_ended_for_good(tmp_path: Path) -> None:
    job, places = new_job(tmp_path, PLAN), stage()
    error = errors.WrongCredential("401")
    error.met_at = TARGET
    places[TARGET].puts = [error] * 99
    await run(job, places)

    control.cancel_job(job)

    seen = read_job(job)
    assert (seen.state, seen.signed_out, seen.problem) == (JobState.CANCELLED, (), None)
