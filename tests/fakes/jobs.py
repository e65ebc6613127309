"""Jobs as the screens see them, made without running any."""

from __future__ import annotations

from typing import Any

from fakes.images import digest
from transship.oci.reference import parse_reference
from transship.transfers.copies import Copy, CopyState, JobState, Verdict
from transship.transfers.job_view import CopyRow, JobBytes, JobCounts, JobView


def job_view(name: str, state: JobState = JobState.RUNNING, **facts: Any) -> JobView:
    """Return a job at one moment; `facts` replace what is made up."""
    told: dict[str, Any] = {
        "id": name,
        "kind": "copy",
        "state": state,
        "source": "old.example/team/web",
        "target": "new.example/team/web",
        "created": 1_790_000_000.0,
        "started": 1_790_000_001.0,
        "ended": 1_790_000_100.0 if state.ended else None,
        "planned": True,
        "found": 0,
        "pausing": False,
        "counts": JobCounts(),
        "bytes": JobBytes(),
        "rate": 0.0,
        "lanes": (),
        "failures": (),
        "problem": None,
    }
    return JobView(**(told | facts))


def copy_row(
    number: int,
    state: CopyState = CopyState.WAITING,
    verdict: Verdict = Verdict.COPY,
    *,
    name: str = "team/web",
    reason: str = "",
    problem: str = "",
    remedy: str = "",
) -> CopyRow:
    """Return one copy of a job, named after its number."""
    copy = Copy(
        id=number,
        source=parse_reference(f"old.example/{name}:v{number}"),
        target=parse_reference(f"new.example/mirror/{name}:v{number}"),
        digest=digest(name),
        previous=digest("before") if verdict is Verdict.OVERWRITE else None,
        verdict=verdict,
        reason=reason,
    )
    return CopyRow(copy, state, problem, remedy)
