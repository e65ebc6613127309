"""The footer never cuts a key in two."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets._footer import FooterKey

from fakes.screen import screen_text, until
from fakes.world import WAYS, full_world, walking
from transship_tui.widgets.bars import KeyFooter, fitting

widths = st.lists(st.integers(3, 20), max_size=15)


@given(widths, st.integers(30, 200))
def test_what_fits_is_whole_and_the_first_of_its_kind(every: list[int], room: int) -> None:
    always = [0] if every else []
    fits = fitting(every, always, room)
    assert set(always) <= set(fits)
    assert fits == list(range(len(fits)))
    if len(fits) < len(every):
        assert sum(every[number] for number in fits) + 1 <= room
    else:
        assert sum(every) - 1 <= room


def test_the_way_to_all_keys_stays_though_it_is_last() -> None:
    assert fitting([10, 10, 10, 10], [3], 34) == [0, 1, 3]


@pytest.mark.parametrize("way", ["repositories", "one-job", "plans"])
async def test_no_key_is_cut(way: str) -> None:
    def footer() -> str:
        return screen_text(walk.app).split("\n")[-1].strip()

    async with walking(full_world(), WAYS[way], (60, 20)) as walk:
        await until(walk.pilot, lambda: "? Help" in footer(), "the way to all keys")
        assert ": Commands" in footer()
        assert footer().endswith("…")
        await walk.pilot.resize_terminal(200, 40)
        await until(walk.pilot, lambda: not footer().endswith("…"), "all of them")
        assert "…" not in footer()


async def test_keys_are_drawn_anew_only_where_there_is_something_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with walking(full_world(), WAYS["registries"], (120, 40)) as walk:
        screen = walk.app.screen
        footer = screen.query_one(KeyFooter)

        def gray(keys: list[FooterKey]) -> list[str]:
            return [key.action for key in keys if key.has_class("-disabled")]

        async def asked_anew() -> list[FooterKey]:
            looked = asyncio.Event()
            screen.refresh_bindings()
            footer.call_after_refresh(looked.set)
            await until(walk.pilot, looked.is_set, "a look at the keys")
            return list(footer.query(FooterKey))

        before = await asked_anew()
        assert before
        assert "test" not in gray(before)
        assert await asked_anew() == before

        monkeypatch.setattr(screen, "impossible", lambda: {"test": "not now"})
        screen.refresh_bindings()
        await until(walk.pilot, lambda: "test" in gray(list(footer.query(FooterKey))), "it")
