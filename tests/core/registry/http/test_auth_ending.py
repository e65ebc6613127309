"""A credential that was taken, and isn't any more: told from a missing right, and read again."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest

from clients.opening import LOGIN, Connect
from clients.realm import token
from servers.scripted import Reply, ScriptedServer
from servers.token_server import token_server
from transship import errors
from transship.registry.credential import Credential, Login

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fakes.clock import FakeClock
    from servers.docker_registry import DockerRegistry

SECOND = Credential(LOGIN.username, "the second password")
REFUSED = Reply(401, body=b'{"errors": [{"code": "UNAUTHORIZED"}]}')


def scopes_asked(server: ScriptedServer) -> list[bool]:
    """Return of each token that was asked for whether it was for a right."""
    return ["scope=" in request.target for request in server.asked("GET", "/token.*")]


class Store:
    """Where a secret is kept: what it holds, and how often it was read."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self.reads = 0

    async def read(self) -> Login:
        self.reads += 1
        return Login(self.credential, math.inf)


async def test_a_token_server_that_refuses_one_right_is_asked_about_the_login(
    connect: Connect, bearer: ScriptedServer
) -> None:
    bearer.on("HEAD", ".*", Reply(404))
    bearer.on("GET", "/token.*", token(token="t"))
    bearer.on("GET", "/token.*closed.*", REFUSED)
    registry = connect(bearer.host, credential=LOGIN)
    await registry.head_manifest("open", "1")

    with pytest.raises(errors.NoRight) as refused:
        await registry.head_manifest("closed", "1")

    assert refused.value.met_at is None, "it is the matter of one repository"
    assert scopes_asked(bearer) == [True, True, False]
    await registry.head_manifest("another", "1")


async def test_a_registry_that_refuses_one_right_is_asked_whether_it_takes_the_password(
    connect: Connect, scripted: ScriptedServer
) -> None:
    asks = Reply(401, {"WWW-Authenticate": "Basic realm=x"})
    scripted.on("GET", "/v2/", asks, Reply(200))
    scripted.on("HEAD", ".*closed.*", asks)
    registry = connect(scripted.host, credential=LOGIN)

    with pytest.raises(errors.NoRight):
        await registry.head_manifest("closed", "1")

    scripted.on("GET", "/v2/", asks)
    with pytest.raises(errors.WrongCredential):
        await registry.head_manifest("closed", "1")


async def test_one_that_refuses_the_login_itself_has_ended_it(
    connect: Connect, bearer: ScriptedServer, clock: FakeClock
) -> None:
    bearer.on("HEAD", ".*", Reply(404))
    bearer.on("GET", "/token.*", token(token="t"), REFUSED)
    registry = connect(bearer.host, credential=LOGIN)
    await registry.head_manifest("one", "1")

    results = await asyncio.gather(
        *(registry.head_manifest(f"name{n}", "1") for n in range(50)), return_exceptions=True
    )

    assert {type(result) for result in results} == {errors.WrongCredential}
    assert {getattr(result, "met_at", "") for result in results} == {bearer.host}
    asked = len(scopes_asked(bearer))
    with pytest.raises(errors.WrongCredential):
        await registry.head_manifest("later", "1")
    assert len(scopes_asked(bearer)) == asked, "who was refused a moment ago isn't shown again"
    clock.advance(60)
    bearer.on("GET", "/token.*", token(token="t"))
    await registry.head_manifest("later", "1")


@pytest.mark.parametrize("status", [500, 503])
async def test_one_that_fails_while_it_is_asked_about_the_login_has_ended_nothing(
    connect: Connect, bearer: ScriptedServer, status: int
) -> None:
    bearer.on("HEAD", ".*", Reply(404))
    bearer.on("GET", "/token.*", token(token="t"), REFUSED, Reply(status), token(token="t"))
    registry = connect(bearer.host, credential=LOGIN)
    await registry.head_manifest("one", "1")

    await registry.head_manifest("two", "1")


async def test_another_login_is_read_once_for_a_token(
    connect: Connect, new_registry: Callable[..., DockerRegistry], tmp_path: Path
) -> None:
    with token_server(tmp_path / "tokens", {LOGIN.username: SECOND.secret}) as tokens:
        server = new_registry(auth="token", token_server=tokens)
        store = Store(SECOND)

        await connect(server.host, credential=LOGIN, again=store.read).check_sign_in()

        assert store.reads == 1
        assert [request.status for request in tokens.requests] == [401, 200]


async def test_another_login_is_read_once_for_a_password(
    connect: Connect, htpasswd_registry: DockerRegistry
) -> None:
    store = Store(LOGIN)
    registry = connect(htpasswd_registry.host, credential=SECOND, again=store.read)

    await registry.check_sign_in()

    assert store.reads == 1


@pytest.mark.parametrize("kind", ["htpasswd_registry", "token_registry"])
async def test_the_same_login_read_again_is_the_end_of_it(
    kind: str, connect: Connect, request: pytest.FixtureRequest
) -> None:
    server: DockerRegistry = request.getfixturevalue(kind)
    store = Store(SECOND)
    registry = connect(server.host, credential=SECOND, again=store.read)

    with pytest.raises(errors.WrongCredential):
        await registry.check_sign_in()

    assert store.reads == 1


async def test_an_identity_token_takes_the_place_of_another(
    connect: Connect, bearer: ScriptedServer
) -> None:
    bearer.on("POST", "/token", REFUSED, REFUSED, token(access_token="t"))
    bearer.on("HEAD", ".*", Reply(404))
    store = Store(Credential("<token>", "second", identity=True))
    first = Credential("<token>", "first", identity=True)

    await connect(bearer.host, credential=first, again=store.read).head_manifest("one", "1")

    sent = [request.body.decode() for request in bearer.asked("POST", "/token")]
    shown = ["second" if "refresh_token=second" in each else "first" for each in sent]
    assert shown == ["first", "first", "second"]
