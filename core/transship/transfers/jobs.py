"""Jobs: one folder each, with its plan, its journal and a lock that its runner holds."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from transship import __version__, locks
from transship.errors import JobBusy, JobNotFound
from transship.operator import this_operator
from transship.paths import private_folder
from transship.plans.file import read_plan, write_plan
from transship.plans.plan import Plan
from transship.transfers.journal import Journal

_ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # None that look like another.


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `id` is the name of its folder."""

    folder: Path

    @property
    def id(self) -> str:
        """The job's name."""
        return self.folder.name

    @property
    def runner_log(self) -> Path:
        """Where the runner writes what it can't put into the journal."""
        return self.folder / "runner.log"

    def plan(self) -> Plan:
        """Return what the job is to do."""
        return read_plan(self.folder / "plan.toml")

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """Open the job's journal."""
        journal = Journal(self.folder / "journal.sqlite")
        try:
            yield journal
        finally:
            journal.close()

    def stamp(self) -> tuple[tuple[int, int], ...]:
        """Return what changes whenever plan or journal are written, without opening either."""
        names = ("plan.toml", "journal.sqlite", "journal.sqlite-wal")
        return tuple(_stamp(self.folder / name) for name in names)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the job for one process. Raises JobBusy when another one holds it.

        The lock goes with the process, however that ends.
        """
        with locks.held(self._lock) as ours:
            if not ours:
                raise JobBusy(self.id)
            yield

    @property
    def is_held(self) -> bool:
        """Whether a process works on the job at this moment."""
        return locks.is_held(self._lock)

    @property
    def _lock(self) -> Path:
        return self.folder / "lock"


class JobStore:
    """All jobs below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, plan: Plan, *, deletes: bool = False, trusts: bool = False) -> Job:
        """Make the folder of a new job. It deletes what its plan says only if it `deletes`.

        If it `trusts`, targets are believed to be as the last job with this plan left them.
        """
        private_folder(self._folder)
        while True:
            name = "".join(secrets.choice(_ID_LETTERS) for _ in range(6))
            try:
                (self._folder / name).mkdir(mode=0o700)
                break
            except FileExistsError:
                continue
        job = Job(self._folder / name)
        write_plan(job.folder / "plan.toml", plan)
        with job.journal() as journal:
            journal.note(
                created=time.time(),
                state="waiting",
                kind=plan.kind,
                by=this_operator(),
                version=__version__,
                deletes=int(deletes) or "",
                trusts=int(trusts) or "",
            )
        return job

    def all(self) -> list[Job]:
        """Return all jobs, the newest first."""
        if not self._folder.is_dir():
            return []
        jobs = [Job(path) for path in self._folder.iterdir() if (path / "plan.toml").is_file()]
        return sorted(
            jobs, key=lambda job: (job.folder / "plan.toml").stat().st_mtime, reverse=True
        )

    def find(self, name: str) -> Job:
        """Return the job whose id is, or clearly begins with, `name`. Raises JobNotFound."""
        found = [job for job in self.all() if name and job.id.startswith(name)]
        exact = [job for job in found if job.id == name]
        if len(exact or found) != 1:
            which = ", ".join(job.id for job in found) or "none"
            raise JobNotFound(f"{name!r} (begins like it: {which})")
        return (exact or found)[0]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    # Whoever reads a journal makes an empty log beside it, and takes it away again.
    return (found.st_mtime_ns, found.st_size) if found.st_size else (0, 0)
