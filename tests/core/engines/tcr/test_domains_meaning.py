"""What the state of a custom domain means, in words and for who moves the name."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegating.tencent import NAME, Agreeing, ended
from fakes.clock import FakeClock
from servers.tencent import Instance
from servers.tencent.domains import Custom
from transship.cutover.finding import Finding, Severity
from transship.engines.tcr.certificates import ServerCertificate, certificate_status_text, ssl_time
from transship.engines.tcr.domains import (
    CustomDomain,
    DomainEngine,
    domain_status_text,
    plan_domain,
)
from transship.registry.attachment import Attached, Attachment


class TestForACutover:
    async def test_what_is_known_of_a_domain_goes_into_json_and_back(
        self, custom: Custom, domains: DomainEngine, operator: Agreeing, clock: FakeClock
    ) -> None:
        absent = await domains.attachment(NAME)
        await operator.agreed(await plan_domain(domains, NAME, certificate="cert-exact"), domains)
        begun = await domains.attachment(NAME)
        await ended(domains, clock)
        works = await domains.attachment(NAME.upper())

        assert [each.state for each in (absent, begun, works)] == [
            Attached.ABSENT,
            Attached.BEGUN,
            Attached.WORKS,
        ]
        assert [each.severity for each in absent.says] == ["block"]
        assert "ICP filing" in absent.says[0].remedy
        assert [each.id for each in begun.says] == ["domain-being-attached"]
        assert works.says == ()
        assert works.expires == ssl_time("2027-01-01 07:59:59")
        for each in (absent, begun, works):
            assert msgspec.json.decode(msgspec.json.encode(each), type=Attachment) == each

    @pytest.mark.parametrize(
        ("ends", "names", "expected"),
        [
            ("2024-01-01 00:00:00", [NAME], [("attached-certificate-expired", "block")]),
            ("2026-10-01 00:00:00", [NAME], [("attached-certificate-ends-soon", "warn")]),
            ("2028-01-01 00:00:00", ["*.net"], [("attached-certificate-name", "block")]),
        ],
    )
    async def test_a_certificate_that_does_not_hold_is_a_finding(
        self,
        ends: str,
        names: list[str],
        expected: list[tuple[str, str]],
        custom: Custom,
        domains: DomainEngine,
        instance: Instance,
    ) -> None:
        instance.domains = {NAME: "SUCCESS"}
        custom.certificates_of = {(instance.id, NAME): "cert-x"}
        custom.hold("cert-x", names, ends=ends)

        attachment = await domains.attachment(NAME)

        assert [(each.id, each.severity) for each in attachment.says] == expected

    async def test_what_follows_is_what_a_finding_of_a_cutover_has(
        self, custom: Custom, domains: DomainEngine
    ) -> None:
        (said,) = (await domains.attachment(NAME)).says

        finding = Finding(
            "P-10", said.id, Severity(said.severity), said.seen, said.means, said.remedy
        )

        assert finding.severity is Severity.BLOCK


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("SUCCESS", Attached.WORKS),
        ("success", Attached.WORKS),
        ("FAILURE", Attached.FAILED),
        ("FAILED", Attached.FAILED),
        ("CREATING", Attached.BEGUN),
        ("PROCESSING", Attached.BEGUN),
        ("DELETING", Attached.GOING),
        ("BLUE", Attached.UNKNOWN),
        ("", Attached.UNKNOWN),
    ],
)
def test_each_status_is_told_in_words(said: str, state: Attached) -> None:
    domain = CustomDomain(NAME, "cert", said)

    assert domain.state is state
    assert NAME in domain_status_text(domain)


@given(st.integers())
def test_every_status_of_a_certificate_has_words(status: int) -> None:
    assert certificate_status_text(status)


LABEL = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)


@given(st.lists(LABEL, min_size=2, max_size=5))
def test_a_wildcard_stands_for_one_label_and_no_more(labels: list[str]) -> None:
    name, above = ".".join(labels), ".".join(labels[1:])
    wild = ServerCertificate("c", "", (f"*.{above}",), None, 1)

    assert wild.covers(name)
    assert wild.covers(name.upper())
    assert not wild.covers(above)
    assert not wild.covers(f"x.{name}")
    assert not ServerCertificate("c", "", (), None, 1).covers(name)
