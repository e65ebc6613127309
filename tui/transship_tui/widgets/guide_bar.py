"""The guide: two lines above any screen, with the steps and what the next one waits for."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from transship.guide import Progress, Step, World, next_step, rail

_SIGNS = {
    Progress.DONE: ("✓", "$text-success"),
    Progress.NOW: ("▸", "bold $text-accent"),
    Progress.LATER: ("·", "$foreground-muted"),
}


class GuideBar(Static):
    """Shows how far the operator is. `world` holds the facts that it follows from."""

    DEFAULT_CSS = """
    GuideBar { height: 2; padding: 0 1; background: $surface; display: none; }
    GuideBar.-on { display: block; }
    """

    world: reactive[World] = reactive(World())

    def render(self) -> Content:
        """Return the rail, and under it what comes next."""
        coming = next_step(self.world)
        parts: list[str | Content | tuple[str, str]] = []
        if self.size.width < 74:
            number = list(Step).index(coming.step) + 1
            parts += [(f"Step {number} of {len(Step)}  ", "$foreground-muted")]
            parts += [(f"▸ {coming.step.capitalize()}", "bold $text-accent")]
        else:
            for step, progress in rail(self.world):
                sign, style = _SIGNS[progress]
                parts += [(f"{sign} {step.capitalize()}", style), "  "]
        parts += ["\n", ("n ", "$text-accent"), coming.waits_for]
        return Content.assemble(*parts)
