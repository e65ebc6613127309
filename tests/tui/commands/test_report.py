"""`transship report`: what a job did, and the proof, in each format."""

from __future__ import annotations

import json
import os
import pwd
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from servers.images import push_image
from transship import __version__

if TYPE_CHECKING:
    from servers.docker_registry import DockerRegistry


@pytest.fixture
def copied(
    transship: Any, open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str
) -> dict[str, str]:
    """Copy two tags; return the digest at each target, and the job under an empty name."""
    digests = {
        f"{other_registry.host}/{repository}:{tag}": push_image(
            open_registry, repository, tag
        ).digest
        for tag in ("1.0", "1.1")
    }
    names = f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"
    job = transship("copy", *names, "--json").document["job"]["id"]
    return digests | {"": job}


def test_what_was_copied_by_whom_with_every_digest(transship: Any, copied: dict[str, str]) -> None:
    job = copied.pop("")

    report = transship("report", job, "--format", "json").document

    assert {copy["target"]: copy["digest"] for copy in report["copies"]} == copied
    assert report["results"] == {"copied": 2}
    assert (report["conclusion"], report["verification"]) == ("done", None)
    login = pwd.getpwuid(os.getuid()).pw_name
    assert report["started_by"] == f"{login} on {socket.gethostname()}"
    assert report["version"] == report["made_by_version"] == __version__
    assert 'kind = "copy"' in report["asked"]["plan"]

    text = transship("report", job[:4]).out
    assert text.startswith("# Complete, not proven yet: copy job")
    for target, digest in copied.items():
        assert f"| `{target}` | `{digest}` | copied |" in text


def test_a_verification_becomes_its_proof(
    transship: Any, copied: dict[str, str], tmp_path: Path
) -> None:
    job = copied[""]
    verified = transship("verify", job, "--deep")
    assert f"`transship report {job} -o report.html`" in verified.err

    file = tmp_path / "report.html"
    ended = transship("report", job, "-o", file)

    assert (ended.status, ended.out) == (0, "")
    page = file.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "Complete and proven" in page
    assert "2 manifests and 4 blobs found at the target" in page
    assert "read and hashed" in page
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_difference_that_a_verification_finds_is_told(
    transship: Any, copied: dict[str, str], other_registry: DockerRegistry
) -> None:
    target = next(name for name in copied if name.endswith(":1.1"))
    repository = target.removeprefix(f"{other_registry.host}/").removesuffix(":1.1")
    push_image(other_registry, repository, "1.1", annotations={"by": "hand"})
    assert transship("verify", copied[""]).status == 1

    report = transship("report", copied[""], "--format", "json").document

    assert (report["state"], report["conclusion"]) == ("done", "incomplete")
    (difference,) = report["verification"]["differences"]
    assert (difference["target"], difference["problem"]) == (target, "differs")


def test_a_verification_of_names_is_no_proof_of_a_job(
    transship: Any, copied: dict[str, str]
) -> None:
    targets = [name.rpartition(":")[0] for name in copied if name]
    job = transship("jobs", "--json").document["jobs"][0]
    assert transship("verify", job["source"], targets[0]).status == 0
    assert transship("report", copied[""], "-f", "json").document["verification"] is None


def test_where_things_are_on_this_machine_is_not_told(
    transship: Any, open_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    push_image(open_registry, repository, "1.0")
    folder = tmp_path / "images"
    job = transship(
        "copy", f"{open_registry.host}/{repository}:1.0", f"layout:{folder}//web", "--json"
    ).document["job"]["id"]
    transship("verify", job)

    for form in ("md", "html", "json"):
        text = transship("report", job, "--format", form).out
        assert "images//web:1.0" in text
        assert str(tmp_path) not in text
        assert os.environ["TRANSSHIP_HOME"] not in text
        assert os.environ["HOME"] not in text


def test_a_file_is_written_whole_or_not_at_all(
    transship: Any, copied: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "report.json"
    file.write_text("before")
    plan = Path(os.environ["TRANSSHIP_HOME"]) / "state" / "jobs" / copied[""] / "plan.toml"
    kept = plan.read_text()
    plan.write_text("broken")

    assert transship("report", copied[""], "-o", file).status == 2
    assert file.read_text() == "before"

    plan.write_text(kept)
    assert transship("report", copied[""], "-o", file).status == 0
    assert json.loads(file.read_text())["job"] == copied[""]
    nowhere = tmp_path / "no" / "report.md"
    ended = transship("report", copied[""], "-o", nowhere)
    assert ended.status == 1
    assert f"{nowhere}: No such file or directory" in ended.err
