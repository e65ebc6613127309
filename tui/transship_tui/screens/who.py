"""Who moves a plan: Transship's own lanes, or an engine elsewhere; what each means, or why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from transship.accounts.sign_in import service_at
from transship.app.engines import EndAnswer, PlanRequest
from transship.engines.choice import EngineChoice, EngineKind
from transship.errors import TransshipError
from transship.plans.advice import question
from transship.text import safe
from transship_tui.dialogs.choice import Choice, ChoiceDialog
from transship_tui.keys import bindings
from transship_tui.keys.words import key_for, words_for
from transship_tui.lines_delegates import ways_line
from transship_tui.marks import CARE
from transship_tui.screens.delegate_form import DelegateFormScreen
from transship_tui.screens.frame import Frame
from transship_tui.widgets.change_words import said
from transship_tui.widgets.plan_rows import way_of
from transship_tui.widgets.virtual_table import VirtualTable
from transship_tui.widgets.who_rows import COLUMNS, LookingRows, WhoRows, way_lines

if TYPE_CHECKING:
    from transship.engines.delegation import EngineSurvey
    from transship.plans.plan import Plan

_SKIP = "skip"
_LOOKING = "Both sides are being looked at; wait for what each can."
_UNKNOWN = "Who could move it isn't known. {who.refresh} looks again."


class WhoScreen(Frame):
    """Lets the operator choose who moves `plan`; `ours` is called when it is to be our own lanes.

    `name` is what the plan is called, `saved` its name if its file says the same.
    """

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = bindings("who")
    CSS_PATH = "who.tcss"
    WITHOUT_LINE: ClassVar[str] = "Save the plan first: the line takes it from its file."
    HELP: ClassVar[str] = """
The same plan can be moved by a job of Transship on this machine, or by an engine at one of the
registries: Harbor by its replication policies, Tencent TCR by its sync rules or a replica. What
each means for freshness, filters, deletions and logins is said before you choose.

Who can't is grey, with the reason and what can be done instead. Where it depends on something that
isn't known, {who.answer} asks for it. {list.open} chooses; nothing is changed by that: you see
every change that would be made first.
"""

    def __init__(self, plan: Plan, name: str, saved: str, ours: Callable[[], object]) -> None:
        super().__init__()
        self._plan = plan
        self._plan_name = name
        self._saved = saved
        self._ours = ours
        self._judged: EngineSurvey | None = None
        self._answers: dict[str, str] = {}

    def compose_body(self) -> ComposeResult:
        """Give who could, and the one under the cursor in full."""
        yield VirtualTable(COLUMNS)
        with VerticalScroll(id="means"):
            yield Static()

    def on_mount(self) -> None:
        """Look at both sides."""
        self.heading(f"Who moves {self._plan_name}", way_of(self._plan, self.transship.naming))
        self.line(ways_line(self._saved) if self._saved else "")
        # The rows are there before it is known what each can: no key may choose one not seen yet.
        self._table.show(LookingRows())
        self._table.focus()
        self._look()

    @property
    def _table(self) -> VirtualTable:
        return self.query_one(VirtualTable)

    @property
    def _meant(self) -> EngineChoice | None:
        at, judged = self._table.cursor, self._judged
        return judged.ways[at] if judged is not None and at < len(judged.ways) else None

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        try:
            await self._judge()
            # Who was told to wait can go on now.
            self.hush()
        except TransshipError as error:
            self._judged = None
            self._table.show(WhoRows(()), empty=words_for(self, _UNKNOWN))
            self._say()
            self.fail(error)

    async def _judge(self) -> None:
        answers: Sequence[EndAnswer] = tuple(self._answers.items())
        self._judged = await self.transship.engine.engines.survey(self._plan, answers)
        self._table.show(WhoRows(self._judged.ways))
        self._say()

    @on(VirtualTable.CursorMoved)
    def _say(self) -> None:
        way, judged = self._meant, self._judged
        lines: list[Content] = []
        if way is not None and judged is not None:
            answers, width = key_for(self, "who.answer"), max(30, self.size.width - 4)
            lines = list(way_lines(way, judged.ends, width, answers))
            for words in judged.unknown:
                lines += said("!", words, width, CARE)
        self.query_one("#means Static", Static).update(Content("\n").join(lines))
        self.query_one("#means").scroll_home(animate=False)
        self.refresh_bindings()

    def on_resize(self) -> None:
        """Lay the words out anew."""
        self._say()

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done now, and why."""
        way = self._meant
        if self._judged is None:
            return {"answer": "What each can isn't known yet."}
        if way is None or not way.asks:
            return {"answer": "All that it depends on is known."}
        return {}

    def action_refresh_list(self) -> None:
        """Look at both sides anew; what was answered is asked again."""
        self.hush()
        self._answers = {}
        self._look()

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_answer(self) -> None:
        """Ask what the way under the cursor depends on, one question after the other."""
        way = self._meant
        for name in way.asks if way else ():
            asked = question(name, self._judged.ends) if self._judged else None
            if asked is None:
                continue
            choices = [Choice(each.value, each.words) for each in asked.choices]
            dialog = ChoiceDialog(
                safe(asked.words), Content(""), [*choices, Choice(_SKIP, "I don't know")]
            )
            answer = await self.app.push_screen_wait(dialog)
            if answer is None:
                return
            if answer != _SKIP:
                self._answers[name] = answer
                try:
                    await self._judge()
                except TransshipError as error:
                    self.fail(error)
                    return

    @on(VirtualTable.Opened)
    def _chosen(self) -> None:
        """Take who is under the cursor, or say why not."""
        way = self._meant
        if way is None:
            self.warn(_LOOKING)
            return
        self.hush()
        wish = PlanRequest(self._plan, way.who, self._saved)
        if not way.is_possible:
            self.warn(f"{way.obstacle} {way.instead}")
        elif way.who is EngineKind.TRANSSHIP:
            self.dismiss()
            self.app.call_later(self._ours)
        else:
            form = DelegateFormScreen(
                wish, self._plan_name, self._harbors(), self.close_when_in_front
            )
            self.app.push_screen(form)

    def _harbors(self) -> Sequence[str]:
        """Return the hosts of the Harbors that could relay: those that are neither side."""
        sides = {place.registry for place in self._plan.places}
        try:
            accounts = self.transship.engine.registries.all()
        except TransshipError as error:
            self.fail(error)
            return ()
        return [
            each.host
            for each in accounts
            if service_at(each).kind == "harbor" and each.host not in sides
        ]
