"""The plan editor in front: a plan with one rule, its source, and what a test asks of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot
from textual.widgets import Input

from fakes.engine import FakeEngine
from fakes.screen import screen_text, until
from transship.accounts.registry_file import Account
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.plan.editor import PlanEditorScreen
from transship_tui.screens.plan.rule_matches import RuleMatches
from transship_tui.widgets.table import VirtualTable

TEXT = """version = 1
kind = "sync"

# Mine.
[[rules]]
from = "old/team"
to = "new/mirror"  # and this
"""


def engine(text: str | None = TEXT) -> FakeEngine:
    return FakeEngine(
        known=[Account("old.example", alias="old"), Account("new.example", alias="new")],
        catalog={"old.example": ["team/web", "team/api", "other/x"]},
        tag_lists={
            "old.example/team/web": ["latest", "v1.0", "v2.0-rc1"],
            "old.example/team/api": ["v1.0", "v1.1"],
            "old.example/other/x": ["v9"],
        },
        plan_texts={} if text is None else {"mine": text},
    )


@dataclass
class Editing:
    """The editor in front, and what a test asks of it."""

    app: TransshipApp
    pilot: Pilot[None]
    engine: FakeEngine

    @property
    def screen(self) -> PlanEditorScreen:
        assert isinstance(self.app.screen, PlanEditorScreen)
        return self.app.screen

    def text(self) -> str:
        return " ".join(screen_text(self.app).split())

    async def says(self, words: str) -> None:
        await until(self.pilot, lambda: words in self.text(), f"it says {words!r}")

    async def shows(self, screen: type) -> None:
        await until(self.pilot, lambda: isinstance(self.app.screen, screen), f"{screen} in front")

    async def fill(self, field: str, value: str) -> None:
        self.screen.query_one(f"#{field}", Input).value = value
        await self.pilot.pause()

    async def settles(self) -> None:
        matches = self.screen.query_one(RuleMatches)
        await until(self.pilot, lambda: not matches.is_busy, "the tags are gone through")

    async def until_row(self, row: str) -> None:
        await until(self.pilot, lambda: row in self.rows(), f"{row!r} is shown")

    def rows(self) -> list[str]:
        rows = self.screen.query_one("#matches VirtualTable", VirtualTable).rows
        return [" ".join(c.plain for c in rows.cells(index)) for index in range(len(rows))]


@asynccontextmanager
async def editing(
    stand_in: FakeEngine, size: tuple[int, int] = (100, 30), key: str = "enter"
) -> AsyncIterator[Editing]:
    app = TransshipApp(stand_in, Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        await pilot.press("3", key)
        it = Editing(app, pilot, stand_in)
        await it.shows(PlanEditorScreen)
        await it.settles()
        yield it
