"""`transship ls`: accounts, repositories, tags."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from servers import skopeo
from servers.faults import Answer, Fault
from servers.images import push_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy


def test_without_an_account_it_says_how_to_add_one(transship: Any) -> None:
    ended = transship("ls")
    assert (ended.status, ended.out) == (0, "")
    assert "`transship login HOST` adds one" in ended.err


def test_the_accounts_and_their_aliases(
    transship: Any, open_registry: DockerRegistry, repository: str
) -> None:
    push_image(open_registry, repository, "1.0")
    transship("login", open_registry.host, "--anonymous", "--alias", "old")

    assert transship("ls").out == f"{open_registry.host}\n"
    assert transship("ls", "--json").document == {"registries": [open_registry.host]}
    assert transship("ls", f"old/{repository}").out == "1.0\n"


def test_the_repositories_of_a_registry(
    transship: Any, new_registry: Callable[[], DockerRegistry]
) -> None:
    registry = new_registry()
    for name in ("team/web", "base"):
        push_image(registry, name, "1.0")

    assert transship("ls", registry.host).out.splitlines() == ["base", "team/web"]
    assert transship("ls", registry.host, "--json").document == {
        "registry": registry.host,
        "repositories": ["base", "team/web"],
    }


def test_the_tags_of_a_repository(
    transship: Any, open_registry: DockerRegistry, repository: str
) -> None:
    for tag in ("1.10", "1.9", "latest"):
        push_image(open_registry, repository, tag)
    where = f"{open_registry.host}/{repository}"

    assert sorted(transship("ls", where).out.split()) == ["1.10", "1.9", "latest"]
    assert transship("ls", where, "--json").document == {
        "registry": open_registry.host,
        "repository": repository,
        "tags": ["1.10", "1.9", "latest"],
    }


def test_a_folder_with_and_without_repositories(
    transship: Any, open_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    push_image(open_registry, repository, "1.0")
    image = f"docker://{open_registry.host}/{repository}:1.0"
    skopeo.copy(image, f"oci:{tmp_path}/images:team/web:1.0", open_registry)
    skopeo.copy(image, f"oci:{tmp_path}/images:2.0", open_registry)
    folder = f"layout:{tmp_path}/images"

    assert sorted(transship("ls", folder).out.split()) == [":2.0", "team/web"]
    assert transship("ls", f"{folder}//team/web").out == "1.0\n"


def test_a_registry_that_lists_nothing_to_us(
    transship: Any,
    open_registry: DockerRegistry,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
) -> None:
    proxy = proxy_for(open_registry)
    proxy.add(Fault(Answer(401), path="/_catalog", times=None))

    closed = transship("ls", proxy.host, "--json")
    assert closed.status == 1
    assert closed.document["error"]["cause"] == "catalog-closed"
    assert "  → Name the repositories" in closed.err

    transship("login", proxy.host, "--anonymous", "--repository", "b/c", "--repository", "a")
    named = transship("ls", proxy.host)
    assert (named.status, named.out) == (0, "b/c\na\n")


def test_what_breaks_the_rules_for_names_is_left_out_and_named(
    transship: Any,
    open_registry: DockerRegistry,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
) -> None:
    proxy = proxy_for(open_registry)
    catalog = b'{"repositories": ["team/web", "Team/API", "a//b"]}'
    answer = Answer(200, {"Content-Type": "application/json"}, catalog)
    proxy.add(Fault(answer, path="/_catalog", times=None))
    listed = transship("ls", proxy.host)
    assert (listed.status, listed.out) == (0, "team/web\n")
    assert "left out 2 names, by the rules no repository: Team/API, a//b" in listed.err


def test_one_image_is_shown_by_inspect(transship: Any) -> None:
    ended = transship("ls", "registry.example/team/web:1.0")
    assert ended.status == 2
    assert "`transship inspect registry.example/team/web:1.0` shows it" in ended.err


def test_who_reads_no_further_is_no_error(
    open_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[DockerRegistry], FaultProxy],
) -> None:
    push_image(open_registry, repository, "1.0")
    proxy = proxy_for(open_registry)
    tags = ",".join(f'"tag-{number:06}"' for number in range(50_000))
    body = f'{{"name":"x","tags":[{tags}]}}'.encode()
    proxy.add(Fault(Answer(200, {"Content-Type": "application/json"}, body), path="/tags/list"))
    line = f"{sys.executable} -m transship_tui ls {proxy.host}/{repository} | head -n 1"

    ended = subprocess.run(
        ["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.stdout == "tag-000000\n"
    assert ended.stderr == ""
    assert ended.returncode == 141, "as a program that SIGPIPE ends"
