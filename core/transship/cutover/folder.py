"""Cutovers: one folder each, with its subject, its journal, and the locks of who works on it."""

from __future__ import annotations

import secrets
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import tomli_w

from transship import locks
from transship.cutover.change.settings import ManualSettings, ProviderSettings
from transship.cutover.domain import Subject, parse_domain
from transship.cutover.journal import CutoverJournal, EntryKind
from transship.errors import BadDomain, BadFile, CutoverBusy, CutoverNotFound
from transship.operator import this_operator
from transship.paths import private_folder
from transship.plans.file import write_text

LockedWork = Literal["watch", "change", "delta", "back"]
"""What only one process at a time does: `delta` copies to the new registry, `back` to the old."""

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # None that look like another.
_HEADER = "# What this cutover is about, and how its record is changed. No secrets are in here.\n\n"
_ARCHIVE = "put-away"


_BY_HAND = ManualSettings()


class _SubjectFile(msgspec.Struct, forbid_unknown_fields=True):
    subject: Subject
    change: ProviderSettings = _BY_HAND
    version: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class CutoverFolder:
    """One cutover. `id` is the name of its folder: the domain, and some letters."""

    folder: Path

    @property
    def id(self) -> str:
        """The cutover's name."""
        return self.folder.name

    def subject(self) -> Subject:
        """Return what it is about. Raises BadFile."""
        return self._file().subject

    def way(self) -> ProviderSettings:
        """Return how the record is changed. Raises BadFile."""
        return self._file().change

    def write(self, subject: Subject, way: ProviderSettings) -> None:
        """Say anew what it is about. Raises DiskFull and SystemRefused."""
        said = {
            "version": 1,
            "subject": _filled(msgspec.to_builtins(subject)),
            "change": msgspec.to_builtins(way),
        }
        write_text(self.folder / "subject.toml", _HEADER + tomli_w.dumps(said))

    @contextmanager
    def journal(self) -> Iterator[CutoverJournal]:
        """Open the cutover's journal. Raises BadFile."""
        journal = CutoverJournal(self.folder / "journal.sqlite")
        try:
            yield journal
        finally:
            journal.close()

    @contextmanager
    def locked(self, work: LockedWork) -> Iterator[None]:
        """Hold one kind of work for this process. Raises CutoverBusy when another one does it.

        The lock goes with the process, however that ends.
        """
        with locks.held(self._lock(work)) as ours:
            if not ours:
                raise CutoverBusy(f"{self.id} ({work})")
            yield

    def is_held(self, work: LockedWork) -> bool:
        """Tell whether a process does this at this moment."""
        return locks.is_held(self._lock(work))

    def _lock(self, work: LockedWork) -> Path:
        return self.folder / f"{work}.lock"

    def _file(self) -> _SubjectFile:
        path = self.folder / "subject.toml"
        try:
            return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _SubjectFile)
        except OSError as error:
            raise BadFile(f"{path}: {error.strerror}") from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise BadFile(f"{path}: {error}") from None


class CutoverStore:
    """All cutovers below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(
        self, subject: Subject, way: ProviderSettings = _BY_HAND, *, at: float | None = None
    ) -> CutoverFolder:
        """Make the folder of a new cutover. `at` is when, since the epoch; None is now."""
        private_folder(self._folder)
        while True:
            letters = "".join(secrets.choice(_LETTERS) for _ in range(6))
            cutover = CutoverFolder(self._folder / f"{subject.domain.name}-{letters}")
            try:
                cutover.folder.mkdir(mode=0o700)
                break
            except FileExistsError:
                continue
        (cutover.folder / "created").touch(mode=0o600)
        cutover.write(subject, way)
        with cutover.journal() as journal:
            journal.add(
                EntryKind.CREATED, subject, time.time() if at is None else at, this_operator()
            )
        return cutover

    def put_away(self, cutover: CutoverFolder) -> Path:
        """Move a cutover out of the way with all that was seen, and return where it is then.

        Nothing is deleted. Raises CutoverBusy while somebody works on it, and BadFile where it
        can't be moved.
        """
        away = private_folder(self._folder / _ARCHIVE) / cutover.id
        with (
            cutover.locked("change"),
            cutover.locked("watch"),
            cutover.locked("delta"),
            cutover.locked("back"),
        ):
            try:
                cutover.folder.rename(away)
            except OSError as error:
                raise BadFile(f"{cutover.folder}: {error.strerror}") from error
        return away

    def all(self) -> list[CutoverFolder]:
        """Return all cutovers, the newest first."""
        if not self._folder.is_dir():
            return []
        found = [path for path in self._folder.iterdir() if (path / "subject.toml").is_file()]
        return [CutoverFolder(path) for path in sorted(found, key=_created, reverse=True)]

    def of(self, domain: str) -> list[CutoverFolder]:
        """Return the cutovers of a domain, by its A-labels, the newest first."""
        return [each for each in self.all() if each.id.rpartition("-")[0] == domain]

    def _of_written(self, text: str) -> list[CutoverFolder]:
        try:
            domain = parse_domain(text)
        except BadDomain:
            return []
        found = self.of(domain.name)
        if ":" not in text:
            return found
        return [each for each in found if each.subject().domain.port == domain.port]

    def find(self, name: str) -> CutoverFolder:
        """Return the newest cutover of a domain, or the one whose id is, or begins with, `name`.

        A domain is written as `parse_domain` takes it. Raises CutoverNotFound.
        """
        of_domain = self._of_written(name)
        if of_domain:
            return of_domain[0]
        found = [each for each in self.all() if name and each.id.startswith(name)]
        if len(found) != 1:
            which = ", ".join(each.id for each in found) or "none"
            raise CutoverNotFound(f"{name!r} (begins like it: {which})")
        return found[0]


def _created(folder: Path) -> tuple[int, str]:
    # A file that nobody writes again.
    return (folder / "created").stat().st_mtime_ns, folder.name


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that say something, those of tables inside as well."""
    kept = {
        name: _filled(value) if isinstance(value, dict) else value for name, value in fields.items()
    }
    return {name: value for name, value in kept.items() if value not in ("", [], {}, ())}
