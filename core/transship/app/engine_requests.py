"""Opens the engine that a request is for, and reads what there is of a delegation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from transship.app.engines import (
    DomainRequest,
    EngineRequest,
    EngineStatus,
    NamedExecution,
    NetworkRequest,
    PlannedRequest,
    PlanRequest,
    QuickTransferRequest,
    ReplicaRequest,
    RevertRequest,
)
from transship.engines.changes import DelegatedItem, read_item
from transship.engines.choice import EngineKind, EngineOptions, OtherEngineKind, plain_name
from transship.engines.delegation import (
    OpenedEngine,
    names_to_start,
    names_with_executions,
    open_domain_engine,
    open_engine,
    open_network_engine,
    plan_delegation,
    plan_quick_transfer_between,
    plan_replica,
    plan_revert,
)
from transship.engines.tcr import domains, network_access
from transship.engines.tcr.certificates import read_upload
from transship.engines.tcr.quick_transfer import QuickTransfer, QuickTransferTerms
from transship.errors import TransshipError
from transship.text import counted

if TYPE_CHECKING:
    from transship.engines.changes import ChangeJournal, Delegation
    from transship.engines.reach import EngineReach

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Opened:
    """What a wish would change, and the engine for it; `who` and `host` go into the journal."""

    who: str
    host: str
    serving: OpenedEngine
    drawn: PlannedRequest


async def open_request(wish: EngineRequest, reach: EngineReach, journal: ChangeJournal) -> Opened:
    """Return what a wish would change. Only reads; raises what stands in the way of asking."""
    if isinstance(wish, PlanRequest):
        return await _plan(wish, reach)
    if isinstance(wish, RevertRequest):
        return await _undo(wish, reach, journal)
    if isinstance(wish, QuickTransferRequest):
        return await _quick(wish, reach)
    if isinstance(wish, NetworkRequest):
        engine = await open_network_engine(reach, wish.host)
        changes = await network_access.plan_access(engine, wish.wishes, here=wish.here)
        return Opened(
            OtherEngineKind.NETWORK, wish.host, OpenedEngine(engine), PlannedRequest(changes)
        )
    if isinstance(wish, DomainRequest):
        return await _domain(wish, reach)
    if isinstance(wish, ReplicaRequest):
        options = EngineOptions(region=wish.region)
        replicas, changes = await plan_replica(wish.host, wish.host, reach, options)
        return Opened(
            EngineKind.TCR_REPLICA,
            wish.host,
            OpenedEngine(replicas, replicas),
            PlannedRequest(changes),
        )
    assert_never(wish)


async def _plan(wish: PlanRequest, reach: EngineReach) -> Opened:
    name = wish.options.name or (plain_name(wish.saved) if wish.saved else "")
    options = replace(wish.options, name=name, terms=wish.terms.terms(wish.plan))
    found = await plan_delegation(wish.who, wish.plan, reach, options)
    return Opened(found.who, found.host, found.serving, PlannedRequest(found.changes))


async def _undo(wish: RevertRequest, reach: EngineReach, journal: ChangeJournal) -> Opened:
    delegation = journal.find(wish.delegation)
    agreed = delegation.agreed
    serving = await open_engine(agreed.who, agreed.host, reach)
    changes = await plan_revert(delegation, serving.engine)
    return Opened(agreed.who, agreed.host, serving, PlannedRequest(changes))


async def _quick(wish: QuickTransferRequest, reach: EngineReach) -> Opened:
    terms = QuickTransferTerms(
        newest=wish.newest,
        on_conflict=wish.on_conflict,
        names=dict(wish.names),
        leave_out=frozenset(wish.leave_out),
        incomplete=wish.incomplete,
        expose=wish.expose,
    )
    engine, moved = await plan_quick_transfer_between(wish.source, wish.target, reach, terms)
    return Opened(OtherEngineKind.QUICK, wish.target, OpenedEngine(engine), _moved(moved))


async def _domain(wish: DomainRequest, reach: EngineReach) -> Opened:
    engine = await open_domain_engine(reach, wish.host)
    upload = None
    if wish.files is not None:
        upload = await asyncio.to_thread(read_upload, *wish.files)
        engine = engine.with_upload(upload)
    changes = await domains.plan_domain(
        engine, wish.name, certificate=wish.certificate, upload=upload, remove=wish.remove
    )
    return Opened(OtherEngineKind.DOMAIN, wish.host, OpenedEngine(engine), PlannedRequest(changes))


def _moved(moved: QuickTransfer) -> PlannedRequest:
    """Return what a quick migration would make, and in sentences what it would move."""
    repositories = counted(moved.repositories, "repository", "repositories")
    tells = [f"It moves {counted(moved.tags, 'tag')} of {repositories}."]
    if moved.empty:
        tells.append(f"Without a tag: {_named(moved.empty)}.")
    cares = [str(each) for each in moved.collisions[:_MOST_NAMED]]
    if len(moved.collisions) > _MOST_NAMED:
        cares.append(f"{len(moved.collisions) - _MOST_NAMED:,} more are there already.")
    return PlannedRequest(moved.changes, tuple(tells), tuple(cares), moved.plan)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


_MOST_RUNS = 50
"""So many executions of one thing are shown, the newest; the engine has all of them."""


async def read_status(delegation: Delegation, serving: OpenedEngine) -> EngineStatus:
    """Return how a delegation stands at its engine; what can't be asked for is named."""
    unseen: list[str] = []
    things: list[DelegatedItem] = []
    runs: list[NamedExecution] = []
    made = delegation.agreed.changes
    of = names_with_executions(made) if serving.follows is not None else ()
    for number, change in enumerate(made[:_MOST_NAMED]):
        try:
            things.append(await read_item(delegation, number, serving.engine))
        except TransshipError as error:
            unseen.append(f"{change.kind} {change.name}: {error}")
    if len(made) > _MOST_NAMED:
        more = counted(len(made) - _MOST_NAMED, "other")
        unseen.append(f"Of {counted(len(made), 'change')} {more} weren't looked at.")
    there = {
        name for each in things if each.is_there for name in names_with_executions((each.change,))
    }
    for name in of:
        if name in there:
            runs += await _runs(serving, name, unseen)
    runs.sort(key=_began, reverse=True)
    starts = serving.starts is not None
    begins = tuple(name for name in names_to_start(made) if starts and name in there)
    return EngineStatus(delegation, tuple(things), of, tuple(runs), begins, starts, tuple(unseen))


async def _runs(serving: OpenedEngine, of: str, unseen: list[str]) -> list[NamedExecution]:
    found: list[NamedExecution] = []
    if serving.follows is None:
        return found
    try:
        async for each in serving.follows.executions(of):
            found.append(NamedExecution(of, each))
            if len(found) == _MOST_RUNS:
                unseen.append(f"{of}: only the {_MOST_RUNS} newest executions are shown.")
                break
    except TransshipError as error:
        unseen.append(f"The executions of {of} couldn't be asked for: {error}")
    return found


def _began(run: NamedExecution) -> float:
    return run.execution.started.timestamp() if run.execution.started else 0.0
