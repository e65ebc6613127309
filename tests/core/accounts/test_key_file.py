"""A key that comes in a file is read once; what is no such file is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from transship.accounts.secrets import read_key_file
from transship.errors import BadFile


def test_what_stands_in_the_file_is_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key.json").write_text('{"private_key": "a\\nb"}\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_key_file("~/key.json") == '{"private_key": "a\\nb"}'


def test_what_is_no_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    os.mkfifo(tmp_path / "pipe")
    for name, why in (
        ("none", "No such file"),
        ("empty", "empty"),
        ("large", "too large"),
        ("binary", "no text"),
        ("pipe", "no plain file"),
        ("", "no plain file"),
    ):
        with pytest.raises(BadFile, match=why):
            read_key_file(str(tmp_path / name))
