"""Delegations as JSON: keys that stay, times in ISO 8601 (UTC)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transship.engines.changes import delegation_status
from transship_tui.commands.documents import time_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from transship.engines.changes import DelegatedItem, Delegation
    from transship.engines.executions import Execution, ExecutionSeen, ExecutionTask


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
