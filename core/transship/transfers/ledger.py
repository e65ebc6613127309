"""The ledger of a flow: who moved which digest to which stage, and when. Nothing in it changes.

A promotion is written down before its job begins, and what became of it when that is known: by
whoever asked for it, or, if that process is gone, by whoever looks next.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from transship.clock import Clock, SystemClock
from transship.errors import BadFile, DiskFull, LedgerTaken
from transship.oci.digest import Digest
from transship.oci.reference import Reference, parse_reference
from transship.operator import Operator
from transship.paths import private_file, private_folder
from transship.plans.flow import Image
from transship.text import safe
from transship.transfers.promotion import Promotion


class Outcome(StrEnum):
    """What became of a promotion."""

    ASKED = "asked"
    """Its end isn't known: its job runs, was stopped, or never began."""
    DONE = "done"
    PARTLY = "partly"
    """The tag is in the stage, but something that refers to the image isn't."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDONE = "undone"
    """The tag was put back to what it was in the stage before."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a promotion, and when, in seconds since the epoch.

    `replaced` is what the tag pointed at right before it was moved.
    """

    outcome: Outcome
    at: float
    replaced: Digest | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One promotion. `asked` and `ended` are in seconds since the epoch.

    `replaced` is what the tag pointed at in the stage before it was moved.
    """

    number: int
    image: Image
    begins: str
    ends: str
    source: Reference
    target: Reference
    digest: Digest
    replaced: Digest | None
    overwrite: bool
    by: Operator
    job: str
    asked: float
    outcome: Outcome
    ended: float | None
    detail: str


class Ledger:
    """One flow's ledger: one SQLite file, which takes no change and no deletion."""

    def __init__(self, path: Path) -> None:
        private_folder(path.parent)
        self._path = path
        with self._readable():
            self._db = sqlite3.connect(private_file(path), isolation_level=None, timeout=10.0)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def claim(self, file: Path, at: float) -> None:
        """Write down whose ledger it is: that of the flow in `file`. Raises LedgerTaken.

        A file that is gone has moved, or was written anew elsewhere: the ledger goes on with this.
        """
        with self._readable():
            row = self._db.execute("SELECT file FROM flow ORDER BY id DESC LIMIT 1").fetchone()
        if row is not None and row[0] == str(file):
            return
        if row is not None and Path(row[0]).exists():
            raise LedgerTaken(f"{self._path.stem} is the flow in {row[0]}; this is {file}")
        with self._readable():
            self._db.execute("INSERT INTO flow (file, at) VALUES (?, ?)", (str(file), at))

    def ask(self, promotion: Promotion, by: Operator, job: str, at: float) -> int:
        """Write down what was asked for, by whom and when; return its number."""
        with self._readable():
            row = self._db.execute(
                "INSERT INTO asked (repository, tag, begins, ends, source, target, digest, "
                "replaced, overwrite, name, host, job, at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    promotion.image.repository,
                    promotion.image.tag,
                    promotion.begins.name,
                    promotion.ends.name,
                    str(promotion.source),
                    str(promotion.target),
                    promotion.digest,
                    promotion.replaced,
                    promotion.overwrite,
                    by.name,
                    by.host,
                    job,
                    at,
                ),
            )
        return row.lastrowid or 0

    def end(self, number: int, ending: Ending) -> None:
        """Write down what became of a promotion. The same ending is written once."""
        with self._readable():
            self._db.execute(
                "INSERT OR IGNORE INTO ended (promotion, outcome, at, replaced, detail) "
                "VALUES (?, ?, ?, ?, ?)",
                (number, ending.outcome, ending.at, ending.replaced, safe(ending.detail)),
            )

    def entries(self) -> list[Entry]:
        """Return all promotions, the oldest first, each with the last that is known of it."""
        with self._readable():
            return [_entry(row) for row in self._db.execute(_ENTRIES)]

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
                raise DiskFull(str(self._path)) from error
            raise BadFile(f"{self._path}: {error}") from error


@contextmanager
def open_ledger(
    folder: Path, flow: str, file: Path | None = None, clock: Clock | None = None
) -> Iterator[Ledger]:
    """Open the ledger of the flow with this name. `folder` holds those of all flows.

    With the flow's `file` it is that flow's ledger from then on. Raises LedgerTaken when it is
    another's.
    """
    ledger = Ledger(folder / f"{flow}.sqlite")
    try:
        if file is not None:
            ledger.claim(file, (clock or SystemClock()).now())
        yield ledger
    finally:
        ledger.close()


_SCHEMA = """
CREATE TABLE IF NOT EXISTS asked (
    id INTEGER PRIMARY KEY, repository TEXT, tag TEXT, begins TEXT, ends TEXT, source TEXT,
    target TEXT, digest TEXT, replaced TEXT, overwrite INTEGER, name TEXT, host TEXT, job TEXT,
    at REAL);
CREATE TABLE IF NOT EXISTS ended (
    id INTEGER PRIMARY KEY, promotion INTEGER REFERENCES asked, outcome TEXT, at REAL,
    replaced TEXT, detail TEXT, UNIQUE (promotion, outcome, at));
CREATE TABLE IF NOT EXISTS flow (id INTEGER PRIMARY KEY, file TEXT, at REAL);
CREATE TRIGGER IF NOT EXISTS flow_stays BEFORE UPDATE ON flow BEGIN
    SELECT raise(ABORT, 'a ledger is not changed'); END;
CREATE TRIGGER IF NOT EXISTS flow_is_kept BEFORE DELETE ON flow BEGIN
    SELECT raise(ABORT, 'a ledger is not changed'); END;
CREATE TRIGGER IF NOT EXISTS asked_stays BEFORE UPDATE ON asked BEGIN
    SELECT raise(ABORT, 'a ledger is not changed'); END;
CREATE TRIGGER IF NOT EXISTS asked_is_kept BEFORE DELETE ON asked BEGIN
    SELECT raise(ABORT, 'a ledger is not changed'); END;
CREATE TRIGGER IF NOT EXISTS ended_stays BEFORE UPDATE ON ended BEGIN
    SELECT raise(ABORT, 'a ledger is not changed'); END;
CREATE TRIGGER IF NOT EXISTS ended_is_kept BEFORE DELETE ON ended BEGIN
    SELECT raise(ABORT, 'a ledger is not changed'); END;
"""

_ENTRIES = """
SELECT asked.id, repository, tag, begins, ends, source, target, digest,
    CASE WHEN ended.id IS NULL THEN asked.replaced ELSE ended.replaced END,
    overwrite, name, host, job, asked.at, coalesce(outcome, 'asked'), ended.at,
    coalesce(detail, '')
FROM asked LEFT JOIN ended ON ended.id =
    (SELECT max(id) FROM ended WHERE promotion = asked.id)
ORDER BY asked.id
"""


def _entry(row: tuple[str, ...]) -> Entry:
    number, repository, tag, begins, ends, source, target, digest, replaced, *rest = row
    overwrite, name, host, job, asked, outcome, ended, detail = rest
    return Entry(
        number=int(number),
        image=Image(repository, tag),
        begins=begins,
        ends=ends,
        source=parse_reference(source),
        target=parse_reference(target),
        digest=Digest(digest),
        replaced=Digest(replaced) if replaced else None,
        overwrite=bool(overwrite),
        by=Operator(name, host),
        job=job,
        asked=float(asked),
        outcome=Outcome(outcome),
        ended=None if ended is None else float(ended),
        detail=detail,
    )
