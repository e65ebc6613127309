"""A file is replaced as a whole, or not at all."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from transship.replacing import replace_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("asked", "mode"), [(None, 0o600), (0o644, 0o644)])
def test_what_was_there_is_replaced(tmp_path: Path, asked: int | None, mode: int) -> None:
    file = tmp_path / "file"
    file.write_text("as it was")

    replace_file(file, b"as it is", mode=asked)

    assert file.read_bytes() == b"as it is"
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert list(tmp_path.iterdir()) == [file]


def test_what_fails_leaves_all_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("as it was")

    def no_room(_: int) -> None:
        raise OSError("no room")

    monkeypatch.setattr(os, "fsync", no_room)

    with pytest.raises(OSError, match="no room"):
        replace_file(file, b"as it is")

    assert file.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [file]
