"""All that can be seen of a cutover from here, gathered step by step. Changes nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

from transship.cutover.evidence import Evidence, Parity
from transship.cutover.observe.asking import Asker
from transship.cutover.observe.chains import follow
from transship.cutover.observe.comparing import Side, compare_listed
from transship.cutover.observe.names import host_name
from transship.cutover.observe.naming import observe_names
from transship.cutover.observe.resolving import PUBLIC, parse_resolver, system_resolvers
from transship.cutover.observe.targeting import Limits, Wishes, observe_target, with_target
from transship.cutover.subject import Domain, Resolver, Subject
from transship.errors import BadRequest

NAMES, TARGET, PARITY = "DNS: name servers and resolvers", "the new registry", "tags, on both sides"


@dataclass(frozen=True, slots=True)
class Means:
    """What it takes to look: who asks, whom, with which sign-ins, and both registries.

    `old` and `new` are None where a registry isn't to be listed; `untold` is then why.
    """

    asker: Asker
    resolvers: tuple[Resolver, ...]
    through: tuple[Resolver, ...]
    wishes: Wishes = field(default_factory=Wishes)
    old: Side | None = None
    new: Side | None = None
    untold: str = ""
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What is known by now, and what is being looked at; empty when that is all."""

    evidence: Evidence
    checking: str


def everybody(subject: Subject) -> tuple[Resolver, ...]:
    """Return all resolvers to look at: the operator's, this machine's, and public ones."""
    found: dict[tuple[str, int, str], Resolver] = {}
    for each in (*subject.resolvers, *system_resolvers(), *PUBLIC):
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
    )
    if host_name(subject.points_at) == domain.name:
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
    seen = await observe_names(means.asker, subject, means.resolvers, means.through)
    known = replace(
        seen,
        handshakes=known.handshakes,
        probes=known.probes,
        paths=known.paths,
        pulls=known.pulls,
        needed=known.needed,
        push=known.push,
        parity=known.parity,
        statements=known.statements,
    )
    yield Look(known, TARGET)
    if known.target is not None and known.target.addresses:
        wishes = replace(means.wishes, old=await _old_addresses(subject, means, known))
        target = await observe_target(
            subject, known.target, wishes, clock=clock, limits=means.limits
        )
        known = with_target(known, target)
    yield Look(known, PARITY)
    known = replace(known, parity=await _parity(subject, means))
    yield Look(replace(known, taken=clock.now()), "")


async def _old_addresses(subject: Subject, means: Means, known: Evidence) -> tuple[str, ...]:
    """Return where the old registry is: by its own name, or else where the domain leads today."""
    chain = known.today
    if subject.old:
        chain = await follow(means.asker, subject.old.partition(":")[0], means.through)
    new = set(known.target.addresses) if known.target else set()
    return tuple(each for each in chain.addresses if each not in new) if chain else ()


async def _parity(subject: Subject, means: Means) -> Parity:
    if means.old is None or means.new is None:
        return Parity(0, (), error=means.untold or "the old registry isn't named")
    repositories = tuple(dict.fromkeys(_repository(each) for each in subject.repositories))
    return await compare_listed(means.old, means.new, repositories)


def _repository(reference: str) -> str:
    name = reference.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def _record(text: str) -> str:
    return text.strip().rstrip(".")
