"""The sandbox's DNS, as the cutover's own observers see it: a whole world, and a change in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from transship.clock import SystemClock
from transship.cutover.change.records import desired_records
from transship.cutover.change.rfc2136 import Rfc2136Provider, UpdateServer
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observe.resolvers import follow_chain
from transship.cutover.observe.zone import observe_zone
from transship.sandbox.name_server import DOMAIN, NEW, OLD, TTL, SandboxNames


@pytest.fixture
async def names() -> AsyncIterator[SandboxNames]:
    async with SandboxNames("127.0.0.1", "127.0.0.2") as running:
        yield running


@pytest.fixture
def dns_client(names: SandboxNames) -> DnsClient:
    return DnsClient(SystemClock(), served=names.served)


async def test_its_zone_is_found_through_its_resolvers_with_all_name_servers(
    names: SandboxNames, dns_client: DnsClient
) -> None:
    zone = await observe_zone(dns_client, DOMAIN, names.resolvers)

    assert (zone.name, zone.parent, zone.error) == ("example.test", "test", "")
    assert zone.parent_servers == zone.child_servers == ("ns1.example.test", "ns2.example.test")
    assert [server.soa.nsid for server in zone.servers] == list(zone.child_servers)
    assert all(server.soa.authoritative and server.soa_tcp.authoritative for server in zone.servers)


async def test_the_domain_leads_to_the_old_registry(
    names: SandboxNames, dns_client: DnsClient
) -> None:
    for name, links, address in (
        (DOMAIN, 1, "127.0.0.1"),
        (OLD, 0, "127.0.0.1"),
        (NEW, 0, "127.0.0.2"),
    ):
        chain = await follow_chain(dns_client, name, names.resolvers)
        assert (len(chain.links), chain.addresses) == (links, (address,))


async def test_nobody_outside_is_asked_for_any_name(
    names: SandboxNames, dns_client: DnsClient
) -> None:
    for resolver in names.resolvers:
        answer = await dns_client.ask("registry.example.com", "A", resolver)
        assert (answer.rcode, answer.error) == ("NXDOMAIN", "")


async def test_a_change_reaches_all_of_it_the_late_resolver_last(
    names: SandboxNames, dns_client: DnsClient
) -> None:
    way = names.way
    applier = Rfc2136Provider(UpdateServer(way.zone, way.address, way.port), names.key)
    prompt, slow = names.resolvers
    before = await applier.read(DOMAIN)
    told: list[str] = []

    async def wait_for(place: str) -> None:
        while True:
            if place in (prompt.name, slow.name):
                resolver = prompt if place == prompt.name else slow
                answer = await dns_client.ask(DOMAIN, "CNAME", resolver)
            else:
                answer = await dns_client.ask_server(DOMAIN, "CNAME", place, place)
            if [each.values for each in answer.records] == [(f"{NEW}.",)]:
                told.append(place)
                return
            await asyncio.sleep(0.05)

    await dns_client.ask(DOMAIN, "CNAME", slow)
    planned = applier.plan(before, desired_records(DOMAIN, [NEW], TTL))
    await applier.apply(planned, before)
    first, second = (address for address, _ in names.served)
    async with asyncio.timeout(30):
        await asyncio.gather(*map(wait_for, (first, second, prompt.name, slow.name)))

    assert told[0] == first
    assert told[-1] == slow.name


def test_each_has_a_key_of_its_own_that_is_never_shown() -> None:
    first, second = (SandboxNames("127.0.0.1", "127.0.0.2") for _ in range(2))

    assert first.key.secret != second.key.secret
    assert first.key.secret not in repr(first)
    with pytest.raises(RuntimeError):
        _ = first.way


async def test_its_resolvers_are_asked_all_the_time_as_those_of_clusters_are(
    names: SandboxNames, dns_client: DnsClient
) -> None:
    async with asyncio.timeout(30):
        for resolver in names.resolvers:
            while not (await dns_client.ask(DOMAIN, "CNAME", resolver, recurse=False)).records:
                await asyncio.sleep(0.05)
