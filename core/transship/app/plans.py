"""The operator's plans: their files, what their sources hold, what they would do and have done."""

from __future__ import annotations

import asyncio
from collections.abc import (
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from transship.app.background import run_in_thread
from transship.app.connections import Connections
from transship.errors import SystemRefused, TransshipError
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue
from transship.plans.encode import Spelling
from transship.plans.file import PlanEntry, PlanFile, PlanFolder, read_plan, read_text
from transship.plans.plan import Plan, Rule
from transship.registry.registry import Registry
from transship.transfers.job_view import (
    measured_rate,
)
from transship.transfers.jobs import JobStore

if TYPE_CHECKING:
    from transship.app.listing import Listings, Rules
    from transship.oci.reference import Reference
    from transship.plans.drift import Drift
    from transship.plans.plan import Plan
    from transship.registry.registry import Registry
    from transship.transfers.drift import DriftProgress
    from transship.transfers.jobs import JobStore
    from transship.transfers.preview import Preview
    from transship.transfers.scanner import ScanProgress
    from transship.transfers.verify import Proof, VerifyProgress


class Plans:
    """The operator's plans, and the sources that were listed in this session."""

    def __init__(self, connections: Connections, folder: Path, jobs: JobStore) -> None:
        self._connections = connections
        self._jobs = jobs
        self._folder = PlanFolder(folder, connections.place)
        self._job_plans: dict[str, Plan | None] = {}
        connections.when_closed(self.forget_listing)

    def place(self, text: str) -> Reference:
        """Return the place that a plan writes down as `text`; a folder's path is made whole."""
        return self._connections.place(text)

    @cached_property
    def _listings(self) -> Listings:
        from transship.app.listing import Listings  # The app opens without it.

        return Listings(self._connections.at, self._connections.clock)

    def spelling(self) -> Spelling:
        """Return how places are called: by the alias of their account, where it has one."""
        aliases = {a.host: a.alias for a in self._connections.accounts.all() if a.alias}

        def spell(place: Reference) -> str:
            alias = aliases.get(place.registry)
            return alias + str(place)[len(place.registry) :] if alias else str(place)

        return Spelling(spell, lambda registry: aliases.get(registry, registry))

    def all(self) -> Sequence[PlanEntry]:
        """Return the plans by name, those that can't be read too."""
        return self._folder.all()

    def find(self, name: str) -> Path:
        """Return the file of the plan that `name` names, or is. Raises PlanNotFound."""
        return self._folder.find(name)

    def read(self, name: str) -> Plan:
        """Return the plan in a file, or the one of this name. Raises PlanNotFound and BadFile."""
        now = self._connections.clock.now()
        plan = read_plan(self._folder.find(name), self._connections.place, now)
        self._connections.check_adhoc(plan.places)
        return plan

    def load(self, path: Path) -> PlanFile:
        """Return the plan in a file, to be changed. Raises BadFile."""
        return PlanFile.load(path, self._connections.place)

    def text(self, path: Path) -> str:
        """Return the text of a plan's file. Raises BadFile."""
        return read_text(path)

    def free_name(self, wish: str) -> str:
        """Return a name like `wish` that no plan has."""
        return self._folder.free_name(wish)

    def create(self, name: str, plan: Plan, like: PlanFile | None = None) -> PlanFile:
        """Write a new plan; `like` is the file whose words and comments it takes over."""
        if like is None:
            return self._folder.create(name, plan, self.spelling())
        path = self._folder.fresh_path(name)
        return replace(like, path=path, on_disk=None).replaced(plan, self.spelling()).save()

    def save(self, file: PlanFile) -> PlanFile:
        """Write a plan. Raises FileChanged when somebody else has changed it meanwhile."""
        return file.save()

    def is_changed(self, file: PlanFile) -> bool:
        """Tell whether the file says something else than when it was read or written."""
        return not file.path.is_file() or read_text(file.path) != file.on_disk

    def delete(self, path: Path) -> None:
        """Delete the file of a plan. Raises SystemRefused."""
        try:
            path.unlink()
        except OSError as error:
            raise SystemRefused(f"{path}: {error.strerror}") from error

    def jobs_of(self, plans: Iterable[Plan]) -> Sequence[str | None]:
        """Return for each plan the newest job that was to do just that, None where none was.

        What a job is to do never changes, so it is read once.
        """
        known: list[tuple[str, Plan]] = []
        for job in self._jobs.all():
            if job.id not in self._job_plans:
                try:
                    self._job_plans[job.id] = job.plan()
                except TransshipError:
                    self._job_plans[job.id] = None
            plan = self._job_plans[job.id]
            if plan is not None and plan.rules:
                known.append((job.id, plan))
        return [next((job for job, its in known if its == plan), None) for plan in plans]

    async def rate_of(self, plan: Plan) -> float:
        """Return the bytes per second of the last job on the same way, or 0."""
        return await asyncio.to_thread(measured_rate, plan, self._jobs.all())

    def listed(self) -> Mapping[str, Catalogue]:
        """Return what of the sources was listed so far, by registry."""
        return self._listings.known()

    def unlisted(self, rules: Sequence[Rule]) -> int | None:
        """Return how many repositories the rules take that aren't listed; None: not known yet."""
        return self._listings.due(rules)

    async def list_sources(self, rules: Rules) -> None:
        """List what the rules take and isn't listed yet."""
        await self._listings.list_for(rules)

    async def look_up(self, tags: Iterable[Reference]) -> None:
        """Learn when these tags were created."""
        await self._listings.look_up(tags)

    def forget_listing(self, host: str) -> None:
        """List a source anew when it is asked for next."""
        self._listings.forget(host)

    async def preview(self, plan: Plan, progress: ScanProgress) -> Preview:
        """Return what a job with this plan would do. Only reads.

        What comes of a large plan takes seconds to put together, so it is done beside the app.
        """
        from transship.transfers.preview import preview_plan  # The app opens without it.

        accesses = await self._connections.accesses(plan)

        async def look() -> Preview:
            async with AsyncExitStack() as stack:
                places = await self._connections.open_all(accesses, stack)
                return await preview_plan(plan, places, self._connections.clock, progress)

        return await run_in_thread(look)

    async def verify(self, plan: Plan, progress: VerifyProgress, *, deep: bool = False) -> Proof:
        """Prove that everything of a plan is at the target."""
        from transship.transfers.verify import verify_plan  # The app opens without it.

        async def prove(places: dict[str, Registry]) -> Proof:
            return await verify_plan(
                plan, places, self._connections.clock, deep=deep, progress=progress
            )

        return await self._connections.with_registries(
            await self._connections.accesses(plan), prove, create=False
        )

    async def drift(self, plan: Plan, progress: DriftProgress) -> Drift:
        """Return how the targets of a plan compare with what its rules select. Only reads."""
        from transship.transfers.drift import look_for_drift

        async def look(places: dict[str, Registry]) -> Drift:
            return await look_for_drift(plan, places, self._connections.clock, progress)

        return await self._connections.with_registries(
            await self._connections.accesses_of(plan.places), look
        )
