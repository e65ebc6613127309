"""From a job's folder to its report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from transship import __version__
from transship.plans.plan import Plan
from transship.transfers.jobs import Job
from transship.transfers.journal import Journal
from transship.transfers.journal_undo import Restored
from transship.transfers.proofs import kept_proof
from transship.transfers.reports.discretion import discreet
from transship.transfers.reports.report import Asked, Line, Ran, Report, line_of, report
from transship.transfers.view import JobView, look

_AT_ONCE = 1000


@contextmanager
def open_report(job: Job, now: float) -> Iterator[Report]:
    """Return the report of a job as it is `now`; its lines can be read inside.

    Raises BadFile when its plan can't be read.
    """
    plan = job.plan()
    places = [place.registry for place in plan.places]
    with job.journal() as journal:
        view = look(job, plan, journal)
        with journal.one_moment():
            yield report(
                view,
                lambda: _lines(journal),
                _asked(job, plan, view),
                Ran(journal.fact("by"), journal.fact("version")),
                kept_proof(journal),
                made=now,
                version=__version__,
                hide=discreet(places, (job.folder, job.folder.parent, Path.home())),
                creations=journal.creations(),
                unrestored=journal.restores(Restored.BEGUN, Restored.LEFT, Restored.FAILED),
            )


def _asked(job: Job, plan: Plan, view: JobView) -> Asked:
    return Asked(
        source=view.source,
        target=view.target,
        kind=str(plan.kind),
        on_conflict=str(plan.on_conflict),
        referrers=plan.referrers,
        platforms=_platforms(plan),
        plan=(job.folder / "plan.toml").read_text(encoding="utf-8"),
    )


def _platforms(plan: Plan) -> tuple[str, ...]:
    """Return the platforms that the plan, or any part of it, narrows to."""
    copies = (copy.terms.platforms for copy in plan.copies if copy.terms)
    rules = (rule.platforms for rule in plan.rules)
    named = chain(plan.platforms, chain.from_iterable(copies), chain.from_iterable(rules))
    return tuple(dict.fromkeys(map(str, named)))


def _lines(journal: Journal) -> Iterator[Line]:
    ids = journal.copy_ids("1")
    for start in range(0, len(ids), _AT_ONCE):
        for outcome in journal.outcomes_of(ids[start : start + _AT_ONCE]):
            yield line_of(*outcome)
