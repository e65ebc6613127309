"""When a watch looks again, and when it tries again what failed. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from transship.errors import BadRequest
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.plan import Plan, Schedule, Wanted
from transship.plans.schedule import next_run
from transship.text import duration_text

DEFAULT = Schedule(every=600.0)
"""How often a replication without a schedule looks."""

_FIRST_PAUSE = 60.0
_LONGEST_PAUSE = 6 * 3600.0


def schedule_of(plan: Plan, *, listening: bool) -> Schedule | None:
    """Return when a plan is looked at as a whole; None: only when something was pushed.

    Raises BadRequest when nothing would ever make it look.
    """
    if plan.schedule is not None:
        return plan.schedule
    if plan.is_replication:
        return DEFAULT
    if listening:
        return None
    raise BadRequest(
        "the plan has no [schedule], so there is nothing to watch by",
        remedy='Write [schedule] with every = "10m" into it, or add --listen ADDRESS:PORT.',
    )


def schedule_text(schedule: Schedule | None) -> str:
    """Return a schedule in words."""
    if schedule is None:
        return "when something is pushed"
    if schedule.every is not None:
        return f"every {duration_text(schedule.every)}"
    return f"at {schedule.cron}"


def first_due(schedule: Schedule | None, now: float, promised: float | None) -> float:
    """Return when a watch that begins now looks first, in seconds since the epoch.

    At once; but by a cron line at its own time, unless the time that an earlier watch had
    `promised` has passed meanwhile.
    """
    if schedule is None or schedule.every is not None:
        return now
    return now if promised is not None and promised <= now else due_after(schedule, now) or now


def due_after(schedule: Schedule | None, now: float) -> float | None:
    """Return when a watch looks again that has just looked, None without a schedule."""
    if schedule is None:
        return None
    return next_run(schedule, datetime.fromtimestamp(now, UTC)).timestamp()


def pause_after(attempts: int) -> float:
    """Return how many seconds to leave alone what has failed so many times (from 1) in a row."""
    return float(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempts - 1, 32)))


def short_pause_after(attempts: int) -> float:
    """Return the same for a place that couldn't be looked at, while something pushed waits."""
    return float(min(600.0, 5.0 * 2.0 ** min(attempts - 1, 32)))


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """What failed, how often in a row, and when it may be tried again.

    `wanted` is what to look at then; None where only a look at the whole plan can tell.
    """

    digest: Digest | None
    attempts: int
    again_at: float
    wanted: Wanted | None = None


@dataclass(slots=True)
class FailedKeys:
    """What failed lately, by its target. What a target should point at now is always tried."""

    trials: dict[Reference, RetrySchedule] = field(default_factory=dict)

    def failed(
        self, target: Reference, digest: Digest | None, now: float, wanted: Wanted | None = None
    ) -> None:
        """Take note that something failed."""
        before = self.trials.get(target)
        attempts = before.attempts + 1 if before and before.digest == digest else 1
        self.trials[target] = RetrySchedule(digest, attempts, now + pause_after(attempts), wanted)

    def succeeded(self, targets: Iterable[Reference]) -> None:
        """Forget what has gone well."""
        for target in targets:
            self.trials.pop(target, None)

    def keep_only(self, targets: Collection[Reference]) -> None:
        """Forget what isn't to be done any more."""
        self.trials = {t: trial for t, trial in self.trials.items() if t in targets}

    def is_left_alone(self, target: Reference, digest: Digest | None, now: float) -> bool:
        """Tell whether it is too early to try something again."""
        trial = self.trials.get(target)
        return trial is not None and trial.digest == digest and now < trial.again_at

    @property
    def next_at(self) -> float | None:
        """When something can be tried again by itself, None when nothing waits for that."""
        times = [trial.again_at for trial in self.trials.values() if trial.wanted]
        return min(times, default=None)

    def due(self, now: float) -> list[Wanted]:
        """Return what can be tried again by itself now, and put it off in case that fails."""
        found: list[Wanted] = []
        for target, trial in list(self.trials.items()):
            if trial.wanted is not None and trial.again_at <= now:
                found.append(trial.wanted)
                later = now + pause_after(trial.attempts + 1)
                self.trials[target] = RetrySchedule(
                    trial.digest, trial.attempts, later, trial.wanted
                )
        return found
