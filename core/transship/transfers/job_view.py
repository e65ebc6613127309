"""What a job looks like from outside, at one moment: read from its journal, changed nowhere.

`read_job` tells of the whole, the rows copy by copy for screens that show a part of it; earlier
jobs tell how fast it goes between two registries.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from transship.errors import BadFile, CheckFailed, TransshipError
from transship.matching import is_everything, matcher
from transship.oci.reference import Reference
from transship.plans.plan import Plan
from transship.transfers.copies import Copy, CopyState, JobState, Verdict
from transship.transfers.jobs import Job
from transship.transfers.journal import Failure, Journal, Lane, Level, StoredUndo
from transship.transfers.limits import Limit, decoded
from transship.transfers.trust import StoredTrust, stored_trust


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How many copies are where."""

    total: int = 0
    copied: int = 0
    same: int = 0
    skipped: int = 0
    failed: int = 0
    waiting: int = 0
    deleted: int = 0

    @property
    def ended(self) -> int:
        """How many need nothing more."""
        return self.total - self.waiting


@dataclass(frozen=True, slots=True)
class JobBytes:
    """Bytes of blobs. What is mounted or was at the target needn't be moved."""

    total: int = 0
    """All blobs, each once per target."""
    done: int = 0
    """Those that are at the target, and what was moved of the others."""
    sent: int = 0
    """All that has left, what was given up and sent again too."""
    saved: int = 0
    """What a copy without any knowledge would have sent beyond this."""


@dataclass(frozen=True, slots=True)
class JobView:
    """One job at one moment. Times in seconds since the epoch, `rate` in bytes per second.

    `found` counts what the inventory has seen while it is being taken. `problem` (title, detail,
    remedy) is what ended the job as a whole, or keeps a part of it waiting. `limits` are of the
    registries that hold it up.
    """

    id: str
    kind: str
    state: JobState
    source: str
    target: str
    created: float
    started: float | None
    ended: float | None
    planned: bool
    found: int
    pausing: bool
    counts: JobCounts
    bytes: JobBytes
    rate: float
    lanes: tuple[Lane, ...]
    failures: tuple[Failure, ...]
    problem: tuple[str, str, str] | None
    limits: tuple[Limit, ...] = ()
    stopped: bool = False
    """Whether a check ended it, before anything was written."""
    signed_out: tuple[str, ...] = ()
    """The hosts whose account isn't taken any more: what needs them waits for a new login there."""
    undo: StoredUndo | None = None
    """How far it is undone, if anybody has begun to."""
    trust: StoredTrust | None = None
    """What it believed of the target without asking, if it was to trust the last run."""
    worked: float | None = None
    """The seconds that its processes took so far, pauses left out; None when no one has counted."""

    def took(self, now: float) -> float:
        """Return the seconds that it has worked by `now`, in seconds since the epoch."""
        if self.worked is not None:
            return self.worked
        return max(
            0.0, (now if self.ended is None else self.ended) - (self.started or self.created)
        )

    @property
    def eta(self) -> float | None:
        """The seconds that the rest takes at the present rate, or None when it can't be told.

        It can't while a registry doesn't answer, or the job waits for its window.
        """
        left = self.bytes.total - self.bytes.done
        if self.state is not JobState.RUNNING or not self.planned or self.rate < 1:
            return None
        if any(limit.silent_since is not None or limit.opens is not None for limit in self.limits):
            return None
        return left / self.rate


def read_job(job: Job) -> JobView:
    """Look at a job. Raises BadFile when its plan can't be read."""
    with job.journal() as journal:
        return look(job, job.plan(), journal)


def look(job: Job, plan: Plan, journal: Journal) -> JobView:
    """Look at a job whose journal is open."""
    state = journal.state
    if state in (JobState.RUNNING, JobState.WAITING) and not job.is_held:
        # Read again: the runner may have ended between the two looks.
        state = journal.state
        if state is JobState.RUNNING:
            state = JobState.INTERRUPTED
    with journal.one_moment():
        return _seen(job, plan, journal, state)


def _seen(job: Job, plan: Plan, journal: Journal, state: JobState) -> JobView:
    lanes = tuple(journal.lanes()) if state is JobState.RUNNING else ()
    problem = journal.fact("problem")
    return JobView(
        id=job.id,
        kind=plan.kind,
        state=state,
        source=_one_side(plan.sources, [copy.source for copy in plan.copies]),
        target=_one_side(plan.targets, [copy.target for copy in plan.copies]),
        created=_time(journal, "created") or 0.0,
        started=_time(journal, "started"),
        ended=_time(journal, "ended") if state is not JobState.RUNNING else None,
        planned=journal.fact("phase") == "planned",
        found=int(journal.fact("found") or 0),
        pausing=state is JobState.RUNNING and journal.fact("pausing") == "1",
        counts=counts_of(journal),
        bytes=_bytes(journal, state),
        rate=float(journal.fact("rate") or 0) if state is JobState.RUNNING else 0.0,
        lanes=lanes,
        failures=tuple(journal.failures()),
        problem=(problem, journal.fact("problem_detail"), journal.fact("problem_remedy"))
        if problem
        else None,
        limits=decoded(journal.fact("limits")),
        stopped=bool(problem) and journal.fact("problem_status") == str(CheckFailed.exit_status),
        signed_out=tuple(journal.fact("signed_out").split()) if problem else (),
        undo=journal.undo(),
        trust=stored_trust(journal),
        worked=_time(journal, "worked"),
    )


def _one_side(places: Sequence[Reference], copies: Sequence[Reference]) -> str:
    """Return what one side of a plan is in a word: what is copied, or the registry it is in."""
    if len(copies) == 1:
        return str(copies[0])
    more = f" +{len(places) - 1}" if len(places) > 1 else ""
    return f"{places[0].registry}{more}"


def counts_of(journal: Journal) -> JobCounts:
    """Return how many copies of a job are where."""
    total = copied = same = skipped = failed = waiting = deleted = 0
    for (state, verdict), count in journal.counts().items():
        total += count
        if state is CopyState.FAILED:
            failed += count
        elif state is not CopyState.DONE:
            waiting += count
        elif verdict.moves:
            copied += count
        elif verdict is Verdict.SAME:
            same += count
        elif verdict is Verdict.DELETE:
            deleted += count
        else:
            skipped += count
    return JobCounts(total, copied, same, skipped, failed, waiting, deleted)


def _bytes(journal: Journal, state: JobState) -> JobBytes:
    by_outcome = journal.blob_bytes()
    total = sum(once for once, _ in by_outcome.values())
    naive = sum(times for _, times in by_outcome.values())
    at_target = sum(once for outcome, (once, _) in by_outcome.items() if outcome)
    sent = by_outcome.get("sent", (0, 0))[0]
    under_way = 0
    if state is not JobState.CANCELLED:  # Which has given up what was under way.
        under_way = journal.bytes_under_way(lanes=state is JobState.RUNNING)
    return JobBytes(
        total=total,
        done=min(total, at_target + under_way),
        sent=max(sent + under_way, int(journal.fact("sent") or 0)),
        saved=naive - total + at_target - sent,
    )


def _time(journal: Journal, name: str) -> float | None:
    value = journal.fact(name)
    return float(value) if value else None


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
    state: CopyState
    problem: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class JobEvent:
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


def events(journal: Journal, limit: int = 500) -> list[JobEvent]:
    """Return what came to pass last in a job, the oldest first."""
    return [_event(*row) for row in journal.happened(limit)]


def _event(at: float, kind: str, what: str, more: str) -> JobEvent:
    """Return an event; a line of the log says before a colon what it is about."""
    if kind in LEVELS:
        what, _, more = what.partition(": ")
    return JobEvent(at, kind, what, more)


def glance(job: Job) -> JobView:
    """Look at a job. One that can't be read is seen as failed, with the reason as its problem."""
    try:
        return read_job(job)
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
        counts=JobCounts(),
        bytes=JobBytes(),
        rate=0.0,
        lanes=(),
        failures=(),
        problem=(problem.title, problem.detail, problem.remedy),
    )


_LOOKED_AT = 20
_LEAST_BYTES = 8 * 1024 * 1024
"""A job that moved less says more of requests than of the way."""


def measured_rate(plan: Plan, jobs: Iterable[Job]) -> float:
    """Return the bytes per second of the last job that moved enough on the same way, or 0.

    `jobs` come the newest first. The same way is: the same registries on both sides.
    """
    way = _way(plan)
    for job, _ in zip(jobs, range(_LOOKED_AT), strict=False):
        try:
            if _way(job.plan()) != way:
                continue
            seen = read_job(job)
        except TransshipError:
            continue  # A job that can't be read tells nothing.
        if seen.started is None or seen.ended is None or seen.bytes.sent < _LEAST_BYTES:
            continue
        if seconds := seen.took(seen.ended):
            return seen.bytes.sent / seconds
    return 0.0


def _way(plan: Plan) -> tuple[frozenset[str], frozenset[str]]:
    sources, targets = plan.sources, plan.targets
    return frozenset(s.registry for s in sources), frozenset(t.registry for t in targets)
