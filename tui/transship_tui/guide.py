"""Where the operator is on the guided way: the facts behind the guide, gathered from the app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transship.accounts.sign_in import holding_images
from transship.guide import Step, World
from transship.transfers.job_view import JobView

if TYPE_CHECKING:
    from transship.app.application import Application
    from transship.cutover.status import CutoverStatus
    from transship.plans.plan import Plan
    from transship_tui.naming import Naming

MODE_OF = {
    Step.SOURCE: "registries",
    Step.TARGET: "registries",
    Step.CHOOSE: "browse",
    Step.PREVIEW: "browse",
    Step.RUN: "jobs",
    Step.PROVE: "jobs",
    Step.CUTOVER: "cutover",
}
"""The area in which each step is taken, where no plan says what is copied."""


@dataclass(slots=True)
class GuideProgress:
    """What was chosen in this session of the app. `on` says whether the guide is shown."""

    on: bool = False
    source: str = ""
    target: str = ""
    chosen: int = 0
    previewed: bool = False
    job: str = ""
    by_plan: bool = False
    """Whether a plan says what is copied, so that nothing needs to be marked."""
    proven: str = ""
    """The job that a verification has proven."""

    def world(self, engine: Application, jobs: Sequence[JobView]) -> World:
        """Return the facts as they are now. Raises BadFile when the accounts can't be read."""
        job = next((job for job in jobs if job.id == self.job), None)
        proven = bool(self.job) and self.proven == self.job
        cutovers = self._cutovers(engine) if proven else ()
        return World(
            accounts=tuple(account.host for account in holding_images(engine.registries.all())),
            source=self.source,
            target=self.target,
            chosen=self.chosen or int(self.by_plan),
            previewed=self.previewed,
            job_state=str(job.state) if job else "",
            proven=proven,
            cutover_done=any(map(_is_done, cutovers)),
            cutover_waits=_cutover_words(cutovers[0]) if cutovers else "",
        )

    def _cutovers(self, engine: Application) -> Sequence[CutoverStatus]:
        """Return the cutovers that lead a domain to the target, the newest first."""
        return [
            each
            for each in engine.cutovers.all()
            if self.target in (each.subject.new, each.subject.points_at)
        ]

    def begin(self) -> None:
        """Leave what was done with an earlier job behind: other images are chosen now."""
        self.job, self.previewed, self.by_plan = "", False, False

    def begin_plan(self, plan: Plan) -> None:
        """Leave what was done with an earlier job behind: a plan says what is copied now."""
        self.begin()
        self.by_plan = True
        for source, target in zip(plan.sources[:1], plan.targets[:1], strict=False):
            self.source, self.target = source.registry, target.registry

    def mode_of(self, step: Step) -> str:
        """Return the area in which a step is taken."""
        seen_to_in_plan = self.by_plan and not self.job and step in (Step.PREVIEW, Step.RUN)
        return "plan" if seen_to_in_plan else MODE_OF[step]

    def about(self, naming: Naming) -> str:
        """Return whose steps these are: from where to where, and by which job."""
        way = naming.way(self.source, self.target or "?") if self.source else ""
        return " · ".join(filter(None, (way, self.job and f"job {self.job}")))

    def take_up(self, jobs: Sequence[JobView]) -> None:
        """Go on with the newest job that isn't finished, for an app that was opened again."""
        open_jobs = [job for job in jobs if str(job.state) not in ("done", "cancelled")]
        if self.job or self.source or not open_jobs:
            return
        job = open_jobs[0]
        self.job = job.id
        self.source = job.source.partition("/")[0]
        self.target = job.target.partition("/")[0]


def _is_done(standing: CutoverStatus) -> bool:
    from transship.cutover.progress import CutoverState  # The app opens without it.

    return standing.state is CutoverState.MOVED


def _cutover_words(standing: CutoverStatus) -> str:
    """Return what the move of a domain waits for."""
    from transship.cutover.progress import CutoverState

    host = standing.subject.domain.host
    if standing.problem:
        return f"The cutover of {host} can't be read."
    match standing.state:
        case CutoverState.BEFORE | CutoverState.READY:
            waits = _to_do(standing)
            return f"{host}: {waits}." if waits else f"Nothing stands in the way: change {host}."
        case CutoverState.CHANGING:
            return f"The change of {host} isn't at every name server yet."
        case CutoverState.CHANGED:
            return f"{host} is changed; resolvers are to follow."
        case CutoverState.ROLLED_BACK:
            return f"{host} is rolled back; change it again when you are ready."
    return f"{host} has moved."


def _to_do(standing: CutoverStatus) -> str:
    """Return what is to be done before the change, empty when that is nothing."""
    from transship.views.cutover import remaining_gate

    if not standing.checks:
        return "nothing was checked yet"
    gate = remaining_gate(standing)
    parts = (
        (gate.blocks, "put right"),
        (gate.open, "find out"),
        (gate.unaccepted, "acknowledge"),
    )
    return ", ".join(f"{len(found)} to {what}" for found, what in parts if found)
