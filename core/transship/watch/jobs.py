"""The jobs of a watch: begun, followed to their ends, and what became of them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from transship.clock import Clock
from transship.errors import JobBusy, JobEnded, SystemRefused, TransshipError
from transship.oci.reference import Reference
from transship.plans.plan import Plan, Wanted
from transship.registry.access import Access
from transship.registry.registry import Registry
from transship.text import counted
from transship.transfers import control
from transship.transfers.copies import Copy, CopyState, JobState, Verdict
from transship.transfers.job_view import JobView, read_job
from transship.transfers.jobs import Job, JobStore
from transship.transfers.process import start_runner
from transship.watch.scan import WatchScan, by_name, fill, new_job
from transship.watch.schedule import FailedKeys, pause_after


class WatchAccess(Protocol):
    """What leads to the places of a plan, asked anew each time: passwords change."""

    def place(
        self, reference: Reference, *, create: bool = False
    ) -> AbstractAsyncContextManager[Registry]:
        """Open the place of `reference`. With `create` a layout needn't be there yet."""

    async def accesses(self, plan: Plan) -> list[Access]:
        """Return what it takes to open every place that a plan names."""


@dataclass(slots=True)
class WatchJobs:
    """The jobs that a watch has begun and that haven't ended, and what failed lately.

    `changed` is called whenever there are other jobs than before.
    """

    name: str
    reach: WatchAccess
    jobs: JobStore
    clock: Clock
    tell: Callable[[str], None]
    changed: Callable[[], None]
    failing: FailedKeys = field(default_factory=FailedKeys)
    under_way: dict[str, frozenset[Reference]] = field(default_factory=dict)
    """What each job writes to."""

    lately: set[Reference] = field(default_factory=set)
    """What was written since all of the plan was looked at last."""

    def to_be_done(self, look: WatchScan, *, patient: bool) -> tuple[Copy, ...]:
        """Return what a look has found that no job does already, or has done meanwhile.

        If `patient`, without what failed a short time ago. Nothing is deleted while something
        can't be copied: first the target has to be as it should.
        """
        now = self.clock.now()
        free = [
            copy
            for copy in look.to_do
            if copy.target not in self.lately and not self.is_under_way(copy)
        ]
        if not patient:
            return tuple(free)
        ready = tuple(
            copy for copy in free if not self.failing.is_left_alone(copy.target, copy.digest, now)
        )
        if look.blocked or len(ready) < len(free):
            return tuple(copy for copy in ready if copy.verdict is not Verdict.DELETE)
        return ready

    def is_under_way(self, copy: Copy) -> bool:
        """Tell whether a job writes to where a copy goes."""
        return any(copy.target in targets for targets in self.under_way.values())

    def begin(self, look: WatchScan, copies: tuple[Copy, ...]) -> Job:
        """Make a job. From here on it is known, whatever happens to this process.

        Raises SystemRefused and DiskFull.
        """
        try:
            job = new_job(look, copies, self.jobs)
        except (OSError, sqlite3.Error) as error:
            raise SystemRefused(f"a new job: {error}") from error
        self.under_way[job.id] = frozenset(copy.target for copy in copies)
        self.changed()
        return job

    async def carry_out(
        self, job: Job, look: WatchScan, copies: tuple[Copy, ...]
    ) -> JobView | None:
        """Start a job that was begun, and follow it to its end."""
        async with self._ending(job):
            start = asyncio.ensure_future(self._start(job, look, copies))
            try:
                await asyncio.shield(start)
            except asyncio.CancelledError:
                # What is begun is started: a watch that ends leaves jobs that run, not stubs.
                await asyncio.wait({start})
                raise
            return await self._to_its_end(job)
        return None

    async def _start(self, job: Job, look: WatchScan, copies: tuple[Copy, ...]) -> None:
        try:
            await asyncio.to_thread(fill, job, look, copies, self.name)
            await asyncio.to_thread(start_runner, job, await self._keys(job))
        except TransshipError as error:
            self.tell(f"job {job.id} can't begin: {error}")
        except (OSError, sqlite3.Error) as error:
            self.tell(f"job {job.id} can't begin: {SystemRefused(str(error))}")

    async def take_up(self, job: Job) -> JobView | None:
        """Go on with a job of a watch before, and follow it to its end."""
        async with self._ending(job):
            with job.journal() as journal:
                targets = frozenset(copy.target for copy in journal.copies())
            self.under_way[job.id] = targets
            self.tell(f"job {job.id} of the watch before is followed")
            return await self._to_its_end(job)
        return None

    @asynccontextmanager
    async def _ending(self, job: Job) -> AsyncIterator[None]:
        """Let go of a job at its end; a cancelled watch leaves it to the next one."""
        try:
            yield
        except (TransshipError, OSError, sqlite3.Error) as error:
            self.tell(f"job {job.id} can't be followed: {error}")
        self.under_way.pop(job.id, None)
        self.changed()

    async def _to_its_end(self, job: Job) -> JobView:
        seen = await follow(job, self._keys, self.clock, self.tell)
        done, failed, wanted = await asyncio.to_thread(_outcome, job)
        self.failing.succeeded(copy.target for copy in done)
        self.lately.update(copy.target for copy in done)
        for copy in failed:
            # Who cancelled a job doesn't want it back within a minute.
            again = None if seen.state is JobState.CANCELLED else wanted.get(copy.target)
            self.failing.failed(copy.target, copy.digest, self.clock.now(), again)
        self.tell(f"job {job.id}: {_words(seen, len(done), len(failed))}")
        return seen

    async def _keys(self, job: Job) -> list[Access]:
        return await self.reach.accesses(job.plan())


def _outcome(job: Job) -> tuple[list[Copy], list[Copy], dict[Reference, Wanted]]:
    """Return what a job has done and what not, and its copies by name."""
    done: list[Copy] = []
    failed: list[Copy] = []
    with job.journal() as journal:
        for copy, state, _ in journal.outcomes():
            (done if state is CopyState.DONE else failed).append(copy)
    return done, failed, by_name(job)


def _words(seen: JobView, done: int, failed: int) -> str:
    parts = [f"{seen.state}, {counted(done, 'image')} done"]
    if failed:
        parts.append(f"{failed:,} not")
    causes = [seen.problem[0]] if seen.problem else []
    causes += [failure.title for failure in seen.failures]
    return ", ".join(parts) + (f" ({'; '.join(dict.fromkeys(causes))})" if causes else "")


_POLL_SECONDS = 0.25
_IDLE_POLL_SECONDS = 2.0

Keys = Callable[[Job], Awaitable[list[Access]]]
"""Gives what it takes to open the places of a job."""


async def follow(job: Job, keys: Keys, clock: Clock, tell: Callable[[str], None]) -> JobView:
    """Wait until a job has ended, and return how it looks then.

    One whose process is gone is gone on with; one that is paused waits for who paused it. One that
    needs a new login ends there, so that nothing else waits for that. Raises BadFile when its plan
    can't be read.
    """
    attempts = 0
    paused = False
    while True:
        while job.is_held:
            paused = False
            await clock.sleep(_POLL_SECONDS)
        seen = read_job(job)
        if seen.state.ended:
            return seen
        if seen.signed_out:
            hosts = " and ".join(f"`transship login {host}`" for host in seen.signed_out)
            tell(f"job {job.id} needs a new login ({hosts}); what is left is tried again later")
            with suppress(JobBusy, JobEnded):
                control.release_job(job)
        elif seen.state is JobState.PAUSED:
            if not paused:
                tell(
                    f"job {job.id} is paused; what it copies waits for `transship resume {job.id}`"
                )
            paused = True
            await clock.sleep(_IDLE_POLL_SECONDS)
        else:
            attempts += 1
            await _go_on(job, keys, clock, tell, attempts)


async def _go_on(
    job: Job, keys: Keys, clock: Clock, tell: Callable[[str], None], attempts: int
) -> None:
    if attempts > 1:
        await clock.sleep(pause_after(attempts - 1))
    try:
        await asyncio.to_thread(control.resume_job, job, await keys(job))
        tell(f"job {job.id} goes on")
    except (JobBusy, JobEnded):
        return  # Somebody was quicker.
    except TransshipError as error:
        tell(f"job {job.id} can't go on: {error}")
