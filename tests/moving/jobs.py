"""Makes jobs between the tests' registries, runs them, and waits for what they come to."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING

from servers.process import eventually
from transship.clock import SystemClock
from transship.oci.reference import Reference, parse_reference
from transship.plans.plan import OnConflict, Plan, wanted
from transship.registries.access import Access, open_place
from transship.registries.credential import Credential, Tls
from transship.registries.pacing import Patience
from transship.transfers.jobs import Job, Jobs
from transship.transfers.runner import Runner, Settings
from transship.transfers.view import JobView, view
from transship.transfers.work import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from servers.registry import Registry
    from transship.oci.platform import Platform
    from transship.registries.place import Place

SHORT = Patience(attempts=8, seconds=20)


def plan_of(
    *pairs: tuple[str, str],
    on_conflict: OnConflict = OnConflict.OVERWRITE,
    referrers: bool = True,
    platforms: tuple[Platform, ...] = (),
) -> Plan:
    """Return the plan that copies each first of a pair to the second."""
    copies = tuple(wanted(parse_reference(one), parse_reference(other)) for one, other in pairs)
    return Plan(copies, on_conflict=on_conflict, referrers=referrers, platforms=platforms)


def access_to(registry: Registry) -> Access:
    """Return how a registry of the tests is reached."""
    credential = Credential(registry.username, registry.password) if registry.username else None
    tls = Tls(ca_file=str(registry.ca_file)) if registry.ca_file else Tls()
    return Access(registry.host, tls=tls, credential=credential)


async def open_places(
    plan: Plan, accesses: list[Access], stack: AsyncExitStack
) -> dict[str, Place]:
    """Open every place that a plan names."""
    known = {access.host: access for access in accesses}
    places: dict[str, Place] = {}
    for name in {ref.registry for copy in plan.copies for ref in (copy.source, copy.target)}:
        place = open_place(Reference(name), known.get(name), create=True, patience=SHORT)
        places[name] = await stack.enter_async_context(aclosing(place))
    return places


async def run_here(folder: Path, plan: Plan, *registries: Registry) -> JobView:
    """Run a new job in this process, and return how it looks at its end."""
    job = Jobs(folder / "jobs").create(plan)
    return await run_again(job, *registries)


async def run_again(job: Job, *registries: Registry) -> JobView:
    """Run a job in this process from where it is, and return how it looks at its end."""
    async with AsyncExitStack() as stack:
        plan = job.plan()
        places = await open_places(plan, [access_to(r) for r in registries], stack)
        with job.locked(), job.journal() as journal:
            await Runner(plan, places, journal, SystemClock(), Settings(patience=SHORT)).run()
    return view(job)


def ends(job: Job, *, deadline: float = 60) -> JobView:
    """Wait for a job's process to end, and return how the job looks then."""
    eventually(lambda: not job.is_held, f"job {job.id} to end", deadline=deadline)
    return view(job)


__all__ = ["JobState", "access_to", "ends", "open_places", "plan_of", "run_again", "run_here"]
