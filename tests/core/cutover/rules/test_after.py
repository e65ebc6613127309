"""After the change: pulls, the side that answers, the old side's quiet, and what is left to do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cutovers.clean import (
    CLEAN,
    DAY,
    FLIPPED,
    NAME,
    NEW,
    NEW_AT,
    NOW,
    OLD_AT,
    SAID,
    at_both,
    by_name,
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
    view,
)
from transship.cutover.finding import CheckOutcome
from transship.cutover.rules.case import Case, Side
from transship.cutover.rules.verification import answered_by

if TYPE_CHECKING:
    from transship.cutover.evidence import NamedPull

OTHER_AT = "9.9.9.9"


def after(**more: Any) -> Case:
    return case(**{**FLIPPED, "samples": moved("office"), **more})


def test_a_pull_from_before_the_change_proves_nothing() -> None:
    for check in ("V-01", "V-02"):
        assert result(after(), check).outcome is CheckOutcome.OPEN
        assert result(after(by_name=(by_name(at=NOW - 1),)), check).outcome is CheckOutcome.OPEN
        assert result(after(by_name=(by_name(),)), check).outcome is CheckOutcome.PASS
        assert result(case(), check).needs == "the change"


def test_a_pull_that_was_led_to_the_target_by_us_proves_nothing_either() -> None:
    pinned = replace(CLEAN.evidence.pulls[0], at=NOW + 500)

    assert result(after(pulls=(pinned,)), "V-01").outcome is CheckOutcome.OPEN


def test_what_was_pulled_and_who_led_there_is_said() -> None:
    seen = after(by_name=(by_name(NEW_AT, "this machine", "office"),))

    assert result(seen, "V-01").seen == (
        f"{NAME}/team/app:1.0 whole, 4.8 MiB in all, from {NEW_AT} (this machine and office)"
    )
    assert result(seen, "V-02").seen == (f"the new registry, at {NEW_AT} (this machine and office)")


def test_where_nobody_answered_no_side_did() -> None:
    refused = by_name(image="", fingerprint="", error="connection-refused: x")

    assert result(after(by_name=(refused,)), "V-02").outcome is CheckOutcome.OPEN
    assert found(after(by_name=(refused, by_name())), "V-02") == {}


def test_without_an_image_only_the_side_is_known() -> None:
    seen = after(by_name=(by_name(image="", blobs=0, bytes=0),))

    assert "--repository" in result(seen, "V-01").needs
    assert result(seen, "V-02").outcome is CheckOutcome.PASS


@pytest.mark.parametrize(
    ("pulls", "outcome"),
    [
        ((by_name(error="wrong-credential: 401"),), {"pull-fails-now": "block"}),
        ((by_name(NEW_AT, "a", error="x"), by_name()), {"pull-fails-for-one": "warn"}),
        ((by_name(NEW_AT, "a", "b", error="x"), by_name()), {"pull-fails-now": "block"}),
        (
            (by_name("", "a", image="", error="name-not-found: NXDOMAIN"), by_name()),
            {"pull-fails-for-one": "warn"},
        ),
        ((by_name("", image="", error="name-not-found: x"),), {"pull-fails-now": "block"}),
    ],
)
def test_pulls_that_fail(pulls: tuple[NamedPull, ...], outcome: dict[str, str]) -> None:
    failing = after(by_name=pulls)

    assert found(failing, "V-01") == outcome
    blocks = "block" in outcome.values()
    assert found(failing, "R-01") == ({"go-back": "warn"} if blocks else {})


def test_the_address_tells_the_sides_apart_even_with_one_certificate() -> None:
    same = (*shakes(), *shakes(OLD_AT))
    seen = after(by_name=(by_name(), by_name(OLD_AT, "office")), handshakes=same)

    assert found(seen, "V-02") == {"other-side-answers": "warn", "same-certificate": "info"}
    assert f"{OLD_AT} (office)" in finding(seen, "V-02", "other-side-answers").seen


def test_the_old_side_may_answer_until_caches_have_let_go() -> None:
    early = by_name(OLD_AT, "office", at=NOW + 20)

    assert found(after(by_name=(early,)), "V-02") == {"still-old": "info"}


def test_an_address_of_neither_side_is_told_by_its_certificate() -> None:
    pulls = (by_name(OTHER_AT), by_name(OTHER_AT, fingerprint="old"))
    same = (*shakes(), *shakes(OLD_AT))

    assert [answered_by(after(), each) for each in pulls] == [Side.NEW, Side.OLD]
    assert found(after(by_name=(pulls[0],)), "V-02") == {}
    assert found(after(by_name=(by_name(OTHER_AT, fingerprint="x"),)), "V-02") == {
        "unknown-side": "warn"
    }
    unknown = after(by_name=(pulls[0],), handshakes=same)
    assert found(unknown, "V-02") == {"unknown-side": "warn", "same-certificate": "info"}


def test_where_a_resolver_leads_by_the_targets_name_is_the_new_side() -> None:
    near = view("near", record("CNAME", NEW), record("A", OTHER_AT, name=NEW[:-1]))
    seen = after(resolvers=(near,), by_name=(by_name(OTHER_AT, "near", fingerprint="x"),))

    assert found(seen, "V-02") == {}


def test_the_certificate_is_looked_at_where_the_domain_leads_now() -> None:
    wrong = shakes(chain=(leaf("other.org"),), verify_code=62, verify_message="mismatch")

    assert found(after(), "V-04") == {}
    assert found(after(handshakes=wrong), "V-04") == {"certificate-fails-now": "block"}
    mixed = (shake(verify_code=20), shake(trust="/ca.pem"))
    assert found(after(handshakes=mixed), "V-04") == {}
    assert result(after(handshakes=()), "V-04").outcome is CheckOutcome.OPEN


def test_who_still_pulls_from_the_old_side_is_named() -> None:
    log = '10.0.0.7 - - "GET /v2/a/manifests/1 HTTP/1.1" 200\ndone'
    used = after(statements=(*SAID, said("old-traffic", log)))

    assert found(used, "W-08") == {"old-still-used": "warn"}
    assert "10.0.0.7 (1)" in finding(used, "W-08", "old-still-used").seen
    assert result(after(), "W-08").outcome is CheckOutcome.OPEN


def test_quiet_counts_from_the_end_of_the_second_clock() -> None:
    early = after(statements=(*SAID, said("old-traffic", "done", NOW + 3600)))
    quiet = after(statements=(*SAID, said("old-traffic", "done", NOW + DAY + 3600)))

    assert result(early, "W-08").outcome is CheckOutcome.PASS
    assert result(early, "V-05").outcome is CheckOutcome.OPEN
    assert result(quiet, "V-05").outcome is CheckOutcome.PASS


def test_the_ttl_is_raised_and_things_cleared_up_only_after_that() -> None:
    quiet = (*SAID, said("old-traffic", "done", NOW + DAY + 3600))

    for check in ("V-06", "V-07"):
        assert result(after(), check).outcome is CheckOutcome.OPEN
    assert found(after(statements=quiet), "V-06") == {"ttl-still-low": "info"}
    high = at_both(record("CNAME", NEW, ttl=3600))
    assert found(after(statements=quiet, zone=high), "V-06") == {}
    assert (
        "as long as the domain points" in finding(after(statements=quiet), "V-07", "clear-up").means
    )
