"""`transship flow`: which image is in which stage, and who put it there."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from transship.matching import matcher
from transship.plans.flow import read_flow
from transship.text import counted
from transship.transfers.promotion import (
    BoardProgress,
    open_history,
    settle_promotions,
    stage_board,
)
from transship_tui.commands.options import AsJson, CaFile, Insecure, PlainHttp, adhoc_tls
from transship_tui.commands.output import cells, say, say_problem, show, show_json, table, width_of
from transship_tui.commands.session import open_session
from transship_tui.commands.stages import FlowFile, promotion_document, stage_places
from transship_tui.commands.status import watched
from transship_tui.stages import ARROWS, LEGEND, hexadecimal, letter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transship.plans.flow import Flow
    from transship.transfers.promotion import BoardCell, BoardRow, PromotionRecord, StageBoard
    from transship_tui.commands.session import Session


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
    session = open_session(adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca))
    stages = read_flow(session.plans.find(flow), session.reference)
    if history:
        return _show_history(session, stages, pattern, as_json=as_json)
    seen = asyncio.run(_look(session, stages, pattern))
    if as_json:
        show_json(_document(seen))
    else:
        for line in _lines(seen, width_of(sys.stdout)):
            show(line)
    for stage, problem in seen.problems.items():
        say_problem(f"{stage}: {problem.title}", problem.detail, problem.remedy)
    return 1 if seen.problems else 0


async def _look(session: Session, flow: Flow, pattern: str) -> StageBoard:
    progress = BoardProgress()
    async with (
        stage_places(session, flow) as places,
        watched(lambda: f"looking: {counted(progress.images, 'tag')} so far"),
    ):
        return await stage_board(flow, places, pattern=pattern, progress=progress)


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


def _show_history(session: Session, flow: Flow, pattern: str, *, as_json: bool) -> int:
    asked_for = matcher(pattern)
    with open_history(session.paths.flows, flow.name, flow.file) as ledger:
        entries = [
            entry
            for entry in settle_promotions(ledger, session.jobs)
            if asked_for(str(entry.image))
        ]
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
