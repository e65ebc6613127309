"""The preview of a plan: all of it is known, and reviewed, before anything is written."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from fakes.engine import FakeEngine
from fakes.images import HOSTILE, worklist_of
from fakes.jobs import job_view
from fakes.plans_world import PLAN, foreseen
from fakes.screen import line_in, screen_text, until
from transship.accounts.registry_file import Account
from transship.errors import ConnectionLost, NoRight
from transship.oci.reference import Reference
from transship.plans.file import plan_in
from transship.plans.plan import Plan
from transship.plans.selection import Dropped
from transship.settings import Settings
from transship.transfers.copies import Copy, JobState, Verdict, Worklist
from transship.transfers.preflight import PreflightUnknown
from transship.transfers.preview import Preview
from transship.transfers.pruning import PrunedTags, RetainedTags
from transship.transfers.scanner import ScanProgress
from transship_tui.app import TransshipApp
from transship_tui.screens.plan.plans import PlanScreen
from transship_tui.screens.plan.preview import PlanPreview, PlanPreviewScreen
from transship_tui.widgets.bars import LineBar, MessageBar
from transship_tui.widgets.dialogs import ConfirmDialog, FactsDialog

EVERYTHING = worklist_of(*(v for v in Verdict if v is not Verdict.DELETE))


def engine(preview: Preview | None = None) -> FakeEngine:
    return FakeEngine(
        known=[Account("old.example:5000", alias="old"), Account("new.example", alias="new")],
        foreseen=preview or foreseen(EVERYTHING),
        plan_texts={"nightly": PLAN},
    )


@dataclass
class Looking:
    """A preview in front, and what a test asks of it."""

    app: TransshipApp
    pilot: Pilot[None]
    engine: FakeEngine

    def text(self) -> str:
        return " ".join(screen_text(self.app).split())

    def framed(self) -> str:
        """Return the text of a dialog, without what frames it."""
        return " ".join(re.sub("[╭╮╰╯─│▁-█]", " ", screen_text(self.app)).split())

    async def says(self, words: str) -> None:
        await until(self.pilot, lambda: words in self.text(), f"it says {words!r}")

    async def shows(self, screen: type) -> None:
        await until(self.pilot, lambda: isinstance(self.app.screen, screen), f"{screen} in front")

    def rows(self) -> list[str]:
        rows = self.app.screen.query_one(PlanPreview).table.rows
        return [" ".join(c.plain for c in rows.cells(n)).strip() for n in range(len(rows))]

    async def ask(self) -> None:
        self.app.screen.query_one("#start", Button).press()
        await self.shows(ConfirmDialog)


@asynccontextmanager
async def looking(
    stand_in: FakeEngine, size: tuple[int, int] = (120, 40), key: str = "p"
) -> AsyncIterator[Looking]:
    app = TransshipApp(stand_in, Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        await pilot.press("3", key)
        yield Looking(app, pilot, stand_in)


async def test_counts_costs_and_what_would_go_wrong_are_all_said() -> None:
    stand_in = engine()
    stand_in.rate = 1024.0 * 1024
    async with looking(stand_in) as it:
        await it.says("+ 1 copy ↻ 1 overwrite × 2 delete ✗ 1 conflict ✗ 1 blocked = 1 same")
        await it.says("Moves 50 MiB of 150 MiB, about 50 s at 1.0 MiB/s; the rest is there")
        await it.says("✗ 2 can't be copied")
        await it.says("! Deletes 2 of 140 tags at new; the plan allows 7")
        await it.says("docker.io lets 76 manifests be read now; this reads 120: too few")
        assert it.app.screen.query_one(LineBar).line == "transship run nightly --delete"


async def test_one_verdict_after_another_can_be_looked_at() -> None:
    async with looking(engine()) as it:
        await it.says("Verdict")
        seen = []
        for _ in range(6):
            await it.pilot.press("f")
            [row] = it.rows()
            seen.append(row.split()[1])
        assert seen == ["copy", "overwrite", "conflict", "blocked", "same", "skip"]
        await it.pilot.press("f")
        assert len(it.rows()) == 6


async def test_deletions_are_a_list_of_their_own() -> None:
    async with looking(engine()) as it:
        await it.says("Deletions 2")
        await it.pilot.press("right")
        assert [row.split()[:2] for row in it.rows()] == [["×", "delete"]] * 2
        await it.says("gone at the source")


async def test_what_is_left_out_is_told_by_reason_and_opens() -> None:
    async with looking(engine()) as it:
        await it.says("Left out 6 tags, 1 repository")
        await it.pilot.press("right", "right")
        assert it.rows() == [
            "excluded by *9 6 tags team/web:v09",
            "left out by !tmp-* 1 repository team/tmp-1",
        ]
        await it.pilot.press("enter")
        assert it.rows()[:2] == ["team/web:v09", "team/web:v19"]
        await it.pilot.press("escape")
        assert len(it.rows()) == 2
        await it.pilot.press("right")
        assert it.rows() == ["new/mirror/api", "new/mirror/web"]


async def test_while_it_looks_it_says_how_far_that_is_and_can_be_left() -> None:
    class Counting(FakeEngine):
        async def preview(self, plan: Plan, progress: ScanProgress) -> Preview:
            progress.found = 340
            return await super().preview(plan, progress)

    stand_in = engine()
    stand_in.__class__ = Counting
    stand_in.gates["preview"] = asyncio.Event()
    async with looking(stand_in) as it:
        await it.says("340 images found so far")
        await it.pilot.press("escape")
        await it.shows(PlanScreen)


async def test_a_look_that_fails_can_be_taken_again() -> None:
    stand_in = engine()
    stand_in.failures["preview"] = ConnectionLost("new.example")
    async with looking(stand_in) as it:
        await until(
            it.pilot, lambda: ConnectionLost.title in line_in(it.app, MessageBar), "it says why"
        )
        del stand_in.failures["preview"]
        await it.pilot.press("r")
        await it.says("Verdict")


async def test_moving_and_deleting_tags_asks_for_the_target_by_name() -> None:
    async with looking(engine()) as it:
        await it.says("Verdict")
        await it.ask()
        await it.says("2 images will be written at new.")
        await it.says("↻ 1 tag at the target will point at another image")
        await it.says("× 2 tags at the target will be deleted")
        assert it.app.focused is it.app.screen.query_one("#typed")
        start = it.app.screen.query_one("#go-on", Button)
        assert start.disabled
        it.app.screen.query_one("#typed", Input).value = "new.example"
        await until(it.pilot, lambda: not start.disabled, "it can be pressed")
        start.press()
        await until(it.pilot, lambda: it.app.current_mode == "jobs", "the jobs are in front")
        assert it.app.context.guide.job == "job1"
        assert it.engine.started == [plan_in(PLAN, Path("x"), it.engine.place)]
        assert it.engine.deleting == it.engine.started
        await it.pilot.press("3")
        await it.shows(PlanScreen)


async def test_what_deletes_nothing_is_started_so_that_it_cannot() -> None:
    async with looking(engine(Preview(worklist_of(Verdict.COPY)))) as it:
        await it.says("Verdict")
        assert it.app.screen.query_one(LineBar).line == "transship run nightly"
        await it.ask()
        await it.pilot.press("right", "enter")
        await until(it.pilot, lambda: it.engine.started, "it is started")
        assert it.engine.deleting == []


async def test_a_key_goes_to_the_start_or_says_why_it_cannot() -> None:
    async with looking(engine(Preview(worklist_of(Verdict.COPY))), (80, 24)) as it:
        await it.says("Verdict")
        await it.says("S Start…")
        await it.pilot.press("S")
        await it.shows(ConfirmDialog)
        await it.pilot.press("enter")
        await it.shows(PlanPreviewScreen)
        assert it.engine.started == []
        it.engine.foreseen = Preview(worklist_of())
        await it.pilot.press("r")
        await it.says("Copies 0")
        await it.pilot.press("S")
        await until(
            it.pilot,
            lambda: "The rules take nothing." in line_in(it.app, MessageBar),
            "it says why not",
        )


async def test_run_asks_as_soon_as_all_is_known_and_doubt_starts_nothing() -> None:
    async with looking(engine(Preview(worklist_of(Verdict.COPY))), key="R") as it:
        await it.shows(ConfirmDialog)
        assert not it.app.screen.query("#typed")
        await it.pilot.press("enter")
        await it.shows(PlanPreviewScreen)
        assert it.engine.started == []


async def test_more_deletions_than_the_plan_allows_cannot_be_started() -> None:
    seen = foreseen(EVERYTHING)
    (share,) = seen.vanished.shares
    gone = replace(seen.vanished, shares=(replace(share, at_most=1),))
    async with looking(engine(replace(seen, vanished=gone)), key="R") as it:
        await it.says("It would delete 2 of 140 tags at new.example, and the plan allows 1.")
        await it.says('at_most = "2%"')
        await it.says("lets it.")
        assert it.app.screen.query_one("#start", Button).disabled
        assert isinstance(it.app.screen, PlanPreviewScreen)


async def test_what_is_gone_at_the_source_and_stays_is_said_with_the_reason() -> None:
    seen = foreseen(EVERYTHING)
    kept = RetainedTags(Reference("new.example", "mirror/web", "latest"), "protected by **:latest")
    gone = replace(seen.vanished, kept=(kept,))
    async with looking(engine(replace(seen, vanished=gone))) as it:
        await it.says("Keeps 1 tag that no source has: mirror/web:latest (protected by **:latest)")


@pytest.mark.parametrize(
    ("worklist", "why"),
    [
        (worklist_of(), "The rules take nothing."),
        (worklist_of(Verdict.BLOCKED), "Nothing of this can be copied."),
    ],
)
async def test_what_cannot_be_started_says_why(worklist: Worklist, why: str) -> None:
    async with looking(engine(Preview(worklist))) as it:
        await it.says(why)
        assert it.app.screen.query_one("#start", Button).disabled


async def test_a_start_that_fails_is_said_and_can_be_tried_again() -> None:
    stand_in = engine(Preview(worklist_of(Verdict.COPY)))
    stand_in.failures["start"] = NoRight("new.example")
    async with looking(stand_in) as it:
        await it.says("Verdict")
        await it.ask()
        it.app.screen.query_one("#go-on", Button).press()
        await until(it.pilot, lambda: NoRight.title in line_in(it.app, MessageBar), "it says why")
        assert not it.app.screen.query_one("#start", Button).disabled


async def test_a_hundred_thousand_copies_are_shown_and_filtered() -> None:
    copies = tuple(
        Copy(
            n,
            Reference("old.example", f"team/app-{n // 100}", f"v{n % 100}"),
            Reference("new.example", f"team/app-{n // 100}", f"v{n % 100}"),
            None,
            None,
            Verdict.SAME if n % 2 else Verdict.COPY,
        )
        for n in range(100_000)
    )
    dropped = tuple(Dropped(copy.source, "isn't v*", 0) for copy in copies)
    async with looking(engine(Preview(Worklist(copies, (), {}), dropped))) as it:
        await it.says("+ 50,000 copy = 50,000 same")
        await it.says("Left out 100,000 tags")
        await it.pilot.press("f", "G")
        await it.says("team/app-999:v98")


_WORDY = "the target takes no manifest of type application/vnd.example.bundle.v1+json " * 2


def blocked() -> Preview:
    """Return a preview of one image that can't be copied, for a reason that no line holds."""
    problem = NoRight(f"{_WORDY}end", remedy="Ask the registry's owner to allow this type.")
    worklist = worklist_of(Verdict.COPY, Verdict.BLOCKED)
    first, second = worklist.copies
    second = replace(second, reason=str(problem), problem=problem)
    return Preview(replace(worklist, copies=(first, second)))


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_a_blocked_copy_opens_with_its_whole_reason_and_what_to_do(
    size: tuple[int, int],
) -> None:
    async with looking(engine(blocked()), size) as it:
        await it.says("Verdict")
        await it.pilot.press("j")
        await it.says("team/web:v2 → new/mirror/web:v2")
        await it.pilot.press("enter")
        await it.shows(FactsDialog)
        await it.says("✗ blocked")
        await until(it.pilot, lambda: "Why No right to do this: the" in it.framed(), "why")
        words = "What to do Ask the registry's owner to allow this type."
        await until(it.pilot, lambda: words in it.framed(), "what to do")
        await it.pilot.press("escape")
        await it.shows(PlanPreviewScreen)


async def test_what_a_target_did_not_say_is_a_list_with_the_reason() -> None:
    why = NoRight("GET /api/v2.0/projects/team", remedy="Sign in as a member of the project.")
    unknown = PreflightUnknown("new.example", "whether tags are immutable", ("team",), why)
    seen = replace(Preview(worklist_of(Verdict.COPY)), unknown=(unknown,))
    async with looking(engine(seen)) as it:
        await it.says("! new: it isn't known whether tags are immutable (team): No right")
        await it.says("Not known 1")
        await it.pilot.press("right", "enter")
        await it.shows(FactsDialog)
        words = "What to do Sign in as a member of the project."
        await until(it.pilot, lambda: words in it.framed(), "what to do")


async def test_of_what_was_left_out_each_opens_with_the_reason_and_the_nearest_rule() -> None:
    async with looking(engine()) as it:
        await it.says("Left out 6 tags")
        await it.pilot.press("right", "right", "enter")
        await it.says("excluded by *9")
        await it.pilot.press("enter")
        await it.shows(FactsDialog)
        await it.says("Why excluded by *9")
        await until(it.pilot, lambda: "Nearest rule 1" in it.framed(), "the rule")


async def test_where_there_is_little_room_only_the_list_in_front_says_how_much_it_has() -> None:
    async with looking(engine(), (60, 20)) as it:
        await it.says("Copies 6 Deletions Left out New repositories")
        await it.pilot.press("right", "right")
        await it.says("Copies Deletions Left out 6 tags, 1 repository New repo…")


async def test_a_place_goes_by_its_alias_and_the_ends_of_long_names_stay() -> None:
    long = Reference("old.example:5000", "department/team/backend/services/checkout", "2026.1")
    copy = replace(worklist_of(Verdict.COPY).copies[0], source=long, reason="it is new")
    async with looking(engine(Preview(Worklist((copy,), (), {}))), (80, 24)) as it:
        await it.says("it is new")
        [row] = [line for line in screen_text(it.app).splitlines() if "2026.1 →" in line]
        assert row.strip().startswith("old/depart")
        assert "checkout:2026.1 → new/" in row


@pytest.mark.parametrize("words", HOSTILE)
async def test_what_registries_say_is_only_text(words: str) -> None:
    async with looking(engine(foreseen(EVERYTHING, words)), (80, 24)) as it:
        await it.says("Verdict")
        await it.pilot.press("right", "right", "enter", "escape", "right")
        assert screen_text(it.app).replace("\n", "").isprintable()


async def test_nothing_vanished_is_nothing_to_say() -> None:
    async with looking(engine(Preview(worklist_of(Verdict.COPY), vanished=PrunedTags()))) as it:
        await it.says("Copies 1")
        assert "Delet" not in it.text()


async def test_the_guide_knows_what_a_plan_has_seen_to() -> None:
    stand_in = engine(Preview(worklist_of(Verdict.COPY)))
    stand_in.gates["preview"] = asyncio.Event()
    async with looking(stand_in) as it:
        it.app.context.guide.on = True
        it.app.show_guide()
        await it.says("▸ Preview")
        await it.says("Look at what will be written.")
        stand_in.gates["preview"].set()
        await it.says("▸ Run")
        await it.pilot.press("n")
        await it.shows(ConfirmDialog)
        stand_in.views = [job_view("job1", JobState.RUNNING)]
        await it.pilot.press("right", "enter")
        await until(it.pilot, lambda: it.app.current_mode == "jobs", "the jobs are in front")
        await it.says("The copy is running.")


async def test_a_plan_that_was_previewed_is_started_where_plans_are() -> None:
    async with looking(engine(Preview(worklist_of(Verdict.COPY)))) as it:
        await it.says("Verdict")
        await it.pilot.press("2", "n")
        await until(it.pilot, lambda: it.app.current_mode == "plan", "the plan is in front")
        assert not it.engine.started
