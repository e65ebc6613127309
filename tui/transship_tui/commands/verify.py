"""`transship verify`: the proof that everything has arrived."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from transship.clock import SystemClock
from transship.errors import BadRequest
from transship.operator import this_operator
from transship.text import bytes_text, counted, safe
from transship.transfers.verify import VerifyProgress, store_proof
from transship.transfers.verify import verify_plan as prove
from transship_tui.commands.options import (
    AsJson,
    CaFile,
    Insecure,
    PlainHttp,
    Platforms,
    Referrers,
    adhoc_tls,
)
from transship_tui.commands.output import Ink, painted, say, show, show_json
from transship_tui.commands.session import open_session
from transship_tui.commands.status import watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transship.plans.plan import Plan
    from transship.transfers.verify import Proof
    from transship_tui.commands.session import Session


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
    session = open_session(adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca))
    if target is not None:
        plan = session.plan(source, target, platforms=platform or (), referrers=referrers)
    elif platform or not referrers:
        raise BadRequest("A job has its own platforms and referrers; leave the options out")
    else:
        job = session.jobs.find(source)
        proof = asyncio.run(prove_plan(session, job.plan(), deep=deep))
        store_proof(job, proof, SystemClock().now(), str(this_operator()))
        status = show_proof(proof, as_json=as_json)
        if not as_json:
            say(f"next: `transship report {job.id} -o report.html` puts it on paper")
        return status
    return show_proof(asyncio.run(prove_plan(session, plan, deep=deep)), as_json=as_json)


def show_proof(proof: Proof, *, as_json: bool) -> int:
    """Write what was compared and every difference; return the exit status."""
    if as_json:
        show_json(_document(proof))
    else:
        for line in _lines(proof):
            show(line)
    return 0 if proof.holds else 1


async def prove_plan(session: Session, plan: Plan, *, deep: bool) -> Proof:
    """Compare both sides of a plan, and show how far that is."""
    progress = VerifyProgress()

    def line() -> str:
        read = f", {bytes_text(progress.bytes_read)} read" if deep else ""
        images, blobs = counted(progress.found, "image"), counted(progress.blobs, "blob")
        return f"comparing: {images} found so far, {blobs} looked at{read}"

    async with session.places(plan) as places, watched(line):
        return await prove(plan, places, SystemClock(), deep=deep, progress=progress)


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


def _document(proof: Proof) -> dict[str, object]:
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
