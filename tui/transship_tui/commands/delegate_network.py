"""`transship delegate network`: who gets through to an instance of TCR, explained and changed."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from transship.engines.choice import OtherEngineKind
from transship.engines.delegation import open_network_engine
from transship.engines.tcr.network_access import DesiredAccess, explain_access, plan_access
from transship.errors import BadRequest, TransshipError
from transship_tui.commands.delegate_made import Yes, standing_of
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
from transship_tui.commands.output import say, show, show_json, width_of, wrapped
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from transship.engines.reach import EngineReach
    from transship.engines.tcr.network_access import NetworkAccess, NetworkEngine, VpcLink
    from transship_tui.commands.session import Session

Several = list[str] | None
TcrHost = Annotated[str, typer.Argument(metavar="HOST", help="A domain of the instance.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be changed, and change nothing.")
]


def delegate_network(
    host: TcrHost,
    public: Annotated[
        bool | None, typer.Option("--open/--close", help="Open or close the public endpoint.")
    ] = None,
    allow: Annotated[
        Several, typer.Option(metavar="BLOCK", help="Let in this address, or block of them.")
    ] = None,
    disallow: Annotated[
        Several, typer.Option(metavar="BLOCK", help="Take it off the allow-list.")
    ] = None,
    note: Annotated[
        str, typer.Option(metavar="TEXT", help="What the allow-list says beside it.")
    ] = DesiredAccess().note,
    link: Annotated[
        Several, typer.Option(metavar="VPC/SUBNET", help="Link a VPC by one of its subnets.")
    ] = None,
    unlink: Annotated[
        Several, typer.Option(metavar="VPC/SUBNET", help="Take that link away.")
    ] = None,
    record: Annotated[
        Several, typer.Option(metavar="VPC", help="Let the private DNS of a VPC lead to its link.")
    ] = None,
    unrecord: Annotated[Several, typer.Option(metavar="VPC", help="Take that record away.")] = None,
    vpc_domain: Annotated[
        bool,
        typer.Option("--vpc-domain", help="Records of the domain for VPCs, not of the public one."),
    ] = False,
    here: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="This machine's address, as the internet sees it."),
    ] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Explain who gets through to an instance of TCR; with options, change it.

    A change is shown, asked about, made and read back, and can be undone. Options that add or take
    away can be repeated. Ends with 1 when something couldn't be asked, with 3 when something
    stands in the way of a change.
    """
    session = open_session()
    named = host_named(session, host)
    wishes = DesiredAccess(
        public,
        tuple(allow or ()),
        tuple(disallow or ()),
        note,
        tuple(link or ()),
        tuple(unlink or ()),
        tuple(record or ()),
        tuple(unrecord or ()),
        vpc_domain,
    )
    changing = any((public is not None, allow, disallow, link, unlink, record, unrecord))
    if not changing:
        if dry_run or vpc_domain or note != DesiredAccess().note:
            raise BadRequest(
                "--dry-run, --note and --vpc-domain go with a change, and none is said"
            )
        return asyncio.run(_explained(session, named, here, as_json=as_json))
    if dry_run:
        return asyncio.run(_drawn(session, named, wishes, here, as_json=as_json))
    return asyncio.run(_changed(session, named, wishes, here, yes=yes, as_json=as_json))


async def _explained(session: Session, host: str, here: str, *, as_json: bool) -> int:
    async with reached(session) as reach:
        network = await open_network_engine(reach, host)
        # With no wish nothing is changed, and an address that is none is refused.
        notes = (await plan_access(network, DesiredAccess(), here=here)).notes
        access = await network.access()
    if as_json:
        show_json({"network": _entry(access, here)})
    else:
        for note in notes:
            for line in wrapped(note, "", width_of(sys.stdout)):
                show(line)
    return TransshipError.exit_status if access.unseen else 0


async def _drawn(
    session: Session, host: str, wishes: DesiredAccess, here: str, *, as_json: bool
) -> int:
    async with reached(session) as reach:
        changes = await plan_access(await open_network_engine(reach, host), wishes, here=here)
    return show_changes(changes, as_json=as_json)


async def _changed(
    session: Session, host: str, wishes: DesiredAccess, here: str,
    *, yes: bool, as_json: bool,
) -> int:  # fmt: skip
    async with reached(session) as reach:
        network = await open_network_engine(reach, host)
        changes = await plan_access(network, wishes, here=here)
        if changes.refusals or not changes.to_make:
            return nothing_made(changes, changes_document(changes), as_json=as_json)
        if not agreed(changes, yes=yes, as_json=as_json):
            return 1
        identity = await make_agreed(
            session, reach, network, (OtherEngineKind.NETWORK, host), changes
        )
        return await _ended(session, reach, network, identity, here, as_json=as_json)


async def _ended(
    session: Session,
    reach: EngineReach,
    network: NetworkEngine,
    identity: str,
    here: str,
    *,
    as_json: bool,
) -> int:
    """Write how it is now, and the id by which it can be undone."""
    access = await network.access()
    if as_json:
        made = await standing_of(session, reach, identity)
        show_json({**made.document(), "network": _entry(access, here)})
        return 0
    for note in explain_access(access, here):
        for line in wrapped(note, "", width_of(sys.stderr)):
            say(line)
    show(identity)
    return 0


def _entry(access: NetworkAccess, here: str) -> dict[str, object]:
    return {
        "instance": access.instance,
        "domain": access.domain,
        "public": str(access.public),
        "said": access.said,
        "reason": access.reason,
        "allowed": [{"block": each.block, "note": each.note} for each in access.allowed],
        "lets_in_here": access.lets_in(here) if here else None,
        "links": list(map(_link_entry, access.links)),
        "unseen": list(access.unseen),
        "notes": list(explain_access(access, here)),
    }


def _link_entry(link: VpcLink) -> dict[str, object]:
    return {
        "vpc": link.vpc,
        "subnet": link.subnet,
        "state": str(link.stage),
        "said": link.said,
        "address": link.address,
        "records": [
            {"domain": each.domain, "state": str(each.stage), "said": each.said}
            for each in link.records
        ],
    }
