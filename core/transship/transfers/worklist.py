"""From what is where to what is to be done.

`make_worklist` is pure: the same inventory gives the same worklist, which the preview shows and
the runner executes. A large one keeps its rows in a temporary database, and is read a page at a
time.
"""

from __future__ import annotations

import sqlite3
import weakref
from abc import abstractmethod
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TypeVar, overload

from transship.errors import DiskFull, TagConflict, TransshipError
from transship.oci.digest import Digest, short
from transship.oci.manifest import Descriptor, Manifest, parse_manifest
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict
from transship.transfers.copies import BlobWork, Copy, Found, Need, Verdict, Worklist
from transship.transfers.preflight import Preflight

Replaces = Mapping[Reference, str]
"""What tags at a target must point at to be written; empty: there must be no such tag."""

Written = Mapping[Reference, tuple[Reference, Digest | None]]
"""What is written, or stands already, at each target: from which source, and its digest."""

_ONE_OF_TWO = "Leave one of the two out, or give it another name at the target (`to`, `map`)."
TRUSTED = "trusted: believed to be as the last job left it, not asked for"
"""Why a copy counts as the same whose target wasn't asked."""
NOT_ASKED_TO_DELETE = "gone at the source; deleted only when that is asked for"
"""Why a run leaves a tag that its plan lets vanish."""


def make_worklist(
    inventory: Iterable[Found],
    on_conflict: OnConflict = OnConflict.OVERWRITE,
    before: Written | None = None,
    replaces: Replaces | None = None,
    foresight: Preflight | None = None,
) -> Worklist:
    """Return every copy with its verdict, and every blob once per target.

    Copies keep the order of the inventory; the same target is written once, by the first that
    asks for it. `before` is what the job has seen to already, `foresight` what the targets say that
    they would refuse.
    """
    draft = WorklistDraft(on_conflict, before=before, replaces=replaces, foresight=foresight)
    draft.add(inventory)
    return draft.finished()


class WorklistDraft:
    """A worklist in the making: findings go in as they come, in the order of the inventory.

    Nothing of them is held in memory, so that it doesn't matter how many they are. A run that
    wasn't asked to delete (`deletes`) only names what it would.
    """

    def __init__(
        self,
        on_conflict: OnConflict = OnConflict.OVERWRITE,
        *,
        before: Written | None = None,
        replaces: Replaces | None = None,
        deletes: bool = True,
        foresight: Preflight | None = None,
    ) -> None:
        self._on_conflict = on_conflict
        self._before = before or {}
        self._replaces = replaces or {}
        self._deletes = deletes
        self._foresight = foresight
        self._scratch = Scratch()
        self._needs: dict[tuple[str, str], Need] = {}

    def add(self, inventory: Iterable[Found]) -> None:
        """Judge what was found, and note what is needed for it."""
        for found in inventory:
            self._scratch.read(found.source, found.manifests)
            copy = self._judged(found)
            if copy is None:
                continue
            self._scratch.add(copy)
            if copy.verdict.moves:
                for manifest in found.manifests:
                    self._scratch.need(copy.source, copy.target, manifest)

    def manifests_read(self) -> Counter[str]:
        """Count the manifests that were read at each source: each once per repository."""
        counts: Counter[str] = Counter()
        for place, count in self._scratch.manifests_read():
            counts[place] += count
        return counts

    def blobs(self) -> StoredBlobs:
        """Return every blob that is needed, once per target. Nothing can be added any more."""
        self._scratch.sort_out()
        return StoredBlobs(self._scratch)

    def know(self, first: int, there: Sequence[bool | None]) -> None:
        """Note of the blobs from the place `first` on whether their targets have them."""
        self._scratch.know(first, there)

    def finished(self) -> StoredWorklist:
        """Return the worklist. Nothing can be added any more."""
        self._scratch.sort_out()
        return StoredWorklist(self._scratch, tuple(self._needs.values()))

    def _judged(self, found: Found) -> Copy | None:
        copy = _judged(self._scratch.length + 1, found, self._scratch, self._before)
        if copy is None:
            return None
        if copy.verdict is Verdict.DELETE and not self._deletes:
            return replace(copy, verdict=Verdict.SKIP, reason=NOT_ASKED_TO_DELETE)
        if copy.verdict is Verdict.COPY:
            copy = _moved(copy, self._on_conflict, self._replaces.get(copy.target))
        return self._foreseen(found, copy) if copy.verdict.moves else copy

    def _foreseen(self, found: Found, copy: Copy) -> Copy:
        """Return the copy, blocked if its target is known to refuse it."""
        refused = self._foresight.refusal(found) if self._foresight else None
        if refused is None:
            return self._in_new(found, copy)
        return replace(copy, verdict=Verdict.BLOCKED, reason=str(refused), problem=refused)

    def _in_new(self, found: Found, copy: Copy) -> Copy:
        """Return the copy, with what is created for it."""
        creation = self._foresight.creation(found) if self._foresight else None
        if creation is None:
            return copy
        key = copy.target.registry, copy.target.repository
        self._needs.setdefault(key, Need(copy.target.repository, creation))
        reasons = filter(None, (copy.reason, f"in {creation}, which is created"))
        return replace(copy, reason="; ".join(reasons))


def _judged(
    number: int,
    found: Found,
    scratch: Scratch,
    before: Written,
) -> Copy | None:
    """Return the copy with its verdict, or None when the same copy is in the list already.

    What the target has under another digest is still to be copied.
    """
    copy = Copy(
        id=number,
        source=found.source,
        target=found.target,
        digest=found.digest,
        previous=found.target_digest,
        verdict=Verdict.COPY,
        reason=found.note,
        subject=found.subject,
        problem=found.problem,
        seen_at=found.seen_at,
    )
    if found.problem is not None:
        return replace(copy, verdict=Verdict.BLOCKED, reason=str(found.problem))
    if found.unwanted:
        return replace(copy, verdict=Verdict.SKIP, reason=found.unwanted)
    if found.vanished and found.target in before:
        return None
    if found.vanished:
        return replace(copy, verdict=Verdict.DELETE)
    if found.believed:
        return replace(copy, verdict=Verdict.SAME, reason="immutable: believed, not asked for")
    earlier_source, earlier_digest = before.get(found.target, (found.source, None))
    written = scratch.written(found.target)
    if found.digest == earlier_digest or written == (found.digest,):
        return None
    if written is not None or earlier_source != found.source:
        problem = TagConflict(
            f"{found.target} is written from another source in the same job", remedy=_ONE_OF_TWO
        )
        return replace(copy, verdict=Verdict.BLOCKED, reason=str(problem), problem=problem)
    scratch.write(found.target, found.digest)
    if found.target_digest == found.digest:
        reason = TRUSTED if found.trusted else copy.reason
        return replace(copy, verdict=Verdict.SAME, reason=reason) if found.listed else copy
    return copy


def _moved(copy: Copy, on_conflict: OnConflict, expected: str | None) -> Copy:
    """Return the copy as what its tag points at lets it be; it may have to be `expected`."""
    if copy.previous == copy.digest:
        return copy
    if expected is not None and expected != (copy.previous or ""):
        return _conflicting(
            copy, OnConflict.SKIP if on_conflict is OnConflict.SKIP else OnConflict.FAIL
        )
    if copy.previous is None:
        return copy
    return _conflicting(copy, OnConflict.OVERWRITE if expected is not None else on_conflict)


def _conflicting(copy: Copy, on_conflict: OnConflict) -> Copy:
    was = f"the target has {short(copy.previous) if copy.previous else 'no such tag'}"
    if on_conflict is OnConflict.OVERWRITE:
        reason = f"{copy.reason}; {was}" if copy.reason else was
        return replace(copy, verdict=Verdict.OVERWRITE, reason=reason)
    if on_conflict is OnConflict.SKIP:
        return replace(copy, verdict=Verdict.SKIP, reason=f"{was}, and is left as it is")
    problem = TagConflict(f"{copy.target}: {was}, the source {short(copy.digest or '')}")
    return replace(copy, verdict=Verdict.CONFLICT, reason=str(problem), problem=problem)


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


_PAGE = 256
"""How many rows are read at once: more than a screen has lines."""

_T = TypeVar("_T")


class RowPages(Sequence[_T]):
    """Rows that are read as they are asked for; the page that was read last is remembered."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._read: tuple[int, Sequence[_T]] = (-1, ())

    @abstractmethod
    def page(self, first: int, count: int) -> list[_T]:
        """Return the rows from the place `first` on, `count` of them or what is left."""

    def pages(self, size: int = _PAGE) -> Iterator[tuple[int, list[_T]]]:
        """Give all rows, so many at a time, each time with the place of the first."""
        for first in range(0, self._length, size):
            yield first, self.page(first, size)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[_T]:
        for _, rows in self.pages():
            yield from rows

    @overload
    def __getitem__(self, index: int) -> _T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[_T]: ...
    def __getitem__(self, index: int | slice) -> _T | Sequence[_T]:
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(self._length)))
        place = range(self._length)[index]
        page, offset = divmod(place, _PAGE)
        number, rows = self._read
        if number != page:
            rows = self.page(page * _PAGE, _PAGE)
            self._read = page, rows
        return rows[offset]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(
            one == another for one, another in zip(self, other, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # As a list: what is equal may be of another type.


class StoredCopies(RowPages[Copy]):
    """The copies, or those with some verdicts, in order."""

    def __init__(self, scratch: Scratch, verdicts: Sequence[Verdict] | None = None) -> None:
        self._scratch = scratch
        self._verdicts = tuple(Verdict) if verdicts is None else verdicts
        self._ids: Sequence[int] = (
            range(1, scratch.length + 1) if verdicts is None else array("Q", scratch.ids(verdicts))
        )
        super().__init__(len(self._ids))

    def page(self, first: int, count: int) -> list[Copy]:
        """Return the copies from the place `first` on."""
        ids = self._ids[first : first + count]
        return self._scratch.copies(ids[0], ids[-1], self._verdicts) if ids else []


class StoredBlobs(RowPages[BlobWork]):
    """The blobs, in the order in which they are needed first."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        super().__init__(scratch.count("blobs"))

    def page(self, first: int, count: int) -> list[BlobWork]:
        """Return the blobs from the place `first` on."""
        return self._scratch.blobs(first, count)


class StoredManifests(Mapping[Digest, Manifest]):
    """The manifests to be written, by digest, children before their parents."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch

    def __getitem__(self, digest: Digest) -> Manifest:
        manifest = self._scratch.manifest(digest)
        if manifest is None:
            raise KeyError(digest)
        return manifest

    def __iter__(self) -> Iterator[Digest]:
        return self._scratch.digests()

    def __len__(self) -> int:
        return self._scratch.count("manifests")


class StoredWorklist(Worklist):
    """A worklist in a scratch database, which adds up what others would have to walk through."""

    _scratch: Scratch

    def __init__(self, scratch: Scratch, needs: Sequence[Need] = ()) -> None:
        super().__init__(
            StoredCopies(scratch), StoredBlobs(scratch), StoredManifests(scratch), needs
        )
        object.__setattr__(self, "_scratch", scratch)  # As a frozen dataclass does it.

    @cached_property
    def counts(self) -> Mapping[Verdict, int]:
        """How many copies there are of each verdict."""
        return Counter(self._scratch.counts())

    @cached_property
    def bytes_total(self) -> int:
        """The bytes of every blob in every repository that needs it: what a naive copy sends."""
        return self._scratch.amounts()[0]

    @cached_property
    def bytes_to_move(self) -> int:
        """The bytes that are sent, as far as is known: each blob once, and none that is there."""
        return self._scratch.amounts()[1]

    @cached_property
    def written_to(self) -> frozenset[tuple[str, str]]:
        """The repositories that something is written to, by place and name."""
        return self._scratch.targets(verdict for verdict in Verdict if verdict.moves)

    def of(self, *verdicts: Verdict) -> Sequence[Copy]:
        """Return the copies with one of these verdicts, in order."""
        return StoredCopies(self._scratch, verdicts)
