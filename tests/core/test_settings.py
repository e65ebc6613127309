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
    ("text", "place"),
    [
        ("colour = 1\n", "colour"),
        ('mouse = "yes"\n', "mouse"),
        ('clipboard = "always"\n', "clipboard"),
        ("theme =\n", "line 1"),
        ("[keys]\nx = 3\n", "keys"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(BadFile) as caught:
        read_settings(file)
    assert str(file) in caught.value.detail
    assert place in caught.value.detail


def test_a_session_over_ssh_looks_less_often_unless_told_otherwise() -> None:
    assert Settings().refreshes_per_second(over_ssh=False) == 4
    assert Settings().refreshes_per_second(over_ssh=True) == 2
    assert Settings(refresh=1).refreshes_per_second(over_ssh=False) == 1
    assert Settings(refresh=1000).refreshes_per_second(over_ssh=True) == 10
