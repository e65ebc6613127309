"""The rows of a worklist in a temporary database, so that memory holds what is looked at only.

SQLite keeps such a database in a file without a name, in the folder for temporary files, once it
has outgrown its cache; the file goes with the connection, however the process ends.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from transship.errors import DiskFull, TransshipError
from transship.oci.digest import Digest
from transship.oci.manifest import Descriptor, Manifest, parse_manifest
from transship.oci.reference import Reference
from transship.transfers.work import BlobWork, Copy, Verdict

_CACHE_KIBIBYTES = 16 * 1024
_ROWS_AT_ONCE = 1_000

_SCHEMA = f"""
PRAGMA cache_size = -{_CACHE_KIBIBYTES};
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA secure_delete = OFF;
CREATE TABLE copies (
    id INTEGER PRIMARY KEY, source INTEGER, source_tag TEXT, source_digest TEXT, target INTEGER,
    target_tag TEXT, target_digest TEXT, digest TEXT, previous TEXT, verdict TEXT, reason TEXT,
    subject TEXT, error INTEGER, detail TEXT, remedy TEXT, seen_at REAL, moving INTEGER,
    unseen INTEGER);
CREATE TABLE written (
    target INTEGER, version TEXT, digest TEXT, PRIMARY KEY (target, version)) WITHOUT ROWID;
CREATE TABLE needs (
    id INTEGER PRIMARY KEY, place INTEGER, digest BLOB, size INTEGER, source INTEGER,
    target INTEGER);
CREATE TABLE blobs (id INTEGER PRIMARY KEY, need INTEGER, copies INTEGER, there INTEGER);
CREATE TABLE manifests (
    id INTEGER PRIMARY KEY, digest TEXT UNIQUE, media_type TEXT, body BLOB);
CREATE TABLE manifests_read (
    source INTEGER, digest BLOB, PRIMARY KEY (source, digest)) WITHOUT ROWID;
"""

# What is needed first comes first, and only sorting finds what is needed twice without a look
# into all of it for each.
_BLOBS = """
CREATE INDEX needs_by_digest ON needs (place, digest, target);
INSERT INTO blobs (need, copies)
    SELECT min(id), count(DISTINCT target) FROM needs GROUP BY place, digest ORDER BY 1;
"""

_Row = tuple[object, ...]


class Scratch:
    """Keeps the rows of one worklist. Rows can be read once it was told to `sort_out`."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.executescript(_SCHEMA)
        weakref.finalize(self, self._db.close)
        self._repositories: list[tuple[str, str]] = []
        self._numbers: dict[tuple[str, str], int] = {}
        self._errors: list[type[TransshipError]] = []
        self._waiting: dict[str, list[_Row]] = {}
        self._lately: tuple[int, set[Digest]] = (-1, set())
        self._length = 0
        self._sorted_out = False

    # What goes in

    @property
    def length(self) -> int:
        """How many copies there are."""
        return self._length

    def add(self, copy: Copy) -> None:
        """Keep a copy. Its number is the next one, from 1."""
        source, target, problem = copy.source, copy.target, copy.problem
        self._length += 1
        self._insert(
            "INSERT INTO copies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                copy.id,
                self._number(source),
                source.tag,
                source.digest,
                self._number(target),
                target.tag,
                target.digest,
                copy.digest,
                copy.previous,
                copy.verdict.value,
                copy.reason,
                copy.subject,
                self._kind(problem) if problem else None,
                problem.detail if problem else None,
                problem.remedy if problem else None,
                copy.seen_at,
                copy.moving,
                copy.unseen,
            ),
        )

    def write(self, target: Reference, digest: Digest | None) -> None:
        """Note what is written at a target."""
        with _room():
            self._db.execute(
                "INSERT OR REPLACE INTO written VALUES (?, ?, ?)", (*self._place(target), digest)
            )

    def written(self, target: Reference) -> tuple[Digest | None] | None:
        """Return what is written at a target, None when nothing is."""
        query = "SELECT digest FROM written WHERE target = ? AND version = ?"
        found: tuple[Digest | None] | None = self._db.execute(query, self._place(target)).fetchone()
        return found

    def read(self, source: Reference, manifests: Iterable[Manifest]) -> None:
        """Note which manifests were read in a repository."""
        number = self._number(source)
        for manifest in manifests:
            self._insert(
                "INSERT OR IGNORE INTO manifests_read VALUES (?, ?)",
                (number, _packed(manifest.digest)),
            )

    def need(self, source: Reference, target: Reference, manifest: Manifest) -> None:
        """Note what a target's repository needs: a manifest and its blobs.

        A manifest without its bytes can't be written, and isn't kept.
        """
        if manifest.body:
            self._insert(
                "INSERT OR IGNORE INTO manifests (digest, media_type, body) VALUES (?, ?, ?)",
                (manifest.digest, manifest.media_type, manifest.body),
            )
        number = self._number(target)
        if self._lately[0] != number:
            self._lately = number, set()
        lately = self._lately[1]
        for blob in manifest.blobs:
            if blob.digest not in lately:
                lately.add(blob.digest)
                self._need(blob, self._number(source), number, target.registry)

    def _need(self, blob: Descriptor, source: int, target: int, place: str) -> None:
        self._insert(
            "INSERT INTO needs (place, digest, size, source, target) VALUES (?, ?, ?, ?, ?)",
            (
                self._number(Reference(place)),
                _packed(blob.digest),
                blob.size,
                source,
                target,
            ),
        )

    def sort_out(self) -> None:
        """Find each blob once. Nothing can be added after this."""
        if self._sorted_out:
            return
        self._sorted_out = True
        self._flush()
        with _room():
            self._db.executescript(_BLOBS)

    def know(self, first: int, there: Sequence[bool | None]) -> None:
        """Note of the blobs from the place `first` on whether their targets have them."""
        rows = [(is_there, first + 1 + n) for n, is_there in enumerate(there)]
        with _room():
            self._db.execute("BEGIN")
            self._db.executemany("UPDATE blobs SET there = ? WHERE id = ?", rows)
            self._db.execute("COMMIT")

    def _insert(self, statement: str, row: _Row) -> None:
        rows = self._waiting.setdefault(statement, [])
        rows.append(row)
        if len(rows) >= _ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        with _room():
            self._db.execute("BEGIN")
            for statement, rows in self._waiting.items():
                self._db.executemany(statement, rows)
            self._db.execute("COMMIT")
        self._waiting.clear()

    def _number(self, reference: Reference) -> int:
        """Return the number of a repository."""
        key = reference.registry, reference.repository
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._repositories)
            self._repositories.append(key)
        return number

    def _place(self, target: Reference) -> tuple[int, str]:
        version = f"{target.tag}@{target.digest}" if target.digest else target.tag
        return self._number(target), version

    def _kind(self, problem: TransshipError) -> int:
        kind = type(problem)
        if kind not in self._errors:
            self._errors.append(kind)
        return self._errors.index(kind)

    # What comes out

    def ids(self, verdicts: Iterable[Verdict]) -> Iterator[int]:
        """Give the numbers of the copies with one of these verdicts, in order."""
        rows = self._db.execute(
            f"SELECT id FROM copies WHERE verdict IN ({_words(verdicts)}) ORDER BY id"  # noqa: S608
        )
        return (number for (number,) in rows)

    def copies(self, first: int, last: int, verdicts: Iterable[Verdict]) -> list[Copy]:
        """Return the copies with these numbers, both inclusive, and one of these verdicts."""
        rows = self._db.execute(
            "SELECT * FROM copies WHERE id BETWEEN ? AND ? "  # noqa: S608 - words of our own
            f"AND verdict IN ({_words(verdicts)}) ORDER BY id",
            (first, last),
        )
        return [self._copy(*row) for row in rows]

    def blobs(self, first: int, count: int) -> list[BlobWork]:
        """Return so many blobs, from the place `first` on."""
        rows = self._db.execute(
            "SELECT digest, size, source, target, copies, there FROM blobs "
            "JOIN needs ON needs.id = need WHERE blobs.id BETWEEN ? AND ? ORDER BY blobs.id",
            (first + 1, first + count),
        )
        return [self._blob(*row) for row in rows]

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608

    def counts(self) -> dict[Verdict, int]:
        """Return how many copies there are of each verdict."""
        rows = self._db.execute("SELECT verdict, count(*) FROM copies GROUP BY verdict")
        return {Verdict(verdict): count for verdict, count in rows}

    def amounts(self) -> tuple[int, int]:
        """Return the bytes of all blobs in all repositories that need them, and those to move."""
        total, to_move = self._db.execute(
            "SELECT coalesce(sum(size * copies), 0), "
            "coalesce(sum(CASE WHEN there THEN 0 ELSE size END), 0) "
            "FROM blobs JOIN needs ON needs.id = need"
        ).fetchone()
        return int(total), int(to_move)

    def targets(self, verdicts: Iterable[Verdict]) -> frozenset[tuple[str, str]]:
        """Return the repositories of the copies with one of these verdicts, by place and name."""
        rows = self._db.execute(
            f"SELECT DISTINCT target FROM copies WHERE verdict IN ({_words(verdicts)})"  # noqa: S608
        )
        return frozenset(self._repositories[number] for (number,) in rows)

    def manifests_read(self) -> Iterator[tuple[str, int]]:
        """Give how many manifests were read in each repository, by the repository's place."""
        rows = self._db.execute("SELECT source, count(*) FROM manifests_read GROUP BY source")
        return ((self._repositories[number][0], count) for number, count in rows)

    def digests(self) -> Iterator[Digest]:
        """Give the digests of the manifests, in order."""
        rows = self._db.execute("SELECT digest FROM manifests ORDER BY id")
        return (digest for (digest,) in rows)

    def manifest(self, digest: Digest) -> Manifest | None:
        """Return a manifest, None when it isn't among them."""
        query = "SELECT body, media_type FROM manifests WHERE digest = ?"
        row = self._db.execute(query, (digest,)).fetchone()
        return parse_manifest(row[0], row[1], digest) if row else None

    def _copy(
        self,
        number: int,
        source: int,
        source_tag: str,
        source_digest: Digest | None,
        target: int,
        target_tag: str,
        target_digest: Digest | None,
        digest: Digest | None,
        previous: Digest | None,
        verdict: str,
        reason: str,
        subject: Digest | None,
        error: int | None,
        detail: str,
        remedy: str,
        seen_at: float | None,
        moving: int,
        unseen: int,
    ) -> Copy:
        return Copy(
            id=number,
            source=Reference(*self._repositories[source], source_tag, source_digest),
            target=Reference(*self._repositories[target], target_tag, target_digest),
            digest=digest,
            previous=previous,
            verdict=_VERDICTS[verdict],
            reason=reason,
            subject=subject,
            problem=None if error is None else _error(self._errors[error], detail, remedy),
            seen_at=seen_at,
            moving=bool(moving),
            unseen=bool(unseen),
        )

    def _blob(
        self, packed: bytes, size: int, source: int, target: int, copies: int, there: int | None
    ) -> BlobWork:
        place, home = self._repositories[target]
        return BlobWork(
            target=place,
            digest=_unpacked(packed),
            size=size,
            source=Reference(*self._repositories[source]),
            home=home,
            others=self._others(place, packed) if copies > 1 else (),
            there=None if there is None else bool(there),
        )

    def _others(self, place: str, packed: bytes) -> tuple[str, ...]:
        rows = self._db.execute(
            "SELECT target FROM needs WHERE place = ? AND digest = ? "
            "GROUP BY target ORDER BY min(id) LIMIT -1 OFFSET 1",
            (self._number(Reference(place)), packed),
        )
        return tuple(self._repositories[number][1] for (number,) in rows)


_VERDICTS = {verdict.value: verdict for verdict in Verdict}


def _error(kind: type[TransshipError], detail: str, remedy: str) -> TransshipError:
    problem = kind(detail)
    problem.remedy = remedy
    return problem


def _words(verdicts: Iterable[Verdict]) -> str:
    return ", ".join(f"'{verdict.value}'" for verdict in verdicts)


def _packed(digest: Digest) -> bytes:
    """Return a digest in half the room; its length tells the algorithm."""
    return bytes.fromhex(digest.partition(":")[2])


def _unpacked(packed: bytes) -> Digest:
    return Digest(f"sha{8 * len(packed)}:{packed.hex()}")


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if "full" not in str(error):
            raise
        raise DiskFull(
            "the folder for temporary files",
            remedy="Make room there, or let TMPDIR name a folder that has some, and start again.",
        ) from error
