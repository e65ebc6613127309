"""Changes at an engine to be read from top to bottom, each with how far it has come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from transship.app.engines import PlannedRequest
from transship.engines.changes import Change, ChangeAction, ChangeStep
from transship_tui.keys import chosen
from transship_tui.marks import BAD, CARE
from transship_tui.widgets.change_words import change_lines, refusal_lines, said

_APART = 60
"""So many changes are drawn one by one; more are drawn in lots, so that a step draws only one."""
_LOT = 40
_Numbered = tuple[int | None, Change]
"""A change with its number among those that are made; None for one that is left."""
_EDGE = 3
"""Cells at the sides, the scroll bar's among them."""


class ChangesView(VerticalScroll, can_focus=True):
    """Shows what would be changed: what it tells, each change with its fields, what follows.

    `notes` is the heading of the last part.
    """

    BINDINGS: ClassVar[list[BindingType]] = chosen(
        "list.down", "list.up", "list.half-down", "list.half-up", "list.first", "list.last"
    )
    DEFAULT_CSS = """
    ChangesView {
        height: 1fr; padding: 0 1; scrollbar-size-vertical: 1;
        & Static { height: auto; margin-bottom: 1; }
    }
    """

    def __init__(self, notes: str = "What follows from it") -> None:
        super().__init__()
        self._notes = notes
        self._drawn: PlannedRequest | None = None
        self._steps: Mapping[int, ChangeStep] = {}
        self._lots: list[tuple[Static, Sequence[_Numbered]]] = []
        self._top = Static()
        self._end = Static()
        self._width = 0

    async def show(self, drawn: PlannedRequest) -> None:
        """Show other changes, from the top."""
        self._drawn, self._steps = drawn, {}
        # What does something is what is read for; what stays is only there to be sure.
        stays = [each for each in drawn.changes.changes if each.does is ChangeAction.LEAVE]
        changes = [*enumerate(drawn.changes.to_make), *((None, each) for each in stays)]
        size = 1 if len(changes) <= _APART else _LOT
        some = [changes[at : at + size] for at in range(0, len(changes), size)]
        self._lots = [(Static(), lot) for lot in some]
        self._top, self._end = Static(), Static()
        await self.remove_children()
        await self.mount(self._top, *(view for view, _ in self._lots), self._end)
        self._draw()
        self.scroll_home(animate=False)

    def mark(self, steps: Mapping[int, ChangeStep]) -> None:
        """Show how far changes have come, by their numbers among those that are made.

        The one that is being made is kept in sight.
        """
        before, self._steps = self._steps, steps
        for view, changes in self._lots:
            numbers = [number for number, _ in changes if number is not None]
            moved = [each for each in numbers if steps.get(each) is not before.get(each)]
            if not moved:
                continue
            view.update(self._lot(changes))
            if any(steps.get(each) in (ChangeStep.BEGUN, ChangeStep.FAILED) for each in moved):
                self.call_after_refresh(view.scroll_visible, animate=False)

    def on_resize(self) -> None:
        """Lay the words out anew."""
        if self.size.width != self._width:
            self._draw()

    def _draw(self) -> None:
        if self._drawn is None:
            return
        self._width = self.size.width
        for view, changes in self._lots:
            view.update(self._lot(changes))
        for view, lines in ((self._top, self._first()), (self._end, self._last())):
            found = list(lines)
            view.update(Content("\n").join(found))
            view.display = bool(found)

    @property
    def _room(self) -> int:
        return max(30, self._width - _EDGE)

    def _lot(self, changes: Sequence[_Numbered]) -> Content:
        lines: list[Content] = []
        for number, each in changes:
            if lines:
                lines.append(Content(""))
            step = None if number is None else self._steps.get(number)
            lines += change_lines(each, self._room, step)
        return Content("\n").join(lines)

    def _first(self) -> Iterator[Content]:
        """Give why nothing can be made, and what would be moved."""
        assert self._drawn is not None
        if refusals := self._drawn.changes.refusals:
            yield Content.styled("Nothing of it can be made:", f"bold {BAD}")
            for error in refusals:
                yield from refusal_lines(error, self._room)
        for words in self._drawn.tells:
            yield from said("·", words, self._room)
        for words in self._drawn.cares:
            yield from said("!", words, self._room, CARE)

    def _last(self) -> Iterator[Content]:
        """Give what follows from the changes."""
        assert self._drawn is not None
        if notes := self._drawn.changes.notes:
            yield Content.styled(self._notes, "bold")
            for note in notes:
                yield from said("·", note, self._room)

    # Moving

    def action_move(self, by: int) -> None:
        """Go up or down by a line."""
        self.scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        """Go up or down by half a window."""
        self.scroll_relative(y=by * max(1, self.size.height // 2), animate=False)

    def action_first(self) -> None:
        """Go to the top."""
        self.scroll_home(animate=False)

    def action_last(self) -> None:
        """Go to the end."""
        self.scroll_end(animate=False)
