"""Before an undo: which plans are watched and would copy the same again."""

from __future__ import annotations

from pathlib import Path

from transship.oci.reference import parse_reference
from transship.plans.mapping import mapped
from transship.plans.plan import Plan
from transship.watch.record import WatchFile, WatchRecord, conflicting_watchers

PLAN = Plan(mapped([parse_reference("old.example/team/web:1")], "new.example", "team/web"))


def kept(folder: Path, name: str, target: str) -> WatchFile:
    """Write a plan, and what is known of its watch; return where that is."""
    file = folder / f"{name}.toml"
    file.write_text(
        f'version = 1\nkind = "sync"\n[[rules]]\nfrom = "old.example"\nto = "{target}/mirror"\n'
    )
    watch = WatchFile.of(folder / "watches", file)
    (folder / "watches").mkdir(exist_ok=True)
    watch.write(WatchRecord(str(file)))
    return watch


def test_a_plan_that_is_watched_and_writes_there_is_named(tmp_path: Path) -> None:
    here, elsewhere = kept(tmp_path, "shop", "new.example"), kept(tmp_path, "b", "third.example")
    with here.held(), elsewhere.held():
        rivals = conflicting_watchers(PLAN, tmp_path / "watches", parse_reference)
    assert rivals == [str(tmp_path / "shop.toml")]


def test_a_watch_that_has_ended_copies_nothing(tmp_path: Path) -> None:
    kept(tmp_path, "shop", "new.example")
    assert conflicting_watchers(PLAN, tmp_path / "watches", parse_reference) == []


def test_a_plan_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    watch = kept(tmp_path, "shop", "new.example")
    (tmp_path / "shop.toml").write_text("version = [")
    with watch.held():
        assert conflicting_watchers(PLAN, tmp_path / "watches", parse_reference) == []
