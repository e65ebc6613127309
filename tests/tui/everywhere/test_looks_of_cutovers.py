"""How the screens and dialogs of cutovers look, and whether all of each can be reached."""

from __future__ import annotations

import pytest

from fakes import cutovers_service, cutovers_world
from fakes.everywhere import looks_right_can_be_reached_and_says_its_line


@pytest.mark.parametrize("name", [*cutovers_world.WAYS, *cutovers_service.WAYS])
async def test_it_looks_right_can_be_reached_in_whole_and_says_its_line(name: str) -> None:
    await looks_right_can_be_reached_and_says_its_line(name)
