"""`transship undo`: a job's tags, put back to what they pointed at before it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from transship.clock import SystemClock
from transship.errors import BadRequest, TransshipError
from transship.oci.digest import short
from transship.oci.reference import Reference
from transship.operator import this_operator
from transship.registry.access import open_registry
from transship.text import counted, safe
from transship.transfers.undo import (
    RestoreAction,
    UndoOutcome,
    UndoProgress,
    left_words,
    preview_undo,
)
from transship.transfers.undo import undo_job as carry_out
from transship.watch.record import conflicting_watchers
from transship_tui.commands.asking import ask
from transship_tui.commands.options import (
    AsJson,
    CaFile,
    Insecure,
    JobName,
    PlainHttp,
    adhoc_tls,
)
from transship_tui.commands.output import Ink, painted, say, show, show_json
from transship_tui.commands.session import open_session
from transship_tui.commands.status import watched
from transship_tui.watched import watched_words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from typing import TextIO

    from transship.plans.plan import Plan
    from transship.registry.registry import Registry
    from transship.transfers.jobs import Job
    from transship.transfers.undo import Restore, UndoPlan, UndoResult
    from transship_tui.commands.session import Session

_ACTS = {
    RestoreAction.PUT_BACK: ("put back", Ink.GOOD),
    RestoreAction.TAKE_AWAY: ("take away", Ink.WARNING),
    RestoreAction.UNLIST: ("unlist", Ink.WARNING),
    RestoreAction.MOVED: ("left", Ink.BAD),
    RestoreAction.UNKNOWN: ("left", Ink.BAD),
}
_COLUMN = 9


def undo(
    job: JobName,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be put back, and do nothing.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask; needed where there is no terminal.")
    ] = False,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Put back what each tag pointed at before a job.

    Tags that the job made go; tags that it deleted come back. What somebody moved since is left,
    and named; so is a tag that the registry didn't show before the job wrote it. Images that it
    copied stay at the registry, without their tags, and so does what it created for them to be in.
    """
    session = open_session(adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca))
    found = session.jobs.find(job)
    plan = asyncio.run(_foresee(session, found))
    if dry_run:
        return _show_plan(plan, dry_run=True, as_json=as_json)
    if plan.changing and not yes:
        _check_terminal(found)
        for line in _plan_lines(plan, sys.stderr):
            say(line)
        for file in conflicting_watchers(found.plan(), session.paths.watches, session.reference):
            say(watched_words(file))
        hosts = dict.fromkeys(safe(restore.tag.registry) for restore in plan.changing)
        if ask(f"Undo the job at {', '.join(hosts)}? [y/N] ").lower() not in ("y", "yes"):
            say("nothing was changed")
            return 1
    done = asyncio.run(_undo(session, found, plan))
    if not plan.changing:
        return _show_plan(plan, dry_run=False, as_json=as_json)
    return _show_undone(done, as_json=as_json)


def _check_terminal(job: Job) -> None:
    if not sys.stdin.isatty():
        raise BadRequest(
            "There is no terminal to ask on",
            remedy=f"Look at `transship undo {job.id} --dry-run`, then do it with --yes.",
        )


async def _foresee(session: Session, job: Job) -> UndoPlan:
    progress = UndoProgress()

    def line() -> str:
        return f"looking: {progress.looked:,} of {counted(progress.tags, 'tag')}"

    async with _places(session, job.plan()) as places, watched(line):
        return await preview_undo(job, places, progress)


async def _undo(session: Session, job: Job, plan: UndoPlan) -> UndoResult:
    progress = UndoProgress()

    def line() -> str:
        return f"undoing: {progress.restored:,} of {counted(progress.to_restore, 'tag')}"

    async with _places(session, job.plan()) as places, watched(line):
        return await carry_out(job, plan, places, SystemClock(), str(this_operator()), progress)


@asynccontextmanager
async def _places(session: Session, plan: Plan) -> AsyncIterator[dict[str, Registry]]:
    """Open the targets, and the sources as far as that can be done: they are asked last."""
    targets = {target.registry for target in plan.targets}
    async with AsyncExitStack() as stack:
        places: dict[str, Registry] = {}
        for reference in plan.places:
            try:
                access = await session.access(reference)
                place = open_registry(Reference(access.host), access)
            except TransshipError:
                if reference.registry in targets:
                    raise
                continue
            places[access.host] = await stack.enter_async_context(aclosing(place))
        yield places


def _show_plan(plan: UndoPlan, *, dry_run: bool, as_json: bool) -> int:
    """Write what an undo would do, or that there is nothing to do; return the exit status."""
    if as_json:
        show_json(_document(plan, [UndoOutcome(restore) for restore in plan.restores], done=False))
    else:
        for line in _plan_lines(plan, sys.stdout):
            show(line)
        show("nothing was changed" if dry_run else "there is nothing to undo")
    return 1 if plan.left else 0


def _plan_lines(plan: UndoPlan, stream: TextIO) -> Iterator[str]:
    for restore in plan.restores:
        if restore.act in _ACTS:
            word, ink = _ACTS[restore.act]
            yield f"{painted(word.ljust(_COLUMN), ink, stream)}  {_restore_words(restore)}"
    already = plan.counts.get(RestoreAction.ALREADY, 0)
    if already:
        yield f"{counted(already, 'tag')} already as before the job"
    if plan.stays:
        what = counted(len(plan.stays), "manifest")
        yield f"{what} that the job wrote by digest can still be found there: no tag names them,"
        yield "  but what they refer to leads to them"
    for creation in plan.created:
        yield safe(f"{creation.target}: {creation}, which the job created, stays")
    if plan.changing and not plan.state.ended:
        yield f"the job is {plan.state}; its undo ends it for good"
    if plan.changing:
        yield "what the job copied stays at the registry, until that clears away what has no tag"


def _restore_words(restore: Restore) -> str:
    tag = safe(str(restore.tag))
    if restore.act is RestoreAction.PUT_BACK:
        now = short(restore.now) if restore.now else "no tag"
        return f"{tag}  {now} → {short(restore.previous or '')}"
    if restore.act is RestoreAction.TAKE_AWAY:
        return f"{tag}  {short(restore.now or '')}, which the job brought; there was no tag"
    if restore.act is RestoreAction.UNLIST:
        return f"{tag}  {counted(len(restore.listed), 'referrer')} of the job off the list"
    return f"{tag}\n{' ' * _COLUMN}  {safe(left_words(restore))}"


def _show_undone(undone: UndoResult, *, as_json: bool) -> int:
    """Write what became of each tag that isn't as before, and how many are."""
    if as_json:
        show_json(_document(undone.plan, undone.outcomes, done=True))
    else:
        for line in _undone_lines(undone):
            show(line)
        say(f"`transship verify {undone.plan.job}` names how the sides differ again")
    return 1 if undone.open else 0


def _undone_lines(undone: UndoResult) -> Iterator[str]:
    for outcome in undone.open:
        word = str(outcome.restored).ljust(_COLUMN)
        yield f"{painted(word, Ink.BAD, sys.stdout)}  {safe(str(outcome.restore.tag))}"
        yield f"  {safe(outcome.words)}"
        if outcome.error is not None:
            yield f"  → {safe(outcome.error.remedy)}"
    acts = [each.restore.act for each in undone.outcomes if each not in undone.open]
    done = (
        (RestoreAction.PUT_BACK, "put back"),
        (RestoreAction.TAKE_AWAY, "taken away"),
        (RestoreAction.UNLIST, "lists cleared"),
        (RestoreAction.ALREADY, "already so"),
    )
    parts = [f"{acts.count(act):,} {words}" for act, words in done if act in acts]
    parts += [f"{len(undone.open):,} not restored"] * bool(undone.open)
    word, ink = ("undone", Ink.GOOD) if not undone.open else ("partly undone", Ink.BAD)
    yield f"{painted(word, ink, sys.stdout)}  {', '.join(parts)}"


def _document(plan: UndoPlan, outcomes: Sequence[UndoOutcome], *, done: bool) -> dict[str, object]:
    return {
        "undo": {
            "job": plan.job,
            "done": done,
            "complete": all(not outcome.words for outcome in outcomes),
            "tags": [_entry(outcome, done=done) for outcome in outcomes],
            "stays": [str(reference) for reference in plan.stays],
            "created": [
                {
                    "registry": creation.target,
                    "kind": creation.missing.kind,
                    "name": creation.missing.name,
                }
                for creation in plan.created
            ],
        }
    }


def _entry(outcome: UndoOutcome, *, done: bool) -> dict[str, object]:
    restore, error = outcome.restore, outcome.error
    return {
        "tag": str(restore.tag),
        "act": str(restore.act),
        "now": restore.now,
        "previous": restore.previous,
        "wrote": restore.wrote,
        "unlisted": list(restore.listed),
        "result": str(outcome.restored) if done else None,
        "detail": outcome.words,
        "cause": error.cause if error else None,
        "remedy": error.remedy if error else None,
    }
