"""`transship promote`: an image from one stage of a flow to the next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from transship.clock import SystemClock
from transship.oci.digest import short
from transship.operator import this_operator
from transship.plans.flow import parse_image, read_flow
from transship.text import bytes_text, safe
from transship.transfers.copies import Verdict
from transship.transfers.preview import preview_plan
from transship.transfers.process import start_runner
from transship.transfers.promotion import (
    consider_promotion,
    open_history,
    settle_promotions,
    start_promotion,
)
from transship_tui.commands.documents import job_document
from transship_tui.commands.foreseen import short_name
from transship_tui.commands.options import (
    AsJson,
    CaFile,
    Insecure,
    PlainHttp,
    adhoc_tls,
    adhoc_words,
)
from transship_tui.commands.output import say, show, show_json
from transship_tui.commands.progress import OnInterrupt, finish, follow, status_of
from transship_tui.commands.session import open_session
from transship_tui.commands.stages import FlowFile, promotion_document, stage_places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transship.oci.digest import Digest
    from transship.plans.flow import Flow, Image
    from transship.registry.access import Access
    from transship.transfers.copies import Worklist
    from transship.transfers.promotion import Promotion
    from transship_tui.commands.session import Session


def promote(
    flow: FlowFile,
    ref: Annotated[
        str,
        typer.Argument(
            metavar="REF",
            help="REPOSITORY:TAG as it is below the stages; @DIGEST says what it must point at.",
        ),
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="STAGE", help="The stage; the one before it is read.")
    ],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Let the tag move if the stage has another digest.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Move an image to the next stage of a flow, by digest.

    What refers to it goes along. No stage is skipped, and who did it is kept. Ctrl-C pauses it.
    """
    adhoc = adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca)
    session = open_session(adhoc)
    stages = read_flow(session.plans.find(flow), session.reference)
    image, digest = parse_image(ref)
    looking = _look(session, stages, image, digest, to, overwrite=overwrite, dry_run=dry_run)
    promotion, worklist, accesses = asyncio.run(looking)
    if worklist is not None:
        return _show_dry_run(promotion, worklist, as_json=as_json)
    say("\n".join(_lines(promotion)))
    with open_history(session.paths.flows, stages.name, stages.file) as ledger:
        job = start_promotion(
            promotion,
            session.jobs,
            ledger,
            this_operator(),
            SystemClock(),
            lambda job: start_runner(job, accesses),
        )
        ended = follow(job, on_interrupt=OnInterrupt.PAUSE)
        entries = settle_promotions(ledger, session.jobs)
    if as_json and ended is not None:
        entry = next(entry for entry in entries if entry.job == job.id)
        show_json({"promotion": promotion_document(entry)} | job_document(ended))
        return status_of(ended)
    return finish(job, ended, as_json=as_json, adhoc=adhoc_words(adhoc))


async def _look(
    session: Session,
    flow: Flow,
    image: Image,
    digest: Digest | None,
    to: str,
    *,
    overwrite: bool,
    dry_run: bool,
) -> tuple[Promotion, Worklist | None, list[Access]]:
    """Return the promotion, what its job would do if only that is asked, and how to get there."""
    clock = SystemClock()
    async with stage_places(session, flow) as places:
        promotion = await consider_promotion(
            flow, image, to, places, digest=digest, overwrite=overwrite
        )
        plan = promotion.plan()
        seen = await preview_plan(plan, places, clock) if dry_run else None
    return promotion, seen.worklist if seen else None, await session.accesses(plan)


def _lines(promotion: Promotion) -> Iterator[str]:
    begins, ends = safe(promotion.begins.name), safe(promotion.ends.name)
    yield f"{promotion.image}  {begins} → {ends}  {short(promotion.digest)}"
    if promotion.is_there:
        yield f"  {ends} has it already; what refers to it is looked at"
    elif promotion.replaced:
        yield f"  {promotion.digest}"
        yield f"  replaces {promotion.replaced}"


def _show_dry_run(promotion: Promotion, worklist: Worklist, *, as_json: bool) -> int:
    """Write what a promotion would do; return the exit status that it would come to."""
    if as_json:
        show_json(_dry_document(promotion, worklist))
    else:
        for line in _lines(promotion):
            show(line)
        for copy in worklist.copies:
            show(f"  {copy.verdict:9} {short_name(copy.target)}  {safe(copy.reason)}".rstrip())
        to_move, total = bytes_text(worklist.bytes_to_move), bytes_text(worklist.bytes_total)
        show(f"{to_move} to send, of {total}")
        show("nothing was written")
    stopped = (Verdict.CONFLICT, Verdict.BLOCKED)
    return 1 if worklist.of(*stopped) else 0


def _dry_document(promotion: Promotion, worklist: Worklist) -> dict[str, object]:
    return {
        "promotion": {
            "repository": promotion.image.repository,
            "tag": promotion.image.tag,
            "from": promotion.begins.name,
            "to": promotion.ends.name,
            "source": str(promotion.source),
            "target": str(promotion.target),
            "digest": promotion.digest,
            "replaced": promotion.replaced,
            "overwrite": promotion.overwrite,
        },
        "copies": [
            {
                "target": str(copy.target),
                "digest": copy.digest,
                "verdict": str(copy.verdict),
                "reason": copy.reason,
            }
            for copy in worklist.copies
        ],
        "bytes": {"total": worklist.bytes_total, "to_move": worklist.bytes_to_move},
    }
