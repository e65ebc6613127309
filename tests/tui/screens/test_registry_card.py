"""The capability card: beside an account, as a dialog, and out of the form."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Static

from fakes.registries import FormEngine, found, wants_sign_in
from fakes.screen import screen_text, until
from transship import errors
from transship.accounts.registry_file import Account
from transship.registry.examination import Examination
from transship.registry.registry import Quota
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.registries.card import AccountCard, CapabilitiesDialog
from transship_tui.screens.registries.form import RegistryFormScreen

OLD = Account("old.example:5000", alias="old", username="alice", secret_source="keyring")
HUB = Account("docker.io", alias="hub", repositories=("library/alpine",))
ECR = Account("123456789012.dkr.ecr.eu-central-1.amazonaws.com")


@asynccontextmanager
async def registries(
    *accounts: Account, engine: FormEngine | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[None]]:
    engine = engine or FormEngine()
    engine.known = list(accounts)
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: f"{len(accounts)} account" in screen_text(app), "they are seen")
        yield pilot


@asynccontextmanager
async def form(engine: FormEngine, host: str) -> AsyncIterator[Pilot[None]]:
    async with registries(engine=engine) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, RegistryFormScreen), "the form")
        await pilot.press(*host, "tab")
        yield pilot


def seen_at_hub(account: Account, secret: str | None) -> Examination:
    quota = Quota(76, 100, 6 * 3600)
    return replace(found(account, lists=False), referrers=False, quota=quota)


def beside(pilot: Pilot[None], name: str = "can-short") -> str:
    """What the card beside the list says of what can be done."""
    said = pilot.app.screen.query_one(AccountCard).query_one(f"#{name}", Static)
    return " ".join(str(said.visual).split()) if said.display else ""


async def opened(pilot: Pilot[None], key: str = "i") -> CapabilitiesDialog:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, CapabilitiesDialog), "the whole card")
    dialog = pilot.app.screen
    assert isinstance(dialog, CapabilitiesDialog)
    await until(pilot, lambda: "Close" in screen_text(pilot.app), "it is drawn")
    return dialog


async def sees(pilot: Pilot[None], *words: str) -> None:
    await until(
        pilot,
        lambda: all(each in " ".join(screen_text(pilot.app).split()) for each in words),
        f"{words} are seen",
    )


async def test_beside_the_list_it_is_short_and_in_a_wide_window_it_is_whole() -> None:
    async with registries(HUB) as pilot:
        short = "✗ no: delete ✓ yes: list, mount, resume ? unknown: referrers"
        assert beside(pilot) == short
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: not beside(pilot), "the short one goes")
        assert "path ~ partly: exactly 2 components" in beside(pilot, "can-lines")


async def test_what_a_test_has_seen_goes_before_what_is_known() -> None:
    async with registries(HUB, engine=FormEngine(answer=seen_at_hub)) as pilot:
        await pilot.press("t")
        await until(
            pilot,
            lambda: beside(pilot) == "✗ no: list, delete, referrers ✓ yes: mount, resume",
            "what was seen",
        )
        await pilot.resize_terminal(120, 40)
        wide = "Transship writes. (seen here)"
        await until(pilot, lambda: wide in beside(pilot, "can-lines"), "each says so")


async def test_before_a_test_the_whole_card_says_that_nothing_was_seen() -> None:
    async with registries(HUB) as pilot:
        dialog = await opened(pilot)
        await sees(pilot, "docker.io: Docker Hub", "✗ no delete only by the Hub's API")
        assert "(seen here)" not in dialog.text
        assert "nothing was seen at this registry yet. In Registries, t tests it." in dialog.text
        await pilot.press("escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1, "it is closed")


@pytest.mark.parametrize("size", [(80, 24), (60, 20)], ids=str)
async def test_the_whole_card_can_be_read_to_its_end_and_copied(size: tuple[int, int]) -> None:
    async with registries(HUB, engine=FormEngine(answer=seen_at_hub), size=size) as pilot:
        await pilot.press("t")
        await sees(pilot, "docker.io answers")
        dialog = await opened(pilot)
        words = dialog.query_one(VerticalScroll)
        await until(pilot, lambda: words.max_scroll_y > 0, "it is longer than the window")
        await pilot.press(*"j" * 40)
        await sees(pilot, "76 of 100", "$ transship registries hub")
        await pilot.press("y")
        await until(pilot, lambda: "Sent to your terminal" in screen_text(pilot.app), "it says so")
        assert pilot.app.clipboard.split() == dialog.text.split()


async def test_a_registry_that_did_not_answer_has_a_card_of_what_is_known() -> None:
    engine = FormEngine(failures={"examine": errors.NameNotFound("docker.io")})
    async with registries(HUB, engine=engine) as pilot:
        await pilot.press("t")
        await sees(pilot, "✗ unreachable")
        dialog = await opened(pilot)
        assert "nothing was seen at this registry yet" in dialog.text


async def test_an_account_whose_login_is_handed_out_is_not_anonymous() -> None:
    async with registries(ECR) as pilot:
        said = pilot.app.screen.query_one("#sign-in", Static)
        await until(
            pilot,
            lambda: str(said.visual) == "by the AWS profile of this machine",
            "how it signs in",
        )


async def test_without_an_account_there_is_no_card() -> None:
    async with registries() as pilot:
        await pilot.press("i")
        await sees(pilot, "! There is no registry yet; a adds one.")


async def test_the_form_shows_the_card_of_whoever_answers() -> None:
    async with form(FormEngine(answer=wants_sign_in), "ghcr.io") as pilot:
        await sees(pilot, "wants a sign-in", "Card")
        dialog = await opened(pilot, "f3")
        assert dialog.text.startswith("ghcr.io: GitHub Container Registry\n")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RegistryFormScreen), "the form")
        await pilot.click("#card")
        await until(pilot, lambda: isinstance(pilot.app.screen, CapabilitiesDialog), "again")


async def test_the_form_says_what_cannot_be_done_there() -> None:
    async with form(FormEngine(), "ghcr.io") as pilot:
        await sees(pilot, "Its card says what it means that it can't resume or delete.")


async def test_the_form_has_no_card_of_a_host_that_did_not_answer() -> None:
    async with form(FormEngine(), "ghcr.io") as pilot:
        await sees(pilot, "✓ answers", "Card")
        await pilot.press("shift+tab", "end", "x")
        await until(pilot, lambda: not pilot.app.screen.query_one("#card").display, "it goes")
        await pilot.press("f3")
        await sees(pilot, "! No registry has answered here yet")
        await pilot.press("backspace")
        await until(pilot, lambda: pilot.app.screen.query_one("#card").display, "it comes back")


async def test_the_form_has_the_words_of_the_service_for_the_field_that_has_the_focus() -> None:
    async with form(FormEngine(answer=wants_sign_in), "team.azurecr.io") as pilot:
        await sees(pilot, "Client ID", "application (client) ID", "the secret's value")
        pilot.app.screen.query_one("#username").focus()
        await sees(pilot, "App registrations, the app, Overview", "the role AcrPull")
        pilot.app.screen.query_one("#secret").focus()
        await sees(pilot, "Certificates & secrets", "shown once")
