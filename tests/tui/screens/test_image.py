"""One image: what a tag points at, and what that consists of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from fakes.engine import FakeEngine
from fakes.images import HOSTILE, digest, image_of, index_of
from fakes.screen import line_in, screen_text, until
from transship.accounts.registry_file import Account
from transship.errors import ConnectionLost
from transship.oci.reference import parse_reference
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.browse.copy import CopyScreen
from transship_tui.screens.browse.image import ImagePart, ImageScreen, parts_of
from transship_tui.widgets.bars import LineBar, MessageBar
from transship_tui.widgets.table import VirtualTable

TAG = "old.example/team/web:v1"
AMD64 = f"old.example/team/web@{digest('amd64')}"


def engine(**annotations: str) -> FakeEngine:
    return FakeEngine(
        known=[Account("old.example"), Account("new.example")],
        inspections={TAG: index_of(TAG, **annotations), AMD64: image_of(AMD64)},
    )


@asynccontextmanager
async def looking(
    stand_in: FakeEngine, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[TransshipApp, Pilot[None]]]:
    app = TransshipApp(stand_in, Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        app.push_screen(ImageScreen(parse_reference(TAG), {}))
        await until(pilot, lambda: isinstance(app.screen, ImageScreen), "the image is in front")
        yield app, pilot


def says(app: TransshipApp, words: str) -> Callable[[], bool]:
    return lambda: words in screen_text(app)


def text(app: TransshipApp, widget: type[LineBar | MessageBar]) -> str:
    return line_in(app, widget)


def message(app: TransshipApp) -> str:
    return app.screen.query_one(MessageBar).message.plain


async def test_its_place_goes_by_the_alias_of_the_account() -> None:
    stand_in = engine()
    stand_in.known = [Account("old.example", alias="old")]
    async with looking(stand_in) as (app, pilot):
        await until(pilot, says(app, " old/team/web:v1"), "the heading")
        assert "$ transship inspect old/team/web:v1" in text(app, LineBar)


def test_an_index_consists_of_platforms_and_has_what_refers_to_it() -> None:
    parts = parts_of(index_of(TAG))
    assert [(part.kind, part.what, part.opens) for part in parts] == [
        ("platform", "linux/amd64", True),
        ("platform", "linux/arm64/v8", True),
        ("entry", "attestation-manifest", True),
        ("referrer", "application/vnd.dev.cosign.artifact.sig.v1+json", True),
        ("annotation", "org.opencontainers.image.created = 2026-03-04T05:06:07.123456789Z", False),
    ]
    assert "Tag or digest not found" in parts[2].problem


def test_an_image_consists_of_layers() -> None:
    parts = parts_of(image_of(AMD64, layers=2))
    assert [part.kind for part in parts] == ["layer", "layer"]
    assert parts[1] == ImagePart(
        "layer",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        2 * 1024 * 1024,
        digest("layer 1"),
    )


async def test_digest_size_platforms_and_age_are_told() -> None:
    async with looking(engine()) as (app, pilot):
        await until(pilot, says(app, digest("index")), "the digest, in full")
        shown = screen_text(app)
        assert "application/vnd.oci.image.index.v1+json" in shown
        assert "380 MiB in all · 2 platforms · created 2026-03-04 05:06 UTC" in shown
        assert "linux/arm64/v8" in shown
        assert text(app, LineBar).startswith(f"$ transship inspect {TAG} ")


async def test_a_platform_opens_and_escape_comes_back() -> None:
    async with looking(engine()) as (app, pilot):
        await until(pilot, says(app, "linux/arm64"), "the platforms")
        await pilot.press("enter")
        await until(pilot, says(app, "linux/amd64 · 3 layers"), "the image for it")
        await pilot.press("enter")
        await pilot.press("escape")
        await until(pilot, says(app, "2 platforms"), "back")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ImageScreen), "in Browse again")


async def test_what_is_under_the_cursor_is_told_in_full_and_copied_by_its_digest() -> None:
    async with looking(engine()) as (app, pilot):
        await until(pilot, says(app, "linux/arm64"), "the platforms")
        await pilot.press("j")
        await until(pilot, says(app, digest("arm64")), "its digest, in full")
        await pilot.press("Y")
        await until(pilot, lambda: f"web@{digest('arm64')}" in message(app), "copied")
        await pilot.press("j")
        await until(pilot, says(app, "✗ Tag or digest not found"), "what is wrong with it")
        await pilot.press("G", "Y")
        await until(pilot, lambda: f"web@{digest('index')}" in message(app), "the image itself")


async def test_what_cannot_be_read_is_said_and_can_be_tried_again() -> None:
    stand_in = engine()
    stand_in.failures["inspect"] = ConnectionLost("old.example")
    async with looking(stand_in) as (app, pilot):
        await until(pilot, lambda: ConnectionLost.title in text(app, MessageBar), "said")
        assert screen_text(app).count(ConnectionLost.title) == 2
        await pilot.press("Y")
        await until(pilot, lambda: "isn't known" in text(app, MessageBar), "nothing to copy")
        stand_in.failures.clear()
        await pilot.press("r")
        await until(pilot, says(app, digest("index")), "looked at")


async def test_an_image_can_be_copied_from_here() -> None:
    async with looking(engine()) as (app, pilot):
        await until(pilot, says(app, "2 platforms"), "looked at")
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CopyScreen), "asked where to")
        await until(pilot, says(app, f"{TAG} → new.example/team/web:v1"), "this one")


@pytest.mark.parametrize("value", HOSTILE)
async def test_what_an_image_says_of_itself_is_only_text(value: str) -> None:
    told = {"org.opencontainers.image.created": value, "a": value}
    async with looking(engine(**told)) as (app, pilot):
        await until(pilot, says(app, digest("index")), "looked at")
        table = app.screen.query_one(VirtualTable)
        for _ in range(len(table.rows)):
            assert screen_text(app).replace("\n", "").isprintable()
            table.cursor += 1
            await pilot.pause()
