"""How the watches of plans go, in a line each and as JSON."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from transship.text import counted, duration_text, safe
from transship_tui.commands.documents import time_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transship.watch.offline import OfflineRegistry, Words
    from transship.watch.record import WatchRecord, WatchRound


def watch_line(record: WatchRecord, now: float) -> str:
    """Return how a watch that goes on does: what its last look found, and when the next one is."""
    name = safe(Path(record.plan).stem)
    parts = [_last(record.last, record.away, now) if record.last else "not looked yet"]
    if record.jobs:
        parts.append(f"running {', '.join(map(safe, record.jobs))}")
    elif record.next is not None:
        parts.append(f"next {_clock(record.next, now)}")
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
    again = _clock(absence.again_at, now)
    return f"{safe(absence.registry)} left out until {again} ({title})"


def _last(last: WatchRound, away: Sequence[OfflineRegistry], now: float) -> str:
    when = f"last look {duration_text(now - last.ended)} ago"
    if last.problem is not None and not last.found:
        return f"{when} failed: {safe(last.problem[0])}"
    blocked = f", {last.blocked:,} can't be copied" if last.blocked else ""
    told = last.problem in [absence.problem for absence in away]
    why = f" ({safe(last.problem[0])})" if last.problem and not told else ""
    return f"{when}: {last.changed:,} of {last.found:,} changed{blocked}{why}"


def _clock(moment: float, now: float) -> str:
    local = datetime.fromtimestamp(moment).astimezone()
    today = datetime.fromtimestamp(now).astimezone().date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%m-%d %H:%M}"
