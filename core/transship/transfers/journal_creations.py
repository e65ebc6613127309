"""What a journal keeps of what has to be created at the targets before it is written there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from transship.registries.creation_options import NO_OPTIONS, CreationOptions
from transship.registries.foreseeing import Missing
from transship.registries.visibility import Visibility
from transship.text import safe
from transship.transfers.journal_file import JournalFile
from transship.transfers.work import Creation, Need

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
class KeptCreation:
    """One thing that is to be created, once for all that need it; `detail` says why it failed."""

    creation: Creation
    state: Created
    detail: str = ""


class CreationJournal(JournalFile):
    """The part of a journal that is about creations."""

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

    def needed(self, target: str, repository: str) -> KeptCreation | None:
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

    def creations(self, *states: Created) -> list[KeptCreation]:
        """Return what was to be created, each once: all, or what is in one of these states."""
        rows = self._db.execute(
            f"SELECT DISTINCT {_COLUMNS} FROM creations {_WITH_OPTIONS} "  # noqa: S608
            "ORDER BY target, kind, name"
        )
        kept = map(_kept, rows)
        return [each for each in kept if not states or each.state in states]


def _kept(row: tuple[str, str, str, str, str, str, bytes | None]) -> KeptCreation:
    target, kind, name, visibility, state, detail, kept = row
    options = msgspec.json.decode(kept, type=CreationOptions) if kept else NO_OPTIONS
    creation = Creation(target, Missing(kind, name), Visibility(visibility), options)
    return KeptCreation(creation, Created(state), detail)
