"""`transship delegate quick`: all of a TCR Personal account to an instance, in one go."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from transship.engines.choice import OtherEngineKind
from transship.engines.delegation import plan_quick_transfer_between
from transship.engines.tcr.quick_transfer import QuickTransferTerms
from transship.errors import BadRequest
from transship.plans.plan import OnConflict
from transship.registry.registry import Visibility
from transship.text import counted, safe
from transship.transfers.job_view import read_job
from transship.transfers.process import start_runner
from transship_tui.commands.delegate_made import Yes
from transship_tui.commands.delegate_shown import (
    REFUSED,
    agreed,
    changes_document,
    host_named,
    lines_of,
    make_agreed,
    reached,
    say_refusals,
)
from transship_tui.commands.documents import job_document
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import say, say_problem, show, show_json, width_of, wrapped
from transship_tui.commands.progress import OnInterrupt, finish, follow, status_of
from transship_tui.commands.session import open_session
from transship_tui.commands.standing_by import taken
from transship_tui.commands.status import watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TextIO

    from transship.engines.tcr.inventory import ListGap
    from transship.engines.tcr.quick_transfer import QuickTransfer, TargetCollision
    from transship.registry.access import Access
    from transship.transfers.job_view import JobView
    from transship.transfers.jobs import Job
    from transship_tui.commands.session import Session

_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class _Agreed:
    """What was said yes to and is made, and what it takes to copy the images; or why not.

    `delegation` is empty where nothing had to be made. Without `accesses` nothing is copied: the
    command ends with `status`.
    """

    found: QuickTransfer
    delegation: str = ""
    accesses: tuple[Access, ...] | None = None
    status: int = 0


def delegate_quick(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="The host of the personal account (CCR).")
    ],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A domain of the instance.")],
    newest: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Of each repository the N tags pushed last."),
    ] = None,
    on_conflict: Annotated[
        OnConflict, typer.Option(help="What to do with a tag that is there with another digest.")
    ] = OnConflict.FAIL,
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="Call this namespace so; can be repeated."),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMESPACE", help="Leave it behind; can be repeated."),
    ] = None,
    visibility: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMESPACE=WHO", help="Make it public or private; can be repeated."),
    ] = None,
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="Move what could be listed, without the rest.")
    ] = False,
    expose: Annotated[
        bool, typer.Option("--expose", help="Private images may become public, where it says so.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be made and copied; do nothing.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Start the copy and leave it; prints its id.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Move all of a TCR Personal account to an instance of TCR.

    Namespaces with their visibility, repositories with their descriptions, and every tag: what
    would be made and copied is shown and asked about, the namespaces are made, then a job of
    Transship's own copies the images. What couldn't be listed is named, and stops it (exit status
    3). Run it again to go on: what is there already is left.
    """
    if dry_run and detach:
        raise BadRequest("--dry-run starts no job that could be left")
    session = open_session()
    terms = QuickTransferTerms(
        newest=newest,
        on_conflict=on_conflict,
        names=_pairs(rename, "OLD=NEW"),
        leave_out=frozenset(leave_out or ()),
        visibility={
            name: _visibility(who)
            for name, who in _pairs(visibility, "NAMESPACE=public|private").items()
        },
        incomplete=incomplete,
        expose=expose,
    )
    hosts = host_named(session, source), host_named(session, target)
    if dry_run:
        return _shown(asyncio.run(_found(session, hosts, terms)), as_json=as_json)
    made = asyncio.run(_made(session, hosts, terms, yes=yes))
    if made.accesses is None or made.found.plan is None:
        if as_json:
            show_json(_document(made.found, made.delegation))
        return made.status
    job = session.jobs.create(made.found.plan)
    start_runner(job, list(made.accesses), taken())
    say(f"job {job.id}: {safe(hosts[0])} → {safe(hosts[1])}")
    return _followed(job, made, detach=detach, as_json=as_json)


async def _found(
    session: Session, hosts: tuple[str, str], terms: QuickTransferTerms
) -> QuickTransfer:
    async with reached(session) as reach:
        looked = _Looked()
        async with watched(looked.line):
            _, found = await plan_quick_transfer_between(*hosts, reach, terms, looked.note)
        return found


async def _made(
    session: Session, hosts: tuple[str, str], terms: QuickTransferTerms, *, yes: bool
) -> _Agreed:
    """Show, ask, and make what the copy needs first. Logins are asked for before that."""
    async with reached(session) as reach:
        looked = _Looked()
        async with watched(looked.line):
            spaces, found = await plan_quick_transfer_between(*hosts, reach, terms, looked.note)
        changes, plan = found.changes, found.plan
        if changes.refusals:
            _say_shown(found)
            say_refusals(changes)
            return _Agreed(found, status=REFUSED)
        if not changes.to_make and plan is None:
            _say_shown(found)
            say("there is nothing to move")
            return _Agreed(found)
        accesses = tuple(await session.accesses(plan)) if plan is not None else None
        for line in _told(found, sys.stderr):
            say(line)
        then = f"copy {counted(found.tags, 'tag')}" if plan is not None else ""
        if not agreed(changes, yes=yes, then=then):
            return _Agreed(found, status=1)
        identity = ""
        if changes.to_make:
            identity = await make_agreed(
                session, reach, spaces, (OtherEngineKind.QUICK, hosts[1]), changes
            )
            say(f"made; `transship delegate undo {identity}` takes back what is empty")
        return _Agreed(found, identity, accesses)


def _followed(job: Job, made: _Agreed, *, detach: bool, as_json: bool) -> int:
    """Follow the job that copies, or leave it, and return the exit status."""
    if detach:
        if as_json:
            show_json(_document(made.found, made.delegation, read_job(job)))
        else:
            show(job.id)
        say(f"it runs by itself; `transship attach {job.id}` follows it")
        return 0
    ended = follow(job, on_interrupt=OnInterrupt.PAUSE)
    if not as_json or ended is None:
        return finish(job, ended, as_json=False)
    show_json(_document(made.found, made.delegation, ended))
    if ended.problem is not None:
        say_problem(*ended.problem)
    return REFUSED if ended.stopped else status_of(ended)


class _Looked:
    """How far the listing is."""

    def __init__(self) -> None:
        self._done, self._all = 0, 0

    def note(self, done: int, every: int) -> None:
        """Take note of it."""
        self._done, self._all = done, every

    def line(self) -> str:
        """Return it in words."""
        if not self._all:
            return "listing: namespaces and repositories"
        return f"listing: tags of {self._done:,} of {self._all:,} repositories"


def _shown(found: QuickTransfer, *, as_json: bool) -> int:
    if as_json:
        show_json(_document(found))
    else:
        for line in (*_told(found, sys.stdout), *lines_of(found.changes, sys.stdout)):
            show(line)
    say_refusals(found.changes)
    return REFUSED if found.changes.refusals else 0


def _say_shown(found: QuickTransfer) -> None:
    for line in (*_told(found, sys.stderr), *lines_of(found.changes, sys.stderr)):
        say(line)


def _told(found: QuickTransfer, stream: TextIO) -> Iterator[str]:
    """Give what would be copied."""
    width = width_of(stream)
    repositories = counted(found.repositories, "repository", "repositories")
    would = "would be copied" if found.plan is not None else "were found"
    yield f"{counted(found.tags, 'tag')} of {repositories} {would}"
    if found.empty:
        yield from wrapped(f"without a tag: {_named(found.empty)}", "", width)
    yield ""


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMED
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} and {more:,} more" if more > 0 else shown


def _pairs(texts: Iterable[str] | None, form: str) -> Mapping[str, str]:
    pairs = [text.partition("=") for text in texts or ()]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise BadRequest(f"{name}{equals}{value!s} is no {form}")
    return {name: value for name, _, value in pairs}


def _visibility(word: str) -> Visibility:
    try:
        return Visibility(word)
    except ValueError:
        raise BadRequest(
            f"{word!r} is no visibility", remedy=f"Say {' or '.join(Visibility)}."
        ) from None


def _document(
    found: QuickTransfer, delegation: str = "", job: JobView | None = None
) -> dict[str, object]:
    copying = {"job": None} if job is None else job_document(job)
    return {
        **changes_document(found.changes),
        "repositories": found.repositories,
        "tags": found.tags,
        "empty": list(found.empty),
        "gaps": list(map(_gap_entry, found.gaps)),
        "collisions": list(map(_collision_entry, found.collisions)),
        "delegation": delegation or None,
        **copying,
    }


def _gap_entry(gap: ListGap) -> dict[str, object]:
    return {"what": gap.what, "of": gap.of, "cause": gap.why.cause, "detail": gap.why.detail}


def _collision_entry(collision: TargetCollision) -> dict[str, object]:
    return {
        "repository": collision.repository,
        "both": None if collision.both is None else sorted(collision.both),
        "only_there": None if collision.there is None else sorted(collision.there),
    }
