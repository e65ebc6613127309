"""`transship run`: a plan, carried out as a job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from transship.app import WatchOptions
from transship.errors import BadRequest
from transship.text import safe
from transship_tui.commands.options import (
    AsJson,
    CaFile,
    Insecure,
    PlainHttp,
    PlanName,
    adhoc_tls,
    adhoc_words,
    carried_out,
    open_application,
)
from transship_tui.commands.output import say
from transship_tui.commands.progress import OnInterrupt, finish, follow, leave


def run(
    plan: PlanName,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Start the job and leave it; prints its id.")
    ] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete what the plan's [delete] says, too.")
    ] = False,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust",
            help="Believe the targets to be as the last run left them, and ask the sources only.",
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on, as the plan's [schedule] says.")
    ] = False,
    listen: Annotated[
        str,
        typer.Option(
            metavar="[ADDRESS:]PORT",
            help="With --watch: take notifications of registries here, and copy what was pushed.",
        ),
    ] = "",
    secret_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Where the secret is that senders show; else it is in the keyring.",
        ),
    ] = None,
    secret_fd: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="The same, from a file descriptor that is open."),
    ] = None,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Carry a plan out: once, or with --watch again and again.

    The job goes on if this terminal closes. Ctrl-C pauses it; with --watch it ends the watch.
    """
    adhoc = adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca)
    app = open_application(adhoc)
    options = WatchOptions(delete, listen, secret_file, secret_fd)
    options.check()
    if watch:
        if detach or as_json:
            raise BadRequest("--watch stays and has no end, so --detach and --json say nothing")
        if trust:
            raise BadRequest("--trust is for one run; with --watch both sides are looked at")
        from transship_tui.commands.watch import watch as watch_plan

        return watch_plan(app, plan, options)
    if listen:
        raise BadRequest("--listen takes notifications while a plan is watched; add --watch")
    job = carried_out(app, app.jobs.start(app.plans.read(plan), deletes=delete, trusts=trust))
    if detach:
        return leave(app, job, as_json=as_json)
    seen = app.jobs.find(job)
    say(f"job {job}: {safe(seen.source)} → {safe(seen.target)}")
    ended = follow(app, job, on_interrupt=OnInterrupt.PAUSE)
    return finish(app, job, ended, as_json=as_json, adhoc=adhoc_words(adhoc))
