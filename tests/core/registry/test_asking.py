"""A service's own API is sent more than questions: once where twice could do harm."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from clients.opening import LOGIN
from servers.scripted import Reply
from transship import errors
from transship.services.harbor import HARBOR

if TYPE_CHECKING:
    from clients.opening import Connect
    from servers.scripted import ScriptedServer

PATH = "/api/v2.0/things"
BUSY = Reply(503)


async def test_a_body_goes_as_json_and_the_password_as_basic(
    scripted: ScriptedServer, connect: Connect
) -> None:
    scripted.on("PUT", PATH, Reply(200))
    asks = connect(scripted.host, credential=LOGIN, service=HARBOR).asks()
    assert (await asks.send("PUT", PATH, {"speed": 1})).ok
    [sent] = scripted.asked("PUT")
    assert sent.body == b'{"speed":1}'
    assert sent.headers["content-type"] == "application/json"
    login = b64encode(f"{LOGIN.username}:{LOGIN.secret}".encode()).decode()
    assert sent.headers["authorization"] == f"Basic {login}"


async def test_every_status_is_an_answer(scripted: ScriptedServer, connect: Connect) -> None:
    scripted.on("POST", PATH, Reply(412, body=b"disabled"))
    asks = connect(scripted.host, credential=LOGIN, service=HARBOR).asks()
    answer = await asks.send("POST", PATH)
    assert (answer.status, answer.body) == (412, b"disabled")
    assert not scripted.asked("POST")[0].body


@pytest.mark.parametrize(("method", "times"), [("POST", 1), ("PUT", 2), ("DELETE", 2), ("GET", 2)])
async def test_what_may_do_harm_twice_goes_out_once(
    method: str, times: int, scripted: ScriptedServer, connect: Connect
) -> None:
    scripted.on(method, PATH, BUSY)
    asks = connect(scripted.host, credential=LOGIN, service=HARBOR).asks()
    with pytest.raises(errors.ServerFailed):
        await asks.send(method, PATH)
    assert len(scripted.asked(method, PATH)) == times


async def test_without_a_login_nothing_is_sent(scripted: ScriptedServer, connect: Connect) -> None:
    with pytest.raises(errors.SignInNeeded):
        await connect(scripted.host, service=HARBOR).asks().send("DELETE", PATH)
    assert not scripted.asked("DELETE")


async def test_the_login_goes_to_no_other_host(scripted: ScriptedServer, connect: Connect) -> None:
    asks = connect(scripted.host, credential=LOGIN, service=HARBOR).asks()
    with pytest.raises(errors.RedirectRefused):
        await asks.send("DELETE", "http://127.0.0.1:1/api/v2.0/things")
