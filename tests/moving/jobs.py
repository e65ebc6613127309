"""Makes jobs between the tests' registries, runs them, and waits for what they come to."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from servers.process import eventually
from transship.clock import SystemClock
from transship.oci.platform import parse_platform
from transship.oci.reference import Reference, parse_reference
from transship.plans.plan import OnConflict, Plan, wanted
from transship.registry.access import Access, open_registry
from transship.registry.credential import Credential, Tls
from transship.registry.http.rate_limiter import RetryPolicy
from transship.transfers.copies import Copy, CopyState, Worklist
from transship.transfers.job_view import JobView, read_job
from transship.transfers.jobs import Job, JobStore
from transship.transfers.preview import preview_plan
from transship.transfers.runner import Runner, RunnerSettings
from transship.transfers.verify import Proof, verify_plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from servers.registry import Registry
    from transship.registry.registry import Registry as Place

SHORT = RetryPolicy(attempts=8, seconds=20)


def plan_of(
    *pairs: tuple[str, str],
    on_conflict: OnConflict = OnConflict.OVERWRITE,
    referrers: bool = True,
    platforms: Iterable[str] = (),
) -> Plan:
    """Return the plan that copies each first of a pair to the second."""
    copies = tuple(wanted(parse_reference(one), parse_reference(other)) for one, other in pairs)
    return Plan(
        copies,
        on_conflict=on_conflict,
        referrers=referrers,
        platforms=tuple(map(parse_platform, platforms)),
    )


def access_to(registry: Registry) -> Access:
    """Return how a registry of the tests is reached."""
    credential = None
    if registry.username is not None:
        credential = Credential(registry.username, registry.password or "")
    tls = Tls(ca_file=str(registry.ca_file)) if registry.ca_file else Tls()
    return Access(registry.host, tls=tls, credential=credential)


@asynccontextmanager
async def opened(
    plan: Plan, *registries: Registry, patience: RetryPolicy = SHORT
) -> AsyncIterator[dict[str, Place]]:
    """Open every place that a plan names."""
    known = {registry.host: access_to(registry) for registry in registries}
    places: dict[str, Place] = {}
    async with AsyncExitStack() as stack:
        for name in {place.registry for place in plan.places}:
            place = open_registry(Reference(name), known.get(name), create=True, patience=patience)
            places[name] = await stack.enter_async_context(aclosing(place))
        yield places


def new_job(folder: Path, plan: Plan) -> Job:
    """Return a job that nobody works on yet."""
    return JobStore(folder / "jobs").create(plan)


async def run_here(folder: Path, plan: Plan, *registries: Registry) -> JobView:
    """Run a new job in this process, and return how it looks at its end."""
    return await run_again(new_job(folder, plan), *registries)


async def run_again(job: Job, *registries: Registry, patience: RetryPolicy = SHORT) -> JobView:
    """Run a job in this process from where it is, and return how it looks at its end."""
    plan = job.plan()
    async with opened(plan, *registries, patience=patience) as places:
        with job.locked(), job.journal() as journal:
            await Runner(
                plan, places, journal, SystemClock(), RunnerSettings(patience=patience)
            ).run()
    return read_job(job)


async def preview_of(plan: Plan, *registries: Registry) -> Worklist:
    """Return what a job with this plan would do."""
    async with opened(plan, *registries) as places:
        return (await preview_plan(plan, places, SystemClock())).worklist


async def proof_of(plan: Plan, *registries: Registry, deep: bool = False) -> Proof:
    """Compare both sides of a plan."""
    async with opened(plan, *registries) as places:
        return await verify_plan(plan, places, SystemClock(), deep=deep)


def outcomes(job: Job) -> dict[str, tuple[Copy, CopyState]]:
    """Return the copies of a job with how far each is, by the tag or digest at the target."""
    with job.journal() as journal:
        return {copy.target.version: (copy, state) for copy, state, _ in journal.outcomes()}


def ends(job: Job, *, deadline: float = 60) -> JobView:
    """Wait for a job's process to end, and return how the job looks then."""
    eventually(lambda: not job.is_held, f"job {job.id} to end", deadline=deadline)
    return read_job(job)


def runner_of(job: Job) -> int:
    """Return the process that works on a job; it may have been forked off before there was one."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            # Others' processes can't be looked into, and some are gone by now.
            with suppress(OSError):
                opened = (str(each.readlink()) for each in process.joinpath("fd").iterdir())
                # Looking at a job opens its journal too; only who works on it holds its log.
                if str(job.runner_log) in opened:
                    return int(process.name)
    raise AssertionError(f"no process works on {job.id}")
