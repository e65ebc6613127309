"""Copying says what happened, and no more than that."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from transship_tui.clipboard import Clipboard, Copied


@pytest.fixture
def sent() -> list[str]:
    """What was sent to the terminal."""
    return []


@pytest.fixture
def desktop(tmp_path: Path) -> dict[str, str]:
    """The environment of a desktop without any program for the clipboard."""
    return {"PATH": str(tmp_path), "TERM": "xterm-256color", "DISPLAY": ":0"}


def program(environ: dict[str, str], name: str, code: str) -> Path:
    """Put a program on the path; return the file that it can write to."""
    folder = Path(environ["PATH"])
    out = folder / "out"
    script = folder / name
    script.write_text(f"#!{sys.executable}\nimport os, sys, time\nout = {str(out)!r}\n{code}\n")
    script.chmod(0o700)
    return out


TAKES = "open(out, 'w').write(sys.stdin.read() + '|' + ' '.join(sys.argv[1:]))"


async def test_a_program_of_the_desktop_takes_the_text(
    desktop: dict[str, str], sent: list[str]
) -> None:
    out = program(desktop, "xclip", TAKES)
    copied = await Clipboard("auto", desktop, sent.append).copy("transship ls")
    assert copied == Copied(True, "Copied", "transship ls")
    assert out.read_text() == "transship ls|-selection clipboard"
    assert sent == []


async def test_wayland_goes_before_x11(desktop: dict[str, str], sent: list[str]) -> None:
    program(desktop, "xclip", "sys.exit(1)")
    out = program(desktop, "wl-copy", TAKES)
    desktop["WAYLAND_DISPLAY"] = "wayland-0"
    assert (await Clipboard("native", desktop, sent.append).copy("x")).done
    assert out.read_text() == "x|"


async def test_a_program_for_a_desktop_that_is_not_there_is_left_alone(
    desktop: dict[str, str], sent: list[str]
) -> None:
    program(desktop, "wl-copy", TAKES)
    await Clipboard("auto", desktop, sent.append).copy("x")
    assert sent == ["x"]


@pytest.mark.parametrize("variable", ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"])
async def test_over_ssh_only_the_terminal_can_reach_the_operator(
    desktop: dict[str, str], sent: list[str], variable: str
) -> None:
    program(desktop, "xclip", TAKES)
    desktop[variable] = "10.0.0.1 1 10.0.0.2 22"
    copied = await Clipboard("auto", desktop, sent.append).copy("x")
    assert sent == ["x"]
    assert copied.words == "Sent to your terminal to copy (OSC 52): x"


async def test_an_agent_on_the_desktop_is_no_ssh_session(
    desktop: dict[str, str], sent: list[str]
) -> None:
    program(desktop, "xclip", TAKES)
    desktop["SSH_AUTH_SOCK"] = "/run/user/1000/agent"
    assert (await Clipboard("auto", desktop, sent.append).copy("x")).how == "Copied"


async def test_tmux_copies_only_if_it_is_told_to(desktop: dict[str, str], sent: list[str]) -> None:
    desktop["TMUX"] = "/tmp/tmux-1000/default,1,0"
    copied = await Clipboard("osc52", desktop, sent.append).copy("x")
    assert sent == ["x"]
    assert "set-clipboard" in copied.how


@pytest.mark.parametrize("terminal", ["dumb", "linux", ""])
async def test_a_terminal_that_cannot_copy_shows_the_text(
    desktop: dict[str, str], sent: list[str], terminal: str
) -> None:
    desktop["TERM"] = terminal
    copied = await Clipboard("osc52", desktop, sent.append).copy("transship ls")
    assert (copied.done, sent) == (False, [])
    assert copied.words.endswith("transship ls")


async def test_off_is_off(desktop: dict[str, str], sent: list[str]) -> None:
    out = program(desktop, "xclip", TAKES)
    copied = await Clipboard("off", desktop, sent.append).copy("x")
    assert (copied.done, sent, out.exists()) == (False, [], False)


async def test_native_without_a_program_says_so(desktop: dict[str, str], sent: list[str]) -> None:
    copied = await Clipboard("native", desktop, sent.append).copy("x")
    assert (copied.done, sent) == (False, [])
    assert "no wl-copy, xclip or pbcopy here" in copied.how


@pytest.mark.parametrize(
    "code", ["sys.exit(3)", "time.sleep(60)"], ids=["that fails", "that never ends"]
)
async def test_a_program_that_does_not_take_it_is_no_success(
    desktop: dict[str, str], sent: list[str], code: str
) -> None:
    program(desktop, "xclip", code)
    native = Clipboard("native", desktop, sent.append, seconds=0.2)
    copied = await native.copy("x")
    assert (copied.done, copied.how) == (False, "Not copied, xclip failed")
    await Clipboard("auto", desktop, sent.append, seconds=0.2).copy("x")
    assert sent == ["x"]


async def test_what_would_do_more_than_be_read_is_left_out(
    desktop: dict[str, str], sent: list[str]
) -> None:
    text = "one\x1b]52;c;aGk=\x07\u202e two\nthree\r"
    await Clipboard("osc52", desktop, sent.append).copy(text)
    assert sent == ["one ]52;c;aGk=  two\nthree"]


async def test_a_program_is_not_given_secrets(desktop: dict[str, str], sent: list[str]) -> None:
    desktop["TRANSSHIP_REG_EXAMPLE_PASSWORD"] = "correct horse"
    out = program(desktop, "xclip", "open(out, 'w').write(repr(dict(os.environ)))")
    assert (await Clipboard("native", desktop, sent.append).copy("x")).done
    assert "correct horse" not in out.read_text()
