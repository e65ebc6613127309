"""The commands below `transship delegate`: each is listed, and explains itself."""

from __future__ import annotations

import re

import pytest

from delegating.line import line
from transship_tui.commands import engine, tcr


def test_all_are_listed_in_one_line_each() -> None:
    ended = line("delegate", "--help")
    assert ended.status == 0
    assert re.findall(r"^  ([a-z]+)  +\S", ended.out, re.MULTILINE) == [*engine.COMMANDS]
    assert "..." not in ended.out.partition("Commands:")[2]


@pytest.mark.parametrize(
    "words",
    [
        *((name,) for name in engine.COMMANDS),
        *(("domain", name) for name in tcr.COMMANDS),
    ],
)
def test_each_explains_itself(words: tuple[str, ...]) -> None:
    ended = line("delegate", *words, "--help")
    assert ended.status == 0
    assert ended.out.startswith(f"Usage: transship delegate {' '.join(words)} ")


def test_a_slip_of_the_finger() -> None:
    ended = line("delegate", "statsu")
    assert ended.status == 2
    assert "'status'" in ended.err
