"""The guide: where the operator is on the way, and two lines above any screen that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Input, Static

from transship.accounts.sign_in import holding_images
from transship.guide import Next, Progress, Step, World, next_step, rail
from transship.transfers.job_view import JobView
from transship_tui.keys import chosen_keys, key_of, with_keys
from transship_tui.naming import middle_cut
from transship_tui.widgets.bars import MODES

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


_SIGNS = {
    Progress.DONE: ("✓", "$text-success"),
    Progress.NOW: ("▸", "bold $text-accent"),
    Progress.LATER: ("·", "$foreground-muted"),
}

_HINTS = {
    Step.SOURCE: " {next} takes this one.",
    Step.TARGET: " {next} takes this one.",
    Step.CHOOSE: " {list.mark} marks.",
}
"""How a step is taken in its own area, where a key alone doesn't say it."""

_GAP = 2
_LEAST_ABOUT = 18


@runtime_checkable
class _Says(Protocol):
    """A screen that knows better what comes next on it."""

    def next_here(self, coming: Next) -> Next:
        """Return the next step as it is there."""


class GuideBar(Static):
    """Shows how far the operator is.

    `world` holds the facts that it follows from, `about` says whose steps these are.
    """

    DEFAULT_CSS = """
    GuideBar { height: 2; padding: 0 1; background: $surface; display: none; }
    GuideBar.-on { display: block; }
    """

    world: reactive[World] = reactive(World())
    about: reactive[str] = reactive("")

    def on_mount(self) -> None:
        """Follow where the keys go."""
        self.watch(self.screen, "focused", self._draw_again)

    def _draw_again(self) -> None:
        self.refresh()

    def render(self) -> Content:
        """Return the rail, and under it what comes next."""
        coming = next_step(self.world)
        if isinstance(self.screen, _Says):
            coming = self.screen.next_here(coming)
        parts: list[str | Content | tuple[str, str]] = []
        if self.size.width < 74:
            number = list(Step).index(coming.step) + 1
            parts += [(f"Step {number} of {len(Step)}  ", "$foreground-muted")]
            parts += [(f"▸ {coming.step.capitalize()}", "bold $text-accent")]
        else:
            for step, progress in rail(self.world):
                sign, style = _SIGNS[progress]
                parts += [(f"{sign} {step.capitalize()}", style), "  "]
        parts += ["\n", self._second_line(coming)]
        return Content.assemble(*parts)

    def _second_line(self, coming: Next) -> Content:
        """Return what the next step waits for, how it is taken here, and whose step it is."""
        chosen = chosen_keys(self)
        if isinstance(self.screen.focused, Input):  # There the key is a letter like any other.
            return self._with_about(Content(coming.waits_for))
        key = key_of("next", chosen)
        hint = ""
        if self._is_taken_here(coming.step):
            hint = with_keys(_HINTS.get(coming.step, ""), chosen)
        where = self._where(coming.step)
        line = Content.assemble((f"{key} ", "$text-accent"), where, coming.waits_for)
        if line.cell_length + len(hint) <= self.content_size.width:
            line = Content.assemble(line, hint)
        return self._with_about(line)

    def _where(self, step: Step) -> str:
        """Return the name of the area that the key leads to, empty in front of it."""
        from transship_tui.app import TransshipApp

        app = self.app
        mode = app.journey.mode_of(step) if isinstance(app, TransshipApp) else MODE_OF[step]
        return "" if app.current_mode == mode else f"{dict(MODES)[mode]}: "

    def _is_taken_here(self, step: Step) -> bool:
        """Tell whether this is the area of a step, with nothing in front of it."""
        in_front = len(self.app.screen_stack) > 1
        return self.app.current_mode == MODE_OF[step] and not in_front

    def _with_about(self, line: Content) -> Content:
        line = line.truncate(self.content_size.width, ellipsis=True)
        room = self.content_size.width - line.cell_length - _GAP
        if not self.about or room < _LEAST_ABOUT:
            return line
        about = middle_cut(Content.styled(self.about, "$foreground-muted"), room)
        return Content.assemble(line, " " * (room + _GAP - about.cell_length), about)
