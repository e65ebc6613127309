"""A cutover between two real registries of a test's own: rounds list all that they hold."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from moving.judge import digest_at
from servers.images import make_layer, push_image
from transship.clock import SystemClock
from transship.cutover.catchup import run_round
from transship.cutover.in_sync import CutoverRegistries, FullListing, PlannedListing, between
from transship.cutover.journal import CutoverJournal
from transship.oci.reference import Reference
from transship.registry.access import Access, open_registry
from transship.transfers.jobs import JobStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.registry import Registry
    from transship.cutover.catchup import CatchupRound, RoundAction
    from transship.cutover.in_sync import CutoverListing
    from transship.plans.plan import Plan
    from transship.transfers.jobs import Job

APP = "team/app"


@dataclass
class Pair:
    """An old and a new registry, and the cutover between them. `pids` are those of the runners."""

    old: Registry
    new: Registry
    journal: CutoverJournal
    jobs: JobStore
    plan: Plan | None = None
    reached: dict[str, str] = field(default_factory=dict)
    """Where a registry is reached, if not where it listens: through a proxy."""
    pids: list[int] = field(default_factory=list)

    def push(self, registry: Registry, tag: str, content: str, repository: str = APP) -> str:
        """Push a small image; return its digest."""
        return push_image(registry, repository, tag, [make_layer(content.encode())]).digest

    def push_both(self, tag: str, content: str, repository: str = APP) -> str:
        """Push the same image to both; return its digest."""
        self.push(self.old, tag, content, repository)
        return self.push(self.new, tag, content, repository)

    def at_old(self, tag: str, repository: str = APP) -> str:
        """Return what skopeo says that a tag of the old registry points at."""
        return digest_at(self.old, repository, tag)

    def at_new(self, tag: str, repository: str = APP) -> str:
        """Return the same of the new registry."""
        return digest_at(self.new, repository, tag)

    @asynccontextmanager
    async def sides(self) -> AsyncIterator[CutoverRegistries]:
        """Open both, as a process does that watches."""
        hosts = tuple(self.reached.get(each.host, each.host) for each in (self.old, self.new))
        async with AsyncExitStack() as stack:
            old, new = [
                await stack.enter_async_context(
                    aclosing(open_registry(Reference(host), Access(host), create=True))
                )
                for host in hosts
            ]
            clock, both = SystemClock(), (hosts[0], hosts[1])
            listing: CutoverListing = FullListing(old, new, both)
            if self.plan is not None:
                listing = PlannedListing(between(self.plan, *both), old, new, both, clock)
            yield CutoverRegistries(listing, self.jobs, self.journal, clock, self._begin)

    async def round(self, doing: RoundAction = "copy") -> CatchupRound:
        """Make one round."""
        async with self.sides() as sides:
            return await run_round(sides, self.journal, SystemClock(), doing)

    async def _begin(self, begin: Callable[[Job, Iterable[Access]], int], job: Job) -> None:
        self.pids.append(await asyncio.to_thread(begin, job, []))


@pytest.fixture
def pair(new_registry: Callable[..., DockerRegistry], tmp_path: Path) -> Iterator[Pair]:
    """Two registries that hold the same: one tag."""
    journal = CutoverJournal(tmp_path / "cutover.sqlite")
    made = Pair(new_registry(), new_registry(), journal, JobStore(tmp_path / "jobs"))
    made.push_both("1", "one")
    yield made
    journal.close()
