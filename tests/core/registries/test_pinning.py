"""Hosts at a given address: only the connection goes elsewhere."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from clients.opening import SHORT, Connect
from servers.authority import Authority
from servers.process import LOOPBACK, free_port
from servers.scripted import ScriptedServer, scripted_server
from transship import errors
from transship.registries.credential import Tls
from transship.registries.pinning import PinnedResolver
from transship.registries.transport import Transport

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
    resolver = PinnedResolver({NAME: "2001:db8::1"})
    (pinned,) = await resolver.resolve("Images.Example.Test", 443)
    found = await resolver.resolve("localhost", 443)

    assert (pinned["host"], pinned["port"]) == ("2001:db8::1", 443)
    assert LOOPBACK in [each["host"] for each in found]
    with pytest.raises(socket.gaierror):
        await resolver.resolve("gone.invalid", 443)
