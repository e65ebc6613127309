"""`transship drift`: how far the targets of a plan are from what it would make of them."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from transship.clock import SystemClock
from transship.plans.drift import DriftState
from transship.text import counted
from transship.transfers.drift import DriftProgress, look_for_drift
from transship_tui.commands.foreseen import short_name
from transship_tui.commands.options import AsJson, CaFile, Insecure, PlainHttp, PlanName, adhoc_tls
from transship_tui.commands.output import show, show_json, table, width_of
from transship_tui.commands.session import open_session
from transship_tui.commands.status import watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transship.plans.drift import Drift, DriftRow
    from transship.plans.plan import Plan
    from transship_tui.commands.session import Session

_APART = (DriftState.DIFFERS, DriftState.MISSING, DriftState.UNKNOWN)


def drift(
    plan: PlanName,
    everything: Annotated[
        bool, typer.Option("--all", help="List what is the same on both sides, too.")
    ] = False,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Compare the targets of a plan with its sources, tag by tag.

    Only reads. Ends with 1 when something differs, is missing, or couldn't be compared.
    """
    session = open_session(adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca))
    found = asyncio.run(_look(session, session.read_plan(plan)))
    if as_json:
        show_json(_document(found))
    else:
        for line in _lines(found, width_of(sys.stdout), everything=everything):
            show(line)
    return 1 if any(found.counts[state] for state in _APART) else 0


async def _look(session: Session, plan: Plan) -> Drift:
    progress = DriftProgress()

    def line() -> str:
        if not progress.to_compare:
            repositories = counted(progress.listed, "repository", "repositories")
            return f"listing both sides: {repositories} of the target so far"
        return f"comparing: {progress.compared:,} of {counted(progress.to_compare, 'tag')}"

    async with session.places(plan, create=True) as places, watched(line):
        return await look_for_drift(plan, places, SystemClock(), progress)


def _lines(found: Drift, width: int | None, *, everything: bool) -> Iterator[str]:
    rows = [row for row in found.rows if everything or row.state is not DriftState.SAME]
    if rows:
        yield from table(("STATE", "TARGET", "SOURCE", "WHY"), map(_row, rows), width)
        yield ""
    counts = [f"{found.counts[state]:,} {state}" for state in DriftState if found.counts[state]]
    words = f": {', '.join(counts)}" if counts else ""
    yield f"{counted(len(found.rows), 'tag')}{words}"


def _row(row: DriftRow) -> tuple[str, str, str, str]:
    source = short_name(row.wanted.source) if row.wanted else ""
    return str(row.state), short_name(row.target), source, row.why


def _document(found: Drift) -> dict[str, object]:
    return {
        "tags": [
            {
                "state": str(row.state),
                "target": str(row.target),
                "source": str(row.wanted.source) if row.wanted else None,
                "target_digest": row.target_digest,
                "source_digest": row.source_digest,
                "reason": row.why or None,
            }
            for row in found.rows
        ],
        "counts": {str(state): count for state, count in found.counts.items()},
    }
