"""Jobs as JSON: keys that stay, times in ISO 8601 (UTC), sizes in bytes."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transship.app import JobView, Limit, StoredUndo


def job_entry(view: JobView) -> dict[str, object]:
    """Return a job as one entry of `jobs --json`.

    `signed_out` are the hosts whose account isn't taken any more: what needs them waits.
    `limits` has what holds the job's process back: an entry for each registry that has asked to
    slow down, doesn't answer, or is limited by the operator, with `registry`, `slowed` (how often),
    `until` (when it may be asked again), `at_once` (requests at once, where that is fewer than at
    first), `silent_since`, `rate` (bytes per second) and `concurrency` as the operator set them,
    and `opens` (when its window begins); None where it isn't so. `undo` is how far it was undone:
    `by`, `began`, `ended` (None when it was broken off), `complete`, and how many tags were
    `restored`, `left`, `failed`. `trust` is what it believed of the target, None unless it was to
    trust the last run: the `job` that was believed, of how many `images`, or the `doubt` that it
    wasn't.
    """
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
        "signed_out": list(view.signed_out),
        "limits": [_limit_entry(limit) for limit in view.limits],
        "undo": _undo_entry(view.undo) if view.undo else None,
        "trust": asdict(view.trust) if view.trust else None,
    }


def _limit_entry(limit: Limit) -> dict[str, object]:
    return asdict(limit) | {
        "until": time_text(limit.until) if limit.until else None,
        "silent_since": time_text(limit.silent_since) if limit.silent_since else None,
        "opens": time_text(limit.opens) if limit.opens else None,
    }


def _undo_entry(undo: StoredUndo) -> dict[str, object]:
    return asdict(undo) | {
        "began": time_text(undo.began),
        "ended": time_text(undo.ended) if undo.ended else None,
        "complete": undo.whole,
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
