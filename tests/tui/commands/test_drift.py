"""`transship drift`: the targets of a plan beside its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from servers.images import make_layer, push_image

if TYPE_CHECKING:
    from pathlib import Path

    from servers.docker_registry import DockerRegistry


@pytest.fixture
def plan(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> Path:
    """A plan whose target has one tag of three right, and one that differs."""
    for tag in ("v1", "v2", "v3"):
        push_image(open_registry, repository, tag, [make_layer(tag.encode())])
    push_image(other_registry, f"{repository}/{repository}", "v1", [make_layer(b"v1")])
    push_image(other_registry, f"{repository}/{repository}", "v2", [make_layer(b"another")])
    path = tmp_path / "shop.toml"
    path.write_text(
        f'version = 1\nkind = "sync"\n[[rules]]\nfrom = "{open_registry.host}"\n'
        f'repositories = ["{repository}"]\nto = "{other_registry.host}/{repository}"\n'
    )
    return path


def test_it_lists_what_is_not_the_same(transship: Any, plan: Path, repository: str) -> None:
    ended = transship("drift", plan)

    assert ended.status == 1
    assert f"differs            {repository}/{repository}:v2" in ended.out
    assert f"missing at target  {repository}/{repository}:v3" in ended.out
    assert ":v1" not in ended.out
    assert "1 same, 1 differs, 1 missing at target" in ended.out
    assert ":v1" in transship("drift", plan, "--all").out


def test_the_document_has_every_tag_with_both_digests(transship: Any, plan: Path) -> None:
    document = transship("drift", plan, "--json").document

    same, differs, missing = document["tags"]
    assert same["source_digest"] == same["target_digest"]
    assert differs["source_digest"] != differs["target_digest"]
    assert (missing["state"], missing["target_digest"]) == ("missing at target", None)
    assert document["counts"]["same"] == 1


def test_it_ends_well_once_all_is_the_same(transship: Any, plan: Path) -> None:
    assert transship("run", plan).status == 0
    ended = transship("drift", plan)
    assert (ended.status, ended.err) == (0, "")
    assert "3 tags: 3 same" in ended.out


def test_a_plan_that_names_its_copies_is_refused(transship: Any, tmp_path: Path) -> None:
    path = tmp_path / "copy.toml"
    path.write_text(
        'version = 1\nkind = "copy"\n[[copies]]\nfrom = "a.example/x:1"\nto = "b.example/x:1"\n'
    )
    ended = transship("drift", path)
    assert ended.status == 2
    assert "no rules" in ended.err
