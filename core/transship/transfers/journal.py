"""The journal of a job: one SQLite file, the only thing that runner and screens share.

What must survive a crash is written here before it is acted on; what needn't is written together,
a moment later. The runner writes; everyone may read at any time (WAL), and whoever writes reads
what it has said so far. Control goes the other way through `wishes`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from transship.oci.digest import Digest
from transship.oci.manifest import Manifest, parse_manifest
from transship.oci.reference import Reference, parse_reference
from transship.text import safe
from transship.transfers.journal_outcomes import OutcomeJournal
from transship.transfers.journal_undo import UndoJournal
from transship.transfers.journal_wishes import WishJournal
from transship.transfers.journal_worklist import WorklistJournal
from transship.transfers.rows import (
    BYTES_UNDER_WAY,
    COPY_COLUMNS,
    EVENTS,
    copy_in,
)
from transship.transfers.work import BlobWork, Copy, JobState, State, Verdict


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


class Journal(WorklistJournal, OutcomeJournal, UndoJournal, WishJournal):
    """One job's journal. Open it anew in each process; close it when done."""

    # The worklist

    def copies(self, state: State | None = None) -> list[Copy]:
        """Return the copies in the order of the worklist, all or those in one state."""
        rows = self._ask(
            f"SELECT {COPY_COLUMNS} FROM copies WHERE ?1 IS NULL OR state = ?1 ORDER BY id",  # noqa: S608
            (state,),
        )
        return [copy_in(row) for row in rows]

    def written(self) -> dict[Reference, tuple[Reference, Digest | None]]:
        """Return what the job has seen to at each target, but for what failed."""
        copies = (copy for copy, state, _ in self.outcomes() if state is not State.FAILED)
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

    def outcomes(self) -> Iterator[tuple[Copy, State, str]]:
        """Give each copy with its state and, where it failed, the error in words."""
        rows = self._ask(
            f"SELECT {COPY_COLUMNS}, state, title, detail FROM copies ORDER BY id"  # noqa: S608
        )
        for row in rows:
            words = ": ".join(part for part in row[11:13] if part)
            yield copy_in(row[:10]), State(row[10]), words

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

    def outcomes_of(self, ids: Sequence[int]) -> Iterator[tuple[Copy, State, str, str, str]]:
        """Give the copies with these numbers: state, and title, detail and remedy of errors."""
        rows = self._ask(
            f"SELECT {COPY_COLUMNS}, state, coalesce(title, ''), coalesce(detail, ''), "  # noqa: S608
            "coalesce(remedy, '') FROM copies "
            "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps(list(ids)),),
        )
        for row in rows:
            yield copy_in(row[:10]), State(row[10]), row[11], row[12], row[13]

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

    def counts(self) -> dict[tuple[State, Verdict], int]:
        """Return how many copies are in each state, by verdict."""
        rows = self._ask(
            "SELECT state, verdict, sum(copies) FROM tallies WHERE copies > 0 GROUP BY 1, 2"
        )
        return {(State(state), Verdict(verdict)): count for state, verdict, count in rows}

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
