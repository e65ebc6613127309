"""Wildcards, owners, slips, aliases and CAA around a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servers.dns.zones import NEW, OLD
from transship.cutover.evidence import ZoneEvidence
from transship.cutover.observe.zone import (
    ask_aliases,
    ask_authorities,
    ask_misspelt,
    ask_ownership,
    ask_wildcard,
    observe_zone,
)

if TYPE_CHECKING:
    from transship.cutover.domain import Resolver
    from transship.cutover.evidence import DnsAnswer
    from transship.cutover.observe.dns_queries import DnsClient

IMAGES = "images.example.test"


@pytest.fixture
async def zone(dns_client: DnsClient, plain: Resolver) -> ZoneEvidence:
    return await observe_zone(dns_client, IMAGES, [plain], kinds=())


def found(answers: tuple[DnsAnswer, ...], kind: str) -> dict[str, tuple[str, ...]]:
    return {a.question: records.values for a in answers if (records := a.of(kind))}


async def test_a_name_beside_the_domain_tells_of_a_wildcard(
    dns_client: DnsClient, zone: ZoneEvidence
) -> None:
    clean = await ask_wildcard(dns_client, zone, IMAGES)
    apex = await ask_wildcard(dns_client, zone, "example.test")
    caught = await ask_wildcard(dns_client, zone, "made.wild.example.test")

    assert (clean.rcode, apex.rcode) == ("NXDOMAIN", "NXDOMAIN")
    assert apex.question.endswith(".example.test")
    record = caught.of("CNAME")
    assert record is not None
    assert record.values == (OLD,)


async def test_a_controller_that_manages_the_name_shows(
    dns_client: DnsClient, zone: ZoneEvidence
) -> None:
    owned = await ask_ownership(dns_client, zone, "owned.example.test")
    free = await ask_ownership(dns_client, zone, IMAGES)

    assert found(owned, "TXT") == {
        "cname-owned.example.test": ('"heritage=external-dns,external-dns/owner=usc1"',)
    }
    assert found(free, "TXT") == {}


async def test_names_with_a_forgotten_dot_are_looked_for(
    dns_client: DnsClient, zone: ZoneEvidence
) -> None:
    slips = await ask_misspelt(dns_client, zone, IMAGES, "registry.newcloud.test")

    assert found(slips, "CNAME") == {f"{IMAGES}.example.test": (NEW,)}
    assert [a.question for a in slips][1] == "registry.newcloud.test.example.test"
    assert len(await ask_misspelt(dns_client, zone, IMAGES, "192.0.2.1")) == 1


async def test_a_branch_with_another_name_shows(dns_client: DnsClient, zone: ZoneEvidence) -> None:
    above = await ask_aliases(dns_client, zone, "registry.branch.example.test")

    assert found(above, "DNAME") == {"branch.example.test": ("newcloud.test.",)}
    assert [a.question for a in above] == ["branch.example.test", "example.test"]


async def test_caa_is_looked_for_on_both_sides(dns_client: DnsClient, plain: Resolver) -> None:
    both = await ask_authorities(dns_client, (IMAGES, "registry.newcloud.test"), [plain])

    asked = ["images.example.test", "example.test", "test"]
    assert [a.question for a in both] == [*asked, "registry.newcloud.test", "newcloud.test"]
    assert found(both, "CAA") == {
        "example.test": ('0 issue "letsencrypt.org"',),
        "registry.newcloud.test": ('0 issue "digicert.com"',),
    }


async def test_the_link_hides_the_zones_own_caa(dns_client: DnsClient, plain: Resolver) -> None:
    domain, *_ = await ask_authorities(dns_client, (IMAGES,), [plain])

    assert [(r.name, r.values) for r in domain.records if r.type == "CAA"] == [
        ("registry.oldcloud.test", ('0 issue "digicert.com"',))
    ]


async def test_without_a_server_nothing_is_known(dns_client: DnsClient) -> None:
    nowhere = ZoneEvidence("example.test", (), (), ())

    assert (
        await ask_wildcard(dns_client, nowhere, IMAGES)
    ).error == "no server of the zone answers"
