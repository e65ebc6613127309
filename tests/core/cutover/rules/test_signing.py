"""DNSSEC: bogus, expiring, half signed, and not signed at all."""

from __future__ import annotations

from dataclasses import replace

from cutovers.clean import (
    DAY,
    FLIPPED,
    NEW,
    NEW_AT,
    NOW,
    NS1,
    NS2,
    OLD,
    OLD_AT,
    answer,
    at_both,
    case,
    finding,
    found,
    record,
    result,
    signature,
    view,
)
from transship.cutover.evidence import ResolverView
from transship.cutover.finding import CheckOutcome

SIGNED = at_both(record("CNAME", OLD), signed=True)
GOOD = (signature(NS1[1]), signature(NS2[1]))


def refusing(*, checked_only: bool = True) -> ResolverView:
    bad = answer("A", rcode="SERVFAIL", extended=("6 dnssec bogus",), authoritative=False)
    rcode = "NOERROR" if checked_only else "SERVFAIL"
    records = (record("A", OLD_AT),) if checked_only else ()
    plain = answer("A", *records, rcode=rcode, authoritative=False)
    return replace(view("strict"), samples=(bad,) * 3, unchecked=plain, ipv6=None)


def test_what_is_right_only_without_checking_is_bogus() -> None:
    seen = finding(case(zone=SIGNED, signatures=GOOD, resolvers=(refusing(),)), "P-33", "bogus")

    assert seen.severity.value == "block"
    assert "strict refuses the name (SERVFAIL, 6 dnssec bogus)" in seen.seen
    assert "right: an old key" in seen.means


def test_what_is_broken_in_any_case_is_not_bogus() -> None:
    broken = case(resolvers=(refusing(checked_only=False),))

    assert found(broken, "P-33") == {}
    assert found(broken, "W-05") == {"resolver-fails": "warn"}


def test_a_wrong_signature_at_one_server_blocks() -> None:
    wrong = (GOOD[0], signature(NS2[1], valid=False, error="expired"))
    seen = finding(case(zone=SIGNED, signatures=wrong), "P-33", "signature-invalid")

    assert seen.seen == f"{NS2[1]}: expired."


def test_a_server_that_gave_no_answer_has_no_wrong_signature() -> None:
    silent = (GOOD[0], signature(NS2[1], valid=False, error="timeout", expires=None))

    assert found(case(zone=SIGNED, signatures=silent), "P-33") == {}


def test_signatures_that_end_soon_tell_of_a_signer_that_stopped() -> None:
    def ending(seconds: float) -> dict[str, str]:
        ends = (signature(NS1[1], expires=NOW + seconds),)
        return found(case(zone=SIGNED, signatures=ends), "P-33")

    assert ending(60) == {"signatures-end-soon": "block"}
    assert ending(3 * 3600) == {"signatures-end-soon": "warn"}
    assert ending(DAY) == {}


def test_a_zone_without_signatures_has_no_wrong_ones() -> None:
    assert result(case(), "P-33").outcome is CheckOutcome.PASS
    unknown = at_both(record("CNAME", OLD), ds=None)
    assert result(case(zone=unknown), "P-33").outcome is CheckOutcome.OPEN
    assert result(case(zone=SIGNED), "P-33").outcome is CheckOutcome.OPEN


def test_after_the_change_ad_may_be_missing_behind_an_unsigned_service() -> None:
    moved = view("office", record("CNAME", NEW), record("A", NEW_AT, name=NEW[:-1]))
    assert not moved.newest.authentic
    flipped = {**FLIPPED, "zone": at_both(record("CNAME", NEW), signed=True), "signatures": GOOD}

    assert result(case(**{**flipped, "resolvers": (moved,)}), "F-06").outcome is CheckOutcome.PASS
    assert result(case(), "F-06").outcome is CheckOutcome.OPEN
    bad = (signature(NS1[1], valid=False, error="not signed"), GOOD[1])
    assert found(case(**{**flipped, "signatures": bad}), "F-06") == {"signature-invalid": "block"}
