"""`transship jobs`: every job there is, and how the watches of plans go."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from transship.app import JobState
from transship.oci.digest import short
from transship.text import bytes_text, counted, duration_text, safe
from transship_tui.commands.documents import job_entry, time_text
from transship_tui.commands.options import AsJson, open_application
from transship_tui.commands.output import cells, say, show, show_json, table, tail, width_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transship.app import JobView, OfflineRegistry, WatchRecord, WatchRound, Words


def watch_line(record: WatchRecord, now: float) -> str:
    """Return how a watch that goes on does: what its last look found, and when the next one is."""
    name = safe(Path(record.plan).stem)
    parts = [_last_round(record.last, record.away, now) if record.last else "not looked yet"]
    if record.jobs:
        parts.append(f"running {', '.join(map(safe, record.jobs))}")
    elif record.next is not None:
        parts.append(f"next {_clock_time(record.next, now)}")
    else:
        parts.append("next when something is pushed")
    if record.waiting:
        parts.append(f"{counted(record.waiting, 'image')} failed and will be tried again")
    parts += [_away(absence, now) for absence in record.away]
    if record.refused:
        parts.append(f"{counted(record.refused, 'notification')} without the secret")
    return f"watching {name}: {'; '.join(parts)}"


def watch_entry(record: WatchRecord) -> dict[str, object]:
    """Return a watch as one entry of `jobs --json`."""
    last = record.last
    return {
        "plan": record.plan,
        "pid": record.pid,
        "started": time_text(record.started),
        "schedule": record.schedule,
        "next": time_text(record.next) if record.next is not None else None,
        "jobs": list(record.jobs),
        "waiting": record.waiting,
        "away": [
            {
                "registry": absence.registry,
                "problem": _problem(absence.problem),
                "again": time_text(absence.again_at),
            }
            for absence in record.away
        ],
        "listening": record.listening or None,
        "notifications": {"taken": record.taken, "refused": record.refused},
        "last": None
        if last is None
        else {
            "began": time_text(last.began),
            "ended": time_text(last.ended),
            "found": last.found,
            "changed": last.changed,
            "blocked": last.blocked,
            "job": last.job or None,
            "problem": _problem(last.problem) if last.problem else None,
        },
    }


def _problem(words: Words) -> dict[str, str]:
    return dict(zip(("title", "detail", "remedy"), words, strict=True))


def _away(absence: OfflineRegistry, now: float) -> str:
    title = safe(absence.problem[0])
    again = _clock_time(absence.again_at, now)
    return f"{safe(absence.registry)} left out until {again} ({title})"


def _last_round(last: WatchRound, away: Sequence[OfflineRegistry], now: float) -> str:
    when = f"last look {duration_text(now - last.ended)} ago"
    if last.problem is not None and not last.found:
        return f"{when} failed: {safe(last.problem[0])}"
    blocked = f", {last.blocked:,} can't be copied" if last.blocked else ""
    told = last.problem in [absence.problem for absence in away]
    why = f" ({safe(last.problem[0])})" if last.problem and not told else ""
    return f"{when}: {last.changed:,} of {last.found:,} changed{blocked}{why}"


def _clock_time(moment: float, now: float) -> str:
    local = datetime.fromtimestamp(moment).astimezone()
    today = datetime.fromtimestamp(now).astimezone().date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%m-%d %H:%M}"


_HEADER = ("JOB", "STATE", "STARTED", "IMAGES", "DATA")
_GAP = 2


def jobs(as_json: AsJson = False) -> int:
    """List the jobs, and the plans that are watched."""
    app = open_application()
    views = app.jobs.all()
    watched = app.watches.all()
    if as_json:
        document = {"jobs": [job_entry(each) for each in views]}
        if watched:
            document["watches"] = [watch_entry(record) for record in watched]
        show_json(document)
        return 0
    for record in watched:
        show(watch_line(record, time.time()))
    if views:
        for line in _job_table(views, width_of(sys.stdout)):
            show(line)
    elif not watched:
        say("no jobs yet; `transship copy SOURCE TARGET` starts one")
    return 0


def _job_table(views: Sequence[JobView], width: int | None) -> Iterator[str]:
    """Give the lines of the table; what is from where to where shares the room that is left."""
    rows = [_job_row(view) for view in views]
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


def _job_row(view: JobView) -> tuple[str, ...]:
    counts = view.counts
    failed = f", {counts.failed:,} failed" if counts.failed else ""
    return (
        view.id,
        _state(view),
        f"{datetime.fromtimestamp(view.created).astimezone():%m-%d %H:%M}",
        f"{counts.ended:,}/{counts.total:,}{failed}" if view.planned else "",
        bytes_text(view.bytes.total) if view.bytes.total else "",
    )
