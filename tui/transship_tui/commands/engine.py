"""`transship delegate`: lets an engine elsewhere do the moving, and tells what was delegated."""

from __future__ import annotations

import asyncio
import shlex
import sys
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from transship.clock import SystemClock
from transship.engines.changes import (
    ChangeAction,
    ChangeJournal,
    ChangeStep,
    DelegationStatus,
    ItemStatus,
    apply_changes,
    delegation_status,
    read_items,
)
from transship.engines.delegation import (
    names_to_start,
    names_with_executions,
    open_engine,
    plan_revert,
)
from transship.engines.executions import ExecutionSeen, ExecutionState, follow_executions
from transship.engines.harbor.engine import HarborEngine
from transship.engines.reach import AccountReach, login_at
from transship.errors import (
    BadHost,
    BadRequest,
    CantBeDelegated,
    ExecutionNotFound,
    TakenBack,
    TransshipError,
)
from transship.oci.reference import Reference
from transship.text import counted, safe
from transship_tui.commands.application import Command, fill
from transship_tui.commands.documents import time_text
from transship_tui.commands.options import AsJson, ask
from transship_tui.commands.output import (
    INTERRUPTED,
    Ink,
    painted,
    say,
    say_problem,
    show,
    show_json,
    table,
    width_of,
    wrapped,
)
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
    from datetime import datetime
    from typing import TextIO

    from transship.engines.changes import Change, ChangeSet, DelegatedItem, Delegation, Engine
    from transship.engines.executions import (
        Execution,
        ExecutionReader,
        ExecutionStarter,
        ExecutionTask,
    )
    from transship.engines.reach import EngineReach
    from transship.registry.access import Access
    from transship.registry.credential import Credential
    from transship_tui.commands.session import Session

COMMANDS = {
    "ways": Command("engine_plan", "Show who could move a plan, and why the others can't."),
    "show": Command("engine_plan", "Show what would be made at an engine for a plan."),
    "apply": Command("engine_plan", "Let an engine move a plan: shown, asked, made, read back."),
    "list": Command("engine", "List what was delegated from this machine."),
    "status": Command("engine", "Show how a delegation stands at its engine."),
    "resume": Command("engine", "Go on with a delegation that was broken off."),
    "undo": Command("engine", "Take back what a delegation has made."),
    "start": Command("engine", "Begin an execution, where the engine can be told to."),
    "stop": Command("engine", "Ask for executions that run to be stopped."),
    "follow": Command("engine", "Follow what the engine does until nothing runs."),
    "log": Command("engine", "Print the log of a task."),
    "quick": Command("tcr", "Move all of a TCR Personal account to an instance."),
    "replica": Command("tcr", "List the replicas of a TCR, make or delete one."),
    "network": Command("tcr", "Explain who gets through to a TCR, or change it."),
    "domain": Command("tcr", "List, add or remove custom domains of a TCR.", group=True),
}
"""The commands, in the order of the help."""


def group(words: Sequence[str]) -> typer.Typer:
    """Return the app that understands what comes after `transship delegate`."""
    app = typer.Typer(
        help=(
            "Let Harbor or Tencent TCR do the moving.\n\n"
            "What would be changed there is shown, asked about, made and read back; it is "
            "journalled, and can be taken back."
        ),
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    fill(app, COMMANDS, words, prefix="delegate_")
    return app


def delegation_entry(delegation: Delegation, every: Sequence[Delegation]) -> dict[str, object]:
    """Return a delegation as one entry of `delegate list --json`."""
    agreed = delegation.agreed
    return {
        "id": delegation.id,
        "by": agreed.who,
        "host": agreed.host,
        "engine": agreed.engine,
        "purpose": agreed.purpose,
        "created": time_text(agreed.created),
        "state": str(delegation_status(delegation, every)),
        "undoes": agreed.undoes or None,
        "changes": [
            {
                "does": str(change.does),
                "kind": change.kind,
                "name": change.name,
                "step": str(delegation.step(number)),
                "why": line.why if (line := delegation.lines[number]) else "",
            }
            for number, change in enumerate(agreed.changes)
        ],
    }


def thing_entry(thing: DelegatedItem) -> dict[str, object]:
    """Return how something is at the engine now."""
    return {
        "kind": thing.change.kind,
        "name": thing.change.name,
        "now": str(thing.now),
        "said": thing.said,
    }


def execution_entry(of: str, execution: Execution) -> dict[str, object]:
    """Return an execution; `of` names what it is of. Counts are of tasks, null where not told."""
    return {
        "of": of,
        "id": execution.id,
        "state": str(execution.state),
        "said": execution.said,
        "trigger": execution.trigger,
        "total": execution.total,
        "succeeded": execution.succeeded,
        "failed": execution.failed,
        "running": execution.running,
        "stopped": execution.stopped,
        "started": moment(execution.started),
        "ended": moment(execution.ended),
        "message": execution.message,
    }


def task_entry(task: ExecutionTask, log: str) -> dict[str, object]:
    """Return a task; `log` are the last lines of its log, where those were asked for."""
    return {
        "id": task.id,
        "state": str(task.state),
        "said": task.said,
        "operation": task.operation,
        "source": task.source,
        "target": task.target,
        "started": moment(task.started),
        "ended": moment(task.ended),
        "message": task.message,
        "log": log,
    }


def executions_document(
    delegation: Delegation,
    every: Sequence[Delegation],
    now: Iterable[DelegatedItem],
    seen: Iterable[ExecutionSeen],
) -> dict[str, object]:
    """Return the document of `delegate status --json`."""
    return {
        "delegation": {
            **delegation_entry(delegation, every),
            "now": [thing_entry(thing) for thing in now],
            "executions": [execution_entry(each.of, each.execution) for each in seen],
        }
    }


def moment(time: datetime | None) -> str | None:
    """Return a moment as ISO 8601, in UTC."""
    return None if time is None else time_text(time.timestamp())


REFUSED = 3
"""The exit status where something stands in the way."""

_LONGEST = 4000
_MARKS = {
    ChangeAction.CREATE: ("+", Ink.GOOD),
    ChangeAction.CHANGE: ("~", Ink.WARNING),
    ChangeAction.DELETE: ("-", Ink.BAD),
    ChangeAction.LEAVE: ("=", Ink.QUIET),
}


@asynccontextmanager
async def reached(session: Session) -> AsyncIterator[AccountReach]:
    """Open what the operator's accounts lead to, for as long as the block lasts."""

    async def access(host: str) -> Access:
        return await session.access(Reference(host))

    async with AccountReach(access, SystemClock()) as reach:
        yield reach


def host_named(session: Session, text: str) -> str:
    """Return the host that a word of the line names; an alias may stand for it.

    Raises BadHost and BadReference.
    """
    reference = session.reference(text)
    if reference.layout is not None or reference.repository:
        raise BadHost(f"{text!r} is more than a host")
    return reference.registry


def journal_of(session: Session) -> ChangeJournal:
    """Return the journal of all delegations."""
    return ChangeJournal(session.paths.delegations, SystemClock())


def lines_of(changes: ChangeSet, stream: TextIO) -> Iterator[str]:
    """Give what would be created, changed, left and taken away, and what to know of it.

    Each field that is set has a line: what it will be, and before that what it was.
    """
    width = width_of(stream)
    yield from wrapped(f"{changes.engine}: {changes.purpose}", "", width)
    for change in changes.changes:
        yield ""
        yield from _change_lines(change, stream, width)
    if changes.notes:
        yield ""
        for note in changes.notes:
            yield from wrapped(note, "", width)


def say_refusals(changes: ChangeSet) -> None:
    """Write what is in the way, each with what to do about it."""
    for refusal in changes.refusals:
        say_problem(refusal.title, refusal.detail, refusal.remedy)


def show_changes(changes: ChangeSet, *, as_json: bool) -> int:
    """Write what would be changed, and return the exit status: 3 where something is in the way."""
    if as_json:
        show_json(changes_document(changes))
    else:
        for line in lines_of(changes, sys.stdout):
            show(line)
    say_refusals(changes)
    return REFUSED if changes.refusals else 0


def nothing_made(changes: ChangeSet, document: dict[str, object], *, as_json: bool) -> int:
    """Say why nothing is made: something is in the way, or all is as it should be.

    `document` is what is written as JSON. Returns the exit status.
    """
    if as_json:
        show_json(document)
    else:
        for line in lines_of(changes, sys.stderr):
            say(line)
    say_refusals(changes)
    if changes.refusals:
        return REFUSED
    say("all of it is as it should be: nothing to be made")
    return 0


def changes_document(changes: ChangeSet) -> dict[str, object]:
    """Return a set of changes as JSON writes it."""
    return {
        "engine": changes.engine,
        "purpose": changes.purpose,
        "changes": [_change_entry(change) for change in changes.changes],
        "gives": list(changes.gives),
        "notes": list(changes.notes),
        "refusals": [error_entry(error) for error in changes.refusals],
    }


def error_entry(error: TransshipError) -> dict[str, object]:
    """Return an error as JSON writes it."""
    return {
        "cause": error.cause,
        "title": error.title,
        "detail": error.detail,
        "remedy": error.remedy,
    }


def agreed(changes: ChangeSet, *, yes: bool, then: str = "", as_json: bool = False) -> bool:
    """Show the changes, and ask whether to make them.

    `then` is what is done after that, as in `copy 2 tags`. With `as_json` they are written as a
    document too where the answer is no. Raises BadRequest where there is nobody to ask.
    """
    for line in lines_of(changes, sys.stderr):
        say(line)
    if yes:
        return True
    if not sys.stdin.isatty():
        raise BadRequest(
            "There is no terminal to ask on",
            remedy=f"Look at what is shown, then say yes to it: {_line_again()} --yes",
        )
    if ask(_question(changes, then)).lower() in ("y", "yes"):
        return True
    say("nothing was changed")
    if as_json:
        show_json(changes_document(changes))
    return False


def _line_again() -> str:
    """Return the line that was typed; no secret is ever in one."""
    return shlex.join(("transship", *sys.argv[1:]))


async def check_logins(reach: EngineReach, changes: ChangeSet) -> None:
    """Have what the engine is to be handed read, or asked for, before anything is agreed to.

    Raises SignInNeeded where an account has no login.
    """
    for host in changes.gives:
        await login_at(reach, host)


def _question(changes: ChangeSet, then: str) -> str:
    asked = [then] if then else []
    if changes.to_make:
        asked.insert(0, f"make {counted(len(changes.to_make), 'change')}")
    words = ", then ".join(asked)
    return f"{words[0].upper()}{words[1:]}? [y/N] "


async def make_agreed(
    session: Session, reach: EngineReach, engine: Engine, agreement: tuple[str, str],
    changes: ChangeSet,
    *, undoes: str = "",
) -> str:  # fmt: skip
    """Keep what was agreed to, make it, and return the id of the delegation.

    `agreement` is who by its kind, and the host.
    """
    who, host = agreement
    identity = journal_of(session).begin(who, host, changes, undoes=undoes)
    await go_on(session, reach, engine, identity)
    return identity


async def go_on(session: Session, reach: EngineReach, engine: Engine, identity: str) -> None:
    """Make what of a delegation wasn't made yet. What stands in the way is raised."""

    async def gives(host: str) -> Credential:
        return await login_at(reach, host)

    ended = False
    try:
        async for made in apply_changes(identity, engine, gives, journal_of(session)):
            say(safe(f"made and read back: {made.change}"))
        ended = True
    finally:
        if not ended:
            say(
                f"kept as {identity}: `transship delegate resume {identity}` goes on with it, "
                f"`transship delegate undo {identity}` takes back what was made"
            )


def value_text(value: object) -> str:
    """Return a setting as it is shown: text as it is, all else as JSON, nothing as `-`."""
    if value is None or value == "":
        return "-"
    if isinstance(value, str):
        return safe(value, limit=_LONGEST)
    return safe(msgspec.json.encode(value).decode(), limit=_LONGEST)


def _change_lines(change: Change, stream: TextIO, width: int | None) -> Iterator[str]:
    mark, ink = _MARKS[change.does]
    yield painted(f"{mark} {change.does} {safe(f'{change.kind} {change.name}')}", ink, stream)
    if change.does in (ChangeAction.CREATE, ChangeAction.CHANGE):
        for field in change.fields:
            before = None if change.before is None else field.before
            yield from _field_lines(field.name, before, field.after, width, change.does)
    for warning in change.warns:
        yield from wrapped(warning, "    ", width, "! ")


def _field_lines(
    name: str, before: object, after: object, width: int | None, does: ChangeAction
) -> Iterator[str]:
    if does is ChangeAction.CHANGE:
        yield from wrapped(f"{name}: {value_text(before)} → {value_text(after)}", "    ", width)
    elif isinstance(after, list) and after:
        yield f"    {safe(name)}:"
        for each in after:
            yield from wrapped(value_text(each), "      ", width)
    elif after not in (None, ""):
        yield from wrapped(f"{name}: {value_text(after)}", "    ", width)


def _change_entry(change: Change) -> dict[str, object]:
    fields: Sequence[dict[str, object]] = [
        {"name": field.name, "before": field.before, "after": field.after}
        for field in change.fields
    ]
    return {
        "does": str(change.does),
        "kind": change.kind,
        "name": change.name,
        "fields": list(fields),
        "gives": list(change.gives),
        "warns": list(change.warns),
    }


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


_EVERY_SECONDS = 2.0
_LAST_LINES = 5
_BAD = (ExecutionState.FAILED, ExecutionState.STOPPED)


def delegate_start(delegation: DelegationName, as_json: AsJson = False) -> int:
    """Begin an execution of what a delegation has made, where the engine can be told to.

    It goes on by itself; `follow` follows it.
    """
    session = open_session()
    found = journal_of(session).find(delegation)

    async def act() -> Sequence[ExecutionSeen]:
        async with reached(session) as reach:
            serving = await open_engine(found.agreed.who, found.agreed.host, reach)
            if serving.follows is None:
                raise CantBeDelegated(
                    f"{found.agreed.engine} has nothing to begin for {found.id}",
                    remedy=f"`transship delegate status {found.id}` shows how it is.",
                )
            if serving.starts is None:
                raise CantBeDelegated(
                    f"{found.agreed.engine} begins by itself: it can't be told to from here",
                    remedy=f"`transship delegate follow {found.id}` follows what it does.",
                )
            return await begin(serving.starts, names_to_start(found.agreed.changes))

    begun = asyncio.run(act())
    if as_json:
        show_json({"executions": [execution_entry(each.of, each.execution) for each in begun]})
        return 0
    for each in begun:
        show(each.execution.id)
    say(f"it goes on by itself; `transship delegate follow {found.id}` follows it")
    return 0


def delegate_stop(delegation: DelegationName) -> int:
    """Ask for all executions of a delegation that run to be stopped."""
    session = open_session()
    found = journal_of(session).find(delegation)

    async def act() -> int:
        async with reached(session) as reach:
            serving = await open_engine(found.agreed.who, found.agreed.host, reach)
            if serving.starts is None or serving.follows is None:
                raise CantBeDelegated(
                    f"{found.agreed.engine} can't be told to stop from here",
                    remedy="Look into the console of the cloud; undo takes the rule away.",
                )
            stopped = 0
            for of in names_with_executions(found.agreed.changes):
                async for each in serving.follows.executions(of):
                    if not each.is_over:
                        await serving.starts.stop(of, each.id)
                        say(safe(f"asked to stop: {of}, execution {each.id}"))
                        stopped += 1
            return stopped

    if not asyncio.run(act()):
        say("nothing of it runs")
    return 0


def delegate_follow(delegation: DelegationName, as_json: AsJson = False) -> int:
    """Follow what an engine does for a delegation until nothing of it runs any more.

    Where nothing runs, the newest executions are shown as they ended. Failed tasks are named with
    the last lines of their logs; then it ends with 1, and so it does where the engine says nothing
    for ten minutes but a word that isn't known. Ctrl-C leaves the engine at it.
    """
    session = open_session()
    found = journal_of(session).find(delegation)
    try:
        return asyncio.run(_follow(session, found, as_json=as_json))
    except KeyboardInterrupt:
        say(
            f"{safe(found.agreed.engine)} goes on by itself; "
            f"`transship delegate follow {found.id}` comes back to it"
        )
        return INTERRUPTED


def delegate_log(
    delegation: DelegationName,
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task's id, as follow shows it.")],
) -> int:
    """Print the log of a task."""
    session = open_session()
    found = journal_of(session).find(delegation)

    async def act() -> str:
        async with reached(session) as reach:
            serving = await open_engine(found.agreed.who, found.agreed.host, reach)
            if serving.follows is None:
                raise ExecutionNotFound(f"{found.id} has no executions")
            return await _log_of(serving.follows, found, task)

    log = asyncio.run(act())
    if not log:
        say("the engine has no log of it")
    for line in log.splitlines():
        show(safe(line))
    return 0


async def begin(starts: ExecutionStarter, of: Sequence[str]) -> Sequence[ExecutionSeen]:
    """Begin an execution of each of these names, and say so."""
    begun: list[ExecutionSeen] = []
    for name in of:
        begun.append(ExecutionSeen(name, await starts.start(name)))
        say(safe(f"begun: {name}, execution {begun[-1].execution.id}"))
    return begun


async def _follow(session: Session, found: Delegation, *, as_json: bool) -> int:
    async with reached(session) as reach:
        serving = await open_engine(found.agreed.who, found.agreed.host, reach)
        if serving.follows is None:
            raise CantBeDelegated(
                f"{found.agreed.engine} has nothing to follow for {found.id}",
                remedy=f"`transship delegate status {found.id}` shows how it is.",
            )
        follows = serving.follows
        last: dict[tuple[str, str], ExecutionSeen] = {}
        of = names_with_executions(found.agreed.changes)
        following = follow_executions(follows, of, SystemClock(), every=_EVERY_SECONDS)
        async with aclosing(following) as changes:
            async for seen in changes:
                last[seen.of, seen.execution.id] = seen
                said = f"{seen.of} {seen.execution.id}: {seen.execution.state}"
                say(safe(f"{said} {counts_text(seen)}".rstrip()))
        ended = list(last.values())
        tasks = {key: await _tasks(follows, each) for key, each in last.items()}
        left = await _left(follows, found, ended)
    if as_json:
        show_json(_document(found, ended, tasks, left))
    else:
        _show(ended, tasks, left)
    return 0 if all(each.execution.state is ExecutionState.SUCCEEDED for each in ended) else 1


async def _tasks(
    follows: ExecutionReader, seen: ExecutionSeen
) -> Sequence[tuple[ExecutionTask, str]]:
    """Return the tasks of an execution, with the last lines of the logs of those that failed."""
    found: list[tuple[ExecutionTask, str]] = []
    async for task in follows.tasks(seen.of, seen.execution.id):
        log = ""
        if task.has_log and task.state in _BAD:
            whole = await follows.log(seen.of, seen.execution.id, task.id)
            log = "\n".join(whole.splitlines()[-_LAST_LINES:])
        found.append((task, log))
    return found


async def _left(
    follows: ExecutionReader, found: Delegation, ended: Sequence[ExecutionSeen]
) -> Sequence[str]:
    """Return the tags that an engine left alone, though it says that all went well."""
    keeps = {
        change.name
        for change in found.agreed.changes
        if change.after is not None and change.after.get("override") is False
    }
    if not isinstance(follows, HarborEngine):
        return ()
    of_each = [
        await follows.left_alone(each.of, each.execution.id) for each in ended if each.of in keeps
    ]
    return tuple(dict.fromkeys(tag for tags in of_each for tag in tags))


async def _log_of(follows: ExecutionReader, found: Delegation, wanted: str) -> str:
    for of in names_with_executions(found.agreed.changes):
        async for execution in follows.executions(of):
            async for task in follows.tasks(of, execution.id):
                if task.id == wanted:
                    return await follows.log(of, execution.id, task.id)
    raise ExecutionNotFound(f"{found.id} has no task {wanted}")


def _show(
    ended: Sequence[ExecutionSeen],
    tasks: dict[tuple[str, str], Sequence[tuple[ExecutionTask, str]]],
    left: Sequence[str],
) -> None:
    if not ended:
        say("nothing of it has run yet")
        return
    show_executions(ended)
    for each in ended:
        for task, log in tasks[each.of, each.execution.id]:
            if task.state in _BAD:
                _show_failed(task, log)
    for tag in left:
        show(safe(f"left as it is, and not the same: {tag}"))


def _show_failed(task: ExecutionTask, log: str) -> None:
    show(painted(safe(f"{task.state}: {task.source} → {task.target}"), Ink.BAD, sys.stdout))
    if task.message:
        show(f"  {safe(task.message)}")
    for line in log.splitlines():
        show(f"  {safe(line)}")
    show(safe(f"  task {task.id}"))


def _document(
    found: Delegation,
    ended: Sequence[ExecutionSeen],
    tasks: dict[tuple[str, str], Sequence[tuple[ExecutionTask, str]]],
    left: Sequence[str],
) -> dict[str, object]:
    return {
        "id": found.id,
        "executions": [
            execution_entry(each.of, each.execution)
            | {"tasks": [task_entry(*one) for one in tasks[each.of, each.execution.id]]}
            for each in ended
        ],
        "left_alone": list(left),
    }
