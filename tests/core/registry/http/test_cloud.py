"""Requests to the API of a registry's cloud: to its host alone, paced, and made anew each time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress

import pytest

from clients.opening import LOGIN, Connect
from fakes.clock import FakeClock
from servers.certificates import Certificates
from servers.scripted import Reply, ScriptedServer
from transship import errors
from transship.errors import TransshipError
from transship.registry.credential import Tls
from transship.registry.http.answer import Answer
from transship.registry.http.endpoint import CloudApi
from transship.registry.http.exchange_log import Recorder
from transship.registry.service import ApiKeys, ApiRequest
from transship.services.tencent import TENCENT_API

Open = Callable[..., CloudApi]


@pytest.fixture
async def open_cloud(clock: FakeClock) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        def opened(host: str, tls: Tls | None = None, recorder: Recorder | None = None) -> CloudApi:
            cloud = CloudApi(ApiKeys(host, LOGIN, tls or Tls()), clock, recorder)
            stack.push_async_callback(cloud.aclose)
            return cloud

        yield opened


def make(keys: ApiKeys, now: float) -> ApiRequest:
    return ApiRequest("GET", "/api?secret=1", {"authorization": f"Signed {now}"})


def judge(answer: Answer) -> TransshipError | None:
    return None if answer.ok else errors.RateLimited() if answer.status == 429 else wrong(answer)


def wrong(answer: Answer) -> TransshipError:
    return errors.UnexpectedAnswer(str(answer.status))


async def test_it_goes_out_no_more_often_than_it_may(
    scripted: ScriptedServer, open_cloud: Open, clock: FakeClock
) -> None:
    scripted.on("GET", "/api.*", Reply(200))
    cloud, begun = open_cloud(scripted.host), clock.monotonic()

    for _ in range(31):
        await cloud.ask(make, judge, per_second=15)

    assert clock.monotonic() - begun == pytest.approx(2)


async def test_what_is_tried_again_is_signed_again(
    scripted: ScriptedServer, open_cloud: Open
) -> None:
    scripted.on("GET", "/api.*", Reply(429), Reply(429), Reply(200, {}, b"fine"))

    answer = await open_cloud(scripted.host).ask(make, judge)

    assert answer.body == b"fine"
    assert len({r.headers["authorization"] for r in scripted.asked("GET", "/api.*")}) == 3


async def test_what_can_not_pass_is_asked_once(scripted: ScriptedServer, open_cloud: Open) -> None:
    scripted.on("GET", "/api.*", Reply(400))

    with pytest.raises(errors.UnexpectedAnswer, match="400"):
        await open_cloud(scripted.host).ask(make, judge)
    assert len(scripted.asked("GET", "/api.*")) == 1


async def test_a_redirect_is_not_followed(scripted: ScriptedServer, open_cloud: Open) -> None:
    scripted.on("GET", "/api.*", Reply(302, {"Location": f"{scripted.url}/elsewhere"}))

    with pytest.raises(errors.UnexpectedAnswer, match="302"):
        await open_cloud(scripted.host).ask(make, judge)
    assert scripted.asked("GET", "/elsewhere") == []


async def test_over_tls_the_certificate_is_verified_as_the_account_says(
    scripted_tls: ScriptedServer, certificates: Certificates, open_cloud: Open
) -> None:
    scripted_tls.on("GET", "/api.*", Reply(200))

    with pytest.raises(errors.CertificateNotTrusted):
        await open_cloud(scripted_tls.host).ask(make, judge)
    assert scripted_tls.asked("GET", "/api.*") == []

    own = Tls(ca_file=str(certificates.ca_file))
    assert (await open_cloud(scripted_tls.host, own).ask(make, judge)).ok


async def test_no_host_but_this_machine_is_spoken_to_over_http_unless_that_is_asked(
    scripted: ScriptedServer, open_cloud: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.on("GET", "/api.*", Reply(200))
    monkeypatch.setattr("transship.registry.http.endpoint.is_loopback", lambda _: False)

    with pytest.raises((errors.PlainHttp, errors.ConnectionLost)):
        await open_cloud(scripted.host).ask(make, judge)
    assert scripted.asked("GET", "/api.*") == []

    assert (await open_cloud(scripted.host, Tls(plain_http=True)).ask(make, judge)).ok


async def test_keys_are_no_login_whatever_the_api_asks_for(
    scripted: ScriptedServer, connect: Connect
) -> None:
    scripted.on("GET", "/v2/.*", Reply(401, {"WWW-Authenticate": "Basic realm=x"}))
    keys = ApiKeys(scripted.host, LOGIN, Tls())
    registry = connect(scripted.host, service=TENCENT_API, credential=LOGIN, keys=keys)

    with pytest.raises(errors.SignInNeeded):
        await registry.get_manifest("team/web", "v1")
    assert not any("authorization" in request.headers for request in scripted.requests)


async def test_the_record_shows_no_secret(
    scripted: ScriptedServer, open_cloud: Open, clock: FakeClock
) -> None:
    scripted.on("GET", "/api.*", Reply(200))
    recorder = Recorder(clock)

    await open_cloud(scripted.host, recorder=recorder).ask(make, judge)

    *_, exchanged = recorder.exchanges()
    assert exchanged.url.endswith("/api?secret=***")
    assert ("authorization", "***") in exchanged.request


async def test_without_keys_nothing_is_sent(clock: FakeClock) -> None:
    with pytest.raises(errors.ApiKeysNeeded):
        await CloudApi(None, clock).ask(make, judge)


async def test_each_name_that_is_counted_has_a_pace_of_its_own(
    scripted: ScriptedServer, open_cloud: Open, clock: FakeClock
) -> None:
    scripted.on("GET", "/api.*", Reply(200))
    cloud, begun = open_cloud(scripted.host), clock.monotonic()

    for name in ("a", "b") * 11:
        await cloud.ask(make, judge, per_second=10, counted=name)

    assert clock.monotonic() - begun == pytest.approx(1)


@pytest.mark.parametrize(("status", "asked"), [(429, 2), (503, 1)])
async def test_what_must_not_be_done_twice_goes_out_again_only_where_it_was_not_done(
    status: int, asked: int, scripted: ScriptedServer, open_cloud: Open
) -> None:
    scripted.on("GET", "/api.*", Reply(status), Reply(200))

    def failing(answer: Answer) -> TransshipError | None:
        return errors.ServerFailed() if answer.status == 503 else judge(answer)

    with suppress(errors.ServerFailed):
        await open_cloud(scripted.host).ask(make, failing, repeats=False)
    assert len(scripted.asked("GET", "/api.*")) == asked
