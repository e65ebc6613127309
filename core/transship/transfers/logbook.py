"""The log of a job: what its runner has done and met, in words for an operator."""

from __future__ import annotations

from enum import StrEnum

from transship.clock import Clock
from transship.errors import TransshipError
from transship.transfers.journal import Journal


class Level(StrEnum):
    """How much a line of the log matters."""

    INFO = "info"
    WARNING = "warning"
    """It holds the job up."""
    ERROR = "error"
    """It ends the job, or keeps a part of it from being done."""


class Logbook:
    """Writes to the log of one job.

    A line says what it is about, a colon and a space, and what there is to say. It is about the
    job, a registry or a large upload, never about each image: those have rows of their own.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    def info(self, about: str, words: str) -> None:
        """Say what goes as it should."""
        self._add(Level.INFO, about, words)

    def warning(self, about: str, words: str) -> None:
        """Say what holds the job up."""
        self._add(Level.WARNING, about, words)

    def error(self, error: TransshipError) -> None:
        """Say what ends the job."""
        self.problem(error.title, error.detail)

    def problem(self, about: str, words: str) -> None:
        """Say what keeps the job, or a part of it, from being done."""
        self._add(Level.ERROR, about, words)

    def _add(self, level: Level, about: str, words: str) -> None:
        line = f"{about}: {words}" if words else about
        self._journal.log(self._clock.now(), level, line)
