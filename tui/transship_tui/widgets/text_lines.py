"""Lines that are drawn again only where they have changed: over SSH every byte is waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style as VisualStyle
from textual.widget import Widget


class TextLines(Widget):
    """A few lines of text, cut at the edge."""

    DEFAULT_CSS = """
    TextLines { height: 0; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._lines: tuple[Content, ...] = ()
        self._drawn: dict[int, Strip] = {}

    def show(self, lines: Iterable[Content]) -> None:
        """Show other lines."""
        before, self._lines = self._lines, tuple(lines)
        if len(before) == len(self._lines):
            redraw(self, self._drawn, self._strip)
        else:
            self.styles.height = len(self._lines)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        strip = self._drawn[y] = self._strip(y)
        return strip

    def _strip(self, y: int) -> Strip:
        width, style = self.size.width, self.rich_style
        if y >= len(self._lines):
            return Strip.blank(width, style)
        return strip_of(self._lines[y], width, style).adjust_cell_length(width, style)


def strip_of(content: Content, width: int, style: Style) -> Strip:
    """Lay out one line, cut at `width` cells."""
    return Strip(segments_of(content.truncate(width, ellipsis=True), style))


def segments_of(content: Content, style: Style) -> list[Segment]:
    """Return a line in the style that it stands in, into which its lighter colours are mixed."""
    behind = style.bgcolor.triplet if style.bgcolor else None
    base = VisualStyle(background=Color(*behind)) if behind else VisualStyle.null()
    segments = content.render_segments(base)
    return [Segment(s.text, style + (s.style or Style.null())) for s in segments]


def redraw(widget: Widget, drawn: Mapping[int, Strip], draw: Callable[[int], Strip]) -> None:
    """Draw again those cells of a widget that look different from what was `drawn` of each line."""
    regions = (changed(y, drawn.get(y), draw(y)) for y in range(widget.size.height))
    if wanted := [region for region in regions if region]:
        widget.refresh(*wanted)


def changed(y: int, before: Strip | None, after: Strip) -> Region:
    """Return where a line has changed, to the segment; an empty region if it hasn't."""
    if before is None or before.cell_length != after.cell_length:
        return Region(0, y, after.cell_length, 1)
    old, new = list(before), list(after)
    left, right = _same(old, new), _same(reversed(old), reversed(new))
    return Region(left, y, max(0, after.cell_length - left - right), 1)


def _same(one: Iterable[Segment], other: Iterable[Segment]) -> int:
    """Return how many cells two lines have in common at their beginning."""
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(segment.cell_length for segment, _ in pairs)
