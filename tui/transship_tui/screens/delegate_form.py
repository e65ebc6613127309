"""How an engine is to move a plan: asked before it is seen what that changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from transship.app.engines import PlanRequest
from transship_tui.keys import bindings
from transship_tui.lines_delegates import plan_wish_line
from transship_tui.screens.changes import PlanChangesScreen
from transship_tui.screens.frame import Frame
from transship_tui.widgets.delegate_form import DelegateForm
from transship_tui.widgets.who_rows import WORDS


class DelegateFormScreen(Frame):
    """Asks how `wish` is to be done. `name` is what the plan is called.

    `harbors` are the hosts of those that could relay; `left` closes what led here, once it is made.
    """

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = bindings("delegate-form")
    WITHOUT_LINE: ClassVar[str] = "Save the plan first: the line takes it from its file."
    HELP: ClassVar[str] = """
What is left empty is chosen by itself: the name and the schedule from the plan, the instance
and its region from what the keys of the cloud see. Nothing is changed by this:
{delegate-form.show} asks the engine what is there, and shows every change that would be made.
"""

    def __init__(
        self, wish: PlanRequest, name: str, harbors: Sequence[str], left: Callable[[], None]
    ) -> None:
        super().__init__()
        self._left = left
        self._wish = wish
        self._plan_name = name
        self._harbors = harbors

    def compose_body(self) -> ComposeResult:
        """Give the form."""
        yield DelegateForm(self._wish, self._harbors)

    def on_mount(self) -> None:
        """Say what this is."""
        self.heading(f"{self._plan_name}: {WORDS[self._wish.who]}", "nothing is changed by this")
        self.line(plan_wish_line(self._wish, "show"))

    def action_save(self) -> None:
        """Show what would be changed."""
        self.query_one(DelegateForm).save()

    @on(DelegateForm.Edited)
    def _edited(self, event: DelegateForm.Edited) -> None:
        self.line(plan_wish_line(event.wish, "show"))

    @on(DelegateForm.Complete)
    def _complete(self, event: DelegateForm.Complete) -> None:
        self.hush()
        title = f"{self._plan_name}: {WORDS[event.wish.who]}"
        line = plan_wish_line(event.wish)
        self.app.push_screen(PlanChangesScreen(event.wish, title, line, self._made))

    def _made(self) -> None:
        self._left()
        self.close_when_in_front()

    @on(DelegateForm.Left)
    async def _given_up(self) -> None:
        await self.action_back()
