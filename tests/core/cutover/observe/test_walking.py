"""All name servers of a zone, as parent and zone name them, each asked directly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.dns import crooked as wrong
from servers.dns.crooked import answers, crooked
from servers.dns.lab import EXAMPLE, dns_lab
from servers.dns.zones import NEGATIVE_TTL, NEW, OLD, TTL
from servers.process import free_port
from transship.clock import SystemClock
from transship.cutover.domain import Resolver
from transship.cutover.evidence import DnsAnswer, NameServer, ZoneEvidence
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observe.zone import (
    SNAPSHOT_TYPES,
    ask_name_server,
    ask_zone,
    first_answer,
    observe_zone,
    observe_zone_again,
)
from transship.cutover.rules.case import serial

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.certificates import Certificates
    from servers.dns.lab import DnsLab

IMAGES = "images.example.test"
NS1, NS2 = "ns1.example.test", "ns2.example.test"


def links(zone: ZoneEvidence) -> dict[str, tuple[str, ...]]:
    """What each server says that the domain is another name of."""
    return {
        server.name: found.values
        for server in zone.servers
        for answer in server.answers
        if answer.type == "CNAME" and (found := answer.of("CNAME"))
    }


async def test_a_zone_is_seen_by_its_parent_and_by_itself(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver
) -> None:
    zone = await observe_zone(dns_client, IMAGES, [plain])

    assert (zone.name, zone.parent, zone.error) == ("example.test", "test", "")
    assert zone.parent_servers == zone.child_servers == (NS1, NS2)
    assert zone.unresolved == ()
    assert [(s.name, s.address) for s in zone.servers] == [
        (NS1, lab.primary.address),
        (NS2, lab.secondary),
    ]
    assert zone.signed
    assert zone.negative_ttl == NEGATIVE_TTL
    assert zone.delegation is not None
    assert not zone.delegation.authoritative


async def test_every_server_is_asked_by_udp_and_by_tcp(
    dns_client: DnsClient, plain: Resolver
) -> None:
    zone = await observe_zone(dns_client, IMAGES, [plain])

    for server in zone.servers:
        assert server.soa.authoritative
        assert server.soa_tcp.authoritative
        assert (server.soa.transport, server.soa_tcp.transport) == ("udp", "tcp")
        assert tuple(answer.type for answer in server.answers) == SNAPSHOT_TYPES
        record = server.answers[0].of("CNAME")
        assert record is not None
        assert (record.values, record.ttl) == ((OLD,), TTL)
    assert len({serial(server) for server in zone.servers}) == 1
    assert {s.soa.nsid for s in zone.servers} == {"primary-knot", "secondary-nsd"}


async def test_the_top_of_a_zone_is_in_that_zone(dns_client: DnsClient, plain: Resolver) -> None:
    zone = await observe_zone(dns_client, "example.test", [plain], kinds=["A"])

    assert (zone.name, zone.parent) == ("example.test", "test")


async def test_a_name_that_isnt_there_has_a_zone_all_the_same(
    dns_client: DnsClient, plain: Resolver
) -> None:
    zone = await observe_zone(dns_client, "deep.below.nobody.example.test", [plain], kinds=["A"])

    assert zone.name == "example.test"
    assert {s.answers[0].rcode for s in zone.servers} == {"NXDOMAIN"}


async def test_an_unsigned_zone_is_known_as_one(dns_client: DnsClient, plain: Resolver) -> None:
    zone = await observe_zone(dns_client, "images.power.test", [plain], kinds=["CNAME"])

    assert (zone.name, zone.signed) == ("power.test", False)
    assert links(zone) == {"ns.power.test": (OLD,)}


async def test_servers_that_dont_serve_the_zone_show(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver
) -> None:
    zone = await observe_zone(dns_client, "images.lame.test", [plain])

    by_name = {server.name: server for server in zone.servers}
    good, upward, refusing = (by_name[f"ns{i}.lame.test"] for i in (1, 2, 3))
    assert good.soa.authoritative
    assert (upward.soa.rcode, upward.soa.authoritative) == ("NOERROR", False)
    assert [(r.name, r.type) for r in upward.soa.authority] == [("test", "NS")]
    assert refusing.soa.rcode == "REFUSED"
    assert zone.unresolved == ("ns4.nowhere.test",)
    assert zone.child_servers == tuple(f"ns{i}.lame.test" for i in (1, 2, 3)) + zone.unresolved


async def test_a_zone_that_nobody_serves_is_found_by_its_parent(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver
) -> None:
    zone = await observe_zone(dns_client, "images.dead.test", [plain])

    assert (zone.name, zone.parent) == ("dead.test", "test")
    assert [s.address for s in zone.servers] == [lab.secondary]
    assert zone.servers[0].soa.rcode == "REFUSED"
    assert zone.child_servers == ()


async def test_a_change_that_reaches_one_server_alone_shows(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver
) -> None:
    before = await observe_zone(dns_client, IMAGES, [plain])
    with lab.stuck_secondary():
        lab.primary.set(EXAMPLE, f"{IMAGES}.", "CNAME", NEW, ttl=TTL)
        stuck = await observe_zone_again(dns_client, before, IMAGES)
    after = await observe_zone_again(dns_client, before, IMAGES)

    assert links(before) == {NS1: (OLD,), NS2: (OLD,)}
    assert links(stuck) == {NS1: (NEW,), NS2: (OLD,)}
    assert links(after) == {NS1: (NEW,), NS2: (NEW,)}
    ahead, behind = map(serial, stuck.servers)
    assert ahead is not None
    assert behind is not None
    assert ahead > behind


async def test_a_record_that_is_taken_away_is_missed(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver
) -> None:
    before = await observe_zone(dns_client, IMAGES, [plain])
    lab.remove(f"{IMAGES}.")
    after = await observe_zone_again(dns_client, before, IMAGES)

    rcodes = {answer.rcode for server in after.servers for answer in server.answers}
    assert rcodes == {"NXDOMAIN"}


async def test_an_address_left_at_the_name_shows(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver
) -> None:
    zone = await observe_zone(dns_client, "dual.example.test", [plain])

    for server in zone.servers:
        ipv6 = next(a.of("AAAA") for a in server.answers if a.type == "AAAA")
        assert ipv6 is not None
        assert ipv6.values == ("::1",)


async def test_a_server_that_says_nothing_isnt_asked_for_more() -> None:
    async with crooked(wrong.silence, wrong.silence) as server:
        dns_client = DnsClient(
            SystemClock(), served=[("192.0.2.1", f"127.0.0.1:{server.port}")], seconds=0.1
        )
        seen = await ask_name_server(
            dns_client, "example.test", IMAGES, NS1, "192.0.2.1", SNAPSHOT_TYPES
        )

    assert (seen.soa.error, seen.soa_tcp.error) == ("timeout", "timeout")
    assert seen.answers == ()
    assert len(server.asked) == 2


async def test_a_server_whose_tcp_is_closed_is_told_from_a_good_one() -> None:
    soa = "example.test. 60 IN SOA ns1.example.test. admin.example.test. 1 2 3 4 5"
    async with crooked(answers(soa)) as server:
        served = [("192.0.2.1", f"127.0.0.1:{server.port}")]
        dns_client = DnsClient(SystemClock(), served=served, seconds=0.5)
        seen = await ask_name_server(
            dns_client, "example.test", IMAGES, NS1, "192.0.2.1", ["CNAME"]
        )

    assert (seen.soa.error, seen.soa_tcp.error) == ("", "refused")
    assert len(seen.answers) == 1


async def test_the_next_server_is_asked_where_the_first_is_gone(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver
) -> None:
    zone = await observe_zone(dns_client, IMAGES, [plain], kinds=["CNAME"])
    gone = f"127.0.0.1:{free_port()}"
    broken = DnsClient(
        SystemClock(), served=[*lab.served, (lab.primary.address, gone)], seconds=0.2
    )
    answer = await ask_zone(broken, zone, IMAGES, "CNAME")

    assert (answer.server, answer.rcode) == (NS2, "NOERROR")


async def test_without_a_resolver_there_is_no_zone(impatient: DnsClient) -> None:
    closed = Resolver("closed", "127.0.0.1", free_port())

    assert (await observe_zone(impatient, IMAGES, [closed])).error == "refused"
    assert (await observe_zone(impatient, IMAGES, [])).error == "no resolver"


async def test_a_resolver_that_says_nothing_is_asked_last(
    lab: DnsLab, impatient: DnsClient, plain: Resolver
) -> None:
    async with crooked(wrong.silence, wrong.silence) as server:
        silent = Resolver("silent", "127.0.0.1", server.port)
        first = await first_answer(impatient, IMAGES, "CNAME", [silent, plain])
        server.asked.clear()
        again = await first_answer(impatient, IMAGES, "CNAME", [silent, plain])

    assert (first.server, again.server) == ("plain", "plain")
    assert server.asked == []


async def test_signatures_that_are_wrong_dont_hide_the_zone(
    lab: DnsLab, dns_client: DnsClient, cache: Callable[[str], Resolver]
) -> None:
    zone = await observe_zone(dns_client, IMAGES, [cache("bogus")], kinds=["CNAME"])

    assert links(zone) == {NS1: (OLD,), NS2: (OLD,)}


async def test_the_next_resolver_is_asked_where_the_first_is_gone(
    dns_client: DnsClient, plain: Resolver
) -> None:
    closed = Resolver("closed", "127.0.0.1", free_port())

    assert (
        await observe_zone(dns_client, IMAGES, [closed, plain], kinds=["CNAME"])
    ).name == "example.test"


def test_a_server_without_soa_has_no_serial(lab: DnsLab) -> None:
    nothing = DnsAnswer("example.test", "SOA", NS1, lab.secondary, 0.0, error="timeout")
    assert serial(NameServer(NS1, lab.secondary, nothing, nothing)) is None


async def test_where_port_53_isnt_the_way_the_walk_goes_round_it(
    tmp_path: Path, certificates: Certificates
) -> None:
    with dns_lab(tmp_path / "lab", certificates, port=5300) as lab:
        cache = lab.caches["plain"]
        dns_client = DnsClient(SystemClock(), served=lab.served)
        zone = await observe_zone(
            dns_client, IMAGES, [Resolver("plain", cache.address, cache.port)]
        )

    assert lab.served
    assert links(zone) == {NS1: (OLD,), NS2: (OLD,)}
    assert [s.address for s in zone.servers] == [lab.primary.address, lab.secondary]
