"""Lame, silent and stuck name servers, and those of which nothing can be known from here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutovers.clean import (
    NS1,
    NS2,
    OLD,
    ZONE,
    at_both,
    broken,
    case,
    finding,
    found,
    record,
    result,
    server,
    zone,
)
from transship.cutover.evidence import NameServer
from transship.cutover.finding import CheckOutcome

LINK = record("CNAME", OLD)
NS3 = ("ns3.example.com", "9.1.1.3")
V6 = ("ns2.example.com", "2001:db8::2")


def quiet(who: tuple[str, str], error: str = "timeout") -> NameServer:
    return broken(who, rcode="", error=error)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (broken(NS3, rcode="REFUSED"), "ns3.example.com (9.1.1.3) answers REFUSED"),
        (broken(NS3, rcode="SERVFAIL"), "answers SERVFAIL"),
        (broken(NS3), "isn't authoritative"),
        (broken(NS3, authority=(record("NS", "a.root.", name=""),)), "refers elsewhere"),
    ],
)
def test_a_server_that_doesnt_serve_the_zone_is_lame(bad: NameServer, words: str) -> None:
    seen = finding(
        case(zone=zone(server(NS1, LINK), server(NS2, LINK), bad)), "P-03", "lame-server"
    )

    assert words in seen.seen
    assert "1 of 3" in seen.means
    assert seen.severity.value == "warn"


def test_when_more_than_half_are_lame_nothing_may_be_changed() -> None:
    bad = zone(server(NS1, LINK), broken(NS2, rcode="REFUSED"), broken(NS3, rcode="REFUSED"))

    assert found(case(zone=bad), "P-03") == {"lame-server": "block"}


def test_no_ipv6_here_doesnt_make_a_server_lame() -> None:
    seen = zone(server(NS1, LINK), server(NS2, LINK), quiet(V6, "unreachable"))

    assert found(case(zone=seen), "P-03") == {"server-out-of-reach": "info"}
    assert "no IPv6" in finding(case(zone=seen), "P-03", "server-out-of-reach").seen


def test_a_silent_server_is_told_from_a_lame_one() -> None:
    seen = zone(server(NS1, LINK), server(NS2, LINK), quiet(NS3))

    assert found(case(zone=seen), "P-03") == {"silent-server": "warn"}


def test_where_port_53_is_shut_nothing_is_known_of_the_servers() -> None:
    shut = case(zone=zone(quiet(NS1), quiet(NS2)))

    assert result(shut, "P-03").outcome is CheckOutcome.OPEN
    assert "port 53" in result(shut, "P-03").needs
    assert found(case(zone=zone(quiet(NS1), quiet(NS2)), resolvers=()), "P-03") == {
        "silent-server": "block"
    }


def test_a_server_without_an_address_and_lists_that_differ_are_told() -> None:
    nowhere = at_both(LINK, unresolved=("ns9.example.com",))
    unlike = at_both(LINK, child_servers=("ns1.example.com", "ns7.example.com"))

    assert found(case(zone=nowhere), "P-03") == {"server-without-address": "warn"}
    seen = finding(case(zone=unlike), "P-03", "servers-differ").seen
    assert "only above: ns2.example.com" in seen
    assert "only in the zone: ns7.example.com" in seen


def test_a_parent_that_couldnt_be_asked_isnt_a_parent_that_names_nobody() -> None:
    assert found(case(zone=at_both(LINK, parent_servers=())), "P-03") == {}


def test_one_transport_alone_is_told() -> None:
    good = server(NS2, LINK)
    bad = replace(good, soa_tcp=replace(good.soa_tcp, rcode="", error="refused"))
    seen = finding(case(zone=zone(server(NS1, LINK), bad)), "P-03", "one-transport-only").seen

    assert "no answer by TCP (refused)" in seen


def test_a_copy_that_is_behind_is_told_by_its_serial() -> None:
    stuck = case(zone=zone(server(NS1, LINK, serial=18), server(NS2, LINK, serial=17)))

    seen = finding(stuck, "P-04", "serial-behind")
    assert seen.seen == "The newest copy of the zone is 18; ns2.example.com (9.1.1.2) has 17."


def test_serials_go_round_in_a_circle() -> None:
    around = case(zone=zone(server(NS1, LINK, serial=2), server(NS2, LINK, serial=2**32 - 1)))

    assert "newest copy of the zone is 2;" in finding(around, "P-04", "serial-behind").seen


def test_serials_of_different_primaries_are_not_compared() -> None:
    two = case(
        zone=zone(
            server(NS1, LINK, serial=5),
            server(NS2, LINK, serial=2026112401, primary="ns2.example.com."),
        )
    )
    assert found(two, "P-04") == {"several-primaries": "info"}


def test_without_a_zone_nothing_is_known() -> None:
    for check in ("P-03", "P-04"):
        assert result(case(zone=None), check).outcome is CheckOutcome.OPEN
    nothing = replace(at_both(LINK), servers=(), error="no name server has an address")
    assert "no name server" in result(case(zone=nothing), "P-03").seen
    assert ZONE in result(case(zone=at_both(LINK)), "P-03").seen
