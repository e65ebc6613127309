"""What is wrong in a plan, and what it comes to where nothing is selected: on the line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from servers.images import push_image
from servers.scripted import Reply, scripted_server

if TYPE_CHECKING:
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.scripted import ScriptedServer

HEAD = 'version = 1\nkind = "sync"\n'
RULE = '[[rules]]\nfrom = "a.example"\nto = "b.example"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "shop.toml"
    path.write_text(text)
    return path


def test_every_mistake_has_a_line_of_its_own_and_its_own_remedy(
    transship: Any, tmp_path: Path
) -> None:
    unknown = "".join(f"x{n} = 1\n" for n in range(12))
    path = written(tmp_path, f'{HEAD}{unknown}{RULE}tags.semver = ">2 <1"\n')

    ended = transship("plan", path)

    lines = ended.err.splitlines()
    assert ended.status == 2
    assert [line.split(":")[1] for line in lines if str(path) in line] == [
        *map(str, range(3, 15)),
        "18",
    ]
    place = next(number for number, line in enumerate(lines) if f"{path}:18:" in line)
    assert lines[place + 1] == "    → For one or the other, write '>2 || <1'."
    assert "more" not in ended.err


def test_a_script_has_them_as_a_list(transship: Any, tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEAD}retires = 1\n{RULE}map = 3\n")

    error = transship("run", path, "--json").document["error"]

    assert error["cause"] == "bad-file"
    assert error["mistakes"][0] == {
        "file": str(path),
        "line": 3,
        "what": "retires: unknown key; was retries meant?",
        "meant": "retries",
    }
    assert (error["mistakes"][1]["line"], error["mistakes"][1]["meant"]) == (7, None)


def test_what_is_created_in_the_future_cannot_be_asked_for(transship: Any, tmp_path: Path) -> None:
    path = written(tmp_path, f'{HEAD}{RULE}tags.since = "9000-01-01"\n')

    ended = transship("plan", path)

    assert ended.status == 2
    assert "lies in the future" in ended.err


def test_a_plan_that_selects_nothing_ends_as_its_run_does(
    transship: Any,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    push_image(open_registry, repository, "v1")
    path = written(
        tmp_path,
        f'{HEAD}[[rules]]\nfrom = "{open_registry.host}"\nto = "{other_registry.host}"\n'
        f'repositories = ["{repository}"]\ntags.include = ["no-such-*"]\n',
    )

    seen, ran = transship("plan", path), transship("run", path)

    assert (seen.status, ran.status) == (1, 1)
    assert "0 images" in seen.out
    for ended in (seen, ran):
        assert "Nothing selected" in ended.err


def test_a_tag_that_is_not_there_is_named_for_each_target(
    transship: Any,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    push_image(open_registry, repository, "v1")
    path = written(
        tmp_path,
        f'{HEAD}[[rules]]\nfrom = "{open_registry.host}"\n'
        f'to = ["{other_registry.host}/m", "layout:{tmp_path}/lay"]\n'
        f'repositories = ["{repository}"]\ntags.exact = ["v9"]\n',
    )

    ended = transship("plan", path, "--json")
    assert ended.out, ended.err
    copies = ended.document["copies"]

    assert [(copy["verdict"], copy["target"]) for copy in copies] == [
        ("blocked", f"{other_registry.host}/m/{repository}:v9"),
        ("blocked", f"layout:{tmp_path}/lay//{repository}:v9"),
    ]


def test_what_has_no_name_that_can_be_asked_for_is_counted_and_named(
    transship: Any, other_registry: DockerRegistry, tmp_path: Path
) -> None:
    with scripted_server() as scripted:
        shown, dropped = seen_from(transship, scripted, other_registry, tmp_path)

    assert "Left out by the rules: 2 tags, 1 repository" in shown
    assert "isn't a repository's name by the distribution spec: TEAM/x" in shown
    assert "isn't a tag by the distribution spec: web:a b, web:../x" in shown
    assert [each["source"].partition("/")[2] for each in dropped] == [
        "TEAM/x",
        "web:a b",
        "web:../x",
    ]


def seen_from(
    transship: Any, scripted: ScriptedServer, target: DockerRegistry, folder: Path
) -> tuple[str, Any]:
    """Return what a plan shows, and what its document has of what is left out."""
    catalog = {"repositories": ["web", "TEAM/x"]}
    scripted.on("GET", "/v2/_catalog.*", Reply(200, body=json.dumps(catalog).encode()))
    tags = {"name": "web", "tags": ["a b", "../x"]}
    scripted.on("GET", "/v2/web/tags/list.*", Reply(200, body=json.dumps(tags).encode()))
    rule = f'[[rules]]\nfrom = "{scripted.host}"\nto = "{target.host}"\n'
    path = written(folder, f"{HEAD}{rule}")

    dropped = transship("plan", path, "--json").document["dropped"]
    return transship("plan", path).out, dropped
