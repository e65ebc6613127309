"""What earlier jobs tell of the way between two registries."""

from __future__ import annotations

from collections.abc import Iterable

from transship.errors import TransshipError
from transship.plans.plan import Plan
from transship.transfers.jobs import Job
from transship.transfers.view import view

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
            seen = view(job)
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
