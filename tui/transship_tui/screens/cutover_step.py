"""Keeping both registries of a cutover in step: rounds, and the tags that somebody decides."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from textual import work
from textual.content import Content

from transship.cutover.catchup import tag_name
from transship.cutover.evidence import TagPair
from transship.errors import CutoverBusy, TransshipError
from transship.text import counted, safe
from transship.views.cutover import undecided_tags
from transship_tui.dialogs.choice import Choice, ChoiceDialog
from transship_tui.dialogs.confirm import ConfirmDialog
from transship_tui.keys.words import key_for
from transship_tui.screens.cutover_changes import CutoverChanges
from transship_tui.stakes import Stake
from transship_tui.widgets.cutover_step_rows import rounds_question

if TYPE_CHECKING:
    from textual.worker import Worker

    from transship.cutover.catchup import KeptSide

_GROUP = "delta"
_SHORT = 19
"""So much of a digest is enough to tell it from another; the whole is under the table."""


class CutoverStep(CutoverChanges):
    """A screen about one cutover, whose registries it can keep in step."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.rounds_go = False
        """Whether rounds are made from here."""
        self._going: Worker[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    def on_mount(self) -> None:
        """Tell that rounds would end with the app."""
        self.transship.at_stake.append(self._at_stake)

    def on_unmount(self) -> None:
        """Nothing is under way here any more."""
        self.transship.at_stake.remove(self._at_stake)

    def _at_stake(self) -> Stake | None:
        if not self.rounds_go:
            return None
        return Stake("Stop keeping both registries in step?", self._stops_words())

    def _stops_words(self) -> str:
        old = safe(self.standing.subject.old) if self.standing else "the old registry"
        return (
            f"What is pushed to {old} from then on is copied no more. A job that is copying goes "
            "on to its end, and rounds can be begun again."
        )

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_compare(self) -> None:
        """Compare both registries; nothing is copied."""
        engine = self.transship.engine
        act, words = engine.cutovers.rounds.compare, "comparing both registries"
        if await self.doing(lambda: act(self.cutover), words) and self.standing is not None:
            asks = len(undecided_tags(self.standing))
            if asks:
                self.warn(f"{counted(asks, 'tag')} to be decided: pushed on both sides")
            else:
                self.tell("Both registries were compared; nothing was copied")

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_rounds(self) -> None:
        """Begin with rounds after a question, or stop them."""
        standing = self.standing
        if standing is None:
            return
        if self.rounds_go:
            self.stop_rounds()
            return
        dialog = ConfirmDialog(
            "Keep both registries in step?", rounds_question(standing), "Copy, round after round"
        )
        if await self.app.push_screen_wait(dialog):
            self._going = self._rounds()

    def stop_rounds(self) -> None:
        """Let rounds end; what a job copies at this moment is copied to its end."""
        if self._going is not None:
            # Cancelled a second time, it would let go of nothing: this one only, and once.
            self._going.cancel()
            self._going = None
        self.rounds_go = False
        self.tell(f"No more rounds are made; {key_for(self, 'cutover.rounds')} goes on")
        self.reload()

    @work(group=_GROUP, exit_on_error=False)
    async def _rounds(self) -> None:
        engine = self.transship.engine
        self.rounds_go = True
        self.hush()
        self.reload()
        going = engine.cutovers.rounds.run(self.cutover)
        try:
            # Rounds that were stopped keep both registries for themselves until they have ended.
            async with self._one_at_a_time, aclosing(going) as standings:
                async for standing in standings:
                    self.show(standing)
        except CutoverBusy:
            self.rounds_go = False
            self.warn("Another process keeps both registries in step; its rounds are shown here")
        except TransshipError as error:
            self.rounds_go = False
            self.fail(error)
        else:
            self.rounds_go = False
            self.tell("Both registries are in step, and nothing more comes: no more rounds")
        self.reload()

    def work_failed(self, group: str) -> None:
        """Say no longer that rounds go on when they don't."""
        if group == _GROUP:
            self.rounds_go = False

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def decide(self, pair: TagPair) -> None:
        """Ask whose image a tag is to have that both have pushed."""
        standing = self.standing
        if standing is None:
            return
        name, subject = tag_name(pair), standing.subject
        dialog = ChoiceDialog(
            f"Whose {name} is kept?",
            Content("Both registries have had it pushed since they were the same."),
            [
                Choice("new", *_side("new", subject.new, pair.new, "it stays as it is there.")),
                Choice("old", *_side("old", subject.old, pair.old, _moves(pair, subject.new))),
            ],
        )
        wanted = await self.app.push_screen_wait(dialog)
        if wanted is None:
            return
        try:
            self.show(
                self.transship.engine.cutovers.rounds.keep_tag(
                    self.cutover, name, cast("KeptSide", wanted)
                ),
            )
        except TransshipError as error:
            self.fail(error)
        else:
            does = "the next round does it"
            key = key_for(self, "cutover.rounds")
            self.tell(f"{name}: {does}" + ("" if self.rounds_go else f"; {key} begins rounds"))

    async def action_back(self) -> None:
        """Close; ask first where rounds end with it."""
        if not self.rounds_go:
            await super().action_back()
            return
        dialog = ConfirmDialog(
            "Stop keeping both registries in step?", Content(self._stops_words()), "Stop"
        )
        self.app.push_screen(dialog, self._stop_answered)

    def _stop_answered(self, wanted: bool | None) -> None:
        if wanted:
            self.dismiss()


def _side(which: str, host: str, digest: str, then: str) -> tuple[str, str]:
    has = digest[:_SHORT] if digest else "it was deleted there"
    return f"What the {which} registry has ({host})", f"{has}: {then}"


def _moves(pair: TagPair, new: str) -> str:
    if not pair.old:
        return f"the tag at {new} stays, and nobody is asked about it again."
    return f"the tag at {new} moves to it with the next round."
