"""Plans: each is a file that is listed, looked at, duplicated and deleted here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot

from fakes.engine import FakeEngine
from fakes.jobs import job_view
from fakes.plans import FOLDER
from fakes.screen import line_in, screen_text, until
from transship.accounts.registry_file import Account
from transship.errors import BadFile
from transship.settings import Settings
from transship.transfers.copies import JobState
from transship_tui.app import TransshipApp
from transship_tui.screens.plan.editor import PlanEditorScreen, PlanTextDialog
from transship_tui.screens.plan.plans import PlanScreen
from transship_tui.screens.plan.preview import PlanPreviewScreen
from transship_tui.widgets.bars import LineBar, MessageBar
from transship_tui.widgets.dialogs import ConfirmDialog

SYNC = """version = 1
kind = "sync"

# Every night.
[[rules]]
from = "old.example/team"
to = "new.example/mirror"

[schedule]
cron = "0 3 * * *"
"""
COPY = """version = 1
kind = "copy"
[[copies]]
from = "old.example/a:1"
to = "new.example/a:1"
"""
STEP = SYNC.replace("sync", "replication").replace("nightly", "step")


def engine(**texts: str) -> FakeEngine:
    return FakeEngine(
        known=[Account("old.example", alias="old"), Account("new.example")],
        plan_texts=texts,
    )


@dataclass
class Plans:
    """The plans in front, and what a test asks of them."""

    app: TransshipApp
    pilot: Pilot[None]

    def text(self) -> str:
        return " ".join(screen_text(self.app).split())

    async def says(self, words: str) -> None:
        await until(self.pilot, lambda: words in self.text(), f"it says {words!r}")

    async def shows(self, screen: type) -> None:
        await self.until(lambda: isinstance(self.app.screen, screen), f"{screen} in front")

    async def until(self, condition: Callable[[], object], what: str) -> None:
        await until(self.pilot, condition, what)


@asynccontextmanager
async def plans(stand_in: FakeEngine, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Plans]:
    app = TransshipApp(stand_in, Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        it = Plans(app, pilot)
        await it.says("Plans")
        yield it


async def test_without_plans_it_says_how_to_write_one() -> None:
    async with plans(engine()) as it:
        await it.says("a writes one: rules that say what is copied")
        for key in ("p", "R", "t", "D", "d", "E", "c", "A"):
            it.app.screen.query_one(MessageBar).clear()
            await it.pilot.press(key)
            await it.says("There is no plan here; a writes one.")
        await it.pilot.press("y")
        await it.says(PlanScreen.WITHOUT_LINE)


async def test_each_plan_says_what_it_does_in_words() -> None:
    async with plans(engine(nightly=SYNC, step=STEP, once=COPY), (120, 40)) as it:
        await it.says("nightly sync old/team → new.example/mirror 0 3 * * * none")
        await it.says("step replication old/team → new.example/mirror")
        await it.says("once copy old → new.example")
        assert line_in(it.app, LineBar).startswith("$ transship plan nightly")


async def test_the_last_job_that_did_what_a_plan_says_is_told() -> None:
    stand_in = engine(nightly=SYNC)
    entry = stand_in.all_plans()[0]
    assert entry.plan is not None
    stand_in.job_plans = {"abc234": entry.plan}
    stand_in.views = [job_view("abc234", JobState.FAILED)]
    async with plans(stand_in, (120, 40)) as it:
        await it.says("✗ failed")
        await it.says("last job abc234")


async def test_a_plan_that_cannot_be_read_says_where_and_leaves_the_others() -> None:
    async with plans(engine(bad=SYNC.replace("[schedule]", "[shedule]"), good=SYNC)) as it:
        await it.says("2 plans, 1 can't be read")
        await it.says("bad ✗ mistake bad.toml:9: shedule")
        await it.pilot.press("enter")
        assert isinstance(it.app.screen, PlanScreen)
        await it.pilot.press("p")
        await it.says("bad can't be read; t shows its text. Mend the file first.")
        await it.pilot.press("t")
        await it.shows(PlanTextDialog)
        await it.says("[shedule]")


async def test_the_files_own_words_can_be_read() -> None:
    async with plans(engine(nightly=SYNC)) as it:
        await it.pilot.press("t")
        await it.says("# Every night.")
        await it.says('from = "old.example/team"')


async def test_deleting_asks_first() -> None:
    stand_in = engine(nightly=SYNC, other=SYNC)
    async with plans(stand_in) as it:
        await it.pilot.press("D")
        await it.shows(ConfirmDialog)
        assert it.app.focused is it.app.screen.query_one("#cancel")
        await it.pilot.press("enter")
        await it.shows(PlanScreen)
        assert len(stand_in.plan_texts) == 2
        await it.pilot.press("D")
        await it.shows(ConfirmDialog)
        await it.pilot.press("right", "enter")
        await it.says("nightly is deleted")
        assert list(stand_in.plan_texts) == ["other"]


async def test_a_duplicate_keeps_comments_and_gets_a_name_of_its_own() -> None:
    stand_in = engine(nightly=SYNC)
    async with plans(stand_in) as it:
        await it.pilot.press("c")
        await it.shows(PlanEditorScreen)
        await it.says("Plan nightly-2 sync · 1 rule · new")
        await it.pilot.press("ctrl+s")
        await it.says(f"Saved as {FOLDER}/nightly-2.toml")
        assert stand_in.plan_texts["nightly-2"] == SYNC


async def test_preview_and_run_look_first() -> None:
    stand_in = engine(nightly=SYNC)
    async with plans(stand_in) as it:
        for key in ("p", "R"):
            await it.pilot.press(key)
            await it.shows(PlanPreviewScreen)
            await it.pilot.press("escape")
            await it.shows(PlanScreen)
        assert stand_in.started == []


async def test_a_copy_plan_is_changed_in_its_file() -> None:
    async with plans(engine(once=COPY)) as it:
        await it.pilot.press("enter")
        await it.says("A copy plan names its images one by one")


async def test_a_file_that_went_bad_meanwhile_is_said() -> None:
    stand_in = engine(nightly=SYNC)
    stand_in.failures["load_plan"] = BadFile("plans/nightly.toml:3: no")
    async with plans(stand_in) as it:
        await it.pilot.press("enter")
        await it.until(lambda: "nightly.toml:3" in line_in(it.app, MessageBar), "it says why")
