"""`transship jobs`: every job there is, the newest first."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING

from transship.oci.digest import short
from transship.paths import default_paths
from transship.text import bytes_text
from transship.transfers.copies import JobState
from transship.transfers.job_view import read_job
from transship.transfers.jobs import JobStore
from transship.watch.record import watches
from transship_tui.commands.documents import job_entry
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import cells, say, show, show_json, table, tail, width_of
from transship_tui.commands.watches import watch_entry, watch_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transship.transfers.job_view import JobView

_HEADER = ("JOB", "STATE", "STARTED", "IMAGES", "DATA")
_GAP = 2


def jobs(as_json: AsJson = False) -> int:
    """List the jobs, and the plans that are watched."""
    views = [read_job(job) for job in JobStore(default_paths().jobs).all()]
    watched = [record for record, goes_on in watches(default_paths().watches) if goes_on]
    if as_json:
        document = {"jobs": [job_entry(each) for each in views]}
        if watched:
            document["watches"] = [watch_entry(record) for record in watched]
        show_json(document)
        return 0
    for record in watched:
        show(watch_line(record, time.time()))
    if views:
        for line in _table(views, width_of(sys.stdout)):
            show(line)
    elif not watched:
        say("no jobs yet; `transship copy SOURCE TARGET` starts one")
    return 0


def _table(views: Sequence[JobView], width: int | None) -> Iterator[str]:
    """Give the lines of the table; what is from where to where shares the room that is left."""
    rows = [_row(view) for view in views]
    taken = max(map(cells, table(_HEADER, rows, None)))
    room = (width - taken) // 2 - _GAP if width else sys.maxsize
    ways = [tuple(tail(_place(end), room) for end in (each.source, each.target)) for each in views]
    full = [(*row, *way) for row, way in zip(rows, ways, strict=True)]
    yield from table((*_HEADER, "FROM", "TO"), full, width)


def _place(end: str) -> str:
    """Return one end of a job, with a digest as a person compares it."""
    name, at, digest = end.partition("@")
    return f"{name}@{short(digest)}" if at else end


def _state(view: JobView) -> str:
    if view.undo is None:
        opens = [limit.opens for limit in view.limits if limit.opens is not None]
        if view.state is JobState.RUNNING and opens:
            until = datetime.fromtimestamp(min(opens)).astimezone()
            return f"{view.state}, waits until {until:%H:%M}"
        return f"{view.state}, needs a login" if view.signed_out else str(view.state)
    return f"{view.state}, {'' if view.undo.whole else 'partly '}undone"


def _row(view: JobView) -> tuple[str, ...]:
    counts = view.counts
    failed = f", {counts.failed:,} failed" if counts.failed else ""
    return (
        view.id,
        _state(view),
        f"{datetime.fromtimestamp(view.created).astimezone():%m-%d %H:%M}",
        f"{counts.ended:,}/{counts.total:,}{failed}" if view.planned else "",
        bytes_text(view.bytes.total) if view.bytes.total else "",
    )
