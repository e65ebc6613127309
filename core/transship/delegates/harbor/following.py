"""What Harbor's policies do by themselves: executions, their tasks and logs; begun and stopped."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from transship import errors
from transship.delegates.executions import Execution, State, Task
from transship.delegates.harbor import shapes
from transship.delegates.harbor.api import HarborApi
from transship.text import safe

_POLICIES = "/replication/policies"
_EXECUTIONS = "/replication/executions"
_MISSING = errors.ExecutionNotFound

_STATES: Mapping[str, State] = {
    "Pending": State.WAITING,
    "InProgress": State.RUNNING,
    "Succeed": State.SUCCEEDED,
    "Failed": State.FAILED,
    "Stopped": State.STOPPED,
}
_LEFT_ALONE = re.compile(
    r'the same name artifact (\S+) exists on the destination registry, but the "override" is set '
    r"to false, skip"
)
_BY_HAND = "manual"
_NUMBER = re.compile(r"[0-9]{1,18}")


def left_alone(log: str) -> tuple[str, ...]:
    """Return what the log of a task says was left as it is, each once: `repository:tag`.

    A policy that doesn't override leaves a tag that differs alone, warns of it in the log, and says
    that all went well.
    """
    return tuple(dict.fromkeys(safe(found) for found in _LEFT_ALONE.findall(log)))


class Followed:
    """The executions of one Harbor, by the names of their policies: `Follows` and `Starts`."""

    def __init__(self, api: HarborApi) -> None:
        self._api = api

    async def policy(self, name: str) -> shapes.Policy | None:
        """Return the policy of this name."""
        # Harbor finds names that hold this one.
        async for each in self._api.all(_POLICIES, shapes.Policy, name=name):
            if each.name == name:
                return each
        return None

    async def executions(self, of: str) -> AsyncIterator[Execution]:
        """Give the executions of a policy, the newest first."""
        number = (await self._policy(of)).id
        found = self._api.all(
            _EXECUTIONS, shapes.Execution, policy_id=str(number), sort="-start_time"
        )
        async for each in found:
            yield _execution(each)

    async def execution(self, of: str, execution: str) -> Execution:  # noqa: ARG002 - by number
        """Return one by its id. Raises ExecutionNotFound."""
        return _execution(await self._api.get(_path(execution), shapes.Execution, missing=_MISSING))

    async def tasks(self, of: str, execution: str) -> AsyncIterator[Task]:  # noqa: ARG002
        """Give the tasks of one: a repository each."""
        path = f"{_path(execution)}/tasks"
        async for each in self._api.all(path, shapes.Task, missing=_MISSING):
            yield _task(each)

    async def log(self, of: str, execution: str, task: str) -> str:  # noqa: ARG002
        """Return the log of a task; empty when there is none."""
        path = f"{_path(execution)}/tasks/{_number(task)}/log"
        try:
            text = await self._api.text(path, missing=_MISSING)
        except errors.ExecutionNotFound:
            return ""
        return "\n".join(safe(line) for line in text.splitlines())

    async def left_alone(self, of: str, execution: str) -> tuple[str, ...]:
        """Return what the logs of one execution say was left as it is, though all went well."""
        found: dict[str, None] = {}
        async for task in self.tasks(of, execution):
            if task.has_log:
                log = await self.log(of, execution, task.id)
                found |= dict.fromkeys(left_alone(log))
        return tuple(found)

    async def start(self, of: str) -> Execution:
        """Start an execution of a policy, and return it. Raises EngineRefused when it is disabled.

        It is asked for once: where the answer is lost, `executions` tells whether it began.
        """
        number = (await self._policy(of)).id
        begun = await self._api.post(_EXECUTIONS, {"policy_id": number})
        if begun:
            return await self.execution(of, begun)
        # Something on the way has taken away where it is: it is the newest that was begun by hand.
        async for each in self.executions(of):
            if each.trigger == _BY_HAND:
                return each
        raise errors.UnexpectedAnswer(
            f"{of}: Harbor has begun an execution, and doesn't list it",
            remedy="Follow it: it isn't begun again by that.",
        )

    async def stop(self, of: str, execution: str) -> None:  # noqa: ARG002
        """Ask for an execution to be stopped. What is being copied is broken off soon after."""
        await self._api.put(_path(execution), missing=_MISSING)

    async def _policy(self, name: str) -> shapes.Policy:
        policy = await self.policy(name)
        if policy is None:
            raise errors.EngineRefused(
                f"there is no replication policy {name}", remedy="Make it first."
            )
        return policy


def _path(execution: str) -> str:
    return f"{_EXECUTIONS}/{_number(execution)}"


def _number(text: str) -> str:
    """Return an id as it may stand in an address."""
    if not _NUMBER.fullmatch(text):
        raise errors.ExecutionNotFound(repr(text))
    return text


def _execution(found: shapes.Execution) -> Execution:
    return Execution(
        id=str(found.id),
        state=_STATES.get(found.status, State.UNKNOWN),
        said=safe(found.status),
        trigger=safe(found.trigger),
        total=found.total,
        succeeded=found.succeed,
        failed=found.failed,
        running=found.in_progress,
        stopped=found.stopped,
        started=_time(found.start_time),
        ended=_time(found.end_time),
        message=safe(found.status_text),
    )


def _task(found: shapes.Task) -> Task:
    state = _STATES.get(found.status, State.UNKNOWN)
    return Task(
        id=str(found.id),
        state=state,
        said=safe(found.status),
        operation=safe(found.operation),
        source=safe(found.src_resource),
        target=safe(found.dst_resource),
        started=_time(found.start_time),
        ended=_time(found.end_time),
        has_log=state is not State.WAITING,
    )


def _time(text: str) -> datetime | None:
    """Return a time; Go's zero time, and what is no time, is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year > 1 and found.tzinfo is not None else None
