"""The part of the stand-in engine that delegates: the real rules over engines that don't exist."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from transship.app.engines import ApplyStep as Making
from transship.app.engines import (
    DomainRequest,
    EngineStatus,
    InstanceDomains,
    NetworkRequest,
    PlannedRequest,
    PlanRequest,
    QuickTransferRequest,
    ReplicaRequest,
    RevertRequest,
)
from transship.engines.changes import (
    AgreedChanges,
    AppliedChange,
    ChangeJournalLine,
    ChangeSet,
    ChangeStep,
    Delegation,
)
from transship.engines.choice import engine_choices
from transship.engines.delegation import EngineSurvey
from transship.engines.tcr.network_access import EndpointStatus, NetworkAccess
from transship.errors import DelegationNotFound, TransshipError
from transship.plans.advice import End, Ends, answered

if TYPE_CHECKING:
    from fakes.clock import FakeClock
    from transship.app.engines import EndAnswer, EngineRequest
    from transship.engines.executions import Execution, ExecutionTask
    from transship.engines.tcr.domains import DomainProgress
    from transship.plans.plan import Plan

_WHO = {
    RevertRequest: "harbor",
    QuickTransferRequest: "tcr-quick",
    NetworkRequest: "tcr-network",
    DomainRequest: "tcr-domain",
    ReplicaRequest: "tcr-replica",
}
_NOTHING = PlannedRequest(ChangeSet("an engine", "nothing"))

_UNKNOWN = EngineSurvey(Ends(End("a.example"), End("b.example")), ())


@dataclass
class FakeDelegates:
    """Delegations by their ids.

    `judged` is what is known of the ends of every plan, `draws` what wishes would change, by the
    kind of wish. Of `looks` the things and executions are shown, of `followed` an execution each
    time that it is asked for.
    """

    judged: EngineSurvey = field(default_factory=lambda: _UNKNOWN, kw_only=True)
    harbor_hosts: Sequence[str] = field(default=(), kw_only=True)
    draws: dict[type, PlannedRequest] = field(default_factory=dict, kw_only=True)
    delegated: dict[str, Delegation] = field(default_factory=dict, kw_only=True)
    looks_at: dict[str, EngineStatus] = field(default_factory=dict, kw_only=True)
    followed: dict[str, list[Execution]] = field(default_factory=dict, kw_only=True)
    task_lists: dict[str, list[ExecutionTask]] = field(default_factory=dict, kw_only=True)
    logs: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    access_at: NetworkAccess = field(
        default_factory=lambda: NetworkAccess("shop", "", EndpointStatus.CLOSED), kw_only=True
    )
    gets_in: Sequence[str] = field(default=(), kw_only=True)
    domains_there: InstanceDomains = field(
        default_factory=lambda: InstanceDomains((), (), 0.0), kw_only=True
    )
    waits: Sequence[DomainProgress] = field(default=(), kw_only=True)
    """How a domain is each time that there is news; the list shows it so, too."""
    breaks_at: Mapping[int, TransshipError] = field(default_factory=dict, kw_only=True)
    """What keeps a change from being made, by its number."""

    clock: FakeClock

    @abstractmethod
    async def _reach(self, name: str, what: object) -> None: ...

    @abstractmethod
    def _fail(self, name: str) -> None: ...

    async def who_could(self, plan: Plan, answers: Sequence[EndAnswer] = ()) -> EngineSurvey:
        await self._reach("who_could", tuple(answers))
        ends = self.judged.ends
        for question, value in answers:
            ends = answered(ends, question, value)
        return replace(self.judged, ends=ends, ways=engine_choices(ends, harbors=self.harbor_hosts))

    async def draw_changes(self, wish: EngineRequest) -> PlannedRequest:
        await self._reach("draw_changes", wish)
        return self.draws.get(type(wish), _NOTHING)

    async def make_changes(self, wish: EngineRequest, shown: ChangeSet) -> AsyncIterator[Making]:
        await self._reach("make_changes", wish)
        name = f"20260915-{len(self.delegated):06x}"
        who = wish.who if isinstance(wish, PlanRequest) else _WHO[type(wish)]
        undoes = wish.delegation if isinstance(wish, RevertRequest) else ""
        agreed = AgreedChanges(
            who, "harbor.example", shown.engine, shown.purpose, self.clock.now(), shown.to_make,
            undoes,
        )  # fmt: skip
        self.delegated[name] = Delegation(name, agreed, (None,) * len(agreed.changes))
        async for step in self.go_on_making(name):
            yield step

    async def go_on_making(self, delegation: str) -> AsyncIterator[Making]:
        yield Making(delegation)
        for number, change in enumerate(self.delegated[delegation].agreed.changes):
            if self.delegated[delegation].step(number) is ChangeStep.MADE:
                continue
            await self._reach("make_change", str(change))
            if number in self.breaks_at:
                self._note(delegation, number, ChangeStep.FAILED, str(self.breaks_at[number]))
                raise self.breaks_at[number]
            self._note(delegation, number, ChangeStep.MADE)
            yield Making(delegation, AppliedChange(number, change, None))

    def _note(self, delegation: str, number: int, step: ChangeStep, why: str = "") -> None:
        known = self.delegated[delegation]
        lines = list(known.lines)
        lines[number] = ChangeJournalLine(self.clock.now(), number, step, why)
        self.delegated[delegation] = replace(known, lines=tuple(lines))

    def delegations(self) -> Sequence[Delegation]:
        self._fail("delegations")
        return tuple(reversed(self.delegated.values()))

    def delegation(self, name: str) -> Delegation:
        if name not in self.delegated:
            raise DelegationNotFound(repr(name))
        return self.delegated[name]

    async def look_at(self, delegation: str) -> EngineStatus:
        await self._reach("look_at", delegation)
        known = self.delegation(delegation)
        return replace(self.looks_at.get(delegation, EngineStatus(known)), delegation=known)

    async def follow_execution(
        self, delegation: str, of: str, execution: str
    ) -> AsyncIterator[Execution]:
        for each in self.followed.get(execution, []):
            await self._reach("follow_execution", (delegation, of, each.id))
            yield each
            if not each.state.is_over and each is self.followed[execution][-1]:
                await asyncio.Event().wait()

    async def tasks_of(self, delegation: str, of: str, execution: str) -> Sequence[ExecutionTask]:
        await self._reach("tasks_of", (delegation, of, execution))
        return self.task_lists.get(execution, [])

    async def log_of(self, delegation: str, of: str, execution: str, task: str) -> str:
        await self._reach("log_of", (delegation, of, execution, task))
        return self.logs.get(task, "")

    async def start_execution(self, delegation: str, of: str) -> Execution:
        await self._reach("start_execution", (delegation, of))
        return self.looks_at[delegation].runs[0].execution

    async def stop_execution(self, delegation: str, of: str, execution: str) -> None:
        await self._reach("stop_execution", (delegation, of, execution))

    async def network_at(self, host: str) -> NetworkAccess:
        await self._reach("network_at", host)
        return self.access_at

    async def who_gets_in(self, plan: Plan) -> Sequence[str]:
        await self._reach("who_gets_in", plan)
        return self.gets_in

    async def domains_at(self, host: str) -> InstanceDomains:
        await self._reach("domains_at", host)
        return self.domains_there

    async def wait_for_domain(self, host: str, name: str) -> AsyncIterator[DomainProgress]:
        for each in self.waits:
            await self._reach("wait_for_domain", (host, name))
            others = tuple(d for d in self.domains_there.domains if d.name != name)
            there = (*others, each.domain) if each.domain is not None else others
            self.domains_there = replace(self.domains_there, domains=there)
            yield each
