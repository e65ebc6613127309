"""The journal of a job: one SQLite file, the only thing that runner and screens share.

Its tables and their rows; the worklist, what is to be created, what becomes of copies and blobs,
the operator's requests, the undoing, and the log in words for an operator.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

import msgspec

from transship.clock import Clock
from transship.errors import TransshipError
from transship.oci.digest import Digest
from transship.oci.manifest import Manifest, parse_manifest
from transship.oci.reference import Reference, parse_reference
from transship.paths import private_file
from transship.registry.registry import NO_OPTIONS, CreationOptions, MissingTarget, Visibility
from transship.text import safe
from transship.transfers.copies import (
    BlobWork,
    Copy,
    CopyState,
    Creation,
    JobState,
    Need,
    Verdict,
    Worklist,
)

LOG_LINES = 1000
"""How many lines of a job's log are kept: the last ones."""

_APART = 0.02
"""How far apart in seconds two writes are that somebody waits for: whoever comes meanwhile shares
the second. The first after a while is written at once."""

Statement = tuple[str, tuple[object, ...]]
"""What is to be written, in SQL, and its values."""


SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS copies (
    id INTEGER PRIMARY KEY, source TEXT, target TEXT, digest TEXT, previous TEXT, verdict TEXT,
    reason TEXT, subject TEXT, seen_at REAL, state TEXT,
    moving INTEGER, cause TEXT, title TEXT, detail TEXT, remedy TEXT, ended REAL);
CREATE INDEX IF NOT EXISTS copies_by_state ON copies (state, verdict);
CREATE INDEX IF NOT EXISTS copies_by_target ON copies (target);
CREATE INDEX IF NOT EXISTS copies_by_end ON copies (ended);
CREATE INDEX IF NOT EXISTS copies_by_cause ON copies (cause, remedy) WHERE state = 'failed';
-- What screens ask for several times a second mustn't cost a walk through all copies and blobs.
CREATE TABLE IF NOT EXISTS tallies (
    state TEXT, verdict TEXT, cause TEXT, title TEXT, remedy TEXT, copies INTEGER,
    PRIMARY KEY (state, verdict, cause, title, remedy)) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS copy_came AFTER INSERT ON copies BEGIN
    INSERT INTO tallies VALUES (new.state, new.verdict,
        coalesce(new.cause, ''), coalesce(new.title, ''), coalesce(new.remedy, ''), 1)
    ON CONFLICT DO UPDATE SET copies = copies + 1;
END;
CREATE TRIGGER IF NOT EXISTS copy_went AFTER DELETE ON copies BEGIN
    UPDATE tallies SET copies = copies - 1
    WHERE state = old.state AND verdict = old.verdict AND cause = coalesce(old.cause, '')
        AND title = coalesce(old.title, '') AND remedy = coalesce(old.remedy, '');
END;
CREATE TRIGGER IF NOT EXISTS copy_turned
AFTER UPDATE OF state, verdict, cause, title, remedy ON copies
WHEN (old.state, old.verdict, old.cause, old.title, old.remedy)
    IS NOT (new.state, new.verdict, new.cause, new.title, new.remedy) BEGIN
    UPDATE tallies SET copies = copies - 1
    WHERE state = old.state AND verdict = old.verdict AND cause = coalesce(old.cause, '')
        AND title = coalesce(old.title, '') AND remedy = coalesce(old.remedy, '');
    INSERT INTO tallies VALUES (new.state, new.verdict,
        coalesce(new.cause, ''), coalesce(new.title, ''), coalesce(new.remedy, ''), 1)
    ON CONFLICT DO UPDATE SET copies = copies + 1;
END;
CREATE TABLE IF NOT EXISTS manifests (digest TEXT PRIMARY KEY, media_type TEXT, body BLOB);
-- What a deleted tag pointed at, to be put back by it.
CREATE TABLE IF NOT EXISTS kept (digest TEXT PRIMARY KEY, media_type TEXT, body BLOB);
-- What undoing the job has done with each tag.
CREATE TABLE IF NOT EXISTS undone (
    tag TEXT PRIMARY KEY, act TEXT, was TEXT, digest TEXT, state TEXT, detail TEXT, at REAL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (
    target TEXT, digest TEXT, size INTEGER, source TEXT, home TEXT, copies INTEGER, outcome TEXT,
    PRIMARY KEY (target, digest)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS amounts (
    outcome TEXT PRIMARY KEY, once INTEGER, times INTEGER) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS blob_came AFTER INSERT ON blobs BEGIN
    INSERT INTO amounts VALUES (new.outcome, new.size, new.size * new.copies)
    ON CONFLICT DO UPDATE SET once = once + excluded.once, times = times + excluded.times;
END;
CREATE TRIGGER IF NOT EXISTS blob_went AFTER DELETE ON blobs BEGIN
    UPDATE amounts SET once = once - old.size, times = times - old.size * old.copies
    WHERE outcome = old.outcome;
END;
CREATE TRIGGER IF NOT EXISTS blob_turned AFTER UPDATE OF outcome ON blobs BEGIN
    UPDATE amounts SET once = once - old.size, times = times - old.size * old.copies
    WHERE outcome = old.outcome;
    INSERT INTO amounts VALUES (new.outcome, new.size, new.size * new.copies)
    ON CONFLICT DO UPDATE SET once = once + excluded.once, times = times + excluded.times;
END;
CREATE TABLE IF NOT EXISTS placements (
    target TEXT, repository TEXT, digest TEXT, mounted INTEGER,
    PRIMARY KEY (target, repository, digest)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    target TEXT, repository TEXT, digest TEXT, location TEXT, offset INTEGER,
    PRIMARY KEY (target, repository, digest)) WITHOUT ROWID;
-- What each repository needs created before it can be written to, and how far that is.
CREATE TABLE IF NOT EXISTS creations (
    target TEXT, repository TEXT, kind TEXT, name TEXT, visibility TEXT, state TEXT, detail TEXT,
    at REAL, PRIMARY KEY (target, repository)) WITHOUT ROWID;
-- With what, as JSON, where the plan asks for more than who may pull.
CREATE TABLE IF NOT EXISTS creation_options (
    target TEXT, repository TEXT, options TEXT, PRIMARY KEY (target, repository)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lanes (
    lane INTEGER PRIMARY KEY, what TEXT, moved INTEGER, size INTEGER, started REAL,
    target TEXT, digest TEXT);
CREATE TABLE IF NOT EXISTS wishes (
    id INTEGER PRIMARY KEY, wish TEXT, argument TEXT, at REAL, granted INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, at REAL, level TEXT, message TEXT);
"""

UNTALLIED = """
SELECT 1 WHERE EXISTS (SELECT 1 FROM copies) AND NOT EXISTS (SELECT 1 FROM tallies)
"""
"""Tells of a journal whose copies were written before they were counted as they are written."""

TALLY = """
INSERT OR IGNORE INTO tallies
SELECT state, verdict, coalesce(cause, ''), coalesce(title, ''), coalesce(remedy, ''), count(*)
FROM copies GROUP BY 1, 2, 3, 4, 5
"""

BYTES_UNDER_WAY = """
SELECT coalesce(sum(moved), 0) FROM (
    SELECT target, digest, max(moved) AS moved FROM (
        SELECT target, digest, offset AS moved FROM uploads
        UNION ALL SELECT target, digest, min(moved, size) FROM lanes WHERE ?1)
    GROUP BY target, digest)
JOIN blobs USING (target, digest) WHERE outcome = ''
"""
"""Of each blob that isn't at its target, what its upload session holds or its lane has moved."""

EVENTS = """
SELECT ended, CASE state WHEN 'failed' THEN state ELSE verdict END, source,
    coalesce(title || ': ' || detail, reason, '') FROM
    (SELECT * FROM copies WHERE ended IS NOT NULL ORDER BY ended DESC LIMIT ?1)
UNION ALL SELECT at, 'wish', wish, argument FROM wishes
UNION ALL SELECT at, level, message, '' FROM log ORDER BY 1 DESC LIMIT ?1
"""
"""What came to pass last, the newest first: time, kind, what, and more in words."""

MOVED, MOVED_UNSEEN = 1, 2
"""What `moving` is of a tag that was about to be written: once that was known which it pointed at,
and where the target refused to tell."""

COPY_COLUMNS = "id, source, target, digest, previous, verdict, reason, subject, seen_at, moving"


def row_of(copy: Copy) -> tuple[object, ...]:
    """Return a copy as a row, without its number: what is judged already needs no more doing."""
    problem = copy.problem
    state = (
        CopyState.WAITING
        if copy.verdict.changes
        else CopyState.FAILED
        if problem
        else CopyState.DONE
    )
    return (
        str(copy.source),
        str(copy.target),
        copy.digest,
        copy.previous,
        copy.verdict,
        copy.reason,
        copy.subject,
        copy.seen_at,
        state,
        problem.cause if problem else None,
        problem.title if problem else None,
        problem.detail if problem else None,
        problem.remedy if problem else None,
    )


def copy_in(row: tuple[object, ...]) -> Copy:
    """Return the copy in a row of `COPY_COLUMNS`."""
    number, source, target, digest, previous, verdict, reason, subject, seen_at, moving = row
    return Copy(
        id=int(str(number)),
        source=parse_reference(str(source)),
        target=parse_reference(str(target)),
        digest=Digest(str(digest)) if digest else None,
        previous=Digest(str(previous)) if previous else None,
        verdict=Verdict(str(verdict)),
        reason=str(reason),
        subject=Digest(str(subject)) if subject else None,
        seen_at=float(str(seen_at)) if seen_at is not None else None,
        moving=bool(moving),
        unseen=moving == MOVED_UNSEEN,
    )


_COLUMNS = "target, kind, name, visibility, state, detail, options"
_WITH_OPTIONS = "LEFT JOIN creation_options USING (target, repository)"


class Created(StrEnum):
    """How far one creation is."""

    WANTED = "wanted"
    BEGUN = "begun"
    """The service may have been asked for it: a process that ended then doesn't know."""
    DONE = "created"
    THERE = "there"
    """Somebody else had made it when the run came to it."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StoredCreation:
    """One thing that is to be created, once for all that need it; `detail` says why it failed."""

    creation: Creation
    state: Created
    detail: str = ""


def _kept(row: tuple[str, str, str, str, str, str, bytes | None]) -> StoredCreation:
    target, kind, name, visibility, state, detail, kept = row
    options = msgspec.json.decode(kept, type=CreationOptions) if kept else NO_OPTIONS
    creation = Creation(target, MissingTarget(kind, name), Visibility(visibility), options)
    return StoredCreation(creation, Created(state), detail)


_ROWS_AT_ONCE = 1_000
"""How many rows are written together, so that it takes some hundredths of a second."""

_Row = tuple[object, ...]


def _rows_of(worklist: Worklist, last: int) -> Iterator[tuple[str, Iterator[_Row]]]:
    """Give what is written of a worklist, statement by statement; `last` is the last copy's id."""
    yield (
        "INSERT INTO copies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, NULL)",
        ((last + copy.id, *row_of(copy)) for copy in worklist.copies),
    )
    yield (
        "INSERT OR REPLACE INTO manifests VALUES (?, ?, ?)",
        ((m.digest, m.media_type, m.body) for m in worklist.manifests.values()),
    )
    yield (
        "INSERT OR IGNORE INTO blobs VALUES (?, ?, ?, ?, ?, ?, '')",
        (
            (b.target, b.digest, b.size, str(b.source), b.home, 1 + len(b.others))
            for b in worklist.blobs
        ),
    )


def _batches(rows: Iterator[_Row]) -> Iterator[list[_Row]]:
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        yield some


@dataclass(frozen=True, slots=True)
class StoredSession:
    """An upload session that a place is known to hold, up to `offset` bytes."""

    location: str
    offset: int


class Restored(StrEnum):
    """What became of one tag in an undo."""

    BEGUN = "begun"
    """It was about to be written, and nothing was heard of it since."""
    DONE = "done"
    """It is as it was before the job."""
    LEFT = "left"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StoredUndo:
    """How far a job is undone, and by whom. Times in seconds since the epoch.

    `ended` is None for an undo that was broken off. The others count tags.
    """

    by: str
    began: float
    ended: float | None
    restored: int
    left: int
    failed: int

    @property
    def whole(self) -> bool:
        """Whether all that the job changed is as it was before."""
        return self.ended is not None and not self.left and not self.failed


@dataclass(frozen=True, slots=True)
class StoredRestore:
    """One tag of an undo. `detail` says why it was left, or what failed."""

    tag: str
    act: str
    was: str | None
    digest: str | None
    restored: Restored
    detail: str
    at: float


@dataclass(frozen=True, slots=True)
class Lane:
    """What one lane moves at this moment. Sizes in bytes, `started` in seconds since the epoch.

    `target` and `digest` are the blob's.
    """

    what: str
    moved: int
    size: int
    started: float
    target: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Copies that failed for one cause."""

    cause: str
    title: str
    remedy: str
    count: int
    examples: tuple[tuple[str, str], ...]
    """The first few, as what was copied and the detail."""


class Journal:
    """One job's journal: an SQLite file that one process writes, and others may read (WAL).

    Open it anew in each process; close it when done. Nobody but its owner can open it, nor the
    files that SQLite puts beside it.
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

    def need(self, needs: Collection[Need]) -> None:
        """Keep which repository needs what created."""
        self._db.executemany(
            "INSERT OR REPLACE INTO creations VALUES (?, ?, ?, ?, ?, ?, '', NULL)",
            (
                (
                    need.creation.target,
                    need.repository,
                    need.creation.missing.kind,
                    need.creation.missing.name,
                    need.creation.visibility,
                    Created.WANTED,
                )
                for need in needs
            ),
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO creation_options VALUES (?, ?, ?)",
            (
                (need.creation.target, need.repository, msgspec.json.encode(need.creation.options))
                for need in needs
                if need.creation.options
            ),
        )

    def needed(self, target: str, repository: str) -> StoredCreation | None:
        """Return what a repository needs, however far it is; None when it needs nothing."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM creations {_WITH_OPTIONS} "  # noqa: S608 - fixed texts
            "WHERE target = ? AND repository = ?",
            (target, repository),
        ).fetchone()
        return _kept(row) if row else None

    def creating(self, creation: Creation, state: Created, at: float, detail: str = "") -> None:
        """Say how far a creation is, for all repositories that need it."""
        self._write(
            "UPDATE creations SET state = ?, detail = ?, at = ? "
            "WHERE target = ? AND kind = ? AND name = ?",
            (
                state,
                safe(detail),
                at,
                creation.target,
                creation.missing.kind,
                creation.missing.name,
            ),
        )

    def creations(self, *states: Created) -> list[StoredCreation]:
        """Return what was to be created, each once: all, or what is in one of these states."""
        rows = self._db.execute(
            f"SELECT DISTINCT {_COLUMNS} FROM creations {_WITH_OPTIONS} "  # noqa: S608
            "ORDER BY target, kind, name"
        )
        kept = map(_kept, rows)
        return [each for each in kept if not states or each.state in states]

    def keep(self, worklist: Worklist, *, beside: Sequence[int] = ()) -> None:
        """Add a worklist: the whole one at first, later one for the copies that failed before.

        What failed makes room for what is tried instead, but for those `beside` it; the rest stays
        as it is. A tag that we had moved although it seemed to fail keeps what it pointed at
        before.
        """
        for _ in self.keeping(worklist, beside=beside):
            pass

    def keeping(self, worklist: Worklist, *, beside: Sequence[int] = ()) -> Iterator[None]:
        """Do what `keep` does, a part at a time: between them others get their turn.

        Nothing of it counts before the last part: the phase isn't `planned` until then, and what
        was broken off is taken back by `take_back`.
        """
        self.take_back()
        last = self._db.execute("SELECT coalesce(max(id), 0) FROM copies").fetchone()[0]
        self.note(kept_before=last)
        for statement, rows in _rows_of(worklist, last):
            for some in _batches(rows):
                with self.together():
                    self._db.executemany(statement, some)
                yield
        with self.together():
            self._make_room(last, beside)
            self.need(worklist.needs)
            self.note(phase="planned", kept_before="")

    def take_back(self) -> None:
        """Forget what was kept of a worklist that wasn't kept whole."""
        before = self.fact("kept_before")
        if not before:
            return
        with self.together():
            self._db.execute("DELETE FROM copies WHERE id > ?", (int(before),))
            if before == "0":
                self._db.execute("DELETE FROM blobs")
                self._db.execute("DELETE FROM manifests")
            self.note(kept_before="")

    def _make_room(self, last: int, beside: Sequence[int]) -> None:
        """Drop what failed up to the copy `last`, but for `beside`, for what is tried instead."""
        failed = "state = 'failed' AND id <= ? AND id NOT IN (SELECT value FROM json_each(?))"
        these = (last, json.dumps(list(beside)))
        moved = self._db.execute(
            f"SELECT previous, verdict, moving, target FROM copies WHERE {failed} AND moving",  # noqa: S608
            these,
        ).fetchall()
        self._db.execute(f"DELETE FROM copies WHERE {failed}", these)  # noqa: S608
        self._db.executemany(
            "UPDATE copies SET previous = ?, verdict = ?, moving = ? "
            "WHERE target = ? AND verdict = 'same'",
            moved,
        )

    _open: frozenset[tuple[str, str, str]] | None = None
    """The blobs that may have an upload session, None where that has to be looked up anew."""

    # What becomes of the copies

    def begun(self, copy: Copy) -> None:
        """Say that a copy is being worked on."""
        # Late: only screens tell it from one that waits, and both are begun by the next process.
        self._later(("UPDATE copies SET state = 'running' WHERE id = ?", (copy.id,)))

    def moving(self, copy: Copy, previous: Digest | None, *, unseen: bool = False) -> None:
        """Keep what a tag points at, or that it is `unseen`.

        Before it is moved, `committed` is to be awaited.
        """
        verdict = Verdict.OVERWRITE if previous else Verdict.COPY
        values = (previous, verdict, MOVED_UNSEEN if unseen else MOVED, copy.id)
        self._later(
            ("UPDATE copies SET previous = ?, verdict = ?, moving = ? WHERE id = ?", values)
        )

    def deleting(self, copy: Copy, manifests: Iterable[Manifest]) -> None:
        """Keep what a tag points at, right before it is deleted."""
        with self.together():
            self._db.executemany(
                "INSERT OR IGNORE INTO kept VALUES (?, ?, ?)",
                [(m.digest, m.media_type, m.body) for m in manifests],
            )
            self._db.execute("UPDATE copies SET moving = 1 WHERE id = ?", (copy.id,))

    def done(self, copy: Copy, at: float) -> None:
        """Say that a copy is at the target.

        Of one without a tag nothing else says so: for an undo to know it, `committed` is to be
        awaited.
        """
        # Late: the tag is `moving`, with what it pointed at before, so an undo knows it. Who goes
        # on sees that it points at what it should, or writes the same once more.
        self._later(
            (
                "UPDATE copies SET state = 'done', cause = NULL, title = NULL, detail = NULL, "
                "remedy = NULL, ended = ? WHERE id = ?",
                (at, copy.id),
            )
        )

    def settled(self, copy: Copy, verdict: Verdict, reason: str, at: float) -> None:
        """Say that nothing is to be done for a copy after all."""
        # Late: nothing was done, and who goes on looks at the tag again.
        self._later(
            (
                "UPDATE copies SET state = 'done', verdict = ?, reason = ?, ended = ? WHERE id = ?",
                (verdict, safe(reason), at, copy.id),
            )
        )

    def failed(self, copy: Copy, error: TransshipError, at: float) -> None:
        """Say why a copy failed."""
        # Late: who goes on tries it once more, as a retry does. A tag that may have moved all the
        # same is `moving`.
        self._later(
            (
                "UPDATE copies SET state = 'failed', cause = ?, title = ?, detail = ?, remedy = ?, "
                "ended = ? WHERE id = ?",
                (error.cause, error.title, error.detail, error.remedy, at, copy.id),
            )
        )

    def try_again(self, copies: Iterable[Copy]) -> None:
        """Put copies that failed back to waiting."""
        self._write(
            "UPDATE copies SET state = 'waiting', cause = NULL, title = NULL, detail = NULL, "
            "remedy = NULL, ended = NULL WHERE id = ?",
            *((copy.id,) for copy in copies),
        )

    def wait_again(self, copy: Copy | None = None) -> None:
        """Put a copy back to waiting, or all that were begun by a process that is gone."""
        # Late: the next process puts back whatever was begun.
        self._later(
            (
                "UPDATE copies SET state = 'waiting' "
                "WHERE state = 'running' AND (?1 IS NULL OR id = ?1)",
                (copy.id if copy else None,),
            )
        )

    # What becomes of the blobs

    def placed(self, target: str, repository: str, digest: Digest, *, outcome: str) -> None:
        """Say that a repository has a blob: `sent`, `mounted` or `there`."""
        placement = (
            "INSERT OR IGNORE INTO placements VALUES (?, ?, ?, ?)",
            (target, repository, digest, outcome == "mounted"),
        )
        turned = (
            "UPDATE blobs SET outcome = ? WHERE target = ? AND digest = ? AND outcome <> 'sent'",
            (outcome, target, digest),
        )
        if self.upload(target, repository, digest) is None:
            # Late: who goes on asks the target for it, and finds it there by mounting.
            self._later(placement, turned)
            return
        # A session that is kept is continued, and one that the target has finished begins anew:
        # a large blob would be sent twice.
        with self.together():
            self._later(placement, turned)
            self.upload_gone(target, repository, digest)

    def forget_placements(self, target: str, repository: str) -> None:
        """No longer believe what was known of one repository."""
        self._write(
            "DELETE FROM placements WHERE target = ? AND repository = ?", (target, repository)
        )

    def uploading(
        self, target: str, repository: str, digest: Digest, session: StoredSession
    ) -> None:
        """Keep how far an upload session is."""
        self._open = None
        self._write(
            "INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?)",
            (target, repository, digest, session.location, session.offset),
        )

    def upload(self, target: str, repository: str, digest: Digest) -> StoredSession | None:
        """Return the upload session that was kept for a blob, or None."""
        # Asked of every blob, and few have one. Who gathers is the only one to write them.
        if self._gathers and (target, repository, digest) not in self._begun_uploads():
            return None
        row = self._db.execute(
            "SELECT location, offset FROM uploads "
            "WHERE target = ? AND repository = ? AND digest = ?",
            (target, repository, digest),
        ).fetchone()
        return StoredSession(*row) if row else None

    def uploads(self) -> list[tuple[str, str, StoredSession]]:
        """Return all upload sessions that are open: place, repository, session."""
        rows = self._db.execute("SELECT target, repository, location, offset FROM uploads")
        return [
            (target, repository, StoredSession(*session)) for target, repository, *session in rows
        ]

    def upload_gone(self, target: str, repository: str, digest: Digest) -> None:
        """Forget an upload session."""
        self._write(
            "DELETE FROM uploads WHERE target = ? AND repository = ? AND digest = ?",
            (target, repository, digest),
        )

    def _begun_uploads(self) -> frozenset[tuple[str, str, str]]:
        if self._open is None:
            rows = self._db.execute("SELECT target, repository, digest FROM uploads")
            self._open = frozenset(rows)
        return self._open

    def undo_begins(self, by: str, at: float) -> None:
        """Say that what follows is undone, and by whom."""
        self.note(undo_by=safe(by), undo_began=at, undo_ended="")

    def undo_ends(self, at: float) -> None:
        """Say that every tag was seen to."""
        self.note(undo_ended=at)

    def restoring(
        self, tag: Reference, act: str, was: Digest | None, digest: Digest | None, at: float
    ) -> None:
        """Keep what a tag points at, and what it is to point at, right before it is touched."""
        self._db.execute(
            "INSERT OR REPLACE INTO undone VALUES (?, ?, ?, ?, ?, '', ?)",
            (str(tag), act, was, digest, Restored.BEGUN, at),
        )

    def restored(self, tag: Reference, restored: Restored, detail: str, at: float) -> None:
        """Say what became of a tag."""
        self._db.execute(
            "UPDATE undone SET state = ?, detail = ?, at = ? WHERE tag = ?",
            (restored, safe(detail), at, str(tag)),
        )

    def restores(self, *only: Restored) -> list[StoredRestore]:
        """Return the tags that undoing has come to, all or those of which this became."""
        rows = self._db.execute(
            "SELECT tag, act, was, digest, state, detail, at FROM undone ORDER BY at, tag"
        )
        kept = (
            StoredRestore(tag, act, was, digest, Restored(state), detail, at)
            for tag, act, was, digest, state, detail, at in rows
        )
        return [each for each in kept if not only or each.restored in only]

    def undo(self) -> StoredUndo | None:
        """Return how far the job is undone, or None if nobody has begun to."""
        began, ended = self.fact("undo_began"), self.fact("undo_ended")
        if not began:
            return None
        counts = dict(self._db.execute("SELECT state, count(*) FROM undone GROUP BY 1"))
        return StoredUndo(
            by=self.fact("undo_by"),
            began=float(began),
            ended=float(ended) if ended else None,
            restored=counts.get(Restored.DONE, 0),
            left=counts.get(Restored.LEFT, 0),
            failed=counts.get(Restored.FAILED, 0) + counts.get(Restored.BEGUN, 0),
        )

    def wish(self, wish: str, at: float, argument: str = "") -> None:
        """Ask the runner for something: `pause`, `cancel`, `limit`."""
        self._db.execute(
            "INSERT INTO wishes (wish, argument, at) VALUES (?, ?, ?)", (wish, argument, at)
        )

    def wishes(self) -> list[str]:
        """Return the wishes that weren't granted yet, the oldest first."""
        rows = self._db.execute("SELECT wish FROM wishes WHERE granted = 0 ORDER BY id")
        return [wish for (wish,) in rows]

    def wished(self, wish: str, *, after: int = 0) -> list[tuple[int, str]]:
        """Return number and argument of each wish of one sort, granted or not, the oldest first.

        Only those with a higher number than `after`.
        """
        rows = self._db.execute(
            "SELECT id, argument FROM wishes WHERE wish = ? AND id > ? ORDER BY id", (wish, after)
        )
        return list(rows)

    def grant_wishes(self) -> None:
        """Say that all wishes were taken up."""
        self._db.execute("UPDATE wishes SET granted = 1 WHERE granted = 0")

    def copies(self, state: CopyState | None = None) -> list[Copy]:
        """Return the copies in the order of the worklist, all or those in one state."""
        rows = self._ask(
            f"SELECT {COPY_COLUMNS} FROM copies WHERE ?1 IS NULL OR state = ?1 ORDER BY id",  # noqa: S608
            (state,),
        )
        return [copy_in(row) for row in rows]

    def written(self) -> dict[Reference, tuple[Reference, Digest | None]]:
        """Return what the job has seen to at each target, but for what failed."""
        copies = (copy for copy, state, _ in self.outcomes() if state is not CopyState.FAILED)
        return {copy.target: (copy.source, copy.digest) for copy in copies}

    def left(self, target: Reference | str) -> Digest | None:
        """Return what the job has left a target at, None where it hasn't or doesn't know."""
        query = (
            "SELECT digest FROM copies WHERE target = ? AND state = 'done' "
            "AND verdict IN ('copy', 'overwrite', 'same') AND digest IS NOT NULL"
        )
        row = self._ask(query, (str(target),)).fetchone()
        return Digest(row[0]) if row else None

    def touched(self, since: float) -> Iterator[str]:
        """Give the targets that the job, or its undo, may have changed since then."""
        yield from (
            target
            for (target,) in self._ask(
                "SELECT target FROM copies WHERE moving AND (ended IS NULL OR ended >= ?1) "
                "UNION SELECT tag FROM undone WHERE at >= ?1",
                (since,),
            )
        )

    def has_target(self, target: Reference) -> bool:
        """Tell whether the job sees to what a tag at the target points at."""
        query = "SELECT 1 FROM copies WHERE target = ? AND verdict IN ('copy', 'overwrite', 'same')"
        return self._ask(query, (str(target),)).fetchone() is not None

    def outcomes(self) -> Iterator[tuple[Copy, CopyState, str]]:
        """Give each copy with its state and, where it failed, the error in words."""
        rows = self._ask(
            f"SELECT {COPY_COLUMNS}, state, title, detail FROM copies ORDER BY id"  # noqa: S608
        )
        for row in rows:
            words = ": ".join(part for part in row[11:13] if part)
            yield copy_in(row[:10]), CopyState(row[10]), words

    def copy_names(self, condition: str) -> list[tuple[int, str]]:
        """Return number and source of the copies that meet a condition in SQL, in order."""
        rows = self._ask(
            f"SELECT id, source FROM copies WHERE {condition} ORDER BY id"  # noqa: S608
        )
        return list(rows)

    def copy_ids(self, condition: str) -> list[int]:
        """Return the numbers of the copies that meet a condition in SQL, in order."""
        rows = self._ask(f"SELECT id FROM copies WHERE {condition} ORDER BY id")  # noqa: S608
        return [number for (number,) in rows]

    def left_at(self, registry: str) -> int:
        """Count the copies that need a registry and haven't ended."""
        query = (
            "SELECT count(*) FROM copies WHERE state IN ('waiting', 'running') "
            "AND ?1 IN (substr(source, 1, length(?1)), substr(target, 1, length(?1)))"
        )
        return int(self._ask(query, (f"{registry}/",)).fetchone()[0])

    def skipped_for(self, reason: str) -> int:
        """Count the copies that were skipped for this reason."""
        query = "SELECT count(*) FROM copies WHERE verdict = 'skip' AND reason = ?"
        return int(self._ask(query, (reason,)).fetchone()[0])

    def outcomes_of(self, ids: Sequence[int]) -> Iterator[tuple[Copy, CopyState, str, str, str]]:
        """Give the copies with these numbers: state, and title, detail and remedy of errors."""
        rows = self._ask(
            f"SELECT {COPY_COLUMNS}, state, coalesce(title, ''), coalesce(detail, ''), "  # noqa: S608
            "coalesce(remedy, '') FROM copies "
            "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps(list(ids)),),
        )
        for row in rows:
            yield copy_in(row[:10]), CopyState(row[10]), row[11], row[12], row[13]

    def happened(self, limit: int) -> list[tuple[float, str, str, str]]:
        """Return what came to pass last, the oldest first: time, kind, what, and more in words.

        The kind is the verdict of a copy that ended, `failed`, `wish`, or the level of a log line.
        """
        return list(self._ask(EVENTS, (limit,)))[::-1]

    def manifest(self, digest: Digest) -> Manifest | None:
        """Return a manifest that is to be written, or None if it isn't kept."""
        row = self._db.execute(
            "SELECT body, media_type FROM manifests WHERE digest = ?", (digest,)
        ).fetchone()
        return parse_manifest(row[0], row[1], digest) if row else None

    def largest_blobs(self, over: int, count: int) -> list[BlobWork]:
        """Return the largest blobs of more than `over` bytes that aren't moved yet."""
        rows = self._ask(
            "SELECT target, digest, size, source, home FROM blobs "
            "WHERE size > ? AND outcome = '' ORDER BY size DESC LIMIT ?",
            (over, count),
        )
        return [
            BlobWork(target, Digest(digest), size, parse_reference(source), home)
            for target, digest, size, source, home in rows
        ]

    def finished(self) -> None:
        """Drop what is of use only while something is left to be written."""
        with self.together():
            self._db.execute("DELETE FROM manifests")
            self._db.execute(
                "DELETE FROM blobs WHERE outcome = '' "
                "AND NOT EXISTS (SELECT 1 FROM copies WHERE state = 'failed')"
            )

    def kept(self, digest: Digest) -> Manifest | None:
        """Return a manifest that a deleted tag led to, or None if it isn't kept."""
        row = self._db.execute(
            "SELECT body, media_type FROM kept WHERE digest = ?", (digest,)
        ).fetchone()
        return parse_manifest(row[0], row[1], digest) if row else None

    def causes(self) -> list[tuple[Copy, str]]:
        """Return the copies that failed, in order, each with the name of its cause."""
        rows = self._ask(
            f"SELECT {COPY_COLUMNS}, cause FROM copies WHERE state = 'failed' ORDER BY id"  # noqa: S608
        )
        return [(copy_in(row[:10]), str(row[10])) for row in rows]

    def placements(self) -> Iterator[tuple[str, str, Digest]]:
        """Give all that is known to be at a target: place, repository, digest."""
        rows = self._ask("SELECT target, repository, digest FROM placements")
        for target, repository, digest in rows:
            yield target, repository, Digest(digest)

    # What is happening now

    def show_lanes(self, lanes: Iterable[Lane], **facts: object) -> None:
        """Replace what is shown of the lanes, and keep the facts that go with it."""
        with self.together():
            self._db.execute("DELETE FROM lanes")
            self._db.executemany(
                "INSERT INTO lanes VALUES (NULL, ?, ?, ?, ?, ?, ?)",
                [
                    (safe(lane.what), lane.moved, lane.size, lane.started, lane.target, lane.digest)
                    for lane in lanes
                ],
            )
            self.note(**facts)

    def lanes(self) -> list[Lane]:
        """Return what the lanes move."""
        rows = self._db.execute(
            "SELECT what, moved, size, started, target, digest FROM lanes ORDER BY lane"
        )
        return [Lane(*row) for row in rows]

    def counts(self) -> dict[tuple[CopyState, Verdict], int]:
        """Return how many copies are in each state, by verdict."""
        rows = self._ask(
            "SELECT state, verdict, sum(copies) FROM tallies WHERE copies > 0 GROUP BY 1, 2"
        )
        return {(CopyState(state), Verdict(verdict)): count for state, verdict, count in rows}

    def blob_bytes(self) -> dict[str, tuple[int, int]]:
        """Return, by outcome (empty: open), the blobs' bytes once and times their repositories."""
        rows = self._ask("SELECT outcome, once, times FROM amounts WHERE times > 0")
        return {outcome: (once, naive) for outcome, once, naive in rows}

    def bytes_under_way(self, *, lanes: bool) -> int:
        """Return the bytes that were moved of blobs that aren't at their target yet.

        What upload sessions hold, and beyond it, if their `lanes` are at work, what has left.
        """
        return int(self._ask(BYTES_UNDER_WAY, (lanes,)).fetchone()[0])

    def failures(self, examples: int = 3) -> list[Failure]:
        """Return what failed, grouped by cause, the most frequent first.

        A copy is named by its source; of a deletion only the target is certain.
        """
        groups = self._ask(
            "SELECT cause, title, remedy, sum(copies) FROM tallies "
            "WHERE state = 'failed' AND copies > 0 GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1"
        ).fetchall()
        return [
            Failure(cause, title, remedy, count, self._examples(cause, remedy, examples))
            for cause, title, remedy, count in groups
        ]

    def _examples(self, cause: str, remedy: str, count: int) -> tuple[tuple[str, str], ...]:
        rows = self._ask(
            "SELECT CASE verdict WHEN 'delete' THEN target ELSE source END, detail FROM copies "
            "WHERE state = 'failed' AND cause = ? AND remedy = ? ORDER BY id LIMIT ?",
            (cause, remedy, count),
        )
        return tuple((what, detail) for what, detail in rows)

    @property
    def state(self) -> JobState:
        """The job's state as it was last written."""
        return JobState(self.fact("state") or JobState.WAITING)


class Level(StrEnum):
    """How much a line of the log matters."""

    INFO = "info"
    WARNING = "warning"
    """It holds the job up."""
    ERROR = "error"
    """It ends the job, or keeps a part of it from being done."""


class JobLog:
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
