"""Where hosts are, and how they are reached: at a given address only the connection is another."""

from __future__ import annotations

import asyncio
import base64
import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from clients.opening import SHORT, Connect
from servers.authority import Authority
from servers.process import LOOPBACK, free_port
from servers.scripted import ScriptedServer, scripted_server
from transship import errors
from transship.registry.credential import Tls
from transship.registry.http.client import Transport
from transship.registry.http.connection import AddressBook, Connection, Route, reason

NAME = "images.example.test"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def named(authority: Authority) -> Iterator[ScriptedServer]:
    """A server with a certificate for a name that DNS doesn't know."""
    with scripted_server(authority.issue(NAME)) as server:
        yield server


def host_of(server: ScriptedServer) -> str:
    return f"{NAME}:{server.host.rpartition(':')[2]}"


async def test_the_name_stays_what_is_asked_for_and_verified(
    named: ScriptedServer, authority: Authority, connect: Connect
) -> None:
    tls = Tls(ca_file=str(authority.ca_file))
    registry = connect(host_of(named), tls=tls, pins={NAME: LOOPBACK})
    await registry.check_sign_in()

    assert {each.headers["host"] for each in named.requests} == {host_of(named)}


async def test_a_certificate_for_another_name_is_refused_without_asking_dns(
    authority: Authority, connect: Connect
) -> None:
    with scripted_server(authority.issue("other.example.test")) as server:
        host = host_of(server)
        tls = Tls(ca_file=str(authority.ca_file))
        with pytest.raises(errors.CertificateNotTrusted, match="Hostname mismatch") as refused:
            await connect(host, tls=tls, pins={NAME: LOOPBACK}).check_sign_in()

    assert "fingerprint" not in str(refused.value)


async def test_a_dot_at_the_end_of_a_name_is_in_no_certificate(
    named: ScriptedServer, authority: Authority
) -> None:
    host = host_of(named).replace(NAME, f"{NAME}.")
    tls = Tls(ca_file=str(authority.ca_file))
    transport = Transport(host, tls, SHORT, pins={f"{NAME}.": LOOPBACK})
    try:
        assert (await transport.request("GET", f"https://{host}/v2/")).status == 200
    finally:
        await transport.aclose()


async def test_who_gives_up_as_the_handshake_ends_leaves_nothing_behind(
    named: ScriptedServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next connection gets the same file descriptor: nothing may look at that any more."""
    host = host_of(named)
    tls = Tls(ca_file=str(authority.ca_file))
    transport = Transport(host, tls, SHORT, pins={NAME: LOOPBACK})
    made = Connection.connection_made

    def given_up(connection: Connection, carrier: asyncio.BaseTransport) -> None:
        made(connection, carrier)
        asking.cancel()

    try:
        with monkeypatch.context() as patch:
            patch.setattr(Connection, "connection_made", given_up)
            asking = asyncio.create_task(transport.request("GET", f"https://{host}/v2/"))
            with pytest.raises(asyncio.CancelledError):
                await asking
        assert (await transport.request("GET", f"https://{host}/v2/")).status == 200
    finally:
        await transport.aclose()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["a..example", "a" * 64 + ".example"], ids=["empty", "long"])
async def test_what_is_no_name_is_not_found(scheme: str, host: str) -> None:
    transport = Transport(host, Tls(), SHORT)
    with pytest.raises(errors.NameNotFound):
        await transport.request("GET", f"{scheme}://{host}/v2/")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENETUNREACH, "?"), "Network is unreachable"),
        (OSError("Multiple exceptions: ..."), "none of its addresses can be reached"),
        (ConnectionResetError(), "the connection was closed"),
    ],
)
def test_why_a_connection_failed_is_said_in_words(error: OSError, words: str) -> None:
    assert reason(error) == words


async def test_a_proxy_is_for_the_other_hosts(
    named: ScriptedServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{LOOPBACK}:{free_port()}")
    tls = Tls(ca_file=str(authority.ca_file))
    transport = Transport(host_of(named), tls, SHORT, pins={NAME: LOOPBACK})
    try:
        answer = await transport.request("GET", f"https://{host_of(named)}/v2/")
        with pytest.raises(errors.ProxyFailed):
            await transport.request("GET", "https://other.example.test/")
    finally:
        await transport.aclose()

    assert answer.status == 200


async def test_others_are_found_as_always() -> None:
    addresses = AddressBook({NAME: "2001:db8::1"})
    (pinned,) = await addresses.of("Images.Example.Test", 443)
    found = await addresses.of("localhost", 443)

    assert pinned[4][:2] == ("2001:db8::1", 443)
    assert LOOPBACK in [each[4][0] for each in found]
    with pytest.raises(socket.gaierror):
        await addresses.of("gone.invalid", 443)


async def test_a_name_is_asked_for_once_by_all_who_connect_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, asked = asyncio.get_running_loop(), []
    getaddrinfo = loop.getaddrinfo

    async def counted(host: str, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        return await getaddrinfo(host, *arguments, **options)

    monkeypatch.setattr(loop, "getaddrinfo", counted)
    addresses = AddressBook()
    await asyncio.gather(*(addresses.of("localhost", 443) for _ in range(9)))
    await addresses.of(LOOPBACK, 443)

    assert asked == ["localhost"]


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://images.example.test", "images.example.test"),
        ("https://images.example.test:443", "images.example.test"),
        ("http://images.example.test:443", "images.example.test:443"),
        ("http://[::1]:80", "[::1]"),
        ("http://[::1]:5000", "[::1]:5000"),
    ],
)
def test_a_host_is_named_with_its_port_only_where_that_is_unusual(origin: str, host: str) -> None:
    assert Route(origin, None, AddressBook()).host == host


def test_the_password_of_a_proxy_is_in_no_repr() -> None:
    way = Route(
        "http://a.example", None, AddressBook(), "http://operator:s3cret%40@proxy.example:3128"
    )

    assert "s3cret" not in repr(way)
    ((name, value),) = way.proxy_login
    assert (name, base64.b64decode(value.split()[1])) == (
        "proxy-authorization",
        b"operator:s3cret@",
    )
