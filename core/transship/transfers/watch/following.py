"""Follows the jobs of a watch to their ends, and goes on with those that lost their process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from transship.clock import Clock
from transship.errors import JobBusy, JobEnded, TransshipError
from transship.registries.access import Access
from transship.transfers import control
from transship.transfers.jobs import Job
from transship.transfers.view import JobView, view
from transship.transfers.watch.timing import pause_after
from transship.transfers.work import JobState

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
        seen = view(job)
        if seen.state.ended:
            return seen
        if seen.signed_out:
            hosts = " and ".join(f"`transship login {host}`" for host in seen.signed_out)
            tell(f"job {job.id} needs a new login ({hosts}); what is left is tried again later")
            with suppress(JobBusy, JobEnded):
                control.leave(job)
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
        await asyncio.to_thread(control.resume, job, await keys(job))
        tell(f"job {job.id} goes on")
    except (JobBusy, JobEnded):
        return  # Somebody was quicker.
    except TransshipError as error:
        tell(f"job {job.id} can't go on: {error}")
