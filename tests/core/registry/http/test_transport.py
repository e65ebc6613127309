from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from clients.opening import Access, Open
from samples.manifests import stream
from servers.docker_registry import DockerRegistry
from servers.scripted import Reply, ScriptedServer
from transship import errors
from transship.registry.http.client import Transport

LARGE = 50 * 1024 * 1024


async def endless(size: int) -> AsyncIterator[bytes]:
    piece = bytes(256 * 1024)
    for _ in range(size // len(piece)):
        yield piece


async def read(transport: Transport, address: str) -> bytes:
    async with transport.stream("GET", address) as answer:
        return b"".join([piece async for piece in answer])


# Small requests


async def test_a_request_is_answered(opened: Open, scripted: ScriptedServer) -> None:
    headers = {"Link": "</a>; rel=next", "WWW-Authenticate": "Basic realm=x", "X-Case": "Kept"}
    scripted.on("POST", "/x", Reply(201, headers, b"body"))
    answer = await opened(scripted.host).request(
        "POST", f"{scripted.url}/x", headers={"accept": "text/plain"}, content=b"sent"
    )
    assert (answer.status, answer.body, answer.ok) == (201, b"body", True)
    assert answer.headers["x-case"] == "Kept"
    assert answer.challenges == ("Basic realm=x",)
    (request,) = scripted.requests
    assert request.body == b"sent"
    assert request.headers["accept"] == "text/plain"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"] == "transship"
    assert request.headers["content-length"] == "4"


async def test_a_form_is_sent_as_one(opened: Open, scripted: ScriptedServer) -> None:
    await opened(scripted.host).request("POST", f"{scripted.url}/x", form={"a": "1 2", "b": "&"})
    (request,) = scripted.requests
    assert request.body == b"a=1+2&b=%26"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
async def test_addresses_go_out_as_they_are(
    opened: Open, scripted: ScriptedServer, method: str
) -> None:
    target = "/v2/%7Ex%2Fy/z?_state=a%2Bb%2Fc%3D%3D-_~&d=sha256%3Aab+%20&e"
    await opened(scripted.host).request(method, scripted.url + target)
    assert scripted.requests[0].target == target


async def test_connections_are_used_again(
    opened: Open, open_registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = 0
    sock_connect = asyncio.get_running_loop().sock_connect

    async def counted(*arguments: object) -> None:
        nonlocal connections
        connections += 1
        await sock_connect(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", counted)
    transport = opened(open_registry.host)
    for method in ("GET", "HEAD", "POST", "GET"):
        await transport.request(method, f"{open_registry.url}/v2/")
    async with transport.stream("GET", f"{open_registry.url}/v2/nothing") as answer:
        await answer.whole("GET")
    await transport.send("PUT", f"{open_registry.url}/v2/nothing", stream(b"x"), 1)
    await transport.request("GET", f"{open_registry.url}/v2/")
    assert connections == 1


@pytest.mark.parametrize("unsized", [True, False])
async def test_an_answer_has_a_largest_size(
    opened: Open, scripted: ScriptedServer, unsized: bool
) -> None:
    scripted.on("GET", "/x.*", Reply(200, {}, bytes(1000), unsized=unsized))
    transport = opened(scripted.host)
    assert len((await transport.request("GET", f"{scripted.url}/x", limit=1000)).body) == 1000
    with pytest.raises(errors.UnexpectedAnswer, match=r"/x: more than 999 bytes"):
        await transport.request("GET", f"{scripted.url}/x?secret", limit=999)


async def test_nothing_is_unpacked_on_the_way(opened: Open, scripted: ScriptedServer) -> None:
    packed = Reply(200, {"Content-Encoding": "gzip"}, b"\x1f\x8b not really")
    scripted.on("GET", "/x", packed)
    transport = opened(scripted.host)
    assert (await transport.request("GET", f"{scripted.url}/x")).body == packed.body
    async with transport.stream("GET", f"{scripted.url}/x") as answer:
        assert b"".join([piece async for piece in answer]) == packed.body


async def test_redirects_and_cookies_are_not_followed(
    opened: Open, scripted: ScriptedServer
) -> None:
    headers = {"Location": "/y", "Set-Cookie": "session=1; Path=/"}
    scripted.on("GET", "/x", Reply(307, headers))
    transport = opened(scripted.host)
    assert (await transport.request("GET", f"{scripted.url}/x")).status == 307
    async with transport.stream("GET", f"{scripted.url}/x") as answer:
        assert answer.status == 307
    assert [request.target for request in scripted.requests] == ["/x", "/x"]
    assert not any("cookie" in request.headers for request in scripted.requests)


async def test_a_location_may_be_long(opened: Open, scripted: ScriptedServer) -> None:
    location = "/y?signature=" + "a" * 20_000
    scripted.on("GET", "/x", Reply(307, {"Location": location}))
    answer = await opened(scripted.host).request("GET", f"{scripted.url}/x")
    assert answer.headers["location"] == location


# Bytes


async def test_bytes_come_in_and_go_out(opened: Open, scripted: ScriptedServer) -> None:
    content = random.Random(0).randbytes(3_000_000)
    scripted.on("GET", "/x", Reply(200, {}, content))
    scripted.on("PUT", "/x", Reply(201))
    transport = opened(scripted.host)
    async with transport.stream("GET", f"{scripted.url}/x") as answer:
        assert (answer.status, answer.headers["content-length"]) == (200, "3000000")
        sent = await transport.send("PUT", f"{scripted.url}/x", answer.__aiter__(), len(content))
    assert sent.status == 201
    (request,) = scripted.asked("PUT")
    assert request.body == content
    assert request.headers["content-length"] == "3000000"
    assert "transfer-encoding" not in request.headers
    assert request.headers["content-type"] == "application/octet-stream"


async def test_nothing_at_all_can_be_sent(opened: Open, scripted: ScriptedServer) -> None:
    scripted.on("PUT", "/x", Reply(201))
    transport = opened(scripted.host)
    await transport.send("PUT", f"{scripted.url}/x", b"", 0)
    await transport.send("PUT", f"{scripted.url}/x", stream(b""), 0)
    assert [request.headers["content-length"] for request in scripted.requests] == ["0", "0"]


async def test_a_long_error_is_read_to_its_end(opened: Open, scripted: ScriptedServer) -> None:
    words = b'{"errors": [' + b" " * 50_000 + b"]}"
    scripted.on("PUT", "/x", Reply(400, {}, words))
    sent = await opened(scripted.host).send("PUT", f"{scripted.url}/x", stream(b"x"), 1)
    assert sent.body == words


async def test_an_endless_error_is_not(opened: Open, scripted: ScriptedServer) -> None:
    scripted.on("GET", "/x", Reply(400, {}, bytes(1_000_000)))
    async with opened(scripted.host).stream("GET", f"{scripted.url}/x") as answer:
        assert len((await answer.whole("GET")).body) == 64 * 1024


@pytest.mark.parametrize("status", [401, 413, 507, 201])
@pytest.mark.parametrize("protected", [False, True], ids=["http", "https"])
async def test_an_answer_before_all_is_sent_counts(
    opened: Open,
    scripted: ScriptedServer,
    scripted_tls: ScriptedServer,
    access_tls: Access,
    status: int,
    protected: bool,
) -> None:
    """A proxy that finds a body too large says so, and doesn't read it."""
    server = scripted_tls if protected else scripted
    server.on("PUT", "/x", Reply(status, {"WWW-Authenticate": "Basic realm=x"}, b"so", early=True))
    transport = opened(server.host, access_tls.tls)
    for _ in range(10):
        answer = await transport.send("PUT", f"{server.url}/x", endless(LARGE), LARGE)
        assert (answer.status, answer.body) == (status, b"so")
        assert answer.challenges == ("Basic realm=x",)


async def test_a_body_that_was_not_taken_does_not_spoil_the_next_request(
    opened: Open, scripted: ScriptedServer
) -> None:
    scripted.on("PUT", "/x", Reply(413, early=True), Reply(201))
    transport = opened(scripted.host)
    assert (await transport.send("PUT", f"{scripted.url}/x", endless(LARGE), LARGE)).status == 413
    assert (await transport.send("PUT", f"{scripted.url}/x", stream(b"xy"), 2)).status == 201
    assert scripted.asked("PUT")[-1].body == b"xy"


async def test_what_the_source_raises_is_raised(opened: Open, scripted: ScriptedServer) -> None:
    """And not that the target lost the connection."""

    class Paused(Exception):
        pass

    async def broken(error: Exception) -> AsyncIterator[bytes]:
        yield bytes(1_000_000)
        raise error

    transport = opened(scripted.host)
    for error in (errors.DigestMismatch("source"), Paused("not ours"), OSError("a disk")):
        with pytest.raises(type(error)) as caught:
            await transport.send("PUT", f"{scripted.url}/x", broken(error), 2_000_000)
        assert caught.value is error


async def test_the_source_is_let_go_of_when_the_target_fails(
    opened: Open, scripted: ScriptedServer
) -> None:
    """Who sends reads from one stream all the time, and may close it after any failure."""
    scripted.on("PUT", "/x", Reply(500, early=True))
    waiting = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"first"
        waiting.set()
        await asyncio.Event().wait()

    source = slow()
    transport = opened(scripted.host)
    answer = await transport.send("PUT", f"{scripted.url}/x", source, 1_000_000)
    assert answer.status == 500
    await source.aclose()  # type: ignore[attr-defined]  # an async generator, as above

    lost = slow()
    scripted.on("PUT", "/x", Reply(hang=True))
    sending = asyncio.create_task(transport.send("PUT", f"{scripted.url}/x", lost, 1_000_000))
    waiting.clear()
    await waiting.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await lost.aclose()  # type: ignore[attr-defined]


async def test_an_answer_that_ends_early_is_a_lost_connection(
    opened: Open, scripted: ScriptedServer
) -> None:
    scripted.on("GET", "/x", Reply(200, {"Content-Length": "1000"}, b"only this", early=True))
    transport = opened(scripted.host)
    with pytest.raises(errors.ConnectionLost):
        await transport.request("GET", f"{scripted.url}/x")
    with pytest.raises(errors.ConnectionLost):
        await read(transport, f"{scripted.url}/x")
