"""Everything that a plan would do, known before a byte moves; then the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.timer import Timer
from textual.widgets import ContentSwitcher, Static

from transship.app.background import compute_in_thread
from transship.errors import TransshipError
from transship.guide import Step
from transship.text import counted, safe
from transship.transfers.scanner import ScanProgress
from transship_tui.creations import creation_question, visibility_of
from transship_tui.dialogs.confirm import ConfirmDialog
from transship_tui.keys import chosen
from transship_tui.keys.words import words_for
from transship_tui.lines import run_line
from transship_tui.screens.frame import Frame
from transship_tui.screens.who import WhoScreen
from transship_tui.widgets.plan_foreseen import Foreseen, foresee, question_words
from transship_tui.widgets.plan_preview import PlanPreview
from transship_tui.widgets.plan_rows import way_of

if TYPE_CHECKING:
    from transship.plans.plan import Plan
    from transship.transfers.preview import Preview
    from transship_tui.naming import Naming

_UNKNOWN = "Nothing is known yet. {foreseen.refresh} looks again; {back} goes back."
_ALL_THERE = "The targets lack nothing that a run could create."
_AT_ONCE = 5_000
"""So many copies are sorted before anybody notices."""


class PlanPreviewScreen(Frame):
    """Looks at both sides of `plan` and shows what it would do.

    `name` is what it is called, `saved` its name if its file says the same. With `ask`, whether to
    start is asked as soon as all is known.
    """

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = chosen(
        "foreseen.start", "foreseen.create", "foreseen.who", "foreseen.refresh"
    )
    WITHOUT_LINE: ClassVar[str] = "Save the plan first: the line takes it from its file."
    HELP: ClassVar[str] = """
Both sides were looked at, and nothing was written. Copies have a verdict each, and
{foreseen.verdict} shows one after another; {foreseen.next-tab} goes on to what would be deleted, to
what the rules left out and why, and to the repositories that come to be. Where a target lacks what
an image has to be in, {foreseen.create} lets the run create that; the plan's editor keeps it.

{list.open} shows a row in whole: who, where, why, and what to do about it. Start asks once more.
Where tags would move or go, it wants the target's name typed.
"""

    def __init__(self, plan: Plan, name: str, *, saved: str = "", ask: bool = False) -> None:
        super().__init__()
        self._plan = plan
        self._plan_name = name
        self._saved = saved
        self._ask = ask
        self._foreseen: Foreseen | None = None
        self._ticks: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """Give the wait, and what was found: one of them at a time."""
        with ContentSwitcher(initial="looking", id="steps"):
            with Container(id="looking", classes="notice"):
                yield Static(id="found")
            yield PlanPreview(id="foreseen")

    def on_mount(self) -> None:
        """Begin to look."""
        self._say_what()
        self._look()

    def action_refresh_list(self) -> None:
        """Look at both sides anew."""
        self.hush()
        self._look()

    def action_create(self) -> None:
        """Ask whether the run may create what is missing, then look anew."""

        def answered(answer: str | None) -> None:
            if answer is None or visibility_of(answer) is self._plan.create_missing:
                return
            self._plan = replace(self._plan, create_missing=visibility_of(answer))
            self._saved = ""
            self._say_what()
            self.action_refresh_list()

        self.app.push_screen(creation_question(), answered)

    @on(PlanPreview.WhoWanted)
    def action_who(self) -> None:
        """Let the operator choose who moves it."""
        self.hush()
        ours = self.action_start
        self.app.push_screen(WhoScreen(self._plan, self._plan_name, self._saved, ours))

    def _say_what(self) -> None:
        way = way_of(self._plan, self.transship.naming)
        more = way if self._saved else f"{way} · as it is here, not saved"
        self.heading(f"Preview of {self._plan_name}", more)
        self.line(run_line(self._saved) if self._saved else "")

    def take_step(self, step: Step) -> bool:
        """Ask whether to start, once all is known."""
        if step is not Step.RUN or "start" in self.impossible():
            return False
        self.action_start()
        return True

    async def action_back(self) -> None:
        """Show all reasons again, or go back; what is being looked at is left."""
        if not self.query_one(PlanPreview).close_group():
            await super().action_back()

    @work(group="preview", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        progress = ScanProgress()
        self._foreseen = None
        self.transship.journey.begin_plan(self._plan)
        self.transship.show_guide()
        self._switch("looking")
        self._say_found(progress)
        self._ticks = self.set_interval(0.25, lambda: self._say_found(progress))
        try:
            foreseen = await self._foresee(progress)
        except TransshipError as error:
            self._ticks.stop()
            self._say(words_for(self, _UNKNOWN))
            self.fail(error)
            await self._say_who_gets_in()
            return
        finally:
            self._ticks.stop()
        self._show(foreseen)

    async def _say_who_gets_in(self) -> None:
        """Say what keeps a registry from being reached, where its cloud tells."""
        try:
            told = await self.transship.engine.engines.access_notes(self._plan)
        except TransshipError:
            return  # What was wrong is said already.
        if told:
            self._say("\n\n".join((words_for(self, _UNKNOWN), *map(safe, told))))

    async def _foresee(self, progress: ScanProgress) -> Foreseen:
        engine = self.transship.engine
        preview: Preview = await engine.plans.preview(self._plan, progress)
        rate = await engine.plans.rate_of(self._plan)
        gets_in = tuple(await engine.engines.access_notes(self._plan))
        if len(preview.worklist.copies) + len(preview.dropped) <= _AT_ONCE:
            return replace(foresee(preview, rate), gets_in=gets_in)
        return replace(await compute_in_thread(foresee, preview, rate), gets_in=gets_in)

    def _say_found(self, progress: ScanProgress) -> None:
        self._say(
            f"Looking at both sides: {counted(progress.found, 'image')} found so far.\n"
            f"{words_for(self, 'Nothing is written. {back} goes back.')}"
        )

    def _say(self, words: str) -> None:
        self.query_one("#found", Static).update(Content(words))

    def _switch(self, step: str) -> None:
        self.query_one("#steps", ContentSwitcher).current = step
        self.refresh_bindings()

    def _show(self, foreseen: Foreseen) -> None:
        self._foreseen = foreseen
        self.line(run_line(self._saved, deletes=foreseen.deletes) if self._saved else "")
        self._switch("foreseen")
        view = self.query_one(PlanPreview)
        view.show(foreseen, self.transship.naming)
        view.table.focus()
        self.transship.journey.previewed = True
        self.transship.show_guide()
        ask, self._ask = self._ask, False
        if ask and not view.why_not:
            self._start(foreseen)

    def impossible(self) -> Mapping[str, str]:
        """Say why it can't be started."""
        if self._foreseen is None:
            return dict.fromkeys(("start", "create"), "It isn't known yet what it would do.")
        why_not = self.query_one(PlanPreview).why_not
        nothing = not (self._foreseen.lacking or self._foreseen.preview.worklist.creations)
        return ({"start": why_not} if why_not else {}) | ({"create": _ALL_THERE} if nothing else {})

    @on(PlanPreview.StartWanted)
    def action_start(self) -> None:
        """Ask whether to start it."""
        if self._foreseen is not None:
            self._start(self._foreseen)

    @work(group="start", exclusive=True, exit_on_error=False)
    async def _start(self, foreseen: Foreseen) -> None:
        if not await self.app.push_screen_wait(
            _question(self._plan_name, foreseen, self.transship.naming)
        ):
            return
        view = self.query_one(PlanPreview)
        view.starting()
        try:
            job = await self.transship.engine.jobs.start(self._plan, deletes=foreseen.deletes)
        except TransshipError as error:
            view.offer_start()
            self.fail(error)
            return
        # Popping this screen ends its workers, this one too.
        self.app.call_later(self._leave_to, job)

    def _leave_to(self, job: str) -> None:
        """Show the job; what was asked here is done."""
        self.transship.journey.job = job
        self.transship.bridge.look()
        self.close_when_in_front()
        self.transship.show_job(job)


def _question(name: str, foreseen: Foreseen, naming: Naming) -> ConfirmDialog:
    """Return the question before the start. Where tags move or go, it asks for where."""
    typed = " ".join(foreseen.affected)
    return ConfirmDialog(
        f"Run {safe(name)}?",
        question_words(foreseen, naming),
        "Start",
        danger=bool(typed),
        typed=typed or None,
    )
