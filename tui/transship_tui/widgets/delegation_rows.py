"""Delegations, their executions and tasks, as rows and in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from textual.content import Content

from transship.app.engines import EngineStatus, NamedExecution
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
from transship.text import duration_text, safe
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, Mark
from transship_tui.widgets.rows import Column
from transship_tui.widgets.totals import when_text
from transship_tui.widgets.who_rows import WORDS

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
