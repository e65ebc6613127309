"""Where engine and screens meet: what the screens are told, what the log keeps, and signals."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import sys
from pathlib import Path

import pytest
from textual.message import Message

from fakes.engine import FakeEngine
from fakes.jobs import job_view
from fakes.screen import line_in, until
from servers.process import eventually
from servers.terminal import terminal
from transship.accounts.secrets import SecretStatus
from transship.errors import BadFile, NameNotFound
from transship.settings import Settings
from transship.transfers.copies import JobState
from transship.transfers.job_view import JobBytes, JobCounts
from transship_tui.app import TransshipApp
from transship_tui.context import JobsChanged, JobsUnreadable
from transship_tui.widgets.bars import StatusBar

GIB = 1024**3
LEAVE_FULL_SCREEN = b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"
RUNNING_APP = """
from fakes.engine import FakeEngine
from fakes.jobs import job_view
from transship.settings import Settings
from transship_tui.app import TransshipApp

TransshipApp(FakeEngine(views=[job_view("abc234")]), Settings(guide=False)).run()
"""


def app_with(engine: FakeEngine, **settings: object) -> TransshipApp:
    return TransshipApp(engine, Settings(guide=False, **settings))  # type: ignore[arg-type]


def status(app: TransshipApp) -> str:
    return line_in(app, StatusBar)


def told(app: TransshipApp) -> list[tuple[str, str]]:
    return [(each.kind, each.title) for each in app.context.log.told()]


async def test_only_the_screen_in_front_is_told_and_only_of_changes() -> None:
    engine = FakeEngine()
    app = app_with(engine, refresh=0.2)
    messages: list[Message] = []
    async with app.run_test(message_hook=messages.append) as pilot:
        await pilot.pause()
        messages.clear()
        for _ in range(3):
            app.context.monitor.look()
        await pilot.pause()
        assert not [m for m in messages if isinstance(m, JobsChanged)]
        engine.views = [job_view("abc234")]
        app.context.monitor.look()
        await pilot.pause()
        changes = [m for m in messages if isinstance(m, JobsChanged)]
        assert len({id(m) for m in changes}) == 1
        assert list(changes[0].jobs) == engine.views


async def test_it_looks_by_itself() -> None:
    engine = FakeEngine()
    async with app_with(engine, refresh=10).run_test() as pilot:
        engine.views = [job_view("abc234")]
        await until(pilot, lambda: pilot.app.context.monitor.jobs, "it has looked")  # type: ignore[attr-defined]


async def test_the_status_says_what_is_happening() -> None:
    engine = FakeEngine()
    app = app_with(engine)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "no jobs yet" in status(app), "nothing")
        engine.views = [job_view("abc234", JobState.DONE), job_view("bcd345", JobState.PAUSED)]
        app.context.monitor.look()
        await until(pilot, lambda: "2 jobs, none running" in status(app), "nothing runs")
        amount = JobBytes(10 * GIB, 4 * GIB)
        engine.views = [job_view("abc234", counts=JobCounts(2), bytes=amount, rate=GIB / 60)]
        app.context.monitor.look()
        await until(pilot, lambda: "1 job running 40 %, 6 min 00 s left" in status(app), "it runs")


async def test_jobs_that_are_still_looking_have_no_share() -> None:
    engine = FakeEngine(views=[job_view("abc234", planned=False, found=7)])
    app = app_with(engine)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "1 job running" in status(app), "it runs")
        assert "%" not in status(app)


@pytest.mark.parametrize("state", ["ok", "locked", "hung", "absent", "insecure"])
async def test_the_status_says_how_the_keyring_is(state: str) -> None:
    engine = FakeEngine(keyring_status=SecretStatus(state))  # type: ignore[arg-type]
    app = app_with(engine)
    async with app.run_test() as pilot:
        await until(pilot, lambda: f" {state}" in status(app), "the keyring's state")


async def test_a_keyring_that_does_not_answer_holds_nothing_up() -> None:
    engine = FakeEngine(views=[job_view("abc234")])
    engine.gates["keyring"] = asyncio.Event()
    app = app_with(engine)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "keyring … checking" in status(app), "it is being asked")
        await pilot.press("4")
        assert app.is_running
    engine.gates["keyring"].set()


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (BadFile("plan.toml"), "A file can't be understood"),
        (PermissionError(13, "Permission denied"), "The system refused"),
        (RuntimeError("nobody knew"), "Transship has a fault"),
    ],
)
async def test_jobs_that_cannot_be_read_are_said_once_and_found_again(
    error: Exception, title: str
) -> None:
    engine = FakeEngine(views=[job_view("abc234")])
    app = app_with(engine)
    messages: list[Message] = []
    async with app.run_test(message_hook=messages.append) as pilot:
        engine.failures["jobs"] = error
        for _ in range(5):
            app.context.monitor.look()
        await until(pilot, lambda: "the jobs can't be read" in status(app), "the trouble")
        assert told(app) == [("error", title)]
        await pilot.pause()
        assert len({id(m) for m in messages if isinstance(m, JobsUnreadable)}) == 1
        assert [job.id for job in app.context.monitor.jobs] == ["abc234"]
        del engine.failures["jobs"]
        app.context.monitor.look()
        await until(pilot, lambda: "1 job running" in status(app), "its end")


async def test_another_trouble_is_said_anew() -> None:
    engine = FakeEngine()
    app = app_with(engine)
    async with app.run_test():
        for detail in ("one", "one", "other"):
            engine.failures["jobs"] = NameNotFound(detail)
            app.context.monitor.look()
        assert len(app.context.log.told()) == 2


async def test_the_log_keeps_what_jobs_came_to_but_not_what_was_there() -> None:
    engine = FakeEngine(views=[job_view("abc234"), job_view("old222", JobState.DONE)])
    app = app_with(engine)
    async with app.run_test():
        assert told(app) == []
        engine.views = [job_view("new333"), *engine.views]
        app.context.monitor.look()
        problem = ("Host name not found", "old.example", "Check the spelling.")
        engine.views[1] = job_view("abc234", JobState.FAILED, problem=problem)
        app.context.monitor.look()
        started, failed = app.context.log.told()
        assert (started.kind, started.title[:6]) == ("running", "new333")
        assert (failed.kind, failed.title[:6]) == ("failed", "abc234")
        assert failed.detail == "Host name not found: old.example"
        assert failed.remedy == "Check the spelling."


async def test_the_first_job_of_all_is_told_too() -> None:
    engine = FakeEngine()
    app = app_with(engine)
    async with app.run_test():
        engine.views = [job_view("abc234")]
        app.context.monitor.look()
        assert [kind for kind, _ in told(app)] == ["running"]


def _environment() -> dict[str, str]:
    tests = str(Path(__file__).parents[1])
    return os.environ | {"PYTHONPATH": tests, "TERM": "xterm-256color"}


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_the_app_at_once_and_leaves_the_terminal_as_it_was(number: int) -> None:
    argv = [sys.executable, "-c", RUNNING_APP]
    with terminal(argv, _environment()) as window:
        window.shows("1 job running")
        os.kill(window.pid, number)
        assert window.ended(deadline=30) == 0
        eventually(lambda: SHOW_CURSOR in bytes(window.raw), "the cursor is back")
        assert window.raw.rindex(LEAVE_FULL_SCREEN) < window.raw.rindex(SHOW_CURSOR)


def test_a_terminal_that_is_gone_ends_the_app() -> None:
    """Nothing can be written any more, so there is nothing to wait for."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execvpe(sys.executable, [sys.executable, "-c", RUNNING_APP], _environment())
    seen = b""
    while b"running" not in seen:
        seen += os.read(descriptor, 65536)
    os.close(descriptor)

    def status() -> tuple[int] | None:
        ended, status = os.waitpid(pid, os.WNOHANG)
        return (status,) if ended else None

    try:
        (ended_with,) = eventually(status, "the end of the app") or (0,)
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    assert os.waitstatus_to_exitcode(ended_with) == 128 + signal.SIGHUP


async def test_signals_are_left_as_they_were_found() -> None:
    before = signal.getsignal(signal.SIGHUP)
    async with app_with(FakeEngine()).run_test():
        assert signal.getsignal(signal.SIGHUP) != before
    assert signal.getsignal(signal.SIGHUP) == before
