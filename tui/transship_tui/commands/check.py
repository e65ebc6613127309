"""`transship check`: whether a domain can be moved to another registry, and what would break."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from dataclasses import replace
from itertools import starmap
from typing import TYPE_CHECKING, Annotated

import typer

from transship.app.cutovers import CutoverRequest
from transship.cutover.finding import Severity
from transship.cutover.rules.target import UNASKED
from transship.errors import CheckFailed
from transship.reports.cutover import cutover_document
from transship.text import counted, safe
from transship.views.cutover import (
    CheckRowState,
    check_row_counts,
    check_rows,
    current_blocks,
    unsettled_words,
    was_seen,
    why_not_compared,
)
from transship_tui.commands.options import AsJson, carried_out, open_application
from transship_tui.commands.output import Ink, painted, show, show_json, table, width_of
from transship_tui.commands.status import watched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence

    from transship.app import Application
    from transship.cutover.domain import Subject
    from transship.cutover.status import CutoverStatus

BLOCKED = CheckFailed.exit_status
_UNSEEN = 1
_INKS = {
    CheckRowState.BLOCKS: Ink.BAD,
    CheckRowState.WARN: Ink.WARNING,
    CheckRowState.OPEN: Ink.WARNING,
}

Domains = Annotated[
    list[str],
    typer.Argument(metavar="DOMAIN...", help="The names that images are pulled by; :PORT too."),
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
        help="One that clusters pull: it is tried at the new registry. What is compared stays "
        "everything that --from lists. Can be repeated.",
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
    domain: Domains,
    new: Annotated[str, typer.Option("--to", metavar="HOST", help="The new registry.")],
    old: Old = "",
    resolver: Resolvers = None,
    record: Record = "",
    repository: Repositories = None,
    node_ca: NodeCa = "",
    public: Public = True,
    job: FollowedJob = "",
    plan: FollowedPlan = "",
    strict: Annotated[
        bool,
        typer.Option("--strict", help="End with 3 as well while anything is open or to accept."),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """See whether domains can be moved, and what would break.

    Asks DNS, the new registry under the domain's name, and both for their tags; changes nothing and
    keeps nothing. Several domains are looked at side by side. Ends with 3 when something blocks,
    with 1 when DNS couldn't be looked at, or the tags couldn't be compared although a registry, job
    or plan was named for that. That nothing blocks is no yes while checks are open: see --strict.
    """
    wished = wished_of(
        "",
        new,
        old,
        record,
        resolver,
        repository,
        node_ca,
        public=public,
        job=job,
        plan=plan,
    )
    app = open_application()
    subjects = [
        app.cutovers.checks.subject_of(replace(wished, domain=name))
        for name in dict.fromkeys(domain)
    ]
    standings = carried_out(app, _look(app, subjects))
    if len(standings) == 1:
        return show_standing(standings[0], as_json=as_json, strict=strict)
    return _show_all(standings, as_json=as_json, strict=strict)


def wished_of(
    domain: str,
    new: str,
    old: str,
    record: str,
    resolvers: Sequence[str] | None,
    repositories: Sequence[str] | None,
    node_ca: str,
    *,
    public: bool,
    job: str,
    plan: str,
) -> CutoverRequest:
    """Return what the options say of a cutover."""
    return CutoverRequest(
        domain,
        new,
        old,
        record,
        tuple(resolvers or ()),
        tuple(repositories or ()),
        node_ca,
        public,
        job,
        plan,
    )


async def _look(app: Application, subjects: Sequence[Subject]) -> list[CutoverStatus]:
    """Look at all domains side by side, and say what is being looked at meanwhile."""
    if len(subjects) == 1:
        return [await last_of(app.cutovers.checks.check_once(subjects[0]))]
    looking = [subject.domain.shown or subject.domain.host for subject in subjects]

    async def whole(place: int, subject: Subject) -> CutoverStatus:
        standing = await _ended(app.cutovers.checks.check_once(subject))
        looking[place] = ""
        return standing

    def line() -> str:
        return f"looking: {', '.join(filter(None, looking))}"

    async with watched(line):
        return await asyncio.gather(*starmap(whole, enumerate(subjects)))


async def last_of(standings: AsyncGenerator[CutoverStatus]) -> CutoverStatus:
    """Follow a check to its end, and say what is being looked at meanwhile."""
    checking = ""

    def looked(standing: CutoverStatus) -> None:
        nonlocal checking
        checking = standing.checking

    async with watched(lambda: f"looking: {checking}" if checking else "looking"):
        return await _ended(standings, looked)


async def _ended(
    standings: AsyncGenerator[CutoverStatus], looked: Callable[[CutoverStatus], None] | None = None
) -> CutoverStatus:
    now: CutoverStatus | None = None
    async with aclosing(standings):
        async for now in standings:
            if looked is not None:
                looked(now)
    assert now is not None
    return now


def _show_all(standings: Sequence[CutoverStatus], *, as_json: bool, strict: bool) -> int:
    """Write what was seen of each domain; return the status of the worst."""
    status = max(_status(standing, strict=strict) for standing in standings)
    if as_json:
        show_json({"domains": [_document(standing) for standing in standings]})
        return status
    for standing in standings:
        domain = standing.subject.domain
        show(f"{safe(domain.shown or domain.host)}:")
        show_standing(standing)
        show("")
    return status


def show_standing(standing: CutoverStatus, *, as_json: bool = False, strict: bool = False) -> int:
    """Write every check that isn't settled, and what follows; return the exit status.

    With `strict` what is open, or a warning that nobody has acknowledged, is as what blocks.
    """
    if as_json:
        show_json(_document(standing))
    else:
        for line in _lines(standing):
            show(line)
    return _status(standing, strict=strict)


def _document(standing: CutoverStatus) -> dict[str, object]:
    return cutover_document(standing, standing.evidence.taken if standing.evidence else 0.0)


def _status(standing: CutoverStatus, *, strict: bool) -> int:
    if not was_seen(standing):
        return _UNSEEN
    if current_blocks(standing):
        return BLOCKED
    if why_not_compared(standing):
        return _UNSEEN
    return BLOCKED if strict and unsettled_words(check_rows(standing)) else 0


def _lines(standing: CutoverStatus) -> Iterator[str]:
    rows = check_rows(standing)
    shown = [row for row in rows if row.state not in (CheckRowState.PASS, CheckRowState.LATER)]
    if shown:
        cells = ((row.check, str(row.state), row.title, row.seen) for row in shown)
        yield from table(("CHECK", "STATE", "WHAT", "SEEN"), cells, width_of(sys.stdout))
        yield ""
    for result in standing.checks:
        for finding in result.findings:
            if finding.severity is Severity.BLOCK and finding in current_blocks(standing):
                yield painted(f"{finding.check} {result.title}", Ink.BAD, sys.stdout)
                yield f"  {finding.seen}"
                yield f"  {finding.means}"
                yield f"  → {finding.remedy}"
                yield from (f"    {line}" for line in finding.record.splitlines())
    yield from _unasked(standing)
    counts = ", ".join(f"{count} {state}" for state, count in check_row_counts(rows).items())
    yield f"{counted(len(rows), 'check')}: {counts}"
    if not was_seen(standing):
        zone = standing.evidence.zone if standing.evidence else None
        why = zone.error if zone and zone.error else "no name server answers"
        yield painted(f"DNS couldn't be looked at: {why}", Ink.BAD, sys.stdout)
    elif why := why_not_compared(standing):
        parity = standing.evidence.parity if standing.evidence else None
        which = "not all tags could" if parity and parity.compared else "tags couldn't"
        yield painted(f"{which} be compared: {safe(why)}", Ink.BAD, sys.stdout)
    elif not current_blocks(standing):
        if left := unsettled_words(rows):
            words = f"nothing blocks, which is no yes yet: {left}"
            yield painted(words, Ink.WARNING, sys.stdout)
        else:
            yield painted("nothing blocks, and nothing is open", Ink.GOOD, sys.stdout)


def _unasked(standing: CutoverStatus) -> Iterator[str]:
    """Give what the new registry's service couldn't be asked for, and what to do about it."""
    for result in standing.checks:
        for finding in result.findings:
            if finding.id in UNASKED:
                yield f"{finding.check} {finding.seen}"
                yield f"  → {finding.remedy}"
