"""`transship run`: a plan, carried out as a job."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transship.errors import BadRequest
from transship.text import safe
from transship.transfers.job_view import read_job
from transship.transfers.process import start_runner
from transship_tui.commands.documents import job_document
from transship_tui.commands.options import (
    AsJson,
    CaFile,
    Insecure,
    PlainHttp,
    PlanName,
    adhoc_tls,
    adhoc_words,
)
from transship_tui.commands.output import say, show, show_json
from transship_tui.commands.progress import OnInterrupt, finish, follow
from transship_tui.commands.session import open_session
from transship_tui.commands.standby import taken

if TYPE_CHECKING:
    from transship.plans.plan import Plan
    from transship.transfers.jobs import Job
    from transship_tui.commands.session import Session


@dataclass(frozen=True, slots=True)
class Listening:
    """What the command line says of notifications."""

    address: str = ""
    secret_file: Path | None = None
    secret_descriptor: int | None = None

    def check(self) -> None:
        """Raise BadRequest when it doesn't go together."""
        given = self.secret_file is not None or self.secret_descriptor is not None
        if given and not self.address:
            raise BadRequest("a shared secret is for --listen ADDRESS:PORT")
        if self.secret_file is not None and self.secret_descriptor is not None:
            raise BadRequest("--secret-file and --secret-fd both give the secret; give it once")


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
    session = open_session(adhoc)
    listening = Listening(listen, secret_file, secret_fd)
    listening.check()
    if watch:
        if detach or as_json:
            raise BadRequest("--watch stays and has no end, so --detach and --json say nothing")
        if trust:
            raise BadRequest("--trust is for one run; with --watch both sides are looked at")
        from transship_tui.commands.watch import watch as watch_plan

        return watch_plan(session, plan, listening, delete=delete)
    if listen:
        raise BadRequest("--listen takes notifications while a plan is watched; add --watch")
    job = _started(session, session.read_plan(plan), delete=delete, trust=trust)
    if detach:
        if as_json:
            show_json(job_document(read_job(job)))
        else:
            show(job.id)
        say(f"it runs by itself; `transship attach {job.id}` follows it")
        return 0
    seen = read_job(job)
    say(f"job {job.id}: {safe(seen.source)} → {safe(seen.target)}")
    ended = follow(job, on_interrupt=OnInterrupt.PAUSE)
    return finish(job, ended, as_json=as_json, adhoc=adhoc_words(adhoc))


def _started(session: Session, plan: Plan, *, delete: bool, trust: bool) -> Job:
    if delete and plan.delete is None:
        raise BadRequest(
            "the plan has no [delete], so --delete says nothing",
            remedy="Write [delete] into the plan; only a replication can have it.",
        )
    accesses = asyncio.run(session.accesses(plan))
    job = session.jobs.create(plan, deletes=delete, trusts=trust)
    start_runner(job, accesses, taken())
    return job
