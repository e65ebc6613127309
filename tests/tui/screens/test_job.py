"""One job: its totals and lanes, what failed and why, its copies, and the proof."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from fakes.engine import FakeEngine
from fakes.images import HOSTILE
from fakes.jobs import copy_row, job_view
from fakes.screen import line_in, screen_text, until
from transship.accounts.registry_file import Account
from transship.errors import ConnectionLost, JobNotFound
from transship.oci.reference import parse_reference
from transship.plans.plan import Plan
from transship.settings import Settings
from transship.transfers.copies import CopyState, JobState, Verdict
from transship.transfers.job_view import CopyRow, JobBytes, JobCounts, JobEvent, JobView
from transship.transfers.journal import Failure, Lane
from transship.transfers.limits import Limit
from transship.transfers.verify import Problem, Proof, ProofDifference
from transship_tui.app import TransshipApp
from transship_tui.screens.jobs.job import JobLists, JobScreen, Tab
from transship_tui.screens.quit import QuitDialog
from transship_tui.widgets.bars import LineBar, MessageBar
from transship_tui.widgets.dialogs import FactsDialog
from transship_tui.widgets.table import VirtualTable

GIB = 1024**3
MIB = 1024**2
NOW = 1_790_000_000.0

LANES = (
    Lane("team/api sha256:0123456789ab", 500 * MIB, 1200 * MIB, NOW - 20),
    Lane("team/web sha256:aa23456789ab", 20 * MIB, 300 * MIB, NOW - 5),
    Lane("team/db sha256:cc23456789ab", 100 * MIB, 100 * MIB, NOW - 2),
    Lane("team/ui sha256:dd23456789ab", 1 * MIB, 90 * MIB, NOW - 2),
)
LIMITS = (Limit("old.example", 3, until=NOW + 12.0, at_once=8),)
FAILURES = (
    Failure("manifest-not-found", "Tag or digest not found", "List the tags.", 18, ()),
    Failure("no-right", "No right to do this", "Give the account the right.", 3, ()),
)
PROVEN = Proof(6640, 7120, 9001, 0, deep=False, differences=())
DIFFERS = replace(
    PROVEN,
    differences=(
        ProofDifference(
            parse_reference("old.example/team/web:1"),
            parse_reference("new.example/team/web:1"),
            Problem.MISSING,
            "the target doesn't have it",
        ),
    ),
)


def running(**facts: object) -> JobView:
    told: dict[str, object] = {
        "counts": JobCounts(6640, 3020, 1071, 4, 21, 2524),
        "bytes": JobBytes(1304 * GIB, 812 * GIB, 410 * GIB, 402 * GIB),
        "rate": 318.0 * MIB,
        "source": "old.example",
        "target": "new.example",
        "started": NOW - 2467,
        "lanes": LANES,
        "failures": FAILURES,
    }
    return job_view("abc234", JobState.RUNNING, **(told | facts))


def some_copies() -> list[CopyRow]:
    problem = "Tag or digest not found: GET https://old.example/v2/: 404 manifest unknown"
    return [
        copy_row(1, CopyState.DONE),
        copy_row(2, CopyState.DONE, Verdict.SAME, reason="the target has it"),
        copy_row(3, CopyState.DONE, Verdict.SKIP, reason="the tag exists with another digest"),
        copy_row(4, CopyState.RUNNING),
        copy_row(5, CopyState.RUNNING, name="team/api"),
        copy_row(6, CopyState.FAILED, problem=problem, remedy="List the tags."),
        copy_row(7, CopyState.FAILED, name="team/api", problem=problem, remedy="List the tags."),
        copy_row(8, verdict=Verdict.OVERWRITE),
        *(copy_row(number) for number in range(9, 60)),
    ]


def engine_with(view: JobView | None = None, rows: Sequence[CopyRow] | None = None) -> FakeEngine:
    return FakeEngine(
        views=[view or running()],
        copies={"abc234": list(some_copies() if rows is None else rows)},
        job_plans={"abc234": Plan(())},
    )


@asynccontextmanager
async def looking(
    engine: FakeEngine, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[TransshipApp, Pilot[None]]]:
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        app.show_job("abc234")
        await until(pilot, lambda: isinstance(app.screen, JobScreen), "the job is in front")
        await pilot.pause()
        yield app, pilot


def message(app: TransshipApp) -> str:
    return line_in(app, MessageBar)


def lists(app: TransshipApp) -> JobLists:
    return app.screen.query_one(JobLists)


def images(app: TransshipApp) -> list[str]:
    """The names in the table that is in front, as far as they are seen."""
    lines = screen_text(app).split("\n")
    return [
        word for line in lines for word in line.split() if word.startswith("team/") and ":v" in word
    ]


async def put(app: TransshipApp, pilot: Pilot[None], engine: FakeEngine, view: JobView) -> None:
    """Let the app see the job at another moment."""
    engine.views = [view]
    app.context.monitor.look()
    await pilot.pause()


async def test_it_shows_the_totals() -> None:
    async with looking(engine_with()) as (app, _):
        text = screen_text(app)
        for words in (
            "Job abc234  old.example → new.example",
            "▸ running  41 min, about 26 min left",
            "4,116 of 6,640   21 failed · 3,020 copied · 1,071 same · 4 skipped",
            "62%  812 GiB of 1.3 TiB  318 MiB/s",
            "410 GiB, saved 402 GiB (mounted, or there already)",
        ):
            assert words in text
        assert "transship attach abc234" in line_in(app, LineBar)


async def test_until_the_inventory_has_ended_there_is_no_share() -> None:
    view = running(planned=False, found=1204, bytes=JobBytes(), counts=JobCounts(), lanes=())
    async with looking(engine_with(view, rows=())) as (app, _):
        text = screen_text(app)
        assert "1,204 found so far" in text
        assert "looking at both sides" in text
        assert "%" not in text.replace("keyring", "")
        assert "left" not in text


async def test_the_largest_lanes_are_shown() -> None:
    async with looking(engine_with()) as (app, _):
        text = screen_text(app)
        assert "team/api sha256:0123456789ab   41% of 1.2 GiB" in text
        assert "team/db sha256:cc23456789ab   100% of 100 MiB" in text
        assert "team/ui" not in text
        assert "and 1 more" in text


async def test_a_lane_shows_its_rate_and_whether_it_stands_still() -> None:
    engine = engine_with()
    async with looking(engine) as (app, pilot):
        engine.clock.advance(2)
        moved = replace(LANES[0], moved=580 * MIB)
        await put(app, pilot, engine, running(lanes=(moved, *LANES[1:])))
        assert "40 MiB/s" in screen_text(app)
        engine.clock.advance(12)
        moved = replace(moved, moved=700 * MIB)
        await put(app, pilot, engine, running(lanes=(moved, *LANES[1:])))
        assert "still 14 s" in screen_text(app)
        engine.clock.advance(60)
        await put(app, pilot, engine, running(lanes=(moved, *LANES[1:]), rate=1.0))
        assert "nothing has moved for 1 min 00 s" in screen_text(app)


async def test_what_is_seen_changes_with_the_job() -> None:
    engine = engine_with()
    async with looking(engine) as (app, pilot):
        engine.copies["abc234"][3] = copy_row(4, CopyState.DONE)
        await put(app, pilot, engine, running(counts=JobCounts(6640, 3021, 1071, 4, 21, 2523)))
        assert "4,117 of 6,640" in screen_text(app)
        assert "✓ copied    team/web:v4" in screen_text(app)


async def test_each_tab_lists_its_copies() -> None:
    async with looking(engine_with()) as (app, pilot):
        assert "All 6,640" in screen_text(app)
        assert images(app)[:3] == ["team/web:v1", "team/web:v2", "team/web:v3"]
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: images(app) == ["team/web:v4", "team/api:v5"], "active ones")
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: images(app) == ["team/web:v6", "team/api:v7"], "failed ones")
        await pilot.press("right")
        await until(pilot, lambda: images(app) == ["team/web:v3"], "skipped ones")
        await pilot.press("left_square_bracket", "left", "left")
        await until(pilot, lambda: lists(app).tab is Tab.ALL, "all of them")


async def test_a_tab_can_be_clicked() -> None:
    async with looking(engine_with()) as (app, pilot):
        await pilot.click("TabLine", offset=(28, 0))
        await until(pilot, lambda: lists(app).tab is Tab.FAILED, "failed ones")


async def test_what_failed_is_grouped_by_cause_with_its_remedy() -> None:
    async with looking(engine_with()) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: lists(app).tab is Tab.FAILED, "failed ones")
        await pilot.pause()
        text = screen_text(app)
        assert "✗ 18 × Tag or digest not found" in text
        assert "  → List the tags." in text
        assert "✗ 3 × No right to do this" in text
        assert "  → Give the account the right." in text
        assert "Tag or digest not found: GET" in text
        await pilot.press("f")
        await until(pilot, lambda: lists(app).tab is Tab.ALL, "all of them")


async def test_without_failures_there_are_none_to_show() -> None:
    view = running(counts=JobCounts(10, 1, waiting=9), failures=())
    async with looking(engine_with(view)) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: "Nothing has failed." in message(app), "the reason")
        assert lists(app).tab is Tab.ALL


async def test_enter_shows_everything_about_a_copy() -> None:
    async with looking(engine_with()) as (app, pilot):
        await pilot.press("f", "enter")
        await until(pilot, lambda: isinstance(app.screen, FactsDialog), "the copy")
        await pilot.pause()
        text = screen_text(app)
        assert "✗ failed" in text
        assert "old.example/team/web:v6" in text
        assert "new.example/mirror/team/web:v6" in text
        assert "manifest unknown" in text
        assert "List the tags." in text
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, JobScreen), "the job again")


async def test_a_pattern_narrows_the_copies() -> None:
    async with looking(engine_with()) as (app, pilot):
        await pilot.press("slash", *"api")
        await until(pilot, lambda: images(app) == ["team/api:v5", "team/api:v7"], "matching ones")
        assert "2 match" in screen_text(app)
        await pilot.press("enter", "f")
        await until(pilot, lambda: images(app) == ["team/api:v7"], "matching ones that failed")
        await pilot.press("escape")
        await until(pilot, lambda: len(images(app)) == 2, "all that failed")
        await pilot.press("slash", *"nothing")
        await until(pilot, lambda: "Nothing matches; esc shows all." in screen_text(app), "none")


async def test_only_rows_that_are_seen_are_read() -> None:
    rows = [copy_row(number) for number in range(1, 20_001)]
    engine = engine_with(running(counts=JobCounts(20_000, waiting=20_000)), rows)
    async with looking(engine) as (app, pilot):
        await pilot.press("G")
        await until(pilot, lambda: "team/web:v20000" in screen_text(app), "the last copy")
        read = [what[1] for name, what in engine.asked if name == "copy_rows"]  # type: ignore[index]
        assert sum(read) < 400
        asked = len(engine.asked)
        for _ in range(3):
            app.context.monitor.look()
            await pilot.pause()
        assert len(engine.asked) == asked


async def test_copies_that_are_gone_make_room_for_those_tried_instead() -> None:
    engine = engine_with()
    async with looking(engine) as (app, pilot):
        assert "team/web:v6" in images(app)
        rows = [row for row in engine.copies["abc234"] if row.state is not CopyState.FAILED]
        rows.append(copy_row(60, CopyState.RUNNING))
        rows.append(copy_row(61, CopyState.RUNNING))
        engine.copies["abc234"] = rows
        await put(app, pilot, engine, running(rate=1.0 * MIB))
        await put(app, pilot, engine, running(rate=2.0 * MIB))
        assert "team/web:v6" not in images(app)
        assert len(app.screen.query_one("#copies", VirtualTable).rows) == len(rows)


async def test_the_log_shows_what_came_to_pass_the_newest_last() -> None:
    engine = engine_with()
    engine.happened["abc234"] = [
        JobEvent(NOW - 60 + number, "copy", f"old.example/team/web:v{number}")
        for number in range(40)
    ] + [JobEvent(NOW, "failed", "old.example/team/web:v6", "No right to do this: denied")]
    async with looking(engine) as (app, pilot):
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "✗ failed" in screen_text(app), "the newest event")
        assert "v39" in screen_text(app)
        engine.happened["abc234"].append(JobEvent(NOW + 1, "wish", "pause"))
        await put(app, pilot, engine, running(pausing=True))
        await until(pilot, lambda: "pause" in screen_text(app), "what came then")
        await pilot.press("k", "enter")
        await until(pilot, lambda: isinstance(app.screen, FactsDialog), "the event")
        assert "No right to do this: denied" in screen_text(app)


async def test_what_registries_ask_for_is_counted_down_and_goes() -> None:
    engine = engine_with()
    async with looking(engine) as (app, pilot):
        assert "Limits" not in screen_text(app)
        now = engine.clock.now()
        limit = Limit("old.example", 3, until=now + 12.0, at_once=8)
        await put(app, pilot, engine, running(limits=(limit,)))
        await until(pilot, lambda: "3× to slow down, waiting 12 s" in screen_text(app), "the line")
        engine.clock.advance(5)
        await until(pilot, lambda: "slow down, waiting 7 s" in screen_text(app), "time goes by")
        await put(app, pilot, engine, replace(running(limits=(limit,)), state=JobState.PAUSED))
        await until(pilot, lambda: "left alone for 7 s" in screen_text(app), "it is paused")
        engine.clock.advance(10)
        await until(pilot, lambda: "Limits" not in screen_text(app), "nothing holds it up")


async def test_the_log_says_what_holds_a_job_up() -> None:
    engine = engine_with(running(limits=LIMITS))
    engine.happened["abc234"] = [
        JobEvent(NOW - 5, "copy", "old.example/team/web:v1"),
        JobEvent(NOW - 1, "warning", "layout:/srv/images", "it doesn't answer"),
        JobEvent(NOW, "warning", "asks to slow down", "old.example: 429"),
    ]
    async with looking(engine) as (app, pilot):
        await pilot.press("left")
        await until(pilot, lambda: "asks to slow down" in screen_text(app), "the log")
        shown = screen_text(app)
        assert "old.example asked 3× to slow down, waiting 12 s" in shown
        assert re.search(r"! warning +layout:/srv/images", shown)
        assert re.search(r"✓ copied +team/web:v1", shown)


async def test_what_an_ended_job_has_not_done_waits_for_nothing() -> None:
    view = replace(running(), state=JobState.CANCELLED, lanes=())
    rows = [copy_row(1, CopyState.WAITING), copy_row(2, CopyState.RUNNING)]
    async with looking(engine_with(view, rows)) as (app, pilot):
        assert screen_text(app).count("– not done") == 2
        assert "waiting" not in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FactsDialog), "all of it")
        await until(pilot, lambda: "– not done" in screen_text(app), "the same word")


async def test_a_frozen_picture_stands_still() -> None:
    engine = engine_with()
    async with looking(engine) as (app, pilot):
        await pilot.press("z")
        assert "stands still" in message(app)
        before = screen_text(app).split("\n")[:19]
        await put(app, pilot, engine, running(counts=JobCounts(6640, 6000, 600, 4, 21, 15)))
        assert "4,116 of 6,640" in screen_text(app)
        assert screen_text(app).split("\n")[:19] == before
        await pilot.press("z")
        await until(pilot, lambda: "6,625 of 6,640" in screen_text(app), "it goes on")


async def test_a_job_whose_process_died_says_so_and_goes_on_by_p() -> None:
    engine = engine_with(replace(running(), state=JobState.INTERRUPTED, lanes=()))
    async with looking(engine) as (app, pilot):
        assert "! interrupted" in screen_text(app)
        assert "its process ended; p goes on from where it was" in screen_text(app)
        assert "transship resume abc234" in line_in(app, LineBar)
        assert "▸" not in screen_text(app)  # What was begun doesn't move now.
        assert "· waiting   team/web:v4" in screen_text(app)
        await pilot.press("p")
        await until(pilot, lambda: ("resume", "abc234") in engine.asked, "it goes on")


async def test_a_job_that_failed_as_a_whole_says_why_and_what_to_do() -> None:
    problem = ("Host name not found", "old.example", "Check the spelling.")
    view = job_view("abc234", JobState.FAILED, planned=False, problem=problem)
    async with looking(engine_with(view, rows=())) as (app, _):
        assert "Host name not found: old.example" in screen_text(app)
        assert "→ Check the spelling." in screen_text(app)


async def test_verify_shows_the_proof() -> None:
    engine = engine_with(replace(running(), state=JobState.DONE, lanes=()))
    engine.proof = PROVEN
    engine.gates["verify"] = asyncio.Event()
    async with looking(engine) as (app, pilot):
        await pilot.press("V")
        await until(pilot, lambda: "comparing both sides" in screen_text(app), "it compares")
        await pilot.press("V")
        await until(pilot, lambda: "being compared already" in message(app), "the reason")
        engine.gates["verify"].set()
        await until(pilot, lambda: isinstance(app.screen, FactsDialog), "the proof")
        await pilot.pause()
        text = screen_text(app)
        assert "✓ proven  every digest of 6,640 images is the same on both sides" in text
        assert "7,120 manifests" in text
        assert "9,001 blobs, sizes compared" in text
        assert "transship verify abc234 --deep" in text
        assert app.context.guide.proven == "abc234"
        await pilot.press("escape")
        await until(pilot, lambda: "Proof   ✓ proven" in screen_text(app), "it stays in sight")


async def test_every_difference_is_named() -> None:
    engine = engine_with(replace(running(), state=JobState.DONE, lanes=()))
    engine.proof = DIFFERS
    async with looking(engine) as (app, pilot):
        await pilot.press("V")
        await until(pilot, lambda: isinstance(app.screen, FactsDialog), "the proof")
        await pilot.pause()
        text = screen_text(app)
        assert "✗ 1 of 6,640 images differ" in text
        assert "✗ missing  old.example/team/web:1" in text
        assert "→ new.example/team/web:1" in text
        assert "the target doesn't have it" in text
        assert app.context.guide.proven == ""


async def test_the_next_step_is_taken_from_the_proof() -> None:
    engine = engine_with(replace(running(), state=JobState.DONE, lanes=()))
    engine.proof = PROVEN
    engine.known = [Account("old.example"), Account("new.example")]
    async with looking(engine) as (app, pilot):
        app.context.guide.source, app.context.guide.target = "old.example", "new.example"
        app.context.guide.job = "abc234"
        await pilot.press("V")
        await until(pilot, lambda: isinstance(app.screen, FactsDialog), "the proof")
        await pilot.press("n")
        await until(pilot, lambda: app.current_mode == "cutover", "the cutover")
        await pilot.press("4")
        await until(pilot, lambda: isinstance(app.screen, JobScreen), "the proof is closed")


async def test_a_proof_that_comes_while_another_screen_is_in_front_waits() -> None:
    engine = engine_with(replace(running(), state=JobState.DONE, lanes=()))
    engine.proof = PROVEN
    engine.gates["verify"] = asyncio.Event()
    async with looking(engine) as (app, pilot):
        await pilot.press("V")
        await until(pilot, lambda: ("verify", Plan(())) in engine.asked, "it compares")
        await pilot.press("1")
        engine.gates["verify"].set()
        await until(pilot, lambda: app.context.guide.proven == "abc234", "it is proven")
        assert not isinstance(app.screen, FactsDialog)
        await pilot.press("4")
        await until(pilot, lambda: isinstance(app.screen, FactsDialog), "the proof")


async def test_a_verification_that_cannot_be_done_says_why() -> None:
    engine = engine_with(replace(running(), state=JobState.DONE, lanes=()))
    engine.failures["verify"] = ConnectionLost("new.example")
    async with looking(engine) as (app, pilot):
        await pilot.press("V")
        await until(pilot, lambda: "Connection lost" in message(app), "the error")
        assert "Proof" not in screen_text(app)


async def test_detach_asks_what_becomes_of_the_jobs() -> None:
    async with looking(engine_with()) as (app, pilot):
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, QuitDialog), "the question")


async def test_a_job_that_is_gone_says_so() -> None:
    engine = engine_with()
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test() as pilot:
        app.show_job("zzz999")
        await until(pilot, lambda: JobNotFound.title in screen_text(app), "the error")


async def test_a_journal_that_cannot_be_read_is_no_crash() -> None:
    engine = engine_with()
    async with looking(engine) as (app, pilot):
        engine.failures["copy_ids"] = JobNotFound("abc234")
        await pilot.press("f")
        await until(pilot, lambda: JobNotFound.title in message(app), "the error")
        for rate in (1.0, 2.0, 3.0):
            await put(app, pilot, engine, running(rate=rate * MIB))
        errors = [told for told in app.context.log.told() if told.kind == "error"]
        assert len(errors) == 2  # One for the key that was pressed, one for all that followed.


@pytest.mark.parametrize("words", HOSTILE)
async def test_hostile_words_are_only_words(words: str) -> None:
    view = running(
        source=words,
        target=words,
        lanes=(Lane(words, 1, 10 * GIB, NOW),),
        failures=(Failure("no-right", words, words, 1, ((words, words),)),),
    )
    engine = engine_with(
        view, [copy_row(6, CopyState.FAILED, reason=words, problem=words, remedy=words)]
    )
    engine.happened["abc234"] = [JobEvent(NOW, "warning", words, words)]
    async with looking(engine, (120, 40)) as (app, pilot):
        for keys in (("f",), ("enter",), ("escape", "right", "right"), ("enter",)):
            await pilot.press(*keys)
            await pilot.pause()
            assert "\x1b" not in screen_text(app)
            assert "\u202e" not in screen_text(app)
        assert app.is_running
