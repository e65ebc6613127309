"""`/v2/` under the domain's name: registries and what isn't one, realms, and credentials."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from servers.docker_registry import PASSWORD, USERNAME
from servers.process import LOOPBACK, free_port
from servers.scripted import Reply, ScriptedServer, scripted_server
from transship.cutover.observe.endpoint import TrialCredential, granted_actions, probe_endpoint
from transship.registry.credential import Credential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.authority import Authority
    from servers.certificates import Certificates
    from servers.docker_registry import DockerRegistry
    from servers.token_server import TokenServer
    from transship.cutover.observe.endpoint import PinnedEndpoint

    Serve = Callable[..., DockerRegistry]
    SignsIn = Callable[..., TokenServer]
    Scripted = Callable[..., tuple[ScriptedServer, PinnedEndpoint]]

APP = "team/app"
OLD = TrialCredential(Credential("puller", "old secret"))
COMING = TrialCredential(Credential("robot", "new secret"), in_use=False)


@pytest.fixture
def scripted(way: PinnedEndpoint, authority: Authority) -> Iterator[Scripted]:
    """A server that answers what the test says to the domain's name, and the way to it."""
    with ExitStack() as servers:

        def start(tls: Certificates | None = None) -> tuple[ScriptedServer, PinnedEndpoint]:
            server = servers.enter_context(scripted_server(tls or authority.issue(way.domain.name)))
            port = int(server.host.rpartition(":")[2])
            return server, replace(way, address=LOOPBACK, domain=replace(way.domain, port=port))

        yield start


def bearer(realm: str) -> Reply:
    return Reply(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="the registry"'})


def token_for(*actions: str) -> bytes:
    access = [{"type": "repository", "name": APP, "actions": actions}]
    payload = base64.urlsafe_b64encode(json.dumps({"access": access}).encode()).decode()
    return json.dumps({"token": f"e30.{payload.rstrip('=')}.c2ln"}).encode()


# Registries, and what isn't one


async def test_an_open_registry(serve: Serve, way: PinnedEndpoint, target: str) -> None:
    serve()
    found = await probe_endpoint(way)

    assert (found.status, found.registry, found.error) == (200, True, "")
    assert (found.address, found.side, found.verified) == (target, "new", True)
    assert dict(found.headers)["docker-distribution-api-version"] == "registry/2.0"
    assert (found.accepted, found.realm) == (None, None)
    assert (await probe_endpoint(way, sign_in=OLD)).accepted is True


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404, {"Content-Type": "text/html"}, b"<html>nginx</html>"),
        Reply(200, {"Content-Type": "text/html"}, b"<html>It works</html>"),
        Reply(200, {"Content-Type": "text/plain"}, b"It works"),
        Reply(401, {}, b"no"),
        Reply(421),
        Reply(503, {"Retry-After": "10"}),
    ],
)
async def test_somebody_else_answers(scripted: Scripted, reply: Reply) -> None:
    server, way = scripted()
    server.on("GET", "/v2/", reply)
    found = await probe_endpoint(way)

    assert (found.status, found.registry, found.realm) == (reply.status, False, None)
    assert server.requests[0].headers["host"] == way.domain.host


async def test_a_redirect_to_another_name_is_told_and_not_followed(scripted: Scripted) -> None:
    server, way = scripted()
    server.on("GET", "/v2/", Reply(301, {"Location": "https://user:secret@new.test/v2/?key=x"}))
    found = await probe_endpoint(way)

    assert (found.status, found.registry) == (301, False)
    assert dict(found.headers)["location"] == "https://***@new.test/v2/?key=***"


async def test_nobody_is_there(way: PinnedEndpoint) -> None:
    found = await probe_endpoint(replace(way, domain=replace(way.domain, port=free_port())))

    assert found.error.startswith("connection-refused: images.example.test")
    assert (found.status, found.registry) == (0, False)


async def test_what_is_behind_a_wrong_certificate_is_looked_at_without_a_secret(
    serve: Serve, way: PinnedEndpoint, authority: Authority
) -> None:
    serve(tls=authority.issue("registry.newcloud.test"), auth="htpasswd")
    anonymous, signed = await probe_endpoint(way), await probe_endpoint(way, sign_in=OLD)

    assert (anonymous.registry, anonymous.status, anonymous.verified) == (True, 401, False)
    assert anonymous.error.startswith("certificate-not-trusted: ")
    assert (signed.status, signed.accepted, signed.verified) == (0, None, False)


async def test_a_proxy_is_passed_by_and_told(
    serve: Serve, way: PinnedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@{LOOPBACK}:{free_port()}")
    found = await probe_endpoint(way)
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.test:1080")
    other = await probe_endpoint(way)

    assert found.registry
    assert found.proxy.startswith(f"{LOOPBACK}:")
    assert "secret" not in found.proxy
    assert (other.registry, other.proxy) == (True, "of a kind that isn't supported")


# Credentials


async def test_a_password_of_the_old_registry_is_refused(serve: Serve, way: PinnedEndpoint) -> None:
    serve(auth="htpasswd")
    good = TrialCredential(Credential(USERNAME, PASSWORD), in_use=False)
    anonymous, old, new = [await probe_endpoint(way, sign_in=each) for each in (None, OLD, good)]

    assert (anonymous.registry, anonymous.accepted, anonymous.error) == (True, None, "")
    assert anonymous.challenge == 'Basic realm="registry"'
    assert (old.credential, old.in_use, old.accepted) == ("puller", True, False)
    assert (new.credential, new.in_use, new.accepted) == (USERNAME, False, True)


async def test_credentials_are_tried_with_tokens(
    serve: Serve, way: PinnedEndpoint, signs_in: SignsIn, tmp_path: Path, certificates: Certificates
) -> None:
    users = {"robot": "new secret", "reader": "x"}
    tokens = signs_in(tmp_path / "tokens", users, tls=certificates)
    serve(auth="token", token_server=tokens)
    found = [
        await probe_endpoint(way, repository=APP, sign_in=each) for each in (None, OLD, COMING)
    ]
    anonymous, old, new = found

    assert [each.accepted for each in found] == [None, False, True]
    assert [each.realm and each.realm.status for each in found] == [401, 401, 200]
    assert [each.realm and each.realm.granted for each in found] == [None, None, ("pull",)]
    assert anonymous.realm is not None
    assert anonymous.realm.error.startswith("sign-in-needed: ")
    assert old.realm is not None
    assert old.realm.error.startswith("wrong-credential: ")
    assert new.realm is not None
    assert (new.realm.error, new.realm.url) == ("", tokens.realm)
    assert {scope for each in tokens.requests for scope in each.scopes} == {
        f"repository:{APP}:pull"
    }
    assert "secret" not in msgspec.json.encode(found).decode()


async def test_anybody_may_pull(
    serve: Serve, way: PinnedEndpoint, signs_in: SignsIn, tmp_path: Path, certificates: Certificates
) -> None:
    tokens = signs_in(tmp_path / "tokens", tls=certificates)
    tokens.anonymous_pull = True
    serve(auth="token", token_server=tokens)
    found = await probe_endpoint(way, repository=APP)

    assert found.realm is not None
    assert (found.realm.status, found.realm.granted) == (200, ("pull",))
    assert found.accepted is None


async def test_both_sides_are_told_apart(serve: Serve, way: PinnedEndpoint) -> None:
    serve(auth="htpasswd")
    found = await probe_endpoint(way, sign_in=COMING, side="old")

    assert (found.side, found.accepted) == ("old", False)


# Realms


async def test_a_realm_elsewhere_is_told_with_where_it_leads(
    serve: Serve, way: PinnedEndpoint, signs_in: SignsIn, tmp_path: Path, certificates: Certificates
) -> None:
    tokens = signs_in(tmp_path / "tokens", tls=certificates)
    serve(auth="token", token_server=tokens)
    realm = (await probe_endpoint(way, repository=APP)).realm

    assert realm is not None
    assert realm.host == tokens.realm.split("/")[2]
    assert LOOPBACK in realm.addresses
    assert (realm.service, realm.repository) == ("registry.example", APP)


async def test_a_realm_at_the_domain_is_asked_at_the_target(scripted: Scripted) -> None:
    server, way = scripted()
    server.on("GET", "/v2/", bearer(f"https://{way.domain.host}/token"))
    server.on("GET", "/token.*", Reply(200, {}, token_for("push", "pull")))
    realm = (await probe_endpoint(way, repository=APP)).realm

    assert realm is not None
    assert (realm.host, realm.addresses) == (way.domain.host, (LOOPBACK,))
    assert (realm.status, realm.granted, realm.error) == (200, ("pull", "push"), "")
    (asked,) = server.asked("GET", "/token.*")
    assert "authorization" not in asked.headers


@pytest.mark.parametrize(
    ("realm", "error"),
    [
        ("http://images.example.test/token", "realm-refused: "),
        ("https://gone.invalid/token", "name-not-found: gone.invalid"),
        (f"https://{LOOPBACK}:9/token", "connection-refused: "),
        ("ftp://images.example.test/", "realm-refused: "),
    ],
)
async def test_a_realm_that_cannot_be_asked(scripted: Scripted, realm: str, error: str) -> None:
    server, way = scripted()
    server.on("GET", "/v2/", bearer(realm))
    found = await probe_endpoint(way, repository=APP, sign_in=OLD)

    assert found.realm is not None
    assert found.realm.error.startswith(error)
    assert (found.realm.url, found.realm.status, found.accepted) == (realm, 0, None)
    assert len(server.requests) == 1


async def test_a_token_that_the_registry_does_not_take(scripted: Scripted) -> None:
    server, way = scripted()
    server.on("GET", "/v2/", bearer("/token"))
    server.on("GET", "/token.*", Reply(200, {}, b'{"token": "opaque"}'))
    found = await probe_endpoint(way, repository=APP, sign_in=OLD)

    assert found.accepted is False
    assert found.realm is not None
    assert (found.realm.status, found.realm.granted) == (200, None)


@pytest.mark.usefixtures("all_closed")
async def test_a_connection_that_ends_after_the_token(scripted: Scripted) -> None:
    server, way = scripted()
    server.on("GET", "/v2/", bearer("/token"), Reply(hang=True))
    server.on("GET", "/token.*", Reply(200, {}, token_for("pull")))
    found = await probe_endpoint(replace(way, answer=0.3), repository=APP, sign_in=OLD)

    assert found.error.startswith("timed-out: ")
    assert (found.registry, found.accepted) == (True, None)


# Tokens


@pytest.mark.parametrize(
    "token", ["", "opaque", "a.b", "a.%%.c", "a.bm90IGpzb24.c", "a.e30.c", "a.e30.c.d", "a.Ww.c"]
)
def test_a_token_that_says_nothing(token: str) -> None:
    assert granted_actions(token, APP) is None


@pytest.mark.parametrize(
    ("access", "actions"),
    [
        ([], ()),
        ([{"type": "repository", "name": "other", "actions": ["pull"]}], ()),
        ([{"type": "registry", "name": APP, "actions": ["*"]}], ()),
        ([{"type": "repository", "name": APP, "actions": None}], ()),
        ([{"type": "repository", "name": APP, "actions": ["pull", "\x1b[2J"]}], ("[2J", "pull")),
    ],
)
def test_a_token_says_what_is_granted(access: list[Any], actions: tuple[str, ...]) -> None:
    payload = base64.urlsafe_b64encode(json.dumps({"access": access}).encode()).decode()

    assert granted_actions(f"e30.{payload.rstrip('=')}.c2ln", APP) == actions
