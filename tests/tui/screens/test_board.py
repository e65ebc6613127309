"""The board of a flow: what is where, what can be promoted, and the question before it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Button

from fakes.images import digest
from fakes.jobs import job_view
from fakes.parts_world import FLOW, PLAN, WAYS
from fakes.screen import line_in, screen_text, until
from fakes.world import Walk, full_world, walking
from transship.errors import BadFile, ConnectionRefused, TagMoved
from transship.plans.flow import FlowEntry
from transship.transfers.copies import JobState
from transship_tui.screens.plan.flow import FlowScreen
from transship_tui.widgets.bars import LineBar, MessageBar

BOARD = WAYS["board"]


def row(walk: Walk, name: str) -> str:
    lines = screen_text(walk.app).split("\n")
    return next(line for line in lines if line.strip().startswith(name))


def promoted(walk: Walk) -> list[tuple[str, str, str]]:
    return [(str(p.image), p.ends.name, p.digest) for p in walk.engine.promoted]


async def test_the_same_digest_has_the_same_letter_and_arrows_say_what_can_be_promoted() -> None:
    async with walking(full_world(), BOARD) as walk:
        assert row(walk, "shop/web:1.4").split()[1:] == [
            "A", "ca978112ca1b", "⇒", "B", "3e23e8160039", "→", "–",
        ]  # fmt: skip
        assert row(walk, "shop/web:1.3").split()[1::2] == ["A", "A", "A"]
        assert row(walk, "shop/db:15.2").split()[-2:] == ["?", "–"]
        assert "Board 4 to promote" in screen_text(walk.app)
        assert "same letter, same digest" in screen_text(walk.app)
        assert "test couldn't be looked at in full" in line_in(walk.app, MessageBar)


async def test_the_line_is_that_of_the_next_step() -> None:
    async with walking(full_world(), BOARD, (120, 40)) as walk:
        assert "promote shop shop/web:1.4 --to prod" in line_in(walk.app, LineBar)
        await walk.press("j")
        assert line_in(walk.app, LineBar).startswith("$ transship flow shop ")
        await walk.press("j", "j")
        assert "shop/api:1.9 --to prod --overwrite" in line_in(walk.app, LineBar)


async def test_p_asks_and_the_way_out_has_the_focus() -> None:
    async with walking(full_world(), BOARD) as walk:
        await walk.press("j", "j", "p")
        await walk.is_at("ConfirmDialog")
        for words in ("Promote shop/api:2.0 to test?", "old/dev/shop/api:2.0",
                      "new/test/shop/api:2.0", digest("c").partition(":")[2]):  # fmt: skip
            assert words in screen_text(walk.app)
        await walk.press("enter")
        await walk.is_at("FlowScreen")
        assert walk.engine.promoted == []


async def test_what_is_confirmed_is_promoted_by_its_digest() -> None:
    async with walking(full_world(), BOARD) as walk:
        await walk.press("j", "j", "p")
        await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await walk.is_at("FlowScreen")
        assert promoted(walk) == [("shop/api:2.0", "test", digest("c"))]
        assert "on its way to test: job promote1" in line_in(walk.app, MessageBar)
        assert walk.engine.asked.count(("promotions", "shop")) == 2


async def test_another_digest_gives_way_only_when_the_host_is_typed() -> None:
    async with walking(full_world(), BOARD) as walk:
        await walk.press("j", "j", "j", "p")
        await walk.is_at("ConfirmDialog")
        assert "in place of another image" in screen_text(walk.app)
        button = walk.app.screen.query_one("#go-on", Button)
        assert button.disabled
        await walk.press(*"new.example")
        assert not button.disabled
        await walk.press("enter")
        await walk.is_at("FlowScreen")
        assert [(p.ends.name, p.overwrite) for p in walk.engine.promoted] == [("prod", True)]


async def test_which_step_is_asked_where_there_are_several() -> None:
    async with walking(full_world(), BOARD) as walk:
        await walk.press("p")
        await walk.is_at("ChoiceDialog")
        assert "test → prod" in screen_text(walk.app)
        await walk.press("escape")
        await walk.is_at("FlowScreen")
        await walk.press("p", "enter")
        await walk.is_at("ConfirmDialog")
        assert "Promote shop/web:1.4 to prod?" in screen_text(walk.app)


async def test_a_tag_that_has_moved_since_is_not_promoted() -> None:
    engine = full_world()
    engine.failures["consider"] = TagMoved("shop/api:2.0 in dev points at another")
    async with walking(engine, BOARD) as walk:
        await walk.press("j", "j", "p")
        await until(walk.pilot, lambda: "points at another" in screen_text(walk.app), "why")
        assert isinstance(walk.app.screen, FlowScreen)
        assert engine.promoted == []


@pytest.mark.parametrize(
    ("rows_down", "why"), [(1, "Every stage has the same digest"), (4, "couldn't be looked at")]
)
async def test_what_cannot_be_promoted_says_why(rows_down: int, why: str) -> None:
    async with walking(full_world(), BOARD) as walk:
        await walk.press(*["j"] * rows_down)
        assert walk.app.screen.active_bindings["p"].enabled is False
        await walk.press("p")
        assert why in line_in(walk.app, MessageBar)


async def test_f_and_slash_narrow_and_escape_shows_all_again() -> None:
    async with walking(full_world(), BOARD) as walk:
        await walk.press("f")
        assert "shop/web:1.3" not in screen_text(walk.app)
        assert "only what can be promoted" in screen_text(walk.app)
        await walk.press("slash", *"api", "enter")
        assert "2 of 5" in screen_text(walk.app)
        assert "shop/web:1.4" not in screen_text(walk.app).split("$")[0]
        await walk.press("escape", "escape")
        assert "shop/web:1.3" in screen_text(walk.app)
        await walk.press("escape")
        await walk.is_at("PlanScreen")


async def test_the_history_says_who_promoted_what_and_how_it_ended() -> None:
    async with walking(full_world(), WAYS["board-history"], (120, 40)) as walk:
        for words in ("alice on ops1", "✗ failed", "! partly", "✓ done", "referrers failed"):
            assert words in screen_text(walk.app)
        assert "--history" in line_in(walk.app, LineBar)
        await walk.press("enter")
        await walk.is_at("FactsDialog")
        assert digest("b") in screen_text(walk.app)
        await walk.press("escape", "escape")
        assert row(walk, "shop/web:1.3")


async def test_enter_shows_every_digest_of_an_image() -> None:
    async with walking(full_world(), BOARD, (120, 40)) as walk:
        await walk.press("enter")
        await walk.is_at("FactsDialog")
        for words in (digest("a"), digest("b"), "isn't there", "in place of another digest"):
            assert words in screen_text(walk.app)


async def test_the_board_is_looked_at_anew_once_a_promotion_has_ended() -> None:
    async with walking(full_world(), BOARD) as walk:
        await walk.press("j", "j", "p")
        await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await walk.is_at("FlowScreen")
        walk.engine.views = [job_view("promote1", JobState.DONE), *walk.engine.views]
        walk.app.context.monitor.look()
        await until(
            walk.pilot, lambda: walk.engine.asked.count(("board", "shop")) == 2, "another look"
        )


async def test_a_board_that_cannot_be_had_says_so() -> None:
    engine = full_world()
    engine.failures["board"] = ConnectionRefused("new.example")
    async with walking(engine, BOARD) as walk:
        assert "It couldn't be looked at; r looks anew." in screen_text(walk.app)
        assert "refused" in line_in(walk.app, MessageBar)
        del engine.failures["board"]
        await walk.press("r")
        assert "5 images" in screen_text(walk.app)


async def plans(walk: Walk) -> None:
    walk.engine.plan_texts = {"shop": PLAN}
    await walk.press("3")


async def test_without_a_flow_it_says_what_one_is() -> None:
    engine = full_world()
    engine.flow_entries = []
    async with walking(engine, plans) as walk:
        await walk.press("b")
        assert 'kind = "flow"' in line_in(walk.app, MessageBar)


async def test_one_of_several_flows_is_chosen_and_a_broken_one_says_why() -> None:
    engine = full_world()
    broken = FlowEntry(Path("plans/old.toml"), problem=BadFile("plans/old.toml:3: no stages"))
    engine.flow_entries = [broken, FlowEntry(Path("plans/shop.toml"), FLOW)]
    async with walking(engine, plans) as walk:
        await walk.press("b")
        await walk.is_at("ChoiceDialog")
        await walk.press("enter")
        assert "old.toml:3" in line_in(walk.app, MessageBar)
        await walk.press("b", "j", "enter")
        await walk.is_at("FlowScreen")


async def test_narrow_terminals_have_letters_without_digests() -> None:
    async with walking(full_world(), BOARD, (40, 20)) as walk:
        assert row(walk, "shop/web:1.4").split()[1:] == ["A", "⇒", "B", "→", "–"]
