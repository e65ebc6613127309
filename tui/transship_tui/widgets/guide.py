"""The guide: two lines above any screen, with the steps and what the next one waits for."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Input, Static

from transship.guide import Next, Progress, Step, World, next_step, rail
from transship_tui.context import context_of
from transship_tui.guide import MODE_OF
from transship_tui.keys import chosen_keys, key_of, with_keys
from transship_tui.naming import middle_cut
from transship_tui.widgets.bars import MODES

_SIGNS = {
    Progress.DONE: ("✓", "$text-success"),
    Progress.NOW: ("▸", "bold $text-accent"),
    Progress.LATER: ("·", "$foreground-muted"),
}

_HINTS = {
    Step.SOURCE: " {next} takes this one.",
    Step.TARGET: " {next} takes this one.",
    Step.CHOOSE: " {list.mark} marks.",
}
"""How a step is taken in its own area, where a key alone doesn't say it."""

_GAP = 2
_LEAST_ABOUT = 18


@runtime_checkable
class _Says(Protocol):
    """A screen that knows better what comes next on it."""

    def next_here(self, coming: Next) -> Next:
        """Return the next step as it is there."""


class GuideBar(Static):
    """Shows how far the operator is.

    `world` holds the facts that it follows from, `about` says whose steps these are.
    """

    DEFAULT_CSS = """
    GuideBar { height: 2; padding: 0 1; background: $surface; display: none; }
    GuideBar.-on { display: block; }
    """

    world: reactive[World] = reactive(World())
    about: reactive[str] = reactive("")

    def on_mount(self) -> None:
        """Follow where the keys go."""
        self.watch(self.screen, "focused", self._draw_again)

    def _draw_again(self) -> None:
        self.refresh()

    def render(self) -> Content:
        """Return the rail, and under it what comes next."""
        coming = next_step(self.world)
        if isinstance(self.screen, _Says):
            coming = self.screen.next_here(coming)
        parts: list[str | Content | tuple[str, str]] = []
        if self.size.width < 74:
            number = list(Step).index(coming.step) + 1
            parts += [(f"Step {number} of {len(Step)}  ", "$foreground-muted")]
            parts += [(f"▸ {coming.step.capitalize()}", "bold $text-accent")]
        else:
            for step, progress in rail(self.world):
                sign, style = _SIGNS[progress]
                parts += [(f"{sign} {step.capitalize()}", style), "  "]
        parts += ["\n", self._second_line(coming)]
        return Content.assemble(*parts)

    def _second_line(self, coming: Next) -> Content:
        """Return what the next step waits for, how it is taken here, and whose step it is."""
        chosen = chosen_keys(self)
        if isinstance(self.screen.focused, Input):  # There the key is a letter like any other.
            return self._with_about(Content(coming.waits_for))
        key = key_of("next", chosen)
        hint = ""
        if self._is_taken_here(coming.step):
            hint = with_keys(_HINTS.get(coming.step, ""), chosen)
        where = self._where(coming.step)
        line = Content.assemble((f"{key} ", "$text-accent"), where, coming.waits_for)
        if line.cell_length + len(hint) <= self.content_size.width:
            line = Content.assemble(line, hint)
        return self._with_about(line)

    def _where(self, step: Step) -> str:
        """Return the name of the area that the key leads to, empty in front of it."""
        mode = context_of(self).guide.mode_of(step)
        return "" if self.app.current_mode == mode else f"{dict(MODES)[mode]}: "

    def _is_taken_here(self, step: Step) -> bool:
        """Tell whether this is the area of a step, with nothing in front of it."""
        in_front = len(self.app.screen_stack) > 1
        return self.app.current_mode == MODE_OF[step] and not in_front

    def _with_about(self, line: Content) -> Content:
        line = line.truncate(self.content_size.width, ellipsis=True)
        room = self.content_size.width - line.cell_length - _GAP
        if not self.about or room < _LEAST_ABOUT:
            return line
        about = middle_cut(Content.styled(self.about, "$foreground-muted"), room)
        return Content.assemble(line, " " * (room + _GAP - about.cell_length), about)
