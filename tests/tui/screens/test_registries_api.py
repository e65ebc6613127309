"""Accounts of a cloud's API: shown as what they are, and never as a place for images."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot
from textual.widgets import Input, Select, Static

from fakes.registries import FormEngine, found
from fakes.screen import screen_text, until
from transship.accounts.registry_file import Account, api_hosts_of
from transship.registry.service import service_of
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.browse.copy import CopyForm
from transship_tui.screens.registries.accounts import RegistriesScreen
from transship_tui.screens.registries.form import RegistryFormScreen

TCR = Account("one.tencentcloudcr.com", "one", username="tcr$ci", secret_source="keyring")
PLAIN = Account("reg.example", "old")
API = Account(api_hosts_of(TCR.host, TCR)[0], username="AKID", secret_source="keyring")


@asynccontextmanager
async def registries(*accounts: Account) -> AsyncIterator[Pilot[None]]:
    engine = FormEngine(
        known=list(accounts),
        answer=lambda account, _: found(account, signed_in=True),
        catalog={"reg.example": ["team/web"]},
    )
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RegistriesScreen), "the list is there")
        yield pilot


def lists(pilot: Pilot[None]) -> str:
    shown = pilot.app.screen.query("#lists-line Static").results(Static)
    return " ".join(str(each.visual) for each in shown)


async def says(pilot: Pilot[None], words: str) -> None:
    await until(pilot, lambda: words in lists(pilot), words)


async def test_an_api_says_by_whom_it_is_used_and_is_not_looked_into() -> None:
    async with registries(API, TCR, PLAIN) as pilot:
        await says(pilot, "Used by one")
        assert service_of(API.host).title in " ".join(screen_text(pilot.app).split())
        await pilot.press("enter")
        await until(pilot, lambda: "holds no images" in screen_text(pilot.app), "it says why not")
        assert isinstance(pilot.app.screen, RegistriesScreen)
        await pilot.press("i")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1, "there is no card")


async def test_a_registry_says_with_which_keys_it_lists() -> None:
    async with registries(TCR, API) as pilot:
        await says(pilot, f"Lists by the API, keys: {API.host}")
        await pilot.press("K")
        await until(
            pilot, lambda: isinstance(pilot.app.screen, RegistryFormScreen), "the form is there"
        )
        host = pilot.app.screen.query_one("#host", Input)
        assert host.value == API.host
        assert host.disabled


async def test_one_key_adds_the_keys_that_are_missing() -> None:
    async with registries(TCR, PLAIN) as pilot:
        await says(pilot, "nothing yet: K adds the keys of its cloud's API")
        await pilot.press("K")
        await until(
            pilot, lambda: isinstance(pilot.app.screen, RegistryFormScreen), "the form is there"
        )
        screen = pilot.app.screen
        await until(pilot, lambda: "SecretId" in screen_text(pilot.app), "in the API's words")
        assert screen.query_one("#host", Input).value == API.host
        screen.query_one("#username", Input).value = "AKIDexample0000"
        screen.query_one("#secret", Input).value = "the secret key"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, RegistriesScreen), "it is kept")
        engine = pilot.app.context.core
        [(account, secret)] = engine.kept
        assert (account.host, account.username) == (API.host, "AKIDexample0000")
        assert secret == "the secret key"
        assert "the secret key" not in screen_text(pilot.app)


async def test_a_registry_without_such_an_api_says_so() -> None:
    async with registries(PLAIN) as pilot:
        await says(pilot, "not known yet")
        await pilot.press("K")
        await until(
            pilot, lambda: "no API with keys of its own" in screen_text(pilot.app), "it says so"
        )


async def test_an_api_is_no_target() -> None:
    async with registries(PLAIN, API, TCR) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "team/web" in screen_text(pilot.app), "the repositories")
        await pilot.press("c")
        await until(pilot, lambda: pilot.app.screen.query(CopyForm), "the form is there")
        offered = pilot.app.screen.query_one("#registry", Select)
        assert {value for _, value in offered._options} == {PLAIN.host, TCR.host}
