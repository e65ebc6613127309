"""What is known of a watch: one small file for each plan, and a lock that its process holds.

Tells too which watched plans write where a job wrote.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from transship import locks
from transship.errors import AlreadyWatched, TransshipError
from transship.oci.reference import Reference
from transship.paths import private_folder
from transship.plans.decode import Resolve
from transship.plans.file import read_plan, write_text
from transship.plans.plan import Plan
from transship.watch.offline import OfflineRegistry
from transship.watch.schedule import RetrySchedule

_SUFFIX = ".json"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class WatchRound(msgspec.Struct, frozen=True):
    """One look at a plan. Times in seconds since the epoch.

    `found` are the images that were looked at, `changed` those that were to be copied or deleted,
    `blocked` those that can't be. `job` is empty when there was nothing to do. `problem` (title,
    detail, remedy) is why the look failed, or what it left undone.
    """

    began: float
    ended: float
    found: int = 0
    changed: int = 0
    blocked: int = 0
    job: str = ""
    problem: tuple[str, str, str] | None = None


class WatchRecord(msgspec.Struct, frozen=True):
    """A watch at one moment.

    `plan` is the plan's file, `schedule` when it is looked at in words, `next` when that is next.
    `jobs` are those that haven't ended. `away` are the registries that couldn't be looked at, and
    `trials` what failed lately, by its target: both are left alone for a while, as long as the plan
    is the one of which `mark` was made. `listening` is the address where notifications are taken,
    `taken` and `refused` count them. `waiting` is how many images failed and are tried again.
    """

    plan: str
    pid: int = 0
    started: float = 0.0
    schedule: str = ""
    next: float | None = None
    last: WatchRound | None = None
    jobs: tuple[str, ...] = ()
    listening: str = ""
    taken: int = 0
    refused: int = 0
    waiting: int = 0
    away: tuple[OfflineRegistry, ...] = ()
    trials: tuple[tuple[Reference, RetrySchedule], ...] = ()
    mark: str = ""


@dataclass(frozen=True, slots=True)
class WatchFile:
    """Where the record of one plan's watch is kept."""

    path: Path

    @classmethod
    def of(cls, folder: Path, plan: Path) -> WatchFile:
        """Return the file for the plan in the file `plan`, whichever way leads there."""
        full = plan.resolve()
        mark = hashlib.sha256(os.fsencode(full)).hexdigest()[:8]
        name = _NOT_IN_NAMES.sub("-", full.stem)[:64]
        return cls(folder / f"{name}-{mark}{_SUFFIX}")

    def read(self) -> WatchRecord | None:
        """Return what is known; None when nothing is, or what was can't be read any more."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=WatchRecord)
        except (OSError, msgspec.MsgspecError):
            return None

    def write(self, record: WatchRecord) -> None:
        """Keep what is known: all of it or nothing. Raises DiskFull and SystemRefused."""
        write_text(self.path, msgspec.json.encode(record).decode() + "\n")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the watch for this process. Raises AlreadyWatched when another one does.

        The lock goes with the process, however that ends.
        """
        private_folder(self.path.parent)
        with locks.held(self._lock) as ours:
            if not ours:
                record = self.read()
                who = f"{record.plan}, by process {record.pid}" if record else str(self.path)
                raise AlreadyWatched(who)
            yield

    @property
    def is_held(self) -> bool:
        """Whether a process watches at this moment."""
        return locks.is_held(self._lock)

    @property
    def _lock(self) -> Path:
        return self.path.with_suffix(".lock")


def watches(folder: Path) -> list[tuple[WatchRecord, bool]]:
    """Return the watches there have been, by plan, and whether each still goes on."""
    files = [WatchFile(path) for path in sorted(folder.glob(f"*{_SUFFIX}"))]
    found = [(file.read(), file.is_held) for file in files]
    return [(record, held) for record, held in found if record is not None]


def conflicting_watchers(plan: Plan, folder: Path, resolve: Resolve) -> list[str]:
    """Return the files of the plans that are watched now and write where `plan` writes.

    `folder` keeps what is known of watches; `resolve` returns the place that a plan's file writes
    down. What can't be read can't be compared, and is left out.
    """
    targets = {target.registry for target in plan.targets}
    found: list[str] = []
    for record, goes_on in watches(folder):
        if goes_on and targets & _targets_of(Path(record.plan), resolve):
            found.append(record.plan)
    return found


def _targets_of(file: Path, resolve: Resolve) -> set[str]:
    try:
        return {target.registry for target in read_plan(file, resolve).targets}
    except TransshipError:
        return set()
