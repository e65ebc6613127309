"""The operator's jobs: begun in a process of their own, looked at, controlled, undone, reported."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from transship.app.connections import Connections
from transship.app.standby import take_standby
from transship.errors import BadFile, BadRequest, JobEnded, RunnerFailed, TransshipError
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
    look,
)
from transship.transfers.jobs import Job, JobStore
from transship.transfers.process import last_words, start_runner
from transship.transfers.worklist import NOT_ASKED_TO_DELETE

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
    from transship.transfers.verify import Proof, VerifyProgress


_POLL_SECONDS = 0.05


class Jobs:
    """The operator's jobs: begun, looked at, controlled, undone, reported.

    A job is named by its id, or by enough of its beginning; all raise JobNotFound.
    """

    def __init__(self, connections: Connections, paths: Paths) -> None:
        self._connections = connections
        self._paths = paths
        self.store = JobStore(paths.jobs)
        self._looks: dict[str, tuple[object, JobView]] = {}

    async def start(self, plan: Plan, *, deletes: bool = False, trusts: bool = False) -> str:
        """Start a job in a process of its own; return its id.

        It deletes what its plan says only if it `deletes`. If it `trusts`, targets are believed to
        be as the last job with this plan left them. Raises BadRequest, RunnerFailed, and what keeps
        a registry from being reached.
        """
        if deletes and plan.delete is None:
            raise BadRequest(
                "the plan has no [delete], so --delete says nothing",
                remedy="Write [delete] into the plan; only a replication can have it.",
            )
        accesses = (await self._connections.accesses(plan)).values()
        job = self.store.create(plan, deletes=deletes, trusts=trusts)
        with _files_of(job.id):
            await asyncio.to_thread(start_runner, job, accesses, take_standby())
        return job.id

    def identify(self, job: str) -> str:
        """Return the whole id of a job."""
        return self.store.find(job).id

    def all(self) -> list[JobView]:
        """Return all jobs, the newest first. One that hasn't changed isn't read again."""
        return [self._look(job) for job in self.store.all()]

    def find(self, job: str) -> JobView:
        """Look at one job. Raises JobNotFound."""
        return self._look(self.store.find(job))

    @contextmanager
    def follow(self, job: str) -> Iterator[FollowedJob]:
        """Give a job to be looked at again and again, until the block ends."""
        with self._journal(job) as journal:
            yield FollowedJob(self.store.find(job), journal)

    def check_ended(self, view: JobView) -> None:
        """Raise RunnerFailed when a job's process is gone without having ended it."""
        if view.state in (JobState.INTERRUPTED, JobState.WAITING, JobState.RUNNING):
            raise RunnerFailed(
                f"{view.id}: {last_words(self.store.find(view.id))}",
                remedy=f"`transship resume {view.id}` goes on from where it was.",
            )

    def undeleted(self, job: str) -> int:
        """Return how many tags were left that are gone at the source: none was to be deleted."""
        with self._journal(job) as journal:
            return journal.skipped_for(NOT_ASKED_TO_DELETE)

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

    def cancel_all(self, within: float) -> None:
        """End all jobs for good, and wait so many seconds at most until no process works on one."""
        jobs = self.store.all()
        for job in jobs:
            with suppress(JobEnded):
                control.cancel_job(job)
        until = time.monotonic() + within
        while any(job.is_held for job in jobs) and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)

    def limits(self, job: str) -> Mapping[str, Limits]:
        """Return what each registry of a job is held to now."""
        with _files_of(job):
            return control.current_limits(self.store.find(job))

    def limit_request(
        self, host: str, rate: str = "", concurrency: str = "", window: str = ""
    ) -> LimitRequest:
        """Return the limits that words say, at a host or an account's alias. Raises BadRequest.

        `rate` is as `20MiB/s`, `window` as `22:00-06:00`; `none` takes a limit away, and what is
        empty stays as it is.
        """
        from transship.transfers.limits import limit_request

        return limit_request(self._connections.place(host).registry, rate, concurrency, window)

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

    async def verify(self, job: str, progress: VerifyProgress, *, deep: bool = False) -> Proof:
        """Prove that everything of a job is at the target, and keep the proof for its report."""
        from transship.transfers.verify import verify_plan

        found = self.store.find(job)

        async def prove(places: dict[str, Registry]) -> Proof:
            return await verify_plan(
                found.plan(), places, self._connections.clock, deep=deep, progress=progress
            )

        accesses = await self._connections.accesses(found.plan())
        proof = await self._connections.with_registries(accesses, prove, create=False)
        self.keep_proof(found.id, proof)
        return proof

    def keep_proof(self, job: str, proof: Proof) -> None:
        """Keep what a verification of all of a job has found, for its report."""
        from transship.transfers.verify import store_proof

        with own_files():
            store_proof(
                self.store.find(job), proof, self._connections.clock.now(), str(this_operator())
            )

    def report(self, job: str, form: Form) -> Iterator[str]:
        """Give the text of a job's report, piece by piece."""
        from transship.reports.job_formats import report_pieces

        with own_files():
            yield from report_pieces(self.store.find(job), form, self._connections.clock.now())

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


class FollowedJob:
    """A job that is looked at again and again while it runs."""

    def __init__(self, job: Job, journal: Journal) -> None:
        self._job = job
        self._plan = job.plan()
        self._journal = journal
        self._logged = 0

    @property
    def is_held(self) -> bool:
        """Whether a process works on it at this moment.

        Asked before a look: what is then seen of a job that nobody holds any more is its end.
        """
        return self._job.is_held

    def look(self) -> JobView:
        """Look at it."""
        return look(self._job, self._plan, self._journal)

    def log(self) -> Iterator[tuple[float, str, str]]:
        """Give the lines of its log since this was asked last: when, the level, what."""
        for number, at, level, words in self._journal.log_after(self._logged):
            self._logged = number
            yield at, level, words

    def pause(self) -> None:
        """Let it come to a stop at its next good point. Raises JobEnded."""
        control.pause_job(self._job)


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
