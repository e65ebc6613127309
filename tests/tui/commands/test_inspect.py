"""`transship inspect`: one image in words and as a document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from servers.images import push_artifact, push_image, push_index, push_referrer

if TYPE_CHECKING:
    from servers.docker_registry import DockerRegistry


def test_an_index_in_words(transship: Any, open_registry: DockerRegistry, repository: str) -> None:
    children = [
        push_image(open_registry, repository, platform=platform)
        for platform in ("linux/amd64", "linux/arm64/v8")
    ]
    index = push_index(open_registry, repository, "multi", children)
    signature = push_referrer(open_registry, index)

    ended = transship("inspect", f"{open_registry.host}/{repository}:multi")

    assert ended.status == 0, ended.err
    assert f"digest         {index.digest}" in ended.out
    for child, platform in zip(children, ("linux/amd64", "linux/arm64/v8"), strict=True):
        assert re.search(rf"^{platform} +\S+ KiB +{child.digest}$", ended.out, re.MULTILINE)
    assert re.search(rf"^application/vnd.example.signature .*{signature.digest}", ended.out, re.M)


def test_an_image_as_a_document(
    transship: Any, open_registry: DockerRegistry, repository: str
) -> None:
    image = push_image(open_registry, repository, "1.0", annotations={"org.example": "yes"})

    document = transship("inspect", f"{open_registry.host}/{repository}:1.0", "--json").document

    assert set(document) == {
        "reference", "digest", "media_type", "artifact_type", "size", "platform", "created",
        "subject", "annotations", "platforms", "layers", "referrers",
    }  # fmt: skip
    assert document["digest"] == image.digest
    assert document["platform"] == "linux/amd64"
    assert document["created"] == "2024-01-01T00:00:00Z"
    assert document["annotations"] == {"org.example": "yes"}
    assert [layer["digest"] for layer in document["layers"]] == image.blobs[1:]


def test_what_is_no_image(transship: Any, open_registry: DockerRegistry, repository: str) -> None:
    image = push_image(open_registry, repository, "1.0")
    push_artifact(open_registry, repository, "report", subject=image)

    ended = transship("inspect", f"{open_registry.host}/{repository}:report")

    assert "artifact type  application/vnd.example.report" in ended.out
    assert f"subject        {image.digest}" in ended.out
    assert "platform" not in ended.out


def test_hostile_words_are_harmless(
    transship: Any, open_registry: DockerRegistry, repository: str
) -> None:
    hostile = {"title\x1b[2J": "\x1b]0;owned\x07 \u202egnp.exe\u200b\n\rerror: none"}
    push_image(open_registry, repository, "1.0", annotations=hostile)
    where = f"{open_registry.host}/{repository}:1.0"

    shown, document = transship("inspect", where), transship("inspect", where, "--json")

    for text in (shown.out, document.out):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u202e]", text)
    assert document.document["annotations"] == hostile, "nothing is lost to a program"


def test_what_is_not_there(transship: Any, open_registry: DockerRegistry, repository: str) -> None:
    push_image(open_registry, repository, "1.0")
    where = f"{open_registry.host}/{repository}"

    assert transship("inspect", f"{where}:2.0").status == 1
    assert transship("inspect", f"{where}:2.0", "--json").document["error"]["cause"] == (
        "manifest-not-found"
    )
    assert transship("inspect", where).status == 2
