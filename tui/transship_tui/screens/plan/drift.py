"""Drift: tag by tag, how far the targets of a plan are from what it would make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from transship.errors import TransshipError
from transship.matching import matcher
from transship.plans.drift import Drift, DriftRow, DriftState, plan_of
from transship.text import counted, safe
from transship.transfers.drift import DriftProgress
from transship.views.flow import hexadecimal
from transship_tui.keys import bindings, key_for
from transship_tui.lines import drift_line
from transship_tui.marks import BAD, CARE, NEWS, QUIET, Mark
from transship_tui.naming import Naming
from transship_tui.screens.frame import Frame
from transship_tui.widgets.dialogs import FactsDialog, NameDialog
from transship_tui.widgets.patterns import PatternTable
from transship_tui.widgets.table import Column, VirtualTable
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.worklist import laid_out, short_name

if TYPE_CHECKING:
    from transship.plans.plan import Plan

COLUMNS = (
    Column("State", 19),
    Column("At the target"),
    Column("From", least=110),
    Column("Why", least=76),
)
_NOTHING = "nothing: no rule puts it there"
MARKS = {
    DriftState.SAME: Mark("=", "same", QUIET),
    DriftState.DIFFERS: Mark("≠", "differs", BAD),
    DriftState.MISSING: Mark("+", "missing at target", NEWS),
    DriftState.EXTRA: Mark("»", "only at target", CARE),
    DriftState.UNKNOWN: Mark("?", "not compared", CARE),
}


class DriftRows:
    """Tags at the targets, each with how it compares."""

    def __init__(self, rows: Sequence[DriftRow]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> str:
        """Return where the tag is at the target."""
        return str(self._rows[index].target)

    def cells(self, index: int) -> Sequence[Content]:
        """Return state, target, source, and why it couldn't be compared."""
        row = self._rows[index]
        return (
            MARKS[row.state].content(),
            Content(short_name(row.target)),
            Content(short_name(row.wanted.source) if row.wanted else ""),
            Content.styled(row.why or _digests(row), QUIET),
        )


def in_full(row: DriftRow, naming: Naming) -> list[Content]:
    """Return one row with all of its names and digests; `naming` says what places are called."""
    source = f"{naming.place(str(row.wanted.source))} → " if row.wanted else ""
    return [
        Content(f"{source}{naming.place(str(row.target))}"),
        Content.styled(safe(_words(row)), QUIET),
    ]


def row_facts(row: DriftRow, naming: Naming) -> list[tuple[str, str]]:
    """Return all that is known of one row."""
    facts = (
        ("From", naming.place(str(row.wanted.source)) if row.wanted else _NOTHING),
        ("Digest", row.source_digest or ""),
        ("To", naming.place(str(row.target))),
        ("Its digest", row.target_digest or ""),
        ("Why", row.why),
    )
    return [(name, value) for name, value in facts if value]


def _words(row: DriftRow) -> str:
    if row.why:
        return row.why
    match row.state:
        case DriftState.MISSING:
            return "the target doesn't have the tag"
        case DriftState.EXTRA:
            return "no rule puts it there now"
    return _digests(row)


def _digests(row: DriftRow) -> str:
    if row.state is DriftState.DIFFERS and row.source_digest and row.target_digest:
        return f"{hexadecimal(row.source_digest)} → {hexadecimal(row.target_digest)}"
    return (
        hexadecimal(row.source_digest) if row.state is DriftState.SAME and row.source_digest else ""
    )


class DriftScreen(Frame):
    """Compares the targets of `plan` with its sources. `name` is what its file is called."""

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = bindings("drift")
    CSS_PATH = "drift.tcss"
    HELP: ClassVar[str] = """
Both sides are listed, and tags that both have are compared by digest. Nothing is written.
{drift.state} shows one state after another, {drift.filter} finds by name, {list.open} shows both
digests.

{list.mark} marks, {drift.mark-matching} marks by a pattern, {list.mark-range} up to here. What is
marked becomes a plan of its own: {drift.preview} shows what it would do and can start it,
{drift.save} saves it among your plans. A tag that is only at the target has no source, so nothing
copies it.
"""

    def __init__(self, plan: Plan, name: str) -> None:
        super().__init__()
        self._plan = plan
        self._plan_name = name
        self._drift: Drift | None = None
        self._only: DriftState | None = None
        self._shown: Sequence[DriftRow] = ()
        self._looking: DriftProgress | None = None
        self._ended: frozenset[str] = frozenset()
        """The jobs that had ended when both sides were looked at."""

    def compose_body(self) -> ComposeResult:
        """Give the counts, the tags, and the one under the cursor in full."""
        yield Static(id="counts")
        yield PatternTable(COLUMNS, can_mark=True, empty="Looking…")
        yield TextLines(id="row")

    def on_mount(self) -> None:
        """Look at both sides."""
        self.line(drift_line(self._plan_name))
        self._table.focus()
        self._look()

    @property
    def _table(self) -> VirtualTable:
        return self.query_one(PatternTable).table

    @work(group="drift", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        progress = self._looking = DriftProgress()
        self._ended = self._jobs_ended
        ticks = self.set_interval(0.25, self._say)
        self._say()
        try:
            self._drift = await self.core.plans.drift(self._plan, progress)
        except TransshipError as error:
            self.fail(error)
        finally:
            ticks.stop()
            self._looking = None
        self._show()

    def work_failed(self, group: str) -> None:  # noqa: ARG002 - there is one only
        """Wait for nothing any more."""
        self._looking = None
        self._show()

    @property
    def _jobs_ended(self) -> frozenset[str]:
        return frozenset(job.id for job in self.context.monitor.jobs if job.state.ended)

    def on_screen_resume(self) -> None:
        """Say so if what is shown may be outdated."""
        self._warn_of_jobs()

    def on_jobs_changed(self) -> None:
        """Say so if what is shown may be outdated."""
        self._warn_of_jobs()

    def _warn_of_jobs(self) -> None:
        if self._drift is not None and self._jobs_ended - self._ended:
            looks = f"{key_for(self, 'drift.refresh')} looks anew"
            self.warn(f"A job has ended since both sides were looked at; {looks}.")

    def _show(self) -> None:
        rows = self._drift.rows if self._drift else ()
        listed = self.query_one(PatternTable)
        wanted = matcher(listed.pattern)
        self._shown = [
            row for row in rows if self._only in (None, row.state) and wanted(str(row.target))
        ]
        known = self._drift is not None
        empty = (
            "The rules select nothing."
            if known
            else f"It couldn't be looked at; {key_for(self, 'drift.refresh')} looks anew."
        )
        listed.show(DriftRows(self._shown), len(rows), empty=empty)
        self._say()

    def _say(self) -> None:
        marked = len(self._table.marked)
        words = [self._progress(), f"● {marked:,} marked" if marked else ""]
        self.heading(f"Drift of {self._plan_name}", "   ".join(filter(None, words)))
        self.query_one("#counts", Static).update(self._counts())
        self._show_row()

    def _progress(self) -> str:
        if self._looking is None:
            return ""
        if not self._looking.to_compare:
            count = counted(self._looking.listed, "repository", "repositories")
            return f"listing both sides: {count} of the target so far"
        tags = counted(self._looking.to_compare, "tag")
        return f"comparing: {self._looking.compared:,} of {tags}"

    def _counts(self) -> Content:
        if self._drift is None:
            return Content.styled("Nothing is written.", QUIET)
        everything = counted(len(self._drift.rows), "tag")
        parts = [(everything, "reverse" if self._only is None else "")]
        for state, count in self._drift.counts.items():
            if count:
                sign, chosen = MARKS[state], "reverse " if state is self._only else ""
                parts.append((f"{sign.sign} {count:,} {state}", f"{chosen}{sign.color}"))
        return laid_out(parts, self.size.width - 2)

    def on_resize(self) -> None:
        """Lay the counts out anew."""
        self.query_one("#counts", Static).update(self._counts())

    @on(VirtualTable.CursorMoved)
    def _show_row(self) -> None:
        at = self._table.cursor
        row = self._shown[at] if at < len(self._shown) else None
        self.query_one("#row", TextLines).show(in_full(row, self.context.naming) if row else ())
        self.refresh_bindings()

    @on(PatternTable.Marked)
    def _marks_changed(self) -> None:
        self._say()

    @on(PatternTable.Narrowed)
    def _narrowed(self) -> None:
        self._show()

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done yet, and why."""
        if self._drift is None or not self._drift.rows:
            why = "There are no tags here."
            return dict.fromkeys(("preview", "save", "state", "mark_matching"), why)
        return {}

    # What is shown of it

    def action_state(self) -> None:
        """Show only the next state that there is; after the last one, all."""
        if self._drift is None:
            return
        present = [None, *(state for state, count in self._drift.counts.items() if count)]
        self._only = present[(present.index(self._only) + 1) % len(present)]
        self._show()

    def action_filter(self) -> None:
        """Let the operator type which tags to show."""
        self.query_one(PatternTable).ask_filter()

    def action_mark_matching(self) -> None:
        """Let the operator type which tags to mark."""
        self.query_one(PatternTable).ask_marks()

    def action_refresh_list(self) -> None:
        """Look at both sides anew."""
        self.hush()
        self._look()

    async def action_back(self) -> None:
        """Show all again if something is hidden; else go back."""
        if self.query_one(PatternTable).clear_filter():
            return
        if self._only is not None:
            self._only = None
            self._show()
        else:
            await super().action_back()

    @on(VirtualTable.Opened)
    def _open(self, event: VirtualTable.Opened) -> None:
        row = self._shown[event.index]
        self.app.push_screen(
            FactsDialog(MARKS[row.state].content(), row_facts(row, self.context.naming))
        )

    # What comes of the marked

    def _marked_plan(self) -> Plan | None:
        """Return a plan of what is marked, or of the row under the cursor if nothing is."""
        marked = self._table.marked or {self._table.key_at_cursor() or ""}
        rows = [row for row in self._drift.rows if str(row.target) in marked] if self._drift else []
        without = sum(1 for row in rows if row.wanted is None)
        try:
            plan = plan_of(self._plan, rows)
        except TransshipError as error:
            self.warn(f"Nothing to copy: {error.detail}.")
            return None
        if without:
            self.warn(f"{without:,} of the marked are only at the target: nothing copies those.")
        return plan

    def action_preview(self) -> None:
        """Show what copying the marked would do."""
        from transship_tui.screens.plan.preview import PlanPreviewScreen

        self.hush()
        if (plan := self._marked_plan()) is not None:
            name = f"{counted(len(plan.copies), 'tag')} of {self._plan_name}"
            self.app.push_screen(PlanPreviewScreen(plan, name))

    @work(group="name", exclusive=True, exit_on_error=False)
    async def action_save(self) -> None:
        """Save the marked as a plan of their own."""
        self.hush()
        if (plan := self._marked_plan()) is None:
            return
        engine = self.core
        try:
            wish = engine.plans.free_name(f"{self._plan_name}-drift")
            become = "becomes a plan that copies just it"
            if len(plan.copies) > 1:
                become = "become a plan that copies just these"
            words = f"{counted(len(plan.copies), 'tag')} {become}."
            name = await self.app.push_screen_wait(
                NameDialog("Save as a plan", words, wish, "Save")
            )
            if name is None:
                return
            file = engine.plans.create(name, plan)
        except TransshipError as error:
            self.fail(error)
        else:
            self.tell(f"Saved as {safe(str(file.path))}")
