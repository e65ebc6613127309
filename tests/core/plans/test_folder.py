"""The operator's plans in their folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from transship.errors import BadRequest, PlanNotFound
from transship.oci.reference import Reference
from transship.plans.file import PlanFolder
from transship.plans.plan import Plan, wanted

if TYPE_CHECKING:
    from pathlib import Path

PLAN = Plan((wanted(Reference("a.example", "x"), Reference("b.example", "x")),))


@pytest.fixture
def folder(tmp_path: Path) -> PlanFolder:
    return PlanFolder(tmp_path / "config" / "plans")


def test_a_folder_that_is_not_there_has_no_plans(folder: PlanFolder) -> None:
    assert folder.all() == ()
    assert not folder.folder.exists()
    with pytest.raises(PlanNotFound):
        folder.find("shop")


def test_a_plan_is_made_listed_and_found_by_its_name(folder: PlanFolder) -> None:
    file = folder.create("shop", PLAN)

    (entry,) = folder.all()
    assert (entry.name, entry.kind, entry.plan, entry.problem) == ("shop", "copy", PLAN, None)
    assert folder.find("shop") == folder.find("shop.toml") == entry.path == file.path
    assert folder.load("shop").plan == PLAN
    assert folder.folder.stat().st_mode & 0o777 == 0o700


def test_a_plan_that_can_t_be_read_is_listed_with_why(folder: PlanFolder) -> None:
    folder.create("shop", PLAN)
    folder.folder.joinpath("broken.toml").write_text("version = 3\n")
    folder.folder.joinpath("flow.toml").write_text('version = 1\nkind = "flow"\n')
    folder.folder.joinpath("notes.txt").write_text("no plan")
    folder.folder.joinpath("folder.toml").mkdir()

    broken, shop = folder.all()

    assert (broken.name, broken.kind, broken.plan, shop.name) == ("broken", "", None, "shop")
    assert broken.problem is not None
    assert "broken.toml:1: " in broken.problem.detail


def test_a_path_is_a_path(
    folder: PlanFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.create("shop", PLAN)
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("shop").write_text("not this one")
    assert folder.find("shop").parent == folder.folder

    here = tmp_path / "shop.toml"
    here.write_text("this one")
    assert folder.find("shop.toml").samefile(here)
    assert folder.find("./shop").samefile(tmp_path / "shop") is True
    assert folder.find(str(here)) == here
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder.find("~/shop.toml") == here


def test_a_slip_of_the_pen_is_told_what_was_meant(folder: PlanFolder) -> None:
    folder.create("migration", PLAN)

    with pytest.raises(PlanNotFound, match="was migration meant"):
        folder.find("migraton")
    with pytest.raises(PlanNotFound):
        folder.find("../../etc/passwd.toml")


def test_names_are_free_or_refused(folder: PlanFolder) -> None:
    assert folder.free_name("My shop: all!") == "My-shop-all"
    assert folder.free_name("../") == "plan"
    folder.create("plan", PLAN)
    folder.create(folder.free_name(), PLAN)

    assert [entry.name for entry in folder.all()] == ["plan", "plan-2"]
    with pytest.raises(BadRequest, match="already"):
        folder.create("plan", PLAN)
    for name in ("", "../x", "a b", ".hidden", "x" * 64):
        with pytest.raises(BadRequest, match="can't be the name"):
            folder.create(name, PLAN)
