"""What can be looked at from the list of plans: drift, boards of flows, and advice."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import work
from textual.content import Content

from transship.errors import TransshipError
from transship.plans.advice import Way
from transship.plans.file import PlanEntry
from transship.plans.plan import Kind, Plan
from transship.text import safe
from transship_tui.advice_facts import ends_of
from transship_tui.dialogs.advice import AdviceDialog
from transship_tui.dialogs.choice import Choice, ChoiceDialog
from transship_tui.dialogs.confirm import ConfirmDialog
from transship_tui.keys.words import key_for, words_for
from transship_tui.screens.frame import Frame
from transship_tui.ways import WORDS

if TYPE_CHECKING:
    from transship.plans.flow import FlowEntry

KINDS = {Way.SYNC: Kind.SYNC, Way.REPLICATION: Kind.REPLICATION}
"""The kinds of plans that carry out a way."""

NO_PLAN = "There is no plan here; {plans.add} writes one."


class PlanViews(Frame):
    """A screen on which one plan is meant by the keys for drift and advice."""

    @property
    @abstractmethod
    def meant(self) -> PlanEntry | None:
        """The plan that the keys are for."""

    def impossible_views(self) -> Mapping[str, str]:
        """Say of which plan there is no drift or advice, and why."""
        entry = self.meant
        if entry is None:
            return dict.fromkeys(("drift", "advice"), words_for(self, NO_PLAN))
        if entry.plan is None:
            return dict.fromkeys(("drift", "advice"), unreadable_words(self, entry))
        if not entry.plan.rules:
            shows = f"{key_for(self, 'plans.preview')} shows what it would change"
            return {"drift": f"It names its images one by one: {shows}."}
        return {}

    def action_drift(self) -> None:
        """Show how far the targets of the plan under the cursor have drifted."""
        from transship_tui.screens.drift import DriftScreen

        if (entry := self.meant) is not None and entry.plan is not None:
            self.hush()
            self.app.push_screen(DriftScreen(entry.plan, entry.name))

    def action_quick(self) -> None:
        """Move all of a personal account of TCR to an instance."""
        from transship_tui.screens.quick import QuickScreen

        self.hush()
        self.app.push_screen(QuickScreen())

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_board(self) -> None:
        """Show the board of a flow; of which one is asked where there are several."""
        from transship_tui.screens.board import BoardScreen

        self.hush()
        try:
            entries = self.transship.engine.flows.all()
        except TransshipError as error:
            self.fail(error)
            return
        if not entries:
            self.warn('No flows yet: a flow is a file beside the plans that says kind = "flow".')
            return
        entry = entries[0] if len(entries) == 1 else await self._chosen(entries)
        if entry is None:
            return
        if entry.flow is not None:
            self.app.push_screen(BoardScreen(entry.flow, entry.path.stem))
        elif entry.problem is not None:
            self.fail(entry.problem)

    async def _chosen(self, entries: Sequence[FlowEntry]) -> FlowEntry | None:
        choices = [Choice(str(number), *_words(entry)) for number, entry in enumerate(entries)]
        dialog = ChoiceDialog("Board of which flow?", Content(""), choices)
        answer = await self.app.push_screen_wait(dialog)
        return entries[int(answer)] if answer else None

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_advice(self) -> None:
        """Ask what isn't known of the plan's two ends, and say which way is best."""
        entry = self.meant
        if entry is None or entry.plan is None:
            return
        way = await advised(self, entry.plan)
        if way is not None:
            await self._take(way, entry)

    async def _take(self, way: Way, entry: PlanEntry) -> None:
        """Make the plan what the operator has chosen, where a plan can be that."""
        assert entry.plan is not None
        kind = KINDS.get(way)
        if kind is None:
            self.tell(words_of(way))
        elif kind is entry.plan.kind:
            self.tell(f"{entry.name} is a {kind} already")
        elif entry.plan.kind is Kind.COPY:
            writes = f"{key_for(self, 'plans.add')} writes a {kind}"
            self.tell(f"{entry.name} names its images one by one; {writes}")
        elif await self.app.push_screen_wait(_question(entry.name, kind)):
            self._make(entry, kind)

    def _make(self, entry: PlanEntry, kind: Kind) -> None:
        engine = self.transship.engine
        try:
            file = engine.plans.load(entry.path)
            delete = file.plan.delete if kind is Kind.REPLICATION else None
            plan = replace(file.plan, kind=kind, delete=delete)
            engine.plans.save(file.replaced(plan, engine.plans.spelling()))
        except TransshipError as error:
            self.fail(error)
            return
        self.action_refresh_list()
        self.tell(f"{entry.name} is a {kind} now")

    @abstractmethod
    def action_refresh_list(self) -> None:
        """Read the plans anew."""


async def advised(screen: Frame, plan: Plan) -> Way | None:
    """Ask what isn't known of a plan's two ends; return the way that the operator takes."""
    screen.hush()
    try:
        facts = ends_of(plan, screen.transship.engine.registries.all())
    except TransshipError as error:
        screen.fail(error)
        return None
    return await screen.app.push_screen_wait(AdviceDialog(facts))


def unreadable_words(screen: Frame, entry: PlanEntry) -> str:
    """Return why nothing can be done with a plan that can't be read."""
    shows = f"{key_for(screen, 'plans.text')} shows its text"
    return f"{safe(entry.name)} can't be read; {shows}. Mend the file first."


def words_of(way: Way) -> str:
    """Return what to do for a way that no kind of plan stands for."""
    if way is Way.COPY:
        return "Any plan that is run once is a copy: it needs no schedule"
    return f"{WORDS[way]}: set it up at the service; the plan stays as it is"


def _words(entry: FlowEntry) -> tuple[str, str]:
    if entry.flow is None:
        return f"✗ {entry.name}", "can't be read; choose it to see why"
    return entry.name, " → ".join(stage.name for stage in entry.flow.stages)


def _question(name: str, kind: Kind) -> ConfirmDialog:
    words = "Its file is written anew, comments stay. Nothing is copied."
    return ConfirmDialog(f"Make {name} a {kind}?", Content(words), "Write the file")
