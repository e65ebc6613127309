"""Resolvers: views of their own, clamps, stale answers, and how they follow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cutovers.clean import (
    FLIPPED,
    HISTORY,
    NAME,
    NEW,
    NEW_AT,
    NOW,
    OLD,
    OLD_AT,
    SAID,
    answer,
    case,
    chain,
    finding,
    found,
    moved,
    record,
    result,
    said,
    view,
)
from transship.cutover.finding import CheckOutcome
from transship.cutover.timeline import Sample

PRIVATE = view("vpc", record("A", "10.0.3.7"))


def after(**more: Any):  # type: ignore[no-untyped-def]
    return case(**{**FLIPPED, **more})


def test_a_private_zone_has_to_be_changed_too() -> None:
    seen = finding(case(resolvers=(PRIVATE,), statements=()), "P-31", "private-view")

    assert seen.severity.value == "block"
    assert "vpc: 10.0.3.7" in seen.seen
    told = (said("private-zones", "moved-too"),)
    assert found(case(resolvers=(PRIVATE,), statements=told), "P-31") == {"private-view": "info"}


def test_addresses_that_turn_are_no_view_of_their_own() -> None:
    several = chain(NAME, to=(OLD_AT, "1.2.3.5", "1.2.3.6"))
    part = view("office", record("A", "1.2.3.5"))

    assert found(case(today=several, resolvers=(part,)), "P-31") == {}


def test_flattening_on_the_way_is_no_view_of_its_own() -> None:
    assert found(case(resolvers=(view("flat", record("A", OLD_AT)),)), "P-31") == {}


def test_names_are_compared_without_regard_to_case() -> None:
    mixed = view("0x20", record("CNAME", OLD.upper()))

    assert found(case(resolvers=(mixed,)), "P-31") == {}


def test_the_networks_of_nodes_are_asked_about() -> None:
    public = view("Quad9", origin="public")

    assert result(case(resolvers=(public,), statements=()), "P-31").outcome is CheckOutcome.OPEN
    assert result(case(resolvers=(), statements=()), "P-31").outcome is CheckOutcome.OPEN
    pasted = (said("private-zones", "10.0.3.7 STREAM images.example.com"),)
    assert found(case(statements=pasted), "P-31") == {"private-view-told": "block"}
    pasted = (said("private-zones", f"{OLD_AT} STREAM images.example.com"),)
    assert found(case(statements=pasted), "P-31") == {}


def test_a_resolver_that_makes_answers_up_is_told() -> None:
    canary = answer("A", record("A", "192.0.2.80", name="x.invalid"), name="x.invalid")
    liar = replace(view("portal"), canary=canary)

    assert found(case(resolvers=(liar,)), "P-31") == {"answers-made-up": "warn"}


def test_one_new_answer_isnt_enough() -> None:
    waiting = (
        *moved("office"),
        Sample("cafe", (OLD,), 30, NOW + 10),
        Sample("cafe", (NEW,), 30, NOW + 590),
    )
    late = finding(after(samples=waiting), "W-01", "stragglers")

    assert late.seen.startswith("cafe: not 3 new answers in a row yet")
    assert result(after(samples=waiting), "W-01").seen.startswith("cafe")
    assert result(after(samples=moved("office", "cafe")), "W-01").seen == (
        "2 of 2 resolvers have moved"
    )


def test_before_the_time_is_over_nobody_is_late() -> None:
    held = (Sample("office", (OLD,), 50, NOW + 8),)
    early = result(after(samples=held, now=NOW + 10), "W-01")

    assert early.outcome is CheckOutcome.OPEN
    assert "2027-01-15 08:01:00 UTC" in early.needs
    assert result(case(), "W-01").outcome is CheckOutcome.OPEN
    assert result(after(), "W-01").outcome is CheckOutcome.OPEN


def test_flattened_answers_count_as_new() -> None:
    by_address = moved("office", values=(NEW_AT,))

    assert result(after(samples=by_address), "W-01").outcome is CheckOutcome.PASS


def test_ipv6_that_stayed_behind_is_told() -> None:
    six = answer("AAAA", record("AAAA", "2606:4700::9"), by=("office", "10.0.0.53"))
    behind = replace(FLIPPED["resolvers"][0], ipv6=six)  # type: ignore[index]
    made_up = replace(behind, ipv6=answer("AAAA", record("AAAA", "64:ff9b::506:708")))

    assert found(after(resolvers=(behind,)), "W-02") == {"ipv6-behind": "warn"}
    assert found(after(resolvers=(made_up,)), "W-02") == {}


def test_answers_by_place_are_asked_about() -> None:
    far = view("far", record("CNAME", "asia.oldcloud.net."), origin="public")

    assert result(case(resolvers=(far,)), "W-03").outcome is CheckOutcome.OPEN
    told = (*SAID, said("geo-samples", f"{OLD_AT}\n9.9.9.9"))
    assert found(case(resolvers=(far,), statements=told), "W-03") == {"answers-by-place": "info"}
    assert result(case(), "W-03").outcome is CheckOutcome.PASS


def test_a_resolver_that_lengthens_ttls_is_told() -> None:
    long = view("slow", record("CNAME", OLD, ttl=90), record("A", OLD_AT, name=OLD[:-1]))
    low = tuple(replace(each, ttl=20) for each in HISTORY)
    fresh = replace(case(resolvers=(long,), history=low), evidence=case(resolvers=(long,)).evidence)

    assert found(fresh, "W-04") == {"resolver-clamps": "warn"}
    assert "slow keeps it for 1 min 30 s" in finding(fresh, "W-04", "resolver-clamps").seen
    assert found(case(resolvers=(long,)), "W-04") == {}, "3600 was served not long ago"
    sampled = case(history=low, samples=(Sample("slow", (OLD,), 80, NOW),))
    assert found(sampled, "W-04") == {"resolver-clamps": "warn"}


def test_resolvers_that_refuse_or_say_nothing_tell_nothing_of_the_domain() -> None:
    refuses = replace(view("theirs"), samples=(answer("A", rcode="REFUSED"),))
    silent = replace(view("gone"), samples=(answer("A", rcode="", error="timeout"),))

    assert found(case(resolvers=(refuses, silent)), "W-05") == {
        "resolver-refuses": "info",
        "resolver-silent": "info",
    }


def test_caches_that_are_late_can_be_flushed() -> None:
    late = after(resolvers=(view("office"),))
    seen = finding(late, "W-06", "flush")

    assert "office" in seen.seen
    assert f"unbound-control flush {NAME}" in seen.record
    assert result(after(samples=moved("office")), "W-06").outcome is CheckOutcome.PASS


def test_an_old_answer_after_a_new_one_is_an_expired_one() -> None:
    back = (Sample("stale", (NEW,), 30, NOW + 100), Sample("stale", (OLD,), 30, NOW + 200))
    told = view("said-so", record("CNAME", NEW), extended=("3 stale answer",))

    assert found(after(samples=back), "W-07") == {"serves-expired": "info"}
    assert "stale gives" in finding(after(samples=back), "W-07", "serves-expired").seen
    assert found(after(resolvers=(told,)), "W-07") == {"serves-expired": "info"}
    assert found(after(samples=moved("office")), "W-07") == {}


def test_a_peek_at_an_empty_cache_says_nothing() -> None:
    empty = replace(view("peeked"), samples=(answer("A", authoritative=False),))

    assert result(after(resolvers=(empty,)), "W-06").outcome is CheckOutcome.PASS
