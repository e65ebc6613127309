"""The file below a journal: opened and closed, written whole or not at all, its facts, its log.

What may be a moment late can be gathered, and is then written together with what comes next. Its
order stays: nothing is in the file before what was said earlier.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from transship.paths import private_file
from transship.text import safe
from transship.transfers.rows import SCHEMA, TALLY, UNTALLIED

LOG_LINES = 1000
"""How many lines of a job's log are kept: the last ones."""

_APART = 0.02
"""How far apart in seconds two writes are that somebody waits for: whoever comes meanwhile shares
the second. The first after a while is written at once."""

Statement = tuple[str, tuple[object, ...]]
"""What is to be written, in SQL, and its values."""


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
        self._gathers = False
        self._gathered: list[Statement] = []
        self._waiting: list[asyncio.Future[None]] = []
        """Who waits until what was gathered is written, which is `_due` to happen."""
        self._due: asyncio.TimerHandle | None = None
        self._awaited_at = 0.0
        """When something was last written because somebody waited for it, by the loop's time."""

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write all or nothing of what is written inside, after what was gathered before.

        Inside another one it is a part of that.
        """
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._run(self._gathered)
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # A full disk has rolled it back already.
                self._db.execute("ROLLBACK")
            raise
        self._all_is_written()

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Gather inside what may be a moment late: any write takes it along, and so does the end.

        Whoever asks for this sees to it that something is written several times a second.
        """
        self._gathers = True
        try:
            yield
        finally:
            self._gathers = False
            self._cancel_due()
            self.flush()

    def flush(self) -> None:
        """Write what was gathered, all or nothing. What can't be written stays gathered."""
        if self._gathered:
            with self.together():
                pass

    async def committed(self) -> None:
        """Return once all that was said until now is in the file.

        Those who wait for that at the same time share one write, and its error if it fails.
        """
        if not self._gathered:
            return
        loop = asyncio.get_running_loop()
        written = loop.create_future()
        self._waiting.append(written)
        if self._due is None:
            self._due = loop.call_at(self._awaited_at + _APART, self._write_what_is_awaited)
        await written

    def _later(self, *statements: Statement) -> None:
        """Write what may be a moment late: with what comes next, or at once if nobody gathers."""
        if self._gathers and not self._db.in_transaction:
            self._gathered += statements
            return
        with self.together():
            self._run(statements)

    def _write(self, statement: str, *rows: tuple[object, ...]) -> None:
        """Write at once, the same statement with each of these values."""
        with self.together():
            self._db.executemany(statement, rows)

    def _ask(self, query: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """Read what is gathered before it is written: copies, blobs, placements and the log."""
        self.flush()
        return self._db.execute(query, values)

    def _run(self, statements: Sequence[Statement]) -> None:
        for statement, values in statements:
            self._db.execute(statement, values)

    def _write_what_is_awaited(self) -> None:
        self._due = None
        self._awaited_at = asyncio.get_running_loop().time()
        try:
            self.flush()
        except Exception as error:  # noqa: BLE001 - it is theirs who wait, whatever it is
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                if not each.done():
                    each.set_exception(error)

    def _all_is_written(self) -> None:
        self._gathered.clear()
        self._cancel_due()
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():  # Who was cancelled waits no more.
                each.set_result(None)

    def _cancel_due(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Read all that is read inside as it is at one moment, whoever writes meanwhile."""
        self.flush()
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
        rows = ((name, str(value)) for name, value in facts.items())
        self._write("INSERT OR REPLACE INTO facts VALUES (?, ?)", *rows)

    def change(self) -> int:
        """Return a number that changes whenever another process has written."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def log(self, at: float, level: str, message: str) -> None:
        """Add a line to the job's log, which keeps the last `LOG_LINES`."""
        self._later(
            ("INSERT INTO log (at, level, message) VALUES (?, ?, ?)", (at, level, safe(message))),
            ("DELETE FROM log WHERE id <= (SELECT max(id) FROM log) - ?", (LOG_LINES,)),
        )

    def log_after(self, number: int) -> list[tuple[int, float, str, str]]:
        """Return the lines of the log after the one of this number: number, time, level, words."""
        rows = self._ask(
            "SELECT id, at, level, message FROM log WHERE id > ? ORDER BY id", (number,)
        )
        return list(rows)
