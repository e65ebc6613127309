"""`transship delegate ways`, `show` and `apply`: who could move a plan, and what is made for it."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from transship.accounts.sign_in import service_at
from transship.engines.choice import EngineKind, EngineOptions, PolicyTermOptions, plain_name
from transship.engines.delegation import plan_delegation, survey_engines
from transship.engines.harbor.policy import TriggerKind
from transship.errors import BadRequest
from transship.plans.advice import question
from transship.text import safe
from transship_tui.commands.engine import (
    REFUSED,
    agreed,
    begin,
    changes_document,
    check_logins,
    host_named,
    lines_of,
    make_agreed,
    nothing_made,
    reached,
    say_refusals,
    show_ended,
)
from transship_tui.commands.options import AsJson, PlanName
from transship_tui.commands.output import say, show, show_json, width_of, wrapped
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transship.engines.choice import EngineChoice
    from transship.engines.delegation import EngineSurvey, PlannedDelegation
    from transship.engines.reach import EngineReach
    from transship_tui.commands.session import Session

WAYS = {
    EngineKind.TRANSSHIP: "Transship's own lanes",
    EngineKind.HARBOR: "the Harbor at one side",
    EngineKind.HARBOR_RELAY: "a Harbor in between",
    EngineKind.TCR_SYNC: "TCR, by rules between two instances",
    EngineKind.TCR_REPLICA: "TCR, by a replica of the instance",
}


class By(StrEnum):
    """Who is to move it, of those that are asked to."""

    HARBOR = "harbor"
    HARBOR_RELAY = "harbor-relay"
    TCR_SYNC = "tcr-sync"
    TCR_REPLICA = "tcr-replica"


ByWho = Annotated[By, typer.Option("--by", help="Who is to move it.")]
Named = Annotated[
    str,
    typer.Option(
        "--name", metavar="NAME", help="What the policy or rule is called; else as the plan."
    ),
]
AtHarbor = Annotated[
    str, typer.Option("--harbor", metavar="HOST", help="The Harbor that relays, or which side's.")
]
BeginsBy = Annotated[
    TriggerKind | None,
    typer.Option("--begins", help="Harbor: what begins it; else the plan's schedule."),
]
CronLine = Annotated[
    str, typer.Option("--cron", metavar="LINE", help="Harbor: six fields, in UTC: 0 0 */2 * * *.")
]
Deletes = Annotated[
    bool, typer.Option("--delete", help="Delete there what is deleted here, too; no bound.")
]
Speed = Annotated[
    int,
    typer.Option("--speed", metavar="KB", help="Harbor: so many KB/s for each task; 0: no limit."),
]
Chunks = Annotated[bool, typer.Option("--chunks", help="Harbor: send blobs in pieces.")]
Single = Annotated[bool, typer.Option("--single", help="Harbor: one execution at a time.")]
Disabled = Annotated[bool, typer.Option("--disabled", help="Harbor: make it, and let it rest.")]
Via = Annotated[
    str, typer.Option("--via", metavar="PROJECT", help="Relay: the project in between.")
]
Adapter = Annotated[
    str, typer.Option("--adapter", metavar="TYPE", help="Harbor: the type of its endpoint.")
]
Uin = Annotated[
    str, typer.Option("--uin", metavar="ID", help="TCR: the account ID of the target's owner.")
]
InstanceId = Annotated[
    str,
    typer.Option("--instance", metavar="ID", help="TCR: the target's id, where no keys see it."),
]
InRegion = Annotated[
    str, typer.Option("--region", metavar="REGION", help="TCR: the target's, or the replica's.")
]
Answers = Annotated[
    list[str] | None,
    typer.Option("--answer", metavar="QUESTION=ANSWER", help="What can't be seen from here."),
]


@dataclass(frozen=True, slots=True)
class _Said:
    """What the line says beside the plan."""

    by: By
    name: str
    harbor: str
    terms: PolicyTermOptions
    via: str
    adapter: str
    uin: str
    instance: str
    region: str


def delegate_ways(plan: PlanName, answer: Answers = None, as_json: AsJson = False) -> int:
    """Show who could move a plan, what that means, and why the others can't.

    Asks the clouds of which there are keys what their instances are; changes nothing.
    """
    session = open_session()
    wanted = session.read_plan(plan)
    every = session.accounts.all()
    harbors = [each.host for each in every if service_at(each).kind == "harbor"]
    answers = list(map(_answer, answer or ()))

    async def look() -> EngineSurvey:
        async with reached(session) as reach:
            return await survey_engines(wanted, reach, harbors=harbors, answers=answers)

    found = asyncio.run(look())
    if as_json:
        show_json(_ways_document(found))
        return 0
    for line in _ways_lines(found, width_of(sys.stdout)):
        show(line)
    for text in found.unknown:
        say(safe(text))
    return 0


def delegate_show(
    plan: PlanName,
    by: ByWho,
    name: Named = "",
    harbor: AtHarbor = "",
    begins: BeginsBy = None,
    cron: CronLine = "",
    delete: Deletes = False,
    speed: Speed = 0,
    chunks: Chunks = False,
    single: Single = False,
    disabled: Disabled = False,
    via: Via = "transship",
    adapter: Adapter = "",
    uin: Uin = "",
    instance: InstanceId = "",
    region: InRegion = "",
    as_json: AsJson = False,
) -> int:
    """Show what would be made at an engine for a plan: created, changed, left. Changes nothing.

    Ends with 3 when something stands in the way.
    """
    session = open_session()
    terms = PolicyTermOptions(begins, cron, delete, speed, chunks, single, not disabled)
    said = _Said(by, name, harbor, terms, via, adapter, uin, instance, region)

    async def look() -> PlannedDelegation:
        async with reached(session) as reach:
            return await _wish(session, reach, plan, said)

    wish = asyncio.run(look())
    if as_json:
        show_json(_wish_document(wish))
    else:
        for line in lines_of(wish.changes, sys.stdout):
            show(line)
    say_refusals(wish.changes)
    return REFUSED if wish.changes.refusals else 0


def delegate_apply(
    plan: PlanName,
    by: ByWho,
    name: Named = "",
    harbor: AtHarbor = "",
    begins: BeginsBy = None,
    cron: CronLine = "",
    delete: Deletes = False,
    speed: Speed = 0,
    chunks: Chunks = False,
    single: Single = False,
    disabled: Disabled = False,
    via: Via = "transship",
    adapter: Adapter = "",
    uin: Uin = "",
    instance: InstanceId = "",
    region: InRegion = "",
    start: Annotated[
        bool, typer.Option("--start", help="Then begin an execution, where the engine can.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask; needed where there is no terminal.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Let an engine move a plan: what would be made is shown, asked about, made and read back.

    Prints the id of the delegation, by which it is followed and undone.
    """
    session = open_session()
    terms = PolicyTermOptions(begins, cron, delete, speed, chunks, single, not disabled)
    said = _Said(by, name, harbor, terms, via, adapter, uin, instance, region)

    async def act() -> int:
        async with reached(session) as reach:
            wish = await _wish(session, reach, plan, said)
            if start and wish.serving.starts is None:
                raise BadRequest(
                    f"{wish.changes.engine} begins by itself, so --start says nothing",
                    remedy="Leave it out.",
                )
            if wish.changes.refusals or not wish.changes.to_make:
                status = nothing_made(wish.changes, _wish_document(wish), as_json=as_json)
                if start and wish.serving.starts is not None and not status:
                    await begin(wish.serving.starts, wish.begins)
                return status
            await check_logins(reach, wish.changes)
            if not agreed(wish.changes, yes=yes, as_json=as_json):
                return 1
            made = await make_agreed(
                session, reach, wish.serving.engine, (wish.who, wish.host), wish.changes
            )
            if start and wish.serving.starts is not None:
                await begin(wish.serving.starts, wish.begins)
            say(_what_next(made, wish, started=start))
            return await show_ended(session, reach, made, as_json=as_json)

    return asyncio.run(act())


def _what_next(identity: str, wish: PlannedDelegation, *, started: bool) -> str:
    if wish.serving.starts is not None and not started:
        return f"`transship delegate start {identity}` begins an execution"
    return f"`transship delegate follow {identity}` follows it"


def _check(said: _Said) -> None:
    """Raise BadRequest for what says nothing to whom is to move it."""
    terms = said.terms
    of_harbor = {
        "--harbor": said.harbor, "--begins": terms.begins, "--cron": terms.cron,
        "--speed": terms.speed, "--chunks": terms.copy_by_chunk, "--single": terms.single_active,
        "--disabled": not terms.enabled, "--adapter": said.adapter,
    }  # fmt: skip
    of_tcr = {"--uin": said.uin, "--instance": said.instance, "--region": said.region}
    foreign: dict[str, object] = dict(of_tcr)
    if said.by in (By.TCR_SYNC, By.TCR_REPLICA):
        foreign = dict(of_harbor)
    if said.by is By.TCR_REPLICA:
        foreign |= {
            "--name": said.name, "--delete": terms.deletion,
            "--uin": said.uin, "--instance": said.instance,
        }  # fmt: skip
    if said.by is not By.HARBOR_RELAY:
        foreign["--via"] = said.via != EngineOptions().via
    if strays := [option for option, value in foreign.items() if value]:
        raise BadRequest(f"{', '.join(strays)}: that says nothing to {said.by}")


async def _wish(session: Session, reach: EngineReach, name: str, said: _Said) -> PlannedDelegation:
    _check(said)
    plan = session.read_plan(name)
    options = EngineOptions(
        name=said.name or plain_name(session.plans.find(name).stem),
        harbor=host_named(session, said.harbor) if said.harbor else "",
        terms=said.terms.terms(plan),
        via=said.via,
        adapter=said.adapter,
        uin=said.uin,
        instance=said.instance,
        region=said.region,
    )
    return await plan_delegation(EngineKind(said.by), plan, reach, options)


def _wish_document(wish: PlannedDelegation) -> dict[str, object]:
    return {"by": str(wish.who), "host": wish.host, **changes_document(wish.changes)}


def _answer(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadRequest(f"{text!r} is no QUESTION=ANSWER")
    return name, value


def _ways_lines(found: EngineSurvey, width: int | None) -> Iterator[str]:
    ends = found.ends
    yield safe(f"{ends.source.registry} ({ends.source.service}) → "
               f"{ends.target.registry} ({ends.target.service})")  # fmt: skip
    for way in found.ways:
        yield ""
        yield f"{way.who}: {WAYS[way.who]}"
        if way.obstacle:
            yield from wrapped(way.obstacle, "  ", width, "no: ")
            yield from wrapped(way.instead, "  ", width, "    ")
            continue
        means = (way.means.freshness, way.means.filters, way.means.deletes, way.means.logins)
        for title, text in zip(("fresh", "takes", "deletes", "logins"), means, strict=True):
            yield from wrapped(text, "  ", width, f"{title + ':':9}")
        for asked in _questions(way, found):
            yield from wrapped(asked, "  ", width, "not known: ")


def _questions(way: EngineChoice, found: EngineSurvey) -> Sequence[str]:
    asked = ((name, question(name, found.ends)) for name in way.asks)
    return [f"{each.words} --answer {name}=" + "|".join(choice.value for choice in each.choices)
            for name, each in asked if each is not None]  # fmt: skip


def _ways_document(found: EngineSurvey) -> dict[str, object]:
    return {
        "source": found.ends.source.registry,
        "target": found.ends.target.registry,
        "ways": [
            {
                "by": str(way.who),
                "possible": way.is_possible,
                "obstacle": way.obstacle,
                "instead": way.instead,
                "freshness": way.means.freshness,
                "filters": way.means.filters,
                "deletes": way.means.deletes,
                "logins": way.means.logins,
                "questions": list(way.asks),
            }
            for way in found.ways
        ],
        "unknown": list(found.unknown),
    }
