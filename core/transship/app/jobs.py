"""The operator's jobs: begun in a process of their own, looked at, controlled, undone, reported."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from transship.app.connections import Connections
from transship.errors import BadFile, TransshipError
from transship.operator import this_operator
from transship.paths import Paths
from transship.registry.access import Access
from transship.registry.registry import Registry
from transship.transfers import control
from transship.transfers.copies import JobState
from transship.transfers.job_view import (
    CopyRow,
    JobEvent,
    Which,
    copy_ids,
    copy_rows,
    events,
    glance,
)
from transship.transfers.jobs import Job, JobStore
from transship.transfers.process import start_runner

if TYPE_CHECKING:
    from transship.paths import Paths
    from transship.plans.plan import Limits, Plan
    from transship.registry.access import Access
    from transship.registry.registry import Registry
    from transship.reports.job_formats import Form
    from transship.transfers.job_view import JobView
    from transship.transfers.jobs import Job
    from transship.transfers.journal import Journal
    from transship.transfers.limits import LimitRequest
    from transship.transfers.undo import UndoPlan, UndoProgress, UndoResult
    from transship.transfers.verify import Proof


class Jobs:
    """The operator's jobs: begun, looked at, controlled, undone, reported."""

    def __init__(self, connections: Connections, paths: Paths) -> None:
        self._connections = connections
        self._paths = paths
        self.store = JobStore(paths.jobs)
        self._looks: dict[str, tuple[object, JobView]] = {}

    async def start(self, plan: Plan, *, deletes: bool = False) -> str:
        """Start a job in a process of its own; return its id."""
        await self._connections.accesses(plan)
        job = self.store.create(plan, deletes=deletes)
        await self.begin(start_runner, job)
        return job.id

    def all(self) -> list[JobView]:
        """Return all jobs, the newest first. One that hasn't changed isn't read again."""
        return [self._look(job) for job in self.store.all()]

    def find(self, job: str) -> JobView:
        """Look at one job. Raises JobNotFound."""
        return self._look(self.store.find(job))

    def plan(self, job: str) -> Plan:
        """Return what a job is to do. Raises BadFile."""
        with _files_of(job):
            return self.store.find(job).plan()

    def copy_ids(self, job: str, which: Which, pattern: str = "") -> Sequence[int]:
        """Return the numbers of the copies that are asked for, in the order of the worklist."""
        with self._journal(job) as journal:
            return copy_ids(journal, which, pattern)

    def copy_rows(self, job: str, ids: Sequence[int]) -> list[CopyRow]:
        """Return the copies with these numbers, in order. What is gone since is left out."""
        with self._journal(job) as journal:
            return copy_rows(journal, ids)

    def events(self, job: str) -> list[JobEvent]:
        """Return what came to pass last in a job, the oldest first."""
        with self._journal(job) as journal:
            return events(journal)

    def pause(self, job: str) -> None:
        """Let a job come to a stop. Raises JobEnded."""
        with _files_of(job):
            control.pause_job(self.store.find(job))

    def cancel(self, job: str) -> None:
        """End a job for good. Raises JobEnded."""
        with _files_of(job):
            control.cancel_job(self.store.find(job))

    def limits(self, job: str) -> Mapping[str, Limits]:
        """Return what each registry of a job is held to now."""
        with _files_of(job):
            return control.current_limits(self.store.find(job))

    def limit(self, job: str, wish: LimitRequest) -> None:
        """Hold a job to other limits at one of its registries. Raises JobEnded."""
        with _files_of(job):
            control.set_limit(self.store.find(job), wish)

    async def resume(self, job: str) -> None:
        """Go on with a paused or interrupted job."""
        await self.begin(control.resume_job, self.store.find(job))

    async def retry(self, job: str) -> None:
        """Try again what failed in a job."""
        await self.begin(control.retry_job, self.store.find(job))

    async def preview_undo(self, job: str, progress: UndoProgress) -> UndoPlan:
        """Return what undoing a job would do now. Only reads. Raises JobBusy."""
        from transship.transfers.undo import preview_undo

        found = self.store.find(job)

        async def look(places: dict[str, Registry]) -> UndoPlan:
            with own_files():
                return await preview_undo(found, places, progress)

        return await self._connections.with_registries(
            await self._accesses_to_undo(found.plan()), look
        )

    async def undo(self, job: str, plan: UndoPlan, progress: UndoProgress) -> UndoResult:
        """Do what was foreseen, and return what became of each tag. Raises JobBusy."""
        from transship.transfers.undo import undo_job

        found = self.store.find(job)
        by = str(this_operator())

        async def do(places: dict[str, Registry]) -> UndoResult:
            with own_files():
                return await undo_job(found, plan, places, self._connections.clock, by, progress)

        return await self._connections.with_registries(
            await self._accesses_to_undo(found.plan()), do
        )

    async def conflicting_watchers(self, job: str) -> Sequence[str]:
        """Return the files of the plans that are watched now and write where a job wrote."""
        from transship.watch import record as watch_record

        plan = self.store.find(job).plan()

        def look() -> Sequence[str]:
            with own_files():
                return watch_record.conflicting_watchers(
                    plan, self._paths.watches, self._connections.place
                )

        return await asyncio.to_thread(look)

    def keep_proof(self, job: str, proof: Proof) -> None:
        """Keep what a verification of all of a job has found, for its report."""
        from transship.transfers.verify import store_proof

        with own_files():
            store_proof(
                self.store.find(job), proof, self._connections.clock.now(), str(this_operator())
            )

    async def write_report(self, job: str, path: str, form: Form, *, replace: bool) -> Path:
        """Write the report of a job; return the whole path of its file."""
        from transship.reports.job_formats import write_report

        found, now = self.store.find(job), self._connections.clock.now()

        def write() -> Path:
            file = Path(path).expanduser().absolute()
            with own_files():
                write_report(found, file, form, now, replace=replace)
            return file

        return await asyncio.to_thread(write)

    async def _accesses_to_undo(self, plan: Plan) -> dict[str, Access]:
        """Return what opens all targets, and the sources as far as they can be had."""
        accesses = await self._connections.accesses_of(plan.targets)
        for source in plan.sources:
            try:
                accesses |= await self._connections.accesses_of([source])
            except TransshipError:
                continue  # It is asked only for what the target has lost.
        return accesses

    async def begin(self, begin: Callable[[Job, Iterable[Access]], int], job: Job) -> None:
        """Start a job's process in a thread: it takes a moment to say that it is ready."""
        accesses = await self._connections.accesses(job.plan())
        with _files_of(job.id):
            await asyncio.to_thread(begin, job, accesses.values())

    @contextmanager
    def _journal(self, job: str) -> Iterator[Journal]:
        with _files_of(job), self.store.find(job).journal() as journal:
            yield journal

    def _look(self, job: Job) -> JobView:
        stamp = job.stamp()
        known = self._looks.get(job.id)
        if known is not None and known[0] == stamp and not _is_dead(job, known[1]):
            return known[1]
        look = glance(job)
        self._looks[job.id] = (stamp, look)
        return look


@contextmanager
def _files_of(job: str) -> Iterator[None]:
    """Turn what goes wrong with the files of a job into an error that can be shown."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BadFile(f"job {job}: {error}") from error


def _is_dead(job: Job, view: JobView) -> bool:
    """Tell whether a job's process is gone: one that was killed has written nothing of it."""
    return view.state is JobState.RUNNING and not job.is_held


@contextmanager
def own_files() -> Iterator[None]:
    """Turn what goes wrong with files of ours into an error that can be shown."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BadFile(str(error)) from error
