"""What a replication would delete, on the line: what it takes, what stays, and what stops it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from servers import skopeo
from servers.images import push_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

TAGS = ("1", "2", "3", "latest")


@pytest.fixture
def plan(
    transship: Any,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> Callable[[str], str]:
    """Write a replication of which `2` and `latest` have vanished; takes what [delete] says."""
    path = tmp_path / "shop.toml"

    def written(deletion: str) -> str:
        path.write_text(
            'version = 1\nkind = "replication"\n[[rules]]\n'
            f'from = "{open_registry.host}/{repository}"\n'
            f'to = "{other_registry.host}/{repository}"\n[delete]\n{deletion}\n'
        )
        return str(path)

    for tag in TAGS:
        push_image(open_registry, f"{repository}/web", tag)
    assert transship("run", written("")).status == 0
    for tag in ("2", "latest"):
        name = f"docker://{open_registry.host}/{repository}/web:{tag}"
        digest = skopeo.digest(name, open_registry)
        path_there = f"/v2/{repository}/web/manifests/{digest}"
        open_registry.http.delete(path_there).raise_for_status()
    return written


def there(registry: DockerRegistry, repository: str) -> list[str]:
    return sorted(skopeo.list_tags(f"docker://{registry.host}/{repository}/web", registry))


def test_a_preview_says_what_a_deletion_takes_and_what_is_protected(
    transship: Any, plan: Callable[[str], str], repository: str, other_registry: DockerRegistry
) -> None:
    file = plan('at_most = "25%"\nprotect = ["**:latest"]')

    told = transship("plan", file)
    document = transship("plan", file, "--json").document
    ran = transship("run", file)

    assert (told.status, ran.status) == (0, 0)
    assert "1 of 4 tags at" in told.out
    assert "`transship run PLAN --delete`" in told.out
    protected = f"not at the source, and kept: {repository}/web:latest (protected by **:latest)"
    assert protected in " ".join(told.out.split())
    kept = f"{other_registry.host}/{repository}/web:latest"
    assert document["kept"] == [{"target": kept, "reason": "protected by **:latest"}]
    why = "1 tag skipped: gone at the source; deleted only when that is asked for"
    assert why in ran.err
    assert there(other_registry, repository) == sorted(TAGS)
    assert transship("run", file, "--delete").status == 0
    assert there(other_registry, repository) == ["1", "3", "latest"]


def test_a_small_replica_is_told_what_to_write_and_that_does_it(
    transship: Any, plan: Callable[[str], str], repository: str, other_registry: DockerRegistry
) -> None:
    told = transship("plan", plan(""))
    ran = transship("run", plan(""), "--delete")

    assert (told.status, ran.status) == (3, 3)
    for words in (told.out, ran.err):
        said = " ".join(words.split())
        assert "2 of 4 tags; the plan allows 0 (5% of 4, rounded down)" in said
        assert 'at_most = "50%" below [delete]' in said
    assert "transship retry" not in ran.err
    assert "change the plan and run it again" in ran.err
    assert there(other_registry, repository) == sorted(TAGS)
    assert transship("run", plan('at_most = "50%"'), "--delete").status == 0
    assert there(other_registry, repository) == ["1", "3"]


def test_rules_that_swap_for_ever_are_refused_with_their_line(
    transship: Any, tmp_path: Path
) -> None:
    path = tmp_path / "both.toml"
    rules = "".join(
        f'[[rules]]\nfrom = "{a}.example/p"\nto = "{b}.example/p"\n' for a, b in ("ed", "de")
    )
    path.write_text(f'version = 1\nkind = "sync"\n{rules}')
    for command in ("plan", "run"):
        ended = transship(command, str(path))
        assert ended.status == 2
        assert "both.toml:8: rules[1].to: copies in a circle with rules[0]" in ended.err
