"""The operator's flows: which image is in which stage, and promotions from one to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from transship.app.connections import Connections
from transship.app.jobs import Jobs, own_files
from transship.operator import this_operator
from transship.paths import Paths
from transship.registry.registry import Registry
from transship.transfers.process import start_runner

if TYPE_CHECKING:
    from transship.oci.digest import Digest
    from transship.paths import Paths
    from transship.plans.flow import Flow, FlowEntry, Image
    from transship.transfers.jobs import Job
    from transship.transfers.promotion import BoardProgress, Promotion, PromotionRecord, StageBoard


class Flows:
    """The operator's flows: the stages that images go through, and promotions between them."""

    def __init__(self, connections: Connections, paths: Paths, jobs: Jobs) -> None:
        self._connections = connections
        self._paths = paths
        self._jobs = jobs

    def all(self) -> Sequence[FlowEntry]:
        """Return the flows among the plans, those that can't be read too."""
        from transship.plans.flow import flows_in

        return flows_in(self._paths.plans, self._connections.place)

    def find(self, name: str) -> Flow:
        """Return the flow in a file, or the one of this name. Raises PlanNotFound and BadFile."""
        from transship.plans.file import PlanFolder
        from transship.plans.flow import read_flow

        place = self._connections.place
        return read_flow(PlanFolder(self._paths.plans, place).find(name), place)

    async def board(self, flow: Flow, progress: BoardProgress, pattern: str = "") -> StageBoard:
        """Return which image of a flow is in which stage. Only reads.

        `pattern` narrows `REPOSITORY:TAG` (see `transship.matching`).
        """
        from transship.transfers.promotion import stage_board

        async def look(places: dict[str, Registry]) -> StageBoard:
            return await stage_board(flow, places, pattern=pattern, progress=progress)

        return await self._connections.with_registries(
            await self._connections.accesses_of(flow.places), look
        )

    async def consider(
        self, flow: Flow, image: Image, to: str, digest: Digest | None, *, overwrite: bool
    ) -> Promotion:
        """Look at both stages anew, and return the promotion of an image. Only reads.

        With a digest it is that of just this one.
        """
        from transship.transfers.promotion import consider_promotion

        async def look(places: dict[str, Registry]) -> Promotion:
            return await consider_promotion(
                flow, image, to, places, digest=digest, overwrite=overwrite
            )

        return await self._connections.with_registries(
            await self._connections.accesses_of(flow.places), look
        )

    async def promote(self, promotion: Promotion) -> str:
        """Write a promotion down, and start its job; return the job's id."""
        from transship.transfers.promotion import open_history, start_promotion

        accesses = await self._connections.accesses_of(promotion.plan().places)

        def begin(job: Job) -> None:
            start_runner(job, accesses.values())

        def write_down() -> Job:
            with (
                own_files(),
                open_history(self._paths.flows, promotion.flow, promotion.file) as ledger,
            ):
                return start_promotion(
                    promotion,
                    self._jobs.store,
                    ledger,
                    this_operator(),
                    self._connections.clock,
                    begin,
                )

        return (await asyncio.to_thread(write_down)).id

    async def promotions(self, flow: Flow) -> Sequence[PromotionRecord]:
        """Return what was promoted in a flow, the oldest first, with what became of it."""
        from transship.transfers.promotion import open_history, settle_promotions

        def read() -> Sequence[PromotionRecord]:
            with own_files(), open_history(self._paths.flows, flow.name, flow.file) as ledger:
                return settle_promotions(ledger, self._jobs.store)

        return await asyncio.to_thread(read)
