"""The frame around all commands: help, version, start-up, and what happens on a fault."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from transship import __version__
from transship.paths import default_paths
from transship_tui.commands.application import app_for
from transship_tui.commands.output import reported

_COMMANDS = [
    "login", "registries", "services", "logout", "ls", "inspect", "find", "copy", "advise", "plan",
    "drift", "run", "import", "verify", "delegate", "jobs", "attach", "pause", "resume", "cancel",
    "retry", "limit", "undo", "promote", "flow", "report", "check", "cutover", "demo",
]  # fmt: skip


def test_alone_it_says_what_can_be_done(transship: Any) -> None:
    ended = transship()
    assert ended.status == 0
    assert "transship --plain" in ended.err
    assert "transship demo" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80


def test_the_version(transship: Any) -> None:
    assert transship("--version").out == f"transship {__version__}\n"


def test_the_help_lists_every_command_in_one_line_each(transship: Any) -> None:
    ended = transship("--help")
    assert ended.status == 0
    assert re.findall(r"^  ([a-z]+)  +\S", ended.out, re.MULTILINE) == _COMMANDS
    assert "..." not in ended.out.partition("Commands:")[2]


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    ended = CliRunner().invoke(app_for([command]), [command, "--help"], prog_name="transship")
    assert ended.exit_code == 0
    assert ended.output.startswith(f"Usage: transship {command}")


def test_a_slip_of_the_finger(transship: Any) -> None:
    ended = transship("copi")
    assert ended.status == 2
    assert "'copy'" in ended.err


@pytest.mark.parametrize("words", [(), ("--version",), ("jobs",)])
def test_what_needs_no_registry_waits_for_no_network_code(words: tuple[str, ...]) -> None:
    code = (
        "import sys\n"
        "from transship_tui.commands import main\n"
        f"try: main({list(words)!r})\n"
        "except SystemExit: pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    loaded = set(ended.stdout.splitlines()[-1].split())
    assert not loaded & {"aiohttp", "httpx", "keyring", "textual", "rich"}


NOT_FOR_THE_FIRST_SCREEN = {
    "aiohttp",
    "cryptography",
    "dns",
    "transship.cutover.status",
    "transship.cutover.watch",
    "transship.engines.delegation",
    "transship.engines.choice",
    "transship.cutover.in_sync",
    "transship.registry.distribution",
    "transship.transfers.inventory",
    "transship.reports.job",
    "transship.reports.job_formats",
    "transship.transfers.undo",
    "transship.app.listing",
    "transship_tui.screens.registries.form",
}
"""What asks others and what judges, and what is behind the first screen: each takes time."""


def test_the_app_is_drawn_before_what_speaks_to_others_is_imported() -> None:
    code = (
        "import sys\n"
        "import transship_tui.app, transship.app.application\n"
        "import transship_tui.screens.registries.accounts\n"
        f"others = {NOT_FOR_THE_FIRST_SCREEN!r}\n"
        "assert not others & set(sys.modules), others & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)


def test_a_broken_file_is_named(transship: Any) -> None:
    path = default_paths().registries
    path.parent.mkdir(parents=True)
    path.write_text("version = ")

    ended = transship("registries", "--json")

    assert ended.status == 2
    assert str(path) in ended.err
    assert ended.document["error"]["cause"] == "bad-file"


def test_what_nobody_expected_is_one_line_and_a_log_without_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret = "-".join(["correct", "horse"])

    def broken() -> int:
        raise LookupError(f"the password is {secret}")

    with pytest.raises(typer.Exit) as ended:
        reported(broken)()

    log = default_paths().state / "errors.log"
    shown = capsys.readouterr()
    assert ended.value.exit_code == 1
    assert "LookupError in `transship broken`" in shown.err
    assert str(log) in shown.err
    assert log.stat().st_mode & 0o777 == 0o600
    assert "in broken" in log.read_text()
    assert secret not in shown.out + shown.err + log.read_text()


def test_a_folder_that_cannot_be_written(transship: Any, tmp_path: Any) -> None:
    (tmp_path / "file").write_text("")
    ended = transship("login", "a.example", "--anonymous", TRANSSHIP_HOME=str(tmp_path / "file"))
    assert ended.status in (1, 2)
    assert "Traceback" not in ended.err
    assert "  → " in ended.err


def test_a_terminal_that_knows_few_letters(transship: Any) -> None:
    ended = transship("copy", "a", "b", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ended.status == 2
    assert "  ? Write the host in full" in ended.err
