from __future__ import annotations

import asyncio
import random
import socket
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from clients.opening import Access, access_to
from samples.manifests import stream
from servers.certificates import Certificates
from servers.docker_registry import DockerRegistry
from servers.forward_proxy import forward_proxy
from servers.process import free_port
from servers.scripted import Reply, ScriptedServer
from transship import errors
from transship.registries.answers import Answer
from transship.registries.credential import Tls
from transship.registries.transport import Timeouts, Transport

LARGE = 50 * 1024 * 1024
SHORT = Timeouts(connect=0.3, read=0.3, write=0.3, commit=0.3)

Open = Callable[..., Transport]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Open transports that are closed at the end."""
    transports: list[Transport] = []

    def open_(host: str, tls: Tls | None = None, timeouts: Timeouts | None = None) -> Transport:
        transports.append(Transport(host, tls or Tls(), timeouts))
        return transports[-1]

    yield open_
    for transport in transports:
        await transport.aclose()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def unanswered(listener: socket.socket) -> str:
    """A host where connections are taken, and nobody ever looks at them."""
    return f"127.0.0.1:{listener.getsockname()[1]}"


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


# Time


async def test_an_answer_that_does_not_come_times_out(
    opened: Open, scripted: ScriptedServer
) -> None:
    scripted.on("GET", "/x", Reply(hang=True))
    scripted.on("PUT", "/x", Reply(hang=True))
    scripted.on("GET", "/half", Reply(200, {}, b"x", stall=True))
    transport = opened(scripted.host, timeouts=SHORT)
    with pytest.raises(errors.TimedOut, match=scripted.host):
        await transport.request("GET", f"{scripted.url}/x")
    for path in ("/x", "/half"):
        with pytest.raises(errors.TimedOut):
            await read(transport, f"{scripted.url}{path}")
    with pytest.raises(errors.TimedOut):
        await transport.send("PUT", f"{scripted.url}/x", stream(b"x"), 1)


async def test_a_server_that_takes_nothing_times_out(opened: Open, unanswered: str) -> None:
    with pytest.raises(errors.TimedOut):
        await opened(unanswered, timeouts=SHORT).send(
            "PUT", f"http://{unanswered}/x", endless(LARGE), LARGE
        )


async def test_a_handshake_that_does_not_end_times_out(opened: Open, unanswered: str) -> None:
    with pytest.raises(errors.TimedOut):
        await opened(unanswered, timeouts=SHORT).request("GET", f"https://{unanswered}/")


async def test_the_time_that_the_source_takes_does_not_count(
    opened: Open, scripted: ScriptedServer
) -> None:
    async def slow() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(0.1)
            yield b"x"

    scripted.on("PUT", "/x", Reply(201))
    impatient = Timeouts(write=0.05, commit=5)
    transport = opened(scripted.host, timeouts=impatient)
    assert (await transport.send("PUT", f"{scripted.url}/x", slow(), 3)).status == 201


# The way


async def test_nobody_listens(opened: Open) -> None:
    host = f"localhost:{free_port()}"
    with pytest.raises(errors.ConnectionRefused, match=host):
        await opened(host).request("GET", f"http://{host}/")


async def test_a_name_is_not_found(opened: Open) -> None:
    with pytest.raises(errors.NameNotFound, match=r"nowhere\.invalid:5000"):
        await opened("nowhere.invalid:5000").request("GET", "http://nowhere.invalid:5000/")


async def test_what_is_not_http_is_no_registry(opened: Open, listener: socket.socket) -> None:
    def greet() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 mail.example ESMTP\r\n")
            connection.recv(1)

    host = f"127.0.0.1:{listener.getsockname()[1]}"
    greeting = asyncio.create_task(asyncio.to_thread(greet))
    with pytest.raises(errors.NotARegistry, match="HTTP"):
        await opened(host).request("GET", f"http://{host}/")
    await greeting


async def test_what_is_allowed_for_a_registry_holds_for_it_alone(
    opened: Open, scripted_tls: ScriptedServer
) -> None:
    own = opened(scripted_tls.host, Tls(insecure=True))
    assert (await own.request("GET", f"{scripted_tls.url}/v2/")).ok
    other = opened("registry.example", Tls(insecure=True))
    with pytest.raises(errors.CertificateNotTrusted):
        await other.request("GET", f"{scripted_tls.url}/v2/")


async def test_a_client_certificate_is_shown_to_the_registry_alone(
    opened: Open, new_registry: Callable[..., DockerRegistry], certificates: Certificates
) -> None:
    server = new_registry(tls=certificates, client_certificates=True)
    tls = Tls(
        ca_file=str(certificates.ca_file),
        client_cert=str(certificates.client_certificate),
        client_key=str(certificates.client_key),
    )
    assert (await opened(server.host, tls).request("GET", f"{server.url}/v2/")).ok
    for transport in (opened("registry.example", tls), opened(server.host, access_to(server).tls)):
        with pytest.raises(errors.ClientCertificateRefused, match="TLS handshake"):
            await transport.request("GET", f"{server.url}/v2/")


# Proxies from the environment


NAME = "registry.example:5000"


@pytest.fixture
def fresh_environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def set_(proxy: str) -> None:
        for variable in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(variable, proxy)

    return set_


@pytest.mark.parametrize("login", [None, "operator:s3cret%40"])
async def test_a_registry_is_reached_through_a_proxy(
    opened: Open,
    open_registry: DockerRegistry,
    fresh_environment: Callable[[str], None],
    login: str | None,
) -> None:
    decoded = login and "operator:s3cret@"
    with forward_proxy({NAME: open_registry.host}, login=decoded) as proxy:
        fresh_environment(f"http://{login}@{proxy.host}" if login else proxy.url)
        transport = opened(NAME)
        assert (await transport.request("GET", f"http://{NAME}/v2/")).ok
        async with transport.stream("GET", f"http://{NAME}/v2/") as answer:
            assert answer.status == 200
        answered = await transport.send("PUT", f"http://{NAME}/v2/x", stream(b"x"), 1)
        assert answered.status == 404
        assert {target for _, target in proxy.requests} == {
            f"http://{NAME}/v2/",
            f"http://{NAME}/v2/x",
        }


@pytest.mark.parametrize("login", [None, "operator:secret"])
async def test_tls_goes_through_a_tunnel(
    opened: Open,
    scripted_tls: ScriptedServer,
    access_tls: Access,
    fresh_environment: Callable[[str], None],
    login: str | None,
) -> None:
    with forward_proxy(
        {NAME: f"127.0.0.1:{scripted_tls.host.split(':')[1]}"}, login=login
    ) as proxy:
        fresh_environment(proxy.url)
        transport = opened(NAME, Tls(insecure=True))
        for _ in range(2):
            assert (await transport.request("GET", f"https://{NAME}/v2/")).ok
        assert proxy.requests == [("CONNECT", NAME)]
        with pytest.raises(errors.CertificateNotTrusted, match=NAME):
            await opened(NAME, access_tls.tls).request("GET", f"https://{NAME}/v2/")
    assert not any("proxy-authorization" in r.headers for r in scripted_tls.requests)


async def test_hosts_may_be_left_out(
    opened: Open,
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    fresh_environment: Callable[[str], None],
) -> None:
    with forward_proxy({}) as proxy:
        fresh_environment(proxy.url)
        assert (await opened(scripted.host).request("GET", f"{scripted.url}/v2/")).ok
        monkeypatch.setenv("NO_PROXY", "registry.invalid")
        with pytest.raises(errors.NameNotFound):
            await opened("registry.invalid").request("GET", "http://registry.invalid/")
        assert proxy.requests == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_lets_nobody_through_is_named_without_its_password(
    opened: Open, fresh_environment: Callable[[str], None], scheme: str
) -> None:
    with forward_proxy({}, login="operator:right") as proxy:
        fresh_environment(f"http://operator:s3cret@{proxy.host}")
        with pytest.raises(errors.ProxyFailed, match=NAME) as caught:
            await opened(NAME).request("GET", f"{scheme}://{NAME}/v2/")
    assert "s3cret" not in formatted(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("proxy", ["127.0.0.1:1", "nowhere.invalid:3128"])
async def test_a_proxy_that_is_not_there_is_named_without_its_password(
    opened: Open, fresh_environment: Callable[[str], None], scheme: str, proxy: str
) -> None:
    fresh_environment(f"http://operator:s3cret@{proxy}")
    with pytest.raises(errors.ProxyFailed, match=proxy.split(":")[0]) as caught:
        await opened(NAME).request("GET", f"{scheme}://{NAME}/v2/")
    assert "s3cret" not in formatted(caught.value)


async def test_a_proxy_that_does_not_answer_times_out(
    opened: Open, fresh_environment: Callable[[str], None]
) -> None:
    with forward_proxy({}, silent=True) as proxy:
        fresh_environment(proxy.url)
        transport = opened(NAME, timeouts=SHORT)
        for scheme in ("http", "https"):
            with pytest.raises(errors.TimedOut):
                await transport.request("GET", f"{scheme}://{NAME}/v2/")


def formatted(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error)


# Secrets


async def test_passwords_of_other_programs_are_not_used(
    opened: Open, scripted: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login operator password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    transport = opened(scripted.host)
    await transport.request("GET", f"{scripted.url}/x")
    async with transport.stream("GET", f"{scripted.url}/x"):
        pass
    await transport.send("PUT", f"{scripted.url}/x", stream(b"x"), 1)
    assert len(scripted.requests) == 3
    assert not any("authorization" in request.headers for request in scripted.requests)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(hang=True),
        Reply(200, {"Content-Length": "9"}, b"x", early=True),
        Reply(200, {}, b"x" * 99),
    ],
    ids=["hangs", "ends early", "too long"],
)
async def test_no_failure_tells_a_secret(
    opened: Open, scripted: ScriptedServer, reply: Reply
) -> None:
    scripted.on("GET", "/x.*", reply)
    scripted.on("PUT", "/x.*", reply)
    transport = opened(scripted.host, timeouts=SHORT)
    secrets = {"authorization": "Bearer s3cret"}
    address = f"{scripted.url}/x?signature=s3cret"
    with pytest.raises(errors.TransshipError) as caught:
        await transport.request("GET", address, headers=secrets, limit=10)
    assert "s3cret" not in formatted(caught.value)
    assert "s3cret" not in repr(Answer("GET", address, 200, secrets, (), b"s3cret"))
