"""PowerDNS over its API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from servers.dns.asked import values
from servers.dns.powerdns import API_KEY, IMAGES
from servers.dns.powerdns import PowerDns as Server
from servers.dns.zones import NEW, OLD, TTL
from servers.process import free_port
from transship import errors
from transship.cutover.change.powerdns import PowerDnsProvider, PowerDnsServer
from transship.cutover.change.records import PlannedChange, Snapshot, desired_records, same_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.dns.lab import DnsLab

NAME = IMAGES.rstrip(".")
BEFORE = desired_records(NAME, [OLD], TTL)
AFTER = desired_records(NAME, [NEW], 60)


@pytest.fixture
def server(lab: DnsLab) -> Iterator[Server]:
    """The server, whose record is put back when the test ends."""
    yield lab.power
    for kind in ("A", "AAAA", "TXT"):
        lab.power.set(IMAGES, kind)
    lab.power.set(IMAGES, "CNAME", OLD)


@pytest.fixture
def applier(server: Server) -> PowerDnsProvider:
    """What changes its zone."""
    return PowerDnsProvider(PowerDnsServer(server.url, "power.test"), API_KEY)


def served(server: Server, kind: str) -> tuple[str, ...]:
    return values(IMAGES, kind, server.address, server.port)


async def test_a_change_and_its_reverse(server: Server, applier: PowerDnsProvider) -> None:
    planned = applier.plan(await applier.read(NAME), AFTER)
    assert planned.before == BEFORE

    await applier.apply(planned, planned.before)
    assert served(server, "CNAME") == (NEW,)
    assert await applier.read(NAME) == AFTER

    await applier.apply(planned.reverse, planned.after)
    assert await applier.read(NAME) == BEFORE


async def test_everything_beside_a_cname_goes_in_the_same_step_and_comes_back(
    server: Server, applier: PowerDnsProvider
) -> None:
    server.set(IMAGES, "CNAME")
    server.set(IMAGES, "A", "192.0.2.1", "192.0.2.2")
    server.set(IMAGES, "TXT", '"of ours"')
    snapshot = Snapshot(NAME, 0.0, await applier.read(NAME))
    planned = applier.plan(snapshot.sets, AFTER)
    assert [each.type for each in planned.removed] == ["A", "TXT"]

    await applier.apply(planned, snapshot.sets)
    assert served(server, "CNAME") == (NEW,)

    await applier.restore(snapshot)
    assert same_records(await applier.read(NAME), snapshot.sets)


async def test_what_somebody_else_has_changed_is_left_alone(
    server: Server, applier: PowerDnsProvider
) -> None:
    server.set(IMAGES, "CNAME", "elsewhere.test.")

    with pytest.raises(errors.RecordChanged, match=r"elsewhere\.test"):
        await applier.apply(applier.plan(BEFORE, AFTER), BEFORE)

    assert served(server, "CNAME") == ("elsewhere.test.",)


async def test_the_server_refuses_what_came_between_comparing_and_changing(
    server: Server, applier: PowerDnsProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = applier.read

    async def read_and_lose(name: str) -> object:
        found = await read(name)
        server.set(IMAGES, "CNAME")
        server.set(IMAGES, "A", "192.0.2.9")
        return found

    monkeypatch.setattr(applier, "read", read_and_lose)

    with pytest.raises(errors.RecordChanged, match=r"422 .*Conflicts with pre-existing RRset"):
        await applier.apply(applier.plan(BEFORE, AFTER), BEFORE)

    assert served(server, "A") == ("192.0.2.9",)


async def test_a_disabled_record_is_not_touched(server: Server, applier: PowerDnsProvider) -> None:
    record = {"content": OLD, "disabled": True}
    change = {"name": IMAGES, "type": "CNAME", "changetype": "REPLACE", "ttl": 4}
    server.call("PATCH", "/zones/power.test.", {"rrsets": [change | {"records": [record]}]})

    with pytest.raises(errors.RecordNotPlain, match="disabled"):
        await applier.read(NAME)


async def test_a_wrong_key_is_refused_and_not_repeated(server: Server) -> None:
    stranger = PowerDnsProvider(PowerDnsServer(server.url, "power.test"), "a secret of ours")

    with pytest.raises(errors.KeyRefused) as caught:
        await stranger.apply(stranger.plan(BEFORE, AFTER), BEFORE)

    assert "a secret of ours" not in str(caught.value)


async def test_a_zone_that_the_server_does_not_have_is_refused(server: Server) -> None:
    other = PowerDnsProvider(PowerDnsServer(server.url, "other.test"), API_KEY)

    with pytest.raises(errors.ProviderRefused, match="404"):
        await other.read(NAME)


async def test_a_server_that_is_not_there(applier: PowerDnsProvider) -> None:
    nowhere = PowerDnsProvider(
        PowerDnsServer(f"http://127.0.0.1:{free_port()}", "power.test"), API_KEY
    )

    with pytest.raises(errors.ProviderUnreachable):
        await nowhere.restore(Snapshot(NAME, 0.0, BEFORE))


async def test_a_change_whose_answer_is_lost_is_uncertain(
    applier: PowerDnsProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = httpx.AsyncClient.request

    async def lose(
        client: httpx.AsyncClient, method: str, *given: object, **named: object
    ) -> httpx.Response:
        answer = await request(client, method, *given, **named)  # type: ignore[arg-type]
        if method == "PATCH":
            raise httpx.ReadError("connection reset")
        return answer

    monkeypatch.setattr(httpx.AsyncClient, "request", lose)

    with pytest.raises(errors.ChangeUncertain):
        await applier.apply(PlannedChange(NAME, BEFORE, AFTER), BEFORE)
    assert await applier.read(NAME) == AFTER


@pytest.mark.parametrize("url", ["http://dns.example.com:8081", "dns.example.com", "ftp://x"])
def test_a_key_is_never_sent_where_it_can_be_read(url: str) -> None:
    with pytest.raises(errors.BadRequest):
        PowerDnsProvider(PowerDnsServer(url, "power.test"), API_KEY)
