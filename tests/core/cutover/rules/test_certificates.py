"""Certificates at the target, each with its own thing wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutovers.clean import (
    DAY,
    INTERMEDIATE,
    NAME,
    NOW,
    OLD_AT,
    SAID,
    case,
    chain,
    finding,
    found,
    leaf,
    probe,
    result,
    said,
    shake,
    shakes,
)
from transship.cutover.finding import CheckOutcome
from transship.cutover.rules.case import Case
from transship.cutover.rules.certificates import covers

CHAINED = (leaf(NAME), INTERMEDIATE)


def one(**more: object) -> Case:
    return case(handshakes=shakes(**more))


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        (NAME, NAME.upper(), True),
        ("*.example.com", NAME, True),
        ("*.com", NAME, False),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", "example.com", False),
        ("example.com", NAME, False),
        ("*.com", "example.com", False),
        ("*", "com", False),
    ],
)
def test_a_wildcard_stands_for_one_label(pattern: str, name: str, covered: bool) -> None:
    assert covers(pattern, name) is covered


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({}, {}),
        (
            {"chain": (leaf("*.newcloud.org"),), "verify_code": 62},
            {"certificate-name-mismatch": "block"},
        ),
        # An unknown issuer is found first and hides the name.
        (
            {"chain": (leaf("other.org"),), "verify_code": 20},
            {"certificate-name-mismatch": "block"},
        ),
        (
            {"chain": (leaf(NAME, not_after=NOW - 1),), "verify_code": 10},
            {"certificate-expired": "block"},
        ),
        (
            {"chain": (leaf(NAME), replace(INTERMEDIATE, not_after=NOW - 1))},
            {"certificate-expired": "block"},
        ),
        (
            {"chain": (leaf(NAME, not_before=NOW + 99),), "verify_code": 9},
            {"certificate-not-yet-valid": "block"},
        ),
        ({"error": "unrecognized name", "chain": ()}, {"tls-failed": "block"}),
        ({"error": "plain http", "chain": ()}, {"tls-failed": "block"}),
        ({"error": "closed", "chain": ()}, {"tls-failed": "block"}),
    ],
)
def test_a_certificate_for_the_name(more: dict[str, object], outcome: dict[str, str]) -> None:
    assert found(one(**more), "P-13") == outcome


def test_a_mismatch_is_told_in_the_words_that_clients_use() -> None:
    wrong = one(chain=(leaf("*.newcloud.org"),), verify_code=62)
    seen = finding(wrong, "P-13", "certificate-name-mismatch")

    assert "certificate is valid for *.newcloud.org, not images.example.com" in seen.means


def test_an_address_that_wasnt_tried_leaves_it_open() -> None:
    two = case(target=chain("registry.newcloud.org", to=("5.6.7.8", "5.6.7.9")))

    assert result(two, "P-13").outcome is CheckOutcome.OPEN
    assert "5.6.7.9" in result(two, "P-13").needs


@pytest.mark.parametrize(
    ("names", "outcome"),
    [
        (("*.example.com",), {}),
        (("*.com",), {"wildcard-too-high": "block"}),
        ((), {"certificate-without-names": "block"}),
        (("other.org",), {}),
    ],
)
def test_names_inside(names: tuple[str, ...], outcome: dict[str, str]) -> None:
    assert found(one(chain=(leaf(*names), INTERMEDIATE)), "P-14") == outcome


@pytest.mark.parametrize(
    ("days", "outcome"),
    [
        (90, {}),
        (20, {"certificate-expires-soon": "warn"}),
        (2, {"certificate-expires-in-window": "block"}),
    ],
)
def test_the_certificate_outlives_the_way_back(days: int, outcome: dict[str, str]) -> None:
    own = one(chain=(leaf(NAME, not_after=NOW + days * DAY), INTERMEDIATE))
    above = one(chain=(leaf(NAME), replace(INTERMEDIATE, not_after=NOW + days * DAY)))

    assert found(own, "P-15") == found(above, "P-15") == outcome


@pytest.mark.parametrize(
    ("dates", "outcome"),
    [
        (("Fri, 15 Jan 2027 08:00:00 GMT",), {}),
        (("Fri, 15 Jan 2027 09:00:00 GMT",), {"clock-differs": "warn"}),
        # Somewhere on the way an old answer was kept.
        (("Fri, 15 Jan 2027 07:00:00 GMT", "Fri, 15 Jan 2027 08:00:01 GMT"), {}),
        (("yesterday", "Fri, 99 Jan 2027 07:00:00 GMT", ""), {}),
    ],
)
def test_this_machines_clock(dates: tuple[str, ...], outcome: dict[str, str]) -> None:
    probes = tuple(probe(headers=(("date", date),)) for date in dates)

    assert found(case(probes=probes), "P-13") == outcome


def test_nobody_who_renews_is_a_remark() -> None:
    assert found(case(statements=()), "P-15") == {"renewal-unknown": "info"}


def test_a_lone_certificate_lacks_its_intermediate() -> None:
    alone = {"chain": (leaf(NAME),), "verify_code": 20, "verify_message": "no local issuer"}
    by_file = shake(trust="/ca.pem", chain=(leaf(NAME),))

    assert found(one(**alone), "P-16") == {"intermediate-missing": "block"}
    assert "fullchain.pem" in finding(one(**alone), "P-16", "intermediate-missing").remedy
    assert found(one(**alone), "P-17") == {}
    assert found(case(handshakes=(*shakes(**alone), by_file)), "P-16") == {}
    root = leaf(NAME, issuer=f"CN={NAME}")
    assert found(one(chain=(root,), verify_code=18), "P-16") == {}


def test_an_authority_that_nobody_knows_blocks() -> None:
    unknown = {"chain": CHAINED, "verify_code": 19, "verify_message": "self-signed in chain"}

    assert found(one(**unknown), "P-17") == {}, "a node has said that it is fine"
    silent = case(handshakes=shakes(**unknown), statements=())
    assert found(silent, "P-17") == {"authority-not-trusted": "block"}
    assert "certs.d/images.example.com" in finding(silent, "P-17", "authority-not-trusted").record


def test_the_nodes_own_authorities_decide() -> None:
    unknown = shakes(chain=CHAINED, verify_code=19)
    trusting = case(handshakes=(*unknown, shake(trust="/ca.pem")), statements=())
    neither = shake(trust="/ca.pem", verify_code=19)

    assert result(trusting, "P-17").outcome is CheckOutcome.PASS
    assert found(case(handshakes=(*unknown, neither), statements=()), "P-17") == {
        "authority-not-trusted": "block"
    }


def test_what_nodes_trust_is_asked_and_what_they_say_counts() -> None:
    assert result(case(statements=()), "P-17").outcome is CheckOutcome.OPEN
    bad = (*SAID, said("node-trust", "Verify return code: 20 (unable to get issuer)", NOW + 1))
    assert found(case(statements=bad), "P-17") == {"authority-not-trusted": "block"}


def test_an_authority_of_this_machine_alone_is_told() -> None:
    mixed = (shake(), shake(trust="certifi", verify_code=20))

    assert found(case(handshakes=mixed, statements=()), "P-17") == {"trusted-here-only": "warn"}


def test_a_private_authority_on_the_old_side_is_pinned_on_nodes() -> None:
    old = shakes(OLD_AT, chain=(leaf(NAME, issuer="CN=Our CA"),), verify_code=20)
    pinned = case(handshakes=(*shakes(), *old), statements=())

    assert found(pinned, "P-17") == {"old-authority-private": "warn"}
    assert "Our CA" in finding(pinned, "P-17", "old-authority-private").seen


def test_old_versions_of_tls_are_told() -> None:
    assert found(one(version="TLSv1.1"), "P-19") == {"tls-old": "info"}
    assert result(case(handshakes=()), "P-19").outcome is CheckOutcome.OPEN


def test_without_a_handshake_nothing_is_known() -> None:
    for check in ("P-13", "P-14", "P-15", "P-16", "P-17", "P-19"):
        assert result(case(handshakes=()), check).outcome is CheckOutcome.OPEN, check
