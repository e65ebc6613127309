"""The line as an operator has it: a process of its own, with or without a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from moving.jobs import runner_of
from servers.process import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transship.transfers.jobs import Job

_SECONDS = 60.0
_LINE = [sys.executable, "-m", "transship_tui"]
# A terminal of its own, so that Ctrl-C and the question for a password reach it.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'transship_tui', *sys.argv[1:]])\n"
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


class Terminal:
    """A command that runs in a terminal of its own."""

    def __init__(self, words: tuple[str, ...], columns: int, rows: int) -> None:
        self._own, theirs = pty.openpty()
        self.resize(columns, rows)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._written = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def written(self) -> str:
        """Everything that was written to the terminal so far, control sequences included."""
        return self._written.decode(errors="replace")

    @property
    def pid(self) -> int:
        """The process id of the command."""
        return self._process.pid

    def resize(self, columns: int, rows: int) -> None:
        """Make the window another size."""
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        """Type on the keyboard; `\\x03` is Ctrl-C."""
        os.write(self._own, text.encode())

    def until(self, text: str) -> None:
        """Wait until something was written."""
        eventually(lambda: text in self.written, f"{text!r} in {self.written!r}")

    def wait(self) -> int:
        """Wait for the end and return the exit status."""
        status = self._process.wait(_SECONDS)
        self._reader.join(5)
        return status

    def close(self) -> None:
        """End the command, if it hasn't, and close the terminal."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        os.close(self._own)

    def hang_up(self) -> None:
        """Do what closing the window does to the command."""
        os.kill(self.pid, signal.SIGHUP)

    def _read(self) -> None:
        # Linux says EIO when nobody holds the other end any more.
        with suppress(OSError):
            while piece := os.read(self._own, 65536):
                self._written += piece


@pytest.fixture
def transship() -> Callable[..., Ended]:
    """Run a command without a terminal, to its end. `stdin` is what it can read."""

    def run(*words: object, stdin: str = "", **environment: str) -> Ended:
        ended = subprocess.run(
            [*_LINE, *map(str, words)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            env=os.environ | environment,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command without a terminal; its error output comes through a pipe."""
    with ExitStack() as processes:

        def start(*words: object) -> subprocess.Popen[str]:
            process = processes.enter_context(
                subprocess.Popen(
                    [*_LINE, *map(str, words)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            processes.callback(_end, process)
            return process

        yield start


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Run commands in terminals; takes the words, and the size in columns and rows."""
    with ExitStack() as terminals:

        def run(*words: object, columns: int = 80, rows: int = 24) -> Terminal:
            opened = Terminal(tuple(map(str, words)), columns, rows)
            terminals.callback(opened.close)
            return opened

        yield run


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()


@pytest.fixture
def runner_pid() -> Callable[[Job], int]:
    """Find the process that works on a job."""

    return runner_of
