"""`transship cutover`: a domain moved step by step, and back if need be."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transship.app.application import Application
from transship.cutover.progress import CutoverState
from transship.cutover.status import CHANGED_STATES
from transship.errors import BadRequest
from transship.reports.cutover import (
    CutoverReportForm,
    cutover_document,
    cutover_report_form,
    cutover_report_text,
    write_cutover_report,
)
from transship.text import safe
from transship.views.cutover import (
    clock_lines,
    grid_cells,
    observed_words,
    rollback_words,
    waits_for,
)
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
from transship_tui.commands.cutover_change import (
    apply_change,
    edit_lines,
    next_step,
    roll_back,
)
from transship_tui.commands.cutover_delta import Loss, delta_lines, keep_tags, one_delta
from transship_tui.commands.cutover_watch import follow_cutover, pull_lines
from transship_tui.commands.cutover_way import (
    WayOptions,
    check_accepted,
    keep_tried_key,
    statements_of,
    take_key,
    way_of,
)
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import say, show, show_json, table, width_of
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transship.app.cutovers import CutoverRequest
    from transship.cutover.change.settings import ProviderSettings
    from transship.cutover.domain import Subject
    from transship.cutover.status import CutoverStatus


_TO_COME = (CutoverState.BEFORE, CutoverState.READY)


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
    key_file: Annotated[
        str,
        typer.Option(
            "--key-file",
            metavar="FILE",
            help="plan, apply, rollback: the secret of the TSIG or API key; - for the input.",
        ),
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
    Ends with 3 when a check stands in the way, with 1 when the record isn't everywhere what it
    should be.
    """
    _check_words(action, words or ())
    session = open_session()
    engine = Application(session.paths, session.sources)
    engine.cutovers.read_only = read_only
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
    options = WayOptions(zone, rfc2136, key, powerdns, route53)
    loss = Loss(copy_back=copy_back, accepted=accept_loss)

    async def act() -> int:
        async with aclosing(engine):
            if action is Action.PLAN:
                asked = _Asked(replace(wished, domain=domain), options, key_file, said)
                return await _plan(engine, asked, as_json=as_json)
            if not domain:
                return _list(engine, as_json=as_json)
            standing = engine.cutovers.find(domain)
            name = standing.name
            check_accepted(standing, said)
            for question, text in said:
                engine.cutovers.answer(name, question, text)
            await take_key(engine, name, key_file)
            acts = {
                Action.WATCH: lambda: follow_cutover(engine, name, as_json=as_json, delta=delta),
                Action.DELTA: lambda: one_delta(engine, name, yes=yes, as_json=as_json),
                Action.APPLY: lambda: apply_change(engine, name, confirm, as_json=as_json),
                Action.ROLLBACK: lambda: roll_back(engine, name, confirm, loss, as_json=as_json),
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


def _list(engine: Application, *, as_json: bool) -> int:
    standings = engine.cutovers.all()
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


def _brief(standing: CutoverStatus) -> dict[str, object]:
    return {
        "id": standing.name,
        "domain": standing.subject.domain.host,
        "old": standing.subject.old or None,
        "new": standing.subject.new,
        "state": str(standing.state),
    }


@dataclass(frozen=True, slots=True)
class _Asked:
    """What `plan` was told."""

    wished: CutoverRequest
    way: WayOptions
    key_file: str
    said: Sequence[tuple[str, str]]


async def _plan(engine: Application, asked: _Asked, *, as_json: bool) -> int:
    if not asked.wished.domain or not asked.wished.new:
        raise BadRequest("plan needs a domain, and --to with the new registry")
    subject = engine.cutovers.checks.subject_of(asked.wished)
    way = way_of(asked.way, subject.domain.name)
    await keep_tried_key(engine, way, subject.domain.name, asked.key_file)
    name = _kept(engine, subject, way)
    for question, text in asked.said:
        engine.cutovers.answer(name, question, text)
    standing = await last_of(engine.cutovers.checks.check(name))
    status = show_standing(standing, as_json=as_json)
    try:
        check_accepted(standing, asked.said)
    except BadRequest as error:
        say(f"an acknowledgement of nothing that was found: {error.detail}. {error.remedy}")
    if not as_json:
        for line in edit_lines(standing, back=False):
            show(line)
        say(f"kept as {name}; next: {next_step(standing)}")
    return status


def _kept(engine: Application, subject: Subject, way: ProviderSettings) -> str:
    """Keep a cutover, and return its name.

    The domain's newest is taken again if it is the same, and its change is still to come.
    """
    mine = (each for each in engine.cutovers.all() if each.subject.domain == subject.domain)
    newest = next(mine, None)
    if newest is None:
        return engine.cutovers.add(subject, way)
    same = not newest.problem and newest.subject == subject and newest.state in _TO_COME
    if same and engine.cutovers.changes.provider(newest.name) == way:
        say(f"{newest.name} is the same, and is looked at anew")
        return newest.name
    name = engine.cutovers.add(subject, way)
    say(f"{newest.name} ({newest.state}) is a cutover of this domain too, and stays")
    say(f"by the domain {name} is meant from here on; the other one by that id")
    return name


def _status(engine: Application, name: str, *, as_json: bool) -> int:
    standing = engine.cutovers.find(name)
    if as_json:
        show_json(cutover_document(standing, engine.clock.now()))
        return BLOCKED if waits_for(standing) and standing.state not in CHANGED_STATES else 0
    for line in _status_lines(standing, engine.clock.now()):
        show(line)
    return 0


def _status_lines(standing: CutoverStatus, now: float) -> Iterator[str]:
    yield safe(f"{standing.subject.domain.host}: {standing.state} ({standing.name})")
    if standing.state not in CHANGED_STATES:
        yield f"  {waits_for(standing) or 'nothing stands in the way of the change'}"
        yield f"  {observed_words(standing, now)}"
    for clock in clock_lines(standing, now):
        yield f"  {clock.name}: {clock.words}"
    yield from (f"  {line}" for line in pull_lines(standing))
    if standing.rounds:
        yield from (f"  {line}" for line in delta_lines(standing))
    yield f"  Way back: {rollback_words(standing)[0]}"
    cells = grid_cells(standing)
    if cells:
        rows = (
            (c.says, c.name, ", ".join(c.values), str(c.ttl), _row(c.kind, c.moved, c.enough))
            for c in cells
        )
        yield ""
        yield from table(("SAYS", "WHO", "VALUE", "TTL", "NEW"), rows, width_of(sys.stdout))


def _row(kind: str, moved: int, enough: int) -> str:
    return "" if kind == "server" else f"{moved}/{enough}"


def _report(engine: Application, name: str, output: Path | None, *, as_json: bool) -> int:
    standing, now = engine.cutovers.find(name), engine.clock.now()
    if output is None:
        form = CutoverReportForm.JSON if as_json else CutoverReportForm.MD
        sys.stdout.write(cutover_report_text(standing, form, now))
    else:
        write_cutover_report(standing, output, cutover_report_form(output), now, replace=True)
        say(f"the report of {standing.subject.domain.host} is in {output}")
    return 0
