"""The name itself, and what else answers for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutovers.clean import (
    CLEAN,
    NAME,
    NEW,
    OLD,
    OLD_AT,
    SAID,
    SUBJECT,
    ZONE,
    answer,
    case,
    finding,
    found,
    record,
    result,
    said,
    server,
    zone,
)
from transship.cutover.domain import Domain
from transship.cutover.finding import CheckOutcome

CLOUDFLARE = [("ada.ns.cloudflare.com", "9.1.1.1"), ("bob.ns.cloudflare.com", "9.1.1.2")]


@pytest.mark.parametrize(
    ("domain", "new", "outcome"),
    [
        (Domain(NAME), "new.org", {}),
        (Domain(NAME, 5000), "new.org:5000", {"port-in-name": "info"}),
        (Domain(NAME, 5000), "new.org", {"port-differs": "block"}),
        (Domain(NAME), "new.org:8443", {"port-differs": "block"}),
        (
            Domain("xn--bcher-kva.example", shown="bücher.example"),
            "new.org",
            {"international-name": "info"},
        ),
        (Domain("-bad-.example"), "new.org", {"not-a-name": "block"}),
        (Domain("localhost"), "new.org", {"not-a-name": "block"}),
        (Domain("1.2.3.4"), "new.org", {"not-a-name": "block"}),
    ],
)
def test_the_name_and_its_port(domain: Domain, new: str, outcome: dict[str, str]) -> None:
    assert found(case(replace(SUBJECT, domain=domain, new=new)), "P-01") == outcome


def test_addresses_at_a_provider_that_flattens_may_be_something_else_there() -> None:
    flat = zone(*(server(who, record("A", OLD_AT)) for who in CLOUDFLARE))
    own = zone(server(("ns1.example.com", "9.1.1.1"), record("A", OLD_AT)))

    assert found(case(zone=flat), "P-06") == {"maybe-flattened": "warn"}
    assert found(case(zone=own), "P-06") == {}
    # Nobody knows of an unknown provider whether it flattens: it is asked for, and stops nothing.
    assert result(case(zone=own), "P-06").outcome is CheckOutcome.OPEN
    kept = (*SAID, said("provider-value", "A 1.2.3.4"))
    assert result(case(zone=own, statements=kept), "P-06").outcome is CheckOutcome.PASS
    told = (*SAID, said("provider-value", "CNAME registry.oldcloud.net, proxied"))
    assert found(case(zone=flat, statements=told), "P-06") == {"maybe-flattened": "info"}


def beside(*values: str):  # type: ignore[no-untyped-def]
    name = "f00.example.com"
    return answer("A", record("CNAME", *values, name=name), name=name)


def test_a_name_that_exists_through_a_wildcard_alone_has_no_record_to_change() -> None:
    seen = finding(case(wildcard=beside(OLD)), "P-08", "wildcard-only")

    assert seen.severity.value == "warn"
    assert "*.example.com" in seen.seen
    assert seen.record == f"{NAME}. 60 IN CNAME {OLD}"


def test_a_wildcard_beside_a_record_of_its_own_is_told() -> None:
    assert found(case(wildcard=beside("elsewhere.net.")), "P-08") == {"wildcard-beside": "info"}


def test_below_a_dname_no_record_counts() -> None:
    above = answer("DNAME", record("DNAME", "newzone.net.", name=ZONE), name=ZONE)

    assert found(case(aliases=(above,)), "P-08") == {"dname-above": "warn"}


def test_without_an_answer_nothing_is_known_of_wildcards() -> None:
    for nothing in (None, answer("A", rcode="", error="timeout"), answer("A", rcode="SERVFAIL")):
        assert result(case(wildcard=nothing), "P-08").outcome is CheckOutcome.OPEN


def txt(mark: str, text: str):  # type: ignore[no-untyped-def]
    name = f"{mark}{NAME}"
    return (answer("TXT", record("TXT", f'"{text}"', name=name), name=name),)


def test_external_dns_would_put_the_record_back() -> None:
    owned = txt("cname-", "heritage=external-dns,external-dns/owner=usc1,external-dns/x=y")
    seen = finding(case(ownership=owned), "P-09", "managed")

    assert seen.severity.value == "block"
    assert "external-dns (owner usc1) manages this record" in seen.means
    told = (*CLEAN.evidence.statements, said("automation", "at-source", 2e9))
    assert found(case(ownership=owned, statements=told), "P-09") == {"managed": "info"}


def test_octodns_leaves_a_mark_too_and_other_txt_is_none() -> None:
    assert found(case(ownership=txt("_owner.", "team-a")), "P-09") == {"managed": "block"}
    assert found(case(ownership=txt("", "v=spf1 -all")), "P-09") == {}


def test_what_leaves_no_mark_is_asked_about() -> None:
    for statements in ((), (said("automation", "unsure"),)):
        open_ = result(case(statements=statements), "P-09")
        assert open_.outcome is CheckOutcome.OPEN
        assert "automation" in open_.needs
    assert result(case(ownership=()), "P-09").outcome is CheckOutcome.OPEN


def test_after_the_change_the_wildcard_is_no_matter() -> None:
    flipped = zone(server(("ns1.example.com", "9.1.1.1"), record("CNAME", NEW)))

    assert found(case(zone=flipped, wildcard=beside(NEW)), "P-08") == {}
