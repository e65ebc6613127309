"""`transship delegate replica`: replicas of an instance of TCR in other regions, without a plan."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from transship.engines.choice import EngineKind, EngineOptions
from transship.engines.delegation import plan_replica
from transship.engines.reach import tcr_instance_at
from transship.engines.tcr.replicas import ReplicaEngine, plan_replica_removal
from transship.errors import BadRequest
from transship.text import safe
from transship_tui.commands.delegate_made import Yes, show_ended
from transship_tui.commands.delegate_network import DryRun, TcrHost
from transship_tui.commands.delegate_shown import (
    agreed,
    changes_document,
    host_named,
    make_agreed,
    nothing_made,
    reached,
    show_changes,
)
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import say, show, show_json, table, width_of
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from transship.engines.changes import ChangeSet
    from transship.engines.reach import EngineReach
    from transship_tui.commands.session import Session


def delegate_replica(
    host: TcrHost,
    region: Annotated[
        str, typer.Option(metavar="REGION", help="Make one there, as in ap-shanghai.")
    ] = "",
    remove: Annotated[str, typer.Option(metavar="REGION", help="Take the one there away.")] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """List the replicas of an instance of TCR; with --region make one, with --remove delete one.

    A replica has all of its instance, under the same domain and logins, and can't be pushed to.
    It takes the premium edition, and stands on the same side of the border of mainland China;
    else it is refused (exit status 3), and what to do instead is said.
    """
    if region and remove:
        raise BadRequest("--region makes a replica and --remove takes one away: say one of them")
    session = open_session()
    named = host_named(session, host)
    if not region and not remove:
        if dry_run:
            raise BadRequest("--dry-run goes with a change, and none is said")
        return asyncio.run(_listed(session, named, as_json=as_json))

    async def act() -> int:
        async with reached(session) as reach:
            engine, changes = await _wish(reach, named, region, remove)
            if dry_run:
                return show_changes(changes, as_json=as_json)
            if changes.refusals or not changes.to_make:
                return nothing_made(changes, changes_document(changes), as_json=as_json)
            if not agreed(changes, yes=yes, as_json=as_json):
                return 1
            where = (EngineKind.TCR_REPLICA, named)
            identity = await make_agreed(session, reach, engine, where, changes)
            if region:
                say(f"`transship delegate follow {identity}` follows how it is made and filled")
            return await show_ended(session, reach, identity, as_json=as_json)

    return asyncio.run(act())


async def _wish(
    reach: EngineReach, host: str, region: str, remove: str
) -> tuple[ReplicaEngine, ChangeSet]:
    if region:
        return await plan_replica(host, host, reach, EngineOptions(region=region))
    at = await tcr_instance_at(reach, host)
    engine = ReplicaEngine(at.cloud, at.instance)
    return engine, plan_replica_removal(at.instance, [remove], await engine.replicas())


async def _listed(session: Session, host: str, *, as_json: bool) -> int:
    async with reached(session) as reach:
        at = await tcr_instance_at(reach, host)
        engine = ReplicaEngine(at.cloud, at.instance)
        found = await engine.replicas()
    if as_json:
        entries = [{"region": e.region.name, "said": e.status, "id": e.id} for e in found]
        show_json({"engine": engine.name, "replicas": entries})
        return 0
    if not found:
        say(safe(f"{engine.name} has no replica"))
        return 0
    rows = [(each.region.name, each.status, each.id) for each in found]
    for line in table(("REGION", "SAID", "ID"), rows, width_of(sys.stdout)):
        show(line)
    return 0
