"""What an operator can do with a job from outside: pause, cancel, resume, retry, limit.

Wishes go through the journal. A job that no process holds is changed here directly; one that is
held is asked, and its runner grants the wish within moments.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from transship.errors import BadRequest, JobBusy, JobEnded
from transship.plans.plan import Limits, Plan
from transship.registry.access import Access
from transship.transfers.copies import CopyState, JobState
from transship.transfers.jobs import Job
from transship.transfers.limits import LIMIT_REQUEST, LimitRequest, limits_of
from transship.transfers.process import start_runner

_ANEW = "Start a new job: copy again, or run the plan again."


def pause_job(job: Job) -> None:
    """Let a running job come to a stop at its next good point. Twice: at once.

    Raises JobEnded when nothing is running.
    """
    _wish(job, "pause", JobState.PAUSED)


def cancel_job(job: Job) -> None:
    """End a job for good. What was copied stays. Raises JobEnded when it has ended."""
    _wish(job, "cancel", JobState.CANCELLED)


def release_job(job: Job) -> None:
    """End a job that waits for a new login as failed: what is left is somebody else's to do.

    Raises JobBusy when a process goes on with it, JobEnded when it waits for none.
    """
    with job.locked(), job.journal() as journal:
        if not journal.fact("signed_out") or journal.state is not JobState.PAUSED:
            raise JobEnded(f"{job.id} is {journal.state}")
        journal.note(state=JobState.FAILED, ended=time.time(), signed_out="")


def resume_job(job: Job, accesses: Iterable[Access]) -> int:
    """Go on with a job that was paused or interrupted; return its process id.

    Raises JobBusy when it is running, JobEnded when nothing is left to do.
    """
    with job.locked(), job.journal() as journal:
        if journal.state.ended:
            raise JobEnded(f"{job.id} is {journal.state}")
        journal.grant_wishes()  # What was wished of the process before isn't wished of the next.
    return start_runner(job, accesses)


def retry_job(job: Job, accesses: Iterable[Access]) -> int:
    """Try again what failed in a job that has ended; return its process id.

    Both sides are looked at anew for what failed, and what a failure of a whole place has left
    undone goes on. Raises JobBusy when it is running, JobEnded when nothing failed, it was
    cancelled, or somebody has begun to undo it.
    """
    with job.locked(), job.journal() as journal:
        if not journal.state.ended:
            raise JobBusy(job.id, remedy="It hasn't ended; `transship resume` goes on with it.")
        if journal.state is not JobState.FAILED:
            raise JobEnded(f"{job.id} is {journal.state}")
        if journal.undo() is not None:
            raise JobEnded(f"{job.id} is being undone, or is undone already", remedy=_ANEW)
        if journal.copies(CopyState.FAILED):
            journal.note(phase="")
        journal.note(state=JobState.WAITING, problem="", signed_out="", tried_again="")
        journal.grant_wishes()
    return start_runner(job, accesses)


def current_limits(job: Job) -> dict[str, Limits]:
    """Return what each registry of a job is held to now, those without a limit too."""
    plan = job.plan()
    with job.journal() as journal:
        held = limits_of(plan, journal)
    return {registry: held.get(registry, Limits()) for registry in _registries_of(plan)}


def set_limit(job: Job, wish: LimitRequest) -> None:
    """Hold a job to other limits at one of its registries, until it ends.

    A running one takes it up within a second, another one when it goes on. Raises JobEnded when
    it has ended, and BadRequest for what is no registry of its plan.
    """
    taking_part = _registries_of(job.plan())
    if wish.registry not in taking_part:
        named = ", ".join(taking_part) or "none"
        raise BadRequest(f"{wish.registry} is no registry of {job.id}: {named}")
    with job.journal() as journal:
        if journal.state.ended:
            raise JobEnded(f"{job.id} is {journal.state}")
        journal.wish(LIMIT_REQUEST, time.time(), str(wish))


def _registries_of(plan: Plan) -> list[str]:
    return [place.registry for place in plan.places if place.layout is None]


def _wish(job: Job, wish: str, state: JobState) -> None:
    try:
        if job.is_held:
            raise JobBusy(job.id)
        with job.locked(), job.journal() as journal:
            if journal.state.ended or (wish == "pause" and journal.state is JobState.PAUSED):
                raise JobEnded(f"{job.id} is {journal.state}")
            journal.note(state=state, ended=time.time())
            if state.ended and journal.fact("signed_out"):
                journal.note(problem="", signed_out="")
    except JobBusy:
        with job.journal() as journal:
            journal.wish(wish, time.time())
