"""Changing a plan, or writing a new one, field by field, with what each rule matches beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, ContentSwitcher, Input, RadioButton, RadioSet, Select, Static

from transship.errors import BadFile, BadRequest, FileChanged, TransshipError
from transship.plans.plan import Kind, OnConflict, Plan
from transship.plans.toml_document import TextPlace
from transship.text import counted, safe
from transship_tui.context import QuitWarning
from transship_tui.keys import bindings, key_for, words_for
from transship_tui.lines import plan_line
from transship_tui.marks import BAD, CARE, QUIET
from transship_tui.screens.frame import Frame
from transship_tui.screens.plan.advice import KINDS, advised, words_of
from transship_tui.screens.plan.draft import SCHEDULE, OpenedPlan, PlanDraft, Reading
from transship_tui.screens.plan.rule_matches import RuleMatches
from transship_tui.widgets.bars import TabLine
from transship_tui.widgets.dialogs import ConfirmDialog, WordsDialog
from transship_tui.widgets.form import Field
from transship_tui.widgets.worklist import ANSWERS

_MOST_TEXT_LINES = 2_000


class PlanTextDialog(WordsDialog):
    """Shows the text of a plan; `place` is where it stands, `why` what is to be said of it."""

    def __init__(self, place: str, text: str, why: str = "") -> None:
        super().__init__(Content(text))
        self._place = safe(place)
        self._why = safe(why)
        self._whole = text

    @property
    def text(self) -> str:
        """The whole of it, however long."""
        return self._whole

    def compose_words(self) -> Iterator[Widget]:
        """Give the text, its comments in a lighter tone."""
        yield Static(Content(self._place), classes="title")
        if self._why:
            yield Static(Content.styled(f"! {self._why}", CARE))
        lines = self._whole.split("\n")
        shown = [_line(line) for line in lines[:_MOST_TEXT_LINES]]
        if len(lines) > _MOST_TEXT_LINES:
            shown.append(
                Content.styled(f"… and {len(lines) - _MOST_TEXT_LINES:,} lines more", QUIET)
            )
        yield Static(Content("\n").join(shown))


def _line(line: str) -> Content:
    indent = line[: len(line) - len(line.lstrip(" "))]
    clean = indent + safe(line)
    return Content.styled(clean, QUIET) if line.lstrip().startswith("#") else Content(clean)


Taken = Literal["theirs", "ours"]


class PlanChangedDialog(ModalScreen[Taken | None]):
    """Asks whose words are to be kept; returns None to decide later."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "later", "Later"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = safe(path)

    def compose(self) -> ComposeResult:
        """Give the question and the three answers."""
        with Vertical(classes="dialog"):
            yield Static("The file has changed meanwhile", classes="title")
            yield Static(Content(f"{self._path} says something else than when it was read."))
            yield Static(
                "\nTheirs: what you have changed here is lost.\n"
                "Yours: what the plan does is as you have it here; their comments stay."
            )
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Take theirs", id="theirs", compact=True)
                yield Button("Keep yours", id="ours", compact=True, variant="error")

    def on_mount(self) -> None:
        """Put the focus on the way out."""
        self.query_one("#cancel").focus()

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        answers: dict[str | None, Taken] = {"theirs": "theirs", "ours": "ours"}
        self.dismiss(answers.get(event.button.id))

    def action_later(self) -> None:
        """Do nothing."""
        self.dismiss(None)


@dataclass(frozen=True, slots=True)
class TextEntry:
    """A field to type into. `hint` is read while it is empty."""

    place: TextPlace
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceEntry:
    """A field with a few answers, in words and as values; the first is what holds without one.

    `left_out` says that the first one isn't written down.
    """

    place: TextPlace
    label: str
    answers: tuple[tuple[str, Any], ...]
    left_out: bool = True


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """A title over the fields that follow."""

    title: str


Entry = TextEntry | ChoiceEntry | GroupEntry


class PlanForm(VerticalScroll, can_focus=False):
    """The fields for one part of a draft, `prefix`; they are filled again when that changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]
    DEFAULT_CSS = """
    PlanForm {
        padding: 0 1; scrollbar-size: 0 1; scrollbar-gutter: stable;
        & .group { color: $text-muted; text-style: bold; margin-top: 1; height: 1; }
        & #at-first, & .first { margin-top: 0; }
    }
    """

    class Edited(Message):
        """The draft says something else."""

    def __init__(self, entries: Sequence[Entry], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._entries = tuple(entries)
        self._draft: PlanDraft | None = None
        self._said: dict[str, Content] = {}
        self._touched: set[TextPlace] = set()
        self.prefix: TextPlace = ()

    def compose(self) -> ComposeResult:
        """Give the fields, each group under its title."""
        yield from _widgets(self._entries)

    def show(self, draft: PlanDraft, prefix: TextPlace = ()) -> None:
        """Show what a part of a draft says."""
        if draft is not self._draft:
            self._touched.clear()
        self._draft, self.prefix = draft, prefix
        self.refill()

    def refill(self) -> None:
        """Show what the draft says now."""
        for entry in self.fields():
            self._fill(entry)
        self.follow()

    def fields(self) -> Iterator[TextEntry | ChoiceEntry]:
        """Give the entries that are fields. What is put beside them at run time comes last."""
        yield from (entry for entry in self._entries if not isinstance(entry, GroupEntry))

    def follow(self) -> None:
        """Show the fields that the answers of others ask for. Forms fill this in."""

    def notes(self) -> Mapping[TextPlace, Content]:
        """Return what there is to say of fields that are right. Forms fill this in."""
        return {}

    def say(self, reading: Reading) -> None:
        """Say under each field what is wrong with it, unless it waits for its first words."""
        notes, waiting = self.notes(), self.waiting(reading)
        for entry in self.fields():
            place = self.prefix + entry.place
            why = "" if place in waiting else reading.at(place)
            note = Content.styled(f"✗ {safe(why)}", BAD) if why else notes.get(entry.place)
            self.note(self.field(entry.place), note or Content(""))

    def waiting(self, reading: Reading) -> frozenset[TextPlace]:
        """Return the places that are empty, must not be, and weren't touched yet."""
        return reading.missing - self._touched

    def touch(self, reading: Reading) -> None:
        """Wait for nothing any more: say of all fields what is wrong with them."""
        self._touched |= self.waiting(reading)

    def note(self, field: Field, note: Content) -> None:
        """Say something under a field. What is said already isn't laid out anew."""
        name = field.id or ""
        if self._said.get(name, Content("")) != note:
            self._said[name] = note
            field.say(note)
            if note and field.control.has_focus:
                # What is said of what is being typed must not be below the edge.
                self.call_after_refresh(field.scroll_visible, animate=False)

    def field(self, place: TextPlace) -> Field:
        """Return the field for a place, without the prefix."""
        return self.query_one(f"#at-{name_of(place)}", Field)

    @property
    def draft(self) -> PlanDraft:
        """The draft that is shown."""
        assert self._draft is not None
        return self._draft

    def _fill(self, entry: TextEntry | ChoiceEntry) -> None:
        place = self.prefix + entry.place
        control = self.field(entry.place).control
        with self.prevent(Input.Changed, Select.Changed):
            if isinstance(control, Input):
                control.value = safe(self.draft.text(place))
            elif isinstance(control, Select) and isinstance(entry, ChoiceEntry):
                values = [value for _, value in entry.answers]
                value = self.draft.value(place)
                control.value = value if value in values else values[0]

    def _entry(self, control: Widget) -> TextEntry | ChoiceEntry | None:
        return next((e for e in self.fields() if name_of(e.place) == control.id), None)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        entry = self._entry(event.input)
        if entry is None or self._draft is None:
            return
        place = self.prefix + entry.place
        self._touched.add(place)
        # What can't be shown as it is isn't changed by being shown.
        if event.value != safe(self._draft.text(place)):
            self._draft.put(place, event.value)
            self._changed()

    @on(Select.Changed)
    def _chosen(self, event: Select.Changed) -> None:
        event.stop()
        entry = self._entry(event.select)
        if not isinstance(entry, ChoiceEntry) or self._draft is None:
            return
        place, default = self.prefix + entry.place, entry.answers[0][1]
        value = self._draft.value(place)
        if event.value != (default if value is None else value):
            left_out = entry.left_out and event.value == default
            self._draft.set(place, None if left_out else event.value)
            self._changed()

    @on(Input.Submitted)
    def _next_field(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()

    def _changed(self) -> None:
        self.follow()
        self.post_message(self.Edited())


def name_of(place: TextPlace) -> str:
    """Return the id of the control for a place."""
    text = "-".join(str(part) for part in place)
    return re.sub(r"[^A-Za-z0-9-]", lambda match: f"_{ord(match[0]):x}", text)


def field_of(entry: TextEntry | ChoiceEntry) -> Field:
    """Return a field, empty."""
    name = name_of(entry.place)
    if isinstance(entry, TextEntry):
        control: Widget = Input(
            placeholder=entry.hint, id=name, compact=True, select_on_focus=False
        )
    else:
        control = Select(
            entry.answers, value=entry.answers[0][1], allow_blank=False, id=name, compact=True
        )
    return Field(entry.label, control)


def quiet(words: str) -> Content:
    """Return something that is good to know."""
    return Content.styled(words, QUIET)


def _widgets(entries: Iterable[Entry]) -> Iterator[Widget]:
    for number, entry in enumerate(entries):
        if isinstance(entry, GroupEntry):
            yield Static(Content(entry.title), classes="group" if number else "group first")
        else:
            yield field_of(entry)


_KINDS = (Kind.SYNC, Kind.REPLICATION)
_KIND_WORDS = {
    Kind.SYNC: "what rules select is copied, when you ask or by the clock",
    Kind.REPLICATION: "everything below a path is kept in step, every tag and referrer",
}
_PLAN_ENTRIES = (
    ChoiceEntry(
        ("on_conflict",),
        "Existing tags",
        (
            ("overwrite: the tag moves", str(OnConflict.OVERWRITE)),
            ("skip: it stays as it is", str(OnConflict.SKIP)),
            ("fail: it stays, and counts as failed", str(OnConflict.FAIL)),
        ),
        left_out=False,
    ),
    ChoiceEntry(("create_missing",), "Missing there", ANSWERS),
    ChoiceEntry(
        ("referrers",),
        "Referrers",
        (("copied too (signatures, SBOMs)", True), ("left out (no signatures)", False)),
        left_out=False,
    ),
    TextEntry(SCHEDULE, "Schedule", "only when asked; or 10m, or 0 3 * * *"),
    TextEntry(("retries",), "Retries", "of what failed, before the job ends: 0"),
)
_DELETE: TextPlace = ("delete",)
_DELETING = (
    TextEntry(("delete", "at_most"), "At most", "5% of the tags at the target in one run"),
    TextEntry(("delete", "protect"), "Protect", "never: REPOSITORY or REPOSITORY:TAG, globs"),
)
_LIMITS = (
    ("concurrency", "At once", "requests; as many as it lets us"),
    ("rate", "Rate", "no limit; or 50 MiB/s"),
    ("window", "Hours", "all day; or 22:00-06:00"),
)


class _KindButton(RadioButton):
    """A radio button that is told by its sign, too, not by its colour alone."""

    BUTTON_INNER = "○"

    def watch_value(self) -> None:
        """Show whether this is the one."""
        super().watch_value()
        self.BUTTON_INNER = "●" if self.value else "○"
        self.refresh()


class PlanFields(PlanForm):
    """The fields of a draft as a whole. `name` is what it is called, fixed once it has a file."""

    DEFAULT_CSS = """
    PlanFields {
        & RadioSet { layout: horizontal; height: 1; border: none; padding: 0; width: 1fr; }
        & RadioButton { margin-right: 3; padding: 0; border: none; }
        & #limits, & #deletion { height: auto; }
    }
    """
    KIND: ClassVar[TextPlace] = ("kind",)

    def __init__(self, name: str, *, is_new: bool, id: str | None = None) -> None:  # noqa: A002
        super().__init__(_PLAN_ENTRIES, id=id)
        self._called = name
        self._is_new = is_new
        self._limited: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """Give name and kind, what holds for the whole, deletion, and limits by registry."""
        name = Input(safe(self._called), id="name", compact=True, select_on_focus=False)
        name.disabled = not self._is_new
        yield Field("Name", name)
        buttons = (_KindButton(str(kind).capitalize(), id=str(kind)) for kind in _KINDS)
        yield Field("Kind", RadioSet(*buttons, id="kind", compact=True))
        yield from super().compose()
        with Vertical(id="deletion"):
            answers = (("stays at the target", False), ("is deleted at the target too", True))
            yield field_of(ChoiceEntry(_DELETE, "What vanishes", answers))
            yield from map(field_of, _DELETING)
        yield Vertical(id="limits")

    @property
    def plan_name(self) -> str:
        """What the plan is to be called."""
        return self.query_one("#name", Input).value.strip()

    def keep_name(self) -> None:
        """Let the name be as it is: the plan has a file."""
        self.query_one("#name", Input).disabled = True

    def show(self, draft: PlanDraft, prefix: TextPlace = ()) -> None:
        """Show what a draft says."""
        self._draft = draft
        kind = Kind.REPLICATION if draft.is_replication else Kind.SYNC
        # The set must hear of its buttons: it is what lets go of the one that was pressed.
        with self.prevent(RadioSet.Changed):
            self.query_one(f"#{kind}", RadioButton).value = True
        super().show(draft, prefix)
        self.show_limits()

    def fields(self) -> Iterator[TextEntry | ChoiceEntry]:
        """Give the fields, those for deletion and for the registries' limits too."""
        yield from super().fields()
        yield from _DELETING
        for name in self._limited:
            yield from _limit_entries(name)

    def follow(self) -> None:
        """Offer to delete only where that is possible."""
        self.query_one("#deletion").display = self.draft.is_replication
        deletes = self.draft.value(_DELETE) is not None
        with self.prevent(Select.Changed):
            self.query_one("#delete", Select).value = deletes
        for entry in _DELETING:
            self.field(entry.place).display = deletes

    def say(self, reading: Reading) -> None:
        """Say what is wrong, and what the kind means."""
        super().say(reading)
        kind = Kind.REPLICATION if self.draft.is_replication else Kind.SYNC
        self.note(self.field(self.KIND), quiet(_KIND_WORDS[kind]))

    def notes(self) -> Mapping[TextPlace, Content]:
        """Say when it runs by itself."""
        if not self.draft.text(SCHEDULE):
            return {}
        return {SCHEDULE: quiet("`transship run NAME --watch` keeps to it")}

    def refuse_name(self, why: str) -> None:
        """Say why the plan can't have its name."""
        said = Content.styled(f"✗ {why}", BAD) if why else Content("")
        self.note(self.query_one("#at-name", Field), said)

    @work(group="limits", exclusive=True, exit_on_error=False)
    async def show_limits(self) -> None:
        """Offer limits for each registry that takes part."""
        names = self.draft.registries().values()
        wanted = tuple(name for name in names if name)
        if wanted == self._limited:
            return
        self._limited = ()
        room = self.query_one("#limits")
        await room.remove_children()
        for name in wanted:
            title = Static(Content(f"Limits of {safe(name)}"), classes="group")
            await room.mount(title, *map(field_of, _limit_entries(name)))
        self._limited = wanted
        self.refill()

    @on(RadioSet.Changed, "#kind")
    def _kind_chosen(self, event: RadioSet.Changed) -> None:
        event.stop()
        kind = event.pressed.id
        if self._draft is not None and kind and self._draft.value(self.KIND) != kind:
            self._draft.set(self.KIND, kind)
            self._changed()

    @on(Select.Changed, "#delete")
    def _deletion_chosen(self, event: Select.Changed) -> None:
        deletes = self._draft is not None and self._draft.value(_DELETE) is not None
        if self._draft is not None and event.value != deletes:
            self._draft.set(_DELETE, {"at_most": "5%"} if event.value else None)
            self.refill()
            self._changed()

    @on(Input.Changed, "#name")
    def _named(self) -> None:
        self.refuse_name("")
        if self._draft is not None:
            self.post_message(self.Edited())


def _limit_entries(registry: str) -> tuple[TextEntry, ...]:
    return tuple(TextEntry(("limits", registry, key), *words) for key, *words in _LIMITS)


_RULE_ENTRIES = (
    TextEntry(("from",), "From", "a registry or its alias, with or without a path"),
    TextEntry(("repositories",), "Repositories", "all; or team/** !team/tmp-* regex:…"),
    TextEntry(("to",), "To", "a registry, with or without a path; several with commas"),
    TextEntry(("map",), "New names", "as they are; or strip:1, flatten, {name}:{tag}"),
    GroupEntry("Which tags"),
    TextEntry(("tags", "include"), "Include", "all; or v* latest regex:…"),
    TextEntry(("tags", "exclude"), "Exclude", "none; or *-rc* *-debug"),
    TextEntry(("tags", "semver"), "Versions", "any; or >=1.2 <3"),
    ChoiceEntry(
        ("tags", "prereleases"), "Pre-releases", (("are left out", False), ("are taken too", True))
    ),
    TextEntry(("tags", "newest"), "Newest", "all; or how many, as 20"),
    ChoiceEntry(
        ("tags", "by"),
        "Newest by",
        (("when the image was created", "created"), ("version", "version")),
    ),
    TextEntry(("tags", "since"), "Since", "ever; or 90d, or 2026-01-31"),
    TextEntry(("tags", "exact"), "And exactly", "tags by name: v1.2.3 latest"),
    TextEntry(("tags", "digests"), "And digests", "sha256:…"),
    GroupEntry("How"),
    TextEntry(("platforms",), "Platforms", "all, byte for byte; or linux/amd64 linux/arm64"),
    TextEntry(("artifacts",), "Artifacts", "all; or images charts signatures sboms other"),
    TextEntry(("immutable",), "Immutable", "tags that never move at the target: v*"),
)
_ONLY_SYNC = ("tags", "platforms", "artifacts")
_PLATFORMS: TextPlace = ("platforms",)


class RuleFields(PlanForm):
    """The fields of one rule of a draft."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(_RULE_ENTRIES, id=id)

    def follow(self) -> None:
        """Show what a replication hasn't only for a sync, and answers only where they are asked."""
        selects = not self.draft.is_replication
        for entry in self.fields():
            if entry.place[0] in _ONLY_SYNC:
                self.field(entry.place).display = selects
        by_version = self._says("by") == "version"
        asked = {"prereleases": self._says("semver") or by_version, "by": self._says("newest")}
        for key, wanted in asked.items():
            self.field(("tags", key)).display = selects and bool(wanted)
        for title in self.query(".group").results():
            title.display = selects

    def notes(self) -> Mapping[TextPlace, Content]:
        """Say what comes of fewer platforms."""
        if not self.draft.text(self.prefix + _PLATFORMS):
            return {}
        words = "! An index with fewer platforms gets another digest; its signatures don't fit it."
        return {_PLATFORMS: Content.styled(words, CARE)}

    def _says(self, key: str) -> str:
        return self.draft.text((*self.prefix, "tags", key))


_LOOK_SECONDS = 2.0
"""The seconds between two looks at whether the file was changed elsewhere."""
_STAKE = QuitWarning(
    "Quit without saving?", "A plan was changed, and what you have changed is in no file yet."
)
_UNSAVED = "What you have changed is in no file yet. {editor.save} writes it."


class PlanEditorScreen(Frame):
    """Changes what `opened` has. `kept` is called when the plan was written."""

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = bindings("plan-editor")
    CSS_PATH = "editor.tcss"
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
            yield RuleMatches(self.core, id="matches")

    def on_mount(self) -> None:
        """Show the plan, and look from time to time whether its file says something else."""
        self.context.quit_warnings.append(self._at_stake)
        self.query_one(PlanFields).show(self._draft)
        self._go(self._part)
        self._read()
        self.set_interval(_LOOK_SECONDS, self._look_at_file)

    def on_unmount(self) -> None:
        """There is nothing here any more that could be lost."""
        self.context.quit_warnings.remove(self._at_stake)

    def on_screen_resume(self) -> None:
        """Look whether the file was changed meanwhile."""
        self._look_at_file()

    def on_resize(self) -> None:
        """Show as many parts as there is room for."""
        self._show_parts()

    @property
    def _draft(self) -> PlanDraft:
        return self._opened.draft

    def _at_stake(self) -> QuitWarning | None:
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
        self.context.shell.settle_memory()

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
            text = self._opened.text(self._reading.plan, self.core)
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
            self._opened.save(plan, self._called, self.core)
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
            elsewhere = self._opened.is_changed_elsewhere(self.core)
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
        self._opened.load(self.core)
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
                self._opened.rebase(self.core)
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
        from transship_tui.screens.plan.preview import PlanPreviewScreen

        plan = self._valid()
        if plan is not None:
            unsaved = self._opened.is_changed or self._opened.is_new
            saved = "" if unsaved else self._opened.name
            self.app.push_screen(PlanPreviewScreen(plan, self._called, saved=saved))
