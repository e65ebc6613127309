"""Plan: what should move where, as files that are written, looked through and run here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.errors import BadFile, TransshipError
from transship.plans.advice import Way
from transship.plans.file import PlanEntry, PlanFile
from transship.plans.plan import Kind, Plan
from transship.plans.quantities import write_duration, write_share
from transship.text import counted, safe
from transship.transfers.job_view import JobView
from transship_tui.context import JobsChanged
from transship_tui.keys import bindings, key_for, words_for
from transship_tui.lines import plan_line
from transship_tui.marks import BAD, QUIET, mark
from transship_tui.naming import Naming, way_of
from transship_tui.screens.engines.choice import EngineChoiceScreen
from transship_tui.screens.frame import Frame
from transship_tui.screens.plan.advice import KINDS, advised, words_of
from transship_tui.screens.plan.draft import OpenedPlan, way_between
from transship_tui.screens.plan.editor import PlanEditorScreen, PlanTextDialog
from transship_tui.screens.plan.preview import PlanPreviewScreen
from transship_tui.widgets.dialogs import Choice, ChoiceDialog, ConfirmDialog
from transship_tui.widgets.table import Column, VirtualTable
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.totals import when_text, word_of

if TYPE_CHECKING:
    from transship.plans.flow import FlowEntry

COLUMNS = (
    Column("Plan", 20),
    Column("Kind", 11),
    Column("From → to"),
    Column("Schedule", 15, least=76),
    Column("Last job", 26, least=110),
)
_MOST_LINES = 4


@dataclass(frozen=True, slots=True)
class PlanListing:
    """A plan, and the newest job that did what it says, if it is known."""

    entry: PlanEntry
    job: JobView | None = None


class PlanRows:
    """Plans as rows."""

    def __init__(self, plans: Sequence[PlanListing], now: float, naming: Naming) -> None:
        self.plans = plans
        self._now = now
        self._naming = naming

    def __len__(self) -> int:
        return len(self.plans)

    def key(self, index: int) -> str:
        """Return the plan's name."""
        return self.plans[index].entry.name

    def cells(self, index: int) -> Sequence[Content]:
        """Return name, kind, both sides, schedule, and the last job."""
        listed = self.plans[index]
        entry = listed.entry
        name = Content(safe(entry.name))
        if entry.plan is None:
            problem = Content.styled(safe(problem_of(entry)), BAD)
            return name, Content.styled("✗ mistake", BAD), problem, Content(""), Content("")
        return (
            name,
            Content(entry.kind),
            Content(way_of(entry.plan, self._naming)),
            Content(schedule_of(entry.plan)),
            self._last(listed.job),
        )

    def _last(self, job: JobView | None) -> Content:
        if job is None:
            return Content.styled("none", QUIET)
        when = when_text(job.ended or job.created, self._now)
        return Content.assemble(mark(word_of(job)), "  ", (when, QUIET))


def schedule_of(plan: Plan) -> str:
    """Return in words when a plan runs by itself."""
    if plan.schedule is None:
        return ""
    if plan.schedule.every is not None:
        return f"every {write_duration(plan.schedule.every)}"
    return safe(plan.schedule.cron)


def problem_of(entry: PlanEntry) -> str:
    """Return why a plan can't be read, with the file's name in place of its whole path."""
    if entry.problem is None:
        return ""
    return entry.problem.detail.replace(f"{entry.path.parent}/", "")


def card_of(listed: PlanListing, now: float, width: int, naming: Naming) -> Iterator[Content]:
    """Give a plan in words, line by line, none of them longer than `width`."""
    for line in _words(listed, now, naming):
        yield from line.wrap(max(20, width))[:_MOST_LINES]


def _words(listed: PlanListing, now: float, naming: Naming) -> Iterator[Content]:
    entry, plan = listed.entry, listed.entry.plan
    yield Content.styled(safe(entry.name), "bold")
    if plan is None:
        yield Content.styled(f"✗ {safe(problem_of(entry))}", BAD)
        if entry.problem is not None:
            yield Content.styled(safe(entry.problem.remedy), QUIET)
        return
    yield Content(f"{plan.kind}: {way_of(plan, naming)}")
    if plan.kind is Kind.COPY:
        yield Content.styled(f"names {counted(len(plan.copies), 'image')}", QUIET)
    else:
        many = counted(len(plan.rules), "rule")
        conflict = f"existing tags: {plan.on_conflict}"
        referrers = "with referrers" if plan.referrers else "without referrers"
        yield Content.styled(f"{many} · {conflict} · {referrers}", QUIET)
    schedule = schedule_of(plan)
    yield Content.styled(f"runs {schedule or 'when asked'}{_deletes(plan)}", QUIET)
    if listed.job is not None:
        when = when_text(listed.job.ended or listed.job.created, now)
        yield Content.assemble(
            "last job ", listed.job.id, "  ", mark(word_of(listed.job)), f"  {when}"
        )


def _deletes(plan: Plan) -> str:
    if plan.delete is None:
        return ""
    return f" · deletes what vanished, at most {write_share(plan.delete.at_most)} in one run"


NO_PLAN = "There is no plan here; {plans.add} writes one."


def unreadable_words(screen: Frame, entry: PlanEntry) -> str:
    """Return why nothing can be done with a plan that can't be read."""
    shows = f"{key_for(screen, 'plans.text')} shows its text"
    return f"{safe(entry.name)} can't be read; {shows}. Mend the file first."


def _flow_words(entry: FlowEntry) -> tuple[str, str]:
    if entry.flow is None:
        return f"✗ {entry.name}", "can't be read; choose it to see why"
    return entry.name, " → ".join(stage.name for stage in entry.flow.stages)


def _kind_question(name: str, kind: Kind) -> ConfirmDialog:
    words = "Its file is written anew, comments stay. Nothing is copied."
    return ConfirmDialog(f"Make {name} a {kind}?", Content(words), "Write the file")


_NONE = "No plans yet. {plans.add} writes one: rules that say what is copied from where to where."
_FOR_READABLE = ("edit", "preview", "run", "who", "duplicate")


class PlanScreen(Frame):
    """All plans, and what there is to say of the one under the cursor."""

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = bindings("plans", "plan-views")
    CSS_PATH = "plans.tcss"
    WITHOUT_LINE: ClassVar[str] = "There is no plan yet that a line could run."
    HELP: ClassVar[str] = """
A plan says what should move where. Sync copies what rules select, when you ask or by the clock;
replication keeps a registry, a path or a repository in step.

Each plan is a file that you can read, change elsewhere, and commit. {list.open} changes it here,
with what each rule matches beside it. {plans.preview} shows what it would do; {plans.run} does that
and then asks whether to start. Nothing is written before you have seen what would be, and confirmed
it. {plans.who} shows who could move it instead: Harbor or Tencent TCR, without this machine.
"""

    def __init__(self) -> None:
        super().__init__()
        self._listed: Sequence[PlanListing] = ()

    def compose_body(self) -> ComposeResult:
        """Give the list, and one plan in words."""
        yield VirtualTable(COLUMNS, id="plans", empty=words_for(self, _NONE))
        yield TextLines(id="card")

    def on_mount(self) -> None:
        """Put the cursor into the list."""
        self.query_one(VirtualTable).focus()

    def on_screen_resume(self) -> None:
        """Show the plans as they are now: their files may have changed."""
        self._look()

    def on_jobs_changed(self, _: JobsChanged) -> None:
        """Show how the last jobs are."""
        self._look()

    def on_resize(self) -> None:
        """Lay the words out anew."""
        self._show_card()

    @property
    def meant(self) -> PlanEntry | None:
        """The plan under the cursor."""
        listed = self._meant
        return listed.entry if listed else None

    @property
    def _meant(self) -> PlanListing | None:
        key = self.query_one(VirtualTable).key_at_cursor()
        return next((each for each in self._listed if each.entry.name == key), None)

    def action_refresh_list(self) -> None:
        """Read the plans anew."""
        self.hush()
        self._look()

    def _look(self) -> None:
        engine = self.core
        try:
            entries = engine.plans.all()
            plans = [entry.plan for entry in entries if entry.plan is not None]
            names = iter(engine.plans.jobs_of(plans))
        except TransshipError as error:
            self.fail(error)
            return
        jobs = {job.id: job for job in self.context.monitor.jobs}
        lasts = [next(names) if entry.plan is not None else None for entry in entries]
        self._listed = [
            PlanListing(entry, jobs.get(last or ""))
            for entry, last in zip(entries, lasts, strict=True)
        ]
        unreadable = sum(1 for entry in entries if entry.plan is None)
        more = f", {unreadable} can't be read" if unreadable else ""
        self.heading("Plans", f"{counted(len(entries), 'plan')}{more}" if entries else "")
        rows = PlanRows(self._listed, engine.clock.now(), self.context.naming)
        self.query_one(VirtualTable).show(rows)
        self._show_card()

    @on(VirtualTable.CursorMoved)
    def _show_card(self) -> None:
        listed = self._meant
        self.line(plan_line(listed.entry.name) if listed else "")
        now = self.core.clock.now()
        self.query_one("#card", TextLines).show(
            card_of(listed, now, self.size.width - 2, self.context.naming) if listed else ()
        )
        self.refresh_bindings()

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done with the plan under the cursor, and why."""
        return {**self.impossible_views(), **self._impossible_here()}

    def _impossible_here(self) -> Mapping[str, str]:
        entry = self.meant
        if entry is None:
            why = words_for(self, NO_PLAN)
            return dict.fromkeys((*_FOR_READABLE, "text", "remove"), why)
        if entry.plan is None:
            why = unreadable_words(self, entry)
            return dict.fromkeys(_FOR_READABLE, why)
        return {}

    # Writing

    def action_add(self) -> None:
        """Write a new plan, from and to where the guide goes, as far as that is known."""
        engine, journey = self.core, self.context.guide
        try:
            rule = way_between(journey.source, journey.target, engine)
            name = engine.plans.free_name("plan")
        except TransshipError as error:
            self.fail(error)
            return
        self._open_editor(OpenedPlan.new(name, [rule], engine))

    @on(VirtualTable.Opened)
    def action_edit(self) -> None:
        """Change the plan under the cursor."""
        entry = self.meant
        if entry is None:
            return
        if entry.plan is not None and entry.plan.kind is Kind.COPY:
            self.warn(f"A copy plan names its images one by one: change the file, {entry.path}")
        elif (file := self._load(entry)) is not None:
            self._open_editor(OpenedPlan.of(file))

    def action_duplicate(self) -> None:
        """Write a new plan that says the same."""
        entry = self.meant
        if entry is None or (file := self._load(entry)) is None:
            return
        if file.plan.kind is Kind.COPY:
            self.warn(f"A copy plan names its images one by one: copy the file, {entry.path}")
            return
        name = self.core.plans.free_name(entry.name)
        self._open_editor(OpenedPlan.copy_of(file, name))

    def _open_editor(self, opened: OpenedPlan) -> None:
        self.hush()
        self.app.push_screen(PlanEditorScreen(opened, self._kept))

    def _kept(self, name: str) -> None:
        self._look()
        self.query_one(VirtualTable).go_to(name)

    def _load(self, entry: PlanEntry) -> PlanFile | None:
        try:
            return self.core.plans.load(entry.path)
        except TransshipError as error:
            self.fail(error)
            self._look()
            return None

    def action_text(self) -> None:
        """Show the file's own words."""
        if (entry := self.meant) is None:
            return
        try:
            text = self.core.plans.text(entry.path)
        except BadFile as error:
            self.fail(error)
            return
        why = entry.problem.detail if entry.problem else ""
        self.app.push_screen(PlanTextDialog(str(entry.path), text, why))

    def action_remove(self) -> None:
        """Ask whether to delete the plan's file."""
        if (entry := self.meant) is None:
            return
        words = f"{entry.path} is deleted. Jobs that ran from it keep a copy of it."

        def answered(wanted: bool | None) -> None:
            if wanted:
                self._remove(entry)

        self.app.push_screen(
            ConfirmDialog(
                f"Delete the plan {entry.name}?", Content(safe(words)), "Delete", danger=True
            ),
            answered,
        )

    def _remove(self, entry: PlanEntry) -> None:
        try:
            self.core.plans.delete(entry.path)
        except TransshipError as error:
            self.fail(error)
        else:
            self.tell(f"{entry.name} is deleted")
        self._look()

    # Looking and running

    def action_preview(self) -> None:
        """Show what the plan under the cursor would do."""
        self._preview(ask=False)

    def action_run(self) -> None:
        """Show what the plan would do, then ask whether to start it."""
        self._preview(ask=True)

    def action_who(self) -> None:
        """Let the operator choose who moves the plan under the cursor."""
        entry = self.meant
        if entry is None or (file := self._load(entry)) is None:
            return
        self.hush()
        self.app.push_screen(EngineChoiceScreen(file.plan, entry.name, entry.name, self.action_run))

    def _preview(self, *, ask: bool) -> None:
        entry = self.meant
        if entry is None or (file := self._load(entry)) is None:
            return
        self.hush()
        self.app.push_screen(PlanPreviewScreen(file.plan, entry.name, saved=entry.name, ask=ask))

    # Drift, flows and advice

    def impossible_views(self) -> Mapping[str, str]:
        """Say of which plan there is no drift or advice, and why."""
        entry = self.meant
        if entry is None:
            return dict.fromkeys(("drift", "advice"), words_for(self, NO_PLAN))
        if entry.plan is None:
            return dict.fromkeys(("drift", "advice"), unreadable_words(self, entry))
        if not entry.plan.rules:
            shows = f"{key_for(self, 'plans.preview')} shows what it would change"
            return {"drift": f"It names its images one by one: {shows}."}
        return {}

    def action_drift(self) -> None:
        """Show how far the targets of the plan under the cursor have drifted."""
        from transship_tui.screens.plan.drift import DriftScreen

        if (entry := self.meant) is not None and entry.plan is not None:
            self.hush()
            self.app.push_screen(DriftScreen(entry.plan, entry.name))

    def action_quick(self) -> None:
        """Move all of a personal account of TCR to an instance."""
        from transship_tui.screens.engines.quick import QuickScreen

        self.hush()
        self.app.push_screen(QuickScreen())

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_board(self) -> None:
        """Show the board of a flow; of which one is asked where there are several."""
        from transship_tui.screens.plan.flow import FlowScreen

        self.hush()
        try:
            entries = self.core.flows.all()
        except TransshipError as error:
            self.fail(error)
            return
        if not entries:
            self.warn('No flows yet: a flow is a file beside the plans that says kind = "flow".')
            return
        entry = entries[0] if len(entries) == 1 else await self._chosen(entries)
        if entry is None:
            return
        if entry.flow is not None:
            self.app.push_screen(FlowScreen(entry.flow, entry.path.stem))
        elif entry.problem is not None:
            self.fail(entry.problem)

    async def _chosen(self, entries: Sequence[FlowEntry]) -> FlowEntry | None:
        choices = [Choice(str(number), *_flow_words(entry)) for number, entry in enumerate(entries)]
        dialog = ChoiceDialog("Board of which flow?", Content(""), choices)
        answer = await self.app.push_screen_wait(dialog)
        return entries[int(answer)] if answer else None

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_advice(self) -> None:
        """Ask what isn't known of the plan's two ends, and say which way is best."""
        entry = self.meant
        if entry is None or entry.plan is None:
            return
        way = await advised(self, entry.plan)
        if way is not None:
            await self._take(way, entry)

    async def _take(self, way: Way, entry: PlanEntry) -> None:
        """Make the plan what the operator has chosen, where a plan can be that."""
        assert entry.plan is not None
        kind = KINDS.get(way)
        if kind is None:
            self.tell(words_of(way))
        elif kind is entry.plan.kind:
            self.tell(f"{entry.name} is a {kind} already")
        elif entry.plan.kind is Kind.COPY:
            writes = f"{key_for(self, 'plans.add')} writes a {kind}"
            self.tell(f"{entry.name} names its images one by one; {writes}")
        elif await self.app.push_screen_wait(_kind_question(entry.name, kind)):
            self._make(entry, kind)

    def _make(self, entry: PlanEntry, kind: Kind) -> None:
        engine = self.core
        try:
            file = engine.plans.load(entry.path)
            delete = file.plan.delete if kind is Kind.REPLICATION else None
            plan = replace(file.plan, kind=kind, delete=delete)
            engine.plans.save(file.replaced(plan, engine.plans.spelling()))
        except TransshipError as error:
            self.fail(error)
            return
        self.action_refresh_list()
        self.tell(f"{entry.name} is a {kind} now")
