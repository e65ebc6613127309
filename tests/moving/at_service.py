"""Copies between places that the test has opened itself: registries of a service's own kind."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING

from moving.jobs import SHORT, new_job
from transship.clock import SystemClock
from transship.transfers.job_view import JobView, read_job
from transship.transfers.preview import Preview, preview_plan
from transship.transfers.runner import Runner, RunnerSettings

if TYPE_CHECKING:
    from pathlib import Path

    from transship.plans.plan import Plan
    from transship.registry.distribution import DistributionRegistry


async def copied(folder: Path, plan: Plan, *registries: DistributionRegistry) -> JobView:
    """Run a new job, close its registries, and return how it looks at its end."""
    job = new_job(folder, plan)
    async with AsyncExitStack() as stack:
        for registry in registries:
            await stack.enter_async_context(aclosing(registry))
        places = {registry.name: registry for registry in registries}
        with job.locked(), job.journal() as journal:
            settings = RunnerSettings(patience=SHORT)
            await Runner(job.plan(), dict(places), journal, SystemClock(), settings).run()
    return read_job(job)


async def foreseen(plan: Plan, *registries: DistributionRegistry) -> Preview:
    """Return what a job with this plan would do; its registries are closed."""
    async with AsyncExitStack() as stack:
        for registry in registries:
            await stack.enter_async_context(aclosing(registry))
        return await preview_plan(plan, {place.name: place for place in registries}, SystemClock())
