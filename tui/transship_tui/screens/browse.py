"""Browse: what is in a registry, and what of it to copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult

from transship.errors import TransshipError
from transship.guide import Step
from transship_tui.screens.frame import Frame
from transship_tui.widgets.browser import Browser

if TYPE_CHECKING:
    from transship.registry.inspection import Inspection


class BrowseScreen(Frame):
    """The registries, their repositories and tags."""

    MODE = "browse"
    HELP = """
Choose a registry, then a repository, then a tag. {list.open} goes in, {back} comes
back.

{list.mark} marks; marks stay when you filter, or look into another repository. {browse.copy} copies
what is marked, or what is under the cursor if nothing is. Nothing is written before you have seen
what would be. {browse.plan} writes a plan that copies it, again and again.

Patterns: a part of a name, v1.* as in a shell, ~tapi for these letters in this order,
and ! before any of them for everything else.
"""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, Inspection] = {}

    def compose_body(self) -> ComposeResult:
        """Give the lists."""
        yield Browser(self.transship.engine, self._seen)

    def on_screen_resume(self) -> None:
        """Show the registry that was asked for elsewhere, and what was learned there."""
        self.query_one(Browser).come_back()

    def on_screen_suspend(self) -> None:
        """Ask for no more names once another area is in front; a dialog is no reason."""
        if self.app.current_mode != self.MODE:
            self.query_one(Browser).names.stop()

    def impossible(self) -> Mapping[str, str]:
        """Return what the browser can't do where it is."""
        return self.query_one(Browser).impossible()

    def take_step(self, step: Step) -> bool:
        """Go on with what is marked, as long as there is no job for it."""
        browser = self.query_one(Browser)
        later = (Step.PROVE, Step.CUTOVER)
        if browser.names.marked == 0 or step in later or self.transship.journey.job:
            return False
        browser.action_copy()
        return True

    @on(Browser.Looked)
    def _looked(self, event: Browser.Looked) -> None:
        self.heading(event.heading, event.more)
        self.line(event.line)
        browser, journey = self.query_one(Browser), self.transship.journey
        if browser.names.marked != journey.chosen:
            journey.chosen = browser.names.marked
            journey.source = browser.names.host
            journey.previewed = False
            if journey.chosen:
                journey.begin()
            self.transship.show_guide()

    @on(Browser.DetailsWanted)
    def _details_wanted(self, event: Browser.DetailsWanted) -> None:
        from transship_tui.screens.image import ImageScreen

        self.app.push_screen(ImageScreen(event.reference, self._seen))

    @on(Browser.CopyWanted)
    def _copy_wanted(self, event: Browser.CopyWanted) -> None:
        from transship_tui.screens.copy import CopyScreen

        self.app.push_screen(CopyScreen(event.sources, self.query_one(Browser).names.unmark))

    @on(Browser.PlanWanted)
    async def _plan_wanted(self, event: Browser.PlanWanted) -> None:
        from transship_tui.screens.plan_opened import OpenedPlan, rules_for

        engine = self.transship.engine
        try:
            name = engine.plans.free_name(event.sources[0].repository.rpartition("/")[2])
            opened = OpenedPlan.new(
                name, rules_for(event.sources, engine, self.transship.journey.target), engine
            )
        except TransshipError as error:
            self.fail(error)
            return
        await self.transship.write_plan(opened)
