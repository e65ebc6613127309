"""What a journal keeps of the undoing of its job: who, when, and each tag before it is touched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.text import safe
from transship.transfers.journal_file import JournalFile


class Restored(StrEnum):
    """What became of one tag in an undo."""

    BEGUN = "begun"
    """It was about to be written, and nothing was heard of it since."""
    DONE = "done"
    """It is as it was before the job."""
    LEFT = "left"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class KeptUndo:
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
class KeptRestore:
    """One tag of an undo. `detail` says why it was left, or what failed."""

    tag: str
    act: str
    was: str | None
    digest: str | None
    restored: Restored
    detail: str
    at: float


class UndoJournal(JournalFile):
    """The part of a journal that an undo writes."""

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

    def restores(self, *only: Restored) -> list[KeptRestore]:
        """Return the tags that undoing has come to, all or those of which this became."""
        rows = self._db.execute(
            "SELECT tag, act, was, digest, state, detail, at FROM undone ORDER BY at, tag"
        )
        kept = (
            KeptRestore(tag, act, was, digest, Restored(state), detail, at)
            for tag, act, was, digest, state, detail, at in rows
        )
        return [each for each in kept if not only or each.restored in only]

    def undo(self) -> KeptUndo | None:
        """Return how far the job is undone, or None if nobody has begun to."""
        began, ended = self.fact("undo_began"), self.fact("undo_ended")
        if not began:
            return None
        counts = dict(self._db.execute("SELECT state, count(*) FROM undone GROUP BY 1"))
        return KeptUndo(
            by=self.fact("undo_by"),
            began=float(began),
            ended=float(ended) if ended else None,
            restored=counts.get(Restored.DONE, 0),
            left=counts.get(Restored.LEFT, 0),
            failed=counts.get(Restored.FAILED, 0) + counts.get(Restored.BEGUN, 0),
        )
