"""The clocks of a cutover in words: when it may begin, and when it is over. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from transship.cutover.finding import Severity
from transship.cutover.progress import State
from transship.cutover.reports.rows import why_not_back
from transship.cutover.reports.standing import CHANGED, Standing
from transship.cutover.timeline import Clocks, Readiness
from transship.text import safe

_DAY = 86400.0
_EARLIEST = "Earliest safe flip"
_TTL_CHECK = "P-07"


@dataclass(frozen=True, slots=True)
class ClockLine:
    """One clock. `at` is what it counts down to, None where there is nothing to count."""

    name: str
    words: str
    at: float | None = None
    passed: bool = False
    alarm: bool = False


def clock_lines(standing: Standing, now: float) -> tuple[ClockLine, ...]:
    """Return the clocks that matter: one before the change, three after it."""
    if standing.progress is None:
        return (ClockLine(_EARLIEST, "not known before the name servers were asked"),)
    if standing.state in (*CHANGED, State.ROLLED_BACK):
        return _after(standing.progress.clocks, now)
    ttl = standing.result(_TTL_CHECK)
    if ttl is not None and ttl.needs and ttl.severity is not Severity.BLOCK:
        return (ClockLine(_EARLIEST, safe(f"not sure: needs {ttl.needs}"), alarm=True),)
    return (_earliest(standing.progress.readiness, now),)


def way_back_words(standing: Standing) -> tuple[str, bool]:
    """Return how long going back takes and what it would lose, and whether that forbids it."""
    changed = standing.state in CHANGED
    if changed and (why := why_not_back(standing)):
        return f"blocked: {why}", True
    takes, hides = standing.result("R-02"), standing.result("R-03")
    known = takes is not None and not takes.needs
    parts = (
        takes.seen if takes and known else "not known yet how long it takes",
        hides.seen if hides and not hides.needs and changed else "",
    )
    return safe(", ".join(filter(None, parts))), False


def moment(at: float, now: float) -> str:
    """Return a time of day in UTC, with its date if that isn't today, and how far off it is."""
    then = datetime.fromtimestamp(at, UTC)
    day = "" if abs(at - now) < _DAY / 2 else f"{then:%Y-%m-%d} "
    apart = f"in {countdown(at - now)}" if at > now else f"{countdown(now - at)} ago"
    return f"{day}{then:%H:%M:%S} UTC, {apart}"


def countdown(seconds: float) -> str:
    """Return a duration that is to be watched, to the second as long as that can be: `4:05`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    if whole < _DAY:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // int(_DAY)} d {whole % int(_DAY) // 3600} h"


def age_words(taken: float | None, now: float) -> str:
    """Return how old evidence is, short: `now`, `14 s`, `3 min`, `2 h`, `3 d`."""
    if taken is None:
        return ""
    old = max(0.0, now - taken)
    for limit, unit, word in ((2, 1, ""), (60, 1, "s"), (3600, 60, "min"), (_DAY, 3600, "h")):
        if old < limit:
            return f"{int(old // unit)} {word}" if word else "now"
    return f"{int(old // _DAY)} d"


def _earliest(ready: Readiness, now: float) -> ClockLine:
    if ready.ready_at is None:
        who = f": {safe(ready.slowest)} still gives more" if ready.slowest else ""
        return ClockLine(_EARLIEST, f"lower the TTL to {ready.low} s or less{who}", alarm=True)
    if ready.ready_at <= now:
        return ClockLine(_EARLIEST, "now: no cache holds a longer TTL", passed=True)
    last = f" ({safe(ready.slowest)} is last)" if ready.slowest else ""
    return ClockLine(_EARLIEST, f"{moment(ready.ready_at, now)}{last}", ready.ready_at)


def _after(clocks: Clocks, now: float) -> tuple[ClockLine, ...]:
    if clocks.changed_at is None:
        who = ", ".join(map(safe, clocks.behind[:3])) or "every name server"
        rules = ClockLine("By the rules", f"begins when {who} has the change", alarm=True)
    else:
        rules = _until("By the rules", clocks.by_the_rules, now)
    seen = _until("As seen", clocks.as_seen, now)
    late = clocks.stragglers
    if late:
        words = f"{len(late)}: {', '.join(map(safe, late[:4]))}"
        return rules, seen, ClockLine("Stragglers", words, alarm=True)
    over = rules.passed and seen.passed
    words = "none" if over else "are named once both of these have passed"
    return rules, seen, ClockLine("Stragglers", words, passed=over)


def _until(name: str, at: float | None, now: float) -> ClockLine:
    if at is None:
        return ClockLine(name, "nothing to wait for", passed=True)
    return ClockLine(name, moment(at, now), at, passed=at <= now)
