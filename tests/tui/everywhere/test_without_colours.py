"""How every screen looks where there are no colours."""

from __future__ import annotations

import pytest

from fakes.everywhere import ON_A_FRAME
from fakes.screen import looks_like
from fakes.world import WAYS, full_world, walking


@pytest.mark.parametrize("name", [*ON_A_FRAME, "quit", "help"])
async def test_it_looks_right_without_colours(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with walking(full_world(), WAYS[name]) as walk:
        await looks_like(walk.pilot, f"{name}-no-color")
