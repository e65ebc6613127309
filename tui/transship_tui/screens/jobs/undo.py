"""Undo: what a job has changed is put back, tag by tag, after all of it was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from transship.errors import TransshipError
from transship.oci.digest import short
from transship.text import counted, safe
from transship.transfers.journal import Restored
from transship.transfers.undo import (
    Restore,
    RestoreAction,
    UndoOutcome,
    UndoPlan,
    UndoProgress,
    UndoResult,
    left_words,
)
from transship_tui.context import QuitWarning
from transship_tui.keys import bindings, key_for
from transship_tui.lines import undo_line
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, Mark
from transship_tui.naming import Naming
from transship_tui.screens.frame import Frame
from transship_tui.watched import watched_words
from transship_tui.widgets.dialogs import ConfirmDialog, FactsDialog
from transship_tui.widgets.table import Column, VirtualTable
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.worklist import laid_out, short_name

COLUMNS = (
    Column("What", 14),
    Column("Tag"),
    Column("From → to", 32, least=100),
    Column("Why", least=76),
)
MARKS = {
    RestoreAction.PUT_BACK: Mark("↶", "put back", NEWS),
    RestoreAction.TAKE_AWAY: Mark("×", "take away", CARE),
    RestoreAction.UNLIST: Mark("−", "unlist", NEWS),
    RestoreAction.MOVED: Mark("–", "left", CARE),
    RestoreAction.UNKNOWN: Mark("?", "left", CARE),
    RestoreAction.ALREADY: Mark("=", "as before", QUIET),
}
"""What is to be done, in the order of the counts."""

_WORDS = {
    RestoreAction.PUT_BACK: "it points again at what it pointed at before the job",
    RestoreAction.TAKE_AWAY: "the job made it, so it goes",
    RestoreAction.UNLIST: "the referrers that the job added come off this list",
    RestoreAction.ALREADY: "it is as it was before the job",
}
_OUTCOMES = {
    Restored.DONE: Mark("✓", "restored", OK),
    Restored.FAILED: Mark("✗", "failed", BAD),
}

_DONE = {
    RestoreAction.TAKE_AWAY: Mark("✓", "taken away", OK),
    RestoreAction.UNLIST: Mark("✓", "unlisted", OK),
}
"""What became of a tag that isn't put back."""


class UndoRows:
    """Tags, each with what is to be done, or with what became of it."""

    def __init__(self, restores: Sequence[Restore], outcomes: Mapping[str, UndoOutcome]) -> None:
        self.restores = restores
        self._outcomes = outcomes

    def __len__(self) -> int:
        return len(self.restores)

    def key(self, index: int) -> str:
        """Return the tag."""
        return str(self.restores[index].tag)

    def cells(self, index: int) -> Sequence[Content]:
        """Return what is or was done, the tag, from what to what, and why."""
        restore = self.restores[index]
        outcome = self._outcomes.get(str(restore.tag))
        return (
            mark_of(restore, outcome).content(),
            Content(short_name(restore.tag)),
            Content.styled(_change(restore), QUIET),
            Content.styled(safe(why(restore, outcome)), BAD if _failed(outcome) else QUIET),
        )


def mark_of(restore: Restore, outcome: UndoOutcome | None) -> Mark:
    """Return what is to be done with a tag; once it was, what became of it."""
    if outcome is None or outcome.restore.act is RestoreAction.ALREADY:
        return MARKS[restore.act]
    act = outcome.restore.act
    if outcome.restored is Restored.DONE and act in _DONE:
        return _DONE[act]
    return _OUTCOMES.get(outcome.restored, MARKS[act])


def why(restore: Restore, outcome: UndoOutcome | None) -> str:
    """Return why that is to be done with a tag, or what went wrong."""
    if outcome is not None and outcome.words:
        return outcome.words
    return left_words(restore) or _WORDS.get(restore.act, "")


def restore_facts(
    restore: Restore, outcome: UndoOutcome | None, naming: Naming
) -> list[tuple[str, str]]:
    """Return all that there is to know of one tag; `naming` says what places are called."""
    facts = (
        ("Tag", naming.place(str(restore.tag))),
        ("Now", restore.now or "no such tag"),
        (
            "Then",
            restore.previous or ("" if restore.act is RestoreAction.UNKNOWN else "no such tag"),
        ),
        ("The job wrote", restore.wrote or ""),
        ("Why", why(restore, outcome)),
    )
    return [(name, value) for name, value in facts if value]


def _failed(outcome: UndoOutcome | None) -> bool:
    return outcome is not None and outcome.restored is Restored.FAILED


def _change(restore: Restore) -> str:
    if not restore.act.changes:
        return ""
    now, then = (short(digest) if digest else "–" for digest in (restore.now, restore.previous))
    return f"{now.removeprefix('sha256:')} → {then.removeprefix('sha256:')}"


class UndoScreen(Frame):
    """Shows what undoing `job` would do, does it when that is confirmed, and what came of it."""

    MODE = "jobs"
    BINDINGS: ClassVar[list[BindingType]] = bindings("undo")
    CSS_PATH = "undo.tcss"
    HELP: ClassVar[str] = """
A job keeps what each tag pointed at before it was moved. Undoing it points those tags back, and
takes away the tags that the job made. Each tag is looked at again right before it is touched: what
somebody has moved since is left, and named.

Nothing is written before you press Undo and type the target's name. Layers stay where they are:
registries clean up by themselves. An undo that was broken off can be taken up again from here.
"""

    def __init__(self, job: str) -> None:
        super().__init__()
        self._job = job
        self._undo_plan: UndoPlan | None = None
        self._rivals: Sequence[str] = ()
        self._outcomes: Mapping[str, UndoOutcome] = {}
        self._undone: UndoResult | None = None
        self._only: RestoreAction | None = None
        self._progress: UndoProgress | None = None
        self._writing = False

    def compose_body(self) -> ComposeResult:
        """Give the counts, the tags, the one under the cursor in full, and the way on."""
        yield Static(id="counts")
        yield VirtualTable(COLUMNS, empty="Looking…")
        yield TextLines(id="row")
        with Horizontal(id="undo-line"):
            yield Button("Undo…", id="undo", compact=True, variant="primary", disabled=True)
            yield Static(id="why")

    def on_mount(self) -> None:
        """Look at the tags."""
        self.heading(f"Undo job {self._job}")
        self.line(undo_line(self._job))
        self._table.focus()
        self.context.quit_warnings.append(self._at_stake)
        self._look()

    def on_unmount(self) -> None:
        """Nothing is under way here any more."""
        self.context.quit_warnings.remove(self._at_stake)

    def _at_stake(self) -> QuitWarning | None:
        if not self._writing or self._progress is None:
            return None
        left = self._progress.to_restore - self._progress.restored
        words = (
            f"Job {self._job} is being undone, and that ends with Transship: "
            f"{counted(left, 'tag')} would stay as they are. It can be taken up again."
        )
        return QuitWarning("Break the undo off?", words)

    @property
    def _table(self) -> VirtualTable:
        return self.query_one(VirtualTable)

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        self._progress = UndoProgress()
        ticks = self.set_interval(0.25, self._say)
        self._say()
        try:
            self._rivals = await self.core.jobs.conflicting_watchers(self._job)
            self._undo_plan = await self.core.jobs.preview_undo(self._job, self._progress)
            self._outcomes, self._undone = {}, None
        except TransshipError as error:
            self.fail(error)
        finally:
            ticks.stop()
            self._progress = None
        self._show()

    def work_failed(self, group: str) -> None:  # noqa: ARG002 - all of them are over then
        """Wait for nothing any more."""
        self._progress, self._writing = None, False
        self._show()

    def _show(self) -> None:
        restores = self._undo_plan.restores if self._undo_plan else ()
        shown = [restore for restore in restores if self._only in (None, restore.act)]
        known = self._undo_plan is not None
        empty = "The job has changed no tags." if known else "It couldn't be looked at."
        self._table.show(UndoRows(shown, self._outcomes), empty=empty)
        self._say()

    def _say(self) -> None:
        self.heading(f"Undo job {self._job}", self._words())
        self.query_one("#counts", Static).update(self._counts())
        why_not = self._why_not()
        self.query_one("#undo", Button).disabled = bool(why_not)
        words = why_not or "asks once more; nothing is written yet"
        self.query_one("#why", Static).update(Content(words))
        self._show_row()

    def _words(self) -> str:
        progress = self._progress
        if progress is None:
            return "" if self._undone is None else self._result(self._undone)
        if self._writing:
            return f"{progress.restored:,} of {counted(progress.to_restore, 'tag')} restored"
        return f"looking: {progress.looked:,} of {counted(progress.tags, 'tag')}"

    def _result(self, undone: UndoResult) -> str:
        failed = sum(1 for each in undone.open if each.error is not None)
        left = len(undone.open) - failed
        parts = (f"{failed:,} failed" if failed else "", f"{left:,} left" if left else "")
        return ", ".join(filter(None, parts)) or "all is as it was before"

    def _why_not(self) -> str:
        """Return why the undo can't be begun, or nothing when it can."""
        if self._writing:
            return "it goes on until every tag was seen to"
        if self._progress is not None:
            return "looking at the tags; nothing is written"
        if self._undo_plan is None:
            return f"{key_for(self, 'undo.refresh')} looks anew"
        if self._undone is not None:
            return f"done; {key_for(self, 'undo.refresh')} looks at the tags anew"
        return "" if self._undo_plan.changing else "There is nothing to put back."

    def _counts(self) -> Content:
        if self._undo_plan is None:
            return Content.styled("Nothing is written.", QUIET)
        counts = self._undo_plan.counts
        total = counted(len(self._undo_plan.restores), "tag")
        parts = [(total, "reverse" if self._only is None else "")]
        for act, sign in MARKS.items():
            if counts[act]:
                chosen = "reverse " if act is self._only else ""
                word = f"{sign.word} (moved since)" if act is RestoreAction.MOVED else sign.word
                parts.append((f"{sign.sign} {counts[act]:,} {word}", f"{chosen}{sign.color}"))
        lines = [laid_out(parts, self.size.width - 2)]
        if stays := len(self._undo_plan.stays):
            words = f"{counted(stays, 'manifest')} without a tag can still be found by digest"
            lines.append(Content.styled(words, QUIET))
        lines += [Content.styled(f"! {watched_words(file)}", CARE) for file in self._rivals]
        return Content("\n").join(lines)

    def on_resize(self) -> None:
        """Lay the counts out anew."""
        self.query_one("#counts", Static).update(self._counts())

    @on(VirtualTable.CursorMoved)
    def _show_row(self) -> None:
        self.query_one("#row", TextLines).show(self._row_lines())
        self.refresh_bindings()

    def _row_lines(self) -> Iterator[Content]:
        rows, at = self._table.rows, self._table.cursor
        if isinstance(rows, UndoRows) and at < len(rows):
            restore = rows.restores[at]
            outcome = self._outcomes.get(str(restore.tag))
            yield Content(self.context.naming.place(str(restore.tag)))
            yield Content.styled(safe(why(restore, outcome)), QUIET)

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done now, and why."""
        if self._writing:
            busy = "The job is being undone; wait for its end."
            return dict.fromkeys(("refresh_list", "back", "leave", "start"), busy)
        if self._undo_plan is None or not self._undo_plan.restores:
            return dict.fromkeys(("act", "start"), "There are no tags here.")
        why_not = self._why_not()
        return {"start": f"{why_not[0].upper()}{why_not[1:].removesuffix('.')}."} if why_not else {}

    def action_act(self) -> None:
        """Show only the next sort of tags that there is; after the last one, all."""
        if self._undo_plan is None:
            return
        present = [None, *(act for act in MARKS if self._undo_plan.counts[act])]
        self._only = present[(present.index(self._only) + 1) % len(present)]
        self._show()

    def action_refresh_list(self) -> None:
        """Look at the tags anew."""
        self.hush()
        self._look()

    @on(VirtualTable.Opened)
    def _open(self, event: VirtualTable.Opened) -> None:
        rows = self._table.rows
        if isinstance(rows, UndoRows):
            restore = rows.restores[event.index]
            outcome = self._outcomes.get(str(restore.tag))
            title = mark_of(restore, outcome).content()
            self.app.push_screen(
                FactsDialog(title, restore_facts(restore, outcome, self.context.naming))
            )

    @on(Button.Pressed, "#undo")
    def _undo_wanted(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_start()

    def action_start(self) -> None:
        """Ask whether to undo it."""
        if self._undo_plan is not None:
            self._undo(self._undo_plan)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def _undo(self, plan: UndoPlan) -> None:
        try:
            self._rivals = await self.core.jobs.conflicting_watchers(self._job)
        except TransshipError as error:
            self.fail(error)
            return
        if not await self.app.push_screen_wait(question(plan, self._rivals)):
            return
        self.hush()
        self._progress, self._writing = UndoProgress(), True
        ticks = self.set_interval(0.25, self._say)
        self._say()
        try:
            undone = await self.core.jobs.undo(self._job, plan, self._progress)
        except TransshipError as error:
            self.fail(error)
        else:
            self._undone = undone
            self._outcomes = {str(each.restore.tag): each for each in undone.outcomes}
            self._table.focus()
            words = f"Job {self._job} is undone: {self._result(undone)}"
            (self.warn if undone.open else self.tell)(words)
        finally:
            ticks.stop()
            self._progress, self._writing = None, False
        self._show()
        self.context.monitor.look()


def question(plan: UndoPlan, rivals: Sequence[str] = ()) -> ConfirmDialog:
    """Return the question before an undo. The hosts of all targets must be typed.

    `rivals` are the files of plans that are watched and write there, too.
    """
    counts = plan.counts
    hosts = dict.fromkeys(restore.tag.registry for restore in plan.changing)
    acts = (
        (RestoreAction.PUT_BACK, "points at what it was before", "point at what they were before"),
        (
            RestoreAction.TAKE_AWAY,
            "is taken away: the job made it",
            "are taken away: the job made them",
        ),
        (RestoreAction.UNLIST, "loses what the job added to it", "lose what the job added to them"),
    )
    lines: list[str | tuple[str, str]] = [f"At {safe(', '.join(hosts))}:\n"]
    for act, one, many in acts:
        if counts[act]:
            nouns = (
                ("list of referrers", "lists of referrers")
                if act is RestoreAction.UNLIST
                else ("tag", None)
            )
            words = counted(counts[act], *nouns)
            lines.append(f"{MARKS[act].sign} {words} {one if counts[act] == 1 else many}.\n")
    if plan.left:
        left = counted(len(plan.left), "tag")
        lines.append((f"\n{left} will be left: moved since, or not to be seen.", CARE))
    if not plan.state.ended:
        lines.append((f"\nThe job is {plan.state}; this ends it for good.", CARE))
    lines += [(f"\n{watched_words(file)}.", CARE) for file in rivals]
    lines.append("\nKeep Transship open until it is done.")
    return ConfirmDialog(
        f"Undo job {plan.job}?",
        Content.assemble(*lines),
        "Undo",
        danger=True,
        typed=" ".join(hosts),
    )
