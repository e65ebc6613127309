"""The drift of a plan: what differs, and a plan of what is marked."""

from __future__ import annotations

import asyncio

import pytest

from fakes.images import digest
from fakes.jobs import job_view
from fakes.parts_world import PLAN, WAYS
from fakes.screen import line_in, screen_text, until
from fakes.world import Walk, full_world, walking
from transship.errors import ConnectionRefused
from transship.plans.plan import Kind, Plan
from transship.transfers.copies import JobState
from transship_tui.widgets.bars import LineBar, MessageBar

DRIFT = WAYS["drift"]


def asked(walk: Walk, name: str) -> list[object]:
    return [what for method, what in walk.engine.asked if method == name]


async def drifted(walk: Walk) -> None:
    """Go to the drift, and mark nothing."""
    walk.engine.plan_texts = {"shop": PLAN}
    await walk.press("3", "d")
    await walk.is_at("DriftScreen")


async def test_every_state_is_a_sign_and_a_word_and_counted() -> None:
    async with walking(full_world(), drifted, (120, 40)) as walk:
        shown = screen_text(walk.app)
        for words in ("= 2 same", "≠ 1 differs", "+ 2 missing at target", "» 1 only at target"):
            assert words in shown
        assert "? not compared" in shown
        assert "its digest isn't known" in shown
        assert line_in(walk.app, LineBar).startswith("$ transship drift shop ")


async def test_f_shows_one_state_after_another_and_escape_all() -> None:
    async with walking(full_world(), drifted) as walk:
        await walk.press("f", "f")
        shown = screen_text(walk.app)
        assert "mirror/team/web:latest" in shown
        assert "mirror/team/api:1.0" not in shown
        assert "ca978112ca1b → 3e23e8160039" in shown
        await walk.press("escape")
        assert "mirror/team/api:1.0" in screen_text(walk.app)


async def test_enter_shows_both_digests() -> None:
    async with walking(full_world(), drifted, (120, 40)) as walk:
        await walk.press("f", "f", "enter")
        await walk.is_at("FactsDialog")
        assert digest("a") in screen_text(walk.app)
        assert digest("b") in screen_text(walk.app)


async def test_what_is_marked_becomes_a_plan_that_is_previewed() -> None:
    async with walking(full_world(), DRIFT) as walk:
        assert "● 2 marked" in screen_text(walk.app)
        await walk.press("p")
        await walk.is_at("PlanPreviewScreen")
        (plan,) = asked(walk, "preview")
        assert isinstance(plan, Plan)
        assert (plan.kind, plan.rules) == (Kind.COPY, ())
        assert {str(copy.target) for copy in plan.copies} == {
            "new.example/mirror/team/api:1.2",
            "new.example/mirror/team/web:latest",
        }
        await walk.press("escape")
        await walk.is_at("DriftScreen")
        assert "● 2 marked" in screen_text(walk.app)


async def test_marks_by_pattern_stay_while_other_rows_are_shown() -> None:
    async with walking(full_world(), drifted) as walk:
        await walk.press("asterisk", *"web", "enter")
        assert "● 3 marked" in screen_text(walk.app)
        await walk.press("slash", *"api", "enter")
        assert "4 of 7" in screen_text(walk.app)
        assert "● 3 marked" in screen_text(walk.app)
        await walk.press("escape", "U")
        assert "marked" not in screen_text(walk.app).split("\n")[1]


async def test_the_marked_can_be_saved_as_a_plan() -> None:
    async with walking(full_world(), DRIFT) as walk:
        await walk.press("ctrl+s")
        await walk.is_at("NameDialog")
        assert "shop-drift" in screen_text(walk.app)
        assert "2 tags become a plan that copies just these." in screen_text(walk.app)
        await walk.press("enter")
        await walk.is_at("DriftScreen")
        assert "Saved as plans/shop-drift.toml" in line_in(walk.app, MessageBar)
        text = walk.engine.plan_texts["shop-drift"]
        assert 'kind = "copy"' in text
        assert text.count("[[copies]]") == 2


async def test_a_single_one_becomes_a_plan() -> None:
    async with walking(full_world(), DRIFT) as walk:
        await walk.press("U", "space", "ctrl+s")
        await walk.is_at("NameDialog")
        assert "1 tag becomes a plan that copies just it." in screen_text(walk.app)


async def test_a_name_that_is_taken_is_refused() -> None:
    async with walking(full_world(), DRIFT) as walk:
        await walk.press("ctrl+s")
        await walk.is_at("NameDialog")
        await walk.press("ctrl+u", *"shop", "enter")
        await until(walk.pilot, lambda: "already" in line_in(walk.app, MessageBar), "the reason")


async def test_what_is_only_at_the_target_has_nothing_to_copy() -> None:
    async with walking(full_world(), drifted) as walk:
        await walk.press("slash", *"debug", "enter", "space", "p")
        assert "Nothing to copy" in line_in(walk.app, MessageBar)
        await walk.press("escape", "asterisk", *"api", "enter", "p")
        await walk.is_at("PlanPreviewScreen")
        (plan,) = asked(walk, "preview")
        assert isinstance(plan, Plan)
        assert len(plan.copies) == 3


async def test_while_it_looks_nothing_can_be_done_with_it() -> None:
    engine = full_world()
    engine.gates["drift"] = asyncio.Event()

    async def waiting(walk: Walk) -> None:
        walk.engine.plan_texts = {"shop": PLAN}
        await walk.press("3")
        await walk.pilot.press("d")
        await until(walk.pilot, lambda: asked(walk, "drift"), "it looks")

    async with walking(engine, waiting) as walk:
        await walk.pilot.pause()
        assert "listing both sides" in screen_text(walk.app)
        assert walk.app.screen.active_bindings["p"].enabled is False
        engine.gates["drift"].set()
        await until(walk.pilot, lambda: "7 tags" in screen_text(walk.app), "the tags")
        assert walk.app.screen.active_bindings["p"].enabled is True


async def test_a_place_that_is_away_is_named_and_r_looks_anew() -> None:
    engine = full_world()
    engine.failures["drift"] = ConnectionRefused("new.example")
    async with walking(engine, drifted) as walk:
        assert "refused" in line_in(walk.app, MessageBar)
        assert "r looks anew" in screen_text(walk.app)
        del engine.failures["drift"]
        await walk.press("r")
        assert "7 tags" in screen_text(walk.app)


async def test_it_says_so_when_a_job_has_ended_since() -> None:
    async with walking(full_world(), drifted) as walk:
        assert line_in(walk.app, MessageBar) == ""
        walk.engine.views = [job_view("mend22", JobState.DONE), *walk.engine.views]
        walk.app.context.monitor.look()
        await until(walk.pilot, lambda: "r looks anew" in line_in(walk.app, MessageBar), "a hint")
        await walk.press("r")
        assert line_in(walk.app, MessageBar) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("version = 1\nkind = 3", "can't be read"),
        (
            'version = 1\nkind = "copy"\n[[copies]]\nfrom = "a.example/x:1"\nto = "b.example/x:1"',
            "names its images one by one",
        ),
    ],
)
async def test_a_plan_that_has_no_drift_says_why(text: str, why: str) -> None:
    async def listed(walk: Walk) -> None:
        walk.engine.plan_texts = {"shop": text}
        await walk.press("3", "d")

    async with walking(full_world(), listed) as walk:
        assert why in line_in(walk.app, MessageBar)
