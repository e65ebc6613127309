"""The record of what was asked of registries: what it keeps, and what it must never keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from moving.jobs import access_to
from servers.images import digest_of, push_image
from servers.registry import SET_UP_CLIENT
from transship.errors import ConnectionRefused
from transship.oci.digest import Digest
from transship.registry.access import Access, open_distribution
from transship.registry.credential import Credential
from transship.registry.http import exchange_log
from transship.registry.http.exchange_log import (
    STRUCK,
    Fields,
    Recorder,
    struck_address,
    struck_fields,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servers.docker_registry import DockerRegistry
    from servers.token_server import TokenServer

_SECRET = "s3cr3t-value"


def _record(recorder: Recorder, number: int = 1) -> None:
    with recorder.recording("GET", f"https://old.example/v2/{number}", {}) as answered:
        answered(200, [])


def test_a_request_is_there_before_its_answer() -> None:
    recorder = Recorder(FakeClock())
    with recorder.recording("GET", "https://old.example/v2/", {"Accept": "*/*"}) as answered:
        (waiting,) = recorder.exchanges()
        assert (waiting.method, waiting.status, waiting.seconds) == ("GET", 0, None)
        assert waiting.request == (("accept", "*/*"),)
        answered(200, [("Content-Length", "17")])
    (answered_one,) = recorder.exchanges()
    assert (answered_one.status, answered_one.received) == (200, 17)


def test_it_keeps_how_long_the_answer_took_to_begin() -> None:
    clock = FakeClock()
    recorder = Recorder(clock)
    with recorder.recording("GET", "https://old.example/v2/", {}) as answered:
        clock.advance(0.25)
        answered(200, [])
        clock.advance(10)
    (exchanged,) = recorder.exchanges()
    assert exchanged.seconds == 0.25


def test_a_failure_is_kept_by_its_title_and_goes_on() -> None:
    recorder = Recorder(FakeClock())
    with pytest.raises(ConnectionRefused), recorder.recording("GET", "https://old.example/", {}):
        raise ConnectionRefused(_SECRET)
    (exchanged,) = recorder.exchanges()
    assert exchanged.problem == "Connection refused"
    assert exchanged.seconds is not None
    assert _SECRET not in repr(exchanged)


def test_only_the_last_ones_are_kept() -> None:
    recorder = Recorder(FakeClock(), limit=3)
    for number in range(5):
        _record(recorder, number)
    assert [each.number for each in recorder.exchanges()] == [3, 4, 5]


def test_an_answer_to_a_request_that_made_room_is_forgotten() -> None:
    recorder = Recorder(FakeClock(), limit=1)
    with recorder.recording("GET", "https://old.example/first", {}) as answered:
        _record(recorder)
        answered(200, [])
    assert [each.number for each in recorder.exchanges()] == [2]


def test_the_revision_tells_of_every_change() -> None:
    recorder = Recorder(FakeClock())
    seen = [recorder.revision]
    with recorder.recording("GET", "https://old.example/v2/", {}) as answered:
        seen.append(recorder.revision)
        answered(200, [])
        seen.append(recorder.revision)
    assert len(set(seen)) == 3


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://a.example/v2/_catalog?n=100&last=team%2Fweb", None),
        ("https://a.example/token?service=x&scope=repository:a:pull&account=alice", None),
        (
            "/v2/a/blobs/uploads/1?_state=SECRET&digest=sha256:1",
            "/v2/a/blobs/uploads/1?_state=***&digest=sha256:1",
        ),
        ("https://s3.example/b?X-Amz-Signature=SECRET", "https://s3.example/b?X-Amz-Signature=***"),
        ("https://b.example/b?sv=1&sig=SECRET", "https://b.example/b?sv=***&sig=***"),
        ("https://alice:SECRET@a.example/v2/", "https://***@a.example/v2/"),
        ("https://a.example/?SECRET", "https://a.example/?***"),
        ("https://a.example/hdnts=exp=1~hmac=SECRET/b", "https://a.example/hdnts=***/b"),
        ("https://a.example/#access_token=SECRET", "https://a.example/#***"),
        ("https://a.example/?n=1;token=SECRET", "https://a.example/?n=1&token=***"),
        (
            "https://a.example/?redirect=https://b.example/?token=SECRET",
            "https://a.example/?redirect=***",
        ),
    ],
)
def test_addresses_lose_what_may_be_secret(address: str, kept: str | None) -> None:
    assert struck_address(address) == (kept or address)


@given(name=st.text(min_size=1), value=st.text(alphabet="0123456789abcdef", min_size=24))
def test_no_unknown_header_keeps_its_value(name: str, value: str) -> None:
    ((_, kept),) = struck_fields([(f"X-Unknown-{name}", value)])
    assert kept == STRUCK


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("Authorization", f"Bearer {_SECRET}", "Bearer ***"),
        ("Authorization", f"Basic {_SECRET}", "Basic ***"),
        ("Authorization", _SECRET, "***"),
        ("Proxy-Authorization", f"Basic {_SECRET}", "***"),
        ("Set-Cookie", f"session={_SECRET}", "***"),
        ("Cookie", f"session={_SECRET}", "***"),
        ("X-Identity-Token", _SECRET, "***"),
        ("Location", f"/v2/a/blobs/uploads/1?_state={_SECRET}", "/v2/a/blobs/uploads/1?_state=***"),
        ("Link", f'</v2/_catalog?n=1&next={_SECRET}>; rel="next"', "</v2/_catalog?n=1&next=***>"),
        ("Link", f"/v2/_catalog?next={_SECRET}", "***"),
        (
            "WWW-Authenticate",
            f'Bearer realm="https://a.example/t?key={_SECRET}",service="s",extra="{_SECRET}"',
            'Bearer realm="https://a.example/t?key=***",service="s"',
        ),
        ("WWW-Authenticate", f"Negotiate {_SECRET}", "Negotiate"),
        ("Docker-Content-Digest", "sha256:1", "sha256:1"),
    ],
)
def test_headers_lose_what_may_be_secret(name: str, value: str, kept: str) -> None:
    assert struck_fields([(name, value)]) == ((name.lower(), kept),)


@pytest.mark.parametrize(
    "name",
    [
        "X-Amz-Security-Token",
        "X-Amz-Target",
        "X-Acs-Signature-Nonce",
        "X-Acs-Security-Token",
        "X-TC-Token",
        "X-Goog-Iam-Authorization-Token",
        "X-JFrog-Art-Api",
        "Private-Token",
        "Set-Cookie",
        "Cookie",
        "Proxy-Authorization",
    ],
)
def test_what_services_sign_with_is_struck_out(name: str) -> None:
    assert struck_fields([(name, _SECRET)]) == ((name.lower(), STRUCK),)


def test_the_length_of_a_form_would_tell_that_of_a_password() -> None:
    fields = struck_fields(
        [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", "163")]
    )
    assert ("content-length", STRUCK) in fields


def test_what_steers_a_terminal_is_taken_out() -> None:
    assert (
        struck_address("https://a.example/\x1b]52;c;aGk=\x07") == "https://a.example/ ]52;c;aGk=***"
    )
    ((_, kept),) = struck_fields([("Server", "a\x1b[2Jb‮c")])
    assert kept == "a [2Jb c"


def test_a_head_says_nothing_of_bytes_received() -> None:
    recorder = Recorder(FakeClock())
    with recorder.recording("HEAD", "https://old.example/v2/", {}) as answered:
        answered(200, [("Content-Length", "1000")])
    (exchanged,) = recorder.exchanges()
    assert exchanged.received is None


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """What really went over the wire in fields that are secret, by name of the field."""
    seen: dict[str, set[str]] = {}

    def spy(fields: Iterable[tuple[str, str]]) -> Fields:
        told = list(fields)
        for name, value in told:
            seen.setdefault(name.lower(), set()).add(value)
        return struck_fields(told)

    monkeypatch.setattr(exchange_log, "struck_fields", spy)
    return seen


async def _use(access: Access, repository: str) -> str:
    """Sign in, list, begin to upload and give that up; return all that was recorded."""
    recorder = Recorder(FakeClock())
    registry = open_distribution(access, recorder=recorder)
    try:
        await registry.check_sign_in()
        assert [tag async for tag in registry.tags(repository)] == ["1"]
        upload = await registry.start_upload(repository, Digest(digest_of(b"never sent")))
        assert upload is not None
        await upload.cancel()
    finally:
        await registry.aclose()
    assert all(each.seconds is not None for each in recorder.exchanges())
    return repr(recorder.exchanges())


async def test_no_secret_of_a_real_sign_in_is_recorded(
    token_registry: DockerRegistry, repository: str, raw: dict[str, set[str]]
) -> None:
    push_image(token_registry, repository, "1")
    kept = await _use(access_to(token_registry), repository)
    assert "Basic ***" in kept
    assert "Bearer ***" in kept
    assert "_state=***" in kept
    _assert_without(kept, raw, token_registry.password or "")


async def test_no_secret_of_a_sign_in_by_form_is_recorded(
    token_registry: DockerRegistry,
    token_server: TokenServer,
    repository: str,
    raw: dict[str, set[str]],
) -> None:
    push_image(token_registry, repository, "1")
    identity = _refresh_token(token_server, token_registry)
    access = Access(token_registry.host, credential=Credential("operator", identity, identity=True))
    kept = await _use(access, repository)
    assert "'POST'" in kept
    _assert_without(kept, raw, identity)


async def test_no_password_of_a_basic_login_is_recorded(
    htpasswd_registry: DockerRegistry, repository: str, raw: dict[str, set[str]]
) -> None:
    push_image(htpasswd_registry, repository, "1")
    kept = await _use(access_to(htpasswd_registry), repository)
    _assert_without(kept, raw, htpasswd_registry.password or "")


def _assert_without(kept: str, raw: dict[str, set[str]], secret: str) -> None:
    sent = {value.partition(" ")[2] for value in raw["authorization"]}
    states = {value.partition("_state=")[2] for value in raw["location"]}
    secrets = {secret, *sent, *states}
    assert all(len(each) >= 8 for each in secrets)
    assert not [each for each in secrets if each in kept]


def _refresh_token(token_server: TokenServer, registry: DockerRegistry) -> str:
    form = {
        "grant_type": "password",
        "username": registry.username,
        "password": registry.password,
        "access_type": "offline",
        "client_id": SET_UP_CLIENT,
    }
    answer = httpx.post(token_server.realm, data=form, trust_env=False)
    return str(answer.json()["refresh_token"])
