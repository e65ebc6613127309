"""Where the operator is on the guided way: the facts behind the guide, gathered from the app.

Screens say what was chosen, seen and proven; the rest is asked of the engine. After a restart the
newest job says where things stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transship.guide import Step, World
from transship.transfers.view import JobView

if TYPE_CHECKING:
    from transship_tui.engine import Engine

MODE_OF = {
    Step.SOURCE: "registries",
    Step.TARGET: "registries",
    Step.CHOOSE: "browse",
    Step.PREVIEW: "browse",
    Step.RUN: "jobs",
    Step.PROVE: "jobs",
    Step.CUTOVER: "cutover",
}
"""The area in which each step is taken."""


@dataclass(slots=True)
class Journey:
    """What was chosen in this session of the app. `on` says whether the guide is shown."""

    on: bool = False
    source: str = ""
    target: str = ""
    chosen: int = 0
    previewed: bool = False
    job: str = ""
    proven: str = ""
    """The job that a verification has proven."""

    def world(self, engine: Engine, jobs: Sequence[JobView]) -> World:
        """Return the facts as they are now. Raises BadFile when the accounts can't be read."""
        job = next((job for job in jobs if job.id == self.job), None)
        return World(
            accounts=tuple(account.host for account in engine.accounts()),
            source=self.source,
            target=self.target,
            chosen=self.chosen,
            previewed=self.previewed,
            job_state=str(job.state) if job else "",
            proven=bool(self.job) and self.proven == self.job,
        )

    def take_up(self, jobs: Sequence[JobView]) -> None:
        """Go on with the newest job that isn't finished, for an app that was opened again."""
        open_jobs = [job for job in jobs if str(job.state) not in ("done", "cancelled")]
        if self.job or self.source or not open_jobs:
            return
        job = open_jobs[0]
        self.job = job.id
        self.source = job.source.partition("/")[0]
        self.target = job.target.partition("/")[0]
