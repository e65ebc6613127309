"""`transship find`: packages of a catalogue, and the registries that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from moving.judge import digest_at
from servers.artifact_hub import ArtifactHub, artifact_hub
from servers.images import push_image

if TYPE_CHECKING:
    from servers.docker_registry import DockerRegistry


@pytest.fixture
def server() -> Iterator[ArtifactHub]:
    with artifact_hub() as server:
        yield server


def test_each_reference_is_named_with_the_account_that_its_registry_is(
    transship: Any, server: ArtifactHub, open_registry: DockerRegistry
) -> None:
    transship("login", open_registry.host, "--anonymous", "--alias", "old")
    images = [{"image": f"{open_registry.host}/acme/web:1"}, {"image": "redis:7"}]
    server.add("web", containers_images=images)

    ended = transship("find", "web", "--at", server.host)

    assert ended.status == 0
    header, first, second = ended.out.splitlines()
    assert header.split()[:4] == ["REFERENCE", "ACCOUNT", "IS", "PACKAGE"]
    assert first.split() == [
        f"{open_registry.host}/acme/web:1", "old", "image", "web", "1.0.0", "helm", "Acme"
    ]  # fmt: skip
    assert second.split()[0] == "docker.io/library/redis:7"


def test_the_document_has_all_of_it(transship: Any, server: ArtifactHub) -> None:
    server.add("web", "2.0", containers_images=[{"image": "redis:7"}, {"image": "{{ x }}"}])
    server.add("web-more")

    document = transship("find", "web", "--at", server.host, "--limit", "1", "--json").document

    assert document == {
        "catalogue": server.host,
        "words": "web",
        "total": 2,
        "packages": [
            {
                "name": "web",
                "version": "2.0",
                "kind": "helm",
                "publisher": "Acme",
                "description": "what web is",
                "official": False,
                "verified": True,
                "deprecated": False,
                "address": f"https://{server.host}/packages/helm/charts/web",
                "content": "https://charts.example.com",
                "references": [
                    {
                        "reference": "docker.io/library/redis:7",
                        "is": "image",
                        "registry": "docker.io",
                        "account": False,
                        "alias": None,
                    }
                ],
                "unread": ["{{ x }}"],
                "problem": None,
            }
        ],
    }


def test_what_is_found_is_what_copy_takes(
    transship: Any,
    server: ArtifactHub,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    image = push_image(open_registry, repository, "1")
    server.add("web", containers_images=[{"image": f"{open_registry.host}/{repository}:1"}])
    found = transship("find", "web", "--at", server.host, "--json").document
    (reference,) = found["packages"][0]["references"]

    ended = transship("copy", reference["reference"], f"{other_registry.host}/{repository}:1")

    assert ended.status == 0
    assert digest_at(other_registry, repository, "1") == image.digest


def test_what_is_in_no_registry_and_what_is_left_is_said(
    transship: Any, server: ArtifactHub
) -> None:
    for name in ("web", "web-more"):
        server.add(name)

    ended = transship("find", "web", "--at", server.host, "--limit", "1")

    assert "in no registry" in ended.out
    assert "the first 1 of 2" in ended.err


def test_what_can_not_be_read_is_said_beside_the_rest(transship: Any, server: ArtifactHub) -> None:
    server.add("web", containers_images={"image": "no list"})
    server.add("web-more", containers_images=[{"image": "redis:7"}])

    ended = transship("find", "web", "--at", server.host)

    assert ended.status == 0
    first, second = ended.out.splitlines()[1:]
    assert "what it contains can't be read" in first
    assert "docker.io/library/redis:7" in second


def test_nothing_may_be_found(transship: Any, server: ArtifactHub) -> None:
    ended = transship("find", "gone", "--at", server.host)

    assert (ended.status, "nothing was found" in ended.err) == (0, True)


def test_hostile_text_reaches_no_terminal(transship: Any, server: ArtifactHub) -> None:
    server.add(
        "web\x1b[2J", normalized_name="web", containers_images=[{"image": "quay.io/a\x1b]0;x\x07"}]
    )

    for more in ((), ("--json",)):
        ended = transship("find", "web", "--at", server.host, *more)
        assert ended.status == 0
        assert "\x1b" not in ended.out + ended.err
        assert "\\u001b" not in ended.out


@pytest.mark.parametrize("words", [("--kind", "chart"), ("--limit", "0"), ("--limit", "61")])
def test_what_can_not_be_asked_is_said(
    words: tuple[str, ...], transship: Any, server: ArtifactHub
) -> None:
    ended = transship("find", "web", "--at", server.host, *words)

    assert ended.status == 2
    assert server.asked == []


def test_nobody_signs_in_to_the_catalogue(transship: Any) -> None:
    ended = transship("login", "artifacthub.io", "-u", "me", "--password-stdin", stdin="secret\n")

    assert ended.status == 2
    assert "A catalogue, which holds no images" in ended.err
    assert "`transship find`" in ended.err
