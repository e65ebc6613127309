"""One question to one server: whatever comes back, or doesn't, is evidence."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from servers.dns import crooked as wrong
from servers.dns.caches import HTTPS_PORT, TLS_PORT
from servers.dns.crooked import answers, crooked
from servers.loopback import serving
from servers.process import free_port
from transship import errors
from transship.clock import SystemClock
from transship.cutover.domain import Resolver
from transship.cutover.evidence import RecordSet
from transship.cutover.observe.dns_queries import DnsClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.certificates import Certificates
    from servers.dns.lab import DnsLab
    from servers.loopback import Exchange

IMAGES = "images.example.test"
LINK = f"{IMAGES}. 4 IN CNAME registry.oldcloud.test."


async def test_a_name_server_answers_of_its_own_authority(
    lab: DnsLab, dns_client: DnsClient
) -> None:
    answer = await dns_client.ask_server(IMAGES, "CNAME", "ns1.example.test", lab.primary.address)

    assert answer.of("CNAME") == RecordSet(IMAGES, "CNAME", 4, ("registry.oldcloud.test.",))
    assert (answer.rcode, answer.error, answer.transport) == ("NOERROR", "", "udp")
    assert answer.authoritative
    assert not answer.cut
    assert answer.nsid == "primary-knot"
    assert (answer.server, answer.address) == ("ns1.example.test", lab.primary.address)
    assert answer.took > 0


async def test_no_such_name_is_told_from_no_such_record(lab: DnsLab, dns_client: DnsClient) -> None:
    missing = await dns_client.ask_server("nobody.example.test", "A", "", lab.primary.address)
    empty = await dns_client.ask_server("words.example.test", "A", "", lab.primary.address)

    assert (missing.rcode, missing.records) == ("NXDOMAIN", ())
    assert (empty.rcode, empty.records) == ("NOERROR", ())
    assert [r.type for r in empty.authority] == ["SOA"]


async def test_what_is_cut_comes_by_tcp(lab: DnsLab, dns_client: DnsClient) -> None:
    answer = await dns_client.ask_server("big.example.test", "TXT", "", lab.primary.address)

    assert answer.cut
    assert answer.transport == "tcp"
    texts = answer.of("TXT")
    assert texts is not None
    assert len(texts.values) == 10


async def test_a_server_refuses_a_zone_that_it_doesnt_have(
    lab: DnsLab, dns_client: DnsClient
) -> None:
    answer = await dns_client.ask_server("lame.test", "SOA", "", lab.secondary)

    assert (answer.rcode, answer.authoritative, answer.error) == ("REFUSED", False, "")


async def test_a_closed_port_is_told_from_silence(impatient: DnsClient) -> None:
    closed = await impatient.ask(IMAGES, "A", Resolver("closed", "127.0.0.1", free_port()))
    assert closed.error == "refused"

    async with crooked(wrong.silence, wrong.silence) as server:
        silent = await impatient.ask(IMAGES, "A", Resolver("silent", "127.0.0.1", server.port))
    assert (silent.error, silent.rcode) == ("timeout", "")
    assert server.asked == [f"udp {IMAGES}. A"] * 2 + [f"tcp {IMAGES}. A"]


async def test_where_udp_is_filtered_tcp_answers(impatient: DnsClient) -> None:
    async with crooked(wrong.silence, answers(LINK)) as server:
        answer = await impatient.ask(IMAGES, "CNAME", Resolver("", "127.0.0.1", server.port))

    assert answer.of("CNAME") is not None
    assert (answer.error, answer.transport, answer.cut) == ("", "tcp", False)


async def test_one_transport_alone_is_asked_for_when_it_is_what_is_tested() -> None:
    async with crooked(wrong.silence, answers(LINK)) as server:
        place = f"127.0.0.1:{server.port}"
        dns_client = DnsClient(SystemClock(), served=[("192.0.2.53", place)], seconds=0.15)
        udp = await dns_client.ask_server(IMAGES, "CNAME", "ns", "192.0.2.53", transport="udp")
        tcp = await dns_client.ask_server(IMAGES, "CNAME", "ns", "192.0.2.53", transport="tcp")

    assert (udp.error, tcp.error) == ("timeout", "")
    assert (tcp.server, tcp.address) == ("ns", "192.0.2.53")


async def test_what_is_cut_where_tcp_is_closed_is_no_answer(impatient: DnsClient) -> None:
    async with crooked(wrong.cut) as server:
        answer = await impatient.ask(IMAGES, "A", Resolver("", "127.0.0.1", server.port))

    assert (answer.error, answer.cut, answer.transport) == ("refused", True, "tcp")


async def test_what_is_no_message_is_evidence_too(impatient: DnsClient) -> None:
    async with crooked(wrong.garbage, wrong.garbage) as server:
        at = Resolver("", "127.0.0.1", server.port)
        by_udp = await impatient.ask(IMAGES, "A", at)
        by_tcp = await impatient.ask(IMAGES, "A", Resolver("", "127.0.0.1", server.port, "tcp"))

    assert by_udp.error == "timeout"
    assert by_tcp.error == "malformed"


async def test_an_answer_under_another_id_counts_for_nothing(impatient: DnsClient) -> None:
    forged = wrong.under_another_id(answers(LINK))
    async with crooked(forged, answers(LINK)) as server:
        answer = await impatient.ask(IMAGES, "CNAME", Resolver("", "127.0.0.1", server.port))

    assert answer.transport == "tcp"


async def test_a_server_from_before_edns_is_asked_without(impatient: DnsClient) -> None:
    async with crooked(wrong.without_edns(answers(LINK))) as server:
        answer = await impatient.ask(IMAGES, "CNAME", Resolver("", "127.0.0.1", server.port))

    assert answer.rcode == "NOERROR"
    assert answer.of("CNAME") is not None


async def test_who_says_nothing_is_asked_once_only_until_it_speaks(impatient: DnsClient) -> None:
    async with crooked(wrong.silence, wrong.silence) as server:
        at = Resolver("", "127.0.0.1", server.port)
        await impatient.ask(IMAGES, "A", at)
        assert impatient.is_silent(at)
        server.asked.clear()
        await impatient.ask(IMAGES, "A", at)
        assert server.asked == [f"udp {IMAGES}. A"]

        server.udp = answers(LINK)
        assert (await impatient.ask(IMAGES, "CNAME", at)).error == ""
        assert not impatient.is_silent(at)


async def test_names_come_out_the_same_however_they_are_written(impatient: DnsClient) -> None:
    shouted = answers("IMAGES.Example.test. 4 IN CNAME Registry.OLDCLOUD.test.")
    async with crooked(shouted) as server:
        answer = await impatient.ask(IMAGES, "CNAME", Resolver("", "127.0.0.1", server.port))

    assert answer.of("CNAME") == RecordSet(IMAGES, "CNAME", 4, ("registry.oldcloud.test.",))


async def test_an_ipv6_server_is_asked_where_it_is_said_to_be() -> None:
    async with crooked(answers(LINK), address="::1") as server:
        served = [("2001:db8::53", f"[::1]:{server.port}")]
        dns_client = DnsClient(SystemClock(), served=served, seconds=0.5)
        answer = await dns_client.ask_server(IMAGES, "CNAME", "ns", "2001:db8::53")

    assert (answer.error, answer.address) == ("", "2001:db8::53")


async def test_a_name_that_is_too_long_is_asked_of_nobody(impatient: DnsClient) -> None:
    answer = await impatient.ask(".".join(["label"] * 60), "A", Resolver("", "127.0.0.1", 1))

    assert answer.error == "no name that can be asked"


async def test_one_server_isnt_asked_too_much_at_once() -> None:
    dns_client = DnsClient(SystemClock(), at_once_each=3, seconds=2.0)
    async with crooked(answers(LINK), pause=0.02) as server:
        at = Resolver("", "127.0.0.1", server.port)
        await asyncio.gather(*(dns_client.ask(IMAGES, "CNAME", at) for _ in range(12)))

    assert server.most == 3
    assert len(server.asked) == 12


async def test_many_servers_arent_asked_too_much_at_once() -> None:
    dns_client = DnsClient(SystemClock(), at_once=2)
    async with AsyncExitStack() as stack:
        addresses = [f"127.0.0.{i}" for i in range(2, 8)]
        servers = [
            await stack.enter_async_context(crooked(answers(LINK), address=each, pause=0.02))
            for each in addresses
        ]
        open_at_once: list[int] = []

        async def watched(address: str, port: int) -> None:
            await dns_client.ask(IMAGES, "CNAME", Resolver("", address, port))
            open_at_once.append(sum(server.open for server in servers))

        await asyncio.gather(*(watched(a, s.port) for a, s in zip(addresses, servers, strict=True)))
    assert max(open_at_once) <= 2


async def test_a_resolver_may_say_what_is_wrong(
    cache: Callable[[str], Resolver], dns_client: DnsClient
) -> None:
    answer = await dns_client.ask(IMAGES, "A", cache("bogus"))
    unchecked = await dns_client.ask(IMAGES, "A", cache("bogus"), check=False)

    assert answer.rcode == "SERVFAIL"
    assert [text.partition(" ")[0] for text in answer.extended] in (["6"], ["9"])
    assert unchecked.rcode == "NOERROR"


async def test_a_validating_resolver_says_that_it_validated(
    plain: Resolver, dns_client: DnsClient
) -> None:
    answer = await dns_client.ask(IMAGES, "CNAME", plain)
    beyond = await dns_client.ask("registry.oldcloud.test", "A", plain)

    assert answer.authentic
    assert not beyond.authentic


@pytest.mark.parametrize(("transport", "port"), [("tls", TLS_PORT), ("https", HTTPS_PORT)])
async def test_a_resolver_is_asked_where_nobody_can_listen(
    lab: DnsLab, dns_client: DnsClient, transport: str, port: int
) -> None:
    address = lab.caches["encrypted"].address
    right = Resolver("encrypted", address, port, transport, "localhost")
    other = Resolver("encrypted", address, port, transport, "resolver.example.test")

    answer = await dns_client.ask(IMAGES, "A", right)
    assert (answer.rcode, answer.error, answer.transport) == ("NOERROR", "", transport)
    assert answer.of("CNAME") is not None

    mistaken = await dns_client.ask(IMAGES, "A", other)
    assert mistaken.error.startswith("certificate: Hostname mismatch")

    stranger = await DnsClient(SystemClock()).ask(IMAGES, "A", right)
    assert stranger.error.startswith("certificate: unable to get local issuer")

    closed = Resolver("", address, free_port(), transport, "localhost")
    assert (await dns_client.ask(IMAGES, "A", closed)).error == "refused"


async def test_a_web_server_is_no_resolver(
    certificates: Certificates, dns_client: DnsClient
) -> None:
    async def busy(exchange: Exchange) -> None:
        await exchange.answer(503)

    async def chatty(exchange: Exchange) -> None:
        await exchange.answer(200, body=b"<html>" * 20_000)

    for handle, error in ((busy, "http 503"), (chatty, "malformed")):
        with serving(handle, tls=certificates.server_context()) as server:
            at = Resolver("", "127.0.0.1", server.port, "https", "localhost")
            assert (await dns_client.ask(IMAGES, "A", at)).error == error


def test_a_file_without_authorities_is_the_operators_mistake() -> None:
    dns_client = DnsClient(SystemClock(), ca_file="/nonexistent.pem")
    with pytest.raises(errors.BadFile):
        asyncio.run(dns_client.ask(IMAGES, "A", Resolver("", "127.0.0.1", 1, "tls", "localhost")))
