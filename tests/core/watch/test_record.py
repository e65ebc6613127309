"""What is known of a watch survives it, and two of the same plan don't meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from transship.errors import AlreadyWatched
from transship.oci.artifact import Artifact
from transship.oci.digest import digest_of
from transship.oci.platform import Platform
from transship.oci.reference import Reference
from transship.plans.plan import Terms, Wanted
from transship.watch.offline import OfflineRegistry
from transship.watch.record import WatchFile, WatchRecord, WatchRound, watches
from transship.watch.schedule import RetrySchedule

if TYPE_CHECKING:
    from pathlib import Path

SOURCE, TARGET = Reference("old.example", "web", "1"), Reference("new.example", "web", "1")
TERMS = Terms((Platform("linux", "arm", "v7"),), frozenset({Artifact.CHART}), immutable=True)
RECORD = WatchRecord(
    plan="/plans/shop.toml",
    pid=4711,
    started=1.0,
    schedule="every 10 min",
    next=700.0,
    last=WatchRound(10.0, 100.0, found=340, problem=("It broke", "there", "mend it")),
    jobs=("abc123",),
    listening="127.0.0.1:8090",
    away=(OfflineRegistry("old.example", ("It broke", "there", "mend it"), 3, 800.0),),
    trials=(
        (TARGET, RetrySchedule(digest_of(b"1"), 2, 900.0, Wanted(SOURCE, TARGET, TERMS))),
        (Reference("new.example", "api", digest=digest_of(b"2")), RetrySchedule(None, 1, 950.0)),
    ),
    mark="1f",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "watches"


def test_it_is_kept_as_it_was(folder: Path, tmp_path: Path) -> None:
    file = WatchFile.of(folder, tmp_path / "shop.toml")
    with file.held():
        file.write(RECORD)
        assert watches(folder) == [(RECORD, True)]
    assert watches(folder) == [(RECORD, False)]
    assert folder.stat().st_mode & 0o077 == 0


def test_a_plan_is_watched_once_whichever_way_leads_to_it(folder: Path, tmp_path: Path) -> None:
    plan = tmp_path / "shop.toml"
    plan.touch()
    (tmp_path / "link.toml").symlink_to(plan)
    with WatchFile.of(folder, plan).held() as _:
        WatchFile.of(folder, plan).write(RECORD)
        with (
            pytest.raises(AlreadyWatched, match=r"/plans/shop\.toml, by process 4711"),
            WatchFile.of(folder, tmp_path / "link.toml").held(),
        ):
            pass


def test_plans_of_one_name_in_two_folders_are_two(folder: Path, tmp_path: Path) -> None:
    one, other = (WatchFile.of(folder, tmp_path / name / "shop.toml") for name in "ab")
    assert one != other
    with one.held(), other.held():
        assert one.is_held


def test_a_name_of_any_letters_makes_a_file(folder: Path, tmp_path: Path) -> None:
    file = WatchFile.of(folder, tmp_path / "a b\n☃.toml")
    with file.held():
        file.write(RECORD)
    assert file.read() == RECORD


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"plan": 1}'])
def test_what_can_not_be_read_any_more_is_nothing(
    folder: Path, tmp_path: Path, content: bytes
) -> None:
    file = WatchFile.of(folder, tmp_path / "shop.toml")
    with file.held():
        file.path.write_bytes(content)
    assert file.read() is None
    assert watches(folder) == []


def test_nothing_was_ever_watched(folder: Path) -> None:
    assert watches(folder) == []
