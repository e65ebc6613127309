"""`transship demo`: needs nothing, shows a copy and its proof, leaves nothing."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from transship.paths import default_paths

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder for temporary files that must be empty again, and a home that must stay so."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield
    assert list(tmp_path.iterdir()) == []
    assert not default_paths().state.parent.exists()


def test_it_copies_and_proves(transship: Any) -> None:
    ended = transship("demo")

    assert ended.status == 0, ended.err
    assert "$ transship copy old/team/web new/mirror/team/web" in ended.out
    assert "8 images: 8 copied" in ended.out
    assert "$ transship verify old/team/web new/mirror/team/web" in ended.out
    assert "proven  8 images" in ended.out
    assert "transship login" not in ended.out, "nobody is there to read it"


def test_in_a_terminal_it_shows_progress_and_what_to_try_next(terminal: Any) -> None:
    window = terminal("demo", "--lines")

    assert window.wait() == 0
    assert "data     [" in window.written
    assert "transship login HOST" in window.written


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_at_once_and_leaves_nothing(terminal: Any, how: signal.Signals) -> None:
    window = terminal("demo", "--lines")
    window.until("data     [")
    os.kill(window.pid, how)

    assert window.wait() == 130
