"""The footer never cuts a key in two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.screen import screen_text, until
from fakes.world import WAYS, full_world, walking
from transship_tui.widgets.key_footer import fitting

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
