"""`transship advise`: the advice of the app, on the line."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from transship.plans.advice import _WORDS
from transship_tui.commands.application import app_for

TCR = ("old.tencentcloudcr.com", "new.tencentcloudcr.com")


def test_one_way_is_recommended_and_the_others_have_a_reason(transship: Any) -> None:
    ended = transship("advise", "old.example", "new.example/team")

    assert ended.status == 0
    assert ended.out.startswith("Copy once, through this machine: Transship copies")
    assert "A replication policy of Harbor: neither end is a Harbor." in ended.out
    pace = "--pace once|sometimes|constantly: Will old.example go on changing after the first move?"
    assert pace in ended.out


def test_answers_change_the_advice_and_are_not_asked_again(transship: Any) -> None:
    words = ("--pace", "constantly", "--whole", "yes", "--here", "yes", "--vanish", "no")
    document = transship("advise", "old.example", "new.example", *words, "--json").document

    assert document["way"] == "replication"
    assert document["questions"] == []
    assert document["others"][0]["way"] == "copy"


def test_engines_of_a_service_are_known_by_the_host(transship: Any) -> None:
    answers = {
        "source-edition": "premium", "target-edition": "premium", "source-side": "yes",
        "target-side": "yes", "owner": "yes", "target-written": "no", "whole": "yes",
    }  # fmt: skip
    words = [word for name, value in answers.items() for word in (f"--{name}", value)]

    assert transship("advise", *TCR, *words, "--json").document["way"] == "tcr-replication"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("old.example", "new.example", "--pace", "daily"), "--pace daily: that is no answer"),
        (("old.example/web:1", "new.example"), "names one image"),
    ],
)
def test_what_cannot_be_asked(transship: Any, words: tuple[str, ...], said: str) -> None:
    ended = transship("advise", *words)
    assert ended.status == 2
    assert said in ended.err


def test_every_question_has_its_option() -> None:
    ended = CliRunner().invoke(app_for(["advise"]), ["advise", "--help"])
    for name in _WORDS:
        assert f"--{name} " in ended.output
