"""A flow, a drift and an undo for the world of every screen, and the ways to their screens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fakes.images import digest
from fakes.screen import until
from transship.errors import BadFile, ServerFailed
from transship.oci.reference import Reference
from transship.operator import Operator
from transship.plans.drift import Drift, DriftRow, DriftState
from transship.plans.flow import Flow, FlowEntry, Image, Stage
from transship.plans.plan import Limits, Wanted, Window
from transship.transfers.copies import JobState
from transship.transfers.promotion import (
    BoardRow,
    PromotionOutcome,
    PromotionRecord,
    StageBoard,
    cells_of,
)
from transship.transfers.undo import Restore, RestoreAction, UndoOutcome, UndoPlan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fakes.engine import FakeEngine
    from fakes.world import Walk

NOW = 1_790_000_000.0
NEW = "new.example"
FLOW = Flow(
    "shop",
    (
        Stage("dev", Reference("old.example:5000", "dev")),
        Stage("test", Reference(NEW, "test")),
        Stage("prod", Reference(NEW, "prod")),
    ),
)
PLAN = f"""\
version = 1
kind = "sync"
[[rules]]
from = "old.example:5000"
to = "{NEW}/mirror"
"""
_A, _B, _C = digest("a"), digest("b"), digest("c")


def fill(engine: FakeEngine, words: str = "") -> None:
    """Put in a flow, its board and ledger, a drift and an undo; `words` come from elsewhere."""
    away = ServerFailed(words or "GET https://new.example/v2/: 503")
    rows = (
        BoardRow(Image(words or "shop/web", words or "1.4"), cells_of([_A, _B, None])),
        BoardRow(Image("shop/web", "1.3"), cells_of([_A, _A, _A])),
        BoardRow(Image("shop/api", "2.0"), cells_of([_C, None, None])),
        BoardRow(Image("shop/api", "1.9"), cells_of([_B, _B, _A])),
        BoardRow(Image("shop/db", "15.2"), cells_of([_A, away, None])),
    )
    engine.flow_entries = [FlowEntry(Path("plans/shop.toml"), FLOW)]
    engine.boards = {"shop": StageBoard(FLOW, rows, {"test": away})}
    engine.ledger = [
        _entry(1, "1.3", "dev", "test", PromotionOutcome.DONE),
        _entry(2, "1.3", "test", "prod", PromotionOutcome.DONE),
        _entry(
            3, "1.4", "dev", "test", PromotionOutcome.PARTLY, words or "referrers failed", words
        ),
        _entry(
            4, "1.4", "dev", "test", PromotionOutcome.FAILED, words or "No right to do this", words
        ),
    ]
    engine.drifted = Drift(tuple(_drift_rows(words)))
    engine.held = {
        "abc234": {
            "old.example:5000": Limits(8, rate=20 * 1024**2, window=Window(22 * 60, 6 * 60)),
            NEW: Limits(),
        }
    }
    engine.undo_plans = {"efg678": _undo_plan(words)}
    failed = engine.undo_plans["efg678"].restores[1]
    engine.outcomes = {str(failed.tag): UndoOutcome(failed, away)}


def _entry(
    number: int,
    tag: str,
    begins: str,
    ends: str,
    outcome: PromotionOutcome,
    detail: str = "",
    words: str = "",
) -> PromotionRecord:
    image = Image(words or "shop/web", tag)
    return PromotionRecord(
        number=number,
        image=image,
        begins=begins,
        ends=ends,
        source=Reference(NEW, f"{begins}/{image.repository}", tag),
        target=Reference(NEW, f"{ends}/{image.repository}", tag),
        digest=_A,
        replaced=_B if outcome is PromotionOutcome.PARTLY else None,
        overwrite=outcome is PromotionOutcome.PARTLY,
        by=Operator(words or "alice", "ops1"),
        job=f"job{number}",
        asked=NOW - 7200 + number * 60,
        outcome=outcome,
        ended=NOW - 7100 + number * 60,
        detail=detail,
    )


def _drift_rows(words: str) -> list[DriftRow]:
    def row(
        state: DriftState, name: str, tag: str, *, wanted: bool = True, why: str = ""
    ) -> DriftRow:
        target = Reference(NEW, f"mirror/{name}", tag)
        source = Reference("old.example:5000", name, tag)
        here = _A if wanted else None
        there = {DriftState.SAME: _A, DriftState.DIFFERS: _B, DriftState.EXTRA: _C}.get(state)
        return DriftRow(state, target, Wanted(source, target) if wanted else None, here, there, why)

    return [
        row(DriftState.SAME, "team/api", "1.0"),
        row(DriftState.SAME, "team/api", "1.1"),
        row(DriftState.MISSING, "team/api", words or "1.2"),
        row(DriftState.EXTRA, "team/api", "debug", wanted=False),
        row(DriftState.DIFFERS, words or "team/web", "latest"),
        row(DriftState.MISSING, "team/web", "2.0"),
        row(DriftState.UNKNOWN, "team/web", "1.9", why=words or "its digest isn't known"),
    ]


def _undo_plan(words: str) -> UndoPlan:
    def tag(name: str, version: str) -> Reference:
        return Reference(NEW, name, version)

    restores = (
        Restore(tag(words or "team/web", "latest"), RestoreAction.PUT_BACK, _A, _B, _A),
        Restore(tag("team/web", words or "1.4"), RestoreAction.TAKE_AWAY, _A, None, _A),
        Restore(tag("team/web", "1.3"), RestoreAction.MOVED, _C, _B, _A),
        Restore(tag("team/api", "2.0"), RestoreAction.ALREADY, _B, _B, _A),
        Restore(
            tag("team/api", "1.9"), RestoreAction.UNKNOWN, None, _B, _A, detail=words or "timed out"
        ),
    )
    return UndoPlan("efg678", JobState.DONE, restores, (tag("team/web", "").at(_C),))


async def _plans(walk: Walk) -> None:
    walk.engine.plan_texts = {"shop": PLAN}
    await walk.press("3")
    await walk.is_at("PlanScreen")


async def _drift(walk: Walk) -> None:
    await _plans(walk)
    await walk.press("d")
    await walk.is_at("DriftScreen")
    await walk.press("j", "j", "space", "j", "space")


async def _board(walk: Walk) -> None:
    await _plans(walk)
    await walk.press("b")
    await walk.is_at("FlowScreen")


async def _history(walk: Walk) -> None:
    await _board(walk)
    await walk.press("H", "j")


async def _promote(walk: Walk) -> None:
    await _board(walk)
    await walk.press("p")
    await walk.is_at("ChoiceDialog")
    await walk.press("j", "enter")
    await walk.is_at("ConfirmDialog")


async def _which_flow(walk: Walk) -> None:
    broken = FlowEntry(Path("plans/old.toml"), problem=BadFile("plans/old.toml:3: no stages"))
    walk.engine.flow_entries = [*walk.engine.flow_entries, broken]
    await _plans(walk)
    await walk.press("b")
    await walk.is_at("ChoiceDialog")


async def _question(walk: Walk) -> None:
    await _plans(walk)
    await walk.press("A")
    await walk.is_at("AdviceDialog")


async def _advice(walk: Walk) -> None:
    await _question(walk)
    await walk.press("enter", "j", "enter", "enter", "j", "enter")


async def _limits(walk: Walk) -> None:
    walk.app.show_job("abc234")
    await walk.is_at("JobScreen")
    await walk.press("m")
    await walk.is_at("LimitsDialog")
    await walk.press("backspace", *"12")


async def _undo(walk: Walk) -> None:
    walk.app.show_job("efg678")
    await walk.is_at("JobScreen")
    await walk.press("u")
    await walk.is_at("UndoScreen")


async def _undo_question(walk: Walk) -> None:
    await _undo(walk)
    button = walk.app.screen.query_one("#undo")
    await walk.press("tab", "enter")
    await walk.is_at("ConfirmDialog")
    # A button that was pressed looks so for a moment.
    await until(walk.pilot, lambda: not button.has_class("-active"), "the button at rest")


async def _undone(walk: Walk) -> None:
    await _undo_question(walk)
    await walk.press("tab", "tab", *NEW, "tab", "tab")
    await until(walk.pilot, lambda: walk.app.focused is not None, "the focus")
    walk.app.screen.dismiss(True)
    await walk.is_at("UndoScreen")


async def _report(walk: Walk) -> None:
    walk.app.show_job("efg678")
    await walk.is_at("JobScreen")
    await walk.press("w")
    await walk.is_at("ReportDialog")


WAYS: dict[str, Callable[[Walk], Awaitable[None]]] = {
    "drift": _drift,
    "board": _board,
    "board-history": _history,
    "promote": _promote,
    "which-flow": _which_flow,
    "advice-question": _question,
    "advice": _advice,
    "undo": _undo,
    "undo-question": _undo_question,
    "undone": _undone,
    "report": _report,
    "limits": _limits,
}
"""How to get to each of these screens and dialogs from the first screen."""

DIALOGS = (
    "promote",
    "which-flow",
    "advice-question",
    "advice",
    "undo-question",
    "report",
    "limits",
)
"""Those of them that stand on no frame."""
