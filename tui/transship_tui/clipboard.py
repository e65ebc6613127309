"""Copying for the operator, and saying truthfully what came of it.

Where the app runs on the operator's own machine a program of the desktop sets the clipboard, and
tells whether it did. Over SSH only the terminal can reach the clipboard that the operator means;
it is sent the text (OSC 52) and never answers, so nothing more than that is claimed.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from transship.registry.access import without_secrets
from transship.text import safe

_SECONDS = 2.0
_LIMIT = 100_000

# Each with the variable that says that its desktop is there; macOS needs none.
_PROGRAMS = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("", ("pbcopy",)),
)


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of copying `text`: whether it was done, or at least tried, and how in words."""

    done: bool
    how: str
    text: str

    @property
    def words(self) -> str:
        """What to say of it. The text is always part of that: it can be selected."""
        return f"{self.how}: {self.text}"


class Clipboard:
    """Copies text as the setting says.

    `send` sends text to the terminal as OSC 52; `environ` is the environment of the app.
    """

    def __init__(
        self,
        setting: Literal["auto", "osc52", "native", "off"],
        environ: Mapping[str, str],
        send: Callable[[str], None],
        *,
        seconds: float = _SECONDS,
    ) -> None:
        self._setting = setting
        self._environ = environ
        self._send = send
        self._seconds = seconds

    async def copy(self, text: str) -> Copied:
        """Copy text, its lines made harmless, and return what to say of it. Never raises."""
        text = "\n".join(safe(line, limit=_LIMIT) for line in text.split("\n"))
        if self._setting == "off":
            return Copied(False, "Copying is off in config.toml", text)
        if self._setting == "native" or (self._setting == "auto" and not self._is_remote()):
            program = self._program()
            if program is not None and await self._run(program, text):
                return Copied(True, "Copied", text)
            if self._setting == "native":
                why = f"{program[0]} failed" if program else "no wl-copy, xclip or pbcopy here"
                return Copied(False, f"Not copied, {why}", text)
        return self._through_the_terminal(text)

    def _is_remote(self) -> bool:
        # Not every SSH_ variable will do: an agent sets its own on the operator's own desktop.
        return not {"SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"}.isdisjoint(self._environ)

    def _through_the_terminal(self, text: str) -> Copied:
        if self._environ.get("TERM", "") in ("", "dumb", "linux"):
            return Copied(False, "This terminal can't copy", text)
        self._send(text)
        if "TMUX" in self._environ:
            return Copied(True, "Sent to tmux, which copies if set-clipboard is on", text)
        return Copied(True, "Sent to your terminal to copy (OSC 52)", text)

    def _program(self) -> tuple[str, ...] | None:
        for variable, program in _PROGRAMS:
            if (not variable or self._environ.get(variable)) and self._finds(program[0]):
                return program
        return None

    def _finds(self, name: str) -> bool:
        return shutil.which(name, path=self._environ.get("PATH")) is not None

    async def _run(self, program: tuple[str, ...], text: str) -> bool:
        """Give a program the text; tell whether it took it in time."""
        try:
            # The program may stay to serve the clipboard, and would hold a pipe of ours open.
            process = await asyncio.create_subprocess_exec(
                *program,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env=without_secrets(self._environ),
            )
        except OSError:
            return False
        try:
            await asyncio.wait_for(process.communicate(text.encode()), self._seconds)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        return process.returncode == 0
