from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable

import pytest

from clients.opening import LOGIN, Connect
from fakes.clock import FakeClock
from samples.manifests import image, read_blob, stream, write
from servers.docker_registry import DockerRegistry
from servers.faults import Answer, Fault, FaultProxy
from servers.images import push_image
from servers.registry import Registry as Server
from servers.scripted import Reply, ScriptedServer
from servers.token_server import SERVICE, TokenServer
from transship import errors
from transship.oci.digest import Digest, digest_of
from transship.registry.credential import Credential

READER = Credential("reader", "only looking")
CONTENT = b"the content of a blob"
DIGEST = digest_of(CONTENT)


async def all_of(items: AsyncIterator[str]) -> list[str]:
    return [item async for item in items]


# Basic


async def test_a_password_opens_a_registry(
    connect: Connect, htpasswd_registry: DockerRegistry
) -> None:
    await connect(htpasswd_registry.host, credential=LOGIN).check_sign_in()


async def test_a_wrong_password_is_told_from_none(
    connect: Connect, htpasswd_registry: DockerRegistry
) -> None:
    wrong = Credential(LOGIN.username, "wrong")
    mark = htpasswd_registry.mark()
    with pytest.raises(errors.WrongCredential):
        await connect(htpasswd_registry.host, credential=wrong).check_sign_in()
    assert len(htpasswd_registry.since(mark)) == 2  # The greeting, and one attempt.
    with pytest.raises(errors.SignInNeeded):
        await connect(htpasswd_registry.host).check_sign_in()


async def test_a_name_may_be_of_any_letters(connect: Connect, scripted: ScriptedServer) -> None:
    scripted.on("GET", "/v2/", Reply(401, {"WWW-Authenticate": "Basic realm=x"}), Reply(200))
    await connect(scripted.host, credential=Credential("Jürgen", "paß:wört")).check_sign_in()
    _, sent = scripted.asked("GET", "/v2/")[-1].headers["authorization"].split()
    assert base64.b64decode(sent).decode() == "Jürgen:paß:wört"


async def test_an_identity_token_is_no_password(connect: Connect, scripted: ScriptedServer) -> None:
    scripted.on("GET", "/v2/", Reply(401, {"WWW-Authenticate": "Basic realm=x"}))
    identity = Credential("<token>", "refresh", identity=True)
    with pytest.raises(errors.WrongCredential, match="identity token"):
        await connect(scripted.host, credential=identity).check_sign_in()
    assert not any("authorization" in request.headers for request in scripted.requests)


# Tokens from a real token server


async def test_reading_never_asks_for_the_right_to_write(
    connect: Connect, token_registry: DockerRegistry, token_server: TokenServer, repository: str
) -> None:
    pushed = push_image(token_registry, repository, "1.0")
    registry = connect(token_registry.host, credential=LOGIN)
    await registry.check_sign_in()
    await all_of(registry.repositories())
    await all_of(registry.tags(repository))
    head = await registry.head_manifest(repository, "1.0")
    assert head is not None
    await registry.get_manifest(repository, "1.0")
    await registry.referrers(repository, head.digest)
    for digest in pushed.blobs:
        assert await registry.blob_size(repository, digest_of(b"")) is None
        await read_blob(registry, repository, Digest(digest))
    asked = [request.scopes for request in token_server.requests]
    assert asked == [(), ("registry:catalog:*",), (f"repository:{repository}:pull",)]


async def test_writing_asks_for_it_in_one_repository(
    connect: Connect, token_registry: DockerRegistry, token_server: TokenServer, repository: str
) -> None:
    await write(connect(token_registry.host, credential=LOGIN), repository, image("web"), "1.0")
    asked = [request.scopes for request in token_server.requests]
    assert asked == [(f"repository:{repository}:pull,push",)]


async def test_a_mount_asks_for_both_in_one_token(
    connect: Connect, token_registry: DockerRegistry, token_server: TokenServer, repository: str
) -> None:
    registry = connect(token_registry.host, credential=LOGIN)
    await write(registry, repository, image("web"), "1.0")
    (config, *_) = (await registry.get_manifest(repository, "1.0")).blobs
    target = f"{repository}/copy"
    assert await registry.start_upload(target, config.digest, mount_from=repository) is None
    assert token_server.requests[-1].scopes == (
        f"repository:{target}:pull,push",
        f"repository:{repository}:pull",
    )


async def test_who_may_only_read_reads(
    connect: Connect, token_registry: DockerRegistry, token_server: TokenServer, repository: str
) -> None:
    push_image(token_registry, repository, "1.0")
    registry = connect(token_registry.host, credential=READER)
    assert await registry.head_manifest(repository, "1.0") is not None
    mark = token_registry.mark()
    with pytest.raises(errors.NoRight, match="401"):
        await registry.start_upload(repository, DIGEST)
    # One with the token, which came without the right to write; one more with a fresh one.
    assert [request.status for request in token_registry.since(mark)] == [401, 401]
    assert len(token_server.requests) == 3


async def test_a_wrong_password_is_not_a_missing_right(
    connect: Connect, token_registry: DockerRegistry, token_server: TokenServer
) -> None:
    wrong = Credential(LOGIN.username, "wrong")
    with pytest.raises(errors.WrongCredential):
        await connect(token_registry.host, credential=wrong).check_sign_in()
    assert len(token_server.requests) == 1
    with pytest.raises(errors.SignInNeeded):
        await connect(token_registry.host).check_sign_in()


async def test_anybody_may_read_where_that_is_allowed(
    connect: Connect, token_registry: DockerRegistry, token_server: TokenServer, repository: str
) -> None:
    push_image(token_registry, repository, "1.0")
    token_server.anonymous_pull = True
    registry = connect(token_registry.host)
    assert await registry.head_manifest(repository, "1.0") is not None
    with pytest.raises(errors.SignInNeeded):
        await registry.start_upload(repository, DIGEST)


async def test_a_token_is_kept_until_most_of_its_life_is_over(
    connect: Connect,
    token_registry: DockerRegistry,
    token_server: TokenServer,
    clock: FakeClock,
    repository: str,
) -> None:
    token_server.announced = 100
    registry = connect(token_registry.host, credential=LOGIN)
    for _ in range(3):
        await registry.head_manifest(repository, "1.0")
    assert len(token_server.requests) == 1
    clock.advance(79)
    await registry.head_manifest(repository, "1.0")
    assert len(token_server.requests) == 1
    clock.advance(2)
    await registry.head_manifest(repository, "1.0")
    assert len(token_server.requests) == 2


async def test_a_token_that_ended_while_its_request_waited_is_not_shown(
    connect: Connect,
    token_registry: DockerRegistry,
    token_server: TokenServer,
    clock: FakeClock,
    repository: str,
) -> None:
    token_server.announced = 100
    registry = connect(token_registry.host, credential=LOGIN)
    await registry.head_manifest(repository, "1.0")
    registry.pacer.limit(concurrency=1)
    async with registry.pacer.slot():
        waiting = asyncio.create_task(registry.head_manifest(repository, "1.0"))
        for _ in range(10):
            await asyncio.sleep(0)
        clock.advance(81)
    await waiting
    assert len(token_server.requests) == 2


async def test_a_token_is_asked_for_once_however_many_need_it(
    connect: Connect, token_registry: DockerRegistry, token_server: TokenServer, repository: str
) -> None:
    registry = connect(token_registry.host, credential=LOGIN)
    await asyncio.gather(*(registry.head_manifest(repository, f"{n}.0") for n in range(50)))
    assert len(token_server.requests) == 1


async def test_a_wrong_password_is_not_shown_by_each_of_those_who_need_it(
    connect: Connect, token_registry: DockerRegistry, token_server: TokenServer, repository: str
) -> None:
    registry = connect(token_registry.host, credential=Credential(LOGIN.username, "wrong"))
    results = await asyncio.gather(
        *(registry.head_manifest(repository, f"{n}.0") for n in range(50)), return_exceptions=True
    )
    assert all(isinstance(result, errors.WrongCredential) for result in results)
    asked = [request.scopes for request in token_server.requests]
    assert asked == [(f"repository:{repository}:pull",), ()], "the right, and then the login alone"


async def test_a_token_that_is_dead_on_arrival_is_no_loop(
    connect: Connect, token_registry: DockerRegistry, token_server: TokenServer, repository: str
) -> None:
    token_server.lifetime, token_server.announced = -1, 300
    mark = token_registry.mark()
    registry = connect(token_registry.host, credential=LOGIN)
    with pytest.raises(errors.NoRight):
        await registry.head_manifest(repository, "1.0")
    assert [request.status for request in token_registry.since(mark)] == [401, 401, 401]
    assert len(token_server.requests) == 2


async def test_a_token_that_ends_early_is_renewed(
    connect: Connect, token_registry: DockerRegistry, token_server: TokenServer, repository: str
) -> None:
    pushed = push_image(token_registry, repository, "1.0")
    token_server.lifetime, token_server.announced = -1, 300
    registry = connect(token_registry.host, credential=LOGIN)
    with pytest.raises(errors.NoRight):
        await registry.head_manifest(repository, "1.0")
    token_server.lifetime = 300
    assert await registry.head_manifest(repository, "1.0") is not None
    assert await read_blob(registry, repository, Digest(pushed.blobs[0]))


async def test_a_token_that_ends_during_an_upload(
    connect: Connect,
    token_registry: DockerRegistry,
    token_server: TokenServer,
    proxy_for: Callable[[Server], FaultProxy],
    repository: str,
) -> None:
    proxy = proxy_for(token_registry)
    for method in ("PATCH", "PUT"):
        proxy.add(Fault(expired(token_server), method))
    registry = connect(proxy.host, credential=LOGIN)
    upload = await registry.start_upload(repository, DIGEST)
    assert upload is not None
    with pytest.raises(errors.TokenExpired):
        await upload.append(len(CONTENT), stream(CONTENT))
    resumed = await registry.resume_upload(repository, upload.location)
    assert resumed.offset == 0
    await resumed.append(len(CONTENT), stream(CONTENT))
    with pytest.raises(errors.TokenExpired):
        await resumed.finish(DIGEST)
    resumed = await registry.resume_upload(repository, resumed.location)
    assert resumed.offset == len(CONTENT)
    await resumed.finish(DIGEST)
    assert await read_blob(registry, repository, DIGEST) == CONTENT
    scope = f"repository:{repository}:pull,push"
    assert [r.scopes for r in token_server.requests].count((scope,)) == 3


def expired(token_server: TokenServer) -> Answer:
    """Return what a registry answers to a token that has ended."""
    field = f'Bearer realm="{token_server.realm}",service="{SERVICE}",error="invalid_token"'
    return Answer(401, {"WWW-Authenticate": field})


async def test_reading_renews_a_token_on_the_way(
    connect: Connect,
    token_registry: DockerRegistry,
    token_server: TokenServer,
    proxy_for: Callable[[Server], FaultProxy],
    repository: str,
) -> None:
    pushed = push_image(token_registry, repository, "1.0")
    proxy = proxy_for(token_registry)
    proxy.add(Fault(expired(token_server), "GET", "/blobs/"))
    registry = connect(proxy.host, credential=LOGIN)
    assert await read_blob(registry, repository, Digest(pushed.blobs[0]))
    assert len(token_server.requests) == 2


async def test_reading_stops_when_the_fresh_token_is_refused_as_well(
    connect: Connect,
    token_registry: DockerRegistry,
    token_server: TokenServer,
    proxy_for: Callable[[Server], FaultProxy],
    repository: str,
) -> None:
    proxy = proxy_for(token_registry)
    fault = proxy.add(Fault(expired(token_server), "GET", "/blobs/", times=None))
    with pytest.raises(errors.NoRight):
        await read_blob(connect(proxy.host, credential=LOGIN), repository, DIGEST)
    assert fault.struck == 2
