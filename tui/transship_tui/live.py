"""The engine at work: the core, behind the questions that the screens ask."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from transship.accounts.registry_file import Account, Accounts, is_handed_out
from transship.accounts.secrets import SecretStatus, credential_of
from transship.accounts.sign_in import (
    Sources,
    access_for,
    api_access,
    credential_for,
    is_gone,
    resolve,
    sign_in_to,
    sign_out,
)
from transship.clock import Clock, SystemClock
from transship.errors import BadFile
from transship.oci.reference import Reference
from transship.registry.access import Access, open_distribution, open_registry
from transship.registry.examination import Examination, examine
from transship.registry.http.exchange_log import Recorder
from transship.registry.inspection import Inspection, inspect
from transship.registry.registry import left_out_of
from transship.transfers import control
from transship.transfers.copies import JobState
from transship.transfers.job_view import (
    CopyRow,
    JobEvent,
    Which,
    copy_ids,
    copy_rows,
    events,
    glance,
)
from transship.transfers.jobs import Job, Jobs
from transship.transfers.process import start_runner
from transship_tui.beside import at_home, beside
from transship_tui.live_cutover import LiveCutovers
from transship_tui.live_delegates import LiveDelegates
from transship_tui.live_parts import LiveParts
from transship_tui.live_plans import LivePlans

if TYPE_CHECKING:
    from transship.paths import Paths
    from transship.plans.plan import Limits, Plan
    from transship.registry.registry import Registry
    from transship.transfers.job_view import JobView
    from transship.transfers.journal import Journal
    from transship.transfers.limits import LimitRequest
    from transship.transfers.preview import Preview
    from transship.transfers.scanner import ScanProgress
    from transship.transfers.verify import Proof, VerifyProgress
    from transship_tui.live_beside import Places


class LiveEngine(LivePlans, LiveParts, LiveCutovers, LiveDelegates):
    """The operator's own accounts, secrets and jobs."""

    def __init__(self, paths: Paths, sources: Sources, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.recorder = Recorder(self.clock)
        super().__init__(paths.plans, Accounts(paths.registries), Jobs(paths.jobs))
        self._paths = paths
        self._sources = sources
        self._places: Places = {}
        self._looks: dict[str, tuple[object, JobView]] = {}

    def accounts(self) -> tuple[Account, ...]:
        """Return the registries that the operator has added."""
        return self._accounts.all()

    def resolve(self, text: str) -> Reference:
        """Return the reference that `text` writes down; an alias may stand for a host."""
        return resolve(text, self._accounts)

    def is_secret_gone(self, account: Account) -> bool:
        """Tell whether an account's secret was for one run only, and this is another one."""
        return is_gone(account, self._sources)

    async def keyring(self) -> SecretStatus:
        """Return whether the keyring can be used now."""
        return await self._sources.keyring.probe()

    async def examine(self, account: Account, secret: str | None = None) -> Examination:
        """Try a registry with a secret that isn't kept yet, or with what its source has."""
        if secret is None:
            credential = (await credential_for(account, self._sources)).credential
        else:
            credential = credential_of(account.username, secret)
        access = Access(
            account.host,
            tls=account.tls,
            credential=credential,
            service=account.service,
            handed_out=is_handed_out(account),
            api=await api_access(account.host, account, self._accounts, self._sources),
        )
        return await examine(access, recorder=self.recorder)

    async def sign_in(self, account: Account, secret: str | None) -> Account:
        """Try an account, keep its secret where it says, then keep the account."""
        store = self._sources.store(account.secret_source)
        if secret is None and store is not None:
            secret = await store.get(account.host, account.username)
        kept = await sign_in_to(
            account,
            secret,
            accounts=self._accounts,
            sources=self._sources,
            connect=partial(open_distribution, recorder=self.recorder),
        )
        await self._close(account.host)
        return kept

    async def sign_out(self, host: str) -> None:
        """Remove an account and its secret."""
        await sign_out(host, accounts=self._accounts, sources=self._sources)
        await self._close(host)

    async def keep_repositories(self, host: str, names: Sequence[str]) -> None:
        """Keep the repositories that the operator named for a registry that doesn't list them."""
        self._accounts.save(replace(self._accounts.get(host), repositories=tuple(names)))

    async def repositories(self, host: str) -> AsyncGenerator[str]:
        """Give the names of repositories as they come, and those that the operator named."""
        place = await self._place(Reference(host))
        async for name in place.repositories():
            yield name

    async def tags(self, host: str, repository: str) -> AsyncGenerator[str]:
        """Give the tags of a repository as they come."""
        place = await self._place(Reference(host, repository))
        async for tag in place.tags(repository):
            yield tag

    def left_out(self, host: str, repository: str = "") -> Sequence[str]:
        """Return what was listed last and breaks the rules for names."""
        _, place = self._places.get(host, (None, None))
        return left_out_of(place).get(repository, ()) if place is not None else ()

    async def inspect(self, reference: Reference) -> Inspection:
        """Return what there is to know of one image."""
        return await inspect(await self._place(reference), reference)

    async def preview(self, plan: Plan, progress: ScanProgress) -> Preview:
        """Return what a job with this plan would do. Only reads.

        What comes of a large plan takes seconds to put together, so it is done beside the app.
        """
        from transship.transfers.preview import preview_plan  # The app opens without it.

        accesses = await self._accesses(plan)

        async def look() -> Preview:
            async with AsyncExitStack() as stack:
                places = await self._open_all(accesses, stack)
                return await preview_plan(plan, places, self.clock, progress)

        return await beside(look)

    async def verify(self, plan: Plan, progress: VerifyProgress, *, deep: bool = False) -> Proof:
        """Prove that everything of a plan is at the target."""
        from transship.transfers.verify import verify_plan  # The app opens without it.

        async with AsyncExitStack() as stack:
            places = await self._open_all(await self._accesses(plan), stack)
            return await verify_plan(plan, places, self.clock, deep=deep, progress=progress)

    async def start(self, plan: Plan, *, deletes: bool = False) -> str:
        """Start a job in a process of its own; return its id."""
        await self._accesses(plan)
        job = self._jobs.create(plan, deletes=deletes)
        await self._begin(start_runner, job)
        return job.id

    def jobs(self) -> list[JobView]:
        """Return all jobs, the newest first. One that hasn't changed isn't read again."""
        return [self._look(job) for job in self._jobs.all()]

    def job(self, job: str) -> JobView:
        """Look at one job. Raises JobNotFound."""
        return self._look(self._jobs.find(job))

    def plan(self, job: str) -> Plan:
        """Return what a job is to do. Raises BadFile."""
        with _files_of(job):
            return self._jobs.find(job).plan()

    def copy_ids(self, job: str, which: Which, pattern: str = "") -> Sequence[int]:
        """Return the numbers of the copies that are asked for, in the order of the worklist."""
        with self._journal(job) as journal:
            return copy_ids(journal, which, pattern)

    def copy_rows(self, job: str, ids: Sequence[int]) -> list[CopyRow]:
        """Return the copies with these numbers, in order. What is gone since is left out."""
        with self._journal(job) as journal:
            return copy_rows(journal, ids)

    def events(self, job: str) -> list[JobEvent]:
        """Return what came to pass last in a job, the oldest first."""
        with self._journal(job) as journal:
            return events(journal)

    def pause(self, job: str) -> None:
        """Let a job come to a stop. Raises JobEnded."""
        with _files_of(job):
            control.pause_job(self._jobs.find(job))

    def cancel(self, job: str) -> None:
        """End a job for good. Raises JobEnded."""
        with _files_of(job):
            control.cancel_job(self._jobs.find(job))

    def limits(self, job: str) -> Mapping[str, Limits]:
        """Return what each registry of a job is held to now."""
        with _files_of(job):
            return control.current_limits(self._jobs.find(job))

    def limit(self, job: str, wish: LimitRequest) -> None:
        """Hold a job to other limits at one of its registries. Raises JobEnded."""
        with _files_of(job):
            control.set_limit(self._jobs.find(job), wish)

    async def resume(self, job: str) -> None:
        """Go on with a paused or interrupted job."""
        await self._begin(control.resume_job, self._jobs.find(job))

    async def retry(self, job: str) -> None:
        """Try again what failed in a job."""
        await self._begin(control.retry_job, self._jobs.find(job))

    async def aclose(self) -> None:
        """Close all connections."""
        for host in list(self._places):
            await self._close(host)

    async def _begin(self, begin: Callable[[Job, Iterable[Access]], int], job: Job) -> None:
        """Start a job's process in a thread: it takes a moment to say that it is ready."""
        accesses = await self._accesses(job.plan())
        with _files_of(job.id):
            await asyncio.to_thread(begin, job, accesses.values())

    @contextmanager
    def _journal(self, job: str) -> Iterator[Journal]:
        with _files_of(job), self._jobs.find(job).journal() as journal:
            yield journal

    def _look(self, job: Job) -> JobView:
        stamp = job.stamp()
        known = self._looks.get(job.id)
        if known is not None and known[0] == stamp and not _is_dead(job, known[1]):
            return known[1]
        look = glance(job)
        self._looks[job.id] = (stamp, look)
        return look

    async def _place(self, reference: Reference) -> Registry:
        """Return the place of a reference, opened once and kept for as long as the app looks."""
        access = await self._access(reference)
        own = self._own_places.get()
        places = self._places if own is None else own.places
        known = places.get(reference.registry)
        if known is not None and known[0] == access:
            return known[1]
        if own is None:
            await self._close(reference.registry)
        place = open_registry(Reference(reference.registry), access, recorder=self.recorder)
        if own is not None:
            own.stack.push_async_callback(place.aclose)
        places[reference.registry] = (access, place)
        return place

    async def _source(self, host: str) -> Registry:
        return await self._place(Reference(host))

    async def _close(self, host: str) -> None:
        self.forget_listing(host)
        known = self._places.pop(host, None)
        if known is not None:
            await known[1].aclose()

    async def _access(self, reference: Reference) -> Access:
        return await at_home(lambda: access_for(reference, self._accounts, self._sources))

    async def _accesses(self, plan: Plan) -> dict[str, Access]:
        return {place.registry: await self._access(place) for place in plan.places}

    async def _open_all(
        self, accesses: Mapping[str, Access], stack: AsyncExitStack
    ) -> dict[str, Registry]:
        places: dict[str, Registry] = {}
        for name, access in accesses.items():
            place = open_registry(Reference(name), access, create=True, recorder=self.recorder)
            places[name] = await stack.enter_async_context(aclosing(place))
        return places


@contextmanager
def _files_of(job: str) -> Iterator[None]:
    """Turn what goes wrong with the files of a job into an error that can be shown."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BadFile(f"job {job}: {error}") from error


def _is_dead(job: Job, view: JobView) -> bool:
    """Tell whether a job's process is gone: one that was killed has written nothing of it."""
    return view.state is JobState.RUNNING and not job.is_held
