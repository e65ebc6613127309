from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from transship.oci.digest import digest_of
from transship.oci.media_types import DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from transship.sandbox.server import SandboxRegistry

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from push import PushBlob, PushImage

NOWHERE = digest_of(b"nowhere")


def codes(answer: httpx.Response) -> list[str]:
    return [error["code"] for error in answer.json()["errors"]]


async def test_it_says_what_it_is(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v2/")

    assert answer.status_code == 200
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


# Lists


async def test_an_unknown_repository_has_no_tags(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v2/team/web/tags/list")

    assert answer.status_code == 404
    assert codes(answer) == ["NAME_UNKNOWN"]


async def test_tags_are_sorted_as_ascii_sorts(
    http: httpx.AsyncClient, push_image: PushImage
) -> None:
    for tag in ("b", "a", "B", "1.10", "1.9", "_x"):
        await push_image("team/web", tag)

    answer = await http.get("/v2/team/web/tags/list")

    assert answer.json() == {"name": "team/web", "tags": ["1.10", "1.9", "B", "_x", "a", "b"]}
    assert "Link" not in answer.headers


async def test_pages_are_linked(http: httpx.AsyncClient, push_image: PushImage) -> None:
    for tag in "abcde":
        await push_image("team/web", tag)

    pages, link = [], "/v2/team/web/tags/list?n=2"
    while link:
        answer = await http.get(link)
        pages.append(answer.json()["tags"])
        link = answer.links.get("next", {}).get("url", "")

    assert pages == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_page_can_begin_after_any_name(
    http: httpx.AsyncClient, push_image: PushImage
) -> None:
    for tag in "abd":
        await push_image("team/web", tag)

    assert (await http.get("/v2/team/web/tags/list?last=c")).json()["tags"] == ["d"]
    assert (await http.get("/v2/team/web/tags/list?last=d&n=5")).json()["tags"] == []


async def test_a_page_of_nothing_is_empty_and_leads_nowhere(
    http: httpx.AsyncClient, push_image: PushImage
) -> None:
    await push_image("team/web", "a")

    answer = await http.get("/v2/team/web/tags/list?n=0")

    assert answer.json()["tags"] == []
    assert "Link" not in answer.headers


@pytest.mark.parametrize("n", ["-1", "x", "", "1.5", "9" * 5000])
async def test_a_page_needs_a_number(http: httpx.AsyncClient, n: str) -> None:
    assert (await http.get("/v2/_catalog", params={"n": n})).status_code == 400


async def test_the_catalog_is_paged_too(http: httpx.AsyncClient, push_image: PushImage) -> None:
    for name in ("team/web", "base", "team/api"):
        await push_image(name, "latest")

    first = await http.get("/v2/_catalog?n=2")
    second = await http.get(first.links["next"]["url"])

    assert first.json() == {"repositories": ["base", "team/api"]}
    assert second.json() == {"repositories": ["team/web"]}


async def test_the_registry_limits_its_pages(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with SandboxRegistry(tmp_path / "small", page_limit=2) as registry:
        for name in "abc":
            registry.store.add_blob(name, b"{}")
            _put_image(registry, name)
        answer = await http.get(f"http://{registry.host}/v2/_catalog?n=1000")

    assert answer.json() == {"repositories": ["a", "b"]}
    assert answer.links["next"]["url"] == "/v2/_catalog?n=2&last=b"


def _put_image(registry: SandboxRegistry, name: str) -> None:
    from transship.oci.manifest import parse_manifest

    registry.store.put_manifest(name, parse_manifest(json.dumps(image_document()).encode()))


def image_document(**fields: Any) -> dict[str, Any]:
    config = {"mediaType": OCI_CONFIG, "digest": digest_of(b"{}"), "size": 2}
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []} | fields
