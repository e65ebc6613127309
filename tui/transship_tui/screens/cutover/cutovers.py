"""Cutover: the domains that are being moved, and how each of them stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.cutover.status import CHANGED_STATES, CutoverStatus
from transship.errors import TransshipError
from transship.text import counted, safe
from transship.views.cutover import age_words, check_rows, clock_lines, rollback_words, waits_for
from transship_tui.keys import bindings, key_for
from transship_tui.lines import check_line, cutover_line
from transship_tui.marks import BAD, QUIET
from transship_tui.screens.cutover.board import CutoverBoardScreen
from transship_tui.screens.cutover.form import CutoverFormScreen
from transship_tui.screens.cutover.rows import counts_words, state_mark
from transship_tui.screens.frame import Frame
from transship_tui.widgets.dialogs import ConfirmDialog
from transship_tui.widgets.table import Column, VirtualTable
from transship_tui.widgets.text_lines import TextLines

if TYPE_CHECKING:
    from transship.guide import Step

_COLUMNS = (
    Column("State", 13),
    Column("Domain", 30),
    Column("From → to", least=110),
    Column("What it waits for"),
    Column("Age", 6, right=True, least=70),
)
_NONE = (
    "No domain is being moved. a begins: where a name points today, what would break, "
    "and how to go back."
)


class CutoverScreen(Frame):
    """All cutovers, the newest first, and how the one under the cursor stands."""

    MODE = "cutover"
    BINDINGS: ClassVar[list[BindingType]] = bindings("cutovers")
    CSS_PATH = "cutovers.tcss"
    WITHOUT_LINE: ClassVar[str] = "There is no cutover yet; a begins one."
    HELP: ClassVar[str] = """
A cutover moves a name: clusters go on pulling from images.example.com, and the name leads to the
new registry. {cutovers.add} asks for the domain and both registries, and tries them as you go.
{list.open} opens the board: what has to be right before the change, the change itself, the watch
after it, and the way back.

Nothing in DNS is changed before you confirm it, and by default nothing ever is from here: you make
the edit that is shown, and it is seen by itself.
"""

    def __init__(self) -> None:
        super().__init__()
        self._standings: Sequence[CutoverStatus] = ()

    def compose_body(self) -> ComposeResult:
        """Give the list, and one cutover in words."""
        yield VirtualTable(_COLUMNS, id="cutovers", empty=_NONE)
        yield TextLines(id="card")

    def on_mount(self) -> None:
        """Put the cursor into the list."""
        self.query_one(VirtualTable).focus()

    def on_screen_resume(self) -> None:
        """Show the cutovers as they are now."""
        self._look()

    @property
    def meant(self) -> CutoverStatus | None:
        """The cutover under the cursor."""
        key = self.query_one(VirtualTable).key_at_cursor()
        return next((each for each in self._standings if each.name == key), None)

    def action_refresh_list(self) -> None:
        """Read the cutovers anew."""
        self.hush()
        self._look()

    def _look(self) -> None:
        engine = self.core
        try:
            self._standings = engine.cutovers.all()
        except TransshipError as error:
            self.fail(error)
            return
        count = counted(len(self._standings), "domain") if self._standings else ""
        self.heading("Cutover", count)
        self.query_one(VirtualTable).show(_CutoverRows(self._standings, engine.clock.now()))
        self._show_card()

    @on(VirtualTable.CursorMoved)
    def _show_card(self) -> None:
        standing = self.meant
        self.line(_line(standing) if standing else "")
        self.query_one("#card", TextLines).show(self._card(standing) if standing else ())
        self.refresh_bindings()

    def _card(self, standing: CutoverStatus) -> Iterator[Content]:
        now = self.core.clock.now()
        if standing.problem:
            yield Content.styled(f"✗ {safe(standing.problem)}", BAD)
            return
        subject = standing.subject
        way = f"{subject.old or '?'} → {subject.points_at}"
        yield Content.assemble((safe(subject.domain.host), "bold"), f"  {safe(way)}")
        words = counts_words(check_rows(standing))
        yield Content.styled(
            words or f"nothing was checked yet; {key_for(self, 'list.open')} does", QUIET
        )
        clock = clock_lines(standing, now)[0]
        yield Content(f"{clock.name}: {clock.words}")
        back, blocked = rollback_words(standing)
        yield Content.assemble("Way back: ", (back, BAD if blocked else ""))

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done without a cutover."""
        if self.meant is None:
            why = f"There is no cutover here; {key_for(self, 'cutovers.add')} begins one."
            return dict.fromkeys(("report", "forget"), why)
        return {}

    def take_step(self, step: Step) -> bool:  # noqa: ARG002 - there is one step here
        """Begin a cutover, or open the one under the cursor."""
        if (standing := self.meant) is not None:
            self.app.push_screen(CutoverBoardScreen(standing.name))
        else:
            self.action_add()
        return True

    @on(VirtualTable.Opened)
    def _open(self, event: VirtualTable.Opened) -> None:
        self.app.push_screen(CutoverBoardScreen(event.key))

    def action_add(self) -> None:
        """Prepare to move a domain."""
        self.hush()
        journey = self.context.guide
        self.app.push_screen(CutoverFormScreen(self._kept, old=journey.source, new=journey.target))

    def _kept(self, name: str) -> None:
        self._look()
        self.query_one(VirtualTable).go_to(name)
        self.app.push_screen(CutoverBoardScreen(name))

    def action_report(self) -> None:
        """Open the cutover: its board writes the report."""
        if (standing := self.meant) is not None:
            screen = CutoverBoardScreen(standing.name, report=True)
            self.app.push_screen(screen)

    def action_forget(self) -> None:
        """Ask whether to put a cutover away."""
        if (standing := self.meant) is None:
            return
        host = standing.subject.domain.host
        words = (
            "Its checks, decisions and times are moved away. DNS and registries stay as they are."
        )
        if standing.state in CHANGED_STATES:
            words += " The way back isn't watched any more."

        def answered(wanted: bool | None) -> None:
            if wanted:
                self._forget(standing)

        dialog = ConfirmDialog(f"Put away {host}?", Content(words), "Put away", danger=True)
        self.app.push_screen(dialog, answered)

    def _forget(self, standing: CutoverStatus) -> None:
        try:
            self.core.cutovers.forget(standing.name)
        except TransshipError as error:
            self.fail(error)
        else:
            self.tell(f"The cutover of {standing.subject.domain.host} is put away")
        self._look()


class _CutoverRows:
    """Cutovers as rows."""

    def __init__(self, standings: Sequence[CutoverStatus], now: float) -> None:
        self._standings = standings
        self._now = now

    def __len__(self) -> int:
        return len(self._standings)

    def key(self, index: int) -> str:
        """Return the cutover's name."""
        return self._standings[index].name

    def cells(self, index: int) -> Sequence[Content]:
        """Return state, domain, both sides, and what it waits for."""
        standing = self._standings[index]
        subject, taken = standing.subject, standing.evidence
        return (
            state_mark(standing).content(),
            Content(subject.domain.shown or subject.domain.host),
            Content.styled(f"{subject.old or '?'} → {subject.points_at}", QUIET),
            Content(_waits(standing, self._now)),
            Content.styled(age_words(taken.taken if taken else None, self._now), QUIET),
        )


def _waits(standing: CutoverStatus, now: float) -> str:
    if standing.problem:
        return f"can't be read: {standing.problem}"
    if standing.state in CHANGED_STATES:
        return next(
            (f"{c.name}: {c.words}" for c in clock_lines(standing, now) if not c.passed), ""
        )
    return waits_for(standing) or "nothing: the change can be made"


def _line(standing: CutoverStatus) -> str:
    if standing.state in CHANGED_STATES or standing.problem:
        return cutover_line(standing.subject.domain.host)
    return check_line(standing.subject)
