"""From a wish of a screen to what it would change, and to the engine that makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from transship.engines.choice import EngineKind, EngineOptions, OtherEngineKind, plain_name
from transship.engines.delegation import (
    OpenedEngine,
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
from transship.text import counted
from transship_tui.engine_delegates import (
    DomainWish,
    Drawn,
    NetworkWish,
    PlanWish,
    QuickWish,
    ReplicaWish,
    UndoWish,
    Wish,
)

if TYPE_CHECKING:
    from transship.engines.changes import ChangeJournal
    from transship.engines.reach import EngineReach

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Opened:
    """What a wish would change, and the engine for it; `who` and `host` go into the journal."""

    who: str
    host: str
    serving: OpenedEngine
    drawn: Drawn


async def opened(wish: Wish, reach: EngineReach, journal: ChangeJournal) -> Opened:
    """Return what a wish would change. Only reads; raises what stands in the way of asking."""
    if isinstance(wish, PlanWish):
        return await _plan(wish, reach)
    if isinstance(wish, UndoWish):
        return await _undo(wish, reach, journal)
    if isinstance(wish, QuickWish):
        return await _quick(wish, reach)
    if isinstance(wish, NetworkWish):
        engine = await open_network_engine(reach, wish.host)
        changes = await network_access.plan_access(engine, wish.wishes, here=wish.here)
        return Opened(OtherEngineKind.NETWORK, wish.host, OpenedEngine(engine), Drawn(changes))
    if isinstance(wish, DomainWish):
        return await _domain(wish, reach)
    if isinstance(wish, ReplicaWish):
        options = EngineOptions(region=wish.region)
        replicas, changes = await plan_replica(wish.host, wish.host, reach, options)
        return Opened(
            EngineKind.TCR_REPLICA, wish.host, OpenedEngine(replicas, replicas), Drawn(changes)
        )
    assert_never(wish)


async def _plan(wish: PlanWish, reach: EngineReach) -> Opened:
    name = wish.options.name or (plain_name(wish.saved) if wish.saved else "")
    options = replace(wish.options, name=name, terms=wish.terms.terms(wish.plan))
    found = await plan_delegation(wish.who, wish.plan, reach, options)
    return Opened(found.who, found.host, found.serving, Drawn(found.changes))


async def _undo(wish: UndoWish, reach: EngineReach, journal: ChangeJournal) -> Opened:
    delegation = journal.find(wish.delegation)
    agreed = delegation.agreed
    serving = await open_engine(agreed.who, agreed.host, reach)
    changes = await plan_revert(delegation, serving.engine)
    return Opened(agreed.who, agreed.host, serving, Drawn(changes))


async def _quick(wish: QuickWish, reach: EngineReach) -> Opened:
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


async def _domain(wish: DomainWish, reach: EngineReach) -> Opened:
    engine = await open_domain_engine(reach, wish.host)
    upload = None
    if wish.files is not None:
        upload = await asyncio.to_thread(read_upload, *wish.files)
        engine = engine.with_upload(upload)
    changes = await domains.plan_domain(
        engine, wish.name, certificate=wish.certificate, upload=upload, remove=wish.remove
    )
    return Opened(OtherEngineKind.DOMAIN, wish.host, OpenedEngine(engine), Drawn(changes))


def _moved(moved: QuickTransfer) -> Drawn:
    """Return what a quick migration would make, and in sentences what it would move."""
    repositories = counted(moved.repositories, "repository", "repositories")
    tells = [f"It moves {counted(moved.tags, 'tag')} of {repositories}."]
    if moved.empty:
        tells.append(f"Without a tag: {_named(moved.empty)}.")
    cares = [str(each) for each in moved.collisions[:_MOST_NAMED]]
    if len(moved.collisions) > _MOST_NAMED:
        cares.append(f"{len(moved.collisions) - _MOST_NAMED:,} more are there already.")
    return Drawn(moved.changes, tuple(tells), tuple(cares), moved.plan)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
