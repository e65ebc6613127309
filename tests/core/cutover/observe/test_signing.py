"""Signatures, as each name server gives them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fakes.clock import FakeClock
from servers.dns.zones import NEW
from transship.cutover.evidence import RecordSet, Zone
from transship.cutover.observe.asking import Asker
from transship.cutover.observe.signing import signatures
from transship.cutover.observe.walking import walk

if TYPE_CHECKING:
    from servers.dns.lab import DnsLab
    from transship.cutover.subject import Resolver

IMAGES = "images.example.test"
YEARS = 3600.0 * 24 * 365 * 3


async def test_what_is_signed_is_valid_at_every_server(
    lab: DnsLab, asker: Asker, plain: Resolver
) -> None:
    zone = await walk(asker, IMAGES, [plain], kinds=())
    found = await signatures(asker, zone, IMAGES)

    assert [each.address for each in found] == [lab.primary.address, lab.secondary]
    assert [(each.valid, each.error) for each in found] == [(True, "")] * 2
    assert all(each.expires and each.expires > asker.clock.now() for each in found)


async def test_a_record_that_was_just_changed_is_signed_anew(
    lab: DnsLab, asker: Asker, plain: Resolver
) -> None:
    zone = await walk(asker, IMAGES, [plain], kinds=())
    lab.set(f"{IMAGES}.", "CNAME", NEW)

    assert all(each.valid for each in await signatures(asker, zone, IMAGES))


async def test_an_address_is_validated_where_there_is_no_link(
    asker: Asker, plain: Resolver
) -> None:
    zone = await walk(asker, "dual.example.test", [plain], kinds=())

    assert all(each.valid for each in await signatures(asker, zone, "dual.example.test"))


async def test_a_record_by_a_wildcard_is_valid(asker: Asker, plain: Resolver) -> None:
    zone = await walk(asker, IMAGES, [plain], kinds=())

    assert all(each.valid for each in await signatures(asker, zone, "any.wild.example.test"))


async def test_signatures_run_out(lab: DnsLab, asker: Asker, plain: Resolver) -> None:
    zone = await walk(asker, IMAGES, [plain], kinds=())
    clock = FakeClock(wall=asker.clock.now() + YEARS)
    late = await signatures(Asker(clock, served=lab.served), zone, IMAGES)

    assert [(each.valid, each.error) for each in late] == [(False, "expired")] * 2
    assert all(each.expires and each.expires < clock.now() for each in late)


async def test_a_ds_record_left_from_another_provider_trusts_no_key(
    asker: Asker, plain: Resolver
) -> None:
    zone = await walk(asker, IMAGES, [plain], kinds=())
    assert zone.ds is not None
    left = RecordSet("example.test", "DS", 4, ("12345 13 2 " + "AB" * 32,))
    misled = replace(zone, ds=replace(zone.ds, records=(left,)))
    found = await signatures(asker, misled, IMAGES)

    assert {each.valid for each in found} == {False}
    assert {each.error for each in found} == {"no key of the zone is the one that the parent names"}


async def test_a_zone_whose_parent_signs_it_but_that_isnt_signed_shows(
    asker: Asker, plain: Resolver
) -> None:
    signed = await walk(asker, IMAGES, [plain], kinds=())
    unsigned = await walk(asker, "images.power.test", [plain], kinds=())
    assert signed.ds is not None
    (ds,) = signed.ds.records
    claimed = replace(signed.ds, question="power.test", records=(replace(ds, name="power.test"),))
    found = await signatures(asker, replace(unsigned, ds=claimed), "images.power.test")

    assert [(each.valid, each.error) for each in found] == [(False, "not signed")]


async def test_no_record_is_nothing_to_validate(asker: Asker, plain: Resolver) -> None:
    zone = await walk(asker, IMAGES, [plain], kinds=())
    found = await signatures(asker, zone, "nobody.example.test")

    assert {each.error for each in found} == {"no record"}


async def test_nothing_is_validated_in_a_zone_that_nobody_vouches_for(
    asker: Asker, plain: Resolver
) -> None:
    zone = await walk(asker, "images.power.test", [plain], kinds=())

    assert await signatures(asker, zone, "images.power.test") == ()
    assert await signatures(asker, Zone("", (), (), ()), IMAGES) == ()
