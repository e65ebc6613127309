"""What rules judge, and what they all read from it: which side a server or an answer is on."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, TypeVar

from transship.cutover.domain import Subject
from transship.cutover.evidence import (
    DnsAnswer,
    Evidence,
    NameServer,
    RecordSet,
    ResolverView,
    ZoneEvidence,
)
from transship.cutover.timeline import Clocks, Sample, Served, absorbed, clocks

LEADING = ("CNAME", "A", "AAAA")
"""The records of a name that lead a pull."""

_SOA_FIELDS = 7  # RFC 1035, 3.3.13; the third is the serial.
_SYNTHESIZED = ipaddress.ip_network("64:ff9b::/96")  # DNS64 (RFC 6052): IPv4 in the form of IPv6.


@dataclass(frozen=True, slots=True)
class Case:
    """A cutover at one moment: what it is about, what was seen last, and what was seen before.

    `history` is what each name server said over time, `samples` what resolvers did.
    """

    subject: Subject
    evidence: Evidence
    now: float
    history: tuple[Served, ...] = ()
    samples: tuple[Sample, ...] = ()

    @property
    def name(self) -> str:
        """The domain's name."""
        return self.subject.domain.name


class Side(StrEnum):
    """Whom a name server's or a resolver's answer sends pulls to."""

    OLD = "old"
    """Anything but the new registry."""
    NEW = "new"
    MISSING = "missing"
    """It says that there is no such record."""
    SILENT = "silent"
    """It says nothing that could be read."""


class _Placed(Protocol):
    @property
    def address(self) -> str: ...


_P = TypeVar("_P", bound=_Placed)


def normalized_name(name: str) -> str:
    """Return a name as evidence has it: in lower case, without the dot at its end."""
    return name.strip().rstrip(".").lower()


def as_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that `text` is, None for anything else."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def is_ipv6(text: str) -> bool:
    """Tell whether `text` is an IPv6 address."""
    return isinstance(as_address(text), ipaddress.IPv6Address)


def is_private(text: str) -> bool:
    """Tell whether an address leads nowhere from the internet."""
    address = as_address(text)
    return address is not None and not address.is_global


def is_synthesized(text: str) -> bool:
    """Tell whether an address was made from an IPv4 one by a resolver (DNS64)."""
    address = as_address(text)
    return isinstance(address, ipaddress.IPv6Address) and address in _SYNTHESIZED


def serving(zone: ZoneEvidence | None) -> tuple[NameServer, ...]:
    """Return the servers that answer for the zone, by UDP or TCP."""
    servers = zone.servers if zone else ()
    return tuple(s for s in servers if s.soa.authoritative or s.soa_tcp.authoritative)


def held_at(server: NameServer, kind: str) -> RecordSet | None:
    """Return the domain's records of a type as a server has them."""
    found = (a.of(kind) for a in server.answers if a.type == kind)
    return next((records for records in found if records and records.values), None)


def leading_at(server: NameServer) -> tuple[RecordSet, ...]:
    """Return the domain's records that lead a pull, as a server has them."""
    found = (held_at(server, kind) for kind in LEADING)
    return tuple(records for records in found if records)


def domain_lines(case: Case, records: Iterable[RecordSet], ttl: int | None = None) -> str:
    """Return the domain's records as lines of a zone file, with another TTL where one is given."""
    return "\n".join(
        f"{case.name}. {each.ttl if ttl is None else ttl} IN {each.type} {value}"
        for each in records
        for value in each.values
    )


def values_of(records: Iterable[RecordSet]) -> tuple[str, ...]:
    """Return the values of records in an order that doesn't turn."""
    return tuple(sorted(value for each in records for value in each.values))


def said_values(server: NameServer) -> tuple[tuple[str, ...], bool]:
    """Return the values that a server gives the domain, and whether it said anything at all.

    CNAME comes before addresses. No values: it says that there are none.
    """
    asked = [a for a in server.answers if a.type in LEADING]
    records = leading_at(server)
    chosen = [r for r in records if r.type == "CNAME"] or records
    if chosen:
        return values_of(chosen), True
    told = [a for a in asked if not a.error and a.rcode in ("NOERROR", "NXDOMAIN")]
    return (), bool(asked) and len(told) == len(asked)


def serial(server: NameServer) -> int | None:
    """Return the zone's serial as this server has it (compare as RFC 1982 says)."""
    records = server.soa.of("SOA") or server.soa_tcp.of("SOA")
    fields = records.values[0].split() if records else []
    return int(fields[2]) if len(fields) == _SOA_FIELDS else None


def target_addresses(case: Case) -> tuple[str, ...]:
    """Return the addresses of what the domain is to point at."""
    chain = case.evidence.target
    return tuple(a for a in chain.addresses if not is_synthesized(a)) if chain else ()


def leads_to_target(case: Case, values: Sequence[str]) -> bool:
    """Tell whether records with these values send pulls to the new registry.

    A name is compared with the name that is wanted. Addresses may be a part of the target's, which
    turn, and may be there instead of a name where the provider resolves it itself (flattening);
    those of IPv4 decide where there are both.
    """
    names = [value for value in values if as_address(value) is None]
    if names:
        return {normalized_name(value) for value in names} == {
            normalized_name(case.subject.points_at)
        }
    addresses = [value for value in values if not is_ipv6(value)] or list(values)
    known = {as_address(each) for each in target_addresses(case)}
    return bool(addresses) and all(as_address(each) in known for each in addresses)


def side(case: Case, server: NameServer) -> Side:
    """Return whom a name server sends pulls to."""
    values, spoke = said_values(server)
    if not values:
        return Side.MISSING if spoke else Side.SILENT
    return Side.NEW if leads_to_target(case, values) else Side.OLD


def sides(case: Case) -> list[tuple[NameServer, Side]]:
    """Return the servers that answer for the zone, each with whom it sends pulls to."""
    return [(server, side(case, server)) for server in serving(case.evidence.zone)]


def has_begun(case: Case) -> bool:
    """Tell whether any name server says the new value."""
    return any(each is Side.NEW for _, each in sides(case))


def has_changed(case: Case) -> bool:
    """Tell whether every name server that says anything says the new value."""
    found = {each for _, each in sides(case)} - {Side.SILENT}
    return found == {Side.NEW}


def server_label(server: NameServer) -> str:
    """Return a name server as it is shown."""
    return f"{server.name} ({server.address})"


def observed(evidence: Evidence, history: Sequence[Served] = ()) -> tuple[Served, ...]:
    """Return the history with what this evidence has of every name server."""
    told = tuple(history)
    for server in serving(evidence.zone):
        values, spoke = said_values(server)
        if not spoke:
            continue
        ttls = [records.ttl for records in leading_at(server)]
        negative = evidence.zone.negative_ttl if evidence.zone else 0
        at = max((a.at for a in server.answers), default=evidence.taken)
        told = absorbed(told, server.address, values, max(ttls, default=negative), at)
    return told


def view_values(view_answer: DnsAnswer) -> tuple[str, ...]:
    """Return what a resolver's answer says: the first link of a chain, or the addresses."""
    link = view_answer.of("CNAME")
    return tuple(sorted(link.values)) if link else tuple(sorted(view_answer.addresses))


def has_spoken(answer: DnsAnswer) -> bool:
    """Tell whether a resolver's answer says what there is, or that there is nothing.

    One without records and without an SOA says neither (RFC 2308, 2.2): a peek at an empty cache.
    """
    if answer.error or answer.rcode not in ("NOERROR", "NXDOMAIN"):
        return False
    silent = answer.rcode == "NOERROR" and not answer.records
    return not silent or any(records.type == "SOA" for records in answer.authority)


def view_side(case: Case, answer: DnsAnswer) -> Side:
    """Return whom one answer of a resolver sends pulls to."""
    if not has_spoken(answer):
        return Side.SILENT
    values = view_values(answer)
    if not values:
        return Side.MISSING
    return Side.NEW if leads_to_target(case, values) else Side.OLD


def remaining_ttl(answer: DnsAnswer) -> int:
    """Return the TTL that is left of the domain's own record in a resolver's answer."""
    own = [r.ttl for r in answer.records if r.name == answer.question and r.type in LEADING]
    return max(own, default=0)


def sampled(views: Iterable[ResolverView]) -> tuple[Sample, ...]:
    """Return what resolvers answered, for the timeline. Answers that failed are left out."""
    return tuple(
        Sample(view.resolver, view_values(answer), remaining_ttl(answer), answer.at)
        for view in views
        for answer in view.samples
        if has_spoken(answer)
    )


def clocks_of(case: Case) -> Clocks:
    """Return the three clocks of the change. Every value that leads to the target counts as new."""
    wanted = (case.subject.points_at,)

    def canonical(values: tuple[str, ...]) -> tuple[str, ...]:
        return wanted if leads_to_target(case, values) else values

    history = [replace(each, values=canonical(each.values)) for each in case.history]
    samples = [replace(each, values=canonical(each.values)) for each in case.samples]
    return clocks(history, samples, wanted, case.now)


def at_target(case: Case, items: Iterable[_P]) -> list[_P]:
    """Return what was seen at the target's addresses."""
    known = {as_address(each) for each in target_addresses(case)} - {None}
    return [item for item in items if as_address(item.address) in known]


def old_addresses(
    case: Case,
) -> set[ipaddress.IPv4Address | ipaddress.IPv6Address | None]:
    """Return the addresses at which the old registry was asked."""
    return {as_address(each.address) for each in case.evidence.probes if each.side == "old"}


def elsewhere(case: Case, items: Iterable[_P]) -> list[_P]:
    """Return what was seen at other addresses than the target's: the old registry's."""
    mine = at_target(case, items := list(items))
    return [item for item in items if item not in mine]


def resolvers_answer(case: Case) -> bool:
    """Tell whether any resolver says anything of the domain."""
    newest = (view.newest for view in case.evidence.resolvers if view.samples)
    return any(view_side(case, answer) is not Side.SILENT for answer in newest)


def ttl_served(case: Case) -> int | None:
    """Return the longest TTL that a name server gives the domain's record, None without any."""
    ttls = (r.ttl for server in serving(case.evidence.zone) for r in leading_at(server))
    return max(ttls, default=None)
