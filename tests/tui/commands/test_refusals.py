"""What a target would refuse, on the line: named before, not tried, reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from servers.harbor import Harbor, Project, harbor, rule
from servers.images import push_image
from transship.accounts.secrets import variables_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry


@pytest.fixture
def target(htpasswd_registry: DockerRegistry) -> Iterator[Harbor]:
    with harbor(htpasswd_registry.host) as server:
        yield server


@pytest.fixture
def line(
    transship: Callable[..., Any], htpasswd_registry: DockerRegistry, target: Harbor
) -> Callable[..., Any]:
    """The line of somebody who has signed in to the target as a Harbor."""
    username, password = variables_of(target.host)
    secrets = {username: htpasswd_registry.username, password: htpasswd_registry.password}

    def run(*words: object) -> Any:
        return transship(*words, **secrets)

    added = run("login", target.host, "--service", "harbor", "--from-environment")
    assert added.status == 0, added.err
    return run


@pytest.fixture
def plan(
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
    target: Harbor,
    repository: str,
    tmp_path: Path,
) -> Path:
    for registry, word in ((open_registry, "new"), (htpasswd_registry, "old")):
        push_image(registry, repository, "v1", annotations={"word": word})
    push_image(open_registry, repository, "v2")
    target.projects = {repository.partition("/")[0]: Project([rule("v*")])}
    source = f"{open_registry.host}/{repository}"
    path = tmp_path / "moves.toml"
    path.write_text(
        f"""
        version = 1
        kind = "copy"
        [[copies]]
        from = "{source}"
        to = "{target.host}/{repository}"
        [[copies]]
        from = "{source}:v2"
        to = "{target.host}/team-a/web:v2"
        """
    )
    return path


def test_a_plan_names_what_would_be_refused_and_what_helps(
    line: Callable[..., Any], plan: Path, target: Harbor
) -> None:
    shown = line("plan", plan)

    assert shown.status == 1
    assert "the project team-a isn't there, or is hidden from this account" in shown.out
    assert "the project tests keeps v* immutable; the target has" in shown.out
    assert "1 copy, 2 blocked" in shown.out
    assert "The target has no place for it yet: Create it at the target" in shown.out
    assert "The tag is immutable at the target: Choose another tag" in shown.out
    assert "it isn't known" not in shown.out
    assert target.written == []


def test_a_script_reads_it_too(line: Callable[..., Any], plan: Path, target: Harbor) -> None:
    target.projects["tests"].may_list_rules = target.projects["tests"].may_list_tags = False

    document = line("plan", plan, "--json").document

    causes = {copy["target"].rpartition(":")[2]: copy["cause"] for copy in document["copies"]}
    blocked = [copy for copy in document["copies"] if copy["verdict"] == "blocked"]
    assert [copy["cause"] for copy in blocked] == ["namespace-missing"]
    assert blocked[0]["remedy"].startswith("Create it at the target")
    assert causes["v1"] == ""
    (unknown,) = document["unknown"]
    assert (unknown["registry"], unknown["what"]) == (target.host, "which tags are immutable")
    assert (unknown["of"], unknown["cause"]) == (["tests"], "no-right")


def test_what_is_not_known_is_said_once(
    line: Callable[..., Any], plan: Path, target: Harbor
) -> None:
    target.projects["tests"].may_list_rules = target.projects["tests"].may_list_tags = False

    shown = line("plan", plan)

    words = f"{target.host}: it isn't known which tags are immutable (tests): No right to do this"
    assert shown.out.count("it isn't known") == 1
    assert words in shown.out


def test_a_run_reports_it_and_writes_the_rest(
    line: Callable[..., Any], plan: Path, target: Harbor
) -> None:
    ran = line("run", plan)

    assert ran.status == 1
    (job,) = line("jobs", "--json").document["jobs"]
    report = line("report", job["id"], "--format", "md").out
    assert "the project team-a isn't there" in report
    assert "keeps v* immutable" in report
    assert any(written.endswith("/manifests/v2") for written in target.written)
    assert not any(written.endswith("/manifests/v1") for written in target.written)
    assert not any("/team-a/" in written for written in target.written)


def test_what_the_plan_allows_to_be_created_is_said_before_and_reported_after(
    line: Callable[..., Any], plan: Path, target: Harbor
) -> None:
    target.strict = True
    plan.write_text(plan.read_text().replace('"copy"', '"copy"\ncreate_missing = "private"', 1))

    shown = line("plan", plan)
    document = line("plan", plan, "--json").document
    before = list(target.created)
    line("run", plan)
    (job,) = line("jobs", "--json").document["jobs"]
    undo = line("undo", job["id"], "--dry-run")

    assert f"will create project `team-a` at {target.host}, private" in shown.out
    assert document["creations"] == [
        {
            "registry": target.host,
            "kind": "project",
            "name": "team-a",
            "visibility": "private",
            "immutable_tags": False,
            "resource_tags": {},
        }
    ]
    assert before == [], "a preview only reads"
    assert [each["project_name"] for each in target.created] == ["team-a"]
    report = line("report", job["id"], "--format", "md").out
    assert "the project team-a" in report
    assert "created by the job" in report
    assert f"{target.host}: the project team-a (private), which the job created, stays" in undo.out


def test_a_copy_by_name_creates_what_it_needs_when_it_is_told_to(
    line: Callable[..., Any], open_registry: DockerRegistry, target: Harbor, repository: str
) -> None:
    target.strict = True
    push_image(open_registry, repository, "v1")
    source, there = f"{open_registry.host}/{repository}:v1", f"{target.host}/team-b/web:v1"

    refused = line("copy", source, there)
    before = list(target.created)
    copied = line("copy", source, there, "--create-missing", "public")

    assert refused.status == 1
    assert before == []
    assert copied.status == 0, copied.err
    assert target.created == [{"project_name": "team-b", "metadata": {"public": "true"}}]
