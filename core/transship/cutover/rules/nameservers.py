"""The name servers of the zone: who serves it, in which copy, signed or not.

P-03, P-04, P-33 and F-06.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from transship.cutover.evidence import DnsAnswer, NameServer, ResolverView, Signature, ZoneEvidence
from transship.cutover.finding import (
    CheckVerdict,
    Finding,
    block,
    info,
    judged,
    listed,
    span_text,
    unknown,
    utc_text,
    warn,
)
from transship.cutover.finding import block as blocking
from transship.cutover.providers import provider_of
from transship.cutover.rules.case import (
    Case,
    has_changed,
    is_ipv6,
    resolvers_answer,
    server_label,
    serving,
    ttl_served,
)
from transship.text import counted

_Severe = Callable[[str, str, str, str], Finding]

_SOA_FIELDS = 7

_HALF_A_RING = 1 << 31


def check_delegation(case: Case) -> CheckVerdict:
    """P-03: every server that is named serves the zone, by UDP and TCP (RFC 1912, 2.8)."""
    zone = case.evidence.zone
    if zone is None or not zone.name:
        return unknown("the domain's zone")
    if not zone.servers and not zone.unresolved:
        return unknown("the zone's name servers", zone.error)
    away = [s for s in zone.servers if _is_out_of_reach(s)]
    rest = [s for s in zone.servers if s not in away]
    quiet = [s for s in rest if _is_silent(s)]
    lame = [s for s in rest if s not in quiet and not _serves(s)]
    if len(quiet) + len(away) == len(zone.servers) and zone.servers and resolvers_answer(case):
        return unknown(
            "a way from here to name servers: port 53, UDP and TCP",
            "resolvers answer, but no name server does: port 53 seems to be shut on the way out",
        )
    broken = len(lame) + len(quiet) + len(zone.unresolved)
    many = broken * 2 > len(rest) + len(zone.unresolved)
    severe = _block if many else _warn
    found = (
        _lame(zone, lame, len(zone.servers), severe),
        _silent(quiet, severe),
        _unresolved(zone, severe),
        _one_way([s for s in rest if _serves(s)]),
        _unlike(zone),
        _out_of_reach(away),
    )
    count = counted(len(zone.servers), "address", "addresses")
    return judged(found, f"{count} of name servers, all serve {zone.name} by UDP and TCP")


def _block(name: str, seen: str, means: str, remedy: str) -> Finding:
    return blocking(name, seen, means, remedy)


def _warn(name: str, seen: str, means: str, remedy: str) -> Finding:
    return warn(name, seen, means, remedy)


def _is_out_of_reach(server: NameServer) -> bool:
    """Tell whether there is no way from here: no IPv6 here says nothing of the server."""
    return {server.soa.error, server.soa_tcp.error} == {"unreachable"}


def _is_silent(server: NameServer) -> bool:
    return bool(server.soa.error and server.soa_tcp.error)


def _serves(server: NameServer) -> bool:
    return any(a.authoritative and a.rcode == "NOERROR" for a in (server.soa, server.soa_tcp))


def _manner(server: NameServer) -> str:
    """Return how a server shows that it doesn't serve the zone."""
    answer = server.soa_tcp if server.soa.error else server.soa
    if answer.rcode != "NOERROR":
        return f"{server_label(server)} answers {answer.rcode}"
    upward = any(records.type == "NS" for records in answer.authority)
    return f"{server_label(server)} " + ("refers elsewhere" if upward else "isn't authoritative")


def _lame(
    zone: ZoneEvidence, servers: Sequence[NameServer], total: int, severe: _Severe
) -> Finding | None:
    if not servers:
        return None
    return severe(
        "lame-server",
        f"{listed(map(_manner, servers))} for {zone.name}.",
        f"{len(servers)} of {total} name servers don't serve the zone (lame): lookups are slow or "
        "fail there already today, and a change doesn't arrive there.",
        "Take them out of the name servers at the registrar and out of the zone's NS records, or "
        "repair them, before the change.",
    )


def _silent(servers: Sequence[NameServer], severe: _Severe) -> Finding | None:
    if not servers:
        return None
    return severe(
        "silent-server",
        f"{listed(f'{server_label(s)}: {s.soa.error}' for s in servers)}, by UDP and TCP.",
        "These name servers gave no answer here. If nobody gets one, lookups are slow already "
        "today, and it can't be seen whether the change arrives there.",
        "Look from another network. If they are down, repair them or take them out at the "
        "registrar.",
    )


def _unresolved(zone: ZoneEvidence, severe: _Severe) -> Finding | None:
    if not zone.unresolved:
        return None
    return severe(
        "server-without-address",
        f"{listed(zone.unresolved)}: named as a name server, but has no address.",
        "Lookups that pick it lose time or fail.",
        "Give it an address, or take it out at the registrar and out of the zone's NS records.",
    )


def _one_way(servers: Iterable[NameServer]) -> Finding | None:
    shut = [(s, "TCP", s.soa_tcp.error) for s in servers if s.soa_tcp.error]
    shut += [(s, "UDP", s.soa.error) for s in servers if s.soa.error]
    if not shut:
        return None
    return warn(
        "one-transport-only",
        f"{listed(f'{server_label(s)}: no answer by {way} ({why})' for s, way, why in shut)}.",
        "Without UDP lookups are slow; without TCP long and signed answers fail.",
        "Open port 53 for both, UDP and TCP, in front of the server.",
    )


def _unlike(zone: ZoneEvidence) -> Finding | None:
    if not (zone.parent_servers and zone.child_servers):
        return None
    above, below = set(zone.parent_servers), set(zone.child_servers)
    if above == below:
        return None
    parts = []
    if above - below:
        parts.append(f"only above: {listed(sorted(above - below))}")
    if below - above:
        parts.append(f"only in the zone: {listed(sorted(below - above))}")
    return warn(
        "servers-differ",
        f"The registrar and the zone name different name servers ({'; '.join(parts)}).",
        "A move of name servers may be under way, or half done. Some resolvers ask the one set, "
        "some the other: the change has to reach both.",
        "Make both lists the same, and wait until that has run out (up to two days). One change "
        "at a time.",
    )


def _out_of_reach(servers: Sequence[NameServer]) -> Finding | None:
    if not servers:
        return None
    why = "this machine has no IPv6" if all(is_ipv6(s.address) for s in servers) else "no way there"
    return info(
        "server-out-of-reach",
        f"{listed(map(server_label, servers))}: not asked, {why}.",
        "Nothing is known of these addresses, good or bad.",
        "Run the check once from a network that reaches them.",
    )


def check_serials(case: Case) -> CheckVerdict:
    """P-04: the copies of the zone are the same. Serials of different primaries aren't compared."""
    servers = serving(case.evidence.zone)
    known = [(s, *soa) for s in servers if (soa := _soa(s)) is not None]
    if not known:
        return unknown("the zone's SOA record")
    by_primary: dict[str, list[tuple[NameServer, int]]] = defaultdict(list)
    for server, primary, serial in known:
        by_primary[primary].append((server, serial))
    found = [_behind(copies) for copies in by_primary.values()]
    if len(by_primary) > 1:
        found.append(_several(by_primary, servers))
        return judged(found, "independent copies of the zone")
    return judged(found, f"serial {known[0][2]} everywhere")


def _soa(server: NameServer) -> tuple[str, int] | None:
    """Return primary (MNAME) and serial of the zone as a server has it (RFC 1035, 3.3.13)."""
    for answer in (server.soa, server.soa_tcp):
        fields = _fields(answer)
        if len(fields) == _SOA_FIELDS and fields[2].isdecimal():
            return fields[0].lower(), int(fields[2]) % (2 * _HALF_A_RING)
    return None


def _fields(answer: DnsAnswer) -> list[str]:
    records = answer.of("SOA")
    return records.values[0].split() if records and records.values else []


def _behind(copies: Sequence[tuple[NameServer, int]]) -> Finding | None:
    """Return who has an older copy, in the arithmetic of serials (RFC 1982)."""
    if len({serial for _, serial in copies}) < 2:
        return None
    newest = copies[0][1]
    for _, serial in copies:
        newest = serial if 0 < (serial - newest) % (2 * _HALF_A_RING) < _HALF_A_RING else newest
    late = [f"{server_label(server)} has {serial}" for server, serial in copies if serial != newest]
    return warn(
        "serial-behind",
        f"The newest copy of the zone is {newest}; {listed(late)}.",
        "Copies are brought along within seconds. If it stays like this, the transfer between the "
        "name servers is stuck, and the change would reach a part of the world only.",
        "Look again in a minute. If it stays, repair the transfer (notify, access list, key) "
        "before the change.",
    )


def _several(
    by_primary: dict[str, list[tuple[NameServer, int]]], servers: Sequence[NameServer]
) -> Finding | None:
    providers = {provider_of([server.name]).title for server in servers}
    primaries = listed(sorted(by_primary))
    return info(
        "several-primaries",
        f"The name servers have {len(by_primary)} primaries: {primaries}.",
        "Their serials count independently, so only the answers are compared. "
        + ("The zone is kept at more than one provider." if len(providers) > 1 else ""),
        "Make the change in every place where the zone is kept.",
    )


_NO_ANSWER = ("timeout", "refused", "unreachable", "closed", "malformed", "no record", "")

_MARGIN = 6 * 3600.0
"""A signer that works renews signatures at least so long, in seconds, before they end."""


def check_signed(case: Case) -> CheckVerdict:
    """P-33: the record is rightly signed at every server, or the zone isn't signed at all."""
    zone = case.evidence.zone
    if zone is None or not serving(zone):
        return unknown("the zone and its name servers")
    found = [_bogus(case)]
    if not zone.signed:
        if zone.ds is None or zone.ds.error or zone.ds.rcode not in ("NOERROR", "NXDOMAIN"):
            return judged(found, "", "the DS records of the zone, from its parent's servers")
        return judged(found, "the zone isn't signed, so no signature can be wrong")
    checked = [s for s in case.evidence.signatures if s.valid or s.error not in _NO_ANSWER]
    found += [_invalid(checked), _ending(case, checked)]
    if not checked:
        return judged(found, "", "the signatures of the record at each name server")
    ends = min((s.expires for s in checked if s.expires is not None), default=None)
    until = "" if ends is None else f", until {utc_text(ends)}"
    return judged(found, f"rightly signed at {len(checked)} of {len(serving(zone))} servers{until}")


def check_new_signatures(case: Case) -> CheckVerdict:
    """F-06: the new record is rightly signed.

    Resolvers set AD only where the whole chain is signed: through a service's unsigned zone it is
    missing, and rightly.
    """
    if not has_changed(case):
        return unknown("the change")
    return check_signed(case)


def _bogus(case: Case) -> Finding | None:
    """Return which resolvers refuse what they would give without checking."""
    refusing = [view for view in case.evidence.resolvers if _refuses(view)]
    if not refusing:
        return None
    names = listed(view.resolver for view in refusing)
    reasons = listed((e for view in refusing for e in view.newest.extended), 2)
    own = [s for s in case.evidence.signatures if s.error not in _NO_ANSWER or s.valid]
    right = bool(own) and all(s.valid for s in own)
    doubt = (
        " Seen from here the zone's own signatures are right: an old key in their cache, a wrong "
        "trust anchor, or a wrong clock would do it too."
        if right
        else ""
    )
    return block(
        "bogus",
        f"{names} refuses the name (SERVFAIL{f', {reasons}' if reasons else ''}), and answers when "
        "told not to check signatures.",
        "Signatures don't match (DNSSEC bogus): behind resolvers that check them, pulls fail "
        f"already today.{doubt}",
        "Don't change the record now. Sign the zone anew, or set the DS records at the registrar "
        "right; then check again.",
    )


def _refuses(view: ResolverView) -> bool:
    if not view.samples or view.newest.rcode != "SERVFAIL" or view.unchecked is None:
        return False
    return not view.unchecked.error and view.unchecked.rcode in ("NOERROR", "NXDOMAIN")


def _invalid(checked: Sequence[Signature]) -> Finding | None:
    wrong = [s for s in checked if not s.valid]
    if not wrong:
        return None
    return block(
        "signature-invalid",
        listed(f"{s.address}: {s.error}" for s in wrong) + ".",
        "Resolvers that check signatures refuse what these servers say of the name: pulls fail "
        "behind them.",
        "Sign the zone anew, or set the DS records at the registrar right. A change of the record "
        "doesn't help.",
    )


def _ending(case: Case, checked: Sequence[Signature]) -> Finding | None:
    ends = min((s.expires for s in checked if s.valid and s.expires is not None), default=None)
    if ends is None:
        return None
    needed = 2 * (ttl_served(case) or 0)
    if not ends < case.now + needed + _MARGIN:
        return None
    severe = block if ends < case.now + needed else warn
    return severe(
        "signatures-end-soon",
        f"The record's signature ends at {utc_text(ends)}, in {span_text(ends - case.now)}.",
        "The signer seems to have stopped. After that the name is refused by resolvers that check.",
        "Look whether the primary still signs, and let it sign the zone anew.",
    )
