"""The fields of a plan as a whole: its kind, when it runs, what it may delete, its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, RadioButton, RadioSet, Select, Static

from transship.plans.plan import Kind, OnConflict
from transship.plans.toml_document import TextPlace
from transship.text import safe
from transship_tui.creations import ANSWERS
from transship_tui.marks import BAD
from transship_tui.widgets.field import Field
from transship_tui.widgets.plan_draft import SCHEDULE, PlanDraft, Reading
from transship_tui.widgets.plan_form import (
    ChoiceEntry,
    PlanForm,
    TextEntry,
    field_of,
    quiet,
)

_KINDS = (Kind.SYNC, Kind.REPLICATION)
_KIND_WORDS = {
    Kind.SYNC: "what rules select is copied, when you ask or by the clock",
    Kind.REPLICATION: "everything below a path is kept in step, every tag and referrer",
}
_ENTRIES = (
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
        super().__init__(_ENTRIES, id=id)
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
