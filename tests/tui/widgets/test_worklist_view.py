"""What a copy costs, in words."""

from __future__ import annotations

import pytest

from fakes.images import worklist_of
from transship.errors import NoRight
from transship.transfers.copies import Verdict, Worklist
from transship.transfers.preflight import PreflightUnknown
from transship_tui.widgets.worklist import cost, not_known


@pytest.mark.parametrize(
    ("worklist", "words"),
    [
        (worklist_of(), "Nothing would be written."),
        (worklist_of(Verdict.SAME), "Nothing would be written."),
        (worklist_of(Verdict.COPY, there=0), "Moves 150 MiB."),
        (worklist_of(Verdict.COPY, there=2), "Moves no layers: all are there or mounted."),
        (worklist_of(Verdict.COPY), "Moves 50 MiB of 150 MiB; the rest is there or mounted."),
    ],
)
def test_the_cost_is_told_in_words(worklist: Worklist, words: str) -> None:
    assert cost(worklist).startswith(words)


def test_what_is_not_known_is_told_without_anything_that_steers_the_terminal() -> None:
    unknown = PreflightUnknown(
        "new.example", "which tags are immutable", ("a",), NoRight("no\x1b[2J")
    )

    assert not_known(unknown) == (
        "! new.example: it isn't known which tags are immutable (a): No right to do this: no [2J"
    )
