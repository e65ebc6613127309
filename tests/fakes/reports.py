"""Reports made without running any job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakes.images import digest
from fakes.jobs import job_view
from transship.oci.reference import parse_reference
from transship.reports.job import Ran, Report, ReportLine, RequestedTags, discreet, report
from transship.transfers.copies import JobState
from transship.transfers.job_view import JobBytes, JobCounts
from transship.transfers.journal import Failure
from transship.transfers.verify import Problem, Proof, ProofDifference, StoredProof

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transship.transfers.journal import StoredRestore

ENDED = 1_790_000_100.0
GIB = 1024**3


def line(number: int, result: str = "copied", **more: Any) -> ReportLine:
    """Return a copy in a report, named after its number; `more` replaces what is made up."""
    told: dict[str, Any] = {
        "source": f"old.example/team/web:v{number}",
        "target": f"new.example/mirror/team/web:v{number}",
        "digest": str(digest(f"web {number}")),
        "previous": None,
        "result": result,
    }
    if result == "failed":
        told |= {
            "title": "The target's quota is used up",
            "detail": f"new.example: quota exceeded for v{number}",
            "remedy": "Make room or raise the quota of the project at the target, then retry.",
        }
    return ReportLine(**(told | more))


def proof(*differences: tuple[str, str], at: float = ENDED + 60, deep: bool = False) -> StoredProof:
    """Return a proof, with differences as pairs of a tag and what is wrong with it."""
    found = tuple(
        ProofDifference(
            parse_reference(f"old.example/team/web:{tag}"),
            parse_reference(f"new.example/mirror/team/web:{tag}"),
            Problem.DIFFERS,
            detail,
        )
        for tag, detail in differences
    )
    return StoredProof(
        Proof(12, 14, 40, 3 * GIB if deep else 0, deep, found), at, "anna on build-1"
    )


def told(
    lines: Iterable[ReportLine],
    *,
    kept: StoredProof | None = None,
    plan: str = 'version = 1\nkind = "copy"\n',
    places: Iterable[str] = (),
    unrestored: Iterable[StoredRestore] = (),
    **facts: Any,
) -> Report:
    """Return the report of a job with these copies; `facts` are of its view."""
    listed = list(lines)
    failed = sum(1 for each in listed if each.title)
    same = sum(1 for each in listed if each.result == "same")
    view = job_view(
        "k4x9mt",
        **(
            {
                "state": JobState.FAILED if failed else JobState.DONE,
                "counts": JobCounts(len(listed), len(listed) - failed - same, same, 0, failed, 0),
                "bytes": JobBytes(total=9 * GIB, done=9 * GIB, sent=7 * GIB, saved=4 * GIB),
                "failures": (
                    Failure(
                        "quota-exceeded",
                        "The target's quota is used up",
                        "Make room or raise the quota of the project at the target, then retry.",
                        failed,
                        (),
                    ),
                )
                * bool(failed),
                "ended": ENDED,
            }
            | facts
        ),
    )
    asked = RequestedTags(view.source, view.target, "copy", "overwrite", True, (), plan)
    return report(
        view,
        lambda: iter(listed),
        asked,
        Ran("anna on build-1", "0.1.0"),
        kept,
        made=ENDED + 3600,
        version="0.1.0",
        hide=discreet(places),
        unrestored=unrestored,
    )
