"""`transship copy`: a job, started and followed; or what it would do."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from transship.errors import BadRequest
from transship.plans.plan import OnConflict
from transship.registry.registry import Visibility
from transship.text import safe
from transship.transfers.job_view import read_job
from transship.transfers.process import start_runner
from transship_tui.commands.documents import job_document
from transship_tui.commands.options import (
    AsJson,
    CaFile,
    Insecure,
    PlainHttp,
    Platforms,
    Referrers,
    adhoc_tls,
    adhoc_words,
)
from transship_tui.commands.output import say, show, show_json
from transship_tui.commands.preview import show_preview
from transship_tui.commands.progress import OnInterrupt, finish, follow
from transship_tui.commands.session import open_session
from transship_tui.commands.standby import taken

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="HOST/REPOSITORY[:TAG or @DIGEST]; without a version every tag is meant. "
        "An alias may stand for HOST, and layout:PATH[//REPOSITORY[:TAG]] is an OCI layout folder.",
    ),
]
Target = Annotated[
    str,
    typer.Argument(metavar="TARGET", help="The same; without a version it takes the source's."),
]


def copy(
    source: Source,
    target: Target,
    platform: Platforms = None,
    referrers: Referrers = True,
    on_conflict: Annotated[
        OnConflict, typer.Option(help="What to do with a tag that exists with another digest.")
    ] = OnConflict.OVERWRITE,
    create_missing: Annotated[
        Visibility | None,
        typer.Option(
            help="Create the project, organization or repository that the target needs first, "
            "where its service can: for whom to pull. Left out, nothing is created."
        ),
    ] = None,
    try_refused: Annotated[
        bool,
        typer.Option(
            "--try-refused",
            help="Try also what the target's service isn't known to take: a kind of manifest, or "
            "a name of that shape.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Start the job and leave it; prints its id.")
    ] = False,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Copy a tag, a digest, or every tag of a repository.

    Digests never change, and what the target has is not sent again. The job goes on if this
    terminal closes. Ctrl-C pauses it.
    """
    if dry_run and detach:
        raise BadRequest("--dry-run starts no job that could be left")
    adhoc = adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca)
    session = open_session(adhoc)
    plan = session.plan(
        source,
        target,
        platforms=platform or (),
        referrers=referrers,
        on_conflict=on_conflict,
        create_missing=create_missing,
        try_refused=try_refused,
    )
    if dry_run:
        return show_preview(session, plan, as_json=as_json)
    accesses = asyncio.run(session.accesses(plan))
    job = session.jobs.create(plan)
    start_runner(job, accesses, taken())
    if detach:
        if as_json:
            show_json(job_document(read_job(job)))
        else:
            show(job.id)
        say(f"it runs by itself; `transship attach {job.id}` follows it")
        return 0
    [wanted] = plan.copies
    say(f"job {job.id}: {safe(str(wanted.source))} → {safe(str(wanted.target))}")
    ended = follow(job, on_interrupt=OnInterrupt.PAUSE)
    return finish(job, ended, as_json=as_json, adhoc=adhoc_words(adhoc))
