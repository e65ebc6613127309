"""After the change: pulls, the side that answers, the old side's quiet, and what is left to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cutovers.clean import (
    CLEAN,
    DAY,
    FLIPPED,
    NEW,
    NOW,
    OLD_AT,
    SAID,
    at_both,
    case,
    finding,
    found,
    leaf,
    moved,
    record,
    result,
    said,
    shake,
    shakes,
)
from transship.cutover.evidence import Pull
from transship.cutover.finding import Outcome
from transship.cutover.rules.case import Case

LATER = NOW + 500


def after(**more: Any) -> Case:
    return case(**{**FLIPPED, "samples": moved("office"), **more})


def pulled(**more: Any) -> Pull:
    return replace(CLEAN.evidence.pulls[0], at=LATER, **more)


def test_a_pull_from_before_the_change_proves_nothing() -> None:
    for check in ("V-01", "V-02"):
        assert result(after(), check).outcome is Outcome.OPEN
        assert result(after(pulls=(pulled(),)), check).outcome is Outcome.PASS
        assert result(case(), check).needs == "the change"


def test_a_pull_that_fails_now_blocks() -> None:
    failing = pulled(error="wrong-credential: 401")

    assert found(after(pulls=(failing,)), "V-01") == {"pull-fails-now": "block"}


def test_the_address_tells_the_sides_apart_even_with_one_certificate() -> None:
    same = (*shakes(), *shakes(OLD_AT))
    seen = after(pulls=(pulled(), pulled(address=OLD_AT)), handshakes=same)

    assert found(seen, "V-02") == {"other-side-answers": "warn", "same-certificate": "info"}
    assert OLD_AT in finding(seen, "V-02", "other-side-answers").seen


def test_the_certificate_is_looked_at_where_the_domain_leads_now() -> None:
    wrong = shakes(chain=(leaf("other.org"),), verify_code=62, verify_message="mismatch")

    assert found(after(), "V-04") == {}
    assert found(after(handshakes=wrong), "V-04") == {"certificate-fails-now": "block"}
    mixed = (shake(verify_code=20), shake(trust="/ca.pem"))
    assert found(after(handshakes=mixed), "V-04") == {}
    assert result(after(handshakes=()), "V-04").outcome is Outcome.OPEN


def test_who_still_pulls_from_the_old_side_is_named() -> None:
    log = '10.0.0.7 - - "GET /v2/a/manifests/1 HTTP/1.1" 200\ndone'
    used = after(statements=(*SAID, said("old-traffic", log)))

    assert found(used, "W-08") == {"old-still-used": "warn"}
    assert "10.0.0.7 (1)" in finding(used, "W-08", "old-still-used").seen
    assert result(after(), "W-08").outcome is Outcome.OPEN


def test_quiet_counts_from_the_end_of_the_second_clock() -> None:
    early = after(statements=(*SAID, said("old-traffic", "done", NOW + 3600)))
    quiet = after(statements=(*SAID, said("old-traffic", "done", NOW + DAY + 3600)))

    assert result(early, "W-08").outcome is Outcome.PASS
    assert result(early, "V-05").outcome is Outcome.OPEN
    assert result(quiet, "V-05").outcome is Outcome.PASS


def test_the_ttl_is_raised_and_things_cleared_up_only_after_that() -> None:
    quiet = (*SAID, said("old-traffic", "done", NOW + DAY + 3600))

    for check in ("V-06", "V-07"):
        assert result(after(), check).outcome is Outcome.OPEN
    assert found(after(statements=quiet), "V-06") == {"ttl-still-low": "info"}
    high = at_both(record("CNAME", NEW, ttl=3600))
    assert found(after(statements=quiet, zone=high), "V-06") == {}
    assert (
        "as long as the domain points" in finding(after(statements=quiet), "V-07", "clear-up").means
    )
