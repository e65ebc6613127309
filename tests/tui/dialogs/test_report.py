"""The report of a job, written from the app; and the proof that is kept for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.widgets import Button, Input

from fakes.parts_world import WAYS
from fakes.screen import line_in, screen_text, until
from fakes.world import Walk, full_world, walking
from transship.errors import BadFile, SystemRefused
from transship.reports.job_formats import Form
from transship.transfers.journal import StoredUndo
from transship_tui.widgets.bars import LineBar, MessageBar

REPORT = WAYS["report"]
FOLDER = Path("/home/alice")


async def job(walk: Walk) -> None:
    walk.app.show_job("efg678")
    await walk.is_at("JobScreen")


async def test_it_is_written_and_it_says_where() -> None:
    async with walking(full_world(), REPORT) as walk:
        await walk.press("enter")
        await walk.is_at("JobScreen")
        file = FOLDER / "report-efg678.html"
        assert walk.engine.written == [("efg678", file, Form.HTML)]
        assert f"The report of efg678 is in {file}" in line_in(walk.app, MessageBar)


async def test_another_form_gives_the_file_another_ending() -> None:
    async with walking(full_world(), REPORT) as walk:
        await walk.press("shift+tab", "enter", "down", "enter")
        assert walk.app.screen.query_one(Input).value == "report-efg678.md"
        await walk.press("tab", "enter")
        await walk.is_at("JobScreen")
        assert walk.engine.written == [("efg678", FOLDER / "report-efg678.md", Form.MD)]


async def test_a_file_that_is_there_is_replaced_only_when_asked_once_more() -> None:
    engine = full_world()
    engine.taken = {FOLDER / "report-efg678.html"}
    async with walking(engine, REPORT) as walk:
        await walk.press("enter")
        assert "is there already" in screen_text(walk.app)
        assert str(walk.app.screen.query_one("#write", Button).label) == "Replace"
        assert " Replace " in screen_text(walk.app)
        assert engine.written == []
        await walk.press("enter")
        await walk.is_at("JobScreen")
        assert len(engine.written) == 1


async def test_another_name_is_written_without_replacing() -> None:
    engine = full_world()
    engine.taken = {FOLDER / "report-efg678.html", FOLDER / "report-efg678.htmlx"}
    async with walking(engine, REPORT) as walk:
        await walk.press("enter", "x")
        assert str(walk.app.screen.query_one("#write", Button).label) == "Write"
        await walk.press("enter")
        assert engine.written == []


async def test_what_stands_in_the_way_is_said_in_the_dialog() -> None:
    engine = full_world()
    engine.failures["write_report"] = SystemRefused("/root: Permission denied")
    async with walking(engine, REPORT) as walk:
        await walk.press("enter")
        assert "Permission denied" in screen_text(walk.app)
        await walk.press("escape")
        await walk.is_at("JobScreen")
        assert engine.written == []


async def test_a_proof_is_kept_for_the_report_and_the_line_offers_it() -> None:
    engine = full_world()
    async with walking(engine, job, (120, 40)) as walk:
        await walk.press("V")
        await walk.is_at("ProofDialog")
        assert engine.proofs == {"efg678": engine.proof}
        await walk.press("escape")
        assert "transship report efg678 -o report-efg678.html" in line_in(walk.app, LineBar)


async def test_a_proof_that_cannot_be_kept_is_shown_all_the_same() -> None:
    engine = full_world()
    engine.failures["keep_proof"] = BadFile("job efg678: disk is full")
    async with walking(engine, job) as walk:
        await walk.press("V")
        await walk.is_at("ProofDialog")
        assert "proven" in screen_text(walk.app)
        await walk.press("escape")
        assert "disk is full" in line_in(walk.app, MessageBar)


async def test_an_undone_job_is_no_longer_proven() -> None:
    engine = full_world()
    async with walking(engine, job, (120, 40)) as walk:
        await walk.press("V")
        await walk.is_at("ProofDialog")
        await walk.press("escape")
        assert "✓ proven" in screen_text(walk.app)
        undo = StoredUndo("alice on ops1", 1.0, 2.0, 5, 0, 0)
        engine.views = [replace(v, undo=undo) if v.id == "efg678" else v for v in engine.views]
        walk.app.context.monitor.look()
        await until(walk.pilot, lambda: "undone by alice on ops1" in screen_text(walk.app), "it")
        assert "proven" not in screen_text(walk.app)
