"""The secret goes where the operator said, and is nowhere else."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Input

from fakes.registries import FormEngine, wants_sign_in
from fakes.registry_form import KEYRINGS, SECRET, Form, form_for
from fakes.screen import screen_text, until
from transship import errors
from transship.accounts.secrets import SecretStatus
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.registries.form import RegistryForm
from transship_tui.widgets.bars import LineBar
from transship_tui.widgets.form import SecretInput


@pytest.mark.parametrize("status", KEYRINGS, ids=lambda status: status.state)
async def test_a_keyring_that_cannot_be_used_is_said_with_what_can_be_done(
    status: SecretStatus,
) -> None:
    async with form_for(FormEngine(keyring_status=status)) as form:
        await form.says("sign-in", status.title)
        await form.says("sign-in", status.remedy)
        assert form.offers_this_run
        assert form.chosen("sign-in") == "keyring"
        await form.press("this-run")
        await until(form.pilot, lambda: form.chosen("sign-in") == "session", "it is chosen")
        await form.says("sign-in", "forgotten when you quit")
        assert not form.offers_this_run


async def test_a_secret_is_never_kept_elsewhere_by_itself() -> None:
    engine = FormEngine(answer=wants_sign_in, failures={"sign_in": errors.KeyringLocked()})
    async with form_for(engine) as form:
        form.fill(host="reg.example", username="alice", secret=SECRET)
        await form.press("save")
        await form.says("sign-in", "The keyring is locked")
        await form.says("sign-in", "this run only")
        assert form.is_open
        assert form.offers_this_run
        assert engine.kept == []
        assert form.app.screen.query_one("#secret", Input).value == SECRET
        del engine.failures["sign_in"]
        await form.press("this-run")
        await until(form.pilot, lambda: form.chosen("sign-in") == "session", "it is chosen")
        await form.press("save")
        await until(form.pilot, lambda: engine.kept, "the account is kept")
        assert engine.kept[0][0].secret_source == "session"


async def test_a_keyring_that_hangs_can_be_given_up() -> None:
    engine = FormEngine(answer=wants_sign_in, gates={"sign_in": asyncio.Event()})
    async with form_for(engine) as form:
        form.fill(host="reg.example", username="alice", secret=SECRET)
        await form.press("save")
        await form.says("sign-in", "waiting for your keyring")
        await form.focuses("cancel")
        await form.press("cancel")
        await until(
            form.pilot,
            lambda: not form.app.screen.query_one("#fields").disabled,
            "it can be edited",
        )
        assert form.is_open
        assert form.said("sign-in") == ""
        assert engine.kept == []
        await form.press("cancel")
        await until(form.pilot, lambda: not form.is_open, "the form is closed")


async def test_leaving_while_the_keyring_hangs_keeps_nothing() -> None:
    engine = FormEngine(answer=wants_sign_in, gates={"sign_in": asyncio.Event()})
    async with form_for(engine) as form:
        form.fill(host="reg.example", username="alice", secret=SECRET)
        await form.press("save")
        await form.says("sign-in", "waiting for your keyring")
        await form.pilot.press("escape")
        await form.answer("go-on")
        await form.is_closed()
        engine.gates["sign_in"].set()
        await form.pilot.pause()
        assert engine.kept == []


async def test_the_secret_is_nowhere_but_in_its_field() -> None:
    engine = FormEngine(answer=wants_sign_in, gates={"sign_in": asyncio.Event()})
    heard: list[object] = []
    app = TransshipApp(engine, Settings(guide=False))
    async with app.run_test(message_hook=heard.append) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: app.screen.query(RegistryForm), "the form is there")
        form = Form(pilot, engine)
        form.fill(host="reg.example", username="alice")
        secret = app.screen.query_one("#secret", SecretInput)
        secret.focus()
        for key in ("ctrl+c", "ctrl+x"):
            secret.value = SECRET
            secret.select_all()
            await pilot.press(key)
            assert app.clipboard == ""
        assert secret.value == ""
        secret.value = SECRET
        await pilot.press("enter")
        await form.press("save")
        await form.says("sign-in", "waiting for your keyring")
        shown = [repr(app.screen), repr(form.widget), repr(secret), repr(engine.kept)]
        shown += [str(worker) + worker.description for worker in app.workers]
        shown += [repr(message) for message in heard]
        shown += [app.export_screenshot(), screen_text(app)]
        shown.append(app.screen.query_one(LineBar).line)
        assert not [text for text in shown if SECRET in text]
        assert "•" in screen_text(app)
