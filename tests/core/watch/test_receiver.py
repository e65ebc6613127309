"""The receiver on a real socket: who knows the secret is heard, everybody else learns nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from fakes.clock import FakeClock
from servers.process import comes_true
from transship.errors import SystemRefused
from transship.watch.receiver import MOST_BYTES, ListenAddress, SharedSecret, WebhookReceiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from transship.watch.webhooks import RegistryEvent

SECRET = "0123456789abcdef0123456789abcdef"
BEARER = {"Authorization": f"Bearer {SECRET}"}
PUSH = {
    "events": [
        {
            "action": "push",
            "target": {"repository": "team/web", "tag": "v1"},
            "request": {"host": "old.example"},
        }
    ]
}


async def ended(reader: asyncio.StreamReader) -> None:
    """Wait until the other side has cut a connection, without a byte."""
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""


@pytest.fixture
def heard() -> list[RegistryEvent]:
    return []


@pytest.fixture
async def receiver(heard: list[RegistryEvent]) -> AsyncIterator[WebhookReceiver]:
    """A receiver whose clock stands still, on a free port."""
    listening = WebhookReceiver(
        ListenAddress("127.0.0.1", 0), SharedSecret(SECRET), heard.extend, clock=FakeClock()
    )
    async with listening:
        yield listening


@pytest.fixture
async def client(receiver: WebhookReceiver) -> AsyncIterator[httpx.AsyncClient]:
    url = f"http://{receiver.address}"
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/webhook", BEARER),
        ("/webhook", {"Authorization": SECRET}),
        (f"/webhook/{SECRET}", {}),
    ],
    ids=["Bearer", "plain", "path"],
)
async def test_who_knows_the_secret_is_heard(
    client: httpx.AsyncClient, heard: list[RegistryEvent], path: str, headers: dict[str, str]
) -> None:
    answer = await client.post(path, json=PUSH, headers=headers)

    assert (answer.status_code, answer.content) == (202, b"")
    assert [(event.host, event.repository, event.tag) for event in heard] == [
        ("old.example", "team/web", "v1")
    ]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/webhook", {}),
        ("/webhook", {"Authorization": "Bearer wrong-wrong-wrong-wrong"}),
        ("/webhook/wrong-wrong-wrong-wrong", {}),
        (f"/webhook?{SECRET}", {}),
        ("/webhook/", {}),
    ],
)
async def test_who_does_not_is_refused_and_counted(
    receiver: WebhookReceiver,
    client: httpx.AsyncClient,
    heard: list[RegistryEvent],
    path: str,
    headers: dict[str, str],
) -> None:
    answer = await client.post(path, json=PUSH, headers=headers)

    assert (answer.status_code, answer.content, heard) == (401, b"", [])
    assert receiver.counts.refused == 1


@pytest.mark.parametrize("path", ["/", "/webhooks", f"/{SECRET}", f"/webhook/x/{SECRET}"])
async def test_other_paths_do_not_exist(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, json=PUSH, headers=BEARER)
    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "TRACE"])
async def test_only_post_is_a_notification(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/webhook", headers=BEARER)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 1000, b'{"events": "<script>"}', b"\x1f\x8b\x08\x00"]
)
async def test_nothing_of_a_body_comes_back(
    receiver: WebhookReceiver, client: httpx.AsyncClient, body: bytes
) -> None:
    answer = await client.post("/webhook", content=body, headers=BEARER)
    assert (answer.status_code, answer.content) == (400, b"")
    assert receiver.counts.turned_away == 1


async def test_a_packed_body_is_never_unpacked(
    client: httpx.AsyncClient, heard: list[RegistryEvent]
) -> None:
    import gzip

    packed = gzip.compress(json.dumps(PUSH).encode())
    answer = await client.post(
        "/webhook", content=packed, headers={**BEARER, "Content-Encoding": "gzip"}
    )
    assert (answer.status_code, heard) == (400, [])


async def test_a_body_that_is_too_large_is_not_read(
    client: httpx.AsyncClient, heard: list[RegistryEvent]
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MOST_BYTES // 65536 + 1):
            yield b" " * 65536

    said = await client.post("/webhook", content=b" " * (MOST_BYTES + 1), headers=BEARER)
    unsaid = await client.post("/webhook", content=endless(), headers=BEARER)

    assert (said.status_code, unsaid.status_code, heard) == (413, 413, [])


async def test_more_than_a_sender_ever_needs_is_turned_away_for_a_moment(
    receiver: WebhookReceiver, client: httpx.AsyncClient
) -> None:
    statuses = []
    for _ in range(202):
        answer = await client.post("/webhook", json={}, headers=BEARER)
        statuses.append(answer.status_code)
    assert statuses == [202] * 200 + [429] * 2
    assert answer.headers["Retry-After"] == "1"

    receiver.clock.advance(1)  # type: ignore[attr-defined]
    assert (await client.post("/webhook", json={}, headers=BEARER)).status_code == 202


async def test_wrong_secrets_leave_the_right_one_its_turn(client: httpx.AsyncClient) -> None:
    for _ in range(210):
        await client.post("/webhook", json={})
    assert (await client.post("/webhook", json={}, headers=BEARER)).status_code == 202


async def test_a_body_that_does_not_come_is_given_up() -> None:
    slow = WebhookReceiver(
        ListenAddress("127.0.0.1", 0), SharedSecret(SECRET), lambda _: None, body_seconds=0.05
    )
    async with slow:
        reader, writer = await asyncio.open_connection("127.0.0.1", slow.address.port)
        head = f"POST /webhook HTTP/1.1\r\nHost: x\r\nAuthorization: {SECRET}\r\n"
        writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        assert (await reader.readline()).split()[1] == b"408"
        writer.close()


async def test_a_connection_that_dribbles_its_head_is_cut() -> None:
    slow = WebhookReceiver(
        ListenAddress("127.0.0.1", 0), SharedSecret(SECRET), lambda _: None, connection_seconds=0.05
    )
    async with slow:
        reader, writer = await asyncio.open_connection("127.0.0.1", slow.address.port)
        writer.write(b"POST /webhook HTTP/1.1\r\nX-")
        await ended(reader)
        writer.close()


async def test_more_connections_than_there_is_room_for_are_cut(
    receiver: WebhookReceiver, client: httpx.AsyncClient
) -> None:
    ends = [await asyncio.open_connection("127.0.0.1", receiver.address.port) for _ in range(70)]

    waits = [asyncio.ensure_future(ended(reader)) for reader, _ in ends]
    await comes_true(lambda: sum(wait.done() for wait in waits) == 6, "six cut connections")
    for wait, (_, writer) in zip(waits, ends, strict=True):
        wait.cancel()
        writer.close()
    await asyncio.gather(*waits, return_exceptions=True)

    async def heard() -> bool:
        try:
            return (await client.post("/webhook", json={}, headers=BEARER)).status_code == 202
        except httpx.TransportError:
            return False

    while not await heard():
        await asyncio.sleep(0)


async def test_an_address_that_is_taken_is_said_in_words(receiver: WebhookReceiver) -> None:
    other = WebhookReceiver(receiver.address, SharedSecret(SECRET), lambda _: None)
    with pytest.raises(SystemRefused, match=f"listening on {receiver.address}: Address already"):
        async with other:
            pass


async def test_the_secret_in_a_path_is_in_no_log(
    client: httpx.AsyncClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0, logger="transship")
    caplog.set_level(0, logger="aiohttp")
    await client.post(f"/webhook/{SECRET}", json=PUSH)
    await client.post(f"/webhook/{SECRET}", content=b"{")
    said = capfd.readouterr()
    assert SECRET not in caplog.text + said.out + said.err
