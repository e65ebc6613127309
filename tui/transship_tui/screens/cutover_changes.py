"""Changing the record of a domain, putting it back, and ending a change that was broken off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual import on, work
from textual.content import Content
from textual.widgets import Button

from transship.app.provider_request import secret_words
from transship.cutover.status import CutoverStatus
from transship.errors import KeyMissing, KeyRefused, LossUnknown, TransshipError
from transship.text import counted, safe
from transship.views.cutover import undecided_tags, why_never_rollback, why_no_rollback
from transship_tui.cutover_outcomes import told_of
from transship_tui.dialogs.choice import Choice, ChoiceDialog
from transship_tui.dialogs.confirm import ConfirmDialog
from transship_tui.dialogs.cutover_key import KeyDialog
from transship_tui.dialogs.cutover_way import WayDialog
from transship_tui.dialogs.error import WordsDialog
from transship_tui.marks import BAD
from transship_tui.screens.cutover_acts import CutoverActs
from transship_tui.widgets.cutover_words import back_content, change_question, end_question

_COPY_BACK = "copy back"
_COMPARE = "compare"
_DECIDE = "decide"
_GIVE_UP = "give up"


class CutoverChanges(CutoverActs):
    """A screen about one cutover, by which its record is changed."""

    # How it is changed

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_way(self) -> None:
        """Say anew how the record is changed; ask for the key that this needs."""
        engine, standing = self.transship.engine, self.standing
        if standing is None:
            return
        try:
            known = engine.cutovers.changes.provider(self.cutover)
            dialog = WayDialog(standing.subject.domain.name, known)
            way = await self.app.push_screen_wait(dialog)
            if way is None or way == known:
                return
            self.show(engine.cutovers.changes.set_provider(self.cutover, way))
            self.tell("How the record is changed is kept; nothing was changed by that")
            await self.ask_key(later="Later")
        except TransshipError as error:
            self.fail(error)

    async def ask_key(self, *, later: str = "Cancel", why: str = "") -> bool:
        """Ask for the key that the change needs, unless it is kept; tell whether it is now.

        With `why` the one that is kept isn't good for anything.
        """
        engine = self.transship.engine
        way = engine.cutovers.changes.provider(self.cutover)
        if not secret_words(way):
            return True
        if not why:
            try:
                if await engine.cutovers.changes.is_key_kept(way):
                    return True
            except TransshipError as error:
                why = str(error)
        return await self.app.push_screen_wait(KeyDialog(engine, way, why, later=later))

    # Changing

    def action_change(self) -> None:
        """Change the record after a question, or show the edit where it is made by hand."""
        self.query_one("#change-it", Button).press()

    @on(Button.Pressed, "#change-it")
    def _change_wanted(self, event: Button.Pressed) -> None:
        event.stop()
        standing = self.standing
        if standing is None:
            return
        if standing.unended is not None and not standing.unended.running:
            self.end_change()
        elif standing.applier is None or standing.applier.why_not:
            self.show_change()
        else:
            self._change(standing)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def _change(self, standing: CutoverStatus) -> None:
        if not await self.ask_key():
            self.warn("The record isn't changed: the provider's key is needed for that")
            return
        domain = standing.subject.domain.name
        dialog = ConfirmDialog(
            f"Point {domain} at {standing.subject.points_at}?",
            change_question(standing),
            "Change",
            danger=True,
            typed=domain,
        )
        if await self.app.push_screen_wait(dialog):
            engine = self.transship.engine
            await self._do(
                lambda: engine.cutovers.changes.change(self.cutover, shown=standing.edit),
                "being changed",
            )

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def end_change(self) -> None:
        """Ask whether to go on with a change that was broken off, and do that."""
        standing = self.standing
        if standing is None or standing.unended is None or standing.unended.running:
            return
        if standing.applier is None or standing.applier.why_not:
            why = standing.applier.why_not if standing.applier else "it is changed by hand"
            self.warn(f"What was broken off can't be ended from here: {why}")
            return
        words = end_question(standing, self.transship.engine.clock.now())
        asked = standing.unended.asked
        what = "The way back" if asked.direction == "rollback" else "The change"
        dialog = ConfirmDialog(f"{what} was broken off. Go on with it?", words, "Go on")
        if await self.app.push_screen_wait(dialog) and await self.ask_key():
            engine = self.transship.engine
            await self._do(lambda: engine.cutovers.changes.end(self.cutover), "being read back")

    # Going back

    def action_roll_back(self) -> None:
        """Put the record back after a question, or offer what is to be done before."""
        self.query_one("#back-it", Button).press()

    @on(Button.Pressed, "#back-it")
    def _back_wanted(self, event: Button.Pressed) -> None:
        event.stop()
        if self.standing is not None:
            self._go_back()

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def _go_back(self) -> None:
        standing = await self._ready_to_go_back()
        if standing is None:
            return
        applier, domain = standing.applier, standing.subject.domain.name
        if applier is None or applier.why_not:
            words = back_content(standing, by_hand=True)
            await self.app.push_screen_wait(WordsDialog(words))
            return
        if not await self.ask_key():
            self.warn("The record isn't put back: the provider's key is needed for that")
            return
        blocked = why_no_rollback(standing)
        lost = len(standing.way_back.lost) if standing.way_back else 0
        hides = " without knowing what it hides" if blocked else ""
        hides = f" although it hides {counted(lost, 'tag')}" if lost else hides
        dialog = ConfirmDialog(
            f"Put {domain} back{hides}?",
            back_content(standing, by_hand=False),
            "Roll back",
            danger=True,
            typed=domain,
        )
        if await self.app.push_screen_wait(dialog):
            await self._do(
                lambda: self._put_back(domain, accept_loss=bool(blocked)), "being put back"
            )

    async def _put_back(self, domain: str, *, accept_loss: bool) -> str:
        """Put the record back; where nobody knows what that hides, only when asked once more."""
        engine = self.transship.engine
        try:
            return await engine.cutovers.changes.roll_back(self.cutover, accept_loss=accept_loss)
        except LossUnknown as error:
            dialog = ConfirmDialog(
                f"Put {domain} back without knowing what it hides?",
                Content(f"{safe(str(error))}."),
                "Roll back",
                danger=True,
                typed=domain,
            )
            if not await self.app.push_screen_wait(dialog):
                raise
            return await engine.cutovers.changes.roll_back(self.cutover, accept_loss=True)

    async def _ready_to_go_back(self) -> CutoverStatus | None:
        """Return how the cutover stands once nothing is lost, or the operator gives it up.

        None where it is not to go back.
        """
        while (standing := self.standing) is not None:
            if never := why_never_rollback(standing):
                self.warn(f"Going back is blocked: {never}")
                return None
            offered = _before_going_back(standing)
            if not offered:
                return standing
            blocked = Content.styled(f"Why: {safe(why_no_rollback(standing))}.", BAD)
            dialog = ChoiceDialog("Going back is blocked. What first?", blocked, offered)
            wanted = await self.app.push_screen_wait(dialog)
            if wanted == _DECIDE:
                self.show_step()
            if wanted in (None, _DECIDE):
                return None
            if wanted == _GIVE_UP:
                return standing
            if not await self._seen_to(wanted):
                return None
        return None

    async def _seen_to(self, wanted: str) -> bool:
        """Compare both registries, or copy back; tell whether that went well."""
        engine, old = self.transship.engine, self.standing.subject.old if self.standing else ""
        if wanted == _COPY_BACK:
            doing, words = engine.cutovers.rounds.copy_back, f"copying back to {old}"
        else:
            doing, words = engine.cutovers.rounds.compare, "comparing both registries"
        return await self.doing(lambda: doing(self.cutover), words)

    async def doing(self, act: Callable[[], Awaitable[CutoverStatus]], words: str) -> bool:
        """Do something that takes a while and shows how the cutover stands then.

        Tells whether it went well.
        """
        self.hush()
        self.busy = words
        self.reload()
        try:
            standing = await act()
        except TransshipError as error:
            self.fail(error)
            return False
        else:
            self.show(standing)
            return True
        finally:
            self.busy = ""
            self.reload()

    async def _do(self, act: Callable[[], Awaitable[str]], words: str) -> None:
        """Do something to the record; ask for the key as long as it isn't a good one."""
        self.hush()
        self.changing = f"the record is {words}"
        self.reload()
        try:
            while True:
                try:
                    told = told_of(await act())
                except (KeyMissing, KeyRefused) as error:
                    if not await self.ask_key(why=str(error)):
                        raise
                else:
                    break
        except TransshipError as error:
            self.fail(error)
        else:
            (self.tell if told.good else self.warn)(safe(told.words))
        finally:
            self.changing = ""
        self.reload()


def _before_going_back(standing: CutoverStatus) -> list[Choice]:
    """Return what can be done before going back hides something, none where it doesn't."""
    back = standing.way_back
    if back is None or not back.blocked:
        return []
    old, lost = standing.subject.old, counted(len(back.lost), "tag")
    asks = [each for each in undecided_tags(standing) if each in back.lost]
    found = []
    if old and (copies := len(back.lost) - len(asks)):
        more = f"By a job; then {old} has what only the new registry has."
        found.append(Choice(_COPY_BACK, f"Copy {counted(copies, 'tag')} back to {old}", more))
    if asks:
        words = f"Decide about {counted(len(asks), 'tag')} that both have pushed"
        found.append(Choice(_DECIDE, words, "They are never copied back by themselves."))
    if not back.lost and old:
        more = "Nothing is copied; it tells what would be hidden."
        found.append(Choice(_COMPARE, "Compare both registries", more))
    hides = f"Go back, and hide {lost}" if back.lost else "Go back without knowing what it hides"
    found.append(
        Choice(_GIVE_UP, hides, "They stay at the new registry. You are asked for the domain next.")
    )
    return found
