"""What a plan would do, before anything is done, and the way to start it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, ContentSwitcher, Static

from transship.transfers.copies import Verdict
from transship_tui.dialogs.facts import FactsDialog
from transship_tui.keys import chosen
from transship_tui.keys.words import key_for
from transship_tui.naming import Naming
from transship_tui.widgets.plan_foreseen import (
    ORDER,
    Foreseen,
    LeftOut,
    costs,
    totals,
    why_not_start,
)
from transship_tui.widgets.plan_foreseen_rows import (
    COPY_COLUMNS,
    GROUP_COLUMNS,
    NAME_COLUMNS,
    AnyRows,
    ForeseenRows,
    GroupRows,
    NameRows,
    SourceRows,
    ToldRows,
    UnknownRows,
)
from transship_tui.widgets.tab_line import TabLine
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.virtual_table import VirtualTable

_ROW_LINES = 3
"""How many lines there are for one row, with what to do about it, where there is room."""
_ROOMY = 15
_NEW = "comes to be at the target"
_TOLD = "so its cloud tells; in Registries, it can be changed"
_CREATED = "is created by the run before anything is written into it"
_KEPT = tuple(verdict for verdict in ORDER if verdict is not Verdict.DELETE)


class PlanPreview(Vertical):
    """Shows what was foreseen, in lists, and offers to start it."""

    BINDINGS: ClassVar[list[BindingType]] = chosen(
        "foreseen.verdict", "foreseen.next-tab", "foreseen.previous-tab"
    )
    DEFAULT_CSS = """
    PlanPreview {
        #totals, #costs { padding: 0 1; }
        #lists { margin-top: 1; background: $surface; }
        &.-low #lists { margin-top: 0; }
        ContentSwitcher { height: 1fr; }
        #row { padding: 0 1; background: $surface; }
        #start-line { height: auto; max-height: 3; padding: 0 1; }
        #start-line Button { margin-right: 2; }
        #start-line Static { width: 1fr; height: auto; color: $text-muted; }
    }
    """

    class StartWanted(Message):
        """It is to be done."""

    class WhoWanted(Message):
        """Somebody else may be to do it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._foreseen: Foreseen | None = None
        self._naming = Naming()
        self._only: Verdict | None = None
        self._list = "copies"
        self._group: LeftOut | None = None
        self.why_not = ""
        """Why it can't be started; nothing when it can."""

    def compose(self) -> ComposeResult:
        """Give totals and costs, the lists, all of the row under the cursor, and the way on."""
        yield TextLines(id="totals")
        yield TextLines(id="costs")
        yield TabLine(id="lists")
        with ContentSwitcher(initial="copies"):
            yield VirtualTable(COPY_COLUMNS, id="copies")
            yield VirtualTable(GROUP_COLUMNS, id="groups")
            yield VirtualTable(NAME_COLUMNS, id="names")
        yield TextLines(id="row")
        with Horizontal(id="start-line"):
            yield Button("Start…", id="start", compact=True, variant="primary")
            yield Button("Who moves it…", id="who", compact=True)
            yield Static(id="why")

    def on_resize(self) -> None:
        """Lay the totals out anew."""
        self.set_class(self.size.height < 17, "-low")
        self._say()
        self._show_row(self.table.cursor)

    def show(self, foreseen: Foreseen, naming: Naming) -> None:
        """Show a preview; `naming` says what places are called."""
        self._foreseen, self._naming = foreseen, naming
        self._only = self._group = None
        self._list = "copies"
        self.offer_start()
        self._draw()

    def offer_start(self) -> None:
        """Let it be started, or say why it can't be."""
        self._allow_start(why_not_start(self._foreseen) if self._foreseen else "looking…")

    def starting(self) -> None:
        """Say that the job is on its way, which takes a moment."""
        self._allow_start("starting the job…")

    def _allow_start(self, why_not: str) -> None:
        self.why_not = why_not
        self.query_one("#start", Button).disabled = bool(why_not)
        words = why_not or "asks once more; nothing is written yet"
        self.query_one("#why", Static).update(Content(words))
        self.screen.refresh_bindings()

    # Which list

    def action_verdict(self) -> None:
        """Show only the next verdict that there is; after the last one, all."""
        if self._foreseen is None:
            return
        counts = self._foreseen.counts
        present: list[Verdict | None] = [None, *filter(counts.get, _KEPT)]
        at = present.index(self._only) if self._list == "copies" else -1
        self._only = present[(at + 1) % len(present)]
        self._list = "copies"
        self._draw()

    def action_tab(self, by: int) -> None:
        """Show the next list."""
        names = list(self._lists())
        self._choose(names[(names.index(self._list) + by) % len(names)])

    def close_group(self) -> bool:
        """Show all reasons again; tell whether one was open."""
        was_open, self._group = self._group is not None, None
        if was_open:
            self._draw()
        return was_open

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        event.stop()
        self._choose(list(self._lists())[event.index])

    @on(VirtualTable.Opened, "#groups")
    def _group_opened(self, event: VirtualTable.Opened) -> None:
        event.stop()
        if self._foreseen is not None:
            self._group = self._foreseen.left_out[event.index]
            self._draw()

    @on(VirtualTable.Opened, "#copies, #names")
    def _row_opened(self, event: VirtualTable.Opened) -> None:
        """Show all of a row: its lines may have no room for it."""
        event.stop()
        rows = self.table.rows
        if isinstance(rows, ForeseenRows | NameRows) and event.index < len(rows):
            self.app.push_screen(FactsDialog(*rows.facts(event.index)))

    def _choose(self, name: str) -> None:
        self._list, self._group, self._only = name, None, None
        self._draw()

    def _lists(self) -> dict[str, str]:
        """Return the lists that have anything in them, by name, each with its title.

        Where there is no room for all of them, only the one in front says how much it has.
        """
        if self._foreseen is None:
            return {"copies": "Copies"}
        seen = self._foreseen
        deleted = seen.counts.get(Verdict.DELETE, 0)
        unknown = seen.preview.unknown
        created = seen.preview.worklist.creations
        lists = {
            "copies": ("Copies", f"{len(seen.copies) - deleted:,}"),
            "deletions": ("Deletions", f"{deleted:,}" if deleted else ""),
            "left-out": (
                "Left out",
                seen.extent,
            ),
            "new": ("New repositories", f"{len(seen.new):,}" if seen.new else ""),
            "created": ("Created first", f"{len(created):,}" if created else ""),
            "unknown": ("Not known", f"{len(unknown):,}" if unknown else ""),
            "gets-in": ("Who gets in", f"{len(seen.gets_in):,}" if seen.gets_in else ""),
        }
        there = {name: title for name, title in lists.items() if title[1]}
        room = sum(len(f" {title} {count} ") for title, count in there.values())
        return {
            name: f"{title} {count}" if room <= self.size.width or name == self._list else title
            for name, (title, count) in there.items()
        }

    def _rows(self, seen: Foreseen) -> tuple[str, AnyRows]:
        """Return which table shows the list, and its rows."""
        if self._list == "deletions":
            return "copies", ForeseenRows(seen.of(Verdict.DELETE), self._naming, seen.preview)
        if self._list == "new":
            return "names", NameRows(seen.new, _NEW, self._naming)
        if self._list == "created":
            created = seen.preview.worklist.creations
            names = [f"{each.target}: {each}" for each in created]
            return "names", NameRows(names, _CREATED, self._naming)
        if self._list == "gets-in":
            return "names", ToldRows(seen.gets_in, _TOLD, self._naming)
        if self._list == "unknown":
            return "names", UnknownRows(seen.preview.unknown, self._naming)
        if self._list == "left-out" and self._group is not None:
            return "names", SourceRows(self._group, self._naming)
        if self._list == "left-out":
            return "groups", GroupRows(seen.left_out)
        kept = _KEPT if self._only is None else (self._only,)
        return "copies", ForeseenRows(seen.of(*kept), self._naming, seen.preview)

    # What is shown

    @property
    def table(self) -> VirtualTable:
        """The table that is in front."""
        return self.query_one(f"#{self.query_one(ContentSwitcher).current}", VirtualTable)

    def _draw(self) -> None:
        if self._foreseen is None:
            return
        had_focus = self.table.has_focus or self.screen.focused is None
        name, rows = self._rows(self._foreseen)
        self.query_one(ContentSwitcher).current = name
        empty = "The rules take nothing." if self._foreseen.preview.dropped else "Nothing is there."
        self.table.show(rows, empty=empty, at=0)
        if had_focus:
            self.screen.set_focus(self.table)
        self._show_row(0)
        self._say()

    def _say(self) -> None:
        if self._foreseen is None:
            return
        width = max(20, self.size.width - 2)
        chosen = self._only if self._list == "copies" else None
        self.query_one("#totals", TextLines).show(totals(self._foreseen, chosen, width))
        self.query_one("#costs", TextLines).show(
            costs(self._foreseen, self._naming, key_for(self, "foreseen.create"))
        )
        lists = self._lists()
        self.query_one("#lists", TabLine).tabs(list(lists.values()), list(lists).index(self._list))

    @on(VirtualTable.CursorMoved)
    def _cursor_moved(self, event: VirtualTable.CursorMoved) -> None:
        event.stop()
        if event.table is self.table:
            self._show_row(event.index)

    def _show_row(self, index: int) -> None:
        rows = self.table.rows
        words: list[Content] = []
        if isinstance(rows, ForeseenRows | GroupRows | NameRows) and index < len(rows):
            words = list(rows.in_full(index, max(20, self.size.width - 2)))
        # The list doesn't jump as the cursor moves on.
        remedies = self._foreseen is not None and self._foreseen.remedies
        roomy = remedies and self.size.height >= _ROOMY
        most = _ROW_LINES if roomy else _ROW_LINES - 1
        words += [Content("")] * (most - len(words))
        self.query_one("#row", TextLines).show(words[:most])

    @on(Button.Pressed, "#who")
    def _who(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.WhoWanted())

    @on(Button.Pressed, "#start")
    def _start(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.StartWanted())
