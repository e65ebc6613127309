from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from clients.opening import LOGIN, Access, Connect
from clients.realm import challenge, form, query, token
from fakes.clock import FakeClock
from samples.manifests import image, write
from servers.docker_registry import DockerRegistry
from servers.registry import Registry as Server
from servers.scripted import Reply, ScriptedServer
from servers.token_server import TokenServer
from transship import errors
from transship.registry.credential import Credential
from transship.registry.distribution import DistributionRegistry


async def all_of(items: AsyncIterator[str]) -> list[str]:
    return [item async for item in items]


# OAuth2


async def test_a_server_that_takes_no_get_is_posted_to(
    connect: Connect, bearer: ScriptedServer
) -> None:
    bearer.on("GET", "/token.*", Reply(405))
    bearer.on("POST", "/token", token(access_token="t", expires_in=300, refresh_token="r1"))
    bearer.on("HEAD", ".*", Reply(404))
    registry = connect(bearer.host, credential=LOGIN)
    await registry.head_manifest("team/web", "1.0")
    assert form(bearer) == {
        "grant_type": "password",
        "username": LOGIN.username,
        "password": LOGIN.secret,
        "service": "s",
        "client_id": "transship",
        "access_type": "offline",
        "scope": "repository:team/web:pull",
    }
    await registry.head_manifest("team/api", "1.0")
    assert (form(bearer, 1)["grant_type"], form(bearer, 1)["refresh_token"]) == (
        "refresh_token",
        "r1",
    )
    assert "password" not in form(bearer, 1)
    assert len(bearer.asked("GET", "/token.*")) == 1


async def test_an_identity_token_is_exchanged(
    connect: Connect, token_registry: DockerRegistry, token_server: TokenServer, repository: str
) -> None:
    identity = token_server._new_session(LOGIN.username)
    credential = Credential("<token>", identity, identity=True)
    registry = connect(token_registry.host, credential=credential)
    await registry.check_sign_in()
    await write(registry, repository, image("web"), "1.0")
    assert {(r.method, r.grant_type, r.user) for r in token_server.requests} == {
        ("POST", "refresh_token", LOGIN.username)
    }


async def test_a_new_refresh_token_takes_the_place_of_the_old(
    connect: Connect, bearer: ScriptedServer
) -> None:
    replies = [token(access_token="t", refresh_token=name) for name in ("second", "third")]
    bearer.on("POST", "/token", *replies)
    bearer.on("HEAD", ".*", Reply(404))
    identity = Credential("<token>", "first", identity=True)
    registry = connect(bearer.host, credential=identity)
    for repository in ("a", "b", "c"):
        await registry.head_manifest(repository, "1.0")
    assert [form(bearer, n)["refresh_token"] for n in range(3)] == ["first", "second", "third"]


async def test_a_refresh_token_that_is_called_back_leads_back_to_the_password(
    connect: Connect, bearer: ScriptedServer
) -> None:
    bearer.on("GET", "/token.*", Reply(405))
    good = token(access_token="t", refresh_token="r")
    bearer.on("POST", "/token", good, Reply(401), good)
    bearer.on("HEAD", ".*", Reply(404))
    registry = connect(bearer.host, credential=LOGIN)
    await registry.head_manifest("a", "1.0")
    await registry.head_manifest("b", "1.0")
    assert [form(bearer, n)["grant_type"] for n in range(3)] == [
        "password",
        "refresh_token",
        "password",
    ]


@pytest.mark.parametrize("status", [400, 401, 404, 405])
async def test_an_identity_token_that_is_not_taken(
    connect: Connect, bearer: ScriptedServer, status: int
) -> None:
    bearer.on("POST", "/token", Reply(status))
    identity = Credential("<token>", "refresh", identity=True)
    with pytest.raises(errors.WrongCredential):
        await connect(bearer.host, credential=identity).check_sign_in()
    assert len(bearer.requests) == 2


# What token servers answer


async def test_what_is_asked_of_a_token_server(connect: Connect, bearer: ScriptedServer) -> None:
    await all_of_nothing(connect(bearer.host, credential=LOGIN), "team/web")
    assert query(bearer) == {
        "service": ["s"],
        "scope": ["repository:team/web:pull"],
        "account": [LOGIN.username],
        "client_id": ["transship"],
    }
    (request,) = bearer.asked("GET", "/token.*")
    assert request.headers["authorization"].startswith("Basic ")


async def all_of_nothing(registry: DistributionRegistry, repository: str) -> None:
    assert await registry.head_manifest(repository, "1.0") is None


async def test_without_a_credential_nothing_is_said_of_who_we_are(
    connect: Connect, bearer: ScriptedServer
) -> None:
    await all_of_nothing(connect(bearer.host), "team/web")
    assert "account" not in query(bearer)
    assert "authorization" not in bearer.asked("GET", "/token.*")[0].headers


async def test_the_scope_of_a_challenge_is_not_believed(
    connect: Connect, bearer: ScriptedServer
) -> None:
    bearer.on("GET", "/v2/", challenge(bearer, more=',scope="repository:team/web:pull,push"'))
    await all_of_nothing(connect(bearer.host, credential=LOGIN), "team/web")
    assert query(bearer)["scope"] == ["repository:team/web:pull"]


@pytest.mark.parametrize(
    ("fields", "life"),
    [
        ({"token": "t"}, 48),
        ({"access_token": "t", "expires_in": 100}, 80),
        ({"token": "t", "expires_in": "100"}, 80),
        ({"token": "", "access_token": "t", "expires_in": None}, 48),
        ({"access_token": "e30.eyJpYXQiOjEwMCwiZXhwIjo0NjAwfQ.s"}, 3600),
        ({"token": "t", "expires_in": 0}, 48),
        ({"token": "t", "expires_in": -100, "issued_at": "2015-01-01T00:00:00Z"}, 48),
    ],
)
async def test_how_long_a_token_is_used(
    connect: Connect,
    bearer: ScriptedServer,
    clock: FakeClock,
    fields: dict[str, object],
    life: float,
) -> None:
    bearer.on("GET", "/token.*", token(**fields))
    registry = connect(bearer.host)
    for moment, requests in ((0, 1), (life - 1, 1), (life + 1, 2)):
        clock.ticks = moment
        await all_of_nothing(registry, "team/web")
        assert len(bearer.asked("GET", "/token.*")) == requests
    given = fields.get("token") or fields["access_token"]
    assert bearer.asked("HEAD")[0].headers["authorization"] == f"Bearer {given}"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(401), errors.WrongCredential),
        (Reply(400), errors.WrongCredential),
        (Reply(403), errors.NoRight),
        (Reply(404), errors.UnexpectedAnswer),
        (Reply(302, {"Location": "/login"}), errors.UnexpectedAnswer),
        (Reply(200, {}, b"<html>"), errors.UnexpectedAnswer),
        (token(message="no token here"), errors.UnexpectedAnswer),
        (token(token=3.5), errors.UnexpectedAnswer),
        (Reply(429, {"Retry-After": "1"}), errors.RateLimited),
        (Reply(500), errors.ServerFailed),
    ],
    ids=lambda value: f"{value.status} {value.body!r}" if isinstance(value, Reply) else "",
)
async def test_a_token_is_refused_for_a_cause(
    connect: Connect, bearer: ScriptedServer, reply: Reply, kind: type[errors.TransshipError]
) -> None:
    bearer.on("GET", "/token.*", reply)
    with pytest.raises(kind) as caught:
        await connect(bearer.host, credential=LOGIN).check_sign_in()
    assert type(caught.value) is kind
    assert LOGIN.secret not in str(caught.value)


async def test_a_token_server_that_fails_for_a_while_is_waited_for(
    connect: Connect, bearer: ScriptedServer, clock: FakeClock
) -> None:
    bearer.on("GET", "/token.*", Reply(503), Reply(429, {"Retry-After": "3"}), token(token="t"))
    await all_of_nothing(connect(bearer.host), "team/web")
    assert 3 <= clock.monotonic() < 10


async def test_a_token_server_that_fails_for_good_is_not_asked_for_ever(
    connect: Connect, bearer: ScriptedServer
) -> None:
    bearer.on("GET", "/token.*", Reply(500))
    with pytest.raises(errors.ServerFailed, match="/token"):
        await connect(bearer.host).head_manifest("team/web", "1.0")
    assert len(bearer.asked("GET", "/token.*")) == 4


async def test_a_catalog_scope_that_is_not_known_is_left_out(
    connect: Connect, bearer: ScriptedServer
) -> None:
    bearer.on("GET", r"/token\?.*scope=registry.*", Reply(400))
    bearer.on("GET", "/v2/_catalog.*", Reply(200, {}, b'{"repositories": ["a"]}'))
    assert await all_of(connect(bearer.host).repositories()) == ["a"]
    assert [query(bearer, n).get("scope") for n in range(2)] == [["registry:catalog:*"], None]


# Where a credential may go


@pytest.mark.parametrize("realm", ["/token", "token", "?"])
async def test_a_realm_may_be_relative(
    connect: Connect, bearer: ScriptedServer, realm: str
) -> None:
    bearer.on("GET", "/v2/", challenge(bearer, realm), Reply(200))
    bearer.on("GET", r"/\?.*", token(token="t"))
    await connect(bearer.host, credential=LOGIN).check_sign_in()
    assert bearer.asked("GET", "/v2/")[-1].headers["authorization"] == "Bearer t"


async def test_a_realm_may_have_a_query(connect: Connect, bearer: ScriptedServer) -> None:
    bearer.on("GET", "/v2/", challenge(bearer, f"{bearer.url}/token?tenant=a#x"), Reply(200))
    await connect(bearer.host).check_sign_in()
    assert query(bearer)["tenant"] == ["a"]
    assert query(bearer)["service"] == ["s"]


async def test_a_password_is_not_sent_over_http_by_a_registry_on_https(
    connect: Connect, scripted_tls: ScriptedServer, scripted: ScriptedServer, access_tls: Access
) -> None:
    scripted_tls.on("GET", "/v2/", challenge(scripted, f"{scripted.url}/token"))
    registry = connect(scripted_tls.host, credential=LOGIN, tls=access_tls.tls)
    with pytest.raises(errors.RealmRefused, match=scripted.host):
        await registry.check_sign_in()
    assert scripted.requests == []


@pytest.mark.parametrize("realm", ["ftp://x/", "http://[::x", "https://user:pw@x/"])
async def test_a_realm_that_is_no_web_address_is_refused(
    connect: Connect, bearer: ScriptedServer, realm: str
) -> None:
    bearer.on("GET", "/v2/", challenge(bearer, realm))
    with pytest.raises(errors.RealmRefused) as caught:
        await connect(bearer.host, credential=LOGIN).check_sign_in()
    assert "operator" in caught.value.remedy


async def test_a_realm_elsewhere_gets_the_password_and_nobody_else_does(
    connect: Connect, bearer: ScriptedServer, scripted_tls: ScriptedServer, access_tls: Access
) -> None:
    scripted_tls.on("GET", "/token.*", token(token="t"))
    bearer.on("GET", "/v2/", challenge(bearer, f"{scripted_tls.url}/token"))
    registry = connect(bearer.host, credential=LOGIN, tls=access_tls.tls)
    await all_of_nothing(registry, "team/web")
    assert scripted_tls.asked("GET")[0].headers["authorization"].startswith("Basic ")
    sent = [request.headers.get("authorization") for request in bearer.requests]
    assert sent == [None, "Bearer t"]


# Challenges


async def test_the_awkward_registry_names_no_service(
    connect: Connect, zuul: Server, repository: str
) -> None:
    credential = Credential(zuul.username or "", zuul.password or "")
    registry = connect(zuul.host, credential=credential)
    await registry.check_sign_in()
    await write(registry, repository, image("web"), "1.0")
    wrong = connect(zuul.host, credential=Credential(credential.username, "wrong"))
    with pytest.raises(errors.WrongCredential):
        await wrong.check_sign_in()


async def test_bearer_is_preferred(connect: Connect, bearer: ScriptedServer) -> None:
    fields = {"WWW-Authenticate": f'Basic realm="x", Bearer realm="{bearer.url}/token"'}
    bearer.on("GET", "/v2/", Reply(401, fields), Reply(200))
    await connect(bearer.host, credential=LOGIN).check_sign_in()
    assert bearer.asked("GET", "/v2/")[-1].headers["authorization"] == "Bearer t"


async def test_the_catalog_may_be_asked_for_in_another_way(
    connect: Connect, bearer: ScriptedServer
) -> None:
    basic = Reply(401, {"WWW-Authenticate": 'Basic realm="catalog"'})
    bearer.on("GET", "/v2/_catalog.*", basic, Reply(200, {}, b'{"repositories": []}'))
    registry = connect(bearer.host, credential=LOGIN)
    assert await all_of(registry.repositories()) == []
    await all_of_nothing(registry, "team/web")
    assert bearer.asked("HEAD")[0].headers["authorization"] == "Bearer t"


@pytest.mark.parametrize(
    ("field", "named"),
    [('Negotiate, NTLM realm="x"', "negotiate, ntlm"), ("Bearer", "bearer"), ("", "nothing")],
)
async def test_a_scheme_that_is_not_known_is_named(
    connect: Connect, scripted: ScriptedServer, field: str, named: str
) -> None:
    api = {"Docker-Distribution-Api-Version": "registry/2.0"}
    scripted.on("GET", "/v2/", Reply(401, api | ({"WWW-Authenticate": field} if field else {})))
    with pytest.raises(errors.UnexpectedAnswer, match=f"asks for {named}"):
        await connect(scripted.host, credential=LOGIN).check_sign_in()
    with pytest.raises(errors.SignInNeeded):
        await connect(scripted.host).check_sign_in()
