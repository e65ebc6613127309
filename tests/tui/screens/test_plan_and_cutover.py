"""What isn't there yet says so, and what to do instead."""

from __future__ import annotations

import pytest

from fakes.engine import FakeEngine
from fakes.screen import screen_text, until
from transship.settings import Settings
from transship_tui.app import TransshipApp


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
@pytest.mark.parametrize(
    ("key", "area", "instead"),
    [("5", "Cutover", "dig +noall +answer images.example.com")],
)
async def test_it_says_what_comes_and_what_can_be_done_now(
    key: str, area: str, instead: str, size: tuple[int, int]
) -> None:
    app = TransshipApp(FakeEngine(), Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: instead in screen_text(app), "what to do instead")
        assert f"{area}  not in this version" in screen_text(app)
