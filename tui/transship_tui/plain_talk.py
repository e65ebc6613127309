"""Plain questions and answers: an empty answer takes what is offered, `q` ends at any of them."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transship.errors import TransshipError

_END = "."


class Left(Exception):
    """The operator ended the guide."""


class Declined(Exception):
    """The operator wants something else than what was asked for."""


@dataclass(slots=True)
class Terminal:
    """How questions are asked and things said. Tests stand in here."""

    ask: Callable[[str], str] = input
    ask_secret: Callable[[str], str] = getpass.getpass
    say: Callable[[str], None] = print


@dataclass(slots=True)
class Talk:
    """Asks and says. `q`, and the end of the input, raise Left."""

    terminal: Terminal = field(default_factory=Terminal)

    def say(self, text: str) -> None:
        """Say something."""
        self.terminal.say(text)

    def say_error(self, error: TransshipError) -> None:
        """Say what went wrong, and what to do."""
        self.say(f"Error: {error.title}")
        if error.detail:
            self.say(f"  {error.detail}")
        self.say(f"  What to do: {error.remedy}")

    def ask(self, question: str, offered: str = "") -> str:
        """Return the answer to a question."""
        try:
            answer = self.terminal.ask(f"{question}{f' [{offered}]' if offered else ''}: ").strip()
        except EOFError:
            raise Left from None
        if answer == "q":
            raise Left
        return answer or offered

    def paste(self) -> str:
        """Return the lines up to one with a dot alone; none after an empty first one."""
        lines: list[str] = []
        while (line := self._line()) != _END and (line or lines):
            lines.append(line)
        return "\n".join(lines).strip()

    def _line(self) -> str:
        try:
            return self.terminal.ask("").rstrip()
        except EOFError:
            raise Left from None

    def ask_secret(self, question: str) -> str:
        """Return what isn't to be seen."""
        try:
            return self.terminal.ask_secret(f"{question}: ")
        except EOFError:
            raise Left from None

    def agree(self, question: str) -> None:
        """Go on only with a yes. Raises Declined."""
        if self.ask(f"{question}? Type yes or no", "no").lower() not in ("yes", "y"):
            raise Declined

    def choose(self, question: str, choices: tuple[str, ...], offered: str) -> str:
        """Return one of some words; asks again until it is."""
        while True:
            answer = self.ask(f"{question}: {', '.join(choices)}", offered).lower()
            if answer in choices:
                return answer
            self.say(f"That is none of {', '.join(choices)}.")
