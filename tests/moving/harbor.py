"""Previews and jobs whose target is a Harbor."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from moving.jobs import SHORT
from transship.clock import SystemClock
from transship.oci.reference import Reference
from transship.registry.access import Access, open_registry
from transship.transfers.job_view import JobView, read_job
from transship.transfers.preview import Preview, preview_plan
from transship.transfers.runner import Runner, RunnerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from servers.harbor import Harbor
    from transship.plans.plan import Plan
    from transship.registry.credential import Credential
    from transship.registry.registry import Registry
    from transship.transfers.jobs import Job


@asynccontextmanager
async def opened(
    plan: Plan, target: Harbor, login: Credential
) -> AsyncIterator[dict[str, Registry]]:
    """Open the places of a plan: the Harbor as a Harbor, signed in to."""
    access = Access(target.host, credential=login, service="harbor")
    async with AsyncExitStack() as stack:
        places: dict[str, Registry] = {}
        for name in {place.registry for place in plan.places}:
            known = access if name == target.host else None
            place = open_registry(Reference(name), known, patience=SHORT)
            places[name] = await stack.enter_async_context(aclosing(place))
        yield places


async def seen(plan: Plan, target: Harbor, login: Credential) -> Preview:
    """Return the preview of a plan."""
    async with opened(plan, target, login) as places:
        return await preview_plan(plan, places, SystemClock())


async def ran(job: Job, target: Harbor, login: Credential) -> JobView:
    """Run a job to its end, and return what came of it."""
    plan = job.plan()
    async with opened(plan, target, login) as places:
        with job.locked(), job.journal() as journal:
            await Runner(plan, places, journal, SystemClock(), RunnerSettings(patience=SHORT)).run()
    return read_job(job)
