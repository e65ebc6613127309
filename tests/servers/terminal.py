"""A real terminal for a real process: a pseudo-terminal, with pyte to read what it shows."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyte

from servers.process import PATIENCE, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "backtab": "\x1b[Z",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "space": " ",
    "backspace": "\x7f",
    "ctrl+c": "\x03",
    "ctrl+q": "\x11",
    "f2": "\x1bOQ",
}


class Terminal:
    """One process in a terminal of its own. `written` counts the bytes that it was sent."""

    def __init__(self, pid: int, descriptor: int, width: int, height: int) -> None:
        self.pid = pid
        self._descriptor = descriptor
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self.written = 0
        self.raw = bytearray()
        self.status: int | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        """What the screen shows, as lines without trailing blanks."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self._screen.display)

    def press(self, *keys: str) -> None:
        """Press keys one after the other; a name of `KEYS`, or text to type."""
        for key in keys:
            os.write(self._descriptor, KEYS.get(key, key).encode())

    def shows(self, text: str, *, deadline: float = PATIENCE) -> None:
        """Wait until the screen shows a text."""
        try:
            eventually(lambda: text in self.text, deadline=deadline)
        except TimeoutError:
            raise AssertionError(f"{text!r} isn't on the screen:\n{self.text}") from None

    def hang_up(self) -> None:
        """Do what a lost connection does: the process gets SIGHUP."""
        os.kill(self.pid, signal.SIGHUP)

    def ended(self, *, deadline: float = PATIENCE) -> int:
        """Wait for the process to end and return its exit status, negative for a signal."""
        until = time.monotonic() + deadline
        while self.status is None and time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            else:
                self._reader.join(0.02)
        assert self.status is not None, f"still running:\n{self.text}"
        return self.status

    def close(self) -> None:
        """End the process, if it hasn't, and close the terminal."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.ended()
        self._reader.join(2)
        os.close(self._descriptor)

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._descriptor], [], [], 0.1)
            if not ready:
                if self.status is not None:
                    return
                continue
            try:
                data = os.read(self._descriptor, 65536)
            except OSError:
                return
            if not data:
                return
            with self._lock:
                self.written += len(data)
                self.raw += data
                self._stream.feed(data)


@contextmanager
def terminal(
    argv: Sequence[str], environment: Mapping[str, str], *, width: int = 80, height: int = 24
) -> Iterator[Terminal]:
    """Run a program in a terminal of this size."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execvpe(argv[0], list(argv), dict(environment))
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    opened = Terminal(pid, descriptor, width, height)
    try:
        yield opened
    finally:
        opened.close()
