"""What can be done about the checks of a cutover: answering, acknowledging, reporting."""

from __future__ import annotations

from pathlib import Path

from textual import work
from textual.content import Content

from transship.cutover.evidence import Evidence
from transship.cutover.finding import CheckResult
from transship.cutover.questions import OperatorQuestion, command_for, question_by_id
from transship.cutover.status import CutoverStatus
from transship.errors import TransshipError
from transship.views.cutover import (
    CheckRow,
    first_record,
    rollback_words,
    unacknowledged,
    unanswered_questions,
)
from transship_tui.dialogs.choice import Choice, ChoiceDialog
from transship_tui.dialogs.cutover_check import ACCEPT, ANSWER, CheckDialog
from transship_tui.dialogs.cutover_question import QuestionDialog
from transship_tui.dialogs.name import NameDialog
from transship_tui.dialogs.report import ReportDialog
from transship_tui.screens.frame import Frame
from transship_tui.widgets.cutover_rows import explained


class CutoverActs(Frame):
    """A screen about one cutover. `standing` is how it was seen last, None if it can't be read."""

    MODE = "cutover"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.cutover = name
        self.standing: CutoverStatus | None = None
        self.changing = ""
        """What is being done to the record."""
        self.busy = ""
        """What else is done, and takes a while."""

    def show(self, standing: CutoverStatus) -> None:
        """Show how the cutover stands. Screens fill this in."""
        self.standing = standing

    def show_change(self) -> None:
        """Show the edit. Screens fill this in."""

    def show_step(self) -> None:
        """Show how far both registries are in step. Screens fill this in."""

    @property
    def meant(self) -> CheckResult | None:
        """The check that is meant. Screens fill this in."""
        return None

    def reload(self) -> None:
        """Show what is known without looking."""
        try:
            self.show(self.transship.engine.cutovers.find(self.cutover))
        except TransshipError as error:
            self.fail(error)

    # Answering and acknowledging

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def explain_check(self, result: CheckResult, row: CheckRow) -> None:
        """Explain a check, and do what is wanted about it."""
        if (standing := self.standing) is None:
            return
        now = self.transship.engine.clock.now()
        asked = unanswered_questions(result, standing.evidence)
        open_ones = unacknowledged(result, standing.evidence)
        what = ("Acknowledge" if result.findings else "Go on without") if open_ones else ""
        dialog = CheckDialog(
            f"{result.check} {result.title}",
            explained(result, row, standing, now),
            record=first_record(result),
            asked=len(asked),
            can_accept=what,
        )
        wanted = await self.app.push_screen_wait(dialog)
        if wanted == ANSWER:
            await self._answer_all(result)
        elif wanted == ACCEPT:
            await self._accept_all(result)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_answer(self) -> None:
        """Answer what the check under the cursor asks."""
        if self.standing is not None and (result := self.meant) is not None:
            await self._answer_all(result)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_accept(self) -> None:
        """Acknowledge the warnings of the check under the cursor."""
        if (result := self.meant) is not None:
            await self._accept_all(result)

    async def _answer_all(self, result: CheckResult) -> None:
        """Ask one question after the other, until all are answered or one isn't."""
        asked: tuple[OperatorQuestion, ...] = ()
        while self.standing is not None:
            before, asked = asked, unanswered_questions(result, self.standing.evidence)
            # An answer that isn't a good one leaves its question open.
            if not asked or asked == before or not await self._answer_one(asked):
                return

    async def _answer_one(self, asked: tuple[OperatorQuestion, ...]) -> bool:
        standing = self.standing
        if standing is None:
            return False
        chosen = asked[0]
        if len(asked) > 1:
            offered = [Choice(each.id, each.text) for each in asked]
            wanted = await self.app.push_screen_wait(
                ChoiceDialog("What do you answer?", Content(""), offered)
            )
            if wanted is None:
                return False
            chosen = question_by_id(wanted)
        evidence = standing.evidence or Evidence(self.transship.engine.clock.now())
        dialog = QuestionDialog(
            chosen,
            command_for(chosen, standing.subject, evidence),
            lambda text: chosen.read(text, evidence),
        )
        answer = await self.app.push_screen_wait(dialog)
        if answer:
            self._keep(chosen.id, answer, "The answer is kept")
        return bool(answer)

    async def _accept_all(self, result: CheckResult) -> None:
        standing = self.standing
        open_ones = unacknowledged(result, standing.evidence) if standing else ()
        if not open_ones:
            return
        seen = "; ".join(each.seen for each in result.findings) or f"needs {result.needs}"
        reason = await self.app.push_screen_wait(
            NameDialog(
                f"{result.check}: go on although this was seen?",
                f"{seen} It stays on the board and in the report, with your name, the time, and "
                "the reason that you give here:",
                "",
                "Acknowledge",
            )
        )
        for each in open_ones if reason else ():
            self._keep(each, reason or "", f"{result.check} is acknowledged")

    def _keep(self, name: str, answer: str, words: str) -> None:
        try:
            self.show(self.transship.engine.cutovers.answer(self.cutover, name, answer))
        except TransshipError as error:
            self.fail(error)
        else:
            self.tell(words)

    # Reporting

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_report(self) -> None:
        """Write the report for the change ticket."""
        standing = self.standing
        if standing is None:
            return
        engine = self.transship.engine

        async def write(path: str, form: object, replace: bool) -> Path:
            return await engine.cutovers.write_report(
                self.cutover, path, str(form), replace=replace
            )

        words, _ = rollback_words(standing)
        about = f"Checks, decisions, clocks and the edit. The way back {words}."
        dialog = ReportDialog(standing.subject.domain.name, write, about, what="cutover")
        if written := await self.app.push_screen_wait(dialog):
            self.tell(f"The report is in {written}")
