"""Every name server of a domain's zone, at every address, asked directly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from transship.cutover.evidence import Answer, NameServer, RecordSet, Zone
from transship.cutover.observe.asking import Asker
from transship.cutover.observe.finding_zones import (
    Delegation,
    addresses,
    find_zone,
    first_answer,
    targets,
)
from transship.cutover.subject import Resolver

SNAPSHOT = (
    "CNAME", "A", "AAAA", "TXT", "CAA", "HTTPS", "SVCB", "MX", "NS", "DS", "SRV",
)  # fmt: skip
"""What a name can hold that a change of it may touch."""

CHANGING = ("CNAME", "A", "AAAA")
"""What leads a pull."""

_NEGATIVE_FIELDS = 7  # RFC 1035, 3.3.13: the last of them is the minimum.


async def walk(
    asker: Asker, name: str, through: Sequence[Resolver], *, kinds: Iterable[str] = SNAPSHOT
) -> Zone:
    """Find the zone that holds `name` through the resolvers, and ask all its servers for `kinds`.

    The servers are those that the parent names and those that the zone itself names.
    """
    found = await find_zone(asker, name, through)
    if isinstance(found, Answer):
        return Zone("", (), (), (), error=found.error or f"no zone found ({found.rcode})")
    known = await first_answer(asker, found.zone, "NS", through)
    names = {*found.servers, *targets(known.of("NS"))}
    kinds = tuple(kinds)
    servers, unresolved = await _look_at_all(asker, found, name, names, through, kinds)
    named = {
        target
        for server in servers
        if server.ns is not None and server.ns.authoritative
        for target in targets(server.ns.of("NS"))
    }
    more, nowhere = await _look_at_all(asker, found, name, named - names, through, kinds)
    servers += more
    return Zone(
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


async def walk_again(
    asker: Asker, zone: Zone, name: str, *, kinds: Iterable[str] = CHANGING
) -> Zone:
    """Ask the same servers at the same addresses once more, without looking for others."""
    kinds = tuple(kinds)
    servers = await asyncio.gather(
        *(look_at(asker, zone.name, name, s.name, s.address, kinds) for s in zone.servers)
    )
    return replace(zone, servers=tuple(servers), negative_ttl=_negative_ttl(servers))


async def look_at(
    asker: Asker, zone: str, name: str, server: str, address: str, kinds: Iterable[str]
) -> NameServer:
    """Ask one server at one address about the zone, and if it says anything, about the name."""
    soa, soa_tcp = await asyncio.gather(
        *(
            asker.ask_server(zone, "SOA", server, address, transport=transport)
            for transport in ("udp", "tcp")
        )
    )
    if soa.error and soa_tcp.error:
        return NameServer(server, address, soa, soa_tcp)
    ns, *answers = await asyncio.gather(
        asker.ask_server(zone, "NS", server, address),
        *(asker.ask_server(name, kind, server, address) for kind in kinds),
    )
    return NameServer(server, address, soa, soa_tcp, tuple(answers), ns)


async def ask_zone(asker: Asker, zone: Zone, name: str, kind: str) -> Answer:
    """Ask the first of the zone's servers that answers for it."""
    answer = Answer(name, kind, "", "", asker.clock.now(), error="no server of the zone answers")
    for server in zone.servers:
        if not (server.soa.authoritative or server.soa_tcp.authoritative):
            continue
        answer = await asker.ask_server(name, kind, server.name, server.address)
        if not answer.error:
            break
    return answer


async def _look_at_all(
    asker: Asker,
    found: Delegation,
    name: str,
    servers: Iterable[str],
    through: Sequence[Resolver],
    kinds: Sequence[str],
) -> tuple[list[NameServer], list[str]]:
    """Return what each address of each server said, and the servers without an address."""
    ordered = sorted(servers)
    known = await asyncio.gather(*(addresses(asker, server, through) for server in ordered))
    places = {
        server: own or found.glue.get(server, ())
        for server, own in zip(ordered, known, strict=True)
    }
    looks = await asyncio.gather(
        *(
            look_at(asker, found.zone, name, server, address, kinds)
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
