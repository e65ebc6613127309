"""The operator's own settings are read strictly, and never written."""

from __future__ import annotations

from pathlib import Path

import pytest

from transship.errors import BadFile
from transship.settings import Settings, read_settings


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "config.toml") == Settings()


def test_what_is_set_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('theme = "nord"\nmouse = false\n[keys]\n"jobs.pause" = "P"\n')
    settings = read_settings(file)
    assert (settings.theme, settings.mouse) == ("nord", False)
    assert settings.keys == {"jobs.pause": "P"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 1\n", "line 1: there is no setting colour"),
        ('\nmouse = "yes"\n', "line 2: mouse must be true or false"),
        ('refresh = "often"\n', "line 1: refresh must be a number"),
        (
            '# mine\nclipboard = "always"\n',
            'line 2: clipboard must be "auto", "osc52", "native" or "off"',
        ),
        ("theme =\n", "line 1"),
        ("keys = 3\n", "line 1: keys must be a table of keys"),
        ('[keys]\n"jobs.pause" = 3\n', "line 2: the key for jobs.pause goes in quotes"),
        ("[unknown]\nx = 3\n", "line 1: there is no setting unknown"),
    ],
)
def test_a_mistake_is_named_with_its_line_in_plain_words(
    tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(BadFile) as caught:
        read_settings(file)
    assert str(file) in caught.value.detail
    assert words in caught.value.detail
    assert "`" not in caught.value.detail


def test_a_file_that_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadFile, match="isn't text in UTF-8"):
        read_settings(file)


def test_a_session_over_ssh_looks_less_often_unless_told_otherwise() -> None:
    assert Settings().refreshes_per_second(over_ssh=False) == 4
    assert Settings().refreshes_per_second(over_ssh=True) == 2
    assert Settings(refresh=1).refreshes_per_second(over_ssh=False) == 1
    assert Settings(refresh=1000).refreshes_per_second(over_ssh=True) == 10
