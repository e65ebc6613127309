"""Where Transship keeps its files, and who may read them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from transship.paths import default_paths, private_file, private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def wide_open() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_one_variable_moves_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSSHIP_HOME", str(tmp_path))
    paths = default_paths()

    assert paths.registries == tmp_path / "config" / "registries.toml"
    assert paths.settings == tmp_path / "config" / "config.toml"
    assert paths.plans == tmp_path / "config" / "plans"
    assert paths.jobs == tmp_path / "state" / "jobs"


def test_it_may_be_relative_or_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TRANSSHIP_HOME", "here")
    assert default_paths().config == tmp_path / "here" / "config"

    monkeypatch.setenv("TRANSSHIP_HOME", "~/there")
    assert default_paths().config == tmp_path / "home" / "there" / "config"


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="other platforms have other folders")
def test_without_it_the_platforms_folders_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSSHIP_HOME", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))

    assert default_paths().config == tmp_path / "c" / "transship"
    assert default_paths().state == tmp_path / "s" / "transship"


def test_asking_where_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSSHIP_HOME", str(tmp_path / "home"))
    assert default_paths().jobs

    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("wide_open")
def test_a_private_folder_and_the_parents_it_lacked_are_the_owners_alone(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(0o755)

    made = private_folder(shared / "transship" / "jobs" / "one")

    assert made == shared / "transship" / "jobs" / "one"
    assert [mode(path) for path in (made, made.parent, made.parent.parent)] == [0o700] * 3
    assert mode(shared) == 0o755


@pytest.mark.usefixtures("wide_open")
def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.joinpath("there").mkdir(0o750)

    assert mode(private_folder(tmp_path / "there")) == 0o750


@pytest.mark.parametrize("umask", [0, 0o277])
def test_a_private_file_is_the_owners_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        made = private_file(tmp_path / "file")
    finally:
        os.umask(before)
    assert made == tmp_path / "file"
    assert mode(made) == 0o600


def test_a_file_that_is_there_is_closed_to_others_and_keeps_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("as it was")
    file.chmod(0o644)

    private_file(file)

    assert (mode(file), file.read_text()) == (0o600, "as it was")


def test_a_file_that_its_owner_has_closed_further_stays_so(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(0o400)

    assert mode(private_file(file)) == 0o400
