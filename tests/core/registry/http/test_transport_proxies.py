from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from clients.opening import SHORT, Access, Open, told
from samples.manifests import stream
from servers.docker_registry import DockerRegistry
from servers.forward_proxy import forward_proxy
from servers.scripted import Reply, ScriptedServer
from transship import errors
from transship.registry.credential import Tls
from transship.registry.http.answer import Answer

NAME = "registry.example:5000"


@pytest.fixture
def fresh_environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def set_(proxy: str) -> None:
        for variable in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(variable, proxy)

    return set_


@pytest.mark.parametrize("login", [None, "operator:s3cret%40"])
async def test_a_registry_is_reached_through_a_proxy(
    opened: Open,
    open_registry: DockerRegistry,
    fresh_environment: Callable[[str], None],
    login: str | None,
) -> None:
    decoded = login and "operator:s3cret@"
    with forward_proxy({NAME: open_registry.host}, login=decoded) as proxy:
        fresh_environment(f"http://{login}@{proxy.host}" if login else proxy.url)
        transport = opened(NAME)
        assert (await transport.request("GET", f"http://{NAME}/v2/")).ok
        async with transport.stream("GET", f"http://{NAME}/v2/") as answer:
            assert answer.status == 200
        answered = await transport.send("PUT", f"http://{NAME}/v2/x", stream(b"x"), 1)
        assert answered.status == 404
        assert {target for _, target in proxy.requests} == {
            f"http://{NAME}/v2/",
            f"http://{NAME}/v2/x",
        }


@pytest.mark.parametrize("login", [None, "operator:secret"])
async def test_tls_goes_through_a_tunnel(
    opened: Open,
    scripted_tls: ScriptedServer,
    access_tls: Access,
    fresh_environment: Callable[[str], None],
    login: str | None,
) -> None:
    with forward_proxy(
        {NAME: f"127.0.0.1:{scripted_tls.host.split(':')[1]}"}, login=login
    ) as proxy:
        fresh_environment(proxy.url)
        transport = opened(NAME, Tls(insecure=True))
        for _ in range(2):
            assert (await transport.request("GET", f"https://{NAME}/v2/")).ok
        assert proxy.requests == [("CONNECT", NAME)]
        with pytest.raises(errors.CertificateNotTrusted, match=NAME):
            await opened(NAME, access_tls.tls).request("GET", f"https://{NAME}/v2/")
    assert not any("proxy-authorization" in r.headers for r in scripted_tls.requests)


async def test_hosts_may_be_left_out(
    opened: Open,
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    fresh_environment: Callable[[str], None],
) -> None:
    with forward_proxy({}) as proxy:
        fresh_environment(proxy.url)
        assert (await opened(scripted.host).request("GET", f"{scripted.url}/v2/")).ok
        monkeypatch.setenv("NO_PROXY", "registry.invalid")
        with pytest.raises(errors.NameNotFound):
            await opened("registry.invalid").request("GET", "http://registry.invalid/")
        assert proxy.requests == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_lets_nobody_through_is_named_without_its_password(
    opened: Open, fresh_environment: Callable[[str], None], scheme: str
) -> None:
    with forward_proxy({}, login="operator:right") as proxy:
        fresh_environment(f"http://operator:s3cret@{proxy.host}")
        with pytest.raises(errors.ProxyFailed, match=NAME) as caught:
            await opened(NAME).request("GET", f"{scheme}://{NAME}/v2/")
    assert "s3cret" not in told(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("proxy", ["127.0.0.1:1", "nowhere.invalid:3128"])
async def test_a_proxy_that_is_not_there_is_named_without_its_password(
    opened: Open, fresh_environment: Callable[[str], None], scheme: str, proxy: str
) -> None:
    fresh_environment(f"http://operator:s3cret@{proxy}")
    with pytest.raises(errors.ProxyFailed, match=proxy.split(":")[0]) as caught:
        await opened(NAME).request("GET", f"{scheme}://{NAME}/v2/")
    assert "s3cret" not in told(caught.value)


@pytest.mark.parametrize("proxy", ["operator:hid/den@127.0.0.1:3128", "127.0.0.1:hidden", ""])
async def test_an_address_that_is_none_is_said_to_be_so_without_its_password(
    opened: Open, fresh_environment: Callable[[str], None], proxy: str
) -> None:
    fresh_environment(f"http://{proxy}")
    with pytest.raises(errors.ProxyFailed) as caught:
        await opened(NAME).request("GET", f"https://{NAME}/v2/")
    assert "hid" not in told(caught.value)


async def test_what_a_proxy_says_counts_before_all_of_it_has_come(
    opened: Open, fresh_environment: Callable[[str], None]
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Sign in\r\nContent-Length: 100\r\n\r\n<html>")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as listener:
        fresh_environment(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
        with pytest.raises(errors.ProxyFailed, match="it wants a login"):
            await opened(NAME).request("GET", f"https://{NAME}/v2/")


async def test_a_proxy_that_is_not_trusted_is_named_with_the_reason(
    opened: Open, scripted_tls: ScriptedServer, fresh_environment: Callable[[str], None]
) -> None:
    fresh_environment(scripted_tls.url)
    with pytest.raises(errors.ProxyFailed, match=r"localhost:.*certificate"):
        await opened(NAME).request("GET", f"https://{NAME}/v2/")


async def test_a_proxy_that_does_not_answer_times_out(
    opened: Open, fresh_environment: Callable[[str], None]
) -> None:
    with forward_proxy({}, silent=True) as proxy:
        fresh_environment(proxy.url)
        transport = opened(NAME, timeouts=SHORT)
        for scheme in ("http", "https"):
            with pytest.raises(errors.TimedOut):
                await transport.request("GET", f"{scheme}://{NAME}/v2/")


# Secrets


async def test_passwords_of_other_programs_are_not_used(
    opened: Open, scripted: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login operator password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    transport = opened(scripted.host)
    await transport.request("GET", f"{scripted.url}/x")
    async with transport.stream("GET", f"{scripted.url}/x"):
        pass
    await transport.send("PUT", f"{scripted.url}/x", stream(b"x"), 1)
    assert len(scripted.requests) == 3
    assert not any("authorization" in request.headers for request in scripted.requests)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(hang=True),
        Reply(200, {"Content-Length": "9"}, b"x", early=True),
        Reply(200, {}, b"x" * 99),
    ],
    ids=["hangs", "ends early", "too long"],
)
async def test_no_failure_tells_a_secret(
    opened: Open, scripted: ScriptedServer, reply: Reply
) -> None:
    scripted.on("GET", "/x.*", reply)
    scripted.on("PUT", "/x.*", reply)
    transport = opened(scripted.host, timeouts=SHORT)
    secrets = {"authorization": "Bearer s3cret"}
    address = f"{scripted.url}/x?signature=s3cret"
    with pytest.raises(errors.TransshipError) as caught:
        await transport.request("GET", address, headers=secrets, limit=10)
    assert "s3cret" not in told(caught.value)
    assert "s3cret" not in repr(Answer("GET", address, 200, secrets, (), b"s3cret"))
