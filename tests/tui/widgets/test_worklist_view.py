"""What a copy costs, in words."""

from __future__ import annotations

import pytest

from fakes.images import worklist_of
from transship.transfers.work import Verdict, Worklist
from transship_tui.widgets.worklist_view import cost


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
