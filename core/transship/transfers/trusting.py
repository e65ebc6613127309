"""Trusting the last run: what a job left at its targets is believed to be there still.

Only its own journals are read for that, nothing is asked. In any doubt it is not believed: whoever
trusts what isn't so would leave a tag behind.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from transship.errors import TransshipError
from transship.transfers.jobs import Job, Jobs
from transship.transfers.journal import Journal
from transship.transfers.proofs import kept_proof
from transship.transfers.trusted import Trusted
from transship.transfers.work import JobState


@contextmanager
def last_of(job: Job) -> Iterator[Trusted]:
    """Give what is believed for a job: what the last one before it with the same plan has left."""
    with ExitStack() as stack:
        yield _believed(job, stack)


def _believed(job: Job, stack: ExitStack) -> Trusted:
    others = [each for each in Jobs(job.folder.parent).all() if each.id != job.id]
    plan = _plan_of(job)
    last = next((each for each in others if plan and _plan_of(each) == plan), None)
    if last is None:
        return Trusted(doubt="no earlier job of this same plan is kept")
    try:
        journal = stack.enter_context(last.journal())
        began = float(journal.fact("started") or 0)
        if doubt := _doubt_about(last, journal):
            return Trusted(doubt=doubt)
        for other in others:
            if other.id != last.id and (tag := _touched(other, journal, began)):
                return Trusted(doubt=f"the job {other.id} has written to {tag} since")
    except (sqlite3.Error, OSError, TransshipError, ValueError):
        return Trusted(doubt="a job's journal can't be read")
    return Trusted(last.id, "", journal)


def _doubt_about(job: Job, journal: Journal) -> str:
    """Return in words why a job isn't believed, or an empty string."""
    state = journal.state
    if job.is_held:
        state = JobState.RUNNING
    elif state is JobState.RUNNING:
        state = JobState.INTERRUPTED
    if state is not JobState.DONE:
        return f"the job {job.id}, the last one of this plan, is {state}"
    if journal.undo() is not None:
        return f"the job {job.id}, the last one of this plan, was undone"
    proof = kept_proof(journal)
    if proof is not None and not proof.proof.holds:
        return f"a verification of the job {job.id} has found differences"
    return ""


def _touched(job: Job, believed: Journal, since: float) -> str:
    """Return a tag that is believed to stand, and that another job may have written since."""
    if not any(changed >= int(since) * 1_000_000_000 for changed, _ in job.stamp()):
        return ""
    with job.journal() as journal:
        touched = journal.touched(since)
        return next((tag for tag in touched if believed.left(tag) is not None), "")


def _plan_of(job: Job) -> bytes:
    """Return a plan as its job keeps it: the same plan is always written the same."""
    try:
        return (job.folder / "plan.toml").read_bytes()
    except OSError:
        return b""
