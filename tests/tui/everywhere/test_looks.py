"""How every screen and dialog looks, and whether all of it can be reached.

Those of cutovers and of delegations are in files of their own: a file is one worker's.
"""

from __future__ import annotations

import pytest

from fakes import cutovers_service, cutovers_world, delegates_world
from fakes.everywhere import looks_right_can_be_reached_and_says_its_line
from fakes.world import WAYS, full_world, walking
from transship_tui.app import TransshipApp

ELSEWHERE = {*cutovers_world.WAYS, *cutovers_service.WAYS, *delegates_world.WAYS}


@pytest.mark.parametrize("name", [name for name in WAYS if name not in ELSEWHERE])
async def test_it_looks_right_can_be_reached_in_whole_and_says_its_line(name: str) -> None:
    await looks_right_can_be_reached_and_says_its_line(name)


@pytest.mark.parametrize("area", TransshipApp.MODES)
async def test_a_screen_that_is_still_being_made_answers_which_keys_it_has(area: str) -> None:
    async with walking(full_world(), WAYS["registries"]) as walk:
        made = walk.app.push_screen(TransshipApp.MODES[area]())
        assert not walk.app.screen.is_mounted
        assert "q" not in walk.app.screen.active_bindings
        await made
        assert "q" in walk.app.screen.active_bindings
