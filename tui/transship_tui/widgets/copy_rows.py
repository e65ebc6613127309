"""A job's copies as rows of a table: only those that are seen are ever read from its journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content

from transship.oci.digest import short
from transship.transfers.copies import CopyState, Verdict
from transship.transfers.job_view import LEVELS, CopyRow, JobEvent
from transship_tui.marks import BAD, QUIET, mark
from transship_tui.widgets.rows import Column
from transship_tui.widgets.totals import when_text

COPY_COLUMNS = (
    Column("State", 11),
    Column("Image"),
    Column("To", least=110),
    Column("Why"),
)
EVENT_COLUMNS = (Column("When", 13), Column("What", 11), Column("About"), Column("Why"))

_BEFORE, _AFTER = 32, 96
_DONE_WORDS = {
    Verdict.COPY: "copied",
    Verdict.OVERWRITE: "copied",
    Verdict.SAME: "same",
    Verdict.SKIP: "skipped",
    Verdict.DELETE: "deleted",
}

Fetch = Callable[[Sequence[int]], Sequence[CopyRow]]
"""Reads the copies with these numbers."""


class CopyRows:
    """The copies with these numbers. Those around the one that is asked for are read with it."""

    def __init__(self, ids: Sequence[int], fetch: Fetch) -> None:
        self._ids = ids
        self._fetch = fetch
        self._read: dict[int, CopyRow | None] = {}
        self.moves = True
        """Whether anything moves now; if not, what was begun waits to go on."""
        self.ended = False
        """Whether the job has ended; what it hasn't done by then, it won't do."""
        self.stale = False
        """Whether a copy was asked for that is gone; what failed goes when it is tried again."""

    def __len__(self) -> int:
        return len(self._ids)

    def forget(self) -> None:
        """Read anew what is asked for from now on."""
        self._read.clear()

    def key(self, index: int) -> str:
        """Return the copy's number."""
        return str(self._ids[index])

    def row(self, index: int) -> CopyRow | None:
        """Return a copy, or None if it is gone since its number was read."""
        number = self._ids[index]
        if number not in self._read:
            window = self._ids[max(0, index - _BEFORE) : index + _AFTER]
            self._read = dict.fromkeys(window)
            self._read |= {row.copy.id: row for row in self._fetch(window)}
        row = self._read[number]
        self.stale = self.stale or row is None
        return row

    def cells(self, index: int) -> Sequence[Content]:
        """Return state, image, target, and why it is so."""
        row = self.row(index)
        if row is None:
            return (Content("…"), Content(""), Content(""), Content(""))
        source, target = row.copy.source, row.copy.target
        return (
            mark(word_for(row, moves=self.moves, ended=self.ended)),
            Content(_within(str(source), source.registry)),
            Content(_within(str(target), target.registry)),
            _why(row),
        )


class EventRows:
    """What came to pass in a job, as rows."""

    def __init__(self, events: Sequence[JobEvent], now: float) -> None:
        self.events = events
        self._now = now

    def __len__(self) -> int:
        return len(self.events)

    def key(self, index: int) -> str:
        """Return the event's place: events only ever come at the end."""
        event = self.events[index]
        return f"{event.at} {event.kind} {event.what}"

    def cells(self, index: int) -> Sequence[Content]:
        """Return when, what, with what, and why."""
        event = self.events[index]
        what = event.what
        if event.kind not in LEVELS:  # Else the name of a copy's source.
            what = what.partition("/")[2] or what
        word = {"copy": "copied", "overwrite": "copied", "skip": "skipped"}
        word |= {"delete": "deleted", "wish": "asked"}
        color = BAD if event.kind == "failed" else QUIET
        return (
            Content(when_text(event.at, self._now)),
            mark(word.get(event.kind, event.kind)),
            Content(what),
            Content.styled(event.more, color),
        )


def word_for(row: CopyRow, *, moves: bool, ended: bool) -> str:
    """Return how far a copy is, in the word that has a mark.

    Where nothing `moves`, what was begun waits to go on; in a job that has `ended`, for nothing.
    """
    if ended and row.state in (CopyState.WAITING, CopyState.RUNNING):
        return "not done"
    if row.state is CopyState.RUNNING and not moves:
        return str(CopyState.WAITING)
    if row.state is CopyState.DONE:
        return _DONE_WORDS.get(row.copy.verdict, str(row.copy.verdict))
    return str(row.state)


def _why(row: CopyRow) -> Content:
    copy = row.copy
    if row.state is CopyState.FAILED:
        return Content.styled(row.problem, BAD)
    if copy.verdict is Verdict.OVERWRITE and copy.previous:
        return Content(f"in place of {short(copy.previous)}")
    return Content.styled(copy.reason, QUIET)


def _within(reference: str, registry: str) -> str:
    return reference.removeprefix(registry).lstrip("/") or reference
