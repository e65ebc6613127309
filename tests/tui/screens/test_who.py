"""Choosing who moves a plan: what each means, who can't and why, and what isn't known."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from textual.widgets import Button, Input, Select

from fakes.delegates_world import HARBOR, TCR, WAYS, refused
from fakes.screen import line_in, screen_text, until
from fakes.world import Walk, full_world, walking
from transship import errors
from transship.app.engines import PlanRequest
from transship.engines.choice import EngineKind, PolicyTermOptions
from transship.engines.harbor.policy import TriggerKind
from transship.plans.advice import Edition, End, Ends
from transship_tui.screens.engines.choice import EnginePlanScreen
from transship_tui.screens.plan.preview import PlanPreviewScreen
from transship_tui.widgets.bars import LineBar, MessageBar


def said(walk: Walk) -> str:
    """Return all that is on the screen, in one line."""
    return " ".join(screen_text(walk.app).replace("▌", " ").split())


def wish_of(walk: Walk) -> PlanRequest:
    """Return what was wished last."""
    return next(
        what
        for name, what in reversed(walk.engine.asked)
        if name == "draw_changes" and isinstance(what, PlanRequest)
    )


async def test_each_who_could_is_said_with_what_it_means() -> None:
    async with walking(full_world(), WAYS["who"], (120, 40)) as walk:
        shown = said(walk)
        assert "? depends Harbor, one of the sides replication policies" in shown
        assert (
            "It depends on what isn't known; a answers: ? Are you a system administrator" in shown
        )
        for label in ("Freshness", "Filters", "Deletes", "Logins"):
            assert label in shown
        assert "transship delegate ways" in line_in(walk.app, LineBar)


async def test_who_cannot_is_refused_with_the_reason_and_what_can_be_done_instead() -> None:
    async with walking(full_world(), WAYS["who"], (120, 40)) as walk:
        await walk.press("G", "enter")
        await walk.is_at("EngineChoiceScreen")
        judged = await walk.engine.who_could(None)  # type: ignore[arg-type]
        last = judged.ways[-1]
        assert last.who is EngineKind.TCR_REPLICA
        assert not last.is_possible
        said_so = line_in(walk.app, MessageBar).rstrip("…").strip("! ").removesuffix("e shows all")
        assert last.obstacle.startswith(said_so.strip().rstrip("…")[:40])
        assert " ".join(last.instead.split()[:4]) in said(walk)


async def test_what_is_not_known_is_asked_and_the_answer_decides() -> None:
    engine = full_world()
    engine.judged = replace(engine.judged, ends=Ends(End(TCR, "tcr"), End(f"b.{TCR}", "tcr")))
    async with walking(engine, WAYS["who"], (120, 40)) as walk:
        await walk.press("g", "j", "j", "j")
        assert "? depends TCR, by sync rules" in said(walk)
        assert "a answers" in said(walk)
        await walk.press("a")
        await walk.is_at("ChoiceDialog")
        question = said(walk)
        await walk.press("enter")
        await walk.rests()
        name, answers = next(each for each in reversed(engine.asked) if each[0] == "who_could")
        assert name == "who_could"
        assert len(answers) == 1  # type: ignore[arg-type]
        assert question not in said(walk)


async def test_a_question_that_nobody_can_answer_is_passed_over() -> None:
    engine = full_world()
    engine.judged = replace(engine.judged, ends=Ends(End(TCR, "tcr"), End(f"b.{TCR}", "tcr")))
    async with walking(engine, WAYS["who"], (120, 40)) as walk:
        await walk.press("g", "j", "j", "j", "a")
        await walk.is_at("ChoiceDialog")
        await walk.press("escape")
        await walk.is_at("EngineChoiceScreen")
        assert [what for name, what in engine.asked if name == "who_could"] == [()]


async def test_an_edition_that_is_too_low_is_named_with_what_to_do() -> None:
    engine = full_world()
    ends = Ends(
        End(TCR, "tcr", edition=Edition.BASIC, region="ap-guangzhou"),
        End(f"b.{TCR}", "tcr", edition=Edition.BASIC, region="ap-singapore"),
    )
    engine.judged = replace(engine.judged, ends=ends)
    async with walking(engine, WAYS["who"], (120, 40)) as walk:
        await walk.press("g", "j", "j", "j")
        assert "– not here TCR, by sync rules" in said(walk)
        assert "standard" in said(walk)


async def test_our_own_lanes_lead_back_to_the_question_whether_to_start() -> None:
    async with walking(full_world(), WAYS["who"]) as walk:
        await walk.press("g", "enter")
        await walk.is_at("ConfirmDialog")
        assert "Run " in said(walk)
        await walk.press("escape")
        assert isinstance(walk.app.screen, PlanPreviewScreen)
        assert walk.engine.started == []


async def test_the_list_of_plans_leads_there_without_a_preview() -> None:
    async def there(walk: Walk) -> None:
        await walk.press("3")
        await walk.is_at("PlanScreen")
        await walk.press("G", "w")

    async with walking(full_world(), there) as walk:
        await walk.is_at("EngineChoiceScreen")
        await walk.press("g", "enter")
        await walk.is_at("ConfirmDialog")


async def test_the_button_of_the_preview_leads_there_too() -> None:
    async def there(walk: Walk) -> None:
        await walk.press("3", "G", "p")
        await walk.is_at("PlanPreviewScreen")
        walk.app.screen.query_one("#who", Button).press()

    async with walking(full_world(), there) as walk:
        await walk.is_at("EngineChoiceScreen")


async def test_what_keeps_it_from_being_known_is_said() -> None:
    engine = full_world()
    engine.failures["who_could"] = errors.BadRequest("the plan is empty")
    async with walking(engine, WAYS["who"]) as walk:
        assert "the plan is empty" in line_in(walk.app, MessageBar)
        assert "Who could move it isn't known." in said(walk)


async def test_the_form_asks_for_a_cron_line_where_it_goes_by_the_clock() -> None:
    async with walking(full_world(), WAYS["delegate-form"]) as walk:
        await walk.press("enter", "down", "down", "enter")
        await until(walk.pilot, lambda: "Cron line" in screen_text(walk.app), "the cron line")
        await walk.press("ctrl+s")
        await walk.is_at("EnginePlanScreen")
        assert "This is needed." in said(walk)
        await walk.press(*"0 0 */2 * * *")
        assert (
            "--begins scheduled --cron '0 0 */2 * * *'" in walk.app.screen.query_one(LineBar).line
        )
        await walk.press("ctrl+s")
        await walk.is_at("PlanChangesScreen")
        terms = wish_of(walk).terms
        assert (terms.begins, terms.cron) == (TriggerKind.SCHEDULED, "0 0 */2 * * *")


async def test_a_relay_needs_a_harbor_that_is_neither_side() -> None:
    engine = full_world()
    engine.harbor_hosts = ("relay.example",)
    engine.judged = replace(engine.judged, ends=Ends(End("a.example"), End(TCR, "tcr")))
    async with walking(engine, WAYS["who"], (120, 40)) as walk:
        await walk.press("g", "j", "j", "enter")
        await walk.is_at("EnginePlanScreen")
        assert "no account is a Harbor" in said(walk)
        await walk.press("ctrl+s")
        await walk.is_at("EnginePlanScreen")
        assert "This is needed." in said(walk)
        assert "How old the pulled half may be" in said(walk)


async def test_what_cannot_be_made_is_refused_before_it_is_asked() -> None:
    async with walking(full_world(), WAYS["changes-refused"], (120, 40)) as walk:
        shown = said(walk)
        [why] = refused().changes.refusals
        assert "Nothing of it can be made:" in shown
        assert why.detail in shown
        assert why.remedy in shown
        assert walk.app.screen.query_one("#make", Button).disabled
        await walk.press("S")
        assert "what is in the way stands above" in line_in(walk.app, MessageBar)


async def test_leaving_the_form_goes_back_to_who_moves_it() -> None:
    async with walking(full_world(), WAYS["delegate-form"]) as walk:
        assert isinstance(walk.app.screen, EnginePlanScreen)
        walk.app.screen.query_one("#cancel", Button).press()
        await walk.is_at("EngineChoiceScreen")
        assert HARBOR in said(walk) or TCR in said(walk)


async def test_speed_pieces_and_one_at_a_time_are_asked_for_and_said() -> None:
    async with walking(full_world(), WAYS["delegate-form"], (120, 40)) as walk:
        speed = walk.app.screen.query_one("#speed", Input)
        speed.value = "fast"
        await walk.press("ctrl+s")
        await walk.is_at("EnginePlanScreen")
        assert "Write a number of KB/s." in said(walk)
        speed.value = "2048"
        walk.app.screen.query_one("#pieces", Select).value = True
        walk.app.screen.query_one("#single", Select).value = True
        words = "--speed 2048 --chunks --single"
        await until(walk.pilot, lambda: words in walk.app.screen.query_one(LineBar).line, "it")
        await walk.press("ctrl+s")
        await walk.is_at("PlanChangesScreen")
        assert wish_of(walk).terms == PolicyTermOptions(
            speed=2048, copy_by_chunk=True, single_active=True
        )


async def test_a_key_pressed_while_it_looks_chooses_nothing_but_what_it_points_at() -> None:
    engine = full_world()
    engine.judged = replace(engine.judged, ends=Ends(End(TCR, "tcr"), End(f"b.{TCR}", "tcr")))
    gate = engine.gates["who_could"] = asyncio.Event()

    async def plans(walk: Walk) -> None:
        await walk.press("3", "G")

    async with walking(engine, plans, (120, 40)) as walk:
        await walk.pilot.press("w")
        await until(walk.pilot, lambda: "· looking TCR, by sync rules" in said(walk), "it looks")
        await walk.pilot.press("j", "j", "j", "enter")
        await until(
            walk.pilot,
            lambda: "wait for what each can" in line_in(walk.app, MessageBar),
            "it says to wait",
        )
        gate.set()
        await until(walk.pilot, lambda: "? depends TCR, by sync rules" in said(walk), "it is known")
        assert "wait for" not in line_in(walk.app, MessageBar)
        await walk.press("enter")
        await walk.is_at("EnginePlanScreen")
        assert "--by tcr-sync" in walk.app.screen.query_one(LineBar).line
