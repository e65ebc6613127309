"""Looks at all of a cutover that can be seen from here: DNS, the target, its service, the tags.

`observe_all` gathers the whole evidence step by step, `observe_change` what a change has to do
with; a `DnsObserver` looks for the watch and for a change, again and again. Changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from transship.cutover.change.records import HELD_TYPES
from transship.cutover.domain import Domain, Resolver, Subject, host_name, is_address
from transship.cutover.evidence import (
    Chain,
    Evidence,
    NamedPull,
    Parity,
    ResolverView,
    ServiceReport,
    ZoneEvidence,
)
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observe.endpoint import TargetLimits, TargetOptions, error_text
from transship.cutover.observe.image_pulls import pull_by_name
from transship.cutover.observe.parity import ParitySide, compare_listed
from transship.cutover.observe.resolvers import (
    PUBLIC_RESOLVERS,
    follow_chain,
    hosts_lines,
    observe_resolvers,
    own_addresses,
    parse_resolver,
    system_resolvers,
)
from transship.cutover.observe.target import (
    DomainService,
    observe_service,
    observe_target,
    with_target,
)
from transship.cutover.observe.zone import (
    CHANGING_TYPES,
    ask_aliases,
    ask_authorities,
    ask_misspelt,
    ask_ownership,
    ask_wildcard,
    observe_zone,
    observe_zone_again,
)
from transship.cutover.rules.case import Case, has_changed, serving
from transship.errors import BadRequest, TransshipError


async def observe_names(
    dns_client: DnsClient,
    subject: Subject,
    resolvers: Sequence[Resolver],
    through: Sequence[Resolver],
) -> Evidence:
    """Return what DNS says of the subject, as evidence without anything else in it.

    `resolvers` are looked at; through `through`, in turn, the zone and its servers are found.
    """
    # What checks signatures takes long to import, and nothing else needs it.
    from transship.cutover.observe.dnssec import validate_signatures

    name, target = subject.domain.name, subject.points_at
    zone, (local, local_error), seen, today, (leads, named), caa = await asyncio.gather(
        observe_zone(dns_client, name, through),
        own_addresses(subject),
        observe_resolvers(dns_client, resolvers, name),
        follow_chain(dns_client, name, through),
        _targets(dns_client, subject, through),
        ask_authorities(dns_client, (name, target), through),
    )
    signed, beside, owners, slips, above = await asyncio.gather(
        validate_signatures(dns_client, zone, name),
        ask_wildcard(dns_client, zone, name),
        ask_ownership(dns_client, zone, name),
        ask_misspelt(dns_client, zone, name, target),
        ask_aliases(dns_client, zone, name),
    )
    return Evidence(
        taken=dns_client.clock.now(),
        zone=zone,
        signatures=signed,
        resolvers=seen,
        today=today,
        target=leads,
        named=named,
        wildcard=beside,
        ownership=owners,
        authorities=caa,
        misspelt=slips,
        aliases=above,
        local=local,
        local_error=local_error,
        hosts=hosts_lines(name) if subject.system else (),
    )


async def _targets(
    dns_client: DnsClient, subject: Subject, through: Sequence[Resolver]
) -> tuple[Chain, Chain | None]:
    """Return where the record is to lead, and the new registry's own name if that is another."""
    target, own = subject.points_at, subject.new.partition(":")[0]
    if not own or own == target:
        return await follow_chain(dns_client, target, through), None
    leads, named = await asyncio.gather(
        follow_chain(dns_client, target, through), follow_chain(dns_client, own, through)
    )
    return leads, named


NAMES_STEP, TARGET_STEP, PARITY_STEP = (
    "DNS: name servers and resolvers",
    "the new registry",
    "tags, on both sides",
)

BY_NAME_STEP = "pulls by the domain itself"


@dataclass(frozen=True, slots=True)
class ObserverSetup:
    """What it takes to look: who asks, whom, with which sign-ins, and both registries.

    `old` and `new` are None where a registry isn't to be listed; `untold` is then why. `compare`
    compares the tags in another way than by listing all of them; it may raise TransshipError.
    `service` is who is behind the new registry, where its API can tell of domains.
    """

    dns_client: DnsClient
    resolvers: tuple[Resolver, ...]
    through: tuple[Resolver, ...]
    wishes: TargetOptions = field(default_factory=TargetOptions)
    old: ParitySide | None = None
    new: ParitySide | None = None
    untold: str = ""
    compare: Callable[[], Awaitable[Parity]] | None = None
    limits: TargetLimits | None = None
    service: DomainService | None = None


@dataclass(frozen=True, slots=True)
class ObservationStep:
    """What is known by now, and what is being looked at; empty when that is all."""

    evidence: Evidence
    checking: str


def resolvers_of(subject: Subject) -> tuple[Resolver, ...]:
    """Return all resolvers to look at: the operator's, this machine's, and public ones.

    Public ones and this machine's are left out where the subject says so.
    """
    public = PUBLIC_RESOLVERS if subject.public else ()
    system = system_resolvers() if subject.system else ()
    found: dict[tuple[str, int, str], Resolver] = {}
    for each in (*subject.resolvers, *system, *public):
        found.setdefault((each.address, each.port, each.transport), each)
    return tuple(found.values())


def make_subject(
    domain: Domain,
    new: str,
    *,
    old: str = "",
    record: str = "",
    resolvers: Sequence[str] = (),
    repositories: Sequence[str] = (),
    node_ca: str = "",
    public: bool = True,
    job: str = "",
    plan: str = "",
) -> Subject:
    """Return what a cutover is about, from what an operator wrote.

    Raises BadRequest where the domain would point at itself, BadDomain and BadResolver.
    """
    subject = Subject(
        domain,
        new,
        old,
        record and _record(record),
        tuple(map(parse_resolver, resolvers)),
        tuple(repositories),
        node_ca,
        public=public,
        job=job,
        plan=plan,
    )
    if subject.points_at == domain.name:
        raise BadRequest(
            f"{domain.name} would point at itself",
            remedy="Name the new registry by its own name, as its provider gives it.",
        )
    if old and old == new:
        raise BadRequest(f"{new} is both the old registry and the new one")
    return subject


async def observe_all(
    subject: Subject, means: ObserverSetup, before: Evidence | None = None
) -> AsyncGenerator[ObservationStep]:
    """Look at everything; give what is known before each step, and all of it at the end.

    What `before` had stays until it was looked at anew. Raises BadFile and BadReference.
    """
    clock = means.dns_client.clock
    known = before or Evidence(clock.now())
    yield ObservationStep(known, NAMES_STEP)
    known = await _with_names(subject, means, known)
    yield ObservationStep(known, TARGET_STEP)
    known, told = await asyncio.gather(
        _with_target(subject, means, known), _service_report(subject, means)
    )
    known = replace(known, service=told)
    if has_changed(Case(subject, known, clock.now())):
        yield ObservationStep(known, BY_NAME_STEP)
        known = replace(known, by_name=await pulls_by_name(subject, means, known))
    yield ObservationStep(known, PARITY_STEP)
    known = replace(known, parity=await _parity(subject, means))
    yield ObservationStep(replace(known, taken=clock.now()), "")


async def observe_change(
    subject: Subject, means: ObserverSetup, before: Evidence | None = None
) -> Evidence:
    """Look again at what a change has to do with: DNS, and once it is everywhere pulls by the name.

    Raises BadFile and BadReference.
    """
    known = before or Evidence(means.dns_client.clock.now())
    if known.parity is not None and known.parity.at is None:
        # It isn't compared anew, and has to stay as old as it is.
        known = replace(known, parity=replace(known.parity, at=known.taken))
    known = await _with_names(subject, means, known)
    if has_changed(Case(subject, known, known.taken)):
        known = replace(known, by_name=await pulls_by_name(subject, means, known))
    return replace(known, taken=means.dns_client.clock.now())


async def _with_names(subject: Subject, means: ObserverSetup, known: Evidence) -> Evidence:
    """Return what is known, with all that DNS says at this moment."""
    seen = await observe_names(means.dns_client, subject, means.resolvers, means.through)
    return replace(
        seen,
        handshakes=known.handshakes,
        probes=known.probes,
        paths=known.paths,
        pulls=known.pulls,
        needed=known.needed,
        push=known.push,
        service=known.service,
        by_name=known.by_name,
        parity=known.parity,
        statements=known.statements,
    )


async def _with_target(subject: Subject, means: ObserverSetup, known: Evidence) -> Evidence:
    """Return what is known, with what the target shows at this moment."""
    if known.target is None or not known.target.addresses:
        return known
    wishes = replace(means.wishes, old=await _old_addresses(subject, means, known))
    target = await observe_target(
        subject, known.target, wishes, clock=means.dns_client.clock, limits=means.limits
    )
    return with_target(known, target)


async def _service_report(subject: Subject, means: ObserverSetup) -> ServiceReport | None:
    """Return what the service behind the new registry says of the domain, if it can be asked."""
    if means.service is None:
        return None
    return await observe_service(means.service, subject.domain.name, means.dns_client.clock)


async def pulls_by_name(
    subject: Subject, means: ObserverSetup, known: Evidence
) -> tuple[NamedPull, ...]:
    """Pull by the domain itself, where this machine and each resolver are led at this moment.

    Raises BadFile and BadReference.
    """
    return await pull_by_name(
        subject,
        means.dns_client,
        means.resolvers,
        means.wishes,
        known=known.pulls,
        limits=means.limits,
    )


async def _old_addresses(
    subject: Subject, means: ObserverSetup, known: Evidence
) -> tuple[str, ...]:
    """Return where the old registry is: by its own name, or else where the domain leads today.

    Once that is the new one, it is where it was when it was looked at before.
    """
    chain = known.today
    if subject.old:
        chain = await follow_chain(means.dns_client, subject.old.partition(":")[0], means.through)
    new = set(known.target.addresses) if known.target else set()
    found = tuple(each for each in chain.addresses if each not in new) if chain else ()
    return found or tuple(
        dict.fromkeys(probe.address for probe in known.probes if probe.side == "old")
    )


async def _parity(subject: Subject, means: ObserverSetup) -> Parity:
    if means.compare is not None:
        try:
            return await means.compare()
        except TransshipError as error:
            return Parity(0, (), error=error_text(error))
    if means.old is None or means.new is None:
        return Parity(0, (), error=means.untold or "the old registry isn't named")
    repositories = tuple(dict.fromkeys(repository_of(each) for each in subject.repositories))
    return await compare_listed(means.old, means.new, known=repositories)


def repository_of(reference: str) -> str:
    """Return the repository of `REPOSITORY`, `REPOSITORY:TAG` or `REPOSITORY@DIGEST`."""
    name = reference.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def _record(text: str) -> str:
    """Return what a record is to hold: an address, or a host name. Raises BadDomain."""
    return text.strip() if is_address(text.strip()) else host_name(text)


PUBLIC_SAMPLES = 3
"""How often a public resolver is asked in one look: behind its address there are many."""


class Observer(Protocol):
    """Looks once. Nothing is raised: what goes wrong is in what comes back."""

    async def servers(self, *, whole: bool = False) -> ZoneEvidence:
        """Ask every name server for the record, or with `whole` for all that the name holds."""

    async def resolvers(self, *, peek: bool = False) -> tuple[ResolverView, ...]:
        """Ask every resolver; with `peek` only for what it has cached already."""


class DnsObserver:
    """Looks by DNS.

    `zone` is where the name servers were found; without it they are looked for, through the
    resolvers of `through`, at the first look, and again whenever none of them answers.
    """

    def __init__(
        self,
        dns_client: DnsClient,
        subject: Subject,
        resolvers: Sequence[Resolver],
        through: Sequence[Resolver],
        zone: ZoneEvidence | None = None,
    ) -> None:
        self._asker = dns_client
        self._name = subject.domain.name
        self._resolvers = tuple(resolvers)
        self._through = tuple(through)
        self._zone = zone

    async def servers(self, *, whole: bool = False) -> ZoneEvidence:
        """Ask every name server for the record, or with `whole` for all that the name holds."""
        kinds = HELD_TYPES if whole else CHANGING_TYPES
        if self._zone is not None and self._zone.servers:
            seen = await observe_zone_again(self._asker, self._zone, self._name, kinds=kinds)
            if serving(seen):
                return seen
        found = await observe_zone(self._asker, self._name, self._through, kinds=kinds)
        if found.servers or self._zone is None:
            self._zone = found
        return found

    async def resolvers(self, *, peek: bool = False) -> tuple[ResolverView, ...]:
        """Ask every resolver; with `peek` only for what it has cached already."""
        public = [each for each in self._resolvers if each.origin == "public"]
        others = [each for each in self._resolvers if each.origin != "public"]
        seen, many = await asyncio.gather(
            observe_resolvers(
                self._asker, others, self._name, samples=1, peek=peek, thorough=False
            ),
            observe_resolvers(
                self._asker, public, self._name, samples=PUBLIC_SAMPLES, peek=peek, thorough=False
            ),
        )
        return (*seen, *many)
