"""Plans that are watched and write where a job wrote: what they select is copied again."""

from __future__ import annotations

from pathlib import Path

from transship.errors import TransshipError
from transship.plans.decode_rules import Resolve
from transship.plans.file import read_plan
from transship.plans.plan import Plan
from transship.transfers.watch.record import watches


def rivals_of(plan: Plan, folder: Path, resolve: Resolve) -> list[str]:
    """Return the files of the plans that are watched now and write where `plan` writes.

    `folder` keeps what is known of watches; `resolve` returns the place that a plan's file writes
    down. What can't be read can't be compared, and is left out.
    """
    targets = {target.registry for target in plan.targets}
    found: list[str] = []
    for record, goes_on in watches(folder):
        if goes_on and targets & _targets_of(Path(record.plan), resolve):
            found.append(record.plan)
    return found


def _targets_of(file: Path, resolve: Resolve) -> set[str]:
    try:
        return {target.registry for target in read_plan(file, resolve).targets}
    except TransshipError:
        return set()
