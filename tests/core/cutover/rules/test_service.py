"""What the service behind the new registry says, as findings of P-10 and P-12."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cutovers.clean import (
    CLEAN,
    NAME,
    NEW_AT,
    NOW,
    case,
    finding,
    found,
    leaf,
    probe,
    result,
    shake,
    shakes,
)
from transship.cutover.evidence import ServiceReport
from transship.cutover.finding import CheckOutcome
from transship.cutover.rules.checks import change_gate, run_checks
from transship.registry.attachment import Attached, Attachment, AttachmentMessage

REGISTRY = "team.tencentcloudcr.com"
WORKS = Attachment(
    REGISTRY, NAME, Attached.WORKS, NOW, "SUCCESS", "cert-a", 1_830_000_000.0, lets_in="all"
)
SILENT: dict[str, Any] = {"handshakes": (), "probes": ()}
STRANGE: dict[str, Any] = {
    "handshakes": shakes(
        chain=(leaf("*.newcloud.org"),), verify_code=62, verify_message="mismatch"
    ),
    "probes": (probe(status=404, registry=False, challenge="", realm=None),),
}


def judgement(name: str, severity: str = "block") -> AttachmentMessage:
    return AttachmentMessage(name, severity, f"{name} was seen.", "Pulls fail.", "Put it right.")


def told(
    state: Attached, *says: AttachmentMessage, reach: tuple[AttachmentMessage, ...] = ()
) -> ServiceReport:
    attachment = replace(WORKS, state=state, said=state.upper(), says=says, reach=reach)
    return ServiceReport("Tencent TCR", NOW, attachment)


ABSENT = told(Attached.ABSENT, judgement("domain-absent"))


def test_a_domain_that_works_at_its_service_passes_with_what_the_service_says() -> None:
    row = result(case(service=ServiceReport("Tencent TCR", NOW, WORKS)), "P-10")

    assert row.outcome is CheckOutcome.PASS
    assert row.seen == (
        f"Tencent TCR says: {NAME} works (SUCCESS), with the certificate cert-a until 2027-12-28; "
        f"a registry answers under {NAME}"
    )


def test_the_service_s_word_is_enough_where_the_target_cant_be_looked_at() -> None:
    assert result(case(**SILENT), "P-10").outcome is CheckOutcome.OPEN
    assert result(case(service=told(Attached.WORKS), **SILENT), "P-10").outcome is CheckOutcome.PASS


@pytest.mark.parametrize("state", [Attached.ABSENT, Attached.BEGUN, Attached.GOING])
def test_a_domain_that_isnt_attached_blocks_the_change_with_the_service_s_reason(
    state: Attached,
) -> None:
    for seen in (SILENT, STRANGE):
        of = case(service=told(state, judgement("domain-absent")), **seen)

        assert found(of, "P-10") == {"domain-absent": "block"}, "the reason is told once"
        assert result(of, "P-10").outcome is CheckOutcome.FINDING


def test_what_is_seen_at_the_target_counts_against_a_service_that_says_it_works() -> None:
    of = case(service=told(Attached.WORKS), **STRANGE)

    assert found(of, "P-10") == {"domain-not-attached": "block"}


@pytest.mark.parametrize("state", [Attached.ABSENT, Attached.FAILED])
def test_a_registry_that_answers_all_the_same_makes_it_a_warning(state: Attached) -> None:
    of = case(service=told(state, judgement("domain-absent")))

    assert found(of, "P-10") == {"domain-absent": "warn"}
    assert "stand in front of it" in finding(of, "P-10", "domain-absent").means


def test_a_domain_that_is_being_taken_away_blocks_although_it_answers_still() -> None:
    of = case(service=told(Attached.GOING, judgement("domain-going")))

    assert found(of, "P-10") == {"domain-going": "block"}


def test_a_certificate_that_the_service_has_for_another_name_blocks() -> None:
    of = case(service=told(Attached.WORKS, judgement("attached-certificate-name")))

    assert found(of, "P-10") == {"attached-certificate-name": "block"}


def test_a_service_that_couldnt_be_asked_is_told_of_and_fails_nothing() -> None:
    silent = ServiceReport("Tencent TCR", NOW, error="api-keys-needed: its API", remedy="Add keys.")
    of = case(service=silent)
    seen = finding(of, "P-10", "service-not-asked")

    assert found(of, "P-10") == {"service-not-asked": "info"}
    assert seen.seen == f"Tencent TCR couldn't be asked for {NAME}: api-keys-needed: its API."
    assert seen.remedy == "Add keys."
    assert change_gate(
        run_checks(of.subject, of.evidence, of.now, history=of.history)
    ) == change_gate(run_checks(CLEAN.subject, CLEAN.evidence, CLEAN.now, history=CLEAN.history))
    assert result(case(service=silent, **SILENT), "P-10").outcome is CheckOutcome.OPEN
    assert found(case(service=silent, **STRANGE), "P-10") == {
        "service-not-asked": "info",
        "domain-not-attached": "block",
    }


def test_a_state_that_isnt_known_leaves_it_to_what_is_seen() -> None:
    unseen = told(Attached.UNKNOWN, judgement("domain-unseen", "info"))

    assert found(case(service=unseen), "P-10") == {"domain-unseen": "info"}
    assert result(case(service=unseen, **SILENT), "P-10").outcome is CheckOutcome.OPEN


def test_a_closed_endpoint_blocks_beside_what_was_tried() -> None:
    closed = told(Attached.WORKS, reach=(judgement("public-endpoint-closed"),))
    shut = (shake(error="timeout", chain=(), trust=""),)
    of = case(service=closed, handshakes=shut)

    assert found(of, "P-12") == {"public-endpoint-closed": "block", "target-shut": "block"}
    assert result(of, "P-12").findings[0].id == "public-endpoint-closed", "the reason comes first"
    assert found(case(service=closed, handshakes=(), target=None), "P-12") == {
        "public-endpoint-closed": "block"
    }


def test_a_closed_endpoint_that_this_machine_passes_is_a_warning_for_the_others() -> None:
    closed = told(Attached.WORKS, reach=(judgement("public-endpoint-closed"),))
    seen = finding(case(service=closed), "P-12", "public-endpoint-closed")

    assert seen.severity == "warn"
    assert seen.means == "This machine gets through. Pulls fail."


def test_whom_the_service_lets_in_stands_beside_what_was_tried() -> None:
    row = result(case(service=ServiceReport("Tencent TCR", NOW, WORKS)), "P-12")

    assert row.outcome is CheckOutcome.PASS
    assert row.seen == f"{NEW_AT}, port 443; all"


def test_a_severity_that_isnt_known_is_a_warning() -> None:
    odd = told(Attached.WORKS, judgement("new-word", "catastrophe"))

    assert found(case(service=odd), "P-10") == {"new-word": "warn"}


def test_control_characters_of_a_service_reach_no_finding() -> None:
    said = AttachmentMessage("x", "warn", "seen\x1b[31m", "means\x07", "remedy\u202e")
    hostile = ServiceReport(
        "Tencent TCR", NOW, replace(WORKS, said="\x1b]0;x\x07", says=(said,), lets_in="\x1b[2J")
    )
    of = case(service=hostile)
    seen = finding(of, "P-10", "x")

    for text in (seen.seen, seen.means, seen.remedy, result(of, "P-12").seen):
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "\u202e" not in text
    assert (
        "\x1b"
        not in result(
            case(service=replace(hostile, attachment=replace(WORKS, said="\x1b[1m"))), "P-10"
        ).seen
    )
