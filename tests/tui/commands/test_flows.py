"""`transship promote` and `transship flow`: an image through its stages, and who took it there."""

from __future__ import annotations

import os
import pwd
import socket
from typing import TYPE_CHECKING, Any

import pytest

from servers import skopeo
from servers.images import push_image, push_referrer
from transship.paths import default_paths

if TYPE_CHECKING:
    from pathlib import Path

    from servers.docker_registry import DockerRegistry


@pytest.fixture
def flow(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> Path:
    """A flow of three stages over two registries; the first has a signed image."""
    path = tmp_path / "shop.toml"
    stages = (
        ("dev", open_registry.host),
        ("test", open_registry.host),
        ("prod", other_registry.host),
    )
    path.write_text(
        'version = 1\nkind = "flow"\nrepositories = ["web"]\n'
        + "".join(
            f'[[stages]]\nname = "{name}"\nat = "{host}/{repository}/{name}"\n'
            for name, host in stages
        )
    )
    push_referrer(open_registry, push_image(open_registry, f"{repository}/dev/web", "1.4"))
    return path


def test_from_the_first_stage_to_the_last(
    transship: Any,
    flow: Path,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    for stage in ("test", "prod"):
        ended = transship("promote", flow, "web:1.4", "--to", stage)
        assert ended.status == 0, ended.err
        assert "2 images: 2 copied" in ended.out

    source = f"docker://{open_registry.host}/{repository}/dev/web:1.4"
    target = f"docker://{other_registry.host}/{repository}/prod/web:1.4"
    digest = skopeo.digest(source, open_registry)
    assert skopeo.digest(target, other_registry) == digest

    first, second = transship("flow", flow, "--history", "--json").document["promotions"]
    assert [(each["from"], each["to"]) for each in (first, second)] == [
        ("dev", "test"), ("test", "prod"),
    ]  # fmt: skip
    for each in (first, second):
        assert (each["digest"], each["outcome"], each["replaced"]) == (digest, "done", None)
        assert each["by"] == pwd.getpwuid(os.getuid()).pw_name
        assert each["host"] == socket.gethostname()
    jobs = [job["id"] for job in transship("jobs", "--json").document["jobs"]]
    assert [second["job"], first["job"]] == jobs
    assert digest[7:19] in transship("flow", flow, "--history").out


def test_the_board_shows_where_an_image_is(transship: Any, flow: Path) -> None:
    assert "nothing was promoted yet" in transship("flow", flow, "--history").err
    transship("promote", flow, "web:1.4", "--to", "test")

    ended = transship("flow", flow)

    assert ended.status == 0
    header, row, *_ = ended.out.splitlines()
    assert header.split() == ["IMAGE", "DEV", "TEST", "PROD"]
    image, dev, same, test, again, arrow, prod = row.split()
    assert (image, dev, test, arrow, prod) == ("web:1.4", "A", "A", "→", "-")
    assert same == again
    assert "1 image, 1 step can be taken" in ended.out

    document = transship("flow", flow, "--json").document
    assert document["promotable"] == [{"repository": "web", "tag": "1.4", "to": "prod"}]
    cells = document["images"][0]["stages"]
    assert [cells[stage]["mark"] for stage in ("dev", "test", "prod")] == [0, 0, None]
    assert [cells[stage]["step"] for stage in ("dev", "test", "prod")] == ["none", "new", "none"]
    assert transship("flow", flow, "api", "--json").document["images"] == []


def test_a_flow_among_the_plans_can_be_called_by_its_name(transship: Any, flow: Path) -> None:
    kept = default_paths().plans / "stages.toml"
    kept.parent.mkdir(parents=True)
    kept.write_text(flow.read_text())
    assert transship("promote", "stages", "web:1.4", "--to", "test").status == 0
    assert "web:1.4" in transship("flow", "stages").out
    missing = transship("flow", "nothing")
    assert missing.status == 2
    assert "'nothing'" in missing.err


def test_a_refusal_is_told_with_its_remedy(transship: Any, flow: Path) -> None:
    ended = transship("promote", flow, "web:1.4", "--to", "prod")
    assert ended.status == 3
    assert "A stage would be skipped" in ended.err
    assert "Promote it to test first" in ended.err
    assert transship("flow", flow, "--history", "--json").document["promotions"] == []
    assert transship("jobs", "--json").document == {"jobs": []}


def test_another_digest_goes_only_when_that_is_said(
    transship: Any, flow: Path, open_registry: DockerRegistry, repository: str
) -> None:
    there = push_image(
        open_registry, f"{repository}/test/web", "1.4", annotations={"by": "hand"}
    ).digest

    refused = transship("promote", flow, "web:1.4", "--to", "test")
    assert refused.status == 3
    assert there in refused.err

    ended = transship("promote", flow, "web:1.4", "--to", "test", "--overwrite", "--json")
    assert ended.status == 0
    assert f"replaces {there}" in ended.err
    promotion = ended.document["promotion"]
    assert (promotion["replaced"], promotion["overwrite"]) == (there, True)
    assert ended.document["job"]["state"] == "done"


def test_a_dry_run_writes_nothing(
    transship: Any, flow: Path, open_registry: DockerRegistry, repository: str
) -> None:
    ended = transship("promote", flow, "web:1.4", "--to", "test", "--dry-run")

    assert ended.status == 0, ended.err
    assert "nothing was written" in ended.out
    assert len([line for line in ended.out.splitlines() if line.startswith("  copy")]) == 2
    answer = open_registry.http.get(f"/v2/{repository}/test/web/tags/list")
    assert answer.status_code == 404
    assert transship("flow", flow, "--history", "--json").document["promotions"] == []

    document = transship("promote", flow, "web:1.4", "--to", "test", "--dry-run", "--json").document
    assert document["promotion"]["digest"] == document["copies"][0]["digest"]


def test_a_mistake_in_the_file_is_named_with_its_line(transship: Any, flow: Path) -> None:
    flow.write_text(flow.read_text().replace("repositories", "repository"))
    ended = transship("flow", flow)
    assert ended.status == 2
    assert "shop.toml:3" in ended.err
    assert "repositories meant?" in ended.err


def test_in_a_narrow_terminal_the_board_has_no_digests(
    transship: Any, terminal: Any, flow: Path
) -> None:
    window = terminal("flow", flow, columns=30)
    assert window.wait() == 0
    assert "web:1.4  A →" in window.written
