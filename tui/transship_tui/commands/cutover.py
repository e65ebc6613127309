"""`transship cutover`: a domain moved step by step, and back if need be."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transship.cutover.progress import State
from transship.cutover.reports.clock_words import clock_lines, way_back_words
from transship.cutover.reports.document import document
from transship.cutover.reports.grid import grid_of
from transship.cutover.reports.rows import waits_for, why_never_back, why_not_back
from transship.cutover.reports.standing import CHANGED
from transship.cutover.reports.writing import Form, form_of, report_text, write_report
from transship.errors import BadRequest, CheckFailed, RollbackBlocked, WritesOff
from transship.text import safe
from transship_tui.commands.asking import ask
from transship_tui.commands.check import (
    BLOCKED,
    NodeCa,
    Old,
    Record,
    Repositories,
    Resolvers,
    last_of,
    show_standing,
)
from transship_tui.commands.cutover_way import statements_of, way_of
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import Ink, painted, say, show, show_json, table, width_of
from transship_tui.commands.session import open_session
from transship_tui.commands.status import watched
from transship_tui.engine_cutover import Wished
from transship_tui.live import LiveEngine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transship.cutover.change.ways import Way
    from transship.cutover.reports.standing import Standing

_DONE = (State.MOVED, State.ROLLED_BACK)


class Action(StrEnum):
    """What is to be done."""

    STATUS = "status"
    PLAN = "plan"
    APPLY = "apply"
    WATCH = "watch"
    ROLLBACK = "rollback"
    REPORT = "report"


def cutover(
    domain: Annotated[
        str, typer.Argument(metavar="DOMAIN", help="The domain, or a cutover's id.")
    ] = "",
    action: Annotated[
        Action, typer.Argument(help="plan begins one; without any: status.")
    ] = Action.STATUS,
    new: Annotated[str, typer.Option("--to", metavar="HOST", help="plan: the new registry.")] = "",
    old: Old = "",
    resolver: Resolvers = None,
    record: Record = "",
    repository: Repositories = None,
    node_ca: NodeCa = "",
    zone: Annotated[str, typer.Option(help="plan: the zone, for what changes it.")] = "",
    rfc2136: Annotated[
        str, typer.Option(metavar="IP[:PORT]", help="plan: change it by dynamic update.")
    ] = "",
    key: Annotated[str, typer.Option(metavar="NAME", help="plan: the TSIG key's name.")] = "",
    powerdns: Annotated[
        str, typer.Option(metavar="URL", help="plan: change it by PowerDNS's API.")
    ] = "",
    route53: Annotated[
        str, typer.Option(metavar="ZONE-ID", help="plan: change it in Route 53.")
    ] = "",
    answer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="QUESTION=ANSWER",
            help="Answer what can't be seen from here; =@FILE for a command's output.",
        ),
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHECK/FINDING=REASON", help="Acknowledge a warning; kept with your name."
        ),
    ] = None,
    confirm: Annotated[
        str, typer.Option(metavar="DOMAIN", help="apply, rollback: the domain, typed once more.")
    ] = "",
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="rollback: although tags get hidden by it.")
    ] = False,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Change no record, whatever is asked.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="report: its file."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Move a domain to another registry, step by step.

    plan keeps a cutover and makes all checks. apply changes the record, if nothing stands in the
    way; by default that is done by hand, and watch sees it. rollback puts the record back.
    Ends with 3 when a check stands in the way.
    """
    session = open_session()
    engine = LiveEngine(session.paths, session.sources)
    engine.read_only = read_only
    wished = Wished(
        domain, new, old, record, tuple(resolver or ()), tuple(repository or ()), node_ca
    )

    said = statements_of(answer or (), accept or ())

    async def act() -> int:
        async with aclosing(engine):
            if action is Action.PLAN:
                way = await way_of(engine, zone, rfc2136, key, powerdns, route53)
                return await _plan(engine, wished, way, said, as_json=as_json)
            if not domain:
                return _list(engine, as_json=as_json)
            name = engine.cutover(domain).name
            for question, text in said:
                engine.answer_cutover(name, question, text)
            if action is Action.WATCH:
                return await _watch(engine, name, as_json=as_json)
            if action is Action.APPLY:
                return await _apply(engine, name, confirm)
            if action is Action.ROLLBACK:
                return await _roll_back(engine, name, confirm, accept_loss=accept_loss)
            if action is Action.REPORT:
                return _report(engine, name, output, as_json=as_json)
            return _status(engine, name, as_json=as_json)

    return asyncio.run(act())


def _list(engine: LiveEngine, *, as_json: bool) -> int:
    standings = engine.cutovers()
    if as_json:
        show_json({"cutovers": [_brief(each) for each in standings]})
        return 0
    if not standings:
        say("no cutovers yet: transship cutover DOMAIN plan --to HOST begins one")
        return 0
    rows = ((str(s.state), s.subject.domain.host, s.subject.points_at, s.name) for s in standings)
    for line in table(("STATE", "DOMAIN", "TO", "ID"), rows, width_of(sys.stdout)):
        show(line)
    return 0


def _brief(standing: Standing) -> dict[str, object]:
    return {
        "id": standing.name,
        "domain": standing.subject.domain.host,
        "old": standing.subject.old or None,
        "new": standing.subject.new,
        "state": str(standing.state),
    }


async def _plan(
    engine: LiveEngine, wished: Wished, way: Way, said: Sequence[tuple[str, str]], *, as_json: bool
) -> int:
    if not wished.domain or not wished.new:
        raise BadRequest("plan needs a domain, and --to with the new registry")
    subject = engine.subject_of(wished)
    name = engine.add_cutover(subject, way)
    for question, text in said:
        engine.answer_cutover(name, question, text)
    standing = await last_of(engine.check_cutover(name))
    status = show_standing(standing, as_json=as_json)
    if not as_json:
        for line in _edit_lines(standing, back=False):
            show(line)
        say(f"kept as {name}; next: transship cutover {subject.domain.name} watch")
    return status


def _status(engine: LiveEngine, name: str, *, as_json: bool) -> int:
    standing = engine.cutover(name)
    if as_json:
        show_json(document(standing, engine.clock.now()))
        return BLOCKED if waits_for(standing) and standing.state not in CHANGED else 0
    for line in _status_lines(standing, engine.clock.now()):
        show(line)
    return 0


def _status_lines(standing: Standing, now: float) -> Iterator[str]:
    yield safe(f"{standing.subject.domain.host}: {standing.state} ({standing.name})")
    if standing.state not in CHANGED:
        yield f"  {waits_for(standing) or 'nothing stands in the way of the change'}"
    for clock in clock_lines(standing, now):
        yield f"  {clock.name}: {clock.words}"
    yield f"  Way back: {way_back_words(standing)[0]}"
    cells = grid_of(standing)
    if cells:
        rows = (
            (c.says, c.name, ", ".join(c.values), str(c.ttl), _row(c.kind, c.moved, c.enough))
            for c in cells
        )
        yield ""
        yield from table(("SAYS", "WHO", "VALUE", "TTL", "NEW"), rows, width_of(sys.stdout))


def _row(kind: str, moved: int, enough: int) -> str:
    return "" if kind == "server" else f"{moved}/{enough}"


async def _watch(engine: LiveEngine, name: str, *, as_json: bool) -> int:
    """Watch until the cutover is over; write each state when it comes."""
    standing: Standing | None = None
    told: State | None = None

    def line() -> str:
        if standing is None:
            return "asking name servers and resolvers"
        now = engine.clock.now()
        clocks = "; ".join(f"{c.name} {c.words}" for c in clock_lines(standing, now))
        return f"{standing.state}: {clocks}"

    async with watched(line), aclosing(engine.watch_cutover(name)) as standings:
        async for standing in standings:
            if standing.state is not told:
                told = standing.state
                if not as_json:
                    show(safe(f"{standing.subject.domain.host}: {told}"))
            if standing.state in _DONE:
                break
    if as_json:
        show_json(document(engine.cutover(name), engine.clock.now()))
    return 0


async def _apply(engine: LiveEngine, name: str, confirm: str) -> int:
    standing = engine.cutover(name)
    if why := waits_for(standing):
        raise CheckFailed(
            f"{standing.subject.domain.host} {why}",
            remedy="See `transship check`, or the board in the app; nothing was changed.",
        )
    for line in _edit_lines(standing, back=False):
        say(line)
    _confirmed(standing, confirm)
    show(safe(await engine.change_record(name)))
    say(f"next: transship cutover {standing.subject.domain.name} watch")
    return 0


async def _roll_back(engine: LiveEngine, name: str, confirm: str, *, accept_loss: bool) -> int:
    standing = engine.cutover(name)
    why = why_not_back(standing)
    for line in _edit_lines(standing, back=True):
        say(line)
    if why_never_back(standing) or (why and not (accept_loss and standing.way_back)):
        raise RollbackBlocked(why)
    _confirmed(standing, confirm)
    show(safe(await engine.roll_back_record(name, accept_loss=accept_loss)))
    return 0


def _confirmed(standing: Standing, confirm: str) -> None:
    """Have the domain typed once more, unless it was given. Raises BadRequest and WritesOff."""
    if standing.applier is not None and standing.applier.why_not:
        raise WritesOff(standing.applier.place)
    if standing.applier is None:
        return  # Nothing is changed from here; the core says so, with the edit.
    domain = standing.subject.domain.name
    if not confirm and sys.stdin.isatty():
        confirm = ask(f"Type {domain} to change its record: ")
    if confirm.strip().lower().rstrip(".") != domain:
        raise BadRequest("the domain wasn't confirmed", remedy=f"Add --confirm {domain}.")


def _edit_lines(standing: Standing, *, back: bool) -> Iterator[str]:
    edit = standing.edit
    if edit is None:
        return
    lines, words = (edit.reverse, edit.reverse_words) if back else (edit.forward, edit.words)
    yield ""
    yield from (painted(f"- {safe(line)}", Ink.BAD, sys.stdout) for line in lines.remove)
    yield from (painted(f"+ {safe(line)}", Ink.GOOD, sys.stdout) for line in lines.add)
    yield from (f"! {safe(note)}" for note in edit.notes)
    if standing.applier is None and words:
        yield f"at {safe(edit.provider.title)}:"
        yield from (f"  {safe(word)}" for word in words)


def _report(engine: LiveEngine, name: str, output: Path | None, *, as_json: bool) -> int:
    standing, now = engine.cutover(name), engine.clock.now()
    if output is None:
        form = Form.JSON if as_json else Form.MD
        sys.stdout.write(report_text(standing, form, now))
    else:
        write_report(standing, output, form_of(output), now, replace=True)
        say(f"the report of {standing.subject.domain.host} is in {output}")
    return 0
