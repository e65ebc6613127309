"""Previews and jobs whose target is a Harbor."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from moving.jobs import SHORT
from transship.clock import SystemClock
from transship.oci.reference import Reference
from transship.registries.access import Access, open_place
from transship.transfers.preview import Preview, preview
from transship.transfers.runner import Runner, Settings
from transship.transfers.view import JobView, view

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from servers.harbor import Harbor
    from transship.plans.plan import Plan
    from transship.registries.credential import Credential
    from transship.registries.place import Place
    from transship.transfers.jobs import Job


@asynccontextmanager
async def opened(plan: Plan, target: Harbor, login: Credential) -> AsyncIterator[dict[str, Place]]:
    """Open the places of a plan: the Harbor as a Harbor, signed in to."""
    access = Access(target.host, credential=login, service="harbor")
    async with AsyncExitStack() as stack:
        places: dict[str, Place] = {}
        for name in {place.registry for place in plan.places}:
            known = access if name == target.host else None
            place = open_place(Reference(name), known, patience=SHORT)
            places[name] = await stack.enter_async_context(aclosing(place))
        yield places


async def seen(plan: Plan, target: Harbor, login: Credential) -> Preview:
    """Return the preview of a plan."""
    async with opened(plan, target, login) as places:
        return await preview(plan, places, SystemClock())


async def ran(job: Job, target: Harbor, login: Credential) -> JobView:
    """Run a job to its end, and return what came of it."""
    plan = job.plan()
    async with opened(plan, target, login) as places:
        with job.locked(), job.journal() as journal:
            await Runner(plan, places, journal, SystemClock(), Settings(patience=SHORT)).run()
    return view(job)
