from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from clients.opening import SHORT, Open, access_to
from samples.manifests import stream
from servers.certificates import Certificates
from servers.docker_registry import DockerRegistry
from servers.process import free_port
from servers.scripted import Reply, ScriptedServer
from transship import errors
from transship.registry.credential import Tls
from transship.registry.http.client import Transport

LARGE = 50 * 1024 * 1024


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
