"""The file below a journal: opened and closed, written whole or not at all, its facts, its log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transship.paths import private_file
from transship.text import safe
from transship.transfers.rows import SCHEMA, TALLY, UNTALLIED

LOG_LINES = 1000
"""How many lines of a job's log are kept: the last ones."""


class JournalFile:
    """An SQLite file that one process writes, and that others may read at any time (WAL).

    Nobody but its owner can open it, nor the files that SQLite puts beside it.
    """

    def __init__(self, path: Path) -> None:
        self.folder = path.parent
        self.job = path.parent.name
        """The id of the job whose journal it is."""
        self._db = sqlite3.connect(private_file(path), isolation_level=None, timeout=10.0)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)
        if self._db.execute(UNTALLIED).fetchone():
            self._db.execute(TALLY)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write all or nothing of what is written inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # A full disk has rolled it back already.
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Read all that is read inside as it is at one moment, whoever writes meanwhile."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            if self._db.in_transaction:  # An error may have ended it already.
                self._db.execute("COMMIT")

    def fact(self, name: str) -> str:
        """Return a fact of the job, or an empty string."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def note(self, **facts: object) -> None:
        """Keep facts of the job: state, phase, times in seconds since the epoch, counts."""
        self._db.executemany(
            "INSERT OR REPLACE INTO facts VALUES (?, ?)",
            [(name, str(value)) for name, value in facts.items()],
        )

    def change(self) -> int:
        """Return a number that changes whenever another process has written."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def log(self, at: float, level: str, message: str) -> None:
        """Add a line to the job's log, which keeps the last `LOG_LINES`."""
        added = self._db.execute(
            "INSERT INTO log (at, level, message) VALUES (?, ?, ?)", (at, level, safe(message))
        ).lastrowid
        self._db.execute("DELETE FROM log WHERE id <= ?", ((added or 0) - LOG_LINES,))

    def log_after(self, number: int) -> list[tuple[int, float, str, str]]:
        """Return the lines of the log after the one of this number: number, time, level, words."""
        rows = self._db.execute(
            "SELECT id, at, level, message FROM log WHERE id > ? ORDER BY id", (number,)
        )
        return list(rows)
