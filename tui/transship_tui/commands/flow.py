"""`transship flow` and `promote`: which image is in which stage, and from one to the next."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from transship.app import BoardProgress, ScanProgress, Verdict, parse_image
from transship.errors import BadRequest
from transship.matching import matcher
from transship.oci.digest import short
from transship.text import bytes_text, counted, safe
from transship.views.flow import ARROWS, LEGEND, hexadecimal, letter
from transship_tui.commands.documents import job_document, time_text
from transship_tui.commands.options import (
    AsJson,
    CaFile,
    Insecure,
    PlainHttp,
    adhoc_tls,
    adhoc_words,
    carried_out,
    open_application,
)
from transship_tui.commands.output import cells, say, say_problem, show, show_json, table, width_of
from transship_tui.commands.preview import short_name
from transship_tui.commands.progress import OnInterrupt, finish, follow, status_of
from transship_tui.commands.status import watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transship.app import (
        Application,
        BoardCell,
        BoardRow,
        Flow,
        Promotion,
        PromotionRecord,
        StageBoard,
        Worklist,
    )

FlowFile = Annotated[
    str, typer.Argument(metavar="FLOW", help="A flow's file, or its name among your plans.")
]


def promotion_document(entry: PromotionRecord) -> dict[str, object]:
    """Return one line of a flow's ledger: keys that stay, times in ISO 8601 (UTC)."""
    return {
        "number": entry.number,
        "repository": entry.image.repository,
        "tag": entry.image.tag,
        "from": entry.begins,
        "to": entry.ends,
        "source": str(entry.source),
        "target": str(entry.target),
        "digest": entry.digest,
        "replaced": entry.replaced,
        "overwrite": entry.overwrite,
        "by": entry.by.name,
        "host": entry.by.host,
        "job": entry.job,
        "asked": time_text(entry.asked),
        "outcome": str(entry.outcome),
        "ended": None if entry.ended is None else time_text(entry.ended),
        "detail": entry.detail,
    }


def flow(
    flow: FlowFile,
    pattern: Annotated[
        str,
        typer.Argument(
            metavar="PATTERN", help="Only images whose REPOSITORY:TAG has this, or matches it."
        ),
    ] = "",
    history: Annotated[
        bool, typer.Option("--history", help="Show who moved which digest, and when.")
    ] = False,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Show the images of a flow, and in which stage they are.

    With --history, who moved them; that asks no registry.
    """
    adhoc = adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca)
    if history and adhoc is not None:
        raise BadRequest("--history asks no registry, so how one is reached says nothing")
    app = open_application(adhoc)
    stages = app.flows.find(flow)
    if history:
        return _show_history(app, stages, pattern, as_json=as_json)
    seen = carried_out(app, _board(app, stages, pattern))
    if as_json:
        show_json(_document(seen))
    else:
        for line in _lines(seen, width_of(sys.stdout)):
            show(line)
    for stage, problem in seen.problems.items():
        say_problem(f"{stage}: {problem.title}", problem.detail, problem.remedy)
    return 1 if seen.problems else 0


async def _board(app: Application, flow: Flow, pattern: str) -> StageBoard:
    progress = BoardProgress()
    async with watched(lambda: f"looking: {counted(progress.images, 'tag')} so far"):
        return await app.flows.board(flow, progress, pattern)


def _lines(seen: StageBoard, width: int | None) -> Iterator[str]:
    """Give the board as a table; where it doesn't fit, without the digests."""
    if not seen.rows:
        yield "no images"
        return
    header = ("IMAGE", *(stage.name.upper() for stage in seen.flow.stages))
    wide = list(table(header, _rows(seen, digests=True), None))
    if width is None or max(map(cells, wide)) <= width:
        yield from wide
    else:
        yield from table(header, _rows(seen, digests=False), width)
    yield ""
    steps = counted(len(seen.promotable), "step")
    yield f"{counted(len(seen.rows), 'image')}, {steps} can be taken"
    yield LEGEND


def _rows(seen: StageBoard, *, digests: bool) -> Iterator[tuple[str, ...]]:
    for row in seen.rows:
        yield (str(row.image), *(_cell(cell, digests=digests) for cell in row.cells))


def _cell(cell: BoardCell, *, digests: bool) -> str:
    if cell.digest is None or cell.mark is None:
        return "?" if cell.problem else "-"
    digest = f" {hexadecimal(cell.digest)}" if digests else ""
    arrow = f" {ARROWS[cell.step]}" if cell.step in ARROWS else ""
    return f"{letter(cell.mark)}{digest}{arrow}"


def _document(seen: StageBoard) -> dict[str, object]:
    stages = seen.flow.stages
    problems = {stage: str(problem) for stage, problem in seen.problems.items()}
    return {
        "flow": seen.flow.name,
        "stages": [
            {"name": stage.name, "at": str(stage.at), "problem": problems.get(stage.name)}
            for stage in stages
        ],
        "images": [_image(row, [stage.name for stage in stages]) for row in seen.rows],
        "promotable": [
            {"repository": image.repository, "tag": image.tag, "to": stage.name}
            for image, stage in seen.promotable
        ],
    }


def _image(row: BoardRow, stages: Sequence[str]) -> dict[str, object]:
    return {
        "repository": row.image.repository,
        "tag": row.image.tag,
        "stages": {
            stage: {
                "digest": cell.digest,
                "mark": cell.mark,
                "step": str(cell.step),
                "problem": str(cell.problem) if cell.problem else None,
            }
            for stage, cell in zip(stages, row.cells, strict=True)
        },
    }


def _show_history(app: Application, flow: Flow, pattern: str, *, as_json: bool) -> int:
    asked_for = matcher(pattern)
    every = carried_out(app, app.flows.promotions(flow))
    entries = [entry for entry in every if asked_for(str(entry.image))]
    if as_json:
        show_json({"flow": flow.name, "promotions": list(map(promotion_document, entries))})
    elif entries:
        for line in table(_HISTORY, map(_history_row, entries), width_of(sys.stdout)):
            show(line)
    else:
        say("nothing was promoted yet; `transship promote FLOW REF --to STAGE` does it")
    return 0


_HISTORY = ("ASKED", "OUTCOME", "IMAGE", "FROM", "TO", "DIGEST", "BY", "JOB", "REPLACED", "WHY")


def _history_row(entry: PromotionRecord) -> tuple[str, ...]:
    replaced = entry.replaced if entry.replaced != entry.digest else None
    return (
        f"{datetime.fromtimestamp(entry.asked).astimezone():%Y-%m-%d %H:%M:%S}",
        str(entry.outcome),
        str(entry.image),
        entry.begins,
        entry.ends,
        hexadecimal(entry.digest),
        str(entry.by),
        entry.job,
        hexadecimal(replaced) if replaced else "",
        entry.detail,
    )


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
    app = open_application(adhoc)
    stages = app.flows.find(flow)
    image, digest = parse_image(ref)
    promotion = carried_out(app, app.flows.consider(stages, image, to, digest, overwrite=overwrite))
    if dry_run:
        seen = carried_out(app, app.plans.preview(promotion.plan(), ScanProgress()))
        return _show_dry_run(promotion, seen.worklist, as_json=as_json)
    say("\n".join(_promote_lines(promotion)))
    job = carried_out(app, app.flows.promote(promotion))
    ended = follow(app, job, on_interrupt=OnInterrupt.PAUSE)
    entries = carried_out(app, app.flows.promotions(stages))
    if as_json and ended is not None:
        entry = next(entry for entry in entries if entry.job == job)
        show_json({"promotion": promotion_document(entry)} | job_document(ended))
        return status_of(ended)
    return finish(app, job, ended, as_json=as_json, adhoc=adhoc_words(adhoc))


def _promote_lines(promotion: Promotion) -> Iterator[str]:
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
        for line in _promote_lines(promotion):
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
