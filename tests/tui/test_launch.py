"""Settings that the app can't do are said, and it says why it doesn't open."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadFile
from transship.settings import Settings
from transship_tui.commands import main
from transship_tui.keys import all_keys, faults_in, normal
from transship_tui.launch import checked

PATH = Path("config.toml")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(theme="nope"), 'theme "nope" is none of'),
        (Settings(keys={"nosuch": "x"}), '"nosuch" is the id of no key'),
        (Settings(keys={"registries.test": "foo+bar+baz"}), "foo+bar+baz is no key"),
        (Settings(keys={"registries.test": ""}), "nothing is no key"),
        (Settings(keys={"registries.test": "a"}), '"registries.add" and "registries.test" are'),
        (Settings(keys={"log": "j"}), '"list.down" and "log" are both j'),
    ],
)
def test_a_setting_that_means_nothing_is_named_with_its_file(
    settings: Settings, words: str
) -> None:
    with pytest.raises(BadFile) as caught:
        checked(settings, PATH)
    assert caught.value.detail.startswith("config.toml: ")
    assert words in caught.value.detail


def test_keys_may_be_written_as_they_are_on_a_keyboard() -> None:
    keys = {"help": "?, f1", "browse.filter": "/", "jobs.pause": "ctrl+t", "log": "full_stop"}
    assert checked(Settings(keys=keys), PATH).keys["help"] == "question_mark,f1"


def test_two_that_take_turns_may_share_a_key_and_two_may_change_places() -> None:
    checked(Settings(keys={"jobs.pause": "p", "jobs.resume": "p"}), PATH)
    checked(Settings(keys={"registries.test": "a", "registries.add": "t"}), PATH)


@given(st.sampled_from(sorted(key.id for key in all_keys())))
def test_every_key_of_ours_may_be_written_down_as_it_is(name: str) -> None:
    keys = {key.id: key.keys for key in all_keys() if key.id == name}
    assert list(faults_in(normal(keys))) == []


@pytest.mark.parametrize("terminal", ["dumb", ""])
def test_without_a_terminal_to_draw_on_it_says_why_and_what_to_do(
    terminal: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", terminal)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    said = capsys.readouterr().err
    assert "TERM" in said
    assert "transship --plain" in said
