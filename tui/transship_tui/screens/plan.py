"""Plan: what should move where, as files that are written, looked through and run here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.errors import BadFile, TransshipError
from transship.plans.file import PlanEntry, PlanFile
from transship.plans.plan import Kind
from transship.text import counted, safe
from transship_tui.bridge import JobsChanged
from transship_tui.dialogs.confirm import ConfirmDialog
from transship_tui.dialogs.plan_text import PlanTextDialog
from transship_tui.keys import bindings
from transship_tui.keys.words import words_for
from transship_tui.lines import plan_line
from transship_tui.screens.plan_editor import PlanEditorScreen
from transship_tui.screens.plan_opened import OpenedPlan, way_between
from transship_tui.screens.plan_preview import PlanPreviewScreen
from transship_tui.screens.plan_views import NO_PLAN, PlanViews, unreadable_words
from transship_tui.screens.who import WhoScreen
from transship_tui.widgets.plan_rows import COLUMNS, Listed, PlanRows, card_of
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.virtual_table import VirtualTable

_NONE = "No plans yet. {plans.add} writes one: rules that say what is copied from where to where."
_FOR_READABLE = ("edit", "preview", "run", "who", "duplicate")


class PlanScreen(PlanViews):
    """All plans, and what there is to say of the one under the cursor."""

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = bindings("plans", "plan-views")
    CSS_PATH = "plan.tcss"
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
        self._listed: Sequence[Listed] = ()

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
    def _meant(self) -> Listed | None:
        key = self.query_one(VirtualTable).key_at_cursor()
        return next((each for each in self._listed if each.entry.name == key), None)

    def action_refresh_list(self) -> None:
        """Read the plans anew."""
        self.hush()
        self._look()

    def _look(self) -> None:
        engine = self.transship.engine
        try:
            entries = engine.plans.all()
            plans = [entry.plan for entry in entries if entry.plan is not None]
            names = iter(engine.plans.jobs_of(plans))
        except TransshipError as error:
            self.fail(error)
            return
        jobs = {job.id: job for job in self.transship.bridge.jobs}
        lasts = [next(names) if entry.plan is not None else None for entry in entries]
        self._listed = [
            Listed(entry, jobs.get(last or "")) for entry, last in zip(entries, lasts, strict=True)
        ]
        unreadable = sum(1 for entry in entries if entry.plan is None)
        more = f", {unreadable} can't be read" if unreadable else ""
        self.heading("Plans", f"{counted(len(entries), 'plan')}{more}" if entries else "")
        rows = PlanRows(self._listed, engine.clock.now(), self.transship.naming)
        self.query_one(VirtualTable).show(rows)
        self._show_card()

    @on(VirtualTable.CursorMoved)
    def _show_card(self) -> None:
        listed = self._meant
        self.line(plan_line(listed.entry.name) if listed else "")
        now = self.transship.engine.clock.now()
        self.query_one("#card", TextLines).show(
            card_of(listed, now, self.size.width - 2, self.transship.naming) if listed else ()
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
        engine, journey = self.transship.engine, self.transship.journey
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
        name = self.transship.engine.plans.free_name(entry.name)
        self._open_editor(OpenedPlan.copy_of(file, name))

    def _open_editor(self, opened: OpenedPlan) -> None:
        self.hush()
        self.app.push_screen(PlanEditorScreen(opened, self._kept))

    def _kept(self, name: str) -> None:
        self._look()
        self.query_one(VirtualTable).go_to(name)

    def _load(self, entry: PlanEntry) -> PlanFile | None:
        try:
            return self.transship.engine.plans.load(entry.path)
        except TransshipError as error:
            self.fail(error)
            self._look()
            return None

    def action_text(self) -> None:
        """Show the file's own words."""
        if (entry := self.meant) is None:
            return
        try:
            text = self.transship.engine.plans.text(entry.path)
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
            self.transship.engine.plans.delete(entry.path)
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
        self.app.push_screen(WhoScreen(file.plan, entry.name, entry.name, self.action_run))

    def _preview(self, *, ask: bool) -> None:
        entry = self.meant
        if entry is None or (file := self._load(entry)) is None:
            return
        self.hush()
        self.app.push_screen(PlanPreviewScreen(file.plan, entry.name, saved=entry.name, ask=ask))
