"""Engines elsewhere that do the moving: asked for, changed as agreed, followed, reverted."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from transship.accounts.sign_in import service_at
from transship.app.connections import Connections
from transship.engines.changes import ChangeJournal
from transship.engines.choice import EngineKind, EngineOptions, PolicyTermOptions
from transship.engines.tcr.network_access import DesiredAccess
from transship.errors import CantBeDelegated, ChangedMeanwhile, TransshipError
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict

if TYPE_CHECKING:
    from transship.engines.changes import (
        AppliedChange,
        Change,
        ChangeSet,
        DelegatedItem,
        Delegation,
    )
    from transship.engines.delegation import EngineSurvey, OpenedEngine
    from transship.engines.executions import Execution, ExecutionReader, ExecutionTask
    from transship.engines.reach import AccountReach
    from transship.engines.tcr.certificates import ServerCertificate
    from transship.engines.tcr.domains import CustomDomain, DomainEngine, DomainProgress
    from transship.engines.tcr.network_access import NetworkAccess as GetsIn
    from transship.plans.plan import Plan
    from transship.registry.credential import Credential

EndAnswer = tuple[str, str]
"""The id of a question of `transship.plans.advice`, and the value of its answer."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Let somebody move what a plan says.

    `saved` is the plan's name where its file says the same, else empty. `terms` are put into the
    `options` when it is drawn: the plan's schedule may hold.
    """

    plan: Plan
    who: EngineKind
    saved: str = ""
    options: EngineOptions = field(default_factory=EngineOptions)
    terms: PolicyTermOptions = field(default_factory=PolicyTermOptions)


@dataclass(frozen=True, slots=True)
class RevertRequest:
    """Take back what a delegation has made."""

    delegation: str


@dataclass(frozen=True, slots=True)
class QuickTransferRequest:
    """Move all of a personal account of TCR to an instance of TCR.

    `newest` takes so many tags of each repository, None all. With `incomplete` what could be listed
    is moved without the rest, with `expose` private images may become public. `names` gives
    namespaces other names at the instance, `leave_out` leaves some behind.
    """

    source: str
    target: str
    newest: int | None = None
    on_conflict: OnConflict = OnConflict.FAIL
    incomplete: bool = False
    expose: bool = False
    names: tuple[tuple[str, str], ...] = ()
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkRequest:
    """Change who gets through to the instance of TCR at `host`.

    `here` is the address with which this machine comes out to the internet; empty where that isn't
    known.
    """

    host: str
    wishes: DesiredAccess
    here: str = ""


@dataclass(frozen=True, slots=True)
class DomainRequest:
    """Attach a custom domain to the instance of TCR at `host`, or with `remove` take it away.

    `certificate` is the id of one in the SSL service. `files` are a certificate, with those above
    it, and its private key, to be handed to that service.
    """

    host: str
    name: str
    certificate: str = ""
    files: tuple[Path, Path] | None = None
    remove: bool = False


@dataclass(frozen=True, slots=True)
class ReplicaRequest:
    """Have all of the instance of TCR at `host` replicated to a region, without a plan."""

    host: str
    region: str


EngineRequest = (
    PlanRequest
    | RevertRequest
    | QuickTransferRequest
    | NetworkRequest
    | DomainRequest
    | ReplicaRequest
)


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """What a wish would change.

    `tells` are sentences about what it would move, `cares` those to mind. `plan` is what our own
    lanes would copy once it is made.
    """

    changes: ChangeSet
    tells: tuple[str, ...] = ()
    cares: tuple[str, ...] = ()
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class ApplyStep:
    """How far the making has come: the delegation's id, and the change that was made last."""

    delegation: str
    made: AppliedChange | None = None


@dataclass(frozen=True, slots=True)
class NamedExecution:
    """An execution, and the name of what it is of."""

    of: str
    execution: Execution


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """A delegation as it stands at its engine.

    `of` names what has executions, `begins` what of that can be started, `stops` says that
    executions can be stopped, `unseen` in sentences what couldn't be asked for.
    """

    delegation: Delegation
    things: tuple[DelegatedItem, ...] = ()
    of: tuple[str, ...] = ()
    runs: tuple[NamedExecution, ...] = ()
    begins: tuple[str, ...] = ()
    stops: bool = False
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InstanceDomains:
    """The custom domains of an instance of TCR, and the certificates that its owner has.

    `now` is when they were asked for, in seconds since the epoch. `unseen` says why the
    certificates can't be seen, empty where they can.
    """

    domains: tuple[CustomDomain, ...]
    certificates: tuple[ServerCertificate, ...]
    now: float
    unseen: str = ""


_EVERY_SECONDS = 2.0


class Engines:
    """Engines elsewhere that do the moving, and what was made at them.

    Everything is asked in a thread of its own, by connections of its own. The engines are imported
    where they are asked: the app opens without them.
    """

    def __init__(self, connections: Connections, folder: Path) -> None:
        self._connections = connections
        self._delegations = ChangeJournal(folder, connections.clock)

    def _reached(self) -> AccountReach:
        from transship.engines.reach import AccountReach

        return AccountReach(
            lambda host: self._connections.access(Reference(host)), self._connections.clock
        )

    async def survey(self, plan: Plan, answers: Sequence[EndAnswer] = ()) -> EngineSurvey:
        """Return who could move a plan. Asks clouds of which there are keys; changes nothing."""
        from transship.engines.delegation import survey_engines

        harbors = [
            each.host
            for each in self._connections.accounts.all()
            if service_at(each).kind == "harbor"
        ]

        async def judge() -> EngineSurvey:
            async with self._reached() as reach:
                return await survey_engines(plan, reach, harbors=harbors, answers=answers)

        return await self._connections.doing(judge)

    async def plan(self, wish: EngineRequest) -> PlannedRequest:
        """Return what a wish would change. Only reads."""
        from transship.app.engine_requests import open_request

        async def draw() -> PlannedRequest:
            async with self._reached() as reach:
                return (await open_request(wish, reach, self._delegations)).drawn

        return await self._connections.doing(draw)

    async def apply(self, wish: EngineRequest, shown: ChangeSet) -> AsyncGenerator[ApplyStep]:
        """Make what was shown, change after change."""
        from transship.app.engine_requests import open_request

        async def making() -> AsyncGenerator[ApplyStep]:
            async with self._reached() as reach:
                found = await open_request(wish, reach, self._delegations)
                changes = found.drawn.changes
                if changes.to_make != shown.to_make or changes.refusals:
                    raise ChangedMeanwhile(f"{shown.engine}: it isn't as it was shown any more")
                await _check_logins(shown.to_make, reach)
                undoes = wish.delegation if isinstance(wish, RevertRequest) else ""
                identity = self._delegations.begin(found.who, found.host, shown, undoes=undoes)
                async with aclosing(self._steps(identity, found.serving, reach)) as steps:
                    async for step in steps:
                        yield step

        async with aclosing(self._connections.giving(making)) as steps:
            async for step in steps:
                yield step

    async def resume(self, delegation: str) -> AsyncGenerator[ApplyStep]:
        """Make what of a delegation wasn't made yet."""

        async def making() -> AsyncGenerator[ApplyStep]:
            found = self._delegations.find(delegation)
            async with self._reached() as reach:
                serving = await self._serving(found, reach)
                await _check_logins(found.agreed.changes, reach)
                async with aclosing(self._steps(delegation, serving, reach)) as steps:
                    async for step in steps:
                        yield step

        async with aclosing(self._connections.giving(making)) as steps:
            async for step in steps:
                yield step

    async def _steps(
        self, identity: str, serving: OpenedEngine, reach: AccountReach
    ) -> AsyncGenerator[ApplyStep]:
        from transship.engines.changes import apply_changes
        from transship.engines.reach import login_at

        async def gives(host: str) -> Credential:
            return await login_at(reach, host)

        yield ApplyStep(identity)
        async for made in apply_changes(identity, serving.engine, gives, self._delegations):
            yield ApplyStep(identity, made)

    def all(self) -> Sequence[Delegation]:
        """Return all delegations of this machine, the newest first."""
        return tuple(reversed(self._delegations.all()))

    def find(self, name: str) -> Delegation:
        """Return one delegation as its journal tells."""
        return self._delegations.find(name)

    async def status(self, delegation: str) -> EngineStatus:
        """Return how a delegation stands, its executions the newest first."""
        from transship.app.engine_requests import read_status

        found = self._delegations.find(delegation)

        async def look() -> EngineStatus:
            async with self._reached() as reach:
                return await read_status(found, await self._serving(found, reach))

        return await self._connections.doing(look)

    async def _serving(self, delegation: Delegation, reach: AccountReach) -> OpenedEngine:
        from transship.engines.delegation import open_engine

        return await open_engine(delegation.agreed.who, delegation.agreed.host, reach)

    async def follow_execution(
        self, delegation: str, of: str, execution: str
    ) -> AsyncGenerator[Execution]:
        """Give an execution each time that it has changed, until it is over."""
        from transship.engines.executions import follow_execution

        found = self._delegations.find(delegation)

        async def follow() -> AsyncGenerator[Execution]:
            async with self._reached() as reach:
                follows = _follows(await self._serving(found, reach))
                seen = follow_execution(
                    follows, of, execution, self._connections.clock, every=_EVERY_SECONDS
                )
                async for each in seen:
                    yield each

        async with aclosing(self._connections.giving(follow)) as executions:
            async for each in executions:
                yield each

    async def tasks(self, delegation: str, of: str, execution: str) -> Sequence[ExecutionTask]:
        """Return the tasks of an execution."""
        found = self._delegations.find(delegation)

        async def ask() -> Sequence[ExecutionTask]:
            async with self._reached() as reach:
                follows = _follows(await self._serving(found, reach))
                return [task async for task in follows.tasks(of, execution)]

        return await self._connections.doing(ask)

    async def log(self, delegation: str, of: str, execution: str, task: str) -> str:
        """Return the log of a task; empty when there is none."""
        found = self._delegations.find(delegation)

        async def ask() -> str:
            async with self._reached() as reach:
                return await _follows(await self._serving(found, reach)).log(of, execution, task)

        return await self._connections.doing(ask)

    async def start_execution(self, delegation: str, of: str) -> Execution:
        """Start an execution, and return it."""
        found = self._delegations.find(delegation)

        async def ask() -> Execution:
            async with self._reached() as reach:
                starts = (await self._serving(found, reach)).starts
                if starts is None:
                    raise CantBeDelegated(f"{found.agreed.engine} begins by itself")
                return await starts.start(of)

        return await self._connections.doing(ask)

    async def stop_execution(self, delegation: str, of: str, execution: str) -> None:
        """Ask for an execution to be stopped."""
        found = self._delegations.find(delegation)

        async def ask() -> None:
            async with self._reached() as reach:
                starts = (await self._serving(found, reach)).starts
                if starts is None:
                    raise CantBeDelegated(f"{found.agreed.engine} lets nobody stop what it does")
                await starts.stop(of, execution)

        await self._connections.doing(ask)

    async def network(self, host: str) -> GetsIn:
        """Return who gets through to the instance of TCR at a host."""
        from transship.engines.delegation import open_network_engine

        async def ask() -> GetsIn:
            async with self._reached() as reach:
                return await (await open_network_engine(reach, host)).access()

        return await self._connections.doing(ask)

    async def access_notes(self, plan: Plan) -> Sequence[str]:
        """Return, in sentences, whether this machine gets through to what a plan is between."""
        from transship.engines.delegation import local_access_notes

        hosts = dict.fromkeys(place.registry for place in plan.places)

        async def ask() -> Sequence[str]:
            async with self._reached() as reach:
                return [words for host in hosts for words in await local_access_notes(host, reach)]

        return await self._connections.doing(ask)

    async def domains(self, host: str) -> InstanceDomains:
        """Return the custom domains of the instance of TCR at a host."""
        from transship.engines.delegation import open_domain_engine

        async def ask() -> InstanceDomains:
            async with self._reached() as reach:
                engine = await open_domain_engine(reach, host)
                found, unseen = await _certificates(engine)
                return InstanceDomains(await engine.domains(), found, engine.now(), unseen)

        return await self._connections.doing(ask)

    async def wait_for_domain(self, host: str, name: str) -> AsyncGenerator[DomainProgress]:
        """Give how a custom domain is each time that there is news, until it is over with it."""
        from transship.engines.delegation import open_domain_engine
        from transship.engines.tcr.domains import wait_for_domain

        async def wait() -> AsyncGenerator[DomainProgress]:
            async with self._reached() as reach:
                async for each in wait_for_domain(
                    await open_domain_engine(reach, host), name, self._connections.clock
                ):
                    yield each

        async with aclosing(self._connections.giving(wait)) as news:
            async for each in news:
                yield each


async def _certificates(engine: DomainEngine) -> tuple[tuple[ServerCertificate, ...], str]:
    """Return all certificates of the account, or why they can't be seen."""
    try:
        return await engine.certificates.all(), ""
    except TransshipError as error:
        return (), str(error)


async def _check_logins(changes: Sequence[Change], reach: AccountReach) -> None:
    """Have a login that is missing asked for before anything is begun."""
    from transship.engines.reach import login_at

    for host in dict.fromkeys(host for change in changes for host in change.gives):
        await login_at(reach, host)


def _follows(serving: OpenedEngine) -> ExecutionReader:
    if serving.follows is None:
        raise CantBeDelegated(f"{serving.engine.name} has no executions to follow")
    return serving.follows
