"""How a journal takes in a worklist: whole or not at all, and a part at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice

from transship.transfers.journal_creations import CreationJournal
from transship.transfers.rows import row_of
from transship.transfers.work import Worklist

_ROWS_AT_ONCE = 1_000
"""How many rows are written together, so that it takes some hundredths of a second."""

_Row = tuple[object, ...]


class WorklistJournal(CreationJournal):
    """The part of a journal that keeps what there is to be done."""

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
