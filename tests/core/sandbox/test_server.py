from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from servers.process import comes_true
from transship.oci.digest import Digest, digest_of
from transship.sandbox.registry_server import LoggedRequest, SandboxRegistry

Push = Callable[..., Awaitable[Digest]]


def address(registry: SandboxRegistry) -> tuple[str, int]:
    host, _, port = registry.host.partition(":")
    return host, int(port)


async def send(registry: SandboxRegistry, raw: bytes, *, cut: bool = False) -> bytes:
    """Send bytes as they are and return all that comes back; or `cut` the connection there."""
    reader, writer = await asyncio.open_connection(*address(registry))
    writer.write(raw)
    if cut:
        writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_it_listens_on_loopback_and_ends(tmp_path: Path) -> None:
    async with SandboxRegistry(tmp_path) as registry:
        assert registry.host.startswith("127.0.0.1:")
        _, writer = await asyncio.open_connection(*address(registry))

    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address(registry))


async def test_it_holds_the_same_when_it_comes_back(tmp_path: Path) -> None:
    registry = SandboxRegistry(tmp_path)
    async with httpx.AsyncClient(trust_env=False) as http:
        for path, status in (("uploads/?digest=" + digest_of(b"x"), 201), (digest_of(b"x"), 200)):
            async with registry:
                method = "POST" if status == 201 else "GET"
                url = f"http://{registry.host}/v2/team/web/blobs/{path}"
                assert (await http.request(method, url, content=b"x")).status_code == status


async def test_every_request_is_logged(
    http: httpx.AsyncClient, registry: SandboxRegistry, push_blob: Push
) -> None:
    digest = await push_blob("team/web", b"0123456789")
    await http.get(f"/v2/team/web/blobs/{digest}", headers={"Range": "bytes=2-4"})
    await http.head(f"/v2/team/web/blobs/{digest}")
    await http.head("/v2/")
    missing = await http.get("/v2/team/web/tags/list?n=1")

    uploads, tags = "/v2/team/web/blobs/uploads/", "/v2/team/web/tags/list"
    assert list(registry.requests) == [
        LoggedRequest("POST", uploads, f"digest={digest}", status=201, received=10),
        LoggedRequest("GET", f"/v2/team/web/blobs/{digest}", status=206, sent=3),
        LoggedRequest("HEAD", f"/v2/team/web/blobs/{digest}", status=200),
        LoggedRequest("HEAD", "/v2/", status=200),
        LoggedRequest("GET", tags, "n=1", status=404, sent=len(missing.content)),
    ]


async def test_slow_motion_holds_for_both_ways(tmp_path: Path, clock: Any) -> None:
    data = bytes(10_000)
    async with (
        SandboxRegistry(tmp_path, bytes_per_second=1000, clock=clock) as registry,
        httpx.AsyncClient(base_url=f"http://{registry.host}", trust_env=False) as http,
    ):
        query = {"digest": digest_of(data)}
        await http.post("/v2/team/web/blobs/uploads/", params=query, content=data)
        assert sum(clock.waited) == pytest.approx(10)
        await http.get(f"/v2/team/web/blobs/{digest_of(data)}")
        assert sum(clock.waited) == pytest.approx(20)


async def test_a_reader_who_goes_away_harms_nobody(
    http: httpx.AsyncClient,
    registry: SandboxRegistry,
    push_blob: Push,
    caplog: pytest.LogCaptureFixture,
) -> None:
    digest = await push_blob("team/web", bytes(8 << 20))

    async with http.stream("GET", f"/v2/team/web/blobs/{digest}") as answer:
        async for _ in answer.aiter_raw(1000):
            break

    await comes_true(lambda: registry.requests[-1].status, "an answer")
    assert registry.requests[-1].status == 200
    assert 0 < registry.requests[-1].sent < 8 << 20
    assert (await http.get("/v2/")).status_code == 200
    assert caplog.records == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/",
        "/v2",
        "/v2/team/web",
        "/v2/team/web/blobs/",
        "/v2/../../etc/passwd",
        "/v2/%2e%2e/%2e%2e/etc/tags/list",
        "/v2/..%2f..%2fetc/tags/list",
        "/v2/team%2f..%2fweb/manifests/latest",
        "/v2/team/web/manifests/..%2f..%2fnames.sqlite",
        "/v2/team/web/blobs/sha256:..%2f..%2f..%2fnames.sqlite",
        "/v2/team/web/blobs/uploads/..%2f..%2fnames.sqlite",
        "/v2/team//web/tags/list",
        "/v2/Team/tags/list",
        "/v2/" + "a/" * 200 + "/tags/list",
        "/v2/team/web/tags/list%00",
        "/v2/team%00/tags/list",
        "/v2/%ff%fe/tags/list",
        "/v2/team/web/tags/list?last=%ff%ed%a0%80&n=1",
        "/v2/_catalog?last=%00&n=%00",
        "/v2/team/web/referrers/latest?artifactType=%ff",
    ],
)
async def test_strange_requests_are_refused_in_order(
    registry: SandboxRegistry, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    for method in ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"):
        head = f"{method} {path} HTTP/1.1\r\nHost: {registry.host}\r\nConnection: close\r\n"

        answer = await send(registry, head.encode() + b"Content-Length: 2\r\n\r\n{}")

        assert 400 <= int(answer.split(b" ")[1]) < 500
        assert b'{"errors": [{"code": "' in answer or method == "HEAD"
    assert caplog.records == []
    assert [entry.name for entry in registry.folder.parent.iterdir()] == ["registry"]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PATCH %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nxx\r\n",
        b"PATCH %b HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nshort",
        b"PUT /v2/a/manifests/b HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nshort",
        b"GET /v2/ HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n",
        b"GET /v2/a/blobs/b HTTP/1.1\r\nHost: x\r\nRange: \xff\xfe\r\n\r\n",
    ],
)
async def test_broken_requests_leave_it_running(
    http: httpx.AsyncClient, registry: SandboxRegistry, raw: bytes
) -> None:
    started = await http.post("/v2/team/web/blobs/uploads/")

    raw = raw.replace(b"%b", started.headers["Location"].encode())
    answer = await send(registry, raw, cut=True)

    assert not answer or 400 <= int(answer.split(b" ")[1]) < 500
    assert b"Traceback" not in answer
    assert (await http.get("/v2/")).status_code == 200


async def test_a_failing_disk_is_the_registrys_own_fault(
    http: httpx.AsyncClient,
    registry: SandboxRegistry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for error in (OSError(28, "No space left on device"), sqlite3.OperationalError("locked")):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(registry.store, "repositories", fail)
        answer = await http.get("/v2/_catalog")
        assert answer.status_code == 500
        assert "space" not in answer.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.ERROR]


async def test_it_says_which_methods_there_are(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v2/team/web/tags/list")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET,HEAD"
    assert answer.json()["errors"][0]["code"] == "UNSUPPORTED"
