"""Lines of which only what has changed is drawn again."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip

from fakes.images import HOSTILE
from transship.text import safe
from transship_tui.widgets.text_lines import TextLines, changed, segments_of

RED = Style.parse("red")


class _App(App[None]):
    def compose(self) -> ComposeResult:
        yield TextLines()


def strip(*texts: str) -> Strip:
    return Strip([Segment(text) for text in texts])


def test_a_line_that_is_the_same_has_not_changed() -> None:
    assert not changed(3, strip("a", "b"), strip("a", "b"))


def test_only_what_is_different_has_changed() -> None:
    assert changed(3, strip("label ", "41%", " end"), strip("label ", "42%", " end")) == Region(
        6, 3, 3, 1
    )


def test_a_line_that_was_never_drawn_or_has_another_length_changes_as_a_whole() -> None:
    assert changed(0, None, strip("abc")) == Region(0, 0, 3, 1)
    assert changed(0, strip("ab"), strip("abc")) == Region(0, 0, 3, 1)


def test_another_style_is_a_change() -> None:
    plain, red = strip("a", "b"), Strip([Segment("a"), Segment("b", RED)])
    assert changed(0, plain, red) == Region(1, 0, 1, 1)


def test_repeated_parts_are_no_more_than_the_line() -> None:
    assert not changed(0, strip("a", "a", "a"), strip("a", "a", "a"))
    assert changed(0, strip("a", "b", "a", "a"), strip("a", "a", "b", "a")) == Region(1, 0, 2, 1)


def test_a_light_colour_is_mixed_into_what_is_behind() -> None:
    behind = Style.parse("#ffffff on #000000")
    (segment,) = segments_of(Content.styled("x", "#ffffff 50%"), behind)
    assert segment.style is not None
    assert segment.style.color is not None
    assert segment.style.color.triplet is not None
    assert segment.style.color.triplet.red in (127, 128)


async def test_it_is_as_high_as_its_lines_and_draws_again_only_some() -> None:
    app = _App()
    async with app.run_test(size=(20, 5)) as pilot:
        lines = app.query_one(TextLines)
        assert lines.size.height == 0
        lines.show([Content("one"), Content("two"), Content("three")])
        await pilot.pause()
        assert lines.size.height == 3
        drawn: list[int] = []
        original = lines.render_line
        lines.render_line = lambda y: (drawn.append(y), original(y))[1]  # type: ignore[method-assign]
        lines.show([Content("one"), Content("two"), Content("three")])
        await pilot.pause()
        assert drawn == []
        lines.show([Content("one"), Content("2"), Content("three")])
        await pilot.pause()
        assert drawn == [1]
        lines.show([])
        await pilot.pause()
        assert lines.size.height == 0


@pytest.mark.parametrize("words", HOSTILE)
async def test_a_line_is_cut_at_the_edge(words: str) -> None:
    app = _App()
    async with app.run_test(size=(20, 5)) as pilot:
        app.query_one(TextLines).show([Content(safe(words))])
        await pilot.pause()
        assert app.query_one(TextLines).render_line(0).cell_length == 20
