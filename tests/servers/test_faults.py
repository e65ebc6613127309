"""The proxy does to requests what its rules say, and nothing else."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from servers import images, skopeo
from servers.faults import (
    Answer,
    CutRequest,
    CutResponse,
    Delay,
    Fault,
    Hold,
    LoseResponse,
    SwallowRequest,
    Throttle,
)
from servers.process import eventually
from servers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy

    NewRegistry = Callable[..., DockerRegistry]

MEBIBYTE = 1024 * 1024
BLOB = hashlib.sha256(b"seed").digest() * (2 * MEBIBYTE // 32)
DIGEST = images.digest_of(BLOB)


@pytest.fixture
def proxy(open_registry: DockerRegistry, proxy_for: Callable[[Registry], FaultProxy]) -> FaultProxy:
    return proxy_for(open_registry)


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, timeout=10) as client:
        yield client


@pytest.fixture
def blob(open_registry: DockerRegistry, repository: str) -> str:
    images.push_blob(open_registry, repository, BLOB, "application/octet-stream")
    return f"/v2/{repository}/blobs/{DIGEST}"


def test_none_leaves_everything_as_it_is(
    proxy: FaultProxy, client: httpx.Client, repository: str
) -> None:
    started = client.post(f"/v2/{repository}/blobs/uploads/")
    assert httpx.URL(started.headers["Location"]).netloc.decode() == proxy.host
    pieces = (BLOB[at : at + 100_000] for at in range(0, len(BLOB), 100_000))
    chunked = client.patch(started.headers["Location"], content=pieces)
    assert chunked.status_code == 202
    done = client.put(f"{chunked.headers['Location']}&digest={DIGEST}")
    assert done.status_code == 201
    url = f"/v2/{repository}/blobs/{DIGEST}"
    assert client.head(url).headers["Content-Length"] == str(len(BLOB))
    assert client.get(url, headers={"Authorization": "Basic eA=="}).content == BLOB
    last = proxy.requests[-1]
    assert (last.method, last.path, last.status) == ("GET", url, 200)
    assert (last.has_authorization, last.authorization_scheme) == (True, "Basic")
    assert "authorization" not in last.headers
    assert last.received == len(BLOB)
    assert proxy.requests[1].sent == len(BLOB)


def test_skopeo_works_through_it(
    proxy: FaultProxy, open_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = images.push_image(open_registry, repository, "1.0")
    there = Registry(proxy.url)
    skopeo.copy(f"docker://{proxy.host}/{repository}:1.0", f"oci:{tmp_path}/o:1", there)
    skopeo.copy(f"oci:{tmp_path}/o:1", f"docker://{proxy.host}/{repository}:2.0", there)
    reference = f"docker://{open_registry.host}/{repository}:2.0"
    assert skopeo.digest(reference, open_registry) == image.digest


def test_answers_come_in_order_and_run_out(
    proxy: FaultProxy, client: httpx.Client, open_registry: DockerRegistry
) -> None:
    mark = open_registry.mark()
    proxy.add(Fault(Answer(429, {"Retry-After": "3"}), method="GET", path="^/v2/$"))
    second = proxy.add(Fault(Answer(503), path="^/v2/$", skip=1))
    answers = [client.get("/v2/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 200, 503, 200]
    assert answers[0].headers["Retry-After"] == "3"
    assert second.struck == 1
    assert len(open_registry.since(mark)) == 2


def test_an_answer_can_come_before_the_body_was_read(
    proxy: FaultProxy, client: httpx.Client, repository: str
) -> None:
    proxy.add(Fault(Answer(500), method="PATCH"))
    location = client.post(f"/v2/{repository}/blobs/uploads/").headers["Location"]
    assert client.patch(location, content=BLOB).status_code == 500
    assert client.patch(location, content=BLOB).status_code == 202


def test_a_response_is_cut_after_some_bytes(
    proxy: FaultProxy, client: httpx.Client, blob: str
) -> None:
    proxy.add(Fault(CutResponse(after=MEBIBYTE + 1), method="GET", path="/blobs/"))
    got: list[bytes] = []
    with client.stream("GET", blob) as response, pytest.raises(httpx.RemoteProtocolError):
        got.extend(response.iter_raw())
    assert b"".join(got) == BLOB[: MEBIBYTE + 1]
    assert client.get(blob).content == BLOB


def test_a_response_is_lost_though_the_work_was_done(
    proxy: FaultProxy,
    client: httpx.Client,
    open_registry: DockerRegistry,
    repository: str,
) -> None:
    proxy.add(Fault(LoseResponse(), method="POST"))
    mark = open_registry.mark()
    with pytest.raises(httpx.TransportError):
        client.post(f"/v2/{repository}/blobs/uploads/")
    assert [access.status for access in open_registry.since(mark)] == [202]
    assert proxy.requests[0].status is None


def test_a_request_is_cut_after_some_bytes(
    proxy: FaultProxy,
    client: httpx.Client,
    open_registry: DockerRegistry,
    repository: str,
) -> None:
    proxy.add(Fault(CutRequest(after=1000), method="PATCH"))
    location = client.post(f"/v2/{repository}/blobs/uploads/").headers["Location"]
    with pytest.raises(httpx.TransportError):
        client.patch(location, content=BLOB)
    assert proxy.requests[1].sent == 1000
    uploads = f"docker/registry/v2/repositories/{repository}/_uploads/*/data"
    (upload,) = open_registry.storage.glob(uploads)
    eventually(lambda: upload.read_bytes() == BLOB[:1000], "the arrival of 1000 bytes")


def test_a_request_is_swallowed(
    proxy: FaultProxy,
    client: httpx.Client,
    open_registry: DockerRegistry,
    repository: str,
) -> None:
    proxy.add(Fault(SwallowRequest(), method="PATCH"))
    location = client.post(f"/v2/{repository}/blobs/uploads/").headers["Location"]
    mark = open_registry.mark()
    with pytest.raises(httpx.TransportError):
        client.patch(location, content=BLOB)
    assert open_registry.since(mark) == []
    assert client.patch(location, content=BLOB).status_code == 202


@pytest.mark.parametrize("answered", [False, True])
def test_a_request_is_held_until_it_is_released(
    proxy: FaultProxy,
    client: httpx.Client,
    open_registry: DockerRegistry,
    answered: bool,
) -> None:
    hold = Hold(answered=answered)
    proxy.add(Fault(hold))
    mark = open_registry.mark()
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(client.get("/v2/")))
    asking.start()
    assert hold.held.wait(5)
    assert len(open_registry.since(mark)) == (1 if answered else 0)
    assert answers == []
    hold.release.set()
    asking.join()
    assert answers[0].status_code == 200


def test_delays_and_throttles_add_up_with_a_fault(
    proxy: FaultProxy, client: httpx.Client, blob: str
) -> None:
    proxy.add(Fault(Delay(0.1), times=None))
    proxy.add(Fault(Throttle(20 * MEBIBYTE), times=None))
    proxy.add(Fault(Answer(503)))
    start = time.monotonic()
    assert client.get(blob).status_code == 503
    assert client.get(blob).content == BLOB
    assert time.monotonic() - start > 0.1 + 0.1 + 2 / 20


def test_connections_are_cut_and_a_dead_registry_is_no_answer(
    new_registry: NewRegistry, proxy_for: Callable[[Registry], FaultProxy]
) -> None:
    registry = new_registry()
    proxy = proxy_for(registry)
    hold = Hold()
    proxy.add(Fault(hold))
    errors: list[Exception] = []

    def ask() -> None:
        try:
            httpx.get(f"{proxy.url}/v2/")
        except httpx.TransportError as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    assert hold.held.wait(5)
    proxy.cut_connections()
    asking.join()
    assert len(errors) == 1
    registry.stop()
    ask()
    assert len(errors) == 2


def test_an_early_refusal_reaches_a_client_that_is_still_sending(
    token_registry: DockerRegistry,
    proxy_for: Callable[[Registry], FaultProxy],
    repository: str,
) -> None:
    proxy = proxy_for(token_registry)
    started = token_registry.http.post(f"/v2/{repository}/blobs/uploads/")
    url = httpx.URL(started.headers["Location"]).copy_with(netloc=proxy.host.encode())
    assert httpx.patch(url, content=BLOB * 8).status_code == 401
