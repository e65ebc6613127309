from __future__ import annotations

import asyncio
import gzip
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import httpx
import pytest

from servers.process import comes_true
from transship.oci.digest import Digest, digest_of
from transship.sandbox.registry_server import Door, SandboxRegistry

Push = Callable[..., Awaitable[Digest]]

DATA = bytes(range(256)) * 16
DIGEST = digest_of(DATA)
UPLOADS = "/v2/team/web/blobs/uploads/"


def codes(answer: httpx.Response) -> list[str]:
    return [error["code"] for error in answer.json()["errors"]]


async def stream(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def chunk(http: httpx.AsyncClient, location: str, data: bytes, at: int) -> httpx.Response:
    headers = {"Content-Range": f"{at}-{at + len(data) - 1}"}
    return await http.patch(location, content=data, headers=headers)


@pytest.fixture
async def location(http: httpx.AsyncClient) -> str:
    answer = await http.post(UPLOADS)
    assert answer.status_code == 202
    return answer.headers["Location"]


async def assert_stored(http: httpx.AsyncClient, data: bytes = DATA) -> None:
    assert (await http.get(f"/v2/team/web/blobs/{digest_of(data)}")).content == data


# Starting


async def test_a_session_has_a_relative_place_of_its_own(http: httpx.AsyncClient) -> None:
    answers = [await http.post(UPLOADS) for _ in range(2)]
    places = [answer.headers["Location"] for answer in answers]

    assert all(place.startswith(UPLOADS) for place in places)
    assert len({uuid.UUID(place.removeprefix(UPLOADS)) for place in places}) == 2
    assert {answer.headers["Range"] for answer in answers} == {"0-0"}


async def test_one_request_can_do_it_all(http: httpx.AsyncClient) -> None:
    answer = await http.post(UPLOADS, params={"digest": DIGEST}, content=DATA)

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v2/team/web/blobs/{DIGEST}"
    assert answer.headers["Docker-Content-Digest"] == DIGEST
    await assert_stored(http)


async def test_one_request_with_other_bytes_does_nothing(http: httpx.AsyncClient) -> None:
    answer = await http.post(UPLOADS, params={"digest": DIGEST}, content=DATA[1:])

    assert answer.status_code == 400
    assert codes(answer) == ["DIGEST_INVALID"]
    assert (await http.get(f"/v2/team/web/blobs/{DIGEST}")).status_code == 404


# Mounting


async def test_a_blob_is_mounted_from_where_it_is(http: httpx.AsyncClient, push_blob: Push) -> None:
    digest = await push_blob("team/api", DATA)

    answer = await http.post(UPLOADS, params={"mount": digest, "from": "team/api"})

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v2/team/web/blobs/{digest}"
    await assert_stored(http)


@pytest.mark.parametrize(
    "query",
    [
        {"mount": DIGEST, "from": "team/other"},
        {"mount": digest_of(b"nowhere"), "from": "team/api"},
        {"mount": DIGEST, "from": "../api"},
        {"mount": DIGEST},
        {"mount": "latest", "from": "team/api"},
    ],
)
async def test_what_can_not_be_mounted_can_be_uploaded(
    http: httpx.AsyncClient, push_blob: Push, query: dict[str, str]
) -> None:
    await push_blob("team/api", DATA)

    started = await http.post(UPLOADS, params=query)
    assert started.status_code == 202
    location = started.headers["Location"]
    put = await http.put(location, params={"digest": DIGEST}, content=DATA)

    assert put.status_code == 201
    await assert_stored(http)


# Sending


@pytest.mark.parametrize("body", [DATA, [DATA[:1000], DATA[1000:]]])
async def test_a_put_brings_the_whole_blob(
    http: httpx.AsyncClient, location: str, body: bytes | list[bytes]
) -> None:
    content = body if isinstance(body, bytes) else stream(body)

    put = await http.put(location, params={"digest": DIGEST}, content=content)

    assert put.status_code == 201
    await assert_stored(http)


async def test_a_patch_streams_and_an_empty_put_ends_it(
    http: httpx.AsyncClient, location: str
) -> None:
    patch = await http.patch(location, content=stream([DATA[:10], DATA[10:]]))
    assert patch.status_code == 202
    assert patch.headers["Range"] == f"0-{len(DATA) - 1}"

    put = await http.put(patch.headers["Location"], params={"digest": DIGEST})

    assert put.status_code == 201
    await assert_stored(http)


@pytest.mark.parametrize("last_by_put", [False, True])
async def test_chunks_come_one_after_the_other(
    http: httpx.AsyncClient, location: str, last_by_put: bool
) -> None:
    for at in (0, 1000, 2000):
        answer = await chunk(http, location, DATA[at : at + 1000], at)
        assert answer.status_code == 202
        assert answer.headers["Range"] == f"0-{at + 999}"
        status = await http.get(answer.headers["Location"])
        assert (status.status_code, status.headers["Range"]) == (204, f"0-{at + 999}")
        location = status.headers["Location"]
    rest = DATA[3000:]
    if last_by_put:
        headers = {"Content-Range": f"3000-{len(DATA) - 1}"}
        query = {"digest": DIGEST}
        put = await http.put(location, params=query, content=rest, headers=headers)
    else:
        await chunk(http, location, rest, 3000)
        put = await http.put(location, params={"digest": DIGEST})

    assert put.status_code == 201
    await assert_stored(http)


@pytest.mark.parametrize("header", ["0-9", "11-20", "20-29", "10-9", "bytes 10-19/30", "10-", ""])
async def test_a_chunk_out_of_order_is_refused(
    http: httpx.AsyncClient, location: str, header: str
) -> None:
    await chunk(http, location, DATA[:10], 0)

    for send in (http.patch, http.put):
        answer = await send(
            f"{location}?digest={DIGEST}", content=DATA[10:20], headers={"Content-Range": header}
        )
        assert answer.status_code == 416
        assert answer.headers["Range"] == "0-9"
        assert answer.headers["Location"] == location
    assert (await http.get(location)).headers["Range"] == "0-9"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_chunk_of_another_length_leaves_no_byte(
    http: httpx.AsyncClient, location: str, streamed: bool
) -> None:
    await chunk(http, location, DATA[:10], 0)
    content = stream([DATA[10:15]]) if streamed else DATA[10:15]

    answer = await http.patch(location, content=content, headers={"Content-Range": "10-19"})

    assert answer.status_code == 400
    assert codes(answer) == ["SIZE_INVALID"]
    assert (await http.get(location)).headers["Range"] == "0-9"


# Finishing


async def test_a_blob_with_another_digest_is_not_kept(
    http: httpx.AsyncClient, location: str, registry: SandboxRegistry
) -> None:
    put = await http.put(location, params={"digest": DIGEST}, content=DATA[1:])

    assert put.status_code == 400
    assert codes(put) == ["DIGEST_INVALID"]
    assert (await http.get(f"/v2/team/web/blobs/{DIGEST}")).status_code == 404
    assert not registry.store.path(DIGEST).exists()
    assert (await http.get(location)).status_code == 404


@pytest.mark.parametrize("query", [{}, {"digest": ""}, {"digest": "latest"}, {"digest": "md5:0"}])
async def test_an_end_without_a_digest_ends_nothing(
    http: httpx.AsyncClient, location: str, query: dict[str, str]
) -> None:
    refused = await http.put(location, params=query, content=DATA)
    assert refused.status_code == 400
    assert codes(refused) == ["DIGEST_INVALID"]

    put = await http.put(location, params={"digest": DIGEST}, content=DATA)
    assert put.status_code == 201


async def test_a_finished_session_is_over(http: httpx.AsyncClient, location: str) -> None:
    await http.put(location, params={"digest": DIGEST}, content=DATA)

    again = await http.put(location, params={"digest": DIGEST}, content=DATA)

    assert again.status_code == 404
    assert codes(again) == ["BLOB_UPLOAD_UNKNOWN"]


async def test_a_session_can_be_given_up(http: httpx.AsyncClient, location: str) -> None:
    await http.patch(location, content=DATA)

    assert (await http.delete(location)).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert (await http.request(method, location)).status_code == 404


async def test_a_session_belongs_to_its_repository(http: httpx.AsyncClient, location: str) -> None:
    assert (await http.get(location.replace("team/web", "team/api"))).status_code == 404


@pytest.mark.parametrize("session", ["x", "..", "%2e%2e%2f%2e%2e", str(uuid.UUID(int=7))])
async def test_a_session_that_never_was(http: httpx.AsyncClient, session: str) -> None:
    assert (await http.get(UPLOADS + session)).status_code in (400, 404)


async def test_a_blob_that_is_there_can_come_again(http: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(http.post(UPLOADS, params={"digest": DIGEST}, content=DATA) for _ in range(8))
    )

    assert {answer.status_code for answer in answers} == {201}
    await assert_stored(http)


async def test_sha512_is_checked_too(http: httpx.AsyncClient) -> None:
    digest = digest_of(DATA, "sha512")

    good = await http.post(UPLOADS, params={"digest": digest}, content=DATA)
    bad = await http.post(UPLOADS, params={"digest": digest}, content=DATA[1:])

    assert (good.status_code, bad.status_code) == (201, 400)
    assert (await http.get(f"/v2/team/web/blobs/{digest}")).content == DATA


async def test_bytes_are_kept_as_they_are_sent(http: httpx.AsyncClient) -> None:
    packed = gzip.compress(DATA)
    query, headers = {"digest": digest_of(packed)}, {"Content-Encoding": "gzip"}

    answer = await http.post(UPLOADS, params=query, content=packed, headers=headers)

    assert answer.status_code == 201
    await assert_stored(http, packed)


# What goes wrong on the way


async def test_requests_for_one_session_wait_for_each_other(
    http: httpx.AsyncClient, location: str, registry: SandboxRegistry
) -> None:
    may_end = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield DATA[:1000]
        await may_end.wait()
        yield DATA[1000:]

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        patch = tasks.create_task(http.patch(location, content=slow()))
        await comes_true(lambda: _length(registry, location) >= 1000, "the first bytes")
        waiting = []
        for method in ("GET", "DELETE", "GET"):
            waiting.append(tasks.create_task(http.request(method, location)))
            come = 2 + len(waiting)
            await comes_true(lambda come=come: len(registry.requests) >= come, method)
        may_end.set()

    assert patch.result().status_code == 202
    assert [task.result().status_code for task in waiting] == [204, 204, 404]
    assert waiting[0].result().headers["Range"] == f"0-{len(DATA) - 1}"


async def test_bytes_of_a_cut_request_are_kept_and_told(
    http: httpx.AsyncClient, location: str, registry: SandboxRegistry
) -> None:
    await chunk(http, location, DATA[:1000], 0)
    host, port = registry.host.split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"PATCH {location} HTTP/1.1\r\nHost: {registry.host}\r\nContent-Length: 3096\r\n"
    writer.write(head.encode() + b"Content-Range: 1000-4095\r\n\r\n" + DATA[1000:1500])
    await writer.drain()
    await comes_true(
        lambda: len(registry.requests) == 3 and _length(registry, location) == 1500, "the bytes"
    )
    writer.close()
    await writer.wait_closed()

    assert (await http.get(location)).headers["Range"] == "0-1499"
    assert registry.requests[2].status == 400
    assert (await chunk(http, location, DATA[1000:], 1000)).status_code == 416
    assert (await chunk(http, location, DATA[1500:], 1500)).status_code == 202
    put = await http.put(location, params={"digest": DIGEST})
    assert put.status_code == 201
    await assert_stored(http)


def _length(registry: SandboxRegistry, location: str) -> int:
    session = location.rpartition("/")[2]
    return (registry.folder / "uploads" / "team" / "web" / f"_{session}").stat().st_size


async def test_a_session_outlives_the_registry(tmp_path: Path) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        async with SandboxRegistry(tmp_path) as registry:
            url = f"http://{registry.host}"
            location = (await http.post(url + UPLOADS)).headers["Location"]
            await chunk(http, url + location, DATA[:1000], 0)
        port = int(registry.host.rpartition(":")[2])
        async with SandboxRegistry(tmp_path, door=Door(port=port)):
            assert (await http.get(url + location)).headers["Range"] == "0-999"
            await chunk(http, url + location, DATA[1000:], 1000)
            put = await http.put(url + location, params={"digest": DIGEST})
            assert put.status_code == 201


async def test_the_smallest_chunk_is_told_and_asked_for(tmp_path: Path) -> None:
    async with (
        SandboxRegistry(tmp_path, chunk_minimum=1000) as registry,
        httpx.AsyncClient(base_url=f"http://{registry.host}", trust_env=False) as http,
    ):
        started = await http.post(UPLOADS)
        assert started.headers["OCI-Chunk-Min-Length"] == "1000"
        location = started.headers["Location"]
        assert (await chunk(http, location, DATA[:1000], 0)).status_code == 202
        assert (await chunk(http, location, DATA[1000:1100], 1000)).status_code == 202
        refused = await chunk(http, location, DATA[1100:3000], 1100)
        assert refused.status_code == 400
        assert codes(refused) == ["SIZE_INVALID"]
        put = await http.put(location, params={"digest": digest_of(DATA[:1100])})
        assert put.status_code == 201
