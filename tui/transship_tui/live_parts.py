"""The part of the engine at work that sees to drift, to flows, and to jobs that have ended."""

from __future__ import annotations

import asyncio
import sqlite3
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from transship.errors import BadFile, TransshipError
from transship.operator import this_operator
from transship.registry.registry import Registry
from transship.transfers.process import start_runner
from transship_tui.beside import beside

if TYPE_CHECKING:
    from transship.clock import Clock
    from transship.oci.digest import Digest
    from transship.oci.reference import Reference
    from transship.paths import Paths
    from transship.plans.drift import Drift
    from transship.plans.flow import Flow, FlowEntry, Image
    from transship.plans.plan import Plan
    from transship.registry.access import Access
    from transship.reports.job_formats import Form
    from transship.transfers.drift import DriftProgress
    from transship.transfers.jobs import Job, Jobs
    from transship.transfers.promotion import BoardProgress, Promotion, PromotionRecord, StageBoard
    from transship.transfers.undo import UndoPlan, UndoProgress, UndoResult
    from transship.transfers.verify import Proof

_T = TypeVar("_T")
Work = Callable[[dict[str, Registry]], Coroutine[Any, Any, _T]]


class LiveParts:
    """Drift, flows, undoing and reports.

    What asks many questions is done beside the app: what comes of the answers takes long, too. Each
    is imported where it is done: the app opens without it.
    """

    clock: Clock
    _paths: Paths
    _jobs: Jobs

    @abstractmethod
    def place(self, text: str) -> Reference:
        """Return the place that a plan writes down as `text`."""

    @abstractmethod
    async def _access(self, reference: Reference) -> Access: ...

    @abstractmethod
    async def _open_all(
        self, accesses: Mapping[str, Access], stack: AsyncExitStack
    ) -> dict[str, Registry]: ...

    async def _with_places(self, accesses: Mapping[str, Access], work: Work[_T]) -> _T:
        """Do some work with open places, in a loop of its own."""

        async def opened() -> _T:
            async with AsyncExitStack() as stack:
                return await work(await self._open_all(accesses, stack))

        return await beside(opened)

    async def _accesses_of(self, places: Iterable[Reference]) -> dict[str, Access]:
        return {place.registry: await self._access(place) for place in places}

    async def drift(self, plan: Plan, progress: DriftProgress) -> Drift:
        """Return how the targets of a plan compare with what its rules select. Only reads."""
        from transship.transfers.drift import look_for_drift

        async def look(places: dict[str, Registry]) -> Drift:
            return await look_for_drift(plan, places, self.clock, progress)

        return await self._with_places(await self._accesses_of(plan.places), look)

    def flows(self) -> Sequence[FlowEntry]:
        """Return the flows among the plans, those that can't be read too."""
        from transship.plans.flow import flows_in

        return flows_in(self._paths.plans, self.place)

    async def board(self, flow: Flow, progress: BoardProgress) -> StageBoard:
        """Return which image of a flow is in which stage. Only reads."""
        from transship.transfers.promotion import stage_board

        async def look(places: dict[str, Registry]) -> StageBoard:
            return await stage_board(flow, places, progress=progress)

        return await self._with_places(await self._accesses_of(flow.places), look)

    async def consider(
        self, flow: Flow, image: Image, to: str, digest: Digest, *, overwrite: bool
    ) -> Promotion:
        """Look at both stages anew, and return the promotion of just this digest. Only reads."""
        from transship.transfers.promotion import consider_promotion

        async def look(places: dict[str, Registry]) -> Promotion:
            return await consider_promotion(
                flow, image, to, places, digest=digest, overwrite=overwrite
            )

        return await self._with_places(await self._accesses_of(flow.places), look)

    async def promote(self, promotion: Promotion) -> str:
        """Write a promotion down, and start its job; return the job's id."""
        from transship.transfers.promotion import open_history, start_promotion

        accesses = await self._accesses_of(promotion.plan().places)

        def begin(job: Job) -> None:
            start_runner(job, accesses.values())

        def write_down() -> Job:
            with (
                _files(),
                open_history(self._paths.flows, promotion.flow, promotion.file) as ledger,
            ):
                return start_promotion(
                    promotion, self._jobs, ledger, this_operator(), self.clock, begin
                )

        return (await asyncio.to_thread(write_down)).id

    async def promotions(self, flow: Flow) -> Sequence[PromotionRecord]:
        """Return what was promoted in a flow, the oldest first, with what became of it."""
        from transship.transfers.promotion import open_history, settle_promotions

        def read() -> Sequence[PromotionRecord]:
            with _files(), open_history(self._paths.flows, flow.name, flow.file) as ledger:
                return settle_promotions(ledger, self._jobs)

        return await asyncio.to_thread(read)

    async def foresee_undo(self, job: str, progress: UndoProgress) -> UndoPlan:
        """Return what undoing a job would do now. Only reads. Raises JobBusy."""
        from transship.transfers.undo import preview_undo

        found = self._jobs.find(job)

        async def look(places: dict[str, Registry]) -> UndoPlan:
            with _files():
                return await preview_undo(found, places, progress)

        return await self._with_places(await self._accesses_to_undo(found.plan()), look)

    async def undo(self, job: str, plan: UndoPlan, progress: UndoProgress) -> UndoResult:
        """Do what was foreseen, and return what became of each tag. Raises JobBusy."""
        from transship.transfers.undo import undo_job

        found = self._jobs.find(job)
        by = str(this_operator())

        async def do(places: dict[str, Registry]) -> UndoResult:
            with _files():
                return await undo_job(found, plan, places, self.clock, by, progress)

        return await self._with_places(await self._accesses_to_undo(found.plan()), do)

    async def rivals(self, job: str) -> Sequence[str]:
        """Return the files of the plans that are watched now and write where a job wrote."""
        from transship.watch.record import conflicting_watchers

        plan = self._jobs.find(job).plan()

        def look() -> Sequence[str]:
            with _files():
                return conflicting_watchers(plan, self._paths.watches, self.place)

        return await asyncio.to_thread(look)

    async def _accesses_to_undo(self, plan: Plan) -> dict[str, Access]:
        """Return what opens all targets, and the sources as far as they can be had."""
        accesses = await self._accesses_of(plan.targets)
        for source in plan.sources:
            try:
                accesses |= await self._accesses_of([source])
            except TransshipError:
                continue  # It is asked only for what the target has lost.
        return accesses

    def keep_proof(self, job: str, proof: Proof) -> None:
        """Keep what a verification of all of a job has found, for its report."""
        from transship.transfers.verify import store_proof

        with _files():
            store_proof(self._jobs.find(job), proof, self.clock.now(), str(this_operator()))

    async def write_report(self, job: str, path: str, form: Form, *, replace: bool) -> Path:
        """Write the report of a job; return the whole path of its file."""
        from transship.reports.job_formats import write_report

        found, now = self._jobs.find(job), self.clock.now()

        def write() -> Path:
            file = Path(path).expanduser().absolute()
            with _files():
                write_report(found, file, form, now, replace=replace)
            return file

        return await asyncio.to_thread(write)


@contextmanager
def _files() -> Iterator[None]:
    """Turn what goes wrong with files of ours into an error that can be shown."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BadFile(str(error)) from error
