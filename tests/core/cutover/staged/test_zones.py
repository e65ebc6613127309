"""Findings on the zone and its servers, each made to appear for real."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update
import pytest

from cutovers.clean import finding, found, result
from cutovers.staging import answered, grave, later
from servers.dns.crooked import crooked, silence
from servers.dns.knot import KEY_ALGORITHM, KEY_NAME, KEY_SECRET
from servers.dns.lab import EXAMPLE
from servers.dns.staged import FLAT, SIGNED, STAGED, Signer, deaf_to, zone
from servers.dns.zones import NEW, OLD
from servers.process import has_ipv6, has_way
from transship.clock import SystemClock
from transship.cutover.domain import parse_domain
from transship.cutover.finding import CheckOutcome
from transship.cutover.observe.dns_queries import DnsClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cutovers.staging import Looks
    from servers.dns.crooked import Reply
    from servers.dns.lab import DnsLab

    Stage = Callable[..., Awaitable[str]]
    Both = Callable[..., Awaitable[None]]

LINK = f"images 4 CNAME {OLD}"
IMAGES = "images.staged.test"
SIGNED_IMAGES = "images.example.test."


@pytest.fixture
def both(stage: Stage) -> Both:
    """Serve `staged.test.` with these lines at both of its servers."""

    async def serve(*lines: str, **options: Any) -> None:
        for place in (1, 2):
            await stage(place, zone(STAGED, *lines, **options))

    return serve


# The name


async def test_a_name_and_its_port(looks: Looks, lab: DnsLab) -> None:
    international = parse_domain("bücher.example.test:5000")
    lab.set(f"{international.name}.", "CNAME", OLD)
    elsewhere = await looks.names(international)
    there = await looks.names(international, new="registry.newcloud.test:5000")

    assert found(elsewhere, "P-01") == {"port-differs": "block", "international-name": "info"}
    assert found(there, "P-01") == {"port-in-name": "info", "international-name": "info"}
    assert "xn--bcher-kva.example.test" in finding(there, "P-01", "international-name").seen
    assert grave(there).keys() <= {"P-12"}


async def test_what_is_no_name(looks: Looks) -> None:
    written = await looks.names("images example.test")

    assert found(written, "P-01") == {"not-a-name": "block"}


async def test_a_name_in_no_zone(looks: Looks) -> None:
    assert found(await looks.names("images.nowhere.nosuch"), "P-02") == {"zone-not-found": "block"}


async def test_the_top_of_a_zone_with_an_answer(looks: Looks) -> None:
    top = await looks.names("example.test", told={"apex-record": "alias"})
    addressed = await looks.names("example.test", record="198.51.100.7")

    assert found(top, "P-02") == found(addressed, "P-02") == {"apex": "info"}


# The servers


async def test_a_server_that_says_nothing(looks: Looks, stage: Stage) -> None:
    await stage(1, zone(STAGED, LINK))
    mute = await stage(2, silence, tcp=silence)
    seen = await looks.names(IMAGES)

    assert found(seen, "P-03") == {"silent-server": "warn"}
    assert f"({mute}): timeout" in result(seen, "P-03").seen


async def test_a_server_that_is_shut_for_tcp(looks: Looks, stage: Stage) -> None:
    await stage(1, zone(STAGED, LINK))
    await stage(2, zone(STAGED, LINK), tcp=None)
    seen = await looks.names(IMAGES)

    assert found(seen, "P-03") == {"one-transport-only": "warn"}
    assert "no answer by TCP (refused)" in result(seen, "P-03").seen


async def test_a_zone_that_names_other_servers_than_its_parent(looks: Looks, both: Both) -> None:
    await both(LINK, "ns3 4 A 127.0.0.9", servers=(f"ns1.{STAGED}", f"ns3.{STAGED}"))
    seen = await looks.names(IMAGES)

    assert found(seen, "P-03")["servers-differ"] == "warn"
    assert "only above: ns2.staged.test; only in the zone: ns3.staged.test" in (
        finding(seen, "P-03", "servers-differ").seen
    )


async def test_a_server_with_ipv6(looks: Looks, stage: Stage, lab: DnsLab) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    text = zone(STAGED, LINK, f"ns1 4 A {lab.block.address('4.1')}", "ns2 4 AAAA ::1")
    await stage(1, text)
    async with crooked(text, text, address="::1") as six:
        dns_client = DnsClient(SystemClock(), served=(*lab.served, ("::1", f"[::1]:{six.port}")))
        seen = await replace(looks, dns_client=dns_client).names(IMAGES)

    assert found(seen, "P-03") == {}
    assert seen.evidence.zone is not None
    assert [s.address for s in seen.evidence.zone.servers] == [lab.block.address("4.1"), "::1"]


async def test_a_server_to_which_there_is_no_way(looks: Looks, stage: Stage, lab: DnsLab) -> None:
    nowhere = "2001:db8::53"
    if has_way(nowhere):
        pytest.skip("this machine has a way to the IPv6 internet")
    await stage(
        1, zone(STAGED, LINK, f"ns1 4 A {lab.block.address('4.1')}", f"ns2 4 AAAA {nowhere}")
    )
    seen = await looks.names(IMAGES)

    assert found(seen, "P-03") == {"server-out-of-reach": "info"}


async def test_two_providers_whose_copies_are_their_own(looks: Looks, stage: Stage) -> None:
    await stage(1, zone(STAGED, LINK, soa=f"ns1.{STAGED} 17 3"))
    await stage(2, zone(STAGED, LINK, soa=f"ns2.{STAGED} 2026110100 3"))
    seen = await looks.names(IMAGES)

    assert found(seen, "P-04") == {"several-primaries": "info"}
    assert grave(seen).keys() <= {"P-12"}


async def test_servers_that_answer_differently(looks: Looks, stage: Stage) -> None:
    await stage(1, zone(STAGED, LINK))
    await stage(2, zone(STAGED, "images 4 CNAME elsewhere.oldcloud.test."))
    seen = await looks.names(IMAGES)
    exported = answered(seen, {"record-exported": "yes"})

    assert found(seen, "P-05") == {"answers-differ": "warn"}
    assert found(exported, "P-05") == {"answers-differ": "info"}


async def test_a_server_that_lacks_the_record(looks: Looks, stage: Stage) -> None:
    await stage(1, zone(STAGED, LINK))
    lacking = await stage(2, zone(STAGED, "other 4 A 127.0.0.9"))
    seen = await looks.names(IMAGES)

    assert found(seen, "P-05") == {"name-missing": "block"}
    assert lacking in result(seen, "P-05").seen


async def test_servers_that_dont_know_some_types(looks: Looks, stage: Stage) -> None:
    for place in (1, 2):
        await stage(place, deaf_to(zone(STAGED, LINK), "SVCB", "HTTPS"))
    seen = await looks.names(IMAGES)

    assert found(seen, "P-05") == {"snapshot-incomplete": "info"}
    assert "HTTPS and SVCB" in finding(seen, "P-05", "snapshot-incomplete").seen


async def test_a_long_memory_of_no_such_name(looks: Looks, both: Both) -> None:
    await both(LINK, soa=f"ns1.{STAGED} 1 3600")

    assert found(await looks.names(IMAGES), "P-34") == {"negative-ttl-long": "warn"}


# The record


async def test_a_provider_that_shows_addresses_for_a_name(looks: Looks, stage: Stage) -> None:
    server = "ada.ns.cloudflare.com."
    await stage(1, zone(FLAT, "images 4 A 198.51.100.7", servers=[server], soa=f"{server} 1 3"))
    seen = await looks.names("images.flat.test")
    noted = answered(seen, {"provider-value": "CNAME registry.oldcloud.test, proxied"})

    assert found(seen, "P-06") == {"maybe-flattened": "warn"}
    assert "its provider is Cloudflare" in result(seen, "P-06").seen
    assert found(noted, "P-06") == {"maybe-flattened": "info"}


async def test_a_ttl_that_is_lowered_and_has_to_run_out(looks: Looks, lab: DnsLab) -> None:
    name = "slow.example.test"
    lab.set(f"{name}.", "CNAME", OLD, ttl=3600)
    high = await looks.names(name)
    lab.set(f"{name}.", "CNAME", OLD, ttl=60)
    lowered = await looks.names(name, before=high)

    assert found(high, "P-07") == {"ttl-high": "block"}
    assert found(lowered, "P-07") == {"ttl-draining": "block"}
    assert found(later(lowered, 3500), "P-07") == {"ttl-draining": "block"}
    assert result(later(lowered, 3700), "P-07").outcome is CheckOutcome.PASS
    assert "60 s" in result(later(lowered, 3700), "P-07").seen


@pytest.mark.parametrize(
    ("ttl", "outcome"),
    [(500, {"ttl-rather-high": "warn"}), (60, {}), (4, {"ttl-very-low": "info"})],
)
async def test_ttls(looks: Looks, lab: DnsLab, ttl: int, outcome: dict[str, str]) -> None:
    lab.set("some.example.test.", "CNAME", OLD, ttl=ttl)

    assert found(await looks.names("some.example.test"), "P-07") == outcome


async def test_a_wildcard_beside_a_record_of_its_own(looks: Looks, lab: DnsLab) -> None:
    lab.set("made.wild.example.test.", "CNAME", "elsewhere.oldcloud.test.")
    seen = await looks.names("made.wild.example.test")

    assert found(seen, "P-08") == {"wildcard-beside": "info"}


async def test_a_record_that_octodns_owns(looks: Looks, both: Both) -> None:
    await both(LINK, '_owner.images 4 TXT "octodns"')
    seen = await looks.names(IMAGES)
    at_source = answered(seen, {"automation": "at-source"})

    assert found(seen, "P-09") == {"managed": "block"}
    assert "octoDNS manages this record" in finding(seen, "P-09", "managed").means
    assert found(at_source, "P-09") == {"managed": "info"}


# Who may issue


async def test_who_may_issue_changes_with_the_record(looks: Looks, both: Both) -> None:
    await both("images 4 A 127.0.0.9", '@ 4 CAA 0 issue "letsencrypt.org"')
    seen = await looks.names(IMAGES)

    assert found(seen, "P-18") == {"caa-changes": "warn"}
    assert "today: letsencrypt.org. After the change: digicert.com" in result(seen, "P-18").seen


async def test_a_tag_that_no_authority_knows(looks: Looks, both: Both) -> None:
    await both("images 4 A 127.0.0.9", "new 4 A 127.0.0.9", '@ 4 CAA 128 tbs "unknown"')
    seen = await looks.names(IMAGES, new="new.staged.test")

    assert found(seen, "P-18") == {"caa-critical": "warn"}


# Signatures


@pytest.mark.parametrize(
    ("signer", "outcome"),
    [
        (Signer(), {}),
        (Signer(forged=True), {"signature-invalid": "block"}),
        (Signer(lasts=-60), {"signature-invalid": "block"}),
        (Signer(lasts=3600), {"signatures-end-soon": "warn"}),
        (Signer(lasts=100), {"signatures-end-soon": "block"}),
        (None, {"signature-invalid": "block"}),
    ],
    ids=["good", "forged", "expired", "ending", "ends", "none"],
)
async def test_signatures(
    looks: Looks, stage: Stage, signer: Signer | None, outcome: dict[str, str]
) -> None:
    link = f"images 60 CNAME {OLD}"
    await stage(3, zone(SIGNED, link, servers=[f"ns.{SIGNED}"], signer=signer))
    seen = await looks.names("images.signed.test")

    assert found(seen, "P-33") == outcome
    assert seen.evidence.zone is not None
    assert seen.evidence.zone.signed


# What it is to point at


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("words.example.test", {"target-without-address": "block"}),
        ("chain0.example.test", {"target-chain-too-long": "block"}),
        ("loop-a.example.test", {"target-loop": "block"}),
        ("made.wild.example.test", {}),
    ],
)
async def test_where_the_target_leads(looks: Looks, name: str, outcome: dict[str, str]) -> None:
    assert found(await looks.names("images.example.test", new=name), "P-11") == outcome


async def test_a_target_that_leads_back(looks: Looks, lab: DnsLab) -> None:
    lab.set("back.example.test.", "CNAME", "images.example.test.")
    seen = await looks.names("images.example.test", new="back.example.test")

    assert found(seen, "P-11") == {"target-leads-back": "block"}


async def test_a_target_without_ipv6_and_one_inside(looks: Looks, lab: DnsLab) -> None:
    lab.set("public.example.test.", "A", "1.2.3.4")

    assert found(await looks.names("dual.example.test"), "P-11") == {"ipv6-lost": "warn"}
    assert found(await looks.names("public.example.test"), "P-11") == {"target-private": "warn"}


async def test_an_address_that_a_resolver_made_up(looks: Looks, both: Both) -> None:
    await both(LINK, "new 4 A 1.2.3.4", "new 4 AAAA 64:ff9b::102:304")
    seen = await looks.names(IMAGES, new="new.staged.test")

    assert found(seen, "P-11") == {"dns64": "info"}


# The change


async def test_a_change_that_stops_half_way(looks: Looks, stage: Stage) -> None:
    first: Reply = zone(STAGED, LINK)
    replies = {"now": first}
    await stage(1, lambda query: replies["now"](query))
    await stage(2, first)
    before = await looks.names(IMAGES)
    replies["now"] = zone(STAGED, f"images 3600 CNAME {NEW}", soa=f"ns1.{STAGED} 2 3")
    half = await looks.names(IMAGES, before=before)

    assert found(half, "F-01") == {"half-changed": "warn", "new-ttl-high": "warn"}
    assert found(later(half, 200), "F-01") == {"half-changed": "block", "new-ttl-high": "warn"}
    assert found(half, "P-04") == {"serial-behind": "warn"}


async def test_a_change_to_another_target(looks: Looks, lab: DnsLab) -> None:
    lab.set("images.example.test.", "CNAME", OLD)
    before = await looks.names("images.example.test")
    lab.set("images.example.test.", "CNAME", "registry.newclod.test.")
    seen = await looks.names("images.example.test", before=before)

    assert found(seen, "F-04") == {"other-target": "block"}
    assert "slip of the pen" in finding(seen, "F-04", "other-target").means
    assert found(seen, "F-07") == {"dangling": "block"}


async def test_an_update_that_takes_a_signed_record_away(looks: Looks, lab: DnsLab) -> None:
    lab.primary.remember(EXAMPLE, SIGNED_IMAGES)
    before = await looks.names("images.example.test")
    keyring = dns.tsigkeyring.from_text({KEY_NAME: KEY_SECRET})
    update = dns.update.UpdateMessage(EXAMPLE, keyring=keyring, keyalgorithm=KEY_ALGORITHM)
    # "Delete and add" in one message: a signed zone of Knot takes that for "delete".
    update.replace(SIGNED_IMAGES, 4, "CNAME", NEW)
    said = await asyncio.to_thread(
        dns.query.tcp, update, lab.primary.address, timeout=5, port=lab.block.port
    )
    lab.settle()
    seen = await looks.names("images.example.test", before=before)

    assert said.rcode() == dns.rcode.NOERROR
    assert found(seen, "F-02") == {"record-gone": "block"}
    assert "only add" in finding(seen, "F-02", "record-gone").remedy
    assert finding(seen, "F-02", "record-gone").record == f"images.example.test. 4 IN CNAME {OLD}"
    assert found(seen, "R-01") == {"go-back": "warn"}


async def test_a_cname_beside_other_records(looks: Looks, both: Both) -> None:
    await both(LINK, "images 4 A 127.0.0.9")

    assert found(await looks.names(IMAGES), "F-05") == {"cname-and-other": "block"}


async def test_an_a_left_over(looks: Looks) -> None:
    assert found(await looks.names("dual.example.test", record="::1"), "F-05") == {
        "ipv4-left": "block"
    }


async def test_a_doubled_name_that_nobody_asks_for(looks: Looks, lab: DnsLab) -> None:
    lab.set("images.example.test.", "CNAME", NEW)
    seen = await looks.names("images.example.test")

    assert found(seen, "F-03") == {"owner-doubled": "warn"}
