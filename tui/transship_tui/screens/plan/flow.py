"""The board of a flow: images down, stages across; what can be promoted, and who promoted what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.errors import TransshipError
from transship.matching import matcher
from transship.oci.digest import Digest
from transship.plans.flow import Flow
from transship.text import counted, safe
from transship.transfers.promotion import (
    BoardCell,
    BoardProgress,
    BoardRow,
    Promotion,
    PromotionOutcome,
    PromotionRecord,
    StageBoard,
    StageStep,
)
from transship.views.flow import ARROWS, LEGEND, hexadecimal, letter
from transship_tui.context import JobsChanged
from transship_tui.keys import bindings, key_for, words_for
from transship_tui.lines import flow_line, promote_line
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, mark
from transship_tui.naming import Naming
from transship_tui.screens.frame import Frame
from transship_tui.widgets.bars import TabLine
from transship_tui.widgets.dialogs import Choice, ChoiceDialog, ConfirmDialog, FactsDialog
from transship_tui.widgets.patterns import PatternTable
from transship_tui.widgets.table import Column, VirtualTable
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.totals import when_text

if TYPE_CHECKING:
    from transship.plans.flow import Stage

HISTORY_COLUMNS = (
    Column("When", 12),
    Column("Outcome", 11),
    Column("Image"),
    Column("From", 10, least=76),
    Column("To", 10),
    Column("Digest", 12, least=76),
    Column("By", least=100),
)

_LEAST_NAME = 24
_COLORS = {StageStep.NONE: "", StageStep.NEW: NEWS, StageStep.REPLACE: CARE, StageStep.UNKNOWN: BAD}
_OUTCOMES = {
    PromotionOutcome.ASKED: "running",
    PromotionOutcome.PARTLY: "warning",
    PromotionOutcome.UNDONE: "warning",
}


def board_columns(flow: Flow, width: int) -> tuple[Column, ...]:
    """Return a column for the images and one for each stage; narrow ones have no digests."""
    count = len(flow.stages)
    room = max(5, (width - _LEAST_NAME - 2) // count - 1)
    each = min(room, 18)
    return (Column("Image"), *(Column(safe(stage.name), each) for stage in flow.stages))


class FlowRows:
    """Images across all stages."""

    def __init__(self, rows: Sequence[BoardRow], digits: int) -> None:
        self.rows = rows
        self._digits = digits

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, index: int) -> str:
        """Return the image's name."""
        return str(self.rows[index].image)

    def cells(self, index: int) -> Sequence[Content]:
        """Return the image, and what each stage has of it."""
        row = self.rows[index]
        return (Content(safe(str(row.image))), *(self._cell(cell) for cell in row.cells))

    def _cell(self, cell: BoardCell) -> Content:
        if cell.digest is None or cell.mark is None:
            return Content.styled("?", BAD) if cell.problem else Content.styled("–", QUIET)
        digest = hexadecimal(cell.digest)[: self._digits]
        words = " ".join(filter(None, (letter(cell.mark), digest, ARROWS.get(cell.step, ""))))
        return Content.styled(words, _COLORS[cell.step])


def digits_for(width: int) -> int:
    """Return how many digits of a digest fit into a stage's column, beside letter and arrow."""
    room = width - 4
    return min(12, room) if room >= 6 else 0


class HistoryRows:
    """What was promoted, the newest first."""

    def __init__(self, entries: Sequence[PromotionRecord], now: float) -> None:
        self.entries = tuple(reversed(entries))
        self._now = now

    def __len__(self) -> int:
        return len(self.entries)

    def key(self, index: int) -> str:
        """Return the promotion's number."""
        return str(self.entries[index].number)

    def cells(self, index: int) -> Sequence[Content]:
        """Return when, what became of it, what, from where to where, and by whom."""
        entry = self.entries[index]
        return (
            Content(when_text(entry.asked, self._now)),
            outcome_mark(entry.outcome),
            Content(safe(str(entry.image))),
            Content(safe(entry.begins)),
            Content(safe(entry.ends)),
            Content(hexadecimal(entry.digest)),
            Content(safe(str(entry.by))),
        )


def outcome_mark(outcome: PromotionOutcome) -> Content:
    """Return how a promotion ended, with its sign."""
    known = _OUTCOMES.get(outcome)
    if known is None:
        return mark(str(outcome))
    sign = mark(known)
    return Content.assemble((f"{sign.plain.split()[0]} {outcome}", CARE))


def image_facts(board: StageBoard, row: BoardRow, naming: Naming) -> list[tuple[str, str]]:
    """Return all that the board has of one image, stage by stage."""
    facts = []
    for stage, cell in zip(board.flow.stages, row.cells, strict=True):
        where = stage.reference(row.image.repository, row.image.tag)
        facts += [(stage.name, ""), ("At", naming.place(str(where)))]
        if cell.digest is not None and cell.mark is not None:
            facts.append((f"Digest {letter(cell.mark)}", cell.digest))
        elif cell.problem is None:
            facts.append(("Digest", "isn't there"))
        if cell.problem is not None:
            facts.append(("Problem", str(cell.problem)))
        if cell.step in _STEPS:
            facts.append(("Next", _STEPS[cell.step]))
    return facts


_STEPS = {
    StageStep.NEW: "can be promoted",
    StageStep.REPLACE: "can be promoted, in place of another digest",
    StageStep.UNKNOWN: "can't be told: one of the two stages couldn't be looked at",
}


def row_lines(row: BoardRow, last: PromotionRecord | None, now: float) -> list[Content]:
    """Return in a few lines what each letter of a row stands for, and who moved the image last."""
    digests = dict.fromkeys(
        (cell.mark, cell.digest) for cell in row.cells if cell.digest and cell.mark is not None
    )
    known = "   ".join(f"{letter(sign)} {hexadecimal(digest)}" for sign, digest in digests)
    state = ("✓ the same everywhere   ", OK) if row.is_settled else ""
    problem = next((cell.problem for cell in row.cells if cell.problem), None)
    more = ""
    if last is not None:
        when = when_text(last.asked, now)
        more = f"last promoted to {last.ends} {when} by {last.by}: {last.outcome}"
    if problem is not None:
        more = f"? {problem}"
    return [
        Content.assemble((f"{safe(str(row.image))}   ", "bold"), state, known),
        Content.styled(safe(more), BAD if problem else QUIET),
    ]


def entry_lines(entry: PromotionRecord, naming: Naming) -> list[Content]:
    """Return in two lines what was promoted, from where to where, and what went wrong."""
    detail = Content.styled(safe(entry.detail), BAD)
    way = naming.way(str(entry.source.at(entry.source.tag)), str(entry.target))
    return [Content(way), detail]


def entry_facts(entry: PromotionRecord, naming: Naming) -> list[tuple[str, str]]:
    """Return all that the ledger has of one promotion."""
    facts = (
        ("Image", str(entry.image)),
        ("From", f"{entry.begins}: {naming.place(str(entry.source))}"),
        ("To", f"{entry.ends}: {naming.place(str(entry.target))}"),
        ("Digest", entry.digest),
        ("Replaced", entry.replaced or ""),
        ("By", str(entry.by)),
        ("Job", entry.job),
        ("Why", entry.detail),
    )
    return [(name, value) for name, value in facts if value]


def promote_dialog(promotion: Promotion, naming: Naming) -> ConfirmDialog:
    """Return the question whether to promote just that.

    Where the tag would move away from another digest, the target's host must be typed.
    """
    begins, ends = promotion.begins.name, promotion.ends.name
    source, target = promotion.source, promotion.target
    lines: list[str | tuple[str, str]] = [
        f"From {safe(begins)}  {naming.place(str(source.at(source.tag)))}\n",
        f"To {safe(ends)}  {naming.place(str(target))}\n",
        f"Digest, {_digest(promotion.digest)}\n",
    ]
    replaced = None if promotion.is_there else promotion.replaced
    if promotion.is_there:
        lines.append(f"{safe(ends)} has it already; what refers to it is looked at.")
    elif replaced:
        lines.append((f"↻ in place of another image, {_digest(replaced)}", CARE))
    elif promotion.referrers:
        lines.append("What refers to it goes along: signatures, SBOMs.")
    return ConfirmDialog(
        f"Promote {promotion.image} to {ends}?",
        Content.assemble(*lines),
        "Promote",
        danger=bool(replaced),
        typed=target.registry if replaced else None,
    )


def _digest(digest: Digest) -> str:
    """Return a digest in full, its hexadecimal digits on a line that has room for them."""
    algorithm, _, digits = digest.partition(":")
    return f"{algorithm}\n{digits}"


_MARKS = (StageStep.NEW, StageStep.REPLACE)
_UNKNOWN = "It couldn't be looked at; {board.refresh} looks anew."


class FlowScreen(Frame):
    """Shows which image of `flow` is in which stage. `file` is what its file is called."""

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = bindings("board")
    CSS_PATH = "flow.tcss"
    HELP: ClassVar[str] = """
Images stand below each other, the stages of the flow side by side. Within a row, the same letter is
the same digest. → says that an image can be promoted to the next stage, ⇒ that the next stage has
the tag with another digest, – that it isn't there, ? that it couldn't be looked at.

{board.promote} promotes the image under the cursor: to the next stage only, by its digest, and
after a question. Who promoted what and when is kept, and {board.history} shows it.
{board.open-steps} shows only what can be promoted, {list.open} all digests of an image.
"""

    def __init__(self, flow: Flow, file: str) -> None:
        super().__init__()
        self._flow = flow
        self._file = file
        self._board: StageBoard | None = None
        self._entries: Sequence[PromotionRecord] = ()
        self._shown: Sequence[BoardRow] = ()
        self._only_steps = False
        self._looking: BoardProgress | None = None
        self._promoting = False
        self._begun: set[str] = set()
        """Jobs of promotions that were begun here, and haven't ended as far as is known."""

    def compose_body(self) -> ComposeResult:
        """Give board and history, the line for a pattern, and the row under the cursor."""
        yield TabLine()
        yield PatternTable(board_columns(self._flow, 80), id="board", empty="Looking…")
        yield VirtualTable(HISTORY_COLUMNS, id="history", empty="Nothing was promoted yet.")
        yield TextLines(id="row")

    def on_mount(self) -> None:
        """Look at all stages."""
        self.query_one("#history").display = False
        self._images.table.focus()
        self._say()
        self._look()
        self._read_history()

    def on_resize(self) -> None:
        """Lay the stages out anew."""
        self._show()

    @property
    def _images(self) -> PatternTable:
        return self.query_one(PatternTable)

    @property
    def _is_history(self) -> bool:
        return self.query_one("#history").display

    # What is there

    @work(group="board", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        progress = self._looking = BoardProgress()
        ticks = self.set_interval(0.25, self._say)
        try:
            self._board = await self.core.flows.board(self._flow, progress)
        except TransshipError as error:
            self.fail(error)
        else:
            for stage, problem in list(self._board.problems.items())[:1]:
                self.context.log.add_error(problem)
                self.warn(f"{stage} couldn't be looked at in full: {problem}")
        finally:
            ticks.stop()
            self._looking = None
        self._show()

    @work(group="history", exclusive=True, exit_on_error=False)
    async def _read_history(self) -> None:
        try:
            self._entries = await self.core.flows.promotions(self._flow)
        except TransshipError as error:
            self.fail(error)
            return
        rows = HistoryRows(self._entries, self.core.clock.now())
        self.query_one("#history", VirtualTable).show(rows)
        self._say()

    def work_failed(self, group: str) -> None:
        """Wait for nothing any more."""
        if group == "board":
            self._looking = None
        self._promoting = False
        self._say()

    def on_jobs_changed(self, event: JobsChanged) -> None:
        """Look anew once a promotion has come to its end."""
        ended = {job.id for job in event.jobs if job.state.ended} & self._begun
        if ended:
            self._begun -= ended
            self._read_history()
            self._look()

    def _show(self) -> None:
        columns = board_columns(self._flow, self.size.width)
        self._images.table.lay_out(columns)
        if self._board is not None:
            wanted = matcher(self._images.pattern)
            self._shown = [
                row
                for row in self._board.rows
                if wanted(str(row.image)) and (not self._only_steps or _steps_of(row))
            ]
            rows = FlowRows(self._shown, digits_for(columns[1].width))
            self._images.show(rows, len(self._board.rows), empty=self._empty)
        elif self._looking is None:
            self._images.show(FlowRows((), 0), 0, empty=words_for(self, _UNKNOWN))
        self._say()

    @property
    def _empty(self) -> str:
        if self._board is not None and self._board.rows:
            return words_for(self, "Nothing can be promoted now; {board.open-steps} shows all.")
        return "No stage has an image."

    def _say(self) -> None:
        stages = " → ".join(stage.name for stage in self._flow.stages)
        self.heading(f"Flow {self._flow.name}", self._extent() or stages)
        steps = len(self._board.promotable) if self._board else 0
        tabs = [f"Board {steps:,} to promote" if steps else "Board", "History"]
        if self._entries:
            tabs[1] = f"History {len(self._entries):,}"
        self.query_one(TabLine).tabs(tabs, int(self._is_history))
        self._show_row()

    def _extent(self) -> str:
        if self._looking is not None:
            return f"looking: {counted(self._looking.images, 'tag')} so far"
        if self._board is None:
            return ""
        images = counted(len(self._board.rows), "image")
        return f"{images}, only what can be promoted" if self._only_steps else images

    @on(VirtualTable.CursorMoved)
    def _show_row(self) -> None:
        now, row = self.core.clock.now(), self._row
        if self._is_history:
            entry = self._entry
            words = entry_lines(entry, self.context.naming) if entry else []
        else:
            last = next((e for e in reversed(self._entries) if row and e.image == row.image), None)
            words = [*(row_lines(row, last, now) if row else ()), Content.styled(LEGEND, QUIET)]
        self.query_one("#row", TextLines).show(words)
        self.line(self._line(row))
        self.refresh_bindings()

    @property
    def _entry(self) -> PromotionRecord | None:
        """The promotion under the cursor."""
        key = self.query_one("#history", VirtualTable).key_at_cursor()
        return next((entry for entry in self._entries if str(entry.number) == key), None)

    def _line(self, row: BoardRow | None) -> str:
        if self._is_history:
            return f"{flow_line(self._file)} --history"
        steps = _steps_of(row) if row else []
        if row is None or not steps:
            return flow_line(self._file)
        number, step = steps[-1]
        stage = self._flow.stages[number + 1].name
        return promote_line(self._file, str(row.image), stage, overwrite=step is StageStep.REPLACE)

    @property
    def _row(self) -> BoardRow | None:
        """The row under the cursor."""
        at = self._images.table.cursor
        return self._shown[at] if at < len(self._shown) else None

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be promoted now, and why."""
        if self._promoting:
            return {"promote": "A promotion is just being started."}
        if self._is_history:
            why = words_for(self, "This is the history; {board.history} goes back to the board.")
            return {"promote": why}
        if self._row is None:
            return {"promote": "There is no image here."}
        if not _steps_of(self._row):
            return {"promote": _why_not(self._row, key_for(self, "list.open"))}
        return {}

    # What is shown of it

    def action_history(self) -> None:
        """Show the history, or the board again."""
        history = not self._is_history
        shown = self.query_one("#history")
        shown.display, self._images.display = history, not history
        (shown if history else self._images.table).focus()
        self._say()

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        if bool(event.index) is not self._is_history:
            self.action_history()

    def action_steps(self) -> None:
        """Show only what can be promoted, or everything again."""
        if self._is_history:
            self.action_history()
        self._only_steps = not self._only_steps
        self._show()

    def action_refresh_list(self) -> None:
        """Look at all stages anew."""
        self.hush()
        self._look()
        self._read_history()

    def action_filter(self) -> None:
        """Let the operator type which images to show."""
        if self._is_history:
            self.action_history()
        self._images.ask_filter()

    async def action_back(self) -> None:
        """Show all again if something is hidden; else go back."""
        if self._is_history:
            self.action_history()
        elif self._images.clear_filter():
            pass
        elif self._only_steps:
            self.action_steps()
        else:
            await super().action_back()

    @on(PatternTable.Narrowed)
    def _narrowed(self) -> None:
        self._show()

    @on(VirtualTable.Opened, "#board VirtualTable")
    def _open_image(self) -> None:
        if self._board is not None and (row := self._row) is not None:
            facts = image_facts(self._board, row, self.context.naming)
            self.app.push_screen(FactsDialog(Content(safe(str(row.image))), facts))

    @on(VirtualTable.Opened, "#history")
    def _open_entry(self) -> None:
        if (entry := self._entry) is not None:
            facts = entry_facts(entry, self.context.naming)
            self.app.push_screen(FactsDialog(outcome_mark(entry.outcome), facts))

    # Promoting

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_promote(self) -> None:
        """Ask whether to promote the image under the cursor, and begin that."""
        row = self._row
        number = await self._chosen_step(row) if row else None
        if row is None or number is None:
            return
        cell, stage = row.cells[number], self._flow.stages[number + 1]
        assert cell.digest is not None
        self.hush()
        self._promoting = True
        self.refresh_bindings()
        engine, overwrite = self.core, cell.step is StageStep.REPLACE
        try:
            promotion = await engine.flows.consider(
                self._flow, row.image, stage.name, cell.digest, overwrite=overwrite
            )
            question = promote_dialog(promotion, self.context.naming)
            if not await self.app.push_screen_wait(question):
                return
            job = await engine.flows.promote(promotion)
        except TransshipError as error:
            self.fail(error)
            return
        finally:
            self._promoting = False
            self.refresh_bindings()
        self._begun.add(job)
        shows = f"job {job}, {key_for(self, 'jobs')} shows it"
        self.tell(f"{row.image} is on its way to {stage.name}: {shows}")
        self.context.monitor.look()
        self._read_history()

    async def _chosen_step(self, row: BoardRow) -> int | None:
        """Return from which stage, by its number, the image goes on; ask if there are several."""
        steps = _steps_of(row)
        if len(steps) == 1:
            return steps[0][0]
        stages: Sequence[Stage] = self._flow.stages
        choices = [
            Choice(
                str(number),
                f"{stages[number].name} → {stages[number + 1].name}",
                "in place of another digest" if step is StageStep.REPLACE else "",
            )
            for number, step in reversed(steps)
        ]
        dialog = ChoiceDialog(f"Promote {row.image}: which step?", Content(""), choices)
        answer = await self.app.push_screen_wait(dialog)
        return int(answer) if answer else None


def _steps_of(row: BoardRow) -> list[tuple[int, StageStep]]:
    """Return the stages, by number, from which an image can go on, and what that does."""
    return [(number, cell.step) for number, cell in enumerate(row.cells) if cell.step in _MARKS]


def _why_not(row: BoardRow, opens: str) -> str:
    if row.is_settled:
        return f"Every stage has the same digest of {row.image}."
    if any(cell.step is StageStep.UNKNOWN for cell in row.cells):
        return f"{row.image} couldn't be looked at in all stages; {opens} says why."
    return f"No stage has anything of {row.image} for the next one."
