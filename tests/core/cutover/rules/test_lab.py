"""Findings on real evidence: name servers and caches of the lab, each with its trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cutovers.clean import found, result
from servers.dns.lab import EXAMPLE
from servers.dns.zones import NEW, OLD, TTL
from transship.clock import SystemClock
from transship.cutover.domain import Domain, Resolver, Subject
from transship.cutover.finding import CheckOutcome, Severity
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observer import observe_names
from transship.cutover.rules.case import Case, observed, sampled
from transship.cutover.rules.checks import CHECKS, NAMES, run_checks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from servers.dns.lab import DnsLab

    Look = Callable[..., Awaitable[Case]]

TARGET = NEW.rstrip(".")


@pytest.fixture
def look(lab: DnsLab) -> Look:
    """Look at a name with the DNS observers, through these caches, and return the case."""
    dns_client = DnsClient(SystemClock(), served=lab.served, ca_file=str(lab.ca_file))

    async def looked(
        name: str,
        *caches: str,
        new: str = TARGET,
        record: str = "",
        before: Case | None = None,
    ) -> Case:
        resolvers = [
            Resolver(each, lab.caches[each].address, lab.caches[each].port)
            for each in caches or ("plain",)
        ]
        subject = Subject(Domain(name), new, OLD.rstrip("."), record)
        lab.flush()
        seen = await observe_names(dns_client, subject, resolvers, resolvers[:1])
        history = observed(seen, before.history if before else ())
        return Case(subject, seen, seen.taken, history, sampled(seen.resolvers))

    return looked


def grave(of: Case) -> dict[str, set[str]]:
    """What blocks or warns, by check, of all that DNS alone can tell."""
    by_dns = {check.id for check in CHECKS if check.needs and check.needs[0] == NAMES}
    rows = run_checks(of.subject, of.evidence, of.now, history=of.history, samples=of.samples)
    return {
        row.check: names
        for row in rows
        if row.check in by_dns
        and (names := {f.id for f in row.findings if f.severity is not Severity.INFO})
    }


async def test_a_clean_domain_raises_nothing(lab: DnsLab, look: Look) -> None:
    lab.set("clean.example.test.", "CNAME", OLD)
    clean = await look("clean.example.test", "plain", "forwarder", "encrypted")

    assert grave(clean) == {}
    for check in ("P-03", "P-04", "P-05", "P-06", "P-08", "P-11", "P-18", "P-31", "P-33", "P-34"):
        assert result(clean, check).outcome is CheckOutcome.PASS, check
    assert result(clean, "P-07").outcome is CheckOutcome.OPEN


async def test_a_clean_change_raises_nothing(lab: DnsLab, look: Look) -> None:
    lab.set("clean.example.test.", "CNAME", OLD)
    before = await look("clean.example.test")
    lab.set("clean.example.test.", "CNAME", NEW)
    after = await look("clean.example.test", before=before)

    assert grave(after) == {}
    for check in ("F-01", "F-02", "F-03", "F-05", "F-06", "F-07", "W-01", "W-02"):
        assert result(after, check).outcome is CheckOutcome.PASS, check
    assert len(after.history) == 4


async def test_lame_servers(look: Look) -> None:
    lame = await look("images.lame.test")

    assert found(lame, "P-03") == {"lame-server": "block", "server-without-address": "block"}
    seen = " ".join(f.seen for f in result(lame, "P-03").findings)
    assert "refers elsewhere" in seen
    assert "answers REFUSED" in seen


async def test_a_zone_that_nobody_serves(look: Look) -> None:
    dead = await look("images.dead.test")

    assert found(dead, "P-03") == {"lame-server": "block"}
    assert found(dead, "P-05") == {"record-unreadable": "block"}
    assert found(dead, "W-05") == {"resolver-fails": "warn"}


async def test_a_stuck_secondary(lab: DnsLab, look: Look) -> None:
    lab.set("stuck.example.test.", "CNAME", OLD)
    before = await look("stuck.example.test")
    with lab.stuck_secondary():
        lab.primary.set(EXAMPLE, "stuck.example.test.", "CNAME", NEW, ttl=TTL)
        stuck = await look("stuck.example.test", before=before)

    assert found(stuck, "P-04") == {"serial-behind": "warn"}
    assert found(stuck, "F-01") == {"half-changed": "warn"}
    assert lab.secondary in result(stuck, "F-01").seen


async def test_a_record_that_went_missing(lab: DnsLab, look: Look) -> None:
    lab.set("brief.example.test.", "CNAME", OLD)
    before = await look("brief.example.test")
    lab.remove("brief.example.test.")
    gone = await look("brief.example.test", before=before)

    (finding,) = result(gone, "F-02").findings
    assert (finding.id, finding.severity) == ("record-gone", Severity.BLOCK)
    assert finding.record == f"brief.example.test. {TTL} IN CNAME {OLD}"


async def test_what_exists_through_a_wildcard_alone(look: Look) -> None:
    assert found(await look("nobody.wild.example.test"), "P-08") == {"wildcard-only": "warn"}


async def test_a_branch_with_another_name(look: Look) -> None:
    assert found(await look("registry.branch.example.test"), "P-08") == {"dname-above": "warn"}


async def test_an_aaaa_left_over(lab: DnsLab, look: Look) -> None:
    left = await look("dual.example.test", record=lab.block.address("3.1"))

    assert found(left, "F-05") == {"ipv6-left": "block"}
    assert found(left, "W-02") == {"ipv6-behind": "warn"}


async def test_a_target_that_doesnt_exist(look: Look) -> None:
    planned = await look("images.example.test", new="gone.newcloud.test")
    there = await look("dangling.example.test", new="gone.newcloud.test")

    assert found(planned, "P-11") == {"target-missing": "block"}
    assert found(there, "F-07") == {"dangling": "block"}


async def test_signatures_that_a_resolver_refuses(look: Look) -> None:
    refused = await look("images.example.test", "plain", "bogus")

    assert found(refused, "P-33") == {"bogus": "block"}
    assert "bogus refuses the name (SERVFAIL, " in result(refused, "P-33").seen
    assert result(await look("images.example.test"), "P-33").outcome is CheckOutcome.PASS


async def test_a_resolver_that_lengthens_ttls(look: Look) -> None:
    clamped = await look("images.example.test", "plain", "clamping")

    assert found(clamped, "W-04") == {"resolver-clamps": "warn"}
    assert "clamping keeps it for 1 min 30 s" in result(clamped, "W-04").seen


async def test_a_forgotten_dot_at_either_end(look: Look) -> None:
    behind = await look("dotless.example.test")
    before = await look("images.example.test")

    assert found(behind, "F-03") == {"target-doubled": "block"}
    assert found(behind, "F-07") == {"dangling": "block"}
    assert found(before, "F-03") == {"owner-doubled": "block"}
    assert result(before, "F-03").seen.endswith(f"points at {TARGET}.")


async def test_a_record_that_a_controller_manages(look: Look) -> None:
    assert found(await look("owned.example.test"), "P-09") == {"managed": "block"}


async def test_the_top_of_a_zone(look: Look) -> None:
    assert found(await look("example.test"), "P-02") == {"apex": "block"}


async def test_a_record_that_leads_elsewhere_than_the_new_registry(lab: DnsLab, look: Look) -> None:
    elsewhere = await look("images.example.test", record=OLD.rstrip("."))
    there = await look("images.example.test", new=lab.block.address("3.2"), record=TARGET)
    beyond = await look("images.example.test", new="dead.newcloud.test", record=TARGET)

    assert found(elsewhere, "P-10") == {"record-elsewhere": "warn"}
    assert lab.block.address("3.1") in result(elsewhere, "P-10").seen
    assert found(there, "P-10") == {}, "another word for the same place"
    assert found(beyond, "P-10") == {"record-elsewhere": "warn"}
    assert "leads to nowhere (NXDOMAIN)" in result(beyond, "P-10").seen


async def test_names_that_go_round_in_a_circle(look: Look) -> None:
    assert found(await look("loop-a.example.test"), "F-05") == {"chain-broken": "block"}
    assert found(await look("images.example.test", new="loop-b.example.test"), "P-11") == {
        "target-loop": "block"
    }


async def test_a_machine_cut_off_from_dns_knows_nothing_and_blames_nobody(lab: DnsLab) -> None:
    dns_client = DnsClient(SystemClock(), seconds=0.2)
    closed = Resolver("closed", lab.block.address("4.9"), 5399)
    subject = Subject(Domain("images.example.test"), TARGET)
    seen = await observe_names(dns_client, subject, [closed], [closed])
    rows: dict[str, Any] = {row.check: row for row in run_checks(subject, seen, seen.taken)}

    assert grave(Case(subject, seen, seen.taken)) == {}
    for check in ("P-02", "P-03", "P-04", "P-05", "P-07", "P-08", "P-11", "P-33", "F-02"):
        assert rows[check].outcome is CheckOutcome.OPEN, check
