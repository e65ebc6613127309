"""CAA before the change and after it."""

from __future__ import annotations

from dataclasses import replace

from cutovers.clean import (
    INTERMEDIATE,
    NAME,
    SUBJECT,
    ZONE,
    answer,
    case,
    finding,
    found,
    leaf,
    record,
    result,
    shakes,
)
from transship.cutover.evidence import DnsAnswer
from transship.cutover.finding import CheckOutcome

TARGET = "registry.newcloud.org"
ENCRYPT = '0 issue "letsencrypt.org"'
DIGI = '0 issue "digicert.com; policy=ev"'


def caa(**values: str) -> tuple[DnsAnswer, ...]:
    """CAA of the names; `zone`, `target`, `domain`."""
    names = {"domain": NAME, "zone": ZONE, "target": TARGET, "above": "newcloud.org"}
    return tuple(
        answer("CAA", *([record("CAA", values[k], name=name)] if k in values else []), name=name)
        for k, name in names.items()
    )


def test_the_targets_caa_decides_after_the_change() -> None:
    changed = case(authorities=caa(zone=ENCRYPT, target=DIGI))
    seen = finding(changed, "P-18", "caa-changes")

    assert seen.severity.value == "warn"
    assert "today: letsencrypt.org. After the change: digicert.com" in seen.seen


def test_the_targets_parents_decide_nothing() -> None:
    assert found(case(authorities=caa(zone=ENCRYPT, above=DIGI)), "P-18") == {}


def test_what_the_cname_leads_to_is_todays() -> None:
    old = record("CAA", DIGI, name="registry.oldcloud.net")
    through = answer("CAA", record("CNAME", "registry.oldcloud.net."), old)
    both = (through, *caa(zone=ENCRYPT, target=DIGI)[1:])

    assert found(case(authorities=both), "P-18") == {}


def test_an_address_leaves_the_zones_own() -> None:
    by_address = replace(SUBJECT, record="5.6.7.8")

    assert found(case(by_address, authorities=caa(zone=ENCRYPT, target=DIGI)), "P-18") == {}


def test_an_issuer_that_may_not_issue_again_is_told() -> None:
    shown = shakes(chain=(leaf(NAME, issuer="CN=R11,O=Let's Encrypt,C=US"), INTERMEDIATE))

    assert found(case(authorities=caa(zone=DIGI), handshakes=shown), "P-18") == {
        "caa-forbids-issuer": "warn"
    }
    assert found(case(authorities=caa(zone=ENCRYPT), handshakes=shown), "P-18") == {}


def test_a_critical_tag_that_nobody_knows_forbids_everything() -> None:
    assert found(case(authorities=caa(zone='128 tbs "x"')), "P-18") == {"caa-critical": "warn"}
    assert found(case(authorities=caa(zone='128 issue "ca.net"')), "P-18") == {}


def test_what_couldnt_be_asked_stays_open() -> None:
    failed = (*caa(zone=ENCRYPT), answer("CAA", name="org", rcode="SERVFAIL"))

    assert result(case(authorities=failed), "P-18").outcome is CheckOutcome.OPEN
    assert result(case(authorities=()), "P-18").outcome is CheckOutcome.OPEN
