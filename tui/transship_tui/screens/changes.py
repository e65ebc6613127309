"""What would be changed at an engine: seen first, asked, then made one after the other."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widgets import Button, ContentSwitcher, Static

from transship.app.engines import ApplyStep, EngineRequest, PlannedRequest, ReplicaRequest
from transship.engines.changes import ChangeAction, ChangeSet
from transship.engines.changes import ChangeStep as Made
from transship.errors import TransshipError
from transship.text import counted, safe
from transship_tui.dialogs.confirm import ConfirmDialog
from transship_tui.keys import bindings
from transship_tui.keys.words import key_for, words_for
from transship_tui.lines_delegates import replica_line
from transship_tui.screens.frame import Frame
from transship_tui.stakes import Stake
from transship_tui.widgets.change_words import counts_of, question_of
from transship_tui.widgets.changes_view import ChangesView

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
        self.transship.at_stake.append(self._at_stake)
        self._look()

    def on_unmount(self) -> None:
        """Nothing is under way here any more."""
        self.transship.at_stake.remove(self._at_stake)

    def _at_stake(self) -> Stake | None:
        if not self.making or self.drawn is None:
            return None
        left = counted(len(self._changes.to_make) - self._count(Made.MADE), "change")
        words = (
            f"{safe(self._changes.engine)} is being changed, and that ends with Transship: {left} "
            f"would not be made. It can be gone on with from Jobs."
        )
        return Stake("Break it off?", words)

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
            drawn = await self.transship.engine.engines.plan(self.wish)
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
        engine = self.transship.engine
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
        await self.transship.show_delegation(delegation)


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
        await self.transship.show_delegation(delegation)


class UndoChangesScreen(ChangesScreen):
    """What undoing a delegation would change."""

    MODE = "jobs"

    def made(self, drawn: PlannedRequest, delegation: str) -> None:  # noqa: ARG002 - it says no more
        """Say that it is undone; what was read back stays in sight."""
        self.tell(f"Undone: {counted(len(drawn.changes.to_make), 'change')} taken back")
