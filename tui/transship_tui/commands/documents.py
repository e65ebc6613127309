"""Jobs as JSON: keys that stay, times in ISO 8601 (UTC), sizes in bytes."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transship.transfers.view import JobView


def job_entry(view: JobView) -> dict[str, object]:
    """Return a job as one entry of `jobs --json`."""
    return {
        "id": view.id,
        "kind": view.kind,
        "state": str(view.state),
        "source": view.source,
        "target": view.target,
        "counts": asdict(view.counts),
        "bytes": asdict(view.bytes),
        "created": time_text(view.created),
        "ended": time_text(view.ended) if view.ended else None,
    }


def job_document(view: JobView) -> dict[str, object]:
    """Return a job with what went wrong in it, as the commands that follow one write it."""
    problem = dict(zip(("title", "detail", "remedy"), view.problem or (), strict=False))
    failures = [
        {
            "cause": failure.cause,
            "title": failure.title,
            "remedy": failure.remedy,
            "count": failure.count,
            "examples": [{"source": what, "detail": why} for what, why in failure.examples],
        }
        for failure in view.failures
    ]
    return {"job": job_entry(view) | {"failures": failures, "problem": problem or None}}


def time_text(seconds: float) -> str:
    """Return a time in seconds since the epoch as ISO 8601, in UTC: `2025-01-31T09:30:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
