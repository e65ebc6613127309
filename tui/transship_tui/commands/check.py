"""`transship check`: whether a domain can be moved to another registry, and what would break."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from transship.cutover.finding import Severity
from transship.cutover.reports.document import document
from transship.cutover.reports.rows import RowState, counts_of, rows_of, stops
from transship.errors import BadRequest, CheckFailed
from transship.text import counted
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import Ink, painted, show, show_json, table, width_of
from transship_tui.commands.session import open_session
from transship_tui.commands.status import watched
from transship_tui.engine_cutover import Wished
from transship_tui.live import LiveEngine

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from transship.cutover.reports.standing import Standing
    from transship_tui.commands.session import Session

BLOCKED = CheckFailed.exit_status
_UNSEEN = 1
_INKS = {RowState.BLOCKS: Ink.BAD, RowState.WARN: Ink.WARNING, RowState.OPEN: Ink.WARNING}

Domain = Annotated[
    str, typer.Argument(metavar="DOMAIN", help="The name that images are pulled by; :PORT too.")
]
Resolvers = Annotated[
    list[str] | None,
    typer.Option(
        "--resolver",
        metavar="IP[:PORT]",
        help="Ask this resolver too, as your clusters do; can be repeated. "
        "tcp://IP, tls://NAME@IP and https://NAME@IP as well.",
    ),
]
Repositories = Annotated[
    list[str] | None,
    typer.Option(
        "--repository",
        metavar="REPOSITORY[:TAG]",
        help="One that clusters pull: it is tried at the new registry. Can be repeated.",
    ),
]
Old = Annotated[
    str, typer.Option("--from", metavar="HOST", help="The old registry, to compare every tag.")
]
Record = Annotated[
    str,
    typer.Option(metavar="VALUE", help="What the record is to hold, if it isn't the new host."),
]
NodeCa = Annotated[
    str, typer.Option("--node-ca", metavar="FILE", help="Authorities that nodes trust for it.")
]
Public = Annotated[
    bool,
    typer.Option("--public/--no-public", help="Ask public resolvers too, or leave them out."),
]


FollowedJob = Annotated[
    str,
    typer.Option("--job", metavar="JOB", help="Compare the tags that this job has copied."),
]
FollowedPlan = Annotated[
    str,
    typer.Option("--plan", metavar="FILE", help="Compare the tags that this plan selects now."),
]


def check(
    domain: Domain,
    new: Annotated[str, typer.Option("--to", metavar="HOST", help="The new registry.")],
    old: Old = "",
    resolver: Resolvers = None,
    record: Record = "",
    repository: Repositories = None,
    node_ca: NodeCa = "",
    public: Public = True,
    job: FollowedJob = "",
    plan: FollowedPlan = "",
    as_json: AsJson = False,
) -> int:
    """See whether a domain can be moved, and what would break.

    Asks DNS, the new registry under the domain's name, and both for their tags; changes nothing and
    keeps nothing. Ends with 3 when something blocks, with 1 when DNS couldn't be looked at.
    """
    session = open_session()
    wished = Wished(
        domain,
        new,
        old,
        record,
        tuple(resolver or ()),
        tuple(repository or ()),
        node_ca,
        public,
        *followed(session, job, plan),
    )
    standing = asyncio.run(_look(session, wished))
    return show_standing(standing, as_json=as_json)


def followed(session: Session, job: str, plan: str) -> tuple[str, str]:
    """Return the id of a job, and the file of a plan, by which tags are compared; or neither.

    Raises BadRequest for both, JobNotFound and PlanNotFound.
    """
    if job and plan:
        raise BadRequest("--job and --plan exclude one another")
    return session.jobs.find(job).id if job else "", str(session.plans.find(plan)) if plan else ""


async def _look(session: Session, wished: Wished) -> Standing:
    engine = LiveEngine(session.paths, session.sources)
    async with aclosing(engine):
        return await last_of(engine.check_once(engine.subject_of(wished)))


async def last_of(standings: AsyncGenerator[Standing]) -> Standing:
    """Follow a check to its end, and say what is being looked at meanwhile."""
    now: Standing | None = None

    def line() -> str:
        return f"looking: {now.checking}" if now else "looking"

    async with watched(line), aclosing(standings):
        async for now in standings:  # noqa: B007 - the last one is what is wanted
            pass
    assert now is not None
    return now


def show_standing(standing: Standing, *, as_json: bool = False) -> int:
    """Write every check that isn't settled, and what follows; return the exit status."""
    if as_json:
        taken = standing.evidence.taken if standing.evidence else 0.0
        show_json(document(standing, taken))
    else:
        for line in _lines(standing):
            show(line)
    if not was_seen(standing):
        return _UNSEEN
    return BLOCKED if stops(standing) else 0


def was_seen(standing: Standing) -> bool:
    """Tell whether DNS could be looked at: some name server of the domain's zone has answered."""
    zone = standing.evidence.zone if standing.evidence else None
    if zone is None or zone.error:
        return False
    return any(not (each.soa.error and each.soa_tcp.error) for each in zone.servers)


def _lines(standing: Standing) -> Iterator[str]:
    rows = rows_of(standing)
    shown = [row for row in rows if row.state not in (RowState.PASS, RowState.LATER)]
    if shown:
        cells = ((row.check, str(row.state), row.title, row.seen) for row in shown)
        yield from table(("CHECK", "STATE", "WHAT", "SEEN"), cells, width_of(sys.stdout))
        yield ""
    for result in standing.checks:
        for finding in result.findings:
            if finding.severity is Severity.BLOCK and finding in stops(standing):
                yield painted(f"{finding.check} {result.title}", Ink.BAD, sys.stdout)
                yield f"  {finding.seen}"
                yield f"  {finding.means}"
                yield f"  → {finding.remedy}"
                yield from (f"    {line}" for line in finding.record.splitlines())
    counts = ", ".join(f"{count} {state}" for state, count in counts_of(rows).items())
    yield f"{counted(len(rows), 'check')}: {counts}"
    if not was_seen(standing):
        zone = standing.evidence.zone if standing.evidence else None
        why = zone.error if zone and zone.error else "no name server answers"
        yield painted(f"DNS couldn't be looked at: {why}", Ink.BAD, sys.stdout)
    elif not stops(standing):
        yield painted("nothing blocks", Ink.GOOD, sys.stdout)
