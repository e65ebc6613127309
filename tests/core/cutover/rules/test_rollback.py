"""The way back: reasons, time, losses and conditions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cutovers.clean import (
    DAY,
    FLIPPED,
    NAME,
    NEW,
    NOW,
    OLD_AT,
    SUBJECT,
    case,
    chain,
    finding,
    found,
    leaf,
    moved,
    probe,
    result,
    shakes,
    signed_in,
)
from transship.cutover.evidence import Parity, TagPair
from transship.cutover.finding import CheckOutcome
from transship.cutover.rules.case import Case
from transship.cutover.rules.checks import rollback_gate, run_checks
from transship.cutover.timeline import Sample


def after(**more: Any) -> Case:
    return case(**{**FLIPPED, "samples": moved("office"), **more})


def test_failing_pulls_are_a_reason_to_go_back() -> None:
    gone = chain(NAME, NEW, rcode="NXDOMAIN", error="NXDOMAIN")
    refused = (probe(), signed_in(accepted=False))

    assert found(after(), "R-01") == {}
    assert found(after(today=gone), "R-01") == {"go-back": "warn"}
    assert "refuses robot" in finding(after(probes=refused), "R-01", "go-back").seen
    assert result(case(), "R-01").outcome is CheckOutcome.OPEN


def test_how_long_going_back_takes_is_the_new_records_ttl_and_what_resolvers_add() -> None:
    slow = (*moved("office"), Sample("slow", (NEW,), 900, NOW + 300))

    assert result(after(), "R-02").seen == "1 min 00 s by the rules"
    assert result(after(samples=slow), "R-02").seen == "1 min 00 s by the rules, 15 min as seen"
    assert "2027-01-15 08:11:00 UTC" in finding(after(), "R-02", "way-back-takes").seen
    assert "today's TTL" in result(case(), "R-02").seen
    low = case(replace(SUBJECT, ttl=20))
    assert result(low, "R-02").seen == "with the new record's TTL: 20 s by the rules"
    assert result(case(zone=None), "R-02").outcome is CheckOutcome.OPEN


def test_going_back_is_blocked_while_it_would_hide_tags() -> None:
    new = tuple(TagPair("team/app", f"v{i}", "", "sha256:n") for i in range(4))
    other = TagPair("team/app", "latest", "sha256:a", "sha256:b")
    of = after(parity=Parity(200, (*new, other)))
    gate = rollback_gate(
        run_checks(of.subject, of.evidence, of.now, history=of.history, samples=of.samples)
    )

    assert found(of, "R-03") == {"would-hide-tags": "block", "would-change-tags": "warn"}
    assert "Going back now would hide 4 tags" in finding(of, "R-03", "would-hide-tags").means
    assert [f.id for f in gate.blocks] == ["would-hide-tags"]
    assert not gate.clear
    assert result(after(parity=None), "R-03").outcome is CheckOutcome.OPEN


def test_what_only_the_new_side_had_before_or_the_old_side_has_pushed_is_no_loss() -> None:
    had = TagPair("team/cache", "1", "", "sha256:n")
    late = TagPair("team/app", "latest", "sha256:c", "sha256:b")
    of = after(parity=Parity(200, (had, late), had=(had,), to_old=(late,)))

    assert found(of, "R-03") == {}


def test_what_a_job_has_copied_does_not_tell_what_was_pushed_since() -> None:
    of = after(parity=Parity(200, (), source="abcdef"))

    assert result(of, "R-03").outcome is CheckOutcome.OPEN
    assert result(of, "V-03").outcome is CheckOutcome.OPEN


def test_the_old_registry_has_to_be_there() -> None:
    def old(**more: Any) -> dict[str, str]:
        return found(after(probes=(probe(), signed_in(OLD_AT, side="old", **more))), "R-04")

    none = {"registry": False, "challenge": "", "realm": None, "accepted": None}
    assert old() == {}
    assert old(**none, status=0, error="connection-refused") == {"old-gone": "block"}
    assert old(**none, status=404) == {"old-unbound": "block"}
    assert old(accepted=False) == {"old-sign-in-refused": "block"}
    assert result(after(probes=(), handshakes=shakes()), "R-04").outcome is CheckOutcome.OPEN


def test_the_old_certificate_has_to_last() -> None:
    def ending(at: float) -> dict[str, str]:
        old = shakes(OLD_AT, chain=(leaf(NAME, not_after=at, fingerprint="old"),))
        return found(after(handshakes=(*shakes(), *old)), "R-04")

    assert ending(NOW + 10 * DAY) == {}
    assert ending(NOW + DAY) == {"old-certificate-ends": "warn"}
    assert ending(NOW - DAY) == {"old-certificate-ends": "block"}
