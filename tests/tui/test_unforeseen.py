"""A fault in the app, or in the work beside it, is said in words and leaves nothing standing."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual import work
from textual.widgets import Select

from fakes.engine import FakeEngine
from fakes.images import worklist_of
from fakes.registries import FormEngine
from fakes.registry_form import form_for
from fakes.screen import line_in, screen_text, until
from servers.process import eventually
from servers.terminal import terminal
from transship.accounts.registry_file import Account
from transship.oci.reference import parse_reference
from transship.paths import default_paths
from transship.settings import Settings
from transship.transfers.copies import Verdict
from transship_tui.app import TransshipApp
from transship_tui.faults import log_path
from transship_tui.screens.browse.copy import CopyScreen
from transship_tui.screens.browse.names import Filling, NameList
from transship_tui.screens.frame import Frame
from transship_tui.screens.registries import form as form_module
from transship_tui.widgets.bars import MessageBar, StatusBar
from transship_tui.widgets.dialogs import ErrorDialog

if TYPE_CHECKING:
    from textual.pilot import Pilot

SECRET = "-".join(["correct", "horse", "battery"])
OLD = "old.example"
LEAVE_FULL_SCREEN = b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"
CRASHING_APP = """
import transship_tui.app as module
from transship_tui.commands import main

class Broken(module.TransshipApp):
    CSS_PATH = module.__file__.replace("app.py", "app.tcss")

    def action_log(self):
        password = "-".join(["correct", "horse", "battery"])
        raise RuntimeError(f"the password was {password}")

module.TransshipApp = Broken
main([])
"""


def broken(name: str, **filled: object) -> FakeEngine:
    """Return an engine with a method that raises what nobody foresaw."""
    error = RuntimeError(f"the password was {SECRET}")
    accounts = [Account(OLD, alias="old"), Account("new.example")]
    return FakeEngine(known=accounts, failures={name: error}, **filled)  # type: ignore[arg-type]


def app_on(engine: FakeEngine) -> TransshipApp:
    return TransshipApp(engine, Settings(guide=False))


async def fault_is_said(app: TransshipApp, pilot: Pilot[None], where: str) -> None:
    """Wait for the words; they are kept for the log, and what they are about is in no place."""
    words = f"Transship has a fault: RuntimeError in {where}"
    await until(pilot, lambda: words in line_in(app, MessageBar), "the message")
    told = app.context.log.told()[-1]
    assert told.title == "Transship has a fault"
    assert str(log_path()) in told.remedy
    assert SECRET not in screen_text(app) + repr(app.context.log.told()) + log_path().read_text()


async def test_a_fault_in_a_test_of_the_form() -> None:
    engine = FormEngine(failures={"examine": RuntimeError(SECRET)})
    async with form_for(engine) as form:
        form.choose("sign-in", "")
        form.fill(host="reg.example")
        await form.press("test")
        await fault_is_said(form.app, form.pilot, "examine")
        assert form.said("host") == ""
        await form.press("save")
        await until(form.pilot, lambda: not form.widget.fields.disabled, "it can be edited")
        assert engine.kept == []


async def test_a_fault_of_the_forms_own_while_it_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(form_module, "notes_of", faulty)
    async with form_for(FormEngine()) as form:
        form.choose("sign-in", "")
        form.fill(host="reg.example")
        await form.press("test")
        await fault_is_said(form.app, form.pilot, "_testing")
        assert form.said("host") == ""


async def test_a_fault_in_the_test_of_a_listed_registry() -> None:
    app = app_on(broken("examine"))
    async with app.run_test() as pilot:
        await until(pilot, lambda: OLD in screen_text(app), "the list")
        await pilot.press("t")
        await fault_is_said(app, pilot, "examine")
        assert "checking" not in screen_text(app)
        assert "✗ failed" in screen_text(app)


async def test_a_fault_in_a_listing() -> None:
    app = app_on(broken("repositories"))
    async with app.run_test() as pilot:
        app.browse(OLD)
        await until(pilot, lambda: app.screen.query(NameList), "Browse")
        await fault_is_said(app, pilot, "repositories")
        names = app.screen.query_one("#repositories", NameList)
        assert names.filling is Filling.FAILED
        assert "Listing…" not in screen_text(app)


async def test_a_fault_in_the_preview_goes_back_to_the_form() -> None:
    app = app_on(broken("preview"))
    async with app.run_test() as pilot:
        await preview(app, pilot)
        await fault_is_said(app, pilot, "preview")
        assert app.screen.query_one("#registry").display


async def test_a_fault_at_the_start_of_a_job_lets_it_be_started_again() -> None:
    app = app_on(broken("start", worklist=worklist_of(Verdict.COPY)))
    async with app.run_test() as pilot:
        await preview(app, pilot)
        await until(pilot, lambda: "Moves" in screen_text(app), "the worklist")
        app.screen.query_one("#start").press()  # type: ignore[attr-defined]
        await until(pilot, lambda: "Start this copy?" in screen_text(app), "the question")
        await pilot.press("right", "enter")
        await fault_is_said(app, pilot, "start")
        assert not app.screen.query_one("#start").disabled


async def preview(app: TransshipApp, pilot: Pilot[None]) -> None:
    await pilot.pause()
    await app.push_screen(CopyScreen([parse_reference(f"{OLD}/team/web:1.0")]))
    app.screen.query_one("#registry", Select).value = "new.example"
    await pilot.pause()
    app.screen.query_one("#preview").press()  # type: ignore[attr-defined]


async def test_a_fault_when_the_keyring_is_looked_at() -> None:
    app = app_on(broken("keyring"))
    async with app.run_test() as pilot:
        await fault_is_said(app, pilot, "keyring")
        assert "keyring ✗ failed" in line_in(app, StatusBar)
        await pilot.press("a")
        await until(
            pilot, lambda: "Keep it for this run only" in screen_text(app), "what can be done"
        )


class Working(Frame):
    """A screen with work of its own."""

    @work(group="work", exit_on_error=False)
    async def quietly(self) -> None:
        raise RuntimeError(SECRET)

    @work(group="work")
    async def loudly(self) -> None:
        raise RuntimeError(SECRET)


@pytest.mark.parametrize(("name", "where"), [("quietly", "quietly"), ("loudly", "the app")])
async def test_work_beside_a_screen_fails_without_ending_the_app(name: str, where: str) -> None:
    app = app_on(FakeEngine())
    async with app.run_test() as pilot:
        await pilot.pause()
        await app.push_screen(Working())
        getattr(app.screen, name)()
        await fault_is_said(app, pilot, where)
        await pilot.pause()
        assert len(app.context.log.told()) == 1
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Working), "it goes on")


async def test_a_fault_behind_a_dialog_is_said_in_one() -> None:
    app = app_on(FakeEngine())
    async with app.run_test() as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: not isinstance(app.screen, Frame), "the help")
        app.tell_unforeseen(RuntimeError(SECRET), "the work")
        await until(pilot, lambda: "RuntimeError in the work" in screen_text(app), "the error")
        assert isinstance(app.screen, ErrorDialog)
        assert app.context.log.told()[-1].title == "Transship has a fault"


async def test_a_task_that_nobody_waits_for_writes_nothing_on_the_terminal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def forgotten() -> None:
        raise RuntimeError(SECRET)

    app = app_on(FakeEngine())
    async with app.run_test() as pilot:
        tasks = [asyncio.create_task(forgotten())]
        await until(pilot, tasks[0].done, "its end")
        tasks.clear()
        await until(pilot, log_path().exists, "it is kept")
    assert "in forgotten" in log_path().read_text()
    assert SECRET not in log_path().read_text() + caplog.text


async def test_a_fault_in_the_app_ends_it_with_words(capsys: pytest.CaptureFixture[str]) -> None:
    def crash() -> None:
        password = SECRET
        raise RuntimeError(f"the password was {password}")

    app = app_on(FakeEngine())

    async def run() -> None:
        async with app.run_test() as pilot:
            app.call_later(crash)
            await until(pilot, lambda: not app.is_running, "its end")

    with pytest.raises(RuntimeError, match="the password"):
        await run()
    assert app.return_code == 1
    assert app.fault is not None
    assert str(app.fault) == "Transship has a fault: RuntimeError in the app"
    assert "in crash" in log_path().read_text()
    shown = capsys.readouterr()
    words = app.fault.detail + app.fault.remedy
    assert SECRET not in shown.out + shown.err + words + log_path().read_text()
    assert "Traceback" not in shown.out + shown.err


def test_a_fault_in_a_real_terminal_leaves_it_as_it_was(tmp_path: Path) -> None:
    program = tmp_path / "crashing.py"
    program.write_text(CRASHING_APP)
    tests = str(Path(__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": tests}
    with terminal([sys.executable, str(program)], environment) as window:
        window.shows("Registries")
        window.press("L")
        assert window.ended() == 1
        eventually(lambda: b"errors.log" in window.raw, "the words")
        written = bytes(window.raw)

    log = (default_paths().state / "errors.log").read_text()
    assert LEAVE_FULL_SCREEN in written
    assert SHOW_CURSOR in written
    said = written[written.rindex(LEAVE_FULL_SCREEN) :].decode()
    assert "Transship has a fault" in said
    assert "RuntimeError in the app" in said
    assert str(log_path()) in said
    assert "action_log" in log
    assert b"Traceback" not in written
    assert SECRET.encode() not in written
    assert SECRET not in log
