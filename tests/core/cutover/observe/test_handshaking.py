"""TLS under the domain's name: right, wrong in every way, and none at all."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from servers.greeting import greeting
from servers.process import LOOPBACK, free_port
from transship import errors
from transship.clock import SystemClock
from transship.cutover.observe.tls import CERTIFI_TRUST, SYSTEM_TRUST, Handshaker, is_trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.authority import Authority
    from servers.certificates import Certificates
    from servers.docker_registry import DockerRegistry
    from transship.cutover.domain import Domain
    from transship.cutover.evidence import Handshake

    Serve = Callable[..., DockerRegistry]

SHORT = 0.3


@pytest.fixture
def handshaker(bundle: str) -> Handshaker:
    return Handshaker(SystemClock(), node_ca=bundle)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server((LOOPBACK, 0)) as listening:
        yield listening


def by(shaken: tuple[Handshake, ...], trust: str) -> Handshake:
    (found,) = (each for each in shaken if each.trust == trust)
    return found


async def judged(
    handshaker: Handshaker, domain: Domain, address: str, trust: str
) -> tuple[int, str]:
    found = by(await handshaker.shake(domain.name, address, domain.port), trust)
    assert found.error == ""
    return found.verify_code, found.verify_message


# Trusted, by some


async def test_each_authority_says_what_it_thinks(
    serve: Serve, handshaker: Handshaker, domain: Domain, target: str, bundle: str
) -> None:
    serve()
    shaken = await handshaker.shake(domain.name, target, domain.port)

    assert {each.trust for each in shaken} >= {CERTIFI_TRUST, bundle}
    assert [each.trust for each in shaken if is_trusted(each)] == [bundle]
    assert by(shaken, CERTIFI_TRUST).verify_code in (19, 20)
    assert {each.version for each in shaken} == {"TLSv1.3"}
    assert {(each.address, each.port, each.name) for each in shaken} == {
        (target, domain.port, domain.name)
    }


async def test_the_system_trusts_what_its_bundle_says(
    serve: Serve,
    domain: Domain,
    target: str,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    shaken = await Handshaker(SystemClock()).shake(domain.name, target, domain.port)

    assert [(each.trust, is_trusted(each)) for each in shaken] == [
        (SYSTEM_TRUST, True),
        (CERTIFI_TRUST, False),
    ]


async def test_a_machine_without_authorities_has_no_say(
    serve: Serve, domain: Domain, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(nothing / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(nothing))
    shaken = await Handshaker(SystemClock()).shake(domain.name, target, domain.port)

    assert [each.trust for each in shaken] == [CERTIFI_TRUST]


async def test_the_chain_is_told_as_it_was_sent(
    serve: Serve, handshaker: Handshaker, domain: Domain, target: str, authority: Authority
) -> None:
    serve(tls=authority.issue(domain.name, "*.apps.example.test", "192.0.2.1", below=True))
    leaf, between = (await handshaker.shake(domain.name, target, domain.port))[0].chain

    assert leaf.names == (domain.name, "*.apps.example.test", "192.0.2.1")
    assert (leaf.issuer, between.names) == (between.subject, ())
    now = SystemClock().now()
    assert leaf.not_before < now < leaf.not_after < now + 91 * 86400
    der = ssl.PEM_cert_to_DER_cert(authority.between.read_text())
    assert between.fingerprint == hashlib.sha256(der).hexdigest()


async def test_nodes_may_trust_what_is_no_root(
    serve: Serve, domain: Domain, target: str, authority: Authority
) -> None:
    serve(tls=authority.issue(domain.name, below=True))
    handshaker = Handshaker(SystemClock(), node_ca=str(authority.between))

    assert await judged(handshaker, domain, target, str(authority.between)) == (0, "")


async def test_a_bundle_that_cannot_be_read_is_said_at_once(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path in (empty, tmp_path / "none.pem"):
        with pytest.raises(errors.BadFile, match=path.name):
            Handshaker(SystemClock(), node_ca=str(path))


# Not trusted


@pytest.mark.parametrize("names", [("registry.newcloud.test",), ("*.test",), ("example.test",)])
async def test_a_certificate_for_another_name(
    names: tuple[str, ...],
    serve: Serve,
    handshaker: Handshaker,
    domain: Domain,
    target: str,
    authority: Authority,
    bundle: str,
) -> None:
    serve(tls=authority.issue(*names))
    code, words = await judged(handshaker, domain, target, bundle)

    assert code == 62
    assert domain.name in words


async def test_a_wildcard_stands_for_one_label(
    serve: Serve,
    handshaker: Handshaker,
    domain: Domain,
    target: str,
    authority: Authority,
    bundle: str,
) -> None:
    serve(tls=authority.issue("*.example.test"))

    assert await judged(handshaker, domain, target, bundle) == (0, "")


async def test_a_common_name_alone_is_no_name(
    serve: Serve,
    handshaker: Handshaker,
    domain: Domain,
    target: str,
    authority: Authority,
    bundle: str,
) -> None:
    serve(tls=authority.issue(common_name=domain.name))

    assert (await judged(handshaker, domain, target, bundle))[0] == 62


async def test_a_certificate_without_the_one_between(
    serve: Serve,
    handshaker: Handshaker,
    domain: Domain,
    target: str,
    authority: Authority,
    bundle: str,
) -> None:
    serve(tls=authority.issue(domain.name, below=True, alone=True))
    found = by(await handshaker.shake(domain.name, target, domain.port), bundle)

    assert found.verify_code in (20, 21)
    assert len(found.chain) == 1


@pytest.mark.parametrize(
    ("starts", "ends", "code"),
    [(timedelta(days=-9), timedelta(hours=-1), 10), (timedelta(hours=1), timedelta(days=9), 9)],
)
async def test_a_certificate_of_another_time(
    starts: timedelta,
    ends: timedelta,
    code: int,
    serve: Serve,
    handshaker: Handshaker,
    domain: Domain,
    target: str,
    authority: Authority,
    bundle: str,
) -> None:
    serve(tls=authority.issue(domain.name, starts=starts, ends=ends))

    assert (await judged(handshaker, domain, target, bundle))[0] == code


async def test_one_of_two_addresses_has_another_certificate(
    serve: Serve,
    handshaker: Handshaker,
    domain: Domain,
    target: str,
    authority: Authority,
    bundle: str,
) -> None:
    second = target.rpartition(".")[0] + ".3"
    serve()
    serve(address=second, tls=authority.issue("registry.newcloud.test"))

    assert await judged(handshaker, domain, target, bundle) == (0, "")
    assert (await judged(handshaker, domain, second, bundle))[0] == 62


# No TLS


async def test_a_registry_without_tls(
    serve: Serve, handshaker: Handshaker, domain: Domain, target: str
) -> None:
    serve(tls=None)
    (found,) = await handshaker.shake(domain.name, target, domain.port)

    assert (found.error, found.trust, found.chain) == ("plain http", "", ())


@pytest.mark.parametrize("address", [LOOPBACK, "::1"])
async def test_nobody_listens(handshaker: Handshaker, address: str) -> None:
    (found,) = await handshaker.shake("images.example.test", address, free_port())

    assert found.error in ("refused", "unreachable")


async def test_no_way_to_an_address(handshaker: Handshaker) -> None:
    (found,) = await handshaker.shake("images.example.test", "255.255.255.255", 443)

    assert found.error in ("unreachable", "network is unreachable", "permission denied")


async def test_a_connection_that_is_not_taken(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.listen(0)
    handshaker = Handshaker(SystemClock(), seconds=SHORT)
    with ExitStack() as full:
        # The queue is full: what comes now isn't answered.
        for _ in range(3):
            waiting = full.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((LOOPBACK, port))
        (found,) = await handshaker.shake("images.example.test", LOOPBACK, port)

    assert found.error == "timeout"


async def test_a_server_that_says_nothing(listener: socket.socket) -> None:
    handshaker = Handshaker(SystemClock(), seconds=SHORT)
    (found,) = await handshaker.shake("images.example.test", LOOPBACK, listener.getsockname()[1])

    assert found.error == "silent"


async def test_a_connection_that_is_cut_when_tls_begins(handshaker: Handshaker) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async with await asyncio.start_server(cut, LOOPBACK, 0) as server:
        port = server.sockets[0].getsockname()[1]
        (found,) = await handshaker.shake("images.example.test", LOOPBACK, port)

    assert found.error == "closed"


async def test_a_server_that_does_not_know_the_name(
    handshaker: Handshaker, certificates: Certificates
) -> None:
    def unknown(_tls: object, name: str | None, _context: ssl.SSLContext) -> int | None:
        known = name == "localhost"
        return None if known else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context = certificates.server_context()
    context.sni_callback = unknown
    with greeting(context) as port:
        (found,) = await handshaker.shake("images.example.test", LOOPBACK, port)
        known = await handshaker.shake("localhost", LOOPBACK, port)

    assert found.error == "unrecognized name"
    assert any(map(is_trusted, known))


async def test_a_server_of_another_age(handshaker: Handshaker, certificates: Certificates) -> None:
    context = certificates.server_context()
    context.set_ciphers("AES128-SHA256")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with greeting(context) as port:
        (found,) = await handshaker.shake("localhost", LOOPBACK, port)

    assert found.error.startswith("tls: ")
    assert found.error.endswith("handshake failure")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_a_version_of_tls_that_nobody_should_speak(
    handshaker: Handshaker, certificates: Certificates
) -> None:
    context = certificates.server_context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with greeting(context) as port:
        found = await handshaker.shake("localhost", LOOPBACK, port)

    assert {each.version for each in found} == {"TLSv1.1"}
    assert not any(map(is_trusted, found))
    assert all(each.error.startswith("tls: ") for each in found)


def test_a_file_that_isnt_there_is_said_to_be_missing() -> None:
    with pytest.raises(errors.BadFile, match="/nope: no such file") as raised:
        Handshaker(SystemClock(), node_ca="/nope")

    assert "Mend" not in raised.value.remedy
