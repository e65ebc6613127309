"""How every screen and dialog looks: in each size, in the light, and without colours."""

from __future__ import annotations

import pytest

from fakes.screen import looks_like
from fakes.world import WAYS, full_world, walking

SIZES = ((80, 24), (120, 40), (60, 20))


@pytest.mark.parametrize("name", WAYS)
async def test_it_looks_right_in_every_size_and_in_the_light(name: str) -> None:
    async with walking(full_world(), WAYS[name]) as walk:
        for width, height in SIZES:
            await walk.pilot.resize_terminal(width, height)
            await walk.rests()
            await looks_like(walk.pilot, f"{name}-{width}x{height}")
        await walk.pilot.resize_terminal(80, 24)
        walk.app.theme = "transship-light"
        await walk.rests()
        await looks_like(walk.pilot, f"{name}-light")


@pytest.mark.parametrize("name", WAYS)
async def test_it_looks_right_without_colours(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with walking(full_world(), WAYS[name]) as walk:
        await looks_like(walk.pilot, f"{name}-no-color")
