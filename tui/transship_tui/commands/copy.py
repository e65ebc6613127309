"""`transship copy`: a job, started and followed; or what it would do."""

from __future__ import annotations

from typing import Annotated

import typer

from transship.app import CopyRequest, OnConflict, Visibility
from transship.errors import BadRequest
from transship.text import safe
from transship_tui.commands.options import (
    AsJson,
    CaFile,
    Insecure,
    PlainHttp,
    Platforms,
    Referrers,
    adhoc_tls,
    adhoc_words,
    carried_out,
    open_application,
)
from transship_tui.commands.output import say
from transship_tui.commands.preview import show_preview
from transship_tui.commands.progress import OnInterrupt, finish, follow, leave

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
    app = open_application(adhoc)
    plan = app.copies.plan(
        CopyRequest(
            source,
            target,
            platforms=tuple(platform or ()),
            referrers=referrers,
            on_conflict=on_conflict,
            create_missing=create_missing,
            try_refused=try_refused,
        )
    )
    if dry_run:
        return show_preview(app, plan, as_json=as_json)
    job = carried_out(app, app.jobs.start(plan))
    if detach:
        return leave(app, job, as_json=as_json)
    [wanted] = plan.copies
    say(f"job {job}: {safe(str(wanted.source))} → {safe(str(wanted.target))}")
    ended = follow(app, job, on_interrupt=OnInterrupt.PAUSE)
    return finish(app, job, ended, as_json=as_json, adhoc=adhoc_words(adhoc))
