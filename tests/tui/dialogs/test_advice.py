"""Advice for a plan: what isn't known is asked, and the operator may differ."""

from __future__ import annotations

from fakes.parts_world import PLAN, WAYS
from fakes.screen import line_in, screen_text
from fakes.world import Walk, full_world, walking
from transship.accounts.registry_file import Account
from transship_tui.widgets.bars import MessageBar

QUESTION, ADVICE = WAYS["advice-question"], WAYS["advice"]


async def test_one_question_after_another_and_the_way_back() -> None:
    async with walking(full_world(), QUESTION) as walk:
        assert "Question 1" in screen_text(walk.app)
        assert "Can this machine reach both registries?" in screen_text(walk.app)
        await walk.press("enter")
        assert "Question 2" in screen_text(walk.app)
        assert "Will old go on changing" in screen_text(walk.app)
        await walk.press("left")
        assert "Can this machine reach both registries?" in screen_text(walk.app)
        await walk.press("escape")
        await walk.is_at("PlanScreen")


async def test_the_recommended_way_comes_first_and_the_others_have_a_reason() -> None:
    async with walking(full_world(), ADVICE, (120, 40)) as walk:
        shown = screen_text(walk.app)
        assert "✓ Replication: keep everything in step (recommended)" in shown
        assert "– Sync: copy by rules, again and again" in shown
        assert "Neither end is a Harbor" in shown
        assert "Everything is wanted, and it goes on changing" in shown.replace("\n", " ")


async def test_taking_it_makes_the_plan_that_kind_after_a_question() -> None:
    async with walking(full_world(), ADVICE) as walk:
        await walk.press("enter")
        await walk.is_at("ConfirmDialog")
        assert "Make shop a replication?" in screen_text(walk.app)
        await walk.press("right", "enter")
        await walk.is_at("PlanScreen")
        assert 'kind = "replication"' in walk.engine.plan_texts["shop"]
        assert "shop is a replication now" in line_in(walk.app, MessageBar)


async def test_the_operator_may_differ() -> None:
    async with walking(full_world(), ADVICE) as walk:
        await walk.press("down", "down", "enter")
        await walk.is_at("PlanScreen")
        assert "shop is a sync already" in line_in(walk.app, MessageBar)
        assert walk.engine.plan_texts["shop"] == PLAN


async def test_what_is_not_known_can_stay_so() -> None:
    async with walking(full_world(), QUESTION, (120, 40)) as walk:
        for _ in range(4):
            if "Question" in screen_text(walk.app):
                await walk.press("G", "end", "enter")
        assert "(recommended)" in screen_text(walk.app)
        assert "Copy once, through this machine (recommended)" in screen_text(walk.app)


async def test_what_the_accounts_tell_is_not_asked() -> None:
    engine = full_world()
    engine.known = [
        Account("old.example:5000", alias="old", service="harbor"),
        Account("new.example", service="tcr"),
    ]
    async with walking(engine, QUESTION) as walk:
        assert "old (HARBOR) → new.example (TCR)" in screen_text(walk.app)
        assert "Can old reach new.example over the network?" in screen_text(walk.app)
        await walk.press("enter", "enter", "enter", "enter")
        if "Question" in screen_text(walk.app):
            await walk.press("enter")
        await walk.is_at("PlanScreen")
        assert "A replication policy of Harbor: set it up at the service" in line_in(
            walk.app, MessageBar
        )


async def test_the_editor_takes_what_is_chosen_into_its_draft() -> None:
    async def edited(walk: Walk) -> None:
        walk.engine.plan_texts = {"shop": PLAN}
        await walk.press("3", "enter")
        await walk.is_at("PlanEditorScreen")

    async with walking(full_world(), edited) as walk:
        await walk.press("f7")
        await walk.is_at("AdviceDialog")
        await walk.press("enter", "j", "enter", "enter", "j", "enter", "enter")
        await walk.is_at("PlanEditorScreen")
        assert "It is a replication here" in line_in(walk.app, MessageBar)
        assert walk.engine.plan_texts["shop"] == PLAN
        await walk.press("ctrl+s")
        assert 'kind = "replication"' in walk.engine.plan_texts["shop"]


async def test_words_of_a_hostile_service_are_only_words() -> None:
    async def asked(walk: Walk) -> None:
        await QUESTION(walk)

    engine = full_world()
    engine.known = [Account("old.example:5000", service="[@click=app.quit]x[/]\x1b[2J")]
    async with walking(engine, asked) as walk:
        assert "\x1b" not in screen_text(walk.app)
        assert "[@CLICK=APP.QUIT]X[/]" in screen_text(walk.app)
