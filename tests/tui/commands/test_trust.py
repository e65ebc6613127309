"""`transship run --trust`: what the line, its document and the report say of what was believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from moving.undo import image, standing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry


@pytest.fixture
def plan(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> Path:
    """A plan for one repository with two tags."""
    for tag in ("one", "two"):
        image(open_registry, repository, tag, tag)
    path = tmp_path / "plan.toml"
    path.write_text(
        'version = 1\nkind = "sync"\n\n[[rules]]\n'
        f'from = "{open_registry.host}"\nto = "{other_registry.host}"\n'
        f'repositories = ["{repository}"]\n'
    )
    return path


def test_the_summary_and_the_report_say_what_was_believed(
    transship: Callable[..., Any], plan: Path, other_registry: DockerRegistry, repository: str
) -> None:
    first = transship("run", plan, "--json").document["job"]["id"]
    moved = image(other_registry, repository, "one", "somebody else's").digest
    believed = f"2 images weren't asked for at the target: believed to be as the job {first} left"

    ended = transship("run", plan, "--trust")
    job = transship("jobs", "--json").document["jobs"][0]["id"]

    assert ended.status == 0
    assert believed in ended.out
    assert standing(other_registry, repository)["one"] == moved
    assert believed in " ".join(transship("report", job).out.split())
    report = transship("report", job, "--format", "json").document
    assert report["trust"] == {"job": first, "images": 2, "doubt": ""}


def test_the_document_has_the_doubt_in_which_both_sides_were_asked(
    transship: Callable[..., Any], plan: Path
) -> None:
    ended = transship("run", plan, "--trust", "--json")

    assert ended.status == 0
    assert ended.document["job"]["trust"] == {
        "job": "",
        "images": 0,
        "doubt": "no earlier job of this same plan is kept",
    }
    assert ended.document["job"]["counts"]["copied"] == 2


def test_a_verification_trusts_nobody_and_the_next_run_mends_what_it_found(
    transship: Callable[..., Any], plan: Path, other_registry: DockerRegistry, repository: str
) -> None:
    transship("run", plan)
    before = standing(other_registry, repository)
    image(other_registry, repository, "two", "somebody else's")
    job = transship("run", plan, "--trust", "--json").document["job"]["id"]

    assert transship("verify", job).status == 1
    ended = transship("run", plan, "--trust")

    assert f"a verification of the job {job} has found differences" in ended.out
    assert standing(other_registry, repository) == before


def test_a_watch_trusts_nobody(transship: Callable[..., Any], plan: Path) -> None:
    ended = transship("run", plan, "--trust", "--watch")

    assert ended.status == 2
    assert "--trust is for one run" in ended.err
