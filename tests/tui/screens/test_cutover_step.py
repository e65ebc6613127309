"""The Tags tab of a board: rounds, the tags that somebody decides, and what stops them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from fakes.cutovers_world import NAME, changed, out_of_step
from fakes.screen import line_in, screen_text, until
from fakes.world import WAYS, full_world, walking
from transship.cutover.catchup import CatchupRound, TagDifferences
from transship.cutover.status import CutoverStatus
from transship.errors import CutoverBusy
from transship_tui.widgets.bars import LineBar, MessageBar


async def test_it_shows_what_differs_those_to_be_decided_first_and_the_rounds() -> None:
    async with walking(full_world(), WAYS["cutover-step"], (120, 40)) as walk:
        lines = screen_text(walk.app).split("\n")
        states = [
            word
            for line in lines
            for word in ("? asks", "+ to copy", "! new only", "– gone", "· round", "· compared")
            if line.startswith(f" {word}")
        ]
        assert states[:5] == ["? asks", "+ to copy", "+ to copy", "! new only", "– gone"]
        assert "1 tag copied: team/app:1.5" in screen_text(walk.app)
        assert "Tags to do 3" in screen_text(walk.app)
        assert "deleted at the new registry" in screen_text(walk.app)
        assert "transship cutover delta images.example.com" in line_in(walk.app, LineBar)


async def test_rounds_begin_only_after_a_yes() -> None:
    async with walking(full_world(), WAYS["cutover-rounds"], (120, 40)) as walk:
        shown = screen_text(walk.app)
        assert "To copy now, 2 tags:" in shown
        assert "Nothing is deleted" in shown
        await walk.press("enter")
        await walk.is_at("CutoverBoardScreen")
        assert ("delta_cutover", NAME) not in walk.engine.asked


async def test_rounds_are_shown_as_they_come_and_end_by_themselves() -> None:
    engine = full_world()
    quiet = (
        CatchupRound(1.0, TagDifferences(), compared=4),
        CatchupRound(2.0, TagDifferences(), compared=4),
    )
    engine.delta = [changed(rounds=quiet[:1]), changed(rounds=quiet, quiet=2)]
    async with walking(engine, WAYS["cutover-rounds"], (120, 40)) as walk:
        await walk.press("right", "enter")
        await walk.is_at("CutoverBoardScreen")
        await until(
            walk.pilot, lambda: "nothing more comes" in line_in(walk.app, MessageBar), "the end"
        )
        assert "Nothing more has to be copied" in screen_text(walk.app)


async def test_rounds_are_stopped_with_the_same_key_and_before_the_board_closes() -> None:
    engine = full_world()
    engine.delta = [out_of_step()]
    engine.gates["delta_cutover"] = asyncio.Event()
    async with walking(engine, WAYS["cutover-rounds"], (120, 40)) as walk:
        await walk.press("right", "enter")
        await walk.is_at("CutoverBoardScreen")
        await until(walk.pilot, lambda: "Rounds go on" in screen_text(walk.app), "rounds")
        await walk.press("escape")
        await walk.is_at("ConfirmDialog")
        assert "Stop keeping both registries in step?" in screen_text(walk.app)
        await walk.press("escape")
        await walk.is_at("CutoverBoardScreen")
        assert [stake() for stake in walk.app.context.quit_warnings if stake()]
        await walk.press("d")
        await until(walk.pilot, lambda: "No rounds are made" in screen_text(walk.app), "their end")
        await walk.press("escape")
        await walk.is_at("CutoverScreen")
        assert not walk.app.context.quit_warnings


async def test_rounds_that_are_begun_again_wait_for_those_that_were_stopped() -> None:
    engine = full_world()
    let_go, lock, begun = asyncio.Event(), asyncio.Lock(), 0

    async def rounds(_: str) -> AsyncIterator[CutoverStatus]:
        nonlocal begun
        if lock.locked():
            raise CutoverBusy(NAME)
        async with lock:
            begun += 1
            try:
                yield out_of_step()
                await asyncio.Event().wait()
            finally:
                await let_go.wait()

    engine.delta_cutover = rounds  # type: ignore[method-assign]
    async with walking(engine, WAYS["cutover-rounds"], (120, 40)) as walk:
        for _ in range(3):
            await walk.press("right", "enter")
            await until(walk.pilot, lambda: "Rounds go on" in screen_text(walk.app), "rounds")
            await walk.press("d")
            await until(
                walk.pilot, lambda: "No rounds are made" in screen_text(walk.app), "no more"
            )
            await walk.press("d")
            await walk.is_at("ConfirmDialog")
        await walk.press("right", "enter")
        await until(walk.pilot, lambda: "Rounds go on" in screen_text(walk.app), "the last rounds")
        assert begun == 1

        let_go.set()
        await until(walk.pilot, lambda: begun == 2, "that they have begun")
        assert "Another process" not in screen_text(walk.app)
        assert "Rounds go on" in screen_text(walk.app)


async def test_rounds_of_another_process_are_no_error() -> None:
    engine = full_world()
    engine.delta = [out_of_step()]
    engine.failures["delta_cutover"] = CutoverBusy(NAME)
    async with walking(engine, WAYS["cutover-rounds"], (120, 40)) as walk:
        await walk.press("right", "enter")
        await walk.is_at("CutoverBoardScreen")
        await until(
            walk.pilot,
            lambda: "Another process keeps both registries in step" in screen_text(walk.app),
            "that somebody else does it",
        )


async def test_rounds_that_end_by_a_defect_are_not_said_to_go_on() -> None:
    engine = full_world()
    engine.delta = [out_of_step()]
    engine.failures["delta_cutover"] = RuntimeError("a defect")
    async with walking(engine, WAYS["cutover-rounds"], (120, 40)) as walk:
        await walk.press("right", "enter")
        await walk.is_at("CutoverBoardScreen")
        asked = ("delta_cutover", NAME)
        await until(walk.pilot, lambda: asked in walk.engine.asked, "the first round")
        await until(walk.pilot, lambda: "No rounds are made" in screen_text(walk.app), "their end")
        assert not [stake() for stake in walk.app.context.quit_warnings if stake()]


async def test_a_tag_that_both_have_pushed_is_decided_with_both_digests_in_sight() -> None:
    async with walking(full_world(), WAYS["cutover-decision"], (120, 40)) as walk:
        shown = screen_text(walk.app)
        assert "Whose team/app:1.4 is kept?" in shown
        assert "sha256:1a1a" in shown
        assert "sha256:1b1b" in shown
        await walk.press("j", "enter")
        await walk.is_at("CutoverBoardScreen")
        assert walk.engine.kept_tags == {"team/app:1.4": "old"}
        assert "the next round does it; d begins rounds" in line_in(walk.app, MessageBar)


async def test_comparing_copies_nothing_and_says_what_is_to_be_decided() -> None:
    engine = full_world()
    engine.standings[NAME] = changed()
    engine.compared = out_of_step()
    async with walking(engine, WAYS["cutover-board"], (120, 40)) as walk:
        await walk.press("c")
        await until(
            walk.pilot, lambda: "1 tag to be decided" in line_in(walk.app, MessageBar), "the tag"
        )
        assert ("catch_up_cutover", NAME) not in walk.engine.asked


async def test_without_the_old_registry_there_is_nothing_to_compare() -> None:
    engine = full_world()
    standing = changed()
    engine.standings[NAME] = replace(standing, subject=replace(standing.subject, old=""))
    async with walking(engine, WAYS["cutover-board"], (120, 40)) as walk:
        await walk.press("d")
        assert "The old registry isn't named" in line_in(walk.app, MessageBar)
        await walk.press("left", "left")
        assert "so nothing can be compared" in screen_text(walk.app)
