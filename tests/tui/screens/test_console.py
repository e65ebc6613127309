"""The API console: what was asked of registries, without any secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from textual.pilot import Pilot

from fakes.engine import FakeEngine
from fakes.images import HOSTILE
from fakes.screen import screen_text, until
from transship.errors import TimedOut
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.log import ConsoleScreen
from transship_tui.widgets.dialogs import FactsDialog

TOKEN = "s3cr3t-token-value"
CATALOG = f"https://old.example/v2/_catalog?n=100&token={TOKEN}"
MANIFEST = "https://old.example/v2/team/web/manifests/v1"


def exchange(
    engine: FakeEngine,
    status: int = 200,
    *,
    method: str = "GET",
    url: str = MANIFEST,
    seconds: float = 0.043,
    answer: dict[str, str] | None = None,
) -> None:
    """Let the engine ask and be answered; with the status 0 it gets no answer."""
    headers = {"accept": "application/json", "authorization": f"Bearer {TOKEN}"}
    with suppress(TimedOut), engine.recorder.recording(method, url, headers) as answered:
        engine.clock.advance(seconds)
        if not status:
            raise TimedOut("old.example")
        answered(status, (answer or {"content-length": "1024", "set-cookie": TOKEN}).items())


def some_exchanges() -> FakeEngine:
    engine = FakeEngine()
    exchange(engine, 401, url="https://old.example/v2/")
    exchange(engine, 200, url=f"https://auth.example/token?service=x&password={TOKEN}")
    exchange(engine, 200, url=CATALOG)
    exchange(engine, 404, method="HEAD")
    exchange(engine, 307, seconds=2.5)
    exchange(engine, 500)
    exchange(engine, 0, seconds=60)
    return engine


@asynccontextmanager
async def console(
    engine: FakeEngine, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[TransshipApp, Pilot[None]]]:
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, ConsoleScreen), "the console")
        await pilot.pause()
        yield app, pilot


def row(app: TransshipApp, words: str) -> str:
    return next(line for line in screen_text(app).split("\n") if words in line)


async def test_it_says_when_nothing_was_asked() -> None:
    async with console(FakeEngine()) as (app, _):
        assert "Nothing was asked of a registry yet." in screen_text(app)


async def test_each_request_is_a_line_with_its_answer() -> None:
    async with console(some_exchanges(), (120, 40)) as (app, _):
        assert "7 requests" in screen_text(app)
        catalog = row(app, "_catalog")
        for words in (
            "GET",
            "old.example/v2/_catalog?n=100&token=***",
            "✓ 200",
            "43 ms",
            "1.0 KiB",
        ):
            assert words in catalog
        assert "! 401" in row(app, "old.example/v2/ ")
        assert "2.5 s" in row(app, "→ 307")
        assert "43 ms" in row(app, "✗ 500")
        assert "60.0 s" in row(app, "✗ none")


async def test_digests_are_cut_to_fit() -> None:
    engine = FakeEngine()
    exchange(engine, url=f"https://old.example/v2/a/blobs/sha256:{'0123456789ab' + 'f' * 52}")
    async with console(engine, (120, 40)) as (app, pilot):
        assert "old.example/v2/a/blobs/sha256:0123456789ab  " in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: "f" * 20 in screen_text(app), "all of it")


async def test_enter_shows_the_headers_without_secrets() -> None:
    async with console(some_exchanges(), (120, 40)) as (app, pilot):
        await pilot.press("g", "j", "j", "enter")
        await until(pilot, lambda: isinstance(app.screen, FactsDialog), "the exchange")
        await pilot.pause()
        text = screen_text(app)
        assert "https://old.example/v2/_catalog?n=100&token=***" in text
        assert "200 OK after 43 ms" in text
        assert "Bearer ***" in text
        assert "set-cookie" in text
        assert TOKEN not in text


async def test_a_request_without_an_answer_says_why() -> None:
    async with console(some_exchanges()) as (app, pilot):
        await pilot.press("G", "enter")
        await until(pilot, lambda: isinstance(app.screen, FactsDialog), "the exchange")
        await pilot.pause()
        assert "none after 60.0 s: No answer in time" in screen_text(app)


async def test_a_request_is_seen_while_it_is_under_way() -> None:
    engine = FakeEngine()
    async with console(engine) as (app, pilot):
        with engine.recorder.recording("GET", MANIFEST, {}) as answered:
            await until(pilot, lambda: "team/web/manifests/v1" in screen_text(app), "the request")
            assert "…" in row(app, "manifests/v1")
            answered(200, ())
        await until(pilot, lambda: "✓ 200" in screen_text(app), "its answer")


async def test_a_pattern_narrows_it() -> None:
    async with console(some_exchanges()) as (app, pilot):
        await pilot.press("slash", *"500")
        await until(pilot, lambda: "1 of 7" in screen_text(app), "one request")
        assert "_catalog" not in screen_text(app)


async def test_no_secret_reaches_the_screen_or_the_clipboard() -> None:
    engine = some_exchanges()
    async with console(engine, (120, 40)) as (app, pilot):
        for _ in range(7):
            await pilot.press("k")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, FactsDialog), "the exchange")
            await pilot.press("y")
            await pilot.pause()
            assert TOKEN not in screen_text(app)
            assert TOKEN not in app.clipboard
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, ConsoleScreen), "the console")


@pytest.mark.parametrize("words", HOSTILE)
async def test_hostile_words_are_only_words(words: str) -> None:
    engine = FakeEngine()
    exchange(engine, url=f"https://old.example/v2/{words}", answer={"server": words, words: words})
    async with console(engine, (120, 40)) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FactsDialog), "the exchange")
        await pilot.pause()
        assert "\x1b" not in screen_text(app)
        assert "\u202e" not in screen_text(app)
        assert app.is_running
