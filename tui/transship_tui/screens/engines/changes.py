"""What would be changed at an engine: seen first, asked, then made one after the other."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, ContentSwitcher, Static

from transship.app.engines import ApplyStep, EngineRequest, PlannedRequest, ReplicaRequest
from transship.engines.changes import Change, ChangeAction, ChangedField, ChangeSet, ChangeStep
from transship.engines.changes import ChangeStep as Made
from transship.errors import TransshipError
from transship.text import counted, safe
from transship_tui.context import QuitWarning
from transship_tui.keys import bindings, chosen, key_for, words_for
from transship_tui.lines import replica_line
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, Mark
from transship_tui.screens.frame import Frame
from transship_tui.widgets.dialogs import ConfirmDialog

DOES = {
    ChangeAction.CREATE: Mark("+", "create", NEWS),
    ChangeAction.CHANGE: Mark("↻", "change", CARE),
    ChangeAction.DELETE: Mark("×", "delete", CARE),
    ChangeAction.LEAVE: Mark("=", "leave", QUIET),
}
STEPS = {
    ChangeStep.WAITING: Mark("·", "waiting", QUIET),
    ChangeStep.BEGUN: Mark("▸", "being made", NEWS),
    ChangeStep.MADE: Mark("✓", "made", OK),
    ChangeStep.FAILED: Mark("✗", "failed", BAD),
}
_DONE = {
    ChangeAction.CREATE: Mark("✓", "created", OK),
    ChangeAction.CHANGE: Mark("✓", "changed", OK),
    ChangeAction.DELETE: Mark("✓", "deleted", OK),
}
_LABEL = 18
_LONGEST = 4_000
_INDENT = 2


def mark_of(change: Change, step: ChangeStep | None = None) -> Mark:
    """Return what a change is to do; once it was begun, how far it has come."""
    if step is None or change.does is ChangeAction.LEAVE:
        return DOES[change.does]
    return _DONE[change.does] if step is ChangeStep.MADE else STEPS[step]


def value_text(value: Any) -> str:
    """Return a value as it is sent: text as it stands, all else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return safe(text, limit=_LONGEST) or '""'


def change_lines(change: Change, width: int, step: ChangeStep | None = None) -> list[Content]:
    """Return all of a change, laid out in `width` cells: its fields, and what to know of it."""
    sign = mark_of(change, step)
    head = Content.assemble(
        (f"{sign.sign} {sign.word}", f"bold {sign.color}"),
        (f"  {safe(change.kind)}  ", QUIET),
        (safe(change.name), "bold"),
    )
    lines = head.wrap(max(20, width))
    for field in _shown(change):
        lines += _field_lines(change, field, width)
    for warning in change.warns:
        lines += said("!", warning, width, CARE, indent=_INDENT)
    return lines


def _shown(change: Change) -> Sequence[ChangedField]:
    """Return the fields to show: of what stays, all that were asked for."""
    if change.does is ChangeAction.LEAVE:
        return [ChangedField(name, value, value) for name, value in (change.after or {}).items()]
    return change.fields


def _field_lines(change: Change, field: ChangedField, width: int) -> Iterator[Content]:
    label = safe(field.name)
    room = max(16, width - _INDENT - _LABEL)
    parts: list[Content] = []
    if change.does is ChangeAction.CREATE:
        parts = _values(field.after, "")
    elif change.does is ChangeAction.LEAVE:
        parts = _values(field.after, QUIET)
    elif change.does is ChangeAction.DELETE:
        parts = _values(field.before, QUIET)
    else:
        parts = _changed(field)
    rows = [row for part in parts for row in part.wrap(room)]
    if len(label) > _LABEL - 2:
        yield Content.styled(" " * _INDENT + label, QUIET)
        label = ""
    for number, row in enumerate(rows):
        first = label if number == 0 else ""
        yield Content.assemble(" " * _INDENT, (first.ljust(_LABEL), QUIET), row)


def _values(value: Any, style: str) -> list[Content]:
    """Return a value, the parts of a list one below the other: filters are read one by one."""
    if isinstance(value, list | tuple) and value:
        return [Content.styled(value_text(each), style) for each in value]
    return [Content.styled("nothing" if value is None else value_text(value), style)]


def _changed(field: ChangedField) -> list[Content]:
    if isinstance(field.before, list | tuple) or isinstance(field.after, list | tuple):
        old, new = _listed(field.before), _listed(field.after)
        gone = [Content.styled(f"− {each}", QUIET) for each in old if each not in new]
        kept = [Content(f"  {each}") for each in old if each in new]
        added = [Content.styled(f"+ {each}", CARE) for each in new if each not in old]
        return [*kept, *gone, *added] or [Content("in another order")]
    words = (
        "nothing" if each is None else value_text(each) for each in (field.before, field.after)
    )
    before, after = words
    return [Content.assemble((before, QUIET), " → ", (after, CARE))]


def _listed(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [value_text(each) for each in value]
    return [] if value is None else [value_text(value)]


def said(sign: str, words: str, width: int, style: str = "", *, indent: int = 0) -> list[Content]:
    """Return a sentence behind its sign, laid out in `width` cells."""
    rows = Content.styled(safe(words), style).wrap(max(16, width - indent - 2))
    heads = [f"{' ' * indent}{sign} ", *([" " * (indent + 2)] * (len(rows) - 1))]
    return [Content.assemble((head, style), row) for head, row in zip(heads, rows, strict=True)]


def refusal_lines(error: TransshipError, width: int) -> list[Content]:
    """Return why nothing can be made, and what to do about it."""
    words = f"{error.title}: {error.detail}" if error.detail else error.title
    lines = said("✗", words, width, BAD)
    if error.remedy:
        lines += said(" ", error.remedy, width)
    return lines


def counts_of(changes: ChangeSet) -> Content:
    """Return how much would be created, changed, deleted and left."""
    parts: list[Content] = []
    for does, sign in DOES.items():
        count = sum(1 for change in changes.changes if change.does is does)
        if count:
            parts.append(Content.styled(f"{sign.sign} {count:,} {_PAST[does]}", sign.color))
    if not parts and changes.refusals:
        return Content.styled("✗ refused", BAD)
    return Content("   ").join(parts) if parts else Content.styled("nothing to change", QUIET)


_PAST = {
    ChangeAction.CREATE: "to create",
    ChangeAction.CHANGE: "to change",
    ChangeAction.DELETE: "to delete",
    ChangeAction.LEAVE: "left as it is",
}


def question_of(changes: ChangeSet) -> Content:
    """Return what is asked before changes are made."""
    lines: list[str | tuple[str, str]] = [f"{safe(changes.engine)}: {safe(changes.purpose)}.\n\n"]
    for does in (ChangeAction.CREATE, ChangeAction.CHANGE, ChangeAction.DELETE):
        some = [change for change in changes.to_make if change.does is does]
        if some:
            names = ", ".join(f"{safe(each.kind)} {safe(each.name)}" for each in some[:3])
            more = f" and {counted(len(some) - 3, 'other')}" if len(some) > 3 else ""
            sign = DOES[does]
            lines += [(f"{sign.sign} {sign.word}", sign.color), f" {names}{more}.\n"]
    warns = dict.fromkeys(warning for change in changes.to_make for warning in change.warns)
    lines += [(f"\n! {safe(warning)}\n", CARE) for warning in warns]
    lines.append("\nEach is read back once it is made. What was made can be undone from Jobs.")
    return Content.assemble(*lines)


_APART = 60
"""So many changes are drawn one by one; more are drawn in lots, so that a step draws only one."""
_LOT = 40
_Numbered = tuple[int | None, Change]
"""A change with its number among those that are made; None for one that is left."""
_EDGE = 3
"""Cells at the sides, the scroll bar's among them."""


class ChangesView(VerticalScroll, can_focus=True):
    """Shows what would be changed: what it tells, each change with its fields, what follows.

    `notes` is the heading of the last part.
    """

    BINDINGS: ClassVar[list[BindingType]] = chosen(
        "list.down", "list.up", "list.half-down", "list.half-up", "list.first", "list.last"
    )
    DEFAULT_CSS = """
    ChangesView {
        height: 1fr; padding: 0 1; scrollbar-size-vertical: 1;
        & Static { height: auto; margin-bottom: 1; }
    }
    """

    def __init__(self, notes: str = "What follows from it") -> None:
        super().__init__()
        self._notes = notes
        self._drawn: PlannedRequest | None = None
        self._steps: Mapping[int, ChangeStep] = {}
        self._lots: list[tuple[Static, Sequence[_Numbered]]] = []
        self._top = Static()
        self._end = Static()
        self._width = 0

    async def show(self, drawn: PlannedRequest) -> None:
        """Show other changes, from the top."""
        self._drawn, self._steps = drawn, {}
        # What does something is what is read for; what stays is only there to be sure.
        stays = [each for each in drawn.changes.changes if each.does is ChangeAction.LEAVE]
        changes = [*enumerate(drawn.changes.to_make), *((None, each) for each in stays)]
        size = 1 if len(changes) <= _APART else _LOT
        some = [changes[at : at + size] for at in range(0, len(changes), size)]
        self._lots = [(Static(), lot) for lot in some]
        self._top, self._end = Static(), Static()
        await self.remove_children()
        await self.mount(self._top, *(view for view, _ in self._lots), self._end)
        self._draw()
        self.scroll_home(animate=False)

    def mark(self, steps: Mapping[int, ChangeStep]) -> None:
        """Show how far changes have come, by their numbers among those that are made.

        The one that is being made is kept in sight.
        """
        before, self._steps = self._steps, steps
        for view, changes in self._lots:
            numbers = [number for number, _ in changes if number is not None]
            moved = [each for each in numbers if steps.get(each) is not before.get(each)]
            if not moved:
                continue
            view.update(self._lot(changes))
            if any(steps.get(each) in (ChangeStep.BEGUN, ChangeStep.FAILED) for each in moved):
                self.call_after_refresh(view.scroll_visible, animate=False)

    def on_resize(self) -> None:
        """Lay the words out anew."""
        if self.size.width != self._width:
            self._draw()

    def _draw(self) -> None:
        if self._drawn is None:
            return
        self._width = self.size.width
        for view, changes in self._lots:
            view.update(self._lot(changes))
        for view, lines in ((self._top, self._first()), (self._end, self._last())):
            found = list(lines)
            view.update(Content("\n").join(found))
            view.display = bool(found)

    @property
    def _room(self) -> int:
        return max(30, self._width - _EDGE)

    def _lot(self, changes: Sequence[_Numbered]) -> Content:
        lines: list[Content] = []
        for number, each in changes:
            if lines:
                lines.append(Content(""))
            step = None if number is None else self._steps.get(number)
            lines += change_lines(each, self._room, step)
        return Content("\n").join(lines)

    def _first(self) -> Iterator[Content]:
        """Give why nothing can be made, and what would be moved."""
        assert self._drawn is not None
        if refusals := self._drawn.changes.refusals:
            yield Content.styled("Nothing of it can be made:", f"bold {BAD}")
            for error in refusals:
                yield from refusal_lines(error, self._room)
        for words in self._drawn.tells:
            yield from said("·", words, self._room)
        for words in self._drawn.cares:
            yield from said("!", words, self._room, CARE)

    def _last(self) -> Iterator[Content]:
        """Give what follows from the changes."""
        assert self._drawn is not None
        if notes := self._drawn.changes.notes:
            yield Content.styled(self._notes, "bold")
            for note in notes:
                yield from said("·", note, self._room)

    # Moving

    def action_move(self, by: int) -> None:
        """Go up or down by a line."""
        self.scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        """Go up or down by half a window."""
        self.scroll_relative(y=by * max(1, self.size.height // 2), animate=False)

    def action_first(self) -> None:
        """Go to the top."""
        self.scroll_home(animate=False)

    def action_last(self) -> None:
        """Go to the end."""
        self.scroll_end(animate=False)


_LOOKING = "Asking the engine what is there.\nNothing is changed. {back} goes back."
_UNKNOWN = "Nothing is known yet. {changes.refresh} looks again; {back} goes back."


class ChangesScreen(Frame):
    """Shows what `wish` would change, and makes that when it is confirmed.

    `title` says what this is, `line` which line does the same.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("changes")
    CSS_PATH = "changes.tcss"
    NOTES: ClassVar[str] = "What follows from it"
    """The heading of what is said below the changes."""
    HELP: ClassVar[str] = """
The engine was asked what is there, and nothing was changed. What would be created or changed is
shown field by field, as it will be sent; what is as it should be is left. Where the engine is
handed a login, it says whose.

{changes.make} asks once more. Each change is written to a journal, made, and read back; the first
that fails ends it, and what was made until then can be gone on with, or undone, from Jobs.
"""

    def __init__(self, wish: EngineRequest, title: str, line: str) -> None:
        super().__init__()
        self.wish = wish
        self._what = title
        self._its_line = line
        self.drawn: PlannedRequest | None = None
        """What would be changed; None while it isn't known."""
        self._looking = True
        self.making = False
        """Whether the engine is being changed now."""
        self._delegation = ""
        self._steps: dict[int, Made] = {}

    def compose_body(self) -> ComposeResult:
        """Give the wait, and what was found: one of them at a time; then the way on."""
        with ContentSwitcher(initial="looking", id="steps"):
            with Container(id="looking", classes="notice"):
                yield Static(id="found")
            with Container(id="drawn"):
                yield Static(id="counts")
                yield ChangesView(self.NOTES)
        with Horizontal(id="make-line"):
            yield Button("Make…", id="make", compact=True, variant="primary", disabled=True)
            yield Static(id="why")

    def on_mount(self) -> None:
        """Ask the engine what is there."""
        self.heading(self._what)
        self.line(self._its_line)
        self.context.quit_warnings.append(self._at_stake)
        self._look()

    def on_unmount(self) -> None:
        """Nothing is under way here any more."""
        self.context.quit_warnings.remove(self._at_stake)

    def _at_stake(self) -> QuitWarning | None:
        if not self.making or self.drawn is None:
            return None
        left = counted(len(self._changes.to_make) - self._count(Made.MADE), "change")
        words = (
            f"{safe(self._changes.engine)} is being changed, and that ends with Transship: {left} "
            f"would not be made. It can be gone on with from Jobs."
        )
        return QuitWarning("Break it off?", words)

    @property
    def _changes(self) -> ChangeSet:
        assert self.drawn is not None
        return self.drawn.changes

    def _count(self, step: Made) -> int:
        return sum(1 for each in self._steps.values() if each is step)

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to make."""
        return self.drawn is not None and bool(self._changes.to_make)

    @property
    def all_made(self) -> bool:
        """Whether all of it was made."""
        return self.has_changes and self._count(Made.MADE) == len(self._changes.to_make)

    # Looking

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        self.drawn, self._looking = None, True
        self._delegation, self._steps = "", {}
        self._switch("looking", words_for(self, _LOOKING))
        try:
            drawn = await self.core.engines.plan(self.wish)
        except TransshipError as error:
            self._looking = False
            self._switch("looking", words_for(self, _UNKNOWN))
            self.fail(error)
            return
        self.drawn, self._looking = drawn, False
        await self.query_one(ChangesView).show(drawn)
        self._switch("drawn")
        self.query_one(ChangesView).focus()

    def work_failed(self, group: str) -> None:  # noqa: ARG002 - all of them are over then
        """Wait for nothing any more."""
        self._looking = self.making = False
        self.say()

    def _switch(self, step: str, words: str = "") -> None:
        self.query_one("#found", Static).update(Content(words))
        self.query_one("#steps", ContentSwitcher).current = step
        self.say()

    def say(self) -> None:
        """Say what can be made now, or why nothing can."""
        if self.drawn is not None:
            self.heading(self._what, f"{self._changes.engine}: {self._changes.purpose}")
            self.query_one("#counts", Static).update(counts_of(self._changes))
        why_not = self.why_not()
        button = self.query_one("#make", Button)
        button.disabled = bool(why_not)
        button.label = self.button_words()
        words = why_not or "asks once more; nothing is changed yet"
        if not why_not and self._delegation:
            words = "asks once more; what was made stays"
        self.query_one("#why", Static).update(Content(safe(words)))
        self.refresh_bindings()

    def button_words(self) -> str:
        """Return what stands on the button."""
        if self.all_made:
            return "Made"
        return "Go on…" if self._delegation else "Make…"

    def why_not(self) -> str:
        """Return why nothing can be made now, empty where it can."""
        if self.making:
            of = len(self._changes.to_make)
            return f"{self._count(Made.MADE):,} of {counted(of, 'change')} made"
        if self.drawn is None:
            return "asking the engine; nothing is changed" if self._looking else "nothing is known"
        if self._changes.refusals:
            return "it can't be made; what is in the way stands above"
        if not self._changes.to_make:
            return "everything is as it should be"
        if self.all_made:
            return f"made; {key_for(self, 'changes.refresh')} looks anew"
        return ""

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done now, and why."""
        if self.making:
            busy = "The engine is being changed; wait for the end."
            return dict.fromkeys(("refresh_list", "back", "leave", "make"), busy)
        why_not = self.why_not()
        return {"make": f"{why_not[0].upper()}{why_not[1:]}."} if why_not else {}

    def action_refresh_list(self) -> None:
        """Ask the engine anew."""
        self.hush()
        self._look()

    # Making

    @on(Button.Pressed, "#make")
    def _wanted(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_make()

    def action_make(self) -> None:
        """Ask whether to make it."""
        if self.drawn is not None and not self.why_not():
            self._make(self.drawn)

    def question(self, drawn: PlannedRequest) -> ConfirmDialog:
        """Return the question. Where logins are handed over, their hosts are to be typed."""
        changes = drawn.changes
        deletes = any(each.does is ChangeAction.DELETE for each in changes.to_make)
        return ConfirmDialog(
            f"Make {counted(len(changes.to_make), 'change')}?",
            question_of(changes),
            "Make",
            danger=deletes or bool(changes.gives),
            typed=" ".join(changes.gives) or None,
        )

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def _make(self, drawn: PlannedRequest) -> None:
        if not await self.app.push_screen_wait(self.question(drawn)):
            return
        engine = self.core
        self.hush()
        if self.all_made or not self.has_changes:
            self.made(drawn, self._delegation)
            return
        self.making = True
        self._steps = self._steps or dict.fromkeys(range(len(drawn.changes.to_make)), Made.WAITING)
        try:
            if self._delegation:
                await self._follow(engine.engines.resume(self._delegation))
            else:
                await self._follow(engine.engines.apply(self.wish, drawn.changes))
        except TransshipError as error:
            self._stopped()
            self.fail(error)
        else:
            self.made(drawn, self._delegation)
        finally:
            self.making = False
            if self.is_mounted:
                self.say()

    async def _follow(self, steps: AsyncIterator[ApplyStep]) -> None:
        async for step in steps:
            self._delegation = step.delegation
            if step.made is not None:
                self._steps[step.made.number] = Made.MADE
            coming = next((n for n, each in self._steps.items() if each is not Made.MADE), None)
            if coming is not None:
                self._steps[coming] = Made.BEGUN
            self._mark()

    def _stopped(self) -> None:
        """Show which change ended it."""
        for number, step in self._steps.items():
            if step is Made.BEGUN:
                self._steps[number] = Made.FAILED
        self._mark()

    def _mark(self) -> None:
        self.query_one(ChangesView).mark(dict(self._steps))
        self.say()

    @abstractmethod
    def made(self, drawn: PlannedRequest, delegation: str) -> None:
        """Go on, once all of it is made."""


class PlanChangesScreen(ChangesScreen):
    """What an engine would be set to so that it moves a plan.

    `left` closes what led here, once it is made.
    """

    MODE = "plan"
    WITHOUT_LINE: ClassVar[str] = "Save the plan first: the line takes it from its file."

    def __init__(
        self, wish: EngineRequest, title: str, line: str, left: Callable[[], None]
    ) -> None:
        super().__init__(wish, title, line)
        self._left = left

    def made(self, drawn: PlannedRequest, delegation: str) -> None:
        """Show the delegation, whose executions can be followed."""
        self.tell(f"{counted(len(drawn.changes.to_make), 'change')} made: {delegation}")
        # Popping this screen ends its workers, the one that calls this too.
        self.app.call_later(self._leave_to, delegation)

    async def _leave_to(self, delegation: str) -> None:
        self._left()
        self.close_when_in_front()
        await self.context.shell.show_delegation(delegation)


class ReplicaChangesScreen(ChangesScreen):
    """What replicating an instance of TCR to another region would make."""

    MODE = "registries"

    def __init__(self, wish: ReplicaRequest) -> None:
        super().__init__(wish, f"Replica in {wish.region}", replica_line(wish))

    def made(self, drawn: PlannedRequest, delegation: str) -> None:  # noqa: ARG002 - what it shows says it
        """Show the delegation: how the replica is made and filled is followed there."""
        # Popping this screen ends its workers, the one that calls this too.
        self.app.call_later(self._leave_to, delegation)

    async def _leave_to(self, delegation: str) -> None:
        self.close_when_in_front()
        await self.context.shell.show_delegation(delegation)


class UndoChangesScreen(ChangesScreen):
    """What undoing a delegation would change."""

    MODE = "jobs"

    def made(self, drawn: PlannedRequest, delegation: str) -> None:  # noqa: ARG002 - it says no more
        """Say that it is undone; what was read back stays in sight."""
        self.tell(f"Undone: {counted(len(drawn.changes.to_make), 'change')} taken back")
