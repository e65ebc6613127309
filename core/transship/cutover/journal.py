"""The journal of a cutover: what was seen, decided and done, when and by whom.

Nothing in it changes and nothing goes. Of an answer that stays the same only the last time that it
was given moves on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from transship.cutover.evidence import Evidence, NamedPull, ResolverView, Statement, ZoneEvidence
from transship.cutover.rules.case import observed, sampled
from transship.cutover.timeline import Sample, Served
from transship.errors import BadFile
from transship.operator import Operator
from transship.paths import private_file

KEPT_SAMPLES = 12
"""How many of a resolver's newest samples are read back; the one with its highest TTL as well."""

_T = TypeVar("_T")


class EntryKind(StrEnum):
    """What an entry is of, and what its body is."""

    CREATED = "created"
    """`Subject`"""
    EVIDENCE = "evidence"
    """`Evidence`"""
    STATEMENT = "statement"
    """`Statement`"""
    SNAPSHOT = "snapshot"
    """`Snapshot`: what the record held before the change."""
    PLANNED = "planned"
    """`PlannedChange`: the edit as it was shown."""
    ASKED = "asked"
    """`flipping.Asked`: written before a change is sent."""
    LOOKED = "looked"
    """`flipping.Looked`: what every name server said after a change."""
    ENDED = "ended"
    """`flipping.Ended`: what became of a change."""
    FOLLOWED = "followed"
    """`Evidence`: what was gathered before, with what was looked at anew when the state changed."""
    PULLED = "pulled"
    """`tuple[NamedPull, ...]`: pulls by the domain, made while it is watched."""
    STATE = "state"
    """`progress.State`, where it changed."""
    BASELINE = "baseline"
    """`delta.Agreed`: the tags that were the same on both sides."""
    DELTA = "delta"
    """`delta.Round`"""
    AGAIN = "again"
    """`delta.Again`: a round that found what the one before it had."""
    COPYING = "copying"
    """`delta.Begun`: written before a job begins to copy for a round."""
    CHOICE = "choice"
    """`delta.Choice`: what the operator said of a tag that was pushed on both sides."""


@dataclass(frozen=True, slots=True)
class CutoverEntry:
    """One entry. `at` is in seconds since the epoch, `body` JSON."""

    number: int
    at: float
    kind: EntryKind
    by: Operator
    body: bytes

    def read(self, kind: type[_T]) -> _T:
        """Return the body. Raises BadFile when it isn't one of this type."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except msgspec.DecodeError as error:
            raise BadFile(f"journal entry {self.number} ({self.kind}): {error}") from None


class CutoverJournal:
    """One SQLite file that several processes write and read at any time (WAL).

    All methods raise BadFile when the file can't be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._readable():
            self._db = sqlite3.connect(private_file(path), isolation_level=None, timeout=10.0)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(self, kind: EntryKind, body: Any, at: float, by: Operator | None = None) -> int:
        """Write an entry; return its number. `by` is left out for what Transship does by itself."""
        who = by or Operator("", "")
        with self._readable():
            row = self._db.execute(
                "INSERT INTO entries (at, kind, name, host, body) VALUES (?, ?, ?, ?, ?)",
                (at, kind, who.name, who.host, msgspec.json.encode(body)),
            )
        return row.lastrowid or 0

    def entries(self, *kinds: EntryKind, after: int = 0) -> list[CutoverEntry]:
        """Return the entries of these kinds, or of all, after the one of this number."""
        wanted = kinds or tuple(EntryKind)
        marks = ", ".join("?" * len(wanted))
        with self._readable():
            rows = self._db.execute(
                "SELECT id, at, kind, name, host, body FROM entries "  # noqa: S608 - only marks
                f"WHERE id > ? AND kind IN ({marks}) ORDER BY id",
                (after, *wanted),
            )
            return [_entry(row) for row in rows]

    def latest(
        self, *kinds: EntryKind, limit: int, before: float | None = None, below: int | None = None
    ) -> list[CutoverEntry]:
        """Return the newest entries of these kinds, the oldest of them first.

        `before` leaves out what was written then, in seconds since the epoch, and later; `below`
        the entry of this number, and later ones.
        """
        marks = ", ".join("?" * len(kinds))
        with self._readable():
            rows = self._db.execute(
                "SELECT id, at, kind, name, host, body FROM entries "  # noqa: S608 - only marks
                f"WHERE kind IN ({marks}) AND (? IS NULL OR at < ?) "
                "AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?",
                (*kinds, before, before, below, below, limit),
            ).fetchall()
        return [_entry(row) for row in reversed(rows)]

    def newest(self, kind: EntryKind) -> CutoverEntry | None:
        """Return the newest entry of a kind, None without any."""
        with self._readable():
            row = self._db.execute(
                "SELECT id, at, kind, name, host, body FROM entries "
                "WHERE kind = ? ORDER BY id DESC LIMIT 1",
                (kind,),
            ).fetchone()
        return _entry(row) if row else None

    def evidence(self) -> Evidence | None:
        """Return what was gathered last, with all statements, None when nothing ever was.

        Pulls by the domain are the newest ones, whoever made them.
        """
        gathered = (self.newest(EntryKind.EVIDENCE), self.newest(EntryKind.FOLLOWED))
        found = max((each for each in gathered if each), key=lambda e: e.number, default=None)
        pulled = self.newest(EntryKind.PULLED)
        if found is None:
            return None
        known = replace(found.read(Evidence), statements=self.statements())
        if pulled is None or pulled.number < found.number:
            return known
        return replace(known, by_name=pulled.read(tuple[NamedPull, ...]))

    def statements(self) -> tuple[Statement, ...]:
        """Return everything that operators have said, the oldest first."""
        return tuple(each.read(Statement) for each in self.entries(EntryKind.STATEMENT))

    def saw_servers(self, zone: ZoneEvidence, at: float) -> tuple[Served, ...]:
        """Take in what every name server said; return all that was ever served."""
        with self._together():
            before = self.served()
            now = observed(Evidence(taken=at, zone=zone), before)
            for number, each in enumerate(now, start=1):
                if number > len(before):
                    self._db.execute(
                        "INSERT INTO served VALUES (?, ?, ?, ?, ?, ?)",
                        (number, each.server, _json(each.values), each.ttl, each.first, each.last),
                    )
                elif each != before[number - 1]:
                    self._db.execute("UPDATE served SET last = ? WHERE id = ?", (each.last, number))
        return now

    def served(self) -> tuple[Served, ...]:
        """Return what every name server ever served, in the order in which it was seen."""
        with self._readable():
            rows = self._db.execute("SELECT server, said, ttl, first, last FROM served ORDER BY id")
            return tuple(
                Served(server, _values(said), ttl, first, last)
                for server, said, ttl, first, last in rows
            )

    def saw_resolvers(self, views: Sequence[ResolverView]) -> tuple[Sample, ...]:
        """Take in what resolvers answered; return what was new."""
        found = sampled(views)
        with self._together():
            self._db.executemany(
                "INSERT INTO samples (resolver, said, ttl, at) VALUES (?, ?, ?, ?)",
                [(each.resolver, _json(each.values), each.ttl, each.at) for each in found],
            )
        return found

    def samples(self) -> tuple[Sample, ...]:
        """Return the newest samples of each resolver, and the one with its highest TTL."""
        with self._readable():
            rows = self._db.execute(_SAMPLES, (KEPT_SAMPLES,))
            return tuple(
                Sample(resolver, _values(said), ttl, at) for resolver, said, ttl, at in rows
            )

    def change(self) -> int:
        """Return a number that changes whenever another process has written."""
        with self._readable():
            return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Write all or nothing of what is written inside, and nobody else meanwhile."""
        with self._readable():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # A full disk has rolled it back already.
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise BadFile(f"{self._path}: {error}") from error


def thinned(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Return what of these samples still counts: as `Journal.samples` reads them back."""
    counted: dict[str, list[int]] = {}
    for place, each in enumerate(samples):
        counted.setdefault(each.resolver, []).append(place)
    kept: set[int] = set()
    for places in counted.values():
        kept.update(places[-KEPT_SAMPLES:])
        kept.add(max(places, key=lambda place: samples[place].ttl))
    return tuple(samples[place] for place in sorted(kept))


def _entry(row: tuple[Any, ...]) -> CutoverEntry:
    number, at, kind, name, host, body = row
    return CutoverEntry(number, at, EntryKind(kind), Operator(name, host), body)


def _json(values: tuple[str, ...]) -> str:
    return msgspec.json.encode(values).decode()


def _values(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])


_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, at REAL, kind TEXT, name TEXT, host TEXT, body BLOB);
CREATE INDEX IF NOT EXISTS entries_by_kind ON entries (kind, id);
CREATE TABLE IF NOT EXISTS served (
    id INTEGER PRIMARY KEY, server TEXT, said TEXT, ttl INTEGER, first REAL, last REAL);
CREATE TABLE IF NOT EXISTS samples (
    id INTEGER PRIMARY KEY, resolver TEXT, said TEXT, ttl INTEGER, at REAL);
CREATE INDEX IF NOT EXISTS samples_by_resolver ON samples (resolver, ttl, id);
CREATE TRIGGER IF NOT EXISTS entries_stay BEFORE UPDATE ON entries BEGIN
    SELECT raise(ABORT, 'a journal is not changed'); END;
CREATE TRIGGER IF NOT EXISTS entries_are_kept BEFORE DELETE ON entries BEGIN
    SELECT raise(ABORT, 'a journal is not changed'); END;
CREATE TRIGGER IF NOT EXISTS served_stays BEFORE UPDATE ON served
    WHEN new.last < old.last OR (new.id, new.server, new.said, new.ttl, new.first)
        IS NOT (old.id, old.server, old.said, old.ttl, old.first) BEGIN
    SELECT raise(ABORT, 'a journal is not changed'); END;
CREATE TRIGGER IF NOT EXISTS served_is_kept BEFORE DELETE ON served BEGIN
    SELECT raise(ABORT, 'a journal is not changed'); END;
CREATE TRIGGER IF NOT EXISTS samples_stay BEFORE UPDATE ON samples BEGIN
    SELECT raise(ABORT, 'a journal is not changed'); END;
CREATE TRIGGER IF NOT EXISTS samples_are_kept BEFORE DELETE ON samples BEGIN
    SELECT raise(ABORT, 'a journal is not changed'); END;
"""

_SAMPLES = """
SELECT resolver, said, ttl, at FROM (
    SELECT id, resolver, said, ttl, at,
        row_number() OVER (PARTITION BY resolver ORDER BY id DESC) AS age,
        row_number() OVER (PARTITION BY resolver ORDER BY ttl DESC, id) AS height
    FROM samples)
WHERE age <= ? OR height = 1 ORDER BY id
"""
