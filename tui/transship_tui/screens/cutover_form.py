"""Preparing to move a domain: what, from where, to where."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.app.provider_request import secret_words
from transship.cutover.change.settings import ProviderSettings
from transship.cutover.domain import Subject
from transship.errors import TransshipError
from transship_tui.dialogs.confirm import ConfirmDialog
from transship_tui.dialogs.cutover_key import KeyDialog
from transship_tui.keys import bindings
from transship_tui.screens.frame import Frame
from transship_tui.widgets.cutover_form import CutoverForm


class CutoverFormScreen(Frame):
    """The form for one cutover. `kept` is called with its name once it is kept.

    `old` and `new` are proposed, if they are among the accounts.
    """

    MODE = "cutover"
    BINDINGS: ClassVar[list[BindingType]] = bindings("cutover-form")
    HELP: ClassVar[str] = """
Each field is tried when you leave it: where the domain leads today, whether the new registry
answers for it, what resolvers say. Nothing is changed anywhere; Save keeps it and makes all checks.

Resolvers are those that your clusters ask: IP[:PORT], tcp://, tls://NAME@IP, https://NAME@IP. Those
of this machine and some public ones are asked as well. Repositories are some that clusters pull:
one of them is pulled whole, through the new registry, before anything is changed.

The record is changed by hand at your DNS provider, unless you say what can do it from here. Even
then nothing is changed before all that blocks is settled and you have typed the domain. Keys are
asked for when they are needed, and kept in the keyring.
"""

    def __init__(self, kept: Callable[[str], None], *, old: str = "", new: str = "") -> None:
        super().__init__()
        self._kept = kept
        self._old = old
        self._new = new

    def compose_body(self) -> ComposeResult:
        """Give the form."""
        yield CutoverForm(self.transship.engine, old=self._old, new=self._new)

    def on_mount(self) -> None:
        """Say what this is."""
        self.heading("Move a domain", "nothing is changed by this")

    def action_save(self) -> None:
        """Keep it."""
        self.query_one(CutoverForm).save()

    async def action_back(self) -> None:
        """Close the form; ask before something that was filled in is lost."""
        if not self.query_one(CutoverForm).is_touched:
            await super().action_back()
            return
        words = Content("What is filled in here is lost. Nothing of it was kept yet.")
        self.app.push_screen(
            ConfirmDialog("Close the form?", words, "Close it", danger=True), self._answered
        )

    def _answered(self, wanted: bool | None) -> None:
        # What was kept while the question was in front closes by itself.
        if wanted and not self._done:
            self.dismiss()

    @on(CutoverForm.Edited)
    def _edited(self, event: CutoverForm.Edited) -> None:
        self.line(event.line)

    @on(CutoverForm.Failed)
    def _failed(self, event: CutoverForm.Failed) -> None:
        self.fail(event.error)

    @on(CutoverForm.Complete)
    def _complete(self, event: CutoverForm.Complete) -> None:
        self._keep(event.subject, event.way)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def _keep(self, subject: Subject, way: ProviderSettings) -> None:
        engine = self.transship.engine
        try:
            if secret_words(way) and not await engine.cutovers.changes.is_key_kept(way):
                why = "The change needs it. You can give it now, or when the change is made."
                await self.app.push_screen_wait(KeyDialog(engine, way, why, later="Later"))
            name = engine.cutovers.add(subject, way)
        except TransshipError as error:
            self.fail(error)
            return
        self.close_when_in_front()
        self._kept(name)

    @on(CutoverForm.Left)
    async def _left(self) -> None:
        await super().action_back()
