"""The table shows what is seen of any number of rows, and never loses the operator's place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Input

from fakes.screen import screen_text, until
from transship_tui.themes import TRANSSHIP, TRANSSHIP_LIGHT
from transship_tui.widgets.table import Column, VirtualTable

_COLUMNS = (Column("Name"), Column("State", 10), Column("Size", 8, right=True))

HOSTILE = (
    "[/foo] closing",
    "x[link=http://e]y",
    "[@click=app.quit]hi[/]",
    "\x1b]52;c;aGk=\x07osc",
    "\x1b[2Jclear",
    "tab\tand\nnewline",
    "\u202eright to left",
    "zero\u200bwidth\u200d",
    "very long " * 400,
    "日本語のタグ",
    "🐳🚢 whale",
)


class Names:
    """Rows with one name each; their state can be changed."""

    def __init__(self, names: Sequence[str], state: str = "waiting") -> None:
        self.names = list(names)
        self.states = dict.fromkeys(names, state)
        self.drawn = 0

    def __len__(self) -> int:
        return len(self.names)

    def key(self, index: int) -> str:
        return self.names[index]

    def cells(self, index: int) -> Sequence[Content]:
        self.drawn += 1
        name = self.names[index]
        state = self.states.get(name, "waiting")
        return Content(name), Content.styled(state, "$text-success"), Content("12 MiB")


def numbered(count: int, first: int = 0) -> list[str]:
    return [f"tag-{number:05}" for number in range(first, first + count)]


class TableApp(App[None]):
    """A table, and something else that can have the focus."""

    def __init__(self, can_mark: bool) -> None:
        super().__init__()
        self._can_mark = can_mark
        self.said: list[object] = []
        self.register_theme(TRANSSHIP)
        self.register_theme(TRANSSHIP_LIGHT)
        self.theme = "transship"

    def compose(self) -> ComposeResult:
        yield VirtualTable(_COLUMNS, can_mark=self._can_mark, empty="Nothing here yet.")
        yield Input(compact=True)

    @property
    def table(self) -> VirtualTable:
        return self.query_one(VirtualTable)

    def on_virtual_table_cursor_moved(self, event: VirtualTable.CursorMoved) -> None:
        self.said.append(("at", event.key))

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        self.said.append(("opened", event.key))

    def on_virtual_table_marks_changed(self) -> None:
        self.said.append(("marks", len(self.table.marked)))


@asynccontextmanager
async def table_of(
    names: Sequence[str], *, size: tuple[int, int] = (60, 12), can_mark: bool = True
) -> AsyncIterator[tuple[Pilot[None], VirtualTable, Names]]:
    app = TableApp(can_mark)
    async with app.run_test(size=size) as pilot:
        rows = Names(names)
        app.table.focus()
        app.table.show(rows)
        await pilot.pause()
        yield pilot, app.table, rows


def shown(pilot: Pilot[None]) -> list[str]:
    """The lines of the table's window: the header, then the rows."""
    return screen_text(pilot.app).split("\n")[: pilot.app.query_one(VirtualTable).size.height]


def names_seen(pilot: Pilot[None]) -> list[str]:
    return [line.split()[0].lstrip("●") or line.split()[1] for line in shown(pilot)[1:] if line]


async def test_only_what_is_seen_is_drawn() -> None:
    async with table_of(numbered(50_000)) as (_, table, rows):
        assert table.size.height == 11
        assert 0 < rows.drawn <= 2 * table.size.height


async def test_the_header_stays_when_rows_are_scrolled() -> None:
    async with table_of(numbered(100)) as (pilot, _, _rows):
        await pilot.press("G")
        await until(pilot, lambda: "tag-00099" in screen_text(pilot.app), "the last row is seen")
        assert shown(pilot)[0].split() == ["Name", "State", "Size"]


async def test_the_cursor_is_never_out_of_sight() -> None:
    async with table_of(numbered(200)) as (pilot, table, _):
        keys = ("j",) * 25 + ("pagedown",) * 3 + ("k",) * 30 + ("G", "k", "g", "j", "ctrl+d")
        for key in keys:
            await pilot.press(key)
            assert table.key_at_cursor() in names_seen(pilot), key


async def test_a_page_is_half_a_window() -> None:
    async with table_of(numbered(100)) as (pilot, table, _):
        await pilot.press("pagedown")
        assert table.cursor == 5
        await pilot.press("ctrl+d", "ctrl+u")
        assert table.cursor == 5
        await pilot.press("pageup", "pageup")
        assert table.cursor == 0


async def test_the_ends_hold() -> None:
    async with table_of(numbered(3)) as (pilot, table, _):
        await pilot.press("k")
        assert table.cursor == 0
        await pilot.press("G", "j", "pagedown")
        assert table.cursor == 2


async def test_opening_names_the_row() -> None:
    async with table_of(numbered(5)) as (pilot, _, _rows):
        await pilot.press("j", "enter")
        await until(pilot, lambda: ("opened", "tag-00001") in pilot.app.said, "the row opens")


async def test_marks_belong_to_rows_not_to_places() -> None:
    async with table_of(numbered(10)) as (pilot, table, _):
        await pilot.press("space", "j", "space")
        assert table.marked == {"tag-00000", "tag-00002"}
        table.show(Names(numbered(10, first=1)))
        await pilot.pause()
        lines = shown(pilot)
        assert "●" not in lines[1]
        assert "●" in lines[2]
        assert "tag-00002" in lines[2]


async def test_a_mark_is_taken_away_by_the_same_key() -> None:
    async with table_of(numbered(4)) as (pilot, table, _):
        await pilot.press("space", "k", "space")
        assert table.marked == set()


async def test_a_range_goes_from_the_last_mark_to_the_cursor() -> None:
    async with table_of(numbered(20)) as (pilot, table, _):
        await pilot.press("j", "j", "space", "j", "j", "v")
        assert table.marked == set(numbered(4, first=2))
        await pilot.press("g", "v")
        assert table.marked == set(numbered(6))


async def test_a_range_holds_on_to_its_row_when_rows_come_before_it() -> None:
    async with table_of(numbered(10, first=10)) as (pilot, table, _):
        await pilot.press("space")
        table.show(Names(numbered(20)))
        await pilot.press("j", "v")
        assert table.marked == set(numbered(3, first=10))


async def test_a_range_without_a_beginning_is_one_row() -> None:
    async with table_of(numbered(5)) as (pilot, table, _):
        await pilot.press("j", "v", "j", "j", "v")
        assert table.marked == set(numbered(3, first=1))


async def test_all_marks_can_be_taken_away() -> None:
    async with table_of(numbered(5)) as (pilot, table, _):
        assert table.mark_where(lambda key: key.endswith(("1", "3"))) == 2
        await pilot.press("U")
        assert table.marked == set()
        await until(pilot, lambda: ("marks", 0) in pilot.app.said, "it is told")


async def test_a_table_without_marks_offers_none() -> None:
    async with table_of(numbered(5), can_mark=False) as (pilot, table, _):
        await pilot.press("space", "v")
        assert table.marked == set()
        assert table.cursor == 0
        assert not {"space", "v", "U"} & set(pilot.app.screen.active_bindings)


@pytest.mark.parametrize("size", [(60, 12), (24, 8)])
async def test_words_stand_for_rows_when_there_are_none(size: tuple[int, int]) -> None:
    async with table_of([], size=size) as (pilot, table, _):
        table.show(Names([]), empty="No tags here. Press r to ask the registry again.")
        await pilot.pause()
        words = " ".join(" ".join(shown(pilot)[1:]).split())
        assert words == "No tags here. Press r to ask the registry again."
        await pilot.press("enter", "space", "v", "G", "g", "j")
        assert table.key_at_cursor() is None


async def test_remote_text_moves_no_column_and_steers_nothing() -> None:
    async with table_of(["plain", *HOSTILE], size=(60, 20)) as (pilot, table, _):
        for cursor in range(len(HOSTILE) + 1):
            table.cursor = cursor
            await pilot.pause()
            column = table.render_line(0).text.index("State")
            for y in range(1, len(HOSTILE) + 2):
                line = table.render_line(y)
                assert cell_len(line.text) == table.size.width
                assert cell_len(line.text.partition("waiting")[0]) == column
                assert line.text.rstrip().endswith("12 MiB")
                assert line.text.isprintable()
                styles = [segment.style for segment in line if segment.style]
                assert not any(style.link or "@click" in style.meta for style in styles)


async def test_words_for_no_rows_may_be_hostile_too() -> None:
    async with table_of([]) as (pilot, table, _):
        for text in HOSTILE:
            table.show(Names([]), empty=text)
            await pilot.pause()
            for y in range(table.size.height):
                assert table.render_line(y).text.isprintable()
                assert table.render_line(y).cell_length == table.size.width


async def test_the_title_of_a_column_can_be_changed() -> None:
    async with table_of(numbered(3)) as (pilot, table, _):
        table.title(0, "3 tags of team/web")
        await until(pilot, lambda: "3 tags of team/web" in shown(pilot)[0], "the title is new")


async def test_the_cursor_stays_on_its_row_when_others_come_and_go() -> None:
    async with table_of(numbered(100)) as (pilot, table, _):
        table.cursor = 50
        await pilot.pause()
        pilot.app.said.clear()
        table.show(Names(numbered(60, first=40)))
        await pilot.pause()
        assert table.key_at_cursor() == "tag-00050"
        assert "tag-00050" in names_seen(pilot)
        assert pilot.app.said == []


async def test_the_cursor_stays_near_when_its_row_is_gone() -> None:
    async with table_of(numbered(100)) as (pilot, table, _):
        await pilot.press("G")
        table.show(Names(numbered(10)))
        await pilot.pause()
        assert table.key_at_cursor() == "tag-00009"
        assert names_seen(pilot)[-1] == "tag-00009"
        await until(pilot, lambda: pilot.app.said[-1] == ("at", "tag-00009"), "it is told")


async def test_the_cursor_can_be_put_on_a_row_by_its_key() -> None:
    async with table_of(numbered(100)) as (pilot, table, _):
        assert table.go_to("tag-00077")
        await until(pilot, lambda: "tag-00077" in names_seen(pilot), "the row is seen")
        assert not table.go_to("no such tag")
        assert table.cursor == 77


async def test_rows_that_come_later_leave_the_window_where_it_is() -> None:
    async with table_of(numbered(1000)) as (pilot, table, rows):
        table.cursor = 500
        await pilot.pause()
        before = names_seen(pilot)
        for page in range(1, 50):
            rows.names += numbered(1000, first=1000 * page)
            table.grew()
        await pilot.pause()
        assert names_seen(pilot) == before
        assert table.key_at_cursor() == "tag-00500"
        await pilot.press("G")
        await until(pilot, lambda: "tag-49999" in names_seen(pilot), "the newest row is seen")


async def test_the_first_rows_are_seen_as_they_come() -> None:
    async with table_of([]) as (pilot, table, rows):
        rows.names += numbered(3)
        table.grew()
        await until(pilot, lambda: names_seen(pilot) == numbered(3), "three rows")
        rows.names += numbered(2, first=3)
        table.grew()
        await until(pilot, lambda: names_seen(pilot) == numbered(5), "two more")
        await until(pilot, lambda: pilot.app.said, "it is told where the cursor is")
        await pilot.pause()
        assert pilot.app.said == [("at", "tag-00000")]


async def test_only_rows_that_look_different_are_drawn_again() -> None:
    async with table_of(numbered(50)) as (pilot, table, rows):
        asked: list[object] = []
        refresh = table.refresh
        table.refresh = lambda *regions, **how: asked.append(regions) or refresh(*regions, **how)
        rows.states["tag-00003"] = "done"
        rows.states["tag-00040"] = "done"
        table.changed()
        await until(pilot, lambda: "done" in shown(pilot)[4], "the row says so")
        assert [regions[0].y for regions in asked if regions] == [4]


async def test_a_window_that_becomes_smaller_still_shows_the_cursor() -> None:
    async with table_of(numbered(100), size=(60, 20)) as (pilot, table, _):
        table.cursor = 18
        await pilot.resize_terminal(40, 8)
        await until(pilot, lambda: "tag-00018" in names_seen(pilot), "the cursor is seen")
        assert all(cell_len(line) <= 40 for line in shown(pilot))
        await pilot.resize_terminal(100, 40)
        await until(pilot, lambda: "12 MiB" in shown(pilot)[1], "the columns use the room")
        assert table.cursor == 18


async def test_a_column_is_left_out_where_there_is_no_room() -> None:
    class NarrowApp(App[None]):
        def compose(self) -> ComposeResult:
            yield VirtualTable((Column("Name"), Column("State", 10), Column("Size", 8, least=50)))

    async with NarrowApp().run_test(size=(60, 10)) as pilot:
        pilot.app.query_one(VirtualTable).show(Names(numbered(2)))
        await until(pilot, lambda: "Size" in shown(pilot)[0], "the column is there")
        await pilot.resize_terminal(40, 10)
        await until(pilot, lambda: "Size" not in shown(pilot)[0], "the column is left out")


async def test_the_mouse_puts_the_cursor_and_opens() -> None:
    async with table_of(numbered(100)) as (pilot, table, _):
        table.cursor = 50
        await pilot.pause()
        wanted = names_seen(pilot)[3]
        await pilot.click(VirtualTable, offset=(5, 4))
        assert table.key_at_cursor() == wanted
        await pilot.click(VirtualTable, offset=(5, 4), times=2)
        await until(pilot, lambda: ("opened", wanted) in pilot.app.said, "a double click opens")
        await pilot.click(VirtualTable, offset=(5, 0))
        assert table.key_at_cursor() == wanted


async def test_the_wheel_takes_the_cursor_along() -> None:
    async with table_of(numbered(100)) as (pilot, table, _):
        table.scroll_relative(y=30, animate=False, immediate=True)
        await pilot.pause()
        assert names_seen(pilot)[0] == table.key_at_cursor() == "tag-00030"
        table.scroll_relative(y=-25, animate=False, immediate=True)
        await pilot.pause()
        assert table.key_at_cursor() == names_seen(pilot)[-1]


async def test_the_cursor_shows_whether_the_table_has_the_focus() -> None:
    async with table_of(numbered(3)) as (pilot, table, _):
        focused = table.render_line(1).text, _background(table, 1)
        pilot.app.query_one(Input).focus()
        await pilot.pause()
        blurred = table.render_line(1).text, _background(table, 1)
        assert focused[0] == blurred[0]
        assert len({focused[1], blurred[1], _background(table, 2)}) == 3


async def test_another_theme_draws_everything_anew() -> None:
    async with table_of(numbered(3)) as (pilot, table, _):
        before = {_background(table, y) for y in range(4)}
        pilot.app.theme = "transship-light"
        await pilot.pause()
        assert before.isdisjoint({_background(table, y) for y in range(4)})


def _background(table: VirtualTable, y: int) -> object:
    style = next(iter(table.render_line(y))).style
    return style.bgcolor if style else None
