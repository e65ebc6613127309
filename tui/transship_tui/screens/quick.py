"""Quick mode: all of a personal account of TCR to an instance, in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.accounts.sign_in import service_at
from transship.app.engines import PlannedRequest, QuickTransferRequest
from transship.errors import TransshipError
from transship.text import counted, safe
from transship_tui.dialogs.confirm import ConfirmDialog
from transship_tui.keys import bindings
from transship_tui.lines_delegates import quick_line
from transship_tui.screens.changes import ChangesScreen
from transship_tui.screens.frame import Frame
from transship_tui.widgets.change_words import question_of
from transship_tui.widgets.quick_form import QuickForm

_PERSONAL, _INSTANCE = "ccr", "tcr"


class QuickScreen(Frame):
    """Asks from which personal account to which instance all is to be moved, and how."""

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = bindings("delegate-form")
    WITHOUT_LINE: ClassVar[str] = "There is no line before both accounts are chosen."
    HELP: ClassVar[str] = """
Everything of a personal account is listed by its cloud's API: namespaces, repositories and all
tags, or the newest of each. Then you see what the instance lacks, what is there already, and what
couldn't be listed, before anything is made.

Namespaces that are missing are made, public only where everything in them is public today. The
images are copied by a job of Transship; {delegate-form.show} looks, and changes nothing.
"""

    def compose_body(self) -> ComposeResult:
        """Give the form."""
        yield QuickForm(self._hosts(_PERSONAL), self._hosts(_INSTANCE))

    def on_mount(self) -> None:
        """Say what this is."""
        self.heading("Quick mode", "TCR Personal to Enterprise; nothing is changed by this")

    def _hosts(self, kind: str) -> Sequence[str]:
        try:
            accounts = self.transship.engine.registries.all()
        except TransshipError as error:
            self.call_after_refresh(self.fail, error)
            return ()
        return [each.host for each in accounts if service_at(each).kind == kind]

    def action_save(self) -> None:
        """Look at both."""
        self.query_one(QuickForm).save()

    @on(QuickForm.Edited)
    def _edited(self, event: QuickForm.Edited) -> None:
        self.line(quick_line(event.wish) if event.wish else "")

    @on(QuickForm.Complete)
    def _complete(self, event: QuickForm.Complete) -> None:
        self.hush()
        self.app.push_screen(QuickChangesScreen(event.wish, self.close_when_in_front))

    @on(QuickForm.Left)
    async def _given_up(self) -> None:
        await self.action_back()


class QuickChangesScreen(ChangesScreen):
    """What the instance lacks and what would be copied; makes the one, then starts the other.

    `left` closes what led here, once the job has started.
    """

    MODE = "plan"

    def __init__(self, wish: QuickTransferRequest, left: Callable[[], None]) -> None:
        super().__init__(wish, "Quick mode", quick_line(wish))
        self._left = left
        self._starting = False

    def button_words(self) -> str:
        """Return what stands on the button."""
        if self.all_made or not self.has_changes:
            return "Start the job…"
        return super().button_words()

    def why_not(self) -> str:
        """Return why nothing can be made or started now, empty where it can."""
        if self._starting:
            return "starting the job…"
        drawn = self.drawn
        if drawn is None or drawn.changes.refusals or self.making:
            return super().why_not()
        if drawn.plan is None:
            return "there is nothing to move"
        return "" if self.all_made or not self.has_changes else super().why_not()

    def question(self, drawn: PlannedRequest) -> ConfirmDialog:
        """Return the question: what is made, and that all is copied then."""
        changes = drawn.changes
        parts = [Content(f"{safe(words)}\n") for words in (*drawn.tells, *drawn.cares)]
        if changes.to_make and not self.all_made:
            parts.append(Content("\n"))
            parts.append(question_of(changes))
            title = f"Make {counted(len(changes.to_make), 'change')}, and start the job?"
        else:
            title = "Start the job?"
        return ConfirmDialog(title, Content.assemble(*parts), "Start")

    def made(self, drawn: PlannedRequest, delegation: str) -> None:  # noqa: ARG002 - the job says more
        """Start the job that copies everything."""
        self._start(drawn)

    @work(group="start", exclusive=True, exit_on_error=False)
    async def _start(self, drawn: PlannedRequest) -> None:
        assert drawn.plan is not None
        self._starting = True
        self.say()
        try:
            job = await self.transship.engine.jobs.start(drawn.plan)
        except TransshipError as error:
            self._starting = False
            self.fail(error)
            self.say()
            return
        # Popping this screen ends its workers, this one too.
        self.app.call_later(self._leave_to, job)

    def _leave_to(self, job: str) -> None:
        self.transship.journey.job = job
        self.transship.bridge.look()
        self._left()
        self.close_when_in_front()
        self.transship.show_job(job)
