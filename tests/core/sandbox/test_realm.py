from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from transship.oci.digest import digest_of
from transship.sandbox.registry_server import SandboxRegistry

LOGIN = ("demo", "a secret: with a colon")
UPLOADS = "/v2/team/web/blobs/uploads/"
PULL = "repository:team/web:pull"
PUSH = "repository:team/web:pull,push"
DIGEST = digest_of(b"content")


@pytest.fixture
async def closed(tmp_path: Path, clock: Any) -> AsyncIterator[SandboxRegistry]:
    users = dict([LOGIN])
    async with SandboxRegistry(tmp_path, users=users, token_lifetime=60, clock=clock) as registry:
        yield registry


@pytest.fixture
async def http(closed: SandboxRegistry) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{closed.host}", trust_env=False) as client:
        yield client


async def token(http: httpx.AsyncClient, *scopes: str) -> dict[str, str]:
    answer = await http.get("/token", params={"scope": list(scopes)}, auth=LOGIN)
    assert answer.status_code == 200
    assert answer.json()["token"] == answer.json()["access_token"]
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def challenge(answer: httpx.Response) -> str:
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "UNAUTHORIZED"
    return answer.headers["WWW-Authenticate"]


async def test_the_challenge_says_where_to_sign_in_and_what_for(
    http: httpx.AsyncClient, closed: SandboxRegistry
) -> None:
    realm = f'Bearer realm="http://{closed.host}/token",service="{closed.host}"'

    assert challenge(await http.get("/v2/")) == realm
    asked = {
        ("GET", "/v2/_catalog"): "registry:catalog:*",
        ("GET", "/v2/team/web/tags/list"): PULL,
        ("HEAD", "/v2/team/web/manifests/1.0"): PULL,
        ("PUT", "/v2/team/web/manifests/1.0"): PUSH,
        ("DELETE", "/v2/team/web/manifests/1.0"): "repository:team/web:delete",
        ("POST", UPLOADS): PUSH,
        ("DELETE", f"{UPLOADS}x"): PUSH,
        ("POST", f"{UPLOADS}?mount={DIGEST}&from=base"): f"{PUSH} repository:base:pull",
    }
    for (method, path), scope in asked.items():
        answer = await http.request(method, path)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == f'{realm},scope="{scope}"'


async def test_a_name_can_not_break_out_of_the_challenge(http: httpx.AsyncClient) -> None:
    for name in ('x",error="', "x%0d%0aSet-Cookie: a=b"):
        answer = await http.get(f"/v2/{name}/tags/list")

        assert answer.status_code in (400, 401)
        assert "Set-Cookie" not in answer.headers
        assert "error" not in answer.headers.get("WWW-Authenticate", "")


async def test_a_token_opens_what_it_names(http: httpx.AsyncClient) -> None:
    may_pull, may_push = await token(http, PULL), await token(http, PUSH)

    assert (await http.get("/v2/", headers=may_pull)).status_code == 200
    assert (await http.get("/v2/team/web/tags/list", headers=may_pull)).status_code == 404
    assert (await http.post(UPLOADS, headers=may_push)).status_code == 202
    for refused in (
        await http.post(UPLOADS, headers=may_pull),
        await http.get("/v2/team/api/tags/list", headers=may_pull),
        await http.get("/v2/_catalog", headers=may_push),
    ):
        assert 'error="insufficient_scope"' in challenge(refused)


async def test_a_catalog_token_opens_the_catalog(http: httpx.AsyncClient) -> None:
    headers = await token(http, "registry:catalog:*")

    assert (await http.get("/v2/_catalog", headers=headers)).json() == {"repositories": []}


async def test_a_mount_needs_both_scopes(http: httpx.AsyncClient) -> None:
    base = "repository:base:pull"
    one, both = await token(http, PUSH), await token(http, PUSH, base)
    mount = f"{UPLOADS}?mount={DIGEST}&from=base"

    assert base in challenge(await http.post(mount, headers=one))
    assert (await http.post(mount, headers=both)).status_code == 202


async def test_who_may_push_may_give_an_upload_up(http: httpx.AsyncClient) -> None:
    headers = await token(http, PUSH)
    location = (await http.post(UPLOADS, headers=headers)).headers["Location"]

    assert (await http.delete(location, headers=headers)).status_code == 204
    assert (await http.delete(f"/v2/team/web/blobs/{DIGEST}", headers=headers)).status_code == 401


async def test_a_token_ends(http: httpx.AsyncClient, clock: Any) -> None:
    headers = await token(http, PULL)

    clock.time += 61

    refused = await http.get("/v2/team/web/tags/list", headers=headers)
    assert 'error="invalid_token"' in challenge(refused)


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Bearer ü.ü", "Basic ZGVtbzph"])
async def test_nothing_else_opens_the_registry(http: httpx.AsyncClient, header: str) -> None:
    headers = {"Authorization": header.encode()}

    challenge(await http.get("/v2/", headers=headers))


@pytest.mark.parametrize("login", [("demo", "wrong"), ("nobody", ""), ("", "")])
async def test_a_wrong_password_gets_no_token(
    http: httpx.AsyncClient, login: tuple[str, str]
) -> None:
    assert (await http.get("/token", auth=login)).status_code == 401
    form = {"grant_type": "password", "username": login[0], "password": login[1]}
    assert (await http.post("/token", data=form)).status_code == 401


@pytest.mark.parametrize("header", ["Basic !", "Basic /w==", "Bearer x", "", "Basic"])
async def test_a_header_that_is_no_password_gets_no_token(
    http: httpx.AsyncClient, header: str
) -> None:
    assert (await http.get("/token", headers={"Authorization": header})).status_code == 401


async def test_anonymous_gets_a_token_that_opens_nothing(http: httpx.AsyncClient) -> None:
    answer = await http.get("/token", params={"scope": PULL, "offline_token": "true"})
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}

    assert "refresh_token" not in answer.json()
    refused = await http.get("/v2/team/web/tags/list", headers=headers)
    assert 'error="insufficient_scope"' in challenge(refused)


async def test_a_refresh_token_comes_only_when_asked_for(http: httpx.AsyncClient) -> None:
    plain = await http.get("/token", auth=LOGIN)
    offline = await http.get("/token", params={"offline_token": "true"}, auth=LOGIN)

    assert "refresh_token" not in plain.json()
    assert plain.json()["expires_in"] == 60
    assert offline.json()["refresh_token"]


async def test_a_refresh_token_outlives_access_tokens(http: httpx.AsyncClient, clock: Any) -> None:
    form = {"grant_type": "password", "username": LOGIN[0], "password": LOGIN[1]}
    first = await http.post("/token", data=form | {"access_type": "offline", "scope": PULL})
    clock.time += 3600

    refresh = {"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"]}
    second = await http.post("/token", data=refresh | {"scope": f"{PULL} {PUSH}"})

    headers = {"Authorization": f"Bearer {second.json()['access_token']}"}
    assert (await http.post(UPLOADS, headers=headers)).status_code == 202


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({}, 400),
        ({"grant_type": "magic"}, 400),
        ({"grant_type": "refresh_token"}, 401),
        ({"grant_type": "refresh_token", "refresh_token": "x.y"}, 401),
        ({"grant_type": "x" * 100_000}, 413),
    ],
)
async def test_other_forms_are_refused(
    http: httpx.AsyncClient, form: dict[str, str], status: int
) -> None:
    assert (await http.post("/token", data=form)).status_code == status


async def test_an_open_registry_has_no_realm(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with SandboxRegistry(tmp_path / "open") as registry:
        assert (await http.get(f"http://{registry.host}/token")).status_code == 404


@pytest.mark.parametrize("host", ["images.example.test:5000", "127.0.0.1", "[::1]:5000"])
async def test_the_realm_is_named_as_the_registry_was(http: httpx.AsyncClient, host: str) -> None:
    answer = await http.get("/v2/", headers={"Host": host})

    assert challenge(answer) == f'Bearer realm="http://{host}/token",service="{host}"'


@pytest.mark.parametrize("host", ['evil"quote', "a b", "x:999999", "a/b", ""])
async def test_what_is_no_host_is_named_nowhere(http: httpx.AsyncClient, host: str) -> None:
    answer = await http.get("/v2/", headers={"Host": host})

    assert answer.status_code == 400
    assert "WWW-Authenticate" not in answer.headers
