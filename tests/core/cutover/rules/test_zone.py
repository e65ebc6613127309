"""The zone, its top, the record as it is, and "no such name"."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutovers.clean import (
    NAME,
    NEW,
    NS1,
    NS2,
    OLD,
    OLD_AT,
    SAID,
    SUBJECT,
    ZONE,
    at_both,
    broken,
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
from transship.cutover.evidence import ZoneEvidence
from transship.cutover.finding import CheckOutcome

LINK = record("CNAME", OLD)
APEX = replace(SUBJECT, domain=Domain(ZONE))


def test_a_domain_without_a_zone_cant_be_moved() -> None:
    gone = case(zone=ZoneEvidence("", (), (), (), error="no zone found (NXDOMAIN)"))

    assert found(gone, "P-02") == {"zone-not-found": "block"}


@pytest.mark.parametrize("why", ["refused", "timeout", "unreachable", "no resolver"])
def test_a_machine_without_dns_says_nothing_of_the_zone(why: str) -> None:
    assert (
        result(case(zone=ZoneEvidence("", (), (), (), error=why)), "P-02").outcome
        is CheckOutcome.OPEN
    )


def test_at_the_top_of_a_zone_no_cname_may_be() -> None:
    top = record("A", OLD_AT, name=ZONE)
    there = {"zone": zone(server(NS1, top, name=ZONE))}

    assert found(case(APEX, **there), "P-02") == {"apex": "block"}
    assert "ALIAS" in finding(case(APEX, **there), "P-02", "apex").remedy
    told = (*SAID, said("apex-record", "alias"))
    assert found(case(APEX, **there, statements=told), "P-02") == {"apex": "info"}
    assert found(case(replace(APEX, record="5.6.7.8"), **there), "P-02") == {"apex": "info"}


def test_a_name_without_a_record_is_missing() -> None:
    assert found(case(zone=zone(server(NS1, LINK), server(NS2))), "P-05") == {
        "name-missing": "block"
    }
    half = finding(case(zone=zone(server(NS1), server(NS2, LINK))), "P-05", "name-missing")
    assert half.record == f"{NAME}. 60 IN CNAME {OLD}"
    seen = finding(case(zone=zone(server(NS1), server(NS2))), "P-05", "name-missing")
    assert seen.record == ""
    assert NAME in seen.seen
    assert "5 min" in seen.means


def test_answers_that_differ_are_not_all_of_the_record() -> None:
    geo = zone(server(NS1, LINK), server(NS2, record("CNAME", "other.oldcloud.net.")))

    assert found(case(zone=geo), "P-05") == {"answers-differ": "warn"}
    told = (*SAID, said("record-exported", "yes"))
    assert found(case(zone=geo, statements=told), "P-05") == {"answers-differ": "info"}


def test_addresses_that_turn_are_no_disagreement() -> None:
    turning = zone(
        server(NS1, record("A", "1.2.3.4", "1.2.3.5")),
        server(NS2, record("A", "1.2.3.5", "1.2.3.6")),
    )
    assert found(case(zone=turning), "P-05") == {}


def test_a_change_on_its_way_is_no_geodns() -> None:
    half = zone(server(NS1, record("CNAME", NEW)), server(NS2, LINK))

    assert found(case(zone=half), "P-05") == {}


def test_a_record_that_cant_be_read_cant_be_put_back() -> None:
    bad = zone(broken(NS1, rcode="REFUSED"), broken(NS2, rcode="REFUSED"))

    assert found(case(zone=bad, resolvers=()), "P-05") == {"record-unreadable": "block"}
    assert result(case(zone=None), "P-05").outcome is CheckOutcome.OPEN


def test_a_type_that_nobody_answers_for_may_be_lacking() -> None:
    def mute(each):  # type: ignore[no-untyped-def]
        answers = tuple(
            replace(a, rcode="", error="timeout") if a.type == "SVCB" else a for a in each.answers
        )
        return replace(each, answers=answers)

    seen = zone(mute(server(NS1, LINK)), mute(server(NS2, LINK)))
    assert found(case(zone=seen), "P-05") == {"snapshot-incomplete": "info"}


@pytest.mark.parametrize(("ttl", "outcome"), [(900, {}), (901, {"negative-ttl-long": "warn"})])
def test_no_such_name_should_soon_be_forgotten(ttl: int, outcome: dict[str, str]) -> None:
    assert found(case(zone=at_both(LINK, negative_ttl=ttl)), "P-34") == outcome


def test_a_long_negative_ttl_is_told_with_what_it_does() -> None:
    seen = finding(case(zone=at_both(LINK, negative_ttl=3600)), "P-34", "negative-ttl-long")

    assert "missing for one second, some pulls fail for 1 h 00 min" in seen.means
    assert "never delete it first" in seen.remedy
