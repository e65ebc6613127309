"""`transship delegate start`, `stop`, `follow` and `log`: what an engine does by itself."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from transship.clock import SystemClock
from transship.engines.delegation import names_to_start, names_with_executions, open_engine
from transship.engines.executions import ExecutionSeen, ExecutionState, follow_executions
from transship.engines.harbor.engine import HarborEngine
from transship.errors import CantBeDelegated, ExecutionNotFound
from transship.text import safe
from transship_tui.commands.delegate_documents import execution_entry, task_entry
from transship_tui.commands.delegate_made import DelegationName, counts_text, show_executions
from transship_tui.commands.delegate_shown import journal_of, reached
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import Ink, painted, say, show, show_json
from transship_tui.commands.reported import INTERRUPTED
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transship.engines.changes import Delegation
    from transship.engines.executions import ExecutionReader, ExecutionStarter, ExecutionTask
    from transship_tui.commands.session import Session

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
