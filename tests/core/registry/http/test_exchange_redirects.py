from __future__ import annotations

from dataclasses import replace

import pytest

from clients.opening import LOGIN, Access, Connect
from samples.manifests import image, read_blob, write
from servers.scripted import Reply, ScriptedServer
from transship import errors
from transship.oci.digest import digest_of
from transship.registry.service import GENERIC, bearer
from transship.sandbox.registry_server import SandboxRegistry

CONTENT = bytes(range(256)) * 4000
DIGEST = digest_of(CONTENT)


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


async def test_a_token_of_the_service_s_api_does_not_go_to_the_registry(
    connect: Connect, scripted: ScriptedServer, scripted_tls: ScriptedServer, access_tls: Access
) -> None:
    api = scripted_tls
    api.on("GET", "/list", Reply(302, {"Location": "/there"}))
    api.on("GET", "/there", Reply(302, {"Location": f"{scripted.url}/v2/there"}))
    scripted.on("GET", "/v2/there", Reply(200))
    service = replace(GENERIC, api_hosts=(api.host,))
    registry = connect(scripted.host, credential=LOGIN, service=service, tls=access_tls.tls)

    await registry.asks()(f"{api.url}/list", authorization=bearer("token"))

    assert [r.headers["authorization"] for r in api.requests] == ["Bearer token"] * 2
    [led_home] = scripted.asked("GET", "/v2/there")
    assert "authorization" not in led_home.headers


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
