"""Changing a plan, or writing a new one, with what each rule matches beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import ContentSwitcher

from transship.errors import BadFile, BadRequest, FileChanged, TransshipError
from transship.plans.plan import Plan
from transship.text import counted, safe
from transship_tui.dialogs.confirm import ConfirmDialog
from transship_tui.dialogs.plan_changed import PlanChangedDialog, Taken
from transship_tui.dialogs.plan_text import PlanTextDialog
from transship_tui.keys import bindings
from transship_tui.keys.words import key_for, words_for
from transship_tui.lines import plan_line
from transship_tui.screens.frame import Frame
from transship_tui.screens.plan_opened import OpenedPlan
from transship_tui.screens.plan_views import KINDS, advised, words_of
from transship_tui.stakes import Stake
from transship_tui.widgets.plan_draft import PlanDraft, Reading
from transship_tui.widgets.plan_fields import PlanFields
from transship_tui.widgets.plan_form import PlanForm
from transship_tui.widgets.rule_fields import RuleFields
from transship_tui.widgets.rule_matches import RuleMatches
from transship_tui.widgets.tab_line import TabLine

_LOOK_SECONDS = 2.0
"""The seconds between two looks at whether the file was changed elsewhere."""
_STAKE = Stake(
    "Quit without saving?", "A plan was changed, and what you have changed is in no file yet."
)
_UNSAVED = "What you have changed is in no file yet. {editor.save} writes it."


class PlanEditorScreen(Frame):
    """Changes what `opened` has. `kept` is called when the plan was written."""

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = bindings("plan-editor")
    CSS_PATH = "plan_editor.tcss"
    WITHOUT_LINE: ClassVar[str] = "Save the plan first: the line takes it from its file."
    HELP: ClassVar[str] = """
A plan is a file of its own, and these fields are what it says. The first part is the plan as a
whole, then come its rules: {editor.next-tab} goes on to the next, {editor.add-rule} adds one. Every
rule that takes a tag applies.

Below a rule stands what it makes of the real tags of its source, as you type: what is matched, with
its name at the target; {matches.shown} shows what is dropped and why. Sources are listed once,
{editor.list} lists them anew. Rules that ask when an image was created need a look at each image:
{editor.look-up} takes it.

Nothing is copied here. {editor.preview} shows what the plan would do, {editor.save} writes the
file. Comments in the file stay.
"""

    def __init__(self, opened: OpenedPlan, kept: Callable[[str], None]) -> None:
        super().__init__()
        self._opened = opened
        self._kept = kept
        self._reading = Reading(None)
        self._part = 0 if opened.is_new else 1
        self._is_saved = False
        self._first_tab = 0
        self._warned = False

    def compose_body(self) -> ComposeResult:
        """Give the parts of the plan, the fields of one, and what a rule matches."""
        yield TabLine(id="parts")
        with Container(id="sides"):
            with ContentSwitcher(initial="rule", id="form"):
                yield PlanFields(self._opened.name, is_new=self._opened.is_new, id="plan")
                yield RuleFields(id="rule")
            yield RuleMatches(self.transship.engine, id="matches")

    def on_mount(self) -> None:
        """Show the plan, and look from time to time whether its file says something else."""
        self.transship.at_stake.append(self._at_stake)
        self.query_one(PlanFields).show(self._draft)
        self._go(self._part)
        self._read()
        self.set_interval(_LOOK_SECONDS, self._look_at_file)

    def on_unmount(self) -> None:
        """There is nothing here any more that could be lost."""
        self.transship.at_stake.remove(self._at_stake)

    def on_screen_resume(self) -> None:
        """Look whether the file was changed meanwhile."""
        self._look_at_file()

    def on_resize(self) -> None:
        """Show as many parts as there is room for."""
        self._show_parts()

    @property
    def _draft(self) -> PlanDraft:
        return self._opened.draft

    def _at_stake(self) -> Stake | None:
        return _STAKE if self._opened.is_changed else None

    # The parts

    def action_tab(self, by: int) -> None:
        """Go to the next part, or to the one before."""
        self._go((self._part + by) % (len(self._draft.rules) + 1))

    @on(TabLine.Chosen)
    def _part_chosen(self, event: TabLine.Chosen) -> None:
        index = event.index + self._first_tab
        self._go(index)

    def _go(self, part: int) -> None:
        """Show a part: 0 is the plan as a whole, then come the rules."""
        self._part = part
        self.set_class(part == 0, "-whole")
        self.query_one("#form", ContentSwitcher).current = "rule" if part else "plan"
        if part:
            self.query_one(RuleFields).show(self._draft, ("rules", part - 1))
            self.query_one(RuleMatches).show_rule(part - 1)
        else:
            self.query_one(PlanFields).show(self._draft)
        self._say()
        rule = self._draft.rules[part - 1] if part else {}
        first = next((end for end in ("from", "to") if not rule.get(end)), "repositories")
        if not part:
            first = "name" if self._opened.is_new else "kind"
        self.set_focus(self._form.query_one(f"#{first}"))
        self.refresh_bindings()

    @property
    def _form(self) -> PlanForm:
        return self.query_one(RuleFields) if self._part else self.query_one(PlanFields)

    def action_add_rule(self) -> None:
        """Add a rule that reads where the last one reads, and writes where that writes."""
        last = self._draft.rules[-1] if self._draft.rules else {}
        number = self._draft.add_rule({key: last[key] for key in ("from", "to") if key in last})
        self._read()
        self._go(number + 1)

    def action_remove_rule(self) -> None:
        """Ask whether to take this rule out."""
        number = self._part - 1
        words = Content("The file says so once it is saved. Nothing that was copied changes.")
        dialog = ConfirmDialog(f"Take rule {self._part} out?", words, "Take it out")

        def answered(wanted: bool | None) -> None:
            if wanted:
                self._draft.remove_rule(number)
                self._read()
                self._go(min(self._part, len(self._draft.rules)))

        self.app.push_screen(dialog, answered)

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done with the part that is in front."""
        if not self._part:
            goes = f"{key_for(self, 'editor.next-tab')} goes to its rules"
            return {"remove_rule": f"This is the plan as a whole; {goes}."}
        if len(self._draft.rules) == 1:
            return {"remove_rule": "A plan has one rule at least."}
        return {}

    # What it says

    @on(PlanForm.Edited)
    def _edited(self, event: PlanForm.Edited) -> None:
        event.stop()
        self._read()

    def _read(self) -> None:
        """Read the draft, and show what comes of it."""
        self._reading = self._draft.read()
        matches = self.query_one(RuleMatches)
        if self._reading.plan is not None:
            matches.follow(self._reading.plan)
        elif not self._wrong_rules() and self._reading.wrong_rules():
            matches.outdated("a rule waits to hear where from and where to")
        else:
            matches.outdated(f"{self._where_wrong()} can't be read")
        self._say()

    def _say(self) -> None:
        self._form.say(self._reading)
        self._show_parts()
        changed = "changed, not saved" if self._opened.is_changed else ""
        kind = "replication" if self._draft.is_replication else "sync"
        rules = counted(len(self._draft.rules), "rule")
        what = " · ".join(filter(None, (kind, rules, "new" * self._opened.is_new, changed)))
        self.heading(f"Plan {self._called}", what)
        unsaved = self._opened.is_changed or self._opened.is_new
        self.line("" if unsaved else plan_line(self._called))

    @property
    def _called(self) -> str:
        if not self._opened.is_new:
            return self._opened.name
        return self.query_one(PlanFields).plan_name or self._opened.name

    def _show_parts(self) -> None:
        """Show the parts, each rule with the number of tags that it matches."""
        wrong = self._wrong_rules()
        labels = ["Plan", *(self._label(number, wrong) for number in range(len(self._draft.rules)))]
        first, room = 0, max(20, self.size.width)
        while first < self._part and sum(len(x) + 2 for x in labels[first : self._part + 1]) > room:
            first += 1
        self._first_tab = first
        self.query_one("#parts", TabLine).tabs(labels[first:], self._part - first)

    def _label(self, number: int, wrong: Sequence[int]) -> str:
        more = self.query_one(RuleMatches).label(number)
        return f"Rule {number + 1} {'✗' if number in wrong else more}".rstrip()

    def _wrong_rules(self) -> Sequence[int]:
        """Return the rules that are wrong, without those that wait for their first words."""
        waiting = self.query_one(RuleFields).waiting(self._reading)
        mistakes = {at: why for at, why in self._reading.mistakes.items() if at not in waiting}
        return replace(self._reading, mistakes=mistakes).wrong_rules()

    @on(RuleMatches.Counted)
    def _counted(self, event: RuleMatches.Counted) -> None:
        event.stop()
        self._show_parts()
        impossible, self._is_saved = event.drawn.impossible if self._is_saved else 0, False
        if impossible:
            self.warn(f"Saved; {impossible:,} can't be copied")

    @on(RuleMatches.Listed)
    def _listed(self, event: RuleMatches.Listed) -> None:
        event.stop()
        self.transship.settle_memory()

    @on(RuleMatches.Failed)
    def _not_listed(self, event: RuleMatches.Failed) -> None:
        event.stop()
        self._show_parts()
        self.fail(event.error)

    def _where_wrong(self) -> str:
        rules = self._reading.wrong_rules()
        return f"rule {rules[0] + 1}" if rules else "the plan as a whole"

    def action_look_up(self) -> None:
        """Look up what the rules must know of tags."""
        if not self.query_one(RuleMatches).look_up():
            self.warn("No rule asks for more than is known.")

    def action_list_anew(self) -> None:
        """List the sources anew."""
        self.hush()
        self.query_one(RuleMatches).list_anew()

    def action_text(self) -> None:
        """Show the file's text as it would be saved."""
        try:
            text = self._opened.text(self._reading.plan, self.transship.engine)
        except TransshipError as error:
            self.fail(error)
            return
        why = "" if self._reading.plan else f"{self._where_wrong()} can't be read; as it was before"
        self.app.push_screen(PlanTextDialog(self._opened.place, text, why))

    def _valid(self) -> Plan | None:
        """Return the plan, or go to what is wrong with it."""
        if self._reading.plan is not None:
            return self._reading.plan
        self.query_one(RuleFields).touch(self._reading)
        self._read()
        rules = self._reading.wrong_rules()
        part = rules[0] + 1 if rules else 0
        if part != self._part:
            self._go(part)
        why = next(iter(self._reading.mistakes.values()), "it can't be read")
        self.warn(f"Mend {self._where_wrong()} first: {safe(why)}")
        return None

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def action_advice(self) -> None:
        """Ask what isn't known of both ends, and make the plan what the operator then chooses."""
        if (plan := self._valid()) is None or (way := await advised(self, plan)) is None:
            return
        if (kind := KINDS.get(way)) is None:
            self.tell(words_of(way))
            return
        self._draft.set(PlanFields.KIND, str(kind))
        self._go(0)
        self._read()
        self.tell(f"It is a {kind} here; {key_for(self, 'editor.save')} writes it")

    # Its file

    def action_save(self) -> None:
        """Write the file."""
        plan = self._valid()
        if plan is not None:
            self._save(plan)

    def _save(self, plan: Plan) -> bool:
        """Write the file; tell whether that was done."""
        try:
            self._opened.save(plan, self._called, self.transship.engine)
        except FileChanged:
            self._ask_whose()
            return False
        except BadRequest as error:
            if self._part:
                self._go(0)
            self.query_one(PlanFields).refuse_name(error.detail)
            self.warn(error.detail)
            return False
        except TransshipError as error:
            self.fail(error)
            return False
        self.query_one(PlanFields).keep_name()
        self._form.show(self._draft, self._form.prefix)
        self._read()
        self._kept(self._opened.name)
        self._is_saved = True
        self.tell(f"Saved as {self._opened.place}")
        return True

    def _look_at_file(self) -> None:
        """Show what the file says if it was changed elsewhere, unless something would be lost."""
        if not self.is_current:
            return
        try:
            elsewhere = self._opened.is_changed_elsewhere(self.transship.engine)
            if not elsewhere:
                self._warned = False
            elif not self._opened.is_changed:
                self._take_theirs()
            elif not self._warned:
                self._warned = True
                self.warn("The file was changed elsewhere; saving asks whose words to keep.")
        except TransshipError as error:
            if not self._warned:
                self._warned = True
                self.fail(error)

    def _take_theirs(self) -> None:
        self._opened.load(self.transship.engine)
        self._show_anew()
        self.tell("The file was changed elsewhere; this is what it says.")

    def _show_anew(self) -> None:
        self._read()
        self._go(min(self._part, len(self._draft.rules)))

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def _ask_whose(self) -> None:
        taken: Taken | None = await self.app.push_screen_wait(PlanChangedDialog(self._opened.place))
        try:
            if taken == "theirs":
                self._take_theirs()
            elif taken == "ours" and self._reading.plan is not None:
                self._opened.rebase(self.transship.engine)
                self._save(self._reading.plan)
        except BadFile as error:
            self.fail(error)

    # Away from here

    async def action_back(self) -> None:
        """Go back; ask before something that was changed is lost."""
        if not self._opened.is_changed:
            await super().action_back()
            return
        words = Content(words_for(self, _UNSAVED))
        self.app.push_screen(
            ConfirmDialog("Leave without saving?", words, "Leave", danger=True), self._leave
        )

    def _leave(self, wanted: bool | None) -> None:
        if wanted:
            self.dismiss()

    def action_preview(self) -> None:
        """Show what the plan would do as it is here."""
        from transship_tui.screens.plan_preview import PlanPreviewScreen

        plan = self._valid()
        if plan is not None:
            unsaved = self._opened.is_changed or self._opened.is_new
            saved = "" if unsaved else self._opened.name
            self.app.push_screen(PlanPreviewScreen(plan, self._called, saved=saved))
