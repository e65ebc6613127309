"""A report as one JSON document: keys that stay, times in ISO 8601 (UTC), sizes in bytes.

`docs/report.md` lists the keys. The copies come last and one by one, however many there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from transship.transfers.journal_creations import Created
from transship.transfers.reports.report import Line, Report, Undoing, Verification

_CREATED = {
    Created.DONE: "created",
    Created.THERE: "there",
    Created.FAILED: "failed",
}
"""What became of what had to be created; anything else is unfinished."""


def document(report: Report) -> Iterator[str]:
    """Give the document piece by piece. Pure ASCII, so that it harms no terminal."""
    head = json.dumps(_head(report), indent=2)
    yield f'{head.removesuffix("}").rstrip()},\n  "copies": ['
    separator = "\n"
    for line in report.lines():
        yield f"{separator}    {json.dumps(_line(line))}"
        separator = ",\n"
    yield "\n  ]\n}\n"


def _head(report: Report) -> dict[str, object]:
    problem = dict(zip(("title", "detail", "remedy"), report.problem or (), strict=False))
    return {
        "report": 1,
        "made": _time(report.made),
        "made_by_version": report.version,
        "job": report.job,
        "kind": report.asked.kind,
        "state": str(report.state),
        "conclusion": str(report.conclusion),
        "started_by": report.ran.by or None,
        "version": report.ran.version or None,
        "asked": {
            "source": report.asked.source,
            "target": report.asked.target,
            "on_conflict": report.asked.on_conflict,
            "referrers": report.asked.referrers,
            "platforms": list(report.asked.platforms),
            "plan": report.asked.plan,
        },
        "times": {
            "created": _time(report.created),
            "started": _time(report.started),
            "ended": _time(report.ended),
            "seconds": report.seconds,
        },
        "counts": asdict(report.counts),
        "results": dict(report.results),
        "bytes": asdict(report.bytes),
        "problem": problem or None,
        "failures": [
            {
                "cause": cause.cause,
                "title": cause.title,
                "remedy": cause.remedy,
                "count": len(cause.lines),
                "copies": [
                    {"source": line.source, "target": line.target, "detail": line.detail}
                    for line in cause.lines
                ],
            }
            for cause in report.causes
        ],
        "creations": [
            {
                "registry": kept.creation.target,
                "kind": kept.creation.missing.kind,
                "name": kept.creation.missing.name,
                "visibility": str(kept.creation.visibility),
                "immutable_tags": kept.creation.options.immutable_tags,
                "resource_tags": dict(kept.creation.options.resource_tags),
                "result": _CREATED.get(kept.state, "unfinished"),
                "detail": kept.detail,
            }
            for kept in report.creations
        ],
        "verification": _verification(report.verification) if report.verification else None,
        "trust": asdict(report.trust) if report.trust else None,
        "undo": _undo(report.undoing) if report.undoing else None,
    }


def _verification(verification: Verification) -> dict[str, object]:
    return asdict(verification) | {
        "at": _time(verification.at),
        "by": verification.by or None,
        "differences": [asdict(missing) for missing in verification.differences],
    }


def _undo(undoing: Undoing) -> dict[str, object]:
    kept = undoing.kept
    return {
        "by": kept.by or None,
        "began": _time(kept.began),
        "ended": _time(kept.ended),
        "complete": kept.whole,
        "restored": kept.restored,
        "open": [
            {"tag": tag, "result": result, "detail": detail} for tag, result, detail in undoing.open
        ],
    }


def _line(line: Line) -> dict[str, object]:
    return {
        "source": line.source,
        "target": line.target,
        "digest": line.digest,
        "previous": line.previous,
        "result": line.result,
        "reason": line.reason,
    }


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
