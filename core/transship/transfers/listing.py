"""What a job's journal says copy by copy, for screens that show a part of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from transship.errors import BadFile, TransshipError
from transship.matching import is_everything, matcher
from transship.transfers.jobs import Job
from transship.transfers.journal import Journal
from transship.transfers.logbook import Level
from transship.transfers.view import Bytes, Counts, JobView, view
from transship.transfers.work import Copy, JobState, State


class Which(StrEnum):
    """Which of a job's copies are listed."""

    ALL = "all"
    ACTIVE = "active"
    """Those that are being worked on."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Those that weren't wanted at the target. What is the same there isn't among them."""


LEVELS = frozenset(map(str, Level))
"""The kinds of events that are lines of the log."""

_CONDITIONS = {
    Which.ALL: "true",
    Which.ACTIVE: "state = 'running'",
    Which.FAILED: "state = 'failed'",
    Which.SKIPPED: "state = 'done' AND verdict NOT IN ('copy', 'overwrite', 'same', 'delete')",
}


@dataclass(frozen=True, slots=True)
class CopyRow:
    """One copy with how far it is. `problem` and `remedy` are empty unless it failed."""

    copy: Copy
    state: State
    problem: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that came to pass in a job. `at` is in seconds since the epoch.

    `kind` is the verdict of a copy that has ended, `failed`, `wish` for what the operator asked
    for, or the level of a line of the runner's log.
    """

    at: float
    kind: str
    what: str
    more: str = ""


def copy_ids(journal: Journal, which: Which = Which.ALL, pattern: str = "") -> Sequence[int]:
    """Return the numbers of a job's copies, in the order of its worklist.

    With a pattern (see `transship.matching`) only those whose source it matches.
    """
    if is_everything(pattern):
        return journal.copy_ids(_CONDITIONS[which])
    wanted = matcher(pattern)
    return [number for number, source in journal.copy_names(_CONDITIONS[which]) if wanted(source)]


def copy_rows(journal: Journal, ids: Sequence[int]) -> list[CopyRow]:
    """Return the copies with these numbers, in order. What is gone since is left out."""
    return [
        CopyRow(copy, state, ": ".join(part for part in (title, detail) if part), remedy)
        for copy, state, title, detail, remedy in journal.outcomes_of(ids)
    ]


def events(journal: Journal, limit: int = 500) -> list[Event]:
    """Return what came to pass last in a job, the oldest first."""
    return [_event(*row) for row in journal.happened(limit)]


def _event(at: float, kind: str, what: str, more: str) -> Event:
    """Return an event; a line of the log says before a colon what it is about."""
    if kind in LEVELS:
        what, _, more = what.partition(": ")
    return Event(at, kind, what, more)


def glance(job: Job) -> JobView:
    """Look at a job. One that can't be read is seen as failed, with the reason as its problem."""
    try:
        return view(job)
    except TransshipError as error:
        problem = error
    except (OSError, sqlite3.Error) as error:
        problem = BadFile(f"{job.folder}: {error}")
    return JobView(
        id=job.id,
        kind="copy",
        state=JobState.FAILED,
        source="?",
        target="?",
        created=job.stamp()[0][0] / 1e9,
        started=None,
        ended=None,
        planned=False,
        found=0,
        pausing=False,
        counts=Counts(),
        bytes=Bytes(),
        rate=0.0,
        lanes=(),
        failures=(),
        problem=(problem.title, problem.detail, problem.remedy),
    )
