"""Domains as observers have really seen them, in the lab and at registries, as cases to judge."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cutovers.clean import said
from servers.dns.zones import NEW, OLD
from servers.docker_registry import PASSWORD, USERNAME
from transship.cutover.domain import Domain, Resolver, Subject
from transship.cutover.evidence import Chain
from transship.cutover.finding import Severity
from transship.cutover.observe.endpoint import TargetLimits, TargetOptions, TrialCredential
from transship.cutover.observe.image_pulls import pull_by_name
from transship.cutover.observe.target import observe_target, with_target
from transship.cutover.observer import observe_names
from transship.cutover.questions import command_for, question_by_id
from transship.cutover.rules.case import Case, observed, sampled
from transship.cutover.rules.checks import run_checks
from transship.registry.credential import Credential

if TYPE_CHECKING:
    from servers.dns.lab import DnsLab
    from transship.cutover.observe.dns_queries import DnsClient

APP = "team/app"
QUICK = TargetLimits(connect=2.0, answer=2.0, paths=10.0, pull=10.0)
GOOD = TrialCredential(Credential(USERNAME, PASSWORD))
BAD = TrialCredential(Credential("old-robot", "old secret"))


@dataclass(frozen=True)
class Looks:
    """Looks by DNS, or at a target; each gives a case. Questions are answered by `told`."""

    lab: DnsLab
    dns_client: DnsClient
    domain: Domain
    target: str
    bundle: str

    def caches(self, *names: str) -> tuple[Resolver, ...]:
        """The lab's caches as resolvers."""
        found = ((name, self.lab.caches[name]) for name in names)
        return tuple(Resolver(name, cache.address, cache.port) for name, cache in found)

    async def names(
        self,
        name: str | Domain,
        *resolvers: Resolver,
        new: str = NEW.rstrip("."),
        record: str = "",
        before: Case | None = None,
        flush: bool = True,
        told: dict[str, str] | None = None,
    ) -> Case:
        """Look at a name with the observers of DNS, through the plain cache."""
        through = self.caches("plain")
        domain = name if isinstance(name, Domain) else Domain(name)
        subject = Subject(domain, new, OLD.rstrip("."), record)
        if flush:
            self.lab.flush()
        seen = await observe_names(self.dns_client, subject, resolvers or through, through)
        history = observed(seen, before.history if before else ())
        samples = (*(before.samples if before else ()), *sampled(seen.resolvers))
        case = Case(subject, seen, seen.taken, history, samples)
        return answered(case, told or {})

    async def registry(
        self,
        *addresses: str,
        domain: Domain | None = None,
        wishes: TargetOptions | None = None,
        node_ca: str | None = None,
        repository: str = APP,
        told: dict[str, str] | None = None,
        limits: TargetLimits = QUICK,
    ) -> Case:
        """Look at a target, under the domain's name; nothing is known of DNS."""
        domain = domain or self.domain
        subject = Subject(
            domain,
            f"{NEW.rstrip('.')}:{domain.port}",
            OLD.rstrip("."),
            repositories=(repository,),
            node_ca=self.bundle if node_ca is None else node_ca,
        )
        chain = Chain(NEW.rstrip("."), (), addresses or (self.target,))
        seen = await observe_target(subject, chain, wishes, limits=limits)
        case = Case(subject, replace(seen, target=chain), seen.taken)
        return answered(case, told or {})

    async def pulls(self, case: Case, *resolvers: Resolver) -> Case:
        """Pull by the domain itself, as these resolvers lead to it at this moment."""
        subject = replace(case.subject, system=False)
        by_name = await pull_by_name(subject, self.dns_client, resolvers, limits=QUICK)
        return having(case, by_name=by_name)


def answered(case: Case, told: dict[str, str], later: float = 0.0) -> Case:
    """The case after the operator's answers, each to its question."""
    given = tuple(said(name, text, case.now + later) for name, text in told.items())
    statements = (*case.evidence.statements, *given)
    return replace(case, evidence=replace(case.evidence, statements=statements))


def together(names: Case, registry: Case) -> Case:
    """What DNS said and what the target said of one domain, as one case."""
    subject = replace(registry.subject, record=names.subject.record)
    return replace(names, subject=subject, evidence=with_target(names.evidence, registry.evidence))


def later(case: Case, seconds: float) -> Case:
    """The same case when so much time has passed."""
    return replace(case, now=case.now + seconds)


def having(case: Case, **parts: Any) -> Case:
    """The case with more evidence, seen by another observer."""
    return replace(case, evidence=replace(case.evidence, **parts))


def grave(case: Case) -> dict[str, set[str]]:
    """What blocks or warns, by check."""
    rows = run_checks(
        case.subject, case.evidence, case.now, history=case.history, samples=case.samples
    )
    return {
        row.check: names
        for row in rows
        if (names := {f.id for f in row.findings if f.severity is not Severity.INFO})
    }


def run(name: str, case: Case, was: str = "", becomes: str = "") -> str:
    """What the command of a question prints in a shell here, with `was` replaced in it."""
    line = command_for(question_by_id(name), case.subject, case.evidence)
    if was:
        assert was in line
        line = line.replace(was, becomes)
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60).stdout
