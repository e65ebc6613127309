"""Redrawing in place: what a terminal shows after each drawing."""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING

import pytest

from transship_tui.commands.status import Screen

if TYPE_CHECKING:
    from collections.abc import Iterator


class Paper(io.StringIO):
    """A terminal of which one knows what it shows; understands what `Screen` writes."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = [""]
        self.row = 0
        self.amount = 0

    def fileno(self) -> int:
        """Return a number that is no terminal's; the size is said by the test."""
        return 99

    def write(self, text: str) -> int:
        """Take in text and control sequences."""
        self.amount += len(text)
        for part in re.findall(r"\x1b\[\d*[AJK]|\r|\n|[^\x1b\r\n]+", text):
            if part == "\n":
                self.row += 1
                self.rows += [""] * (self.row + 1 - len(self.rows))
            elif part.endswith("A") and part.startswith("\x1b"):
                self.row -= int(part[2:-1])
            elif part == "\x1b[J":
                del self.rows[self.row + 1 :]
                self.rows[self.row] = ""
            elif part not in ("\r", "\x1b[K"):
                self.rows[self.row] = part
        return len(text)

    @property
    def shown(self) -> list[str]:
        return [row for row in self.rows if row]


@pytest.fixture
def size(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The columns and rows of every terminal; can be changed."""
    size = [80, 24]
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size(size))
    return size


def test_lines_take_the_place_of_those_before(size: list[int]) -> None:
    paper = Paper()
    screen = Screen(paper)
    for lines in (["one", "two"], ["one", "2", "three"], ["1"]):
        screen.draw(lines)
        assert paper.shown == lines
    screen.clear()
    assert paper.shown == []


def test_what_has_not_changed_is_not_written(size: list[int]) -> None:
    paper = Paper()
    screen = Screen(paper)
    screen.draw(["a long line that stays as it is", "1"])
    before = paper.amount
    screen.draw(["a long line that stays as it is", "1"])
    assert paper.amount == before
    screen.draw(["a long line that stays as it is", "2"])
    assert paper.amount - before < 20


def test_no_line_is_wider_and_no_block_higher_than_the_terminal(size: list[int]) -> None:
    size[:] = [10, 3]
    paper = Paper()
    Screen(paper).draw(["x" * 30] * 8)
    assert paper.shown == ["x" * 8 + "…"] * 2


def test_a_terminal_that_became_narrow_has_broken_the_lines(size: list[int]) -> None:
    paper = Paper()
    screen = Screen(paper)
    screen.draw(["x" * 60])
    size[0] = 40
    paper.rows, paper.row = ["x" * 40, "x" * 20, ""], 2
    screen.draw(["y"])
    assert paper.shown == ["y"]
