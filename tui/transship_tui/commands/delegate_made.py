"""`transship delegate list`, `status`, `resume` and `undo`: what was delegated, as it stands."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from transship.engines.changes import (
    ChangeStep,
    DelegationStatus,
    ItemStatus,
    delegation_status,
    read_items,
)
from transship.engines.delegation import names_with_executions, open_engine, plan_revert
from transship.engines.executions import ExecutionSeen
from transship.errors import TakenBack, TransshipError
from transship.text import safe
from transship_tui.commands.delegate_documents import (
    delegation_entry,
    executions_document,
    moment,
)
from transship_tui.commands.delegate_shown import (
    REFUSED,
    agreed,
    changes_document,
    check_logins,
    go_on,
    journal_of,
    make_agreed,
    reached,
    say_refusals,
)
from transship_tui.commands.documents import time_text
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import say, say_problem, show, show_json, table, width_of
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from transship.engines.changes import DelegatedItem, Delegation
    from transship.engines.executions import ExecutionReader
    from transship.engines.reach import EngineReach
    from transship_tui.commands.session import Session

DelegationName = Annotated[
    str, typer.Argument(metavar="ID", help="A delegation's id, or enough of its beginning.")
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Don't ask; needed where there is no terminal.")
]
_MOST_SHOWN = 10


def delegate_list(as_json: AsJson = False) -> int:
    """List what was delegated from this machine, and how far each came. Asks no engine."""
    every = journal_of(open_session()).all()
    if as_json:
        show_json({"delegations": [delegation_entry(each, every) for each in every]})
        return 0
    if not every:
        say("nothing was delegated yet: transship delegate ways PLAN says who could move a plan")
        return 0
    rows = (
        (
            each.id,
            str(delegation_status(each, every)),
            each.agreed.who,
            time_text(each.agreed.created),
            each.agreed.purpose,
        )
        for each in reversed(every)
    )
    header = ("ID", "STATE", "BY", "CREATED", "PURPOSE")
    for line in table(header, tuple(rows), width_of(sys.stdout)):
        show(line)
    return 0


def delegate_status(delegation: DelegationName, as_json: AsJson = False) -> int:
    """Show what a delegation has made as it is at its engine, and the executions of that.

    Ends with 1 when something isn't as it was made, or when the engine can't be asked.
    """
    session = open_session()
    found = journal_of(session).find(delegation)

    async def act() -> int:
        async with reached(session) as reach:
            return await show_status(session, reach, found.id, as_json=as_json)

    return asyncio.run(act())


def delegate_resume(delegation: DelegationName, as_json: AsJson = False) -> int:
    """Go on with a delegation that was broken off: what was agreed to and isn't made yet."""
    session = open_session()
    journal = journal_of(session)
    found = journal.find(delegation)
    if delegation_status(found, journal.all()) is DelegationStatus.UNDONE:
        raise TakenBack(found.id)

    async def act() -> int:
        async with reached(session) as reach:
            if found.is_whole:
                say("all of it is made already")
            else:
                serving = await open_engine(found.agreed.who, found.agreed.host, reach)
                await go_on(session, reach, serving.engine, found.id)
            return await show_ended(session, reach, found.id, as_json=as_json)

    return asyncio.run(act())


def delegate_undo(delegation: DelegationName, yes: Yes = False, as_json: AsJson = False) -> int:
    """Take back what a delegation has made: shown, asked about, made and read back.

    Images that were moved stay where they are. What isn't as it was made any more is left, and
    named; then nothing is taken back, and the command ends with 3.
    """
    session = open_session()
    journal = journal_of(session)
    found = journal.find(delegation)

    async def act(found: Delegation) -> int:
        async with reached(session) as reach:
            serving = await open_engine(found.agreed.who, found.agreed.host, reach)
            changes = await plan_revert(found, serving.engine)
            if changes.refusals:
                if as_json:
                    show_json(changes_document(changes))
                say_refusals(changes)
                return REFUSED
            if not changes.to_make:
                say("nothing of it is there: nothing to take back")
                if as_json:
                    show_json(changes_document(changes))
                return 0
            await check_logins(reach, changes)
            if not agreed(changes, yes=yes, as_json=as_json):
                return 1
            where = (found.agreed.who, found.agreed.host)
            made = await make_agreed(
                session, reach, serving.engine, where, changes, undoes=found.id
            )
            return await show_ended(session, reach, made, as_json=as_json)

    # Nobody goes on making it while it is taken back.
    with journal.working_on(found.id):
        return asyncio.run(act(journal.read(found.id)))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a delegation stands: by its journal, and as its engine tells.

    `every` are all delegations there are, `failure` is what keeps the engine from being asked.
    """

    delegation: Delegation
    every: Sequence[Delegation]
    now: tuple[DelegatedItem, ...] = ()
    seen: tuple[ExecutionSeen, ...] = ()
    failure: TransshipError | None = None

    @property
    def is_as_made(self) -> bool:
        """Whether all that was begun is as it was made, or was taken back since."""
        if delegation_status(self.delegation, self.every) is DelegationStatus.UNDONE:
            return True
        begun = (each for each in self.now if self._step(each) is not ChangeStep.WAITING)
        return all(each.now is ItemStatus.AS_MADE for each in begun)

    def document(self) -> dict[str, object]:
        """Return it as JSON writes it."""
        return executions_document(self.delegation, self.every, self.now, self.seen)

    def show(self) -> None:
        """Write it in lines."""
        given = self.delegation.agreed
        state = delegation_status(self.delegation, self.every)
        show(safe(f"{self.delegation.id}: {state}, {time_text(given.created)}"))
        show(safe(f"{given.engine}: {given.purpose}"))
        if given.undoes:
            show(safe(f"takes back {given.undoes}"))
        show()
        header = ("DOES", "STEP", "NOW", "SAID", "WHAT")
        for line in table(header, tuple(self._rows()), width_of(sys.stdout)):
            show(line)
        for number, line_of in enumerate(self.delegation.lines):
            if line_of is not None and line_of.step is ChangeStep.FAILED:
                show(safe(f"{given.changes[number]} failed: {line_of.why}"))
        if self.seen:
            show()
            show_executions(self.seen)

    def _rows(self) -> Iterator[tuple[str, ...]]:
        things_by = {each.number: each for each in self.now}
        for number, change in enumerate(self.delegation.agreed.changes):
            step = self.delegation.step(number)
            thing = things_by.get(number)
            is_now = str(thing.now) if thing is not None and step is not ChangeStep.WAITING else ""
            said = thing.said if thing is not None else ""
            yield (str(change.does), str(step), is_now, said, f"{change.kind} {change.name}")

    def _step(self, thing: DelegatedItem) -> ChangeStep:
        return self.delegation.step(thing.number)


async def show_ended(session: Session, reach: EngineReach, identity: str, *, as_json: bool) -> int:
    """Write what came of making something: its id, or with `as_json` how it stands."""
    if as_json:
        return await show_status(session, reach, identity, as_json=True)
    show(identity)
    return 0


async def show_status(session: Session, reach: EngineReach, identity: str, *, as_json: bool) -> int:
    """Write how a delegation stands; return 1 where that isn't known."""
    seen = await standing_of(session, reach, identity)
    if as_json:
        show_json(seen.document())
    else:
        seen.show()
    if (failure := seen.failure) is not None:
        say_problem(failure.title, failure.detail, failure.remedy)
        return failure.exit_status
    return 0 if seen.is_as_made else 1


async def standing_of(session: Session, reach: EngineReach, identity: str) -> Standing:
    """Return how a delegation stands, asked anew."""
    journal = journal_of(session)
    every = journal.all()
    found = journal.read(identity)
    now: Sequence[DelegatedItem] = ()
    seen: Sequence[ExecutionSeen] = ()
    failure: TransshipError | None = None
    try:
        serving = await open_engine(found.agreed.who, found.agreed.host, reach)
        now = await read_items(found, serving.engine)
        if serving.follows is not None:
            seen = await _seen(serving.follows, found, now)
    except TransshipError as error:
        failure = error
    return Standing(found, every, tuple(now), tuple(seen), failure)


async def _seen(
    follows: ExecutionReader, delegation: Delegation, now: Iterable[DelegatedItem]
) -> Sequence[ExecutionSeen]:
    """Return the newest executions of what is there."""
    absent = {each.change.name for each in now if not each.is_there}
    found: list[ExecutionSeen] = []
    for of in names_with_executions(delegation.agreed.changes):
        if of in absent:
            continue
        async for each in follows.executions(of):
            found.append(ExecutionSeen(of, each))
            if sum(one.of == of for one in found) == _MOST_SHOWN:
                break
    return found


def show_executions(seen: Sequence[ExecutionSeen]) -> None:
    """Write executions as a table."""
    rows = (
        (
            each.execution.id,
            str(each.execution.state),
            counts_text(each),
            each.execution.trigger,
            moment(each.execution.started) or "",
            each.of,
        )
        for each in seen
    )
    header = ("EXECUTION", "STATE", "TASKS", "BEGUN BY", "STARTED", "OF")
    for line in table(header, tuple(rows), width_of(sys.stdout)):
        show(line)
    for each in seen:
        if each.execution.message:
            show(safe(f"{each.of} {each.execution.id}: {each.execution.message}"))


def counts_text(seen: ExecutionSeen) -> str:
    """Return how many tasks are done of how many: `3/4, 1 failed`."""
    execution = seen.execution
    if execution.total is None:
        return ""
    done = f"{execution.succeeded if execution.succeeded is not None else '?'}/{execution.total}"
    return f"{done}, {execution.failed} failed" if execution.failed else done
