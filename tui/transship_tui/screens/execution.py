"""One execution of an engine, followed: its tasks as they come, and their logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.app.engines import NamedExecution
from transship.engines.executions import ExecutionState, ExecutionTask
from transship.errors import TransshipError
from transship.text import counted, safe
from transship_tui.dialogs.error import WordsDialog
from transship_tui.dialogs.facts import Facts, FactsDialog
from transship_tui.keys import bindings
from transship_tui.keys.words import key_for
from transship_tui.lines_delegates import delegation_line, task_log_line
from transship_tui.marks import BAD, QUIET
from transship_tui.screens.frame import Frame
from transship_tui.widgets.delegation_rows import (
    STATES,
    TASK_COLUMNS,
    execution_lines,
    task_rows,
)
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.virtual_table import VirtualTable


class ExecutionScreen(Frame):
    """Follows an execution of a delegation to its end. `stops` says that it can be stopped."""

    MODE = "jobs"
    BINDINGS: ClassVar[list[BindingType]] = bindings("execution")
    CSS_PATH = "delegation.tcss"
    HELP: ClassVar[str] = """
The engine is asked again and again how far it is, until it is over. It doesn't need Transship for
what it does: leaving this screen, or the app, stops nothing.

Each task moves one repository or one image. {list.open} shows its log, where the engine has one.
{execution.failures} shows only tasks that failed.
"""

    def __init__(self, delegation: str, run: NamedExecution, *, stops: bool) -> None:
        super().__init__()
        self._delegation = delegation
        self._run = run
        self._stops = stops
        self._tasks: Sequence[ExecutionTask] = ()
        self._only_failed = False

    def compose_body(self) -> ComposeResult:
        """Give how far it is, the tasks, and the one under the cursor in short."""
        yield TextLines(id="about")
        yield VirtualTable(TASK_COLUMNS, empty="Asking the engine…")
        yield TextLines(id="card")

    def on_mount(self) -> None:
        """Begin to follow."""
        self.heading(f"Execution {self._run.execution.id}", f"of {self._run.of}")
        self.query_one(VirtualTable).focus()
        self._say_how_far()
        self._say()
        self._follow()

    @property
    def _meant(self) -> ExecutionTask | None:
        key = self.query_one(VirtualTable).key_at_cursor()
        return next((task for task in self._tasks if task.id == key), None)

    @work(group="follow", exclusive=True, exit_on_error=False)
    async def _follow(self) -> None:
        engine, run = self.transship.engine, self._run
        try:
            async for each in engine.engines.follow_execution(
                self._delegation, run.of, run.execution.id
            ):
                self._run = replace(run, execution=each)
                self._say_how_far()
                tasks = await engine.engines.tasks(self._delegation, run.of, run.execution.id)
                self._show(tasks)
        except TransshipError as error:
            self.fail(error)
            return
        self._say_end()

    def _say_end(self) -> None:
        execution = self._run.execution
        failed = sum(1 for task in self._tasks if task.state is ExecutionState.FAILED)
        if execution.state is ExecutionState.SUCCEEDED:
            self.tell(f"Execution {execution.id} has succeeded")
        elif failed:
            logs = any(task.state is ExecutionState.FAILED and task.has_log for task in self._tasks)
            key = key_for(self, "list.open")
            why = f"{key} shows its log" if logs else "the engine has no log of it"
            self.warn(f"{counted(failed, 'task')} failed; {why}")
        else:
            why = execution.message or execution.said
            self.warn(f"Execution {execution.id} ended: {STATES[execution.state].word}. {why}")

    def _say_how_far(self) -> None:
        now = self.transship.engine.clock.now()
        self.query_one("#about", TextLines).show(execution_lines(self._run, now))

    def _show(self, tasks: Sequence[ExecutionTask]) -> None:
        self._tasks = tasks
        failed = [task for task in tasks if task.state is ExecutionState.FAILED]
        shown = failed if self._only_failed else tasks
        empty = "No task has failed." if self._only_failed else "No tasks."
        now = self.transship.engine.clock.now()
        self.query_one(VirtualTable).show(task_rows(shown, now), empty=empty)
        self._say()

    @on(VirtualTable.CursorMoved)
    def _say(self) -> None:
        task = self._meant
        self.line(
            task_log_line(self._delegation, task.id)
            if task is not None and task.has_log
            else delegation_line(self._delegation, "follow")
        )
        self.query_one("#card", TextLines).show(_card(task) if task else ())
        self.refresh_bindings()

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done now, and why."""
        found: dict[str, str] = {}
        if not self._stops:
            found["stop"] = "This engine lets nobody stop what it does."
        elif self._run.execution.state.is_over:
            found["stop"] = "It is over."
        if not self._only_failed and all(
            task.state is not ExecutionState.FAILED for task in self._tasks
        ):
            found["failures"] = "No task has failed."
        return found

    def action_refresh_list(self) -> None:
        """Ask the engine anew, and go on following."""
        self.hush()
        self._follow()

    def action_failures(self) -> None:
        """Show only tasks that failed, or all again."""
        self._only_failed = not self._only_failed
        self._show(self._tasks)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_stop(self) -> None:
        """Ask whether to stop it."""
        from transship_tui.screens.delegation import stop_question

        run, engine = self._run, self.transship.engine
        if not await self.app.push_screen_wait(stop_question(run)):
            return
        try:
            await engine.engines.stop_execution(self._delegation, run.of, run.execution.id)
        except TransshipError as error:
            self.fail(error)
        else:
            self.tell("It was asked to stop; that takes the engine a moment")

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        if (task := self._meant) is not None:
            self._show_log(task)

    @work(group="log", exclusive=True, exit_on_error=False)
    async def _show_log(self, task: ExecutionTask) -> None:
        """Show the log of a task, or all that is known of one that has none."""
        run, engine = self._run, self.transship.engine
        log = ""
        if task.has_log:
            try:
                log = await engine.engines.log(self._delegation, run.of, run.execution.id, task.id)
            except TransshipError as error:
                self.fail(error)
                return
        title = STATES[task.state].content()
        if not log:
            more = Content.styled("\nThe engine has no log of it.", QUIET)
            self.app.push_screen(FactsDialog(title, _facts(task), more))
            return
        head = f"{task.source} → {task.target}" if task.target else task.source
        words = Content.assemble((safe(head), "bold"), "\n\n", _log_content(log))
        self.app.push_screen(WordsDialog(words))


def _log_content(log: str) -> Content:
    lines = (safe(each, limit=4_000) for each in log.splitlines())
    styled = [Content.styled(each, BAD if "[ERROR]" in each else "") for each in lines]
    return Content("\n").join(styled)


def _card(task: ExecutionTask) -> Iterator[Content]:
    way = f"{safe(task.source)} → {safe(task.target)}" if task.target else safe(task.source)
    yield Content(way)
    said = task.message or (task.said if task.state is ExecutionState.UNKNOWN else "")
    yield Content.styled(safe(said), BAD if task.state is ExecutionState.FAILED else QUIET)


def _facts(task: ExecutionTask) -> Facts:
    facts = (
        ("From", task.source),
        ("To", task.target),
        ("What", task.operation),
        ("The engine says", task.said),
        ("Began", task.started.isoformat(" ", "seconds") if task.started else ""),
        ("Ended", task.ended.isoformat(" ", "seconds") if task.ended else ""),
        ("Message", task.message),
    )
    return [(name, value) for name, value in facts if value]
