"""The change at the name servers: half made, lost, mistyped, with something left over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cutovers.clean import (
    FLIPPED,
    HISTORY,
    NAME,
    NEW,
    NEW_AT,
    NOW,
    NS1,
    NS2,
    OLD,
    OLD_AT,
    SUBJECT,
    ZONE,
    answer,
    at_both,
    broken,
    case,
    chain,
    finding,
    found,
    record,
    result,
    server,
    zone,
)
from transship.cutover.finding import CheckOutcome
from transship.cutover.rules.case import Case, Side, sides
from transship.cutover.timeline import Served

LINK, MOVED = record("CNAME", OLD), record("CNAME", NEW)


def after(**more: Any) -> Case:
    return case(**{**FLIPPED, **more})


@pytest.mark.parametrize(
    ("records", "where"),
    [
        ((LINK,), Side.OLD),
        ((MOVED,), Side.NEW),
        ((record("CNAME", NEW.upper()),), Side.NEW),
        # Flattened: the addresses, or those of them that it was this one's turn to give.
        ((record("A", NEW_AT),), Side.NEW),
        ((record("A", NEW_AT, OLD_AT),), Side.OLD),
        ((record("A", OLD_AT),), Side.OLD),
        ((record("A", NEW_AT), record("AAAA", "2606:4700::9")), Side.NEW),
        ((), Side.MISSING),
    ],
)
def test_whom_a_server_sends_pulls_to(records: tuple[Any, ...], where: Side) -> None:
    assert [side for _, side in sides(case(zone=zone(server(NS1, *records))))] == [where]


def test_a_change_that_one_server_doesnt_have_is_waited_for_and_then_blocks() -> None:
    half = zone(server(NS1, MOVED), server(NS2, LINK))
    begun = (*HISTORY, Served(NS1[1], (NEW,), 60, NOW, NOW))

    assert found(case(zone=half, history=begun, now=NOW + 30), "F-01") == {"half-changed": "warn"}
    late = case(zone=half, history=begun, now=NOW + 300)
    assert found(late, "F-01") == {"half-changed": "block"}
    assert (
        "ns2.example.com (9.1.1.2) still gives the old value (1 of 2), 5 min"
        in finding(late, "F-01", "half-changed").seen
    )
    assert result(case(), "F-01").outcome is CheckOutcome.OPEN


def test_a_high_ttl_on_the_new_record_makes_the_way_back_slow() -> None:
    high = at_both(record("CNAME", NEW, ttl=3600))

    assert found(after(zone=high), "F-01") == {"new-ttl-high": "warn"}


def test_a_record_that_went_missing_is_to_be_put_back_at_once() -> None:
    gone = zone(server(NS1), server(NS2), negative_ttl=300)
    seen = finding(case(zone=gone), "F-02", "record-gone")

    assert seen.severity.value == "block"
    assert "Pulls fail NOW" in seen.means
    assert "5 min" in seen.means
    assert seen.record == f"{NAME}. 60 IN CNAME {OLD}"
    assert found(case(zone=zone(server(NS1, MOVED), server(NS2))), "F-02") == {
        "record-gone": "block"
    }


def test_a_record_that_never_was_there_isnt_gone() -> None:
    never = case(zone=zone(server(NS1), server(NS2)), history=())

    assert result(never, "F-02").outcome is CheckOutcome.OPEN
    assert found(never, "P-05") == {"name-missing": "block"}
    silent = zone(broken(NS1, rcode="REFUSED"))
    assert result(case(zone=silent), "F-02").outcome is CheckOutcome.OPEN


def test_a_forgotten_dot_behind_the_target() -> None:
    dotless = at_both(record("CNAME", f"registry.newcloud.org.{ZONE}."))
    seen = finding(case(zone=dotless), "F-03", "target-doubled")

    assert seen.severity.value == "block"
    assert seen.record == f"{NAME}. 60 IN CNAME {NEW}"


def slip(value: str) -> tuple[Any, ...]:
    name = f"{NAME}.{ZONE}"
    return (answer("CNAME", record("CNAME", value, name=name), name=name),)


def test_a_forgotten_dot_behind_the_name() -> None:
    assert found(case(misspelt=slip(NEW)), "F-03") == {"owner-doubled": "block"}
    assert (
        "Write images, or images.example.com. with the dot"
        in finding(case(misspelt=slip(NEW)), "F-03", "owner-doubled").remedy
    )
    assert found(case(misspelt=slip("x.net.")), "F-03") == {"owner-doubled": "warn"}
    assert found(after(misspelt=slip(NEW)), "F-03") == {"owner-doubled": "warn"}


def test_a_wildcard_makes_no_doubled_name() -> None:
    name = "f00.example.com"
    caught = answer("A", record("CNAME", "x.net.", name=name), name=name)

    assert found(case(misspelt=slip("x.net."), wildcard=caught), "F-03") == {}


def test_a_target_that_nobody_planned_is_told_and_a_slip_of_the_pen_as_one() -> None:
    slipped = case(zone=at_both(record("CNAME", "registry.newclowd.org.")))
    other = case(zone=at_both(record("CNAME", "somewhere.else.net.")))

    seen = finding(slipped, "F-04", "other-target")
    assert "slip of the pen" in seen.means
    assert seen.record == f"{NAME}. 60 IN CNAME {NEW}"
    assert "nobody planned" in finding(other, "F-04", "other-target").means
    assert result(case(), "F-04").outcome is CheckOutcome.OPEN


def test_addresses_of_the_old_side_that_turn_are_no_slip() -> None:
    turning = tuple(replace(each, values=("1.2.3.9",)) for each in HISTORY)
    turned = case(zone=at_both(record("A", OLD_AT)), history=turning)
    by_address = replace(SUBJECT, record=NEW_AT)
    slipped = case(by_address, zone=at_both(record("A", "5.6.7.9")), history=turning)

    assert found(turned, "F-04") == {}
    assert found(slipped, "F-04") == {"other-target": "block"}


def test_servers_that_always_differed_are_no_slip_either() -> None:
    geo = zone(server(NS1, LINK), server(NS2, record("CNAME", "asia.oldcloud.net.")))
    always = (*HISTORY[:2], Served(NS2[1], ("asia.oldcloud.net.",), 60, NOW - 99, NOW))

    assert found(case(zone=geo, history=always), "F-04") == {}


def test_addresses_that_nobody_tried_are_told() -> None:
    more = chain(NAME, NEW, to=(NEW_AT, "5.6.7.9"))

    assert found(after(today=more), "F-04") == {"address-unprobed": "warn"}


def test_nothing_may_stand_beside_a_cname() -> None:
    def beside(*records: Any) -> dict[str, str]:
        return found(case(zone=at_both(*records)), "F-05")

    assert beside(MOVED, record("TXT", '"v=1"')) == {"cname-and-other": "block"}
    assert beside(record("CNAME", OLD, NEW)) == {"cname-and-other": "block"}
    assert beside(MOVED) == {}


def test_an_aaaa_left_over_keeps_ipv6_at_the_old_side() -> None:
    by_address = replace(SUBJECT, record=NEW_AT)
    target = chain(NEW_AT, to=(NEW_AT,))
    left = at_both(record("A", NEW_AT), record("AAAA", "2606:4700::9"))
    neither = at_both(record("A", OLD_AT), record("AAAA", "2606:4700::9"))

    assert found(case(by_address, zone=left, target=target), "F-05") == {"ipv6-left": "block"}
    assert found(case(by_address, zone=neither, target=target), "F-05") == {}


def test_a_chain_that_bites_its_tail_is_told() -> None:
    circle = chain(NAME, "a.net.", f"{NAME}.", error="loop")

    assert found(case(today=circle), "F-05") == {"chain-broken": "block"}


def test_a_link_to_a_name_that_doesnt_exist_dangles() -> None:
    gone = chain(NAME, NEW, rcode="NXDOMAIN", error="NXDOMAIN")
    seen = finding(after(today=gone), "F-07", "dangling")

    assert seen.severity.value == "block"
    assert NEW in seen.seen
    missing = chain(NAME, rcode="NXDOMAIN", error="NXDOMAIN")
    assert result(case(today=missing), "F-07").outcome is CheckOutcome.OPEN
    assert result(case(today=None), "F-07").outcome is CheckOutcome.OPEN


def test_the_old_registrys_address_wasnt_tried_as_a_target() -> None:
    back = case(**{**FLIPPED, "today": chain(NAME, NEW, to=(OLD_AT,))})

    assert found(back, "F-04") == {"address-unprobed": "warn"}
