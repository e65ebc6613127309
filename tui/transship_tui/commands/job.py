"""What one job can be told or asked.

Attach, pause, resume, cancel, retry, limit, report, undo, verify.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transship.app import (
    CopyRequest,
    RestoreAction,
    UndoOutcome,
    UndoProgress,
    VerifyProgress,
    held_words,
    left_words,
)
from transship.errors import BadRequest
from transship.oci.digest import short
from transship.reports.job_formats import Form, form_of
from transship.text import bytes_text, counted, safe
from transship_tui.commands.options import (
    AsJson,
    CaFile,
    Insecure,
    JobName,
    PlainHttp,
    Platforms,
    Referrers,
    Verbose,
    adhoc_tls,
    adhoc_words,
    ask,
    carried_out,
    check_dry_run,
    open_application,
)
from transship_tui.commands.output import Ink, painted, say, show, show_json
from transship_tui.commands.progress import OnInterrupt, finish, follow
from transship_tui.commands.status import watched
from transship_tui.watched import watched_words

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from typing import TextIO

    from transship.app import Application, Proof, Restore, UndoPlan, UndoResult


def attach(job: JobName, as_json: AsJson = False, verbose: Verbose = False) -> int:
    """Follow a job to its end. Ctrl-C leaves it running."""
    app = open_application()
    found = app.jobs.identify(job)
    ended = follow(app, found, on_interrupt=OnInterrupt.LEAVE, verbose=verbose)
    return finish(app, found, ended, as_json=as_json, adhoc="")


def pause(job: JobName) -> int:
    """Let a running job come to a stop at its next good point. Twice: at once."""
    jobs = open_application().jobs
    found = jobs.identify(job)
    jobs.pause(found)
    say(f"pausing {found}; `transship resume {found}` goes on")
    return 0


def cancel(job: JobName) -> int:
    """End a job for good. What was copied stays."""
    jobs = open_application().jobs
    found = jobs.identify(job)
    jobs.cancel(found)
    say(f"cancelling {found}; what was copied stays")
    return 0


def resume(
    job: JobName,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Go on with a job that stopped, and follow it.

    It was paused or interrupted. Ctrl-C pauses it again.
    """
    adhoc = adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca)
    app = open_application(adhoc)
    return _go_on(app, job, app.jobs.resume, adhoc_words(adhoc), as_json=as_json)


def retry(
    job: JobName,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Try again what failed in a job, and follow it.

    Both sides are looked at anew for that. Ctrl-C pauses it.
    """
    adhoc = adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca)
    app = open_application(adhoc)
    return _go_on(app, job, app.jobs.retry, adhoc_words(adhoc), as_json=as_json)


def limit(
    job: JobName,
    host: Annotated[
        str, typer.Argument(metavar="HOST", help="A registry of the job, or an account's alias.")
    ],
    rate: Annotated[
        str, typer.Option(metavar="RATE", help="Bytes per second: 20MiB/s; none takes it away.")
    ] = "",
    concurrency: Annotated[
        str, typer.Option(metavar="N", help="Requests at once; none takes the limit away.")
    ] = "",
    window: Annotated[
        str,
        typer.Option(metavar="FROM-TO", help="When anything is moved: 22:00-06:00; none: always."),
    ] = "",
) -> int:
    """Change how hard a job may ask a registry, and when.

    It holds until the job ends, also over a pause. What isn't named stays as it is.
    """
    app = open_application()
    found = app.jobs.identify(job)
    if not (rate or concurrency or window):
        raise BadRequest(
            "say what is to change: --rate, --concurrency or --window",
            remedy=f"For example `transship limit {found} HOST --rate 20MiB/s "
            "--concurrency 4 --window 22:00-06:00`.",
        )
    request = app.jobs.limit_request(host, rate, concurrency, window)
    app.jobs.limit(found, request)
    limits = app.jobs.limits(found)[request.registry]
    words = held_words(limits.rate, limits.concurrency, limits.window)
    say(f"{found}: {request.registry} {f'is held to {words}' if words else 'has no limit'}")
    return 0


def _go_on(
    app: Application,
    job: str,
    start: Callable[[str], Coroutine[None, None, None]],
    adhoc: str,
    *,
    as_json: bool,
) -> int:
    found = app.jobs.identify(job)
    carried_out(app, start(found))
    ended = follow(app, found, on_interrupt=OnInterrupt.PAUSE)
    return finish(app, found, ended, as_json=as_json, adhoc=adhoc)


def report(
    job: JobName,
    form: Annotated[
        Form | None,
        typer.Option("--format", "-f", help="Left out: as the name of FILE ends, else md."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="Write it there."),
    ] = None,
) -> int:
    """Tell what a job was asked, what it did, and the proof.

    For a person (html), a ticket (md) or a script (json). What `transship verify JOB` found last
    is the proof.
    """
    app = open_application()
    found = app.jobs.identify(job)
    form = form or (form_of(output) if output else Form.MD)
    if output is None:
        sys.stdout.writelines(app.jobs.report(found, form))
    else:
        carried_out(app, app.jobs.write_report(found, str(output), form, replace=True))
        say(f"the report of job {found} is in {safe(str(output))}")
    return 0


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
    check_dry_run(dry_run=dry_run, yes=yes)
    app = open_application(adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca))
    found = app.jobs.identify(job)
    plan = carried_out(app, _preview_undo(app, found))
    if dry_run:
        return _show_plan(plan, dry_run=True, as_json=as_json)
    if plan.changing and not yes:
        _check_terminal(found)
        for line in _plan_lines(plan, sys.stderr):
            say(line)
        for file in carried_out(app, app.jobs.conflicting_watchers(found)):
            say(watched_words(file))
        hosts = dict.fromkeys(safe(restore.tag.registry) for restore in plan.changing)
        if ask(f"Undo the job at {', '.join(hosts)}? [y/N] ").lower() not in ("y", "yes"):
            say("nothing was changed")
            return 1
    done = carried_out(app, _undo(app, found, plan))
    if not plan.changing:
        return _show_plan(plan, dry_run=False, as_json=as_json)
    return _show_undone(done, as_json=as_json)


def _check_terminal(job: str) -> None:
    if not sys.stdin.isatty():
        raise BadRequest(
            "There is no terminal to ask on",
            remedy=f"Look at `transship undo {job} --dry-run`, then do it with --yes.",
        )


async def _preview_undo(app: Application, job: str) -> UndoPlan:
    progress = UndoProgress()

    def line() -> str:
        return f"looking: {progress.looked:,} of {counted(progress.tags, 'tag')}"

    async with watched(line):
        return await app.jobs.preview_undo(job, progress)


async def _undo(app: Application, job: str, plan: UndoPlan) -> UndoResult:
    progress = UndoProgress()

    def line() -> str:
        return f"undoing: {progress.restored:,} of {counted(progress.to_restore, 'tag')}"

    async with watched(line):
        return await app.jobs.undo(job, plan, progress)


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


def verify(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE|JOB", help="What was copied, as for copy; or a job.")
    ],
    target: Annotated[
        str | None, typer.Argument(metavar="TARGET", help="Where it was copied to.")
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read and hash every blob at the target as well.")
    ] = False,
    platform: Platforms = None,
    referrers: Referrers = True,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Prove that the target has all of the source.

    Every digest is compared. Asks both sides, and nothing that a job has kept.
    """
    app = open_application(adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca))
    progress = VerifyProgress()
    if target is not None:
        request = CopyRequest(source, target, tuple(platform or ()), referrers)
        proving = app.plans.verify(app.copies.plan(request), progress, deep=deep)
        return show_proof(carried_out(app, watched_proof(proving, progress)), as_json=as_json)
    if platform or not referrers:
        raise BadRequest("A job has its own platforms and referrers; leave the options out")
    job = app.jobs.identify(source)
    proving = app.jobs.verify(job, progress, deep=deep)
    status = show_proof(carried_out(app, watched_proof(proving, progress)), as_json=as_json)
    if not as_json:
        say(f"next: `transship report {job} -o report.html` puts it on paper")
    return status


def show_proof(proof: Proof, *, as_json: bool) -> int:
    """Write what was compared and every difference; return the exit status."""
    if as_json:
        show_json(_verify_document(proof))
    else:
        for line in _lines(proof):
            show(line)
    return 0 if proof.holds else 1


async def watched_proof(proving: Coroutine[None, None, Proof], progress: VerifyProgress) -> Proof:
    """Wait for a proof, and show how far it is."""

    def line() -> str:
        read = f", {bytes_text(progress.bytes_read)} read" if progress.bytes_read else ""
        images, blobs = counted(progress.found, "image"), counted(progress.blobs, "blob")
        return f"comparing: {images} found so far, {blobs} looked at{read}"

    async with watched(line):
        return await proving


def _lines(proof: Proof) -> Iterator[str]:
    for difference in proof.differences:
        problem = painted(str(difference.problem), Ink.BAD, sys.stdout)
        yield f"{problem}  {difference.source} → {difference.target}"
        yield f"  {safe(difference.detail)}"
    images = counted(proof.compared, "image")
    if not proof.holds:
        yield f"{len(proof.differences):,} of {images} differ"
        return
    checked = f"{bytes_text(proof.bytes_read)} read and hashed" if proof.deep else "sizes compared"
    manifests, blobs = counted(proof.manifests, "manifest"), counted(proof.blobs, "blob")
    proven = painted("proven", Ink.GOOD, sys.stdout)
    yield f"{proven}  {images}, every digest the same on both sides"
    yield f"  {manifests} and {blobs} are at the target, {checked}"


def _verify_document(proof: Proof) -> dict[str, object]:
    return {
        "holds": proof.holds,
        "deep": proof.deep,
        "compared": proof.compared,
        "manifests": proof.manifests,
        "blobs": proof.blobs,
        "bytes_read": proof.bytes_read,
        "differences": [
            {
                "source": str(difference.source),
                "target": str(difference.target),
                "problem": str(difference.problem),
                "detail": difference.detail,
            }
            for difference in proof.differences
        ],
    }
