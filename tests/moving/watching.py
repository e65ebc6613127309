"""A watch in the test's own loop, by a clock that the test moves, between real registries."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moving.jobs import SHORT, access_to
from servers.process import comes_true
from transship.oci.reference import Reference
from transship.plans.file import read_plan, write_plan
from transship.registry.access import open_registry
from transship.transfers.job_view import read_job
from transship.transfers.jobs import Job, JobStore
from transship.watch.record import WatchFile, WatchRecord
from transship.watch.watcher import Watcher, WatchSummary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path

    from servers.registry import Registry
    from transship.plans.plan import Plan
    from transship.registry.access import Access
    from transship.registry.registry import Registry as Place

_SHORT = 2.0
_POLL_SECONDS = 0.01


@dataclass
class MovedClock:
    """A clock that stands still until it is moved. Whoever waits a moment only, waits less."""

    wall: float = 1_790_000_000.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.wall

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        # From the moment when it is called: the clock may be moved before the waiting begins.
        return self._until(self.wall + (0 if seconds <= _SHORT else seconds))

    async def _until(self, moment: float) -> None:
        await asyncio.sleep(_POLL_SECONDS)
        while self.wall < moment:
            await asyncio.sleep(_POLL_SECONDS)

    def advance(self, seconds: float) -> None:
        self.wall += seconds


@dataclass
class Reaching:
    """Leads to the registries of the tests."""

    registries: tuple[Registry, ...] = ()

    @asynccontextmanager
    async def place(self, reference: Reference, *, create: bool = False) -> AsyncIterator[Place]:
        known = {registry.host: access_to(registry) for registry in self.registries}
        access = known.get(reference.registry)
        async with aclosing(
            open_registry(Reference(reference.registry), access, create=create, patience=SHORT)
        ) as place:
            yield place

    async def accesses(self, plan: Plan) -> list[Access]:
        taking_part = {place.registry for place in plan.places}
        return [access_to(each) for each in self.registries if each.host in taking_part]


@dataclass
class Watch:
    """A watch of `folder / "shop.toml"`, its jobs and what it told."""

    folder: Path
    reach: Reaching = field(default_factory=Reaching)
    clock: MovedClock = field(default_factory=MovedClock)
    told: list[str] = field(default_factory=list)
    delete: bool = False
    listening: str = ""
    watcher: Watcher | None = None

    @property
    def path(self) -> Path:
        return self.folder / "shop.toml"

    @property
    def all_jobs(self) -> list[Job]:
        return JobStore(self.folder / "jobs").all()

    @property
    def record(self) -> WatchRecord:
        return self.file.read() or WatchRecord(plan="")

    @property
    def file(self) -> WatchFile:
        return WatchFile.of(self.folder / "watches", self.path)

    def write(self, plan: Plan) -> None:
        write_plan(self.path, plan)

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[Watcher]:
        """Let the watch go on while this is entered."""
        with self.file.held():
            self.watcher = Watcher(
                WatchSummary(
                    path=self.path,
                    read=lambda: read_plan(self.path),
                    reach=self.reach,
                    jobs=JobStore(self.folder / "jobs"),
                    file=self.file,
                    tell=self.told.append,
                    clock=self.clock,
                    delete=self.delete,
                    listening=self.listening,
                )
            )
            task = asyncio.ensure_future(self.watcher.run())
            try:
                yield self.watcher
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def rests(self, after: float | None = None) -> WatchRecord:
        """Wait until a look that began at `after`, or now, has ended, its job too."""
        after = self.clock.now() if after is None else after

        def rested() -> bool:
            last = self.record.last
            return last is not None and last.began >= after

        await comes_true(rested, f"the end of a look; told: {self.told}")
        return self.record

    async def look_again(self, seconds: float = 600.0) -> WatchRecord:
        """Move the clock on to the next look, and wait for its end."""
        self.clock.advance(seconds)
        return await self.rests()

    async def is_told(self, words: str) -> None:
        """Wait until a line with these words was told."""
        what = f"{words!r} in {self.told}"
        await comes_true(lambda: any(words in line for line in self.told), what)

    async def jobs_end(self, count: int) -> list[Job]:
        """Wait until there are so many jobs, and all of them have ended."""

        def ended() -> bool:
            jobs = self.all_jobs
            return len(jobs) == count and all(
                read_job(job).state.ended and not job.is_held for job in jobs
            )

        await comes_true(ended, f"the end of {count} jobs; told: {self.told}")
        return self.all_jobs
