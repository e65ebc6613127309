from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from transship.oci.digest import Digest, digest_of
from transship.oci.manifest import MANIFEST_LIMIT, make_index, parse_manifest
from transship.oci.media_types import DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from transship.sandbox.registry_server import SandboxRegistry

Push = Callable[..., Awaitable[Digest]]

NOWHERE = digest_of(b"nowhere")
EMPTY = digest_of(b"{}")


def codes(answer: httpx.Response) -> list[str]:
    return [error["code"] for error in answer.json()["errors"]]


def image(media_type: str = OCI_MANIFEST, **fields: object) -> bytes:
    config = {"mediaType": OCI_CONFIG, "digest": EMPTY, "size": 2}
    document = {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": []}
    return json.dumps(document | fields).encode()


async def test_it_says_what_it_is(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v2/")

    assert answer.status_code == 200
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


# Lists


async def test_an_unknown_repository_has_no_tags(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v2/team/web/tags/list")

    assert answer.status_code == 404
    assert codes(answer) == ["NAME_UNKNOWN"]


async def test_tags_are_sorted_as_ascii_sorts(http: httpx.AsyncClient, push_image: Push) -> None:
    for tag in ("b", "a", "B", "1.10", "1.9", "_x"):
        await push_image("team/web", tag)

    answer = await http.get("/v2/team/web/tags/list")

    assert answer.json() == {"name": "team/web", "tags": ["1.10", "1.9", "B", "_x", "a", "b"]}
    assert "Link" not in answer.headers


async def test_pages_are_linked(http: httpx.AsyncClient, push_image: Push) -> None:
    for tag in "abcde":
        await push_image("team/web", tag)

    pages, link = [], "/v2/team/web/tags/list?n=2"
    while link:
        answer = await http.get(link)
        pages.append(answer.json()["tags"])
        link = answer.links.get("next", {}).get("url", "")

    assert pages == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_full_last_page_leads_nowhere(http: httpx.AsyncClient, push_image: Push) -> None:
    for tag in "ab":
        await push_image("team/web", tag)

    answer = await http.get("/v2/team/web/tags/list?n=2")

    assert answer.json()["tags"] == ["a", "b"]
    assert "Link" not in answer.headers


async def test_a_page_can_begin_after_any_name(http: httpx.AsyncClient, push_image: Push) -> None:
    for tag in "abd":
        await push_image("team/web", tag)

    assert (await http.get("/v2/team/web/tags/list?last=c")).json()["tags"] == ["d"]
    assert (await http.get("/v2/team/web/tags/list?last=d&n=5")).json()["tags"] == []


async def test_a_page_of_nothing_is_empty(http: httpx.AsyncClient, push_image: Push) -> None:
    await push_image("team/web", "a")

    answer = await http.get("/v2/team/web/tags/list?n=0")

    assert answer.json()["tags"] == []
    assert "Link" not in answer.headers


@pytest.mark.parametrize("n", ["-1", "x", "", "1.5", "9" * 5000])
async def test_a_page_needs_a_number(http: httpx.AsyncClient, n: str) -> None:
    assert (await http.get("/v2/_catalog", params={"n": n})).status_code == 400


async def test_the_catalog_is_paged_too(http: httpx.AsyncClient, push_image: Push) -> None:
    for name in ("team/web", "base", "team/api"):
        await push_image(name, "latest")

    first = await http.get("/v2/_catalog?n=2")
    second = await http.get(first.links["next"]["url"])

    assert first.json() == {"repositories": ["base", "team/api"]}
    assert second.json() == {"repositories": ["team/web"]}


async def test_the_registry_limits_its_pages(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with SandboxRegistry(tmp_path / "small", page_limit=2) as registry:
        for name in "abc":
            registry.store.put_manifest(name, parse_manifest(image()))
        answer = await http.get(f"http://{registry.host}/v2/_catalog?n=1000")

    assert answer.json() == {"repositories": ["a", "b"]}
    assert answer.links["next"]["url"] == "/v2/_catalog?n=2&last=b"


# Manifests


async def test_a_manifest_comes_back_as_it_went(http: httpx.AsyncClient, push_blob: Push) -> None:
    await push_blob("team/web", b"{}")
    body = image() + b"\n "

    put = await http.put("/v2/team/web/manifests/1.0", content=body)
    assert put.status_code == 201
    assert put.headers["Docker-Content-Digest"] == digest_of(body)
    assert put.headers["Location"] == f"/v2/team/web/manifests/{digest_of(body)}"

    for reference in ("1.0", digest_of(body)):
        got = await http.get(f"/v2/team/web/manifests/{reference}")
        assert got.content == body
        assert got.headers["Content-Type"] == OCI_MANIFEST
        assert got.headers["Docker-Content-Digest"] == digest_of(body)
        head = await http.head(f"/v2/team/web/manifests/{reference}")
        assert head.content == b""
        assert head.headers["Content-Length"] == str(len(body))
        assert head.headers["Docker-Content-Digest"] == digest_of(body)


async def test_what_is_known_is_not_sent_again(http: httpx.AsyncClient, push_image: Push) -> None:
    digest = await push_image("team/web", "1.0")

    for place in ("manifests/1.0", f"blobs/{EMPTY}"):
        first = await http.get(f"/v2/team/web/{place}")
        known = {"If-None-Match": first.headers["ETag"]}
        assert (await http.get(f"/v2/team/web/{place}", headers=known)).status_code == 304
    other = await http.get("/v2/team/web/manifests/1.0", headers={"If-None-Match": '"other"'})
    assert other.headers["Docker-Content-Digest"] == digest


async def test_dockers_manifests_keep_their_type(http: httpx.AsyncClient, push_blob: Push) -> None:
    await push_blob("team/web", b"{}")

    await http.put("/v2/team/web/manifests/1.0", content=image(DOCKER_MANIFEST))

    got = await http.get("/v2/team/web/manifests/1.0")
    assert got.headers["Content-Type"] == DOCKER_MANIFEST


async def test_a_manifest_needs_its_blobs_in_the_same_repository(
    http: httpx.AsyncClient, push_blob: Push
) -> None:
    await push_blob("team/api", b"{}")
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": NOWHERE, "size": 7}

    answer = await http.put("/v2/team/web/manifests/1.0", content=image(layers=[layer]))

    assert answer.status_code == 400
    assert codes(answer) == ["MANIFEST_BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN"]
    assert [error["detail"]["digest"] for error in answer.json()["errors"]] == [EMPTY, NOWHERE]
    assert (await http.get("/v2/team/web/manifests/1.0")).status_code == 404


async def test_an_index_needs_its_children(http: httpx.AsyncClient, push_image: Push) -> None:
    child = await push_image("team/web", "")
    manifest = parse_manifest((await http.get(f"/v2/team/web/manifests/{child}")).content)
    index = make_index([manifest.descriptor()])

    for name, status in (("team/api", 400), ("team/web", 201)):
        answer = await http.put(f"/v2/{name}/manifests/1.0", content=index.body)
        assert answer.status_code == status
    assert (await http.get("/v2/team/web/manifests/1.0")).headers["Content-Type"] == OCI_INDEX


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"schemaVersion": 1}',
        b'{"schemaVersion": 2}',
        b'{"schemaVersion": 2, "artifactType": "\xff"}',
        b'{"schemaVersion": 2, "x": ' + b"[" * 200_000,
        image(config={"digest": "sha256:short", "size": 2}),
        image(config={"digest": EMPTY, "size": -1}),
        image("application/vnd.docker.distribution.manifest.v1+prettyjws"),
    ],
)
async def test_what_is_no_manifest_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.put("/v2/team/web/manifests/1.0", content=body)

    assert answer.status_code == 400
    assert codes(answer) == ["MANIFEST_INVALID"]


async def test_a_manifest_has_the_type_it_comes_as(
    http: httpx.AsyncClient, push_blob: Push
) -> None:
    await push_blob("team/web", b"{}")

    for content_type, status in ((OCI_INDEX, 400), (f"{OCI_MANIFEST}; charset=utf-8", 201)):
        headers = {"Content-Type": content_type}
        answer = await http.put("/v2/team/web/manifests/1", content=image(), headers=headers)
        assert answer.status_code == status


async def test_a_manifest_of_another_digest_is_refused(
    http: httpx.AsyncClient, push_blob: Push
) -> None:
    await push_blob("team/web", b"{}")

    answer = await http.put(f"/v2/team/web/manifests/{NOWHERE}", content=image())

    assert answer.status_code == 400
    assert codes(answer) == ["DIGEST_INVALID"]


async def test_other_digests_than_sha256_are_known(
    http: httpx.AsyncClient, push_blob: Push
) -> None:
    await push_blob("team/web", b"{}")
    digest = digest_of(image(), "sha512")

    put = await http.put(f"/v2/team/web/manifests/{digest}", content=image())

    assert put.headers["Docker-Content-Digest"] == digest
    assert (await http.get(f"/v2/team/web/manifests/{digest}")).content == image()


async def test_a_manifest_may_be_4_mib_long_and_no_longer(
    http: httpx.AsyncClient, push_blob: Push
) -> None:
    await push_blob("team/web", b"{}")
    longest = image() + b" " * (MANIFEST_LIMIT - len(image()))

    assert (await http.put("/v2/team/web/manifests/1", content=longest)).status_code == 201
    refused = await http.put("/v2/team/web/manifests/2", content=longest + b" ")
    assert refused.status_code == 413


@pytest.mark.parametrize("reference", [".x", "x" * 129, "sha256:short", "a b", "sha1:" + "a" * 40])
async def test_a_reference_is_a_tag_or_a_digest(http: httpx.AsyncClient, reference: str) -> None:
    assert (await http.get(f"/v2/team/web/manifests/{reference}")).status_code == 400


async def test_deleting_a_tag_leaves_the_manifest(
    http: httpx.AsyncClient, push_image: Push
) -> None:
    digest = await push_image("team/web", "1.0")

    assert (await http.delete("/v2/team/web/manifests/1.0")).status_code == 202
    assert (await http.delete("/v2/team/web/manifests/1.0")).status_code == 404
    assert (await http.get("/v2/team/web/manifests/1.0")).status_code == 404
    assert (await http.get(f"/v2/team/web/manifests/{digest}")).status_code == 200


async def test_deleting_a_manifest_takes_its_tags(
    http: httpx.AsyncClient, push_image: Push
) -> None:
    digest = await push_image("team/web", "1.0")
    await push_image("team/web", "1.1", b"another layer")

    assert (await http.delete(f"/v2/team/web/manifests/{digest}")).status_code == 202
    assert (await http.delete(f"/v2/team/web/manifests/{digest}")).status_code == 404
    assert (await http.get("/v2/team/web/tags/list")).json()["tags"] == ["1.1"]


# Blobs


async def test_a_blob_is_read_whole(http: httpx.AsyncClient, push_blob: Push) -> None:
    digest = await push_blob("team/web", b"0123456789")

    got = await http.get(f"/v2/team/web/blobs/{digest}")
    head = await http.head(f"/v2/team/web/blobs/{digest}")

    assert got.content == b"0123456789"
    assert got.headers["Docker-Content-Digest"] == digest
    assert head.status_code == 200
    assert head.headers["Content-Length"] == "10"
    assert head.content == b""


@pytest.mark.parametrize(
    ("asked", "status", "content", "said"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("pages=1-2", 200, b"0123456789", None),
    ],
)
async def test_a_blob_is_read_in_part(
    http: httpx.AsyncClient,
    push_blob: Push,
    asked: str,
    status: int,
    content: bytes,
    said: str | None,
) -> None:
    digest = await push_blob("team/web", b"0123456789")

    got = await http.get(f"/v2/team/web/blobs/{digest}", headers={"Range": asked})

    assert (got.status_code, got.content) == (status, content)
    assert got.headers.get("Content-Range") == said


async def test_a_blob_has_no_part_after_its_end(http: httpx.AsyncClient, push_blob: Push) -> None:
    digest = await push_blob("team/web", b"0123456789")

    got = await http.get(f"/v2/team/web/blobs/{digest}", headers={"Range": "bytes=10-"})

    assert got.status_code == 416
    assert got.headers["Content-Range"] == "bytes */10"


async def test_an_empty_blob_is_a_blob(http: httpx.AsyncClient, push_blob: Push) -> None:
    digest = await push_blob("team/web", b"")

    assert (await http.get(f"/v2/team/web/blobs/{digest}")).status_code == 200


async def test_a_blob_is_deleted_from_one_repository(
    http: httpx.AsyncClient, push_blob: Push
) -> None:
    digest = await push_blob("team/web", b"content")
    await push_blob("team/api", b"content")

    assert (await http.delete(f"/v2/team/web/blobs/{digest}")).status_code == 202
    gone = await http.delete(f"/v2/team/web/blobs/{digest}")

    assert gone.status_code == 404
    assert codes(gone) == ["BLOB_UNKNOWN"]
    assert (await http.get(f"/v2/team/web/blobs/{digest}")).status_code == 404
    assert (await http.get(f"/v2/team/api/blobs/{digest}")).content == b"content"


# Referrers


async def test_referrers_are_listed_and_filtered(http: httpx.AsyncClient, push_image: Push) -> None:
    subject = {"mediaType": OCI_MANIFEST, "digest": NOWHERE, "size": 1}
    kinds = ("application/spdx+json", "application/vnd.example.signature")
    digests = [
        await push_image(
            "team/web", "", subject=subject, artifactType=kind, annotations={"kind": kind}
        )
        for kind in kinds
    ]

    everything = await http.get(f"/v2/team/web/referrers/{NOWHERE}")
    one = await http.get(f"/v2/team/web/referrers/{NOWHERE}", params={"artifactType": kinds[1]})

    assert everything.headers["Content-Type"] == OCI_INDEX
    assert "OCI-Filters-Applied" not in everything.headers
    entries = everything.json()["manifests"]
    assert [entry["digest"] for entry in entries] == digests
    assert [entry["artifactType"] for entry in entries] == list(kinds)
    assert [entry["annotations"] for entry in entries] == [{"kind": kind} for kind in kinds]
    assert one.headers["OCI-Filters-Applied"] == "artifactType"
    assert [entry["digest"] for entry in one.json()["manifests"]] == digests[1:]


async def test_the_config_says_what_a_referrer_is_if_nothing_else_does(
    http: httpx.AsyncClient, push_image: Push
) -> None:
    subject = {"mediaType": OCI_MANIFEST, "digest": NOWHERE, "size": 1}
    await push_image("team/web", "", subject=subject)

    listed = (await http.get(f"/v2/team/web/referrers/{NOWHERE}")).json()["manifests"]

    assert [entry["artifactType"] for entry in listed] == [OCI_CONFIG]


async def test_a_subject_is_acknowledged_even_if_it_is_not_there_yet(
    http: httpx.AsyncClient, push_blob: Push
) -> None:
    await push_blob("team/web", b"{}")
    subject = {"mediaType": OCI_MANIFEST, "digest": NOWHERE, "size": 1}

    with_subject = await http.put("/v2/team/web/manifests/1", content=image(subject=subject))
    without = await http.put("/v2/team/web/manifests/2", content=image())

    assert with_subject.headers["OCI-Subject"] == NOWHERE
    assert "OCI-Subject" not in without.headers


async def test_nothing_refers_to_what_is_not_there(http: httpx.AsyncClient) -> None:
    nobody = await http.get(f"/v2/team/web/referrers/{NOWHERE}")
    nonsense = await http.get("/v2/team/web/referrers/latest")

    assert nobody.status_code == 200
    assert nobody.json()["manifests"] == []
    assert nonsense.status_code == 400
