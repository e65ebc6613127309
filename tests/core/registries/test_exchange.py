from __future__ import annotations

import asyncio
import datetime
import hashlib
import itertools
import ssl
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme

from clients.opening import LOGIN, Access, Connect, access_to
from fakes.clock import FakeClock
from samples.manifests import image, read_blob, stream, write
from servers.certificates import Certificates
from servers.docker_registry import DockerRegistry
from servers.faults import (
    Action,
    Answer,
    CutRequest,
    CutResponse,
    Fault,
    FaultProxy,
    Hold,
    LoseResponse,
    SwallowRequest,
)
from servers.forward_proxy import forward_proxy
from servers.images import push_blob, push_image
from servers.process import free_port
from servers.registry import Registry as Server
from servers.scripted import Reply, ScriptedServer, scripted_server
from transship import errors
from transship.oci.digest import digest_of
from transship.registries.credential import Tls
from transship.registries.pacing import INTERACTIVE, PERSISTENT, Patience
from transship.registries.transport import Timeouts
from transship.sandbox.server import SandboxRegistry

SHORT = Timeouts(connect=0.3, read=0.3, write=0.3, commit=0.3)
CONTENT = bytes(range(256)) * 4000
DIGEST = digest_of(CONTENT)

ProxyFor = Callable[[Server], FaultProxy]


@pytest.fixture
def proxy(proxy_for: ProxyFor, open_registry: DockerRegistry) -> FaultProxy:
    """A proxy that makes faults, in front of a registry without a login."""
    return proxy_for(open_registry)


# Failures that pass


PASSING = (
    Answer(500),
    Answer(502, body=b"<html>Bad Gateway</html>"),
    Answer(503, {"Retry-After": "1"}),
    Answer(408),
    Answer(429),
    LoseResponse(),
    SwallowRequest(),
)


@pytest.mark.parametrize(
    ("method", "action"),
    [("GET", CutResponse(after=10)), *itertools.product(["GET", "HEAD", "PUT"], PASSING)],
    ids=lambda value: f"{getattr(value, 'status', '') or getattr(value, '__name__', value)}",
)
async def test_a_small_request_is_tried_again(
    connect: Connect,
    open_registry: DockerRegistry,
    proxy: FaultProxy,
    clock: FakeClock,
    repository: str,
    method: str,
    action: Action,
) -> None:
    web = image("web")
    registry = connect(proxy.host)
    await write(connect(open_registry.host), repository, web, "1.0")
    fault = proxy.add(Fault(action, method, "/manifests/", times=2))
    if method == "HEAD":
        assert await registry.head_manifest(repository, "1.0") is not None
    elif method == "GET":
        assert (await registry.get_manifest(repository, "1.0")).digest == web.digest
    else:
        await registry.put_manifest(repository, "2.0", web.manifest)
    assert fault.struck == 2
    assert 0 < clock.monotonic() < 10


async def test_starting_an_upload_is_tried_again(
    connect: Connect, proxy: FaultProxy, repository: str
) -> None:
    registry = connect(proxy.host)
    proxy.add(Fault(LoseResponse(), "POST"))
    proxy.add(Fault(Answer(503), "POST"))
    upload = await registry.start_upload(repository, DIGEST)
    assert upload is not None
    await upload.put(DIGEST, len(CONTENT), stream(CONTENT))


@pytest.mark.parametrize("date", [False, True], ids=["seconds", "date"])
async def test_the_registry_says_how_long_to_wait(
    connect: Connect, proxy: FaultProxy, clock: FakeClock, date: bool
) -> None:
    moment = datetime.datetime.fromtimestamp(clock.now() + 7, datetime.UTC)
    value = format_datetime(moment, usegmt=True) if date else "7"
    proxy.add(Fault(Answer(429, {"Retry-After": value}), "HEAD"))
    registry = connect(proxy.host)
    await registry.head_manifest("team/web", "1.0")
    assert clock.monotonic() == 7
    assert registry.pacer.slowed == 1


async def test_all_keep_quiet_when_one_is_told_to(
    connect: Connect, proxy: FaultProxy, clock: FakeClock
) -> None:
    proxy.add(Fault(Answer(429, {"Retry-After": "5"}), "HEAD"))
    registry = connect(proxy.host)
    await asyncio.gather(*(registry.head_manifest("team/web", f"{n}") for n in range(20)))
    heads = [request for request in proxy.requests if request.method == "HEAD"]
    assert len(heads) == 21
    assert clock.monotonic() == 5
    assert registry.pacer.slowed == 1


async def test_reading_and_sending_bytes_keep_quiet_as_well(
    connect: Connect, proxy: FaultProxy, clock: FakeClock, repository: str
) -> None:
    registry = connect(proxy.host)
    upload = await registry.start_upload(repository, DIGEST)
    assert upload is not None
    for method, path in (("PATCH", "/uploads/"), ("GET", "/blobs/sha256")):
        proxy.add(Fault(Answer(429, {"Retry-After": "5"}), method, path))
    with pytest.raises(errors.RateLimited):
        await upload.append(len(CONTENT), stream(CONTENT))
    await upload.append(len(CONTENT), stream(CONTENT))
    assert clock.monotonic() == 5
    await upload.finish(DIGEST)
    with pytest.raises(errors.RateLimited):
        await read_blob(registry, repository, DIGEST)
    assert await read_blob(registry, repository, DIGEST) == CONTENT
    assert clock.monotonic() == 10


async def test_patience_has_an_end(connect: Connect, proxy: FaultProxy, clock: FakeClock) -> None:
    fault = proxy.add(Fault(Answer(500), "HEAD", times=None))
    with pytest.raises(errors.ServerFailed, match="500"):
        await connect(proxy.host).head_manifest("team/web", "1.0")
    assert fault.struck == INTERACTIVE.attempts
    assert clock.monotonic() < INTERACTIVE.seconds


async def test_a_job_has_more_of_it(connect: Connect, proxy: FaultProxy, clock: FakeClock) -> None:
    fault = proxy.add(Fault(Answer(503), "HEAD", times=None))
    with pytest.raises(errors.ServerFailed):
        await connect(proxy.host, patience=PERSISTENT).head_manifest("team/web", "1.0")
    assert fault.struck > 10
    assert 800 < clock.monotonic() <= PERSISTENT.seconds


async def test_a_pause_beyond_all_patience_is_not_begun(
    connect: Connect, proxy: FaultProxy, clock: FakeClock
) -> None:
    proxy.add(Fault(Answer(429, {"Retry-After": "21600"}), "HEAD"))
    registry = connect(proxy.host)
    for _ in range(2):
        with pytest.raises(errors.RateLimited) as caught:
            await registry.head_manifest("team/web", "1.0")
        assert caught.value.retry_after == 21600
    assert clock.monotonic() == 0
    assert len(proxy.requests) == 2


async def test_a_registry_that_goes_away_is_waited_for(
    connect: Connect, new_registry: Callable[..., DockerRegistry]
) -> None:
    server = new_registry()
    pushed = push_image(server, "team/web", "1.0")

    class Returning(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            if len(self.slept) == 3:
                server.start()

    clock = Returning()
    registry = connect(server.host, patience=PERSISTENT, clock=clock)
    assert await registry.head_manifest("team/web", "1.0") is not None
    server.stop()
    assert (await registry.get_manifest("team/web", "1.0")).digest == pushed.digest
    assert len(clock.slept) == 3


async def test_a_registry_that_was_never_there_is_not_waited_for(
    connect: Connect, clock: FakeClock
) -> None:
    host = f"127.0.0.1:{free_port()}"
    for patience in (INTERACTIVE, PERSISTENT):
        with pytest.raises(errors.ConnectionRefused):
            await connect(host, patience=patience).check_sign_in()
    assert clock.slept == []
    waiting = replace(PERSISTENT, from_the_start=True)
    with pytest.raises(errors.ConnectionRefused):
        await connect(host, patience=waiting).check_sign_in()
    assert clock.monotonic() > 800


@pytest.mark.parametrize("answered", [False, True])
async def test_an_answer_that_does_not_come_times_out(
    connect: Connect, proxy: FaultProxy, repository: str, answered: bool
) -> None:
    hold = Hold(answered=answered)
    proxy.add(Fault(hold, "HEAD"))
    patience = Patience(attempts=1, seconds=1)
    registry = connect(proxy.host, patience=patience, timeouts=SHORT)
    with pytest.raises(errors.TimedOut):
        await registry.head_manifest(repository, "1.0")
    hold.release.set()
    assert await registry.head_manifest(repository, "1.0") is None


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (Answer(400), errors.UnexpectedAnswer),
        (Answer(403), errors.SignInNeeded),
        (Answer(418), errors.UnexpectedAnswer),
        (Answer(501), errors.UnexpectedAnswer),
        (Answer(404, body=b'{"errors": [{"code": "NAME_UNKNOWN"}]}'), errors.RepositoryNotFound),
    ],
    ids=lambda value: str(getattr(value, "status", "")),
)
async def test_everything_else_fails_at_once(
    connect: Connect,
    proxy: FaultProxy,
    clock: FakeClock,
    action: Answer,
    kind: type[errors.TransshipError],
) -> None:
    proxy.add(Fault(action, "GET", "/manifests/", times=None))
    with pytest.raises(kind) as caught:
        await connect(proxy.host).get_manifest("team/web", "1.0")
    assert type(caught.value) is kind
    assert (len(proxy.requests), clock.slept) == (2, [])


# Bytes are tried once


async def test_a_blob_that_is_cut_is_told_at_once(
    connect: Connect, open_registry: DockerRegistry, proxy: FaultProxy, repository: str
) -> None:
    push_blob(open_registry, repository, CONTENT, "application/octet-stream")
    proxy.add(Fault(CutResponse(after=500_000), "GET", "/blobs/"))
    registry = connect(proxy.host)
    got = bytearray()

    async def read() -> None:
        async with registry.read_blob(repository, DIGEST) as blob:
            async for piece in blob:
                got.extend(piece)

    with pytest.raises(errors.ConnectionLost):
        await read()
    assert got == CONTENT[: len(got)]
    assert await read_blob(registry, repository, DIGEST, len(got)) == CONTENT[len(got) :]


@pytest.mark.parametrize("action", [CutRequest(after=300_000), SwallowRequest(), LoseResponse()])
async def test_a_piece_that_is_cut_is_told_at_once(
    connect: Connect, proxy: FaultProxy, repository: str, action: Action
) -> None:
    fault = proxy.add(Fault(action, "PATCH"))
    registry = connect(proxy.host)
    upload = await registry.start_upload(repository, DIGEST)
    assert upload is not None
    with pytest.raises(errors.ConnectionLost):
        await upload.append(len(CONTENT), stream(CONTENT))
    assert (fault.struck, upload.offset) == (1, 0)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (413, errors.TooLarge),
        (507, errors.QuotaExceeded),
        (403, errors.NoRight),
        (416, errors.UploadLost),
        (404, errors.UploadLost),
        (500, errors.ServerFailed),
        (401, errors.TokenExpired),
    ],
)
async def test_an_answer_before_all_is_sent_has_its_cause(
    connect: Connect, scripted: ScriptedServer, status: int, kind: type[errors.TransshipError]
) -> None:
    login = {"WWW-Authenticate": "Basic realm=x"}
    scripted.on("GET", "/v2/", Reply(401, login))
    scripted.on("POST", ".*", Reply(202, {"Location": "/v2/x/1"}))
    scripted.on("PATCH", ".*", Reply(status, login, early=True))
    registry = connect(scripted.host, credential=LOGIN)
    upload = await registry.start_upload("team/web", DIGEST)
    assert upload is not None
    large = bytes(20_000_000)
    with pytest.raises(kind) as caught:
        await upload.append(len(large), stream(large))
    assert type(caught.value) is kind


async def test_a_real_server_that_takes_no_more_is_heard(
    connect: Connect, sandbox: SandboxRegistry
) -> None:
    upload = await connect(sandbox.host).start_upload("team/web", DIGEST)
    assert upload is not None
    upload.offset = 1_000_000
    large = bytes(20_000_000)
    with pytest.raises(errors.UploadLost, match="416"):
        await upload.append(len(large), stream(large))


# Redirects


async def test_a_manifest_may_be_elsewhere(
    connect: Connect, scripted: ScriptedServer, sandbox: SandboxRegistry
) -> None:
    web = image("web")
    await write(connect(sandbox.host), "team/web", web, "1.0")
    scripted.on("GET", "/v2/", Reply(401, {"WWW-Authenticate": "Basic realm=x"}))
    elsewhere = {"Location": f"http://{sandbox.host}/v2/team/web/manifests/1.0"}
    scripted.on("GET", ".*/manifests/.*", Reply(302, {"Location": "/v2/moved/manifests/1"}))
    scripted.on("GET", "/v2/moved/.*", Reply(307, elsewhere))
    registry = connect(scripted.host, credential=LOGIN)
    assert (await registry.get_manifest("team/web", "1.0")).digest == web.digest
    assert "authorization" in scripted.asked("GET", "/v2/moved/.*")[0].headers


async def test_a_login_stays_at_home(
    connect: Connect, scripted: ScriptedServer, scripted_tls: ScriptedServer, access_tls: Access
) -> None:
    scripted.on("GET", "/v2/", Reply(401, {"WWW-Authenticate": "Basic realm=x"}))
    away = {"Location": f"{scripted_tls.url}/away?signature=s3cret"}
    for method in ("GET", "HEAD"):
        scripted.on(method, "/v2/team/.*", Reply(307, away))
    scripted_tls.on("GET", "/away.*", Reply(200, {}, CONTENT))
    scripted_tls.on("HEAD", "/away.*", Reply(200, {}, CONTENT))
    registry = connect(scripted.host, credential=LOGIN, tls=access_tls.tls)
    assert await registry.blob_size("team/web", DIGEST) == len(CONTENT)
    assert await read_blob(registry, "team/web", DIGEST) == CONTENT
    assert [request.method for request in scripted_tls.requests] == ["HEAD", "GET"]
    assert not any("authorization" in request.headers for request in scripted_tls.requests)


async def test_a_login_wanted_elsewhere_is_not_given(
    connect: Connect, scripted: ScriptedServer, scripted_tls: ScriptedServer, access_tls: Access
) -> None:
    for method in ("GET", "HEAD"):
        scripted.on(method, "/v2/team/.*", Reply(307, {"Location": f"{scripted_tls.url}/away"}))
        scripted_tls.on(method, "/away", Reply(401, {"WWW-Authenticate": "Basic realm=x"}))
    registry = connect(scripted.host, credential=LOGIN, tls=access_tls.tls)
    with pytest.raises(errors.SignInNeeded):
        await read_blob(registry, "team/web", DIGEST)
    with pytest.raises(errors.SignInNeeded):
        await registry.get_manifest("team/web", "1.0")
    assert not any("authorization" in request.headers for request in scripted_tls.requests)


async def test_redirects_in_a_circle_are_left(connect: Connect, scripted: ScriptedServer) -> None:
    scripted.on("GET", "/v2/team/.*", Reply(307, {"Location": "/v2/team/again"}))
    registry = connect(scripted.host)
    for reading in (
        read_blob(registry, "team/web", DIGEST),
        registry.get_manifest("team/web", "1.0"),
    ):
        scripted.requests.clear()
        with pytest.raises(errors.RedirectRefused, match="over 5 redirects"):
            await reading
        assert len(scripted.asked("GET", "/v2/team/.*")) == 6


@pytest.mark.parametrize(
    "location", ["http://{plain}/x", "ftp://x/", "https://a:b@x/", "http://[::"]
)
async def test_no_unsafe_redirect_is_followed(
    connect: Connect,
    scripted_tls: ScriptedServer,
    scripted: ScriptedServer,
    access_tls: Access,
    location: str,
) -> None:
    target = location.format(plain=scripted.host)
    scripted_tls.on("GET", "/v2/team/.*", Reply(307, {"Location": target}))
    registry = connect(scripted_tls.host, tls=access_tls.tls)
    for reading in (
        read_blob(registry, "team/web", DIGEST),
        registry.get_manifest("team/web", "1.0"),
    ):
        with pytest.raises(errors.RedirectRefused):
            await reading
    assert scripted.requests == []


async def test_a_redirect_without_an_address_is_unexpected(
    connect: Connect, scripted: ScriptedServer
) -> None:
    scripted.on("GET", "/v2/team/.*", Reply(307))
    with pytest.raises(errors.UnexpectedAnswer):
        await read_blob(connect(scripted.host), "team/web", DIGEST)


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
    monkeypatch.setattr("transship.registries.exchange.is_loopback", lambda _: False)
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
    patience = Patience(attempts=2, seconds=1)
    registry = connect(scripted.host, credential=credential, patience=patience, timeouts=SHORT)
    with pytest.raises(errors.TransshipError) as caught:
        await registry.get_manifest("team/web", "1.0")
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert scripted.asked("GET", "/v2/team/.*")[0].headers["authorization"]
    for secret in ("s3cret", "t0ken", "czNjcmV0", "b3BlcmF0b3I6"):
        assert secret not in told
