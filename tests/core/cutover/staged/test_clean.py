"""Domains with nothing wrong, before their change and after it: nothing is raised."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cutovers.clean import result
from cutovers.staging import GOOD, answered, grave, later
from servers.dns.zones import NEW, OLD
from servers.process import free_port, has_ipv6
from transship.clock import SystemClock
from transship.cutover.domain import Domain, Subject, parse_domain
from transship.cutover.finding import CheckOutcome, Phase, Severity
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observe.endpoint import TargetLimits, TargetOptions
from transship.cutover.observer import ObserverSetup, observe_all
from transship.cutover.rules.case import Case, observed, sampled
from transship.cutover.rules.checks import CHECKS, change_gate, run_checks
from transship.registry.credential import Tls
from transship.registry.distribution import DistributionRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from cutovers.staging import Looks
    from servers.authority import Authority
    from servers.dns.lab import DnsLab
    from servers.docker_registry import DockerRegistry
    from transship.cutover.finding import CheckResult

    Serve = Callable[..., DockerRegistry]
    Check = Callable[..., Awaitable[Case]]

TTL = 60
AGREED = {
    "ttl-before": str(TTL),
    "automation": "none",
    "node-overrides": "done",
    "node-secrets": "same",
    "consumers": "none",
    "private-zones": "none",
    "push-path": "no",
    "renewal": "automated",
    "old-kept": "2027-03-01",
    "pushes": "frozen",
}
DAY = 86400.0
# Everybody answers here, and nothing is raised of a machine that is slow.
PATIENT = TargetLimits(connect=20.0, answer=20.0, paths=60.0, pull=60.0)


@pytest.fixture
async def check(
    looks: Looks, lab: DnsLab, serve: Serve, authority: Authority, bundle: str
) -> AsyncIterator[Check]:
    """Make all checks of a domain, which has a registry on both sides, as the app makes them."""
    dns_client = DnsClient(SystemClock(), served=lab.served, seconds=5.0, ca_file=str(lab.ca_file))
    places = {"old": lab.block.address("3.1"), "new": lab.block.address("3.2")}
    async with AsyncExitStack() as clients:
        sides: dict[str, dict[str, DistributionRegistry]] = {}

        async def side(domain: Domain, which: str) -> DistributionRegistry:
            """Start one side of a domain, and return the client that lists it."""
            address = places[which]
            tls = authority.issue(domain.name, address)
            await asyncio.to_thread(
                serve, address=address, port=domain.port, tls=tls, auth="htpasswd"
            )
            client = DistributionRegistry(
                f"{address}:{domain.port}", credential=GOOD.credential, tls=Tls(ca_file=bundle)
            )
            clients.push_async_callback(client.aclose)
            return client

        async def checked(domain: Domain, before: Case | None = None) -> Case:
            if domain.name not in sides:
                sides[domain.name] = {which: await side(domain, which) for which in places}
            port = "" if domain.port == 443 else f":{domain.port}"
            subject = Subject(
                domain,
                f"{NEW.rstrip('.')}{port}",
                f"{OLD.rstrip('.')}{port}",
                repositories=("team/app",),
                node_ca=bundle,
                served=lab.served,
                public=False,
                system=False,
            )
            resolvers = looks.caches("plain", "forwarder", "stale")
            mine = sides[domain.name]
            means = ObserverSetup(
                dns_client,
                resolvers,
                resolvers[:1],
                TargetOptions((GOOD,)),
                old=mine["old"],
                new=mine["new"],
                limits=PATIENT,
            )
            evidence = before.evidence if before else None
            async for look in observe_all(subject, means, evidence):
                evidence = look.evidence
            assert evidence is not None
            history = observed(evidence, before.history if before else ())
            samples = (*(before.samples if before else ()), *sampled(evidence.resolvers))
            return Case(subject, evidence, evidence.taken, history, samples)

        yield checked


def rows(case: Case) -> tuple[CheckResult, ...]:
    return run_checks(
        case.subject, case.evidence, case.now, history=case.history, samples=case.samples
    )


def told_only(case: Case) -> set[str]:
    """What should be known, and stands in no way."""
    return {f.id for row in rows(case) for f in row.findings if f.severity is Severity.INFO}


def not_passed(case: Case, phase: Phase) -> set[str]:
    return {
        row.check
        for row in rows(case)
        if row.phase is phase and row.outcome is not CheckOutcome.PASS
    }


async def test_clean_domains_raise_nothing_and_may_be_changed_at_once(
    check: Check, lab: DnsLab, domain: Domain
) -> None:
    plain = replace(domain, name="clean.example.test")
    international = parse_domain("bücher.example.test:5000")
    for each in (plain, international):
        lab.set(f"{each.name}.", "CNAME", OLD, ttl=TTL)
    lab.flush()
    first, second = await asyncio.gather(check(plain), check(international))

    for case in (first, second):
        agreed = answered(case, AGREED)
        assert grave(agreed) == {}
        assert not_passed(agreed, Phase.BEFORE) <= {"P-01"}
        assert change_gate(rows(agreed), agreed.evidence.statements).clear
        assert not change_gate(rows(case), ()).clear
    assert told_only(answered(second, AGREED)) == {"international-name", "port-in-name"}
    assert result(answered(first, AGREED), "P-27").seen == "4 tags, the same on both sides"


async def test_a_clean_change_raises_nothing(check: Check, lab: DnsLab, domain: Domain) -> None:
    plain = replace(domain, name="clean.example.test")
    lab.set("clean.example.test.", "CNAME", OLD, ttl=TTL)
    lab.flush()
    before = await check(plain)
    lab.set("clean.example.test.", "CNAME", NEW, ttl=TTL)
    lab.flush()
    after = answered(await check(plain, before), AGREED)

    assert grave(after) == {}
    assert not_passed(after, Phase.CHANGE) == set()
    for name in ("W-01", "W-02", "W-04", "W-05", "W-07", "V-01", "V-02", "V-03", "V-04", "R-01"):
        assert result(after, name).outcome is CheckOutcome.PASS, name
    over = later(answered(after, {"old-traffic": "done"}, later=2 * DAY), 2 * DAY)
    assert grave(over) == {}
    assert {row.check for row in rows(over) if row.outcome is CheckOutcome.OPEN} <= {"P-07"}
    assert len(rows(over)) == len(CHECKS)


async def test_a_target_with_ipv6_alone(
    serve: Serve, looks: Looks, authority: Authority, domain: Domain
) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    six = replace(domain, port=free_port())
    serve(address="::1", port=six.port, tls=authority.issue(six.name), auth="htpasswd")
    seen = await looks.registry("::1", domain=six, wishes=TargetOptions((GOOD,)))

    assert grave(seen) == {}
    for name in ("P-12", "P-13", "P-20", "P-24", "P-26", "P-28", "P-29"):
        assert result(seen, name).outcome is CheckOutcome.PASS, name
    assert {pull.address for pull in seen.evidence.pulls} == {"::1"}
