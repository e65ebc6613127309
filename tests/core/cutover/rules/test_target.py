"""What the domain is to point at: missing, looping, shut, private, without IPv6, not bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutovers.clean import (
    CLEAN,
    NAME,
    NEW_AT,
    OLD_AT,
    SUBJECT,
    case,
    chain,
    finding,
    found,
    leaf,
    probe,
    result,
    shake,
    shakes,
)
from transship.cutover.evidence import Chain, Handshake
from transship.cutover.finding import CheckOutcome

START = "registry.newcloud.org"
V6 = "2606:4700::1"


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        (chain(START, rcode="NXDOMAIN", error="NXDOMAIN"), {"target-missing": "block"}),
        (
            chain(START, "gone.net.", rcode="NXDOMAIN", error="NXDOMAIN"),
            {"target-missing": "block"},
        ),
        (chain(START, "a.net.", f"{START}.", error="loop"), {"target-loop": "block"}),
        (
            chain(START, *(f"a{i}.net." for i in range(9)), error="too long"),
            {"target-chain-too-long": "block"},
        ),
        (chain(START, error="no address"), {"target-without-address": "block"}),
        (chain(START, rcode="SERVFAIL", error="SERVFAIL"), {"target-without-address": "block"}),
        (chain(START, f"{NAME}.", to=(OLD_AT,)), {"target-leads-back": "block"}),
        (chain(START, to=("10.0.3.7",)), {"target-private": "warn"}),
        (chain(START, to=(NEW_AT, "64:ff9b::506:708")), {"dns64": "info"}),
        (chain(START, "cdn.net.", to=(NEW_AT,)), {}),
    ],
)
def test_where_the_target_leads(target: Chain, outcome: dict[str, str]) -> None:
    assert found(case(target=target), "P-11") == outcome


def test_a_missing_target_is_told_as_the_danger_that_it_is() -> None:
    gone = chain(START, "gone.net.", rcode="NXDOMAIN", error="NXDOMAIN")
    seen = finding(case(target=gone), "P-11", "target-missing")

    assert seen.seen == f"gone.net doesn't exist, and {START} leads there."
    assert "dangling" in seen.means


def test_a_machine_without_dns_says_nothing_of_the_target() -> None:
    for nothing in (None, chain(START, rcode="", error="timeout")):
        assert result(case(target=nothing), "P-11").outcome is CheckOutcome.OPEN


def test_ipv6_that_the_target_lacks_is_lost() -> None:
    both = chain(NAME, to=(OLD_AT, V6))
    made_up = chain(NAME, to=(OLD_AT, "64:ff9b::102:304"))

    assert found(case(today=both), "P-11") == {"ipv6-lost": "warn"}
    assert found(case(today=made_up), "P-11") == {}


def both_families(*more: Handshake) -> dict[str, object]:
    return {"target": chain(START, to=(NEW_AT, V6)), "handshakes": (*shakes(), *more)}


def test_every_address_is_tried() -> None:
    refused = shake(V6, error="refused", chain=(), trust="")
    away = shake(V6, error="unreachable", chain=(), trust="")
    fine = shake(V6)

    assert found(case(**both_families(refused)), "P-12") == {"ipv6-shut": "warn"}
    assert found(case(**both_families(away)), "P-12") == {"address-out-of-reach": "info"}
    assert "no IPv6" in finding(case(**both_families(away)), "P-12", "address-out-of-reach").seen
    assert found(case(**both_families(fine)), "P-12") == {}
    assert V6 in result(case(**both_families()), "P-12").needs


def test_a_shut_address_blocks() -> None:
    shut = (shake(error="timeout", chain=(), trust=""),)

    assert found(case(handshakes=shut), "P-12") == {"target-shut": "block"}
    assert "access list" in finding(case(handshakes=shut), "P-12", "target-shut").remedy


def test_a_server_that_takes_the_connection_and_no_tls_is_open() -> None:
    silent = (shake(error="silent", chain=(), trust=""),)

    assert found(case(handshakes=silent), "P-12") == {}
    assert found(case(handshakes=silent), "P-13") == {"tls-failed": "block"}


def test_only_addresses_out_of_reach_leave_it_open() -> None:
    away = (shake(error="unreachable", chain=(), trust=""),)

    assert result(case(handshakes=away), "P-12").outcome is CheckOutcome.OPEN


def test_a_domain_that_isnt_attached_is_told_with_how_to() -> None:
    other = shakes(chain=(leaf("*.newcloud.org"),), verify_code=62, verify_message="mismatch")
    html = probe(status=404, registry=False, challenge="", realm=None)
    tcr = replace(SUBJECT, new="team.tencentcloudcr.com")
    spoilt = {"handshakes": other, "probes": (html,)}

    assert found(case(**spoilt), "P-10") == {"domain-not-attached": "block"}
    assert (
        "TCR: Custom domain" in finding(case(tcr, **spoilt), "P-10", "domain-not-attached").remedy
    )
    assert result(case(), "P-10").outcome is CheckOutcome.PASS
    assert result(case(probes=()), "P-10").outcome is CheckOutcome.OPEN
    assert CLEAN.subject.new in finding(case(**spoilt), "P-10", "domain-not-attached").means
