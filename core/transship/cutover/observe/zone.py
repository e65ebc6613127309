"""The zone that holds a name: its delegation, and each name server at each address, asked.

And what stands around the name there: a wildcard, DNAME, CAA, TXT of controllers, slips.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import dns.message

from transship.cutover.domain import Resolver, ancestors, is_address, parent_of, under
from transship.cutover.evidence import DnsAnswer, NameServer, RecordSet, ZoneEvidence
from transship.cutover.observe.dns_queries import DnsClient, DnsQuestion, record_set

_ANSWERED = ("NOERROR", "NXDOMAIN")


@dataclass(frozen=True, slots=True)
class ZoneDelegation:
    """A zone as its parent sees it. `glue` has the addresses that the parent gives, by server."""

    zone: str
    parent: str
    referral: DnsAnswer | None = None
    ds: DnsAnswer | None = None
    glue: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def servers(self) -> tuple[str, ...]:
        """The names in the parent's NS records."""
        return server_names(name_servers(self.referral, self.zone))


async def first_answer(
    dns_client: DnsClient, name: str, kind: str, through: Sequence[Resolver]
) -> DnsAnswer:
    """Ask the resolvers in turn until one knows; return the last one's word otherwise.

    Those that said nothing when they were last asked come last.
    Signatures aren't checked, so that a zone that they are wrong in can be looked at too.
    """
    answer = DnsAnswer(name, kind, "", "", dns_client.clock.now(), error="no resolver")
    for resolver in sorted(through, key=dns_client.is_silent):
        answer = await dns_client.ask(name, kind, resolver, check=False)
        if answer.rcode in _ANSWERED:
            break
    return answer


async def find_zone(
    dns_client: DnsClient, name: str, through: Sequence[Resolver]
) -> ZoneDelegation | DnsAnswer:
    """Return the zone that holds `name`, as its parent sees it.

    The names above are asked for their SOA. Where a name below the one that has it gave no answer
    at all, its servers may all be broken: then the zone above is asked whether there is another in
    between. Returns the answer that says why, when no zone can be found.
    """
    names = [each for each in ancestors(name) if each]
    answers = await asyncio.gather(
        *(first_answer(dns_client, each, "SOA", through) for each in names)
    )
    found = next((i for i, answer in enumerate(answers) if answer.of("SOA")), None)
    if found is None:
        return answers[0]
    if any(answer.rcode not in _ANSWERED for answer in answers[:found]):
        below = await _delegation(dns_client, names[found], name, through)
        if below is not None and below.zone != names[found]:
            return below
    tops = [each for each, answer in zip(names, answers, strict=True) if answer.of("SOA")]
    above = tops[1] if len(tops) > 1 else ""
    delegation = await _delegation(dns_client, above, names[found], through)
    if delegation is None or delegation.zone != names[found]:
        return ZoneDelegation(names[found], above)
    return delegation


async def server_addresses(
    dns_client: DnsClient, name: str, through: Sequence[Resolver]
) -> tuple[str, ...]:
    """Return the addresses of a server, IPv4 first, empty when it has none."""
    both = await asyncio.gather(
        *(first_answer(dns_client, name, kind, through) for kind in ("A", "AAAA"))
    )
    return tuple(address for answer in both for address in answer.addresses)


def name_servers(answer: DnsAnswer | None, zone: str) -> RecordSet | None:
    """Return the NS records of `zone`, wherever in the answer they are."""
    if answer is None:
        return None
    everywhere = (*answer.records, *answer.authority)
    return next((r for r in everywhere if (r.name, r.type) == (zone, "NS")), None)


def server_names(records: RecordSet | None) -> tuple[str, ...]:
    """Return the names in NS records, without the dot at their end, in order."""
    return tuple(sorted(value.rstrip(".") for value in records.values)) if records else ()


async def _delegation(
    dns_client: DnsClient, parent: str, name: str, through: Sequence[Resolver]
) -> ZoneDelegation | None:
    """Ask the servers of `parent`, one after another, to whom they refer for `name`.

    The zone of the result is the parent itself when it refers to nobody. None: no server of the
    parent answers.
    """
    known = await first_answer(dns_client, parent, "NS", through)
    for server in server_names(known.of("NS")):
        for address in await server_addresses(dns_client, server, through):
            question = DnsQuestion(name, "NS", recurse=False)
            reply = await dns_client.exchange_server(question, server, address)
            zone = _referred(reply.answer, parent)
            if zone is None or reply.message is None:
                continue
            ds = None
            if zone != parent:
                ds = await dns_client.ask_server(zone, "DS", server, address)
            return ZoneDelegation(zone, parent, reply.answer, ds, _glue(reply.message))
    return None


def _referred(answer: DnsAnswer, parent: str) -> str | None:
    """Return the zone that an answer refers to, the parent for none, None for no good answer."""
    if answer.rcode not in _ANSWERED:
        return None
    below = [
        records.name
        for records in (*answer.records, *answer.authority)
        if records.type == "NS" and records.name in ancestors(answer.question)
    ]
    closest = max(below, key=len, default=parent)
    if len(closest) > len(parent):
        return closest
    return parent if answer.authoritative else None


def _glue(message: dns.message.Message) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for records in _records(message):
        if records.type in ("A", "AAAA"):
            found[records.name] = (*found.get(records.name, ()), *records.values)
    return found


def _records(message: dns.message.Message) -> Iterable[RecordSet]:
    return (record_set(rrset) for rrset in message.additional)


SNAPSHOT_TYPES = (
    "CNAME", "A", "AAAA", "TXT", "CAA", "HTTPS", "SVCB", "MX", "NS", "DS", "SRV",
)  # fmt: skip
"""What a name can hold that a change of it may touch."""

CHANGING_TYPES = ("CNAME", "A", "AAAA")
"""What leads a pull."""

_NEGATIVE_FIELDS = 7  # RFC 1035, 3.3.13: the last of them is the minimum.


async def observe_zone(
    dns_client: DnsClient,
    name: str,
    through: Sequence[Resolver],
    *,
    kinds: Iterable[str] = SNAPSHOT_TYPES,
) -> ZoneEvidence:
    """Find the zone that holds `name` through the resolvers, and ask all its servers for `kinds`.

    The servers are those that the parent names and those that the zone itself names.
    """
    found = await find_zone(dns_client, name, through)
    if isinstance(found, DnsAnswer):
        return ZoneEvidence("", (), (), (), error=found.error or f"no zone found ({found.rcode})")
    known = await first_answer(dns_client, found.zone, "NS", through)
    names = {*found.servers, *server_names(known.of("NS"))}
    kinds = tuple(kinds)
    servers, unresolved = await _ask_name_servers(dns_client, found, name, names, through, kinds)
    named = {
        target
        for server in servers
        if server.ns is not None and server.ns.authoritative
        for target in server_names(server.ns.of("NS"))
    }
    more, nowhere = await _ask_name_servers(dns_client, found, name, named - names, through, kinds)
    servers += more
    return ZoneEvidence(
        name=found.zone,
        parent_servers=found.servers,
        child_servers=tuple(sorted(named)),
        servers=tuple(servers),
        unresolved=tuple(unresolved + nowhere),
        signed=bool(found.ds and found.ds.of("DS")),
        negative_ttl=_negative_ttl(servers),
        error="" if servers else "no name server has an address",
        parent=found.parent,
        delegation=found.referral,
        ds=found.ds,
    )


async def observe_zone_again(
    dns_client: DnsClient, zone: ZoneEvidence, name: str, *, kinds: Iterable[str] = CHANGING_TYPES
) -> ZoneEvidence:
    """Ask the same servers at the same addresses once more, without looking for others."""
    kinds = tuple(kinds)
    servers = await asyncio.gather(
        *(
            ask_name_server(dns_client, zone.name, name, s.name, s.address, kinds)
            for s in zone.servers
        )
    )
    return replace(zone, servers=tuple(servers), negative_ttl=_negative_ttl(servers))


async def ask_name_server(
    dns_client: DnsClient, zone: str, name: str, server: str, address: str, kinds: Iterable[str]
) -> NameServer:
    """Ask one server at one address about the zone, and if it says anything, about the name."""
    soa, soa_tcp = await asyncio.gather(
        *(
            dns_client.ask_server(zone, "SOA", server, address, transport=transport)
            for transport in ("udp", "tcp")
        )
    )
    if soa.error and soa_tcp.error:
        return NameServer(server, address, soa, soa_tcp)
    ns, *answers = await asyncio.gather(
        dns_client.ask_server(zone, "NS", server, address),
        *(dns_client.ask_server(name, kind, server, address) for kind in kinds),
    )
    return NameServer(server, address, soa, soa_tcp, tuple(answers), ns)


async def ask_zone(dns_client: DnsClient, zone: ZoneEvidence, name: str, kind: str) -> DnsAnswer:
    """Ask the first of the zone's servers that answers for it."""
    answer = DnsAnswer(
        name, kind, "", "", dns_client.clock.now(), error="no server of the zone answers"
    )
    for server in zone.servers:
        if not (server.soa.authoritative or server.soa_tcp.authoritative):
            continue
        answer = await dns_client.ask_server(name, kind, server.name, server.address)
        if not answer.error:
            break
    return answer


async def _ask_name_servers(
    dns_client: DnsClient,
    found: ZoneDelegation,
    name: str,
    servers: Iterable[str],
    through: Sequence[Resolver],
    kinds: Sequence[str],
) -> tuple[list[NameServer], list[str]]:
    """Return what each address of each server said, and the servers without an address."""
    ordered = sorted(servers)
    known = await asyncio.gather(
        *(server_addresses(dns_client, server, through) for server in ordered)
    )
    places = {
        server: own or found.glue.get(server, ())
        for server, own in zip(ordered, known, strict=True)
    }
    looks = await asyncio.gather(
        *(
            ask_name_server(dns_client, found.zone, name, server, address, kinds)
            for server, own in places.items()
            for address in own
        )
    )
    return list(looks), [server for server, own in places.items() if not own]


def _negative_ttl(servers: Iterable[NameServer]) -> int:
    """Return for how long "no such name" is remembered: the lower of SOA's TTL and minimum."""
    said = (records for s in servers for a in (s.soa, s.soa_tcp) if (records := a.of("SOA")))
    return max((_negative(records) for records in said), default=0)


def _negative(soa: RecordSet) -> int:
    fields = soa.values[0].split()
    return min(soa.ttl, int(fields[-1])) if len(fields) == _NEGATIVE_FIELDS else soa.ttl


_OWNERS = ("", "cname-", "a-", "aaaa-", "_owner.")
"""In front of a domain: the names at which controllers leave a TXT record of their own."""


async def ask_wildcard(dns_client: DnsClient, zone: ZoneEvidence, name: str) -> DnsAnswer:
    """Ask the zone for a name beside the domain that nobody has made (RFC 4592)."""
    beside = zone.name if name == zone.name else parent_of(name)
    return await ask_zone(dns_client, zone, under(secrets.token_hex(8), beside), "A")


async def ask_ownership(
    dns_client: DnsClient, zone: ZoneEvidence, name: str
) -> tuple[DnsAnswer, ...]:
    """Ask the zone for the TXT records by which a controller says that it manages the name."""
    names = (f"{owner}{name}" for owner in _OWNERS)
    return await _gathered(ask_zone(dns_client, zone, each, "TXT") for each in names)


async def ask_misspelt(
    dns_client: DnsClient, zone: ZoneEvidence, name: str, target: str
) -> tuple[DnsAnswer, ...]:
    """Ask the zone for the names that a forgotten dot at the end would have made.

    `name.zone` as the owner of the record; `target.zone` as what it would point at.
    """
    names = [name] if is_address(target) else [name, target]
    return await _gathered(
        ask_zone(dns_client, zone, under(each, zone.name), "CNAME") for each in names
    )


async def ask_aliases(
    dns_client: DnsClient, zone: ZoneEvidence, name: str
) -> tuple[DnsAnswer, ...]:
    """Ask the zone for DNAME at the names above the domain, up to the zone's top (RFC 6672)."""
    above = [each for each in ancestors(name)[1:] if len(each) >= len(zone.name)]
    return await _gathered(ask_zone(dns_client, zone, each, "DNAME") for each in above)


async def ask_authorities(
    dns_client: DnsClient, names: Sequence[str], through: Sequence[Resolver]
) -> tuple[DnsAnswer, ...]:
    """Ask for CAA of the names and of all above them but the root, each once.

    A resolver follows CNAMEs here, as a certificate authority does (RFC 8659, 3).
    """
    asked = dict.fromkeys(
        each for name in names if not is_address(name) for each in ancestors(name) if each
    )
    return await _gathered(first_answer(dns_client, each, "CAA", through) for each in asked)


async def _gathered(questions: Iterable[Awaitable[DnsAnswer]]) -> tuple[DnsAnswer, ...]:
    return tuple(await asyncio.gather(*questions))
