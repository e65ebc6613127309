"""Signatures, as each name server gives them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fakes.clock import FakeClock
from servers.dns.zones import NEW
from transship.cutover.evidence import RecordSet, ZoneEvidence
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observe.dnssec import validate_signatures
from transship.cutover.observe.zone import observe_zone

if TYPE_CHECKING:
    from servers.dns.lab import DnsLab
    from transship.cutover.domain import Resolver

IMAGES = "images.example.test"
YEARS = 3600.0 * 24 * 365 * 3


async def test_what_is_signed_is_valid_at_every_server(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver
) -> None:
    zone = await observe_zone(dns_client, IMAGES, [plain], kinds=())
    found = await validate_signatures(dns_client, zone, IMAGES)

    assert [each.address for each in found] == [lab.primary.address, lab.secondary]
    assert [(each.valid, each.error) for each in found] == [(True, "")] * 2
    assert all(each.expires and each.expires > dns_client.clock.now() for each in found)


async def test_a_record_that_was_just_changed_is_signed_anew(
    lab: DnsLab, dns_client: DnsClient, plain: Resolver
) -> None:
    zone = await observe_zone(dns_client, IMAGES, [plain], kinds=())
    lab.set(f"{IMAGES}.", "CNAME", NEW)

    assert all(each.valid for each in await validate_signatures(dns_client, zone, IMAGES))


async def test_an_address_is_validated_where_there_is_no_link(
    dns_client: DnsClient, plain: Resolver
) -> None:
    zone = await observe_zone(dns_client, "dual.example.test", [plain], kinds=())

    assert all(
        each.valid for each in await validate_signatures(dns_client, zone, "dual.example.test")
    )


async def test_a_record_by_a_wildcard_is_valid(dns_client: DnsClient, plain: Resolver) -> None:
    zone = await observe_zone(dns_client, IMAGES, [plain], kinds=())

    assert all(
        each.valid for each in await validate_signatures(dns_client, zone, "any.wild.example.test")
    )


async def test_signatures_run_out(lab: DnsLab, dns_client: DnsClient, plain: Resolver) -> None:
    zone = await observe_zone(dns_client, IMAGES, [plain], kinds=())
    clock = FakeClock(wall=dns_client.clock.now() + YEARS)
    late = await validate_signatures(DnsClient(clock, served=lab.served), zone, IMAGES)

    assert [(each.valid, each.error) for each in late] == [(False, "expired")] * 2
    assert all(each.expires and each.expires < clock.now() for each in late)


async def test_a_ds_record_left_from_another_provider_trusts_no_key(
    dns_client: DnsClient, plain: Resolver
) -> None:
    zone = await observe_zone(dns_client, IMAGES, [plain], kinds=())
    assert zone.ds is not None
    left = RecordSet("example.test", "DS", 4, ("12345 13 2 " + "AB" * 32,))
    misled = replace(zone, ds=replace(zone.ds, records=(left,)))
    found = await validate_signatures(dns_client, misled, IMAGES)

    assert {each.valid for each in found} == {False}
    assert {each.error for each in found} == {"no key of the zone is the one that the parent names"}


async def test_a_zone_whose_parent_signs_it_but_that_isnt_signed_shows(
    dns_client: DnsClient, plain: Resolver
) -> None:
    signed = await observe_zone(dns_client, IMAGES, [plain], kinds=())
    unsigned = await observe_zone(dns_client, "images.power.test", [plain], kinds=())
    assert signed.ds is not None
    (ds,) = signed.ds.records
    claimed = replace(signed.ds, question="power.test", records=(replace(ds, name="power.test"),))
    found = await validate_signatures(
        dns_client, replace(unsigned, ds=claimed), "images.power.test"
    )

    assert [(each.valid, each.error) for each in found] == [(False, "not signed")]


async def test_no_record_is_nothing_to_validate(dns_client: DnsClient, plain: Resolver) -> None:
    zone = await observe_zone(dns_client, IMAGES, [plain], kinds=())
    found = await validate_signatures(dns_client, zone, "nobody.example.test")

    assert {each.error for each in found} == {"no record"}


async def test_nothing_is_validated_in_a_zone_that_nobody_vouches_for(
    dns_client: DnsClient, plain: Resolver
) -> None:
    zone = await observe_zone(dns_client, "images.power.test", [plain], kinds=())

    assert await validate_signatures(dns_client, zone, "images.power.test") == ()
    assert await validate_signatures(dns_client, ZoneEvidence("", (), (), ()), IMAGES) == ()
