"""What the app asks of the core beside plans and jobs themselves: drift, flows, looking back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from transship.oci.digest import Digest
    from transship.plans.drift import Drift
    from transship.plans.flow import Flow, FlowEntry, Image
    from transship.plans.plan import Plan
    from transship.reports.job_formats import Form
    from transship.transfers.drift import DriftProgress
    from transship.transfers.promotion import BoardProgress, Promotion, PromotionRecord, StageBoard
    from transship.transfers.undo import UndoPlan, UndoProgress, UndoResult
    from transship.transfers.verify import Proof


class Comparing(Protocol):
    """Plans beside what stands at their targets."""

    async def drift(self, plan: Plan, progress: DriftProgress) -> Drift:
        """Return how the targets of a plan compare with what its rules select. Only reads."""


class Staging(Protocol):
    """Flows: images that go from stage to stage."""

    def flows(self) -> Sequence[FlowEntry]:
        """Return the flows among the plans, those that can't be read too."""

    async def board(self, flow: Flow, progress: BoardProgress) -> StageBoard:
        """Return which image of a flow is in which stage. Only reads."""

    async def consider(
        self, flow: Flow, image: Image, to: str, digest: Digest, *, overwrite: bool
    ) -> Promotion:
        """Look at both stages anew, and return the promotion of just this digest. Only reads.

        Raises StageSkipped, NotInStage, TagMoved and StageTaken.
        """

    async def promote(self, promotion: Promotion) -> str:
        """Write a promotion down, and start its job; return the job's id."""

    async def promotions(self, flow: Flow) -> Sequence[PromotionRecord]:
        """Return what was promoted in a flow, the oldest first, with what became of it."""


class LookingBack(Protocol):
    """What is done about a job that has ended."""

    async def foresee_undo(self, job: str, progress: UndoProgress) -> UndoPlan:
        """Return what undoing a job would do now. Only reads. Raises JobBusy."""

    async def undo(self, job: str, plan: UndoPlan, progress: UndoProgress) -> UndoResult:
        """Do what was foreseen, and return what became of each tag. Raises JobBusy."""

    async def rivals(self, job: str) -> Sequence[str]:
        """Return the files of the plans that are watched now and write where a job wrote."""

    def keep_proof(self, job: str, proof: Proof) -> None:
        """Keep what a verification of all of a job has found, for its report."""

    async def write_report(self, job: str, path: str, form: Form, *, replace: bool) -> Path:
        """Write the report of a job; return the whole path of its file.

        Raises BadRequest for a file that is there and may not be replaced, and SystemRefused.
        """
