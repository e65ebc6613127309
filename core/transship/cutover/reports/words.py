"""The sentences of a cutover's report, the same in every form that people read. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from transship.cutover.progress import State
from transship.cutover.reports.clock_words import clock_lines, way_back_words
from transship.cutover.reports.rounds import delta_words
from transship.cutover.reports.rows import counts_of, rows_of, waits_for
from transship.cutover.reports.standing import Standing
from transship.text import safe

HEADLINES = {
    State.BEFORE: "Not changed",
    State.READY: "Ready to be changed",
    State.CHANGING: "Being changed",
    State.CHANGED: "Changed, caches to follow",
    State.MOVED: "Moved",
    State.ROLLED_BACK: "Rolled back",
}


def headline(standing: Standing) -> str:
    """Return in a few words where the cutover stands; one that something forbids isn't ready."""
    if standing.state is State.READY and waits_for(standing):
        return "Low TTL, not ready"
    return HEADLINES[standing.state]


def conclusion(standing: Standing) -> str:
    """Return in a sentence what there is to know first."""
    host = standing.subject.domain.host
    if standing.state in (State.BEFORE, State.READY):
        waits = waits_for(standing)
        return f"{host}: the change {waits or 'can be made: nothing stands in its way'}."
    clocks = clock_lines(standing, standing.progress.at if standing.progress else 0.0)
    return safe(f"{host}: " + "; ".join(f"{c.name.lower()} {c.words}" for c in clocks) + ".")


def facts(standing: Standing) -> Iterator[tuple[str, str]]:
    """Give the facts that stand at the head of a report, each with its name."""
    subject = standing.subject
    yield "Domain", subject.domain.host
    if subject.domain.shown and subject.domain.shown != subject.domain.name:
        yield "Read as", subject.domain.shown
    yield "From", subject.old or "not named"
    yield "To", subject.new
    yield "Record", subject.points_at
    yield "State", str(standing.state)
    rows = rows_of(standing)
    yield "Checks", ", ".join(f"{n} {state}" for state, n in counts_of(rows).items()) or "none"
    if standing.evidence is not None:
        yield "Looked at", when(standing.evidence.taken)
    yield "Both registries", delta_words(standing)
    yield "Way back", way_back_words(standing)[0]


def when(seconds: float | None) -> str:
    """Return a time as people read it, in UTC."""
    if seconds is None:
        return "–"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
