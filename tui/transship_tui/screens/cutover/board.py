"""One cutover: the checks before, at and after the change, the clocks, the change, the rollback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static, TextArea

from transship.app.provider_request import secret_words
from transship.cutover.catchup import tag_name
from transship.cutover.evidence import Evidence, TagPair
from transship.cutover.finding import CheckResult
from transship.cutover.questions import OperatorQuestion, ParsedAnswer, command_for, question_by_id
from transship.cutover.status import CHANGED_STATES, CutoverStatus
from transship.errors import CutoverBusy, KeyMissing, KeyRefused, LossUnknown, TransshipError
from transship.guide import Next, Step
from transship.text import counted, safe
from transship.views.cutover import (
    UNSETTLED_STATES,
    CheckRow,
    check_rows,
    first_record,
    grid_cells,
    moved_resolvers,
    remaining_gate,
    rollback_words,
    unacknowledged,
    unanswered_questions,
    undecided_tags,
    waits_for,
    why_never_rollback,
    why_no_rollback,
)
from transship_tui.context import JobsChanged, QuitWarning, context_of
from transship_tui.cutover_outcomes import outcome_of
from transship_tui.keys import bindings, key_for
from transship_tui.lines import board_line
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET
from transship_tui.screens.cutover.form import ProviderDialog, ProviderSecretDialog
from transship_tui.screens.cutover.rows import (
    CHECK_COLUMNS,
    CheckRows,
    ChecksTable,
    GridRows,
    StepRows,
    explained,
    grid_lines,
    rounds_question,
    row_lines,
    state_mark,
    step_label,
    step_words,
)
from transship_tui.screens.cutover.rows import RESOLVER_COLUMNS as GRID_COLUMNS
from transship_tui.screens.cutover.rows import TAG_COLUMNS as STEP_COLUMNS
from transship_tui.screens.cutover.words import (
    CutoverButtons,
    back_content,
    change_content,
    change_question,
    clock_contents,
    copied_since,
    end_question,
    new_record,
    notes_content,
)
from transship_tui.screens.frame import Frame
from transship_tui.widgets.bars import MessageBar, TabLine
from transship_tui.widgets.dialogs import (
    Choice,
    ChoiceDialog,
    Choices,
    ConfirmDialog,
    NameDialog,
    WordsDialog,
)
from transship_tui.widgets.report_dialog import ReportDialog
from transship_tui.widgets.table import VirtualTable
from transship_tui.widgets.text_lines import TextLines

if TYPE_CHECKING:
    from textual.worker import Worker

    from transship.cutover.catchup import KeptSide

ACCEPT = "accept"
ANSWER = "answer"


class CheckDialog(ModalScreen[str | None]):
    """Explains a check; returns `accept` or `answer` where the operator wants to do that.

    `record` is what `y` copies; all the words where there is no record. `asked` says how many
    questions belong to the check, `can_accept` whether something of it can be acknowledged.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,e", "close", "Close"),
        Binding("y", "copy", "Copy"),
        Binding("a", "answer", "Answer"),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]
    DEFAULT_CSS = """
    CheckDialog > .dialog { width: 100; }
    """

    def __init__(
        self, title: str, words: Content, *, record: str, asked: int, can_accept: str
    ) -> None:
        super().__init__()
        self._title = safe(title)
        self._words = words
        self._record = record
        self._asked = asked
        self._can_accept = can_accept

    def compose(self) -> ComposeResult:
        """Give the words, and a button for each thing that can be done."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="title")
            with VerticalScroll(classes="words", can_focus=False):
                yield Static(self._words)
            yield Static(id="copied", classes="quiet")
            with Horizontal(classes="buttons"):
                copies = "y Copy record" if self._record else "y Copy"
                yield Button(copies, id="copy", compact=True)
                if self._can_accept:
                    yield Button(f"{self._can_accept}…", id="accept", compact=True)
                if self._asked:
                    yield Button("a Answer…", id="answer", compact=True, variant="primary")
                yield Button("Close", id="close", compact=True)

    def on_mount(self) -> None:
        """Put the focus on the way out, and show the beginning."""
        self.query_one("#close").focus(scroll_visible=False)

    @on(Button.Pressed, "#copy")
    async def action_copy(self) -> None:
        """Copy the record, or else the words."""
        copied = await context_of(self).clipboard.copy(self._record or self._words.plain)
        self.query_one("#copied", Static).update(Content(f"{copied.how}."))

    @on(Button.Pressed, "#accept")
    def _accept(self) -> None:
        self.dismiss(ACCEPT)

    @on(Button.Pressed, "#answer")
    def action_answer(self) -> None:
        """Answer what the check asks."""
        if self._asked:
            self.dismiss(ANSWER)

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Close."""
        self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Move through what is longer than the screen."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)


Read = Callable[[str], ParsedAnswer]


class QuestionDialog(ModalScreen[str | None]):
    """Asks; returns the choice or what was pasted, None when nothing was answered.

    `command` is the one to copy, `read` says what an answer would be taken for.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "keep", "Keep"),
        Binding("ctrl+o", "copy", "Copy command"),
    ]
    DEFAULT_CSS = """
    QuestionDialog {
        &>.dialog { width: 100; }
        & #why, & #command, & #reading, & #copied { height: auto; }
        & #command { margin: 0 0 1 0; }
        & TextArea { height: 4; background: $surface; }
        & Choices { max-height: 8; }
    }
    """

    def __init__(self, question: OperatorQuestion, command: str, read: Read) -> None:
        super().__init__()
        self._question = question
        self._command = command
        self._read = read

    def compose(self) -> ComposeResult:
        """Give the question, why it is asked, the choices, the command, and a place to paste."""
        question = self._question
        with Vertical(classes="dialog"):
            yield Static(Content(question.text), classes="title")
            yield Static(Content.styled(f"{question.why}\n", QUIET), id="why")
            if question.choices:
                yield Choices()
            if self._command or not question.choices:
                yield Static(self._command_words(), id="command")
                area = TextArea(id="pasted", tab_behavior="focus", soft_wrap=False, compact=True)
                area.cursor_blink = False
                yield area
                yield Static(id="reading")
            yield Static(id="copied", classes="quiet")
            with Horizontal(classes="buttons"):
                if self._command:
                    yield Button("^o Copy command", id="copy", compact=True)
                yield Button("Cancel", id="cancel", compact=True)
                if self._command or not question.choices:
                    yield Button(
                        "^s Keep", id="keep", compact=True, variant="primary", disabled=True
                    )

    def on_mount(self) -> None:
        """Put the cursor where the answer goes."""
        for choices in self.query(Choices):
            offered = [Choice(each.answer, each.text) for each in self._question.choices]
            choices.offer(offered)
            choices.focus()
        for area in self.query(TextArea):
            if not self._question.choices:
                area.focus()

    def _command_words(self) -> Content:
        if not self._command:
            return Content("Write the answer here:")
        where = self._question.where or "anywhere"
        either = "Or run" if self._question.choices else "Run"
        return Content.assemble(
            f"{either} this {where}, and paste what it prints:\n", (self._command, NEWS)
        )

    @on(TextArea.Changed)
    def _typed(self) -> None:
        text = self.query_one(TextArea).text.strip()
        said = self.query_one("#reading", Static)
        self.query_one("#copied", Static).update(Content(""))
        reading = self._read(text) if text else None
        self.query_one("#keep", Button).disabled = reading is None or reading.good is None
        if reading is None:
            said.update(Content(""))
        elif reading.good is None:
            said.update(Content.styled(f"✗ can't be read: {safe(reading.seen)}", BAD))
        elif reading.good:
            said.update(Content.styled(f"✓ {safe(reading.seen)}", OK))
        else:
            said.update(Content.styled(f"! {safe(reading.seen)}", CARE))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._question.choices[event.option_index].answer)

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Take what was pasted, if it can be read."""
        for keep in self.query("#keep").results(Button):
            if not keep.disabled:
                self.dismiss(self.query_one(TextArea).text.strip())
                return
        if not self.query(TextArea):
            words = "Choose one of these; enter takes it."
        elif not self.query_one(TextArea).text.strip():
            words = "There is nothing to keep yet: write or paste the answer first; esc cancels."
        else:
            words = "That can't be kept: it isn't understood, as is said above."
        self.query_one("#copied", Static).update(Content(words))

    @on(Button.Pressed, "#copy")
    async def action_copy(self) -> None:
        """Copy the command."""
        if self._command:
            copied = await context_of(self).clipboard.copy(self._command)
            self.query_one("#copied", Static).update(Content(f"{copied.how}."))

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Answer nothing."""
        self.dismiss(None)


class CheckDecisions:
    """What the operator says about checks: answers to what can't be seen, and acknowledgements."""

    def __init__(self, board: CutoverBoardScreen) -> None:
        self._board = board

    async def explain(self, result: CheckResult, row: CheckRow) -> None:
        """Explain a check, and do what is wanted about it."""
        if (standing := self._board.standing) is None:
            return
        now = self._board.core.clock.now()
        asked = unanswered_questions(result, standing.evidence)
        open_ones = unacknowledged(result, standing.evidence)
        what = ("Acknowledge" if result.findings else "Go on without") if open_ones else ""
        dialog = CheckDialog(
            f"{result.check} {result.title}",
            explained(result, row, standing, now),
            record=first_record(result),
            asked=len(asked),
            can_accept=what,
        )
        wanted = await self._board.app.push_screen_wait(dialog)
        if wanted == ANSWER:
            await self.answer(result)
        elif wanted == ACCEPT:
            await self.acknowledge(result)

    async def answer(self, result: CheckResult) -> None:
        """Ask one question after the other, until all are answered or one isn't."""
        asked: tuple[OperatorQuestion, ...] = ()
        while self._board.standing is not None:
            before, asked = asked, unanswered_questions(result, self._board.standing.evidence)
            # An answer that isn't a good one leaves its question open.
            if not asked or asked == before or not await self._answer_one(asked):
                return

    async def _answer_one(self, asked: tuple[OperatorQuestion, ...]) -> bool:
        standing = self._board.standing
        if standing is None:
            return False
        chosen = asked[0]
        if len(asked) > 1:
            offered = [Choice(each.id, each.text) for each in asked]
            wanted = await self._board.app.push_screen_wait(
                ChoiceDialog("What do you answer?", Content(""), offered)
            )
            if wanted is None:
                return False
            chosen = question_by_id(wanted)
        evidence = standing.evidence or Evidence(self._board.core.clock.now())
        dialog = QuestionDialog(
            chosen,
            command_for(chosen, standing.subject, evidence),
            lambda text: chosen.read(text, evidence),
        )
        answer = await self._board.app.push_screen_wait(dialog)
        if answer:
            self._keep(chosen.id, answer, "The answer is kept")
        return bool(answer)

    async def acknowledge(self, result: CheckResult) -> None:
        """Ask why the check's warnings can be lived with, and keep that."""
        standing = self._board.standing
        open_ones = unacknowledged(result, standing.evidence) if standing else ()
        if not open_ones:
            return
        seen = "; ".join(each.seen for each in result.findings) or f"needs {result.needs}"
        reason = await self._board.app.push_screen_wait(
            NameDialog(
                f"{result.check}: go on although this was seen?",
                f"{seen} It stays on the board and in the report, with your name, the time, and "
                "the reason that you give here:",
                "",
                "Acknowledge",
            )
        )
        for each in open_ones if reason else ():
            self._keep(each, reason or "", f"{result.check} is acknowledged")

    def _keep(self, name: str, answer: str, words: str) -> None:
        try:
            self._board.show(self._board.core.cutovers.answer(self._board.cutover, name, answer))
        except TransshipError as error:
            self._board.fail(error)
        else:
            self._board.tell(words)


class RecordControl:
    """Changes the record of the domain, puts it back, and ends a change that was broken off."""

    def __init__(self, board: CutoverBoardScreen) -> None:
        self._board = board

    async def choose_provider(self) -> None:
        """Say anew how the record is changed; ask for the key that this needs."""
        engine, standing = self._board.core, self._board.standing
        if standing is None:
            return
        try:
            known = engine.cutovers.changes.provider(self._board.cutover)
            dialog = ProviderDialog(standing.subject.domain.name, known)
            way = await self._board.app.push_screen_wait(dialog)
            if way is None or way == known:
                return
            self._board.show(engine.cutovers.changes.set_provider(self._board.cutover, way))
            self._board.tell("How the record is changed is kept; nothing was changed by that")
            await self.ask_key(later="Later")
        except TransshipError as error:
            self._board.fail(error)

    async def ask_key(self, *, later: str = "Cancel", why: str = "") -> bool:
        """Ask for the key that the change needs, unless it is kept; tell whether it is now.

        With `why` the one that is kept isn't good for anything.
        """
        engine = self._board.core
        way = engine.cutovers.changes.provider(self._board.cutover)
        if not secret_words(way):
            return True
        if not why:
            try:
                if await engine.cutovers.changes.is_key_kept(way):
                    return True
            except TransshipError as error:
                why = str(error)
        return await self._board.app.push_screen_wait(
            ProviderSecretDialog(engine, way, why, later=later)
        )

    async def change(self, standing: CutoverStatus) -> None:
        """Point the record at the new registry, once the operator has typed the domain."""
        if not await self.ask_key():
            self._board.warn("The record isn't changed: the provider's key is needed for that")
            return
        domain = standing.subject.domain.name
        dialog = ConfirmDialog(
            f"Point {domain} at {standing.subject.points_at}?",
            change_question(standing),
            "Change",
            danger=True,
            typed=domain,
        )
        if await self._board.app.push_screen_wait(dialog):
            engine = self._board.core
            await self._do(
                lambda: engine.cutovers.changes.change(self._board.cutover, shown=standing.edit),
                "being changed",
            )

    async def end_change(self) -> None:
        """Ask whether to go on with a change that was broken off, and do that."""
        standing = self._board.standing
        if standing is None or standing.unended is None or standing.unended.running:
            return
        if standing.applier is None or standing.applier.why_not:
            why = standing.applier.why_not if standing.applier else "it is changed by hand"
            self._board.warn(f"What was broken off can't be ended from here: {why}")
            return
        words = end_question(standing, self._board.core.clock.now())
        asked = standing.unended.asked
        what = "The way back" if asked.direction == "rollback" else "The change"
        dialog = ConfirmDialog(f"{what} was broken off. Go on with it?", words, "Go on")
        if await self._board.app.push_screen_wait(dialog) and await self.ask_key():
            engine = self._board.core
            await self._do(
                lambda: engine.cutovers.changes.end(self._board.cutover), "being read back"
            )

    async def roll_back(self) -> None:
        """Put the record back, once nothing is lost by it or the operator gives that up."""
        standing = await self._ready_to_go_back()
        if standing is None:
            return
        applier, domain = standing.applier, standing.subject.domain.name
        if applier is None or applier.why_not:
            words = back_content(standing, by_hand=True)
            await self._board.app.push_screen_wait(WordsDialog(words))
            return
        if not await self.ask_key():
            self._board.warn("The record isn't put back: the provider's key is needed for that")
            return
        blocked = why_no_rollback(standing)
        lost = len(standing.way_back.lost) if standing.way_back else 0
        hides = " without knowing what it hides" if blocked else ""
        hides = f" although it hides {counted(lost, 'tag')}" if lost else hides
        dialog = ConfirmDialog(
            f"Put {domain} back{hides}?",
            back_content(standing, by_hand=False),
            "Roll back",
            danger=True,
            typed=domain,
        )
        if await self._board.app.push_screen_wait(dialog):
            await self._do(
                lambda: self._put_back(domain, accept_loss=bool(blocked)), "being put back"
            )

    async def _put_back(self, domain: str, *, accept_loss: bool) -> str:
        """Put the record back; where nobody knows what that hides, only when asked once more."""
        engine = self._board.core
        try:
            return await engine.cutovers.changes.roll_back(
                self._board.cutover, accept_loss=accept_loss
            )
        except LossUnknown as error:
            dialog = ConfirmDialog(
                f"Put {domain} back without knowing what it hides?",
                Content(f"{safe(str(error))}."),
                "Roll back",
                danger=True,
                typed=domain,
            )
            if not await self._board.app.push_screen_wait(dialog):
                raise
            return await engine.cutovers.changes.roll_back(self._board.cutover, accept_loss=True)

    async def _ready_to_go_back(self) -> CutoverStatus | None:
        """Return how the cutover stands once nothing is lost, or the operator gives it up.

        None where it is not to go back.
        """
        while (standing := self._board.standing) is not None:
            if never := why_never_rollback(standing):
                self._board.warn(f"Going back is blocked: {never}")
                return None
            offered = _before_going_back(standing)
            if not offered:
                return standing
            blocked = Content.styled(f"Why: {safe(why_no_rollback(standing))}.", BAD)
            dialog = ChoiceDialog("Going back is blocked. What first?", blocked, offered)
            wanted = await self._board.app.push_screen_wait(dialog)
            if wanted == _DECIDE:
                self._board.show_step()
            if wanted in (None, _DECIDE):
                return None
            if wanted == _GIVE_UP:
                return standing
            if not await self._seen_to(wanted):
                return None
        return None

    async def _seen_to(self, wanted: str) -> bool:
        """Compare both registries, or copy back; tell whether that went well."""
        engine, old = (
            self._board.core,
            self._board.standing.subject.old if self._board.standing else "",
        )
        if wanted == _COPY_BACK:
            doing, words = engine.cutovers.rounds.copy_back, f"copying back to {old}"
        else:
            doing, words = engine.cutovers.rounds.compare, "comparing both registries"
        return await self._board.doing(lambda: doing(self._board.cutover), words)

    async def _do(self, act: Callable[[], Awaitable[str]], words: str) -> None:
        """Do something to the record; ask for the key as long as it isn't a good one."""
        self._board.hush()
        self._board.changing = f"the record is {words}"
        self._board.reload()
        try:
            while True:
                try:
                    told = outcome_of(await act())
                except (KeyMissing, KeyRefused) as error:
                    if not await self.ask_key(why=str(error)):
                        raise
                else:
                    break
        except TransshipError as error:
            self._board.fail(error)
        else:
            (self._board.tell if told.good else self._board.warn)(safe(told.words))
        finally:
            self._board.changing = ""
        self._board.reload()


_COPY_BACK = "copy back"
_COMPARE = "compare"
_DECIDE = "decide"
_GIVE_UP = "give up"


def _before_going_back(standing: CutoverStatus) -> list[Choice]:
    """Return what can be done before going back hides something, none where it doesn't."""
    back = standing.way_back
    if back is None or not back.blocked:
        return []
    old, lost = standing.subject.old, counted(len(back.lost), "tag")
    asks = [each for each in undecided_tags(standing) if each in back.lost]
    found = []
    if old and (copies := len(back.lost) - len(asks)):
        more = f"By a job; then {old} has what only the new registry has."
        found.append(Choice(_COPY_BACK, f"Copy {counted(copies, 'tag')} back to {old}", more))
    if asks:
        words = f"Decide about {counted(len(asks), 'tag')} that both have pushed"
        found.append(Choice(_DECIDE, words, "They are never copied back by themselves."))
    if not back.lost and old:
        more = "Nothing is copied; it tells what would be hidden."
        found.append(Choice(_COMPARE, "Compare both registries", more))
    hides = f"Go back, and hide {lost}" if back.lost else "Go back without knowing what it hides"
    found.append(
        Choice(_GIVE_UP, hides, "They stay at the new registry. You are asked for the domain next.")
    )
    return found


_GROUP = "delta"
_SHORT = 19
"""So much of a digest is enough to tell it from another; the whole is under the table."""


def _side(which: str, host: str, digest: str, then: str) -> tuple[str, str]:
    has = digest[:_SHORT] if digest else "it was deleted there"
    return f"What the {which} registry has ({host})", f"{has}: {then}"


def _moves(pair: TagPair, new: str) -> str:
    if not pair.old:
        return f"the tag at {new} stays, and nobody is asked about it again."
    return f"the tag at {new} moves to it with the next round."


_BUSY_LOOK_SECONDS = 1.0


TABS = ("board", "grid", "change", "step", "notes")
_NORMAL = 24
_ROOMY = 34
"""So many lines are enough to explain a check below the table."""


_ACTIONS = (
    *("test", "answer", "accept", "shown", "watch", "copy_record", "report"),
    *("rounds", "compare", "way", "change", "roll_back"),
)
NOTHING_ASKED = "This asks nothing; open it to see what to do about it."
NO_WARNING = "Here is no warning that could be acknowledged; what blocks can't be."


class CutoverBoardScreen(Frame):
    """The cutover called `name`. What was never checked is checked at once.

    With `report` its report is asked for at once.
    """

    MODE = "cutover"
    BINDINGS: ClassVar[list[BindingType]] = bindings("cutover")
    CSS_PATH = "board.tcss"
    HELP: ClassVar[str] = """
Before the change: each check says what was seen, and how old that is; {list.open} explains it and
says what to do. What blocks has to be put right, a warning can be acknowledged ({cutover.accept}),
and what can't be seen from here is asked ({cutover.answer}). Nothing here changes anything:
{cutover.check} only looks.

The change: by hand, at your DNS provider, with the lines that the Change tab shows; it is seen by
itself. Where Transship may change the record, {cutover.change} asks you to type the domain first.

After it: three clocks, by the rules of DNS, as resolvers were seen, and for those that are late.
The way back is always shown, with what it takes and what it would hide; {cutover.back} takes it.

Tags that are still pushed to the old registry: {cutover.rounds} copies them to the new one, round
after round, and {cutover.compare} only compares. What both have pushed, you decide in the Tags
tab, with {list.open}. {cutover.way} says what changes the record: you, or something with a key.
"""

    def __init__(self, name: str, *, report: bool = False) -> None:
        super().__init__()
        self.cutover = name
        self.standing: CutoverStatus | None = None
        self.changing = ""
        """What is being done to the record."""
        self.busy = ""
        """What else is done, and takes a while."""
        self.rounds_go = False
        """Whether rounds are made from here."""
        self._going: Worker[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._wants_watch = True
        self._tab = 0
        self._only_open = True
        self._last_round: float | None = None
        self._report = report
        self._decisions = CheckDecisions(self)
        self._record = RecordControl(self)

    def on_mount(self) -> None:
        """Show what is known; check what never was, then go on watching."""
        self.context.quit_warnings.append(self._at_stake)
        self.reload()
        if self.standing is not None:
            self._show_tab()
            self.set_interval(1.0, self._tick)
            if self.standing.evidence is None:
                self.check()
            else:
                self.watch_dns()
            if self._report:
                self.action_report()
            elif self.standing.unended is not None:
                self._end_change()

    def on_unmount(self) -> None:
        """Nothing is under way here any more."""
        self.context.quit_warnings.remove(self._at_stake)

    def reload(self) -> None:
        """Show what is known without looking."""
        try:
            self.show(self.core.cutovers.find(self.cutover))
        except TransshipError as error:
            self.fail(error)

    def show(self, standing: CutoverStatus) -> None:
        """Show how the cutover stands."""
        self.standing = standing
        host = standing.subject.domain.shown or standing.subject.domain.name
        way = f"{standing.subject.old or '?'} → {standing.subject.points_at}"
        self.heading(host, f"{state_mark(standing).word}  {way}")
        self._show_line()
        self._show_tabs()
        self._show_rows()
        self.query_one("#edit", Static).update(change_content(standing))
        self.query_one("#told", Static).update(notes_content(standing.notes))
        self._show_buttons()
        self._tick()

    @property
    def tab(self) -> str:
        """The part in front, one of `TABS`."""
        return TABS[self._tab]

    def compose_body(self) -> ComposeResult:
        """Give the clocks, the parts, one row in words, and the two buttons."""
        yield TextLines(id="clocks")
        yield TabLine()
        yield ChecksTable(CHECK_COLUMNS, id="board", empty="Nothing was checked yet.")
        yield VirtualTable(GRID_COLUMNS, id="grid", empty="Nobody was asked yet.", can_open=False)
        with VerticalScroll(id="change"):
            yield Static(id="edit")
        with Vertical(id="step"):
            yield TextLines(id="step-words")
            yield VirtualTable(STEP_COLUMNS, id="pairs", empty="They weren't compared yet.")
        with VerticalScroll(id="notes"):
            yield Static(id="told")
        yield TextLines(id="row")
        with VerticalScroll(id="full", can_focus=False):
            yield Static(id="words")
        yield CutoverButtons()

    def _show_line(self) -> None:
        """Say which line does what the part in front is about."""
        if self.standing is not None:
            self.line(board_line(self.standing, self.tab))

    def _show_rows(self) -> None:
        if (standing := self.standing) is None:
            return
        now = self.core.clock.now()
        board = CheckRows(check_rows(standing), now, only_open=self._only_open)
        table = self.query_one("#board", VirtualTable)
        first = not len(table.rows)
        empty = "Nothing was checked yet."
        if self._only_open and standing.checks:
            empty = f"Nothing is left to settle; {key_for(self, 'cutover.open')} shows all checks."
        table.show(board, empty=empty)
        if first and len(board) > 1:
            table.go_to(board.key(1))
        self._show_title()
        self.query_one("#grid", VirtualTable).show(
            GridRows(grid_cells(standing), now, changed=standing.state in CHANGED_STATES)
        )
        pairs = self.query_one("#pairs", VirtualTable)
        rows = StepRows(standing, now)
        pairs.show(rows)
        last = standing.rounds[-1].at if standing.rounds else None
        if last != self._last_round and len(rows):
            pairs.go_to(rows.key(0))
        self._last_round = last
        begin, compare = (key_for(self, f"cutover.{each}") for each in ("rounds", "compare"))
        words = step_words(standing, going=self.rounds_go, begin=begin, compare=compare)
        self.query_one("#step-words", TextLines).show(words)

    def _show_tabs(self) -> None:
        if (standing := self.standing) is None:
            return
        moved, resolvers = moved_resolvers(grid_cells(standing))
        asked = f" {moved}/{resolvers}" if resolvers and standing.state in CHANGED_STATES else ""
        rows = check_rows(standing)
        open_ones = sum(row.state in UNSETTLED_STATES for row in rows)
        checks = f"To do {open_ones}" if self._only_open else f"All checks {len(rows)}"
        step = step_label(standing, going=self.rounds_go)
        labels = (checks, f"Servers{asked}", "Change", step, "Journal")
        self.query_one(TabLine).tabs(labels, self._tab)

    def _show_buttons(self) -> None:
        if (standing := self.standing) is None:
            return
        copied = copied_since(standing, self.context.monitor.jobs)
        self.query_one(CutoverButtons).show(
            standing, changing=self.changing, doing=self.busy, copied=copied
        )
        self.refresh_bindings()

    @on(JobsChanged)
    def _jobs_changed(self) -> None:
        self._show_buttons()

    def _tick(self) -> None:
        """Let the clocks go on."""
        if (standing := self.standing) is None:
            return
        now = self.core.clock.now()
        self.query_one("#clocks", TextLines).show(clock_contents(standing, now))
        if self.tab == "grid":
            self.query_one("#grid", VirtualTable).show(
                GridRows(grid_cells(standing), now, changed=standing.state in CHANGED_STATES)
            )
        self._show_row()

    def on_resize(self) -> None:
        """Explain the check under the cursor in full where there is the room."""
        self._show_row()
        self.call_after_refresh(self._show_title)

    def _show_title(self) -> None:
        """Let the title over the first check be seen with it."""
        table = self.query_one("#board", VirtualTable)
        if table.cursor <= 1:
            table.scroll_to(y=0, animate=False)

    @on(VirtualTable.CursorMoved)
    def _show_row(self) -> None:
        roomy = self.size.height >= _ROOMY and self.tab == "board"
        self.query_one("#full").display = roomy
        in_words = self.tab in ("board", "grid", "step")
        self.query_one("#row").display = not roomy and in_words
        if roomy:
            self.query_one("#words", Static).update(self._full_words())
        else:
            self.query_one("#row", TextLines).show(self._row_lines())
        self.refresh_bindings()

    def _full_words(self) -> Content:
        rows, standing = self.query_one("#board", VirtualTable).rows, self.standing
        at = self.query_one("#board", VirtualTable).cursor
        row = rows.row(at) if isinstance(rows, CheckRows) else None
        result = self.meant
        if row is None or result is None or standing is None:
            return Content("\n").join(self._row_lines())
        now = self.core.clock.now()
        title = Content.styled(f"{row.check} {row.title}\n", "bold")
        return Content.assemble(title, explained(result, row, standing, now))

    def _row_lines(self) -> Iterator[Content]:
        if self.standing is None:
            return
        if self.tab == "grid":
            table = self.query_one("#grid", VirtualTable)
            if isinstance(table.rows, GridRows):
                now = self.core.clock.now()
                changed = self.standing.state in CHANGED_STATES
                yield from grid_lines(table.rows.cell(table.cursor), now, changed=changed)
        elif self.tab == "board":
            table = self.query_one("#board", VirtualTable)
            if isinstance(table.rows, CheckRows):
                row = table.rows.row(table.cursor)
                yield from row_lines(row, self.meant, self.standing.evidence)
        elif self.tab == "step":
            table = self.query_one("#pairs", VirtualTable)
            if isinstance(table.rows, StepRows):
                yield from table.rows.words(table.cursor, short=self.size.height < _NORMAL)

    @property
    def meant(self) -> CheckResult | None:
        """The check under the cursor, while the checks are in front."""
        table = self.query_one("#board", VirtualTable)
        if self.standing is None or self.tab != "board":
            return None
        return self.standing.result(table.key_at_cursor() or "")

    def _show_tab(self) -> None:
        for name in TABS:
            part = self.query_one(f"#{name}")
            part.display = name == self.tab
            if part.display:
                (self.query_one("#pairs") if name == "step" else part).focus()
        self._show_line()
        self._show_tabs()
        self._tick()

    def take_step(self, step: Step) -> bool:
        """Go on with the change, or to what it waits for."""
        standing = self.standing
        if standing is None or (step is not Step.CUTOVER and self._waits(standing)):
            return False
        if standing.state in CHANGED_STATES:
            self._choose_tab("grid")
        elif why_not := waits_for(standing):
            self._choose_tab("board")
            gate = remaining_gate(standing)
            checks = [each.check for each in (*gate.blocks, *gate.unaccepted)]
            checks += [each.check for each in gate.open]
            if checks:
                self.query_one("#board", VirtualTable).go_to(checks[0])
            self.warn(f"The change {why_not}" if checks else f"The change waits: {why_not}")
        else:
            self.query_one("#change-it", Button).press()
        return True

    def next_here(self, coming: Next) -> Next:
        """Say that the change comes next where nothing stands in its way, whatever else waits."""
        standing = self.standing
        if standing is None or standing.state in CHANGED_STATES or self._waits(standing):
            return coming
        host = standing.subject.domain.host
        return Next(Step.CUTOVER, f"Nothing stands in the way: change {host}.")

    def _waits(self, standing: CutoverStatus) -> bool:
        return standing.state not in CHANGED_STATES and bool(waits_for(standing))

    def action_tab(self, by: int) -> None:
        """Show another part."""
        self._tab = (self._tab + by) % len(TABS)
        self._show_tab()

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self._tab = event.index
        self._show_tab()

    def show_change(self) -> None:
        """Show the edit."""
        self._choose_tab("change")

    def show_step(self) -> None:
        """Show how far both registries are in step."""
        self._choose_tab("step")

    def _choose_tab(self, name: str) -> None:
        self._tab = TABS.index(name)
        self._show_tab()

    def action_shown(self) -> None:
        """Show only what isn't settled, or all again."""
        self._only_open = not self._only_open
        self._show_tabs()
        self._show_rows()
        self._show_row()

    @on(VirtualTable.CursorMoved, "#board")
    def _say_no_longer(self) -> None:
        """Take back why a key did nothing on the check before."""
        if self.query_one(MessageBar).message.plain[2:] in (NOTHING_ASKED, NO_WARNING):
            self.hush()

    @on(VirtualTable.Opened)
    def _open(self, event: VirtualTable.Opened) -> None:
        rows = event.table.rows
        if isinstance(rows, StepRows):
            if (pair := rows.pair(event.index)) is not None:
                self.decide(pair)
            return
        row = rows.row(event.index) if isinstance(rows, CheckRows) else None
        if row is not None and (result := self.meant) is not None:
            self.explain_check(result, row)

    # Looking

    def action_test(self) -> None:
        """Make all checks anew."""
        self.hush()
        self.check()

    @work(group="check", exclusive=True, exit_on_error=False)
    async def check(self) -> None:
        """Make all checks, then go on watching."""
        self.workers.cancel_group(self, "watch")
        if await self._follow(self.core.cutovers.checks.check(self.cutover)):
            self.watch_dns()

    def action_watch(self) -> None:
        """Stop asking DNS again and again, or go on with it."""
        self._wants_watch = not self._wants_watch
        if self._wants_watch:
            self.tell("Name servers and resolvers are asked again and again")
            self.watch_dns()
        else:
            self.workers.cancel_group(self, "watch")
            self.tell(f"DNS isn't asked any more; {key_for(self, 'cutover.watch')} goes on")

    @work(group="watch", exclusive=True, exit_on_error=False)
    async def watch_dns(self) -> None:
        """Ask DNS again and again, as long as that is wanted."""
        if not self._wants_watch:
            return
        if await self._follow(self.core.cutovers.checks.watch(self.cutover), busy=True):
            # Somebody else watches: what that process sees is read from the journal.
            self.set_timer(_BUSY_LOOK_SECONDS, self.watch_dns)

    async def _follow(self, seen: AsyncIterator[CutoverStatus], *, busy: bool = False) -> bool:
        """Show what comes; tell whether it ended well, or with `busy` whether to look again."""
        try:
            async with aclosing(cast("AsyncGenerator[CutoverStatus]", seen)) as standings:
                async for standing in standings:
                    self.show(standing)
        except CutoverBusy:
            self.reload()
            return busy
        except TransshipError as error:
            self.fail(error)
            self.reload()
            return False
        return not busy

    def work_failed(self, group: str) -> None:
        """Say no longer that something goes on when it doesn't."""
        if group == _GROUP:
            self.rounds_go = False
        self.reload()

    async def doing(self, act: Callable[[], Awaitable[CutoverStatus]], words: str) -> bool:
        """Do something that takes a while and shows how the cutover stands then.

        Tells whether it went well.
        """
        self.hush()
        self.busy = words
        self.reload()
        try:
            standing = await act()
        except TransshipError as error:
            self.fail(error)
            return False
        else:
            self.show(standing)
            return True
        finally:
            self.busy = ""
            self.reload()

    # Deciding and reporting

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def explain_check(self, result: CheckResult, row: CheckRow) -> None:
        """Explain a check, and do what is wanted about it."""
        await self._decisions.explain(result, row)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_answer(self) -> None:
        """Answer what the check under the cursor asks."""
        if self.standing is not None and (result := self.meant) is not None:
            await self._decisions.answer(result)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_accept(self) -> None:
        """Acknowledge the warnings of the check under the cursor."""
        if (result := self.meant) is not None:
            await self._decisions.acknowledge(result)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_report(self) -> None:
        """Write the report for the change ticket."""
        standing = self.standing
        if standing is None:
            return
        engine = self.core

        async def write(path: str, form: object, replace: bool) -> Path:
            return await engine.cutovers.write_report(
                self.cutover, path, str(form), replace=replace
            )

        words, _ = rollback_words(standing)
        about = f"Checks, decisions, clocks and the edit. The way back {words}."
        dialog = ReportDialog(standing.subject.domain.name, write, about, what="cutover")
        if written := await self.app.push_screen_wait(dialog):
            self.tell(f"The report is in {written}")

    # Changing the record

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_way(self) -> None:
        """Say anew how the record is changed; ask for the key that this needs."""
        await self._record.choose_provider()

    def action_change(self) -> None:
        """Change the record after a question, or show the edit where it is made by hand."""
        self.query_one("#change-it", Button).press()

    @on(Button.Pressed, "#change-it")
    def _change_wanted(self, event: Button.Pressed) -> None:
        event.stop()
        standing = self.standing
        if standing is None:
            return
        if standing.unended is not None and not standing.unended.running:
            self._end_change()
        elif standing.applier is None or standing.applier.why_not:
            self.show_change()
        else:
            self._change(standing)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def _change(self, standing: CutoverStatus) -> None:
        await self._record.change(standing)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def _end_change(self) -> None:
        await self._record.end_change()

    def action_roll_back(self) -> None:
        """Put the record back after a question, or offer what is to be done before."""
        self.query_one("#back-it", Button).press()

    @on(Button.Pressed, "#back-it")
    def _back_wanted(self, event: Button.Pressed) -> None:
        event.stop()
        if self.standing is not None:
            self._go_back()

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def _go_back(self) -> None:
        await self._record.roll_back()

    # Keeping both registries in step

    def _at_stake(self) -> QuitWarning | None:
        if not self.rounds_go:
            return None
        return QuitWarning("Stop keeping both registries in step?", self._stops_words())

    def _stops_words(self) -> str:
        old = safe(self.standing.subject.old) if self.standing else "the old registry"
        return (
            f"What is pushed to {old} from then on is copied no more. A job that is copying goes "
            "on to its end, and rounds can be begun again."
        )

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_compare(self) -> None:
        """Compare both registries; nothing is copied."""
        engine = self.core
        act, words = engine.cutovers.rounds.compare, "comparing both registries"
        if await self.doing(lambda: act(self.cutover), words) and self.standing is not None:
            asks = len(undecided_tags(self.standing))
            if asks:
                self.warn(f"{counted(asks, 'tag')} to be decided: pushed on both sides")
            else:
                self.tell("Both registries were compared; nothing was copied")

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_rounds(self) -> None:
        """Begin with rounds after a question, or stop them."""
        standing = self.standing
        if standing is None:
            return
        if self.rounds_go:
            self.stop_rounds()
            return
        dialog = ConfirmDialog(
            "Keep both registries in step?", rounds_question(standing), "Copy, round after round"
        )
        if await self.app.push_screen_wait(dialog):
            self._going = self._rounds()

    def stop_rounds(self) -> None:
        """Let rounds end; what a job copies at this moment is copied to its end."""
        if self._going is not None:
            # Cancelled a second time, it would let go of nothing: this one only, and once.
            self._going.cancel()
            self._going = None
        self.rounds_go = False
        self.tell(f"No more rounds are made; {key_for(self, 'cutover.rounds')} goes on")
        self.reload()

    @work(group=_GROUP, exit_on_error=False)
    async def _rounds(self) -> None:
        engine = self.core
        self.rounds_go = True
        self.hush()
        self.reload()
        going = engine.cutovers.rounds.run(self.cutover)
        try:
            # Rounds that were stopped keep both registries for themselves until they have ended.
            async with self._one_at_a_time, aclosing(going) as standings:
                async for standing in standings:
                    self.show(standing)
        except CutoverBusy:
            self.rounds_go = False
            self.warn("Another process keeps both registries in step; its rounds are shown here")
        except TransshipError as error:
            self.rounds_go = False
            self.fail(error)
        else:
            self.rounds_go = False
            self.tell("Both registries are in step, and nothing more comes: no more rounds")
        self.reload()

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def decide(self, pair: TagPair) -> None:
        """Ask whose image a tag is to have that both have pushed."""
        standing = self.standing
        if standing is None:
            return
        name, subject = tag_name(pair), standing.subject
        dialog = ChoiceDialog(
            f"Whose {name} is kept?",
            Content("Both registries have had it pushed since they were the same."),
            [
                Choice("new", *_side("new", subject.new, pair.new, "it stays as it is there.")),
                Choice("old", *_side("old", subject.old, pair.old, _moves(pair, subject.new))),
            ],
        )
        wanted = await self.app.push_screen_wait(dialog)
        if wanted is None:
            return
        try:
            self.show(
                self.core.cutovers.rounds.keep_tag(self.cutover, name, cast("KeptSide", wanted)),
            )
        except TransshipError as error:
            self.fail(error)
        else:
            does = "the next round does it"
            key = key_for(self, "cutover.rounds")
            self.tell(f"{name}: {does}" + ("" if self.rounds_go else f"; {key} begins rounds"))

    async def action_back(self) -> None:
        """Close; ask first where rounds end with it."""
        if not self.rounds_go:
            await super().action_back()
            return
        dialog = ConfirmDialog(
            "Stop keeping both registries in step?", Content(self._stops_words()), "Stop"
        )
        self.app.push_screen(dialog, self._stop_answered)

    def _stop_answered(self, wanted: bool | None) -> None:
        if wanted:
            self.dismiss()

    async def action_copy_record(self) -> None:
        """Copy the record of the check under the cursor, or that of the change."""
        result = self.meant
        record = first_record(result) if result else ""
        record = record or new_record(self.standing.edit if self.standing else None)
        if record:
            await self.copy(record)

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done now, and why."""
        standing, result = self.standing, self.meant
        if standing is None:
            return dict.fromkeys(_ACTIONS, "The cutover can't be read.")
        found = self.query_one(CutoverButtons).impossible()
        if standing.checking:
            found["test"] = "It is being looked at."
        if self.changing:
            why = "The record is being changed; wait for it."
            found |= dict.fromkeys(("way", "back", "leave"), why)
        if not standing.subject.old:
            why = "The old registry isn't named, so nothing can be compared."
            found |= dict.fromkeys(("rounds", "compare"), why)
        if self.busy or standing.checking:
            found["compare"] = "It is being looked at."
        return found | self._impossible_here(standing, result)

    def _impossible_here(
        self, standing: CutoverStatus, result: CheckResult | None
    ) -> dict[str, str]:
        """Say what can't be done about the check under the cursor, and on this tab."""
        found = {}
        if result is None or not unanswered_questions(result, standing.evidence):
            found["answer"] = NOTHING_ASKED
        if result is None or not unacknowledged(result, standing.evidence):
            found["accept"] = NO_WARNING
        if not (result and first_record(result)) and standing.edit is None:
            found["copy_record"] = "There is no record to copy yet."
        if self.tab != "board":
            found["shown"] = "Only checks can be filtered; they are on the first tab."
        return found
