"""A job whose outcomes are written together survives what it did when each was written alone."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from moving.jobs import ends, new_job, outcomes, plan_of
from moving.staged import PLAN, SOURCE, TARGET, add_image, run, stage
from moving.transactions import transactions
from moving.undo import foreseen, standing, undone
from moving.undo import image as push
from servers.process import comes_true
from transship.oci.digest import Digest
from transship.oci.manifest import Manifest
from transship.transfers import control
from transship.transfers.copies import CopyState, JobState
from transship.transfers.job_view import read_job
from transship.transfers.journal import Journal, Statement
from transship.transfers.undo import RestoreAction

if TYPE_CHECKING:
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from transship.transfers.jobs import Job

FULL = sqlite3.OperationalError("database or disk is full")


async def test_a_job_of_many_small_images_is_kept_in_few_transactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, places, images = new_job(tmp_path, PLAN), stage(200), 200
    opened = Journal.__init__
    counted = 0

    def counting(self: Journal, path: Path) -> None:
        opened(self, path)
        self._db.execute("PRAGMA wal_autocheckpoint = 0")

    def closing_time(self: Journal) -> None:
        nonlocal counted
        counted = max(counted, transactions(job.folder / "journal.sqlite"))
        self._db.close()

    monkeypatch.setattr(Journal, "__init__", counting)
    monkeypatch.setattr(Journal, "close", closing_time)

    assert await run(job, places) is JobState.DONE

    assert 0 < counted < images, "less than one for an image"


async def test_a_tag_is_moved_only_once_the_file_says_what_it_pointed_at(tmp_path: Path) -> None:
    job, places = new_job(tmp_path, PLAN), stage(tags=0)
    before: dict[str, Digest | None] = {f"v{number}": None for number in range(6)}
    for tag in before:
        add_image(places[SOURCE], tag)
    for tag in ("v1", "v2", "v5"):
        before[tag] = add_image(places[TARGET], tag, annotations={"of": "before"}).digest
    put = places[TARGET].put_manifest
    seen: dict[str, tuple[bool, Digest | None]] = {}

    async def look_and_put(repository: str, reference: str, manifest: Manifest) -> bool:
        copy, _ = outcomes(job)[reference]
        seen[reference] = copy.moving, copy.previous
        return await put(repository, reference, manifest)

    places[TARGET].instead(put_manifest=look_and_put)

    assert await run(job, places) is JobState.DONE
    assert seen == {tag: (True, digest) for tag, digest in before.items()}


async def test_an_image_without_a_tag_is_in_the_file_before_anything_follows(
    tmp_path: Path,
) -> None:
    places = stage(tags=0)
    manifest = add_image(places[SOURCE], "v0")
    plan = plan_of((f"{SOURCE}/app@{manifest.digest}", f"{TARGET}/app"))
    job = new_job(tmp_path, plan)
    told: list[CopyState] = []
    committed = Journal.committed

    async def look(self: Journal) -> None:
        await committed(self)
        told.extend(state for _, state in outcomes(job).values())

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Journal, "committed", look)
        assert await run(job, places) is JobState.DONE

    assert told == [CopyState.DONE]


async def test_screens_see_within_a_tick_what_a_job_has_done(tmp_path: Path) -> None:
    job, places = new_job(tmp_path, PLAN), stage()
    put, released = places[TARGET].put_manifest, asyncio.Event()

    async def hold_one(repository: str, reference: str, manifest: Manifest) -> bool:
        if reference == "v3":
            await released.wait()
        return await put(repository, reference, manifest)

    places[TARGET].instead(put_manifest=hold_one)
    running = asyncio.create_task(run(job, places))
    await comes_true(lambda: read_job(job).counts.copied == 5, "the others to be shown")
    assert read_job(job).state is JobState.RUNNING
    released.set()

    assert await running is JobState.DONE


async def test_a_disk_that_fills_up_ends_the_job_and_leaves_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, places = new_job(tmp_path, PLAN), stage()
    put, run_now = places[TARGET].put_manifest, Journal._run
    is_full = False

    def full(self: Journal, statements: Sequence[Statement]) -> None:
        if is_full and statements:
            raise FULL
        run_now(self, statements)

    async def fill(repository: str, reference: str, manifest: Manifest) -> bool:
        nonlocal is_full
        is_full = True
        return await put(repository, reference, manifest)

    places[TARGET].instead(put_manifest=fill)
    monkeypatch.setattr(Journal, "_run", full)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        await run(job, places)

    written = set(places[TARGET].manifests["app"])
    assert written == {tag for tag, (copy, _) in outcomes(job).items() if copy.moving} != set()
    assert read_job(job).state is JobState.INTERRUPTED
    is_full = False
    places[TARGET].instead(put_manifest=put)
    assert await run(job, places) is JobState.DONE
    assert (read_job(job).counts.copied, read_job(job).counts.total) == (6, 6)


# A runner that is killed before it has written what it gathered

KILLED = """
import asyncio, os, signal, sys
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from transship.clock import SystemClock
from transship.registry.access import open_registry
from transship.transfers.jobs import Job
from transship.transfers.journal import Journal
from transship.transfers.runner import Runner

done, left = Journal.done, 3

def done_and_killed(self, *arguments):
    global left
    done(self, *arguments)
    print(arguments[0].target.tag, flush=True)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

async def main(job):
    async with AsyncExitStack() as stack:
        places = {}
        for each in job.plan().places:
            places[each.registry] = await stack.enter_async_context(aclosing(open_registry(each)))
        with job.locked(), job.journal() as journal:
            await Runner(job.plan(), places, journal, SystemClock()).run()

Journal.done = done_and_killed
asyncio.run(main(Job(Path(sys.argv[1]))))
"""


@pytest.fixture
def killed(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> Job:
    """A job whose runner was killed when it had gathered that three tags are at the target."""
    for number in range(6):
        push(open_registry, repository, f"v{number}", f"new {number}")
        if number % 2:
            push(other_registry, repository, f"v{number}", f"old {number}")
    ends_there = f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"
    job = new_job(tmp_path, plan_of(ends_there))
    before = standing(other_registry, repository)

    line = [sys.executable, "-c", KILLED, job.folder]
    ended = subprocess.run(line, stdout=subprocess.PIPE, timeout=60, text=True)

    assert ended.returncode == -signal.SIGKILL
    now, kept = standing(other_registry, repository), outcomes(job)
    moved = {tag for tag, digest in now.items() if digest != before.get(tag)}
    *_, last = done = ended.stdout.split()
    assert moved >= set(done)
    assert kept[last][1] is not CopyState.DONE, "it was killed before that was written"
    for tag in moved:
        assert (kept[tag][0].moving, kept[tag][0].previous) == (True, before.get(tag))
    return job


async def test_what_it_moved_can_be_undone_at_once(
    killed: Job, other_registry: DockerRegistry, repository: str
) -> None:
    moved = {tag: each for tag, each in outcomes(killed).items() if each[0].moving}

    plan = await foreseen(killed)
    await undone(killed, plan)

    acts = {restore.tag.tag: restore.act for restore in plan.restores}
    for tag, (copy, _) in moved.items():
        assert acts[tag] in (
            RestoreAction.PUT_BACK if copy.previous else RestoreAction.TAKE_AWAY,
            RestoreAction.ALREADY,
        )
    now = standing(other_registry, repository)
    assert {tag: now.get(tag) for tag in moved} == {
        tag: copy.previous for tag, (copy, _) in moved.items()
    }
    assert read_job(killed).state is JobState.CANCELLED


async def test_the_next_one_ends_the_job_and_it_can_be_undone_then(
    killed: Job, open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str
) -> None:
    before = {tag: copy.previous for tag, (copy, _) in outcomes(killed).items()}
    control.resume_job(killed, [])
    assert (await asyncio.to_thread(ends, killed)).state is JobState.DONE

    assert standing(other_registry, repository) == standing(open_registry, repository)
    kept = outcomes(killed)
    assert {state for _, state in kept.values()} == {CopyState.DONE}
    assert {tag: kept[tag][0].previous for tag in before} == before
    await undone(killed)
    assert sorted(standing(other_registry, repository)) == ["v1", "v3", "v5"]
