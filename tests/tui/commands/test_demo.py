"""`transship demo`: needs nothing, shows a copy, its proof and a move, leaves nothing."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from servers.process import eventually
from transship.cutover.evidence import NamedPull
from transship.paths import default_paths
from transship.sandbox.sandbox import sandbox_in_thread
from transship_tui.commands.demo import application_of, demo, show_cutover

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder for temporary files that must be empty again, and a home that must stay so."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield
    assert list(tmp_path.iterdir()) == []
    assert not default_paths().state.parent.exists()


def test_it_copies_proves_and_moves_a_domain_there_and_back(terminal: Any) -> None:
    window = terminal("demo", "--lines", columns=160)
    eventually(lambda: "transship login HOST" in window.written, "the end", deadline=180)

    assert window.wait() == 0
    written = window.written
    steps = (
        "leads to the old one",
        "$ transship copy old/team/web new/team/web",
        "data     [",
        "8 images: 8 copied",
        "$ transship verify old/team/web new/team/web",
        "8 images, every digest the same",
        "$ transship run everything",
        "by office and cluster (slow): 26 MiB from 127.0.0.1, the old registry",
        "$ transship cutover plan images.example.test:",
        "nothing blocks",
        "$ transship cutover apply images.example.test",
        "IN CNAME new.example.test.",
        "change done",
        "$ transship cutover watch images.example.test",
        ": moved",
        "by office and cluster (slow): 26 MiB from 127.0.0.2, the new registry",
        "$ transship cutover rollback images.example.test",
        "rollback done",
        ": rolled back",
        "by office and cluster (slow): 26 MiB from 127.0.0.1, the old registry",
        "and none has failed",
        "All of it is gone again",
    )
    found = 0
    for step in steps:
        found = written.find(step, found)
        assert found >= 0, f"{step!r} in its order in {written!r}"
    assert "blocks" not in written.replace("nothing blocks", "")


def test_a_pull_that_fails_is_a_failure_and_not_a_check_that_says_no(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pulled(*_: object) -> tuple[NamedPull, ...]:
        return (NamedPull(("office",), 0.0, "127.0.0.1", error="connection-refused"),)

    monkeypatch.setattr("transship_tui.commands.demo.pull_by_name", pulled)
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox_in_thread(Path(folder, "sandbox"), domain=True) as sandbox,
    ):
        assert show_cutover(application_of(sandbox, Path(folder))) == 1

    assert "office, 127.0.0.1: connection-refused" in capsys.readouterr().err


def test_without_a_terminal_nobody_is_told_what_to_try_next(started: Any) -> None:
    process = started("demo")
    assert process.stdout is not None
    read = []
    for line in process.stdout:
        read.append(line)
        if line.startswith("$ transship cutover"):
            break
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "proven  8 images, every digest the same on both sides\n" in read
    assert "transship login" not in "".join([*read, rest])


def test_where_there_is_one_loopback_address_the_domain_is_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on macOS.
    monkeypatch.setattr("transship_tui.commands.demo.has_two_addresses", lambda: False)

    assert demo(lines=True) == 0

    said = capsys.readouterr()
    assert "proven  8 images" in said.out
    assert "cutover" not in said.out
    assert "sudo ifconfig lo0 alias 127.0.0.2" in said.err


def test_who_wants_plain_lines_is_asked_in_plain_lines(
    terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCESSIBLE", "1")
    window = terminal("demo")
    window.until("Step 1, source")
    window.type("q\n")

    assert window.wait() == 130
    assert "(old)" in window.written
    assert "(new)" in window.written


def test_a_window_that_is_closed_over_the_app_leaves_nothing(
    terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    window = terminal("demo")
    window.until("untested")
    # The terminal says so, and the shell in it too.
    window.hang_up()
    window.hang_up()

    assert window.wait() in (0, 130)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_at_once_and_leaves_nothing(terminal: Any, how: signal.Signals) -> None:
    window = terminal("demo", "--lines")
    window.until("data     [")
    os.kill(window.pid, how)

    assert window.wait() == 130
