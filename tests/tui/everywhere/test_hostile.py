"""What comes from elsewhere is shown on every screen as what it is: words."""

from __future__ import annotations

import pytest

from fakes.world import WAYS, hostile_world, walking

HOSTILE = (
    "[/foo] [@click=app.quit]hi[/] x[link=http://e]y \x1b]52;c;aGk=\x07\x1b[2J \x9b31m "
    "\u202eright to left\u2066 zero\u200bwidth\u200d 日本語のタグ 🐳🚢 \r\n\t" + "very long " * 400
)


@pytest.mark.parametrize("name", WAYS)
async def test_what_comes_from_elsewhere_is_only_read(name: str) -> None:
    async with walking(hostile_world(HOSTILE), WAYS[name], (120, 40)) as walk:
        for _ in range(2):
            lines = walk.app.screen._compositor.render_strips()
            assert all(line.text.isprintable() for line in lines)
            assert all(line.cell_length == 120 for line in lines)
            styles = [segment.style for line in lines for segment in line if segment.style]
            assert not [style for style in styles if style.link]
            assert "app.quit" not in str([style.meta for style in styles])
            await walk.press("down")
        assert walk.app.is_running
        assert walk.app.clipboard == ""
