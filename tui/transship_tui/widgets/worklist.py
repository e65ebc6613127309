"""What a copy would do: each image with its verdict and cost, and what is created first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from transship.oci.digest import short
from transship.oci.reference import Reference
from transship.registry.registry import Visibility
from transship.text import bytes_text, counted, safe
from transship.transfers.copies import Copy, Creation, Verdict, Worklist
from transship.transfers.preflight import PreflightUnknown, can_be_created
from transship_tui.keys import bindings, key_for
from transship_tui.marks import BAD, CARE, MARKS, QUIET, mark
from transship_tui.naming import Naming
from transship_tui.widgets.dialogs import Choice, ChoiceDialog, FactsDialog
from transship_tui.widgets.table import Column, VirtualTable
from transship_tui.widgets.text_lines import TextLines

_NOT = "not created"
_NAMED = 3
ANSWERS: tuple[tuple[str, str], ...] = (
    ("isn't created: what needs it fails", ""),
    ("is created, private", str(Visibility.PRIVATE)),
    ("is created, public: everyone may pull", str(Visibility.PUBLIC)),
)
"""What may become of what is missing at a target, in words and as a plan has it."""


def creation_words(creation: Creation, naming: Naming) -> str:
    """Return what is created, where, and who may pull from it."""
    what, place = creation.missing, naming.place(creation.target)
    return safe(f"will create {what.kind} `{what.name}` at {place}, {creation.how}")


def lacking(worklist: Worklist) -> int:
    """Return how many copies fail for want of what a run could create."""
    return sum(can_be_created(copy.problem) for copy in worklist.copies)


def creation_lines(
    creations: Sequence[Creation], lacking: int, naming: Naming, key: str
) -> Iterator[Content]:
    """Give what is created first, and how many copies are `lacking` what could be.

    `key` is the one that lets it be created.
    """
    for creation in creations[:_NAMED]:
        yield Content.styled(f"+ {creation_words(creation, naming)}", CARE)
    if len(creations) > _NAMED:
        yield Content.styled(f"+ and {len(creations) - _NAMED:,} more", CARE)
    if lacking:
        words = f"{counted(lacking, 'image')} can't go where nothing is yet"
        yield Content.styled(f"✗ {words}: {key} lets the run create it", BAD)


def creation_question() -> ChoiceDialog:
    """Return the question whether, and for whom, the run creates what is missing."""
    return ChoiceDialog(
        "May the run create what is missing?",
        Content("Projects, organizations or repositories that the target needs first."),
        (
            Choice(str(Visibility.PRIVATE), "Create it, private", "who has the right may pull"),
            Choice(str(Visibility.PUBLIC), "Create it, public", "everyone may pull"),
            Choice(_NOT, "Create nothing", "what needs it can't be copied"),
        ),
    )


def visibility_of(answer: str) -> Visibility | None:
    """Return what an answer to the question, or a choice of `ANSWERS`, allows."""
    return Visibility(answer) if answer in set(Visibility) else None


_COLUMNS = (
    Column("Verdict", 11),
    Column("From"),
    Column("To"),
    Column("Why", least=100),
)
_LINES = 3
"""How many lines there are for all of one copy."""

_ORDER = (
    Verdict.COPY,
    Verdict.OVERWRITE,
    Verdict.CONFLICT,
    Verdict.BLOCKED,
    Verdict.SAME,
    Verdict.SKIP,
)


class _CopyRows:
    """Copies as rows."""

    def __init__(self, copies: Sequence[Copy]) -> None:
        self.copies = copies

    def __len__(self) -> int:
        return len(self.copies)

    def key(self, index: int) -> str:
        """Return the copy's number."""
        return str(self.copies[index].id)

    def cells(self, index: int) -> Sequence[Content]:
        """Return verdict, source, target and reason."""
        copy = self.copies[index]
        return (
            mark(copy.verdict),
            Content(short_name(copy.source)),
            Content(short_name(copy.target)),
            Content.styled(safe(copy.reason), QUIET),
        )


class WorklistView(Vertical):
    """Shows a worklist, and offers to start it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("worklist")
    DEFAULT_CSS = """
    WorklistView {
        #totals { margin: 0 1 1 1; }
        #copy { height: 3; padding: 0 1; background: $surface; }
        #start-line { height: 1; padding: 0 1; }
        #start-line Button { margin-right: 2; }
        #start-line Static { width: 1fr; color: $text-muted; }
    }
    """

    class StartWanted(Message):
        """The worklist is to be carried out."""

    class CreateWanted(Message):
        """It is asked whether what is missing at the target shall be created."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._worklist = Worklist((), (), {})
        self._counts: Mapping[Verdict, int] = Counter()
        self._only: Verdict | None = None
        self._unknown: Sequence[PreflightUnknown] = ()
        self._lacking = 0
        self._naming = Naming()

    def compose(self) -> ComposeResult:
        """Give totals, copies, all of the copy under the cursor, and the way on."""
        yield TextLines(id="totals")
        yield VirtualTable(_COLUMNS, can_open=False)
        yield Static(id="copy")
        with Horizontal(id="start-line"):
            yield Button("Start…", id="start", compact=True, variant="primary")
            yield Static(id="why")

    def show(
        self, worklist: Worklist, naming: Naming, unknown: Sequence[PreflightUnknown] = ()
    ) -> None:
        """Show a worklist, and what isn't known of what its targets would refuse.

        `naming` says what places are called.
        """
        self._worklist, self._naming = worklist, naming
        self._unknown = unknown
        self._counts = worklist.counts
        self._lacking = lacking(worklist)
        self._only = None
        self.offer_start()
        self._draw()

    def offer_start(self) -> None:
        """Let the worklist be started, or say why it can't be."""
        why_not = why_not_start(self._worklist)
        self._let_start(why_not or "asks once more; nothing is written yet", can=not why_not)

    def starting(self) -> None:
        """Say that the job is on its way, which takes a moment."""
        self._let_start("starting the job…", can=False)

    @property
    def _can_start(self) -> bool:
        return not self.query_one("#start", Button).disabled

    def _let_start(self, words: str, *, can: bool) -> None:
        self.query_one("#start", Button).disabled = not can
        self.query_one("#why", Static).update(Content(words))
        self.refresh_bindings()

    def action_verdict(self) -> None:
        """Show only the next verdict that there is; after the last one, all."""
        present = [None, *(verdict for verdict in _ORDER if self._counts[verdict])]
        self._only = present[(present.index(self._only) + 1) % len(present)]
        self._draw()

    def _draw(self) -> None:
        work = self._worklist
        copies = work.copies if self._only is None else work.of(self._only)
        self.query_one(VirtualTable).show(
            _CopyRows(copies), empty="There are no images at the source.", at=0
        )
        self._show_totals()
        if not copies:
            self.query_one("#copy", Static).update(Content(""))

    def on_resize(self) -> None:
        """Lay out anew what follows from the width."""
        self._show_totals()
        self._show_copy()

    def _show_totals(self) -> None:
        # Before it has a place it has no width; it is told of one with a resize.
        if self.size.width > 2:
            self.query_one("#totals", TextLines).show(self._totals(self.size.width - 2))

    def _totals(self, width: int) -> Sequence[Content]:
        """Return how many there are of each verdict, and what the whole costs."""
        copies = counted(len(self._worklist.copies), "image")
        parts = [(copies, "reverse" if self._only is None else "")]
        for verdict in filter(self._counts.__getitem__, _ORDER):
            sign = MARKS[verdict]
            chosen = "reverse " if verdict is self._only else ""
            words = f"{sign.sign} {self._counts[verdict]:,} {sign.word}"
            parts.append((words, f"{chosen}{sign.color}"))
        lines = [*laid_out(parts, width).split("\n"), *Content(cost(self._worklist)).wrap(width)]
        key, creations = key_for(self, "worklist.create"), self._worklist.creations
        for line in creation_lines(creations, self._lacking, self._naming, key):
            lines += line.wrap(width)
        for each in self._unknown:
            called = replace(each, target=self._naming.place(each.target))
            lines += Content.styled(not_known(called), CARE).wrap(width)
        return lines

    @on(VirtualTable.CursorMoved)
    def _cursor_moved(self, event: VirtualTable.CursorMoved) -> None:
        event.stop()
        self._show_copy()

    def _show_copy(self) -> None:
        """Show all of the copy under the cursor."""
        table = self.query_one(VirtualTable)
        if isinstance(table.rows, _CopyRows) and table.cursor < len(table.rows):
            copy = table.rows.copies[table.cursor]
            words = _in_full(copy, self.size.width - 2, self._naming)
            self.query_one("#copy", Static).update(words)

    @on(Button.Pressed, "#start")
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_start()

    def action_details(self) -> None:
        """Show all of the copy under the cursor: its lines may have no room for it."""
        table = self.query_one(VirtualTable)
        if isinstance(table.rows, _CopyRows) and table.cursor < len(table.rows):
            copy = table.rows.copies[table.cursor]
            facts = copy_facts(copy, self._naming)
            self.app.push_screen(FactsDialog(mark(copy.verdict), facts))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to start only what can be started."""
        if action == "start" and not (self.is_mounted and self._can_start):
            return None
        if action == "create" and not (self._lacking or self._worklist.creations):
            return False
        return super().check_action(action, parameters)

    def action_create(self) -> None:
        """Ask whether what is missing at the target shall be created."""
        self.post_message(self.CreateWanted())

    def action_start(self) -> None:
        """Ask for the start."""
        self.post_message(self.StartWanted())


def cost(worklist: Worklist) -> str:
    """Return in words what a worklist moves."""
    if not any(verdict.moves for verdict in worklist.counts):
        return "Nothing would be written."
    to_move, total = worklist.bytes_to_move, worklist.bytes_total
    if to_move == total:
        return f"Moves {bytes_text(total)}."
    if to_move == 0:
        return "Moves no layers: all are there or mounted. Tags are written."
    return f"Moves {bytes_text(to_move)} of {bytes_text(total)}; the rest is there or mounted."


def copy_facts(copy: Copy, naming: Naming) -> list[tuple[str, str]]:
    """Return everything that is known of one copy; `naming` says what places are called."""
    gone = copy.verdict is Verdict.DELETE
    facts = (
        ("Why", copy.reason),
        ("What to do", copy.problem.remedy if copy.problem is not None else ""),
        ("From", "" if gone else naming.place(str(copy.source))),
        ("To", naming.place(str(copy.target))),
        ("Digest", copy.digest or ""),
        ("Before", copy.previous or ""),
    )
    return [(name, value) for name, value in facts if value]


def not_known(unknown: PreflightUnknown) -> str:
    """Return in words what a target didn't say of what it would refuse."""
    words = f"{unknown.target}: it isn't known {unknown}"
    return f"! {safe(words, limit=200)}"


def why_not_start(worklist: Worklist) -> str:
    """Return why a worklist can't be started, or nothing when it can.

    A job for what is the same on both sides is of use: its report says that it is.
    """
    if any(verdict.moves or verdict is Verdict.SAME for verdict in worklist.counts):
        return ""
    return "Nothing of this can be copied." if worklist.copies else "There is nothing to copy."


def short_name(reference: Reference) -> str:
    """Return a reference as a table shows it: without the place, and with a short digest."""
    version = f":{reference.tag}" if reference.tag else f"@{short(reference.version)}"
    return safe(reference.repository + version)


def laid_out(parts: Sequence[tuple[str, str]], width: int) -> Content:
    """Put parts side by side, and none across the end of a line."""
    lines = Content("")
    used = 0
    for words, style in parts:
        gap = "   " if used else ""
        if used and used + len(gap + words) > width:
            gap, used = "\n", 0
        lines = Content.assemble(lines, gap, (words, style))
        used += len(gap.strip("\n") + words)
    return lines


def _in_full(copy: Copy, width: int, naming: Naming) -> Content:
    """Return all of a copy; what the lines have no room for ends with a sign that says so."""
    way = Content(naming.way(str(copy.source), str(copy.target)))
    more = Content(safe(copy.reason) or copy.digest or "")
    lines = len(way.wrap(width)) if width > 0 else 1
    if width > 0 and lines + len(more.wrap(width)) > _LINES:
        more = more.truncate(width * max(1, _LINES - lines), ellipsis=True)
    color = {Verdict.OVERWRITE: CARE, Verdict.CONFLICT: BAD, Verdict.BLOCKED: BAD}
    return Content.assemble(way, "\n", more.stylize(color.get(copy.verdict, QUIET)))
