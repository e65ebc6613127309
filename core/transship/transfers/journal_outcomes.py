"""What a journal keeps of what becomes of the copies and the blobs.

What has to be in the file before somebody acts on it is written at once, or waited for
(`committed`). The rest may be gathered: a process that is killed before that is written leaves the
journal as one that is killed a moment earlier, before it has heard of what it would have written.
That has to come out right in any case. What the next process makes of it is said below.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from transship.errors import TransshipError
from transship.oci.digest import Digest
from transship.oci.manifest import Manifest
from transship.text import safe
from transship.transfers.journal_file import JournalFile
from transship.transfers.rows import MOVED, MOVED_UNSEEN
from transship.transfers.work import Copy, Verdict


@dataclass(frozen=True, slots=True)
class Session:
    """An upload session that a place is known to hold, up to `offset` bytes."""

    location: str
    offset: int


class OutcomeJournal(JournalFile):
    """The part of a journal that a runner writes while it carries out its worklist."""

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

    def uploading(self, target: str, repository: str, digest: Digest, session: Session) -> None:
        """Keep how far an upload session is."""
        self._open = None
        self._write(
            "INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?)",
            (target, repository, digest, session.location, session.offset),
        )

    def upload(self, target: str, repository: str, digest: Digest) -> Session | None:
        """Return the upload session that was kept for a blob, or None."""
        # Asked of every blob, and few have one. Who gathers is the only one to write them.
        if self._gathers and (target, repository, digest) not in self._begun_uploads():
            return None
        row = self._db.execute(
            "SELECT location, offset FROM uploads "
            "WHERE target = ? AND repository = ? AND digest = ?",
            (target, repository, digest),
        ).fetchone()
        return Session(*row) if row else None

    def uploads(self) -> list[tuple[str, str, Session]]:
        """Return all upload sessions that are open: place, repository, session."""
        rows = self._db.execute("SELECT target, repository, location, offset FROM uploads")
        return [(target, repository, Session(*session)) for target, repository, *session in rows]

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
