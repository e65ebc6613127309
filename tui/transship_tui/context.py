"""What the screens share beside the core: what would be lost, and what was told so far."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transship.text import safe

if TYPE_CHECKING:
    from transship.clock import Clock
    from transship.errors import TransshipError
    from transship.transfers.job_view import JobView


@dataclass(frozen=True, slots=True)
class QuitWarning:
    """One thing that is at stake: the question before the app ends, and what to say to it."""

    question: str
    words: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """Something that was told. `at` is in seconds since the epoch.

    `kind` is `error`, `ok` for what went well, or the state that a job has come to.
    """

    number: int
    at: float
    kind: str
    title: str
    detail: str = ""
    remedy: str = ""


class SessionLog:
    """Keeps what was told last. `revision` is another one whenever something was added."""

    def __init__(self, clock: Clock, limit: int = 1000) -> None:
        self._clock = clock
        self._told: deque[LogEntry] = deque(maxlen=limit)
        self.revision = 0

    def told(self) -> tuple[LogEntry, ...]:
        """Return what was told, the oldest first."""
        return tuple(self._told)

    def error(self, error: TransshipError) -> None:
        """Keep an error."""
        self._add("error", error.title, error.detail, error.remedy)

    def words(self, text: str) -> None:
        """Keep what went well."""
        self._add("ok", safe(text))

    def job(self, job: JobView) -> None:
        """Keep that a job has come to another state."""
        title, detail, remedy = job.problem or ("", "", "")
        words = safe(f"{job.id}  {job.source} → {job.target}")
        detail = f"{title}: {detail}" if title and detail else title
        self._add(str(job.state), words, safe(detail), safe(remedy))

    def _add(self, kind: str, title: str, detail: str = "", remedy: str = "") -> None:
        self.revision += 1
        self._told.append(LogEntry(self.revision, self._clock.now(), kind, title, detail, remedy))
