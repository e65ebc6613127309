"""One job: how far it is, what it moves, what failed and why, and every single copy."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.errors import TransshipError
from transship.transfers.copies import JobState
from transship.transfers.job_view import CopyRow, JobEvent, JobView
from transship.transfers.verify import Proof, VerifyProgress
from transship_tui.bridge import JobsChanged
from transship_tui.dialogs.facts import Facts, FactsDialog
from transship_tui.dialogs.proof import progress_text, proof_dialog, verdict
from transship_tui.keys import bindings
from transship_tui.keys.words import chosen_keys, key_for
from transship_tui.lines import report_line
from transship_tui.marks import mark
from transship_tui.naming import Naming
from transship_tui.screens.job_controls import JobControls, line_for
from transship_tui.widgets.copy_rows import word_for
from transship_tui.widgets.job_lists import JobLists, Tab
from transship_tui.widgets.lanes import LaneWatch
from transship_tui.widgets.tab_line import TabLine
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.totals import labelled, total_lines, when_text
from transship_tui.widgets.virtual_table import VirtualTable

_RATES = 24


class JobScreen(JobControls):
    """Shows the job with this id. `verify` begins to prove it at once."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("job")
    CSS_PATH = "job.tcss"
    HELP = """
A job looks at both sides first; until that is done there is no whole, and so no share of it. Then
each blob is sent once and mounted where else it is needed, and a tag is written last, when all it
needs is there. What failed is grouped by its cause, with what to do about it; {jobs.retry} tries it
again. {jobs.verify} asks both registries, not the job, whether everything is there.
"""

    def __init__(self, job: str, *, verify: bool = False) -> None:
        super().__init__()
        self._job = job
        self._verify_first = verify
        self._view: JobView | None = None
        self._frozen = False
        self._trouble = ""
        self._watch = LaneWatch()
        self._rates: deque[float] = deque(maxlen=_RATES)
        self._sampled = 0.0
        self._progress: VerifyProgress | None = None
        self._proof: Proof | None = None
        self._proof_seen = True

    def compose_body(self) -> ComposeResult:
        """Give the totals, the lanes and the lists."""
        yield TextLines(id="totals")
        yield TextLines(id="lanes")
        yield JobLists(self.transship.engine, self._job)

    def on_mount(self) -> None:
        """Look at the job, and go on looking at what changes with time alone."""
        self._sampled = self.transship.engine.clock.now()
        self.query_one(JobLists).table.focus()
        self.set_interval(1.0, self._tick)
        if self._verify_first:
            self.call_after_refresh(self.action_verify)

    def on_screen_resume(self) -> None:
        """Show the job as it is now, or the one that is wanted instead."""
        wanted, self.transship.wanted_job = self.transship.wanted_job, ""
        if wanted not in ("", self._job):
            self.app.switch_screen(JobScreen(wanted))
            return
        self._look()
        self._show_proof()

    @property
    def meant(self) -> JobView | None:
        """The job."""
        return self._view

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done with the job now, and why."""
        reasons = dict(super().impossible())
        if self._progress is not None:
            reasons["verify"] = "Both sides are being compared already."
        if self._view is not None and not self._view.counts.failed:
            reasons["failures"] = "Nothing has failed."
        return reasons

    def on_jobs_changed(self, event: JobsChanged) -> None:
        """Show what has changed."""
        view = next((view for view in event.jobs if view.id == self._job), None)
        if view is not None and view != self._view:
            self._show(view)

    def on_resize(self) -> None:
        """Fill the room that there is now."""
        self._draw()

    def _look(self) -> None:
        try:
            self._show(self.transship.engine.jobs.find(self._job))
        except TransshipError as error:
            self.fail(error)

    def _show(self, view: JobView) -> None:
        if self._frozen:
            return
        if view.undo is not None and self._view is not None and view.undo != self._view.undo:
            self._forget_proof()
        self._view = view
        self._watch.look(view.lanes, self.transship.engine.clock.now())
        self.forget_said([view])
        self.heading(f"Job {view.id}", self.transship.naming.way(view.source, view.target))
        self.line(report_line(view.id) if self._proof is not None else line_for(view))
        self._draw()
        self._show_lists(view)
        self.offer()

    def _show_lists(self, view: JobView) -> None:
        try:
            self.query_one(JobLists).show(view)
        except TransshipError as error:
            if str(error) != self._trouble:  # Said once, not at every look.
                self._trouble = str(error)
                self.fail(error)
        else:
            self._trouble = ""

    def _draw(self) -> None:
        if self._view is None:
            return
        self.query_one("#totals", TextLines).show(self._totals(self._view))
        now, most = self.transship.engine.clock.now(), self._most_lanes
        lanes = self._watch.lines(self._view.lanes, now, self._width, most) if most else ()
        self.query_one("#lanes", TextLines).show(lanes)

    def _totals(self, view: JobView) -> Iterator[Content]:
        now = self.transship.engine.clock.now()
        naming, keys = self.transship.naming, chosen_keys(self)
        yield from total_lines(view, now, self._width, naming, keys, tuple(self._rates))
        if self._progress is not None:
            yield labelled("Proof", progress_text(self._progress))
        elif self._proof is not None:
            yield labelled("Proof", verdict(self._proof))

    @property
    def _width(self) -> int:
        return self.size.width - 2

    @property
    def _most_lanes(self) -> int:
        if self.query_one(JobLists).tab is Tab.FAILED:
            return 0
        return 1 if self.size.height < 22 else 3 if self.size.height < 32 else 6

    def _tick(self) -> None:
        """Show what changes with time alone: how long it takes, and what stands still."""
        if self._view is None or self._frozen or not self.is_current:
            return
        if self._view.state is JobState.RUNNING:
            self._sample(self._view.rate)
        elif self._progress is None and not self._view.limits:
            return
        self._draw()

    def _sample(self, rate: float) -> None:
        now = self.transship.engine.clock.now()
        if now - self._sampled >= 1:
            self._rates.append(rate)
            self._sampled = now

    def action_failures(self) -> None:
        """Show only what failed, or everything again."""
        self._choose(Tab.ALL if self.query_one(JobLists).tab is Tab.FAILED else Tab.FAILED)

    def action_tab(self, by: int) -> None:
        """Show the next list."""
        tabs = list(Tab)
        at = tabs.index(self.query_one(JobLists).tab)
        self._choose(tabs[(at + by) % len(tabs)])

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self._choose(list(Tab)[event.index])

    def _choose(self, tab: Tab) -> None:
        try:
            self.query_one(JobLists).choose(tab)
        except TransshipError as error:
            self.fail(error)
        self._draw()

    def action_filter(self) -> None:
        """Let the operator type which copies to show."""
        self.query_one(JobLists).ask_filter()

    async def action_back(self) -> None:
        """Show all copies again if some are hidden; else go back."""
        if not self.query_one(JobLists).clear_filter():
            await super().action_back()

    def action_freeze(self) -> None:
        """Hold the picture still, or let it go on."""
        self._frozen = not self._frozen
        if self._frozen:
            lets = f"{key_for(self, 'job.freeze')} lets it go on"
            self.warn(f"The picture stands still; {lets}. The job isn't held up by that.")
        else:
            self.hush()
            self._look()

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        what = self.query_one(JobLists).under_cursor
        if isinstance(what, CopyRow):
            state = self._view.state if self._view is not None else JobState.WAITING
            word = word_for(what, moves=state is JobState.RUNNING, ended=state.ended)
            self.app.push_screen(FactsDialog(mark(word), _copy_facts(what, self.transship.naming)))
        elif isinstance(what, JobEvent):
            now = self.transship.engine.clock.now()
            self.app.push_screen(FactsDialog(mark(what.kind), _event_facts(what, now)))

    def action_verify(self) -> None:
        """Prove that everything is at the target."""
        self._verify()

    @work(group="verify", exclusive=True, exit_on_error=False)
    async def _verify(self) -> None:
        engine = self.transship.engine
        self._progress = VerifyProgress()
        self._draw()
        self.offer()
        try:
            self._proof = await engine.plans.verify(engine.jobs.plan(self._job), self._progress)
        except TransshipError as error:
            self.fail(error)
        else:
            self._proof_seen = False
            self._keep(self._proof)
            if self._proof.holds:
                self.transship.journey.proven = self._job
                self.transship.show_guide()
        finally:
            self._progress = None
            self._draw()
            self.offer()
        self._show_proof()

    def _keep(self, proof: Proof) -> None:
        """Keep the proof for the job's report, and offer that."""
        self.line(report_line(self._job))
        try:
            self.transship.engine.jobs.keep_proof(self._job, proof)
        except TransshipError as error:
            self.fail(error)

    def _forget_proof(self) -> None:
        """Drop the proof: undoing the job has changed what it was about."""
        self._proof = None
        if self.transship.journey.proven == self._job:
            self.transship.journey.proven = ""
            self.transship.show_guide()

    def _show_proof(self) -> None:
        """Show the proof as soon as this screen is in front."""
        if self._proof is not None and not self._proof_seen and self.is_current:
            self._proof_seen = True
            self.app.push_screen(proof_dialog(self._job, self._proof))


def _copy_facts(row: CopyRow, naming: Naming) -> Facts:
    copy = row.copy
    facts = (
        ("From", naming.place(str(copy.source))),
        ("To", naming.place(str(copy.target))),
        ("Digest", copy.digest or ""),
        ("Before", copy.previous or ""),
        ("Why", copy.reason),
        ("Problem", row.problem),
        ("What to do", row.remedy),
    )
    return [(name, value) for name, value in facts if value]


def _event_facts(event: JobEvent, now: float) -> Facts:
    facts = (("When", when_text(event.at, now)), ("What", event.what), ("More", event.more))
    return [(name, value) for name, value in facts if value]
