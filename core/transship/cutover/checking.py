"""All that can be seen of a cutover from here, gathered step by step. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from transship.cutover.evidence import Evidence, NamedPull, Parity, ServiceSays
from transship.cutover.observe.asking import Asker
from transship.cutover.observe.by_name import pull_by_name
from transship.cutover.observe.chains import follow
from transship.cutover.observe.comparing import Side, compare_listed
from transship.cutover.observe.names import host_name, is_address
from transship.cutover.observe.naming import observe_names
from transship.cutover.observe.pinned import error_text
from transship.cutover.observe.resolving import PUBLIC, parse_resolver, system_resolvers
from transship.cutover.observe.service import Service, observe_service
from transship.cutover.observe.targeting import Limits, Wishes, observe_target, with_target
from transship.cutover.rules.case import Case, has_changed
from transship.cutover.subject import Domain, Resolver, Subject
from transship.errors import BadRequest, TransshipError

NAMES, TARGET, PARITY = "DNS: name servers and resolvers", "the new registry", "tags, on both sides"
BY_NAME = "pulls by the domain itself"


@dataclass(frozen=True, slots=True)
class Means:
    """What it takes to look: who asks, whom, with which sign-ins, and both registries.

    `old` and `new` are None where a registry isn't to be listed; `untold` is then why. `compare`
    compares the tags in another way than by listing all of them; it may raise TransshipError.
    `service` is who is behind the new registry, where its API can tell of domains.
    """

    asker: Asker
    resolvers: tuple[Resolver, ...]
    through: tuple[Resolver, ...]
    wishes: Wishes = field(default_factory=Wishes)
    old: Side | None = None
    new: Side | None = None
    untold: str = ""
    compare: Callable[[], Awaitable[Parity]] | None = None
    limits: Limits | None = None
    service: Service | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What is known by now, and what is being looked at; empty when that is all."""

    evidence: Evidence
    checking: str


def everybody(subject: Subject) -> tuple[Resolver, ...]:
    """Return all resolvers to look at: the operator's, this machine's, and public ones.

    Public ones and this machine's are left out where the subject says so.
    """
    public = PUBLIC if subject.public else ()
    system = system_resolvers() if subject.system else ()
    found: dict[tuple[str, int, str], Resolver] = {}
    for each in (*subject.resolvers, *system, *public):
        found.setdefault((each.address, each.port, each.transport), each)
    return tuple(found.values())


def subject_of(
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


async def look_at_all(
    subject: Subject, means: Means, before: Evidence | None = None
) -> AsyncGenerator[Look]:
    """Look at everything; give what is known before each step, and all of it at the end.

    What `before` had stays until it was looked at anew. Raises BadFile and BadReference.
    """
    clock = means.asker.clock
    known = before or Evidence(clock.now())
    yield Look(known, NAMES)
    known = await _names_anew(subject, means, known)
    yield Look(known, TARGET)
    known, told = await asyncio.gather(
        _target_anew(subject, means, known), _service_anew(subject, means)
    )
    known = replace(known, service=told)
    if has_changed(Case(subject, known, clock.now())):
        yield Look(known, BY_NAME)
        known = replace(known, by_name=await pulls_by_name(subject, means, known))
    yield Look(known, PARITY)
    known = replace(known, parity=await _parity(subject, means))
    yield Look(replace(known, taken=clock.now()), "")


async def look_after(subject: Subject, means: Means, before: Evidence | None = None) -> Evidence:
    """Look again at what a change has to do with: DNS, and once it is everywhere pulls by the name.

    Raises BadFile and BadReference.
    """
    known = before or Evidence(means.asker.clock.now())
    if known.parity is not None and known.parity.at is None:
        # It isn't compared anew, and has to stay as old as it is.
        known = replace(known, parity=replace(known.parity, at=known.taken))
    known = await _names_anew(subject, means, known)
    if has_changed(Case(subject, known, known.taken)):
        known = replace(known, by_name=await pulls_by_name(subject, means, known))
    return replace(known, taken=means.asker.clock.now())


async def _names_anew(subject: Subject, means: Means, known: Evidence) -> Evidence:
    """Return what is known, with all that DNS says at this moment."""
    seen = await observe_names(means.asker, subject, means.resolvers, means.through)
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


async def _target_anew(subject: Subject, means: Means, known: Evidence) -> Evidence:
    """Return what is known, with what the target shows at this moment."""
    if known.target is None or not known.target.addresses:
        return known
    wishes = replace(means.wishes, old=await _old_addresses(subject, means, known))
    target = await observe_target(
        subject, known.target, wishes, clock=means.asker.clock, limits=means.limits
    )
    return with_target(known, target)


async def _service_anew(subject: Subject, means: Means) -> ServiceSays | None:
    """Return what the service behind the new registry says of the domain, if it can be asked."""
    if means.service is None:
        return None
    return await observe_service(means.service, subject.domain.name, means.asker.clock)


async def pulls_by_name(subject: Subject, means: Means, known: Evidence) -> tuple[NamedPull, ...]:
    """Pull by the domain itself, where this machine and each resolver are led at this moment.

    Raises BadFile and BadReference.
    """
    return await pull_by_name(
        subject, means.asker, means.resolvers, means.wishes, known=known.pulls, limits=means.limits
    )


async def _old_addresses(subject: Subject, means: Means, known: Evidence) -> tuple[str, ...]:
    """Return where the old registry is: by its own name, or else where the domain leads today.

    Once that is the new one, it is where it was when it was looked at before.
    """
    chain = known.today
    if subject.old:
        chain = await follow(means.asker, subject.old.partition(":")[0], means.through)
    new = set(known.target.addresses) if known.target else set()
    found = tuple(each for each in chain.addresses if each not in new) if chain else ()
    return found or tuple(
        dict.fromkeys(probe.address for probe in known.probes if probe.side == "old")
    )


async def _parity(subject: Subject, means: Means) -> Parity:
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
