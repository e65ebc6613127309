"""The list of jobs: how far each is, and what can be done with the one under the cursor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from fakes.engine import FakeEngine
from fakes.images import HOSTILE
from fakes.jobs import job_view
from fakes.screen import line_in, screen_text, until
from transship.accounts.registry_file import Account
from transship.errors import BadFile, JobBusy, JobEnded
from transship.guide import Step
from transship.plans.plan import Plan
from transship.settings import Settings
from transship.transfers.copies import JobState
from transship.transfers.job_view import JobBytes, JobCounts, JobView
from transship.transfers.verify import Proof
from transship_tui.app import TransshipApp
from transship_tui.screens.jobs.controls import impossible_with
from transship_tui.screens.jobs.job import JobScreen
from transship_tui.screens.jobs.jobs import JobsScreen
from transship_tui.widgets.bars import LineBar, MessageBar
from transship_tui.widgets.dialogs import ConfirmDialog
from transship_tui.widgets.table import VirtualTable

GIB = 1024**3
MIB = 1024**2
PROVEN = Proof(6, 6, 12, 0, deep=False, differences=())


def running(name: str = "abc234", **facts: object) -> JobView:
    told: dict[str, object] = {
        "counts": JobCounts(6640, 3020, 1071, 4, 21, 2524),
        "bytes": JobBytes(1304 * GIB, 812 * GIB, 410 * GIB, 402 * GIB),
        "rate": 318.0 * MIB,
        "source": "old.example",
        "target": "new.example",
        "started": 1_789_997_533.0,
    }
    return job_view(name, JobState.RUNNING, **(told | facts))


def some_jobs() -> list[JobView]:
    counts, amount = JobCounts(40, 10, 0, 0, 0, 30), JobBytes(10 * GIB, 2 * GIB, 2 * GIB)
    return [
        running(),
        job_view("bcd345", planned=False, found=1204),
        job_view("cde456", JobState.PAUSED, counts=counts, bytes=amount),
        job_view("def567", JobState.INTERRUPTED, counts=counts, bytes=amount),
        job_view("efg678", JobState.DONE, counts=JobCounts(6, 5, 1), bytes=JobBytes(GIB, GIB, GIB)),
        job_view("fgh789", JobState.FAILED, counts=JobCounts(6, 4, 1, failed=1)),
        job_view("ghj234", JobState.CANCELLED, counts=JobCounts(6, 4, 1, waiting=1)),
    ]


@asynccontextmanager
async def listing(
    engine: FakeEngine, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[TransshipApp, Pilot[None]]]:
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen), "the jobs are in front")
        await pilot.pause()
        yield app, pilot


def message(app: TransshipApp) -> str:
    return line_in(app, MessageBar)


def row(app: TransshipApp, word: str) -> str:
    return next(line for line in screen_text(app).split("\n") if word in line)


async def put(app: TransshipApp, pilot: Pilot[None], engine: FakeEngine, *views: JobView) -> None:
    """Let the app see other jobs."""
    engine.views = list(views)
    app.context.monitor.look()
    await pilot.pause()


async def answer(app: TransshipApp, pilot: Pilot[None], *keys: str) -> None:
    """Answer the question in front."""
    await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "a question")
    await pilot.press(*keys)
    await until(pilot, lambda: not isinstance(app.screen, ConfirmDialog), "an answer")


async def test_it_says_what_to_do_when_there_is_none() -> None:
    async with listing(FakeEngine()) as (app, _):
        assert "No jobs yet" in screen_text(app)
        assert line_in(app, LineBar).startswith("$ transship jobs")


async def test_it_shows_how_far_each_job_is() -> None:
    async with listing(FakeEngine(views=some_jobs()), (150, 40)) as (app, _):
        first = row(app, "▸ running     old.example")
        for words in ("4,116/6,640", "21", "812 GiB of 1.3 TiB", "62%", "318 MiB/s", "26 min left"):
            assert words in first
        assert "1,204 found" in screen_text(app)
        for state in ("‖ paused", "! interrupted", "✓ done", "✗ failed", "– cancelled"):
            assert state in screen_text(app)
        assert "7 jobs, 2 running" in screen_text(app)


async def test_a_job_without_an_inventory_has_no_share() -> None:
    view = job_view(
        "abc234", planned=False, found=12, bytes=JobBytes(GIB, GIB // 2), rate=1.0 * MIB
    )
    async with listing(FakeEngine(views=[view])) as (app, _):
        assert "12 found so far" in screen_text(app)
        assert "%" not in row(app, "▸ running     old")
        assert "left" not in screen_text(app)


async def test_the_card_and_the_line_follow_the_cursor() -> None:
    async with listing(FakeEngine(views=some_jobs())) as (app, pilot):
        assert "transship attach abc234" in line_in(app, LineBar)
        await pilot.press("j", "j", "j")
        await until(pilot, lambda: "resume def567" in line_in(app, LineBar), "another line")
        assert "its process ended; p goes on from where it was" in screen_text(app)
        await pilot.press("j")
        await until(pilot, lambda: "verify efg678" in line_in(app, LineBar), "another line")
        await pilot.press("j")
        await until(pilot, lambda: "retry fgh789" in line_in(app, LineBar), "another line")


async def test_changes_are_shown_and_the_cursor_stays_on_its_job() -> None:
    engine = FakeEngine(views=some_jobs())
    async with listing(engine) as (app, pilot):
        await pilot.press("j", "j")
        new = running("zzz999", counts=JobCounts(10, 1, waiting=9))
        await put(app, pilot, engine, new, *engine.views)
        assert app.screen.query_one(VirtualTable).key_at_cursor() == "cde456"
        assert "8 jobs, 3 running" in screen_text(app)


async def test_nothing_is_drawn_while_nothing_changes() -> None:
    engine = FakeEngine(views=some_jobs())
    async with listing(engine) as (app, pilot):
        drawn: list[int] = []
        table = app.screen.query_one(VirtualTable)
        original = table.render_line
        table.render_line = lambda y: (drawn.append(y), original(y))[1]  # type: ignore[method-assign]
        for _ in range(3):
            app.context.monitor.look()
            await pilot.pause()
        assert drawn == []
        counts = JobCounts(40, 11, 0, 0, 0, 29)
        changed = [replace(v, counts=counts) if v.id == "cde456" else v for v in engine.views]
        await put(app, pilot, engine, *changed)
        assert drawn == []  # At this width no cell of the row shows the counts.
        amount = JobBytes(10 * GIB, 3 * GIB, 3 * GIB)
        changed = [replace(v, bytes=amount) if v.id == "cde456" else v for v in engine.views]
        await put(app, pilot, engine, *changed)
        assert drawn == [3]


async def test_enter_opens_a_job_and_escape_closes_it() -> None:
    async with listing(FakeEngine(views=some_jobs())) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobScreen), "the job is in front")
        assert "Job abc234" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen), "the list is in front")


async def test_p_pauses_and_goes_on() -> None:
    engine = FakeEngine(views=[running()])
    async with listing(engine) as (app, pilot):
        await pilot.press("p")
        await until(pilot, lambda: ("pause", "abc234") in engine.asked, "it is paused")
        await until(pilot, lambda: "‖ paused" in screen_text(app), "it shows as paused")
        await pilot.press("p")
        await until(pilot, lambda: "goes on" in message(app), "it goes on")
        assert ("resume", "abc234") in engine.asked


async def test_pausing_says_what_a_second_p_gives_up_and_nothing_more_once_it_stands() -> None:
    class Slow(FakeEngine):
        def pause(self, job: str) -> None:
            self.asked.append(("pause", job))
            self.views = [replace(view, pausing=True) for view in self.views]

    engine = Slow(views=[running()])
    async with listing(engine) as (app, pilot):
        await pilot.press("p")
        await until(pilot, lambda: "p again gives them up, at once" in message(app), "the words")
        await pilot.press("p")
        await until(pilot, lambda: "stops at once" in message(app), "the other words")
        assert "sent again later" in message(app)
        await put(app, pilot, engine, job_view("abc234", JobState.PAUSED))
        await until(pilot, lambda: message(app) == "", "nothing is said any more")


async def test_a_job_that_is_being_started_is_not_started_twice() -> None:
    engine = FakeEngine(views=[job_view("abc234", JobState.PAUSED)])
    engine.gates["resume"] = asyncio.Event()
    async with listing(engine) as (app, pilot):
        await pilot.press("p")
        await until(pilot, lambda: ("resume", "abc234") in engine.asked, "it is being started")
        await pilot.press("p")
        await until(pilot, lambda: "just being started" in message(app), "the reason")
        engine.gates["resume"].set()
        await until(pilot, lambda: "goes on" in message(app), "it goes on")
        assert engine.asked.count(("resume", "abc234")) == 2  # Asked for, and done: once.


async def test_cancel_asks_first_and_the_way_out_has_the_focus() -> None:
    engine = FakeEngine(views=[running()])
    async with listing(engine) as (app, pilot):
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "a question")
        assert "2,524 images won't be copied" in screen_text(app)
        assert isinstance(app.focused, Button)
        assert app.focused.id == "cancel"
        await answer(app, pilot, "enter")
        assert engine.asked.count(("cancel", "abc234")) == 0
        await pilot.press("x")
        await answer(app, pilot, "right", "enter")
        await until(pilot, lambda: ("cancel", "abc234") in engine.asked, "it is ended")
        await until(pilot, lambda: "– cancelled" in screen_text(app), "it shows as cancelled")


async def test_retry_asks_first() -> None:
    engine = FakeEngine(
        views=[job_view("abc234", JobState.FAILED, counts=JobCounts(6, 5, failed=1))]
    )
    async with listing(engine) as (app, pilot):
        await pilot.press("R")
        await answer(app, pilot, "escape")
        assert ("retry", "abc234") not in engine.asked
        await pilot.press("R")
        await answer(app, pilot, "right", "enter")
        await until(pilot, lambda: "tries again" in message(app), "it tries again")
        assert ("retry", "abc234") in engine.asked


@pytest.mark.parametrize(
    ("view", "key", "why"),
    [
        (job_view("abc234", JobState.DONE), "p", "abc234 has ended: it is done."),
        (job_view("abc234", JobState.DONE), "x", "abc234 has ended: it is done."),
        (job_view("abc234", JobState.DONE), "R", "Nothing failed in abc234."),
        (running(), "R", "abc234 hasn't ended yet"),
        (running(), "V", "abc234 is still running"),
    ],
)
async def test_what_is_not_possible_is_grey_and_says_why(view: JobView, key: str, why: str) -> None:
    engine = FakeEngine(views=[view])
    async with listing(engine) as (app, pilot):
        assert app.screen.active_bindings[key].enabled is False
        await pilot.press(key)
        await until(pilot, lambda: why in message(app), "the reason")
        assert not {name for name, _ in engine.asked} & {"pause", "cancel", "retry", "verify"}


def test_without_a_job_nothing_is_possible() -> None:
    assert set(impossible_with(None)) == {
        "pause", "resume", "retry", "cancel", "verify", "undo", "report", "limits",
    }  # fmt: skip


def test_what_is_possible_follows_from_the_state() -> None:
    def possible(view: JobView) -> set[str]:
        return {"pause", "retry", "cancel", "verify"} - set(impossible_with(view))

    assert possible(running()) == {"pause", "cancel"}
    assert possible(job_view("a", JobState.PAUSED)) == {"pause", "cancel", "verify"}
    assert possible(job_view("a", JobState.INTERRUPTED)) == {"pause", "cancel", "verify"}
    assert possible(job_view("a", JobState.DONE)) == {"verify"}
    assert possible(job_view("a", JobState.FAILED)) == {"retry", "verify"}
    assert possible(job_view("a", JobState.CANCELLED)) == {"verify"}


async def test_what_goes_wrong_is_said_and_can_be_explained() -> None:
    engine = FakeEngine(views=[running()], failures={"pause": JobEnded("abc234 is done")})
    async with listing(engine) as (app, pilot):
        await pilot.press("p")
        await until(pilot, lambda: "The job has ended" in message(app), "the error")
        await pilot.press("e")
        await until(pilot, lambda: JobEnded.remedy[:30] in screen_text(app), "the remedy")


async def test_a_start_that_fails_is_said() -> None:
    engine = FakeEngine(
        views=[job_view("abc234", JobState.PAUSED)], failures={"resume": JobBusy("abc234")}
    )
    async with listing(engine) as (app, pilot):
        await pilot.press("p")
        await until(pilot, lambda: "The job is already running" in message(app), "the error")


async def test_it_says_when_the_jobs_cannot_be_read() -> None:
    engine = FakeEngine(views=[running()])
    async with listing(engine) as (app, pilot):
        engine.failures["jobs"] = BadFile("jobs: gone")
        app.context.monitor.look()
        await until(pilot, lambda: "A file can't be understood" in message(app), "the error")
        assert "running" in screen_text(app)  # What was seen last stays.


async def test_the_wanted_job_is_opened() -> None:
    async with listing(FakeEngine(views=some_jobs())) as (app, pilot):
        await pilot.press("1")
        app.show_job("efg678")
        await until(pilot, lambda: "Job efg678" in screen_text(app), "the wanted job")
        await pilot.press("1")
        app.show_job("cde456")
        await until(pilot, lambda: "Job cde456" in screen_text(app), "another one in its place")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen), "the list right under it")


async def test_verify_opens_the_job_and_proves_it_there() -> None:
    engine = FakeEngine(views=[job_view("abc234", JobState.DONE)])
    async with listing(engine) as (app, pilot):
        await pilot.press("V")
        await until(pilot, lambda: isinstance(app.screen, JobScreen), "the job is in front")


@pytest.mark.parametrize(
    ("view", "asked"),
    [
        (job_view("abc234", JobState.PAUSED), "resume"),
        (job_view("abc234", JobState.INTERRUPTED), "resume"),
        (job_view("abc234", JobState.FAILED, counts=JobCounts(2, 1, failed=1)), "retry"),
        (job_view("abc234", JobState.DONE), "verify"),
    ],
)
async def test_the_guide_takes_its_next_step_here(view: JobView, asked: str) -> None:
    engine = FakeEngine(views=[view], job_plans={"abc234": Plan(())}, proof=PROVEN)
    engine.known = [Account("old.example"), Account("new.example")]
    async with listing(engine) as (app, pilot):
        app.context.guide.source, app.context.guide.target = "old.example", "new.example"
        app.context.guide.job, app.context.guide.chosen, app.context.guide.previewed = (
            "abc234",
            1,
            True,
        )
        await pilot.press("n")
        if asked == "retry":
            await answer(app, pilot, "right", "enter")
        await until(pilot, lambda: asked in {name for name, _ in engine.asked}, "the step")


async def test_the_guide_leaves_other_jobs_alone() -> None:
    engine = FakeEngine(views=[job_view("abc234", JobState.PAUSED)])
    async with listing(engine) as (app, _):
        assert isinstance(app.screen, JobsScreen)
        app.context.guide.job = "bcd345"
        assert not app.screen.take_step(Step.RUN)


@pytest.mark.parametrize("words", HOSTILE)
async def test_hostile_words_are_only_words(words: str) -> None:
    problem = (words, words, words)
    hostile = job_view("abc234", JobState.FAILED, source=words, target=words, problem=problem)
    async with listing(FakeEngine(views=[hostile]), (120, 40)) as (app, pilot):
        assert "\x1b" not in screen_text(app)
        assert "\u202e" not in screen_text(app)
        await pilot.press("R")
        await answer(app, pilot, "escape")
        assert app.is_running
