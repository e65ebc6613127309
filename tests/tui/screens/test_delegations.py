"""What was delegated from here: listed with how far each came, opened, and undone."""

from __future__ import annotations

from fakes.delegates_world import BROKEN, PUSHED, WAYS
from fakes.screen import line_in, screen_text
from fakes.world import Walk, full_world, walking
from transship import errors
from transship_tui.widgets.bars import LineBar, MessageBar


def said(walk: Walk) -> str:
    return " ".join(screen_text(walk.app).replace("▌", " ").split())


async def test_they_are_found_in_jobs_the_newest_first_each_with_how_far_it_came() -> None:
    async with walking(full_world(), WAYS["delegations"], (120, 40)) as walk:
        shown = said(walk)
        assert shown.index("✓ made") < shown.index("✗ failed")
        assert "Harbor, one of the sides" in shown
        assert PUSHED in shown
        assert "transship delegate" in line_in(walk.app, LineBar)


async def test_where_nothing_was_delegated_it_says_how_to_begin() -> None:
    engine = full_world()
    engine.delegated = {}
    async with walking(engine, WAYS["delegations"]) as walk:
        assert "Nothing was delegated yet. In a plan's preview (3), w chooses" in said(walk)
        await walk.press("u")
        assert "There is nothing here to undo." in line_in(walk.app, MessageBar)


async def test_undoing_shows_what_it_changes_asks_and_is_remembered() -> None:
    async with walking(full_world(), WAYS["delegation-undo"], (120, 40)) as walk:
        assert f"transship delegate undo {PUSHED}" in line_in(walk.app, LineBar)
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await walk.is_at("UndoChangesScreen")
        assert "Undone: 2 changes taken back" in line_in(walk.app, MessageBar)
        await walk.press("escape")
        await walk.is_at("DelegationsScreen")
        assert "↶ undone" in said(walk)
        await walk.press("g", "j", "u")
        assert "It was undone by" in line_in(walk.app, MessageBar)


async def test_what_cannot_be_read_is_said() -> None:
    engine = full_world()
    engine.failures["delegations"] = errors.BadFile("delegations/20260914-a1b2c3/journal.jsonl")
    async with walking(engine, WAYS["delegations"]) as walk:
        assert "A file can't be understood" in line_in(walk.app, MessageBar)


async def test_one_that_was_broken_off_is_gone_on_with_after_a_question() -> None:
    async def there(walk: Walk) -> None:
        await WAYS["delegations"](walk)
        await walk.press("j", "enter")
        await walk.is_at("DelegationScreen")

    async with walking(full_world(), there, (120, 40)) as walk:
        assert BROKEN in said(walk)
        assert "403, the robot may not" in said(walk)
        await walk.press("C")
        await walk.is_at("ConfirmDialog")
        assert "Make 1 change that is left?" in said(walk)
        await walk.press("right", "enter")
        await walk.is_at("DelegationScreen")
        assert "1 change made" in line_in(walk.app, MessageBar)
        assert "2 of 2 changes made" in said(walk)
