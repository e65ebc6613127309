"""`transship cutover`: a domain moved step by step, and back if need be."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from dataclasses import replace
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
from transship.errors import BadRequest, CheckFailed, WritesOff
from transship.text import safe
from transship_tui.commands.asking import ask
from transship_tui.commands.check import (
    BLOCKED,
    FollowedJob,
    FollowedPlan,
    NodeCa,
    Old,
    Public,
    Record,
    Repositories,
    Resolvers,
    last_of,
    show_standing,
    wished_of,
)
from transship_tui.commands.cutover_delta import (
    Loss,
    before_going_back,
    delta_lines,
    keep_tags,
    one_delta,
    status_of,
    way_back_blocked,
)
from transship_tui.commands.cutover_watch import follow_cutover, pull_lines
from transship_tui.commands.cutover_way import statements_of, way_of
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import Ink, painted, say, show, show_json, table, width_of
from transship_tui.commands.session import open_session
from transship_tui.live import LiveEngine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transship.cutover.change.ways import Way
    from transship.cutover.reports.standing import Standing
    from transship_tui.engine_cutover import Wished


class Action(StrEnum):
    """What is to be done."""

    STATUS = "status"
    PLAN = "plan"
    APPLY = "apply"
    WATCH = "watch"
    DELTA = "delta"
    KEEP = "keep"
    ROLLBACK = "rollback"
    REPORT = "report"


def cutover(
    domain: Annotated[
        str, typer.Argument(metavar="DOMAIN", help="The domain, or a cutover's id.")
    ] = "",
    action: Annotated[
        Action, typer.Argument(help="plan begins one; without any: status.")
    ] = Action.STATUS,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEEP", help="keep: old or new, whose image is kept; then each REPOSITORY:TAG."
        ),
    ] = None,
    new: Annotated[str, typer.Option("--to", metavar="HOST", help="plan: the new registry.")] = "",
    old: Old = "",
    resolver: Resolvers = None,
    record: Record = "",
    repository: Repositories = None,
    node_ca: NodeCa = "",
    public: Public = True,
    job: FollowedJob = "",
    plan: FollowedPlan = "",
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
    copy_back: Annotated[
        bool,
        typer.Option(
            "--copy-back", help="rollback: copy to the old registry what it lacks, first."
        ),
    ] = False,
    delta: Annotated[
        bool,
        typer.Option(
            "--delta/--no-delta",
            help="watch: copy to the new registry what is pushed to the old one meanwhile.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="delta: copy without asking.")] = False,
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
    way; by default that is done by hand, and watch sees it. delta copies what was pushed to the old
    registry since; what both have pushed, keep decides. rollback puts the record back.
    Ends with 3 when a check stands in the way.
    """
    _check_words(action, words or ())
    session = open_session()
    engine = LiveEngine(session.paths, session.sources)
    engine.read_only = read_only
    wished = wished_of(
        session,
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
    said = statements_of(answer or (), accept or ())
    loss = Loss(copy_back=copy_back, accepted=accept_loss)

    async def act() -> int:
        async with aclosing(engine):
            if action is Action.PLAN:
                way = await way_of(engine, zone, rfc2136, key, powerdns, route53)
                return await _plan(
                    engine, replace(wished, domain=domain), way, said, as_json=as_json
                )
            if not domain:
                return _list(engine, as_json=as_json)
            name = engine.cutover(domain).name
            for question, text in said:
                engine.answer_cutover(name, question, text)
            acts = {
                Action.WATCH: lambda: follow_cutover(engine, name, as_json=as_json, delta=delta),
                Action.DELTA: lambda: one_delta(engine, name, yes=yes, as_json=as_json),
                Action.APPLY: lambda: _apply(engine, name, confirm),
                Action.ROLLBACK: lambda: _roll_back(engine, name, confirm, loss),
            }
            if action in acts:
                return await acts[action]()
            if action is Action.KEEP:
                return keep_tags(engine, name, words or ())
            if action is Action.REPORT:
                return _report(engine, name, output, as_json=as_json)
            return _status(engine, name, as_json=as_json)

    return asyncio.run(act())


def _check_words(action: Action, words: Sequence[str]) -> None:
    if words and action is not Action.KEEP:
        raise BadRequest(f"{action} takes no more words: {' '.join(words)}")


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
        for line in edit_lines(standing, back=False):
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
    yield from (f"  {line}" for line in pull_lines(standing))
    if standing.rounds:
        yield from (f"  {line}" for line in delta_lines(standing))
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


async def _apply(engine: LiveEngine, name: str, confirm: str) -> int:
    standing = engine.cutover(name)
    if why := waits_for(standing):
        raise CheckFailed(
            f"{standing.subject.domain.host} {why}",
            remedy="See `transship check`, or the board in the app; nothing was changed.",
        )
    for line in edit_lines(standing, back=False):
        say(line)
    _confirmed(standing, confirm)
    show(safe(await engine.change_record(name)))
    say(f"next: transship cutover {standing.subject.domain.name} watch")
    return 0


async def _roll_back(engine: LiveEngine, name: str, confirm: str, loss: Loss) -> int:
    standing = await before_going_back(engine, engine.cutover(name), loss)
    if loss.copy_back and standing.state is State.ROLLED_BACK:
        return status_of(standing)
    why, never = why_not_back(standing), why_never_back(standing)
    for line in edit_lines(standing, back=True):
        say(line)
    if never or (why and not (loss.accepted and standing.way_back)):
        raise way_back_blocked(why, never=bool(never) or standing.way_back is None)
    _confirmed(standing, confirm)
    show(safe(await engine.roll_back_record(name, accept_loss=loss.accepted)))
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


def edit_lines(standing: Standing, *, back: bool) -> Iterator[str]:
    """Give the edit, or its reverse, as lines of a zone file, and what to know of it."""
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
