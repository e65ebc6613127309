"""Fields of a plan: each says one value of a draft, and has said under it what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Select, Static

from transship.plans.toml_document import TextPlace
from transship.text import safe
from transship_tui.marks import BAD, QUIET
from transship_tui.widgets.field import Field
from transship_tui.widgets.plan_draft import PlanDraft, Reading


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
