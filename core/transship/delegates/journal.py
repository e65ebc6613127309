"""The journal of what was changed at engines: one folder per delegation, kept to be undone.

`changes.json` is what was agreed to. `journal.jsonl` has a line for each step, which is on the disk
before the step is taken. No secret is in either.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import msgspec

from transship import errors
from transship.clock import Clock
from transship.delegates.changes import Change, ChangeSet, Settings
from transship.locks import held
from transship.paths import private_file, private_folder

_CHANGES = "changes.json"
_JOURNAL = "journal.jsonl"
_LOCK = "lock"
_T = TypeVar("_T")


class Step(StrEnum):
    """How far a change got."""

    WAITING = "waiting"
    """It wasn't begun."""
    BEGUN = "begun"
    """It was sent, or was about to be: whether it was made isn't known."""
    MADE = "made"
    FAILED = "failed"


class Agreed(msgspec.Struct, frozen=True):
    """What the operator agreed to.

    `engine` and `host` say where, `who` which engine by its kind. `undoes` is the id of the
    delegation that it takes back, empty when it does something new.
    """

    who: str
    host: str
    engine: str
    purpose: str
    created: float
    changes: tuple[Change, ...]
    undoes: str = ""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the journal: when (seconds since the epoch), which change (from 0), and what.

    `found` is what was read there after it was made.
    """

    at: float
    change: int
    step: Step
    why: str = ""
    found: Settings | None = None


@dataclass(frozen=True, slots=True)
class Delegation:
    """One delegation, as its journal tells. `lines` are the last of each change, by its number."""

    id: str
    agreed: Agreed
    lines: tuple[Line | None, ...]

    def step(self, number: int) -> Step:
        """Return how far a change got."""
        line = self.lines[number]
        return line.step if line else Step.WAITING

    @property
    def is_whole(self) -> bool:
        """Whether each change was made."""
        return all(self.step(number) is Step.MADE for number in range(len(self.lines)))


class Journal:
    """All delegations, below one folder.

    All methods raise BadFile when a file can't be read, written or understood.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def begin(self, who: str, host: str, changes: ChangeSet, *, undoes: str = "") -> str:
        """Keep what was agreed to, and return the id of the delegation."""
        created = self._clock.now()
        day = datetime.fromtimestamp(created, UTC).strftime("%Y%m%d")
        identity = f"{day}-{secrets.token_hex(3)}"
        agreed = Agreed(
            who, host, changes.engine, changes.purpose, created, changes.to_make, undoes
        )
        with _said(self._folder):
            folder = private_folder(self._folder / identity)
            # Last, because a folder without it is no delegation.
            private_file(folder / _JOURNAL)
            _write(folder / _CHANGES, msgspec.json.encode(agreed))
        return identity

    def all(self) -> tuple[Delegation, ...]:
        """Return all delegations, the oldest first."""
        if not self._folder.is_dir():
            return ()
        found = (path.name for path in self._folder.iterdir() if (path / _CHANGES).is_file())
        return tuple(sorted(map(self.read, found), key=lambda each: each.agreed.created))

    def find(self, name: str) -> Delegation:
        """Return the delegation with this id, or the only one whose id begins so.

        Raises DelegationNotFound.
        """
        known = [each for each in self.all() if each.id.startswith(name)]
        exact = [each for each in known if each.id == name]
        if not exact and len(known) != 1:
            raise errors.DelegationNotFound(repr(name))
        return (exact or known)[0]

    def read(self, identity: str) -> Delegation:
        """Return a delegation as its journal tells now."""
        folder = self._folder / identity
        with _said(folder):
            agreed = _decoded((folder / _CHANGES).read_bytes(), Agreed)
            lines: list[Line | None] = [None] * len(agreed.changes)
            for text in (folder / _JOURNAL).read_bytes().splitlines(keepends=True):
                if not text.endswith(b"\n"):
                    break  # A line that a crash cut off was not acted on.
                line = _decoded(text, Line)
                lines[line.change] = line
        return Delegation(identity, agreed, tuple(lines))

    def note(
        self, identity: str, number: int, step: Step, why: str = "", found: Settings | None = None
    ) -> None:
        """Write a line to the disk."""
        line = Line(self._clock.now(), number, step, why, found)
        with _said(self._folder / identity):
            _append(self._folder / identity / _JOURNAL, msgspec.json.encode(line) + b"\n")

    @contextmanager
    def working_on(self, identity: str) -> Iterator[None]:
        """Keep other Transships from working on it meanwhile. Raises DelegationBusy."""
        with held(self._folder / identity / _LOCK) as had:
            if not had:
                raise errors.DelegationBusy(identity)
            yield


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, msgspec.MsgspecError, IndexError) as error:
        raise errors.BadFile(f"{path}: {error}") from error


def _decoded(data: bytes, kind: type[_T]) -> _T:
    return msgspec.json.decode(data, type=kind)


def _write(path: Path, data: bytes) -> None:
    fresh = private_file(path.with_name(f".{path.name}.new"))
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync_folder(path.parent)


def _append(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        whole = file.read()
        # What a crash cut off is taken away, so that the next line is one.
        file.seek(whole.rfind(b"\n") + 1)
        file.truncate()
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
