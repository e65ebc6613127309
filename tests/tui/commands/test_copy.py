"""`transship copy`, judged by skopeo and by the registry's own log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from servers import skopeo
from servers.images import push_image, push_index, push_referrer, random_layer

if TYPE_CHECKING:
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

Line = Any


@pytest.fixture
def source(open_registry: DockerRegistry, repository: str) -> str:
    """A repository with two tags, at the old registry."""
    for tag in ("1.0", "1.1"):
        push_image(open_registry, repository, tag)
    return f"{open_registry.host}/{repository}"


@pytest.fixture
def target(other_registry: DockerRegistry, repository: str) -> str:
    """Where it is to go."""
    return f"{other_registry.host}/mirror/{repository}"


def test_one_tag(transship: Line, source: str, target: str, other_registry: DockerRegistry) -> None:
    ended = transship("copy", f"{source}:1.0", target)

    assert ended.status == 0, ended.err
    assert skopeo.list_tags(f"docker://{target}", other_registry) == ["1.0"]
    assert "1 image: 1 copied" in ended.out
    assert "next: `transship verify" in ended.err


def test_every_tag_of_a_repository_and_nothing_twice(
    transship: Line,
    source: str,
    target: str,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
) -> None:
    assert transship("copy", source, target).status == 0
    for tag in ("1.0", "1.1"):
        assert skopeo.digest(f"docker://{target}:{tag}", other_registry) == skopeo.digest(
            f"docker://{source}:{tag}", open_registry
        )

    again = transship("copy", source, target, "--json").document["job"]
    assert (again["state"], again["counts"]["same"], again["bytes"]["sent"]) == ("done", 2, 0)


def test_a_digest(
    transship: Line,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    target: str,
) -> None:
    digest = push_image(open_registry, repository, "1.0").digest

    ended = transship("copy", f"{open_registry.host}/{repository}@{digest}", target)

    assert ended.status == 0, ended.out
    assert skopeo.digest(f"docker://{target}@{digest}", other_registry) == digest


def test_to_a_folder_and_back(
    transship: Line, source: str, target: str, other_registry: DockerRegistry, tmp_path: Path
) -> None:
    folder = tmp_path / "images"
    assert transship("copy", f"{source}:1.0", f"layout:{folder}//web").status == 0
    assert skopeo.inspect_raw(f"oci:{folder}:web:1.0")

    assert transship("copy", f"layout:{folder}//web:1.0", target).status == 0
    assert skopeo.list_tags(f"docker://{target}", other_registry) == ["1.0"]


def test_what_skopeo_wrote_into_a_folder(
    transship: Line,
    source: str,
    target: str,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    tmp_path: Path,
) -> None:
    skopeo.copy(f"docker://{source}:1.0", f"oci:{tmp_path}/images:web:1.0", open_registry)

    ended = transship("copy", f"layout:{tmp_path}/images//web:1.0", target)

    assert ended.status == 0, ended.err
    assert skopeo.digest(f"docker://{target}:1.0", other_registry) == skopeo.digest(
        f"docker://{source}:1.0", open_registry
    )


def test_a_folder_is_found_again_from_wherever_the_job_is_resumed(
    transship: Line, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    job = transship("copy", f"{source}:1.0", "layout:images//web", "--json").document["job"]
    assert job["target"] == f"layout:{tmp_path}/images//web:1.0"


def test_one_platform_of_several(
    transship: Line,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    target: str,
) -> None:
    children = [
        push_image(open_registry, repository, platform=platform)
        for platform in ("linux/amd64", "linux/arm64")
    ]
    push_index(open_registry, repository, "multi", children)

    ended = transship(
        "copy", f"{open_registry.host}/{repository}:multi", target, "-p", "linux/arm64"
    )

    assert ended.status == 0, ended.err
    assert skopeo.digest(f"docker://{target}:multi", other_registry) == children[1].digest


@pytest.mark.parametrize(("option", "counted"), [("--referrers", 2), ("--no-referrers", 1)])
def test_what_refers_to_an_image(
    transship: Line,
    open_registry: DockerRegistry,
    repository: str,
    target: str,
    option: str,
    counted: int,
) -> None:
    push_referrer(open_registry, push_image(open_registry, repository, "signed"))

    ended = transship("copy", f"{open_registry.host}/{repository}:signed", target, option, "--json")

    assert ended.document["job"]["counts"]["copied"] == counted


def test_a_dry_run_only_reads(
    transship: Line,
    source: str,
    target: str,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
) -> None:
    marks = open_registry.mark(), other_registry.mark()

    ended = transship("copy", source, target, "--dry-run", "--json")

    assert ended.status == 0, ended.err
    asked = [*open_registry.since(marks[0]), *other_registry.since(marks[1])]
    assert asked
    assert {request.method for request in asked} <= {"GET", "HEAD"}
    document = ended.document
    assert [copy["verdict"] for copy in document["copies"]] == ["copy", "copy"]
    assert set(document["copies"][0]) == {
        "source", "target", "digest", "previous", "verdict", "reason", "cause", "remedy",
    }  # fmt: skip
    assert document["bytes"]["to_move"] == document["bytes"]["total"] > 0
    assert transship("jobs", "--json").document == {"jobs": []}


def test_a_dry_run_asks_for_the_right_to_pull_only(
    transship: Line,
    source: str,
    token_registry: DockerRegistry,
    token_server: Any,
    repository: str,
) -> None:
    name = token_registry.host.upper().replace(".", "_").replace(":", "_")
    login = {
        f"TRANSSHIP_{name}_USERNAME": token_registry.username or "",
        f"TRANSSHIP_{name}_PASSWORD": token_registry.password or "",
    }

    ended = transship("copy", source, f"{token_registry.host}/{repository}", "--dry-run", **login)

    assert ended.status == 0, ended.err
    scopes = [scope for request in token_server.requests for scope in request.scopes]
    assert scopes
    assert not [scope for scope in scopes if "push" in scope]


def test_a_dry_run_says_it_in_words(transship: Line, source: str, target: str) -> None:
    ended = transship("copy", source, target, "--dry-run")

    assert ended.out.splitlines()[0].split() == ["VERDICT", "FROM", "TO"]
    assert "2 images: 2 copy" in ended.out
    assert ended.out.endswith("nothing was written\n")


@pytest.mark.parametrize(
    ("mode", "status", "moved"), [("overwrite", 0, True), ("skip", 0, False), ("fail", 1, False)]
)
def test_a_tag_that_exists_with_another_digest(
    transship: Line,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    mode: str,
    status: int,
    moved: bool,
) -> None:
    ours = push_image(open_registry, repository, "1.0", [random_layer(1000, "ours")]).digest
    theirs = push_image(other_registry, repository, "1.0", [random_layer(1000, "theirs")]).digest
    words = (
        "copy",
        f"{open_registry.host}/{repository}",
        f"{other_registry.host}/{repository}",
        "--on-conflict",
        mode,
    )

    assert transship(*words, "--dry-run").status == status
    ended = transship(*words)

    assert ended.status == status
    assert skopeo.digest(f"docker://{other_registry.host}/{repository}:1.0", other_registry) == (
        ours if moved else theirs
    )
    if mode == "fail":
        assert "The tag exists with another digest" in ended.out
        assert "next: `transship retry" in ended.err


def test_with_json_the_output_is_one_document(transship: Line, source: str, target: str) -> None:
    ended = transship("copy", source, target, "--json")

    job = ended.document["job"]
    assert set(job) == {
        "id", "kind", "state", "source", "target", "counts", "bytes", "created", "ended",
        "limits", "signed_out", "trust", "undo", "failures", "problem",
    }  # fmt: skip
    assert (job["state"], job["failures"], job["problem"]) == ("done", [], None)


def test_left_to_itself_it_ends_all_the_same(transship: Line, source: str, target: str) -> None:
    ended = transship("copy", source, target, "--detach")

    job = ended.out.strip()
    assert ended.status == 0
    assert f"transship attach {job}" in ended.err
    attached = transship("attach", job[:4], "--json")
    assert attached.status == 0
    assert attached.document["job"]["state"] == "done"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("web", "other.example/web"), "names no registry"),
        (("https://a.example/web", "b.example/web"), "leave https:// out"),
        (("a.example/web", "a.example/web"), "the same repository"),
        (("a.example/web", "b.example/web:1"), "means all its tags"),
        (("a.example/web", "b.example/web", "-p", "arm"), "Not a platform"),
        (("a.example/web", "b.example/web", "--on-conflict", "maybe"), "maybe"),
        (("a.example/web", "b.example/web", "--dry-run", "--detach"), "starts no job"),
        (("a.example/web", "b.example/web", "--plain-http", "--insecure"), "no certificates"),
        (("a.example/web",), "TARGET"),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(
    transship: Line, words: tuple[str, ...], said: str
) -> None:
    ended = transship("copy", *words)

    assert ended.status == 2
    assert said in ended.err
    assert ended.out == ""


def test_a_registry_that_is_not_there(transship: Line, target: str) -> None:
    ended = transship("copy", "localhost:1/team/web", target, "--json")

    assert ended.status == 1
    assert "error: Connection refused" in ended.err
    assert "  → Check host and port" in ended.err
    assert ended.document["job"]["problem"]["title"] == "Connection refused"


def test_a_certificate_of_ones_own_authority(
    transship: Line, tls_registry: DockerRegistry, repository: str, target: str
) -> None:
    push_image(tls_registry, repository, "1.0")
    source = f"{tls_registry.host}/{repository}"

    refused = transship("copy", source, target)
    trusted = transship("copy", source, target, "--ca", tls_registry.ca_file)

    assert refused.status == 1
    assert "error: Certificate not trusted" in refused.err
    assert trusted.status == 0, trusted.err
    assert f"--ca {tls_registry.ca_file}" in trusted.err, "the next line needs it as well"
