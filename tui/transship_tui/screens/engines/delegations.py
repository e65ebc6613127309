"""What was delegated to engines elsewhere, what became of it, and their executions followed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.app.engines import EngineStatus, NamedExecution, RevertRequest
from transship.engines.changes import (
    ChangeStep,
    DelegatedItem,
    Delegation,
    DelegationStatus,
    ItemStatus,
    delegation_status,
)
from transship.engines.choice import OtherEngineKind
from transship.engines.executions import Execution, ExecutionState, ExecutionTask
from transship.errors import TransshipError
from transship.text import counted, duration_text, safe
from transship_tui.context import QuitWarning
from transship_tui.keys import bindings, key_for, words_for
from transship_tui.lines import delegation_line, delegations_line, task_log_line
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, Mark
from transship_tui.screens.engines.changes import UndoChangesScreen
from transship_tui.screens.engines.choice import WORDS
from transship_tui.screens.frame import Frame
from transship_tui.widgets.dialogs import (
    Choice,
    ChoiceDialog,
    ConfirmDialog,
    Facts,
    FactsDialog,
    WordsDialog,
)
from transship_tui.widgets.table import Column, VirtualTable
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.totals import when_text

_T = TypeVar("_T")

DELEGATION_COLUMNS = (
    Column("State", 12),
    Column("Who moves it", 24, least=80),
    Column("For"),
    Column("Where", 24, middle=True, least=110),
    Column("When", 12, right=True, least=70),
)
RUN_COLUMNS = (
    Column("State", 11),
    Column("Of", middle=True),
    Column("Begun by", 12, least=80),
    Column("Tasks", 9, right=True),
    Column("Failed", 6, right=True),
    Column("Began", 12, right=True, least=70),
    Column("Took", 10, right=True, least=90),
)
TASK_COLUMNS = (
    Column("State", 11),
    Column("What", 9, least=76),
    Column("From", middle=True),
    Column("To", middle=True),
    Column("Took", 10, right=True, least=90),
)
STATES = {
    ExecutionState.WAITING: Mark("·", "waiting", QUIET),
    ExecutionState.RUNNING: Mark("▸", "running", NEWS),
    ExecutionState.SUCCEEDED: Mark("✓", "succeeded", OK),
    ExecutionState.FAILED: Mark("✗", "failed", BAD),
    ExecutionState.STOPPED: Mark("–", "stopped", CARE),
    ExecutionState.UNKNOWN: Mark("?", "unknown", CARE),
}
_STANDS = {
    DelegationStatus.MADE: Mark("✓", "made", OK),
    DelegationStatus.UNDONE: Mark("↶", "undone", QUIET),
    DelegationStatus.PARTLY: Mark("!", "partly made", CARE),
    DelegationStatus.NOT: Mark("–", "not made", CARE),
}
_FAILED = Mark("✗", "failed", BAD)
_NOW = {
    ItemStatus.AS_MADE: Mark("✓", "as made", OK),
    ItemStatus.OTHERWISE: Mark("!", "changed since", CARE),
    ItemStatus.GONE: Mark("–", "gone", CARE),
    ItemStatus.AS_BEFORE: Mark("–", "as before", QUIET),
}
_OTHERS: Mapping[str, str] = {
    OtherEngineKind.QUICK: "Quick mode of TCR",
    OtherEngineKind.NETWORK: "Network access of TCR",
    OtherEngineKind.DOMAIN: "Custom domain of TCR",
}


def who_words(who: str) -> str:
    """Return who moves it, or what was changed, by the word in the journal."""
    return next((words for each, words in WORDS.items() if each == who), "") or _OTHERS.get(
        who, safe(who)
    )


def undone_by(delegations: Sequence[Delegation]) -> Mapping[str, str]:
    """Return which delegation has taken which back, as a whole."""
    return {each.agreed.undoes: each.id for each in delegations if each.is_whole}


def mark_of(delegation: Delegation, every: Sequence[Delegation]) -> Mark:
    """Return how far a delegation has come; `every` are all that there are."""
    state = delegation_status(delegation, every)
    steps = [delegation.step(number) for number in range(len(delegation.lines))]
    is_broken = (
        state in (DelegationStatus.PARTLY, DelegationStatus.NOT) and ChangeStep.FAILED in steps
    )
    return _FAILED if is_broken else _STANDS[state]


class ListRows(Generic[_T]):
    """Things as rows, each with its `key` and its `cells`."""

    def __init__(
        self,
        items: Sequence[_T],
        key: Callable[[_T], str],
        cells: Callable[[_T], Sequence[Content]],
    ) -> None:
        self.items = items
        self._key = key
        self._cells = cells

    def __len__(self) -> int:
        return len(self.items)

    def key(self, index: int) -> str:
        """Return what a row is known by."""
        return self._key(self.items[index])

    def cells(self, index: int) -> Sequence[Content]:
        """Return the cells of a row."""
        return self._cells(self.items[index])


def delegation_rows(delegations: Sequence[Delegation], now: float) -> ListRows[Delegation]:
    """Return delegations as rows: how far, who, what for, where, and when."""

    def cells(each: Delegation) -> Sequence[Content]:
        agreed = each.agreed
        return (
            mark_of(each, delegations).content(),
            Content(who_words(agreed.who)),
            Content(safe(agreed.purpose)),
            Content(safe(agreed.host)),
            Content(when_text(agreed.created, now)),
        )

    return ListRows(delegations, lambda each: each.id, cells)


def run_rows(runs: Sequence[NamedExecution], now: float) -> ListRows[NamedExecution]:
    """Return executions as rows."""

    def cells(run: NamedExecution) -> Sequence[Content]:
        each = run.execution
        return (
            STATES[each.state].content(),
            Content(safe(_of_text(run))),
            Content(safe(each.trigger)),
            Content(tasks_text(each)),
            Content.styled(f"{each.failed:,}", BAD) if each.failed else Content(""),
            Content(when_text(each.started.timestamp(), now) if each.started else ""),
            Content(took_text(each.started, each.ended, now)),
        )

    return ListRows(runs, key_of_run, cells)


def _of_text(run: NamedExecution) -> str:
    """Return what an execution is of; which one, where the engine has a word and no number."""
    name = run.execution.id
    return run.of if name.isdecimal() else f"{run.of}: {name}"


def key_of_run(run: NamedExecution) -> str:
    """Return what an execution is known by."""
    return f"{run.of}\n{run.execution.id}"


def task_rows(tasks: Sequence[ExecutionTask], now: float) -> ListRows[ExecutionTask]:
    """Return tasks as rows: the state, what is done, from where to where."""

    def cells(each: ExecutionTask) -> Sequence[Content]:
        return (
            STATES[each.state].content(),
            Content(safe(each.operation if each.source else "")),
            Content(safe(each.source or each.operation)),
            Content(safe(each.target)),
            Content(took_text(each.started, each.ended, now)),
        )

    return ListRows(tasks, lambda each: each.id, cells)


def tasks_text(execution: Execution) -> str:
    """Return how many tasks have succeeded, of how many; empty where the engine doesn't tell."""
    if execution.total is None:
        return ""
    done = "?" if execution.succeeded is None else f"{execution.succeeded:,}"
    return f"{done}/{execution.total:,}"


def took_text(began: datetime | None, ended: datetime | None, now: float) -> str:
    """Return how long it took, or has taken so far."""
    if began is None:
        return ""
    until = now if ended is None else ended.timestamp()
    return duration_text(max(0.0, until - began.timestamp()))


def about_lines(look: EngineStatus, every: Sequence[Delegation]) -> Iterator[Content]:
    """Give what a delegation is, and how what it has made is there now.

    `every` are all delegations that there are.
    """
    delegation = look.delegation
    agreed = delegation.agreed
    total = len(delegation.lines)
    made = sum(1 for number in range(total) if delegation.step(number) is ChangeStep.MADE)
    state, undone = mark_of(delegation, every), undone_by(every)
    taken = f", by {undone[delegation.id]}" if delegation.id in undone else ""
    yield Content.assemble(
        state.content(),
        (f"  {made:,} of {total:,} changes made{taken}" if total else "", QUIET),
        (f"  {who_words(agreed.who)}", ""),
    )
    for line in delegation.lines:
        if line is not None and line.step is ChangeStep.FAILED:
            yield Content.styled(f"✗ {agreed.changes[line.change]}: {safe(line.why)}", BAD)
    for thing in look.things:
        yield _thing_line(thing)
    for words in look.unseen:
        yield Content.styled(f"! {safe(words)}", CARE)


def _thing_line(thing: DelegatedItem) -> Content:
    change = thing.change
    said = f"  {safe(thing.said)}" if thing.said else ""
    return Content.assemble(
        _NOW[thing.now].content(),
        (f"  {safe(change.kind)} ", QUIET),
        safe(change.name),
        (said, QUIET),
    )


def execution_lines(run: NamedExecution, now: float) -> Iterator[Content]:
    """Give how far one execution is, and what it says."""
    each = run.execution
    parts = [
        f"{tasks_text(each)} tasks" if each.total is not None else "",
        f"{each.failed:,} failed" if each.failed else "",
        f"{each.running:,} running" if each.running else "",
        f"{each.stopped:,} stopped" if each.stopped else "",
        f"begun by {safe(each.trigger)}" if each.trigger else "",
        took_text(each.started, each.ended, now),
    ]
    yield Content.assemble(
        STATES[each.state].content(), (f"  {', '.join(filter(None, parts))}", QUIET)
    )
    if each.said and each.state is ExecutionState.UNKNOWN:
        yield Content(f"The engine calls it {safe(each.said)}.")
    if each.message:
        yield Content.styled(
            safe(each.message), BAD if each.state is ExecutionState.FAILED else QUIET
        )


class ExecutionScreen(Frame):
    """Follows an execution of a delegation to its end. `stops` says that it can be stopped."""

    MODE = "jobs"
    BINDINGS: ClassVar[list[BindingType]] = bindings("execution")
    CSS_PATH = "delegations.tcss"
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
        engine, run = self.core, self._run
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
        now = self.core.clock.now()
        self.query_one("#about", TextLines).show(execution_lines(self._run, now))

    def _show(self, tasks: Sequence[ExecutionTask]) -> None:
        self._tasks = tasks
        failed = [task for task in tasks if task.state is ExecutionState.FAILED]
        shown = failed if self._only_failed else tasks
        empty = "No task has failed." if self._only_failed else "No tasks."
        now = self.core.clock.now()
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
        run, engine = self._run, self.core
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
        run, engine = self._run, self.core
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
    CSS_PATH = "delegations.tcss"
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
        self.context.quit_warnings.append(self._at_stake)
        self.set_interval(_EVERY_SECONDS, self._tick)

    def on_unmount(self) -> None:
        """Nothing is under way here any more."""
        self.context.quit_warnings.remove(self._at_stake)

    def _at_stake(self) -> QuitWarning | None:
        if not self._making:
            return None
        words = (
            "Changes are being made at the engine, and that ends with Transship. What isn't made "
            "then can be gone on with from here."
        )
        return QuitWarning("Break it off?", words)

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
        engine = self.core
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
            kept = self.core.engines.find(self._delegation)
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
        now = self.core.clock.now()
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
            lines = execution_lines(run, self.core.clock.now())
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
        name, engine = of, self.core

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
            engine = self.core

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
        engine = self.core

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


_NO_DELEGATIONS = (
    "Nothing was delegated yet. In a plan's preview ({plan}), {foreseen.who} chooses who moves it."
)


class DelegationsScreen(Frame):
    """All that this machine has changed at engines, the newest first."""

    MODE = "jobs"
    BINDINGS: ClassVar[list[BindingType]] = bindings("delegations")
    CSS_PATH = "delegations.tcss"
    HELP: ClassVar[str] = """
A delegation is what Transship has set up at an engine, Harbor or Tencent TCR, so that the engine
moves images by itself. Each change is in a journal on this machine, with what was there before.

{list.open} shows how it stands there now, and its executions. {delegations.undo} shows what taking
it back would change, and asks: what somebody has changed since is left, and named.
"""

    def __init__(self) -> None:
        super().__init__()
        self._delegations: Sequence[Delegation] = ()

    def compose_body(self) -> ComposeResult:
        """Give the list, and the one under the cursor in short."""
        yield VirtualTable(DELEGATION_COLUMNS, empty=words_for(self, _NO_DELEGATIONS))
        yield TextLines(id="card")

    def on_mount(self) -> None:
        """Put the cursor into the list."""
        self.query_one(VirtualTable).focus()

    def on_screen_resume(self) -> None:
        """Show them as they are now."""
        super().on_screen_resume()
        self._show()

    @property
    def _meant(self) -> Delegation | None:
        key = self.query_one(VirtualTable).key_at_cursor()
        return next((each for each in self._delegations if each.id == key), None)

    def action_refresh_list(self) -> None:
        """Read them anew."""
        self.hush()
        self._show()

    def _show(self) -> None:
        engine = self.core
        try:
            self._delegations = engine.engines.all()
        except TransshipError as error:
            self.fail(error)
            return
        count = len(self._delegations)
        self.heading("Delegations", counted(count, "delegation") if count else "")
        self.query_one(VirtualTable).show(delegation_rows(self._delegations, engine.clock.now()))
        self._say()

    @on(VirtualTable.CursorMoved)
    def _say(self) -> None:
        meant = self._meant
        self.line(delegation_line(meant.id) if meant else delegations_line())
        self.query_one("#card", TextLines).show(self._card(meant) if meant else ())
        self.refresh_bindings()

    def _card(self, meant: Delegation) -> Iterator[Content]:
        yield Content.styled(f"{meant.id}  {safe(meant.agreed.engine)}", "bold")
        names = ", ".join(str(change) for change in meant.agreed.changes)
        yield Content.styled(safe(names), QUIET)

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done with the one under the cursor, and why."""
        meant = self._meant
        if meant is None:
            return {"undo": "There is nothing here to undo."}
        by = undone_by(self._delegations).get(meant.id)
        return {"undo": f"It was undone by {by}."} if by else {}

    @on(VirtualTable.Opened)
    def _open(self, event: VirtualTable.Opened) -> None:
        self.hush()
        self.app.push_screen(DelegationScreen(event.key))

    def action_undo(self) -> None:
        """Show what undoing it would change."""
        if (meant := self._meant) is not None:
            self.hush()
            self.app.push_screen(undo_screen(meant.id))


def undo_screen(delegation: str) -> UndoChangesScreen:
    """Return what shows what undoing a delegation would change."""
    return UndoChangesScreen(
        RevertRequest(delegation), f"Undo {delegation}", delegation_line(delegation, "undo")
    )
