"""How old what was seen of a domain is, and whether a change may still go by it. Pure."""

from __future__ import annotations

from transship.cutover.reports.clock_words import age_words
from transship.cutover.reports.rows import stops, waits_for
from transship.cutover.reports.standing import Standing
from transship.text import safe

FRESH_FOR = 600.0
"""So long, in seconds, a change may go by what was seen."""

_SHOWN = 3


def age_of(standing: Standing, now: float) -> float | None:
    """Return how old the evidence is, in seconds; None without any."""
    return max(0.0, now - standing.evidence.taken) if standing.evidence else None


def is_old(standing: Standing, now: float) -> bool:
    """Tell whether everything has to be looked at anew before a change."""
    age = age_of(standing, now)
    return age is None or age > FRESH_FOR


def looked_words(standing: Standing, now: float) -> str:
    """Return when everything was looked at, and whether that is too long ago for a change."""
    if standing.evidence is None:
        return "nothing was looked at yet"
    age = age_words(standing.evidence.taken, now)
    words = "looked at just now" if age == "now" else f"looked at {age} ago"
    return f"{words}: too old for a change" if is_old(standing, now) else words


def why_no_change(standing: Standing, now: float) -> str:
    """Return what stands in the way of a change at this moment, and what was seen of it."""
    if is_old(standing, now):
        return looked_words(standing, now)
    why = waits_for(standing)
    seen = " ".join(f"{each.check}: {each.seen}" for each in stops(standing)[:_SHOWN])
    return safe(f"{why}. {seen}" if why and seen else why, limit=800)
