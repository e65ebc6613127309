from __future__ import annotations

import asyncio
import datetime
import itertools
from collections.abc import Callable
from dataclasses import replace
from email.utils import format_datetime

import pytest

from clients.opening import LOGIN, SHORT, Connect
from fakes.clock import FakeClock
from samples.manifests import image, read_blob, stream, write
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
from servers.images import push_blob, push_image
from servers.process import free_port
from servers.registry import Registry as Server
from servers.scripted import Reply, ScriptedServer
from transship import errors
from transship.oci.digest import digest_of
from transship.registry.http.rate_limiter import INTERACTIVE, PERSISTENT, RetryPolicy
from transship.sandbox.registry_server import SandboxRegistry

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
    patience = RetryPolicy(attempts=1, seconds=1)
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
