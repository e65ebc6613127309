"""Which engine moves a plan: Transship's own lanes, or one elsewhere; or why one can't."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Select, Static

from transship.accounts.sign_in import service_at
from transship.app.engines import EndAnswer, PlanRequest
from transship.engines.choice import EngineChoice, EngineKind, EngineOptions, PolicyTermOptions
from transship.engines.harbor.policy import TriggerKind
from transship.errors import TransshipError
from transship.plans.advice import Ends, question
from transship.text import safe
from transship_tui.keys import bindings, key_for, words_for
from transship_tui.lines import engine_plan_line, ways_line
from transship_tui.marks import BAD, CARE, OK, QUIET, Mark
from transship_tui.naming import way_of
from transship_tui.screens.engines.changes import PlanChangesScreen, said
from transship_tui.screens.frame import Frame
from transship_tui.widgets.dialogs import Choice, ChoiceDialog
from transship_tui.widgets.form import Field, RequestForm
from transship_tui.widgets.table import Column, VirtualTable

if TYPE_CHECKING:
    from transship.engines.delegation import EngineSurvey
    from transship.plans.plan import Plan

COLUMNS = (Column("", 12), Column("Who moves it", 28), Column("", least=60))

WORDS = {
    EngineKind.TRANSSHIP: "Transship, by its own lanes",
    EngineKind.HARBOR: "Harbor, one of the sides",
    EngineKind.HARBOR_RELAY: "A Harbor in between",
    EngineKind.TCR_SYNC: "TCR, by sync rules",
    EngineKind.TCR_REPLICA: "TCR, by a replica",
}
_IN_SHORT = {
    EngineKind.TRANSSHIP: "a job of this machine; no login leaves it",
    EngineKind.HARBOR: "replication policies that push or pull",
    EngineKind.HARBOR_RELAY: "one policy pulls, another pushes on",
    EngineKind.TCR_SYNC: "by events, between two instances",
    EngineKind.TCR_REPLICA: "a full copy in another region",
}
_CAN = Mark("✓", "possible", OK)
_MAY = Mark("?", "depends", CARE)
_CANT = Mark("–", "not here", QUIET)
_LOOKING = Mark("·", "looking", QUIET)


def mark_of(way: EngineChoice) -> Mark:
    """Return whether somebody could move it."""
    if not way.is_possible:
        return _CANT
    return _MAY if way.asks else _CAN


class EngineRows:
    """Everybody who could move it, those who can't in grey with the reason."""

    def __init__(self, ways: Sequence[EngineChoice]) -> None:
        self.ways = ways

    def __len__(self) -> int:
        return len(self.ways)

    def key(self, index: int) -> str:
        """Return who it is."""
        return self.ways[index].who

    def cells(self, index: int) -> Sequence[Content]:
        """Return whether it can, who it is, and in short what that is, or why not."""
        way = self.ways[index]
        style = "" if way.is_possible else QUIET
        return (
            mark_of(way).content(),
            Content.styled(WORDS[way.who], style),
            Content.styled(safe(way.obstacle or _IN_SHORT[way.who]), QUIET),
        )


class SurveyRows:
    """Everybody before it is known who can: what is chosen then is what was pointed at before."""

    def __len__(self) -> int:
        return len(EngineKind)

    def key(self, index: int) -> str:
        """Return who it is."""
        return str([*EngineKind][index])

    def cells(self, index: int) -> Sequence[Content]:
        """Return who it is, and in short what that is."""
        who = [*EngineKind][index]
        return (
            _LOOKING.content(),
            Content(WORDS[who]),
            Content.styled(_IN_SHORT[who], QUIET),
        )


def way_lines(way: EngineChoice, ends: Ends, width: int, answers: str) -> Iterator[Content]:
    """Give what it means to let somebody move it, or why that can't be and what can.

    `answers` is the key by which open questions are answered.
    """
    yield Content.styled(WORDS[way.who], "bold")
    if not way.is_possible:
        yield from said("–", way.obstacle, width)
        if way.instead:
            yield from said("→", way.instead, width)
        return
    means = (
        ("Freshness", way.means.freshness),
        ("Filters", way.means.filters),
        ("Deletes", way.means.deletes),
        ("Logins", way.means.logins),
    )
    for label, words in means:
        rows = Content(safe(words)).wrap(max(20, width - 11))
        for number, row in enumerate(rows):
            yield Content.assemble((label.ljust(11) if number == 0 else " " * 11, QUIET), row)
    asked = [found for name in way.asks if (found := question(name, ends)) is not None]
    if asked:
        yield Content.styled(f"It depends on what isn't known; {answers} answers:", CARE)
        for each in asked:
            yield from said("?", each.words, width)


_BY_PLAN = "plan"
_BEGINS = (
    ("as the plan's schedule says, else when it is started", _BY_PLAN),
    ("at once, when an image is pushed to Harbor", str(TriggerKind.EVENT)),
    ("by the clock", str(TriggerKind.SCHEDULED)),
    ("when it is started", str(TriggerKind.MANUAL)),
)
_DELETIONS = (
    ("nothing is deleted on the other side", False),
    ("what is deleted in Harbor is deleted there: no bound", True),
)
_OF_TCR = (
    ("nothing is deleted at the destination", False),
    ("what is deleted at the source is deleted there: no bound", True),
)
_PIECES = (("are sent whole", False), ("are sent in pieces, where Harbor's adapter can", True))
_SINGLE = (("may overlap", False), ("wait for the one before", True))
_INPUTS: Mapping[str, tuple[str, str]] = {
    "name": ("Name", "of the policy or rule; else the plan's"),
    "cron": ("Cron line", "six fields, in UTC: 0 0 */2 * * *"),
    "speed": ("Speed", "at most so many KB/s for each task; else as fast as it goes"),
    "via": ("Project", "in which a relay keeps everything: transship"),
    "uin": ("Owner (UIN)", "of the target, if that is another account of the cloud"),
    "instance": ("Instance", "of the target, if no keys see it: tcr-abcdefgh"),
    "region": ("Region", "of the target, if no keys see it: ap-singapore"),
}
_OF: Mapping[EngineKind, tuple[str, ...]] = {
    EngineKind.HARBOR: ("begins", "cron", "deletion", "name", "speed", "pieces", "single"),
    EngineKind.HARBOR_RELAY: ("harbor", "cron", "via", "name", "speed", "pieces", "single"),
    EngineKind.TCR_SYNC: ("name", "deletion", "uin", "instance", "region"),
    EngineKind.TCR_REPLICA: ("region",),
}
_NOTES = {
    "cron": "How old the pulled half may be: what is new waits for it, then goes on at once.",
}


class DelegateForm(RequestForm):
    """Asks how it is to be moved. `harbors` are the hosts of those that could relay."""

    DEFAULT_CSS = """
    DelegateForm {
        height: 1fr; max-width: 100; padding: 0 1; scrollbar-size-vertical: 1;
        & Field .label { width: 14; }
        & Input { background: $surface; }
        &>#buttons { height: auto; padding: 1 0 0 14; }
        & #buttons Button { margin-right: 2; }
    }
    """

    @dataclass
    class Edited(Message):
        """Something else is filled in."""

        wish: PlanRequest

    @dataclass
    class Complete(Message):
        """It is filled in: what would be changed can be seen."""

        wish: PlanRequest

    def __init__(self, wish: PlanRequest, harbors: Sequence[str]) -> None:
        super().__init__()
        self._wish = wish
        self._harbors = tuple(harbors)

    @property
    def _names(self) -> tuple[str, ...]:
        return _OF[self._wish.who]

    def compose(self) -> ComposeResult:
        """Give the fields of who is to move it, and the buttons."""
        for name in self._names:
            if name == "begins":
                yield Field("Begins", _select(_BEGINS, name))
            elif name == "deletion":
                of_tcr = self._wish.who is EngineKind.TCR_SYNC
                yield Field("Deletions", _select(_OF_TCR if of_tcr else _DELETIONS, name))
            elif name == "pieces":
                yield Field("Blobs", _select(_PIECES, name))
            elif name == "single":
                yield Field("Executions", _select(_SINGLE, name))
            elif name == "harbor":
                hosts = [(safe(host), host) for host in self._harbors]
                yield Field("Harbor", _select(hosts, name))
            else:
                label, example = _INPUTS[name]
                yield Field(
                    label,
                    Input(placeholder=example, compact=True, select_on_focus=False, id=name),
                )
        with Horizontal(id="buttons"):
            yield Button("Show changes", id="show", compact=True, variant="primary")
            yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Begin with the first field."""
        self._follow()
        self.query_one(f"#{self._names[0]}").focus()

    def on_key(self, event: events.Key) -> None:
        """Keep the letters that go back elsewhere from closing a form that is half filled in."""
        if event.key in ("h", "q") and isinstance(self.screen.focused, Input):
            event.stop()

    @property
    def wish(self) -> PlanRequest:
        """What is filled in."""
        options = EngineOptions(
            name=self._text("name"),
            harbor=self._chosen("harbor"),
            uin=self._text("uin"),
            instance=self._text("instance"),
            region=self._text("region"),
        )
        if via := self._text("via"):
            options = replace(options, via=via)
        return replace(self._wish, options=options, terms=self._terms())

    def _terms(self) -> PolicyTermOptions:
        begins = self._chosen("begins")
        said = None if begins in ("", _BY_PLAN) else TriggerKind(begins)
        deletes = self._wish.who is EngineKind.TCR_SYNC or said is TriggerKind.EVENT
        speed = self._text("speed")
        return PolicyTermOptions(
            said,
            cron=self._text("cron") if begins in ("", TriggerKind.SCHEDULED) else "",
            deletion=deletes and self._chosen("deletion") == str(True),
            speed=int(speed) if _is_count(speed) else 0,
            copy_by_chunk=self._chosen("pieces") == str(True),
            single_active=self._chosen("single") == str(True),
        )

    def save(self) -> None:
        """Hand over what is filled in, or say under a field what is missing."""
        wish = self.wish
        needed = "harbor" if wish.who is EngineKind.HARBOR_RELAY and not wish.options.harbor else ""
        if self._chosen("begins") == TriggerKind.SCHEDULED and not self._text("cron"):
            needed = "cron"
        if (speed := self._text("speed")) and not _is_count(speed):
            self._field("speed").say(Content.styled("✗ Write a number of KB/s.", BAD))
            self.query_one("#speed").focus()
            return
        if needed:
            self._field(needed).say(Content.styled("✗ This is needed.", BAD))
            self.query_one(f"#{needed}").focus()
            return
        self.post_message(self.Complete(wish))

    def tell(self) -> None:
        """Show what belongs to what is filled in, and tell of it."""
        self._follow()
        self.post_message(self.Edited(self.wish))

    def _follow(self) -> None:
        """Show the fields that belong to when it begins."""
        begins = self._chosen("begins")
        if "begins" in self._names:
            self._field("cron").display = begins == TriggerKind.SCHEDULED
            self._field("deletion").display = begins == TriggerKind.EVENT
        elif "cron" in self._names:
            self._field("cron").say(Content.styled(_NOTES["cron"], QUIET))

    def _text(self, name: str) -> str:
        found = self.query(f"#{name}").results(Input) if name in self._names else ()
        return next((each.value.strip() for each in found), "")

    def _chosen(self, name: str) -> str:
        found = self.query(f"#{name}").results(Select) if name in self._names else ()
        return next((str(each.value) for each in found if each.value != Select.NULL), "")


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _select(choices: Sequence[tuple[str, object]], name: str) -> Select[object]:
    if not choices:
        return Select((), prompt="no account is a Harbor", compact=True, id=name)
    # What is written in brackets, as an address is, would be taken for markup.
    words = [(Content(each), value) for each, value in choices]
    return Select(words, value=choices[0][1], allow_blank=False, compact=True, id=name)


class EnginePlanScreen(Frame):
    """Asks how `wish` is to be done. `name` is what the plan is called.

    `harbors` are the hosts of those that could relay; `left` closes what led here, once it is made.
    """

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = bindings("delegate-form")
    WITHOUT_LINE: ClassVar[str] = "Save the plan first: the line takes it from its file."
    HELP: ClassVar[str] = """
What is left empty is chosen by itself: the name and the schedule from the plan, the instance
and its region from what the keys of the cloud see. Nothing is changed by this:
{delegate-form.show} asks the engine what is there, and shows every change that would be made.
"""

    def __init__(
        self, wish: PlanRequest, name: str, harbors: Sequence[str], left: Callable[[], None]
    ) -> None:
        super().__init__()
        self._left = left
        self._wish = wish
        self._plan_name = name
        self._harbors = harbors

    def compose_body(self) -> ComposeResult:
        """Give the form."""
        yield DelegateForm(self._wish, self._harbors)

    def on_mount(self) -> None:
        """Say what this is."""
        self.heading(f"{self._plan_name}: {WORDS[self._wish.who]}", "nothing is changed by this")
        self.line(engine_plan_line(self._wish, "show"))

    def action_save(self) -> None:
        """Show what would be changed."""
        self.query_one(DelegateForm).save()

    @on(DelegateForm.Edited)
    def _edited(self, event: DelegateForm.Edited) -> None:
        self.line(engine_plan_line(event.wish, "show"))

    @on(DelegateForm.Complete)
    def _complete(self, event: DelegateForm.Complete) -> None:
        self.hush()
        title = f"{self._plan_name}: {WORDS[event.wish.who]}"
        line = engine_plan_line(event.wish)
        self.app.push_screen(PlanChangesScreen(event.wish, title, line, self._made))

    def _made(self) -> None:
        self._left()
        self.close_when_in_front()

    @on(DelegateForm.Left)
    async def _given_up(self) -> None:
        await self.action_back()


_SKIP = "skip"
_SURVEYING = "Both sides are being looked at; wait for what each can."
_UNKNOWN = "Who could move it isn't known. {who.refresh} looks again."


class EngineChoiceScreen(Frame):
    """Lets the operator choose who moves `plan`; `ours` is called when it is to be our own lanes.

    `name` is what the plan is called, `saved` its name if its file says the same.
    """

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = bindings("who")
    CSS_PATH = "choice.tcss"
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
        self.heading(f"Who moves {self._plan_name}", way_of(self._plan, self.context.naming))
        self.line(ways_line(self._saved) if self._saved else "")
        # The rows are there before it is known what each can: no key may choose one not seen yet.
        self._table.show(SurveyRows())
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
            self._table.show(EngineRows(()), empty=words_for(self, _UNKNOWN))
            self._say()
            self.fail(error)

    async def _judge(self) -> None:
        answers: Sequence[EndAnswer] = tuple(self._answers.items())
        self._judged = await self.core.engines.survey(self._plan, answers)
        self._table.show(EngineRows(self._judged.ways))
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
            self.warn(_SURVEYING)
            return
        self.hush()
        wish = PlanRequest(self._plan, way.who, self._saved)
        if not way.is_possible:
            self.warn(f"{way.obstacle} {way.instead}")
        elif way.who is EngineKind.TRANSSHIP:
            self.dismiss()
            self.app.call_later(self._ours)
        else:
            form = EnginePlanScreen(
                wish, self._plan_name, self._harbors(), self.close_when_in_front
            )
            self.app.push_screen(form)

    def _harbors(self) -> Sequence[str]:
        """Return the hosts of the Harbors that could relay: those that are neither side."""
        sides = {place.registry for place in self._plan.places}
        try:
            accounts = self.core.registries.all()
        except TransshipError as error:
            self.fail(error)
            return ()
        return [
            each.host
            for each in accounts
            if service_at(each).kind == "harbor" and each.host not in sides
        ]
