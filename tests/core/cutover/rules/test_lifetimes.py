"""The TTL: high, lowered and not run out, lowered before anybody looked, and fine."""

from __future__ import annotations

from cutovers.clean import (
    DAY,
    FLIPPED,
    HISTORY,
    NAME,
    NOW,
    NS1,
    NS2,
    OLD,
    OLD_AT,
    SAID,
    at_both,
    broken,
    case,
    finding,
    found,
    record,
    result,
    said,
    server,
    view,
    zone,
)
from transship.cutover.finding import CheckOutcome
from transship.cutover.rules.checks import change_gate, run_checks
from transship.cutover.timeline import Served

SHORT = tuple(Served(ns[1], (OLD,), 60, NOW - 100, NOW) for ns in (NS1, NS2))


def test_a_high_ttl_blocks_and_says_when_it_would_be_safe() -> None:
    high = case(zone=at_both(record("CNAME", OLD, ttl=3600)))
    seen = finding(high, "P-07", "ttl-high")

    assert seen.severity.value == "block"
    assert "TTL is 3600 s (1 h 00 min)" in seen.seen
    assert "2027-01-15 09:00:00 UTC" in seen.remedy
    assert seen.record == f"{NAME}. 60 IN CNAME {OLD}"


def test_a_lowered_ttl_blocks_until_the_last_server_has_let_go() -> None:
    lowered = (
        Served(NS1[1], (OLD,), 3600, NOW - DAY, NOW - 3000),
        Served(NS1[1], (OLD,), 60, NOW - 2990, NOW),
        Served(NS2[1], (OLD,), 3600, NOW - DAY, NOW - 610),
        Served(NS2[1], (OLD,), 60, NOW - 600, NOW),
    )
    seen = finding(case(history=lowered), "P-07", "ttl-draining")

    assert "Wait 50 min" in seen.remedy
    assert NS2[1] in seen.seen
    assert found(case(history=lowered, now=NOW + 3001), "P-07") == {}


def test_while_one_server_was_last_seen_with_the_old_ttl_no_time_can_be_named() -> None:
    behind = (*SHORT[:1], Served(NS2[1], (OLD,), 3600, NOW - 100, NOW - 50))
    silent = zone(server(NS1, record("CNAME", OLD)), broken(NS2, rcode="", error="timeout"))
    seen = finding(case(history=behind, zone=silent), "P-07", "ttl-draining")

    assert "Not every name server gives the low TTL yet" in seen.seen
    assert NS2[1] in seen.seen


def test_a_ttl_that_nobody_saw_lowered_is_asked_about() -> None:
    open_ = case(history=SHORT)

    assert result(open_, "P-07").outcome is CheckOutcome.OPEN
    assert "ttl-before" in result(open_, "P-07").needs
    gate = change_gate(run_checks(open_.subject, open_.evidence, open_.now, history=SHORT))
    assert "P-07" in [row.check for row in gate.open]


def test_the_answer_counts_from_the_first_look() -> None:
    told = (*SAID, said("ttl-before", "3600"))

    assert found(case(history=SHORT, statements=told), "P-07") == {"ttl-draining": "block"}
    later = case(history=SHORT, statements=told, now=NOW + 3501)
    assert result(later, "P-07").outcome is CheckOutcome.PASS


def test_without_an_answer_a_resolver_that_still_holds_it_is_the_least_to_wait_for() -> None:
    holds = view("office", record("CNAME", OLD, ttl=2000), record("A", OLD_AT, name=OLD[:-1]))

    seen = finding(case(history=SHORT, resolvers=(holds,)), "P-07", "ttl-draining")
    assert "office" in seen.seen


def test_a_day_of_watching_is_as_good_as_an_answer() -> None:
    watched = tuple(Served(ns[1], (OLD,), 60, NOW - DAY, NOW) for ns in (NS1, NS2))

    assert result(case(history=watched), "P-07").outcome is CheckOutcome.PASS


def test_some_providers_allow_no_less_than_600() -> None:
    medium = at_both(record("CNAME", OLD, ttl=600))

    assert found(case(zone=medium, history=HISTORY), "P-07")["ttl-rather-high"] == "warn"


def test_a_ttl_below_what_resolvers_honour_gains_nothing() -> None:
    tiny = tuple(Served(ns[1], (OLD,), 4, NOW - DAY, NOW) for ns in (NS1, NS2))

    assert found(case(zone=at_both(record("CNAME", OLD, ttl=4)), history=tiny), "P-07") == {
        "ttl-very-low": "info"
    }


def test_once_the_change_is_made_the_old_ttl_doesnt_matter() -> None:
    assert result(case(**FLIPPED), "P-07").outcome is CheckOutcome.PASS
    assert result(case(zone=None), "P-07").outcome is CheckOutcome.OPEN
