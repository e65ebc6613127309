"""The part of the stand-in engine that sees to drift, flows, undoing and reports."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from transship.errors import BadRequest
from transship.plans.drift import Drift
from transship.plans.flow import FlowEntry
from transship.transfers.promotion import Promotion, StageBoard
from transship.transfers.undo import UndoOutcome, UndoPlan, UndoResult

if TYPE_CHECKING:
    from transship.oci.digest import Digest
    from transship.plans.flow import Flow, Image
    from transship.plans.plan import Plan
    from transship.reports.job_formats import Form
    from transship.transfers.drift import DriftProgress
    from transship.transfers.promotion import BoardProgress, PromotionRecord
    from transship.transfers.undo import UndoProgress
    from transship.transfers.verify import Proof


@dataclass
class FakeParts:
    """Boards by the name of their flow; undo plans by their job.

    `outcomes` is what an undo comes to, by the tag; what isn't in it is as it was planned.
    `rival_files` are the plans that are watched.
    `taken` are the files that are there already, `written` the reports that were.
    """

    drifted: Drift = field(default_factory=lambda: Drift(()), kw_only=True)
    flow_entries: list[FlowEntry] = field(default_factory=list, kw_only=True)
    boards: dict[str, StageBoard] = field(default_factory=dict, kw_only=True)
    ledger: list[PromotionRecord] = field(default_factory=list, kw_only=True)
    promoted: list[Promotion] = field(default_factory=list, kw_only=True)
    undo_plans: dict[str, UndoPlan] = field(default_factory=dict, kw_only=True)
    outcomes: Mapping[str, UndoOutcome] = field(default_factory=dict, kw_only=True)
    proofs: dict[str, Proof] = field(default_factory=dict, kw_only=True)
    rival_files: list[str] = field(default_factory=list, kw_only=True)
    taken: set[Path] = field(default_factory=set, kw_only=True)
    written: list[tuple[str, Path, Form]] = field(default_factory=list, kw_only=True)

    @abstractmethod
    async def _reach(self, name: str, what: object) -> None: ...

    @abstractmethod
    def _fail(self, name: str) -> None: ...

    async def drift(self, plan: Plan, progress: DriftProgress) -> Drift:
        await self._reach("drift", plan)
        return self.drifted

    def all_flows(self) -> Sequence[FlowEntry]:
        self._fail("flows")
        return list(self.flow_entries)

    async def board(self, flow: Flow, progress: BoardProgress) -> StageBoard:
        await self._reach("board", flow.name)
        return self.boards.get(flow.name, StageBoard(flow, ()))

    async def consider(
        self, flow: Flow, image: Image, to: str, digest: Digest, *, overwrite: bool
    ) -> Promotion:
        await self._reach("consider", (str(image), to, overwrite))
        number = flow.number_of(to)
        row = next(row for row in self.boards[flow.name].rows if row.image == image)
        return Promotion(
            flow.name,
            image,
            flow.stages[number - 1],
            flow.stages[number],
            digest,
            row.cells[number].digest,
            overwrite,
        )

    async def promote(self, promotion: Promotion) -> str:
        await self._reach("promote", promotion)
        self.promoted.append(promotion)
        return f"promote{len(self.promoted)}"

    async def promotions(self, flow: Flow) -> Sequence[PromotionRecord]:
        await self._reach("promotions", flow.name)
        return list(self.ledger)

    async def foresee_undo(self, job: str, progress: UndoProgress) -> UndoPlan:
        await self._reach("foresee_undo", job)
        return self.undo_plans[job]

    async def undo(self, job: str, plan: UndoPlan, progress: UndoProgress) -> UndoResult:
        await self._reach("undo", job)
        outcomes = (
            self.outcomes.get(str(restore.tag), UndoOutcome(restore)) for restore in plan.restores
        )
        return UndoResult(plan, tuple(outcomes))

    async def rivals(self, job: str) -> Sequence[str]:
        await self._reach("rivals", job)
        return list(self.rival_files)

    def keep_proof(self, job: str, proof: Proof) -> None:
        self._fail("keep_proof")
        self.proofs[job] = proof

    async def write_report(self, job: str, path: str, form: Form, *, replace: bool) -> Path:
        await self._reach("write_report", (job, path, str(form), replace))
        file = Path("/home/alice", path)
        if file in self.taken and not replace:
            raise BadRequest(f"{file} is there already")
        self.written.append((job, file, form))
        return file
