"""An operator in plain lines, whose answers are known beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field

from transship_tui.plain import Terminal


@dataclass
class Script:
    """Answers in the order in which they are given; what is said and asked is kept."""

    answers: list[str]
    said: list[str] = field(default_factory=list)

    def ask(self, question: str) -> str:
        self.said.append(question)
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)

    @property
    def text(self) -> str:
        return "\n".join(self.said)

    def terminal(self) -> Terminal:
        return Terminal(ask=self.ask, ask_secret=self.ask, say=self.said.append)
