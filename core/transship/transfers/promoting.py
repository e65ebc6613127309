"""Carrying a promotion out: in the ledger first, then as a job like any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from transship.clock import Clock
from transship.errors import TransshipError
from transship.operator import Operator
from transship.transfers.jobs import Job, Jobs
from transship.transfers.journal_undo import Restored
from transship.transfers.ledger import Ending, Entry, Ledger, Outcome
from transship.transfers.promotion import Promotion
from transship.transfers.view import JobView, view
from transship.transfers.work import JobState, State

_ENDS = {
    JobState.DONE: Outcome.DONE,
    JobState.FAILED: Outcome.FAILED,
    JobState.CANCELLED: Outcome.CANCELLED,
}


def promote(
    promotion: Promotion,
    jobs: Jobs,
    ledger: Ledger,
    by: Operator,
    clock: Clock,
    start: Callable[[Job], object],
) -> Job:
    """Write down a promotion, then let `start` begin its job; return the job.

    The job's folder comes first, so that the ledger can name it; nothing runs before it does.
    """
    job = jobs.create(promotion.plan())
    ledger.ask(promotion, by, job.id, clock.now())
    start(job)
    return job


def settle(ledger: Ledger, jobs: Jobs) -> list[Entry]:
    """Write down what has become of promotions meanwhile, and return all, the oldest first.

    A job may end when nobody looks, or after whoever asked for it is gone; what failed may have
    been tried again, and what was done, undone. Each is an entry of its own.
    """
    entries = []
    known = {job.id: job for job in jobs.all()}
    for entry in ledger.entries():
        if entry.job in known:
            job = known[entry.job]
            if entry.outcome not in (Outcome.DONE, Outcome.UNDONE):
                entry = _ended(ledger, entry, _ending(job, entry))
            entry = _ended(ledger, entry, _undone(job, entry))
        entries.append(entry)
    return entries


def _ended(ledger: Ledger, entry: Entry, ending: Ending | None) -> Entry:
    """Return an entry with its ending, which is written down where it is new."""
    if ending is None or (ending.outcome, ending.at) == (entry.outcome, entry.ended):
        return entry
    ledger.end(entry.number, ending)
    return replace(
        entry,
        outcome=ending.outcome,
        ended=ending.at,
        replaced=ending.replaced,
        detail=ending.detail,
    )


def _undone(job: Job, entry: Entry) -> Ending | None:
    """Return that the tag of a promotion was put back, and by whom; None if it wasn't."""
    try:
        with job.journal() as journal:
            undo = journal.undo()
            restored = journal.restores(Restored.DONE) if undo else []
    except TransshipError:
        return None  # The job's own screen says what is wrong with its files.
    tag = next((each for each in restored if each.tag == str(entry.target)), None)
    if undo is None or tag is None:
        return None
    return Ending(Outcome.UNDONE, tag.at, entry.replaced, f"undone by {undo.by}")


def _ending(job: Job, entry: Entry) -> Ending | None:
    """Return what became of a promotion's job, or None while that isn't known."""
    try:
        look = view(job)
    except TransshipError:
        return None  # The job's own screen says what is wrong with its files.
    outcome = _ENDS.get(look.state)
    if outcome is None or look.ended is None:
        return None
    with job.journal() as journal:
        found = next(
            ((copy, state) for copy, state, _ in journal.outcomes() if copy.target == entry.target),
            None,
        )
    if found is None:
        return Ending(outcome, look.ended, entry.replaced, _why(look))
    copy, state = found
    if state is State.DONE and outcome is not Outcome.DONE:
        outcome = Outcome.PARTLY
    return Ending(outcome, look.ended, copy.previous, _why(look))


def _why(look: JobView) -> str:
    """Return in words what went wrong in a job."""
    causes = [look.problem[0]] if look.problem else []
    return ", ".join([*causes, *dict.fromkeys(failure.title for failure in look.failures)])
