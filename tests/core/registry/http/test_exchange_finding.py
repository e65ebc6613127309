from __future__ import annotations

import asyncio
import datetime
import hashlib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from clients.opening import LOGIN, SHORT, Connect, access_to, told
from samples.manifests import read_blob, stream
from servers.certificates import Certificates
from servers.docker_registry import DockerRegistry
from servers.forward_proxy import forward_proxy
from servers.registry import Registry as Server
from servers.scripted import Reply, ScriptedServer, scripted_server
from transship import errors
from transship.oci.digest import digest_of
from transship.registry.credential import Tls
from transship.registry.http.rate_limiter import RetryPolicy
from transship.sandbox.registry_server import SandboxRegistry

CONTENT = bytes(range(256)) * 4000
DIGEST = digest_of(CONTENT)


# Finding the registry


async def test_a_loopback_registry_is_found_over_http(
    connect: Connect, open_registry: DockerRegistry, zuul: Server, sandbox: SandboxRegistry
) -> None:
    await connect(open_registry.host).check_sign_in()
    await connect(sandbox.host).check_sign_in()
    await connect(zuul.host, credential=access_to(zuul).credential).check_sign_in()


async def test_it_is_found_once_however_many_need_it(
    connect: Connect, open_registry: DockerRegistry
) -> None:
    registry = connect(open_registry.host)
    mark = open_registry.mark()
    await asyncio.gather(*(registry.head_manifest("team/web", f"{n}") for n in range(20)))
    assert [a.path for a in open_registry.since(mark)].count("/v2/") == 1


async def test_no_other_host_is_spoken_to_over_http_unless_that_is_asked(
    connect: Connect, open_registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transship.registry.http.session.is_loopback", lambda _: False)
    with pytest.raises(errors.PlainHttp, match=open_registry.host):
        await connect(open_registry.host).check_sign_in()
    await connect(open_registry.host, tls=Tls(plain_http=True)).check_sign_in()


async def test_a_registry_on_https_says_so_when_asked_over_http(
    connect: Connect, tls_registry: DockerRegistry
) -> None:
    with pytest.raises(errors.NotARegistry, match="speaks https") as caught:
        await connect(tls_registry.host, tls=Tls(plain_http=True)).check_sign_in()
    assert "--plain-http" in caught.value.remedy


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (Reply(404), errors.NotARegistry, "404"),
        (Reply(200, {"Content-Type": "text/html"}, b" <html>"), errors.NotARegistry, "200"),
        (Reply(401), errors.NotARegistry, "401"),
        (Reply(301, {"Location": "https://www.example/x"}), errors.NotARegistry, "www.example"),
        (Reply(403, {}, b"<html>"), errors.NoRight, "firewall"),
        (Reply(500), errors.ServerFailed, "500"),
    ],
    ids=lambda value: str(getattr(value, "status", "")),
)
async def test_what_answers_may_be_no_registry(
    connect: Connect,
    scripted: ScriptedServer,
    reply: Reply,
    kind: type[errors.TransshipError],
    said: str,
) -> None:
    scripted.on("GET", "/v2/", reply)
    with pytest.raises(kind, match=said):
        await connect(scripted.host).check_sign_in()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {}, b"{}"),
        Reply(200),
        Reply(200, {"Docker-Distribution-Api-Version": "registry/2.0"}, b"<html>"),
        Reply(204),
    ],
)
async def test_registries_greet_in_several_ways(
    connect: Connect, scripted: ScriptedServer, reply: Reply
) -> None:
    scripted.on("GET", "/v2/", reply)
    await connect(scripted.host).check_sign_in()


async def test_a_port_may_be_written_out(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, scripted: ScriptedServer
) -> None:
    """A registry leaves its usual port out where it names itself."""
    name = "registry.example"
    with forward_proxy({name: scripted.host, f"{name}:80": scripted.host}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        scripted.on("GET", "/v2/", Reply(401, {"WWW-Authenticate": "Basic realm=x"}))
        scripted.on("POST", ".*", Reply(202, {"Location": f"http://{name}/v2/x/1"}))
        scripted.on("PUT", ".*", Reply(401, {"WWW-Authenticate": "Basic realm=x"}), Reply(201))
        registry = connect(f"{name}:80", credential=LOGIN, tls=Tls(plain_http=True))
        upload = await registry.start_upload("team/web", DIGEST)
        assert upload is not None
        with pytest.raises(errors.TokenExpired):
            await upload.put(DIGEST, len(CONTENT), stream(CONTENT))
        await upload.put(DIGEST, len(CONTENT), stream(CONTENT))
        assert all("authorization" in request.headers for request in scripted.asked("PUT"))


# Certificates


@pytest.fixture
def signed(
    tmp_path: Path, certificates: Certificates
) -> Iterator[Callable[..., tuple[ScriptedServer, Tls]]]:
    """Run a server with a certificate of the test's own choice, by an authority that is trusted."""
    running = []

    def serve(*names: str, **options: object) -> tuple[ScriptedServer, Tls]:
        authority = trustme.CA()
        ca_file = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        leaf = authority.issue_cert(*names, **options)  # type: ignore[arg-type]
        chain, key = tmp_path / "leaf.pem", tmp_path / "leaf.key"
        chain.write_bytes(leaf.cert_chain_pems[0].bytes())
        leaf.private_key_pem.write_to_path(str(key))
        context = scripted_server(replace(certificates, server_certificate=chain, server_key=key))
        running.append(context)
        return context.__enter__(), Tls(ca_file=str(ca_file))

    yield serve
    for context in running:
        context.__exit__(None, None, None)


async def test_an_unknown_authority_is_not_trusted(
    connect: Connect, tls_registry: DockerRegistry, certificates: Certificates
) -> None:
    pem = certificates.server_certificate.read_text()
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    with pytest.raises(errors.CertificateNotTrusted) as caught:
        await connect(tls_registry.host).check_sign_in()
    assert f"SHA-256 fingerprint {digest[:2]}:{digest[2:4]}:" in caught.value.detail
    assert tls_registry.host in caught.value.detail
    assert "--ca" in caught.value.remedy


async def test_it_is_trusted_when_the_operator_says_so(
    connect: Connect, tls_registry: DockerRegistry
) -> None:
    await connect(tls_registry.host, tls=access_to(tls_registry).tls).check_sign_in()
    await connect(tls_registry.host, tls=Tls(insecure=True)).check_sign_in()


async def test_a_certificate_for_another_name_is_not_trusted(
    connect: Connect, signed: Callable[..., tuple[ScriptedServer, Tls]]
) -> None:
    server, tls = signed("registry.example")
    with pytest.raises(errors.CertificateNotTrusted, match="localhost") as caught:
        await connect(server.host, tls=tls).check_sign_in()
    assert "host name" in caught.value.remedy


@pytest.mark.parametrize(("past", "remedy"), [(True, "Renew"), (False, "clock")])
async def test_a_certificate_out_of_its_time_is_not_trusted(
    connect: Connect, signed: Callable[..., tuple[ScriptedServer, Tls]], past: bool, remedy: str
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    begins, ends = (now - 9 * day, now - day) if past else (now + day, now + 9 * day)
    server, tls = signed("localhost", not_before=begins, not_after=ends)
    with pytest.raises(errors.CertificateNotTrusted, match="fingerprint") as caught:
        await connect(server.host, tls=tls).check_sign_in()
    assert remedy in caught.value.remedy


async def test_a_client_certificate_may_be_required(
    connect: Connect, new_registry: Callable[..., DockerRegistry], certificates: Certificates
) -> None:
    server = new_registry(tls=certificates, client_certificates=True)
    tls = access_to(server).tls
    with pytest.raises(errors.ClientCertificateRefused) as caught:
        await connect(server.host, tls=tls).check_sign_in()
    assert "--client-cert" in caught.value.remedy
    own = replace(
        tls,
        client_cert=str(certificates.client_certificate),
        client_key=str(certificates.client_key),
    )
    await connect(server.host, tls=own).check_sign_in()


async def test_a_storage_that_is_not_trusted_is_named(
    connect: Connect, scripted: ScriptedServer, scripted_tls: ScriptedServer
) -> None:
    """What is allowed for the registry is not allowed for where it points to."""
    scripted.on("GET", ".*/blobs/.*", Reply(307, {"Location": f"{scripted_tls.url}/x"}))
    registry = connect(scripted.host, tls=Tls(plain_http=True, insecure=True))
    with pytest.raises(errors.CertificateNotTrusted, match=scripted_tls.host):
        await read_blob(registry, "team/web", DIGEST)


# Secrets


@pytest.mark.parametrize(
    "reply",
    [
        Reply(401, {"WWW-Authenticate": "Basic realm=x"}),
        Reply(403, {}, b'{"errors": [{"code": "DENIED", "message": "no"}]}'),
        Reply(404, {}, b"<html>"),
        Reply(500),
        Reply(200, {}, b"<html>"),
        Reply(200, {"Content-Length": "100"}, b"x", early=True),
        Reply(hang=True),
        Reply(307, {"Location": "https://a:b@x/"}),
    ],
    ids=lambda reply: f"{reply.status}{' hangs' if reply.hang else ''}",
)
@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
async def test_no_failure_tells_a_secret(
    connect: Connect, scripted: ScriptedServer, reply: Reply, scheme: str
) -> None:
    field = f'{scheme} realm="{scripted.url}/token"'
    scripted.on("GET", "/v2/", Reply(401, {"WWW-Authenticate": field}))
    scripted.on("GET", "/token.*", Reply(200, {}, b'{"token": "t0ken"}'))
    scripted.on("GET", "/v2/team/.*", reply)
    credential = replace(LOGIN, secret="s3cret")
    patience = RetryPolicy(attempts=2, seconds=1)
    registry = connect(scripted.host, credential=credential, patience=patience, timeouts=SHORT)
    with pytest.raises(errors.TransshipError) as caught:
        await registry.get_manifest("team/web", "1.0")
    assert scripted.asked("GET", "/v2/team/.*")[0].headers["authorization"]
    for secret in ("s3cret", "t0ken", "czNjcmV0", "b3BlcmF0b3I6"):
        assert secret not in told(caught.value)
