"""Changing an account, and leaving the form without losing what was typed."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Input

from fakes.registries import FormEngine, wants_sign_in
from fakes.registry_form import SECRET, form_for
from fakes.screen import until
from transship.accounts.registry_file import Account
from transship.registry.credential import Tls


async def test_escape_closes_a_form_in_which_nothing_was_filled_in() -> None:
    async with form_for(FormEngine()) as form:
        await form.pilot.press("escape")
        await form.is_closed()


async def test_what_the_form_chose_by_itself_is_nothing_to_lose() -> None:
    async with form_for(FormEngine()) as form:
        await form.leave_host("reg.example")
        await until(form.pilot, lambda: form.chosen("sign-in") == "", "anonymous is chosen")
        form.fill(host="")
        await form.pilot.press("escape")
        await form.is_closed()


@pytest.mark.parametrize("name", ["host", "username", "secret"])
async def test_escape_asks_before_what_was_typed_is_lost(name: str) -> None:
    async with form_for(FormEngine()) as form:
        form.fill(**{name: "reg.example"})
        await form.pilot.press("escape")
        await form.answer("cancel")
        await until(form.pilot, lambda: form.is_open, "back in the form")
        assert form.app.screen.query_one(f"#{name}", Input).value == "reg.example"
        await form.pilot.press("escape")
        await form.answer("go-on")
        await form.is_closed()
        assert form.engine.known == []


async def test_an_account_that_is_kept_while_it_is_asked_closes_the_form_once() -> None:
    engine = FormEngine(answer=wants_sign_in, gates={"sign_in": asyncio.Event()})
    async with form_for(engine) as form:
        form.fill(host="reg.example", username="alice", secret=SECRET)
        await form.press("save")
        await form.says("sign-in", "waiting for your keyring")
        await form.pilot.press("escape")
        await form.is_asked()
        engine.gates["sign_in"].set()
        await until(form.pilot, lambda: engine.kept, "it is kept")
        await form.answer("go-on")
        await form.is_closed()
        assert len(form.app.screen_stack) == 1


async def test_editing_asks_only_about_what_was_changed() -> None:
    account = Account("old.example", alias="old", username="alice", secret_source="keyring")
    async with form_for(FormEngine(known=[account]), account) as form:
        form.fill(alias="legacy")
        await form.pilot.press("escape")
        await form.answer("cancel")
        await until(form.pilot, lambda: form.is_open, "back in the form")
        form.fill(alias="old")
        await form.pilot.press("escape")
        await form.is_closed()


@pytest.mark.parametrize("key", ["h", "q"])
async def test_a_letter_beside_the_fields_closes_nothing(key: str) -> None:
    async with form_for(FormEngine()) as form:
        for place in ("#sign-in", "#save"):
            form.app.screen.query_one(place).focus()
            await form.pilot.press(key)
            await form.pilot.pause()
            assert form.is_open


async def test_editing_asks_nobody_until_it_is_told_to() -> None:
    account = Account("old.example", alias="old", username="alice", secret_source="keyring")
    async with form_for(FormEngine(known=[account]), account) as form:
        await form.pilot.pause()
        assert form.engine.tried == []
        assert form.app.screen.query_one("#host", Input).disabled
        await form.focuses("alias")
        assert "kept" in form.app.screen.query_one("#secret", Input).placeholder


async def test_editing_keeps_the_secret_that_is_kept() -> None:
    account = Account(
        "old.example",
        alias="old",
        username="alice",
        secret_source="keyring",
        tls=Tls(client_cert="/c.pem", client_key="/k.pem"),
    )
    engine = FormEngine(known=[account], answer=wants_sign_in)
    async with form_for(engine, account) as form:
        form.fill(alias="legacy")
        await form.press("save")
        await until(form.pilot, lambda: not form.is_open, "the form is closed")
        (kept, secret), *_ = engine.kept
        assert (kept.alias, kept.tls, secret) == ("legacy", account.tls, None)


async def test_another_user_needs_another_secret() -> None:
    account = Account("old.example", username="alice", secret_source="keyring")
    async with form_for(FormEngine(known=[account]), account) as form:
        form.fill(username="bob")
        await form.press("save")
        await form.says("secret", "The secret is needed")
        assert form.engine.kept == []
