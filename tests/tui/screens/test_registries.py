"""The registries: what is known of each, and what is done with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from fakes.registries import FormEngine, found
from fakes.screen import screen_text, until
from transship import errors
from transship.accounts.registry_file import Account
from transship.errors import TransshipError
from transship.registry.credential import Tls
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.frame import Frame
from transship_tui.screens.registries.card import AccountCard
from transship_tui.screens.registries.form import RegistryFormScreen
from transship_tui.widgets.dialogs import ConfirmDialog, ErrorDialog
from transship_tui.widgets.table import VirtualTable

OLD = Account("old.example:5000", alias="old", username="alice", secret_source="keyring")
NEW = Account("new.example", alias="new", tls=Tls(insecure=True))
HUB = Account("docker.io", repositories=("library/alpine", "library/busybox"))
ECR = Account(
    "123456789012.dkr.ecr.eu-central-1.amazonaws.com", "prod", "AWS", secret_source="environment"
)
ALL = (OLD, NEW, HUB, ECR)


@asynccontextmanager
async def registries(
    *accounts: Account,
    size: tuple[int, int] = (80, 24),
    theme: str = "transship",
    engine: FormEngine | None = None,
) -> AsyncIterator[tuple[Pilot[None], FormEngine]]:
    engine = engine or FormEngine()
    engine.known = list(accounts)
    app = TransshipApp(engine, Settings(guide=False, theme=theme))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: f"{len(accounts)} account" in screen_text(app), "they are seen")
        yield pilot, engine


async def sees(pilot: Pilot[None], *words: str) -> None:
    await until(
        pilot,
        lambda: all(each in " ".join(screen_text(pilot.app).split()) for each in words),
        f"{words} are seen",
    )


def card(pilot: Pilot[None]) -> str:
    """The words of the card that are seen."""
    words = pilot.app.screen.query_one(AccountCard).query("Static")
    shown = (each for each in words if each.display and each.parent and each.parent.display)
    return " ".join(" ".join(str(each.visual) for each in shown).split())


async def test_the_card_says_all_that_is_known() -> None:
    async with registries(*ALL) as (pilot, _):
        assert card(pilot) == (
            "Address old.example:5000 Service Registry Sign-in alice, secret in your keyring "
            "TLS verified Lists not known yet Tested never: press t "
            "~ partly: list, delete ✓ yes: mount, resume ? unknown: referrers"
        )
        await pilot.press("j")
        await until(pilot, lambda: "! NOT VERIFIED" in card(pilot), "what isn't safe is said")
        assert "Sign-in anonymous" in card(pilot)
        await pilot.press("j")
        await until(pilot, lambda: "2 repositories that you named" in card(pilot), "what it lists")
        assert "Docker Hub" in card(pilot)
        await pilot.press("j")
        await until(pilot, lambda: "AWS, secret from the environment" in card(pilot), "the source")


async def test_without_any_the_screen_says_how_to_begin() -> None:
    async with registries() as (pilot, engine):
        await sees(pilot, "No registries yet. Press a to add the first one.")
        await pilot.press("t")
        await sees(pilot, "! There is no registry yet; a adds one.")
        await pilot.press("E", "D", "enter")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 1
        assert engine.tried == []


async def test_a_test_says_that_it_answers_and_how_long_ago() -> None:
    engine = FormEngine(gates={"examine": asyncio.Event()})
    async with registries(*ALL, engine=engine) as (pilot, _):
        await pilot.press("t")
        await sees(pilot, "… checking")
        engine.gates["examine"].set()
        await sees(pilot, "✓ ok", "✓ old.example:5000 answers")
        await until(pilot, lambda: "Tested ✓ ok, 0 s ago" in card(pilot), "the card says so")
        assert "Lists its repositories" in card(pilot)
        assert engine.tried == [(OLD, None)]
        engine.clock.advance(125)
        await pilot.press("j", "k")
        await until(pilot, lambda: "ok, 2 min 05 s ago" in card(pilot), "time goes by")


TROUBLES: Sequence[tuple[TransshipError, str]] = (
    (errors.NameNotFound("old.example"), "✗ unreachable"),
    (errors.CertificateNotTrusted("self-signed"), "! untrusted"),
    (errors.WrongCredential("401"), "! sign-in"),
    (errors.NotARegistry("404"), "✗ failed"),
)


@pytest.mark.parametrize(
    ("problem", "state"), TROUBLES, ids=lambda value: getattr(value, "cause", "")
)
async def test_a_test_that_fails_says_why_in_the_list_the_card_and_the_message(
    problem: TransshipError, state: str
) -> None:
    engine = FormEngine(answer=lambda account, _: found(account, problem=problem))
    async with registries(*ALL, engine=engine) as (pilot, _):
        await pilot.press("t")
        await sees(pilot, state, f"✗ {problem.title}: {problem.detail} e explains")
        assert f"✗ {problem.title} {problem.detail}" in card(pilot)
        await pilot.press("e")
        await sees(pilot, "What to do")


async def test_the_card_says_how_the_form_would_mend_it() -> None:
    problem = errors.CertificateNotTrusted("self-signed")
    engine = FormEngine(answer=lambda account, _: found(account, problem=problem))
    async with registries(OLD, engine=engine) as (pilot, _):
        await pilot.press("t")
        await until(
            pilot, lambda: "E changes the account. If your own authority" in card(pilot), "how"
        )


async def test_a_keyring_that_is_locked_is_no_fault_of_the_registry() -> None:
    engine = FormEngine(failures={"examine": errors.KeyringLocked()})
    async with registries(*ALL, engine=engine) as (pilot, _):
        await pilot.press("t")
        await sees(pilot, "! keyring", "✗ The keyring is locked")


async def test_a_registry_that_lists_nothing_says_what_to_do() -> None:
    engine = FormEngine(answer=lambda account, _: found(account, signed_in=True, lists=False))
    async with registries(OLD, engine=engine) as (pilot, _):
        await pilot.press("t")
        await sees(pilot, "✓ unlisted", "lists nothing: name repositories with E")
        assert "Lists nothing: name repositories with E" in card(pilot)


async def test_two_can_be_tested_at_once() -> None:
    engine = FormEngine(gates={"examine": asyncio.Event()})
    async with registries(*ALL, engine=engine) as (pilot, _):
        await pilot.press("t", "j", "t")
        await until(pilot, lambda: screen_text(pilot.app).count("… checking") == 2, "both")
        engine.gates["examine"].set()
        await until(pilot, lambda: screen_text(pilot.app).count("✓ ok") >= 2, "both have answered")


async def test_removing_asks_and_does_nothing_by_itself() -> None:
    async with registries(*ALL) as (pilot, engine):
        await pilot.press("D")
        await sees(pilot, "Remove old.example:5000?", "Its secret is taken out of your")
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, ConfirmDialog), "it is closed")
        assert engine.known == list(ALL)


async def test_removing_takes_the_account_away() -> None:
    async with registries(*ALL) as (pilot, engine):
        await pilot.press("j", "D")
        await sees(pilot, "Remove new.example?")
        await pilot.click("#go-on")
        await sees(pilot, "3 accounts", "✓ new.example is removed")
        assert engine.known == [OLD, HUB, ECR]
        assert pilot.app.screen.query_one(VirtualTable).key_at_cursor() == HUB.host


async def test_an_account_stays_while_its_secret_cannot_be_removed() -> None:
    engine = FormEngine(failures={"sign_out": errors.KeyringLocked()})
    async with registries(*ALL, engine=engine) as (pilot, _):
        await pilot.press("D")
        await sees(pilot, "Remove old.example:5000?")
        await pilot.click("#go-on")
        await sees(pilot, "4 accounts", "✗ The keyring is locked")


async def test_opening_one_goes_to_browse() -> None:
    async with registries(*ALL) as (pilot, engine):
        await pilot.press("j", "enter")
        await until(pilot, lambda: pilot.app.current_mode == "browse", "browse is in front")
        await until(
            pilot, lambda: ("repositories", NEW.host) in engine.asked, "its repositories are listed"
        )


async def test_the_guide_goes_on_from_the_source_to_a_registry_that_can_be_the_target() -> None:
    async with registries(OLD, NEW) as (pilot, _):
        await pilot.press("f2", "n", "n")
        await sees(pilot, "✓ Target", "from old to ")


async def test_the_guide_takes_the_source_and_then_the_target() -> None:
    async with registries(OLD, NEW) as (pilot, engine):
        await pilot.press("f2", "n")
        await sees(pilot, "✓ Source", "from old", "is where the images are now")
        await pilot.press("k", "n")
        await sees(pilot, "! Choose another registry, where the images shall go.")
        await pilot.press("j", "n")
        await sees(pilot, "✓ Target", "from old to ")
        await pilot.press("n")
        await until(pilot, lambda: pilot.app.current_mode == "browse", "browse is in front")
        await until(pilot, lambda: ("repositories", OLD.host) in engine.asked, "the source's list")


@pytest.mark.parametrize("accounts", [(), (OLD,)], ids=["a source", "a target"])
async def test_the_guide_asks_for_a_registry_that_is_missing(accounts: Sequence[Account]) -> None:
    async with registries(*accounts) as (pilot, _):
        await pilot.press("f2", *"n" * (1 + len(accounts)))
        await until(pilot, lambda: isinstance(pilot.app.screen, RegistryFormScreen), "the form")


async def test_one_that_was_added_is_under_the_cursor_and_tested() -> None:
    async with registries(*ALL) as (pilot, _):
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, RegistryFormScreen), "the form")
        await pilot.press(*"third.example", "tab")
        await sees(pilot, "answers")
        await pilot.press("ctrl+s")
        await sees(pilot, "5 accounts", "✓ third.example is kept")
        assert pilot.app.screen.query_one(VirtualTable).key_at_cursor() == "third.example"
        await until(pilot, lambda: "Tested ✓ ok" in card(pilot), "it counts as tested")


async def test_what_another_app_added_is_seen_on_coming_back() -> None:
    async with registries(OLD) as (pilot, engine):
        engine.known = [OLD, NEW]
        await pilot.press("4", "1")
        await sees(pilot, "2 accounts")


async def test_a_file_that_cannot_be_read_is_said() -> None:
    engine = FormEngine(failures={"accounts": errors.BadFile("registries.toml: line 3")})
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "registries.toml: line 3")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, RegistryFormScreen), "the form")


@pytest.mark.parametrize(
    "text",
    ["[/foo] closing", "[@click=app.quit]hi[/]", "\x1b]52;c;aGk=\x07", "\u202egpj", "界" * 99],
)
async def test_what_a_registry_says_is_only_read(text: str) -> None:
    engine = FormEngine(
        answer=lambda account, _: found(account, problem=errors.UnexpectedAnswer(text))
    )
    async with registries(OLD, engine=engine) as (pilot, _):
        await pilot.press("t")
        await sees(pilot, "✗ failed")
        assert all(line.isprintable() for line in screen_text(pilot.app).split("\n"))


async def test_e_explains_what_is_wrong_with_an_account_when_nothing_else_was_said() -> None:
    problem = errors.TokenExpired("GET /v2/ was answered with 401")
    engine = FormEngine(answer=lambda account, _: found(account, problem=problem))
    async with registries(OLD, size=(60, 20), engine=engine) as (pilot, _):
        await pilot.press("t")
        await sees(pilot, "The sign-in ran out")
        await pilot.press("2", "1")
        assert isinstance(pilot.app.screen, Frame)
        pilot.app.screen.hush()
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorDialog), "the explanation")
        await sees(pilot, "What to do")
