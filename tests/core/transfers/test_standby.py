"""A runner that stands by is given its job through a pipe, and ends with whoever left it there."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from servers.process import eventually
from transship.registry.access import Access
from transship.registry.credential import Credential
from transship.transfers.standby import Standby, Work, stand_by

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks safely")

ACCESS = Access("new.example", credential=Credential("robot", "s3cr3t"))


def echo(folder: Path, rest: bytes) -> None:
    """Write what was given to the folder, and say so."""
    (folder / "given").write_bytes(rest)
    os.write(1, b"ready\n")


def failing(folder: Path, rest: bytes) -> None:
    raise RuntimeError("no such luck")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count this process's threads as one: others' tests leave some, which hold nothing here."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def left(work: Work = echo) -> Standby:
    """Leave one standing by."""
    standby = stand_by(lambda: work)
    assert standby is not None
    return standby


def test_it_does_the_job_that_it_is_given(tmp_path: Path) -> None:
    standby = left()
    assert standby.begin(tmp_path, [ACCESS]) == b"ready\n"
    assert Access.decode((tmp_path / "given").read_bytes()) == ACCESS
    assert os.waitstatus_to_exitcode(os.waitpid(standby.pid, 0)[1]) == 0


def test_it_is_a_session_of_its_own(tmp_path: Path) -> None:
    standby = left()
    eventually(lambda: os.getsid(standby.pid) == standby.pid)
    standby.begin(tmp_path, [])
    os.waitpid(standby.pid, 0)


def test_what_gets_no_job_ends_by_itself() -> None:
    standby = left()
    os.close(standby._asks)
    os.close(standby._answers)
    assert os.waitstatus_to_exitcode(os.waitpid(standby.pid, 0)[1]) == 0


def test_one_that_fails_says_nothing_and_ends(tmp_path: Path) -> None:
    standby = left(failing)
    assert standby.begin(tmp_path, []) == b""
    assert os.waitstatus_to_exitcode(os.waitpid(standby.pid, 0)[1]) == 1


def test_none_is_left_by_a_process_with_several_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert stand_by(lambda: echo) is None


def test_none_is_left_where_the_environment_holds_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRANSSHIP_NEW_EXAMPLE_PASSWORD", "s3cr3t")
    assert stand_by(lambda: echo) is None
