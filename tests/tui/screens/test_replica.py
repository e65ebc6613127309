"""A replica of an instance of TCR without a plan: asked for, shown, refused, made, followed."""

from __future__ import annotations

from dataclasses import replace

from fakes.screen import line_in, screen_text
from fakes.tcr_world import TCR, add_tencent
from fakes.world import Walk, full_world, walking
from transship import errors
from transship.app.engines import PlannedRequest, ReplicaRequest
from transship.engines.changes import ChangeSet, change_between
from transship_tui.widgets.bars import LineBar, MessageBar

WISH = ReplicaRequest(TCR, "ap-shanghai")
ENGINE = "TCR instance shop (tcr-abcdefgh, ap-guangzhou)"
REPLICA = change_between(
    "replication instance", "ap-shanghai", None, {"ReplicationRegionName": "ap-shanghai"},
    warns=("It costs money.",),
)  # fmt: skip
SHOWN = PlannedRequest(ChangeSet(ENGINE, f"have {TCR} replicated to ap-shanghai", (REPLICA,)))


def said(walk: Walk) -> str:
    return " ".join(screen_text(walk.app).split())


async def at_instance(walk: Walk) -> None:
    add_tencent(walk.engine)
    await walk.press("2", "1", "G", "k")


async def asked(walk: Walk) -> None:
    await at_instance(walk)
    await walk.press("R")
    await walk.is_at("NameDialog")
    await walk.press(*"ap-shanghai", "enter")
    await walk.is_at("ReplicaChangesScreen")


async def test_it_is_made_only_after_it_was_shown_and_asked_and_is_followed_then() -> None:
    engine = full_world()
    engine.draws[ReplicaRequest] = SHOWN
    async with walking(engine, asked, (120, 40)) as walk:
        assert ("draw_changes", WISH) in engine.asked
        assert "+ create replication instance ap-shanghai" in said(walk)
        assert f"delegate replica {TCR} --region ap-shanghai" in line_in(walk.app, LineBar)
        await walk.press("S")
        await walk.is_at("ConfirmDialog")
        assert "It costs money." in said(walk)
        assert ("make_changes", WISH) not in engine.asked
        await walk.press("right", "enter")
        await walk.is_at("DelegationScreen")
        assert ("make_changes", WISH) in engine.asked
        assert "1 of 1 changes made TCR, by a replica" in said(walk)


async def test_one_that_can_not_be_is_refused_with_the_reason_and_the_alternative() -> None:
    engine = full_world()
    refusal = errors.CantBeDelegated(
        "ap-singapore is across the border", remedy="Let TCR synchronise two instances by rules."
    )
    refused = replace(SHOWN.changes, changes=(), refusals=(refusal,))
    engine.draws[ReplicaRequest] = PlannedRequest(refused)
    async with walking(engine, asked, (120, 40)) as walk:
        shown = said(walk)
        assert "✗ refused" in shown
        assert "nothing to change" not in shown
        assert "ap-singapore is across the border" in shown
        assert "Let TCR synchronise two instances by rules." in shown
        await walk.press("S")
        await walk.is_at("ReplicaChangesScreen")
        assert "It can't be made" in line_in(walk.app, MessageBar)


async def test_another_service_has_no_replicas() -> None:
    async def elsewhere(walk: Walk) -> None:
        await walk.press("2", "1", "g", "R")

    async with walking(full_world(), elsewhere) as walk:
        assert "Only an instance of Tencent TCR has that." in line_in(walk.app, MessageBar)
