"""`transship verify`: the proof, and what it names when it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from servers.images import push_image, random_layer

if TYPE_CHECKING:
    from servers.docker_registry import DockerRegistry


@pytest.fixture
def sides(
    transship: Any, open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str
) -> tuple[str, str]:
    """Two repositories; the second is a copy of the first."""
    for tag in ("1.0", "1.1"):
        push_image(open_registry, repository, tag)
    names = f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"
    assert transship("copy", *names).status == 0
    return names


def test_what_was_copied_is_proven(transship: Any, sides: tuple[str, str]) -> None:
    ended = transship("verify", *sides)
    assert ended.status == 0
    assert ended.out.startswith("proven  2 images")


def test_a_job_is_proven_by_its_name(transship: Any, sides: tuple[str, str]) -> None:
    job = transship("jobs", "--json").document["jobs"][0]["id"]
    assert transship("verify", job[:4]).status == 0
    assert transship("verify", job, "--no-referrers").status == 2


def test_every_blob_is_read_when_asked(transship: Any, sides: tuple[str, str]) -> None:
    document = transship("verify", *sides, "--deep", "--json").document
    assert set(document) == {
        "holds", "deep", "compared", "manifests", "blobs", "bytes_read", "differences",
    }  # fmt: skip
    assert document["holds"]
    assert document["deep"]
    assert document["bytes_read"] > 0


def test_every_difference_is_named(
    transship: Any, sides: tuple[str, str], open_registry: DockerRegistry, repository: str
) -> None:
    push_image(open_registry, repository, "1.1", [random_layer(100, "moved")])
    push_image(open_registry, repository, "1.2")

    ended = transship("verify", *sides)
    document = transship("verify", *sides, "--json")

    assert (ended.status, document.status) == (1, 1)
    assert f"differs  {sides[0]}:1.1 → {sides[1]}:1.1" in ended.out
    assert f"missing  {sides[0]}:1.2 → {sides[1]}:1.2" in ended.out
    assert ended.out.endswith("2 of 3 images differ\n")
    assert [each["problem"] for each in document.document["differences"]] == ["differs", "missing"]


def test_a_folder_that_is_not_there(transship: Any, sides: tuple[str, str], tmp_path: Any) -> None:
    ended = transship("verify", sides[0], f"layout:{tmp_path}/nothing")
    assert ended.status == 1
    assert "error: Not an OCI image layout" in ended.err
    assert not (tmp_path / "nothing").exists()
