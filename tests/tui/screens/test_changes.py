"""Changes at an engine: seen, asked, made one after the other, broken off and gone on with."""

from __future__ import annotations

import asyncio

from textual.widgets import Button

from fakes.delegates_world import TCR, WAYS
from fakes.screen import line_in, screen_text, until
from fakes.world import Walk, full_world, walking
from transship import errors
from transship.app.engines import PlannedRequest, PlanRequest
from transship.engines.changes import ChangeSet, change_between
from transship_tui.screens.engines.changes import ChangesView
from transship_tui.widgets.bars import MessageBar

LOTS = 200


def said(walk: Walk) -> str:
    return " ".join(screen_text(walk.app).replace("▌", " ").replace("▐", " ").split())


def made(walk: Walk) -> list[object]:
    return [what for name, what in walk.engine.asked if name == "make_change"]


async def confirm(walk: Walk) -> None:
    """Type the host whose login is handed over, and enter it."""
    await walk.press(*TCR, "enter")


async def test_each_change_is_shown_field_by_field_as_it_will_be_sent() -> None:
    async with walking(full_world(), WAYS["changes"], (120, 40)) as walk:
        shown = said(walk)
        assert "+ 1 to create ↻ 1 to change = 1 left as it is" in shown
        assert "+ create registry endpoint shop-tencentcloudcr-com" in shown
        assert "trigger manual → event_based" in shown
        assert '+ {"type": "tag", "value": "v*", "decoration": "matches"}' in shown
        assert "is handed the login of" in shown
        assert not made(walk)


async def test_where_a_login_is_handed_over_its_host_is_typed() -> None:
    async with walking(full_world(), WAYS["changes-question"]) as walk:
        assert walk.app.screen.query_one("#go-on", Button).disabled
        assert "is handed the login of" in said(walk)
        await walk.press("enter")
        await walk.is_at("ConfirmDialog")
        await walk.press("escape")
        await walk.is_at("PlanChangesScreen")
        assert not made(walk)


async def test_what_was_agreed_to_is_made_and_the_delegation_is_shown() -> None:
    async with walking(full_world(), WAYS["changes-question"]) as walk:
        await confirm(walk)
        await walk.is_at("DelegationScreen")
        assert made(walk) == [
            "create registry endpoint shop-tencentcloudcr-com",
            "change replication policy nightly",
        ]
        assert "2 of 2 changes made" in said(walk)
        # Nothing that led here is left open.
        await walk.press("3")
        await walk.is_at("PlanPreviewScreen")


async def test_a_change_that_fails_ends_it_and_it_can_be_gone_on_with_here() -> None:
    async with walking(full_world(), WAYS["changes-broken-off"], (120, 40)) as walk:
        shown = said(walk)
        assert "✓ created registry endpoint" in shown
        assert "✗ failed replication policy nightly" in shown
        assert "the robot may not" in line_in(walk.app, MessageBar)
        assert "Go on…" in shown
        walk.engine.breaks_at = {}
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        await confirm(walk)
        await walk.is_at("DelegationScreen")
        # What was made isn't made a second time.
        assert made(walk).count("create registry endpoint shop-tencentcloudcr-com") == 1


async def test_while_it_is_made_the_screen_stays_and_leaving_the_app_asks() -> None:
    engine = full_world()
    engine.gates["make_change"] = asyncio.Event()
    async with walking(engine, WAYS["changes-question"]) as walk:
        walk.app.screen.dismiss(True)
        await until(walk.pilot, lambda: "0 of 2 changes made" in said(walk), "how far it is")
        await walk.pilot.press("escape")
        await until(
            walk.pilot, lambda: "wait for the end" in line_in(walk.app, MessageBar), "why it stays"
        )
        await walk.pilot.press("ctrl+q")
        await until(walk.pilot, lambda: "Break it off?" in said(walk), "it asks")
        assert "2 changes would not be made" in said(walk)
        await walk.pilot.press("escape")
        engine.gates["make_change"].set()
        await walk.is_at("DelegationScreen")


async def test_what_cannot_be_asked_for_is_said_and_can_be_looked_at_anew() -> None:
    engine = full_world()
    engine.failures["draw_changes"] = errors.TimedOut("harbor.example")
    async with walking(engine, WAYS["changes"]) as walk:
        assert "Nothing is known yet" in said(walk)
        assert "harbor.example" in line_in(walk.app, MessageBar)
        del engine.failures["draw_changes"]
        await walk.press("r")
        assert "+ 1 to create" in said(walk)


async def test_where_everything_is_as_it_should_be_nothing_can_be_made() -> None:
    engine = full_world()
    settings = {"enabled": True}
    stays = change_between("replication policy", "nightly", settings, settings)
    engine.draws[PlanRequest] = PlannedRequest(
        ChangeSet("Harbor at harbor.example", "push", (stays,))
    )
    async with walking(engine, WAYS["changes"]) as walk:
        assert "everything is as it should be" in said(walk)
        await walk.press("S")
        assert "Everything is as it should be." in line_in(walk.app, MessageBar)


async def test_hundreds_of_changes_are_read_from_the_first_to_the_last() -> None:
    engine = full_world()
    many = tuple(
        change_between("namespace", f"team-{number:03}", None, {"IsPublic": False})
        for number in range(LOTS)
    )
    engine.draws[PlanRequest] = PlannedRequest(ChangeSet("TCR instance shop", "move", many))
    async with walking(engine, WAYS["changes"]) as walk:
        assert f"+ {LOTS} to create" in said(walk)
        assert "team-000" in said(walk)
        await walk.press("G")
        assert f"team-{LOTS - 1}" in said(walk)
        await walk.press("g")
        assert walk.app.screen.query_one(ChangesView).scroll_offset.y == 0


async def test_deleting_is_asked_as_what_it_is() -> None:
    async with walking(full_world(), WAYS["delegation-undo"], (120, 40)) as walk:
        assert "× 2 to delete" in said(walk)
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        assert "× delete" in said(walk)
        assert walk.app.screen.query_one("#go-on", Button).variant == "error"
