"""What a job would do, shown before anything is done."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from transship.clock import SystemClock
from transship.errors import TooManyDeletions
from transship.text import counted
from transship.transfers.copies import Verdict
from transship.transfers.inventory import nothing_found
from transship.transfers.job_view import measured_rate
from transship.transfers.preview import preview_plan
from transship.transfers.scanner import ScanProgress
from transship_tui.commands.foreseen import Foreseen, document, lines
from transship_tui.commands.output import say_problem, show, show_json, width_of
from transship_tui.commands.status import watched

if TYPE_CHECKING:
    from transship.plans.plan import Plan
    from transship.transfers.preview import Preview
    from transship_tui.commands.session import Session

_STOPPED = (Verdict.CONFLICT, Verdict.BLOCKED)


def show_preview(session: Session, plan: Plan, *, as_json: bool, everything: bool = True) -> int:
    """Show what a job with this plan would do; return the exit status that it would come to.

    Without `everything`, what is the same already and what no rule took are only counted.
    """
    foreseen = foresee(session, plan)
    if as_json:
        show_json(document(foreseen))
    else:
        for line in lines(foreseen, width_of(sys.stdout), everything=everything):
            show(line)
    seen = foreseen.preview
    if seen.vanished.is_too_much:
        return TooManyDeletions.exit_status
    if not seen.worklist.copies:
        nothing = nothing_found(plan)
        say_problem(nothing.title, nothing.detail, nothing.remedy)
        return nothing.exit_status
    return 1 if seen.worklist.of(*_STOPPED) else 0


def foresee(session: Session, plan: Plan) -> Foreseen:
    """Look at both sides of a plan, and show how far that is."""
    seen = asyncio.run(_look(session, plan))
    return Foreseen(seen, measured_rate(plan, session.jobs.all()))


async def _look(session: Session, plan: Plan) -> Preview:
    progress = ScanProgress()
    async with (
        session.places(plan, create=True) as places,
        watched(lambda: f"looking: {counted(progress.found, 'image')} found so far"),
    ):
        return await preview_plan(plan, places, SystemClock(), progress)
