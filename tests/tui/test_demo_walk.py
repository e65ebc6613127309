"""The demo as a newcomer walks it in the app: a domain is checked, moved, watched, and moved back.

Everything is real: two registries, a DNS, and the engine at work.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Button, TextArea

from fakes.screen import screen_text, until
from transship.app import Application, CopyRequest
from transship.sandbox.sandbox import sandbox_in_thread
from transship.settings import Settings
from transship.views.cutover_news import followed
from transship_tui.app import TransshipApp
from transship_tui.commands.demo import application_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from textual.pilot import Pilot


DOMAIN = "images.example.test"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Application]:
    """The demo's world, at full speed."""
    with sandbox_in_thread(tmp_path / "sandbox", domain=True) as sandbox:
        yield application_of(sandbox, tmp_path)


async def copied(engine: Application) -> None:
    """Copy all that the domain serves."""
    (old,) = [account for account in engine.registries.all() if account.alias == "old"]
    async with asyncio.timeout(60):
        for repository in [name async for name in engine.registries.repositories(old.host)]:
            job = await engine.copies.start(CopyRequest(f"old/{repository}", f"new/{repository}"))
            while not engine.jobs.find(job).state.ended:
                await asyncio.sleep(0.05)


class Walk:
    """An operator at the app."""

    def __init__(self, pilot: Pilot[None], app: TransshipApp) -> None:
        self.pilot = pilot
        self.app = app

    async def sees(self, *texts: str) -> None:
        for text in texts:
            await self.until(lambda text=text: text in screen_text(self.app), f"{text!r}")

    async def until(self, condition: Callable[[], object], what: str) -> None:
        await until(self.pilot, condition, what, deadline=60)

    async def types(self, text: str) -> None:
        await self.pilot.press(*text)

    async def allows(self, button: str) -> None:
        """Press a button of the board, and type the domain where that is asked for."""
        pressed = self.app.screen.query_one(button, Button)
        await self.until(lambda: not pressed.disabled, f"{button} can be pressed")
        pressed.press()
        await self.sees(f"Type {DOMAIN}")
        await self.types(DOMAIN)
        await self.until(
            lambda: not self.app.screen.query_one("#go-on", Button).disabled, "it is allowed"
        )
        self.app.screen.query_one("#go-on", Button).press()


@pytest.mark.long
async def test_a_newcomer_moves_a_domain_and_moves_it_back(engine: Application) -> None:
    app = TransshipApp(engine, Settings())
    async with app.run_test(size=(120, 40)) as pilot:
        walk = Walk(pilot, app)
        await pilot.press("5")
        await walk.sees(DOMAIN, "before")
        await pilot.press("enter")
        await walk.sees("P-26 The same paths", "blocks")

        await copied(engine)
        await pilot.press("t")
        await walk.sees("waits for P-35")
        await walk.until(lambda: "P-26" not in screen_text(app), "P-26 is settled")

        await pilot.press("a", "enter")
        await walk.sees("Until when does the old registry stay")
        app.screen.query_one(TextArea).text = "until Friday"
        await pilot.press("ctrl+s")
        await walk.sees("The answer is kept")
        await pilot.press("a")
        await walk.sees("What becomes of pushes")
        await pilot.press("enter")
        await walk.sees("nothing stands in the way of the change")

        await walk.allows("#change-it")
        await walk.sees("Stragglers", "changed")
        await walk.sees("Servers 2/2", "moved")
        await pilot.press("t")
        await walk.sees("going back is possible")

        await walk.allows("#back-it")
        await walk.sees("rolled back")
        (standing,) = engine.cutovers.all()
        await walk.until(lambda: followed(engine.cutovers.find(standing.name)), "all have followed")
        told = [note.text for note in engine.cutovers.find(standing.name).notes]
        assert [each for each in told if each in ("change done", "rollback done")] == [
            "change done",
            "rollback done",
        ]


async def test_nobody_but_the_sandbox_is_asked_for_anything(
    engine: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []
    original = asyncio.BaseEventLoop.getaddrinfo

    async def getaddrinfo(loop: object, host: str, port: int, **options: object) -> object:
        asked.append((host, port))
        return await original(loop, host, port, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    (standing,) = engine.cutovers.all()
    assert {each.address for each in engine.cutovers.checks.resolvers_of(standing.subject)} == {
        "127.0.0.1"
    }

    standing = [each async for each in engine.cutovers.checks.check(standing.name)][-1]

    assert standing.evidence is not None
    assert standing.evidence.zone is not None
    assert standing.evidence.zone.name == "example.test"
    assert not [host for host, _ in asked if not str(host).startswith("127.")]
    await engine.aclose()
