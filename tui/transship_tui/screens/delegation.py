"""One delegation: what it has made, as it is there now, and what the engine does by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.app.engines import EngineStatus, NamedExecution
from transship.engines.changes import ChangeStep, Delegation
from transship.errors import TransshipError
from transship.text import counted, safe
from transship_tui.dialogs.choice import Choice, ChoiceDialog
from transship_tui.dialogs.confirm import ConfirmDialog
from transship_tui.keys import bindings
from transship_tui.keys.words import words_for
from transship_tui.lines_delegates import delegation_line
from transship_tui.marks import NEWS
from transship_tui.screens.execution import ExecutionScreen
from transship_tui.screens.frame import Frame
from transship_tui.stakes import Stake
from transship_tui.widgets.delegation_rows import (
    RUN_COLUMNS,
    about_lines,
    execution_lines,
    key_of_run,
    run_rows,
    undone_by,
)
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.virtual_table import VirtualTable

_EVERY_SECONDS = 5.0
_QUIET_TICKS = 6
"""So many times longer it is waited while nothing runs: what one half sets off comes later."""
_NONE = (
    "No execution yet. The engine begins one by itself, when something is pushed. This is looked "
    "at again twice a minute; {delegation.refresh} looks at once."
)
_STARTED = "No execution yet. {delegation.start} starts one."
_UNMADE = (
    "Not all of it was made. {delegation.go-on} goes on with that, {delegation.undo} takes back "
    "what was made."
)
_UNDONE = "It was taken back: the engine does nothing of it any more."
_UNKNOWN = "How it is there isn't known. {delegation.refresh} asks again."
_NO_RUNS = "What it has made has no executions: there is nothing to follow."


class DelegationScreen(Frame):
    """Shows how a delegation stands, and its executions, the newest first."""

    MODE = "jobs"
    BINDINGS: ClassVar[list[BindingType]] = bindings("delegation")
    CSS_PATH = "delegation.tcss"
    HELP: ClassVar[str] = """
The engine was asked how what was made there is now. Below are its executions: what it does by
itself, whether Transship is open or not. {list.open} follows one to its tasks and their logs.

{delegation.start} asks the engine to begin one, and {delegation.stop} to stop one, where it lets
others do that. {delegation.undo} shows what taking it all back would change. What was broken off
while it was made, {delegation.go-on} goes on with.
"""

    def __init__(self, delegation: str) -> None:
        super().__init__()
        self._delegation = delegation
        self._look: EngineStatus | None = None
        self._every: Sequence[Delegation] = ()
        self._busy = ""
        self._making = False
        self._quiet = 0

    def compose_body(self) -> ComposeResult:
        """Give what it is, its executions, and the one under the cursor in short."""
        yield TextLines(id="about")
        yield VirtualTable(RUN_COLUMNS, empty="Asking the engine…")
        yield TextLines(id="card")

    def on_mount(self) -> None:
        """Ask the engine, and ask again: often while something is under way."""
        self.heading(f"Delegation {self._delegation}")
        self.line(delegation_line(self._delegation))
        self._table.focus()
        self.transship.at_stake.append(self._at_stake)
        self.set_interval(_EVERY_SECONDS, self._tick)

    def on_unmount(self) -> None:
        """Nothing is under way here any more."""
        self.transship.at_stake.remove(self._at_stake)

    def _at_stake(self) -> Stake | None:
        if not self._making:
            return None
        words = (
            "Changes are being made at the engine, and that ends with Transship. What isn't made "
            "then can be gone on with from here."
        )
        return Stake("Break it off?", words)

    def on_screen_resume(self) -> None:
        """Show it as it is now."""
        super().on_screen_resume()
        self._ask()

    @property
    def _table(self) -> VirtualTable:
        return self.query_one(VirtualTable)

    @property
    def _meant(self) -> NamedExecution | None:
        key = self._table.key_at_cursor()
        runs = self._look.runs if self._look else ()
        return next((run for run in runs if key_of_run(run) == key), None)

    def _tick(self) -> None:
        if not self.is_current or self._busy or self._look is None:
            return
        runs = any(not run.execution.state.is_over for run in self._look.runs)
        self._quiet = 0 if runs else self._quiet + 1
        if runs or (self._look.of and self._quiet % _QUIET_TICKS == 0):
            self._ask()

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _ask(self) -> None:
        await self._asked()

    async def _asked(self) -> None:
        engine = self.transship.engine
        try:
            self._every = engine.engines.all()
            self._look = await engine.engines.status(self._delegation)
        except TransshipError as error:
            self._show_kept(None)
            self._table.show(run_rows((), 0.0), empty=words_for(self, _UNKNOWN))
            self._say()
            self.fail(error)
            return
        self._show(self._look)

    def _show_kept(self, look: EngineStatus | None) -> None:
        """Show what the journal has of it, with how it was at the engine when that was asked."""
        try:
            kept = self.transship.engine.engines.find(self._delegation)
        except TransshipError:
            return
        self._show_about(replace(look, delegation=kept) if look else EngineStatus(kept))

    def _show_about(self, look: EngineStatus) -> None:
        agreed = look.delegation.agreed
        self.heading(f"Delegation {self._delegation}", f"{agreed.engine}: {agreed.purpose}")
        busy = [Content.styled(f"▸ {self._busy}…", NEWS)] if self._busy else []
        self.query_one("#about", TextLines).show([*busy, *about_lines(look, self._every)])

    def _show(self, look: EngineStatus) -> None:
        self._show_about(look)
        now = self.transship.engine.clock.now()
        self._table.show(run_rows(look.runs, now), empty=words_for(self, self._empty(look)))
        self._say()

    def _empty(self, look: EngineStatus) -> str:
        """Return why there is no execution, and what can be done."""
        if self._delegation in undone_by(self._every):
            return _UNDONE
        if not look.delegation.is_whole:
            return _UNMADE
        if not look.of:
            return _NO_RUNS
        return _STARTED if look.begins else _NONE

    @on(VirtualTable.CursorMoved)
    def _say(self) -> None:
        run = self._meant
        lines: Iterator[Content] | Sequence[Content] = ()
        if run is not None:
            lines = execution_lines(run, self.transship.engine.clock.now())
        self.query_one("#card", TextLines).show(lines)
        self.refresh_bindings()

    # What can be done

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done now, and why."""
        look = self._look
        if look is None:
            return dict.fromkeys(("start", "stop", "undo", "go_on"), "It isn't known yet.")
        if self._busy:
            # Leaving ends what is being made.
            leaving = ("back", "leave") if self._making else ()
            keys = ("start", "stop", "undo", "go_on", *leaving)
            return dict.fromkeys(keys, f"{self._busy}; wait.")
        found: dict[str, str] = {}
        run = self._meant
        if not look.begins:
            found["start"] = "This engine begins by itself; nobody else can start it."
        if not look.stops:
            found["stop"] = "This engine lets nobody stop what it does."
        elif run is None or run.execution.state.is_over:
            found["stop"] = "Nothing is under way here."
        if by := undone_by(self._every).get(self._delegation):
            found["undo"] = f"It was undone by {by}."
        if look.delegation.is_whole:
            found["go_on"] = "All of it was made."
        return found

    def action_refresh_list(self) -> None:
        """Ask the engine anew."""
        self.hush()
        self._ask()

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        run = self._meant
        if run is not None and self._look is not None:
            self.hush()
            self.app.push_screen(ExecutionScreen(self._delegation, run, stops=self._look.stops))

    def action_undo(self) -> None:
        """Show what undoing it would change."""
        from transship_tui.screens.delegations import undo_screen

        self.hush()
        self.app.push_screen(undo_screen(self._delegation))

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_start(self) -> None:
        """Ask whether the engine is to begin an execution; of which thing, where there are more."""
        look = self._look
        if look is None or not look.begins:
            return
        of: str | None = look.begins[0]
        if len(look.begins) > 1:
            choices = [Choice(name, name) for name in look.begins]
            of = await self.app.push_screen_wait(ChoiceDialog("Start which?", Content(""), choices))
        if of is None:
            return
        words = Content(f"{safe(look.delegation.agreed.engine)} begins to move images at once.")
        if not await self.app.push_screen_wait(ConfirmDialog(f"Start {of}?", words, "Start")):
            return
        name, engine = of, self.transship.engine

        async def start() -> str:
            begun = await engine.engines.start_execution(self._delegation, name)
            return f"Execution {begun.id} of {name} has begun"

        await self._doing(start, "Starting it")

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_stop(self) -> None:
        """Ask whether to stop the execution under the cursor."""
        run, look = self._meant, self._look
        if run is None or look is None:
            return
        if await self.app.push_screen_wait(stop_question(run)):
            engine = self.transship.engine

            async def stop() -> str:
                await engine.engines.stop_execution(self._delegation, run.of, run.execution.id)
                return f"Execution {run.execution.id} of {run.of} was asked to stop"

            await self._doing(stop, "Stopping it")

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_go_on(self) -> None:
        """Ask whether to make what wasn't made yet."""
        look = self._look
        if look is None:
            return
        delegation = look.delegation
        left = [
            change
            for number, change in enumerate(delegation.agreed.changes)
            if delegation.step(number) is not ChangeStep.MADE
        ]
        gives = list(dict.fromkeys(host for change in left for host in change.gives))
        words = Content("\n").join([Content(safe(str(change))) for change in left])
        dialog = ConfirmDialog(
            f"Make {counted(len(left), 'change')} that {'is' if len(left) == 1 else 'are'} left?",
            words,
            "Make",
            danger=bool(gives),
            typed=" ".join(gives) or None,
        )
        if not await self.app.push_screen_wait(dialog):
            return
        engine = self.transship.engine

        async def make() -> str:
            async for _ in engine.engines.resume(self._delegation):
                self._show_kept(self._look)
            return f"{counted(len(left), 'change')} made"

        self._making = True
        try:
            await self._doing(make, "Making what is left")
        finally:
            self._making = False

    async def _doing(self, act: Callable[[], Awaitable[str]], words: str) -> None:
        self._busy = words
        self.hush()
        self._show_kept(self._look)
        self.refresh_bindings()
        try:
            told = await act()
        except TransshipError as error:
            self.fail(error)
        else:
            self.tell(told)
        finally:
            self._busy = ""
        if self.is_mounted:
            await self._asked()


def stop_question(run: NamedExecution) -> ConfirmDialog:
    """Return the question before an execution is stopped."""
    words = (
        "What is being copied is broken off; what is there already stays. It can be started again."
    )
    return ConfirmDialog(
        f"Stop execution {run.execution.id} of {run.of}?", Content(words), "Stop", danger=True
    )
