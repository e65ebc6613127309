"""What a journal keeps of the operator's wishes: control goes this way, from screen to runner."""

from __future__ import annotations

from transship.transfers.journal_file import JournalFile


class WishJournal(JournalFile):
    """The part of a journal that the operator writes."""

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
