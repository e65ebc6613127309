"""A lock is held by one process, shows, and goes with the process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from transship import locks

if TYPE_CHECKING:
    from pathlib import Path

HOLDS = """
import sys
from pathlib import Path
from transship.locks import held

with held(Path(sys.argv[1])) as ours:
    print(ours, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def test_one_holds_it_and_another_is_told(path: Path) -> None:
    with locks.held(path) as first, locks.held(path) as second:
        assert (first, second) == (True, False)
        assert locks.is_held(path)
    assert not locks.is_held(path)
    with locks.held(path) as again:
        assert again


def test_who_was_refused_takes_nothing_away(path: Path) -> None:
    with locks.held(path):
        with locks.held(path) as second:
            assert not second
        assert locks.is_held(path)


def test_to_ask_makes_no_file(path: Path) -> None:
    assert not locks.is_held(path)
    assert not locks.is_held(path / "nowhere")
    assert not path.exists()


def test_only_its_owner_reads_it(path: Path) -> None:
    before = os.umask(0)
    try:
        with locks.held(path):
            assert path.stat().st_mode & 0o077 == 0
    finally:
        os.umask(before)


def test_it_goes_with_a_process_that_is_killed(path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        with locks.held(path) as ours:
            assert not ours
        assert locks.is_held(path)
        process.kill()
    assert not locks.is_held(path)


def test_nobody_is_refused_because_others_ask(path: Path) -> None:
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            locks.is_held(path)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(100):
            with locks.held(path) as ours:
                assert ours
    finally:
        done.set()
        asking.join()
