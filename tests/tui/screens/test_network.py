"""Who gets through to an instance of TCR: explained, and changed only on an explicit yes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.screen import line_in, screen_text
from fakes.tcr_world import TCR, WAYS, access, add_tencent
from fakes.world import WAYS as ALL_WAYS
from fakes.world import Walk, full_world, walking
from transship import errors
from transship.accounts.registry_file import Account
from transship.app.engines import NetworkRequest
from transship.engines.tcr.network_access import (
    DesiredAccess,
    EndpointStatus,
    LinkStatus,
    explain_access,
)
from transship_tui.widgets.bars import LineBar, MessageBar

NETWORK = WAYS["network"]


def said(walk: Walk) -> str:
    return " ".join(screen_text(walk.app).replace("▌", " ").replace("▐", " ").split())


def wished(walk: Walk) -> NetworkRequest:
    return next(
        what
        for name, what in reversed(walk.engine.asked)
        if name == "draw_changes" and isinstance(what, NetworkRequest)
    )


async def on(walk: Walk, row: int) -> None:
    """Put the cursor on a row, counted from 0."""
    await walk.press("g", *["j"] * row)


async def test_who_gets_through_is_listed_and_explained() -> None:
    async with walking(full_world(), NETWORK, (120, 40)) as walk:
        shown = said(walk)
        assert f"✓ open public endpoint {TCR}" in shown
        assert "✓ allowed allowed address 203.0.113.0/24 office" in shown
        assert "✓ works VPC link vpc-1a2b3c4d/subnet-5e6f7a8b at 10.0.0.9" in shown
        assert f"✓ works private DNS {TCR} in vpc-1a2b3c4d" in shown
        for words in explain_access(access()):
            assert words in shown
        assert f"transship delegate network {TCR}" in line_in(walk.app, LineBar)
        assert "draw_changes" not in dict(walk.engine.asked)


async def test_an_address_is_allowed_only_after_it_was_shown_and_asked() -> None:
    async with walking(full_world(), WAYS["network-changes"], (120, 40)) as walk:
        assert wished(walk).wishes == DesiredAccess(allow=("192.0.2.0/24",))
        assert "--allow 192.0.2.0/24" in walk.app.screen.query_one(LineBar).line
        assert "make_changes" not in dict(walk.engine.asked)
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        await walk.press("enter")
        await walk.is_at("NetworkChangesScreen")
        assert "make_changes" not in dict(walk.engine.asked)
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await walk.is_at("NetworkScreen")
        assert "1 change made" in line_in(walk.app, MessageBar)
        asked = [name for name, _ in walk.engine.asked]
        assert "network_at" in asked[asked.index("make_change") :]


@pytest.mark.parametrize(
    ("row", "wishes", "line"),
    [
        (1, DesiredAccess(disallow=("203.0.113.0/24",)), "--disallow 203.0.113.0/24"),
        (
            3,
            DesiredAccess(unlink=("vpc-1a2b3c4d/subnet-5e6f7a8b",)),
            "--unlink vpc-1a2b3c4d/subnet-5e6f7a8b",
        ),
        (4, DesiredAccess(unresolve=("vpc-1a2b3c4d",)), "--unrecord vpc-1a2b3c4d"),
    ],
)
async def test_what_is_under_the_cursor_can_be_taken_away(
    row: int, wishes: DesiredAccess, line: str
) -> None:
    async with walking(full_world(), NETWORK) as walk:
        await on(walk, row)
        await walk.press("D")
        await walk.is_at("NetworkChangesScreen")
        assert wished(walk) == NetworkRequest(TCR, wishes)
        assert line in walk.app.screen.query_one(LineBar).line


async def test_the_endpoint_is_closed_where_it_is_open_and_never_removed() -> None:
    async with walking(full_world(), NETWORK) as walk:
        await on(walk, 0)
        await walk.press("D")
        assert "opened and closed, never removed" in line_in(walk.app, MessageBar)
        await walk.press("o")
        await walk.is_at("NetworkChangesScreen")
        assert wished(walk).wishes == DesiredAccess(public=False)


async def test_a_closed_endpoint_is_opened_before_anybody_is_allowed() -> None:
    engine = full_world()
    async with walking(engine, NETWORK) as walk:
        engine.access_at = replace(access(), public=EndpointStatus.CLOSED, allowed=())
        await walk.press("r")
        assert "is closed: a copy from this machine can't reach it" in said(walk)
        await walk.press("a")
        assert "Open the endpoint first" in line_in(walk.app, MessageBar)
        await walk.press("o")
        await walk.is_at("NetworkChangesScreen")
        assert wished(walk).wishes == DesiredAccess(public=True)


async def test_a_vpc_is_linked_and_its_private_dns_is_led_there() -> None:
    async with walking(full_world(), NETWORK) as walk:
        await walk.press("p")
        assert "Put the cursor on the link of a VPC." in line_in(walk.app, MessageBar)
        await on(walk, 3)
        await walk.press("p")
        await walk.is_at("NetworkChangesScreen")
        assert wished(walk).wishes == DesiredAccess(resolve=("vpc-1a2b3c4d",))
        await walk.press("escape", "c")
        await walk.is_at("NameDialog")
        await walk.press(*"vpc-9/subnet-9", "enter")
        await walk.is_at("NetworkChangesScreen")
        assert wished(walk).wishes == DesiredAccess(link=("vpc-9/subnet-9",))


async def test_with_this_machines_address_it_says_whether_that_gets_in() -> None:
    async with walking(full_world(), NETWORK, (120, 40)) as walk:
        await walk.press("m")
        await walk.is_at("NameDialog")
        await walk.press(*"192.0.2.9", "enter")
        await walk.is_at("NetworkScreen")
        assert "192.0.2.9 isn't in it" in said(walk)
        await walk.press("m", *["backspace"] * 9, *"nowhere", "enter")
        await walk.is_at("NetworkScreen")
        assert "'nowhere' is no address" in line_in(walk.app, MessageBar)


async def test_what_cannot_be_asked_is_said() -> None:
    engine = full_world()
    engine.failures["network_at"] = errors.NoRight("tcr:DescribeExternalEndpointStatus")
    async with walking(engine, NETWORK) as walk:
        assert "It isn't known." in said(walk)
        await walk.press("a")
        assert "It isn't known yet." in line_in(walk.app, MessageBar)


async def test_only_an_instance_of_tcr_with_keys_has_it() -> None:
    async def there(walk: Walk) -> None:
        add_tencent(walk.engine)
        await walk.press("2", "1", "w")

    async with walking(full_world(), there) as walk:
        assert "Only an instance of Tencent TCR has that." in line_in(walk.app, MessageBar)
        await walk.press("G", "k", "k", "d")
        assert "Tencent CCR" in said(walk)
        assert "Only an instance of Tencent TCR has that." in line_in(walk.app, MessageBar)


async def test_without_keys_it_says_how_to_add_them() -> None:
    async def there(walk: Walk) -> None:
        walk.engine.known = [Account(TCR)]
        await walk.press("2", "1", "w")

    async with walking(full_world(), there) as walk:
        assert "K adds them" in line_in(walk.app, MessageBar)


async def test_a_plans_preview_says_who_gets_through_and_has_all_of_it() -> None:
    engine = full_world()
    engine.gets_in = explain_access(access())
    async with walking(engine, ALL_WAYS["plan-preview"], (120, 40)) as walk:
        assert "· The public endpoint of shop is open to 203.0.113.0/24" in said(walk)
        await walk.press("left")
        assert "vpc-1a2b3c4d is linked by subnet-5e6f7a8b at 10.0.0.9" in said(walk)


async def test_a_target_that_does_not_answer_is_explained_by_its_cloud() -> None:
    engine = full_world()
    engine.failures["preview"] = errors.TimedOut(TCR)
    engine.gets_in = explain_access(
        replace(access(), public=EndpointStatus.CLOSED, allowed=(), links=())
    )

    async def there(walk: Walk) -> None:
        await walk.press("3", "G", "p")
        await walk.is_at("PlanPreviewScreen")

    async with walking(engine, there, (120, 40)) as walk:
        assert "Nothing is known yet" in said(walk)
        assert "The public endpoint of shop is closed" in said(walk)


async def test_what_is_on_its_way_is_asked_for_until_it_is_there() -> None:
    engine = full_world()
    async with walking(engine, NETWORK, (120, 40)) as walk:
        there = access()
        coming = replace(there.links[0], stage=LinkStatus.BEGUN)
        engine.access_at = replace(there, links=(coming,))
        await walk.press("r")
        engine.access_at = there
        walk.app.screen._tick()  # type: ignore[attr-defined]
        await walk.rests()
        assert "✓ works VPC link" in said(walk)


async def test_what_holds_before_a_change_is_not_said_to_follow_from_it() -> None:
    async with walking(full_world(), WAYS["network-changes"], (120, 40)) as walk:
        assert "As it is before that" in said(walk)
        assert "What follows from it" not in said(walk)
