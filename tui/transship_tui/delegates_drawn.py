"""From a wish of a screen to what it would change, and to the engine that makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from transship.delegates.choosing import Other, Serving, domains_at, engine_of, network_at, wished
from transship.delegates.making import undoing
from transship.delegates.options import Options, plain_name
from transship.delegates.tencent import domains, network, quick
from transship.delegates.tencent.wishing import quick_wish, replica_wish
from transship.delegates.ways import Who
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
    from transship.delegates.journal import Journal
    from transship.delegates.reach import Reach

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Opened:
    """What a wish would change, and the engine for it; `who` and `host` go into the journal."""

    who: str
    host: str
    serving: Serving
    drawn: Drawn


async def opened(wish: Wish, reach: Reach, journal: Journal) -> Opened:
    """Return what a wish would change. Only reads; raises what stands in the way of asking."""
    if isinstance(wish, PlanWish):
        return await _plan(wish, reach)
    if isinstance(wish, UndoWish):
        return await _undo(wish, reach, journal)
    if isinstance(wish, QuickWish):
        return await _quick(wish, reach)
    if isinstance(wish, NetworkWish):
        engine = await network_at(reach, wish.host)
        changes = await network.wish(engine, wish.wishes, here=wish.here)
        return Opened(Other.NETWORK, wish.host, Serving(engine), Drawn(changes))
    if isinstance(wish, DomainWish):
        return await _domain(wish, reach)
    if isinstance(wish, ReplicaWish):
        options = Options(region=wish.region)
        replicas, changes = await replica_wish(wish.host, wish.host, reach, options)
        return Opened(Who.TCR_REPLICA, wish.host, Serving(replicas, replicas), Drawn(changes))
    assert_never(wish)


async def _plan(wish: PlanWish, reach: Reach) -> Opened:
    name = wish.options.name or (plain_name(wish.saved) if wish.saved else "")
    options = replace(wish.options, name=name, terms=wish.terms.terms(wish.plan))
    found = await wished(wish.who, wish.plan, reach, options)
    return Opened(found.who, found.host, found.serving, Drawn(found.changes))


async def _undo(wish: UndoWish, reach: Reach, journal: Journal) -> Opened:
    delegation = journal.find(wish.delegation)
    agreed = delegation.agreed
    serving = await engine_of(agreed.who, agreed.host, reach)
    changes = await undoing(delegation, serving.engine)
    return Opened(agreed.who, agreed.host, serving, Drawn(changes))


async def _quick(wish: QuickWish, reach: Reach) -> Opened:
    terms = quick.Terms(
        newest=wish.newest,
        on_conflict=wish.on_conflict,
        names=dict(wish.names),
        leave_out=frozenset(wish.leave_out),
        incomplete=wish.incomplete,
        expose=wish.expose,
    )
    engine, moved = await quick_wish(wish.source, wish.target, reach, terms)
    return Opened(Other.QUICK, wish.target, Serving(engine), _moved(moved))


async def _domain(wish: DomainWish, reach: Reach) -> Opened:
    engine = await domains_at(reach, wish.host)
    upload = None
    if wish.files is not None:
        upload = await asyncio.to_thread(domains.read_upload, *wish.files)
        engine = engine.with_upload(upload)
    changes = await domains.wish(
        engine, wish.name, certificate=wish.certificate, upload=upload, remove=wish.remove
    )
    return Opened(Other.DOMAIN, wish.host, Serving(engine), Drawn(changes))


def _moved(moved: quick.Quick) -> Drawn:
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
