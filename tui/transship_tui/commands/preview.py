"""What a copy would do, shown before anything is done."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING

from transship.clock import SystemClock
from transship.text import bytes_text, counted
from transship.transfers.inventory import Progress
from transship.transfers.preview import preview
from transship.transfers.work import Verdict
from transship_tui.commands.output import show, show_json, table, width_of
from transship_tui.commands.status import watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transship.oci.reference import Reference
    from transship.plans.plan import Plan
    from transship.transfers.work import Copy, Worklist
    from transship_tui.commands.session import Session

# Tags that stand for referrers have a digest in them too.
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52,}")
_STOPPED = (Verdict.CONFLICT, Verdict.BLOCKED)


def show_preview(session: Session, plan: Plan, *, as_json: bool) -> int:
    """Show every copy with its verdict; return the exit status that the job would come to."""
    worklist = asyncio.run(_look(session, plan))
    if as_json:
        show_json(_document(worklist))
    else:
        for line in _lines(worklist):
            show(line)
    return 1 if any(copy.verdict in _STOPPED for copy in worklist.copies) else 0


async def _look(session: Session, plan: Plan) -> Worklist:
    progress = Progress()
    async with (
        session.places(plan, create=True) as places,
        watched(lambda: f"looking: {counted(progress.found, 'image')} found so far"),
    ):
        return await preview(plan, places, SystemClock(), progress)


def _lines(worklist: Worklist) -> Iterator[str]:
    rows = [
        (str(copy.verdict), short_name(copy.source), short_name(copy.target), _why(copy))
        for copy in worklist.copies
    ]
    if rows:
        yield from table(("VERDICT", "FROM", "TO", "WHY"), rows, width_of(sys.stdout))
        yield ""
    verdicts = Counter(copy.verdict for copy in worklist.copies)
    counts = ", ".join(
        f"{verdicts[verdict]:,} {verdict}" for verdict in Verdict if verdicts[verdict]
    )
    yield f"{counted(len(rows), 'image')}{f': {counts}' if counts else ''}"
    if worklist.blobs:
        to_move, total = worklist.bytes_to_move, worklist.bytes_total
        yield f"{bytes_text(to_move)} to send, of {bytes_text(total)} that the images consist of"
    yield "nothing was written"


def _why(copy: Copy) -> str:
    return (copy.problem.detail or copy.problem.title) if copy.problem else copy.reason


def _document(worklist: Worklist) -> dict[str, object]:
    return {
        "copies": [
            {
                "source": str(copy.source),
                "target": str(copy.target),
                "digest": copy.digest,
                "previous": copy.previous,
                "verdict": str(copy.verdict),
                "reason": copy.reason,
            }
            for copy in worklist.copies
        ],
        "bytes": {"total": worklist.bytes_total, "to_move": worklist.bytes_to_move},
    }


def short_name(reference: Reference) -> str:
    """Return a reference as a table shows it: without the place, and with a short digest."""
    version = f":{reference.tag}" if reference.tag else ""
    name = reference.repository + (version or f"@{reference.digest}")
    return _DIGEST.sub(r"\1…", name)
