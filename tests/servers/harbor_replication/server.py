"""The API of replication, beside that of projects (`servers.harbor`) and in front of a registry."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qs, urlsplit

from cronsim import CronSim

from servers.faults import Answer, ProxiedRequest
from servers.harbor import Harbor
from servers.harbor_replication.copying import Copier, Gate, Resource
from servers.harbor_replication.doublestar import matches
from servers.harbor_replication.refusing import (
    Forbidden,
    InternalError,
    NotFound,
    Refused,
    Unauthorized,
)
from servers.harbor_replication.routes import ROOT, ROUTES
from servers.harbor_replication.state import ROBOT, Endpoint, Execution, Policy
from servers.loopback import Cut, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.loopback import Exchange
    from servers.registry import Registry

ADMIN = "admin"
DEVELOPER, PROJECT_ROBOT = "developer", "robot$team+mover"
PASSWORD = "Harbor12345 of the tests"

_ADMINISTRATORS = (ADMIN, ROBOT)
_OURS = re.compile(rf"{ROOT}/(?:systeminfo|ping|registries|replication|robots)(?:[/?].*)?")
_JOIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong, once, at a request: its method and the end of its path.

    `lost` is an answer that never comes, though it was done; `cut` a request that is never done.
    """

    method: str
    path: str
    kind: Literal["lost", "cut", "failed"] = "lost"


class ReplicatingHarbor(Harbor):
    """Harbor with its replication. `local` is the registry behind it, which it replicates.

    Its clock stands still until `advance`. `adapters` are those that its administrator allows,
    `forgets` are fields of policies that an older version doesn't keep. `secrets_seen` are all
    secrets that it was handed.
    """

    def __init__(self, local: Registry) -> None:
        super().__init__(local.host)
        self.local = local
        self.version = "v2.14.0-0a1b2c3d"
        self.adapters = ["harbor", "docker-hub", "docker-registry", "azure-acr", "tencent-tcr"]
        self.endpoints: dict[int, Endpoint] = {}
        self.policies: dict[int, Policy] = {}
        self.executions: dict[int, Execution] = {}
        self.forgets: set[str] = set()
        self.troubles: list[Trouble] = []
        self.secrets_seen: set[str] = set()
        self.links_only = False
        """Whether lists are without X-Total-Count, as behind a proxy that strips it."""
        self.gate = Gate()
        self._clock = datetime(2026, 1, 5, 0, 0, 30, tzinfo=UTC).timestamp()
        self.numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._threads: list[threading.Thread] = []

    def now(self) -> float:
        """Return its time in seconds since the epoch."""
        return self._clock

    def advance(self, seconds: float) -> None:
        """Move its clock on: scheduled policies run as often as they are due."""
        until = self._clock + seconds
        with self._lock:
            due = [
                (run.timestamp(), policy)
                for policy in self.policies.values()
                if policy.trigger == "scheduled" and policy.settings["enabled"]
                for run in self._runs(policy, until)
            ]
            for at, policy in sorted(due, key=lambda each: each[0]):
                self._clock = at
                self.begin(policy, "scheduled")
            self._clock = until

    def push_event(self, repository: str, tag: str) -> None:
        """Say that a tag was pushed to it: policies that go by events begin."""
        with self._lock:
            for policy in self._by_events(repository, tag):
                self.begin(policy, "event_based", (repository, [tag]))

    def delete_event(self, repository: str, tag: str) -> None:
        """Say that a tag was deleted in it: policies that go by events, and delete, begin."""
        with self._lock:
            for policy in self._by_events(repository, tag):
                if policy.settings["deletion"]:
                    self.begin(policy, "event_based", (repository, [tag]), deletes=True)

    def _by_events(self, repository: str, tag: str) -> list[Policy]:
        return [
            policy
            for policy in self.policies.values()
            if policy.trigger == "event_based"
            and policy.settings["enabled"]
            and policy.source is None
            and _takes(policy, repository, tag)
        ]

    def settle(self) -> None:
        """Wait until all executions are over, those too that others have begun."""
        while self._threads:
            self._threads.pop().join(_JOIN_SECONDS)

    def close(self) -> None:
        """Stop all executions, and wait until they are over."""
        for execution in list(self.executions.values()):
            execution.stopping.set()
        self.settle()

    async def handle(self, exchange: Exchange) -> None:
        """Answer what is about replication, and leave everything else to the rest."""
        if not _OURS.fullmatch(exchange.target):
            await super().handle(exchange)
            return
        headers = {name.lower(): value for name, value in exchange.head.headers}
        authorization = headers.pop("authorization", "")
        body = b"".join([piece async for piece in exchange.body])
        trouble = self._trouble(exchange)
        if trouble == "cut":
            raise Cut
        # In a thread, because it asks other registries.
        answer = await asyncio.to_thread(
            self._answered, exchange.method, exchange.target, authorization, headers, body
        )
        if trouble == "failed":
            answer = InternalError("internal server error").answer()
        scheme = authorization.partition(" ")[0] or None
        self.requests.append(
            ProxiedRequest(exchange.method, exchange.target, headers, scheme, answer.status)
        )
        if trouble == "lost":
            raise Cut
        await exchange.answer(answer.status, answer.headers, answer.body)

    def _trouble(self, exchange: Exchange) -> str:
        path = exchange.target.partition("?")[0]
        for trouble in self.troubles:
            if trouble.method == exchange.method and path.endswith(trouble.path):
                self.troubles.remove(trouble)
                return trouble.kind
        return ""

    def _answered(
        self, method: str, target: str, authorization: str, headers: dict[str, str], body: bytes
    ) -> Answer:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = parts.path.removeprefix(ROOT)
        try:
            self._check_login(authorization, path)
            document = json.loads(body) if body else {}
            for pattern, routed, route in ROUTES:
                found = re.fullmatch(pattern, path)
                if found and routed == method:
                    numbers = [int(each) for each in found.groups()]
                    with self._lock:
                        return route(self, *numbers, query=query, body=document, headers=headers)
            raise NotFound(f"{method} {path} is not found")
        except Refused as refused:
            return refused.answer()

    def _check_login(self, authorization: str, path: str) -> None:
        if path == "/ping":
            return
        scheme, _, encoded = authorization.partition(" ")
        user, _, password = base64.b64decode(encoded).decode().partition(":")
        if scheme != "Basic" or password != PASSWORD:
            raise Unauthorized("unauthorized")
        if user not in _ADMINISTRATORS and path != "/systeminfo":
            raise Forbidden("forbidden")

    def begin(
        self, policy: Policy, trigger: str, only: Resource | None = None, *, deletes: bool = False
    ) -> Execution:
        """Begin an execution, of all that a policy takes or of one resource."""
        execution = Execution(next(self.numbers), policy, trigger, self.now())
        if policy.settings["single_active_replication"] and self._runs_already(policy):
            execution.status, execution.ended = "Failed", self.now()
            execution.text = "Execution skipped: active replication still in progress."
            self.executions[execution.id] = execution
            return execution
        self.executions[execution.id] = execution
        copier = Copier(
            execution,
            self.local,
            self.gate,
            self.now,
            lambda: next(self.numbers),
            self.push_event,
        )
        thread = threading.Thread(
            target=copier.delete if deletes else copier.run, args=[only], daemon=True
        )
        self._threads.append(thread)
        thread.start()
        return execution

    def _runs_already(self, policy: Policy) -> bool:
        found = (each for each in self.executions.values() if each.policy.id == policy.id)
        return any(each.status == "InProgress" for each in found)

    def _runs(self, policy: Policy, until: float) -> Iterator[datetime]:
        start = datetime.fromtimestamp(self._clock, UTC)
        for run in CronSim(policy.cron.partition(" ")[2], start):
            if run.timestamp() > until:
                return
            yield run

    def endpoint(self, number: int) -> Endpoint:
        if number not in self.endpoints:
            raise NotFound(f"registry {number} not found")
        return self.endpoints[number]

    def policy(self, number: int) -> Policy:
        if number not in self.policies:
            raise NotFound(f"replication policy {number} not found")
        return self.policies[number]

    def execution(self, number: int) -> Execution:
        if number not in self.executions:
            raise NotFound(f"replication execution {number} not found")
        return self.executions[number]


def _takes(policy: Policy, repository: str, tag: str) -> bool:
    for each in policy.settings.get("filters") or ():
        name = repository if each["type"] == "name" else tag
        if matches(each["value"], name) == (each.get("decoration") == "excludes"):
            return False
    return True


@contextmanager
def replicating_harbor(local: Registry) -> Iterator[ReplicatingHarbor]:
    """Run it in front of the plain-http registry `local`, which holds its images."""
    server = ReplicatingHarbor(local)
    with serving(server.handle) as listener:
        server.attach(listener)
        try:
            yield server
        finally:
            server.close()
