"""Copy: nothing is written before it was seen and confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Button, Input, Select, Static

from fakes.engine import FakeEngine
from fakes.images import HOSTILE, worklist_of
from fakes.screen import line_in, screen_text, until
from transship.accounts.registry_file import Account
from transship.errors import ConnectionLost, NoRight
from transship.oci.platform import parse_platform
from transship.oci.reference import Reference, parse_reference
from transship.plans.plan import OnConflict, Plan
from transship.settings import Settings
from transship.transfers.copies import Verdict, Worklist
from transship.transfers.preflight import PreflightUnknown
from transship.transfers.preview import Preview
from transship.transfers.scanner import ScanProgress
from transship_tui.app import TransshipApp
from transship_tui.screens.browse.browser import BrowseScreen
from transship_tui.screens.browse.copy import CopyScreen
from transship_tui.widgets.bars import Heading, LineBar, MessageBar
from transship_tui.widgets.dialogs import ConfirmDialog, FactsDialog
from transship_tui.widgets.table import VirtualTable
from transship_tui.widgets.worklist import WorklistView

WEB = ("old.example/team/web:v1", "old.example/team/web:v2")
EVERYTHING = worklist_of(
    Verdict.COPY,
    Verdict.COPY,
    Verdict.SAME,
    Verdict.OVERWRITE,
    Verdict.CONFLICT,
    Verdict.BLOCKED,
    Verdict.SKIP,
)


def engine(worklist: Worklist = EVERYTHING) -> FakeEngine:
    return FakeEngine(
        known=[Account("old.example", alias="old"), Account("new.example"), Account("[::1]:5000")],
        worklist=worklist,
    )


@dataclass
class Copying:
    """A copy in front, and what a test asks of it."""

    app: TransshipApp
    pilot: Pilot[None]
    started: list[str]

    @property
    def screen(self) -> CopyScreen:
        assert isinstance(self.app.screen, CopyScreen)
        return self.app.screen

    def text(self, widget: type[Heading | LineBar | MessageBar]) -> str:
        return line_in(self.app, widget)

    def all_text(self) -> str:
        """Return the screen as one line, whatever was wrapped."""
        return " ".join(screen_text(self.app).split())

    def verdicts(self) -> list[str]:
        rows = self.screen.query_one(WorklistView).query_one(VirtualTable).rows
        return [rows.cells(index)[0].plain.split()[-1] for index in range(len(rows))]

    async def until(self, condition: Callable[[], object], what: str) -> None:
        await until(self.pilot, condition, what)

    async def says(self, words: str) -> None:
        await self.until(lambda: words in self.all_text(), f"it says {words!r}")

    async def fill(self, field: str, value: str) -> None:
        self.screen.query_one(f"#{field}", Input).value = value
        await self.pilot.pause()

    async def preview(self) -> None:
        self.screen.query_one("#preview", Button).press()
        await self.says("Verdict")

    async def ask_to_start(self) -> None:
        self.screen.query_one("#start", Button).press()
        await self.until(lambda: isinstance(self.app.screen, ConfirmDialog), "it asks")


@asynccontextmanager
async def copying(
    stand_in: FakeEngine,
    sources: Sequence[str] = WEB,
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[Copying]:
    app = TransshipApp(stand_in, Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        started: list[str] = []
        await pilot.press("2")
        chosen: list[Reference] = [parse_reference(source) for source in sources]
        app.push_screen(CopyScreen(chosen, lambda: started.append("started")))
        it = Copying(app, pilot, started)
        await it.says("Existing tags")
        yield it


async def test_another_registry_and_the_same_name_are_proposed() -> None:
    async with copying(engine()) as it:
        assert "Copy 2 images  from old" in it.text(Heading)
        assert it.screen.query_one("#registry", Select).value == "new.example"
        assert it.screen.query_one("#path", Input).value == "team/web"
        await it.says("old.example/team/web:v1 → new.example/team/web:v1, and 1 more")
        assert it.screen.query_one(LineBar).line == (
            "for x in v1 v2; do transship copy old/team/web:$x new.example/team/web:$x; done"
        )


async def test_the_target_of_the_guide_is_proposed_first() -> None:
    stand_in = engine()
    app = TransshipApp(stand_in, Settings(guide=False))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        app.context.guide.target = "[::1]:5000"
        app.push_screen(CopyScreen([parse_reference(WEB[0])]))
        await until(pilot, lambda: "→ [::1]:5000/team/web:v1" in screen_text(app), "proposed")
        assert "To registry   [::1]:5000" in screen_text(app)


async def test_several_repositories_are_put_under_a_path() -> None:
    async with copying(engine(), ["old.example/team/web", "old.example/team/api:1"]) as it:
        assert "Copy 1 repository and 1 image" in it.text(Heading)
        await it.says("Put under")
        await it.fill("path", "mirror")
        await it.says("old.example/team/web → new.example/mirror/team/web, and 1 more")


async def test_what_is_wrong_is_said_under_the_field_and_holds_the_preview_up() -> None:
    stand_in = engine()
    async with copying(stand_in) as it:
        await it.fill("path", "Team/Web")
        await it.says("'Team/Web' is not a repository name; they are in lower case")
        assert it.screen.query_one("#preview", Button).disabled
        it.screen.query_one("#path").focus()
        await it.pilot.press("enter")
        await it.fill("path", "team/web")
        await it.fill("platforms", "linux")
        await it.says("✗ Not a platform: 'linux'")
        assert it.screen.query_one("#preview", Button).disabled
        await it.fill("platforms", "")
        assert not it.screen.query_one("#preview", Button).disabled
        assert "preview" not in [name for name, _ in stand_in.asked]


async def test_an_image_is_not_copied_onto_itself() -> None:
    async with copying(engine()) as it:
        it.screen.query_one("#registry", Select).value = "old.example"
        await it.says("✗ source and target are the same")
        await it.fill("path", "copies/web")
        await it.says("→ old.example/copies/web:v1")


async def test_without_another_registry_it_says_how_to_add_one() -> None:
    stand_in = engine()
    stand_in.known = stand_in.known[:1]
    async with copying(stand_in) as it:
        await it.says("No other registry is known yet; 1 adds one.")


async def test_all_that_was_chosen_is_in_the_plan() -> None:
    stand_in = engine()
    async with copying(stand_in, WEB[:1]) as it:
        await it.fill("path", "web")
        await it.fill("platforms", "linux/amd64, linux/arm64")
        await it.says("has another digest")
        it.screen.query_one("#on-conflict", Select).value = OnConflict.FAIL
        it.screen.query_one("#referrers", Select).value = False
        await it.until(
            lambda: (
                it.screen.query_one(LineBar).line
                == "transship copy old/team/web:v1 new.example/web:v1 --on-conflict fail"
                " --no-referrers --platform linux/amd64 --platform linux/arm64"
            ),
            "the line for it",
        )
        await it.preview()
        [plan] = [what for name, what in stand_in.asked if name == "preview"]
        assert isinstance(plan, Plan)
        assert [str(copy.target) for copy in plan.copies] == ["new.example/web:v1"]
        assert plan.on_conflict is OnConflict.FAIL
        assert not plan.referrers
        assert plan.platforms == tuple(map(parse_platform, ("linux/amd64", "linux/arm64")))


async def test_while_both_sides_are_looked_at_it_says_how_far_that_is() -> None:
    class Counting(FakeEngine):
        async def preview(self, plan: Plan, progress: ScanProgress) -> Preview:
            progress.found = 340
            return await super().preview(plan, progress)

    stand_in = engine()
    stand_in.__class__ = Counting
    stand_in.gates["preview"] = asyncio.Event()
    async with copying(stand_in) as it:
        it.screen.query_one("#preview", Button).press()
        await it.says("340 images found so far")
        await it.pilot.press("escape")
        await it.says("Existing tags")
        stand_in.gates["preview"].set()
        await it.preview()


async def test_a_look_that_fails_leads_back_to_the_form() -> None:
    stand_in = engine()
    stand_in.failures["preview"] = ConnectionLost("new.example")
    async with copying(stand_in) as it:
        await it.fill("path", "web")
        it.screen.query_one("#preview", Button).press()
        await it.until(lambda: ConnectionLost.title in it.text(MessageBar), "it says what")
        await it.says("Existing tags")
        assert it.screen.query_one("#path", Input).value == "web"


async def test_every_image_has_its_verdict_and_the_whole_its_cost() -> None:
    async with copying(engine()) as it:
        await it.preview()
        assert it.verdicts() == [
            *("copy", "copy", "same", "overwrite", "conflict", "blocked", "skip")
        ]
        await it.says("7 images + 2 copy ↻ 1 overwrite ✗ 1 conflict ✗ 1 blocked = 1 same – 1 skip")
        await it.says("Moves 50 MiB of 150 MiB; the rest is there or mounted.")
        assert it.app.context.guide.previewed
        assert it.app.context.guide.target == "new.example"


async def test_one_verdict_after_another_can_be_looked_at() -> None:
    async with copying(engine()) as it:
        await it.preview()
        seen = []
        for _ in range(7):
            await it.pilot.press("f")
            seen.append(it.verdicts())
        assert seen[:6] == [
            *(["copy", "copy"], ["overwrite"], ["conflict"], ["blocked"], ["same"], ["skip"])
        ]
        assert len(seen[6]) == 7


async def test_what_a_target_did_not_say_of_what_it_refuses_is_named() -> None:
    unknown = PreflightUnknown("new.example", "which tags are immutable", ("team",), NoRight("403"))
    stand_in = engine()
    stand_in.foreseen = Preview(EVERYTHING, unknown=(unknown,))
    async with copying(stand_in) as it:
        await it.preview()
        await it.says("! new.example: it isn't known which tags are immutable (team): No right")


async def test_the_reason_is_told_in_full_for_the_row_under_the_cursor() -> None:
    async with copying(engine(), size=(60, 20)) as it:
        await it.preview()
        await it.pilot.press("f", "f", "f", "f")
        await it.says("Tag or digest not found: old.example/team/web")


@pytest.mark.parametrize(
    ("worklist", "words"),
    [
        (worklist_of(), "There is nothing to copy."),
        (worklist_of(Verdict.BLOCKED, Verdict.CONFLICT), "Nothing of this can be copied."),
    ],
)
async def test_what_cannot_start_says_why(worklist: Worklist, words: str) -> None:
    async with copying(engine(worklist)) as it:
        await it.preview()
        await it.says(words)
        assert it.screen.query_one("#start", Button).disabled


async def test_where_a_digest_has_no_room_it_is_seen_to_be_cut() -> None:
    long = [parse_reference(f"old.example/{'a-long-name/' * 3}web:v{number}") for number in (1,)]
    copy = replace(worklist_of(Verdict.COPY).copies[0], source=long[0], target=long[0])
    async with copying(engine(Worklist((copy,), (), {})), size=(60, 20)) as it:
        await it.preview()
        shown = it.screen.query_one("#copy", Static)
        await it.until(lambda: str(shown.visual).endswith("…"), "a sign that there is more")


async def test_the_start_is_asked_for_and_leads_to_the_job() -> None:
    stand_in = engine(worklist_of(Verdict.COPY, Verdict.SAME))
    async with copying(stand_in) as it:
        await it.preview()
        await it.ask_to_start()
        await it.says("1 image will be written at new.example")
        assert it.app.focused is it.app.screen.query_one("#cancel")
        await it.pilot.press("right", "enter")
        await it.until(lambda: it.app.current_mode == "jobs", "the jobs are in front")
        assert it.app.context.guide.job == "job1"
        assert it.started == ["started"]
        assert [len(plan.copies) for plan in stand_in.started] == [2]
        await it.pilot.press("2")
        await it.until(lambda: isinstance(it.app.screen, BrowseScreen), "the copy is left behind")


async def test_the_guide_leads_from_what_is_marked_to_the_question() -> None:
    stand_in = engine(worklist_of(Verdict.COPY))
    stand_in.catalog["old.example"] = ["team/web"]
    app = TransshipApp(stand_in, Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        it = Copying(app, pilot, [])
        app.browse("old.example")
        await it.says("1 repository")
        await pilot.press("space", "n")
        await it.says("→ new.example/team/web")
        await pilot.press("n")
        await it.says("Verdict")
        await pilot.press("n")
        await it.until(lambda: isinstance(app.screen, ConfirmDialog), "it asks")
        assert stand_in.started == []


async def test_doubt_starts_nothing() -> None:
    stand_in = engine()
    async with copying(stand_in) as it:
        await it.preview()
        for ways_out in (("enter", "escape"), ("escape",)):
            await it.ask_to_start()
            await it.pilot.press(*ways_out)
            await it.until(lambda: isinstance(it.app.screen, CopyScreen), "back at the preview")
        assert stand_in.started == []
        assert it.started == []


async def test_moving_tags_asks_for_the_name_of_the_target() -> None:
    stand_in = engine(worklist_of(*[Verdict.OVERWRITE] * 5))
    async with copying(stand_in) as it:
        await it.preview()
        await it.ask_to_start()
        await it.says("↻ 5 tags there will point at another image:")
        await it.says("mirror/web:v3 and 2 more.")
        start = it.app.screen.query_one("#go-on", Button)
        assert start.disabled
        it.app.screen.query_one("#typed", Input).value = "old.example"
        await it.pilot.pause()
        assert start.disabled
        it.app.screen.query_one("#typed", Input).value = "new.example"
        await it.until(lambda: not start.disabled, "it can be pressed")
        start.press()
        await it.until(lambda: len(stand_in.started) == 1, "started")


async def test_enter_on_an_image_asks_for_the_start_and_both_keys_may_come_at_once() -> None:
    stand_in = engine(worklist_of(Verdict.COPY))
    stand_in.gates["start"] = asyncio.Event()
    async with copying(stand_in) as it:
        await it.preview()
        assert it.app.screen.active_bindings["enter"].binding.description == "Start…"
        await it.pilot.press("enter")
        await it.until(lambda: isinstance(it.app.screen, ConfirmDialog), "it asks")
        for key in ("right", "enter"):
            it.app.post_message(events.Key(key, None))
        await it.says("Starting the job…")
        assert not it.app.screen.active_bindings["enter"].enabled
        stand_in.gates["start"].set()
        await it.until(lambda: it.app.current_mode == "jobs", "the jobs are in front")


async def test_a_start_that_fails_is_said_and_can_be_tried_again() -> None:
    stand_in = engine(worklist_of(Verdict.COPY))
    stand_in.failures["start"] = NoRight("new.example")
    async with copying(stand_in) as it:
        await it.preview()
        await it.ask_to_start()
        it.app.screen.query_one("#go-on", Button).press()
        await it.until(lambda: NoRight.title in it.text(MessageBar), "it says why")
        assert not it.screen.query_one("#start", Button).disabled
        assert it.started == []


async def test_escape_goes_back_to_the_form_and_then_to_browse() -> None:
    async with copying(engine()) as it:
        await it.fill("path", "web")
        await it.preview()
        await it.pilot.press("escape")
        await it.says("→ new.example/web:v1")
        await it.pilot.press("escape")
        await it.says("What is typed here is lost")
        await it.pilot.press("escape")
        await it.says("→ new.example/web:v1")
        await it.pilot.press("escape")
        await it.says("What is typed here is lost")
        await it.pilot.press("right", "enter")
        await it.until(lambda: isinstance(it.app.screen, BrowseScreen), "back in Browse")


@pytest.mark.parametrize("words", HOSTILE)
async def test_what_registries_say_is_only_text(words: str) -> None:
    worklist = worklist_of(Verdict.BLOCKED, Verdict.OVERWRITE)
    copies = [
        type(copy)(
            copy.id,
            Reference("old.example", words, words),
            Reference("new.example", words, words),
            copy.digest,
            copy.previous,
            copy.verdict,
            words,
        )
        for copy in worklist.copies
    ]
    async with copying(engine(Worklist(tuple(copies), worklist.blobs, {}))) as it:
        await it.preview()
        assert screen_text(it.app).replace("\n", "").isprintable()
        await it.ask_to_start()
        await it.says("1 tag there will point at another image")
        assert screen_text(it.app).replace("\n", "").isprintable()


async def test_all_of_a_copy_can_be_read_before_it_is_started() -> None:
    blocked = worklist_of(Verdict.BLOCKED)
    problem = NoRight("new.example", remedy="Ask its owner for the right to push.")
    copies = tuple(replace(c, reason=str(problem), problem=problem) for c in blocked.copies)
    stand_in = engine()
    stand_in.worklist = replace(blocked, copies=copies)
    async with copying(stand_in) as it:
        await it.preview()
        await it.pilot.press("i")
        await it.until(lambda: isinstance(it.app.screen, FactsDialog), "all of it")
        assert "Ask its owner for the right to push." in screen_text(it.app)
