"""Where names lead, link by link, whatever stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servers.dns import crooked as wrong
from servers.dns.crooked import crooked
from servers.dns.zones import OLD, TTL
from transship.cutover.domain import Resolver
from transship.cutover.evidence import Chain, RecordSet
from transship.cutover.observe.resolvers import LONGEST_CHAIN, follow_chain

if TYPE_CHECKING:
    from servers.dns.lab import DnsLab
    from transship.cutover.observe.dns_queries import DnsClient


async def test_a_domain_leads_to_a_registry(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver
) -> None:
    lab.flush()
    chain = await follow_chain(dns_client, "images.example.test", [plain])

    link = RecordSet("images.example.test", "CNAME", TTL, (OLD,))
    assert chain == Chain("images.example.test", (link,), (lab.block.address("3.1"),))


async def test_both_families_of_addresses_are_found(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver
) -> None:
    chain = await follow_chain(dns_client, "dual.example.test", [plain])

    assert chain.addresses == (lab.block.address("3.1"), "::1")
    assert chain.links == ()


async def test_a_chain_that_bites_its_tail_ends(dns_client: DnsClient, plain: Resolver) -> None:
    chain = await follow_chain(dns_client, "loop-a.example.test", [plain])

    assert chain.error == "loop"
    assert [link.name for link in chain.links] == ["loop-a.example.test", "loop-b.example.test"]


async def test_a_chain_that_is_too_long_is_left(dns_client: DnsClient, plain: Resolver) -> None:
    chain = await follow_chain(dns_client, "chain0.example.test", [plain])
    short = await follow_chain(dns_client, f"chain{12 - LONGEST_CHAIN}.example.test", [plain])

    assert (chain.error, len(chain.links)) == ("too long", LONGEST_CHAIN + 1)
    assert (short.error, len(short.links)) == ("", LONGEST_CHAIN)


async def test_a_name_that_leads_to_no_name_is_dangling(
    dns_client: DnsClient, plain: Resolver
) -> None:
    chain = await follow_chain(dns_client, "dangling.example.test", [plain])

    assert (chain.rcode, chain.error, chain.addresses) == ("NXDOMAIN", "NXDOMAIN", ())
    assert [link.values for link in chain.links] == [("gone.newcloud.test.",)]


async def test_a_name_without_an_address_is_no_missing_name(
    dns_client: DnsClient, plain: Resolver
) -> None:
    chain = await follow_chain(dns_client, "words.example.test", [plain])

    assert (chain.rcode, chain.error) == ("NOERROR", "no address")


async def test_a_whole_branch_may_have_another_name(dns_client: DnsClient, plain: Resolver) -> None:
    chain = await follow_chain(dns_client, "registry.branch.example.test", [plain])

    assert [link.values for link in chain.links] == [("registry.newcloud.test.",)]
    assert chain.addresses


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
async def test_an_address_leads_to_itself(dns_client: DnsClient, address: str) -> None:
    assert await follow_chain(dns_client, address, []) == Chain(address, (), (address,))


async def test_signatures_that_are_wrong_dont_hide_where_a_name_leads(
    lab: DnsLab, dns_client: DnsClient
) -> None:
    bogus = lab.caches["bogus"]
    chain = await follow_chain(
        dns_client, "images.example.test", [Resolver("bogus", bogus.address, bogus.port)]
    )
    assert chain.addresses == (lab.block.address("3.1"),)


async def test_a_resolver_that_says_nothing_is_named_as_the_reason(impatient: DnsClient) -> None:
    async with crooked(wrong.silence, wrong.silence) as server:
        at = Resolver("silent", "127.0.0.1", server.port)
        chain = await follow_chain(impatient, "images.example.test", [at])

    assert (chain.rcode, chain.error) == ("", "timeout")
