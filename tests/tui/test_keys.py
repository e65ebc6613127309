"""Keys are data: told apart, documented, and kept off what terminals can't send."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from textual.command import DiscoveryHit
from textual.widgets import Input

from fakes.engine import FakeEngine
from fakes.screen import screen_text, until
from transship.accounts.registry_file import Account
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.keys import CONTEXTS, all_keys, keys_document
from transship_tui.palette import KeyProvider

DOCUMENT = Path(__file__).parents[2] / "KEYS.md"
NEVER_ARRIVE = {"ctrl+i", "ctrl+m", "ctrl+j", "ctrl+h", "ctrl+left_square_bracket", "ctrl+z"}
MULTIPLEXERS = {"ctrl+a", "ctrl+b"}
TAKE_TURNS = {"p", "enter"}
"""Pause and resume, start and open: of the two only the one that is possible is on."""
MOVEMENT = {"h", "j", "k", "l", "g", "G", "ctrl+d", "ctrl+u"}


def test_the_document_is_up_to_date() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == keys_document(), "run `make keys`"


def test_every_key_has_an_id_of_its_own_and_says_what_it_does() -> None:
    counts = Counter(key.id for key in all_keys())
    assert [name for name, count in counts.items() if count > 1] == []
    assert [key.id for key in all_keys() if not key.tooltip or not key.description] == []


@pytest.mark.parametrize("context", [name for name in CONTEXTS if name not in ("everywhere",)])
def test_no_key_means_two_things_on_one_screen(context: str) -> None:
    contexts = dict.fromkeys(["everywhere", "list", context])
    keys = Counter(
        key for name in contexts for entry in CONTEXTS[name][1] for key in entry.keys.split(",")
    )
    assert {key for key, count in keys.items() if count > 1} <= TAKE_TURNS


def test_no_key_is_one_that_terminals_or_multiplexers_swallow() -> None:
    bound = {key for entry in all_keys() for key in entry.keys.split(",")}
    assert bound & (NEVER_ARRIVE | MULTIPLEXERS) == set()


def test_the_keys_of_movement_only_move() -> None:
    moving = {"move", "page", "first", "last", "open", "back"}
    for entry in all_keys():
        if set(entry.keys.split(",")) & MOVEMENT:
            assert entry.action.partition("(")[0] in moving, entry.id


async def test_a_key_can_be_given_another_place() -> None:
    engine = FakeEngine(known=[Account("old.example")])
    app = TransshipApp(engine, Settings(guide=False, keys={"registries.test": "f8"}))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("t")
        await pilot.pause()
        assert ("examine", "old.example") not in engine.asked
        await pilot.press("f8")
        await until(pilot, lambda: ("examine", "old.example") in engine.asked, "the test")


async def test_what_the_screen_says_of_keys_follows_the_operators_own() -> None:
    engine = FakeEngine(known=[Account("old.example")])
    keys = {"browse": "f3", "copy-line": "f4"}
    app = TransshipApp(engine, Settings(guide=False, keys=keys))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "f3 Browse" in screen_text(app), "the tab")
        assert "f4 copies it" in screen_text(app)


async def test_the_palette_offers_only_what_has_words_of_ours() -> None:
    app = TransshipApp(FakeEngine(known=[Account("old.example")]), Settings(guide=False))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "old.example" in screen_text(app), "the registries")
        hits = [hit async for hit in KeyProvider(app.screen).discover()]
        words = {str(hit.display) for hit in hits if isinstance(hit, DiscoveryHit)}
        assert any(each.startswith("Test  (t)") for each in words)
        assert not [each for each in words if "Scroll" in each or "Focus" in each]


async def test_the_palette_begins_with_what_the_screen_is_for() -> None:
    app = TransshipApp(FakeEngine(known=[Account("old.example")]), Settings(guide=False))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "old.example" in screen_text(app), "the registries")
        provider = KeyProvider(app.screen)
        names = [str(hit.text) async for hit in provider.discover()]
        assert [name.split("  ")[0] for name in names[:4]] == ["Add", "Edit", "Test", "Remove"]
        assert names.index("Quit  (q)") < names.index("Theme") < names.index("Down  (down)")
        found = sorted([hit async for hit in provider.search("re")], reverse=True)
        assert str(found[0].text).startswith("Remove")


async def test_the_palette_says_nothing_of_moving_in_a_field() -> None:
    app = TransshipApp(FakeEngine(), Settings(guide=False))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.focused, Input), "a field")
        names = [str(hit.text) async for hit in KeyProvider(app.screen).discover()]
        assert any(name.startswith("Save") for name in names)
        assert not [name for name in names if "ursor" in name or "Keys" in name]
