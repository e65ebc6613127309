"""Sign-ins that nodes have, on both sides."""

from __future__ import annotations

from cutovers.clean import (
    NAME,
    OLD_AT,
    SAID,
    case,
    finding,
    found,
    probe,
    result,
    said,
    signed_in,
)
from transship.cutover.finding import CheckOutcome

REFUSED = signed_in(who="old-robot", accepted=False)


def test_the_old_sign_in_at_the_new_registry_is_the_likeliest_outage() -> None:
    seen = finding(case(probes=(probe(), REFUSED)), "P-24", "sign-in-refused")

    assert seen.severity.value == "block"
    assert "refuses old-robot" in seen.seen
    assert "second pull secret for the same host name" in seen.remedy
    assert "--from-file=.dockerconfigjson" in seen.record
    assert NAME in seen.record


def test_a_second_secret_beside_it_settles_that() -> None:
    both = (probe(), REFUSED, signed_in(who="new-robot"))
    told = (*SAID, said("node-secrets", "both"))

    assert found(case(probes=both), "P-24") == {"some-sign-ins-refused": "info"}
    assert found(case(probes=(probe(), REFUSED), statements=told), "P-24") == {
        "some-sign-ins-refused": "info"
    }


def test_a_sign_in_that_nodes_dont_hold_settles_nothing() -> None:
    mine = signed_in(who="me", in_use=False)

    assert result(case(probes=(probe(), mine)), "P-24").outcome is CheckOutcome.OPEN
    told = (*SAID, said("node-secrets", "no"))
    assert found(case(probes=(probe(), mine), statements=told), "P-24") == {
        "sign-in-not-prepared": "block"
    }


def test_an_open_registry_needs_none() -> None:
    open_ = probe(status=200, challenge="", realm=None)

    assert result(case(probes=(open_,)), "P-24").outcome is CheckOutcome.PASS
    assert result(case(probes=()), "P-24").outcome is CheckOutcome.OPEN


def test_the_new_sign_in_is_tried_at_the_old_side_too() -> None:
    new = signed_in(who="new-robot")
    refused = signed_in(OLD_AT, who="new-robot", accepted=False, side="old")
    good = signed_in(OLD_AT, who="robot", side="old")

    assert found(case(probes=(new, refused)), "P-25") == {"refused-by-old": "warn"}
    told = (*SAID, said("node-secrets", "both"))
    assert found(case(probes=(new, refused, good), statements=told), "P-25") == {
        "refused-by-old": "info"
    }
    assert result(case(probes=(new,)), "P-25").outcome is CheckOutcome.OPEN
    assert result(case(), "P-25").outcome is CheckOutcome.PASS
