"""What the API keeps: endpoints, policies, executions and their tasks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from servers.registry import Registry

ROBOT = "robot$mover"
"""A robot of the whole system."""

NEVER = "0001-01-01T00:00:00.000Z"


def stamp(seconds: float | None) -> str:
    """Return a time as Harbor writes it; none is Go's zero time."""
    if seconds is None:
        return NEVER
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass
class Endpoint:
    """A registry endpoint, with the secret that it was given."""

    id: int
    name: str
    type: str
    url: str
    insecure: bool = False
    description: str = ""
    access_key: str = ""
    access_secret: str = field(default="", repr=False)

    def registry(self) -> Registry:
        """Return the registry, signed in to with what was handed over."""
        login = (self.access_key, self.access_secret) if self.access_key else (None, None)
        return Registry(self.url, *login)

    def shown(self) -> dict[str, Any]:
        """Return it as the API shows it: the secret is stars."""
        shown: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "url": self.url,
            "insecure": self.insecure,
            "description": self.description,
            "status": "healthy",
            "creation_time": NEVER,
            "update_time": NEVER,
        }
        if self.access_key:
            shown["credential"] = {"type": "basic", "access_key": self.access_key}
            if self.access_secret:
                shown["credential"]["access_secret"] = "*****"
        return shown


@dataclass
class Policy:
    """A replication policy. Of its two registries the one that is None is this Harbor."""

    id: int
    name: str
    source: Endpoint | None
    target: Endpoint | None
    settings: dict[str, Any]

    @property
    def trigger(self) -> str:
        """What begins an execution."""
        return str((self.settings.get("trigger") or {}).get("type", ""))

    @property
    def cron(self) -> str:
        """The cron line of a scheduled policy, of six fields."""
        trigger = self.settings.get("trigger") or {}
        return str((trigger.get("trigger_settings") or {}).get("cron", ""))

    def shown(self, local: dict[str, Any]) -> dict[str, Any]:
        """Return it as the API shows it; `local` is this Harbor as an endpoint."""
        return {
            "id": self.id,
            "name": self.name,
            "src_registry": self.source.shown() if self.source else local,
            "dest_registry": self.target.shown() if self.target else local,
            **self.settings,
            "replicate_deletion": self.settings["deletion"],
            "creation_time": NEVER,
            "update_time": NEVER,
        }


@dataclass
class Task:
    """One repository of an execution."""

    id: int
    source: str
    target: str
    tags: list[str]
    status: str = "Pending"
    log: list[str] = field(default_factory=list)
    began: float | None = None
    ended: float | None = None
    operation: str = "copy"

    def say(self, level: str, words: str) -> None:
        """Write a line to its log."""
        where = "/controller/replication/transfer/image/transfer.go:182"
        self.log.append(f"{stamp(self.began)[:19]}Z [{level}] [{where}]: {words}")

    def shown(self, execution: int) -> dict[str, Any]:
        """Return it as the API shows it."""
        items = f"[{len(self.tags)} item(s) in total]"
        return {
            "id": self.id,
            "execution_id": execution,
            "status": self.status,
            "job_id": f"{self.id:024x}",
            "operation": self.operation,
            "resource_type": "image",
            "src_resource": f"{self.source} {items}",
            "dst_resource": f"{self.target} {items}",
            "start_time": stamp(self.began),
            "end_time": stamp(self.ended),
        }


@dataclass
class Execution:
    """One run of a policy."""

    id: int
    policy: Policy
    trigger: str
    began: float
    status: str = "InProgress"
    text: str = ""
    ended: float | None = None
    tasks: list[Task] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def shown(self) -> dict[str, Any]:
        """Return it as the API shows it."""

        def count(*statuses: str) -> int:
            return sum(task.status in statuses for task in self.tasks)

        return {
            "id": self.id,
            "policy_id": self.policy.id,
            "status": self.status,
            "status_text": self.text,
            "trigger": self.trigger,
            "total": len(self.tasks),
            "failed": count("Failed"),
            "succeed": count("Succeed"),
            "in_progress": count("Pending", "InProgress"),
            "stopped": count("Stopped"),
            "start_time": stamp(self.began),
            "end_time": stamp(self.ended),
        }
